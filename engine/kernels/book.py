"""The book: all trading state of a run, as record arrays that one kernel call can take and one copy can save.

`Book` is a plain tuple of arrays, because numba caches functions on tuples and a tuple of arrays may grow
without a recompile: (account[1], symbols[S], orders[cap], positions[cap], reports[cap], samples[cap], terms[S],
requests[cap], calendar). Orders and positions lie compact and in the order of their ids; `account.orders` and
`.positions` count them. `terms` and `calendar` are what the contract says and do not change while a run goes on.

Volumes are whole lot steps (int64), money that has been booked is whole minor units (cents, int64), so neither can
drift. Prices that are not set are NaN. Marks, equity and margin are float64 in the account currency.
"""

from __future__ import annotations

import math

import numpy as np

from engine.kernels.jit import part
from engine.kernels.terms import CALENDAR, TERMS

# int64, not Python ints: numba compiles a function anew for every literal it is called with
NONE = np.int64(0)
MARKET, LIMIT, STOP, STOP_LIMIT, TOUCHED, TRAILING = map(np.int64, range(6))
SENT, WORKING, WAITING, AWAKE = map(np.int64, (1, 2, 3, 4))
"""Of an order: on its way; with the venue; there, but its parent has not been filled; works from the next record on."""
RETURN, IOC, FOK, POST_ONLY = map(np.int64, range(4))
FILL, ACCEPTED, REJECTED, CANCELED, MODIFIED, TRIGGERED, SWAPPED, CALLED, CORRECTED = map(np.int64, range(9))
ENTRY_IN, ENTRY_OUT, ENTRY_OUT_BY = map(np.int64, range(3))
BY_ORDER, BY_STOP_LOSS, BY_TAKE_PROFIT, BY_STOP_OUT, BY_CLOSE = map(np.int64, range(5))
NO_CONVERSION, FIXED_RATE, DIRECT, INVERSE, CROSSED = map(np.int64, range(5))
CHANGE_ORDER, CHANGE_POSITION, CLOSE_BY = map(np.int64, range(3))
PESSIMISTIC, NEAREST, OHLC, OLHC = map(np.int64, range(4))
NEVER = np.int64(np.iinfo(np.int64).max)

ORDER_KINDS = ("market", "limit", "stop", "stop_limit", "if_touched", "trailing_stop")
FILLINGS = ("return", "ioc", "fok", "post_only")
PATHS = ("pessimistic", "nearest", "ohlc", "olhc")
FILL_REASONS = ("order", "stop_loss", "take_profit", "stop_out", "close_by")
ENTRIES = ("in", "out", "out_by")
CANCEL_REASONS = (
    "canceled", "expired", "position closed", "no liquidity", "one cancels other", "parent gone", "stop out",
    "nothing to reduce",
)  # fmt: skip
EXPIRED, POSITION_CLOSED, NO_LIQUIDITY, ONE_CANCELS_OTHER, PARENT_GONE, STOPPED_OUT, NOTHING_TO_REDUCE = map(
    np.int64, range(1, 8)
)
REJECT_REASONS = (
    "",
    "volume below the minimum",
    "volume above the maximum",
    "invalid stops",
    "not enough money",
    "position is not open",
    "no conversion rate",
    "no such order",
    "market closed",
    "no connection",
    "trading disabled",
    "close only",
    "long only",
    "short only",
    "volume limit",
    "too many orders",
    "invalid price",
    "unsupported kind",
    "unsupported filling",
    "unsupported expiration",
    "frozen",
    "no changes",
    "would fill",
    "requote",
    "rejected by the dealer",
    "value below the minimum",
)
(
    R_VOLUME_MIN, R_VOLUME_MAX, R_STOPS, R_MONEY, R_POSITION, R_RATE, R_ORDER, R_CLOSED, R_OUTAGE, R_DISABLED,
    R_CLOSE_ONLY, R_LONG_ONLY, R_SHORT_ONLY, R_VOLUME_LIMIT, R_ORDERS, R_PRICE, R_KIND, R_FILLING, R_EXPIRATION,
    R_FROZEN, R_NO_CHANGES, R_WOULD_FILL, R_REQUOTE, R_DEALER, R_VALUE,
) = map(np.int64, range(1, len(REJECT_REASONS)))  # fmt: skip

_i, _f = np.int64, np.float64
FILLED = 64

