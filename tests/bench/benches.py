"""What is measured: each bench is a record of cases, each case the sides that run it in turn.

Targets are those of the project's plan for two cores: `least` in records a second, `times` ours over a side at least,
`within` the limit over ours at most. A bench that measures something else than a rate names a function of `special`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

M = 1_000_000


@dataclass(frozen=True)
class Side:
    """One process in the race: a script of this folder, its arguments, and its share of the case's records."""

    name: str
    script: str
    args: dict[str, Any] = field(default_factory=dict)
    records: int | None = None
    env: str = ""
    """A peer's environment; the running interpreter if empty."""


@dataclass(frozen=True)
class Case:
    name: str
    tape: str
    sides: tuple[Side, ...]
    records: int = 10 * M
    least: float = 0.0
    times: dict[str, float] = field(default_factory=dict)
    within: float = 0.0


@dataclass(frozen=True)
class Bench:
    name: str
    unit: str
    says: str
    cases: tuple[Case, ...] = ()
    special: str = ""


LIMIT = Side("limit", "limit.py")
PYTHON = Side("ours", "ours.py", {"lane": "python"})
COMPILED = Side("ours", "ours.py", {"lane": "compiled"})
ELAPSE = Side("hftbacktest", "peer_hftbacktest.py", {"mode": "elapse"}, env="hftbacktest")
FEED = Side("hftbacktest feed", "peer_hftbacktest.py", {"mode": "feed"}, M, env="hftbacktest")
NAUTILUS = Side("nautilus", "peer_nautilus.py", {"mode": "bars"}, M, env="nautilus")
NAUTILUS_QUOTES = Side("nautilus", "peer_nautilus.py", {"mode": "quotes"}, M, env="nautilus")
BACKTESTING = Side("backtesting", "peer_backtesting.py", env="backtesting")
VECTORBT = Side("vectorbt", "peer_vectorbt.py", env="vectorbt")


def resting(count: int) -> Side:
    return Side(f"{count} resting", "ours.py", {"lane": "python", "resting": count})


TRAILING = Side("20 trailing", "ours.py", {"lane": "python", "trailing": 20})


BENCHES = {
    b.name: b
    for b in (
        Bench(
            "quotes_python",
            "quotes/s",
            "10M quotes to minute bars to a plain Python strategy with stop and take-profit, latency and commission; "
            "equity and drawdown at every quote",
            (
                Case(
                    "333 a bar", "q333", (PYTHON, LIMIT, ELAPSE, FEED, NAUTILUS),
                    least=50e6, times={"hftbacktest": 10.0, "nautilus": 500.0},
                ),
                Case("95 a bar", "q95", (PYTHON, LIMIT), least=25e6),
                Case("47 a bar", "q47", (PYTHON, LIMIT), least=15e6),
                Case("3 symbols", "q3sym", (PYTHON, LIMIT), least=20e6),
            ),
        ),
        Bench(
            "quotes_compiled",
            "quotes/s",
            "the same with the strategy as a compiled feature",
            (
                Case("333 a bar", "q333", (COMPILED, LIMIT), least=130e6, within=2.5),
                Case("3 symbols", "q3sym", (COMPILED, LIMIT), least=35e6),
            ),
        ),
        Bench(
            "on_quote",
            "quotes/s",
            "the same with a Python handler called for every quote",
            (
                Case(
                    "333 a bar", "q333", (Side("ours", "ours.py", {"lane": "python", "on_quote": True}),
                                          FEED, NAUTILUS_QUOTES),
                    records=M, least=400e3,
                ),
            ),
        ),
        Bench(
            "bars_python",
            "bars/s",
            "1M minute bars, about 6,600 crosses, market orders at the next open, stop and take-profit, commission",
            (Case("bars", "bars", (PYTHON, LIMIT, BACKTESTING), M, least=500e3, times={"backtesting": 5.0}),),
        ),
        Bench(
            "bars_compiled",
            "bars/s",
            "the same with the strategy as a compiled feature",
            (Case("bars", "bars", (COMPILED, LIMIT, VECTORBT), M, least=10e6, times={"vectorbt": 1.0}),),
        ),
        Bench(
            "resting_orders",
            "quotes/s",
            "quotes_python with limit orders resting 0.05 to 3 % away, each with exits, replaced 3 % away; and with "
            "positions whose stops trail 100 to 2,000 points behind, opened again when hit",
            (
                Case("one symbol", "q333", (resting(0), resting(20), resting(200), TRAILING)),
                Case("3 symbols", "q3sym", (resting(20),)),
            ),
            special="resting",
        ),
        Bench("memory", "MB", "10M and 100M quotes from a mapped tape, anonymous and resident", special="memory"),
        Bench("import_csv", "rows/s", "CSV and MT5 ticks into the catalogue; memory of 100M", special="importing"),
        Bench("load", "s", "10M quotes from the replay cache, every number looked at", special="load"),
        Bench("cold", "s", "start of the program, first and second run on a fresh machine", special="cold"),
        Bench("page", "ms", "a report of 100,000 bars and 5,000 trades in a browser: first paint, all there, a frame",
              special="page"),
        Bench("indicators_batch", "x TA-Lib", "ten indicators over 1M bars, their time over TA-Lib's and tulipy's",
              special="library_batch"),
        Bench("candles_batch", "x TA-Lib", "all 61 candlesticks over 1M bars", special="library_batch"),
        Bench("features_live", "us", "all that TA-Lib has on one closed bar; talib.stream and talipp beside it",
              special="library_live"),
        Bench("features_cold", "s", "the library compiled from nothing, and 50 features of it loaded again",
              special="library_cold"),
    )
}  # fmt: skip
