"""A book to draw from: the config's frictions on a fresh account, and jitted doors into the models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from engine.core.broker import VenueConfig
from engine.core.config import Config, DataConfig, StrategyConfig
from engine.core.instrument import Instrument, instrument
from engine.core.schema import build
from engine.core.tape import ArrayTape
from engine.frictions import frictions
from engine.kernels.book import Book, empty_book
from engine.kernels.jit import jit
from engine.venues.latency import delay
from engine.venues.slippage import slipped

SECOND = 10**9
MINUTE = 60 * SECOND
START = 1_709_287_200 * SECOND
"""2024-03-01 10:00 UTC."""


@jit
def delays(book, leg, keys, n, out):
    for k in range(len(keys)):
        out[k] = delay(book, np.int64(0), leg, keys[k], np.int64(n))


@jit
def prices(book, s, price, side, steps, keys, out):
    for k in range(len(keys)):
        out[k] = slipped(book, s, price, side, steps, keys[k], True)


def venue(**keys: Any) -> VenueConfig:
    """`[venue]` as a file would say it."""
    return build(VenueConfig, keys)


def config_of(seed: int = 1, symbols: tuple[str, ...] = ("EURUSD",), kind: str = "quotes", **keys: Any) -> Config:
    return Config(
        name="bench", seed=seed, data=DataConfig("memory", (), symbols, kind, "M1"), venue=venue(**keys),
        strategy=(StrategyConfig("ma_cross"),),
    )  # type: ignore[arg-type]  # fmt: skip


def book_of(config: Config, *instruments: Instrument) -> Book:
    known = instruments or tuple(instrument(s, config.instruments) for s in config.data.symbols)
    book = empty_book(len(known))
    for s, one in enumerate(known):
        book[1][s]["grid"], book[1][s]["step_lots"] = 10.0**one.digits, one.volume_step
    return frictions(book, config, known)


def delays_of(book: Book, leg: int, keys: Any, n: int = 0) -> np.ndarray:
    """int64 ns for each key."""
    keys = np.asarray(keys, np.int64)
    out = np.empty(len(keys), np.int64)
    delays(book, np.int64(leg), keys, n, out)
    return out


def prices_of(book: Book, price: float, side: int, lots: float = 1.0, keys: Any = (1,), s: int = 0) -> np.ndarray:
    keys = np.asarray(keys, np.int64)
    out = np.empty(len(keys))
    steps = np.int64(round(lots / book[1][s]["step_lots"]))
    prices(book, np.int64(s), price, np.int64(side), steps, keys, out)
    return out


def quotes(
    n: int = 2_000, seed: int = 1, symbols: tuple[str, ...] = ("EURUSD", "USDJPY"), every: int = 700
) -> ArrayTape:
    """A small market of several symbols: irregular stamps, equal ones too, a weekend in the middle."""
    draw = np.random.default_rng(seed)
    steps = draw.integers(0, 2 * every, n) * 1_000_000
    steps[n // 2] = 49 * 3_600 * SECOND
    ts = START + np.cumsum(steps)
    symbol = draw.integers(0, len(symbols), n)
    level = np.where(symbol == 0, 1.1, 150.0) * np.exp(np.cumsum(draw.normal(0, 2e-5, n)))
    digits = np.where(symbol == 0, 5, 3)
    bid = np.round(level * 10.0**digits) / 10.0**digits
    ask = np.round((bid + draw.integers(1, 20, n) / 10.0**digits) * 10.0**digits) / 10.0**digits
    return ArrayTape.quotes(symbols, ts=ts, symbol=symbol, bid=bid, ask=ask)


def bars(
    n: int = 600, seed: int = 1, symbols: tuple[str, ...] = ("EURUSD", "USDJPY"), length: int = MINUTE
) -> ArrayTape:
    draw = np.random.default_rng(seed)
    opens = START + np.repeat(np.arange(n // len(symbols)), len(symbols)) * length
    symbol = np.tile(np.arange(len(symbols)), n // len(symbols))
    size = len(opens)
    first = np.where(symbol == 0, 1.1, 150.0) * np.exp(np.cumsum(draw.normal(0, 1e-4, size)))
    last = first * np.exp(draw.normal(0, 2e-4, size))
    high, low = np.maximum(first, last) * 1.0001, np.minimum(first, last) * 0.9999
    return ArrayTape.bars(
        symbols, ts=opens + length, ts_event=opens, symbol=symbol, open=first, high=high, low=low, close=last,
        spread=np.where(symbol == 0, 1e-4, 1e-2), volume=draw.integers(0, 500, size),
    )  # fmt: skip


def with_venue(config: Config, **keys: Any) -> Config:
    return replace(config, venue=venue(**keys))
