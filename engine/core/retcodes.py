"""MetaTrader 5 trade return codes (TRADE_RETCODE_*) of what a venue says."""

from __future__ import annotations

from engine.core.events import Canceled, Event, Fill, Modified, Rejected

PLACED, DONE, DONE_PARTIAL, REJECT = 10008, 10009, 10010, 10006

REFUSALS = {
    "volume below the minimum": 10014,
    "volume above the maximum": 10014,
    "value below the minimum": 10014,
    "invalid stops": 10016,
    "not enough money": 10019,
    "position is not open": 10036,
    "no conversion rate": 10021,
    "no such order": 10035,
    "market closed": 10018,
    "no connection": 10031,
    "trading disabled": 10017,
    "close only": 10044,
    "long only": 10042,
    "short only": 10043,
    "volume limit": 10034,
    "too many orders": 10033,
    "invalid price": 10015,
    "unsupported kind": 10035,
    "unsupported filling": 10030,
    "unsupported expiration": 10022,
    "frozen": 10029,
    "no changes": 10025,
    "would fill": 10015,
    "requote": 10004,
    "rejected by the dealer": 10006,
}
ENDS = {"canceled": DONE, "expired": DONE, "no liquidity": 10007, "position closed": 10036}


def retcode(event: Event) -> int:
    """The code that MT5 would have answered with.

    >>> retcode(Rejected(0, "cross", "EURUSD", 1, "market closed", 0))
    10018
    """
    if isinstance(event, Rejected):
        return REFUSALS.get(event.reason, REJECT)
    if isinstance(event, Canceled):
        return ENDS.get(event.reason, 10007)
    if isinstance(event, Fill):
        return DONE_PARTIAL if event.left else DONE
    return DONE if isinstance(event, Modified) else PLACED
