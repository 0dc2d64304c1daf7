"""A made-up run of any size, written through RunWriter: a seeded random walk and trades on it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from engine.core import events as e
from engine.core.journal import Journal
from engine.portfolio.trades import Attribution, Trade
from engine.report.metrics import SECOND, Tally
from engine.report.summary import Summary
from engine.report.writer import RunWriter

START = 1_546_300_800 * SECOND  # 1 January 2019
HOUR = 3600 * SECOND
START_BALANCE = 10_000.0


def walk(count: int, seed: int = 1, step: int = HOUR, price: float = 1.1) -> dict[str, np.ndarray]:
    """Bars of a random walk without weekends: ts (close), open_ts, open, high, low, close."""
    rng = np.random.default_rng(seed)
    stamps = START + step * np.arange(2 * count + 200, dtype=np.int64)
    weekday = (stamps // (24 * HOUR) + 3) % 7
    stamps = stamps[weekday < 5][:count]
    close = price * np.exp(np.cumsum(rng.normal(0, 6e-4, count)))
    opened = np.concatenate([[price], close[:-1]])
    spread = np.abs(rng.normal(0, 3e-4, (2, count))) * price
    return {
        "ts": stamps + step, "open_ts": stamps, "open": opened, "close": close,
        "high": np.maximum(opened, close) + spread[0], "low": np.minimum(opened, close) - spread[1],
    }  # fmt: skip


def trades_on(
    bars: dict[str, np.ndarray], count: int, symbol: str = "EURUSD", strategy: str = "ma_cross"
) -> list[Trade]:
    """`count` trades one after the other, 0.10 lots each, commission 0.70, in the order they close."""
    edges = np.linspace(0, len(bars["ts"]) - 1, 2 * count + 2).astype(int)
    out = []
    for k in range(count):
        i, j = int(edges[2 * k]), int(edges[2 * k + 1])
        side = 1 if k % 3 else -1
        opened, closed = float(bars["open"][i]), float(bars["close"][j])
        profit = round(side * (closed - opened) * 10_000, 2)
        out.append(Trade(
            id=k + 1, position=k + 1, strategy=strategy, symbol=symbol, side=side, units=10_000.0, lots=0.1,
            open_ts=int(bars["open_ts"][i]), open_price=opened, close_ts=int(bars["ts"][j]), close_price=closed,
            profit=profit, commission=-0.7, net=round(profit - 0.7, 2),
            reason=("order", "stop_loss", "take_profit")[k % 3], order_in=2 * k + 1, order_out=2 * k + 2,
            stop=opened * (1 - side * 0.004), take_profit=opened * (1 + side * 0.006) if k % 2 else None,
        ))  # fmt: skip
    return out


def samples(bars: dict[str, np.ndarray], trades: list[Trade]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Balance and equity at each bar's close, from the trades."""
    ts, balance = bars["ts"], np.full(len(bars["ts"]), START_BALANCE)
    equity = np.zeros(len(ts))
    for t in trades:
        lo, hi = np.searchsorted(ts, t.open_ts, "right"), np.searchsorted(ts, t.close_ts)
        balance[np.searchsorted(ts, t.close_ts) :] += t.net
        equity[lo:hi] = t.side * (bars["close"][lo:hi] - t.open_price) * t.units
    return ts, balance.round(2), (balance + equity).round(2)


def write_run(
    root: Path, bars: int = 3_000, trades: int = 60, name: str = "demo", zone: str = "UTC", nights: float = 0.0,
    journal: bool = False,
) -> Path:  # fmt: skip
    """A finished run's folder; `nights` is what swap each trade paid, and the broker then stops its last one out.

    With a `journal` every trade has its signals, orders and deals in it.
    """
    tally = Tally(START_BALANCE, day="17:00 America/New_York")
    prices, made = walk(bars), []
    with RunWriter(root, name, tally) as writer:
        if bars:
            made = (
                [with_swap(trade, nights) for trade in trades_on(prices, trades)]
                if nights
                else trades_on(prices, trades)
            )
            if nights:
                made[-1] = msgspec.structs.replace(made[-1], reason="stop_out", order_out=0)
            ts, balance, equity = samples(prices, made)
            for lo in range(0, bars, 1_000):
                writer.equity(ts[lo : lo + 1_000], balance[lo : lo + 1_000], equity[lo : lo + 1_000])
                writer.bars("EURUSD", "H1", {name: values[lo : lo + 1_000] for name, values in prices.items()})
        for trade in made:
            writer.trade(trade)
        if journal:
            write_journal(writer.journal_path, made)
        span = (int(prices["open_ts"][0]), int(prices["ts"][-1])) if bars else (START, START + HOUR)
        config = {"name": name, "strategy": {"name": "ma_cross", "fast": 20}}
        notes = ["Bars are ask prices; a spread of 1.0 points is assumed."]
        return writer.finish(summary(tally, made, span, zone), config, notes)


def write_journal(path: Path, trades: list[Trade]) -> None:
    """What would have been decided for these trades, in order."""
    journal = Journal(path)
    for t in trades:
        who = (t.strategy, t.symbol)
        for entry, ts, price, order in (("in", t.open_ts, t.open_price, t.order_in),
                                        ("out", t.close_ts, t.close_price, t.order_out)):  # fmt: skip
            way = t.side if entry == "in" else -t.side
            cause = journal.write(e.Signal(ts, *who, float(t.side if entry == "in" else 0), t.stop))
            if entry == "in":
                cause = journal.write(e.TargetPosition(ts, *who, t.side * t.units, t.stop, None, "size spread"), cause)
            cause = journal.write(e.Order(ts, *who, way, t.units, stop=t.stop, id=order), cause)
            profit = t.profit if entry == "out" else 0.0
            journal.write(e.Fill(ts, *who, order, order, t.position, way, t.units, price, entry, profit, -0.35, 0.0,
                                 "order", ts), cause)  # fmt: skip
    journal.close()


def with_swap(trade: Trade, swap: float) -> Trade:
    return msgspec.structs.replace(trade, swap=swap, net=round(trade.net + swap, 2))


def summary(tally: Tally, trades: list[Trade], span: tuple[int, int], zone: str) -> Summary:
    profit = round(sum(t.profit for t in trades), 2)
    commission = round(sum(t.commission for t in trades), 2)
    swap = round(sum(t.swap for t in trades), 2)
    won, net = sum(t.net > 0 for t in trades), round(profit + commission + swap, 2)
    return Summary(
        name="demo", engine="onetape 0.1.0", strategies=["ma_cross"], symbols=["EURUSD"], zone=zone,
        price_digits={"EURUSD": 5}, first_ts=span[0], last_ts=span[1], records=1_234_567, tape="c0ffee" * 5,
        digest="ab12" * 8, started="2026-11-23T10:00:00Z", finished="2026-11-23T10:00:02Z",
        figures=tally.figures(first_ts=span[0], last_ts=span[1]),
        attribution=[Attribution("ma_cross", len(trades), won, profit, commission, net, swap)],
        notes=["Latency 1 ms; commission 3.50 USD per lot and side.", "Data: EURUSD H1, MIT licence, see NOTICE."],
    )  # fmt: skip
