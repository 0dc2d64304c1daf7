"""Short texts: only what is listed is understood, nothing is evaluated, and what is unknown is not true."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError
from engine.features import bollinger, ema, on, rsi, sma
from engine.features.text import read_feature
from engine.rules.formula import LONGEST, Unknown, read_formula

NAMES = ("a", "b", "c")
numbers = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))


def bars(*rows: tuple[float, ...]) -> list[dict[str, float]]:
    return [dict(zip(NAMES, row, strict=False)) for row in rows]


arithmetic = st.recursive(
    st.sampled_from(NAMES) | st.integers(0, 99).map(str),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    arithmetic, arithmetic, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.tuples(numbers, numbers, numbers)
)
def test_a_comparison_is_what_python_says_of_the_same_text(
    left: str, right: str, op: str, row: tuple[float, float, float]
) -> None:
    text = f"not {left} {op} {right}"
    if len(text) > LONGEST:
        return
    formula, known = read_formula(text, NAMES), bars(row)
    try:
        wanted = eval(text, {"__builtins__": {}}, {k: float(v) for k, v in known[0].items()})
    except ZeroDivisionError:
        with pytest.raises(Unknown):
            formula(known)
        return
    assert formula.logical
    try:
        assert formula(known) is wanted
    except Unknown:  # infinity less infinity
        assert "*" in text or "/" in text


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=5, max_size=12))
def test_crossings_rises_and_values_ago_are_those_of_the_bars(rows: list[tuple[float, float]]) -> None:
    known = bars(*rows)
    (a0, b0), (a1, b1) = rows[-2:]
    assert read_formula("crosses_above(a, b)", NAMES)(known) is (a0 <= b0 and a1 > b1)
    assert read_formula("crosses_below(a, b)", NAMES)(known) is (a0 >= b0 and a1 < b1)
    last = [a for a, _ in rows[-4:]]
    assert read_formula("rising(a, 3)", NAMES)(known) is all(x < y for x, y in zip(last, last[1:], strict=False))
    assert read_formula("falling(a, 3)", NAMES)(known) is all(x > y for x, y in zip(last, last[1:], strict=False))
    assert read_formula("ago(a, 2)", NAMES)(known) == rows[-3][0]
    assert read_formula("ago(a - ago(b, 1), 2)", NAMES)(known) == rows[-3][0] - rows[-4][1]
    assert read_formula("ago(crosses, 1)" if False else "ago(ago(a, 1), 3)", NAMES).back == 4


@pytest.mark.parametrize("text", ["a > b", "not a > b", "a > 1 or b > 1", "crosses_above(a, b)", "ago(a, 3) > 0"])
def test_what_is_not_known_yet_is_neither_true_nor_false(text: str) -> None:
    with pytest.raises(Unknown):
        read_formula(text, NAMES)(bars((math.nan, 1.0, 1.0)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("aa > 1", "unknown name 'aa': did you mean a?"),
        ("rsi(14) < 30", "unknown function 'rsi'.*features are named under"),
        ("cross_above(a, b)", "did you mean crosses_above"),
        ("a >", "cannot be read"),
        ("a = 1", "cannot be read"),
        ("", "is no rule"),
        (True, "is no rule"),
        ("a > 'x'", "'x' is no number"),
        ("a > True", "True is no number"),
        ("a.real > 1", "a.real is no part of a rule"),
        ("__import__('os').system('x')", "unknown function"),
        ("().__class__", "is no part of a rule"),
        ("[x for x in a]", "is no part of a rule"),
        ("(lambda: 1)() > 0", "unknown function"),
        ("a ** 9 > 1", r"a \*\* 9: \+ - \* / are what there is"),
        ("a in b", "compare with <"),
        ("a and b", "a is a number: compare it, like a > 0"),
        ("(a > 1) + 1 > 0", "a > 1 is true or false, a number is wanted"),
        ("ago(a, b) > 1", "a number of bars from 1 to 1000"),
        ("ago(a, 0) > 1", "a number of bars from 1 to 1000"),
        ("min(a) > 1", "min takes 2 values"),
        ("-" * 250 + "a > 1", "nested too deep"),
        ("a > " + "1" * 400, "longer than 300 characters"),
        ("(" * 200 + "a" + ")" * 90, "cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_would_be_right(text: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_formula(text, NAMES)


@settings(max_examples=150, deadline=None)
@given(st.text("ab()+-*/<>=.,_ 0123456789'[]{}:;@!&|^%~\n\\\"klmort\x00é", max_size=40))
def test_any_text_is_read_or_refused_with_a_config_error(text: str) -> None:
    for read in (lambda t: read_formula(t, NAMES), read_feature):
        try:
            read(text)
        except ConfigError:
            pass


def test_features_are_read_as_a_strategy_would_write_them() -> None:
    assert read_feature("rsi(14)") == rsi(14) and read_feature("rsi") == rsi()
    assert read_feature("bollinger(20, deviations=2.5).upper") == bollinger(20, 2.5).upper
    assert read_feature('on("h4", ema(50))') == on("H4", ema(50)) and read_feature('on("D1", "high")') == on(
        "D1", "high"
    )
    assert read_feature("sma(9, close=rsi(14))") == sma(9, close=rsi(14))
    for text, message in {
        "rsii(14)": "unknown feature 'rsii': did you mean rsi?", "rsi(1)": "it must hold that period >= 2",
        "rsi(periood=3)": "did you mean period", "bollinger(20).uper": "has no output 'uper': did you mean upper",
        "on('H9', rsi)": "H9", "14": "is no feature", "rsi.kernel": "no output 'kernel'", "on('H4')": "write on",
        "sma('period')": "every parameter must be a number here", "open('/etc/passwd')": "unknown feature 'open'",
        "rsi(*a)": "is not part of a feature", "rsi(**a)": "is not part of a feature",
    }.items():  # fmt: skip
        with pytest.raises(ConfigError, match=message):
            read_feature(text)
