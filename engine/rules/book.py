"""A rule file as a value: the features it names, when it goes long or short, when it leaves, where the exits lie."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.core.errors import ConfigError
from engine.core.registry import did_you_mean
from engine.core.zones import Zone, parse_zone
from engine.features.plan import Plan
from engine.features.sets import read_entry
from engine.features.spec import Spec
from engine.features.text import read_feature
from engine.rules.formula import FUNCTIONS, Formula, Unknown, Values, read_formula
from engine.rules.groups import Group, read_group

PRICES = ("open", "high", "low", "close", "volume", "spread")
CLOCK = ("hour", "minute", "weekday")
"""Of the wall of `zone` at the bar's end; weekday 0 is Monday."""
TRADE = ("held", "entry")
"""Bars since the wish was made, and the price it was filled at; not known while there is no position."""
KEYS = ("about", "zone", "features", "long", "short", "exit", "cooldown", "reverse")
ENTRY_KEYS = ("name", "priority", "stop", "take_profit")
SIDES = {"long": 1.0, "short": -1.0}


@dataclass(frozen=True)
class Level:
    """Where an exit lies: so many average true ranges, percent or stop distances (R) from the close, or a price."""

    unit: str
    amount: float = 0.0
    column: str = ""
    formula: Formula | None = None

    def price(self, values: Values, way: float, risk: float) -> float:
        """On that side of the close (way +1: above); `risk` is the distance of the stop. Raises Unknown."""
        now = values[-1]
        if self.formula is not None:
            return float(self.formula(values))
        unit = {"R": risk, "%": now["close"] / 100.0}.get(self.unit) or now.get(self.column, math.nan)
        if unit != unit:
            raise Unknown(self.column or self.unit)
        return now["close"] + way * self.amount * unit


@dataclass(frozen=True)
class Entry:
    """When to go one way, and with which exits; the highest priority is asked first."""

    name: str
    side: float
    when: Group
    stop: Level | None
    take_profit: Level | None
    priority: int

    def exits(self, values: Values) -> tuple[float | None, float | None]:
        """Stop-loss and take-profit now. Raises Unknown."""
        close = values[-1]["close"]
        stop = None if self.stop is None else self.stop.price(values, -self.side, math.nan)
        risk = math.nan if stop is None else abs(close - stop)
        return stop, None if self.take_profit is None else self.take_profit.price(values, self.side, risk)


@dataclass(frozen=True)
class RuleBook:
    """Everything a rule file says."""

    features: dict[str, Spec]
    columns: tuple[str, ...]
    entries: tuple[Entry, ...]
    exits: dict[float, tuple[Group, ...]]
    cooldown: int
    reverse: bool
    zone: Zone
    back: int


def read_rules(table: Any, source: str = "") -> RuleBook:
    """The rules of a table as TOML holds it; ConfigError names the file (`source`), the key, and the nearest name."""
    try:
        return RulesOf(table).book()
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}" if source else str(error)) from None


