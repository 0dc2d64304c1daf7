"""What `backtest --stress` and `calibrate` print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.core.config import Config
from engine.core.errors import Refused
from engine.core.schema import dump
from engine.ops import console

Row = dict[str, Any]


def stress_table(config: Config, rows: Sequence[Any]) -> Row:
    """The table for programs: what was run, the limits, the rows."""
    import msgspec

    limits = {key: value for key, value in dump(config.stress, full=False).items() if key != "blackout"}
    told = [{**msgspec.to_builtins(row), "verdict": row.verdict} for row in rows]
    return {"config": config.name, "currency": config.account.currency, "limits": limits, "rows": told}


def stress_text(found: Row) -> str:
    """The table for people."""
    money = found["currency"]
    table = [
        {
            "stress": row["stress"], "trades": row["trades"],
            "net": None if row["net_profit"] is None else f"{row['net_profit']:,.2f} {money}",
            "drawdown": None if row["max_drawdown"] is None else f"{row['max_drawdown']:,.2f} {money}",
            "%": None if row["drawdown_share"] is None else f"{row['drawdown_share']:.2%}",
            "profit factor": None if row["profit_factor"] is None else f"{row['profit_factor']:.2f}",
            "verdict": row["verdict"] if found["limits"] or row["skipped"] else None,
        }
        for row in found["rows"]
    ]  # fmt: skip
    told = [f"! {row['stress']}: {'; '.join(row['failed'])}" for row in found["rows"] if row["failed"]]
    told += [f"- {row['stress']}: skipped, {row['skipped']}" for row in found["rows"] if row["skipped"]]
    if not found["limits"]:
        told.append("- nothing is judged: [stress] of the config sets no limit")
    return "\n".join([f"stress of {found['config']}", "", console.table(table), *([""] if told else []), *told])


def refuse(found: Row) -> None:
    """Refused when a row broke a limit."""
    broken = [row["stress"] for row in found["rows"] if row["failed"]]
    if broken:
        raise Refused(f"{found['config']} does not hold its limits under stress: {', '.join(broken)}")


def calibration_text(found: Any) -> str:
    """What was fitted, what cannot be told, and the config that follows."""
    table = [
        {
            "what": one.name, "value": f"{one.value:.4g}" if one.unit else f"{one.value:.2%}", "unit": one.unit,
            "95 %": "-" if one.low is None or one.high is None else between(one), "from": one.n, "note": one.note,
        }
        for one in found.estimates
    ]  # fmt: skip
    parts = [found.made_from, console.table(table)]
    if found.unknown:
        parts.append("\n".join(["cannot be told:", *(f"- {why}" for why in found.unknown)]))
    return "\n\n".join([*parts, *([found.toml.rstrip()] if found.toml else [])])


def between(one: Any) -> str:
    return f"{one.low:.4g} to {one.high:.4g}" if one.unit else f"{one.low:.2%} to {one.high:.2%}"
