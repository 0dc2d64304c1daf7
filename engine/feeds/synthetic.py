"""Synthetic markets: quotes that behave like a retail feed, from a seed, as many as wanted.

Every currency (and metal, index, coin) has a value in US dollars that follows minute returns with volatility
clustering (GARCH(1,1): Bollerslev, Journal of Econometrics 31, 1986), a common dollar factor, and the hour-by-hour
activity measured on the demo's bars. A symbol is the ratio of two values, so crosses agree with their legs. Inside a
minute the price walks a Brownian bridge; the spread widens with volatility and at the rollover (17:00 New York).

Every draw is a hash of (seed, what it is for, when): nothing depends on how the tape is cut, on the other symbols, or
on a random generator's version. Only + - * / and square roots are used, so that the same seed gives the same bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from engine.core.clock import parse_time
from engine.core.errors import ConfigError
from engine.core.frames import FX_DAY, MINUTE, edges
from engine.core.instrument import Instrument, instrument
from engine.core.tape import BLOCK, Block, fingerprint
from engine.core.zones import DAY, HOUR, parse_zone, utc_to_wall
from engine.feeds.minutes import bridge, count_quotes, merge_order, walk_minutes

MODEL = 1
"""Raise it when the numbers that a seed gives change."""

ACTIVITY = np.array(
    [90, 96, 129, 112, 93, 86, 69, 81, 122, 167, 214, 171, 142, 144, 163, 220, 219, 236, 196, 159, 149, 146, 104, 86.0]
)
"""Mean range by hour since 17:00 New York, points: the demo's EURUSD bars, winter 2017."""
WEEKEND = 0.15
"""Volatility of a closed market's value over the weekend, against a trading day's: Monday opens with a gap."""


class Market(NamedTuple):
    """Value in US dollars, volatility per year, half a typical spread in basis points of price."""

    value: float
    volatility: float
    half_spread: float


MARKETS = {
    "USD": Market(1.0, 0.0, 0.10), "EUR": Market(1.10, 0.075, 0.15), "GBP": Market(1.27, 0.085, 0.25),
    "JPY": Market(1 / 145, 0.09, 0.20), "CHF": Market(1 / 0.88, 0.075, 0.35), "AUD": Market(0.66, 0.10, 0.35),
    "NZD": Market(0.61, 0.105, 0.50), "CAD": Market(1 / 1.36, 0.065, 0.35), "SEK": Market(1 / 10.4, 0.10, 1.5),
    "NOK": Market(1 / 10.6, 0.11, 1.8), "DKK": Market(1 / 6.85, 0.075, 1.2), "SGD": Market(1 / 1.34, 0.045, 0.8),
    "PLN": Market(1 / 3.95, 0.11, 2.5), "MXN": Market(1 / 18.0, 0.13, 2.5), "ZAR": Market(1 / 18.5, 0.15, 4.0),
    "XAU": Market(2300.0, 0.15, 0.5), "XAG": Market(28.0, 0.28, 4.0), "US500": Market(5200.0, 0.17, 0.4),
    "US100": Market(18200.0, 0.21, 0.5), "US30": Market(39000.0, 0.15, 0.4), "DE40": Market(18400.0, 0.17, 0.4),
    "UK100": Market(8200.0, 0.14, 0.6), "JP225": Market(38500.0, 0.21, 0.9), "BTC": Market(62000.0, 0.55, 1.5),
    "ETH": Market(3100.0, 0.70, 2.0),
}  # fmt: skip
LOCAL = {"DE40": "EUR", "UK100": "GBP", "JP225": "JPY"}
"""Indices quoted in another currency than the dollar: their value is given in that currency."""


