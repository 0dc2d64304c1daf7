"""Any exchange that ccxt knows: bars, trades and funding rates, page after page.

    onetape data get ccxt:kraken BTC/USD --tf H1 --from 2024-01-01

The package comes with `pip install -e .[crypto]`. Each page is kept in the cache as JSON under the moment it was asked
from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from engine.adapters.binance import INTERVALS
from engine.adapters.fetch import Temporary
from engine.adapters.provider import PROVIDERS, Ask, Decoded, Payload, Payloads, Provider, at_address, word
from engine.adapters.trades import trade_columns, trade_lineage
from engine.core.errors import ConfigError, DataError, OnetapeError
from engine.core.frames import FRAMES
from engine.core.registry import did_you_mean
from engine.core.zones import HOUR
from engine.feeds.lineage import Columns, Lineage

if TYPE_CHECKING:
    from engine.feeds.outside import Rows

MS = 1_000_000
BARS, TRADES, RATES = 300, 1000, 100
"""Rows asked for at once: what all exchanges give."""
TRADES_SPAN, RATES_SPAN = HOUR, 100 * 8 * HOUR
"""How far to go on where a page is empty."""


@dataclass(frozen=True)
class Exchange:
    exchange: str
    client: Any
    """A ccxt exchange; its own rate limit is off, ours is on."""
    url: str = ""
    licence: str = "the exchange's public API: its terms hold"

    @property
    def name(self) -> str:
        return f"ccxt:{self.exchange}"

    @property
    def rate(self) -> float:
        return 1000.0 / float(self.client.rateLimit or 1000)

    @property
    def series(self) -> bool:
        return False

    @property
    def funding(self) -> bool:
        return bool(self.client.has.get("fetchFundingRateHistory"))

    def payloads(self, ask: Ask) -> Payloads:
        """Pages, each from where the one before ended; an empty one is no end, history has holes."""
        fetch, size, span, step = self.method(ask)
        since = ask.first // MS * MS
        while since < ask.last:
            end = since + span
            path = yield Payload(
                f"{word(ask.symbol)}/{self.what(ask)}/{since // MS}-{size}.json", since, end,
                call=self.asking(ask.symbol, fetch, since), check=whole,
            )  # fmt: skip
            page = read_page(path) if path is not None else []
            latest = max((int(row[0]) for row in page), default=-1) * MS
            if latest < since:
                since = end
            elif step or latest > since:
                # A moment may hold more trades than came: it is asked again, and those that are known are left out.
                since = latest + step
            elif len(page) < size:
                since += MS
            else:
                raise DataError(
                    f"{self.name} {ask.symbol}: more than {size} trades in a millisecond, some would be lost"
                )

    def method(self, ask: Ask) -> tuple[Callable[[int], list[list[Any]]], int, int, int]:
        """(fetch from ms, rows of a full page, span of a page, step between rows: 0 where they come as they like)."""
        client, symbol = self.client, ask.symbol
        if ask.funding:
            return lambda ms: rates(client.fetch_funding_rate_history(symbol, ms, RATES)), RATES, RATES_SPAN, MS
        if not ask.frame:
            return lambda ms: prints(client.fetch_trades(symbol, ms, TRADES)), TRADES, TRADES_SPAN, 0
        known = {frame: text for frame, text in INTERVALS.items() if text in (client.timeframes or {})}
        if ask.frame not in known:
            raise ConfigError(f"{self.name} has no {ask.frame} bars: --tf {' '.join(known)}, or none for trades")
        length, text = FRAMES[ask.frame], known[ask.frame]
        return lambda ms: client.fetch_ohlcv(symbol, text, ms, BARS), BARS, BARS * length, length

    def what(self, ask: Ask) -> str:
        return "funding" if ask.funding else INTERVALS.get(ask.frame, "trades")

    def asking(self, symbol: str, fetch: Callable[[int], list[list[Any]]], since: int) -> Callable[[], bytes]:
        """What gives one page as JSON; ccxt's errors become ours."""
        import ccxt

        def call() -> bytes:
            try:
                return json.dumps(fetch(since // MS)).encode()
            except ccxt.NetworkError as wrong:
                raise Temporary(f"{type(wrong).__name__}: {str(wrong)[:120]}") from None
            except ccxt.BadSymbol:
                known = list(self.client.symbols or ())
                raise ConfigError(f"{self.name} has no {symbol}: {did_you_mean(symbol, known)}") from None
            except (ccxt.NotSupported, ccxt.ArgumentsRequired) as wrong:
                raise ConfigError(f"{self.name}: {str(wrong)[:160]}") from None
            except ccxt.BaseError as wrong:
                raise OnetapeError(f"{self.name} refuses: {str(wrong)[:160]}") from None

        return call

    def prepared(self, payload: Payload, page: Any) -> Payload:
        return payload

    def lineage(self, ask: Ask) -> Lineage:
        source, made_from = self.name.replace(":", "-"), f"ccxt {self.exchange}"
        if not ask.frame:
            return trade_lineage(source, ask.symbol, self.licence, made_from)
        return Lineage(
            source=source, symbol=ask.symbol, frame=ask.frame, basis="last", stamps="open", volume_unit="base",
            licence=self.licence, made_from=made_from,
        )  # fmt: skip

    def columns(self, payload: Payload, path: Path, ask: Ask, so_far: Decoded) -> Iterator[Columns]:
        page = read_page(path)
        if not ask.frame:
            fresh = [row for row in page if row[1] is None or row[1] not in so_far.seen]
            so_far.seen = {row[1] for row in page if row[1] is not None}
            yield as_ticks(sorted(fresh, key=lambda row: int(row[0])))
            return
        table = np.array([[np.nan if v is None else v for v in row[:6]] for row in page], np.float64).reshape(-1, 6)
        opened = np.array([int(row[0]) for row in page], np.int64) * MS
        bars = {name: table[:, i + 1] for i, name in enumerate(("open", "high", "low", "close", "volume"))}
        yield {"ts": opened + FRAMES[ask.frame], "open_ts": opened, **bars, "spread": np.full(len(opened), np.nan)}

    def rows(self, payload: Payload, path: Path, ask: Ask) -> Rows:
        from engine.feeds.outside import funding_rows

        page = read_page(path)
        stamps = np.array([int(row[0]) for row in page], np.int64) * MS
        return funding_rows(stamps, np.array([row[1] for row in page], np.float64))


def prints(found: list[dict[str, Any]]) -> list[list[Any]]:
    return [[one["timestamp"], one["id"], one["side"], one["price"], one["amount"]] for one in found]


def rates(found: list[dict[str, Any]]) -> list[list[Any]]:
    return [[one["timestamp"], one["fundingRate"]] for one in found]


def as_ticks(rows: list[list[Any]]) -> Columns:
    price, amount = (np.array([row[i] for row in rows], np.float64) for i in (3, 4))
    side = np.array([{"buy": 1, "sell": -1}.get(row[2], 0) for row in rows], np.int64)
    return trade_columns(np.array([int(row[0]) for row in rows], np.int64) * MS, price, amount, side)


def read_page(path: Path) -> list[list[Any]]:
    """A page as it was kept; DataError when it is damaged."""
    try:
        found = json.loads(path.read_bytes())
        if isinstance(found, list) and all(isinstance(row, list) for row in found):
            return found
    except ValueError:
        pass
    raise DataError(f"{path} is no page of rows")


def whole(path: Path) -> None:
    read_page(path)


def make(exchange: str) -> Provider:
    """The exchange ccxt knows under a name; ConfigError with the nearest, or what to install."""
    try:
        import ccxt
    except ImportError:
        raise ConfigError("ccxt is not installed: pip install -e .[crypto] in the project") from None
    if exchange not in ccxt.exchanges:
        hint = did_you_mean(exchange, ccxt.exchanges) if exchange else "name one, like ccxt:kraken"
        raise ConfigError(f"unknown exchange {exchange!r}: {hint}")
    made: Exchange = at_address(Exchange(exchange, getattr(ccxt, exchange)({"enableRateLimit": False})))
    if made.url:
        made.client.urls["api"] = elsewhere(made.client.urls["api"], made.url)
    return made


def elsewhere(addresses: Any, base: str) -> Any:
    """ccxt's addresses with another host and the same paths."""
    if isinstance(addresses, dict):
        return {name: elsewhere(address, base) for name, address in addresses.items()}
    return base + urlsplit(addresses).path if isinstance(addresses, str) else addresses


PROVIDERS.add("ccxt", make)
