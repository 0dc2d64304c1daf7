"""What a broker really does, fitted from what it did: a `[venue]` for the next backtest.

A journal of ours says when each order was decided and what became of it; with the tape it ran on, spread, slippage,
latency and refusals can be told. A report of MetaTrader 5 says much less: see `engine.research.calibrate_report`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np

from engine.core import events as e
from engine.core.config import Config
from engine.core.errors import DataError, NotFound
from engine.core.instrument import Instrument, as_recorded, instrument
from engine.core.journal import MAGIC
from engine.core.schema import to_toml
from engine.core.tape import Tape
from engine.feeds.tapes import open_data
from engine.replay import opening
from engine.research.fit import Costs, Estimate, costs, latency, share

MS = 1e6
ASLEEP = 600 * 10**9
"""ns without a quote after which an order waits for the market, not for its own journey."""
LEAST = 20
"""Observations below which nothing is fitted."""
MOST = 5_000
"""Orders looked at for the latency; more make it no better."""
DEALER, REQUOTE = "rejected by the dealer", "requote"


class Calibration(msgspec.Struct, kw_only=True):
    """What was fitted, what cannot be told and why, and the config that follows."""

    made_from: str
    estimates: list[Estimate] = []
    unknown: list[str] = []
    toml: str = ""


def calibrate(path: Path, data: Tape | None = None, zone: str = "") -> Calibration:
    """Fit a run's folder, its journal, or a report of MetaTrader 5 (`zone`: of its server).

    `data` is the tape, before any stress, of a run that was made of objects. NotFound without a file, DataError where
    nothing can be fitted.
    """
    journal = path / "journal" if path.is_dir() else path
    if not journal.is_file():
        raise NotFound(f"{path}: there is no run and no report")
    with journal.open("rb") as file:
        if file.read(len(MAGIC)) == MAGIC:
            return from_journal(journal, data)
    from engine.research.calibrate_report import from_report

    return from_report(journal, zone)


@as_recorded()
def from_journal(journal: Path, data: Tape | None = None) -> Calibration:
    """Spread, slippage, latency and refusals of a run."""
    _, start, frames = opening(journal)
    config = Config.from_json(start.config)
    if data is None and config.data.source == "memory":
        raise NotFound("the run's tape was in memory and is not on disk: hand it in as `data`")
    tape = open_data(config.data, config.instruments) if data is None else data
    told = Told(frame.event for frame in frames)
    if not told.fills and not told.rejected:
        raise DataError(f"{journal}: nothing was filled or refused: there is nothing to fit")
    market = Market(tape, tuple(instrument(s, config.instruments) for s in tape.symbols), told.moments())
    found = Calibration(made_from=f"{start.name}: {len(told.fills)} deals, {len(told.rejected)} refusals")
    venue: dict[str, object] = {}
    fit_costs(found, venue, told, market)
    fit_latency(found, venue, told, market)
    fit_refusals(found, venue, told)
    fit_commission(found, venue, told, market, config)
    found.toml = to_toml({"venue": venue}).strip() + "\n" if venue else ""
    return found


class Told:
    """What a journal says, sorted by what it is good for."""

    def __init__(self, events: Iterable[e.Event]) -> None:
        self.orders: dict[int, e.Order] = {}
        self.fills: list[e.Fill] = []
        self.rejected: list[e.Rejected] = []
        self.arrived: dict[int, e.Accepted | e.Fill | e.Rejected] = {}
        """The first word of the venue on each order."""
        for event in events:
            if isinstance(event, e.Order) and event.id:
                self.orders[event.id] = event
            elif isinstance(event, e.Fill):
                self.fills.append(event)
            elif isinstance(event, e.Rejected) and not event.request and event.order:
                self.rejected.append(event)
            if isinstance(event, e.Accepted | e.Fill | e.Rejected) and event.order:
                self.arrived.setdefault(event.order, event)

    def moments(self) -> dict[str, np.ndarray]:
        """By symbol: the venue times of all reports and the times of all decisions, int64 ns, rising."""
        found: dict[str, set[int]] = {}
        for one in (*self.fills, *self.arrived.values()):
            found.setdefault(one.symbol, set()).add(one.ts_event)
        for order in self.orders.values():
            found.setdefault(order.symbol, set()).add(order.ts)
        return {symbol: np.array(sorted(times), np.int64) for symbol, times in found.items()}


class Market:
    """The tape at the moments that matter: per symbol the records stamped then, and those before."""

    def __init__(self, tape: Tape, instruments: tuple[Instrument, ...], moments: dict[str, np.ndarray]) -> None:
        self.bars = tape.kind == "bars"
        self.instruments = {one.symbol: one for one in instruments}
        self.records: dict[tuple[str, int], tuple[int, float, float, int]] = {}
        """(symbol, venue time) of a record: its ts, bid and ask (a bar's open), and how many are stamped so."""
        self.before: dict[tuple[str, int], int] = {}
        """(symbol, moment): venue time of the symbol's last record before it."""
        last: dict[str, int] = {}
        for block in tape.blocks():
            for s, symbol in enumerate(tape.symbols):
                wanted = moments.get(symbol)
                mine = np.flatnonzero(block.symbol == s)
                if wanted is None or not len(mine):
                    continue
                self.look(symbol, wanted, block, mine, last.get(symbol, 0))
                last[symbol] = int(block.ts_event[mine[-1]])
        for symbol, wanted in moments.items():
            for moment in wanted[wanted > last.get(symbol, 0)].tolist():
                self.before[symbol, moment] = last.get(symbol, 0)

    def look(self, symbol: str, wanted: np.ndarray, block: object, mine: np.ndarray, last: int) -> None:
        """Take in one symbol's records of one block; `last` is the venue time of the one before them."""
        times = block.ts_event[mine]  # type: ignore[attr-defined]
        inside = wanted[(wanted > last) & (wanted <= times[-1])]
        first = np.searchsorted(times, inside, side="left")
        behind = np.searchsorted(times, inside, side="right")
        for moment, at, end in zip(inside.tolist(), first.tolist(), behind.tolist(), strict=True):
            self.before[symbol, moment] = int(times[at - 1]) if at else last
            if at < end:
                k = mine[at]
                bid = float((block.open if self.bars else block.bid)[k])  # type: ignore[attr-defined]
                ask = bid + float(block.spread[k]) if self.bars else float(block.ask[k])  # type: ignore[attr-defined]
                self.records[symbol, moment] = int(block.ts[k]), bid, ask, end - at  # type: ignore[attr-defined]


def fit_costs(found: Calibration, venue: dict[str, object], told: Told, market: Market) -> None:
    """Spread and slippage from the deals that fill at the quote: market orders, and on quotes stops too."""
    rows: list[tuple[int, float, float]] = []
    for fill in told.fills:
        kind = told.orders[fill.order].kind if fill.order in told.orders else "market"
        at_quote = kind == "market" if fill.order else fill.reason in ("stop_loss", "stop_out")
        if fill.order and not market.bars:
            at_quote = kind in ("market", "stop", "if_touched", "trailing_stop")
        seen = market.records.get((fill.symbol, fill.ts_event))
        if not at_quote or (market.bars and not fill.order) or seen is None or seen[3] > 1 or fill.entry == "out_by":
            continue
        point = market.instruments[fill.symbol].point
        rows.append((fill.side, (fill.price - seen[1]) / point, (seen[2] - seen[1]) / point))
    sides = [side for side, _, _ in rows]
    if min(sides.count(1), sides.count(-1)) < LEAST:
        found.unknown.append(f"spread and slippage: fewer than {LEAST} deals at the quote on each side")
        return
    side, away, spread = (np.array(column) for column in zip(*rows, strict=True))
    if not spread.any():
        found.unknown.append("spread: the tape has none, so a factor on it says nothing")
    fitted = costs(side, away, spread)
    found.estimates += [fitted.spread, fitted.slip]
    venue["spread"] = round(fitted.spread.value, 4)
    venue["slippage"] = written(fitted)


def written(fitted: Costs) -> object:
    """Slippage as a config says it; many samples as their 5 % steps."""
    if fitted.kind == "samples":
        steps = np.quantile(fitted.samples, np.linspace(0.025, 0.975, 20))
        return {"model": "samples", "samples": [round(float(step), 2) for step in steps]}
    value = max(fitted.slip.value, 0.0)
    return f"{value:.4g} points" if fitted.kind == "points" else f"{100 * value:.4g} % spread"


def fit_latency(found: Calibration, venue: dict[str, object], told: Told, market: Market) -> None:
    """Latency of orders from when they were decided and between which quotes they arrived; of reports directly."""
    back = [
        one.ts - market.records[one.symbol, one.ts_event][0]
        for one in told.arrived.values()
        if (one.symbol, one.ts_event) in market.records
    ]
    if len(back) >= LEAST:
        late = np.array(back) / MS
        told_back = Estimate(name="report latency", value=float(np.median(late)), unit="ms", n=len(late), note="median")
        found.estimates.append(told_back)
        venue["report_latency"] = model_of("constant", told_back.value, 0.0)
        logs = np.log(late[late > 0])
        if len(logs) == len(late) and logs.std() > 0.05:
            venue["report_latency"] = model_of("lognormal", told_back.value, float(logs.std()))
    if market.bars:
        found.unknown.append("latency of orders: on bars an order meets the next open, however long it was on its way")
        return
    spans = []
    for number, event in list(told.arrived.items())[:MOST]:
        order, key = told.orders.get(number), (event.symbol, event.ts_event)
        if order is None or key not in market.records or order.parent:
            continue
        before = market.before[event.symbol, event.ts_event]
        if max(before, order.ts) - market.before[event.symbol, order.ts] < ASLEEP:
            spans.append(((before - order.ts) / MS, (event.ts_event - order.ts) / MS))
    if len(spans) < LEAST:
        why = "a compiled run's journal holds no orders" if not told.orders else f"fewer than {LEAST} orders"
        found.unknown.append(f"latency of orders: {why}")
        return
    low, high = (np.array(column) for column in zip(*spans, strict=True))
    kind, median, sigma = latency(low, high)
    found.estimates.append(median)
    if kind == "lognormal":
        found.estimates.append(sigma)
    venue["latency"] = model_of(kind, median.value, sigma.value)


def model_of(kind: str, median: float, sigma: float) -> object:
    text = f"{median:.4g} ms"
    return text if kind == "constant" else {"model": "lognormal", "median": text, "sigma": round(sigma, 4)}


def fit_refusals(found: Calibration, venue: dict[str, object], told: Told) -> None:
    """Shares of orders that the dealer refused, of market orders requoted, of those filled in part at first."""
    reasons = {event.order: event.reason for event in told.rejected}
    n = len(told.arrived)
    refused = sum(reason == DEALER for reason in reasons.values())
    found.estimates.append(share("rejects", refused, n))
    market = [
        number for number in told.arrived
        if reasons.get(number) != DEALER and (number not in told.orders or told.orders[number].kind == "market")
    ]  # fmt: skip
    first = {fill.order: fill for fill in reversed(told.fills)}
    shares = {"rejects": (refused, n)}
    if market:
        again = sum(reasons.get(number) == REQUOTE for number in market)
        filled = [first[number] for number in market if number in first]
        shares["requotes"] = again, len(market)
        found.estimates.append(share("requotes", again, len(market)))
        if filled:
            left = sum(fill.left > 0 for fill in filled)
            shares["partial_fills"] = left, len(filled)
            found.estimates.append(share("partial fills", left, len(filled)))
    for key, (hits, of) in shares.items():
        if hits:
            venue[key] = f"{100 * hits / of:.3g} %"


def fit_commission(found: Calibration, venue: dict[str, object], told: Told, market: Market, config: Config) -> None:
    """Commission per lot and side."""
    per_lot = [
        -fill.commission / (fill.units / market.instruments[fill.symbol].contract_size)
        for fill in told.fills
        if fill.entry != "out_by"
    ]
    if not per_lot:
        return
    value, currency = float(np.median(per_lot)), config.account.currency
    note = "" if np.ptp(per_lot) < 0.02 * abs(value) + 1.0 else "differs from deal to deal: not simply per lot"
    found.estimates.append(
        Estimate(name="commission", value=value, unit=f"{currency} per lot", n=len(per_lot), note=note)
    )
    if value:
        venue["commission"] = f"{value:.4g} {currency} per lot"
