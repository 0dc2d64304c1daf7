"""What the declaration alone drives: parameters, wiring, order, sharing, names, identity."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import ConfigError, DataError
from engine.features import FEATURES, Plan, atr, bollinger, ema, feature, load_all, macd, moments, on, rsi, sma, swing
from engine.features.compiled import address
from engine.features.identity import tokens
from tests.features import market
from tests.features.market import Tape, batch, rows, same


def test_parameters_go_by_position_by_name_and_by_default():
    assert rsi(14) == rsi(period=14) == rsi() == rsi(14.0)
    assert hash(rsi(14)) == hash(rsi())
    assert rsi(15) != rsi()
    assert str(macd(5)) == "macd(fast=5, slow=26, smooth=9)"
    assert str(sma(9, close=rsi(14)).sma) == "sma(period=9, close=rsi(period=14).rsi).sma"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rsi(periood=14), "rsi has no parameter 'periood': did you mean period?"),
        (lambda: rsi(1), r"rsi\(period=1\) is impossible: it must hold that period >= 2"),
        (lambda: macd(30, 26), "fast < slow"),
        (lambda: rsi("14"), "rsi: period must be a whole number up to 1000000, not '14'"),
        (lambda: rsi(14.5), "period must be a whole number"),
        (lambda: rsi(True), "period must be a whole number"),
        (lambda: rsi(10**9), "period must be a whole number up to 1000000"),
        (lambda: bollinger(20, float("nan")), "deviations must be a number, not nan"),
        (lambda: bollinger(deviations=float("inf")), "deviations must be a number"),
        (lambda: rsi(14, 3), "rsi takes period: 2 values are too many"),
        (lambda: rsi(14, period=3), "period is given twice"),
        (lambda: sma(20, close="hgih"), "close cannot be 'hgih': did you mean high"),
        (lambda: sma(20, close="ts"), "close is a price, 'ts' is not"),
        (lambda: sma(20, open_ts="close"), "open_ts is a stamp, 'close' is not"),
        (lambda: sma(20, close=macd()), "has several outputs: say which"),
        (lambda: macd().sginal, "macd has no output 'sginal': did you mean signal?"),
        (lambda: Plan({"x": sma("period")}), "every parameter must be a number here"),
        (lambda: Plan({"x": 14}), "x = 14 is no feature"),
        (lambda: Plan({"close": sma()}), "'close' is a column of every table"),
        (lambda: Plan({"a b": sma()}), "'a b' cannot name a column"),
        (lambda: Plan({"m": macd(), "m_signal": sma()}), "two features would fill the column 'm_signal'"),
        (lambda: on("H1", "clsoe"), "did you mean close"),
        (lambda: on("H4", on("H1", rsi())), "is on a frame already"),
        (lambda: load_all().get("rsii"), "unknown feature 'rsii': did you mean rsi?"),
    ],
)
def test_a_mistake_is_answered_with_what_would_be_right(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_an_input_may_be_another_column_or_another_feature(ref):
    out = batch(
        Plan({"a": sma(5, close="high"), "r": rsi(14), "b": sma(9, close=rsi(14)), "c": ema(5, close=macd().signal)}),
        ref,
    )
    high = market.stamped(ref["open"], ref["high"], ref["low"], ref["high"])
    same({"a": out["a"]}, batch(Plan({"a": sma(5)}), high))
    assert np.flatnonzero(~np.isnan(out["b"]))[0] == 14 + 8 == sma(9, close=rsi(14)).warmup
    assert out["b"][30] == pytest.approx(out["r"][22:31].mean())
    assert np.flatnonzero(~np.isnan(out["c"]))[0] == 33 + 4


def test_what_several_need_is_computed_once():
    plan = Plan({"b": bollinger(20), "z": bollinger(20, 3.0), "m": moments(20), "s": sma(9, close=rsi(14))})
    assert [node.feature.name for node in plan.nodes] == ["moments", "bollinger", "bollinger", "rsi", "sma"]
    assert plan.columns == (
        "b_upper",
        "b_middle",
        "b_lower",
        "z_upper",
        "z_middle",
        "z_lower",
        "m_mean",
        "m_deviation",
        "s",
    )


def test_one_feature_under_two_names_fills_both_columns(ref):
    out = batch(Plan({"a": rsi(), "b": rsi(), "x": macd().signal, "m": macd(), "n": macd()}), ref)
    assert list(out) == ["a", "b", "x", "m", "m_signal", "m_histogram", "n", "n_signal", "n_histogram"]
    for one, other in (("a", "b"), ("x", "m_signal"), ("x", "n_signal"), ("m", "n"), ("m_histogram", "n_histogram")):
        same({"x": out[one]}, {"x": out[other]})


def test_a_main_output_takes_the_plain_name_and_others_are_appended():
    assert Plan({"m": macd()}).columns == ("m", "m_signal", "m_histogram")
    assert Plan({"b": bollinger()}).columns == ("b_upper", "b_middle", "b_lower")
    assert Plan({"up": bollinger().upper, "trend": sma}).columns == ("up", "trend")


def test_warmup_and_lookback_add_up_along_the_chain():
    plan = Plan({"a": sma(9, close=sma(20, close=rsi(14))), "s": swing(3, 4)})
    assert (plan.warmup, plan.lookback) == (14 + 19 + 8, 20)


def test_another_frame_is_a_column_that_the_engine_brings(ref):
    plan = Plan({"h": on("H1", macd()), "s": sma(3, close=on("H4", "close")), "t": sma(5, close=on("H1", rsi(14)))})
    assert plan.columns == ("h", "h_signal", "h_histogram", "s", "t")
    assert [(frame, str(spec), column) for _, frame, spec, column in plan.foreign] == [
        ("H1", "macd(fast=12, slow=26, smooth=9).macd", "h"),
        ("H1", "macd(fast=12, slow=26, smooth=9).signal", "h_signal"),
        ("H1", "macd(fast=12, slow=26, smooth=9).histogram", "h_histogram"),
        ("H4", "close", "_H4_close"),
        ("H1", "rsi(period=14).rsi", "_H1_rsi"),
    ]
    there = Plan({column: spec for _, frame, spec, column in plan.foreign if frame == "H1"})
    assert there.columns == ("h", "h_signal", "h_histogram", "_H1_rsi")
    slow = {"_H4_close": ref["close"].copy(), "_H1_rsi": np.where(np.arange(2000) < 50, np.nan, 1.0)}
    out: dict[str, np.ndarray] = {}
    plan.bind({**ref, **slow}, lambda name: out.setdefault(name, np.empty(2000))).extend(0, 2000)
    assert np.flatnonzero(~np.isnan(out["t"]))[0] == 54
    with pytest.raises(ConfigError, match="there is no column '_H4_close'"):
        plan.bind(ref, lambda name: np.empty(2000))


def test_columns_of_a_wrong_kind_are_refused(ref):
    plan = Plan({"x": rsi()})
    with pytest.raises(DataError, match="'close' must be float64"):
        plan.bind({"close": ref["close"].astype(np.float32)}, lambda name: np.empty(2000))
    with pytest.raises(DataError, match="as long as the others"):
        plan.bind(ref, lambda name: np.empty(1999))
    with pytest.raises(DataError, match="contiguous"):
        plan.bind({"close": ref["close"][::2]}, lambda name: np.empty(1000))


def test_a_snapshot_of_another_plan_is_refused():
    one, other = Tape(Plan({"x": rsi(14)})).bound, Tape(Plan({"x": rsi(15)})).bound
    with pytest.raises(DataError, match="other features"):
        other.restore(one.snapshot())
    with pytest.raises(DataError):
        one.restore(one.snapshot()[:-8])


def test_two_tables_with_the_same_features_keep_apart(ref):
    plan = Plan({"x": ema(5)})
    a, b = Tape(plan), Tape(plan)
    a.add(rows(ref, 0, 100))
    same(b.add(rows(ref, 0, 100)), batch(plan, rows(ref, 0, 100)))


def declared(body: str, **options):
    """A feature from source text, as an author writes it into a file."""
    import linecache
    from itertools import count

    name = next(f"<author {k}>" for k in count() if f"<author {k}>" not in linecache.cache)
    linecache.cache[name] = (len(body), None, body.splitlines(True), name)
    space: dict[str, object] = {"np": np, "atr": atr, "TWO": options.pop("constant", 2)}
    exec(compile(body, name, "exec"), space)
    return feature(registry=None, **options)(space["x"])


PLAIN = """def x(lo, hi, close, y, seen, period=3):
    for i in range(lo, hi):
        y[i] = close[i] * TWO
    return seen
