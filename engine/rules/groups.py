"""Conditions in groups: `all` must hold, one of `any`, and none of `not`; what is in them are texts or groups again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.core.errors import ConfigError
from engine.core.registry import did_you_mean
from engine.rules.formula import Formula, Unknown, Values, read_formula

PARTS = ("all", "any", "not")


@dataclass(frozen=True)
class Verdict:
    """Does it hold (None: not known yet), and in words the first rule that decided so."""

    holds: bool | None
    words: str


@dataclass(frozen=True)
class Condition:
    """One text; `path` says where it stands in the file: `long.all[1]`."""

    path: str
    formula: Formula

    def __str__(self) -> str:
        return self.formula.text

    def judge(self, values: Values) -> Verdict:
        shown = self.formula.shown(values)
        told = f"{self.path}: {self.formula.text}"
        with_values = f" ({shown})" if shown else ""
        try:
            holds = bool(self.formula(values))
        except Unknown:
            return Verdict(None, f"{told} is not known yet{with_values}")
        return Verdict(holds, f"{told} {'holds' if holds else 'does not hold'}{with_values}")


@dataclass(frozen=True)
class Group:
    """Conditions together; one with nothing in it never holds."""

    path: str
    every: tuple[Condition | Group, ...] = ()
    some: tuple[Condition | Group, ...] = ()
    none: tuple[Condition | Group, ...] = ()

    def judge(self, values: Values) -> Verdict:
        """The first that fails decides, in the order all, not, any."""
        for rule in self.every:
            found = rule.judge(values)
            if not found.holds:
                return found
        for rule in self.none:
            found = rule.judge(values)
            if found.holds is not False:
                return Verdict(None if found.holds is None else False, found.words)
        found_of = [rule.judge(values) for rule in self.some]
        if self.some and not any(found.holds for found in found_of):
            unknown = any(found.holds is None for found in found_of)
            told = "; ".join(found.words for found in found_of)
            return Verdict(None if unknown else False, f"none of {self.path}.any holds: {told}")
        if not (self.every or self.some or self.none):
            return Verdict(False, f"{self.path} states no rule")
        one = next((found.words for found in found_of if found.holds), "")
        held = [str(rule) for rule in self.every] + ([one] if one else []) + [f"not {rule}" for rule in self.none]
        return Verdict(True, f"{self.path} holds: {'; '.join(held)}")

    def __str__(self) -> str:
        return self.path

    @property
    def back(self) -> int:
        """Bars before the last one that its formulas look at."""
        rules = (*self.every, *self.some, *self.none)
        return max((r.formula.back if isinstance(r, Condition) else r.back for r in rules), default=0)


def read_group(table: Any, names: Iterable[str], path: str, more: tuple[str, ...] = ()) -> Group:
    """A group from its table; `more` are keys that are somebody else's. ConfigError names the key that is wrong."""
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: must be a table with all, any or not")
    known = (*PARTS, *more)
    for key in table:
        if key not in known:
            raise ConfigError(f"{path}.{key}: unknown key {key!r}: {did_you_mean(key, known)}")
    names = tuple(names)
    read = {part: read_list(table[part], names, f"{path}.{part}") for part in PARTS if part in table}
    return Group(path, read.get("all", ()), read.get("any", ()), read.get("not", ()))


def read_list(items: Any, names: tuple[str, ...], path: str) -> tuple[Condition | Group, ...]:
    if isinstance(items, str):
        items = [items]
    if not isinstance(items, list | tuple) or not items:
        raise ConfigError(f'{path}: must be a list of rules, like ["rsi < 30"]')
    return tuple(read_one(item, names, f"{path}[{n}]") for n, item in enumerate(items))


def read_one(item: Any, names: tuple[str, ...], path: str) -> Condition | Group:
    if isinstance(item, dict):
        if not item:
            raise ConfigError(f"{path}: an empty group: write all, any or not")
        return read_group(item, names, path)
    try:
        formula = read_formula(item, names)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    if not formula.logical:
        raise ConfigError(f"{path}: {item!r} is a number: compare it, like {item} > 0")
    return Condition(path, formula)
