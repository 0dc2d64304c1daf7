"""The acceptance numbers of the feature notes that no other file holds: the reference series, and live = batch.

Where the others are: 2 test_candle, 3 to 5 test_indicators and test_oracle, the rest of 6 test_laws, 10 test_clocks,
14 test_phases, 15 test_lookahead.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest

from engine.features import FEATURES, Plan, context, feature, load_all
from tests.features import market
from tests.features.market import batch
from tests.features.test_oracle import WITH_ORACLE

load_all()


def test_the_reference_series_is_the_catalogues_to_the_last_bit(ref):
    columns = [ref[name].astype("<f8").tobytes() for name in ("open", "high", "low", "close", "volume")]
    told = "05d70466e33cb9ce8fc10e332f53da5bfaf5778ec527b58c8433778b945b7202"
    assert hashlib.sha256(b"".join(columns)).hexdigest() == told
    assert [ref[n][0] for n in ("open", "high", "low", "close", "volume")] == [1.10001, 1.10014, 1.09964, 1.10004, 199]
    assert ref["close"][1999] == 1.08591 and ref["volume"].sum() == 1103967


def streamed(like: str, columns: dict[str, np.ndarray], warm: int) -> list[np.ndarray]:
    """What a handle of TA-Lib's own streaming interface says of each bar from `warm` on."""
    abstract, stream = pytest.importorskip("talib.abstract"), pytest.importorskip("talib.stream")
    name, _, output = like.removeprefix("talib.").partition(".")
    function, fed = abstract.Function(name), []
    for asked in function.input_names.values():
        fed += [columns[word] for word in ([asked] if isinstance(asked, str) else asked)]
    handle = getattr(stream, name)(*(column[:warm] for column in fed))
    made = [handle.update(*(float(column[i]) for column in fed)) for i in range(warm, len(columns["close"]))]
    each = [np.array(values, float) for values in zip(*made, strict=True)] if len(function.output_names) > 1 else [
        np.array(made, float)]  # fmt: skip
    return [each[function.output_names.index(output)]] if output else each


LOOSER = {
    **dict.fromkeys(("macdext", "dpo", "trix", "ao"), 1e-11),  # small differences of averages
    **dict.fromkeys(("linearreg", "fosc", "ht_dcperiod", "ht_phasor", "ht_dcphase", "ht_sine"), 1e-10),  # and angles
}


@pytest.mark.parametrize("one", [f for f in WITH_ORACLE if f.name != "moments"], ids=lambda f: f.name)
def test_bar_by_bar_it_is_what_talibs_stream_says(one, ref):
    """Number 6: rows 1900 to 1999 of REF, each fed alone, against handles that TA-Lib carries on itself."""
    from tests.features.test_indicators import theirs

    params, _ = theirs(one)
    ours = list(batch(Plan({"x": one(**params)}), ref).values())
    found: list[np.ndarray | None] = []
    for like in one.like:
        found += [None] if like == "-" else streamed(like, ref, 1_900)
    for a, b in zip(ours, found, strict=True):
        if b is not None:
            assert np.abs(a[1_900:] - b).max() <= LOOSER.get(one.name, 1e-12) * np.abs(b).max()


# ---------------------------------------------------------------- columns that need more than the prices of one year


@feature(gives="wrong", keeps="seen last", warmup="1", unit="event", registry=None)
def wrong(lo, hi, close, wrong, seen, last, points=8.0):
    """Was the forecast "the next close is within so many points of this one" wrong?"""
    for i in range(lo, hi):
        wrong[i] = np.nan
        if seen > 0.0:
            wrong[i] = 1.0 if abs(close[i] - last) > points * 1e-4 else 0.0
        last = close[i]
        seen += 1.0
    return seen, last


@pytest.mark.parametrize("name", ["ddm", "eddm", "hddm_a", "hddm_w", "page_hinkley", "drift"])
def test_a_forecast_of_real_bars_goes_stale_and_the_detector_says_so(name, eurusd):
    """EURUSD moved less and less from October 2022 on: how often a fixed forecast misses does not stay the same."""
    one = FEATURES.get(name)
    values = batch(Plan({"x": one(error=wrong(3.0))}), eurusd)["x"]
    seen = values[~np.isnan(values)]
    assert set(seen) >= {0.0, 2.0}


def test_the_cost_in_the_context_moves_with_real_spreads(shared):
    """USDJPY of FXCM, minutes of 2013 with bid and ask."""
    table = pd.read_parquet(shared / "data/fx_m1/usdjpy_fxcm_m1_bidask_2013.parquet").iloc[:4_000]
    bid = [table[f"bid_{name}"].to_numpy(float) for name in ("open", "high", "low", "close")]
    bars = market.stamped(*bid, spread=table["ask_close"].to_numpy(float) - bid[3], step=60 * 10**9)
    cost = batch(Plan({"x": context()}), bars)["x_cost"]
    seen = cost[~np.isnan(cost)]
    assert len(seen) > 3_000 and len(np.unique(seen)) > 100 and seen.min() >= 0.0 and seen.max() <= 1.0
