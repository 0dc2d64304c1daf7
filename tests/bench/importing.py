"""Ticks as text into the catalogue: rows a second, and memory that does not grow with the file."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tapes
from benches import Bench
from race import DATA, HERE, ROOT
from tables import short

BLOCK = 1_000_000
LEAST = 2e6
Text = Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, Any]]


def iso(ts: np.ndarray, bid: np.ndarray, ask: np.ndarray) -> dict[str, Any]:
    """2024-01-01 00:00:00.123,1.1,1.10001"""
    import pyarrow as pa

    return {"time": pa.array(ts.view("M8[ns]").astype("M8[ms]")).cast(pa.string()), "bid": bid, "ask": ask}


def mt5(ts: np.ndarray, bid: np.ndarray, ask: np.ndarray) -> dict[str, Any]:
    """2024.01.01 TAB 00:00:00.123 TAB 1.1 TAB (blank: unchanged) TAB TAB TAB 2"""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.replace_substring(pa.array(ts.view("M8[ns]").astype("M8[ms]")).cast(pa.string()), "-", ".")
    same = np.r_[False, ask[1:] == ask[:-1]]
    blank, flags = pa.nulls(len(ts), pa.string()), pa.array(np.where(same, 2, 6))
    return {
        "<DATE>": pc.utf8_slice_codeunits(text, 0, 10), "<TIME>": pc.utf8_slice_codeunits(text, 11), "<BID>": bid,
        "<ASK>": pa.array(ask, mask=same), "<LAST>": blank, "<VOLUME>": blank, "<FLAGS>": flags,
    }  # fmt: skip


def write(path: Path, rows: int, text: Text) -> None:
    """A file of `rows` ticks: the tape again and again, each time later."""
    import pyarrow as pa
    import pyarrow.csv as pacsv

    tape = tapes.load(DATA, "q333", min(rows, 10_000_000))
    span = (int(tape["ts"][-1] - tape["ts"][0]) // tapes.MINUTE + 1) * tapes.MINUTE
    delimiter = "\t" if text is mt5 else ","
    with path.open("wb") as file:
        for start in range(0, rows, BLOCK):
            turn, at = divmod(start, len(tape["ts"]))
            cut = slice(at, min(at + BLOCK, at + rows - start))
            columns = text(tape["ts"][cut] + turn * span, tape["bid"][cut], tape["ask"][cut])
            if not start:
                file.write((delimiter.join(columns) + "\n").encode())
            options = pacsv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style="none")
            pacsv.write_csv(pa.table(columns), file, options)


def importing(bench: Bench, rounds: int, share: int) -> dict[str, Any]:
    """10M ticks in two forms, the best of the rounds, and 100M once: each in a process of its own."""
    from special import entry, watch

    print(f"\n{bench.name}  ({bench.unit}, best of the rounds)")
    tapes.make(DATA, "q333")
    cases: tuple[tuple[str, int, Text, int], ...] = (
        ("10M", 10_000_000, iso, rounds), ("10M mt5", 10_000_000, mt5, rounds), ("100M", 100_000_000, iso, 1),
    )  # fmt: skip
    figures: dict[str, Any] = {}
    known = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory(dir=DATA) as folder:
        for name, rows, text, often in cases:
            path = Path(folder) / "EURUSD.csv"
            write(path, rows // share, text)
            size, best = path.stat().st_size, {"seconds": float("inf")}
            for turn in range(often):
                root = Path(folder) / f"catalogue{turn}"
                said = watch([sys.executable, str(HERE / "csvin.py"), str(path), str(root)], known)
                best = min(best, said, key=lambda one: one["seconds"])
                shutil.rmtree(root)
            path.unlink()
            figures[name] = {**best, "rate": best["records"] / best["seconds"], "mb": size / 1e6}
            print("  {:8}{:>9}/s  by processor {}/s  {:.0f} MB of text  anonymous {:.0f} MB  resident {:.0f} MB".format(
                name, short(figures[name]["rate"]), short(best["records"] / best["cpu"]), size / 1e6,
                best["anonymous_mb"], best["resident_mb"]))  # fmt: skip
    more = figures["100M"]["anonymous_mb"] - figures["10M"]["anonymous_mb"]
    targets = {f"{name}: at least 2M rows/s": figures[name]["rate"] >= LEAST for name in figures}
    targets["100M anonymous: at most 100 MB over 10M"] = more <= 100
    return entry(figures["10M"]["rate"], bench.unit, figures, targets, figures["100M"]["resident_mb"])
