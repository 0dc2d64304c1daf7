"""Cboe's indices (VIX, VIX3M, VVIX, SKEW ...): all of history in one CSV, which becomes a series.

https://cdn.cboe.com/api/global/us_indices/daily_prices/VIX_History.csv
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.adapters.provider import Ask, Defaults, Payload, Payloads, simple, word
from engine.core.errors import ConfigError, DataError
from engine.feeds.lineage import Lineage

if TYPE_CHECKING:
    from engine.feeds.outside import Rows


@dataclass(frozen=True)
class Cboe(Defaults):
    url: str = "https://cdn.cboe.com/api/global/us_indices/daily_prices"
    rate: float = 1.0
    name: str = "cboe"
    licence: str = "Cboe Global Markets: index history, personal use"

    @property
    def series(self) -> bool:
        return True

    def payloads(self, ask: Ask) -> Payloads:
        if ask.frame not in ("", "D1"):
            raise ConfigError(f"cboe has no {ask.frame}: an index comes by the day")
        key = f"{word(ask.symbol.upper())}_History.csv"
        yield Payload(key, ask.first, ask.last, f"{self.url}/{key}", grows=True, check=whole)

    def lineage(self, ask: Ask) -> Lineage:
        return Lineage(
            source=self.name, symbol=ask.symbol.upper(), zone="America/New_York", licence=self.licence,
            made_from=self.url, note="daily values, published at 17:00 New York of their date",
        )  # fmt: skip

    def rows(self, payload: Payload, path: Path, ask: Ask) -> Rows:
        from engine.feeds.outside import index

        return index(path)


def whole(path: Path) -> None:
    """DataError when the last line is not a whole one: the file says nowhere how long it is."""
    lines = path.read_bytes().rstrip(b"\r\n").split(b"\n")
    if len(lines) < 2 or lines[-1].count(b",") != lines[0].count(b",") or not lines[0].upper().startswith(b"DATE"):
        raise DataError(f"{path} is no index history or cut off")


CBOE = simple(Cboe())
