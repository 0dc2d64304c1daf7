"""What the guides show works as written."""

from __future__ import annotations

import re
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.core.errors import ConfigError
from engine.feeds.tapes import open_tape
from engine.rules.book import ENTRY_KEYS, KEYS, read_rules
from engine.rules.formula import FUNCTIONS
from engine.strategy import make

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
COMING = (GUIDES / "coming-from.md").read_text("utf-8")
RULES = (GUIDES / "rules.md").read_text("utf-8")
BLOCKS = [b for b in re.findall(r"```python\n(.*?)```", COMING, re.DOTALL) if "engine" in b]


def test_our_side_of_the_comparison_runs(capsys: pytest.CaptureFixture[str]) -> None:
    cross, table = BLOCKS
    made: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(cross.replace("@strategy\n", ""), "coming-from.md", "exec"), made)
    run = engine.backtest(made["Cross"](), open_tape("demo", ["EURUSD"], "H1", "2017-01", "2017-06"))
    assert len(run.trades) > 10
    exec(compile(table, "coming-from.md", "exec"), {})
    assert capsys.readouterr().out == "1 trade\n"


def test_the_rules_shown_are_rules_and_a_typing_error_in_them_reads_as_shown() -> None:
    (shown,) = (b for b in re.findall(r"((?:^    .*\n|^\n)+)", RULES, re.MULTILINE) if "[features]" in b)
    table = tomllib.loads(textwrap.dedent(shown))
    assert len(read_rules(table).entries) == 1
    table["long"]["all"][1] = "strenght < 10"
    with pytest.raises(ConfigError) as error:
        read_rules(table, "pullback.toml")
    assert str(error.value) in RULES


def test_every_key_and_function_of_a_rule_file_is_explained() -> None:
    for word in (*KEYS, *ENTRY_KEYS, *FUNCTIONS):
        assert re.search(rf"`[^`]*\b{word}\b[^`]*`", RULES), word
    for target in re.findall(r"\]\(([^)#]+)\)", RULES + COMING):
        assert (GUIDES / target).exists(), target


def test_the_strategies_in_front_of_others_are_shown_as_they_are_written() -> None:
    text = (GUIDES / "strategies.md").read_text("utf-8")
    made = []
    for block in re.findall(r"((?:^    .*\n)+)", text, re.MULTILINE):
        if "[[strategy]]" in block:
            made += [make(one["name"], one["params"]) for one in tomllib.loads(textwrap.dedent(block))["strategy"]]
    regimes = re.findall(r'^    (regime = ".*?") +#', text, re.MULTILINE)
    made += [make("filtered", tomllib.loads(line)) for line in regimes]
    assert [one.id for one in made] == ["filtered", "confident", "selected", "filtered", "filtered"]
    assert all(one.features() for one in made)
