"""Tapes from the catalogue and from files: merged by the stated rule, mapped, bounded, and honest about the spread."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.config import DataConfig
from engine.core.errors import ConfigError, DataError, NotFound, OutputError
from engine.core.instrument import declare
from engine.core.tape import BAR_COLUMNS, ArrayTape, fingerprint
from engine.core.zones import HOUR
from engine.feeds.append import Append
from engine.feeds.data import sample
from engine.feeds.lineage import Columns, Lineage
from engine.feeds.mapped import open_mapped, store_mapped
from engine.feeds.synthetic import sample as market
from engine.feeds.tapes import merge, open_data, open_files, open_tape

ROWS = st.lists(st.integers(0, 9), max_size=20)
CUTS = st.lists(st.integers(0, 20), max_size=6)


def bars(lineage: Lineage, opens: list[int], spread: float = np.nan, **prices: list[float]) -> None:
    opened = np.array(opens, np.int64) * HOUR
    columns = {name: np.array(values) for name, values in prices.items()}
    rest = {"volume": np.ones(len(opened)), "spread": np.full(len(opened), spread)}
    with Append(lineage) as target:
        target.add({"ts": opened + HOUR, "open_ts": opened, **columns, **rest})


def lineage_of(basis: str, symbol: str = "EURUSD") -> Lineage:
    return Lineage(source=basis, symbol=symbol, frame="H1", basis=basis, stamps="open")  # type: ignore[arg-type]


def stretches(rows: list[int], cuts: list[int], index: int) -> list[Columns]:
    ts = np.sort(np.array(rows, np.int64))
    numbers = np.arange(len(ts), dtype=float)
    bounds = [0, *sorted({c for c in cuts if 0 < c < len(ts)}), len(ts)]
    return [
        {"ts": ts[a:b], "symbol": np.full(b - a, index, np.int16), "bid": numbers[a:b], "ask": numbers[a:b]}
        for a, b in pairwise(bounds)
        if b > a
    ]


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 9), max_size=20), st.lists(st.integers(0, 20), max_size=6)),
        min_size=2,
        max_size=4,
    )
)
def test_merged_streams_are_in_order_of_stamp_symbol_and_source_however_they_are_cut(
    feeds: list[tuple[list[int], list[int]]],
) -> None:
    merged = list(merge([iter(stretches(rows, cuts, i)) for i, (rows, cuts) in enumerate(feeds)]))
    got = [row for c in merged for row in zip(c["ts"].tolist(), c["symbol"].tolist(), c["bid"].tolist(), strict=True)]
    expected = sorted((t, i, float(k)) for i, (rows, _) in enumerate(feeds) for k, t in enumerate(sorted(rows)))
    assert got == expected


def test_a_tape_of_two_symbols_equals_the_market_it_was_written_from() -> None:
    sample(["EURUSD", "USDJPY"], 30_000, seed=2)
    tape = open_tape("sample", ["EURUSD", "USDJPY"], "quotes")
    assert tape.fingerprint == market(["EURUSD", "USDJPY"], 30_000, seed=2).fingerprint
    swapped = open_tape("sample", ["USDJPY", "EURUSD"], "quotes")
    assert swapped.symbols == ("USDJPY", "EURUSD") and swapped.fingerprint != tape.fingerprint


@settings(max_examples=20)
@given(st.integers(1, 5_000))
def test_a_mapped_tape_gives_plain_read_only_blocks_that_join_to_the_whole(size: int) -> None:
    tape = open_tape("demo", ["EURUSD"], "H1")
    blocks = list(tape.blocks(size))
    assert sum(len(b) for b in blocks) == len(tape) and all(len(b) == size for b in blocks[:-1])
    for name in BAR_COLUMNS:
        column = getattr(blocks[0], name)
        assert type(column) is np.ndarray and not column.flags.writeable and column.flags.c_contiguous
    held = ArrayTape.bars(tape.symbols, **{n: np.concatenate([getattr(b, n) for b in blocks]) for n in BAR_COLUMNS})
    assert held.fingerprint == tape.fingerprint == fingerprint(tape)


def test_a_block_that_is_kept_still_holds_its_numbers_after_its_pages_were_given_back() -> None:
    sample(["EURUSD"], 200_000, seed=2)
    tape = open_tape("sample", ["EURUSD"], "quotes")
    first, *_ = blocks = list(tape.blocks(1_000))
    again = next(open_tape("sample", ["EURUSD"], "quotes").blocks(1_000))
    assert len(blocks) == 200 and np.array_equal(first.bid, again.bid) and np.array_equal(first.ts, again.ts)


def test_from_and_to_take_what_lies_wholly_inside() -> None:
    tape = open_tape("demo", ["EURUSD"], "H1", "2017-02-01", "2017-03-01")
    block = next(tape.blocks())
    assert np.datetime64(int(block.ts_event[0]), "ns") == np.datetime64("2017-02-01T00:00")
    assert np.datetime64(int(block.ts[-1]), "ns") == np.datetime64("2017-03-01T00:00")
    half = open_tape("demo", ["EURUSD"], "H1", "2017-02-01 00:30", "2017-02-01 02:30")
    assert len(half) == 1  # 01:00 to 02:00; the bars around it stick out
    sample(["EURUSD"], 5_000, seed=2, start="2024-01-01")
    quotes = open_tape("sample", ["EURUSD"], "quotes", "2024-01-01 22:10", "2024-01-01 22:20")
    ts = next(quotes.blocks()).ts.view("M8[ns]")
    assert ts[0] >= np.datetime64("2024-01-01T22:10") and ts[-1] < np.datetime64("2024-01-01T22:20")


@pytest.mark.parametrize(
    ("basis", "bid", "note"),
    [
        ("bid", 1.10000, "bid bars: ask = bid + 10 points assumed"),
        ("ask", 1.09990, "ask bars: bid = ask - 10 points assumed"),
        ("mid", 1.09995, "mid bars: bid and ask = mid -/+ half of 10 points assumed"),
        ("last", 1.09995, "last bars: bid and ask = last price -/+ half of 10 points assumed"),
    ],
)
def test_bars_of_any_basis_become_bid_bars_with_the_declared_spread(basis: str, bid: float, note: str) -> None:
    bars(lineage_of(basis), [0, 1], open=[1.1, 1.1], high=[1.2, 1.2], low=[1.0, 1.0], close=[1.1, 1.1])
    tape = open_tape(basis, ["EURUSD"], "H1", spread="10 points")
    block = next(tape.blocks())
    assert block.open.tolist() == [bid, bid] and block.close.tolist() == [bid, bid] and (block.spread == 0.0001).all()
    assert block.high[0] == pytest.approx(bid + 0.1) and block.low[0] == pytest.approx(bid - 0.1)
    assert f"EURUSD: {note}" in tape.notes


def test_bars_without_a_spread_are_not_traded_for_free() -> None:
    prices = {"open": [1.1], "high": [1.1], "low": [1.1], "close": [1.1]}
    bars(lineage_of("bid"), [0], **prices)
    with pytest.raises(ConfigError, match="1 of 1 bars of bid/EURUSD/bars-H1 carry no spread: declare one"):
        open_tape("bid", ["EURUSD"], "H1")
    bars(lineage_of("bid", "GBPUSD"), [0], spread=0.0002, **prices)
    recorded = open_tape("bid", ["GBPUSD"], "H1")
    assert next(recorded.blocks()).spread[0] == 0.0002 and "GBPUSD: bid bars, spread as recorded" in recorded.notes
    for wrong in ("10", "1 pip", "-3 points"):
        with pytest.raises(ConfigError):
            open_tape("bid", ["EURUSD"], "H1", spread=wrong)


def test_a_spread_per_symbol_is_in_the_points_of_that_symbol() -> None:
    for symbol in ("EURUSD", "USDJPY", "MYOWN"):
        bars(lineage_of("bid", symbol), [0], open=[1.1], high=[1.1], low=[1.1], close=[1.1])
    own = declare([{"symbol": "MYOWN", "base_currency": "X", "profit_currency": "USD", "digits": 1}])
    each = {"EURUSD": "10 points", "USDJPY": "12 points", "MYOWN": "3 points"}
    tape = open_tape("bid", ["EURUSD", "USDJPY", "MYOWN"], "H1", spread=each, declared=own)
    assert next(tape.blocks()).spread.tolist() == pytest.approx([0.0001, 0.012, 0.3])
    with pytest.raises(ConfigError, match=r"unknown instrument 'MYOWN'.*\[\[instrument\]\]"):
        open_tape("bid", ["MYOWN"], "H1", spread="3 points")


def test_a_spread_in_basis_points_follows_the_price() -> None:
    prices = {"open": [1.0, 2.0], "high": [1.0, 2.0], "low": [1.0, 2.0], "close": [1.0, 2.0]}
    bars(lineage_of("bid"), [0, 1], **prices)
    assert next(open_tape("bid", ["EURUSD"], "H1", spread="2 bps").blocks()).spread.tolist() == [0.0002, 0.0004]


def test_the_data_table_of_a_config_opens_the_same_tapes(tmp_path: Path) -> None:
    demo = DataConfig(symbols=("EURUSD",), start="2017-02-01", end="2017-03-01")
    assert open_data(demo).fingerprint == open_tape("demo", ["EURUSD"], "H1", "2017-02-01", "2017-03-01").fingerprint
    (tmp_path / "quotes.csv").write_text("time,bid,ask\n2019-02-04 00:00:01,1.1,1.2\n")
    file = DataConfig(
        source="file", files=(str(tmp_path / "quotes.csv"),), symbols=("EURUSD",), kind="quotes", tz="ny+7"
    )
    assert np.datetime64(open_data(file).span[0], "ns") == np.datetime64("2019-02-03T22:00:01")


def test_new_data_or_another_spread_is_another_tape_and_the_same_is_opened_from_the_cache() -> None:
    sample(["EURUSD"], 1_000, seed=2)
    one = open_tape("sample", ["EURUSD"], "quotes")
    assert open_tape("sample", ["EURUSD"], "quotes").folder == one.folder
    sample(["EURUSD"], 2_000, seed=2)
    longer = open_tape("sample", ["EURUSD"], "quotes")
    assert len(longer) == 2_000 and longer.fingerprint != one.fingerprint


def test_a_damaged_cache_is_made_again() -> None:
    tape = open_tape("demo", ["EURUSD"], "H1")
    with (tape.folder / "close.npy").open("r+b") as file:
        file.truncate(5_000)
    assert open_tape("demo", ["EURUSD"], "H1").fingerprint == tape.fingerprint
    (tape.folder / "meta.json").write_text("{")
    assert open_tape("demo", ["EURUSD"], "H1").fingerprint == tape.fingerprint


def test_a_tape_appears_whole_or_not_at_all() -> None:
    def breaking() -> object:
        yield {"ts": np.array([1]), "symbol": np.zeros(1), "bid": np.ones(1), "ask": np.ones(1)}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store_mapped("key", "quotes", ("EURUSD",), breaking())  # type: ignore[arg-type]
    assert open_mapped("key") is None


def test_a_cache_that_cannot_be_written_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ONETAPE_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="the replay cache .* cannot be written"):
        open_tape("demo", ["EURUSD"], "H1")


def test_what_cannot_be_opened_says_why() -> None:
    sample(["EURUSD"], 100, seed=1)
    with pytest.raises(NotFound, match="did you mean demo/EURUSD/bars-H1"):
        open_tape("demo", ["EURUSD"], "H4")
    with pytest.raises(ConfigError, match="did you mean H1"):
        open_tape("demo", ["EURUSD"], "1h")
    with pytest.raises(DataError, match="no bars of EURUSD in this range"):
        open_tape("demo", ["EURUSD"], "H1", "2018-02-01")
    with pytest.raises(ConfigError, match="the range is empty"):
        open_tape("demo", ["EURUSD"], "H1", "2017-03-01", "2017-02-01")
    with pytest.raises(ConfigError, match="time 'soon' cannot be read"):
        open_tape("demo", ["EURUSD"], "H1", "soon")
    for symbols in ([], ["EURUSD", "EURUSD"], "EURUSD"):
        with pytest.raises(ConfigError, match="each named once"):
            open_tape("demo", symbols, "H1")


def test_files_are_opened_without_importing_them_and_hold_the_same_records(tmp_path: Path, own_folders: Path) -> None:
    sample(["EURUSD", "GBPUSD"], 3_000, seed=4)
    files = []
    for symbol in ("EURUSD", "GBPUSD"):
        block = next(open_tape("sample", [symbol], "quotes").blocks())
        stamps = np.datetime_as_string(block.ts.view("M8[ns]"), unit="ms")
        lines = [
            f"{t.replace('T', ' ')},{b!r},{a!r}"
            for t, b, a in zip(stamps, block.bid.tolist(), block.ask.tolist(), strict=True)
        ]
        files.append(tmp_path / f"{symbol}.csv")
        files[-1].write_text("\n".join(["time,bid,ask", *lines]))
    tape = open_files(files, ["EURUSD", "GBPUSD"], "quotes")
    assert tape.fingerprint == open_tape("sample", ["EURUSD", "GBPUSD"], "quotes").fingerprint
    with pytest.raises(ConfigError, match="2 files for 1 symbols"):
        open_files(files, ["EURUSD"], "quotes")
    with pytest.raises(ConfigError, match="holds quotes, not H1"):
        open_files(files[:1], ["EURUSD"], "H1", spread="1 points")
    with pytest.raises(NotFound, match="did you mean EURUSD.csv"):
        open_files([tmp_path / "EURUDS.csv"], ["EURUSD"], "quotes")


def test_opening_a_cached_tape_imports_neither_pandas_nor_pyarrow(own_folders: Path) -> None:
    open_tape("demo", ["EURUSD"], "H1")
    code = (
        "import sys; from engine.feeds.tapes import open_tape; t = open_tape('demo', ['EURUSD'], 'H1');"
        "print(len(t), sorted({'pandas', 'pyarrow', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "6225 []"
