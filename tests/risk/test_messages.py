"""What cannot be meant of risk is refused in one line that names the key, when the config is read."""

from __future__ import annotations

import pytest

from engine.core.errors import ConfigError
from engine.core.load import load

WRONG = [
    ("risk.size=1 percent", "risk.size: '1 percent' has an unknown unit 'percent': write"),
    ("risk.size=5", "risk.size: '5' has no unit: write"),
    ("risk.size=-1 lots", "risk.size: '-1 lots' must be a finite number of at least 0"),
    ("risk.size=101 % risk", "101 % risk risks more than there is: at most 100 % risk"),
    ("risk.size=101 % probability", "risks more than there is: at most 100 % probability"),
    ("risk.size=1.5 kelly", "is above the Kelly stake"),
    ("risk.max_position=5", "risk.max_position: '5' has no unit"),
    ("risk.max_trades=0", "risk.max_trades: must be at least 1, got 0"),
    ("risk.max_losses=-2", "risk.max_losses: must be at least 1, got -2"),
    ("risk.max_leverage=0", "risk.max_leverage: must be more than 0, got 0"),
    ("risk.daily_loss=500 EUR", "risk.daily_loss: 500 EUR is not in the account's currency USD"),
    ("risk.max_loss=500 CHF", "risk.max_loss: 500 CHF is not in the account's currency USD"),
    ("risk.max_spread=0 points", "risk.max_spread: must be more than 0"),
    ("risk.max_age=0 s", "risk.max_age: must be more than 0"),
    ("risk.cool_off=0 h", "risk.cool_off: must be more than 0"),
    ("risk.hours=Mon-Fri 8-17", "risk.hours: "),
    ("risk.day=25:00 UTC", "risk.day: "),
    ("risk.lookback=1", "risk.lookback: must lie in 2..", ),
    ("risk.kelly.trades=0", "risk.kelly.trades: must be at least 1, got 0"),
    ("risk.correlation.max=1.5", "risk.correlation.max: must lie above 0 and up to 1, got 1.5"),
    ("risk.correlation.bars=3", "risk.correlation.bars: must lie in 10.."),
    ("risk.correlation.frame=H7", "risk.correlation.frame: "),
    ("risk.exits.atr_period=14", 'risk.exits: say at least one, like stop = "2 atr"'),
    ("risk.exits.trail_start=1 R", "risk.exits: say at least one"),
    ("risk.exits.take_profit=0 R", "risk.exits.take_profit: '0 R' must be more than 0"),
    ("risk.exits.stop=2 art", "risk.exits.stop: '2 art' has an unknown unit 'art': did you mean atr?"),
    ("risk.exits.max_hold=8", "risk.exits.max_hold: '8' has no unit"),
    ("risk.max_drawdwn=10 %", "did you mean max_drawdown"),
]  # fmt: skip
TOGETHER = [
    (["risk.exits.stop=2 atr", "risk.exits.trail_start=1 R"], "risk.exits.trail_start: means nothing without trail"),
    (["risk.exits.max_hold=8 h", "risk.exits.override=true"], "risk.exits.override: there is neither"),
    (["risk.exits.stop=2 atr", "risk.exits.atr_period=1"], "risk.exits.atr_period: must lie in 2.."),
]


@pytest.mark.parametrize(("sets", "says"), [*(([one], says) for one, says in WRONG), *TOGETHER], ids=str)
def test_one_line_names_the_key_and_what_to_write(sets: list[str], says: str) -> None:
    with pytest.raises(ConfigError) as told:
        load("demo", sets=sets, env={})
    assert says in str(told.value) and "\n" not in str(told.value)
