"""What `onetape data ...` and `onetape instrument ...` do, as functions: plain structs in and out.

>>> show_instrument("EURUSD")["contract_size"]
100000.0
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from engine.core.clock import format_ts
from engine.core.errors import ConfigError
from engine.core.instrument import Instrument, imported, instrument, shipped
from engine.feeds.catalogue import Dataset, dataset
from engine.feeds.checks import Checker, OnBad
from engine.feeds.importers.options import Options
from engine.feeds.lineage import Columns, Lineage, size, source_offset, source_time
from engine.feeds.mapped import MappedTape, open_mapped, store_mapped

if TYPE_CHECKING:
    from engine.feeds.append import Added
    from engine.feeds.synthetic import SyntheticTape


def import_file(
    path: str | Path,
    options: Options = Options(),  # noqa: B008 - frozen
    format: str | None = None,
    sort: bool = False,
    on_bad: OnBad = "error",
    root: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Added:
    """A file into the catalogue, all of it or nothing; the same file again changes nothing.

    The dataset is `options.source` (default: `file`), the symbol and `quotes` or the time frame. DataError counts every
    bad row by kind; with `on_bad="drop"` they are left out and counted in the lineage.
    """
    from engine.feeds.append import Append
    from engine.feeds.importers.formats import open_file

    come = open_file(Path(path), replace(options, source=source_name(options.source or "file")), format)
    checker = Checker(come.lineage, str(path), on_bad)
    with Append(come.lineage, root) as target:
        for columns, dropped in checker.run(counted(come.chunks, Path(path), progress), sort):
            target.add(columns, dropped)
    if come.lineage.note:
        target.report.notes.append(come.lineage.note)
    return target.report


def counted(chunks: Iterator[Columns], path: Path, progress: Callable[[int, int], None] | None) -> Iterator[Columns]:
    """The same; `progress` is told how many rows were read, of how many there seem to be."""
    from engine.feeds.importers.tables import expected_rows

    done = 0
    for columns in chunks:
        yield columns
        done += size(columns)
        if progress and (total := expected_rows(path, done)):
            progress(done, total)


def source_name(name: str) -> str:
    if name in ("demo", "series") or not name or "/" in name or name.startswith("."):
        raise ConfigError(
            f"source {name!r} cannot be used: `demo` ships with the project, `series` is for series, names hold no / "
            "and no dot first"
        )
    return name


def sample(
    symbols: Sequence[str],
    n: int,
    seed: int = 1,
    source: str = "sample",
    start: int | str = "2024-01-01",
    quotes_per_minute: float = 95.0,
    bad_ticks: float = 0.0,
    gaps: bool = True,
    declared: Sequence[Instrument] = (),
    root: Path | None = None,
) -> list[Added]:
    """A synthetic market of `n` quotes into the catalogue, one dataset per symbol; see `engine.feeds.synthetic`."""
    from engine.feeds.append import Append
    from engine.feeds.synthetic import sample as market

    tape = market(symbols, n, seed, start, quotes_per_minute, bad_ticks, gaps, declared)
    reports = []
    for index, symbol in enumerate(tape.symbols):
        lineage = Lineage(source=source_name(source), symbol=symbol, note=tape.notes[0], made_from=tape.identity)
        with Append(lineage, root) as target:
            for columns in quotes_of(tape, index):
                target.add(columns)
        reports.append(target.report)
    return reports


def quotes_of(tape: SyntheticTape, index: int) -> Iterator[Columns]:
    for day in tape.days():
        own = day["symbol"] == index
        yield {name: day[name][own] for name in ("ts", "bid", "ask")}


def open_sample(tape: SyntheticTape) -> MappedTape:
    """A synthetic market from the replay cache, made once; for benchmarks and long tapes."""
    key = f"sample-{tape.identity}"
    return open_mapped(key) or store_mapped(key, "quotes", tape.symbols, tape.days(), lambda: tape.notes)


def line(data: Dataset) -> dict[str, Any]:
    return {
        "name": data.name, "rows": data.rows, "first": format_ts(data.first), "last": format_ts(data.last),
        "files": len(data.files), "bytes": data.bytes,
    }  # fmt: skip


def show_dataset(name: str, rows: int = 5, root: Path | None = None) -> dict[str, Any]:
    """A dataset's line, lineage, what imports left out, files and first rows. NotFound names the nearest."""
    if name.startswith("series/"):
        from engine.feeds.series import show_series

        return show_series(name, rows, root)
    data = dataset(name, root)
    chunk = next(data.read())
    shown = [{n: value_of(n, v[i]) for n, v in chunk.items()} for i in range(len(chunk["ts"][:rows]))]
    files = [
        {"path": str(path), "rows": footer.rows, "first": format_ts(footer.first), "last": format_ts(footer.last)}
        for path, footer in data.files
    ]
    lineage = {**msgspec.to_builtins(data.lineage), "dropped": data.dropped}
    if data.lineage.bars:
        lineage["volume_unit"] = data.lineage.volume_unit or "unknown"
    if data.lineage.zone != "UTC":
        wall, offset = source_time(data.lineage, chunk), source_offset(data.lineage, chunk)
        for i, row in enumerate(shown):
            row |= {"source_time": format_ts(int(wall[i])), "offset_s": int(offset[i])}
    return {**line(data), "lineage": lineage, "partitions": files, "head": shown}


def value_of(name: str, value: np.generic) -> str | float | None:
    """As JSON has it: times as text, what is not recorded as null."""
    if name.endswith("ts"):
        return format_ts(int(value))
    return None if np.isnan(value) else value.item()


def list_instruments(declared: Iterable[Instrument] = ()) -> list[dict[str, Any]]:
    """Every known instrument: a config's own, those that were imported, those that come with the project."""
    known: Mapping[str, Instrument] = {**{one.id: one for one in declared}, **imported(), **shipped()}
    return [show_instrument(one.id, declared) for one in known.values()]


def show_instrument(name: str, declared: Iterable[Instrument] = ()) -> dict[str, Any]:
    """An instrument's specification; ConfigError names the nearest."""
    one = instrument(name, declared)
    return {"id": one.id, **msgspec.to_builtins(one), "point": one.point}
