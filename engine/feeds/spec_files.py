"""What specifications look like in the files of others, as tables that `[[instrument]]` could have; see `specs`."""

from __future__ import annotations

import ast
import json
import lzma
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.core.clock import format_ts
from engine.core.errors import DataError, NotFound
from engine.core.instrument import shipped
from engine.core.zones import SECOND, parse_zone, wall_to_utc

Spec = dict[str, Any]
Specs = tuple[list[Spec], list[str]]
"""Tables as `[[instrument]]` has them, and what was left out, with the reason."""
CALC_MODES = {
    0: "forex", 1: "futures", 2: "cfd", 3: "cfd_index", 4: "cfd_leverage", 5: "forex_no_leverage", 32: "exch_stocks",
    33: "exch_futures", 34: "exch_options", 36: "exch_options_margin", 37: "exch_bonds", 38: "exch_stocks_moex",
    39: "exch_bonds_moex", 64: "collateral",
}  # fmt: skip
SWAP_MODES = (
    "disabled", "points", "currency_symbol", "currency_margin", "currency_deposit", "interest_current",
    "interest_open", "reopen_current", "reopen_bid", "currency_profit",
)  # fmt: skip
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
STATUS = ("disabled", "long_only", "short_only", "close_only", "full")
EXECUTION = ("request", "instant", "market", "exchange")
ORDERS = ("market", "limit", "stop", "stop_limit", "sl", "tp", "close_by")
FILLING = ("fok", "ioc", "boc")
EXPIRATION = ("gtc", "day", "specified", "specified_day")
BY_TICK = ("futures", "cfd_index", "exch_futures", "exch_options", "exch_options_margin")
"""Modes whose formulas use the tick value; elsewhere it is the day's rate of exchange: no specification."""
KINDS = {
    0: "forex",
    5: "forex",
    1: "futures",
    33: "futures",
    3: "index",
    32: "stock",
    38: "stock",
    37: "bond",
    39: "bond",
}
BINANCE = {
    "LIMIT": "limit", "MARKET": "market", "STOP_LOSS": "stop", "STOP_MARKET": "stop", "STOP_LOSS_LIMIT": "stop_limit",
    "STOP": "stop_limit",
}  # fmt: skip


def read_tree(path: Path) -> tuple[Any, dict[str, int]]:
    """The JSON of a file, plain, .xz or in a tar archive, and the digits that prices in the archive's CSVs show."""
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    digits: dict[str, int] = {}
    try:
        if ".tar" in path.suffixes or path.suffix in (".tgz", ".txz"):
            text, digits = from_archive(path)
        else:
            raw = path.read_bytes()
            text = lzma.decompress(raw) if path.suffix == ".xz" else raw
        return json.loads(text), digits
    except (ValueError, lzma.LZMAError, EOFError) as wrong:
        raise DataError(f"{path} is no JSON or damaged: {str(wrong)[:160]}") from None
    except OSError as wrong:
        raise DataError(f"{path} cannot be read: {wrong.strerror or wrong}") from None


def from_archive(path: Path) -> tuple[bytes, dict[str, int]]:
    import tarfile

    try:
        with tarfile.open(path) as archive:
            held = {m.name.rpartition("/")[2]: archive.extractfile(m) for m in archive.getmembers() if m.isfile()}
            texts = {name: file.read() for name, file in held.items() if file and name.endswith((".json", ".csv"))}
    except tarfile.TarError as wrong:
        raise ValueError(wrong) from None
    trees = [text for name, text in texts.items() if name.endswith(".json")]
    if len(trees) != 1:
        raise ValueError(f"{len(trees)} JSON files in the archive, not one")
    prices = {name.removesuffix(".csv").rpartition("__")[2]: text for name, text in texts.items() if ".csv" in name}
    return trees[0], {symbol: shown_by(text) for symbol, text in prices.items()}


def shown_by(text: bytes) -> int:
    """Decimals that the prices of a CSV (Time,Open,Close,Low,High,Volume) use."""
    import numpy as np

    from engine.feeds.importers.convert import shown_digits

    rows = [line.split(",") for line in text.decode("utf-8", "replace").splitlines()[1:] if line]
    return shown_digits(np.array([float(row[1]) for row in rows if len(row) > 1]))


