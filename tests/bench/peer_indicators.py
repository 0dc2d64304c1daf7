"""TA-Lib, tulipy and talipp on the same bars: whole columns, or one closed bar at a time."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import tapes
import worker
from library_ours import named, worker_round

LEFT_OUT = ("Math Operators", "Math Transform")


def columns_of(args: dict[str, Any]) -> dict[str, np.ndarray]:
    tape = tapes.load(args["data"], args["tape"], args["limit"])
    volume = 300.0 + np.arange(len(tape["ts"])) * 7 % 13
    return {"volume": volume, **{name: tape[name] for name in ("open", "high", "low", "close")}}


def talib_batch(c: dict[str, np.ndarray]) -> dict[str, Any]:
    """Ichimoku, which neither has, is three of TA-Lib's MIDPRICE, their means and shifts."""
    import talib

    high, low, close = c["high"], c["low"], c["close"]

    def ichimoku() -> object:
        quick, steady, far = (talib.MIDPRICE(high, low, n) for n in (9, 26, 52))
        ahead, empty = (quick + steady) / 2.0, np.full(25, np.nan)
        return np.concatenate([empty, ahead[:-25]]), np.concatenate([empty, far[:-25]])

    return {
        "sma": lambda: talib.SMA(close, 20), "ema": lambda: talib.EMA(close, 20), "rsi": lambda: talib.RSI(close),
        "atr": lambda: talib.ATR(high, low, close), "macd": lambda: talib.MACD(close),
        "bollinger": lambda: talib.BBANDS(close, 20), "adx": lambda: talib.ADX(high, low, close),
        "stochastic": lambda: talib.STOCH(high, low, close), "supertrend": lambda: talib.SUPERTREND(high, low, close),
        "ichimoku": ichimoku,
    }  # fmt: skip


def tulipy_batch(c: dict[str, np.ndarray]) -> dict[str, Any]:
    import tulipy as ti

    high, low, close = c["high"], c["low"], c["close"]
    return {
        "sma": lambda: ti.sma(close, 20), "ema": lambda: ti.ema(close, 20), "rsi": lambda: ti.rsi(close, 14),
        "atr": lambda: ti.atr(high, low, close, 14), "macd": lambda: ti.macd(close, 12, 26, 9),
        "bollinger": lambda: ti.bbands(close, 20, 2.0), "adx": lambda: ti.adx(high, low, close, 14),
        "stochastic": lambda: ti.stoch(high, low, close, 5, 3, 3),
    }  # fmt: skip


def talib_candles(c: dict[str, np.ndarray]) -> dict[str, Any]:
    import talib

    prices = [c[name] for name in ("open", "high", "low", "close")]
    every = [getattr(talib, name) for name in talib.get_function_groups()["Pattern Recognition"]]
    return {"all": lambda: [function(*prices) for function in every]}


def streams(c: dict[str, np.ndarray], warm: int) -> list[tuple[Any, tuple[np.ndarray, ...]]]:
    """A handle of talib.stream and the columns it is fed, for every function but arithmetic: 174."""
    import talib
    from talib import abstract, stream

    groups = {group: names for group, names in talib.get_function_groups().items() if group not in LEFT_OUT}
    found = []
    for name in (name for names in groups.values() for name in names):
        wanted = []
        for kind, asked in abstract.Function(name).input_names.items():
            wanted += ["close" if kind == "periods" else a for a in ([asked] if isinstance(asked, str) else asked)]
        fed = tuple(c[w] if w in c else c["close"] for w in wanted)
        if name == "MAVP":
            fed = (c["close"], c["volume"] - 295.0)
        found.append((getattr(stream, name)(*(column[:warm] for column in fed)), fed))
    return found


def talib_live(c: dict[str, np.ndarray], warm: int) -> tuple[Any, int]:
    handles = streams(c, warm)

    def step(i: int, _: int) -> None:
        for handle, fed in handles:
            handle.update(*[column[i] for column in fed])

    return step, len(handles)


def talipp_live(c: dict[str, np.ndarray], warm: int) -> tuple[Any, int]:
    """Those of its indicators that TA-Lib has as well, with TA-Lib's periods."""
    from talipp import indicators as t
    from talipp.ohlcv import OHLCV

    of_close = [t.SMA(20), t.EMA(20), t.RSI(14), t.MACD(12, 26, 9), t.BB(20, 2.0), t.DEMA(30), t.TEMA(30), t.TRIX(30),
                t.WMA(30), t.HMA(20), t.KAMA(10, 2, 30), t.ROC(10), t.StdDev(5), t.T3(5), t.SMMA(14), t.ZLEMA(30),
                t.MeanDev(14), t.TSI(13, 25), t.StochRSI(14, 5, 3, 3), t.KST(10, 10, 15, 10, 20, 10, 30, 15, 9),
                t.DPO(20), t.CoppockCurve(11, 14, 10)]  # fmt: skip
    of_bars = [t.ATR(14), t.ADX(14, 14), t.Stoch(5, 3), t.SuperTrend(10, 3), t.Ichimoku(26, 9, 52, 26, 26), t.CCI(14),
               t.NATR(14), t.OBV(), t.ParabolicSAR(0.02, 0.02, 0.2), t.Williams(14), t.UO(7, 14, 28), t.Aroon(14),
               t.AO(5, 34), t.AccuDist(), t.ChaikinOsc(3, 10), t.DonchianChannels(20), t.VWMA(30), t.VWAP(), t.BOP(),
               t.CHOP(14), t.MassIndex(9, 9, 25), t.VTX(14), t.ForceIndex(13), t.EMV(14, 10000)]  # fmt: skip
    rows = zip(*(c[p].tolist() for p in ("open", "high", "low", "close", "volume")), strict=True)
    bars = [OHLCV(*row) for row in rows]

    def step(i: int, _: int) -> None:
        for one in of_close:
            one.add(bars[i].close)
        for one in of_bars:
            one.add(bars[i])

    for i in range(warm):
        step(i, i)
    return step, len(of_close) + len(of_bars)


BATCH = {"talib": talib_batch, "tulipy": tulipy_batch}
LIVE = {"talib": talib_live, "talipp": talipp_live}


def prepare(args: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    known = worker.versions({"talib": "TA-Lib"}.get(args["lib"], args["lib"]), "numpy")
    worker.keep_pages()
    c = columns_of(args)
    if args["mode"] != "live":
        works = (talib_candles if args["mode"] == "candles" else BATCH[args["lib"]])(c)
        return lambda: named(works, len(c["close"])), known
    warm = 1_000
    step, count = LIVE[args["lib"]](c, warm)
    at = [warm]

    def one_round() -> dict[str, Any]:
        first = at[0]
        at[0] += 500
        return worker_round(step, first, first + 500, count)

    return one_round, known


if __name__ == "__main__":
    started = time.perf_counter()
    worker.serve(prepare)
