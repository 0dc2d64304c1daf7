"""Three shapes of a feature, side by side: how they read, how fast they run, what they cost to compile and to keep.

    python tests/bench/feature_shapes.py            # figures of docs/adr/0001-feature-contract.md

chunk   `f(lo, hi, <columns>, <state columns>, <outputs>, <parameters>)`, each called from Python
step    `f(state, params, x, y)` for one row, all called through function pointers; windows are rings in `state`
named   the contract of `engine.features`: a chunk kernel whose state are named numbers, behind one C signature

The same four features in each: RSI, ADX, a confirmed swing, and order blocks (at most 64 zones that are born at a
break of structure, mitigated by a touch and invalid after a close beyond them). All shapes must agree bit for bit.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.features.contract import feature

SLOTS, SIDE, LOW, HIGH, STATE = 64, 0, 1, 2, 3
FRESH, MITIGATED = 1.0, 2.0
REACH = 200

# ---------------------------------------------------------------- shape 1: chunk kernels, state in columns


def chunk_rsi(lo, hi, close, _seen, _gain, _loss, rsi, period):
    for i in range(lo, hi):
        first = i == 0
        seen, gain, loss = (0.0, 0.0, 0.0) if first else (_seen[i - 1], _gain[i - 1], _loss[i - 1])
        if seen > 0.0:
            change = close[i] - close[i - 1]
            weight = 1.0 / period if seen > period else 1.0 / seen
            gain = gain * (1.0 - weight) + max(change, 0.0) * weight
            loss = loss * (1.0 - weight) + max(-change, 0.0) * weight
        rsi[i] = np.nan
        if seen >= period:
            rsi[i] = 100.0 * gain / (gain + loss) if gain + loss > 0.0 else 50.0
        _seen[i], _gain[i], _loss[i] = seen + 1.0, gain, loss


def chunk_adx(lo, hi, high, low, close, _seen, _plus, _minus, _reach, _mean, adx, period):
    for i in range(lo, hi):
        seen, plus, minus, reach, mean = 0.0, 0.0, 0.0, 0.0, 0.0
        if i > 0:
            seen, plus, minus, reach, mean = _seen[i - 1], _plus[i - 1], _minus[i - 1], _reach[i - 1], _mean[i - 1]
            up, down = high[i] - high[i - 1], low[i - 1] - low[i]
            fade = 1.0 / period if seen >= period else 0.0
            plus += (up if up > down and up > 0.0 else 0.0) - plus * fade
            minus += (down if down > up and down > 0.0 else 0.0) - minus * fade
            reach += max(high[i], close[i - 1]) - min(low[i], close[i - 1]) - reach * fade
        if seen >= period:
            dx = 100.0 * abs(plus - minus) / (plus + minus) if plus + minus > 0.0 else 0.0
            count = seen - period + 1.0
            mean += (dx - mean) * (1.0 / period if count > period else 1.0 / count)
        adx[i] = mean if seen >= 2 * period - 1 else np.nan
        _seen[i], _plus[i], _minus[i], _reach[i], _mean[i] = seen + 1.0, plus, minus, reach, mean


def chunk_swing(lo, hi, high, low, _seen, top, top_age, bottom, bottom_age, left, right):
    for i in range(lo, hi):
        seen = 1.0 if i == 0 else _seen[i - 1] + 1.0
        top[i], top_age[i] = (np.nan, np.nan) if i == 0 else (top[i - 1], top_age[i - 1] + 1.0)
        bottom[i], bottom_age[i] = (np.nan, np.nan) if i == 0 else (bottom[i - 1], bottom_age[i - 1] + 1.0)
        if seen > left + right:
            p = i - right
            is_top = is_bottom = True
            for k in range(p - left, p + right + 1):
                is_top = is_top and (high[k] <= high[p] if k <= p else high[k] < high[p])
                is_bottom = is_bottom and (low[k] >= low[p] if k <= p else low[k] > low[p])
            if is_top:
                top[i], top_age[i] = high[p], float(right)
            if is_bottom:
                bottom[i], bottom_age[i] = low[p], float(right)
        _seen[i] = seen


def chunk_blocks(lo, hi, high, low, close, top, top_age, bottom, bottom_age, zones, _broken, born, alive, reach):
    for i in range(lo, hi):
        if np.isnan(top[i] + bottom[i]):
            born[i] = alive[i] = _broken[i, 0] = np.nan
            continue
        first = i == 0 or np.isnan(_broken[i - 1, 0])
        broken_top, broken_bottom = (-1.0, -1.0) if first else (_broken[i - 1, 0] + 1.0, _broken[i - 1, 1] + 1.0)
        born[i], alive[i] = 0.0, 0.0
        for z in range(SLOTS):
            side = zones[z, SIDE]
            if side == 0.0:
                continue
            near, far = (zones[z, HIGH], zones[z, LOW]) if side > 0.0 else (zones[z, LOW], zones[z, HIGH])
            if (close[i] - far) * side < 0.0:
                zones[z, SIDE] = 0.0
            elif ((low[i] if side > 0.0 else high[i]) - near) * side <= 0.0:
                zones[z, STATE] = MITIGATED
            alive[i] += 1.0 if zones[z, SIDE] != 0.0 else 0.0
        side, age = 0.0, 0.0
        if close[i] > top[i] and top_age[i] < reach and top_age[i] != broken_top:
            side, age, broken_top = 1.0, top_age[i], top_age[i]
        elif close[i] < bottom[i] and bottom_age[i] < reach and bottom_age[i] != broken_bottom:
            side, age, broken_bottom = -1.0, bottom_age[i], bottom_age[i]
        if side != 0.0:
            j = i - 1
            for k in range(i - int(age) + 1, i):
                if (low[k] < low[j]) if side > 0.0 else (high[k] > high[j]):
                    j = k
            for z in range(SLOTS):
                if zones[z, SIDE] == 0.0:
                    zones[z, 0], zones[z, 1], zones[z, 2], zones[z, 3] = side, low[j], high[j], FRESH
                    break
            born[i] = side
        _broken[i, 0], _broken[i, 1] = broken_top, broken_bottom


# ---------------------------------------------------------------- shape 2: one step, everything in vectors


def step_rsi(s, p, x, y):
    seen, last, gain, loss, period = s[0], s[1], s[2], s[3], p[0]
    if seen > 0.0:
        change = x[0] - last
        weight = 1.0 / period if seen > period else 1.0 / seen
        gain = gain * (1.0 - weight) + max(change, 0.0) * weight
        loss = loss * (1.0 - weight) + max(-change, 0.0) * weight
    y[0] = np.nan
    if seen >= period:
        y[0] = 100.0 * gain / (gain + loss) if gain + loss > 0.0 else 50.0
    s[0], s[1], s[2], s[3] = seen + 1.0, x[0], gain, loss


def step_adx(s, p, x, y):
    seen, period = s[0], p[0]
    if seen > 0.0:
        up, down = x[0] - s[1], s[2] - x[1]
        fade = 1.0 / period if seen >= period else 0.0
        s[4] += (up if up > down and up > 0.0 else 0.0) - s[4] * fade
        s[5] += (down if down > up and down > 0.0 else 0.0) - s[5] * fade
        s[6] += max(x[0], s[3]) - min(x[1], s[3]) - s[6] * fade
    if seen >= period:
        dx = 100.0 * abs(s[4] - s[5]) / (s[4] + s[5]) if s[4] + s[5] > 0.0 else 0.0
        count = seen - period + 1.0
        s[7] += (dx - s[7]) * (1.0 / period if count > period else 1.0 / count)
    y[0] = s[7] if seen >= 2 * period - 1 else np.nan
    s[0], s[1], s[2], s[3] = seen + 1.0, x[0], x[1], x[2]


def step_swing(s, p, x, y):
    left, right = int(p[0]), int(p[1])
    span = left + right + 1
    seen = int(s[0])
    if seen == 0:
        s[1] = s[2] = s[3] = s[4] = np.nan
    s[5 + seen % span], s[5 + span + seen % span] = x[0], x[1]
    s[2] += 1.0
    s[4] += 1.0
    if seen >= left + right:
        q = seen - right
        is_top = is_bottom = True
        high, low = s[5 + q % span], s[5 + span + q % span]
        for k in range(q - left, q + right + 1):
            h, l = s[5 + k % span], s[5 + span + k % span]
            is_top = is_top and (h <= high if k <= q else h < high)
            is_bottom = is_bottom and (l >= low if k <= q else l > low)
        if is_top:
            s[1], s[2] = high, right
        if is_bottom:
            s[3], s[4] = low, right
    y[0], y[1], y[2], y[3] = s[1], s[2], s[3], s[4]
    s[0] = seen + 1


def step_blocks(s, p, x, y):
    high, low, close, top, top_age, bottom, bottom_age, reach = x[0], x[1], x[2], x[3], x[4], x[5], x[6], int(p[0])
    seen, zones, highs, lows = int(s[0]), 3, 3 + 4 * 64, 3 + 4 * 64 + reach
    if np.isnan(top + bottom):
        y[0] = y[1] = np.nan
        return
    s[1] = s[1] + 1.0 if seen > 0 else -1.0
    s[2] = s[2] + 1.0 if seen > 0 else -1.0
    s[highs + seen % reach], s[lows + seen % reach] = high, low
    y[0] = y[1] = 0.0
    for z in range(zones, zones + 4 * 64, 4):
        side = s[z]
        if side == 0.0:
            continue
        near, far = (s[z + 2], s[z + 1]) if side > 0.0 else (s[z + 1], s[z + 2])
        if (close - far) * side < 0.0:
            s[z] = 0.0
        elif ((low if side > 0.0 else high) - near) * side <= 0.0:
            s[z + 3] = 2.0
        y[1] += 1.0 if s[z] != 0.0 else 0.0
    side, age = 0.0, 0.0
    if close > top and top_age < reach and top_age != s[1]:
        side, age, s[1] = 1.0, top_age, top_age
    elif close < bottom and bottom_age < reach and bottom_age != s[2]:
        side, age, s[2] = -1.0, bottom_age, bottom_age
    if side != 0.0:
        j = seen - 1
        for k in range(seen - int(age) + 1, seen):
            better = (
                s[lows + k % reach] < s[lows + j % reach] if side > 0.0 else s[highs + k % reach] > s[highs + j % reach]
            )
            j = k if better else j
        for z in range(zones, zones + 4 * 64, 4):
            if s[z] == 0.0:
                s[z], s[z + 1], s[z + 2], s[z + 3] = side, s[lows + j % reach], s[highs + j % reach], 1.0
                break
        y[0] = side
    s[0] = seen + 1


# ---------------------------------------------------------------- shape 3: the contract


@feature(gives="rsi", keeps="seen last gain loss", warmup="period", registry=None)
def named_rsi(lo, hi, close, rsi, seen, last, gain, loss, period=14):
    for i in range(lo, hi):
        if seen > 0.0:
            change = close[i] - last
            weight = 1.0 / period if seen > period else 1.0 / seen
            gain = gain * (1.0 - weight) + max(change, 0.0) * weight
            loss = loss * (1.0 - weight) + max(-change, 0.0) * weight
        last = close[i]
        rsi[i] = np.nan
        if seen >= period:
            rsi[i] = 100.0 * gain / (gain + loss) if gain + loss > 0.0 else 50.0
        seen += 1.0
    return seen, last, gain, loss


@feature(gives="adx", keeps="seen high1 low1 close1 plus minus reach mean", warmup="2 * period - 1", registry=None)
def named_adx(lo, hi, high, low, close, adx, seen, high1, low1, close1, plus, minus, reach, mean, period=14):
    for i in range(lo, hi):
        if seen > 0.0:
            up, down = high[i] - high1, low1 - low[i]
            fade = 1.0 / period if seen >= period else 0.0
            plus += (up if up > down and up > 0.0 else 0.0) - plus * fade
            minus += (down if down > up and down > 0.0 else 0.0) - minus * fade
            reach += max(high[i], close1) - min(low[i], close1) - reach * fade
        if seen >= period:
            dx = 100.0 * abs(plus - minus) / (plus + minus) if plus + minus > 0.0 else 0.0
            count = seen - period + 1.0
            mean += (dx - mean) * (1.0 / period if count > period else 1.0 / count)
        adx[i] = mean if seen >= 2 * period - 1 else np.nan
        high1, low1, close1 = high[i], low[i], close[i]
        seen += 1.0
    return seen, high1, low1, close1, plus, minus, reach, mean


@feature(
    gives="top top_age bottom bottom_age", keeps="seen high1 age1 low1 age2", warmup="left + right",
    lookback="left + right", registry=None,
)  # fmt: skip
def named_swing(lo, hi, high, low, top, top_age, bottom, bottom_age, seen, high1, age1, low1, age2, left=5, right=5):
    for i in range(lo, hi):
        seen, age1, age2, p = seen + 1.0, age1 + 1.0, age2 + 1.0, i - right
        if seen > left + right:
            is_top = is_bottom = True
            for k in range(p - left, p + right + 1):
                is_top = is_top and (high[k] <= high[p] if k <= p else high[k] < high[p])
                is_bottom = is_bottom and (low[k] >= low[p] if k <= p else low[k] > low[p])
            if is_top:
                high1, age1 = high[p], float(right)
            if is_bottom:
                low1, age2 = low[p], float(right)
        top[i], top_age[i] = (high1, age1) if age1 < seen else (np.nan, np.nan)
        bottom[i], bottom_age[i] = (low1, age2) if age2 < seen else (np.nan, np.nan)
    return seen, high1, age1, low1, age2


@feature(
    gives="born alive", keeps="seen broken_top broken_bottom zones[64 * 4]", lookback="reach", registry=None,
)  # fmt: skip
def named_blocks(
    lo, hi, high, low, close, born, alive, seen, broken_top, broken_bottom, zones,
    top=named_swing().top, top_age=named_swing().top_age, bottom=named_swing().bottom,  # noqa: B008
    bottom_age=named_swing().bottom_age, reach=200,  # noqa: B008
):  # fmt: skip
    for i in range(lo, hi):
        broken_top = broken_top + 1.0 if seen > 0.0 else -1.0
        broken_bottom = broken_bottom + 1.0 if seen > 0.0 else -1.0
        seen += 1.0
        born[i], alive[i] = 0.0, 0.0
        for z in range(0, zones.size, 4):
            side, bottom_edge, top_edge = zones[z], zones[z + 1], zones[z + 2]
            if side == 0.0:
                continue
            near, far = (top_edge, bottom_edge) if side > 0.0 else (bottom_edge, top_edge)
            if (close[i] - far) * side < 0.0:
                zones[z] = 0.0
            elif ((low[i] if side > 0.0 else high[i]) - near) * side <= 0.0:
                zones[z + 3] = MITIGATED
            alive[i] += 1.0 if zones[z] != 0.0 else 0.0
        side, age = 0.0, 0.0
        if close[i] > top[i] and top_age[i] < reach and top_age[i] != broken_top:
            side, age, broken_top = 1.0, top_age[i], top_age[i]
        elif close[i] < bottom[i] and bottom_age[i] < reach and bottom_age[i] != broken_bottom:
            side, age, broken_bottom = -1.0, bottom_age[i], bottom_age[i]
        if side != 0.0:
            j = i - 1
            for k in range(i - int(age) + 1, i):
                if (low[k] < low[j]) if side > 0.0 else (high[k] > high[j]):
                    j = k
            for z in range(0, zones.size, 4):
                if zones[z] == 0.0:
                    zones[z], zones[z + 1], zones[z + 2], zones[z + 3] = side, low[j], high[j], FRESH
                    break
            born[i] = side
    return seen, broken_top, broken_bottom


NAMES = ("rsi", "adx", "swing", "blocks")
COPIES = """import numpy as np
from engine.features.contract import feature
SLOTS, SIDE, LOW, HIGH, STATE, FRESH, MITIGATED = 64, 0, 1, 2, 3, 1.0, 2.0
"""

# ---------------------------------------------------------------- running them


def source(shape: str, name: str) -> str:
    found = globals()[f"{shape}_{name}"]
    return inspect.getsource(getattr(found, "kernel", found))


def compiled(shape: str, kernels: list[Any]) -> list[Any]:
    """Compile, or load from the cache: what a process pays before the first bar."""
    from numba import cfunc, float64, int64, njit, types, void

    if shape == "named":
        from engine.features.compiled import address

        return [address(k) for k in kernels]
    if shape == "step":
        vector = types.CPointer(float64)
        return [cfunc(void(vector, vector, vector, vector), cache=True, error_model="numpy")(k) for k in kernels]
    column, kinds = float64[::1], {"zones": float64[:, ::1], "_broken": float64[:, ::1]}
    whole = dict.fromkeys(("lo", "hi", "period", "left", "right", "reach"), int64)
    signatures = [
        void(*[kinds.get(a) or whole.get(a) or column for a in inspect.signature(k).parameters]) for k in kernels
    ]
    return [njit(s, cache=True, error_model="numpy")(k) for s, k in zip(signatures, kernels, strict=True)]


def compile_copies(shape: str, copies: int, folder: str) -> float:
    """Processor seconds to make ready `copies` differently named copies of the four features."""
    text = COPIES + "".join(
        re.sub(rf"\b{shape}_(rsi|adx|swing|blocks)\b", rf"{shape}_\1_{k}", source(shape, name))
        for k in range(copies)
        for name in NAMES
    )
    path = Path(folder) / f"copies_{shape}_{copies}.py"
    if not path.exists():
        path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    import engine.features.compiled  # noqa: F401  what all shapes need is not counted

    start = time.process_time()
    compiled(shape, [getattr(module, f"{shape}_{name}_{k}") for k in range(copies) for name in NAMES])
    return time.process_time() - start


def market(n: int) -> dict[str, np.ndarray]:
    random = np.random.Generator(np.random.PCG64(1))
    close = 1.1 + np.cumsum(random.normal(0, 1e-4, n))
    open = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(open, close) + np.abs(random.normal(0, 5e-5, n))
    low = np.minimum(open, close) - np.abs(random.normal(0, 5e-5, n))
    return {"high": high, "low": low, "close": close}


class Chunk:
    """Every instance is a Python call with its own columns."""

    def __init__(self, instances: list[tuple[str, tuple[int, ...]]], bars: dict[str, np.ndarray]) -> None:
        self.kernels = dict(zip(NAMES, compiled("chunk", [globals()[f"chunk_{n}"] for n in NAMES]), strict=True))
        self.bars, self.calls, self.out, self.kept = bars, [], [], 0
        n = len(bars["close"])
        swing: dict[str, np.ndarray] = {}
        for name, params in instances:
            made = dict(bars) | swing
            given = []
            for arg in list(inspect.signature(globals()[f"chunk_{name}"]).parameters)[2 : -len(params)]:
                if arg not in made:
                    made[arg] = np.zeros((SLOTS, 4)) if arg == "zones" else np.zeros((n, 2) if arg == "_broken" else n)
                    self.kept += SLOTS * 4 if arg == "zones" else 2 if arg == "_broken" else arg[0] == "_"
                given.append(made[arg])
            if name == "swing" and not swing:
                swing = {k: made[k] for k in ("top", "top_age", "bottom", "bottom_age")}
            outputs = {"rsi": 1, "adx": 1, "swing": 4, "blocks": 2}[name]
            self.out += given[-outputs:]
            self.calls.append((self.kernels[name], (*given, *params)))

    def extend(self, lo: int, hi: int) -> None:
        for kernel, given in self.calls:
            kernel(lo, hi, *given)

    snapshot = property(lambda self: 8 * self.kept)


class Step:
    """One driver calls every instance for every row, through its address, with gathered inputs."""

    def __init__(self, instances: list[tuple[str, tuple[int, ...]]], bars: dict[str, np.ndarray]) -> None:
        self.functions = dict(zip(NAMES, compiled("step", [globals()[f"step_{n}"] for n in NAMES]), strict=True))
        reads = {"rsi": ["close"], "adx": ["high", "low", "close"], "swing": ["high", "low"]}
        reads["blocks"] = ["high", "low", "close", "top", "top_age", "bottom", "bottom_age"]
        gives = {"rsi": ["rsi"], "adx": ["adx"], "swing": reads["blocks"][3:], "blocks": ["born", "alive"]}
        sizes = {"rsi": lambda p: 4, "adx": lambda p: 8, "swing": lambda p: 5 + 2 * (sum(p) + 1),
                 "blocks": lambda p: 3 + 4 * SLOTS + 2 * p[0]}  # fmt: skip
        n = len(bars["close"])
        swing: dict[str, np.ndarray] = {}
        self.state = np.zeros(sum(sizes[name](p) for name, p in instances))
        self.params = np.array([float(v) for _, p in instances for v in p])
        self.x, self.y, self.out, self.alive = np.zeros(8), np.zeros(8), [], []
        rows, s, q = [], 0, 0
        for name, params in instances:
            made = dict(bars) | swing
            outputs = {k: np.zeros(n) for k in gives[name]}
            if name == "swing" and not swing:
                swing = outputs
            given = [made[k] for k in reads[name]]
            self.alive += [*given, *outputs.values()]
            self.out += list(outputs.values())
            addresses = [a.ctypes.data for a in (*given, *outputs.values())]
            head = [self.functions[name].address, self.state.ctypes.data + 8 * s, self.params.ctypes.data + 8 * q]
            rows.append([*head, len(given), len(outputs), *addresses, *[0] * (11 - len(addresses))])
            s, q = s + sizes[name](params), q + len(params)
        self.program = np.array(rows, np.int64)
        self.drive, self.n = _step_driver(), n

    def extend(self, lo: int, hi: int) -> None:
        self.drive(lo, hi, self.n, self.program, self.x, self.y)

    snapshot = property(lambda self: self.state.nbytes)


def _step_driver() -> Callable[..., None]:
    from llvmlite import ir
    from numba import carray, types
    from numba.extending import intrinsic

    from engine.features.compiled import _as_column
    from engine.kernels.jit import jit

    @intrinsic
    def call(context: Any, address: Any, state: Any, params: Any, x: Any, y: Any) -> Any:
        def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = ir.DoubleType().as_pointer()
            target = builder.inttoptr(args[0], ir.FunctionType(ir.VoidType(), [pointer] * 4).as_pointer())
            builder.call(target, [builder.inttoptr(a, pointer) for a in args[1:]])
            return context.get_dummy_value()

        return types.void(*[types.int64] * 5), make

    @jit(cache=False)
    def drive(lo, hi, n, program, x, y):
        for i in range(lo, hi):
            for f in range(program.shape[0]):
                p = program[f]
                for k in range(p[3]):
                    x[k] = carray(_as_column(p[5 + k]), n)[i]
                call(p[0], p[1], p[2], x.ctypes.data, y.ctypes.data)
                for k in range(p[4]):
                    carray(_as_column(p[5 + p[3] + k]), n)[i] = y[k]

    return drive


class Named:
    """A plan of the contract."""

    def __init__(self, instances: list[tuple[str, tuple[int, ...]]], bars: dict[str, np.ndarray]) -> None:
        from engine.features.plan import Plan

        n = len(bars["close"])
        plan = Plan({f"f{k}": globals()[f"named_{name}"](*params) for k, (name, params) in enumerate(instances)})
        made: dict[str, np.ndarray] = {}
        self.bound = plan.bind(bars, lambda name: made.setdefault(name, np.zeros(n)))
        self.out = [made[c] for c in plan.columns]
        self.extend = self.bound.extend

    snapshot = property(lambda self: self.bound.state.nbytes)


def best(function: Callable[[], Any], times: int = 5) -> float:
    """Least processor time, in seconds: what else runs on the machine matters little."""
    took = []
    for _ in range(times):
        start = time.process_time()
        function()
        took.append(time.process_time() - start)
    return min(took)


def lines(shape: str) -> dict[str, int]:
    return {name: sum(bool(x.strip()) for x in source(shape, name).splitlines()) for name in NAMES}


def compile_seconds(shape: str, folder: str) -> tuple[float, float]:
    """Processor seconds per feature, cold and from the cache (best of 3): the slope between 4 and 24 features."""
    seconds: dict[tuple[str, int], float] = {}
    for copies in (1, 6):
        for kind in ("cold", "cached", "cached", "cached"):
            env = {**os.environ, "ONETAPE_KERNEL_CACHE": f"{folder}/cache{copies}"}
            command = [sys.executable, __file__, "--compile", shape, str(copies), folder]
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
            seconds[kind, copies] = min(float(done.stdout), seconds.get((kind, copies), 1e9))
    return tuple((seconds[kind, 6] - seconds[kind, 1]) / 20 for kind in ("cold", "cached"))  # type: ignore[return-value]


def main() -> None:
    bars = market(200_000)
    four = [("swing", (5, 5)), ("rsi", (14,)), ("adx", (14,)), ("blocks", (REACH,))]
    kinds = [("rsi", lambda k: (10 + k,)), ("adx", lambda k: (10 + k,)), ("swing", lambda k: (3 + k % 5, 2 + k // 5)),
             ("blocks", lambda k: (150 + k,))]  # fmt: skip
    many = [("swing", (5, 5)), *((name, make(k)) for k in range(44) for name, make in kinds)][:174]
    figures, outputs = {}, []
    for shape, build in (("chunk", Chunk), ("step", Step), ("named", Named)):
        row: dict[str, Any] = {"lines": lines(shape)}
        for name, params in four[1:3]:
            run = build([(name, params)], bars)
            row[f"batch {name}, ns a row"] = round(best(lambda run=run: run.extend(0, 200_000)) / 2e5 * 1e9, 2)
        run = build(four, bars)
        took = []
        for _ in range(3):
            run = build(four, bars)
            took.append(best(lambda run=run: run.extend(0, 200_000), 1))
        outputs.append(run.out)
        row["batch all four, ns a row"] = round(min(took) / 2e5 * 1e9, 1)
        row["snapshot of the four, bytes"] = run.snapshot
        run = build(many, bars)
        run.extend(0, 2_000)
        live = []
        for i in range(2_000, 12_000):
            start = time.perf_counter()
            run.extend(i, i + 1)
            live.append(time.perf_counter() - start)
        row["live 174 on one bar, us (p50, p99)"] = [round(float(np.percentile(live, q)) * 1e6, 1) for q in (50, 99)]
        row["snapshot of the 174, bytes"] = run.snapshot
        with tempfile.TemporaryDirectory() as folder:
            cold, cached = compile_seconds(shape, folder)
        row["200 features: cold, s"], row["200 features: cached, s"] = round(cold * 200, 1), round(cached * 200, 2)
        figures[shape] = row
    for k, (one, *others) in enumerate(zip(*outputs, strict=True)):
        assert all(np.array_equal(one, other, equal_nan=True) for other in others), f"output {k} differs"
    assert (outputs[0][6] != 0).sum() > 1000, "no order block was born: the comparison would be empty"
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    if "--compile" in sys.argv:
        print(compile_copies(sys.argv[2], int(sys.argv[3]), sys.argv[4]))
    else:
        main()
