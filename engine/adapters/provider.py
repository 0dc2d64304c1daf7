"""What a provider of history is: which payloads cover a span, and what rows a payload holds.

A provider is a frozen dataclass; its fields are its configuration, and the first of them is the address, so that a
mirror or a test can stand in for it (`ONETAPE_DUKASCOPY_URL`). It knows nothing of caches, retries or the catalogue:
`fetch` gets the bytes, `get` brings the rows in.

A payload need not have an address. `call` gives its bytes instead: that is how ccxt answers, and how MT5 history will
fit, with windows of `copy_rates_range` and `copy_ticks_range` as payloads whose call writes the terminal's structured
array as .npy bytes, `columns` reading them back with the server's zone, and no checksum as the terminal gives none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote

from engine.core.errors import ConfigError
from engine.core.registry import Registry
from engine.feeds.lineage import Columns, Lineage

if TYPE_CHECKING:
    from engine.feeds.outside import Rows


@dataclass(frozen=True)
class Ask:
    """What is wanted: rows of `symbol` in [first, last), ns UTC; ticks where there is no frame."""

    symbol: str
    first: int
    last: int
    frame: str = ""
    basis: str = ""
    point: float | None = None
    zone: str = ""
    funding: bool = False
    """Funding rates, which become a series, instead of prices."""


@dataclass(frozen=True)
class Payload:
    """One thing to fetch. `key` is its path in the cache; `first` and `last` are the span it covers, ns UTC."""

    key: str
    first: int
    last: int
    url: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    """Sent as a POST where there is one."""
    headers: Mapping[str, str] = field(default_factory=dict)
    call: Callable[[], bytes] | None = None
    """Gives the bytes where there is no address."""
    checksum: str = ""
    """Address of a file that begins with the payload's SHA-256."""
    may_be_absent: bool = False
    """404 means that nothing was traded then."""
    grows: bool = False
    """Its content changes whenever it is asked for (a file of all history): never taken from the cache."""
    check: Callable[[Path], None] = lambda path: None
    """DataError when the file is not whole."""


Payloads = Generator[Payload, Path | None, None]
"""Payloads in order of time. What was fetched is sent back, None where it is absent, so that the next may follow."""


class Page(Protocol):
    def __call__(self, url: str) -> str: ...


@dataclass
class Decoded:
    """What came of the payloads so far, beside their rows."""

    dropped: dict[str, int] = field(default_factory=dict)
    seen: set[object] = field(default_factory=set)
    """Ids on the page before, where pages overlap."""

    def drop(self, reason: str, rows: int) -> None:
        if rows:
            self.dropped[reason] = self.dropped.get(reason, 0) + rows

    def take(self) -> dict[str, int]:
        """What was left out since the last time."""
        taken, self.dropped = self.dropped, {}
        return taken


class Provider(Protocol):
    """The one interface of all providers; `url`, `rate` (requests per second) and `licence` are fields."""

    @property
    def name(self) -> str: ...
    @property
    def rate(self) -> float: ...
    @property
    def series(self) -> bool:
        """Whether what comes is a series (an index) and not quotes or bars."""
        ...

    @property
    def funding(self) -> bool:
        """Whether it has funding rates."""
        ...

    def payloads(self, ask: Ask) -> Payloads: ...

    def prepared(self, payload: Payload, page: Page) -> Payload:
        """The payload with what must be asked for first, like a token in a page."""
        ...

    def lineage(self, ask: Ask) -> Lineage: ...

    def columns(self, payload: Payload, path: Path, ask: Ask, so_far: Decoded) -> Iterator[Columns]: ...

    def rows(self, payload: Payload, path: Path, ask: Ask) -> Rows:
        """The rows of a series."""
        ...


@dataclass(frozen=True)
class Defaults:
    """What most providers do."""

    @property
    def series(self) -> bool:
        return False

    @property
    def funding(self) -> bool:
        return False

    def prepared(self, payload: Payload, page: Page) -> Payload:
        return payload

    def columns(self, payload: Payload, path: Path, ask: Ask, so_far: Decoded) -> Iterator[Columns]:
        raise ConfigError(f"{ask.symbol}: this provider gives series, not quotes or bars")

    def rows(self, payload: Payload, path: Path, ask: Ask) -> Rows:
        raise ConfigError(f"{ask.symbol}: this provider gives quotes or bars, not series")


def word(symbol: str) -> str:
    """A symbol as one word of an address or a path.

    >>> word("BTC/USDT:USDT"), word("..")
    ('BTC%2FUSDT%3AUSDT', '%2E%2E')
    """
    quoted = quote(symbol, safe="")
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")


PROVIDERS: Registry[Callable[[str], Provider]] = Registry("provider")
"""Names to what makes the provider; the text is what follows a colon (`ccxt:kraken`)."""
P = TypeVar("P", bound=Any)


def provider(name: str) -> Provider:
    """The provider a text names; ConfigError with the nearest when there is none."""
    from engine.adapters import binance, cboe, dukascopy, exchange, histdata, yahoo  # noqa: F401 - they register

    first, _, rest = name.partition(":")
    return PROVIDERS.get(first.strip().lower())(rest.strip())


def simple(made: P) -> P:
    """Register a provider that takes no text after a colon; its address comes from the environment where set."""

    def make(rest: str) -> P:
        if rest:
            raise ConfigError(f"provider {made.name}:{rest}: {made.name} takes nothing after a colon")
        return at_address(made)

    PROVIDERS.add(made.name, make)
    return made


def at_address(made: P) -> P:
    """The provider at the address that ONETAPE_<PROVIDER>_URL names, if it is set."""
    url = os.environ.get(f"ONETAPE_{made.name.upper().replace('-', '_').replace(':', '_')}_URL")
    return replace(made, url=url.rstrip("/")) if url else made


def frame_among(ask: Ask, known: Mapping[str, Any], who: str, ticks: bool) -> None:
    """ConfigError when the provider has no such frame, or no ticks where none is named."""
    if ask.frame in known or (ticks and not ask.frame):
        return
    choice = " ".join(known)
    asked = f"no {ask.frame} bars" if ask.frame else "no ticks"
    raise ConfigError(f"{who} has {asked}: --tf {choice}" + (", or none for ticks" if ticks else ""))
