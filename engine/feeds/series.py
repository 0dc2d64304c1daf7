"""Series in the catalogue: data/series/<source>/<name>.parquet, beside the market data and as plain.

Rows lie in the order in which they became known: `label`, `field`, `event`, `published`, `received` (null: not
recorded), `value`, `text`. A file is replaced whole or not at all, and the same rows again change nothing. A value that
its source changed without saying when is a revision, known from the moment we saw it: the first print stays.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.core.clock import format_ts
from engine.core.errors import ConfigError, DataError, NotFound, OutputError, unwritten
from engine.core.locks import put
from engine.core.registry import did_you_mean
from engine.core.series import Series
from engine.feeds.catalogue import SERIES, SUFFIX, data_root, folder_of
from engine.feeds.footer import KEY, Footer, damaged, pack, read_footer
from engine.feeds.lineage import Lineage
from engine.feeds.outside import KINDS, Rows

TIMES, WORDS = ("event", "published", "received"), ("label", "field", "text")


class Stored(msgspec.Struct, kw_only=True):
    """What an import of a series did; times ns UTC of the first and last event read."""

    dataset: str
    rows: int = 0
    added: int = 0
    revised: int = 0
    files: int = 0
    first: int = 0
    last: int = 0
    dropped: dict[str, int] = {}
    notes: list[str] = []


def import_series(
    kind: str, file: str | Path, name: str, now: int, licence: str = "", root: Path | None = None
) -> Stored:
    """A file into the catalogue as a series `SOURCE/NAME`; `kind` is calendar, index or funding, `now` ns UTC."""
    path = Path(file)
    source, _, rest = name.partition("/")
    if not source or not rest or "/" in rest:
        raise ConfigError(f"series {name!r}: write SOURCE/NAME, like cboe/VIX")
    rows = KINDS.get(kind)(path)
    lineage = Lineage(source=source, symbol=rest, licence=licence, made_from=path.name, note=kind)
    return store_rows(rows, lineage, now, root)


def store_rows(rows: Rows, lineage: Lineage, now: int, root: Path | None = None) -> Stored:
    """Rows beside those that are there already: all of them or none."""
    if not len(rows):
        raise DataError(f"{SERIES}/{lineage.source}/{lineage.symbol}: there is no row to keep")
    path = path_of(f"{lineage.source}/{lineage.symbol}", root)
    held = read_rows(path) if path.is_file() else Rows()
    report = Stored(
        dataset=f"{SERIES}/{lineage.source}/{lineage.symbol}", rows=len(rows), first=min(rows.event),
        last=max(rows.event),
    )  # fmt: skip
    merge(held, rows, now, report)
    if report.added or report.revised:
        write(path, held, lineage)
        report.files = 1
    return report


def merge(held: Rows, coming: Rows, now: int, report: Stored) -> None:
    """Add to `held` what it lacks. A row without `received` that contradicts one that is there is received `now`."""
    exact = set(zip(*held.columns()[:5], map(repr, held.value), strict=True))
    values: dict[tuple[Any, ...], set[str]] = {}
    for label, field, event, value in zip(held.label, held.field, held.event, held.value, strict=True):
        values.setdefault((label, field, event), set()).add(repr(value))
    before = set(values)
    for label, field, event, published, received, value, text in zip(*coming.columns(), strict=True):
        about, shown = (label, field, event), repr(value)
        if (*about, published, received, shown) in exact or (not received and shown in values.get(about, ())):
            continue
        if not received and about in before:
            received = max(now, published)
        held.add(label, field, event, published, received, value, text)
        exact.add((*about, published, received, shown))
        values.setdefault(about, set()).add(shown)
        report.revised, report.added = report.revised + (about in before), report.added + (about not in before)


def write(path: Path, rows: Rows, lineage: Lineage) -> None:
    """One file, sorted by when its rows became known; on the disk before it takes its name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stamp = pa.timestamp("ns", tz="UTC")
    known = np.where(np.array(rows.received) != 0, rows.received, rows.published)
    order = np.argsort(known, kind="stable").tolist()
    rows = Rows(*([column[i] for i in order] for column in rows.columns()))
    words = pa.dictionary(pa.int32(), pa.string())
    received = np.array(rows.received, np.int64)
    table = pa.table(
        {
            "label": pa.array(rows.label, words), "field": pa.array(rows.field, words),
            "event": pa.array(np.array(rows.event, np.int64)).cast(stamp),
            "published": pa.array(np.array(rows.published, np.int64)).cast(stamp),
            "received": pa.array(received, mask=received == 0).cast(stamp),
            "value": pa.array(rows.value, pa.float64(), from_pandas=True), "text": pa.array(rows.text, words),
        }
    )  # fmt: skip
    footer = Footer(
        lineage=lineage, rows=len(rows), first=min(rows.event), last=max(rows.event), digest=digest(rows)
    )  # fmt: skip
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{path.name}.*"):
            left.unlink(missing_ok=True)
        with pq.ParquetWriter(staged, table.schema, compression="zstd", write_page_checksum=True) as file:
            file.write_table(table)
            file.add_key_value_metadata({KEY: pack(footer)})
        with staged.open("rb") as made:
            os.fsync(made.fileno())
        put(staged, path)
    except OSError as wrong:
        raise OutputError(f"{path} cannot be written ({unwritten(wrong)}): import again") from None
    finally:
        staged.unlink(missing_ok=True)


