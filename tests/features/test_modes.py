"""The closes taken apart, against numpy's Fourier transforms and scipy's splines, and on waves that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from engine.features import Plan, decompose_emd, decompose_power, decompose_vmd
from engine.features.modes import sift
from tests.features import market, precise
from tests.features.market import batch

Columns = dict[str, np.ndarray]


@pytest.fixture(params=["ref", "hard", "eurusd"])
def bars(request):
    """2,000 bars of each market; the hard one is shorter."""
    return market.rows(request.getfixturevalue(request.param), 0, 2000)


def priced(close: np.ndarray) -> Columns:
    return market.stamped(close, close, close, close)


def two_tones(n: int = 400) -> tuple[Columns, np.ndarray, np.ndarray]:
    """Prices that are a wave of 6 bars on one of 24, and the two waves."""
    t = np.arange(n)
    fast, slow = 0.01 * np.sin(2 * np.pi * t / 6 + 0.3), 0.01 * np.sin(2 * np.pi * t / 24)
    return priced(1.1 + fast + slow), fast, slow


@pytest.mark.parametrize("period", [64, 65, 200])
def test_the_powers_are_those_of_numpys_transform_of_the_window(bars, period):
    ours = batch(Plan({"p": decompose_power(period)}), bars)
    theirs = np.abs(np.fft.rfft(sliding_window_view(bars["close"], period), axis=1)) ** 2
    for k in range(1, 33):
        assert np.isnan(ours[f"p_power_{k}"][: period - 1]).all()
        there = ours[f"p_power_{k}"][period - 1 :]
        assert np.abs(there - theirs[:, k]).max() <= 1e-9 * theirs[:, k].max() and there.min() >= 0.0


def test_the_powers_of_a_wave_are_all_in_its_own_and_of_a_dead_market_none():
    wave = 1.1 + 0.01 * np.sin(np.arange(300) * 2 * np.pi / 16)
    out = batch(Plan({"p": decompose_power()}), priced(wave))
    total = sum(values[63:] for values in out.values())
    assert (out["p_power_4"][63:] / total > 1.0 - 1e-12).all()
    flat = batch(Plan({"p": decompose_power()}), priced(np.full(300, 1.1)))
    assert all((values[63:] == 0.0).all() for values in flat.values())


def emd_of(x: np.ndarray, siftings: int, modes: int = 3) -> np.ndarray:
    """Empirical modes of the whole of x, row by row: lists and scipy's splines."""
    made, rest = np.zeros((modes, len(x))), x.copy()
    for mode in made:
        wave = rest.copy()
        for _ in range(siftings):
            tops, bottoms = peaks(wave), peaks(-wave)
            if min(len(tops), len(bottoms)) < 2:
                break
            wave = wave - (envelope(wave, tops, bottoms) + envelope(wave, bottoms, tops)) / 2.0
            mode[:] = wave
        rest = rest - mode
    return made