ACCOUNT = np.dtype([
    ("balance", _i), ("minor", _f), ("equity", _f), ("peak", _f), ("drawdown", _f), ("drawdown_share", _f),
    ("leverage", _f), ("hedging", _i),
    ("orders", _i), ("positions", _i), ("reports", _i), ("samples", _i), ("requests", _i),
    ("next_order", _i), ("next_position", _i), ("next_deal", _i), ("next_request", _i),
    ("sample_every", _i), ("next_sample", _i), ("sample_due", _i),
    # margin of all positions; the levels of margin call and stop-out (share of margin, or money); was it called
    ("margin", _f), ("call_level", _f), ("stop_level", _f), ("level_in_money", _i), ("called", _i), ("protect", _i),
    ("max_orders", _i), ("refuse_closed", _i), ("path", _i), ("ambiguous", _i),
    # what keys the draws, frictions as shares of 1, and when the last report is known
    ("seed", _i), ("reject", _f), ("requote", _f), ("partial", _f), ("known", _i),
    # the orders last filled in full, for what waits for one of them
    ("filled", _i, (FILLED,)), ("fills", _i),
    # where risk's days lie in the calendar, when the next begins, and what this one began with
    ("days_at", _i), ("days_end", _i), ("next_day", _i), ("day_equity", _f),
], align=True)  # fmt: skip
"""`ambiguous` counts the trades whose stop and take-profit both lay in the bar that closed them. `next_sample` is when
the clock is looked at next: for the sample that is due, or for a new day."""

SYMBOL = np.dtype([
    ("bid", _f), ("ask", _f),
    # the nearest prices and time at which anything of this symbol can happen
    ("ask_low", _f), ("ask_high", _f), ("bid_low", _f), ("bid_high", _f), ("due", _i),
    # the same prices without those of margin call and stop-out
    ("own_ask_low", _f), ("own_ask_high", _f), ("own_bid_low", _f), ("own_bid_high", _f),
    # beyond `trail` a stop moves, which is soft; the others are hard
    ("trail_ask_low", _f), ("trail_bid_high", _f), ("hard_ask_low", _f), ("hard_bid_high", _f),
    # open volume and its cost, both sides: all a mark needs, however many positions there are
    ("long_units", _f), ("long_cost", _f), ("short_units", _f), ("short_cost", _f), ("exposed", _i),
    ("floating", _f), ("swap", _f), ("mark", _f), ("rate", _f), ("margin", _f),
    ("conversion", _i), ("via", _i), ("inverse", _i), ("via2", _i), ("inverse2", _i), ("converts", _i),
    ("step_units", _f), ("step_lots", _f), ("steps_min", _i), ("steps_max", _i), ("grid", _f),
    # where the calendar stands, and what is left of this record's liquidity
    ("night", _i), ("pause", _i), ("left_buy", _i), ("left_sell", _i),
    # what the slippage models remember of the market
    ("variance", _f), ("usual_volume", _f), ("volume", _f), ("fresh", _i),
    # how much worse than the quote the price being dealt at is
    ("slip", _f),
], align=True)  # fmt: skip
"""`mark` is floating profit in account money plus accrued `swap`. A crossed rate goes `via` to `via2`; `inverse`
says that a leg is divided by."""

ORDER = np.dtype([
    ("id", _i), ("strategy", _i), ("symbol", _i), ("side", _i), ("kind", _i), ("steps", _i), ("filled", _i),
    ("price", _f), ("limit", _f), ("stop", _f), ("take_profit", _f), ("position", _i),
    ("decided", _i), ("arrives", _i), ("expires", _i), ("cancel_decided", _i), ("cancel_at", _i), ("state", _i),
    ("filling", _i), ("reduce_only", _i), ("group", _i), ("parent", _i), ("rested", _i), ("trails", _i),
    ("trail", _f), ("trail_step", _f), ("trail_start", _f), ("even_at", _f), ("even_lock", _f), ("deviation", _f),
], align=True)  # fmt: skip
"""`steps` are what is left of it. `trail` and what follows are distances in price, NaN where not set: of the order
itself if it `trails`, else of the position it opens."""

POSITION = np.dtype([
    ("id", _i), ("strategy", _i), ("symbol", _i), ("side", _i), ("steps", _i), ("entry", _f),
    ("stop", _f), ("take_profit", _f), ("ts", _i), ("margin", _f), ("swap", _i),
    ("trail", _f), ("trail_step", _f), ("trail_start", _f), ("even_at", _f), ("even_lock", _f),
], align=True)  # fmt: skip
"""`margin` is fixed at the opening; `swap` is what has accrued, in minor units."""

REQUEST = np.dtype([
    ("id", _i), ("kind", _i), ("strategy", _i), ("symbol", _i), ("order", _i), ("position", _i), ("by", _i),
    ("decided", _i), ("arrives", _i), ("price", _f), ("limit", _f), ("stop", _f), ("take_profit", _f), ("expires", _i),
    ("trail", _f), ("trail_step", _f), ("trail_start", _f), ("even_at", _f), ("even_lock", _f),
], align=True)  # fmt: skip
"""A change of an order or a position, or a closing by another, on its way. It says all values as they shall be."""

