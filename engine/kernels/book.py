"""The book: all trading state of a run, as record arrays that one kernel call can take and one copy can save.

`Book` is a plain tuple of arrays, because numba caches functions on tuples and a tuple of arrays may grow
without a recompile: (account[1], symbols[S], orders[cap], positions[cap], reports[cap], samples[cap]).
Orders and positions lie compact and in the order of their ids; `account.orders` and `.positions` count them.

Volumes are whole lot steps (int64), money that has been booked is whole minor units (cents, int64), so neither can
drift. Prices that are not set are NaN. Marks, equity and margin are float64 in the account currency.
"""

from __future__ import annotations

import math

import numpy as np

from engine.kernels.jit import jit

# int64, not Python ints: numba compiles a function anew for every literal it is called with
NONE = np.int64(0)
MARKET, LIMIT, STOP = map(np.int64, range(3))
SENT, WORKING = map(np.int64, (1, 2))
FILL, ACCEPTED, REJECTED, CANCELED = map(np.int64, range(4))
ENTRY_IN, ENTRY_OUT = map(np.int64, range(2))
BY_ORDER, BY_STOP_LOSS, BY_TAKE_PROFIT = map(np.int64, range(3))
NO_CONVERSION, FIXED_RATE, DIRECT, INVERSE = map(np.int64, range(4))
EXPIRED, POSITION_CLOSED = map(np.int64, (1, 2))
NEVER = np.int64(np.iinfo(np.int64).max)

ORDER_KINDS = ("market", "limit", "stop")
FILL_REASONS = ("order", "stop_loss", "take_profit")
CANCEL_REASONS = ("canceled", "expired", "position closed")
REJECT_REASONS = (
    "",
    "volume below the minimum",
    "volume above the maximum",
    "invalid stops",
    "not enough money",
    "position is not open",
    "no conversion rate",
    "no such order",
)
R_VOLUME_MIN, R_VOLUME_MAX, R_STOPS, R_MONEY, R_POSITION, R_RATE, R_ORDER = map(np.int64, range(1, 8))

_i, _f = np.int64, np.float64

ACCOUNT = np.dtype([
    ("balance", _i), ("minor", _f), ("equity", _f), ("peak", _f), ("drawdown", _f), ("drawdown_share", _f),
    ("leverage", _f), ("hedging", _i),
    ("orders", _i), ("positions", _i), ("reports", _i), ("samples", _i),
    ("next_order", _i), ("next_position", _i), ("next_deal", _i),
    ("sample_every", _i), ("next_sample", _i),
], align=True)  # fmt: skip

SYMBOL = np.dtype([
    ("bid", _f), ("ask", _f),
    # the nearest prices and time at which anything of this symbol can happen
    ("ask_low", _f), ("ask_high", _f), ("bid_low", _f), ("bid_high", _f), ("due", _i),
    # open volume and its cost, both sides: all a mark needs, however many positions there are
    ("long_units", _f), ("long_cost", _f), ("short_units", _f), ("short_cost", _f), ("exposed", _i),
    ("floating", _f), ("mark", _f), ("rate", _f),
    ("conversion", _i), ("via", _i), ("converts", _i),
    ("step_units", _f), ("step_lots", _f), ("steps_min", _i), ("steps_max", _i), ("grid", _f),
    ("slippage", _f), ("commission_per_lot", _f), ("commission_share", _f),
], align=True)  # fmt: skip

ORDER = np.dtype([
    ("id", _i), ("strategy", _i), ("symbol", _i), ("side", _i), ("kind", _i), ("steps", _i),
    ("price", _f), ("stop", _f), ("take_profit", _f), ("position", _i),
    ("decided", _i), ("arrives", _i), ("expires", _i), ("cancel_at", _i), ("state", _i),
], align=True)  # fmt: skip

POSITION = np.dtype([
    ("id", _i), ("strategy", _i), ("symbol", _i), ("side", _i), ("steps", _i), ("entry", _f),
    ("stop", _f), ("take_profit", _f), ("ts", _i),
], align=True)  # fmt: skip

REPORT = np.dtype([
    ("kind", _i), ("ts", _i), ("ts_event", _i), ("order", _i), ("deal", _i), ("position", _i), ("strategy", _i),
    ("symbol", _i), ("side", _i), ("steps", _i), ("price", _f), ("entry", _i), ("profit", _i), ("commission", _i),
    ("balance", _i), ("reason", _i), ("stop", _f), ("take_profit", _f),
], align=True)  # fmt: skip
"""`stop` and `take_profit` are those of the position that a deal opened."""

SAMPLE = np.dtype([("ts", _i), ("balance", _f), ("equity", _f)], align=True)

Book = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def empty_book(symbols: int, orders: int = 64, positions: int = 64, samples: int = 4_096) -> Book:
    """A book with room for that many of each; everything zero, nothing set."""
    account = np.zeros(1, ACCOUNT)
    account["next_order"] = account["next_position"] = account["next_deal"] = 1
    account["minor"], account["leverage"], account["next_sample"] = 0.01, 1.0, NEVER
    rows = np.zeros(symbols, SYMBOL)
    for field in ("bid", "ask", "rate"):
        rows[field] = np.nan
    rows["ask_low"], rows["bid_low"] = -np.inf, -np.inf
    rows["ask_high"], rows["bid_high"] = np.inf, np.inf
    rows["due"], rows["via"] = NEVER, -1
    reports = np.zeros(report_room(orders, positions), REPORT)
    return account, rows, np.zeros(orders, ORDER), np.zeros(positions, POSITION), reports, np.zeros(samples, SAMPLE)


