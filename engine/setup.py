"""From a config to records: the account, the symbols with their costs and conversions, the limits, the streams."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from engine.core.config import Config, StrategyConfig
from engine.core.errors import ConfigError
from engine.core.frames import DAILY, FIXED, edges, frame_ns, parse_day, starts_on
from engine.core.instrument import Instrument
from engine.core.quantity import Size, Volume
from engine.core.table import Stream, Tables
from engine.core.tape import Tape
from engine.feeds.bars import BASES, BarBuilder, stream_records
from engine.frictions import frictions
from engine.kernels import book as b
from engine.risk.kernels import BY_EQUITY, BY_LOTS, BY_RISK, BY_UNITS, LIMITS

MINOR_DIGITS = {"JPY": 0, "KRW": 0, "HUF": 0, "BTC": 8, "ETH": 8}
"""Digits of money where they are not two."""
MONTH = 31 * 86_400 * 10**9
UNLIMITED = 2**53
CAPACITY = 8_192
"""Rows of a table; it slides when it runs full."""


def open_book(config: Config, instruments: tuple[Instrument, ...]) -> tuple[b.Book, list[str]]:
    """A fresh book for these symbols, and what the report must say about it.

    Raises ConfigError where a currency cannot be converted or a fee is in a currency that is not the account's.
    """
    account = config.account
    book = b.empty_book(len(instruments))
    a = book[0][0]
    scale = 10 ** MINOR_DIGITS.get(account.currency, 2)
    a["minor"] = 1.0 / scale
    a["balance"] = round(account.balance * scale)
    a["equity"] = a["peak"] = int(a["balance"]) / scale
    a["leverage"], a["hedging"] = account.leverage, account.mode == "hedging"
    a["sample_every"] = config.report.equity.ns
    notes: list[str] = []
    for s, one in enumerate(instruments):
        x = book[1][s]
        x["step_units"], x["step_lots"] = one.step_units, one.volume_step
        x["steps_min"], x["steps_max"] = (round(v / one.volume_step) for v in (one.volume_min, one.volume_max))
        x["grid"] = 10.0**one.digits
        terms(book[6][s], one, config)
        notes += convert(book, s, instruments, account.currency, config.rates)
    return frictions(book, config, instruments), notes


def terms(t: np.void, one: Instrument, config: Config) -> None:
    """What the contract says of one symbol."""
    venue = config.venue
    fee = venue.commission
    if fee.unit == "bps":
        t["fee_share"] = fee.amount * 1e-4
    elif fee.currency not in ("", config.account.currency) and fee.amount:
        raise ConfigError(f"venue.commission is in {fee.currency}, the account in {config.account.currency}")
    else:
        t["fee_per_lot"] = fee.amount


def convert(
    book: b.Book, s: int, instruments: tuple[Instrument, ...], currency: str, rates: dict[str, float]
) -> list[str]:
    """How profit of symbol s becomes money of the account: as it is, at a fixed rate, or through a quoted symbol."""
    profit, x = instruments[s].profit_currency, book[1][s]
    if profit == currency:
        x["conversion"], x["rate"] = b.NO_CONVERSION, 1.0
        return []
    for name, rate in rates.items():
        if name in (profit + currency, currency + profit):
            x["conversion"] = b.FIXED_RATE
            x["rate"] = rate if name == profit + currency else 1.0 / rate
            return [f"{instruments[s].symbol}: profit converted at a fixed {name} of {rate:g}, not at the market's"]
    for kind, pair in ((b.DIRECT, (profit, currency)), (b.INVERSE, (currency, profit))):
        for via, other in enumerate(instruments):
            if (other.base_currency, other.profit_currency) == pair:
                x["conversion"], x["via"] = kind, via
                book[1]["converts"][via] = 1
                return []
    raise ConfigError(
        f"{instruments[s].symbol} earns {profit}, the account is in {currency}: add {currency}{profit} (or"
        f" {profit}{currency}) to data.symbols, or a fixed rate: [rates] {currency}{profit} = ..."
    )


def limits_of(
    config: Config, strategies: tuple[StrategyConfig, ...], instruments: tuple[Instrument, ...]
) -> np.ndarray:
    """LIMITS[strategy, symbol] from the config."""
    limits = np.zeros((len(strategies), len(instruments)), LIMITS)
    for k, one in enumerate(strategies):
        assert one.size is not None
        for s, instrument in enumerate(instruments):
            x = limits[k, s]
            x["sizing"], x["size"] = sizing(one.size)
            x["max_steps"] = steps(config.risk.max_position, instrument)
            x["max_drawdown"] = config.risk.max_drawdown.fraction if config.risk.max_drawdown else np.inf
            x["retries"] = config.risk.retries
    return limits


def sizing(size: Size) -> tuple[int, float]:
    kind = {"lots": BY_LOTS, "units": BY_UNITS, "% equity": BY_EQUITY, "% risk": BY_RISK}[size.unit]
    return kind, size.fraction if size.unit.startswith("%") else size.amount


def steps(volume: Volume | None, instrument: Instrument) -> int:
    if volume is None:
        return UNLIMITED
    lots = volume.amount if volume.unit == "lots" else volume.amount / instrument.contract_size
    return int(np.floor(lots / instrument.volume_step + 1e-9))


def streams_of(config: Config, symbols: tuple[str, ...], more: Iterable[Stream]) -> tuple[Stream, ...]:
    """Every stream the run needs, smallest frame first: what strategies trade on, what their features read, and for
    each symbol a base frame of which all its others are made."""
    wanted = {Stream(symbol, s.frame) for s in config.strategies for symbol in s.symbols} | set(more)
    for symbol in symbols:
        frames = {stream.frame for stream in wanted if stream.symbol == symbol}
        if frames:
            wanted.add(Stream(symbol, base_frame(config, frames)))
    return tuple(sorted(wanted, key=lambda s: (frame_ns(s.frame), symbols.index(s.symbol))))


def base_frame(config: Config, frames: set[str]) -> str:
    """The frame built from the tape; on a tape of bars, theirs."""
    if config.data.kind == "bars":
        base = config.data.frame
        if short := sorted(frames - made_of(config, base, frames), key=frame_ns):
            of_day = f" with a trading day from {config.data.trading_day}" if set(short) & set(DAILY) else ""
            raise ConfigError(f"{', '.join(short)} bars cannot be made from bars of {base}{of_day}")
        return base
    smallest = min(frames, key=frame_ns)
    nested = smallest in FIXED and made_of(config, smallest, frames) == frames
    return smallest if nested or len(frames) == 1 else "M1"


def made_of(config: Config, base: str, frames: set[str]) -> set[str]:
    """Those frames whose bars are made of whole bars of `base`: a day that starts at half past is not made of hours."""
    whole = {f for f in frames if frame_ns(f) % frame_ns(base) == 0}
    if base in FIXED and whole & set(DAILY) and not starts_on(parse_day(config.data.trading_day), frame_ns(base)):
        whole -= set(DAILY)
    return whole


def bar_builder(config: Config, tape: Tape, streams: tuple[Stream, ...], keep: int) -> BarBuilder:
    """The bar builder and its tables; frames that follow the trading day get their bounds for the span of the tape."""
    tables = Tables(streams, max(CAPACITY, 4 * keep), keep)
    base = {stream.symbol: stream.frame for stream in reversed(streams)}
    lengths = {s.frame: frame_ns(s.frame) if s.frame in FIXED else 0 for s in streams}
    records, base_of = stream_records(streams, tape.symbols, lengths, base)
    first, last = tape.span
    bounds = [
        np.zeros(1, np.int64) if lengths[s.frame]
        else edges(s.frame, config.data.trading_day, first - MONTH, last + MONTH)
        for s in streams
    ]  # fmt: skip
    table = np.full((len(streams), max(map(len, bounds), default=1) + 1), b.NEVER)
    for s, row in enumerate(bounds):
        table[s, : len(row)] = row
    weights = BASES[config.data.basis if tape.kind == "quotes" else "bid"]
    return BarBuilder(tape.kind, tables, records, base_of, table, weights, fill=config.data.fill_gaps)


def stream_finder(streams: tuple[Stream, ...]) -> Callable[[str, str], int]:
    index = {(s.symbol, s.frame): n for n, s in enumerate(streams)}
    return lambda symbol, frame: index[symbol, frame]