class RulesOf:
    """Reads one table."""

    def __init__(self, table: Any) -> None:
        if not isinstance(table, dict) or not table:
            raise ConfigError("there are no rules: a rule file has [features], [long] or [short], and [exit]")
        for key in table:
            if key not in KEYS:
                raise ConfigError(f"{key}: unknown key {key!r}: {did_you_mean(str(key), KEYS)}")
        self.table = table
        self.features: dict[str, Spec] = {}
        for name, text in self.section("features").items():
            for column, spec in self.named(name, text):
                if column in self.features:
                    raise ConfigError(f"features.{name}: the column {column!r} is made twice: rename one")
                self.features[column] = spec
        self.shown = Plan(self.features).columns
        self.names = (*PRICES, *CLOCK, *TRADE, *self.shown)

    def section(self, key: str) -> dict[str, Any]:
        found = self.table.get(key, {})
        if not isinstance(found, dict):
            raise ConfigError(f"{key}: must be a table: [{key}]")
        return found

    def named(self, name: str, entry: Any) -> list[tuple[str, Spec]]:
        """The columns that one entry makes: a text, or a table with the values of parameters, a frame, a symbol."""
        if isinstance(entry, str) and "." not in name:
            return [(name, self.feature(name, entry))]
        made = self.at(f"features.{name}", lambda given: list(read_entry(name, given)), entry)
        for column, spec in made:
            self.own_name(column)
            self.at(f"features.{name}", Plan, {column: spec})
        return made

    def own_name(self, name: str) -> None:
        if name in (*PRICES, *CLOCK, *TRADE, *FUNCTIONS) or not name.isidentifier() or name.startswith("_"):
            taken = "has a meaning of its own" if name.isidentifier() and name[0] != "_" else "is no name"
            raise ConfigError(f"features.{name}: {name!r} {taken}: choose another")

    def feature(self, name: str, text: Any) -> Spec:
        self.own_name(name)
        try:
            spec = read_feature(text)
            Plan({name: spec})
        except ConfigError as error:
            raise ConfigError(f"features.{name}: {error}") from None
        return spec

    def book(self) -> RuleBook:
        entries = [entry for word in SIDES for entry in self.entries(word)]
        if not entries:
            raise ConfigError("there is no [long] and no [short]: it would never trade")
        exits = self.exits()
        for entry in entries:
            if not exits[entry.side] and entry.stop is None:
                raise ConfigError(f"{entry.name}: nothing ends it: add an [exit], or a stop")
        entries.sort(key=lambda entry: -entry.priority)
        levels = [level for e in entries for level in (e.stop, e.take_profit) if level and level.formula]
        groups = [*(e.when for e in entries), *(g for found in exits.values() for g in found)]
        back = max([*(g.back for g in groups), *(level.formula.back for level in levels if level.formula)], default=0)
        reverse = self.table.get("reverse", False)
        if not isinstance(reverse, bool):
            raise ConfigError(f"reverse: must be true or false, not {reverse!r}")
        zone = self.at("zone", parse_zone, str(self.table.get("zone", "UTC")))
        columns = Plan(self.features).columns
        return RuleBook(self.features, columns, tuple(entries), exits, self.whole("cooldown"), reverse, zone, back)

    def whole(self, key: str) -> int:
        value = self.table.get(key, 0)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ConfigError(f"{key}: must be a whole number of bars, at least 0, not {value!r}")
        return value

    def entries(self, word: str) -> Iterable[Entry]:
        """[long], or several of them: [[long]]."""
        found = self.table.get(word, [])
        for n, table in enumerate(found if isinstance(found, list) else [found]):
            path = f"{word}[{n}]" if isinstance(found, list) and len(found) > 1 else word
            when = read_group(table, self.names, path, ENTRY_KEYS)
            if not (when.every or when.some):
                raise ConfigError(f"{path}: say when, with all or any")
            priority = table.get("priority", 0)
            if not isinstance(priority, int) or isinstance(priority, bool):
                raise ConfigError(f"{path}.priority: must be a whole number, not {priority!r}")
            stop, goal = (self.level(table.get(key), f"{path}.{key}") for key in ("stop", "take_profit"))
            if goal is not None and goal.unit == "R" and stop is None:
                raise ConfigError(f"{path}.take_profit: R is the distance of the stop, and there is no stop")
            yield Entry(str(table.get("name", path)), SIDES[word], when, stop, goal, priority)

    def exits(self) -> dict[float, tuple[Group, ...]]:
        """The rules that end a long (+1) and a short (-1): [exit] both, [exit.long] and [exit.short] one of them."""
        table = self.section("exit")
        both = read_group(table, self.names, "exit", tuple(SIDES))
        own = {side: read_group(table.get(word, {}), self.names, f"exit.{word}") for word, side in SIDES.items()}
        return {
            side: tuple(g for g in (both, group) if g.every or g.some or g.none) for side, group in own.items()
        }  # fmt: skip

    def level(self, text: Any, path: str) -> Level | None:
        if text is None:
            return None
        told = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%|R|atr(?:\s*\(\s*(\d+)\s*\))?|[a-zA-Z]+)\s*", str(text))
        if told is None:
            formula = self.at(path, lambda t: read_formula(t, self.names), text)
            if formula.logical or not formula.names:
                raise ConfigError(f'{path}: {text!r} is no price: write "2 atr", "0.5 %", or close - 2 * reach')
            return Level("price", formula=formula)
        amount, unit = float(told[1]), told[2]
        if unit not in ("%", "R") and not unit.startswith("atr"):
            raise ConfigError(f"{path}: {unit!r} is no unit here: write atr, atr(20) or %, or a price: close - 0.002")
        if unit == "R" and path.endswith("stop"):
            raise ConfigError(f"{path}: R is the distance of the stop itself: write atr, % or a price")
        if amount <= 0.0:
            raise ConfigError(f"{path}: {text!r} must be more than 0")
        if not unit.startswith("atr"):
            return Level(unit, amount)
        column = f"atr_{told[3] or 14}_of_levels"
        self.features[column] = self.at(path, read_feature, f"atr({told[3] or 14})")
        return Level("atr", amount, column)

    @staticmethod
    def at(path: str, read: Any, value: Any) -> Any:
        try:
            return read(value)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None
