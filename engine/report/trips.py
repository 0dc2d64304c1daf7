"""A run's trades as columns, read from its trades.csv, and their figures by any key."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from pyarrow import csv

TIMES = ("open_time", "close_time")
WORDS = ("strategy", "symbol", "direction", "exit_reason")
AMOUNTS = ("spread_cost", "slippage_cost", "commission", "swap", "net_profit")
NUMBERS = (*AMOUNTS, "gross_profit", "value", "held_s", "open_price", "close_price", "best_price", "worst_price")


class Trips(msgspec.Struct, frozen=True):
    """Columns of equal length: times int64 ns UTC, numbers float64 (NaN: none), words as indices into `words`."""

    columns: dict[str, np.ndarray]
    words: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.columns["open_time"])

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]


class Group(msgspec.Struct, frozen=True):
    """Some trades together: amounts in the account currency, `net = move + spread + slippage + commission + swap`."""

    name: str
    trades: int
    won: int
    move: float
    spread: float
    slippage: float
    commission: float
    swap: float
    net: float
    held_s: float


def load_trips(path: Path) -> Trips:
    """Every trade of a trades.csv."""
    kinds = dict.fromkeys(NUMBERS, pa.float64()) | dict.fromkeys(TIMES, pa.timestamp("ns", tz="UTC"))
    kinds |= dict.fromkeys(WORDS, pa.string())
    with path.open("rb") as file:
        header = file.readline().decode("utf-8").rstrip("\n").split(",")
    known = [name for name in (*TIMES, *WORDS, *NUMBERS) if name in header]
    options = csv.ConvertOptions(column_types=kinds, include_columns=known, strings_can_be_null=False)
    table = csv.read_csv(path, convert_options=options)
    columns = {name: np.full(len(table), np.nan) for name in NUMBERS}
    words: dict[str, list[str]] = {}
    for name in known:
        column = table[name].combine_chunks()
        if name in WORDS:
            coded = column.dictionary_encode()
            columns[name], words[name] = np.from_dlpack(coded.indices), coded.dictionary.to_pylist()
        elif name in TIMES:
            columns[name] = np.from_dlpack(column.cast(pa.int64()))
        else:
            columns[name] = floats(column)
    return Trips(columns, words)


def floats(column: pa.Array) -> np.ndarray:
    """A float64 column, NaN where it is null; from its buffers, for Arrow's own ways import pandas."""
    valid, data = column.buffers()
    values = np.frombuffer(data, np.float64, len(column) + column.offset)[column.offset :].copy()
    if valid is not None:
        bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")
        values[bits[column.offset : column.offset + len(column)] == 0] = np.nan
    return values


def groups(trips: Trips, by: str, digits: int) -> list[Group]:
    """Figures by strategy, symbol, direction or exit_reason, in the order in which they first came."""
    return [group(name, trips, trips[by] == k, digits) for k, name in enumerate(trips.words.get(by, ()))]


def group(name: str, trips: Trips, mine: np.ndarray, digits: int) -> Group:
    """The trades of a mask; sums are of whole minor units, so exact."""
    scale = 10**digits
    cents = {n: int(np.rint(np.nan_to_num(trips[n][mine]) * scale).sum()) for n in (*AMOUNTS, "gross_profit")}
    net = np.rint(trips["net_profit"][mine] * scale)
    move = cents["gross_profit"] - cents["spread_cost"] - cents["slippage_cost"]
    held = float(trips["held_s"][mine].mean()) if mine.any() else 0.0
    spread, slippage, commission, swap, made = (cents[n] / scale for n in AMOUNTS)
    won = int((net > 0).sum())
    return Group(name, int(mine.sum()), won, move / scale, spread, slippage, commission, swap, made, held)
