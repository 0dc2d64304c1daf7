"""From a config to what lies between a decision and its fill: latency, slippage, refusals, times of no entry."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.core.config import Config
from engine.core.errors import ConfigError, NotFound
from engine.core.frictions import Blackout, Latency, Slippage, window
from engine.core.instrument import Instrument
from engine.core.quantity import Duration
from engine.core.registry import did_you_mean
from engine.feeds.events import currencies, merged, release_windows
from engine.kernels.book import Book
from engine.kernels.terms import CALENDAR, LATENCIES, SLIPPAGES
from engine.venues.pulse import PULSE

MS = 1e6


def frictions(book: Book, config: Config, instruments: Sequence[Instrument]) -> Book:
    """The book with its seed, shares and models filled in; drawn samples go to the end of its calendar.

    Raises ConfigError for a model that cannot be meant with these data, NotFound for a file of samples.
    """
    venue, account = config.venue, book[0][0]
    account["seed"] = config.seed
    for key, share in {"reject": venue.rejects, "requote": venue.requotes, "partial": venue.partial_fills}.items():
        account[key] = share.fraction if share else 0.0
    samples: list[np.ndarray] = []
    start = len(book[8])
    legs = (venue.latency, venue.change_latency or venue.latency, venue.report_latency)
    drawn: dict[Latency, tuple[int, int]] = {}
    for leg in legs:
        if isinstance(leg, Latency) and leg.model == "trace" and leg not in drawn:
            samples.append(sampled(leg, "venue.latency") * MS)
            drawn[leg] = start, len(samples[-1])
            start += len(samples[-1])
    for s, one in enumerate(instruments):
        for n, leg in enumerate(legs):
            fill_delay(book[6][s]["delays"][n], leg, drawn)
        fill_slippage(book[6][s], venue.slippage, one, config)
    if isinstance(venue.slippage, Slippage) and venue.slippage.model == "samples":
        points = sampled(venue.slippage, "venue.slippage")
        for s, one in enumerate(instruments):
            samples.append(points * one.point)
            book[6][s]["slip_at"], book[6][s]["slip_count"] = start, len(points)
            start += len(points)
    if not samples:
        return book
    rows = np.zeros(sum(map(len, samples)), CALENDAR)
    rows["a"] = np.concatenate(samples)
    return (*book[:8], np.concatenate([book[8], rows]))


def fill_delay(delay: np.void, leg: Duration | Latency, drawn: dict[Latency, tuple[int, int]]) -> None:
    """One DELAY record."""
    if isinstance(leg, Duration):
        delay["model"], delay["a"] = LATENCIES.index("constant"), leg.ns
        return
    delay["model"], delay["a"] = LATENCIES.index(leg.model), leg.times
    if leg.model == "trace":
        delay["at"], delay["count"] = drawn[leg]
        return
    length = leg.median if leg.model == "lognormal" else leg.mean
    assert length is not None
    delay["a"], delay["b"] = length.ns * leg.times, leg.sigma if leg.model == "lognormal" else leg.shape


def fill_slippage(t: np.void, slippage: object, one: Instrument, config: Config) -> None:
    """The slippage of one symbol's TERMS."""
    if not isinstance(slippage, Slippage):
        kind = {"points": "points", "% spread": "spread", "sigma": "volatility"}[config.venue.slippage.unit]  # type: ignore[union-attr]
        amount = config.venue.slippage.amount  # type: ignore[union-attr]
        t["slip_model"] = SLIPPAGES.index(kind if amount else "none")
        t["slip_a"] = amount * {"points": one.point, "spread": 0.01, "volatility": 1.0}[kind]
        t["slip_c"] = 60.0
        return
    t["slip_model"] = SLIPPAGES.index(slippage.model)
    if slippage.model == "volatility":
        t["slip_a"], t["slip_c"] = slippage.share, slippage.over.ns * 1e-9
    else:
        t["slip_a"], t["slip_b"] = slippage.strength


