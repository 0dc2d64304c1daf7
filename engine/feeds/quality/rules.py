"""Rules for cleaning: a declared list, read from TOML; what no rule names stays as it is.

    [[rule]]
    flag = ["missing", "crossed"]
    do = "drop"

    drop     the row is left out
    hold     its prices become those of the row before, at most `limit` (5) rows together; then it is left out
    fill     bars only, flag `gap`: O=H=L=C=close before, V=0, synthetic=1 where the market was open; `limit` is the
             longest hole that is filled, in bars
    repair   crossed: bid and ask change places; inconsistent: high and low are widened; negative: becomes 0

Nothing is repaired unless a rule says so. A row that several rules fit is treated by each in turn, until one leaves it
out; what is recorded is the first one's flag.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal, cast, get_args

import msgspec

from engine.core.errors import ConfigError
from engine.core.load import ROOT, names, read_toml
from engine.core.registry import did_you_mean
from engine.feeds.quality.flags import BITS, FLAGS, Limits
from engine.feeds.quality.spikes import METHODS

Action = Literal["drop", "hold", "fill", "repair"]
PRICED = ("missing", "nonpositive", "crossed", "inconsistent", "spike", "wide", "stale")
ALLOWED: dict[str, tuple[str, ...]] = {
    "drop": tuple(name for name in FLAGS if name != "gap"),
    "hold": PRICED,
    "fill": ("gap",),
    "repair": ("crossed", "inconsistent", "negative"),
}
"""What can be done about which flag."""
SHIPPED = ROOT / "configs" / "clean"
KEYS = ("flag", "do", "limit")


class Rule(msgspec.Struct, frozen=True):
    """`flag` of `do`; `limit` 0 is the action's own."""

    flag: str
    do: Action
    limit: int = 0


class Rules(msgspec.Struct, frozen=True):
    rules: tuple[Rule, ...]
    method: str = "jump"

    @property
    def limits(self) -> Limits:
        return Limits(method=self.method)

    @property
    def fills(self) -> bool:
        return any(rule.do == "fill" for rule in self.rules)

    @property
    def hash(self) -> str:
        """Of what the rules mean, not of how they are written."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=8).hexdigest()


def load_rules(ref: str | Path = "default") -> Rules:
    """Rules by the name of a file in configs/clean, or by path; ConfigError names the nearest of what is not known."""
    path = Path(ref)
    if path.suffix != ".toml" and len(path.parts) == 1:
        known = names(SHIPPED, "*.toml")
        if str(ref) not in known:
            raise ConfigError(f"no rules are called {str(ref)!r}: {did_you_mean(str(ref), known)}")
        path = known[str(ref)]
    return parse_rules(read_toml(path), str(path))


def parse_rules(table: dict[str, Any], where: str) -> Rules:
    """Rules from a table as TOML gives it."""
    for key in table:
        if key not in ("rule", "method"):
            raise ConfigError(f"{where}: unknown key {key!r}: {did_you_mean(key, ('rule', 'method'))}")
    method = table.get("method", "jump")
    if method not in METHODS:
        raise ConfigError(f"{where}: method {method!r}: {did_you_mean(str(method), METHODS)}")
    listed = table.get("rule")
    if not isinstance(listed, list) or not listed:
        raise ConfigError(f'{where}: no rule: write [[rule]] with flag = "crossed" and do = "drop"')
    found = [one for n, entry in enumerate(listed) for one in parse_rule(entry, f"{where}: rule[{n}]")]
    return Rules(tuple(found), method)


def parse_rule(entry: Any, where: str) -> list[Rule]:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where} is not a table: write [[rule]]")
    for key in entry:
        if key not in KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}: {did_you_mean(key, KEYS)}")
    do, limit = entry.get("do"), entry.get("limit", 0)
    flags = [entry["flag"]] if isinstance(entry.get("flag"), str) else entry.get("flag")
    if not isinstance(flags, list) or not flags:
        raise ConfigError(f"{where}.flag: name one flag or a list of them: {did_you_mean('', BITS)}")
    if not isinstance(do, str) or do not in get_args(Action):
        raise ConfigError(f"{where}.do: {do!r}: {did_you_mean(str(do), get_args(Action))}")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise ConfigError(f"{where}.limit: must be a number of rows, at least 0, got {limit!r}")
    for flag in flags:
        if flag not in BITS:
            raise ConfigError(f"{where}.flag: {flag!r}: {did_you_mean(str(flag), BITS)}")
        if flag not in ALLOWED[do]:
            raise ConfigError(f"{where}: {do} cannot be done about {flag}: it can about {', '.join(ALLOWED[do])}")
    return [Rule(flag, cast(Action, do), limit) for flag in flags]
