"""A calendar in the rows of a run: the same numbers as beside a table of bars, however the tape is cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine.core.clock import parse_time
from engine.core.config import Config
from engine.core.errors import NotFound
from engine.core.schema import build
from engine.core.zones import SECOND
from engine.features import fact, news, release_impact
from engine.feeds.known import facts
from engine.feeds.lineage import Lineage
from engine.feeds.outside import Rows
from engine.feeds.series import store_rows
from engine.strategy import Strategy, dataclass, field, strategy

CALENDAR, FIGURE = "ff/calendar", "ff/calendar/EUR CPI"
HOUR, DAY = 3600 * SECOND, 86_400 * SECOND


@pytest.fixture(autouse=True)
def calendar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release every third day at 10:15 and one announced an hour ahead; figures in turn above and below."""
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path))
    rows = Rows()
    for n in range(40):
        due = parse_time("2016-11-01 10:15") + 3 * n * DAY
        rows.add("EUR CPI", "schedule", due, due - 9 * DAY, due - 9 * DAY, due // SECOND)
        rows.add("EUR CPI", "impact", due, due - 9 * DAY, due - 9 * DAY, 2.0)
        rows.add("EUR CPI", "forecast", due, due - DAY, due - DAY, 1.0)
        rows.add("EUR CPI", "actual", due, due, due + 2 * SECOND, 1.0 + (-1) ** n * (1 + n % 5) / 10)
        rows.add("USD Speech", "schedule", due, due - HOUR, due - HOUR, (due + 5 * HOUR) // SECOND)
        rows.add("USD Speech", "impact", due, due - HOUR, due - HOUR, 3.0)
    store_rows(rows, Lineage(source="ff", symbol="calendar"), 0)


@strategy
@dataclass
class Newsreader(Strategy):
    """Stays flat and keeps its rows."""

    series: str = CALENDAR
    rows: list[Any] = field(default_factory=list, init=False, repr=False)

    def features(self) -> dict[str, Any]:
        return {"n": news(self.series), "i": release_impact(FIGURE), "loud": fact(self.series, "minutes_to_next 3")}

    def on_row(self, row: Any) -> None:
        SEEN.append(row)


SEEN: list[Any] = []


def seen(block: int, **params: Any) -> list[Any]:
    data = {"source": "demo", "symbols": ["EURUSD"], "basis": "ask", "spread": "10 points", "from": "2017-01-02",
            "to": "2017-01-20"}  # fmt: skip
    made = {"name": "news", "data": data, "strategy": [{"name": "newsreader", "params": params}],
            "run": {"block": block}}  # fmt: skip
    SEEN.clear()
    engine.backtest(build(Config, made))
    return list(SEEN)


def test_a_run_shows_what_was_known_when_each_bar_ended() -> None:
    rows = seen(65_536)
    ends = np.array([row.ts for row in rows])
    told, figures = facts(CALENDAR, ("EUR", "USD")), facts(FIGURE, ("EUR", "USD"))
    for name in ("minutes_to_next", "minutes_since_last", "importance", "count_24h"):
        assert [getattr(row, f"n_{name}") for row in rows] == told(f"{name} 1", ends).tolist(), name
    assert [row.loud for row in rows] == told("minutes_to_next 3", ends).tolist()
    inside = (told("minutes_to_next 1", ends) <= 15) | (told("minutes_since_last 1", ends) <= 30)
    assert [row.n_in_window for row in rows] == inside.tolist() and 0 < inside.sum() < len(rows)
    surprise = np.array([row.i_surprise for row in rows])
    assert len(rows) > 250 and (surprise == figures("surprise", ends)).all(), (
        "the calendar's past counts, unseen or not"
    )
    assert (np.sign(surprise) == np.sign(figures("actual", ends) - 1.0)).all() and len(set(surprise.tolist())) >= 6
    age = figures("age", ends)
    assert [row.i_impact for row in rows] == pytest.approx(surprise * 0.5 ** (age / 30.0)) and age.min() < 60


def test_where_the_tape_is_cut_changes_no_row() -> None:
    rows = [str(row) for row in seen(65_536)]
    assert [str(row) for row in seen(7)] == rows and len(rows) > 250


def test_a_calendar_that_is_not_there_is_named_before_anything_runs() -> None:
    with pytest.raises(NotFound, match="did you mean ff/calendar"):
        seen(64, series="ff/calender")
