"""Profiles: every figure recounted by pandas, cuts change nothing, the page needs nothing from outside."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.core.errors import OutputError
from engine.feeds.lineage import Columns, part, size
from engine.feeds.quality.page import page, write_page
from engine.feeds.quality.profile import Profile, collect, describe, profile
from engine.feeds.quality.source import Source
from engine.feeds.quality.week import week_of
from tests.quality.conftest import QUOTES


def profiled(columns: Columns, cut: int = 1 << 20) -> Profile:
    chunks = (part(columns, slice(lo, lo + cut)) for lo in range(0, size(columns), cut))
    found, seen = collect(Source("x", QUOTES, chunks, ""), week_of("EURUSD"), None)
    return describe(found, seen, QUOTES, week_of("EURUSD"))


def test_a_real_day_recounted_by_pandas(real_day: Columns) -> None:
    made = profiled(real_day)
    frame = pd.DataFrame({n: real_day[n] for n in ("bid", "ask")}, index=pd.to_datetime(real_day["ts"], utc=True))
    spread = frame["ask"] - frame["bid"]
    mid = ((frame["bid"] + frame["ask"]) / 2).resample("1min").last().dropna()
    returns = np.log(mid).diff().dropna()
    assert made.rows == 136_741 and made.returns.n == len(returns) == 1_439
    assert made.returns.mean == pytest.approx(returns.mean()) and made.returns.std == pytest.approx(returns.std())
    assert made.spread is not None and made.spread.n == 136_741
    for q in (0.01, 0.5, 0.99):
        assert made.spread.quantiles[f"p{100 * q:g}"] == pytest.approx(spread.quantile(q))
    by_hour = spread.groupby(spread.index.hour)
    assert made.spread_by_hour == pytest.approx(by_hour.median().tolist())
    assert made.rows_by_hour == by_hour.size().tolist()
    assert (made.grade, made.score, [d.expected for d in made.days]) == ("A", 100.0, [1440])


def test_cuts_change_nothing_in_a_profile(real_day: Columns) -> None:
    some = part(real_day, slice(0, 20_000))
    assert profiled(some) == profiled(some, 777)


def test_the_score_is_the_catalogues_product(real_day: Columns) -> None:
    """Catalogue row 22: 100 x product of (1 - w bad), here half of the day missing and one row in ten crossed."""
    half = part(
        real_day, slice(0, int(np.searchsorted(real_day["ts"], real_day["ts"][0] // 10**9 * 10**9 + 12 * 3600 * 10**9)))
    )
    half = {name: values.copy() for name, values in half.items()}
    half["ask"][::10] = half["bid"][::10] - 1e-4
    made = profiled(half)
    crossed = len(half["ts"][::10]) / len(half["ts"])
    assert made.days[0].seen == 720 and made.score == pytest.approx(100 * (1 - 0.4 * 0.5) * (1 - 0.3 * crossed))


def test_drift_against_itself_is_none_and_against_another_market_is(shared: Path) -> None:
    day = shared / "data/fx_ticks/eurusd_dukascopy_ticks_2019-02-04.parquet"
    same = profile(day, day)
    assert {one.verdict for one in same.drift.values()} == {"same"} and same.drift["spread"].w1 == 0.0
    other = profile(shared / "data/fx_ticks/nautilus__truefx__usdjpy-ticks.csv", day)
    assert other.drift["spread"].verdict == "changed"


def test_the_page_opens_without_a_network(real_day: Columns, tmp_path: Path) -> None:
    made = profiled(part(real_day, slice(0, 5_000)))
    made.name = "<script>alert(1)</script>"
    text = write_page(made, tmp_path / "deep" / "p.html").read_text("utf-8")
    assert text == page(made) and "<script" not in text and text.count("<svg") == 5
    assert not re.search(r"(src|href)=\"(?!data:)|https?://|@import|url\(", text)
    assert "default-src 'none'" in text and [p.name for p in (tmp_path / "deep").iterdir()] == ["p.html"]
    with pytest.raises(OutputError, match="cannot be written"):
        write_page(made, tmp_path / "deep" / "p.html" / "q.html")
