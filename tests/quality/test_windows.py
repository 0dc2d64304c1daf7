"""Rolling quality (catalogue row 22): pandas counts the same in every window, and a recorder's clock is measured."""

from __future__ import annotations

import json
import lzma
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cli
from engine.core.zones import HOUR, SECOND
from engine.feeds.importers.options import Options
from engine.feeds.lineage import Columns, size
from engine.feeds.quality.check import check
from engine.feeds.quality.flags import BITS
from engine.feeds.quality.profile import Collector, profile
from engine.feeds.quality.validator import Validator
from engine.feeds.quality.week import week_of
from engine.feeds.quality.windows import REJECTED, SPANS, SPIKED, STALE, Marked, Window, worst_windows
from engine.ops import console
from tests.quality.conftest import QUOTES, synthetic_day
from tests.quality.plant import plant

MINUTE = 60 * SECOND
FX = week_of("EURUSD")


def recount(day: Columns, flags: np.ndarray, until: pd.Timestamp, span: str) -> dict[str, float]:
    """One window by pandas, from the rows alone."""
    frame = pd.DataFrame(day, index=pd.to_datetime(day["ts"], utc=True).as_unit("ns")).assign(flags=flags)
    frame["still"] = np.where(frame["flags"] & STALE, frame["ts"].diff().clip(lower=0).fillna(0) / SECOND, 0.0)
    inside = frame[(frame.index >= until - pd.Timedelta(span)) & (frame.index < until)]
    minutes = pd.date_range(until - pd.Timedelta(span), until, freq="1min", inclusive="left").as_unit("ns")
    due = minutes[FX.is_open(minutes.asi8)]
    rejected = (inside["flags"] & REJECTED) != 0
    spread = (inside["ask"] - inside["bid"])[~rejected]
    share = {
        "missing": 1 - len(due.intersection(inside.index.floor("1min").unique())) / len(due) if len(due) else 0.0,
        "reject": rejected.sum() / max(len(inside), 1),
        "stale": ((inside["flags"] & STALE) != 0).sum() / max(len(inside), 1),
        "spike": ((inside["flags"] & SPIKED) != 0).sum() / max(len(inside), 1),
    }
    weights = {"missing": 0.4, "reject": 0.3, "stale": 0.2, "spike": 0.1}
    return {
        "score": 100 * np.prod([1 - weight * share[name] for name, weight in weights.items()]),
        "rows": len(inside), "expected": len(due), "stale_s": inside["still"].sum(),
        "duplicates": ((inside["flags"] & BITS["duplicate"]) != 0).sum(),
        "spikes": ((inside["flags"] & SPIKED) != 0).sum(), "spread_p99": spread.quantile(0.99),
        "spread_p50": spread.median(), "skew_s": ((inside["ts"] - inside["ts_event"]) / SECOND).median(), **share,
    }  # fmt: skip


def windows_of(day: Columns, cut: int) -> tuple[dict[str, list[Window]], np.ndarray]:
    validator, seen = Validator(QUOTES), Collector(QUOTES)
    flags = []
    for lo in range(0, size(day), cut):
        part = {name: values[lo : lo + cut] for name, values in day.items()}
        verdict = validator.run(part)
        flags.append(verdict.flags)
        seen.add(part, verdict)
    return seen.windows(FX), np.concatenate(flags)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_window_is_what_pandas_counts(seed: int) -> None:
    day, _ = plant(synthetic_day(30_000, seed), seed, each=3)
    found, flags = windows_of(day, 1 << 20)
    assert windows_of(day, 777)[0] == found, "however the rows are cut"
    assert set(found) == {"1h", "1d"} and len(found["1h"]) > 15 and found["1d"]
    first, last = int(day["ts"].min()) // MINUTE, int(day["ts"].max()) // MINUTE
    ends = pd.to_datetime(np.arange(-(-first // 60) + 1, (last + 1) // 60 + 1) * HOUR, utc=True)
    scores = [recount(day, flags, until, "1h")["score"] for until in ends]
    bad = sorted(score for score in scores if score < 100)[:24]
    assert [one.score for one in found["1h"]] == pytest.approx(bad), "and it is the worst that are shown"
    for span, worst in found.items():
        for one in worst[:6]:
            other = recount(day, flags, pd.Timestamp(one.until, tz="UTC"), span.upper().replace("H", "h"))
            shown = {name: getattr(one, name) for name in other if hasattr(one, name)} | one.parts
            assert shown == pytest.approx(other, nan_ok=True)
            assert sum(one.rejects.values()) >= round(one.parts["reject"] * one.rows)


def test_a_clean_day_has_no_bad_window_and_a_bar_has_none_shorter_than_itself(real_day: Columns) -> None:
    minute = np.arange(0, 60 * 1440, 240)
    marked = Marked(minute, np.zeros(360, np.uint32), np.full(360, np.nan), np.zeros(360, np.float32), np.zeros(0))
    assert set(worst_windows(marked, FX, 240 * MINUTE)) == {"1d"} and set(SPANS) == {"1h", "1d"}
    day = {**real_day, "ts_event": real_day["ts"] - SECOND // 10}
    assert windows_of(day, 50_000)[0] == {"1h": [], "1d": []}


def test_a_recorders_file_shows_how_far_its_clock_is_behind(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """hftbacktest's recording of Binance: the local clock is 1.27 s behind the exchange (data/README.md)."""
    lines = ["timestamp,local_timestamp,bid_price,ask_price"]
    with lzma.open(shared / "data/crypto_l2/binance_spot_btcusdt_20240808.jsonl.xz", "rt") as recorded:
        for line in recorded:
            received, _, text = line.partition(" ")
            if found := re.search(r'"E":(\d{13})', text):
                lines.append(f"{found[1]},{received},{60_000 + len(lines) % 5},{60_001 + len(lines) % 7}")
    file = tmp_path / "BTCUSDT.csv"
    file.write_text("\n".join(lines) + "\n")
    made = profile(file, options=Options(symbol="BTCUSDT"))
    assert made.clock is not None and made.clock.behind == pytest.approx(-1.27, abs=0.02) and not made.clock.jumps
    assert check(file, Options(symbol="BTCUSDT")).count("early") == made.rows == len(lines) - 1
    page = tmp_path / "p.html"
    told = ["data", "profile", str(file), "--symbol", "BTCUSDT", "--html", str(page)]
    assert console.run(cli.app, [*told, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["clock"]["behind"] == pytest.approx(made.clock.behind)
    assert console.run(cli.app, told) == 0 and "clock: received minus stamped" in capsys.readouterr().out
    assert "Clock: received minus stamped" in page.read_text("utf-8")


def test_what_was_received_is_for_checks_and_an_import_keeps_the_time_of_the_exchange(tmp_path: Path) -> None:
    from engine.feeds.catalogue import dataset
    from engine.feeds.data import import_file

    stamps = 1_723_161_255_000_000_000 + np.arange(40) * SECOND
    rows = (f"{ts // 10**6},{ts + 3 * 10**8},1.1,{1.1001 + k % 3 * 1e-5:.5f}" for k, ts in enumerate(stamps.tolist()))
    file = tmp_path / "EURUSD.csv"
    file.write_text("ts_event,ts_recv,bid,ask\n" + "\n".join(rows) + "\n")
    import_file(file)
    (kept,) = dataset("file/EURUSD/quotes").read()
    assert np.array_equal(kept["ts"], stamps) and "received" not in kept
    clock = profile(file).clock
    assert clock is not None and clock.behind == pytest.approx(0.3) and abs(clock.ppm) < 1e-6
