"""A run's figures for papers, as PNG: matplotlib draws them, in the extra `report`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import OnetapeError
from engine.core.zones import DAY, HOUR, parse_zone, utc_to_wall
from engine.report.days import Day, load_days
from engine.report.sections import WEEKDAYS, returns_of
from engine.report.summary import Summary, load_summary
from engine.report.trips import Trips, load_trips

FOLDER = "figures"
DPI = 200
UP, DOWN, LINE = "#0b8f6c", "#d1433f", "#2456b8"


@contextmanager
def quietly(what: str) -> Iterator[None]:
    """Within it the plotting libraries keep what they have to say about fonts and each other to themselves.

    OnetapeError, naming the extra, where one of them is not installed.
    """
    log = logging.getLogger("matplotlib.font_manager")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ModuleNotFoundError as error:
        raise OnetapeError(f"{what} needs {error.name}: pip install -e '.[report]' in the project") from None
    finally:
        log.setLevel(level)


def papers(run: Path) -> list[Path]:
    """Draw equity and drawdown, months, distributions, excursions and hours into `figures/` of the run's folder."""
    summary, days, trips = load_summary(run), load_days(run), load_trips(run / "trades.csv")
    folder = run / FOLDER
    with quietly("report --png"):
        made = {
            "equity": equity(summary, days), "months": months(summary),
            "distribution": distribution(summary, days, trips), "excursions": reaches(summary, trips),
            "hours": hours(summary, trips),
        }  # fmt: skip
        folder.mkdir(exist_ok=True)
        for name, figure in made.items():
            partial = folder / f".{name}.partial"
            figure.savefig(partial, dpi=DPI, format="png", metadata={"Software": None})
            partial.replace(folder / f"{name}.png")
    return [folder / f"{name}.png" for name in made]


def canvas(title: str, wide: float, high: float, *shape: int, **options: Any) -> tuple[Any, Any]:
    """A figure of its own, without the global state of pyplot, and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(wide, high), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(*shape, **options)
    for one in np.ravel(axes):
        one.tick_params(labelsize=8)
        one.grid(alpha=0.25, linewidth=0.5)
    return figure, axes


def equity(summary: Summary, days: list[Day]) -> Any:
    """Equity at the end of each trading day, its range within the day, and the fall from the highest so far."""
    at = np.array([day.day for day in days], "datetime64[D]")
    end, low, high = (np.array([getattr(d, f"{n}_equity") for d in days], float) for n in ("end", "low", "high"))
    start = summary.figures.get("start_balance") or (end[0] if len(end) else 1.0)
    peak = np.maximum.accumulate(np.concatenate([[start], end]))[1:]
    figure, (top, bottom) = canvas(f"{summary.name}: equity by trading day", 7, 4, 2, 1, sharex=True,
                                   height_ratios=(3, 1))  # fmt: skip
    top.fill_between(at, low, high, color=LINE, alpha=0.2, linewidth=0)
    top.plot(at, end, color=LINE, linewidth=1)
    top.set_ylabel(summary.currency, fontsize=8)
    bottom.fill_between(at, 100 * (end / peak - 1), 0, color=DOWN, alpha=0.5, linewidth=0)
    bottom.set_ylabel("drawdown, %", fontsize=8)
    return figure


def months(summary: Summary) -> Any:
    years = sorted({m.month[:4] for m in summary.months}) or ["–"]
    grid = np.full((len(years), 12), np.nan)
    for month in summary.months:
        grid[years.index(month.month[:4]), int(month.month[5:]) - 1] = 100 * month.change
    return heat(f"{summary.name}: change of equity by month, %", grid, years, [str(m) for m in range(1, 13)], "{:+.1f}")


def hours(summary: Summary, trips: Trips) -> Any:
    wall = utc_to_wall(trips["open_time"], parse_zone(summary.zone))
    grid = np.full((7, 24), np.nan)
    for d, h, net in zip((wall // DAY + 3) % 7, wall % DAY // HOUR, trips["net_profit"], strict=True):
        grid[d, h] = net + (0.0 if np.isnan(grid[d, h]) else grid[d, h])
    title = f"{summary.name}: net by weekday and hour of opening, {summary.zone}, {summary.currency}"
    return heat(title, grid, list(WEEKDAYS), [f"{h:02}" for h in range(24)], "{:.0f}")


def heat(title: str, grid: np.ndarray, down: list[str], across: list[str], form: str) -> Any:
    figure, axis = canvas(title, 7, 1.1 + 0.28 * len(down))
    top = float(np.nanmax(np.abs(grid))) if np.isfinite(grid).any() else 1.0
    axis.imshow(grid, cmap="RdYlGn", vmin=-top or -1.0, vmax=top or 1.0, aspect="auto", alpha=0.8)
    axis.set_xticks(range(len(across)), across)
    axis.set_yticks(range(len(down)), down)
    axis.grid(False)
    for (y, x), value in np.ndenumerate(grid):
        if np.isfinite(value):
            axis.text(x, y, form.format(value), ha="center", va="center", fontsize=5.5)
    return figure


def distribution(summary: Summary, days: list[Day], trips: Trips) -> Any:
    figure, axes = canvas(f"{summary.name}: distributions", 7, 2.6, 1, 2)
    returns = returns_of(days, summary.figures.get("start_balance"))
    for axis, values, label in zip(
        axes, (trips["net_profit"], returns), (f"net of a trade, {summary.currency}", "return of a day, %"), strict=True
    ):
        axis.hist(values[np.isfinite(values)], bins=40, color=LINE, alpha=0.8)
        axis.axvline(0, color="black", linewidth=0.6)
        axis.set_xlabel(label, fontsize=8)
    return figure


def reaches(summary: Summary, trips: Trips) -> Any:
    figure, axes = canvas(f"{summary.name}: how far trades went ({summary.excursions})", 7, 2.8, 1, 2, sharey=True)
    net = trips["net_profit"]
    for axis, name, label in zip(axes, ("worst_price", "best_price"), ("against, %", "its way, %"), strict=True):
        far = 100 * np.abs(trips[name] / trips["open_price"] - 1)
        axis.scatter(far, net, s=6, c=np.where(net > 0, UP, DOWN), alpha=0.6, linewidths=0)
        axis.set_xlabel(label, fontsize=8)
    axes[0].set_ylabel(f"net, {summary.currency}", fontsize=8)
    return figure
