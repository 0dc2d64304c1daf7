"""Indicators that TA-Lib lacks: against Stock.Indicators' files, and against plain definitions in pandas."""

from __future__ import annotations

import csv
import io
import json
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.features import FEATURES, Plan, load_all
from tests.features import market
from tests.features.market import batch

load_all()


def packed(path: Path, name: str) -> bytes:
    with lzma.open(path) as file, tarfile.open(fileobj=file) as tar:
        member = tar.extractfile(next(m for m in tar.getmembers() if m.name.endswith(name)))
        assert member is not None
        return member.read()


@pytest.fixture(scope="module")
def quotes(shared: Path) -> dict[str, np.ndarray]:
    """502 days of SPY, 2017 and 2018, of Stock.Indicators' tests (Apache-2.0, commit d5c6660)."""
    text = packed(shared / "data/vectors/stock_indicators_quotes.tar.xz", "quotes/default.csv").decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    bars = [np.array([float(row[k]) for row in rows]) for k in ("open", "high", "low", "close", "volume")]
    return market.stamped(*bars, step=market.DAY)


SKENDER = [
    ("alligator", {}, "alligator", ("jaw", "teeth", "lips"), 0), ("gator", {}, "gator", ("upper", "lower"), 0),
    ("alma", {}, "alma", ("alma",), 0), ("chandelier", {}, "chexit", ("chandelierExit", ""), 0),
    ("connors_rsi", {}, "crsi", ("connorsRsi",), 0), ("streak", {}, "crsi", ("streak",), 0),
    ("fisher", {"period": 10}, "fisher", ("fisher", "trigger"), 300),  # theirs starts before its window is full
    ("klinger", {}, "kvo", ("oscillator", "signal"), 490),  # theirs is seeded a bar later
    ("envelopes", {"period": 20, "percent": 2.5}, "ma-env", ("upperEnvelope", "centerline", "lowerEnvelope"), 0),
    ("atr_stop", {"period": 21}, "atr-stop", ("atrStop", ""), 0),
    ("ichimoku", {"shift": 26}, "ichimoku", ("tenkanSen", "kijunSen", "senkouSpanA", "senkouSpanB"), 0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params", "file", "keys", "late"), SKENDER, ids=[row[0] for row in SKENDER])
def test_it_is_what_stock_indicators_wrote_down(name, params, file, keys, late, quotes, shared):
    text = packed(shared / "data/vectors/stock_indicators_results.tar.xz", f"/{file}.standard.json")
    rows = json.loads(text)
    for key, values in zip(keys, batch(Plan({"x": FEATURES.get(name)(**params)}), quotes).values(), strict=False):
        if not key:
            continue
        theirs = np.array([np.nan if row.get(key) is None else float(row[key]) for row in rows])
        wrong = np.abs(values - theirs)[late:]
        assert np.nanmax(wrong) <= (1e-9 if late != 490 else 1e-7) * np.nanmax(np.abs(theirs)), key
        assert np.isfinite(wrong).sum() > (400 if not late else 10)


# ---------------------------------------------------------------- plain definitions


def ema(x: pd.Series, n: int) -> pd.Series:
    """Seeded with the mean of the first n values."""
    first = x.first_valid_index()
    y = x.loc[first:].copy()
    y.iloc[: n - 1], y.iloc[n - 1] = np.nan, y.iloc[:n].mean()
    return y.iloc[n - 1 :].ewm(alpha=2 / (n + 1), adjust=False).mean().reindex(x.index)


def rma(x: pd.Series, n: int) -> pd.Series:
    first = x.first_valid_index()
    y = x.loc[first:].copy()
    y.iloc[n - 1] = y.iloc[:n].mean()
    return y.iloc[n - 1 :].ewm(alpha=1 / n, adjust=False).mean().reindex(x.index)


def rsi(x: pd.Series, n: int) -> pd.Series:
    d = x.diff()
    up, down = rma(d.clip(lower=0), n), rma((-d).clip(lower=0), n)
    return 100 * up / (up + down)


class Bars:
    """The columns as pandas series, and what many definitions share."""

    def __init__(self, columns: dict[str, np.ndarray]) -> None:
        self.o, self.h, self.l, self.c, self.v = (
            pd.Series(columns[k]) for k in ("open", "high", "low", "close", "volume")
        )
        self.tp, self.mp = (self.h + self.l + self.c) / 3, (self.h + self.l) / 2
        last = self.c.shift()
        self.tr = (np.maximum(self.h, last) - np.minimum(self.l, last)).where(last.notna())


def over(x: pd.Series, n: int) -> pd.core.window.rolling.Rolling:
    return x.rolling(n)


def log_estimator(b: Bars, kind: str) -> pd.Series:
    hl, co = np.log(b.h / b.l), np.log(b.c / b.o)
    rs = np.log(b.h / b.c) * np.log(b.h / b.o) + np.log(b.l / b.c) * np.log(b.l / b.o)
    if kind == "yang_zhang":
        k, gap = 0.34 / (1.34 + 21 / 19), np.log(b.o / b.c.shift())
        return np.sqrt(over(gap, 20).var() + k * over(co, 20).var() + (1 - k) * over(rs, 20).mean())
    made = {"parkinson": hl**2 / (4 * np.log(2)), "garman_klass": hl**2 / 2 - (2 * np.log(2) - 1) * co**2,
            "rogers_satchell": rs}[kind]  # fmt: skip
    return np.sqrt(over(made.where(b.tr.notna()), 20).mean())


def squeeze(b: Bars) -> pd.Series:
    middle = (over(b.h, 20).max() + over(b.l, 20).min()) / 4 + over(b.c, 20).mean() / 2
    t = np.arange(20)
    return over(b.c - middle, 20).apply(lambda y: np.polyval(np.polyfit(t, y, 1), 19), raw=True)


def wavetrend(b: Bars) -> pd.Series:
    away = b.tp - ema(b.tp, 10)
    return ema(away / (0.015 * ema(away.abs(), 10)), 21)


def twiggs(b: Bars) -> pd.Series:
    top, bottom = np.maximum(b.h, b.c.shift()), np.minimum(b.l, b.c.shift())
    flow = ((2 * b.c - top - bottom) / (top - bottom) * b.v).where(b.tr.notna())
    return rma(flow, 21) / rma(b.v.where(b.tr.notna()), 21)


def dickey_fuller(x: np.ndarray) -> float:
    y, a = np.diff(x), x[:-1]
    design = np.column_stack([np.ones_like(a), a])
    beta = np.linalg.lstsq(design, y, rcond=None)[0]
    left = ((y - design @ beta) ** 2).sum() / (len(y) - 2)
    return float(beta[1] / np.sqrt(left * np.linalg.inv(design.T @ design)[1, 1]))


def kpss(x: np.ndarray) -> float:
    d = x - x.mean()
    spread = (d @ d + sum(2 * (1 - k / 5) * (d[k:] @ d[:-k]) for k in range(1, 5))) / len(x)
    return float((np.cumsum(d) ** 2).sum() / (len(x) ** 2 * spread))


def swma(x: pd.Series) -> pd.Series:
    return (x + 2 * x.shift() + 2 * x.shift(2) + x.shift(3)) / 6


def vigor(b: Bars) -> pd.Series:
    return over(swma(b.c - b.o), 10).sum() / over(swma(b.h - b.l), 10).sum()


def share(up: pd.Series, down: pd.Series) -> pd.Series:
    return up / (up + down)


def roc(x: pd.Series, n: int) -> pd.Series:
    return 100 * (x / x.shift(n) - 1)


def tii(b: Bars) -> pd.Series:
    d = b.c - over(b.c, 60).mean()
    return 100 * share(over(d.clip(lower=0), 30).sum(), over((-d).clip(lower=0), 30).sum())


def kama_like(b: Bars) -> pd.Series:
    d = b.c.diff()
    up, down = over(d.clip(lower=0), 9).sum(), over((-d).clip(lower=0), 9).sum()
    y, weight = b.c.to_numpy().copy(), ((up - down).abs() / (up + down) * 2 / 13).to_numpy()
    for i in range(20, len(y)):
        y[i] = y[i - 1] + weight[i] * (b.c[i] - y[i - 1])
    y[:20] = np.nan
    return pd.Series(y)


PLAIN: dict[str, Callable[[Bars], pd.Series]] = {
    "vidya": kama_like,
    "hvol": lambda b: over(np.log(b.c / b.c.shift()), 20).std() * np.sqrt(252),
    **{k: (lambda b, k=k: log_estimator(b, k)) for k in ("parkinson", "garman_klass", "rogers_satchell", "yang_zhang")},
    "ulcer": lambda b: np.sqrt(over((100 * (b.c / over(b.c, 14).max() - 1)) ** 2, 14).mean()),
    "chandelier": lambda b: over(b.h, 22).max() - 3 * rma(b.tr, 22),
    "chande_kroll": lambda b: over(over(b.l, 10).min() + rma(b.tr, 10), 9).min(),
    "squeeze.momentum": squeeze, "wavetrend": wavetrend, "twiggs": twiggs, "vigor": vigor, "tii": tii,
    "vigor.signal": lambda b: swma(vigor(b)),
    "demarker": lambda b: share(over(b.h.diff().clip(lower=0), 14).sum(), over((-b.l.diff()).clip(lower=0), 14).sum()),
    "psy": lambda b: 100 * over((b.c.diff() > 0).where(b.tr.notna()).astype(float), 12).mean(),
    "brar": lambda b: 100 * over(b.h - b.o, 26).sum() / over(b.o - b.l, 26).sum(),
    "brar.br": lambda b: 100 * over((b.h - b.c.shift()).clip(lower=0), 26).sum()
    / over((b.c.shift() - b.l).clip(lower=0), 26).sum(),
    "bias_ratio": lambda b: 100 * (b.c / over(b.c, 26).mean() - 1),
    "pgo": lambda b: (b.c - over(b.c, 14).mean()) / ema(b.tr, 14),
    "rmi": lambda b: 100 * share(rma(b.c.diff(5).clip(lower=0), 14), rma((-b.c.diff(5)).clip(lower=0), 14)),
    "cti": lambda b: over(b.c, 12).apply(lambda y: np.corrcoef(y, np.arange(12))[0, 1], raw=True),
    "cg": lambda b: over(b.c, 10).apply(lambda y: -(y[::-1] @ np.arange(1, 11)) / y.sum() + 5.5, raw=True),
    "ifisher_rsi": lambda b: np.tanh(
        0.1 * (over(rsi(b.c, 5), 9).apply(lambda y: y @ np.arange(1, 10) / 45, raw=True) - 50)
    ),
    "kst": lambda b: sum(
        w * over(roc(b.c, n), m).mean() for w, n, m in ((1, 10, 10), (2, 15, 10), (3, 20, 10), (4, 30, 15))
    ),
    "eom": lambda b: over(b.mp.diff() * (b.h - b.l) / (b.v / 1e8), 14).mean(),
    "vwmacd": lambda b: ema(b.c * b.v, 12) / ema(b.v, 12) - ema(b.c * b.v, 26) / ema(b.v, 26),
    "vzo": lambda b: 100 * ema(np.sign(b.c.diff()) * b.v, 14) / ema(b.v, 14),
    "osma": lambda b: (ema(b.c, 12) - ema(b.c, 26)) - over(ema(b.c, 12) - ema(b.c, 26), 9).mean(),
    "envelopes": lambda b: over(b.c, 14).mean() * 1.001,
    "thermometer": lambda b: np.maximum(np.maximum(b.h.diff(), -b.l.diff()), 0),
    "acceleration": lambda b: ema(b.c, 14).diff().diff(),
    "acceleration.jerk": lambda b: ema(b.c, 14).diff().diff().diff(),
    "half_life.adf": lambda b: over(b.c, 101).apply(dickey_fuller, raw=True),
    "kpss": lambda b: over(b.c, 100).apply(kpss, raw=True),
    "log_change": lambda b: np.log(b.c).diff(),
    "mcginley": lambda b: pd.Series(mcginley(b.c.to_numpy())),
}  # fmt: skip


def mcginley(x: np.ndarray) -> np.ndarray:
    y = x.copy()
    for i in range(1, len(x)):
        y[i] = y[i - 1] + (x[i] - y[i - 1]) / (6 * (x[i] / y[i - 1]) ** 4)
    return y


@pytest.mark.parametrize("key", PLAIN)
def test_it_is_its_plain_definition(key, ref):
    """Over the reference series, from the first value on; what is seeded otherwise is compared where that is gone."""
    name, _, output = key.partition(".")
    columns = market.rows(ref, 0, 1200)
    feature = FEATURES.get(name)
    values = dict(zip(feature.outputs, batch(Plan({"x": feature()}), columns).values(), strict=True))
    ours = values[output or feature.outputs[0]]
    theirs = PLAIN[key](Bars(columns)).to_numpy()
    late = 600 if key in ("vzo", "twiggs") else 0
    assert np.isfinite(ours[late:]).sum() > 500 and np.isfinite(theirs[late:]).sum() > 500
    both = np.isfinite(ours) & np.isfinite(theirs) & (np.arange(1200) >= late)
    np.testing.assert_allclose(ours[both], theirs[both], rtol=1e-6, atol=1e-8 * np.nanmax(np.abs(theirs)))


def test_a_setup_of_nine_and_a_countdown_of_thirteen_are_counted():
    """A market that only falls: nine closes below the one four bars before, then thirteen below the low two before."""
    close = 100.0 - np.arange(60.0)
    bars = market.stamped(close + 0.2, close + 0.5, close - 0.5, close)
    feature = FEATURES.get("td_sequential")
    values = dict(zip(feature.outputs, batch(Plan({"x": feature()}), bars).values(), strict=True))
    assert values["setup"][4:16].tolist() == [-1.0, -2, -3, -4, -5, -6, -7, -8, -9, -9, -9, -9]
    assert values["perfect"][12] == -1.0 and values["perfect"][13] == 0.0
    assert values["countdown"][12:25].tolist() == [-float(k) for k in range(1, 14)] and values["countdown"][25] == 0.0
    assert values["resistance"][12] == bars["high"][4] and np.isnan(values["support"]).all()
