"""How a target becomes orders, as a config says it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from engine.core.errors import ConfigError
from engine.core.quantity import Duration, Volume


@dataclass(frozen=True)
class ExecutionConfig:
    """How entries are worked; exits always go to the market at once.

    market    in full, now
    passive   a limit order at the near side, after `wait` the rest at market
    iceberg   the same, `show` at a time
    twap      `slices` equal market orders spread evenly over the time `over`
    vwap      the same, each as large as the volume `profile` of its hour says
    """

    style: Literal["market", "passive", "iceberg", "twap", "vwap"] = "market"
    wait: Duration = Duration(30.0, "s")
    show: Volume | None = None
    over: Duration = Duration(10.0, "min")
    slices: int = 10
    profile: tuple[float, ...] = ()
    """24 weights: the share of a day's volume that trades in each hour, UTC."""
    retries: int = 0
    """How often what the broker refused, or could not fill, is sent again before the wish counts as refused."""
    retry_after: Duration = Duration(1.0, "s")

    @property
    def plain(self) -> bool:
        """At market and once: what the compiled lane does too."""
        return self.style == "market" and not self.retries


def check_execution(given: ExecutionConfig, lane: str) -> None:
    """ConfigError for what cannot be meant, or not in this lane."""
    for key in ("wait", "over", "retry_after"):
        if getattr(given, key).ns <= 0:
            raise ConfigError(f"execution.{key}: must be more than 0, got {getattr(given, key)}")
    if not 1 <= given.slices <= 1000:
        raise ConfigError(f"execution.slices: must lie in 1..1000, got {given.slices}")
    if given.retries < 0:
        raise ConfigError(f"execution.retries: must be at least 0, got {given.retries}")
    if (given.style == "iceberg") != (given.show is not None):
        why = 'needs show, like show = "0.5 lots"' if given.style == "iceberg" else f"{given.style} has no use for show"
        raise ConfigError(f"execution: {why}")
    if given.style == "vwap" or given.profile:
        weights = given.profile
        if given.style != "vwap":
            raise ConfigError(f"execution.profile: belongs to the style vwap, not to {given.style}")
        if len(weights) != 24 or not all(0 <= w < math.inf for w in weights) or not sum(weights) > 0:
            raise ConfigError("execution.profile: vwap needs 24 weights of 0 or more, one for each hour in UTC")
    if lane == "compiled" and not given.plain:
        what = f"style = {given.style}" if given.style != "market" else f"retries = {given.retries}"
        raise ConfigError(f'execution: {what} has no compiled form: set run.lane = "python"')