"""
RING = """def x(lo, hi, close, y, seen, ring, period=3):
    for i in range(lo, hi):
        k = int(seen) % ring.size
        y[i] = ring[k] if seen >= period else np.nan
        ring[k] = close[i]
        seen += 1.0
    return seen
"""


def test_the_identity_changes_with_what_is_computed_and_with_nothing_else():
    base = declared(PLAIN, gives="y", keeps="seen").identity
    assert declared(PLAIN, gives="y", keeps="seen").identity == base
    commented = PLAIN.replace("close, y", "close,  y").replace("    for", '    """Twice."""\n    # why\n    for')
    assert declared(commented, gives="y", keeps="seen").identity == base
    assert declared(PLAIN.replace("* TWO", "* 3"), gives="y", keeps="seen").identity != base
    assert declared(PLAIN, gives="y", keeps="seen", constant=3).identity != base
    assert declared(PLAIN, gives="y", keeps="seen", version=2).identity != base
    assert rsi(14).identity != rsi(15).identity
    assert sma(14).identity != sma(14, close="high").identity
    assert sma(9, close=rsi(14)).identity != sma(9, close=rsi(15)).identity
    assert on("H1", rsi()).identity != rsi().identity != on("H4", rsi()).identity
    assert Plan({"a": rsi()}).identity != Plan({"b": rsi()}).identity


def test_the_identity_covers_the_helpers_that_a_kernel_calls(monkeypatch):
    from engine.features.identity import kernel_text
    from engine.kernels import rolling

    before = kernel_text(sma.kernel)
    assert "window_sum" in before and "total += x [ k ]" in before and "DAY = 86400000000000" in before
    monkeypatch.setitem(sma.kernel.__globals__, "DAY", rolling.DAY // 2)
    assert kernel_text(sma.kernel) != before


def test_comments_docstrings_and_layout_are_not_code():
    plain = tokens("def f(a):\n    return a + 1\n")
    assert tokens('@x(1)\ndef f(a):\n    """Doc."""\n\n    # why\n    return a  +  1  # how\n') == plain
    assert tokens("def f(a):\n    return a + 2\n") != plain


@pytest.mark.parametrize(
    ("body", "options", "message"),
    [
        ("def x(a, b): pass\n", {"gives": "y"}, "the first arguments are lo, hi"),
        ("def x(lo, hi, clsoe, y): pass\n", {"gives": "y"}, "'clsoe' is no column.*did you mean close"),
        ("def x(lo, hi, close): pass\n", {"gives": "y"}, "'y' is declared but no argument"),
        (
            "def x(lo, hi, close, y, a, b):\n    return b, a\n",
            {"gives": "y", "keeps": "a b"},
            "must end with: return a, b",
        ),
        ("def x(lo, hi, close, y, a):\n    pass\n", {"gives": "y", "keeps": "a"}, "must end with: return a"),
        ("def x(lo, hi, close, y, a):\n    if lo: return a\n    return a\n", {"gives": "y", "keeps": "a"}, "must end"),
        ("def x(lo, hi, close, y):\n    return y\n", {"gives": "y"}, r"must end with: return \(nothing\)"),
        ("def x(lo, hi, close, frame):\n    pass\n", {"gives": "frame"}, "'frame' cannot name an output"),
        (
            "def x(lo, hi, close, y, n=3):\n    pass\n",
            {"gives": "y", "where": "m > 2"},
            "m > 2 speaks of m: no parameter",
        ),
        ("def x(lo, hi, close, y, n=3):\n    pass\n", {"gives": "y", "warmup": "n, n"}, "warmup"),
        ("def x(lo, hi, close, y, n='a'):\n    pass\n", {"gives": "y"}, "choices"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused_before_it_computes(body, options, message):
    with pytest.raises(ConfigError, match=message):
        address(declared(body, **options))


def test_a_kernel_that_numba_refuses_is_named(ref):
    broken = declared("def x(lo, hi, close, y):\n    y[lo] = close.nothing\n", gives="y")
    with pytest.raises(ConfigError, match="feature x does not compile"):
        batch(Plan({"x": broken}), ref)


def test_words_reach_the_kernel_as_their_place_in_the_choices(ref):
    styled = declared(
        "def x(lo, hi, close, y, style='talib', on=True, k=2.5):\n    for i in range(lo, hi):\n"
        "        y[i] = close[i] * k if style == 1 and on else 0.0\n",
        gives="y", choices={"style": ("talib", "mt5")},
    )  # fmt: skip
    assert batch(Plan({"x": styled(style="mt5")}), ref)["x"][7] == ref["close"][7] * 2.5
    assert batch(Plan({"x": styled("mt5", on=False)}), ref)["x"][7] == 0.0
    assert batch(Plan({"x": styled()}), ref)["x"][7] == 0.0
    with pytest.raises(ConfigError, match="style must be 'talib' or 'mt5', not 'metatrader'"):
        styled(style="metatrader")
    with pytest.raises(ConfigError, match="on must be true or false"):
        styled(on=1)


def test_a_default_follows_the_parameters_of_the_feature_it_serves(ref):
    banded = declared(
        "def x(lo, hi, close, y, width=atr('2 * slow'), slow=5):\n    for i in range(lo, hi):\n"
        "        y[i] = close[i] + width[i]\n",
        gives="y",
    )  # fmt: skip
    plan = Plan({"x": banded(slow=4), "a": atr(8)})
    assert [str(node.spec) for node in plan.nodes] == ["atr(period=8)", "x(slow=4)"]
    out = batch(plan, ref)
    same({"x": out["x"]}, {"x": ref["close"] + out["a"]})
    assert banded(slow=4).warmup == 8
    with pytest.raises(ConfigError, match=r"atr\(period=0, .*is impossible"):
        banded(slow=0)
    assert Plan({"x": banded(width=atr(3))}).nodes[0].params == {"period": 3, "style": "wilder"}


RATIO = """def x(lo, hi, a, b, y, power=1):
    for i in range(lo, hi):
        y[i] = (a[i] / b[i]) ** power
