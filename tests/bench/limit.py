"""The hand-written limit: bars, averages, orders with latency, exits, fees, equity and drawdown in one numba loop.

What a specialist writes for this one strategy on these tapes and throws away: fixed size, one position a symbol, no
events, no journal, no orders at rest. It follows the rules that `engine.venues.matching.match` lists, so its fills,
balance and drawdown must be those of the engine; that is compared in every run. It imports nothing of the engine.

The strategy of all sides: SMA 20 crosses SMA 100 on the closes of bid minute bars -> be long or short 0.10 lots until
the opposite cross (averages exactly equal say nothing), with a stop-loss 150 and a take-profit 300 points from that
close.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tapes
import worker
from numba import njit

FAST, SLOW = 20, 100
STOP, TAKE_PROFIT = 150, 300
"""Points from the close that crossed."""
UNITS, LOTS, FEE = 10_000.0, 0.10, 0.35
"""Position size, and commission in USD a side: 3.50 per lot."""
LATENCY = 1_000_000
BALANCE = 1_000_000.0
MINUTE = 60_000_000_000
NEVER = np.iinfo(np.int64).max

compiled = njit(cache=True, error_model="numpy")


@compiled
def cents(money):
    return math.copysign(math.floor(abs(money) / 0.01 + 0.5 + 1e-7), money)


@compiled
def exits(close, side, scale):
    """Stop-loss and take-profit for a wish made at a close: whole points, so that a touch is a touch."""
    points = round(close * scale)
    return (points - side * STOP) / scale, (points + side * TAKE_PROFIT) / scale


@compiled
def cross(ring, bars, close, sums, above):
    """Put a close, in points, into both sums. Returns (+1, -1 or 0 for no cross, which average was last above)."""
    fast, slow = sums[0] + close, sums[1] + close
    if bars >= FAST:
        fast -= ring[(bars - FAST) % SLOW]
    if bars >= SLOW:
        slow -= ring[bars % SLOW]
    ring[bars % SLOW] = close
    sums[0], sums[1] = fast, slow
    if bars + 1 < SLOW:
        return 0, 0
    now = np.sign(fast * (SLOW // FAST) - slow)
    if now == 0:
        return 0, above
    return (now if above != 0 and now != above else 0), now


@compiled
def one_symbol(ts, bid, ask, scale):
    """All quotes of one symbol. Returns (fills, profit marked at the end, largest drawdown)."""
    ring, sums = np.zeros(SLOW, np.int64), np.zeros(2, np.int64)
    bars = above = fills = 0
    end, last = NEVER, 0.0
    side, entry, stop, target = 0, 0.0, 0.0, 0.0
    wish, wish_stop, wish_target, arrives = 0, 0.0, 0.0, NEVER
    balance, peak, drawdown = BALANCE * 100, BALANCE, 0.0
    for k in range(len(ts)):
        b, a = bid[k], ask[k]
        if ts[k] >= end:
            signal, above = cross(ring, bars, round(last * scale), sums, above)
            bars += 1
            if signal and side != signal:
                wish, arrives = signal, end + LATENCY
                wish_stop, wish_target = exits(last, signal, scale)
            end = NEVER
        if end == NEVER:
            end = ts[k] - ts[k] % MINUTE + MINUTE
        last = b
        if side:
            x = b if side > 0 else a
            if side * (x - stop) <= 0.0 or side * (x - target) >= 0.0:
                balance += cents(side * (x - entry) * UNITS) - FEE * 100
                side, fills = 0, fills + 1
                equity = balance * 0.01
            else:
                equity = balance * 0.01 + side * (x * UNITS - entry * UNITS)
            if equity > peak:
                peak = equity
            elif peak - equity > drawdown:
                drawdown = peak - equity
        if ts[k] >= arrives:
            arrives = NEVER
            if side:
                x = b if side > 0 else a
                balance += cents(side * (x - entry) * UNITS) - FEE * 100
                fills += 1
            side, entry, stop, target = wish, a if wish > 0 else b, wish_stop, wish_target
            balance -= FEE * 100
            fills += 1
            drawdown = max(drawdown, peak - (balance * 0.01 - (a - b) * UNITS))
    profit = balance * 0.01 - BALANCE + side * ((bid[-1] if side > 0 else ask[-1]) - entry) * UNITS
    return fills, profit, drawdown


@compiled
def three_symbols(ts, symbol, bid, ask, scales):
    """EURUSD, USDJPY and GBPJPY on one account; the profit of the last two is converted at the mid of USDJPY.

    Symbols come in no order, so a branch on one is mispredicted: the path of a quote that does nothing has none.
    """
    n = len(scales)
    rings, sums = np.zeros((n, SLOW), np.int64), np.zeros((n, 2), np.int64)
    bars, above, wish, due, end = np.zeros((5, n), np.int64)
    arrives, side = np.full(n, NEVER), np.zeros(n)
    last, entry, wish_stop, wish_target, floating = np.zeros((5, n))
    low, high = np.full(n, -np.inf), np.full(n, np.inf)
    balance, peak, drawdown, fills, opened, yen = BALANCE * 100, BALANCE, 0.0, 0, 0, 1.0
    for k in range(len(ts)):
        s, b, a = symbol[k], bid[k], ask[k]
        yen = 0.5 * (b + a) if s == 1 else yen
        due_now = ts[k] >= due[s]
        if due_now and ts[k] >= end[s]:
            if end[s] > 0:
                signal, above[s] = cross(rings[s], bars[s], round(last[s] * scales[s]), sums[s], above[s])
                bars[s] += 1
                if signal and side[s] != signal:
                    wish[s], arrives[s] = signal, end[s] + LATENCY
                    wish_stop[s], wish_target[s] = exits(last[s], signal, scales[s])
            end[s] = ts[k] - ts[k] % MINUTE + MINUTE
            due[s] = min(end[s], arrives[s])
        last[s] = b
        x = b if side[s] > 0.0 else a
        floating[s] = side[s] * (x - entry[s])
        leave = x <= low[s] or x >= high[s]
        arrived = due_now and ts[k] >= arrives[s]
        if leave or (arrived and side[s] != 0.0):
            balance += cents(floating[s] * UNITS / (1.0 if s == 0 else yen)) - cents(FEE)
            low[s], high[s], side[s], floating[s] = -np.inf, np.inf, 0.0, 0.0
            fills, opened = fills + 1, opened - 1
        if arrived:
            arrives[s], due[s] = NEVER, end[s]
            side[s], entry[s] = wish[s], a if wish[s] > 0 else b
            low[s], high[s] = min(wish_stop[s], wish_target[s]), max(wish_stop[s], wish_target[s])
            floating[s] = b - a
            balance -= cents(FEE)
            fills, opened = fills + 1, opened + 1
        if opened or leave:
            equity = balance * 0.01 + UNITS * (floating[0] + (floating[1] + floating[2]) / yen)
            peak = max(peak, equity)
            drawdown = max(drawdown, peak - equity)
    profit = balance * 0.01 - BALANCE + UNITS * (floating[0] + (floating[1] + floating[2]) / yen)
    return fills, profit, drawdown


@compiled
def bars_only(first, high, low, close, scale):
    """Minute bars without a spread: orders meet the next open; where both exits lie in a bar, the stop fills."""
    fast = slow = above = fills = 0
    side, entry, stop, target = 0, 0.0, 0.0, 0.0
    wish, wish_stop, wish_target = 0, 0.0, 0.0
    balance, peak, drawdown = BALANCE * 100, BALANCE, 0.0
    for k in range(len(close)):
        if side and (side * (first[k] - stop) <= 0.0 or side * (first[k] - target) >= 0.0):
            balance += cents(side * (first[k] - entry) * UNITS) - FEE * 100
            side, fills = 0, fills + 1
        if wish:
            if side:
                balance += cents(side * (first[k] - entry) * UNITS) - FEE * 100
                fills += 1
            side, entry, stop, target = wish, first[k], wish_stop, wish_target
            balance -= FEE * 100
            fills += 1
            wish = 0
        if side:
            worst, best = (low[k], high[k]) if side > 0 else (high[k], low[k])
            x = np.nan
            if side * (worst - stop) <= 0.0:
                x = stop
            elif side * (best - target) >= 0.0:
                x = target
            if not np.isnan(x):
                balance += cents(side * (x - entry) * UNITS) - FEE * 100
                side, fills = 0, fills + 1
        equity = balance * 0.01 + side * (close[k] * UNITS - entry * UNITS)
        if equity > peak:
            peak = equity
        elif peak - equity > drawdown:
            drawdown = peak - equity
        fast += round(close[k] * scale) - (round(close[k - FAST] * scale) if k >= FAST else 0)
        slow += round(close[k] * scale) - (round(close[k - SLOW] * scale) if k >= SLOW else 0)
        if k < SLOW - 1:
            continue
        now = np.sign(fast * (SLOW // FAST) - slow)
        if now == 0:
            continue
        if above != 0 and now != above and now != side:
            wish = now
            wish_stop, wish_target = exits(close[k], now, scale)
        above = now
    return fills, balance * 0.01 - BALANCE + side * (close[-1] - entry) * UNITS, drawdown


def run(name: str, tape: dict[str, np.ndarray]) -> tuple[int, float, float]:
    symbols = tapes.SPECS[name].symbols
    scales = np.array([tapes.SCALE[s] for s in symbols])
    if tapes.SPECS[name].kind == "bars":
        return bars_only(tape["open"], tape["high"], tape["low"], tape["close"], scales[0])
    if len(symbols) == 1:
        return one_symbol(tape["ts"], tape["bid"], tape["ask"], scales[0])
    return three_symbols(tape["ts"], tape["symbol"], tape["bid"], tape["ask"], scales)


def prepare(args: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    tape = tapes.load(args["data"], args["tape"], args.get("limit"))

    def one_round() -> worker.Result:
        (fills, profit, drawdown), time = worker.timed(lambda: run(args["tape"], tape))
        return {**time, "records": len(tape["ts"]), "fills": fills, "profit": profit, "drawdown": drawdown}

    return one_round, worker.versions("numba", "numpy")


if __name__ == "__main__":
    worker.serve(prepare)
