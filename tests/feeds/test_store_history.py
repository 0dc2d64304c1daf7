"""Earlier versions of bars: what was revised or came late, when, and how the catalogue looked before."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cli
from engine.core.errors import ConfigError
from engine.core.zones import HOUR
from engine.feeds import append
from engine.feeds.lineage import Columns, join, size
from engine.feeds.store_history import HISTORY, LOG, read_known, revisions
from engine.ops import console
from tests.feeds.test_catalogue import BARS, QUOTES, bars, put, quotes, read

NAME = "test/EURUSD/bars-H1"
Plan = list[tuple[list[int], float]]


class Clock:
    """The wall clock of imports: 100, 200, 300 ..."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0
        monkeypatch.setattr(append, "wall_ns", self.tick)

    def tick(self) -> int:
        self.now += 100
        return self.now


def known(**when: int) -> Columns:
    stretches = list(read_known(NAME, **when))
    return join(stretches) if stretches else {n: np.empty(0) for n in ("open_ts", "close", "version")}


def test_a_revision_is_listed_with_its_time_its_old_and_its_new_values(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    put(BARS, bars([0, 1, 3], [1.0, 1.1, 1.3]))
    put(BARS, bars([1], [2.1]))
    put(BARS, bars([1, 2], [2.2, 9.0]))
    prices = ("open", "high", "low", "close")
    assert revisions(NAME) == [
        {
            "at": 200,
            "open_ts": HOUR,
            "version": 2,
            "old": dict.fromkeys(prices, 1.1),
            "new": dict.fromkeys(prices, 2.1),
        },
        {
            "at": 300,
            "open_ts": HOUR,
            "version": 3,
            "old": dict.fromkeys(prices, 2.1),
            "new": dict.fromkeys(prices, 2.2),
        },
        {"at": 300, "open_ts": 2 * HOUR, "version": 1, "old": {}, "new": dict.fromkeys(prices, 9.0)},
    ]
    assert known(at=99)["close"].tolist() == []
    assert known(at=100)["close"].tolist() == [1.0, 1.1, 1.3]
    assert known(at=299)["close"].tolist() == [1.0, 2.1, 1.3]
    assert known(at=300)["close"].tolist() == [1.0, 2.2, 9.0, 1.3] == read(NAME)["close"].tolist()
    assert [known(version=v)["close"].tolist()[1] for v in (1, 2, 3, 9)] == [1.1, 2.1, 2.2, 2.2]
    assert known(version=2)["version"].tolist() == [1, 2, 1, 1]


@settings(max_examples=30)
@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(8_700, 8_790), st.integers(1, 4)), min_size=1, max_size=12, unique_by=lambda b: b[0]
        ),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_the_catalogue_of_any_earlier_moment_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, imports: list[list[tuple[int, int]]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:  # bars of two years: two files
        patch.setenv("ONETAPE_DATA", str(tmp_path_factory.mktemp("root")))
        Clock(patch)
        model: dict[int, float] = {}
        states, firsts = [], {}
        for rows in imports:
            rows = sorted(rows)
            put(BARS, bars([k for k, _ in rows], [float(v) for _, v in rows]))
            model |= dict(rows)
            firsts = {**dict(rows), **firsts}
            states.append(dict(model))
        for n, state in enumerate(states, 1):
            then = known(at=100 * n + 50)
            got = dict(zip((then["open_ts"] // HOUR).tolist(), then["close"].tolist(), strict=True))
            assert got == state and (np.diff(then["open_ts"]) > 0).all()
        first = known(version=1)
        assert dict(zip((first["open_ts"] // HOUR).tolist(), first["close"].tolist(), strict=True)) == firsts


def test_the_same_data_again_writes_no_history(own_folders, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    Clock(monkeypatch)
    for _ in range(3):
        put(BARS, bars([0, 1, 2]))
    assert revisions(NAME) == [] and not list(own_folders.rglob("*.replaced"))
    assert len((own_folders / NAME / HISTORY / LOG).read_text().splitlines()) == 1


def test_a_torn_line_of_the_log_is_left_out_and_the_next_import_goes_on(own_folders, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    Clock(monkeypatch)
    put(BARS, bars([0, 1]))
    log = own_folders / NAME / HISTORY / LOG
    log.write_bytes(log.read_bytes() + b'{"at": 150, "fi')
    assert size(known(at=100)) == 2
    put(BARS, bars([2]))
    assert size(known(at=199)) == 2 and size(known(at=200)) == 3


def test_what_keeps_no_versions_says_so() -> None:
    put(QUOTES, quotes([1, 2]))
    for ask in (lambda: revisions("test/EURUSD/quotes"), lambda: list(read_known("test/EURUSD/quotes", at=5))):
        with pytest.raises(ConfigError, match="keeps no versions"):
            ask()
    put(BARS, bars([0]))
    with pytest.raises(ConfigError, match="one of the two"):
        list(read_known(NAME))


def test_the_command_line_lists_revisions(capsys: pytest.CaptureFixture[str]) -> None:
    put(BARS, bars([0, 1, 2], [1.0, 1.1, 1.2]))
    assert console.run(cli.app, ["data", "show", NAME, "--revisions"]) == 0
    assert "nothing was revised" in capsys.readouterr().out
    put(BARS, bars([1], [2.5]))
    assert console.run(cli.app, ["data", "show", NAME, "--revisions"]) == 0
    assert "close 1.1 -> 2.5" in capsys.readouterr().out
    assert console.run(cli.app, ["data", "show", NAME, "--revisions", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["open_ts"], one["version"], one["old"]["close"]) == ("1970-01-01 01:00:00", 2, 1.1)
