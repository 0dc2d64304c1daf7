"""The catalogue: market data as plain Parquet files, one dataset per source, symbol and kind, cut by month or year.

    data/<source>/<symbol>/quotes/2019-02.parquet          quotes and M1 bars by month
    data/<source>/<symbol>/bars-H1/2017.parquet            coarser bars by year

Files are sorted, replaced whole or not at all, and readable as they are by DuckDB, Polars and pandas. The root is
`data/` in the working directory, or ONETAPE_DATA; `demo` ships with the project.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec

from engine.core.errors import DataError, NotFound
from engine.core.registry import did_you_mean
from engine.feeds.footer import Footer, read_footer
from engine.feeds.lineage import Columns, Lineage

SHIPPED = Path(__file__).parent
"""The demo data lie in a catalogue of their own, beside this file."""
SUFFIX = ".parquet"
SERIES = "series"
"""The first folder of all series, where market data has its source."""
NOTE = ".compacting"


class Note(msgspec.Struct, frozen=True):
    """Left by a compaction: the file `into`, once it has this digest, stands for `files`."""

    into: str
    digest: str
    files: list[str]


def data_root() -> Path:
    return Path(os.environ.get("ONETAPE_DATA") or "data")


def cache_root() -> Path:
    """Where replay caches live: ONETAPE_CACHE or the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("ONETAPE_CACHE") or platformdirs.user_cache_dir("onetape", appauthor=False)) / "tapes"


@dataclass(frozen=True)
class Dataset:
    """One source, symbol and kind: its files, in order of time."""

    name: str
    files: tuple[tuple[Path, Footer], ...]

    @property
    def lineage(self) -> Lineage:
        return self.files[-1][1].lineage

    @property
    def rows(self) -> int:
        return sum(footer.rows for _, footer in self.files)

    @property
    def first(self) -> int:
        return self.files[0][1].first

    @property
    def last(self) -> int:
        return self.files[-1][1].last

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(footer.digest for _, footer in self.files)

    @property
    def dropped(self) -> dict[str, int]:
        """Rows that imports left out, by reason."""
        total: dict[str, int] = {}
        for _, footer in self.files:
            for reason, n in footer.lineage.dropped.items():
                total[reason] = total.get(reason, 0) + n
        return total

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path, _ in self.files)

    def part(self, first: int | None, last: int | None) -> Dataset:
        """The files that can hold rows in [first, last)."""
        kept = [
            (path, footer)
            for path, footer in self.files
            if (first is None or footer.last >= first) and (last is None or footer.first < last)
        ]
        return Dataset(self.name, tuple(kept))

    def read(self, first: int | None = None, last: int | None = None) -> Iterator[Columns]:
        """Rows with key in [first, last), ns UTC, in stretches of bounded size; checksums verified."""
        from engine.feeds.parquet import read_rows

        before: Footer | None = None
        for path, footer in self.part(first, last).files:
            if before is not None and footer.first < before.last:
                raise DataError(f"{path} overlaps the file before it: run `onetape data compact {self.name}`")
            before = footer
            inside = (first is None or first <= footer.first) and (last is None or last > footer.last)
            yield from read_rows(path) if inside else read_rows(path, first=first, last=last)


def folder_of(root: Path, name: str) -> Path:
    """Where a dataset lies; a symbol may hold a slash (`BTC/USDT:USDT`), a folder's name does not."""
    source, _, rest = name.partition("/")
    symbol, _, kind = rest.rpartition("/")
    words = [quote(word, safe="#+@ ") for word in (source, symbol, kind)]
    return root.joinpath(*(word if word.strip(".") else word.replace(".", "%2E") for word in words if word))


def dataset_names(root: Path | None = None) -> list[str]:
    """Every dataset's name (`demo/EURUSD/bars-H1`), those that ship with the project included."""
    found = set()
    for base, pattern in ((root or data_root(), "*/*/*"), (SHIPPED, "demo/*/*")):
        for folder in base.glob(pattern):
            if not folder.name.startswith(".") and any(folder.glob("*" + SUFFIX)):
                found.add("/".join(unquote(word) for word in folder.relative_to(base).parts))
    return sorted(found)


def dataset(name: str, root: Path | None = None) -> Dataset:
    """A dataset by name; NotFound with the nearest when there is none."""
    base = SHIPPED if name.startswith("demo/") else root or data_root()
    folder = folder_of(base, name)
    files = standing(folder, sorted(folder.glob("*" + SUFFIX))) if name.count("/") >= 2 else []
    if not files:
        known = dataset_names(root)
        hint = did_you_mean(name, known) if known else "the catalogue is empty"
        raise NotFound(f"no dataset {name!r} in {root or data_root()}/: {hint}")
    return Dataset(name, in_order([(path, read_footer(path)) for path in files]))


def in_order(files: list[tuple[Path, Footer]]) -> tuple[tuple[Path, Footer], ...]:
    return tuple(sorted(files, key=lambda one: (one[1].first, one[0].name)))


def standing(folder: Path, files: list[Path]) -> list[Path]:
    """The files that count: without those that a compaction, killed before its end, has put into another."""
    try:
        note = msgspec.json.decode((folder / NOTE).read_bytes(), type=Note)
        done = read_footer(folder / note.into).digest == note.digest
    except (OSError, DataError, msgspec.DecodeError):
        return files
    return [path for path in files if path.name not in note.files] if done else files
