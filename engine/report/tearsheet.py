"""`report --tearsheet`: the daily returns of a run through quantstats, an independent second look at its figures."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import DataError
from engine.report.days import load_days
from engine.report.papers import quietly
from engine.report.summary import load_summary

if TYPE_CHECKING:
    import pandas as pd

FILE = "tearsheet.html"
OUTSIDE = re.compile(r'<link[^>]*href="https?://[^>]*>|<script[^>]*src="https?://[^>]*></script>')


def daily(run: Path) -> pd.Series:
    """Returns of equity from trading day to trading day, indexed by date without a zone, as quantstats wants them."""
    import pandas as pd

    summary, days = load_summary(run), load_days(run)
    levels = pd.Series(
        [summary.figures.get("start_balance"), *(day.end_equity for day in days)],
        index=pd.DatetimeIndex([pd.NaT, *(pd.Timestamp(day.day) for day in days)]),
        dtype="float64",
    )
    return levels.pct_change().iloc[1:].rename(summary.name)


def tearsheet(run: Path) -> Path:
    """Write the tear sheet into the run's folder. OnetapeError without quantstats, DataError for fewer than 3 days."""
    returns, summary = daily(run), load_summary(run)
    if len(returns) < 3 or not returns.abs().sum():
        raise DataError(f"{run}: a tear sheet needs at least 3 trading days on which equity moved")
    partial, final = run / f".{FILE}.partial", run / FILE
    with quietly("report --tearsheet"):
        import matplotlib

        matplotlib.use("Agg")
        import quantstats

        quantstats.reports.html(
            returns,
            output=str(partial),
            title=f"{summary.number} {summary.name}",
            periods_per_year=summary.days_per_year,
        )
    page = partial.read_text(encoding="utf-8")
    partial.write_text(OUTSIDE.sub("", page), encoding="utf-8")  # one file that asks nobody for anything
    os.replace(partial, final)
    return final
