"""What a run says about itself: `summary.json`, read back by the report, `runs show` and whoever comes later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from engine.core.errors import NotFound, OnetapeError
from engine.portfolio.trades import Attribution
from engine.report.metrics import Figures, Month

FILE = "summary.json"


class OpenTrade(msgspec.Struct, frozen=True):
    """A position that was still open when the run ended; `value` is what it was worth when it was opened."""

    position: int
    strategy: str
    symbol: str
    side: int
    units: float
    open_ts: int
    open_price: float
    value: float


class Summary(msgspec.Struct, kw_only=True):
    """Everything the report shows beside the series. Times `*_ts` int64 ns UTC; amounts in `currency`.

    `zone` is the time zone times are shown in, `digits` the account currency's, `price_digits` those of each symbol.
    `started` and `finished` are wall-clock times as text, handed in by who may read the clock. `notes` are sentences
    a reader must know: assumed spread, latency, commission, source and licence of the data; `cautions` those to be read
    before any figure: fixed conversion rates, bars in place of quotes, orders refused.
    `excursions` says what best_price and worst_price of trades.csv were taken from. `open` are positions at the end.
    `code` is a hash of each strategy's file, by the id it traded under; `reads` the digest of each file and series that
    was read beside the tape.
    `figures` as in `engine.report.metrics`, None where undefined.
    """

    name: str
    number: int = 0
    engine: str = ""
    strategies: list[str] = []
    symbols: list[str] = []
    currency: str = "USD"
    digits: int = 2
    price_digits: dict[str, int] = {}
    zone: str = "UTC"
    trading_day: str = "00:00 UTC"
    days_per_year: int = 252
    first_ts: int = 0
    last_ts: int = 0
    records: int = 0
    kind: str = "quotes"
    tape: str = ""
    digest: str = ""
    started: str = ""
    finished: str = ""
    figures: Figures = {}
    attribution: list[Attribution] = []
    months: list[Month] = []
    notes: list[str] = []
    cautions: list[str] = []
    config: Any = None
    extra: dict[str, Any] = {}
    excursions: str = ""
    open: list[OpenTrade] = []
    code: dict[str, str] = {}
    reads: dict[str, str] = {}


def load_summary(run: Path) -> Summary:
    """The summary of a finished run; raises NotFound when there is none, OnetapeError when it is damaged."""
    try:
        return msgspec.json.decode((run / FILE).read_bytes(), type=Summary)
    except FileNotFoundError:
        raise NotFound(f"{run} holds no {FILE}: it is not a finished run") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OnetapeError(f"{run / FILE} cannot be read: {error}") from None