@dataclass
class SyntheticTape:
    """A tape made while it is read, in bounded memory; see `sample`."""

    instruments: tuple[Instrument, ...]
    rows: int
    seed: int
    start: int
    quotes_per_minute: float
    bad_ticks: float = 0.0
    gaps: bool = True
    kind: str = "quotes"
    _fingerprint: list[str] = field(default_factory=list, repr=False)
    _span: list[int] = field(default_factory=list, repr=False)

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(one.symbol for one in self.instruments)

    @property
    def identity(self) -> str:
        """A hash over everything the tape is made from: known before any of it is made."""
        made_of = [(one.id, one.kind, one.digits, *legs(one)) for one in self.instruments]
        told = (MODEL, made_of, self.rows, self.seed, self.start, self.quotes_per_minute)
        return hashlib.blake2b(repr((*told, self.bad_ticks, self.gaps)).encode(), digest_size=16).hexdigest()

    @property
    def notes(self) -> tuple[str, ...]:
        bad = f", {self.bad_ticks:.2%} bad quotes planted" if self.bad_ticks else ""
        return (f"synthetic market, seed {self.seed}{bad}: no real prices",)

    @property
    def fingerprint(self) -> str:
        if not self._fingerprint:
            self._fingerprint.append(fingerprint(self))
        return self._fingerprint[0]

    def __len__(self) -> int:
        return self.rows

    @property
    def span(self) -> tuple[int, int]:
        if not self._span:
            for day in self.days():
                self._span[:] = [*self._span[:1], int(day["ts"][0]), int(day["ts"][-1])]
        return self._span[0], self._span[-1]

    def blocks(self, size: int = BLOCK) -> Iterator[Block]:
        for day in self.days():
            for lo in range(0, len(day["ts"]), size):
                cut = {name: values[lo : lo + size] for name, values in day.items()}
                yield Block(ts=cut["ts"], ts_event=cut["ts"], symbol=cut["symbol"], bid=cut["bid"], ask=cut["ask"])

    def days(self) -> Iterator[dict[str, np.ndarray]]:
        """The quotes of one trading day after the other, merged by (ts, symbol)."""
        left = self.rows
        market = Walk(self)
        for number, (opened, closed, weekday) in enumerate(trading_days(self.start)):
            feeds = market.day(number, opened, closed, weekday)
            if not feeds:
                continue
            together = {name: np.concatenate([f[name] for f in feeds]) for name in feeds[0]}
            if len(feeds) > 1:
                counts = np.array([len(f["ts"]) for f in feeds])
                order = merge_order(together["ts"], np.concatenate([[0], np.cumsum(counts)]))
                together = {name: values[order] for name, values in together.items()}
            for name in together:
                together[name] = together[name][:left]
                together[name].flags.writeable = False
            left -= len(together["ts"])
            yield together
            if not left:
                return


def sample(
    symbols: Sequence[str],
    n: int,
    seed: int,
    start: int | str = "2024-01-01",
    quotes_per_minute: float = 95.0,
    bad_ticks: float = 0.0,
    gaps: bool = True,
    declared: Sequence[Instrument] = (),
) -> SyntheticTape:
    """`n` quotes of `symbols` together, from the first trading day that begins at or after `start` (date or ns UTC).

    `quotes_per_minute` is the mean of each symbol while its market is open; `bad_ticks` the share of quotes that are
    spiked, crossed or far too wide; `gaps` adds stretches of up to 90 minutes without quotes beside the weekends.

    >>> tape = sample(["EURUSD", "USDJPY"], 1000, seed=7)
    >>> len(tape), sum(len(block) for block in tape.blocks(100))
    (1000, 1000)
    """
    if n < 1 or not 0.1 <= quotes_per_minute <= 5_000 or not 0 <= bad_ticks <= 1:
        raise ConfigError("sample needs n >= 1, quotes_per_minute in 0.1..5000 and bad_ticks in 0..1")
    if not symbols or len(set(symbols)) < len(symbols):
        raise ConfigError("sample needs at least one symbol, each named once")
    first = parse_time(start) if isinstance(start, str) else start
    if not 0 <= first < 4_000_000_000 * 10**9:
        raise ConfigError(f"sample cannot start at {start!r}")
    instruments = tuple(instrument(name, declared) for name in symbols)
    return SyntheticTape(instruments, n, seed, first, quotes_per_minute, bad_ticks, gaps)


