"""Slippage: each model by hand, never better than the price unless samples are, one draw for one order."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError
from engine.core.instrument import instrument
from engine.frictions import pulse_state
from engine.kernels.book import Book
from tests.venue_models.bench import book_of, config_of, prices_of

VARIANCE = 4e-10
"""Per second: 0.0155 % a minute, 0.588 % a day."""


def seen(slippage: Any, bid: float = 1.1, ask: float = 1.1002, volume: float = 50.0, a_day: float = 2_000.0) -> Book:
    """A book whose market looks like this."""
    book = book_of(config_of(slippage=slippage))
    x = book[1][0]
    x["bid"], x["ask"], x["variance"], x["volume"], x["usual_volume"] = bid, ask, VARIANCE, volume, a_day
    return book


def worse(slippage: Any, lots: float = 1.0, **market: float) -> list[float]:
    """What buying at 1.1002 and selling at 1.1 lose, in points of 0.00001."""
    book = seen(slippage, **market)
    bought, sold = prices_of(book, 1.1002, 1, lots)[0], prices_of(book, 1.1, -1, lots)[0]
    return [round((bought - 1.1002) * 1e5, 3), round((1.1 - sold) * 1e5, 3)]


def test_no_slippage_leaves_the_price_to_the_last_bit() -> None:
    assert prices_of(seen("0 points"), 1.10023456789, 1).tolist() == [1.10023456789]


@pytest.mark.parametrize(
    ("slippage", "lots", "by"),
    [
        ("1.5 points", 1.0, 1.5),
        ("25 % spread", 1.0, 5.0),
        ("25 % of spread", 9.0, 5.0),
        # 0.1 x price x sqrt(4e-10 x 60 s) = 0.1 x 1.1002 x 1.549193e-4 = 1.704424e-5; of the bid 1.704114e-5
        ("0.1 sigma", 1.0, 1.704),
        # over 15 minutes: sqrt(15) as much
        ({"model": "volatility", "share": 0.1, "over": "15 min"}, 1.0, 6.6),
        # 0.1 x price x (5 / 50) ** 2 = 1.1002e-3
        ({"model": "volume"}, 5.0, 110.0),
        # an order as large as all that traded, or larger: price x factor
        ({"model": "volume", "factor": 0.001, "power": 1.0}, 80.0, 110.0),
        # 1 x price x sqrt(4e-10 x 86400) x sqrt(20 / 2000) = 1.1002 x 5.878775e-3 x 0.1 = 6.4678e-4
        ({"model": "impact"}, 20.0, 64.67),
        # Almgren et al.: 0.142 x 1.1002 x 5.878775e-3 x 0.01 ** 0.6 = 0.142 x 6.46783e-3 x 0.0630957
        ({"model": "impact", "factor": 0.142, "power": 0.6}, 20.0, 5.795),
        ({"model": "samples", "samples": [2.0]}, 1.0, 2.0),
        ({"model": "samples", "samples": [-2.0]}, 1.0, -2.0),
    ],
)  # fmt: skip
def test_each_model_gives_what_is_worked_out_by_hand(slippage: Any, lots: float, by: float) -> None:
    assert worse(slippage, lots) == pytest.approx([by, by], rel=2e-4, abs=2e-3)


@pytest.mark.parametrize("slippage", ["0.1 sigma", {"model": "volume"}, {"model": "impact"}])
def test_what_the_market_has_not_shown_yet_costs_nothing(slippage: Any) -> None:
    book = seen(slippage)
    for field in ("variance", "volume", "usual_volume"):
        book[1][field] = np.nan
    assert prices_of(book, 1.1002, 1).tolist() == [1.1002]


def test_nothing_traded_is_as_if_the_order_were_all_of_it() -> None:
    assert worse({"model": "volume", "factor": 0.001}, 1.0, volume=0.0) == pytest.approx([110.02, 110.0])


models = st.one_of(
    st.floats(0, 50).map(lambda v: f"{v!r} points"),
    st.floats(0, 300).map(lambda v: f"{v!r} % spread"),
    st.floats(0, 20).map(lambda v: f"{v!r} sigma"),
    st.builds(lambda f, p: {"model": "volume", "factor": f, "power": p}, st.floats(0, 1), st.floats(0, 3)),
    st.builds(lambda f, p: {"model": "impact", "factor": f, "power": p}, st.floats(0, 3), st.floats(0, 3)),
    st.lists(st.floats(0, 30), min_size=1, max_size=5).map(lambda s: {"model": "samples", "samples": s}),
)


@settings(max_examples=80)
@given(
    models, st.sampled_from([1, -1]), st.floats(0.01, 500), st.floats(0.5, 2), st.integers(1, 10**6), st.integers(0, 9)
)
def test_slippage_never_betters_a_price_unless_samples_do(
    slippage: Any, side: int, lots: float, price: float, key: int, spread: int
) -> None:
    price = round(price, 5)
    found = prices_of(seen(slippage, bid=price, ask=price + spread * 1e-5), price, side, lots, [key])[0]
    assert side * (found - price) >= -1e-12 and math.isfinite(found)


def test_the_same_order_slips_the_same_whatever_else_is_filled() -> None:
    book = seen({"model": "samples", "samples": [float(n) for n in range(50)]})
    alone = [prices_of(book, 1.1, 1, keys=[k])[0] for k in (3, 9, 27)]
    assert prices_of(book, 1.1, 1, keys=[27, 1, 9, 2, 3])[[4, 2, 0]].tolist() == alone
    other = prices_of(
        book_of(config_of(2, slippage={"model": "samples", "samples": [float(n) for n in range(50)]})), 1.1, 1
    )
    assert len({*alone, *other}) > 2


def test_samples_are_drawn_each_as_likely_and_may_lie_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "slips.csv"
    path.write_text("points\n0\n0\n1\n-1\n")
    found = prices_of(seen({"model": "samples", "file": str(path)}), 1.1, 1, keys=range(1, 4_001))
    values, counts = np.unique(np.round((found - 1.1) * 1e5), return_counts=True)
    assert values.tolist() == [-1, 0, 1] and counts / 4_000 == pytest.approx([0.25, 0.5, 0.25], abs=0.03)


@pytest.mark.parametrize(
    ("slippage", "said"),
    [
        ("2 pips", "pips mean different things"),
        ("2 sigmas", "did you mean sigma"),
        (2.0, "has no unit"),
        ({"model": "impakt"}, "did you mean impact"),
        ({"model": "samples"}, "needs samples"),
        ({"model": "volatility", "samples": [1.0]}, "samples: belongs to the model samples, not to volatility"),
        ({"model": "volatility", "volume": "3 lots"}, "volume: belongs to the models volume and impact"),
        ({"model": "impact", "factor": -1.0}, r"factor: must lie in 0\.\.100"),
        ({"model": "volatility", "over": "0 s"}, "over: must be more than 0"),
    ],
)
def test_a_slippage_that_cannot_be_meant_is_one_clear_error(slippage: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config_of(slippage=slippage)


def test_a_model_of_volume_needs_a_volume_that_counts_something() -> None:
    one = instrument("EURUSD")
    assert pulse_state(config_of(slippage="1 points"), [one]) is None
    assert pulse_state(config_of(slippage="0.1 sigma"), [one]) is not None
    with pytest.raises(ConfigError, match='quotes carry no volume.*say volume = "2000 lots"'):
        pulse_state(config_of(slippage={"model": "volume"}), [one])
    with pytest.raises(ConfigError, match="its bars count tick"):
        pulse_state(config_of(kind="bars", slippage={"model": "impact"}), [one])
    stated = pulse_state(config_of(slippage={"model": "impact", "volume": "2000 lots"}), [one])
    assert stated is not None and stated["per_day"].tolist() == [2_000.0]
