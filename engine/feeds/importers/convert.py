"""Record batches of any vendor to our columns: UTC, prices, spread in price, a bar's open and close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.core.errors import ConfigError, DataError
from engine.core.frames import FIXED, FRAMES, parse_frame
from engine.core.instrument import instrument, shipped
from engine.core.zones import Zone, parse_zone, utc_to_wall, wall_to_utc
from engine.feeds.importers.options import Options
from engine.feeds.importers.roles import PRICES, kind_of
from engine.feeds.importers.stamps import Reader
from engine.feeds.importers.tables import bare_name
from engine.feeds.lineage import Columns

POINT_COLUMNS = ("bid_pt", "ask_pt")


class Converter:
    """Turns the batches of one file into Columns; keeps what must outlive a batch (last stamp, last bid and ask)."""

    def __init__(self, path: Path, roles: Mapping[str, str], options: Options) -> None:
        self.path, self.roles, self.options = path, roles, options
        self.kind = kind_of(roles)
        self.reader = Reader(options.time_format)
        self.received = Reader(None)
        """Of the second stamp of recorders, when a row came in: for checks; the catalogue keeps the first."""
        self.zone: Zone = parse_zone(options.zone or "UTC")
        self.frame = parse_frame(options.frame) if options.frame else ""
        self.point = options.point
        self.rows = 0
        self.last_utc: int | None = None
        self.last_price = {"bid": np.nan, "ask": np.nan}
        self.notes: list[str] = []
        self.stated = False
        """Whether the format itself says the time frame: then bars may lie further apart."""
        self.only = ""
        """In a file of several symbols, the one whose rows are taken, as the file writes it."""
        self.to_utc: Callable[[np.ndarray, int | None], np.ndarray] | None = None
        """Wall stamps (and the UTC of the row before them) to UTC, where no one zone holds for the whole file."""

    @property
    def clocks(self) -> dict[str, bool]:
        """The columns of stamps: True for a time of day beside its date."""
        return {self.roles[role]: role == "clock" for role in ("time", "date", "clock") if role in self.roles}

    @property
    def has_spread(self) -> bool:
        return not {"spread", "spread_points", "bid_open"}.isdisjoint(self.roles)

    def columns(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Columns]:
        for batch in batches:
            if self.only:
                batch = batch.filter(pc.equal(batch.column(self.roles["symbol"]), self.only))
            if not batch.num_rows:
                continue
            try:
                stamps = self.utc(batch)
                yield getattr(self, self.kind)(batch, stamps)
            except DataError as wrong:
                raise DataError(f"{self.path}: {wrong}") from None
            self.rows += batch.num_rows
            self.last_utc = int(stamps[-1])

    def utc(self, batch: pa.RecordBatch) -> np.ndarray:
        """The stamps as they are in the file, in UTC."""
        first = batch.column(self.roles.get("time") or self.roles["date"])
        wall, absolute = self.wall(first)
        for role, step in (("ms_of_day", 1_000_000), ("ms_of_day_e4", 100)):
            if role in self.roles:
                wall = wall + batch.column(self.roles[role]).to_numpy(zero_copy_only=False).astype(np.int64) * step
        if "clock" in self.roles:
            clock = batch.column(self.roles["clock"])
            read = pa.types.is_duration(clock.type)
            wall = wall + (
                clock.view(pa.int64()).to_numpy() if read else self.reader.column(clock, self.rows, time_only=True)
            )
        if absolute:
            return wall
        if self.to_utc:
            return self.to_utc(wall, self.last_utc)
        if self.zone.name == "UTC":
            return wall
        return wall_to_utc(wall, self.zone, after=self.last_utc)

    def wall(self, column: pa.Array, reader: Reader | None = None) -> tuple[np.ndarray, bool]:
        reader = reader or self.reader
        if column.null_count:
            row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
            raise DataError(f"row {self.rows + row + 1} has no time")
        if pa.types.is_timestamp(column.type):
            utc = column.type.tz is not None
            return column.cast(pa.timestamp("ns", tz=column.type.tz)).view(pa.int64()).to_numpy(), utc
        if pa.types.is_date(column.type):
            return column.cast(pa.timestamp("ns")).view(pa.int64()).to_numpy(), False
        stamps = reader.read(column.cast(pa.string()), None, self.rows)
        return stamps, reader.own_zone

    def numbers(self, batch: pa.RecordBatch, role: str) -> np.ndarray:
        """A column as float64; whole points become prices."""
        name = self.roles[role]
        try:
            values = batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
        except pa.ArrowException:
            raise DataError(f"column {name!r} holds {batch.column(name).type}, not numbers") from None
        if role in ("bid", "ask", "price", *PRICES) and (self.options.point or name in POINT_COLUMNS):
            return np.round(values * self.price_point(), 10)
        return values

    def price_point(self, prices: np.ndarray | None = None) -> float:
        """The price of one point: as told, of the instrument, or the smallest step that the prices show."""
        if self.point is None:
            try:
                self.point = instrument(self.options.symbol, self.options.declared).point
            except ConfigError:
                if prices is None:
                    raise
                self.point = 10.0 ** -shown_digits(prices)
                self.notes.append(f"point {self.point:g} found in the prices")
        return self.point

    def quotes(self, batch: pa.RecordBatch, stamps: np.ndarray) -> Columns:
        found = {"ts": stamps, **{role: self.numbers(batch, role) for role in ("bid", "ask")}}
        for role in ("bid_size", "ask_size"):
            if role in self.roles:
                found[role] = self.numbers(batch, role)
        if "received" in self.roles:
            wall, absolute = self.wall(batch.column(self.roles["received"]), self.received)
            found["received"] = wall if absolute else wall_to_utc(wall, self.zone)
        return found

    def prints(self, batch: pa.RecordBatch, stamps: np.ndarray) -> Columns:
        found = {"ts": stamps, "price": self.numbers(batch, "price"), "size": self.numbers(batch, "size")}
        return {**found, "side": self.sides(batch)}

    def sides(self, batch: pa.RecordBatch) -> np.ndarray:
        """+1 where the buyer took what was on offer, -1 where the seller did, 0 where that is not recorded."""
        role = "side" if "side" in self.roles else "buyer_maker" if "buyer_maker" in self.roles else ""
        if not role:
            return np.zeros(batch.num_rows)
        texts = batch.column(self.roles[role]).cast(pa.string())
        words = texts.dictionary_encode()
        known = {"": 0, "unknown": 0, "none": 0, "nan": 0}
        known |= {"buy": 1, "b": 1, "1": 1, "1.0": 1, "sell": -1, "s": -1, "a": -1, "-1": -1, "0": 0, "-1.0": -1}
        known = {"true": -1, "false": 1, "1": -1, "0": 1} if role == "buyer_maker" else known
        meant = [known.get(str(word).strip().lower()) for word in words.dictionary.to_pylist()]
        if None in meant:
            wrong = words.dictionary[meant.index(None)].as_py()
            raise DataError(f"column {self.roles[role]!r} holds {wrong!r}, which is no side")
        codes = words.indices.fill_null(len(meant)).to_numpy(zero_copy_only=False)
        return np.array([*meant, 0], np.float64)[codes]

    def carry_on(self, found: Columns) -> Columns:
        """A blank bid or ask means unchanged: what was there before stays."""
        for role in ("bid", "ask"):
            values = found[role]
            known = ~np.isnan(values)
            last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
            found[role] = np.where(last >= 0, values[np.maximum(last, 0)], self.last_price[role])
            self.last_price[role] = float(found[role][-1])
        return found

    def bars(self, batch: pa.RecordBatch, stamps: np.ndarray) -> Columns:
        two_sided = "bid_open" in self.roles
        found = {name: self.numbers(batch, f"bid_{name}" if two_sided else name) for name in PRICES}
        nothing = np.full(len(stamps), np.nan)
        found["volume"] = self.numbers(batch, "volume") if "volume" in self.roles else nothing
        found["spread"] = nothing
        if two_sided:
            found["spread"] = np.round(self.numbers(batch, "ask_open") - found["open"], 10)
        elif "spread_points" in self.roles:
            points = self.numbers(batch, "spread_points")
            found["spread"] = np.round(points * self.price_point(found["close"]), 10)
        elif "spread" in self.roles:
            found["spread"] = self.numbers(batch, "spread")
        return {**self.opens_and_closes(stamps), **found}

    def opens_and_closes(self, stamps: np.ndarray) -> Columns:
        """Both ends of every bar; a stamp that begins no bar of a fixed frame is a DataError."""
        self.frame = self.frame or frame_of(stamps, self.path)
        length = FRAMES[self.frame]
        if not self.rows and not self.stated:
            check_frame(stamps, self.frame, length, self.path)
        if self.frame in FIXED:
            opened = stamps if self.options.stamps == "open" else stamps - length
            if (off := np.flatnonzero(opened % length)).size:
                at = np.datetime64(int(stamps[off[0]]), "ns").astype("M8[s]")
                raise DataError(
                    f"row {self.rows + int(off[0]) + 1}: {at} is not where a {self.frame} bar begins or ends"
                )
            return {"ts": opened + length, "open_ts": opened}
        wall = utc_to_wall(stamps, self.zone)
        other = wall_to_utc(wall + (length if self.options.stamps == "open" else -length), self.zone, gap="shift")
        return {"ts": other, "open_ts": stamps} if self.options.stamps == "open" else {"ts": stamps, "open_ts": other}


def shown_digits(prices: np.ndarray) -> int:
    """Decimals that the prices use, at most 8."""
    finite = prices[np.isfinite(prices)][:10_000]
    return next((d for d in range(9) if np.allclose(finite, np.round(finite, d), rtol=0, atol=1e-9)), 8)


def frame_of(stamps: np.ndarray, path: Path) -> str:
    """The time frame whose length is the most frequent step between stamps (or the one in the file's name)."""
    for word in bare_name(path).upper().split("_"):
        if word in FRAMES:
            return word
    steps = Counter(np.diff(stamps[:5_000]).tolist())
    length = steps.most_common(1)[0][0] if steps else 0
    for name, ns in FRAMES.items():
        if ns == length:
            return name
    raise ConfigError(f"{path}: which time frame? say it: frame = 'M1' (bars lie {length / 1e9:g} s apart)")


def check_frame(stamps: np.ndarray, frame: str, length: int, path: Path) -> None:
    """ConfigError when the bars are longer than `frame`: they would be known before they ended."""
    steps = np.diff(stamps[:5_000])
    steps = steps[steps > 0]
    if len(steps) >= 5 and steps.min() > length:
        apart = steps.min() / 1e9
        raise ConfigError(f"{path}: bars lie {apart:g} s apart or more, so they are not {frame}: say their frame")


def symbol_of(path: Path) -> str:
    """The instrument that a file's name begins with; ConfigError where there is none."""
    words = bare_name(path).replace("-", "_").upper().split("_")
    known = {one.symbol for one in shipped().values()}
    for word in words:
        if word in known:
            return word
        if word[:-2] in known and word[-2:] in FRAMES:  # USDJPYd1
            return word[:-2]
    raise ConfigError(f"{path}: which symbol? say it: symbol = 'EURUSD'")