REPORT = np.dtype([
    ("kind", _i), ("ts", _i), ("known", _i), ("ts_event", _i), ("order", _i), ("deal", _i), ("position", _i),
    ("strategy", _i), ("symbol", _i), ("side", _i), ("steps", _i), ("left", _i), ("price", _f), ("entry", _i),
    ("profit", _i), ("commission", _i), ("swap", _i), ("balance", _i), ("reason", _i), ("stop", _f),
    ("take_profit", _f), ("spread", _i), ("slippage", _i), ("worth", _f),
], align=True)  # fmt: skip
"""`ts` is the record's, `known` when we hear of it. `stop` and `take_profit` are those of the position that a deal
opened or a change made. `left` are steps of the order that still work.
`spread` and `slippage` are what a deal cost against the middle of its quote, in minor units; `worth` its value."""

SAMPLE = np.dtype([("ts", _i), ("balance", _f), ("equity", _f)], align=True)

Book = tuple[np.ndarray, ...]
REQUESTS = 64
"""Changes on their way at first; the book grows when there are more."""
DERIVED = (
    "ask_low", "ask_high", "bid_low", "bid_high", "own_ask_low", "own_ask_high", "own_bid_low", "own_bid_high", "due",
    "trail_ask_low", "trail_bid_high", "hard_ask_low", "hard_bid_high", "left_buy", "left_sell",
    "variance", "usual_volume", "volume", "fresh", "slip",
)  # fmt: skip
"""Fields of a symbol that are no state: bands, a record's liquidity, what slippage read last or made."""


def empty_book(symbols: int, orders: int = 64, positions: int = 64, samples: int = 4_096) -> Book:
    """A book with room for that many of each; everything zero, nothing set."""
    account = np.zeros(1, ACCOUNT)
    for name in ("order", "position", "deal", "request"):
        account[f"next_{name}"] = 1
    account["minor"], account["leverage"], account["next_sample"] = 0.01, 1.0, NEVER
    account["sample_due"] = account["next_day"] = NEVER
    rows = np.zeros(symbols, SYMBOL)
    for field in ("bid", "ask", "rate"):
        rows[field] = np.nan
    for own in ("", "own_"):
        rows[own + "ask_low"], rows[own + "bid_low"] = -np.inf, -np.inf
        rows[own + "ask_high"], rows[own + "bid_high"] = np.inf, np.inf
    rows["trail_ask_low"], rows["trail_bid_high"] = -np.inf, np.inf
    rows["due"], rows["via"], rows["via2"] = NEVER, -1, -1
    return (
        account, rows, np.zeros(orders, ORDER), np.zeros(positions, POSITION),
        np.zeros(report_room(orders, positions), REPORT), np.zeros(samples, SAMPLE), np.zeros(symbols, TERMS),
        np.zeros(REQUESTS, REQUEST), np.zeros(0, CALENDAR),
    )  # fmt: skip


def report_room(orders: int, positions: int) -> int:
    """Reports one record of a tape can cause at most: what an order, a position and a request can go through."""
    return 6 * orders + 6 * positions + 2 * REQUESTS + 64


def grow(book: Book, orders: int, positions: int, requests: int = 0) -> Book:
    """The same book with room for at least that many orders, positions and requests."""
    account, symbols, old_orders, old_positions, reports, samples, terms, old_requests, calendar = book
    new_orders, new_positions, new_requests = (
        longer(old, room) for old, room in ((old_orders, orders), (old_positions, positions), (old_requests, requests))
    )
    room = report_room(len(new_orders), len(new_positions)) + 2 * len(new_requests)
    return (
        account, symbols, new_orders, new_positions, longer(reports, room), samples, terms, new_requests, calendar,
    )  # fmt: skip


def longer(records: np.ndarray, room: int) -> np.ndarray:
    if room <= len(records):
        return records
    grown = np.zeros(room, records.dtype)
    grown[: len(records)] = records
    return grown


def snapshot(book: Book) -> bytes:
    """Every byte of trading state, without what is worked out anew from it or from the tape whenever it is needed."""
    a, symbols = book[0][0], book[1].copy()
    for name in DERIVED:
        symbols[name] = 0
    symbols["night"] *= symbols["exposed"]  # nights without a position are passed over when the next one opens
    parts = (
        book[0],
        symbols,
        book[2][: a["orders"]],
        book[3][: a["positions"]],
        book[7][: a["requests"]],
    )
    return b"".join(part.tobytes() for part in parts)