class Walk:
    """The state of a synthetic market between two days: every currency's value and variance."""

    def __init__(self, tape: SyntheticTape) -> None:
        self.tape = tape
        self.names = tuple(dict.fromkeys(c for one in tape.instruments for c in legs(one)))
        self.value = np.array([dollars(name) for name in self.names])
        self.anchor = self.value.copy()
        self.variance = np.ones(len(self.names))
        per_minute = (5 * 52 * 24 * 60) ** -0.5
        self.sigma = np.array([market(name).volatility * per_minute for name in self.names])
        coins = {one.base_currency for one in tape.instruments if one.kind == "crypto"}
        self.always_open = np.array([name in coins for name in self.names])
        self.keys = np.array([key(tape.seed, name) for name in self.names], np.uint64)
        self.common = key(tape.seed, "the dollar")

    def day(self, number: int, opened: int, closed: int, weekday: int) -> list[dict[str, np.ndarray]]:
        """Each symbol's quotes of one trading day (weekday 0 is Monday), sorted by time."""
        minutes = (closed - opened) // MINUTE
        hour = np.minimum(np.arange(minutes) / 60.0, 23.999)
        swing = np.interp(hour + 0.5, np.arange(26), np.r_[ACTIVITY[-1], ACTIVITY, ACTIVITY[0]] / ACTIVITY.mean())
        calm = np.where(self.always_open | (weekday < 5), 1.0, WEEKEND)
        values = np.empty((len(self.names), minutes + 1))
        variances = np.empty((len(self.names), minutes))
        walk_minutes(
            self.keys, self.common, number, swing, self.sigma * calm, self.anchor,
            self.value, self.variance, values, variances,
        )  # fmt: skip
        feeds = []
        for index, one in enumerate(self.tape.instruments):
            if weekday < 5 or one.kind == "crypto":
                feeds.append(self.quotes(index, one, number, opened, swing, values, variances))
        return [feed for feed in feeds if len(feed["ts"])]

    def quotes(
        self,
        index: int,
        one: Instrument,
        number: int,
        opened: int,
        swing: np.ndarray,
        values: np.ndarray,
        variances: np.ndarray,
    ) -> dict[str, np.ndarray]:
        tape = self.tape
        base, profit = (self.names.index(name) for name in legs(one))
        own = key(tape.seed, one.symbol)
        counts = np.empty(values.shape[1] - 1, np.int64)
        total = count_quotes(own, number, swing, tape.quotes_per_minute, tape.gaps, counts)
        ts, bid, ask = np.empty(total, np.int64), np.empty(total), np.empty(total)
        spread = 2e-4 * (market(legs(one)[0]).half_spread + market(legs(one)[1]).half_spread)
        stress = np.sqrt(np.maximum(variances[base], variances[profit]))
        sigma = np.sqrt(self.sigma[base] ** 2 + self.sigma[profit] ** 2)
        bridge(
            own, number, opened, values[base] / values[profit], sigma * swing * stress, stress, counts, spread,
            10.0**one.digits, tape.bad_ticks, ts, bid, ask,
        )  # fmt: skip
        return {"ts": ts, "bid": bid, "ask": ask, "symbol": np.full(total, index, np.int16)}


def legs(one: Instrument) -> tuple[str, str]:
    return one.base_currency, one.profit_currency


def market(name: str) -> Market:
    return MARKETS.get(name, Market(100.0, 0.15, 1.0))


def dollars(name: str) -> float:
    """A currency's (or metal's, index's, coin's) value in US dollars at the start."""
    return market(name).value * (market(LOCAL[name]).value if name in LOCAL else 1.0)


def key(seed: int, word: str) -> np.uint64:
    """64 bits from a seed and what they are for."""
    digest = hashlib.blake2b(f"{seed} {word}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def trading_days(start: int) -> Iterator[tuple[int, int, int]]:
    """(opened, closed, weekday) of the currencies' trading days from `start` on, weekday 0 for Monday's."""
    bounds = edges("D1", FX_DAY, start - 1, start - 1)[-1:]
    while True:
        bounds = edges("D1", FX_DAY, int(bounds[-1]), int(bounds[-1]) + 300 * DAY)
        named = (utc_to_wall(bounds[:-1], parse_zone("America/New_York")) + 7 * HOUR) // DAY
        yield from zip(bounds[:-1].tolist(), bounds[1:].tolist(), ((named + 3) % 7).tolist(), strict=True)
