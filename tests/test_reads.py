"""What a run reads beside its tape stands in its journal: a run made again says what has changed since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import engine
from engine.compare import compare
from engine.core.clock import parse_time
from engine.core.config import Config
from engine.core.journal import read
from engine.core.schema import build
from engine.core.zones import SECOND
from engine.features import fact
from engine.feeds.lineage import Lineage
from engine.feeds.outside import Rows
from engine.feeds.series import store_rows
from engine.reads import changed
from engine.replay import replay
from engine.report.summary import load_summary
from engine.strategy import Strategy, dataclass, strategy

DAY = 86_400 * SECOND


def keep(level: float, days: range) -> None:
    """An index of that level on these days of January 2017, published at 21:00."""
    rows = Rows()
    for n in days:
        day = parse_time("2017-01-01") + n * DAY
        rows.add("", "close", day, day + 75_600 * SECOND, 0, level + n % 2)
    store_rows(rows, Lineage(source="index", symbol="FEAR"), 0)


@strategy
@dataclass
class Fearful(Strategy):
    """Long while an index is above 20.5."""

    def features(self) -> dict[str, Any]:
        return {"fear": fact("index/FEAR/close", "value")}

    def on_row(self, row: Any) -> Any:
        return self.long(row) if row.fear > 20.5 else self.flat(row)


def config(**venue: Any) -> Config:
    data = {"source": "demo", "symbols": ["EURUSD"], "basis": "ask", "spread": "10 points", "from": "2017-01-02",
            "to": "2017-01-20"}  # fmt: skip
    return build(
        Config,
        {"name": "fear", "data": data, "strategy": [{"name": "fearful"}], "venue": venue, "risk": {"size": "0.1 lots"}},
    )


@pytest.fixture(autouse=True)
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ONETAPE_CACHE", str(tmp_path / "cache"))
    keep(20.0, range(20))


def test_a_series_that_was_changed_is_named_where_the_replay_differs(tmp_path: Path) -> None:
    path = engine.backtest(config(), out=tmp_path).path
    assert path is not None and len(engine.backtest(config()).trades) > 5
    start = next(read(path / "journal")).event
    assert list(start.reads) == ["index/FEAR"] and load_summary(path).reads == start.reads
    assert replay(path).ok
    keep(30.0, range(20, 40))
    assert replay(path).ok, "what came later changes nothing"
    (tmp_path / "data").rename(tmp_path / "old")
    keep(30.0, range(20))
    again = replay(path)
    assert not again.ok and str(again.difference).endswith("; changed since the run: index/FEAR")


def test_two_runs_that_read_different_things_say_which(tmp_path: Path) -> None:
    one = engine.backtest(config(), out=tmp_path).path
    (tmp_path / "data").rename(tmp_path / "old")
    keep(21.0, range(20))
    two = engine.backtest(config(), out=tmp_path).path
    assert one and two
    found = compare(one, two)
    assert found.reads == ["index/FEAR"] and found.parting and found.parting.causes == ["data"]


def test_files_that_a_config_names_are_read_too(tmp_path: Path) -> None:
    pings = tmp_path / "pings.csv"
    pings.write_text("ms\n20\n30\n")
    given = config(latency={"model": "trace", "file": str(pings)})
    one = engine.backtest(given, out=tmp_path).summary.reads
    pings.write_text("ms\n20\n31\n")
    two = engine.backtest(given, out=tmp_path).summary.reads
    assert set(one) == {"index/FEAR", str(pings)} and changed(one, two) == [str(pings)]


def test_a_run_that_reads_nothing_else_names_nothing() -> None:
    data = {"source": "demo", "symbols": ["EURUSD"], "from": "2017-01-02", "to": "2017-01-20"}
    plain = build(Config, {"name": "plain", "data": data, "strategy": [{"name": "ma_cross"}]})
    assert engine.backtest(plain).summary.reads == {}
