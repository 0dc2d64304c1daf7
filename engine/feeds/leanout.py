"""Into LEAN's data folder: `forex/oanda/tick/eurusd/20190204_quote.zip`, as `importers.lean` reads it.

The market is the dataset's source. Ticks and minutes are a zip a day, hours and days one zip. Bid bars are quote bars
whose ask is the bid plus the spread at the open; last bars are trade bars.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from engine.core.errors import ConfigError
from engine.core.instrument import shipped
from engine.core.registry import did_you_mean
from engine.core.zones import DAY, parse_zone, utc_to_wall, wall_to_utc
from engine.feeds.export import atomic
from engine.feeds.importers.incoming import plain
from engine.feeds.importers.lean import PRICES, zone_of
from engine.feeds.lineage import SIZES, Columns, Lineage, join, part, size

RESOLUTIONS = {"": "tick", "M1": "minute", "H1": "hour", "D1": "daily"}
KINDS = {"forex": "forex", "metal": "cfd", "index": "cfd", "crypto": "crypto"}
NS_PER_MS = 1_000_000


def write_lean(lineage: Lineage, chunks: Iterator[Columns], folder: Path, force: bool) -> tuple[int, list[str]]:
    """(files written, what was lost); none of the files is in its place before all are written."""
    if lineage.frame not in RESOLUTIONS:
        hint = did_you_mean(lineage.frame, [frame for frame in RESOLUTIONS if frame])
        raise ConfigError(f"LEAN has no {lineage.frame} bars: {hint}")
    if lineage.bars and lineage.basis not in ("bid", "last"):
        raise ConfigError(f"LEAN's bars are bid (with a spread) or last prices, not {lineage.basis}: export to parquet")
    perpetual = lineage.symbol.endswith(".P")
    kind, symbol = kind_of(lineage), plain(lineage.symbol.removesuffix(".P")).lower()
    resolution, trades = RESOLUTIONS[lineage.frame], lineage.basis == "last"
    word = "trade" if trades else "quote"
    zone = parse_zone(zone_of(kind, lineage.source))
    base = folder / kind / lineage.source.lower() / resolution
    notes: set[str] = set()
    files = 0
    with ExitStack() as stack:
        for day, rows in by_day(chunks, lineage, resolution, zone):
            if resolution in ("tick", "minute"):
                date = str(day.view("M8[ns]").astype("M8[D]")).replace("-", "")
                path = base / symbol / f"{date}_{word}.zip"
                inside = f"{date}_{symbol}_{resolution}_{word}{'_perp' if perpetual else ''}.csv"
            else:
                path = base / (f"{symbol}_{word}.zip" if kind.startswith("crypto") else f"{symbol}.zip")
                inside = f"{symbol}.csv"
            wall = utc_to_wall(rows[lineage.key], zone)
            columns = [when(wall, day, resolution), *numbers(rows, lineage, kind, notes)]
            if resolution == "daily" and (wall_to_utc(wall + DAY, zone, gap="shift") != rows["ts"]).any():
                notes.add("LEAN's days end a day after they begin: some of these do not")
            staged = stack.enter_context(atomic(path, force))
            text = io.BytesIO()
            options = pacsv.WriteOptions(include_header=False, quoting_style="none")
            pacsv.write_csv(pa.table(columns, [str(i) for i in range(len(columns))]), text, options)
            with zipfile.ZipFile(staged, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(zipfile.ZipInfo(inside, (1980, 1, 1, 0, 0, 0)), text.getvalue())
            files += 1
    return files, sorted(notes)


def kind_of(lineage: Lineage) -> str:
    """LEAN's security type: of the instrument where it is known, else by what the data look like."""
    if lineage.symbol.endswith(".P"):
        return "cryptofuture"
    known = {one.symbol: one.kind for one in shipped().values()}
    if lineage.symbol in known:
        return KINDS.get(known[lineage.symbol], "cfd")
    if lineage.volume_unit == "real":
        return "equity"
    return "crypto" if lineage.basis == "last" else "forex"


