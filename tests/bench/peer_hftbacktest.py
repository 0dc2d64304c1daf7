"""hftbacktest: a numba strategy over a market-by-level replay; runs in an environment of its own.

Quotes become depth events, about two a quote: where the best bid moves, the new price is added and the old one taken
away. It has market and limit orders, no stops. In `elapse`
the strategy steps from minute to minute, as its tutorials do: averages of the closes, stop and take-profit looked at
once a minute, equity at each minute (less work than ours). In `feed` it is woken for every event: exits and equity at
each (the work that is ours). Latency 1 ms both ways of an order, commission per lot, fills at the touch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tapes
import worker
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    GTC,
    LOCAL_EVENT,
    MARKET,
    SELL_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit

FAST, SLOW, STOP, TAKE_PROFIT = 20, 100, 150, 300
LOTS, CONTRACT, FEE, LATENCY = 0.10, 100_000.0, 3.50, 1_000_000
MINUTE = 60_000_000_000
MORE = (0, 2, 3)
"""Return codes that are not the end of the data: time passed, feed, order response."""


@njit
def send(hbt, order, side, price):
    if side > 0:
        hbt.submit_buy_order(0, order, price, LOTS, GTC, MARKET, False)
    else:
        hbt.submit_sell_order(0, order, price, LOTS, GTC, MARKET, False)


@njit
def loop(hbt, point, per_event):
    ring = np.zeros(SLOW)
    bars = above = order = asked = 0
    fast = slow = stop = target = peak = drawdown = 0.0
    hbt.wait_next_feed(False, MINUTE)
    end = hbt.current_timestamp - hbt.current_timestamp % MINUTE + MINUTE
    depth = hbt.depth(0)
    last = depth.best_bid
    while True:
        step = end - hbt.current_timestamp
        code = hbt.wait_next_feed(True, step) if per_event else hbt.elapse(step)
        if code != 0 and code != 2 and code != 3:
            break
        bid, ask = depth.best_bid, depth.best_ask
        held = hbt.position(0)
        side = 1 if held > 0.01 else (-1 if held < -0.01 else 0)
        if side == asked and side != 0:
            x = bid if side > 0 else ask
            if side * (x - stop) <= 0.0 or side * (x - target) >= 0.0:
                order += 1
                asked = 0
                send(hbt, order, -side, ask if side < 0 else bid)
            state = hbt.state_values(0)
            equity = state.balance + held * CONTRACT * x - state.fee
            peak = max(peak, equity)
            drawdown = max(drawdown, peak - equity)
        if hbt.current_timestamp >= end:
            end += MINUTE
            close = bid if not per_event else last
            fast += close
            slow += close
            if bars >= FAST:
                fast -= ring[(bars - FAST) % SLOW]
            if bars >= SLOW:
                slow -= ring[bars % SLOW]
            ring[bars % SLOW] = close
            bars += 1
            if bars >= SLOW:
                now = 1 if fast / FAST > slow / SLOW else -1
                if now != above and above != 0 and asked != now:
                    if asked != 0:
                        order += 1
                        send(hbt, order, now, ask if now > 0 else bid)
                    order += 1
                    asked = now
                    send(hbt, order, now, ask if now > 0 else bid)
                    stop, target = close - now * STOP * point, close + now * TAKE_PROFIT * point
                above = now
            hbt.clear_inactive_orders(0)
        last = bid
    state, held = hbt.state_values(0), hbt.position(0)
    return state.num_trades, state.balance - state.fee + held * CONTRACT * (bid if held > 0 else ask), drawdown


def events(tape: dict[str, np.ndarray]) -> np.ndarray:
    """Depth events: a side that moved adds its new price and takes the old one away; a quote that moved none is one."""
    n = len(tape["ts"])
    moved = {name: np.concatenate([[True], tape[name][1:] != tape[name][:-1]]) for name in ("bid", "ask")}
    still = ~moved["bid"] & ~moved["ask"]
    parts = []
    for name, flag in (("bid", BUY_EVENT), ("ask", SELL_EVENT)):
        new = np.flatnonzero(moved[name] | (still if name == "bid" else False))
        old = np.flatnonzero(moved[name])[1:]
        for order, rows, prices, quantity in ((0, new, tape[name][new], 1_000.0), (1, old, tape[name][old - 1], 0.0)):
            part = np.zeros(len(rows), event_dtype)
            part["ev"] = DEPTH_EVENT | EXCH_EVENT | LOCAL_EVENT | flag
            part["exch_ts"] = part["local_ts"] = tape["ts"][rows]
            part["px"], part["qty"] = prices, quantity
            parts.append((rows * 2 + order, part))
    order = np.argsort(np.concatenate([key for key, _ in parts]), kind="stable")
    assert len(order) >= n
    return np.concatenate([part for _, part in parts])[order]


def prepare(args: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    scale = tapes.SCALE[tapes.SPECS[args["tape"]].symbols[0]]
    tape = tapes.load(args["data"], args["tape"], args.get("limit"))
    quotes, data = len(tape["ts"]), events(tape)
    del tape

    def one_round() -> worker.Result:
        asset = (
            BacktestAsset()
            .data([data])
            .linear_asset(CONTRACT)
            .constant_order_latency(LATENCY, 0)
            .risk_adverse_queue_model()
            .no_partial_fill_exchange()
            .trading_qty_fee_model(FEE, FEE)
            .tick_size(1.0 / scale)
            .lot_size(0.01)
        )
        hbt = HashMapMarketDepthBacktest([asset])
        (fills, profit, drawdown), time = worker.timed(lambda: loop(hbt, 1.0 / scale, args["mode"] == "feed"))
        hbt.close()
        return {**time, "records": quotes, "fills": int(fills), "profit": profit, "drawdown": drawdown}

    return one_round, worker.versions("hftbacktest", "numba", "numpy")


if __name__ == "__main__":
    worker.serve(prepare)
