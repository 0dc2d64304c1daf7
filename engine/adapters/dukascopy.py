"""Dukascopy: quotes by the hour, candles of bid or ask by the day, month or year, since 2003 for major currencies.

    https://datafeed.dukascopy.com/datafeed/EURUSD/2019/01/04/07h_ticks.bi5      4 February 2019: months count from 00

An hour without quotes is an empty file or none. Hours in which currencies never trade are not asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.adapters.provider import Ask, Decoded, Defaults, Payload, Payloads, frame_among, simple, word
from engine.core.errors import ConfigError
from engine.core.registry import did_you_mean
from engine.core.zones import DAY, HOUR, SECOND
from engine.feeds.importers.bi5 import CANDLE, FIAT, TICK, UNIT, candles, point_of, ticks, unpack
from engine.feeds.lineage import Columns, Lineage

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FRAMES = {"M1": "min_1", "H1": "hour_1", "D1": "day_1"}


@dataclass(frozen=True)
class Dukascopy(Defaults):
    url: str = "https://datafeed.dukascopy.com/datafeed"
    rate: float = 5.0
    name: str = "dukascopy"
    licence: str = "Dukascopy Bank, historical data feed: personal use, no redistribution"

    def payloads(self, ask: Ask) -> Payloads:
        frame_among(ask, FRAMES, "dukascopy", ticks=True)
        if ask.basis not in ("", "bid", "ask"):
            raise ConfigError(f"--basis {ask.basis}: {did_you_mean(ask.basis, ('bid', 'ask'))}")
        point_of(ask.symbol, ask.point)
        for start, end in periods(ask):
            if ask.frame or not closed(ask.symbol, start):
                key = f"{word(ask.symbol.upper())}/{self.place(ask, start)}"
                yield Payload(
                    key, start, end, f"{self.url}/{key}", may_be_absent=True, check=lambda path: whole(path, ask)
                )

    def place(self, ask: Ask, start: int) -> str:
        at = EPOCH + timedelta(seconds=start // SECOND)
        name = f"{(ask.basis or 'bid').upper()}_candles_{FRAMES[ask.frame]}.bi5" if ask.frame else ""
        if ask.frame == "D1":
            return f"{at.year}/{name}"
        month = f"{at.year}/{at.month - 1:02}"
        return f"{month}/{name}" if ask.frame == "H1" else f"{month}/{at.day:02}/{name or f'{at.hour:02}h_ticks.bi5'}"

    def lineage(self, ask: Ask) -> Lineage:
        made_from = f"{self.url}/{word(ask.symbol.upper())}/YYYY/MM/DD/"
        if not ask.frame:
            return Lineage(
                source=self.name, symbol=ask.symbol.upper(), licence=self.licence, made_from=made_from,
                note=UNIT.replace("volume", "sizes"),
            )  # fmt: skip
        return Lineage(
            source=self.name, symbol=ask.symbol.upper(), frame=ask.frame, basis="ask" if ask.basis == "ask" else "bid",
            stamps="open", volume_unit="base", licence=self.licence, made_from=made_from, note=UNIT,
        )  # fmt: skip

    def columns(self, payload: Payload, path: Path, ask: Ask, so_far: Decoded) -> Iterator[Columns]:
        point, raw = point_of(ask.symbol, ask.point), path.read_bytes()
        if not ask.frame:
            yield ticks(raw, payload.first, point, payload.url)
            return
        bars, left_out = candles(raw, payload.first, point, ask.frame, payload.url)
        so_far.drop("flat bars without volume", left_out)
        yield bars


def whole(path: Path, ask: Ask) -> None:
    unpack(path.read_bytes(), CANDLE if ask.frame else TICK, str(path))


def periods(ask: Ask) -> Iterator[tuple[int, int]]:
    """What one file covers: an hour of ticks, a day of M1, a month of H1, a year of D1."""
    if ask.frame in ("", "M1"):
        step = DAY if ask.frame else HOUR
        for start in range(ask.first // step * step, ask.last, step):
            yield start, start + step
        return
    at = (EPOCH + timedelta(seconds=ask.first // SECOND)).replace(day=1, hour=0, minute=0, second=0)
    at = at.replace(month=1) if ask.frame == "D1" else at
    while ns(at) < ask.last:
        later = at.replace(year=at.year + 1) if ask.frame == "D1" else (at + timedelta(days=32)).replace(day=1)
        yield ns(at), ns(later)
        at = later


def ns(at: datetime) -> int:
    return (at - EPOCH) // timedelta(seconds=1) * SECOND


def closed(symbol: str, start: int) -> bool:
    """Is this hour, ns UTC, between the latest close on Friday and the earliest open on Sunday of all currencies?"""
    if not {symbol[:3].upper(), symbol[3:].upper()} <= FIAT | {"JPY", "HUF", "RUB", "XAU", "XAG"}:
        return False
    day, hour = (start // DAY + 3) % 7, start % DAY // HOUR
    return day == 5 or (day == 4 and hour >= 22) or (day == 6 and hour < 21)


DUKASCOPY = simple(Dukascopy())