def digest(rows: Rows) -> str:
    """blake2b over the rows in their order, however they are stored."""
    whole = hashlib.blake2b(digest_size=16)
    for words in (rows.label, rows.field, rows.text):
        whole.update("\x1f".join(words).encode() + b"\x1e")
    for times in (rows.event, rows.published, rows.received):
        whole.update(np.array(times, np.int64))
    values = np.array(rows.value, np.float64)
    whole.update(np.where(np.isnan(values), np.nan, values))
    return whole.hexdigest()


def read_rows(path: Path) -> Rows:
    """A stored file's rows; its page checksums and its digest are verified. DataError when it is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    footer = read_footer(path)
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        times = [table.column(name).cast("int64").fill_null(0).to_pylist() for name in TIMES]
        words = [table.column(name).cast("string").to_pylist() for name in WORDS]
        value = table.column("value").fill_null(float("nan")).to_pylist()
        rows = Rows(words[0], words[1], times[0], times[1], times[2], value, words[2])
        found = digest(rows)
    except (pa.ArrowException, OSError, TypeError) as wrong:
        raise damaged(path, wrong) from None
    if found != footer.digest:
        raise damaged(path, "its rows are not those that were written")
    return rows


def load_series(name: str, root: Path | None = None) -> Series:
    """A series by name: `cboe/VIX/close`, `binance-um/BTCUSDT-funding/rate`,
    `forexfactory/calendar/USD Non-Farm Employment Change/actual`.

    The last part may be left out where the rest has one field. NotFound names the nearest file, ConfigError the nearest
    label and field.
    """
    parts = name.removeprefix(SERIES + "/").split("/", 2)
    rows = rows_of("/".join(parts[:2]), root)
    label, field = chosen(rows, parts[2] if len(parts) > 2 else "", name)
    where = [
        i for i, (one, what) in enumerate(zip(rows.label, rows.field, strict=True)) if (one, what) == (label, field)
    ]
    event, published, received, value = ([c[i] for i in where] for c in rows.columns()[2:6])
    return Series.of(name, event, published, value, received)


def digest_of(name: str, root: Path | None = None) -> str:
    """The digest of the rows of the file that a series is in: `cboe/VIX/close` is in `cboe/VIX`."""
    return read_footer(path_of("/".join(name.removeprefix(SERIES + "/").split("/")[:2]), root)).digest


def rows_of(name: str, root: Path | None = None) -> Rows:
    """All rows of a file, `cboe/VIX`, in the order in which they became known; NotFound names the nearest."""
    bare = name.removeprefix(SERIES + "/")
    path = path_of(bare, root)
    if "/" not in bare or not path.is_file():
        known = series_names(root)
        raise NotFound(f"no series {name!r}: " + (did_you_mean(bare, known) if known else "the catalogue has none"))
    return read_rows(path)


def chosen(rows: Rows, rest: str, name: str) -> tuple[str, str]:
    """The label and field that the rest of a name means; either may hold a slash (`USD CPI m/m`)."""
    pairs = dict.fromkeys(zip(rows.label, rows.field, strict=True))
    fits = [
        pair for pair in pairs if rest in ("/".join(pair).strip("/"), pair[0]) or (not rest and not pair[0])
    ]  # fmt: skip
    exact = [pair for pair in fits if "/".join(pair).strip("/") == rest]
    if len(exact or fits) == 1:
        return (exact or fits)[0]
    if fits:
        raise ConfigError(f"series {name!r}: which of {', '.join(field for _, field in fits)}? add it after a slash")
    raise ConfigError(f"series {name!r}: {did_you_mean(rest, ['/'.join(pair).strip('/') for pair in pairs])}")


def path_of(name: str, root: Path | None = None) -> Path:
    source, _, rest = name.partition("/")
    folder = folder_of(root or data_root(), f"{SERIES}/{source}/{rest}")
    return folder.with_name(folder.name + SUFFIX)


def series_names(root: Path | None = None) -> list[str]:
    """`cboe/VIX`, `forexfactory/calendar` ...: every file of series."""
    from urllib.parse import unquote

    base = (root or data_root()) / SERIES
    files = (path.relative_to(base).with_suffix("") for path in base.glob("*/*" + SUFFIX))
    return sorted("/".join(unquote(word) for word in path.parts) for path in files if not path.name.startswith("."))


def line(name: str, path: Path) -> dict[str, Any]:
    footer = read_footer(path)
    return {
        "name": f"{SERIES}/{name}", "rows": footer.rows, "first": format_ts(footer.first),
        "last": format_ts(footer.last), "files": 1, "bytes": path.stat().st_size,
    }  # fmt: skip


def show_series(name: str, rows: int = 5, root: Path | None = None) -> dict[str, Any]:
    """A file of series: its line, lineage, what it holds and its first rows. NotFound names the nearest."""
    bare = name.removeprefix(SERIES + "/")
    held, path = rows_of(bare, root), path_of(bare, root)
    head = [
        {
            "label": label, "field": field, "event": format_ts(event), "published": format_ts(published),
            "received": format_ts(received) if received else None, "value": None if value != value else value,
        }
        for label, field, event, published, received, value, _ in list(zip(*held.columns(), strict=True))[:rows]
    ]  # fmt: skip
    fields = [{"field": field, "rows": held.field.count(field)} for field in dict.fromkeys(held.field)]
    lineage = msgspec.to_builtins(read_footer(path).lineage)
    lineage = {key: lineage[key] for key in ("source", "symbol", "licence", "note", "made_from")}
    return {**line(bare, path), "labels": len(set(held.label)), "lineage": lineage, "partitions": fields, "head": head}
