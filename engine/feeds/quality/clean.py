"""`data clean IN OUT`: a new dataset by declared rules, with a record that gives IN back row by row.

    data/<source>/<symbol>/<kind>/*.parquet             the cleaned rows
    data/<source>/<symbol>/<kind>/_clean/rows.parquet   every row that was touched: why, and as it was
    data/<source>/<symbol>/<kind>/_clean/report.json    what was done, by which rules, to which input

IN is never changed. OUT appears whole or not at all; the same rows by the same rules again change nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.core.errors import ConfigError, DataError, NotFound
from engine.core.locks import put
from engine.feeds.append import Append
from engine.feeds.catalogue import data_root, dataset, folder_of
from engine.feeds.checks import Checker
from engine.feeds.importers.options import Options
from engine.feeds.lineage import Columns, Lineage, join, part, size
from engine.feeds.parquet import Digest, to_arrow
from engine.feeds.quality.apply import ACTIONS, Applier, Touched
from engine.feeds.quality.check import keep
from engine.feeds.quality.flags import counts_of, names_of
from engine.feeds.quality.log import numbers
from engine.feeds.quality.rules import Rules, load_rules
from engine.feeds.quality.source import Source, open_source
from engine.feeds.quality.staging import staged
from engine.feeds.quality.validator import Validator
from engine.feeds.quality.week import Calendar, week_of

FOLDER = "_clean"
Progress = Callable[[int, int], None]


class Cleaned(msgspec.Struct, kw_only=True):
    """What was done: rows before and after, what rules did to how many, and the flags before and after."""

    made_from: str
    dataset: str
    identity: str
    rules: str
    rows: int = 0
    rows_after: int = 0
    digest: str = ""
    """Over the rows that came in, in their order."""
    columns: list[str] = []
    actions: dict[str, int] = {}
    """Like `drop crossed`: rows."""
    before: dict[str, int] = {}
    after: dict[str, int] = {}
    unchanged: bool = False


def clean(
    ref: str | Path,
    out: str,
    rules: Rules | str | Path = "default",
    options: Options = Options(),  # noqa: B008 - frozen
    format: str | None = None,
    calendar: Calendar | None = None,
    replace: bool = False,
    root: Path | None = None,
    progress: Progress | None = None,
) -> Cleaned:
    """Clean a dataset or a file into the dataset `out` (`source` alone keeps symbol and kind).

    DataError when what is left cannot be traded on: a rule for it is missing. ConfigError when `out` is there already
    and was made otherwise, unless `replace`.
    """
    rules = rules if isinstance(rules, Rules) else load_rules(rules)
    source = open_source(ref, options, format, root=root)
    lineage = out_lineage(source, out, rules)
    calendar = calendar or week_of(source.lineage.symbol, source.lineage.source)
    made = (source.identity, source.lineage, rules.hash, repr(calendar))
    identity = hashlib.blake2b(repr(made).encode(), digest_size=16).hexdigest()
    base = root or data_root()
    folder = folder_of(base, lineage.name)
    if folder.exists() and not replace:
        held = report_of(folder, lineage.name)
        if held is not None and held.identity == identity:
            held.unchanged = True
            return held
        raise ConfigError(f"{lineage.name} is there already, made otherwise: name another, or --replace it")
    report = Cleaned(made_from=source.name, dataset=lineage.name, identity=identity, rules=rules.hash)
    with staged(base, "clean", str(folder)) as staging:
        write(source, lineage, rules, calendar, report, staging, progress)
        swap(folder_of(staging, lineage.name), folder, staging)
    return report


def out_lineage(source: Source, out: str, rules: Rules) -> Lineage:
    """The cleaned dataset's: what came in, and by which rules it was cleaned."""
    name, old = out.partition("/")[0], source.lineage
    made_from = f"{source.name if source.name == old.name else Path(source.name).name}; rules {rules.hash}"
    note = "; ".join(text for text in (old.note, "cleaned") if text)
    new = msgspec.structs.replace(
        old, source=name, made_from=made_from, note=note, dropped={}, synthetic=old.synthetic or rules.fills
    )
    if "/" in out and out != new.name:
        raise ConfigError(f"{out!r} cannot hold these rows: name it {new.name}")
    if name in ("", "demo") or name.startswith(".") or new.name == old.name:
        raise ConfigError(f"{new.name} cannot be written: give the cleaned rows a source name of their own")
    return new


