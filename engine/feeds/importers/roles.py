"""Which column is what: headers of many vendors to a few roles."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from engine.core.errors import ConfigError, DataError
from engine.core.registry import did_you_mean

ALIASES = {
    "time": "time timestamp datetime ts ts_utc ts_event open_time date_time gmt_time local_time utc_time gmt"
            " transact_time",
    "date": "date day dt",
    "clock": "time_of_day clock hour",
    "received": "received received_at ts_recv ts_received recv_ts recv_time receive_time local_timestamp ts_init",
    "symbol": "symbol ticker pair instrument",
    "ms_of_day": "ms_of_day ms",
    "ms_of_day_e4": "ms_of_day_e4",
    "bid": "bid bid_price bidprice bid_pt best_bid",
    "ask": "ask ask_price askprice ask_pt best_ask offer",
    "price": "price trade_price",
    "size": "size amount qty quantity trade_size",
    "side": "side taker_side aggressor_side",
    "buyer_maker": "buyer_maker is_buyer_maker isbuyermaker",
    "bid_size": "bid_size bid_vol bid_volume bidvolume bidsize bid_qty",
    "ask_size": "ask_size ask_vol ask_volume askvolume asksize ask_qty",
    "open": "open o open_price",
    "high": "high h high_price max",
    "low": "low l low_price min",
    "close": "close c close_price",
    "volume": "volume v tickvol tick_volume vol tickvolume volume_units real_volume",
    "spread": "spread",
    "spread_points": "spread_points",
    **{f"{side}_{price}": f"{side}_{price} {side}{price} {price}_{side} {price}{side}"
       for side in ("bid", "ask") for price in ("open", "high", "low", "close")},
}  # fmt: skip
ROLE_OF = {alias: role for role, aliases in ALIASES.items() for alias in aliases.split()}
PRICES = ("open", "high", "low", "close")


def simple(header: str) -> str:
    """`<TICKVOL>` `Bid Price` `GMT time` as `tickvol` `bid_price` `gmt_time`.

    >>> simple("Gmt time ")
    'gmt_time'
    """
    return re.sub(r"[^a-z0-9]+", "_", header.lower()).strip("_")


def find_roles(headers: Sequence[str], given: Mapping[str, str], where: str) -> dict[str, str]:
    """Role to header. `given` (role to header) goes first; DataError where what is needed is not there.

    >>> find_roles(["<DATE>", "<TIME>", "<BID>", "<ASK>"], {}, "file")
    {'date': '<DATE>', 'bid': '<BID>', 'ask': '<ASK>', 'clock': '<TIME>'}
    """
    roles: dict[str, str] = {}
    for role, header in given.items():
        if role not in ALIASES:
            raise ConfigError(f"unknown column role {role!r}: {did_you_mean(role, ALIASES)}")
        if header not in headers:
            raise DataError(f"{where}: there is no column {header!r}: {did_you_mean(header, headers)}")
        roles[role] = header
    for header in headers:
        found = ROLE_OF.get(simple(header))
        if found and found not in roles and header not in roles.values():
            roles[found] = header
    if "time" in roles and "date" in roles:
        roles["clock"] = roles.pop("time")
    if "date" in roles and not {"clock", "ms_of_day", "ms_of_day_e4"} & roles.keys():
        roles["time"] = roles.pop("date")
    require(roles, headers, where)
    return roles


def require(roles: Mapping[str, str], headers: Sequence[str], where: str) -> None:
    shown = ", ".join(headers[:12])
    if not {"time", "date"} & roles.keys():
        raise DataError(f"{where}: no column for the time among {shown}: name it, columns = {{time = '...'}}")
    bars, both = set(PRICES) <= roles.keys(), {f"{s}_{p}" for s in ("bid", "ask") for p in PRICES} <= roles.keys()
    if bars or both or {"bid", "ask"} <= roles.keys() or {"price", "size"} <= roles.keys():
        return
    some = [p for p in PRICES if p in roles]
    asked = PRICES if some else ("price", "size") if "price" in roles else ("bid", "ask")
    missing = [role for role in asked if role not in roles]
    left = [h for h in headers if h not in roles.values()]
    hint = did_you_mean(missing[0], left) if left else "no column is left"
    told = f"name it: onetape data import --column {missing[0]}=NAME"
    raise DataError(f"{where}: no column for {', '.join(missing)} among {shown}: {hint} (or {told})")


def kind_of(roles: Mapping[str, str]) -> str:
    """`bars`, `quotes` or `prints`: what rows with these columns are.

    >>> kind_of({"price": "Price", "size": "Qty"})
    'prints'
    """
    if set(PRICES) <= roles.keys() or "bid_open" in roles:
        return "bars"
    return "quotes" if {"bid", "ask"} <= roles.keys() else "prints"
