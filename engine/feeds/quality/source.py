"""What is checked, cleaned or profiled: a dataset of the catalogue or a file, raw, as rows in their own order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from engine.core.errors import ConfigError, NotFound
from engine.core.frames import FRAMES
from engine.core.registry import did_you_mean
from engine.feeds.catalogue import dataset, dataset_names
from engine.feeds.importers.options import Options
from engine.feeds.lineage import Columns, Lineage

FILES = (".csv", ".txt", ".parquet", ".xz", ".gz", ".zip", ".feather", ".bi5", ".tsv")


@dataclass(frozen=True)
class Source:
    """`identity` changes with the content; `total` is 0 where the number of rows is not known before reading."""

    name: str
    lineage: Lineage
    chunks: Iterator[Columns]
    identity: str
    total: int = 0

    def expected(self, done: int) -> int:
        """How many rows there seem to be, `done` of them read; 0 where nobody knows."""
        from engine.feeds.importers.tables import expected_rows

        return self.total or expected_rows(Path(self.name), done)


def open_source(
    ref: str | Path,
    options: Options = Options(),  # noqa: B008 - frozen
    format: str | None = None,
    first: int | None = None,
    last: int | None = None,
    root: Path | None = None,
) -> Source:
    """A dataset by name, or a file by path, its rows as they are: no check, no repair; NotFound names the nearest."""
    path = Path(ref)
    if path.is_file():
        return open_path(path, options, format, first, last)
    name = str(ref)
    if path.suffix.lower() in FILES or path.is_absolute():
        raise NotFound(f"no file {ref}: {did_you_mean(name, dataset_names(root))}")
    data = dataset(name, root)
    if data.lineage.bars and data.lineage.frame not in FRAMES:
        raise ConfigError(
            f"{name}: bars that no clock cuts have no hours to keep: look at what they were made from,"
            f" {data.lineage.made_from}"
        )
    inside = data.part(first, last)
    if not inside.files:
        raise NotFound(f"{name} has no rows in this range")
    identity = repr((name, inside.digests, first, last))
    return Source(name, data.lineage, data.read(first, last), identity, sum(f.rows for _, f in inside.files))


def open_path(path: Path, options: Options, format: str | None, first: int | None, last: int | None) -> Source:
    from engine.feeds.importers.formats import open_file
    from engine.feeds.tapes import content

    come = open_file(path, replace(options, source=options.source or "file"), format)
    identity = repr((path.name, content(path), options, format, first, last))
    chunks = come.chunks if first is None and last is None else within(come.chunks, come.lineage.key, first, last)
    return Source(str(path), come.lineage, chunks, identity)


def as_heard(chunks: Iterator[Columns]) -> Iterator[Columns]:
    """Rows of a recorder as a live stream has them: `ts` when they were received, `ts_event` when they happened."""
    for chunk in chunks:
        received = chunk.pop("received", None)
        yield chunk if received is None else {**chunk, "ts": received, "ts_event": chunk["ts"]}


def within(chunks: Iterator[Columns], key: str, first: int | None, last: int | None) -> Iterator[Columns]:
    """Rows in [first, last), in any order of time."""
    for chunk in chunks:
        inside = (chunk[key] >= (first if first is not None else chunk[key])) & (
            chunk[key] < (last if last is not None else chunk[key] + 1)
        )
        yield {name: values[inside] for name, values in chunk.items()}
