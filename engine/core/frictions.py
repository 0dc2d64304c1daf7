"""What stands between a decision and its fill, as a config says it: latency, slippage, times of no entry.

A plain latency or slippage is a text (`"50 ms"`, `"1 points"`, `"25 % spread"`, `"0.1 sigma"`), a model is a table:

    latency  = { model = "lognormal", median = "40 ms", sigma = 0.5 }
    latency  = { model = "gamma", mean = "60 ms", shape = 2.0 }
    latency  = { model = "trace", file = "pings.csv", column = "ms" }
    slippage = { model = "volatility", share = 0.1, over = "1 min" }
    slippage = { model = "volume", factor = 0.1, power = 2.0 }
    slippage = { model = "impact", factor = 1.0, power = 0.5, volume = "2000 lots" }
    slippage = { model = "samples", samples = [0.0, 0.0, 1.0, 3.0] }
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from engine.core.errors import ConfigError
from engine.core.quantity import Duration, Points, Volume

IMPORTANCE = ("low", "medium", "high")


class Slip(Points):
    """How much worse than the quote: price steps, a share of the spread, or of the volatility of one minute."""

    units: ClassVar = {
        "point": "points", "points": "points", "% spread": "% spread", "% of spread": "% spread", "sigma": "sigma",
    }  # fmt: skip
    forms = '"1.0 points", "25 % spread" or "0.1 sigma"'


@dataclass(frozen=True)
class Latency:
    """A latency that is drawn for each message.

    lognormal  `median`, and `sigma`: standard deviation of its logarithm
    gamma      `mean` and `shape` (1: exponential; the larger, the steadier)
    trace      one of the `samples`, ms, or of a `column` of a CSV or Parquet `file`, each as likely
    """

    model: Literal["lognormal", "gamma", "trace"]
    median: Duration | None = None
    sigma: float = 0.0
    mean: Duration | None = None
    shape: float = 1.0
    samples: tuple[float, ...] = ()
    file: str = ""
    column: str = ""
    """Of the file; not needed where it has one column."""
    times: float = 1.0
    """Every draw times this."""

    def check(self, path: str) -> None:
        needs = {"lognormal": "median", "gamma": "mean"}.get(self.model)
        if needs and getattr(self, needs) is None:
            raise ConfigError(f'{path}: the {self.model} model needs {needs}, like {needs} = "40 ms"')
        others = {"median": "lognormal", "sigma": "lognormal", "mean": "gamma", "samples": "trace", "file": "trace"}
        unused(self, path, others)
        if not 0 <= self.sigma <= 5:
            raise ConfigError(f"{path}.sigma: must lie in 0..5, got {self.sigma:g}")
        if not 0.01 <= self.shape <= 1e6:
            raise ConfigError(f"{path}.shape: must lie in 0.01..1,000,000, got {self.shape:g}")
        if not 0 <= self.times <= 1e6:
            raise ConfigError(f"{path}.times: must lie in 0..1,000,000, got {self.times:g}")
        if self.model == "trace":
            one_source(self, path, "ms")
        if min(self.samples, default=0.0) < 0:
            raise ConfigError(f"{path}.samples: a latency is 0 or more, got {min(self.samples):g}")

    def __str__(self) -> str:
        about = {
            "lognormal": f"median {self.median}, sigma {self.sigma:g}",
            "gamma": f"mean {self.mean}, shape {self.shape:g}",
            "trace": self.file or f"{len(self.samples)} samples",
        }[self.model]  # fmt: skip
        return f"{self.model} ({about}{'' if self.times == 1 else f', times {self.times:g}'})"


@dataclass(frozen=True)
class Slippage:
    """A slippage that depends on the market, the size of the order, or a draw; it worsens the price.

    volatility  `share` of the standard deviation of the mid over the time `over`, as seen in the last `half_life`
    volume      price x `factor` x (order / volume of the record before) ** `power`, the ratio at most 1
    impact      price x `factor` x volatility of a day x (order / volume of a day) ** `power`
    samples     one of the `samples`, points, or of a `column` of a CSV or Parquet `file`; positive is worse

    `volume` is what trades, in lots: in a record for the model volume, in a day for impact. Without it the tape's own
    is taken, where it has one that counts something.
    """

    model: Literal["volatility", "volume", "impact", "samples"]
    share: float = 0.1
    over: Duration = Duration(1.0, "min")
    half_life: Duration = Duration(1.0, "h")
    factor: float | None = None
    """0.1 for volume, 1.0 for impact."""
    power: float | None = None
    """2.0 for volume, 0.5 for impact."""
    volume: Volume | None = None
    samples: tuple[float, ...] = ()
    file: str = ""
    column: str = ""

    def check(self, path: str) -> None:
        unused(self, path, {"samples": "samples", "file": "samples"})
        for key, value in {"share": self.share, "factor": self.factor, "power": self.power}.items():
            if value is not None and not 0 <= value <= 100:
                raise ConfigError(f"{path}.{key}: must lie in 0..100, got {value:g}")
        for key, length in {"over": self.over, "half_life": self.half_life}.items():
            if length.ns <= 0:
                raise ConfigError(f"{path}.{key}: must be more than 0, got {length}")
        if self.volume is not None and self.model not in ("volume", "impact"):
            raise ConfigError(f"{path}.volume: belongs to the models volume and impact, not to {self.model}")
        if self.model == "samples":
            one_source(self, path, "points")

    @property
    def strength(self) -> tuple[float, float]:
        """Factor and power of the models volume and impact."""
        factor, power = (0.1, 2.0) if self.model == "volume" else (1.0, 0.5)
        return factor if self.factor is None else self.factor, power if self.power is None else self.power

    def __str__(self) -> str:
        factor, power = self.strength
        about = {
            "volatility": f"{self.share:g} of sigma over {self.over}, half-life {self.half_life}",
            "volume": f"factor {factor:g}, power {power:g}", "impact": f"factor {factor:g}, power {power:g}",
            "samples": self.file or f"{len(self.samples)} samples",
        }[self.model]  # fmt: skip
        return f"{self.model} ({about})"


@dataclass(frozen=True)
class Blackout:
    """Times in which no position is opened: around the releases of a calendar, or those listed.

    Releases count for the symbols that are made of their currency. What rests at the broker is not touched.
    """

    series: str = ""
    """A calendar in the catalogue, like `forexfactory/calendar`."""
    importance: Literal["low", "medium", "high"] = "high"
    """The least that counts."""
    before: Duration = Duration(15.0, "min")
    after: Duration = Duration(15.0, "min")
    hindsight: bool = False
    """Take the times as they stood at last, also where the calendar was written down after the fact."""
    windows: tuple[str, ...] = ()
    """`2024-03-01 10:00 - 2024-03-01 10:20`, UTC."""

    def check(self, path: str) -> None:
        if not self.series and not self.windows:
            raise ConfigError(f'{path}: name a calendar (series = "forexfactory/calendar") or windows')
        for text in self.windows:
            try:
                window(text)
            except ConfigError as error:
                raise ConfigError(f"{path}.windows: {error}") from None

    def __str__(self) -> str:
        around = f"{self.before} before to {self.after} after {self.importance}-importance events of {self.series}"
        return "; ".join([*([around] if self.series else []), *self.windows])


def window(text: str) -> tuple[int, int]:
    """`2024-03-01 10:00 - 2024-03-01 10:20` as [start, end), int64 ns UTC; ConfigError when it cannot be meant.

    >>> window("1970-01-01 00:00 - 1970-01-01 00:01")
    (0, 60000000000)
    """
    from engine.core.clock import parse_time

    first, dash, last = text.partition(" - ")
    if not dash:
        raise ConfigError(f"{text!r} cannot be read: write 2024-03-01 10:00 - 2024-03-01 10:20")
    start, end = parse_time(first), parse_time(last)
    if start >= end:
        raise ConfigError(f"{text!r} ends before it begins")
    return start, end


def slower(latency: Duration | Latency, times: float) -> Duration | Latency:
    """A latency as many times as long.

    >>> str(slower(Duration(50.0, "ms"), 5))
    '250 ms'
    """
    if isinstance(latency, Latency):
        return replace(latency, times=latency.times * times)
    return Duration(latency.amount * times, latency.unit)


def unused(model: Any, path: str, owners: dict[str, str]) -> None:
    """ConfigError for a key that another model than the one chosen reads."""
    for key, owner in owners.items():
        if getattr(model, key) and model.model != owner:
            raise ConfigError(f"{path}.{key}: belongs to the model {owner}, not to {model.model}")


def one_source(model: Any, path: str, unit: str) -> None:
    if bool(model.samples) == bool(model.file):
        raise ConfigError(f"{path}: the {model.model} model needs samples = [...] in {unit}, or a file: one of the two")


def told(venue: Any, blackout: Blackout | None, seed: int) -> list[str]:
    """What a reader of the report must know of the frictions in use; `venue` is the section of a config."""
    notes = []
    if venue.change_latency is not None:
        notes.append(f"cancels and changes reach the venue after {venue.change_latency}")
    shares = {
        "rejects {} of the orders": venue.rejects, "requotes {} of the market orders": venue.requotes,
        "fills {} of the market orders in part": venue.partial_fills,
    }  # fmt: skip
    said = [text.format(share) for text, share in shares.items() if share is not None]
    if said:
        notes.append(f"the dealer {', '.join(said)}, drawn by order with seed {seed}")
    if blackout is not None:
        notes.append(f"no entries {blackout}")
    return notes


def check_frictions(venue: Any, stress: Any, blackout: Blackout | None) -> None:
    """ConfigError for frictions that cannot be meant; the arguments are sections of a config."""
    checked: dict[str, Any] = {
        "venue.latency": venue.latency, "venue.change_latency": venue.change_latency,
        "venue.report_latency": venue.report_latency, "venue.slippage": venue.slippage,
        "risk.blackout": blackout, "stress.blackout": stress.blackout,
    }  # fmt: skip
    for path, one in checked.items():
        check: Callable[[str], None] | None = getattr(one, "check", None)
        if isinstance(one, Latency | Slippage | Blackout) and check:
            check(path)
    if venue.missed is not None and venue.missed.amount > 50:
        raise ConfigError(f"venue.missed: {venue.missed} of the market is not the market: at most 50 %")
    for n, one in enumerate(venue.widen):
        if not 1 <= one.factor <= 1000:
            raise ConfigError(f"venue.widen[{n}].factor: must lie in 1..1000, got {one.factor:g}")
