"""Every test of quality has a catalogue and a cache of its own; the clean days that defects are planted in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.feeds.importers.formats import open_file
from engine.feeds.importers.options import Options
from engine.feeds.lineage import Columns, Lineage, join, part
from engine.feeds.synthetic import sample


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The catalogue's root."""
    monkeypatch.setenv("ONETAPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path / "catalogue"))
    return tmp_path / "catalogue"


def synthetic_day(rows: int = 100_000, seed: int = 5) -> Columns:
    """A trading day of quotes without gaps and bad ticks; of quotes equal in everything one is kept."""
    tape = sample(["EURUSD"], rows, seed, quotes_per_minute=rows / 1_500, gaps=False)
    together = join([{name: day[name] for name in ("ts", "bid", "ask")} for day in tape.days()])
    rows = np.stack([together["ts"], together["bid"].view(np.int64), together["ask"].view(np.int64)], axis=1)
    together = part(together, np.sort(np.unique(rows, axis=0, return_index=True)[1]))
    return {**together, "ts_event": together["ts"] - 20_000_000}


@pytest.fixture(scope="session")
def real_day(shared: Path) -> Columns:
    """EURUSD of 2019-02-04, Dukascopy: 136,741 quotes."""
    return join(list(open_file(shared / "data/fx_ticks/eurusd_dukascopy_ticks_2019-02-04.parquet", Options()).chunks))


QUOTES = Lineage(source="test", symbol="EURUSD")