def by_day(
    chunks: Iterator[Columns], lineage: Lineage, resolution: str, zone: object
) -> Iterator[tuple[np.ndarray, Columns]]:
    """(midnight of the day on the market's wall, its rows); hours and days all at once."""
    if resolution in ("hour", "daily"):
        yield np.zeros((), np.int64), join(list(chunks))
        return
    held: list[Columns] = []
    day = np.zeros((), np.int64)
    for chunk in chunks:
        days = utc_to_wall(chunk[lineage.key], zone) // DAY * DAY  # type: ignore[arg-type]
        bounds = np.flatnonzero(np.r_[True, days[1:] != days[:-1], True])
        for lo, hi in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            if held and days[lo] != day:
                yield day, join(held)
                held = []
            day = np.asarray(days[lo])
            held.append(part(chunk, slice(lo, hi)))
    if held:
        yield day, join(held)


def when(wall: np.ndarray, day: np.ndarray, resolution: str) -> pa.Array:
    """Stamps as LEAN writes them: ms since midnight, with decimals where there are any, or `20190204 22:00`."""
    if resolution in ("hour", "daily"):
        text = np.char.replace(wall.view("M8[ns]").astype("M8[m]").astype(str), "-", "")
        return pa.array(np.char.replace(text, "T", " "))
    since = wall - day
    return pa.array(since // NS_PER_MS if not (since % NS_PER_MS).any() else since / NS_PER_MS)


def numbers(rows: Columns, lineage: Lineage, kind: str, notes: set[str]) -> list[pa.Array]:
    """The columns after the stamp, by kind of rows and security."""
    scale = 10_000 if kind == "equity" else 1
    blank = pa.repeat("", size(rows))
    if lineage.prints:
        if (np.nan_to_num(rows["side"]) != 0).any():
            notes.add("LEAN's trades have no side: it is left out")
        more = [blank, blank, pa.repeat("0", size(rows))] if kind == "equity" else []
        return [text(rows["price"], scale), text(rows["size"]), *more]
    if not lineage.bars:
        sized = kind in ("crypto", "cryptofuture")
        if not sized and not all(np.isnan(rows[name]).all() for name in SIZES):
            notes.add(f"LEAN's {kind} quotes have no sizes: they are left out")
        sizes = [[text(rows[f"{side}_size"])] if sized else [] for side in ("bid", "ask")]
        return [text(rows["bid"], scale), *sizes[0], text(rows["ask"], scale), *sizes[1]]
    if lineage.basis == "last":
        if not np.isnan(rows["spread"]).all():
            notes.add("LEAN's trade bars have no spread: it is left out")
        return [*(text(rows[name], scale) for name in PRICES), text(rows["volume"])]
    if not np.isnan(rows["volume"]).all():
        notes.add("LEAN's quote bars have no volume: it is left out")
    asks = [text(np.round(rows[name] + rows["spread"], 10), scale) for name in PRICES]
    return [*(text(rows[name], scale) for name in PRICES), blank, *asks, blank]


def text(values: np.ndarray, scale: int = 1) -> pa.Array:
    """Numbers without exponents, which LEAN does not read; blank for not recorded. ConfigError past its precision."""
    if scale > 1:
        whole = np.round(values * scale)
        if not np.allclose(whole / scale, values, rtol=0, atol=1e-9, equal_nan=True):
            raise ConfigError(f"LEAN writes equities in 1/{scale}, and these prices have more decimals")
        return pa.array(whole, from_pandas=True).cast(pa.int64())
    told = pa.array(values, from_pandas=True).cast(pa.string())
    odd = np.isfinite(values) & (values != 0) & ((np.abs(values) < 1e-4) | (np.abs(values) >= 1e15))
    if not odd.any():
        return told
    texts = told.to_numpy(zero_copy_only=False).copy()
    texts[odd] = [np.format_float_positional(value, trim="-") for value in values[odd]]
    return pa.array(texts, pa.string(), from_pandas=True)
