"""The matching kernel of the simulated venue. Its rules are the list in `match`; each has a test of that name."""

from __future__ import annotations

import numpy as np

from engine.kernels.book import (
    ACCEPTED,
    BY_STOP_LOSS,
    BY_TAKE_PROFIT,
    CANCELED,
    EXPIRED,
    LIMIT,
    MARKET,
    NEVER,
    NONE,
    R_RATE,
    R_STOPS,
    R_VOLUME_MAX,
    R_VOLUME_MIN,
    REJECTED,
    SENT,
    WORKING,
    mark,
    rate_of,
    sample,
    total,
    value,
)
from engine.kernels.jit import jit
from engine.venues.deals import close, execute, remove, report
from engine.venues.slippage import slipped


@jit(no_cpython_wrapper=True)
def refuse(book, o, bid, ask):
    """Why the venue does not take this order on arrival; 0 if it does. Stops are judged from the exit side."""
    x = book[1][o.symbol]
    if o.steps < 1 or (o.position == 0 and o.steps < x.steps_min):
        return R_VOLUME_MIN
    if o.position == 0 and o.steps > x.steps_max:
        return R_VOLUME_MAX
    if np.isnan(rate_of(book[1], o.symbol)):
        return R_RATE
    reference = o.price
    if o.kind == MARKET:
        reference = bid if o.side > 0 else ask
    if o.side * (reference - o.stop) <= 0.0 or o.side * (o.take_profit - reference) <= 0.0:
        return R_STOPS
    return 0


@jit(no_cpython_wrapper=True)
def exit_price(side, stop, take_profit, first, high, low):
    """Which exit a position meets on first..high/low of its exit side, and its price: (reason or -1, price).

    Where stop and take-profit both lie in the range the stop fills. NaN compares false, so what is not set never
    fills, and a `first` of NaN leaves the range alone to decide.
    """
    if side * (first - stop) <= 0.0:
        return BY_STOP_LOSS, first
    if side * (first - take_profit) >= 0.0:
        return BY_TAKE_PROFIT, first
    worst, best = (low, high) if side > 0 else (high, low)
    if side * (worst - stop) <= 0.0:
        return BY_STOP_LOSS, stop
    if side * (best - take_profit) >= 0.0:
        return BY_TAKE_PROFIT, take_profit
    return -1, np.nan


@jit(no_cpython_wrapper=True)
def order_price(book, o, first, high, low):
    """Where a working order of symbol x fills on first..high/low of its entry side; NaN if it does not."""
    if o.kind == MARKET:
        return slipped(book, o.symbol, first, o.side, o.steps, o.id)
    if o.kind == LIMIT:
        if o.side * (first - o.price) <= 0.0:
            return first
        reached = low if o.side > 0 else high
        return o.price if o.side * (reached - o.price) <= 0.0 else np.nan
    if o.side * (first - o.price) >= 0.0:
        return slipped(book, o.symbol, first, o.side, o.steps, o.id)
    reached = high if o.side > 0 else low
    return slipped(book, o.symbol, o.price, o.side, o.steps, o.id) if o.side * (reached - o.price) >= 0.0 else np.nan


@jit(no_cpython_wrapper=True)
def judge(book, s, ts, ts_event, first_id, last_id, bid, ask, stop_only):
    """Stop-loss and take-profit of positions first_id..last_id-1 on (first, high, low) of bid and of ask."""
    account, positions = book[0], book[3]
    p = NONE
    while p < account[0].positions:
        q = positions[p]
        if q.symbol != s or q.id < first_id or q.id >= last_id:
            p += 1
            continue
        x = bid if q.side > 0 else ask
        take_profit = np.nan if stop_only else q.take_profit
        reason, price = exit_price(q.side, q.stop, take_profit, x[0], x[1], x[2])
        if reason < 0:
            p += 1
            continue
        if reason == BY_STOP_LOSS:
            price = slipped(book, s, price, -q.side, q.steps, q.id)
        close(book, p, q.steps, price, ts, ts_event, NONE, reason)


@jit(no_cpython_wrapper=True)
def there(ts_event, length, decided, arrives):
    """Is what was decided then with the venue when a record begins (rule 1)? A quote has length 0."""
    return ts_event >= arrives or (ts_event >= decided and arrives - decided < length)


@jit(no_cpython_wrapper=True)
def work(book, s, ts, ts_event, bid, ask, length, arrivals):
    """Orders of symbol s by id: arrival, then price. `length` is the duration of a bar, 0 for a quote."""
    account, orders = book[0], book[2]
    k = NONE
    while k < account[0].orders:
        o = orders[k]
        if o.symbol != s:
            k += 1
            continue
        if o.state == SENT:
            if not arrivals or not there(ts_event, length, o.decided, o.arrives):
                k += 1
                continue
            reason = refuse(book, o, bid[0], ask[0])
            if reason:
                report(book, REJECTED, ts, ts_event, o.id, o.strategy, s, reason)
                account[0].orders = remove(orders, account[0].orders, k)
                continue
            o.state = WORKING
            if o.kind != MARKET:
                report(book, ACCEPTED, ts, ts_event, o.id, o.strategy, s, NONE)
        x = ask if o.side > 0 else bid
        price = order_price(book, o, x[0], x[1], x[2])
        if np.isnan(price):
            k += 1
            continue
        execute(book, k, price, ts, ts_event)
        account[0].orders = remove(orders, account[0].orders, k)


