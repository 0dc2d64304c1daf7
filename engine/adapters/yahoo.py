"""Yahoo Finance: bars as JSON, days back to the beginning, minutes of the last weeks.

    https://query1.finance.yahoo.com/v8/finance/chart/%5EGSPC?period1=...&period2=...&interval=1d

Prices are as Yahoo gives them: split-adjusted, and all of them changed again at the next split. So nothing is taken
from the cache: what was adjusted at different times does not fit together. A daily bar covers its date at the exchange
and is known when that date ends there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.adapters.provider import Ask, Decoded, Defaults, Payload, Payloads, frame_among, simple, word
from engine.core.errors import DataError
from engine.core.frames import FRAMES
from engine.core.zones import DAY, SECOND, parse_zone, utc_to_wall, wall_to_utc
from engine.feeds.lineage import Columns, Lineage, part

INTERVALS = {
    "M1": ("1m", 7),
    "M5": ("5m", 30),
    "M15": ("15m", 30),
    "M30": ("30m", 30),
    "H1": ("60m", 180),
    "D1": ("1d", 3650),
}
"""Yahoo's word, and days asked for at once."""
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Yahoo(Defaults):
    url: str = "https://query1.finance.yahoo.com"
    rate: float = 1.0
    name: str = "yahoo"
    licence: str = "Yahoo Finance: personal use, no redistribution"

    def payloads(self, ask: Ask) -> Payloads:
        frame_among(ask, INTERVALS, self.name, ticks=False)
        interval, days = INTERVALS[ask.frame]
        step = days * DAY
        for start in range(ask.first // step * step, ask.last, step):
            span = f"period1={start // SECOND}&period2={(start + step) // SECOND}&interval={interval}"
            url = f"{self.url}/v8/finance/chart/{word(ask.symbol)}?{span}&includePrePost=false"
            key = f"{word(ask.symbol)}/{interval}/{start // DAY}-{days}.json"
            yield Payload(key, start, start + step, url, may_be_absent=True, grows=True, check=whole)

    def lineage(self, ask: Ask) -> Lineage:
        return Lineage(
            source=self.name, symbol=ask.symbol, frame=ask.frame, basis="last", stamps="open", volume_unit="real",
            licence=self.licence, made_from=f"{self.url}/v8/finance/chart/", note="adjusted for splits by the provider",
        )  # fmt: skip

    def columns(self, payload: Payload, path: Path, ask: Ask, so_far: Decoded) -> Iterator[Columns]:
        (result,) = chart(path)["result"]
        stamps = np.array(result.get("timestamp") or [], np.int64) * SECOND
        if not len(stamps):
            return
        (quote,) = result["indicators"]["quote"]
        numbers = {name: np.array([np.nan if v is None else v for v in quote[name]], np.float64) for name in PRICES}
        volume = np.array([np.nan if v is None else v for v in quote.get("volume") or [None] * len(stamps)], np.float64)
        opened, closed = stamps, stamps + FRAMES[ask.frame]
        if ask.frame == "D1":
            zone = parse_zone(result["meta"].get("exchangeTimezoneName") or "UTC")
            midnight = utc_to_wall(stamps, zone) // DAY * DAY
            opened, closed = (wall_to_utc(midnight + shift, zone, gap="shift") for shift in (0, DAY))
        bars = {"ts": closed, "open_ts": opened, **numbers, "volume": volume, "spread": np.full(len(stamps), np.nan)}
        empty = np.isnan(np.stack(list(numbers.values()))).all(axis=0)
        so_far.drop("bars without prices", int(empty.sum()))
        yield part(bars, ~empty)


def chart(path: Path) -> dict[str, Any]:
    """The answer's inside; DataError when it is cut off, or says itself what is wrong."""
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())["chart"]
        if wrong := found.get("error"):
            raise DataError(f"{path}: {wrong.get('code')}: {wrong.get('description')}")
        for result in found["result"]:
            n = len(result.get("timestamp") or [])
            for name in PRICES:
                if n and len(result["indicators"]["quote"][0][name]) != n:
                    raise DataError(f"{path}: {name} and the stamps differ in length")
        return found
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as wrong:
        raise DataError(f"{path} is no chart or cut off ({type(wrong).__name__})") from None


def whole(path: Path) -> None:
    chart(path)


YAHOO = simple(Yahoo())
