"""Time stamps as text: every form, checked against pandas; what cannot be read is never guessed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError, DataError
from engine.feeds.importers.stamps import Reader

MOMENTS = st.lists(st.integers(0, 4_102_444_800_000), min_size=1, max_size=30)  # ms, 1970 to 2100
FORMS = {
    "%Y-%m-%d %H:%M:%S.%f": None, "%Y-%m-%dT%H:%M:%S.%fZ": None, "%Y.%m.%d %H:%M:%S": None, "%Y%m%d %H%M%S": None,
    "%Y%m%d %H%M%S%f": None, "%d.%m.%Y %H:%M:%S.%f": None, "%d/%m/%Y %H:%M": "dmy", "%m/%d/%Y %H:%M": "mdy",
    "%Y-%m-%d": None, "%Y-%m-%d %H:%M:%S.%f+00:00": None, "%Y-%m-%d %H:%M": None,
}  # fmt: skip


def read(texts: list[str], form: str | None = None) -> list[int]:
    return Reader(form).read(pa.array(texts), None, 0).tolist()


def ns(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


@settings(max_examples=120)
@given(MOMENTS, st.sampled_from(sorted(FORMS)))
def test_every_form_is_read_as_pandas_reads_it(moments: list[int], form: str) -> None:
    texts = [pd.Timestamp(ms, unit="ms").strftime(form) for ms in moments]
    expected = pd.to_datetime(pd.Series(texts), format=form, utc=True).astype("datetime64[ns, UTC]").astype("int64")
    assert read(texts, FORMS[form]) == expected.tolist()


def test_fractions_and_missing_seconds_may_differ_from_row_to_row() -> None:
    texts = [f"2019-02-04 00:00:0{end}" for end in ("0.994", "1", "1.5", "1.123456789")]
    start = ns("2019-02-04")
    assert read(texts) == [start + n for n in (994_000_000, 10**9, 1_500_000_000, 1_123_456_789)]


def test_an_offset_in_the_text_makes_it_utc() -> None:
    reader = Reader()
    got = reader.read(pa.array(["2013-01-01 22:00:00-05:00", "2013-01-01 22:00:00+05:30"]), None, 0)
    assert got.tolist() == [ns("2013-01-02T03:00"), ns("2013-01-01T16:30")] and reader.own_zone


@pytest.mark.parametrize(
    ("text", "value"),
    [("1672531436", 1672531436 * 10**9), ("1672531436123", 1672531436123 * 10**6),
     ("1672531436.5", 16725314365 * 10**8), ("1672531436123456", 1672531436123456 * 10**3),
     ("1672531436123456789", 1672531436123456789)],
)  # fmt: skip
def test_numbers_are_seconds_to_nanoseconds_since_1970_by_their_length(text: str, value: int) -> None:
    assert read([text]) == [value]


@pytest.mark.parametrize(
    ("texts", "row"),
    [(["hello"], 1), (["2019-02-30"], 1), (["2019-13-01"], 1), (["2019-02-03", "2019-0x-03"], 2),
     (["2019-02-03 24:00"], 1), (["2019-02-03 10:00", "2019/02-03 10:00"], 2),
     (["1672531436", "167253143x"], 2), (["", "2019-02-03"], 1), (["2019-02-03 10:61"], 1), (["02-2019-03"], 1)],
)  # fmt: skip
def test_what_cannot_be_read_is_an_error_that_names_its_row(texts: list[str], row: int) -> None:
    with pytest.raises(DataError, match=f"row {row}: time .* cannot be read"):
        read(texts)


def test_day_or_month_first_is_settled_by_the_numbers_or_asked_for() -> None:
    assert read(["03/04/2017", "25/04/2017"]) == [ns("2017-04-03"), ns("2017-04-25")]
    assert read(["03/04/2017", "04/25/2017"]) == [ns("2017-03-04"), ns("2017-04-25")]
    with pytest.raises(ConfigError, match="day or month first"):
        read(["03/04/2017"])
    with pytest.raises(ConfigError, match="known are ymd, dmy"):
        Reader("european")