def write(
    source: Source,
    lineage: Lineage,
    rules: Rules,
    calendar: Calendar,
    report: Cleaned,
    staging: Path,
    progress: Progress | None,
) -> None:
    """Everything under `staging`; nothing else is touched."""
    applier, after = Applier(source.lineage, rules, calendar), Validator(lineage, calendar, rules.limits)
    digest: Digest | None = None
    record: list[Touched] = []
    checker = Checker(lineage, source.name)

    def cleaned() -> Iterator[Columns]:
        nonlocal digest
        for columns in source.chunks:
            if not size(columns):
                continue
            digest = digest or Digest(sorted(columns))
            digest.update(columns)
            report.columns = report.columns or list(columns)
            kept, touched, verdict = applier.run(columns)
            record.append(touched)
            count(report.before, counts_of(verdict.flags))
            count(report.after, counts_of(after.run(kept).flags) if size(kept) else {})
            report.rows, report.rows_after = applier.rows, applier.out_rows
            if progress and (total := source.expected(applier.rows)):
                progress(applier.rows, total)
            yield kept

    with Append(lineage, staging) as target:
        for kept, _ in checker.run(cleaned()):
            target.add(kept)
        report.digest = str(digest)
        report.actions = actions_of(record)
        if target.dropped:
            next(iter(target.dropped.values())).update(
                {what.removeprefix("drop "): n for what, n in report.actions.items() if what.startswith("drop ")}
            )
    folder = folder_of(staging, lineage.name) / FOLDER
    folder.mkdir()
    pq.write_table(table_of(record), folder / "rows.parquet", compression="zstd", write_page_checksum=True)
    with (folder / "rows.parquet").open("rb") as file:
        os.fsync(file.fileno())
    keep(folder / "report.json", msgspec.json.encode(report))


def count(total: dict[str, int], more: dict[str, int]) -> None:
    for name, n in more.items():
        total[name] = total.get(name, 0) + n


def actions_of(record: list[Touched]) -> dict[str, int]:
    found: dict[str, int] = {}
    for touched in record:
        for flag in np.unique(touched.flag).tolist():
            for action in np.unique(touched.action[touched.flag == flag]).tolist():
                rows = int(((touched.flag == flag) & (touched.action == action)).sum())
                count(found, {f"{ACTIONS[action]} {names_of(flag)[0]}": rows})
    return found


def table_of(record: list[Touched]) -> pa.Table:
    """Every touched row: `row` in IN and `out_row` in OUT (from 1; 0: none), `action`, `flag`, and those of IN."""
    joined = join([touched.before for touched in record])
    words = [pa.array([ACTIONS[a] for t in record for a in t.action.tolist()], pa.string())]
    words.append(pa.array([names_of(f)[0] for t in record for f in t.flag.tolist()], pa.string()))
    fields = {
        "row": pa.array(np.concatenate([t.row for t in record]) + 1),
        "out_row": pa.array(np.concatenate([t.out_row for t in record]) + 1),
        "action": words[0].dictionary_encode(), "flag": words[1].dictionary_encode(),
        **{name: to_arrow(name, v) if name.endswith("ts") else pa.array(v) for name, v in joined.items()},
    }  # fmt: skip
    return pa.table(fields)


def swap(new: Path, place: Path, staging: Path) -> None:
    """The new folder in the old one's place."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        place.rename(staging / "old")
    put(new, place)


def report_of(folder: Path, name: str) -> Cleaned | None:
    """What was done to make a dataset; None where it was not made by cleaning."""
    path = folder / FOLDER / "report.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Cleaned)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as wrong:
        raise DataError(f"{name}: {path.name} cannot be read: {wrong}") from None


def restore(name: str, root: Path | None = None) -> Columns:
    """The rows that a cleaned dataset was made from, exactly; DataError if they cannot be had back to the bit.

    Needs room for all of them in memory.
    """
    data = dataset(name, root)
    folder = folder_of(root or data_root(), name)
    report = report_of(folder, name)
    if report is None:
        raise NotFound(f"{name} was not made by `onetape data clean`: there is nothing to undo")
    table = pq.read_table(folder / FOLDER / "rows.parquet", page_checksum_verification=True)
    row, out_row = numbers(table.column("row")) - 1, numbers(table.column("out_row")) - 1
    kept = join(list(data.read())) if data.rows else {}
    made, gone = (row < 0), (out_row < 0)
    stays = np.ones(size(kept), bool)
    stays[out_row[made]] = False
    where = np.ones(report.rows, bool)
    where[row[gone]] = False
    if int(stays.sum()) != int(where.sum()):
        raise DataError(f"{name} was changed after it was cleaned: it cannot be undone")
    back: Columns = {}
    for column in report.columns:
        values = part(kept, stays)[column]
        before = numbers(table.column(column))
        back[column] = np.empty(report.rows, values.dtype)
        back[column][where] = values
        back[column][row[~made]] = before[~made]
    digest = Digest(sorted(report.columns))
    digest.update(back)
    if str(digest) != report.digest:
        raise DataError(f"{name} was changed after it was cleaned: it cannot be undone")
    return back


def undo(name: str, out: str, root: Path | None = None) -> Cleaned:
    """The rows that a dataset was cleaned from, as a dataset of their own under the source `out`."""
    old = dataset(name, root).lineage
    rows = restore(name, root)
    lineage = msgspec.structs.replace(
        old, source=out.partition("/")[0], note="restored", made_from=name, dropped={}, synthetic="synthetic" in rows
    )
    if out.partition("/")[0] in ("", "demo", old.source):
        raise ConfigError(f"{lineage.name} cannot be written: give the restored rows a source name of their own")
    with Append(lineage, root) as target:
        target.add(rows)
    return Cleaned(
        made_from=name, dataset=lineage.name, identity="", rules="", rows=dataset(name, root).rows,
        rows_after=size(rows), columns=list(rows),
    )  # fmt: skip