def sniff(tree: Any, path: Path) -> str:
    """Which of the formats a tree is."""
    if isinstance(tree, dict) and isinstance(tree.get("symbols"), list):
        return "binance"
    some = tables_in(tree)
    if some and "trade_contract_size" in some[0]:
        return "mt5" if "digits" in some[0] else "mtsim"
    raise DataError(f"{path} holds no symbol_info of MT5, no symbols of gym-mtsim and no exchangeInfo of Binance")


def tables_in(tree: Any) -> list[Spec]:
    """One table, a list of tables, or tables by name."""
    if isinstance(tree, dict) and "trade_contract_size" in tree:
        tree = [tree]
    if isinstance(tree, dict):
        tree = [{"name": name, **one} if isinstance(one, dict) else one for name, one in tree.items()]
    return [one for one in tree if isinstance(one, dict)] if isinstance(tree, list) else []


def from_mt5(tree: Any, zone: str, _: Mapping[str, int]) -> Specs:
    found, left_out = [], []
    for info in tables_in(tree):
        try:
            found.append(one_of_mt5(info, zone))
        except (KeyError, TypeError, ValueError) as wrong:
            what = f"{wrong} is not there" if isinstance(wrong, KeyError) else str(wrong)
            left_out.append(f"{info.get('name', '?')}: {what}")
    return found, left_out


def one_of_mt5(info: Spec, zone: str) -> Spec:
    """A SymbolInfo as an instrument; KeyError, ValueError for fields that are missing or have no meaning."""
    mode = named(CALC_MODES, info, "trade_calc_mode")
    point = float(f"1e-{info['digits']}")
    spec: Spec = {
        "symbol": str(info["name"]),
        "kind": "metal"
        if str(info["currency_base"]) in ("XAU", "XAG", "XPT", "XPD")
        else KINDS.get(info["trade_calc_mode"], "cfd"),
        "base_currency": str(info["currency_base"]),
        "profit_currency": str(info["currency_profit"]),
        "digits": int(info["digits"]),
        "contract_size": float(info["trade_contract_size"]),
        **{name: float(info[name]) for name in ("volume_min", "volume_max", "volume_step", "volume_limit")},
        "description": str(info.get("description", "")),
        "tick_size": 0.0 if abs(info["trade_tick_size"] - point) < point * 1e-6 else float(info["trade_tick_size"]),
        "tick_value": float(info["trade_tick_value"]) if mode in BY_TICK else 0.0,
        "stops_level": int(info["trade_stops_level"]),
        "freeze_level": int(info["trade_freeze_level"]),
        "volume_unit": "real" if info.get("chart_mode") == 1 else "tick",
        "execution": named(EXECUTION, info, "trade_exemode"),
        "orders": bits(ORDERS, info["order_mode"]),
        "filling": bits(FILLING, info["filling_mode"]) + (["return"] if info["trade_exemode"] != 2 else []),
        "expiration": bits(EXPIRATION, info["expiration_mode"]),
        "status": named(STATUS, info, "trade_mode"),
        "margin": {
            "mode": mode,
            "currency": str(info["currency_margin"]),
            "initial": float(info["margin_initial"]),
            "maintenance": float(info["margin_maintenance"]),
            "hedged": float(info["margin_hedged"]),
            "larger_leg": bool(info["margin_hedged_use_leg"]),
        },
        "swap": {
            "mode": named(SWAP_MODES, info, "swap_mode"),
            "long": float(info["swap_long"]),
            "short": float(info["swap_short"]),
            "triple_day": named(DAYS, info, "swap_rollover3days"),
        },
    }
    if zone:
        spec |= {"day": f"00:00 {parse_zone(zone).name}", "rollover": f"00:00 {parse_zone(zone).name}"}
    for name, field in (("starts", "start_time"), ("expires", "expiration_time")):
        if info[field]:
            spec[name] = server_time(int(info[field]), zone)
    return spec


def server_time(second: int, zone: str) -> str:
    """A second of the server's clock as a time in UTC; without the server's zone as if it were UTC."""
    import numpy as np

    return format_ts(int(wall_to_utc(np.array([second * SECOND]), parse_zone(zone or "UTC"), gap="shift")[0]))


def named(names: Mapping[int, str] | tuple[str, ...], info: Spec, field: str) -> str:
    known = dict(enumerate(names)) if isinstance(names, tuple) else names
    if info[field] not in known:
        raise ValueError(f"{field} {info[field]!r} is none of {', '.join(map(str, known))}")
    return known[info[field]]


def bits(names: tuple[str, ...], mask: int) -> list[str]:
    return [name for bit, name in enumerate(names) if mask >> bit & 1]


