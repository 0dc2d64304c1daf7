"""The matching kernel of the simulated venue. Its rules are the list in `match`; each has a test of that name."""

from __future__ import annotations

import numpy as np

from engine.kernels.book import (
    NEAREST,
    NEVER,
    NONE,
    OHLC,
    PESSIMISTIC,
    clean,
    mark,
    sample,
    total,
    value,
)
from engine.kernels.jit import part
from engine.venues.bands import bands, margin_bands
from engine.venues.due import settle
from engine.venues.exits import judge, trail
from engine.venues.intake import pause_at
from engine.venues.latency import on_their_way
from engine.venues.paths import walk
from engine.venues.stopout import force
from engine.venues.swap import next_night, roll
from engine.venues.working import follow_market, settled, work

UNLIMITED = np.int64(2**53)


@part
def quote_at(book, s, bid, ask):
    """The symbol stands at this quote."""
    account, symbols = book[0], book[1]
    symbols[s].bid, symbols[s].ask = bid, ask
    mark(symbols, s)
    total(account, symbols)


@part
def pessimist(book, s, ts, ts_event, bid, ask, full):
    """The range of a bar after its open, taken as bad as it may have been (rules 10, 15, 18 and 21)."""
    born = book[0][0].next_position
    b, a = (bid[0], bid[1], bid[2]), (ask[0], ask[1], ask[2])
    judge(book, s, ts, ts_event, NONE, born, b, a, False, True, full)
    work(book, s, ts, ts_event, b, a, True, full)
    judge(book, s, ts, ts_event, born, NEVER, b, a, True, False, full)
    for end in (2, 1):
        quote_at(book, s, bid[end], ask[end])
        force(book, s, ts, ts_event, full)


@part
def legs(book, s, ts, ts_event, path, bid, ask):
    """The range of a bar along its path: three legs from open to close (rule 24)."""
    account, positions = book[0], book[3]
    for p in range(account[0].positions):
        q = positions[p]
        edge = bid if q.side > 0 else ask
        inside = edge[2] <= min(q.stop, q.take_profit) and max(q.stop, q.take_profit) <= edge[1]
        account[0].ambiguous += q.symbol == s and inside
    x = book[1][s]
    rises = path == OHLC or (path == NEAREST and clean(x, bid[1] - bid[0]) < clean(x, bid[0] - bid[2]))
    first, second = (bid[1], bid[2]) if rises else (bid[2], bid[1])
    spread = ask[3] - bid[3]
    walk(book, s, ts, ts_event, bid[0], first, spread)
    walk(book, s, ts, ts_event, first, second, spread)
    walk(book, s, ts, ts_event, second, bid[3], spread)


@part
def moment(book, s, ts, ts_event, length, bid, ask, full):
    """A quote, or the open of a bar: what is due, exits, orders, what trails, and the broker's look at the margin."""
    account, x = book[0], book[1][s]
    quote_at(book, s, bid, ask)
    if full is not None:
        room = book[6][s].liquidity
        x.left_buy = x.left_sell = room if room > 0 else UNLIMITED
    if length is not None or ts_event >= x.due:
        settle(book, s, ts, ts_event, length, bid, ask, full)
    judge(book, s, ts, ts_event, NONE, account[0].next_position, (bid, bid, bid), (ask, ask, ask), False, False, full)
    work(book, s, ts, ts_event, (bid, bid, bid), (ask, ask, ask), False, full)
    if full is not None and (length is None or account[0].path != PESSIMISTIC):
        trail(book, s, NONE, bid, ask)
        follow_market(book, s, bid, ask)
    total(account, book[1])
    force(book, s, ts, ts_event, full)


