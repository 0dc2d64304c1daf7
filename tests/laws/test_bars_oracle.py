"""Bars against others': Dukascopy's own minute candles, and pandas' resample, on real quotes and on hard ones."""

from __future__ import annotations

import lzma
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.frames import frame_ns
from engine.core.tape import ArrayTape
from tests.laws import market
from tests.laws.closing import build
from tests.laws.market import MINUTE, MS, SECOND, SYMBOLS

BASES = ("bid", "ask", "mid")
RULES = {"M1": "1min", "M5": "5min", "M15": "15min", "M30": "30min", "H1": "1h"}


def dukascopy(shared: Path, name: str, symbol: str, scale: float) -> ArrayTape:
    """Quotes of that file: points in, prices out, in the file's order."""
    table = pq.read_table(shared / "data/fx_ticks" / name)
    ts = table["ts_utc"].cast("int64").to_numpy() * MS
    bid, ask = (table[c].to_numpy() / scale for c in ("bid_pt", "ask_pt"))
    order = np.argsort(ts, kind="stable")
    return ArrayTape.quotes((symbol,), ts=ts[order], symbol=np.zeros(len(ts)), bid=bid[order], ask=ask[order])


def resampled(tape: ArrayTape, s: int, frame: str, basis: str) -> list[tuple[float, ...]]:
    """(start, open, high, low, close, quotes, spread) by pandas, of the bars that the tape's last stamp has ended."""
    b = tape.block
    mine = b.symbol == s
    price = {"bid": b.bid, "ask": b.ask, "mid": b.bid * 0.5 + b.ask * 0.5}[basis][mine]
    index = pd.to_datetime(b.ts[mine], unit="ns", utc=True)
    frames = pd.DataFrame({"price": price, "spread": (b.ask - b.bid)[mine]}, index=index).resample(
        RULES[frame], label="left", closed="left"
    )
    bars = frames["price"].agg(["first", "max", "min", "last", "count"]).assign(spread=frames["spread"].last())
    bars = bars[bars["count"] > 0]
    start = bars.index.astype("datetime64[ns, UTC]").astype("int64").to_numpy()
    ended = start + frame_ns(frame) <= b.ts[-1]
    return list(zip(start[ended].tolist(), *(bars[c][ended].tolist() for c in bars), strict=True))


def built(tape: ArrayTape, symbol: str, frame: str, frames: list[str], basis: str) -> list[tuple[float, ...]]:
    bars = [b for b in build(tape, frames, basis=basis) if (b.frame, b.symbol) == (frame, symbol)]
    assert all(b.known == b.end == b.start + frame_ns(frame) for b in bars)
    return [(b.start, b.open, b.high, b.low, b.close, b.volume, b.spread) for b in bars]


@pytest.fixture(scope="module")
def eurusd(shared: Path) -> ArrayTape:
    return dukascopy(shared, "eurusd_dukascopy_ticks_2019-02-04.parquet", "EURUSD", 1e5)


def test_a_day_of_minutes_is_dukascopys_own_candles_1440_of_1440(eurusd: ArrayTape, shared: Path) -> None:
    packed = (shared / "data/fx_ticks/bi5_raw/EURUSD/2019/01/04/BID_candles_min_1.bi5").read_bytes()
    candles = list(struct.iter_unpack(">5if", lzma.decompress(packed)))
    midnight = 1_549_238_400 * SECOND
    theirs = {midnight + t * SECOND: (o / 1e5, h / 1e5, lo / 1e5, c / 1e5) for t, o, c, lo, h, _ in candles}
    end = midnight + 24 * 60 * MINUTE
    ours = {b.start: (b.open, b.high, b.low, b.close) for b in build(eurusd, ["M1"], ends=end) if b.end <= end}
    assert len(theirs) == 1_440 == sum(ours[start] == candle for start, candle in theirs.items())


@pytest.mark.parametrize("basis", ["bid", "ask", "mid"])
@pytest.mark.parametrize("frame", ["M1", "M5", "H1"])
def test_bars_of_real_quotes_are_pandas_resample(eurusd: ArrayTape, frame: str, basis: str) -> None:
    expected = resampled(eurusd, 0, frame, basis)
    assert built(eurusd, "EURUSD", frame, ["M1", "M5", "H1"], basis) == expected
    assert len(expected) >= {"M1": 1_400, "M5": 280, "H1": 23}[frame]


def test_two_weeks_of_gbpjpy_with_two_weekends_are_pandas_resample(shared: Path) -> None:
    tape = dukascopy(shared, "gbpjpy_dukascopy_ticks_2012-12-02_14.parquet", "GBPJPY", 1e3)
    for frame in ("M1", "M15", "H1"):
        expected = resampled(tape, 0, frame, "mid")
        assert built(tape, "GBPJPY", frame, ["M1", "M15", "H1"], "mid") == expected
    assert np.diff(tape.block.ts).max() > market.DAY


@settings(max_examples=25)
@given(
    seed=st.integers(1, 8), basis=st.sampled_from(BASES), symbols=st.sampled_from([SYMBOLS, SYMBOLS[:1]]),
    frames=st.sampled_from([["M1"], ["M1", "M5", "M30"], ["M5", "H1"], ["M15"]]),
)  # fmt: skip
def test_bars_of_random_tapes_are_pandas_resample(seed, basis, frames, symbols) -> None:
    tape = market.quotes(symbols, 1_500, seed)
    for frame in frames:
        for s, symbol in enumerate(symbols):
            expected = resampled(tape, s, frame, basis)
            assert built(tape, symbol, frame, frames, basis) == expected
            assert len(expected) > 3
