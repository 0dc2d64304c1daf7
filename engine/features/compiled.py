"""From a feature to machine code: one C function of one signature per feature, one driver that calls them all.

The author's kernel has named columns and parameters; what runs is a small generated function that unpacks them,

    void rsi(int64 lo, int64 hi, int64 n, double **columns, double *params, double *state)

so that a single compiled driver walks every feature of a plan through an array of addresses, be it for a million
rows or for the one that has just closed. The generated text lies beside numba's cache (numba caches only what has
a file) under a name that holds the feature's identity, so a changed kernel can never be mistaken for an old one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, cfunc, config, types
from numba.core.errors import NumbaError
from numba.extending import intrinsic

from engine.core.errors import ConfigError
from engine.core.table import STAMPS
from engine.features.contract import Feature, check_return
from engine.kernels.jit import jit

ADDRESS, COLUMNS, PARAMS, STATE, STATE_SIZE, WIRE, INPUTS, OUTPUTS, RESTART = range(9)
"""Columns of the driver's program, one row per feature; WIRE is its first entry in `wires`."""
MEMORY, SCAN, HOLES = range(3)
"""Columns of the driver's column list: address, when to look for NaN (0 never, 1 first, 2 when filled), found."""
ROWS = 1_024
"""Rows the driver takes at a time, so that what one feature wrote is still in the cache for the next."""

SIGNATURE = types.void(
    types.int64, types.int64, types.int64,
    types.CPointer(types.CPointer(types.float64)), types.CPointer(types.float64), types.CPointer(types.float64),
)  # fmt: skip


def wrapper_text(feature: Feature) -> str:
    """The generated function: columns, parameters and kept numbers by position, handed to the kernel by name."""
    place = {name: k for k, name in enumerate((*feature.inputs, *feature.outputs))}
    scalars = [k.name for k in feature.keeps if k.size is None]
    vectors = [k.name for k in feature.keeps if k.size is not None]
    lines, given = [], []
    for arg in feature.arguments[2:]:
        if arg in place:
            view = ".view(int64)" if arg in STAMPS else ""
            given.append(f"carray(columns[{place[arg]}], n){view}")
        elif arg in scalars:
            given.append(f"state[{scalars.index(arg)}]")
        elif arg in vectors:
            given.append(arg)
        else:
            kind = {int: "int", str: "int", bool: "bool", float: "float"}[feature.params[arg].kind]
            given.append(f"{kind}(params[{list(feature.params).index(arg)}])")
    if vectors:
        lines.append(f"start = {len(scalars)}")
        sizes = [f"int(params[{len(feature.params) + k}])" for k in range(len(vectors))]
        lines.append(f"whole = carray(state, start + {' + '.join(sizes)})")
        for name, size in zip(vectors, sizes, strict=True):
            lines += [f"{name} = whole[start : start + {size}]", f"start += {size}"]
    returned = ", ".join(f"state[{k}]" for k in range(len(scalars)))
    lines.append(f"{returned + ' = ' if returned else ''}kernel(lo, hi, {', '.join(given)})")
    return f"def {feature.name}(lo, hi, n, columns, params, state):\n" + "".join(f"    {line}\n" for line in lines)


_addresses: dict[Feature, Any] = {}


def address(feature: Feature) -> int:
    """Where the feature's machine code is; compiles it, or loads it from the cache, on the first call."""
    if feature not in _addresses:
        try:
            _addresses[feature] = _compile(feature)
        except NumbaError as error:
            raise ConfigError(f"feature {feature.name} does not compile: {str(error).strip()}") from error
    return int(_addresses[feature].address)


def _path(feature: Feature) -> Path:
    return Path(config.CACHE_DIR) / "features" / f"{feature.name}_{feature.identity}.py"


def is_compiled(feature: Feature) -> bool:
    """Is the machine code in this process or in the cache? If not, `address` takes a quarter of a second or more."""
    return feature in _addresses or any(_path(feature).parent.parent.glob(f"features_*/{_path(feature).stem}.*.nbi"))


