"""`onetape data get` as it is typed: what it prints, what it returns, how fast it asks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cli
from engine.adapters.fetch import Bucket, retry_after
from engine.adapters.get import get
from engine.core.clock import parse_time, wall_ns
from engine.core.zones import DAY
from engine.ops import console
from tests.adapters.site import Site, status

ASK = ["data", "get", "dukascopy", "EURUSD", "--from", "2019-02-04", "--to", "2019-02-05", "--rate", "100000"]


def test_it_says_what_came_and_from_where(duka: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert console.run(cli.app, ASK) == 0
    told = capsys.readouterr()
    assert "dukascopy/EURUSD/quotes  41,056  41,056" in told.out.replace("41056", "41,056")
    assert "24 payloads of dukascopy: 6 fetched (0.2 MB), 0 from the cache, 18 not there" in told.out
    assert told.err == ""


def test_a_program_gets_the_same_as_json(duka: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert console.run(cli.app, [*ASK, "--tf", "M1", "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["dataset"], line["rows"], line["provider"]) == ("dukascopy/EURUSD/bars-M1", 1440, "dukascopy")
    assert (line["first"], line["payloads"], line["from_cache"]) == ("2019-02-04 00:00:00", 1, 0)


@pytest.mark.parametrize(("args", "code", "says"), [
    (["data", "get", "dukascopi", "EURUSD", "--from", "2019-02-04"], 2, "did you mean dukascopy?"),
    (["data", "get", "dukascopy", "EURUSD"], 2, "from when? say it: --from 2024-01-01"),
    ([*ASK, "--tf", "M5"], 2, "dukascopy has no M5 bars: --tf M1 H1 D1, or none for ticks"),
    ([*ASK, "--tf", "M1", "--basis", "bit"], 2, "--basis bit: did you mean bid?"),
    (["data", "get", "dukascopy", "GBPUSD", *ASK[4:]], 6, "dukascopy has nothing of GBPUSD"),
    ([*ASK, "--funding"], 2, "dukascopy has no funding rates"),
])  # fmt: skip
def test_a_mistake_is_one_line_and_its_exit_code(
    duka: Site, capsys: pytest.CaptureFixture[str], args: list[str], code: int, says: str
) -> None:
    assert console.run(cli.app, args) == code
    told = capsys.readouterr().err
    assert says in told and told.count("\n") == 1 and told.startswith("error: ")


def test_who_does_not_answer_in_time_is_exit_code_5(duka: Site, capsys: pytest.CaptureFixture[str]) -> None:
    duka.faults["/EURUSD/2019/01/04/00h_ticks.bi5"] = [status(429, Retry_After="900")]
    assert console.run(cli.app, ASK) == 5
    assert "asks to wait 900 s" in capsys.readouterr().err


def test_progress_counts_the_days_to_the_last(duka: Site) -> None:
    seen: list[tuple[int, int]] = []
    first = parse_time("2019-02-04")
    get("dukascopy", "EURUSD", first, first + 3 * DAY, "M1", progress=lambda *at: seen.append(at))
    assert seen == [(1, 3), (2, 3), (3, 3)]


@given(
    st.floats(0.1, 50), st.integers(1, 5), st.lists(st.floats(0, 3), min_size=1, max_size=40)
)  # fmt: skip
@settings(max_examples=60)
def test_no_second_sees_more_requests_than_the_rate_and_the_burst(rate: float, burst: int, pauses: list[float]) -> None:
    here = 0.0

    def sleep(seconds: float) -> None:
        nonlocal here
        here += seconds

    bucket = Bucket(rate, burst, lambda: here, sleep)
    asked = []
    for pause in pauses:
        here += pause
        bucket.take()
        asked.append(here)
    for i, start in enumerate(asked):
        inside = sum(start <= at <= start + 1 for at in asked[i:])
        assert inside <= burst + rate + 1 + 1e-6


def test_a_wait_may_be_seconds_or_a_date() -> None:
    from email.utils import formatdate

    assert retry_after("7") == 7.0 and retry_after(None) is None and retry_after("soon") is None
    later = retry_after(formatdate(wall_ns() / 1e9 + 60, usegmt=True))
    assert later is not None and 57 < later <= 60
    assert retry_after("Mon, 01 Jan 2001 00:00:00 GMT") == 0.0
