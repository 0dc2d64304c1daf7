"""Out of the catalogue: CSV, Feather, Parquet or LEAN's folder, each file written beside its place and renamed into it.

What goes out comes in again with the same rows: Parquet and Feather carry the lineage, CSV bars carry it in every row.
LEAN has no room for some columns; what is lost is said in the notes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from engine.core.clock import format_ts
from engine.core.errors import ConfigError, DataError, OutputError, unwritten
from engine.core.registry import did_you_mean
from engine.feeds.catalogue import Dataset, dataset
from engine.feeds.lineage import Columns, Lineage, size

FORMATS = ("csv", "feather", "parquet", "lean")
Told = Callable[[int, int], None]


class Exported(msgspec.Struct, kw_only=True):
    """What an export wrote; `first` and `last` are the keys of the first and last row, ns UTC."""

    dataset: str
    format: str
    path: str
    files: int = 1
    rows: int = 0
    first: int = 0
    last: int = 0
    notes: list[str] = []


def export_dataset(
    name: str,
    format: str = "csv",
    first: int | None = None,
    last: int | None = None,
    out: Path | None = None,
    force: bool = False,
    root: Path | None = None,
    told: Told | None = None,
) -> Exported:
    """Rows with key in [first, last), ns UTC, to a file `out` (or a folder, or a name made of the dataset's).

    A file that is there is replaced only with `force`. ConfigError for a format that is none or cannot hold these rows,
    NotFound for the dataset, DataError for an empty range, OutputError where the disk refuses.
    """
    if format not in FORMATS:
        raise ConfigError(f"unknown format {format!r}: {did_you_mean(format, FORMATS)}")
    data = dataset(name, root)
    report = Exported(dataset=name, format=format, path="")
    chunks = counted(data, data.read(first, last), report, told)
    if format == "lean":
        from engine.feeds.leanout import write_lean

        folder = out or Path("lean")
        report.path = str(folder)
        report.files, report.notes = write_lean(data.lineage, chunks, folder, force)
    else:
        path = place_of(data.lineage, format, out)
        report.path = str(path)
        with atomic(path, force) as staged:
            {"csv": write_csv, "feather": write_feather, "parquet": write_parquet}[format](staged, data, chunks)
    return report


def place_of(lineage: Lineage, format: str, out: Path | None) -> Path:
    """The file to write: `EURUSD-quotes.csv` in the working directory or in the folder named."""
    made = lineage.symbol.replace("/", "_").replace(":", "_") + f"-{lineage.frame or lineage.kind}.{format}"
    if out is None:
        return Path(made)
    return out / made if out.is_dir() else out


def counted(data: Dataset, chunks: Iterator[Columns], report: Exported, told: Told | None) -> Iterator[Columns]:
    """The rows, counted on their way; DataError after the last where there was none."""
    total, key = data.rows, data.lineage.key
    for chunk in chunks:
        if not size(chunk):
            continue
        report.first = report.first if report.rows else int(chunk[key][0])
        report.last, report.rows = int(chunk[key][-1]), report.rows + size(chunk)
        yield chunk
        if told:
            told(report.rows, total)
    if not report.rows:
        raise DataError(
            f"{data.name} holds no row in this range: they reach from {format_ts(data.first)} to {format_ts(data.last)}"
        )


@contextmanager
def atomic(path: Path, force: bool) -> Iterator[Path]:
    """A name beside `path` to write to; it becomes `path` when all went well, and is gone when not."""
    if path.is_dir():
        raise ConfigError(f"{path} is a folder: name a file")
    if path.exists() and not force:
        raise ConfigError(f"{path} is there already: name another file, or replace it with --force")
    staged = path.with_name(f".{path.name}.{os.getpid()}.part")
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield staged
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        staged.replace(path)
    except OSError as wrong:
        raise OutputError(f"{path} cannot be written: {unwritten(wrong)}") from None
    finally:
        staged.unlink(missing_ok=True)
        for folder in missing if not path.exists() else ():
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def write_csv(path: Path, data: Dataset, chunks: Iterator[Columns]) -> None:
    """Stamps as 2019-02-04 00:00:00.994000000Z, numbers with as many digits as they need, blanks for not recorded."""
    import pyarrow as pa
    import pyarrow.csv as pacsv

    from engine.feeds.importers.own import HEADER, WORDS
    from engine.feeds.parquet import to_arrow

    lineage = data.lineage
    names = list(HEADER) if lineage.bars else list(lineage.names)
    words = {**msgspec.to_builtins(lineage), "spread_kind": lineage.spread}
    options = pacsv.WriteOptions(include_header=False, quoting_style="needed")
    with path.open("wb") as file:
        file.write((",".join(names) + "\n").encode())
        for chunk in chunks:
            n = size(chunk)
            arrays = [pa.repeat(str(words[w]), n) if w in WORDS else to_arrow(w, chunk[w]) for w in names]
            pacsv.write_csv(pa.table(dict(zip(names, arrays, strict=True))), file, options)


def write_feather(path: Path, data: Dataset, chunks: Iterator[Columns]) -> None:
    """Arrow IPC with zstd; the lineage as JSON in the schema's metadata."""
    import pyarrow as pa

    from engine.feeds.footer import KEY
    from engine.feeds.parquet import schema, to_arrow

    lineage = data.lineage
    names = [*lineage.names, *(["version"] if lineage.bars else [])]
    fields = [schema(lineage).field(name) for name in names]
    told = pa.schema(
        fields, metadata={KEY: msgspec.json.encode(msgspec.structs.replace(lineage, dropped=data.dropped))}
    )
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, told, options=options) as file:
        for chunk in chunks:
            file.write_batch(pa.record_batch([to_arrow(name, chunk[name]) for name in names], schema=told))


def write_parquet(path: Path, data: Dataset, chunks: Iterator[Columns]) -> None:
    """One file as those of the catalogue are: lineage, checksums and digest in it."""
    from engine.feeds.parquet import FileWriter

    writer = FileWriter(path, msgspec.structs.replace(data.lineage, dropped=data.dropped))
    try:
        for chunk in chunks:
            writer.add(chunk)
    except BaseException:
        writer.abandon()
        raise
    writer.close()


def export_row(report: Exported) -> dict[str, Any]:
    """For printing: times as text."""
    row: dict[str, Any] = msgspec.to_builtins(report)
    return {**row, "first": format_ts(report.first), "last": format_ts(report.last)}
