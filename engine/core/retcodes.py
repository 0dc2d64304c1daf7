"""MetaTrader 5 trade return codes (TRADE_RETCODE_*) of what a venue says."""

from __future__ import annotations

from enum import IntEnum

from engine.core.events import Accepted, Canceled, Event, Fill, Rejected, Triggered


class Retcode(IntEnum):
    """The codes that the simulated venue answers with; the names are MetaTrader 5's, less TRADE_RETCODE_."""

    REQUOTE = 10004
    REJECT = 10006
    CANCEL = 10007
    PLACED = 10008
    DONE = 10009
    DONE_PARTIAL = 10010
    INVALID_VOLUME = 10014
    INVALID_PRICE = 10015
    INVALID_STOPS = 10016
    TRADE_DISABLED = 10017
    MARKET_CLOSED = 10018
    NO_MONEY = 10019
    PRICE_OFF = 10021
    INVALID_EXPIRATION = 10022
    NO_CHANGES = 10025
    FROZEN = 10029
    INVALID_FILL = 10030
    CONNECTION = 10031
    LIMIT_ORDERS = 10033
    LIMIT_VOLUME = 10034
    INVALID_ORDER = 10035
    POSITION_CLOSED = 10036
    LONG_ONLY = 10042
    SHORT_ONLY = 10043
    CLOSE_ONLY = 10044


REFUSALS = {
    "volume below the minimum": Retcode.INVALID_VOLUME,
    "volume above the maximum": Retcode.INVALID_VOLUME,
    "value below the minimum": Retcode.INVALID_VOLUME,
    "invalid stops": Retcode.INVALID_STOPS,
    "not enough money": Retcode.NO_MONEY,
    "position is not open": Retcode.POSITION_CLOSED,
    "no conversion rate": Retcode.PRICE_OFF,
    "no such order": Retcode.INVALID_ORDER,
    "market closed": Retcode.MARKET_CLOSED,
    "no connection": Retcode.CONNECTION,
    "trading disabled": Retcode.TRADE_DISABLED,
    "close only": Retcode.CLOSE_ONLY,
    "long only": Retcode.LONG_ONLY,
    "short only": Retcode.SHORT_ONLY,
    "volume limit": Retcode.LIMIT_VOLUME,
    "too many orders": Retcode.LIMIT_ORDERS,
    "invalid price": Retcode.INVALID_PRICE,
    "unsupported kind": Retcode.INVALID_ORDER,
    "unsupported filling": Retcode.INVALID_FILL,
    "unsupported expiration": Retcode.INVALID_EXPIRATION,
    "frozen": Retcode.FROZEN,
    "no changes": Retcode.NO_CHANGES,
    "would fill": Retcode.INVALID_PRICE,
    "requote": Retcode.REQUOTE,
    "rejected by the dealer": Retcode.REJECT,
}
ENDS = {
    "canceled": Retcode.DONE,
    "expired": Retcode.DONE,
    "position closed": Retcode.POSITION_CLOSED,
    "no liquidity": Retcode.CANCEL,
    "one cancels other": Retcode.CANCEL,
    "parent gone": Retcode.CANCEL,
    "stop out": Retcode.CANCEL,
    "nothing to reduce": Retcode.POSITION_CLOSED,
}


def retcode(event: Event) -> int:
    """The code that MT5 would have answered with; 10009 for what no request has asked for.

    >>> retcode(Rejected(0, "cross", "EURUSD", 1, "market closed", 0))
    10018
    """
    if isinstance(event, Rejected):
        return int(REFUSALS.get(event.reason, Retcode.REJECT))
    if isinstance(event, Canceled):
        return int(ENDS.get(event.reason, Retcode.CANCEL))
    if isinstance(event, Fill) and event.left:
        return int(Retcode.DONE_PARTIAL)
    return int(Retcode.PLACED if isinstance(event, Accepted | Triggered) else Retcode.DONE)