def pulse_state(config: Config, instruments: Sequence[Instrument]) -> np.ndarray | None:
    """A fresh memory (PULSE[symbols]) for `engine.venues.pulse.pulse_of`; None where no model reads it.

    Raises ConfigError where a model needs volumes and neither the tape nor the config has any that count.
    """
    slippage = config.venue.slippage
    if isinstance(slippage, Slippage):
        if slippage.model == "samples":
            return None
    elif slippage.unit != "sigma" or not slippage.amount:
        return None
    state = np.zeros(len(instruments), PULSE)
    state["half_life"] = slippage.half_life.ns * 1e-9 if isinstance(slippage, Slippage) else 3_600.0
    state["per_record"] = state["per_day"] = state["volume"] = np.nan
    if not isinstance(slippage, Slippage) or slippage.model == "volatility":
        return state
    for s, one in enumerate(instruments):
        if slippage.volume is None:
            state["lots"][s] = lots_of(one, config)
            continue
        lots = slippage.volume.amount / (1.0 if slippage.volume.unit == "lots" else one.contract_size)
        state["per_record" if slippage.model == "volume" else "per_day"][s] = lots
    return state


def lots_of(one: Instrument, config: Config) -> float:
    """Lots in one unit of a bar's volume."""
    if config.data.kind == "bars" and one.volume_unit in ("real", "base"):
        return 1.0 if one.volume_unit == "real" else 1.0 / one.contract_size
    counted = f"its bars count {one.volume_unit}" if one.volume_unit else "it is not stated what its bars count"
    why = "quotes carry no volume" if config.data.kind == "quotes" else counted
    raise ConfigError(f'venue.slippage: how much of {one.symbol} trades is not known ({why}): say volume = "2000 lots"')


def sampled(model: Latency | Slippage, path: str) -> np.ndarray:
    """The samples of a model, float64: listed, or a column of its file. Raises NotFound and ConfigError."""
    found = np.array(model.samples, np.float64) if model.samples else read_column(Path(model.file), model.column, path)
    if isinstance(model, Latency) and (found < 0).any():
        raise ConfigError(f"{path}: {model.file} holds a latency below 0")
    return found


def read_column(path: Path, column: str, key: str) -> np.ndarray:
    """One column of a CSV or Parquet file, float64; ConfigError names the nearest column."""
    import pyarrow as pa
    import pyarrow.csv as text
    import pyarrow.parquet as pq

    if not path.is_file():
        raise NotFound(f"{key}.file: {path} does not exist")
    try:
        table = pq.read_table(path) if path.suffix == ".parquet" else text.read_csv(path)
    except (pa.ArrowException, OSError) as wrong:
        raise ConfigError(f"{key}.file: {path} cannot be read: {wrong}") from None
    names = table.column_names
    if (column or len(names) > 1) and column not in names:
        raise ConfigError(f"{key}.column: {path} has no {column or 'single'} column: {did_you_mean(column, names)}")
    try:
        values = table.column(column or names[0]).cast(pa.float64()).to_numpy()
    except pa.ArrowException:
        raise ConfigError(f"{key}.file: {path}: column {column or names[0]} does not hold numbers") from None
    if not len(values) or not np.isfinite(values).all():
        raise ConfigError(f"{key}.file: {path}: column {column or names[0]} is empty or has gaps")
    return np.asarray(values, np.float64)


def blackouts(config: Config, instruments: Sequence[Instrument], limits: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Times of no entry, int64[n, 2] ns UTC, each symbol's together and rising, and what the report must say.

    Writes into LIMITS where a symbol's times begin and end.
    """
    blackout = config.risk.blackout
    parts: list[np.ndarray] = []
    notes: list[str] = []
    at = 0
    for s, one in enumerate(instruments if blackout else ()):
        assert blackout is not None
        parts.append(windows_of(blackout, one, notes))
        limits["black_at"][:, s], limits["black_end"][:, s] = at, at + len(parts[-1])
        at += len(parts[-1])
    return np.concatenate([np.zeros((0, 2), np.int64), *parts]), list(dict.fromkeys(notes))


def windows_of(blackout: Blackout, one: Instrument, notes: list[str]) -> np.ndarray:
    found = np.array([window(text) for text in blackout.windows], np.int64).reshape(-1, 2)
    if blackout.series:
        releases, seen = release_windows(
            blackout.series, blackout.importance, blackout.before.ns, blackout.after.ns, currencies(one),
            blackout.hindsight,
        )  # fmt: skip
        if seen and not len(releases):
            raise ConfigError(
                f"risk.blackout: {blackout.series} was written down after its events: none of {seen} was known in time;"
                " hindsight = true takes their times all the same"
            )
        if not seen:
            notes.append(f"no {blackout.importance}-importance event of {blackout.series} is about {one.symbol}")
        found = np.concatenate([found, releases])
    return merged(found)