def report_room(orders: int, positions: int) -> int:
    """Reports one record of a tape can cause at most: an acceptance and two deals an order, an exit a position."""
    return 4 * orders + 2 * positions + 8


def grow(book: Book, orders: int, positions: int) -> Book:
    """The same book with room for at least that many orders and positions."""
    account, symbols, old_orders, old_positions, reports, samples = book
    new_orders = np.zeros(max(orders, len(old_orders)), ORDER)
    new_positions = np.zeros(max(positions, len(old_positions)), POSITION)
    new_orders[: len(old_orders)] = old_orders
    new_positions[: len(old_positions)] = old_positions
    new_reports = np.zeros(report_room(len(new_orders), len(new_positions)), REPORT)
    new_reports[: len(reports)] = reports
    return account, symbols, new_orders, new_positions, new_reports, samples


def snapshot(book: Book) -> bytes:
    """Every byte of trading state."""
    account, symbols, orders, positions, _, _ = book
    a = account[0]
    return b"".join(part.tobytes() for part in (account, symbols, orders[: a["orders"]], positions[: a["positions"]]))


@jit(no_cpython_wrapper=True)
def to_minor(money, minor, whole=0.0):
    """Whole minor units, half away from zero; what a decimal ledger would book.

    A product that is a tie in decimals may be a hair off in binary. The nudge puts it on the side where the decimals
    would: 1e-7 of a minor unit, and more for a difference of two values as large as `whole`, whose noise it carries.
    """
    n = (abs(money) + 1e-15 * abs(whole)) / minor + 0.5 + 1e-7
    return np.int64(math.copysign(math.floor(n), money))


@jit(no_cpython_wrapper=True)
def on_grid(x, price):
    """A price as the venue quotes it: rounded to the symbol's digits (NaN stays NaN)."""
    return np.round(price * x.grid) / x.grid


@jit(no_cpython_wrapper=True)
def clean(x, price):
    """A sum of prices as the decimal it stands for, to a thousandth of a point.

    0.1 + 0.2 is not 0.3: an ask that is a bid and a spread would miss by a bit the order that it touches.
    """
    fine = x.grid * 1e3
    return np.round(price * fine) / fine


@jit(no_cpython_wrapper=True)
def rate_of(symbols, s):
    """Account currency per unit of profit currency, now; NaN as long as nothing has been quoted."""
    x = symbols[s]
    if x.conversion == NO_CONVERSION:
        return 1.0
    if x.conversion == FIXED_RATE:
        return x.rate
    y = symbols[x.via]
    mid = 0.5 * (y.bid + y.ask)
    return mid if x.conversion == DIRECT else 1.0 / mid


@jit(no_cpython_wrapper=True)
def mark(symbols, s):
    """Value the open volume of symbol s at its quote, and what its quote converts; whether there was anything."""
    x = symbols[s]
    found = x.exposed != 0
    if x.exposed:
        x.floating = (x.bid * x.long_units - x.long_cost) + (x.short_cost - x.ask * x.short_units)
        x.mark = x.floating * x.rate
    if x.converts:
        for d in range(len(symbols)):
            y = symbols[d]
            if y.via == s and y.exposed:
                y.rate = rate_of(symbols, d)
                y.mark = y.floating * y.rate
                found = True
    return found


@jit(no_cpython_wrapper=True)
def total(account, symbols):
    """Equity now, summed in symbol order so that no rounding is carried along."""
    equity = account[0].balance * account[0].minor
    for s in range(len(symbols)):
        equity += symbols[s].mark
    account[0].equity = equity
    return equity


@jit(no_cpython_wrapper=True)
def value(account, symbols):
    """Equity now, and the peak and drawdown it means. Called at every quote while something is open."""
    a = account[0]
    equity = total(account, symbols)
    if equity > a.peak:
        a.peak = equity
    else:
        down = a.peak - equity
        if down > a.drawdown:
            a.drawdown = down
        if down > a.drawdown_share * a.peak:
            a.drawdown_share = down / a.peak


@jit(no_cpython_wrapper=True)
def margin_used(book):
    """Margin of all open positions: volume at its entry price, converted now, over the leverage."""
    account, symbols, _, positions, _, _ = book
    total = 0.0
    for p in range(account[0].positions):
        x = symbols[positions[p].symbol]
        total += positions[p].steps * x.step_units * positions[p].entry * rate_of(symbols, positions[p].symbol)
    return total / account[0].leverage


@jit(no_cpython_wrapper=True)
def owned(book, k, s):
    """Signed lot steps strategy k owns of symbol s."""
    account, positions = book[0], book[3]
    steps = 0
    for p in range(account[0].positions):
        q = positions[p]
        if q.strategy == k and q.symbol == s:
            steps += q.side * q.steps
    return steps


@jit(no_cpython_wrapper=True)
def sample(book, ts):
    """Note balance and equity as of ts."""
    a = book[0][0]
    row = book[5][a.samples]
    row.ts, row.balance, row.equity = ts, a.balance * a.minor, a.equity
    a.samples += 1


@jit(no_cpython_wrapper=True)
def sample_grid(book, ts):
    """Note the equity as it stood before a record at ts, once per interval."""
    a = book[0][0]
    sample(book, a.next_sample)
    a.next_sample = (ts // a.sample_every + 1) * a.sample_every