"""


def test_a_feature_may_ask_for_its_inputs(ref):
    ratio = declared(RATIO, gives="y", takes="a b")
    out = batch(Plan({"x": ratio(sma(5), "high"), "z": ratio(b="low", a=sma(5), power=2), "s": sma(5)}), ref)
    same({"x": out["x"], "z": out["z"]}, {"x": out["s"] / ref["high"], "z": (out["s"] / ref["low"]) ** 2})
    assert str(ratio("close", "high")) == "x(power=1, a='close', b='high')"
    with pytest.raises(ConfigError, match="x needs b: a column or a feature"):
        ratio("close")
    with pytest.raises(ConfigError, match="'c' is declared but no argument"):
        declared(RATIO, gives="y", takes="a b c")
    with pytest.raises(ConfigError, match="'b' is no column"):
        declared(RATIO, gives="y", takes="a")


def test_vectors_are_kept_in_place_and_are_as_long_as_declared(ref):
    lagged = declared(RING, gives="y", keeps="seen ring[period]", warmup="period")
    tape = Tape(Plan({"x": lagged(period=7)}))
    got = np.concatenate([tape.add(rows(ref, k, k + 1))["x"] for k in range(100)])
    assert (got[7:] == ref["close"][:93]).all() and len(tape.bound.snapshot()) == 12 + 8 * 8


def test_every_registered_feature_says_what_it_is_and_what_it_serves():
    for made in market.library():
        assert made.summary.endswith("."), f"{made.name}: the first line of its docstring is a sentence"
        assert made.covers, f"{made.name} serves no wish"


def test_the_table_of_features_is_up_to_date():
    """`python -m engine.features.docs` writes it."""
    from engine.features.docs import PAGE, page

    text = PAGE.read_text()
    assert page(text) == text
    assert all(f"`{made.name}(" in text for made in market.library())


def test_no_feature_is_called_like_a_file_of_the_package():
    """`from engine.features import swing` must be the feature, never a module."""
    import pkgutil

    import engine.features

    assert not {m.name for m in pkgutil.iter_modules(engine.features.__path__)} & set(FEATURES)
    with pytest.raises(ImportError):
        exec("from engine.features import no_such_feature")


def test_a_bound_feature_travels_to_another_process():
    import copy
    import pickle

    for spec in (rsi(7), sma(9, close=rsi(14)), macd().signal, on("H1", bollinger(30))):
        assert pickle.loads(pickle.dumps(spec)) == spec == copy.deepcopy(spec)