def peaks(x: np.ndarray) -> list[int]:
    """Maxima inside x; of a plateau its middle, of two middles the first."""
    found, starts = [], [0, *(np.flatnonzero(np.diff(x)) + 1)]
    ends = [*(start - 1 for start in starts[1:]), len(x) - 1]
    for before, start, end, after in zip(starts, starts[1:], ends[1:], starts[2:], strict=False):
        if x[before] < x[start] > x[after]:
            found.append((start + end) // 2)
    return found


def envelope(x: np.ndarray, mine: list[int], others: list[int]) -> np.ndarray:
    """The natural spline through x at `mine`, which are maxima if `others` are minima, or the other way round."""
    from scipy.interpolate import CubicSpline

    last = len(x) - 1
    backwards = ([last - p for p in reversed(places)] for places in (mine, others))
    knots = dict(beyond(x, mine, others)) | {p: x[p] for p in mine}
    knots |= {last - p: value for p, value in beyond(x[::-1], *backwards)}
    at = sorted(knots)
    assert at[0] <= 0 and at[-1] >= last
    return CubicSpline(at, [knots[p] for p in at], bc_type="natural")(np.arange(len(x)))


def beyond(x: np.ndarray, mine: list[int], others: list[int]) -> list[tuple[int, float]]:
    """The two knots before row 0, by Rilling's rule."""
    nearest, second = sorted([mine[0], others[0]])
    about_end = [(-p, x[p]) for p in mine[:2]]
    if (x[0] > x[second]) == (x[nearest] > x[second]) and x[0] != x[second]:
        moved = [[(2 * nearest - p, x[p]) for p in places if p > nearest][:2] for places in (mine, others)]
        return moved[0] if all(side[-1][0] <= 0 for side in moved) else about_end
    return about_end if nearest == mine[0] else [(0, x[0]), about_end[0]]


def vmd_of(x: np.ndarray, alpha: float, rounds: int, modes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Variational modes of x, its mean apart, slowest first, and their centres: in complex numbers."""
    n = len(x)
    half, x = n // 2, x - x.mean()
    whole = np.fft.fft(np.concatenate([x[:half][::-1], x, x[half:][::-1]]))
    f = np.fft.fftfreq(2 * n)
    positive = np.where(f > 0.0, whole, 0.0)
    u, centre = np.zeros((modes, 2 * n), complex), 0.5 * np.arange(modes) / modes
    for _ in range(rounds):
        for k in range(modes):
            u[k] = (positive - u.sum(axis=0) + u[k]) / (1.0 + alpha * (f - centre[k]) ** 2)
            power = np.abs(u[k]) ** 2
            centre[k] = (f * power).sum() / power.sum() if power.any() else centre[k]
    order = np.argsort(centre)
    return 2.0 * np.fft.ifft(u[order], axis=1).real[:, half : half + n], centre[order]


@pytest.mark.parametrize(("period", "siftings"), [(64, 10), (33, 4)])
def test_the_empirical_modes_are_those_of_lists_and_scipys_splines(bars, period, siftings):
    pytest.importorskip("scipy")
    ours, close = batch(Plan({"m": decompose_emd(period, siftings)}), bars), bars["close"]
    for i in np.linspace(period, len(close) - 1, 20).astype(int):
        x = close[i - period + 1 : i + 1] - close[i]
        mine = np.array([ours[f"m_mode{m}"][i] for m in (1, 2, 3)])
        assert np.abs(mine - emd_of(x, siftings)[:, -1]).max() <= 1e-7 * np.abs(x).max(), i


@pytest.mark.parametrize(("period", "alpha", "rounds"), [(64, 2000.0, 100), (33, 500.0, 20)])
def test_the_variational_modes_are_those_of_numpys_transforms(bars, period, alpha, rounds):
    ours, close = batch(Plan({"m": decompose_vmd(period, alpha, rounds)}), bars), bars["close"]
    for i in np.linspace(period, len(close) - 1, 20).astype(int):
        x = close[i - period + 1 : i + 1]
        theirs, centres = vmd_of(x, alpha, rounds)
        mine = np.array([ours[f"m_mode{m}"][i] for m in (1, 2, 3)])
        assert np.abs(mine - theirs[:, -1]).max() <= 1e-7 * np.ptp(x), i
        periods = 1.0 / centres if np.ptp(x) > 0.0 else np.zeros(3)
        assert [ours[f"m_period{m}"][i] for m in (1, 2, 3)] == pytest.approx(periods, rel=1e-7)


@settings(max_examples=15)
@given(st.lists(st.integers(-6, 6), min_size=80, max_size=160), st.sampled_from([1.0, 0.25]))
def test_modes_and_residue_add_up_to_the_close_and_periods_stay_in_bounds(steps, tick):
    close = 10_000.0 + np.cumsum(steps) * tick
    out = batch(Plan({"e": decompose_emd(32), "v": decompose_vmd(32, rounds=20)}), priced(close))
    for name in ("e", "v"):
        total = sum(out[f"{name}_{one}"] for one in ("mode1", "mode2", "mode3", "residue"))
        assert np.abs(total - close)[31:].max() < 1e-8
    slow, middle, fast = (out[f"v_period{m}"][31:] for m in (1, 2, 3))
    moves = np.ptp(sliding_window_view(close, 32), axis=1) > 0.0
    assert (slow >= middle)[moves].all() and (middle >= fast)[moves].all()
    assert (slow[moves] <= 64.0 + 1e-9).all() and (fast[moves] > 2.0).all()
    assert (slow[~moves] == 0.0).all() and (fast[~moves] == 0.0).all()


def test_two_waves_are_told_apart():
    """At the newest bar by both; inside its window the empirical modes are the waves themselves."""
    bars, fast, slow = two_tones()
    out = batch(Plan({"e": decompose_emd(), "v": decompose_vmd()}), bars)
    pairs = {"e_mode1": (fast, 0.7), "e_mode2": (slow, 0.9), "v_mode1": (slow, 0.9), "v_mode2": (fast, 0.9)}
    for name, (wave, least) in pairs.items():
        assert np.corrcoef(out[name][64:], wave[64:])[0, 1] > least, name
    assert np.abs(out["v_period1"][64:] - 24.0).max() < 2.0
    assert abs(out["v_period2"][64:].mean() - 6.0) < 0.2
    rest, kept = (bars["close"] - bars["close"][163])[100:164].astype(precise.WIDE), np.zeros((7, 64), precise.WIDE)
    for wave in (fast, slow):
        precise.wide(sift)(rest, *kept, 10)
        assert np.corrcoef(kept[0, 16:48].astype(float), wave[116:148])[0, 1] > 0.99


def test_a_dead_market_has_no_modes_and_its_price_and_a_straight_line_no_empirical_ones():
    flat, line = np.full(200, 1.1), 1.1 + np.arange(200) * 2.0**-13
    for close in (flat, line):
        out = batch(Plan({"e": decompose_emd(), "v": decompose_vmd()}), priced(close))
        for m in (1, 2, 3):
            assert (out[f"e_mode{m}"][63:] == 0.0).all()
            assert (out[f"v_mode{m}"][63:] == 0.0).all() == (close is flat)
        assert (out["e_residue"][63:] == close[63:]).all()


@pytest.mark.parametrize("made", [decompose_emd(), decompose_vmd(rounds=30), decompose_power()], ids=str)
def test_at_their_usual_size_they_are_what_long_doubles_say(made, ref):
    """The laws of all features run them smaller; prices on a grid, as there."""
    bars = {n: np.round(v * 65_536.0) / 65_536.0 if n == "close" else v for n, v in market.rows(ref, 0, 75).items()}
    doubles, wide = batch(Plan({"x": made}), bars), precise.run(Plan({"x": made}), bars)
    for name, values in doubles.items():
        size = np.abs(wide[name][63:]).max()
        assert np.abs(values - wide[name])[63:].max() <= 1e-9 * size, name
