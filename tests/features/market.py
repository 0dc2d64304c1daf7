"""Markets for the tests: the catalogue's reference series, hard stretches, and a table that slides all the time."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from engine.core.errors import ConfigError
from engine.core.table import STAMPS, VALUES, Stream, Tables
from engine.features import Feature, Plan, Spec, aroon, body, change, load_all, macd, mom, rsi, sma, swing, zscore
from engine.features.plan import Bound

QUARTER = 15 * 60 * 10**9
HOUR = 3600 * 10**9
DAY = 24 * HOUR
START = 1_709_287_200_000_000_000
"""2024-03-01 10:00 UTC: the reference series crosses twenty UTC midnights."""


def reference(n: int = 2000, seed: int = 42) -> dict[str, np.ndarray]:
    """REF of the feature catalogue: 15 uniforms a bar from an integer generator, the same in any language."""
    u, x = np.empty(n * 16), seed
    for i in range(len(u)):
        x = (1103515245 * x + 12345) % 2147483648
        u[i] = x / 2147483648.0
    u = u.reshape(n, 16)
    bars = np.empty((4, n))
    last = 1.1
    for i in range(n):
        o = round(last + (u[i, 12] - 0.5) * 0.0002, 5)
        c = round(o + (u[i, :12].sum() - 6.0) * 0.0005, 5)
        bars[:, i] = (o, round(max(o, c) + u[i, 13] * 0.0004, 5), round(min(o, c) - u[i, 14] * 0.0004, 5), c)
        last = c
    spread = 1e-5 * (1.0 + np.arange(n) * 7 % 5)
    return stamped(*bars, volume=100.0 + np.floor(u[:, 15] * 900.0), spread=spread)


def stamped(open, high, low, close, volume=None, spread=None, start=START, step=QUARTER) -> dict[str, np.ndarray]:
    """Bars with stamps `step` apart and, unless given, a volume and a spread."""
    n = len(close)
    opened = start + np.arange(n, dtype=np.int64) * step
    values = {"open": open, "high": high, "low": low, "close": close}
    values["volume"] = np.full(n, 100.0) if volume is None else volume
    values["spread"] = np.full(n, 1e-5) if spread is None else spread
    stamps = {"ts": opened + step, "open_ts": opened, "end": opened + step}
    return {**stamps, **{k: np.ascontiguousarray(v, np.float64) for k, v in values.items()}}


def hard(n: int = 700) -> dict[str, np.ndarray]:
    """Dead stretches, equal highs, gaps, a spike and whole-point prices: where ties and divisions by zero live."""
    x, close = 7, np.empty(n)
    price = 100.0
    for i in range(n):
        x = (1103515245 * x + 12345) % 2147483648
        if i % 160 >= 40:
            price += float(x >> 16 & 3) - 1.5 + (50.0 if i % 160 == 100 else 0.0)
        close[i] = np.floor(price)
    close[n // 2] = 1e6
    wick = np.where(np.arange(n) % 160 < 40, 0.0, np.arange(n) % 3)
    open = np.concatenate([close[:1], close[:-1]])
    open = np.where(np.arange(n) % 160 < 40, close, open)
    volume = np.where(np.arange(n) % 160 < 40, 0.0, 50.0 + np.arange(n) % 7 * 10.0)
    bars = stamped(open, np.maximum(open, close) + wick, np.minimum(open, close) - wick, close, volume)
    weekends = np.arange(n) // 200 * 2 * DAY
    return {name: values + weekends if name in STAMPS else values for name, values in bars.items()}


def stress(seed: int, span: int, n: int = 30_000) -> dict[str, np.ndarray]:
    """Whole-point bars with gaps, ties and tiny shadows: where candlestick patterns happen, the rarest included.

    The definition is the stress series of the feature catalogue: five uniforms a bar from its integer generator.
    """
    x, last, bars = seed, 10_000.0, np.empty((4, n))
    for i in range(n):
        u = []
        for _ in range(5):
            x = (1103515245 * x + 12345) % 2147483648
            u.append(x / 2147483648.0)
        o = last + np.floor(u[0] * span * 1.2) - np.floor(span * 0.6)
        body = np.floor(u[1] * span * 2) - span
        c = o + (np.floor(body / 8) if u[4] < 0.35 else body)
        wick = span * (1.0 if u[4] > 0.5 else 0.1)
        bars[:, i] = (o, max(o, c) + np.floor(u[2] * wick), min(o, c) - np.floor(u[3] * wick), c)
        last = c if c >= 2000 else 10_000.0
    return stamped(*bars)


@functools.cache
def weeks() -> dict[str, np.ndarray]:
    """The reference series in FX weeks, over the quarter that ended on Good Friday of 2024: without weekends.

    It begins on Friday 2024-03-15 at 12:00 UTC; weeks end on Friday and begin on Sunday at 21:00.
    """
    bars = reference()
    late = np.arange(len(bars["close"])) * QUARTER >= 9 * HOUR
    passed = (np.arange(len(bars["close"])) * QUARTER - 9 * HOUR) // (5 * DAY) + 1
    shift = 14 * DAY + 2 * HOUR + np.where(late, passed, 0) * 2 * DAY
    return {name: values + shift if name in STAMPS else values for name, values in bars.items()}


@functools.cache
def turning(n: int = 2400) -> dict[str, np.ndarray]:
    """A market that goes on as it went, later turns every other bar, later still nearly every bar, in larger steps."""
    x, side, close = 7, 1.0, np.empty(n)
    price = 10_000.0
    for i in range(n):
        x = (1103515245 * x + 12345) % 2147483648
        chance = 0.15 if i < n // 3 else 0.55 if i < 2 * n // 3 else 0.95
        side = -side if x / 2147483648.0 < chance else side
        price += side * (1.0 + (x >> 16 & 3)) * (1.0 if i < 2 * n // 3 else 3.0)
        close[i] = price
    return stamped(close, close + 1.0, close - 1.0, close)


@functools.cache
def candles() -> dict[str, np.ndarray]:
    """A market of moments: 29 bars around two of every candlestick pattern, one after the other without a gap."""
    from engine.features import FEATURES

    patterns = {f.name: FEATURES.get(f.name)() for f in library() if f.name.startswith("cdl_")}
    whole = stress(4, 12)
    found = batch(Plan(patterns), whole)
    parts: list[np.ndarray] = []
    for column in found.values():
        for sign in (1.0, -1.0):
            hits = np.flatnonzero(column * sign > 0.0)
            hits = hits[(hits >= 24) & (hits < len(column) - 5)]
            for i in hits[:2] if (column * sign).min() >= 0.0 else hits[:1]:
                part = np.stack([whole[name][i - 24 : i + 5] for name in ("open", "high", "low", "close")])
                parts.append(part - part[0, 0] + (parts[-1][3, -1] if parts else 10_000.0))
    return stamped(*np.concatenate(parts, axis=1))


def rows(columns: dict[str, np.ndarray], lo: int, hi: int) -> dict[str, np.ndarray]:
    return {name: values[lo:hi] for name, values in columns.items()}


def batch(plan: Plan, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All rows in one call; outputs start as a wrong number, so that a row left out shows."""
    n, made = len(columns["close"]), {}
    plan.bind(columns, lambda name: made.setdefault(name, np.full(n, 777.0))).extend(0, n)
    return {name: made[name] for name in plan.columns}


