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

from engine.core.errors import NotFound
from engine.core.registry import did_you_mean
from engine.feeds.footer import Footer, read_footer
from engine.feeds.lineage import Columns, Lineage

SHIPPED = Path(__file__).parent
"""The demo data lie in a catalogue of their own, beside this file."""
SUFFIX = ".parquet"


def data_root() -> Path:
    return Path(os.environ.get("ONETAPE_DATA") or "data")


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

        for path, footer in self.part(first, last).files:
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
    files = sorted(folder_of(base, name).glob("*" + SUFFIX)) if name.count("/") >= 2 else []
    if not files:
        known = dataset_names(root)
        hint = did_you_mean(name, known) if known else "the catalogue is empty"
        raise NotFound(f"no dataset {name!r} in {root or data_root()}/: {hint}")
    return Dataset(name, tuple((path, read_footer(path)) for path in files))