def _compile(feature: Feature) -> Any:
    if not is_compiled(feature):
        check_return(feature)
    text = wrapper_text(feature)
    path = _path(feature)
    _write(path, text)
    names = {"__name__": __name__, "carray": carray, "int64": np.int64}
    exec(compile(text, str(path), "exec"), names)

    def made(inline: str) -> Any:
        names["kernel"] = jit(feature.kernel, cache=False, no_cpython_wrapper=True, inline=inline)
        return cfunc(SIGNATURE, cache=True, error_model="numpy")(names[feature.name])

    try:
        return made("always")  # the kernel becomes part of the generated function: a fifth less time to compile
    except NumbaError:
        return made("never")  # numba takes in no call of more than 30 arguments, nor all that it compiles apart


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(text)
    part.replace(path)


@intrinsic
def _as_column(typingctx: Any, address: Any) -> Any:
    """A float64 pointer from an address."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.DoubleType().as_pointer())

    return types.CPointer(types.float64)(types.int64), make


@intrinsic
def _call(typingctx: Any, address: Any, lo: Any, hi: Any, n: Any, columns: Any, params: Any, state: Any) -> Any:
    """Call the feature at `address`; the last three are addresses too."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word, pointer = ir.IntType(64), ir.DoubleType().as_pointer()
        kinds = [word, word, word, pointer.as_pointer(), pointer, pointer]
        target = builder.inttoptr(args[0], ir.FunctionType(ir.VoidType(), kinds).as_pointer())
        given = list(args[1:4]) + [builder.inttoptr(a, k) for a, k in zip(args[4:], kinds[3:], strict=True)]
        builder.call(target, given)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 7), make


@jit
def has_hole(column, lo, hi):
    """Is there a NaN in rows lo..hi-1? On the bits, which the processor compares four at a time."""
    bits = column[lo:hi].view(np.int64)
    found = False
    for k in range(bits.size):
        found |= (bits[k] & 0x7FFF_FFFF_FFFF_FFFF) > 0x7FF0_0000_0000_0000
    return found


@jit
def scan(columns, when, lo, hi, n):
    """Note which columns have a NaN in rows lo..hi-1."""
    for c in range(columns.shape[0]):
        if columns[c, SCAN] == when:
            columns[c, HOLES] = has_hole(carray(_as_column(columns[c, MEMORY]), n), lo, hi)


@jit
def extend(lo, hi, n, program, wires, columns):
    """Fill rows lo..hi-1 of every feature, in the order of the program. `n` is the length of every column."""
    for a in range(lo, hi, ROWS):
        b = min(a + ROWS, hi)
        scan(columns, 1, a, b, n)
        for f in range(program.shape[0]):
            p = program[f]
            holes = False
            for w in range(p[WIRE], p[WIRE] + p[INPUTS]):
                holes |= columns[wires[w], HOLES] != 0
            if holes:
                _skip_holes(a, b, n, p, wires, columns)
            else:
                _call(p[ADDRESS], a, b, n, p[COLUMNS], p[PARAMS], p[STATE])
            for w in range(p[WIRE] + p[INPUTS], p[WIRE] + p[INPUTS] + p[OUTPUTS]):
                c = wires[w]
                if columns[c, SCAN] == 2:
                    columns[c, HOLES] = has_hole(carray(_as_column(columns[c, MEMORY]), n), a, b)


@jit
def _skip_holes(lo, hi, n, p, wires, columns):
    """Hand the kernel only rows whose inputs are all there; the others become NaN in every output."""
    i = lo
    while i < hi:
        j = i
        while j < hi and _whole(j, n, p, wires, columns):
            j += 1
        if j > i:
            _call(p[ADDRESS], i, j, n, p[COLUMNS], p[PARAMS], p[STATE])
        if j < hi:
            for w in range(p[WIRE] + p[INPUTS], p[WIRE] + p[INPUTS] + p[OUTPUTS]):
                carray(_as_column(columns[wires[w], MEMORY]), n)[j] = np.nan
            if p[RESTART]:
                carray(_as_column(p[STATE]), p[STATE_SIZE])[:] = 0.0
        i = j + 1


@jit
def _whole(row, n, p, wires, columns):
    for w in range(p[WIRE], p[WIRE] + p[INPUTS]):
        c = wires[w]
        if columns[c, SCAN] != 0:
            value = carray(_as_column(columns[c, MEMORY]), n)[row]
            if value != value:
                return False
    return True
