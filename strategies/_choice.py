"""Who is chosen, and when that may change; used by `selected`."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.registry import did_you_mean
from engine.strategy import ConfigError

FLAT = "flat"
"""Nobody: what a config calls being out of the market."""


@dataclass
class Steady:
    """A choice that changes only when the same other one has been wanted for `bars` in a row."""

    bars: int
    chosen: str | None = None
    wanted: str | None = None
    since: int = 0
    held: int = 0
    """Bars for which it has been chosen."""

    def see(self, wanted: str) -> str:
        """The choice after one more bar; the first one counts at once."""
        self.since = self.since + 1 if wanted == self.wanted else 1
        self.wanted, self.held = wanted, self.held + 1
        if wanted != self.chosen and (self.chosen is None or self.since >= self.bars):
            self.chosen, self.held = wanted, 1
        return self.chosen if self.chosen is not None else wanted


def read_suits(suits: dict[str, str], names: tuple[str, ...], logical: bool) -> dict[float, str]:
    """Values of the regime to who suits it; ConfigError for what is no value, or nobody's name.

    >>> read_suits({"1": "trend", "0": "flat"}, ("trend", "range"), False)
    {1.0: 'trend', 0.0: 'flat'}
    """
    found = {}
    for text, name in suits.items():
        if name not in (*names, FLAT):
            raise ConfigError(f"selected: suits.{text}: {name!r} is nobody: {did_you_mean(name, (*names, FLAT))}")
        try:
            value = {"true": 1.0, "false": 0.0}[text] if logical else float(text)
        except (KeyError, ValueError):
            kind = "true or false" if logical else "a number, as 0 or -1"
            raise ConfigError(f"selected: suits: the regime here is {kind}, not {text!r}") from None
        found[value] = name
    return found