class Tape:
    """A table of a run that keeps no more than the plan's look-back and slides whenever it can.

    Rows that are not filled hold 1e9: a kernel that reads ahead, or further back than declared, shows.
    """

    def __init__(self, plan: Plan, room: int = 8) -> None:
        keep = max(plan.lookback, 1)
        self.tables = Tables((Stream("EURUSD", "M15"),), capacity=2 * keep + room, keep=keep)
        self.table = self.tables.tables[0]
        self.plan = plan
        self.bound: Bound = plan.bind(self.table.columns, self.table.add)
        self.poison()

    def poison(self) -> None:
        for name, column in self.table.columns.items():
            column[self.table.n :] = 10**18 if name in STAMPS else 1e9

    def put(self, bars: dict[str, np.ndarray]) -> None:
        """Write bars behind the last row without closing them."""
        n, k = self.table.n, len(bars["close"])
        for name in (*STAMPS, *VALUES):
            self.table.columns[name][n : n + k] = bars[name]

    def add(self, bars: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Close these bars; their features, row by row."""
        out: list[dict[str, np.ndarray]] = []
        k, room = len(bars["close"]), self.tables.capacity - self.tables.keep
        for lo in range(0, k, room):
            part = rows(bars, lo, min(lo + room, k))
            size = len(part["close"])
            if self.tables.capacity - self.table.n < size + 1:
                self.table.slide()
                self.poison()
            n = self.table.n
            self.put(part)
            self.tables.rows[0] = n + size
            self.bound.extend(n, n + size)
            out.append({c: self.table.columns[c][n : n + size].copy() for c in self.plan.columns})
        return joined(out, self.plan)


def joined(parts: Iterable[dict[str, np.ndarray]], plan: Plan) -> dict[str, np.ndarray]:
    parts = list(parts)
    return {c: np.concatenate([p[c] for p in parts]) if parts else np.zeros(0) for c in plan.columns}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    """Bit for bit (every NaN is alike)."""
    assert a.keys() == b.keys()
    for name in a:
        x, y = (np.where(np.isnan(v), np.nan, v).view(np.int64) for v in (a[name], b[name]))
        assert len(x) == len(y), name
        wrong = np.flatnonzero(x != y)
        assert not len(wrong), f"{name} first differs at row {wrong[0]}: {a[name][wrong[0]]!r} {b[name][wrong[0]]!r}"


GIVEN = {
    "blend": (
        macd().macd, macd().histogram, mom(5), mom(50), change().change, body().body, macd(3, 5, 2).macd, mom(20),
    ),
    "adjust": (sma(2) / sma(3),),
    "transform": (macd().histogram,),
    "when_since": (swing().event,),
    "impact_known": (zscore(20), aroon(25).aroon_up),
    "events": (aroon(25).aroon_up, aroon(25).aroon_down, aroon(9).aroon_up, aroon(9).aroon_down),
    "aggregate": (
        rsi(3) - 50, macd().macd, macd().histogram, rsi(14) - 50, sma(2) - sma(3), "close", "low", swing().top,
    ),
}  # fmt: skip
"""What a feature is given that takes something else than prices: signals have two signs."""


BRIEF: dict[str, dict[str, Any]] = {
    "compare": {"width": 6, "period": 14}, "lead_lag": {"period": 20, "reach": 2}, "correlation": {"period": 10},
    "shaped": {"width": 7}, "likeness": {"width": 9}, "regime_cusum": {"longest": 40},
    "anomaly_trees": {"window": 30, "trees": 3},
    "decompose_emd": {"period": 32, "siftings": 1}, "decompose_vmd": {"period": 16, "rounds": 3},
    "context": {"release": aroon(9).aroon_up},
}  # fmt: skip
"""What costs much at its usual size is tested at a smaller one, and what waits for a calendar with something else."""
WHOLE = {"blend": ("count",)}
"""Whole numbers that are not lowered: signals that are not counted have no weight, which never changes."""


def variants() -> list[Spec]:
    """Every feature as declared, with the smallest parameters it allows, and with each choice of a word."""
    made: dict[Spec, None] = {}
    for feature in library():
        given = dict(zip(feature.required, GIVEN.get(feature.name, ("close", "high", "low", "open")), strict=False))
        brief = BRIEF.get(feature.name, {})
        made[feature(**given, **brief)] = None
        fed = {name: source for name, source in brief.items() if name not in feature.params}
        made[feature(**given, **fed, **smallest(feature, given))] = None
        for name, param in feature.params.items():
            for choice in param.choices or ((True, False) if param.kind is bool else ()):
                made[feature(**given, **brief, **{name: choice})] = None
    return list(made)


def settle(spec: Spec) -> int:
    """Bars until the start of it, and of what it is computed from, is forgotten to 1e-8."""
    return max(int(node.feature.settle(node.params)) for node in Plan({"x": spec}).nodes)


def library() -> list[Feature]:
    """The features that ship with the engine; a strategy may have registered others in the meantime."""
    return [f for _, f in load_all().items() if f.kernel.__module__.startswith("engine.features.")]


def smallest(feature: Feature, given: dict[str, str]) -> dict[str, object]:
    """Whole-number parameters lowered, one after the other, as far as the declaration allows."""
    params = {n: p.default for n, p in feature.params.items()}
    for name, param in feature.params.items():
        if name in WHOLE.get(feature.name, ()):
            continue
        while param.kind is int and params[name] > 0 and allowed(feature, {**given, **params, name: params[name] - 1}):
            params[name] -= 1
    return params


def allowed(feature: Feature, params: dict[str, object]) -> bool:
    try:
        feature(**params)
    except ConfigError:
        return False
    return True
