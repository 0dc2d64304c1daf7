"""What a reader of a run must know before its figures: how orders were filled, and what makes them better or worse."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import numpy as np

from engine.core import schema
from engine.core.config import Config
from engine.core.frames import parse_frame
from engine.core.frictions import told
from engine.core.instrument import Instrument
from engine.core.tape import Tape

TOLD = (
    "currency", "balance", "mode", "leverage", "latency", "report_latency", "slippage", "commission", "change_latency",
    "rejects", "requotes", "partial_fills",
)  # fmt: skip
"""Keys of account and venue that other notes and the report tell."""
SAMPLED = 4_096
"""Records looked at to see how fine prices are."""


def assumptions(config: Config) -> list[str]:
    """What a reader must know about how orders were filled."""
    v = config.venue
    notes = [
        f"orders reach the venue after {v.latency}, reports come back after {v.report_latency}",
        f"slippage {v.slippage}, commission {v.commission_text}",
    ]
    notes += told(v, config.risk.blackout, config.seed)
    if rest := broker(config):
        notes.append(f"the broker is set to {rest}")
    if config.run.lane == "compiled":
        notes.append(
            "compiled lane: the journal holds deals and rejections; `explain` works out again what led to them"
        )
    return notes


def broker(config: Config) -> str:
    """What the config says of account and venue that is not the default and that no other note tells."""
    parts: list[str] = []
    for name, section in (("account", config.account), ("venue", config.venue)):
        usual = schema.dump(type(section)())
        parts += [
            f"{name}.{key} = {json.dumps(value, ensure_ascii=False)}"
            for key, value in schema.dump(section).items()
            if value != usual[key] and key not in TOLD
        ]
    return ", ".join(parts)


def warnings(config: Config, tape: Tape, instruments: tuple[Instrument, ...]) -> Iterator[str]:
    """What may make the figures better or worse than the market would have."""
    if config.data.kind == "bars":
        path = config.venue.path
        inside = (
            "where a stop and a take-profit lie in one bar, the stop fills"
            if path == "pessimistic" else f"inside a bar prices are taken to move by the path {path!r}"
        )  # fmt: skip
        which = (
            f"{config.data.finest} bars inside those of {parse_frame(config.data.frame)}"
            if config.data.detail
            else "bars only"
        )
        yield f"{which}: orders fill at the next open; {inside}; the time of a deal is the open of its bar"
    block = next(tape.blocks(SAMPLED))
    prices = block.bid if tape.kind == "quotes" else block.close
    for s, one in enumerate(instruments):
        if one.venue != "demo" and one.source != "the run's config":
            yield f"{one.symbol} follows the specification {one.id}, {one.source}"
        halves = prices[block.symbol == s] * (2 * 10.0**one.digits)  # prices made of a mid lie on half a point
        if (np.abs(halves - np.round(halves)) > 1e-3).any():
            yield (
                f"{one.symbol}: its prices are finer than the {one.digits} digits of {one.id}: stops are rounded to"
                f" {one.point:g}, and that is a point ([[instrument]] in the config can say otherwise)"
            )


def guessed(trades: int, config: Config) -> Iterator[str]:
    """How often the path inside a bar decided what a trade earned."""
    if trades:
        yield (
            f"{trades} trades had stop and take-profit in one bar: which came first is an assumption (venue.path ="
            f' "{config.venue.path}"); finer bars (data.detail) would say more'
        )


ADVICE = {
    "denied by the risk rule stop_missing": 'this size needs a stop: from the strategy, or risk.exits.stop = "2 atr"',
    "denied by the risk rule volume_min": "the size comes to less than the smallest volume: more balance, or a larger"
    " risk.size",
    "denied by the risk rule stop_side": "the stop lies on the wrong side of the price",
    "denied by the risk rule exit_missing": "an exit of risk.exits was not known yet, or is no distance",
    "denied by the risk rule max_drawdown": "risk.max_drawdown is reached: nothing is opened any more",
    "denied by the risk rule max_loss": "risk.max_loss is reached: nothing is opened any more",
    "rejected by the venue: not enough money": "a smaller risk.size, or risk.max_leverage below account.leverage",
    "rejected by the venue: invalid stops": "stops nearer to the market than the instrument allows, or beyond it",
    "rejected by the venue: volume above the maximum": "risk.max_position would make it smaller",
}  # fmt: skip


def refusals(refused: Counter[str]) -> Iterator[str]:
    """What was not done, how often, and what a trader can do about it."""
    for why, n in sorted(refused.items()):
        what = next((advice for reason, advice in ADVICE.items() if why.endswith(reason)), "")
        yield f"{why} ({n} times)" + (f": {what}" if what else "")
