"""Limits that ship with the project can be laid over any config."""

from __future__ import annotations

import pytest

from engine.core.load import load


@pytest.mark.parametrize(
    ("name", "daily", "most"),
    [("prop-10-5", "4.5 % initial", "9 % initial"), ("prop-6-trailing", "2.7 % initial", None)],
)
def test_the_limits_of_an_evaluation_account_lie_over_a_config(name: str, daily: str, most: str | None) -> None:
    risk = load("demo", on=[name], env={}).risk
    assert str(risk.daily_loss) == daily and (str(risk.max_loss) if most else risk.max_loss) == most
    assert risk.day and str(risk.size) == "1 % risk", "the size stays the strategy's"
