"""What bars are asked for, as people write it: `M5`, `tick 1000`, `dollar 1M`, `renko 10 points`.

| kind | a bar ends with the record that |
|---|---|
| `M1` ... `W1` | (by the clock, at the right edge of its interval) |
| `tick N` `volume N` `dollar N` | makes its records, volume, or price x volume reach N |
| `range N points` | makes high - low reach N points |
| `renko N points` | takes the price N points past the last brick (two bricks to turn) |
| `imbalance N` `run N` | brings more on one side than N records should; weighed: `volume imbalance N` |
| `adaptive N` | makes high - low reach what N records usually travel, by the volatility known at the bar's opening |
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.core.errors import ConfigError
from engine.core.frames import ACTIVITY, FRAMES, parse_frame
from engine.core.registry import did_you_mean

MEASURES = ("tick", "volume", "dollar")
PRICED = ("range", "renko")
"""Kinds whose number is in points."""
COUNTED = ("tick", "imbalance", "run", "adaptive")
"""Kinds whose number counts records: a whole one."""
TEXT = re.compile(
    r"(?:(?P<measure>tick|volume|dollar)[\s_-]+(?=[a-z]))?(?P<kind>[a-z]+)[\s_-]*"
    r"(?P<amount>\d[\d_,]*(?:\.\d+)?(?:e\d+)?)(?P<many>[km]?)\s*(?P<unit>[a-z]*)"
)
UNITS = {"tick": ("ticks", "tick"), "range": ("points", "point"), "renko": ("points", "point")}
MANY = {"": 1.0, "k": 1e3, "m": 1e6}


@dataclass(frozen=True)
class BarKind:
    """One kind of bar; `str()` is its frame, the name it has in the catalogue: `H1`, `tick1000`, `renko10`."""

    kind: str
    amount: float = 0.0
    measure: str = "tick"
    frame: str = ""
    """Of bars by the clock, whose kind is `time`."""

    def __str__(self) -> str:
        weighed = f"{self.measure}-" if self.measure != "tick" and self.kind in ("imbalance", "run") else ""
        amount = int(self.amount) if self.amount.is_integer() else self.amount
        return self.frame or f"{weighed}{self.kind}{amount}"


def parse_kind(text: str) -> BarKind:
    """The bars a text names; ConfigError with the nearest when there are none such.

    >>> str(parse_kind("renko 10 points")), str(parse_kind("volume-imbalance 500")), str(parse_kind("dollar 1M"))
    ('renko10', 'volume-imbalance500', 'dollar1000000')
    >>> str(parse_kind("h4"))
    'H4'
    """
    found = TEXT.fullmatch(text.strip().lower())
    if text.strip().upper() in FRAMES or text.strip()[:1].isdigit() or (found and found["kind"] in "mhdw"):
        return BarKind("time", frame=parse_frame(text))
    if not found:
        raise ConfigError(f"bars {text!r} cannot be read: {hint(text)}")
    kind, measure = found["kind"], found["measure"] or "tick"
    if kind not in ACTIVITY:
        raise ConfigError(f"unknown bars {text!r}: {hint(kind)}")
    if found["measure"] and kind not in ("imbalance", "run"):
        raise ConfigError(f"bars {text!r}: only imbalance and run bars are weighed, like `volume imbalance 500`")
    check_unit(text, kind, found["unit"])
    amount = float(found["amount"].replace("_", "").replace(",", "")) * MANY[found["many"]]
    if amount <= 0 or (kind in COUNTED and not amount.is_integer()):
        raise ConfigError(f"bars {text!r}: the number must be {'whole and ' if kind in COUNTED else ''}above 0")
    return BarKind(kind, amount, kind if kind in MEASURES else measure)


def check_unit(text: str, kind: str, unit: str) -> None:
    """Points must be said; `renko10`, without a space, is the name of a dataset and says it already."""
    known = UNITS.get(kind, ())
    if unit and unit not in known:
        measured = f"are measured in {known[0]}" if known else "take a plain number"
        raise ConfigError(f"bars {text!r}: {kind} bars {measured}, not in {unit}")
    if kind in PRICED and not unit and not re.fullmatch(r"[a-z]+[\d.]+", text.strip().lower()):
        raise ConfigError(f"bars {text!r}: a number without a unit: write `{kind} 10 points`")


def hint(text: str) -> str:
    near = did_you_mean(text.strip().lower(), [*ACTIVITY, *(frame.lower() for frame in FRAMES)])
    if near.startswith("did"):
        name = near.removeprefix("did you mean ").removesuffix("?")
        return f"did you mean {name if name in ACTIVITY else name.upper()}?"
    return "known: " + " ".join(FRAMES) + ", or with a number " + " ".join(ACTIVITY)