@part
def match(book, s, ts, ts_event, length, bid, ask, full):
    """One record of symbol s meets the book.

    `bid` and `ask` are (open, high, low, close); a quote has four equal and no `length`, a bar its duration in ns.
    `full` None leaves out what only some runs need (see `SimulatedVenue.full`): it is compiled when one does.

     1. ARRIVAL. An order exists for the venue from decision time + latency: a quote stamped earlier cannot fill it.
        With bars it meets the first open at or after its arrival, or, if the latency is shorter than the bar, at or
        after the decision.
     2. DUE FIRST. What is due at t comes before a quote stamped t, in the order of its time; of equal times expiries,
        then cancels, then arriving orders, then other requests (modify, close-by), each by id (requests in the order
        they were made). A cancel or a change is on its way as long as its own latency says (default: like an order),
        and with bars it meets the same open as an order decided then. An expiry at t beats everything that arrives at
        t.
     3. POSITIONS by id: stop-loss, then take-profit; a long is judged on the bid, a short on the ask.
     4. A stop-loss fills at the quote that touches it (gaps slip) less slippage; a take-profit fills at the quote,
        never worse than its price.
     5. ORDERS by id, after the positions. A market order to buy takes the ask, to sell the bid, plus slippage.
     6. A limit never fills worse than its price; where the market gaps through it fills at the quote.
     7. A stop order triggers on the quote that touches it and fills at the quote, plus slippage.
     8. A position opened by a quote is first judged on the next.
     9. REFUSALS on arrival, the first that holds, in this order: symbol: disabled / close only / long only / short
        only (`status`; a named close always passes, so does reducing on netting); volume below the minimum (a named
        close may be smaller than volume_min but not below one step), above the maximum (named closes too are cut to
        what is held, never refused for size); volume limit: open + working lots of that side would exceed
        `volume_limit`; too many orders: working pending orders of the account at `max_orders`; invalid price: a
        pending order's price or limit off the tick grid is rounded to it (never refused); a stop-limit whose limit is
        not there is "invalid price"; order kind, filling or expiration that the instrument does not take:
        "unsupported kind" ...; no conversion rate; stops: stop-loss/take-profit on the wrong side of the reference,
        or nearer to it than stops_level (strictly less than; reference: market order: the exit side's quote (bid for
        a buy); pending: its price, for stop-limit its limit); a pending order's own price nearer to the market than
        stops_level, or on the wrong side for its kind when post-only: "invalid price". (Wrong side of a plain limit
        or stop is no error: it fills at once, as before.) What passes these and is a market order may still be
        refused by rule 20 (money) or 30 (frictions).
    10. BARS, pessimistic (default path). A bar is one record. Its open is a quote (rules 2 to 8); then everything
        open at the open is judged on its range, then resting orders fill at their price, and a position they open is
        judged on the stop alone. Where stop and take-profit both lie in the bar, the stop fills.
    11. On a hedging account an order opens a position of its own unless it names one to close; on a netting account
        it nets: same side averages the entry, the other side closes first and opens the rest.
    12. Profit is converted at the rate of that moment and booked in whole minor units, half away from zero.
    13. CLOSED. A record stamped (its open, for a bar) outside the symbol's sessions, after its life, or in an outage
        is kept as the last quote and marked, nothing else: no arrival, fill, trigger, trailing, stop-out of that
        symbol. What would arrive at such a time: with `venue.closed = "wait"` (default) it is held and sent at the
        next opening: it arrives then + latency (drawn as for the first time); with "refuse" it is refused at that
        time ("market closed"; in an outage always "no connection", also requests and cancels). Cancels and changes
        while merely closed go through (they meet the next open record). Expiry counts on through closed times.
    14. ROLLOVER. At each rollover passed since the last record of the symbol (before anything else at that record,
        also before rule 2), every open position of the symbol accrues swap: rate x days, at the quote before the
        record and the conversion of that moment, rounded to minor units per position and night. Accrued swap is part
        of equity, and is paid with the deals that close, pro rata of the steps closed (rest stays; rounding half away
        from zero, the last part takes what is left). A position opened at the rollover's own instant or later does
        not pay it; one closed by a record stamped at or after it does.
    15. TRAILING. After rules 3 to 7 on a quote, stops that trail move: to `trail` below the bid (long) once the bid
        is at least `trail_start` above the entry (0: at once) and the move is at least `trail_step`; only ever
        nearer. BREAK-EVEN: once the bid is `even_at` above the entry the stop is at least entry + `even_lock`. For
        shorts mirrored on the ask. The moved stop is judged from the next quote on. In a pessimistic bar: after the
        range was judged with the stop as it was, the stop moves by the bar's best price, then the range is judged
        again with the moved stop (stop alone, at its price). Stops move on the price grid (rounded away from the
        market to the tick).
    16. STOP-LIMIT: when a quote touches `price` it becomes a limit at `limit` at once (event Triggered) and may fill
        on the same quote by rule 6. In a pessimistic bar triggered inside the range it rests as a limit from the next
        record on.
    17. IF TOUCHED: triggers on the quote that reaches `price` from the better side (buy: ask <= price), and then is a
        market order on it: fills at the quote plus slippage; inside a bar's range at `price` plus slippage.
    18. TRAILING-STOP ORDER: a stop order whose price follows the market at `trail` (buy: never more than trail above
        the lowest ask seen since arrival), moved after it was judged, by at least `trail_step`; in a pessimistic bar
        judged at its old price first, then moved by the bar's extreme, then judged again.
    19. LIQUIDITY. With `venue.liquidity` set, each record offers that many lots on each side once, to all orders
        together in their order. What does not fit waits for the next record (return), is cancelled ("no liquidity")
        with IOC; FOK fills in full at once or is cancelled. Stop-loss, take-profit and stop-out fill in full. A bar
        offers its liquidity once for all its phases. IOC and FOK orders that are not marketable on the first record
        after arrival are cancelled then. POST-ONLY (`boc`): refused if it would fill at once ("would fill"). Each
        partial fill is a deal; commission per deal; the order ends with the last, or with its cancel.
    20. MARGIN. An order that opens needs: margin after the deal <= equity before it, unless it does not raise the
        margin. Else "not enough money". Margin of a position is fixed at its opening (volume, price and conversion of
        that moment; netting: added parts add theirs, reductions pro rata); of a symbol with both sides by hedged
        margin. At a margin call (level at or below `margin_call`) the broker only warns, once until it is above again.
    21. STOP-OUT. After each record: if the margin level (equity / margin) is at or below `stop_out` (percent; or, in
        money, equity at or below it): all resting orders of the account that open are cancelled ("stop out"), then
        the position with the largest loss (floating + swap; ties: lowest id) whose symbol is open now is closed in
        full at its current quote (reason stop_out, with slippage), and the level is looked at again. At a quote that
        is the quote of rule 3; in a bar: see 24.
    22. NEGATIVE BALANCE. `negative_balance = "protect"`: when the account is flat with a balance below zero after a
        stop-out, it is set to zero by a correction (event, own ledger line). "keep": stays.
    23. REDUCE-ONLY never opens: it closes the opposite volume (netting), the named position, or, hedging without a
        name, that strategy's oldest opposite positions first; what is left is cancelled ("nothing to reduce").
    24. PATHS. `path = "ohlc" | "olhc" | "nearest"` (the extreme nearer to the open first; equal: low first): the bar
        is the open (a quote), then three straight legs. Along a leg things happen in the order of their prices: the
        next thing that triggers on the way (position exits, order fills, stop-limit triggers, trailing) at its price
        (take-profit and limit at their price, stops plus slippage); equal prices: positions by id before orders by
        id. A position opened on a leg is judged from there on. What trails moves at the end of a leg, by the price it
        ends at; a position opened on a leg trails at once at the point of its opening. Nothing arrives inside a bar.
        Stop-out in a bar of any path: margin is judged at the open; on the pessimistic path at the range's
        low (all prices of that symbol at their low, ask = low + spread), then at its high, then at the close; on the
        other paths at the end of each leg; at an extreme the position closes at the price of that extreme.
    25. OCO: when one order of a `group` (same strategy, same text) is filled, in part or in full, the others are
        cancelled at that record ("one cancels other"), also when they have not arrived yet. OTO: an order with
        `parent` waits (state waiting, does not count for rule 9's limits) until its parent is filled in full, and is
        there from that record on (judged from the next quote, like rule 8); when the parent ends otherwise it is
        cancelled ("parent gone").
    26. CLOSE-BY (hedging): two opposite positions of one symbol close each other: the smaller volume of both, at no
        spread: the first leg (the position named first) at the entry price of the other; two deals, entry "out_by":
        first leg's profit is (other.entry - its entry) x volume x side, the second's 0; swap pro rata; no commission
        unless `on_close_by`.
    27. MODIFY: price, limit, stop, take-profit, expiry, trail of a working (or not yet arrived) order; stop, take-
        profit, trail, break-even of a position. Refused: "no such order/position"; inside the freeze level ("frozen":
        the order's price or the position's stop/take-profit is nearer to the market than freeze_level); rules of 9 on
        the new values (stops); nothing changed: "no changes". A refused change leaves everything as it was. Freeze
        level also holds for cancels ("frozen").
    28. COMMISSION per deal: per lot, per side (both | entry only), per deal, share of value (bps), maker (limit
        orders that rested) and taker rates, minimum per deal; rounded to minor units.
    29. SLIPPAGE of market, stop, if-touched, stop-loss and stop-out fills: a model (none, points, share of the
        spread, share of recent volatility, share of volume, square-root impact, empirical) that never improves the
        price unless the empirical samples do; draws are keyed by (seed, purpose, order id) (exits: position id).
    30. FRICTIONS. An order that arrives and passes rule 9 draws once each, keyed by its id (changes and cancels do
        not): reject ("rejected by the dealer"), requote (market orders only: "requote"), partial fill (market orders:
        only a drawn share of the volume is filled on the first record, whole steps, at least one; the rest as in rule
        19). Named closes too. Latency draws: leg 0 order, 1 change or cancel, 2 report; reports never overtake each
        other.
    """
    account, symbols = book[0], book[1]
    dealt, reported = account[0].next_deal, account[0].reports
    if next_night(book, s) <= ts_event:
        roll(book, s, ts, ts_event)
    opens = pause_at(book, s, ts_event) < 0
    if opens:
        moment(book, s, ts, ts_event, length, bid[0], ask[0], full)
        if length is not None:
            if full is None or account[0].path == PESSIMISTIC:
                pessimist(book, s, ts, ts_event, bid, ask, full)
            elif full is not None:
                legs(book, s, ts, ts_event, account[0].path, bid, ask)
    if not opens or length is not None:
        quote_at(book, s, bid[3], ask[3])
        force(book, s, ts, ts_event, full)
    value(account, symbols)
    if opens:
        if settled(book, s) and full is not None:
            for d in range(len(symbols)):
                bands(book, d, full)
        bands(book, s, full)
    margin_bands(book)
    on_their_way(book, reported)
    if account[0].positions == 0 and account[0].next_deal > dealt and account[0].sample_every > 0:
        sample(book, ts)  # from here on the equity stands still