@jit(no_cpython_wrapper=True)
def expire(book, s, ts, ts_event, length):
    """Take back what is cancelled or expired by the time the record begins."""
    account, orders = book[0], book[2]
    k = NONE
    while k < account[0].orders:
        o = orders[k]
        expired = o.expires > 0 and ts_event >= o.expires
        if o.symbol == s and (expired or there(ts_event, length, o.cancel_decided, o.cancel_at)):
            report(book, CANCELED, ts, ts_event, o.id, o.strategy, s, EXPIRED if expired else NONE)
            account[0].orders = remove(orders, account[0].orders, k)
        else:
            k += 1


@jit(no_cpython_wrapper=True)
def bands(book, s):
    """The nearest prices and the nearest time at which anything of symbol s can happen, from scratch."""
    account, symbols, orders, positions = book[0], book[1], book[2], book[3]
    ask_low = bid_low = -np.inf
    ask_high = bid_high = np.inf
    due = NEVER
    for k in range(account[0].orders):
        o = orders[k]
        if o.symbol != s:
            continue
        if o.state == SENT:
            due = min(due, o.arrives)
        if o.expires > 0:
            due = min(due, o.expires)
        due = min(due, o.cancel_at)
        if o.state == WORKING:
            below = (o.kind == LIMIT) == (o.side > 0)
            if o.side > 0:
                if below:
                    ask_low = max(ask_low, o.price)
                else:
                    ask_high = min(ask_high, o.price)
            elif below:
                bid_low = max(bid_low, o.price)
            else:
                bid_high = min(bid_high, o.price)
    for p in range(account[0].positions):
        q = positions[p]
        if q.symbol != s:
            continue
        if q.side > 0:
            if q.stop > bid_low:
                bid_low = q.stop
            if q.take_profit < bid_high:
                bid_high = q.take_profit
        else:
            if q.stop < ask_high:
                ask_high = q.stop
            if q.take_profit > ask_low:
                ask_low = q.take_profit
    x = symbols[s]
    hair = 1e-3 / x.grid  # the scan compares with a plain bid + spread; what comes too often does no harm
    x.ask_low, x.ask_high, x.bid_low, x.bid_high, x.due = ask_low + hair, ask_high - hair, bid_low, bid_high, due


@jit(no_cpython_wrapper=True)
def match(book, s, ts, ts_event, length, bid, ask):
    """One record of symbol s meets the book.

    `bid` and `ask` are (open, high, low, close); a quote has four equal and `length` 0, a bar its duration in ns.

     1. An order exists for the venue from decision time + latency: a quote stamped earlier cannot fill it. With bars
        it meets the first open at or after its arrival, or, if the latency is shorter than the bar, at or after the
        decision.
     2. What is due at t comes before a quote stamped t: an order expired or cancelled by then does not fill on it. A
        cancel is on its way as long as an order, and with bars it meets the same open.
     3. Then positions by id: stop-loss, then take-profit; a long is judged on the bid, a short on the ask.
     4. A stop-loss fills at the quote that touches it (gaps slip) less slippage; a take-profit fills at the quote,
        never worse than its price.
     5. Then orders by id. A market order to buy takes the ask, to sell the bid, plus slippage.
     6. A limit never fills worse than its price; where the market gaps through it fills at the quote.
     7. A stop order triggers on the quote that touches it and fills at the quote, plus slippage.
     8. A position opened by a quote is first judged on the next.
     9. The venue refuses volumes outside its limits, stops on the wrong side, what the free margin does not carry,
        and what it cannot convert.
    10. A bar is one record. Its open is a quote (rules 2 to 8); then everything open at the open is judged on its
        range, then resting orders fill at their price, and a position they open is judged on the stop alone. Where
        stop and take-profit both lie in the bar, the stop fills.
    11. On a hedging account an order opens a position of its own unless it names one to close; on a netting account
        it nets: same side averages the entry, the other side closes first and opens the rest.
    12. Profit is converted at the rate of that moment and booked in whole minor units, half away from zero.
    """
    account, symbols = book[0], book[1]
    x = symbols[s]
    x.bid, x.ask = bid[0], ask[0]
    mark(symbols, s)
    total(account, symbols)
    expire(book, s, ts, ts_event, length)
    born, dealt = account[0].next_position, account[0].next_deal
    for phase in range(3 if length > 0 else 1):
        whole = phase > 0
        first_bid = np.nan if phase == 2 else bid[0]
        first_ask = np.nan if phase == 2 else ask[0]
        b = (first_bid, bid[1] if whole else bid[0], bid[2] if whole else bid[0])
        a = (first_ask, ask[1] if whole else ask[0], ask[2] if whole else ask[0])
        first_id = born if phase == 2 else np.int64(0)
        last_id = NEVER if phase == 2 else born
        judge(book, s, ts, ts_event, first_id, last_id, b, a, phase == 2)
        if phase < 2:
            work(book, s, ts, ts_event, b, a, length, phase == 0)
        if phase == 0:
            born = account[0].next_position
    x.bid, x.ask = bid[3], ask[3]
    mark(symbols, s)
    value(account, symbols)
    bands(book, s)
    if account[0].positions == 0 and account[0].next_deal > dealt and account[0].sample_every > 0:
        sample(book, ts)  # from here on the equity stands still
