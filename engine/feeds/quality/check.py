"""`data check`: validate once, keep the verdict. The second check of the same rows reads nothing but the answer.

    <cache>/quality/<key>/report.json  log.parquet

The key is a hash of the rows' digest, the thresholds, the calendar and the code that checks.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from engine.core.config import DataConfig
from engine.core.errors import ConfigError, DataError, Refused
from engine.core.instrument import Instrument
from engine.feeds.catalogue import cache_root
from engine.feeds.importers.options import Options
from engine.feeds.quality.flags import Limits
from engine.feeds.quality.grades import below
from engine.feeds.quality.source import Source, as_heard, open_source
from engine.feeds.quality.spikes import method_of
from engine.feeds.quality.staging import staged
from engine.feeds.quality.tally import Checked, Tally
from engine.feeds.quality.validator import Validator
from engine.feeds.quality.week import Calendar, week_of

Progress = Callable[[int, int], None]
HERE = Path(__file__).parent


def check(
    ref: str | Path,
    options: Options = Options(),  # noqa: B008 - frozen
    format: str | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    calendar: Calendar | None = None,
    span: tuple[int | None, int | None] = (None, None),
    root: Path | None = None,
    progress: Progress | None = None,
) -> Checked:
    """Check a dataset or a file; `span` is the range that should be there, ns UTC, and all that is looked at.

    NotFound names the nearest dataset, ConfigError a method that is not known.
    """
    method_of(limits.method)
    source = open_source(ref, options, format, *span, root)
    calendar = calendar or week_of(source.lineage.symbol, source.lineage.source)
    folder = cache_root().parent / "quality" / key_of(source, limits, calendar)
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode((folder / "report.json").read_bytes(), type=Checked)
    with staged(folder.parent, "check", str(folder)) as staging:
        new = staging / folder.name
        new.mkdir()
        found = measure(source, calendar, limits, span, new / "log.parquet", progress)
        found.identity, found.log = folder.name, str(folder / "log.parquet")
        keep(new / "report.json", msgspec.json.encode(found))
        if not folder.exists():
            new.rename(folder)
    return found


def measure(
    source: Source,
    calendar: Calendar,
    limits: Limits,
    span: tuple[int | None, int | None],
    log: Path,
    progress: Progress | None,
) -> Checked:
    """Every row through the validator; flagged ones into the log."""
    from engine.feeds.quality.log import LogWriter

    validator = Validator(source.lineage, calendar, limits)
    tally, writer = Tally(source.name, validator, span), LogWriter(log, source.lineage)
    try:
        for columns in as_heard(source.chunks):
            verdict = validator.run(columns)
            tally.add(columns, verdict)
            writer.add(columns, verdict)
            if progress and (total := source.expected(tally.rows)):
                progress(tally.rows, total)
    finally:
        writer.close()
    if not tally.rows:
        raise DataError(f"{source.name}: there is no row")
    return tally.finish()


def keep(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def key_of(source: Source, limits: Limits, calendar: Calendar) -> str:
    code = hashlib.blake2b(digest_size=16)
    for path in sorted([*HERE.glob("*.py"), *HERE.parent.glob("importers/*.py"), HERE.parent / "parquet.py"]):
        code.update(path.read_bytes())
    made = (source.identity, source.lineage, limits, repr(calendar), code.hexdigest())
    return hashlib.blake2b(repr(made).encode(), digest_size=16).hexdigest()


def require(found: Checked, least: str) -> None:
    """Refused when a grade is below the least that was asked for; the message says what pulled it down."""
    if below(found.grade, least):
        worst = [f"{f.flag} {f.rows:,} rows" for f in found.findings if f.grade == found.grade]
        raise Refused(f"{found.name} is graded {found.grade}, {least} is asked for: {', '.join(worst)}")


def require_grade(data: DataConfig, declared: Iterable[Instrument] = ()) -> None:
    """Refused when what `[data]` of a config names does not reach its `min_grade`."""
    if data.min_grade is None:
        return
    kind = "quotes" if data.kind == "quotes" else f"bars-{data.finest}"
    span = (data.start_ns, data.end_ns)
    for index, symbol in enumerate(data.symbols):
        if data.source != "file":
            found = check(f"{data.source}/{symbol}/{kind}", span=span)
        else:
            several = len(data.files) < len(data.symbols)
            frame = "" if data.kind == "quotes" else data.finest
            basis = "" if data.basis == "bid" else data.basis
            options = Options(
                symbol=symbol, frame=frame, basis=basis, zone=data.tz or "", declared=tuple(declared), several=several
            )
            found = check(data.files[0 if several else index], options, data.format, span=span)
        require(found, data.min_grade)


def rows_of(text: str) -> tuple[int, int]:
    """`100:120` (both of them too) as (100, 121), `7` as (7, 8), counted from 1; ConfigError says how it is written.

    >>> rows_of(":7")
    (1, 8)
    """
    first, colon, last = text.partition(":")
    try:
        low = int(first or 1)
        high = (int(last) if last else 1 << 62) if colon else low
    except ValueError:
        raise ConfigError(f"rows {text!r} cannot be read: write 100:120 or 100") from None
    if low < 1 or high < low:
        raise ConfigError(f"rows {text!r}: they are counted from 1, the first before the last")
    return low, high + 1
