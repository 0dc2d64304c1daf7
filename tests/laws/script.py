"""Strategies that follow a script and write down, in order, what they were told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.core import events as e
from engine.core.config import AccountConfig, Config, DataConfig, RiskConfig, StrategyConfig, VenueConfig
from engine.core.frames import FX_DAY
from engine.core.quantity import Duration, Points, Size
from engine.core.tape import ArrayTape
from engine.strategy import Strategy, dataclass, field
from tests.laws.market import MS, SECOND
from tests.laws.runs import Outcome, Pieces, play

MONDAY = 1_551_657_600 * SECOND
"""2019-03-04 00:00 UTC."""
Log = list[str]
Answer = Callable[["Scribe", Any], Any]


def at(text: str) -> int:
    """`10:59:50.250` of that Monday, in ns UTC."""
    hours, minutes, *rest = text.split(":")
    seconds = float(rest[0]) if rest else 0.0
    return MONDAY + (int(hours) * 3_600 + int(minutes) * 60) * SECOND + round(seconds * 1_000) * MS


def told(ts: int) -> str:
    """A moment of that Monday as it is written in the log: `10:59:50` or `10:59:50.25`."""
    ms = (ts - MONDAY) // MS
    text = f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1_000 % 60:02}"
    return text + (f".{ms % 1_000:03}".rstrip("0") if ms % 1_000 else "")


@dataclass
class Scribe(Strategy):
    """Notes every event as a line `id what when`, and answers as the script says for that line."""

    log: Log = field(default_factory=list)
    script: dict[str, Answer] = field(default_factory=dict)
    wants: dict[str, Any] = field(default_factory=dict)
    rows: list[Any] = field(default_factory=list)

    columns = ("open_ts", "volume")

    def features(self) -> dict[str, Any]:
        return self.wants

    def note(self, what: str, event: Any) -> Any:
        line = f"{self.id} {what} {told(event.ts)}"
        self.log.append(line)
        answer = self.script.get(line)
        return answer(self, event) if answer else None

    def on_row(self, row: Any) -> Any:
        self.rows.append(row)
        return self.note(f"row {row.symbol}", row)

    def on_timer(self, timer: e.Timer) -> Any:
        return self.note(f"timer {timer.name}".strip(), timer)

    def on_fill(self, fill: e.Fill) -> Any:
        return self.note(f"fill {fill.entry} {fill.reason} {fill.price:g}", fill)

    def on_accepted(self, accepted: e.Accepted) -> Any:
        return self.note("accepted", accepted)

    def on_canceled(self, canceled: e.Canceled) -> Any:
        return self.note(canceled.reason, canceled)

    def on_rejected(self, rejected: e.Rejected) -> Any:
        return self.note(f"rejected {rejected.reason}", rejected)

    def on_denied(self, denied: e.Denied) -> Any:
        return self.note(f"denied {denied.rule}", denied)


@dataclass
class QuoteScribe(Scribe):
    """A scribe that also hears every quote."""

    def on_quote(self, quote: e.Quote) -> Any:
        return self.note(f"quote {quote.symbol} {quote.bid:g}", quote)


def ticks(
    *lines: tuple[str, str, float, float], symbols: tuple[str, ...] = ("EURUSD",), late: Sequence[str] = ()
) -> ArrayTape:
    """Quotes from (time, symbol, bid, ask); `late` gives venue times of their own, one each."""
    ts = [at(line[0]) for line in lines]
    event = {"ts_event": [at(text) for text in late]} if late else {}
    index = [symbols.index(line[1]) for line in lines]
    return ArrayTape.quotes(symbols, ts=ts, symbol=index, bid=[x[2] for x in lines], ask=[x[3] for x in lines], **event)


def order(kind: str = "market", side: int = 1, price: float | None = None, **rest: Any) -> Answer:
    """Answer with an order for 1,000 units."""

    def answer(scribe: Scribe, event: Any) -> e.Order:
        symbol = rest.get("symbol") or getattr(event, "symbol", "EURUSD")
        more = {name: value for name, value in rest.items() if name != "symbol"}
        return e.Order(event.ts, scribe.id, symbol, side, 1_000.0, kind, price, **more)

    return answer


def timer(text: str, name: str = "") -> Answer:
    return lambda scribe, event: e.Timer(at(text), scribe.id, name)


def both(*answers: Answer) -> Answer:
    return lambda scribe, event: [answer(scribe, event) for answer in answers]


def perform(
    tape: ArrayTape,
    scribes: dict[str, tuple[Scribe, str]],
    latency: int = 0,
    back: int = 0,
    mode: str = "hedging",
    cuts: Pieces = (),
    **options: Any,
) -> tuple[Log, Outcome]:
    """Run {id: (scribe, frame)} over the tape with one log between them."""
    log: Log = []
    base = "M1" if tape.kind == "quotes" else options.pop("base", "M1")
    config = Config(
        name="script",
        data=DataConfig("memory", (), tape.symbols, tape.kind, base, trading_day=options.pop("day", FX_DAY)),
        account=AccountConfig(mode=mode),
        venue=VenueConfig(Duration(latency / MS, "ms"), Duration(back / MS, "ms"), Points(0.0, "points")),
        risk=RiskConfig(Size.parse("0.01 lots")),
        strategy=tuple(StrategyConfig(name="scribe", id=name, frame=frame) for name, (_, frame) in scribes.items()),
    )
    for name, (scribe, _) in scribes.items():
        scribe.id, scribe.log = name, log
    outcome = play(config, tape, [scribe for scribe, _ in scribes.values()], cuts, **options)
    return log, outcome
