"""Features: numbers computed from closed bars, the same in batch, live and forming.

    from engine.features import Plan, on, sma, rsi
    Plan({"fast": sma(20), "slow": sma(100), "h1": on("H1", rsi(14))})

A feature's name is found in its family file on first use, so importing this package compiles and loads nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

from engine.core.registry import Registry
from engine.features.contract import FEATURES, Feature, feature
from engine.features.plan import Plan
from engine.features.spec import Spec, column, fact, of, on

FAMILIES = (
    "prices", "trend", "averages", "adaptive", "direction", "stops", "channels", "speeds", "rates", "oscillators",
    "volatility", "ranges", "estimators", "volume", "flows", "pressure", "window", "regression", "reversion", "cycle",
    "ehlers", "sentiment", "systems", "swings", "anatomy", "candle", "filters", "phases", "monitors", "unusual",
    "weights", "scaling", "windows", "clocks", "contexts", "tendency", "corridors", "cycles", "shifts", "densities",
    "micros", "calendars", "arithmetic", "related",
    "codes", "alike", "clustered", "fused", "places", "timing", "modes",
)  # fmt: skip


CALCULATIONS = (
    "age",
    "delta",
    "group",
    "hedged",
    "highest",
    "larger",
    "log",
    "lowest",
    "mean",
    "rank",
    "root",
    "sign",
    "smaller",
    "std",
    "summed",
)
"""Functions of columns that are made of features; `abs(x)` is Python's own."""


def load_all() -> Registry[Feature]:
    """The registry with every feature in it."""
    for family in FAMILIES:
        importlib.import_module(f"engine.features.{family}")
    return FEATURES


def __getattr__(name: str) -> Any:
    if name == "frame":
        from engine.features.batch import frame

        return frame
    if name in CALCULATIONS:
        from engine.features import formulas

        return getattr(formulas, name)
    if name in ("news", "release_impact"):
        from engine.features import calendars

        return getattr(calendars, name)
    if name.startswith("_") or name not in load_all():
        raise AttributeError(f"module 'engine.features' has no attribute {name!r}")
    return FEATURES.get(name)


__all__ = ["FEATURES", "Feature", "Plan", "Spec", "column", "fact", "feature", "load_all", "of", "on"]