def from_mtsim(tree: Any, _: str, digits: Mapping[str, int]) -> Specs:
    """Contract size, volumes and currencies; digits from the archive's bars, or of the shipped instrument."""
    known = {one.symbol: one.digits for one in shipped().values()}
    found, left_out = [], []
    for info in tables_in(tree):
        name = str(info["name"])
        if name not in digits and name not in known:
            left_out.append(f"{name}: how many digits its price has is not said")
            continue
        pair = ast.literal_eval(info["currencies"]) if isinstance(info.get("currencies"), str) else ()
        base = next((c for c in pair if name.startswith(c)), str(info["currency_margin"]))
        found.append({
            "symbol": name, "kind": str(info.get("market", "forex")).lower(), "base_currency": base,
            "profit_currency": str(info["currency_profit"]), "digits": digits.get(name, known.get(name)),
            "contract_size": float(info["trade_contract_size"]), "volume_unit": "tick",
            **{field: float(info[field]) for field in ("volume_min", "volume_max", "volume_step")},
            "margin": {"mode": "forex", "currency": str(info["currency_margin"]), "rate": float(info["margin_rate"])},
        })  # fmt: skip
    return found, left_out


def from_binance(tree: Any, _: str, __: Mapping[str, int]) -> Specs:
    found, left_out = [], []
    for info in tree["symbols"]:
        filters = {one.get("filterType"): one for one in info.get("filters", [])}
        missing = [name for name in ("PRICE_FILTER", "LOT_SIZE") if name not in filters]
        if missing:
            left_out.append(f"{info.get('symbol', '?')}: no {' and no '.join(missing)} filter")
            continue
        try:
            found.append(one_of_binance(info, filters))
        except (KeyError, TypeError, ValueError) as wrong:
            left_out.append(f"{info.get('symbol', '?')}: {wrong}")
    return found, left_out


def one_of_binance(info: Spec, filters: Mapping[str, Spec]) -> Spec:
    """One symbol of exchangeInfo; a lot is one unit of the base asset (COIN-M: one contract)."""
    lot, price = filters["LOT_SIZE"], filters["PRICE_FILTER"]
    least = {**filters.get("MIN_NOTIONAL", {}), **filters.get("NOTIONAL", {})}
    digits, tick = decimals(price["tickSize"]), float(price["tickSize"])
    if tick <= 0 or float(lot["stepSize"]) <= 0:
        raise ValueError("its price or lot has no step")
    spec: Spec = {
        "symbol": str(info["symbol"]), "kind": "crypto", "base_currency": str(info["baseAsset"]),
        "profit_currency": str(info.get("marginAsset", info["quoteAsset"])), "digits": digits,
        "contract_size": float(info.get("contractSize", 1.0)), "volume_min": float(lot["minQty"]),
        "volume_max": float(lot["maxQty"]), "volume_step": float(lot["stepSize"]), "day": "00:00 UTC",
        "sessions": "24/7", "volume_unit": "base", "execution": "exchange",
        "tick_size": 0.0 if abs(tick * 10**digits - 1) < 1e-9 else tick,
        "notional_min": float(least.get("minNotional") or least.get("notional") or 0.0),
        "orders": list(dict.fromkeys(BINANCE[t] for t in info.get("orderTypes", []) if t in BINANCE)),
        "status": "full" if info.get("status", info.get("contractStatus")) == "TRADING" else "disabled",
    }  # fmt: skip
    if "timeInForce" in info:
        spec["filling"] = [name.lower() for name in info["timeInForce"] if name in ("FOK", "IOC")] + ["return"]
    if info.get("contractType") not in (None, "", "PERPETUAL") and info.get("deliveryDate"):
        spec["expires"] = format_ts(int(info["deliveryDate"]) * 1_000_000)
    return spec


def decimals(step: str) -> int:
    """Digits behind the point that a step like 0.01000000 needs."""
    return len(str(step).partition(".")[2].rstrip("0"))


def binance_venue(tree: Any) -> str:
    some = tree["symbols"][0] if tree["symbols"] else {}
    coin = "contractSize" in some
    return "binance-coinm" if coin else "binance-usdm" if "contractType" in some else "binance"


READERS: dict[str, Callable[[Any, str, Mapping[str, int]], Specs]] = {
    "mt5": from_mt5, "mtsim": from_mtsim, "binance": from_binance,
}  # fmt: skip