@part
def to_minor(money, minor, whole=0.0):
    """Whole minor units, half away from zero; what a decimal ledger would book.

    A product that is a tie in decimals may be a hair off in binary. The nudge puts it on the side where the decimals
    would: 1e-7 of a minor unit, and more for a difference of two values as large as `whole`, whose noise it carries.
    """
    n = (abs(money) + 1e-15 * abs(whole)) / minor + 0.5 + 1e-7
    return np.int64(math.copysign(math.floor(n), money))


@part
def on_grid(x, price):
    """A price as the venue quotes it: rounded to the symbol's digits (NaN stays NaN)."""
    return np.round(price * x.grid) / x.grid


@part
def clean(x, price):
    """A sum of prices as the decimal it stands for, to a thousandth of a point.

    0.1 + 0.2 is not 0.3: an ask that is a bid and a spread would miss by a bit the order that it touches.
    """
    fine = x.grid * 1e3
    return np.round(price * fine) / fine


@part
def leg_rate(symbols, via, inverse):
    """The mid price of a symbol, or one over it."""
    mid = 0.5 * (symbols[via].bid + symbols[via].ask)
    return 1.0 / mid if inverse else mid


@part
def rate_of(symbols, s):
    """Account currency per unit of profit currency, now; NaN as long as nothing has been quoted."""
    x = symbols[s]
    if x.conversion == NO_CONVERSION:
        return 1.0
    if x.conversion == FIXED_RATE:
        return x.rate
    rate = leg_rate(symbols, x.via, x.conversion == INVERSE or (x.conversion == CROSSED and x.inverse != 0))
    return rate * leg_rate(symbols, x.via2, x.inverse2 != 0) if x.conversion == CROSSED else rate


@part
def mark(symbols, s):
    """Value the open volume of symbol s at its quote, and what its quote converts; whether there was anything."""
    x = symbols[s]
    found = x.exposed != 0
    if x.exposed:
        x.floating = (x.bid * x.long_units - x.long_cost) + (x.short_cost - x.ask * x.short_units)
        x.mark = x.floating * x.rate + x.swap
    if x.converts:
        for d in range(len(symbols)):
            y = symbols[d]
            if (y.via == s or y.via2 == s) and y.exposed:
                y.rate = rate_of(symbols, d)
                y.mark = y.floating * y.rate + y.swap
                found = True
    return found


@part
def total(account, symbols):
    """Equity now, summed in symbol order so that no rounding is carried along."""
    equity = account[0].balance * account[0].minor
    for s in range(len(symbols)):
        equity += symbols[s].mark
    account[0].equity = equity
    return equity


@part
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


@part
def owned(book, k, s):
    """Signed lot steps strategy k owns of symbol s."""
    account, positions = book[0], book[3]
    steps = 0
    for p in range(account[0].positions):
        q = positions[p]
        if q.strategy == k and q.symbol == s:
            steps += q.side * q.steps
    return steps


@part
def sample(book, ts):
    """Note balance and equity as of ts."""
    a = book[0][0]
    row = book[5][a.samples]
    row.ts, row.balance, row.equity = ts, a.balance * a.minor, a.equity
    a.samples += 1


@part
def day_after(book, ts):
    """When the day of risk that holds ts is over; NEVER where none is told of."""
    a, calendar = book[0][0], book[8]
    low, high = a.days_at, a.days_end
    while low < high:
        middle = (low + high) // 2
        if calendar[middle].start <= ts:
            low = middle + 1
        else:
            high = middle
    return calendar[low].start if low < a.days_end else NEVER


@part
def roll_day(book, ts):
    """Should a new day have begun by ts, it began with the equity there is, or with the balance where that is more."""
    a = book[0][0]
    if a.next_day <= ts:
        a.day_equity, a.next_day = max(a.equity, a.balance * a.minor), day_after(book, ts)


@part
def first_look(book, ts, ts_event):
    """The first position opens: from now on the equity moves."""
    a = book[0][0]
    roll_day(book, ts_event)
    if a.sample_every > 0:
        a.sample_due = (ts // a.sample_every + 1) * a.sample_every
    a.next_sample = min(a.sample_due, a.next_day)


@part
def sample_grid(book, ts, now):
    """Before a record at ts: a new day if one has begun by `now`, and the equity noted once per interval."""
    a = book[0][0]
    roll_day(book, now)
    if a.sample_due <= now:
        sample(book, a.sample_due)
        a.sample_due = (ts // a.sample_every + 1) * a.sample_every
    a.next_sample = min(a.sample_due, a.next_day)
