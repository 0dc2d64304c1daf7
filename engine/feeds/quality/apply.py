"""Rules applied to a stream: cleaned rows come out, and a record of every row that was touched."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.feeds.checks import priced
from engine.feeds.lineage import SYNTHETIC, Columns, Lineage, join, part, size
from engine.feeds.quality.flags import BITS
from engine.feeds.quality.rules import Rule, Rules
from engine.feeds.quality.validator import Validator, Verdict
from engine.feeds.quality.week import Calendar, middle

HOLD = 5
LIKE: tuple[str, ...] = ("close", "spread")
ACTIONS = ("drop", "hold", "repair", "fill")
BAD = sum(BITS[name] for name in ("missing", "nonpositive", "crossed", "inconsistent", "spike", "wide", "stale"))


class Touched(NamedTuple):
    """Rows that were left out, changed or made: their places before and after (-1: not there), why, as they were."""

    row: np.ndarray
    out_row: np.ndarray
    action: np.ndarray
    """Index into ACTIONS."""
    flag: np.ndarray
    """uint32, the bit of the rule that did it."""
    before: Columns


class Applier:
    """Applies rules block by block; what the next block needs to know is kept in here."""

    def __init__(self, lineage: Lineage, rules: Rules, calendar: Calendar) -> None:
        self.lineage, self.rules, self.calendar = lineage, rules, calendar
        self.prices = priced(lineage)
        self.validator = Validator(lineage, calendar, rules.limits)
        self.rows = self.out_rows = self.held = 0
        self.last: dict[str, float] = {}
        self.high = 0
        self.bar_before: dict[str, float] = {}

    def run(self, columns: Columns) -> tuple[Columns, Touched, Verdict]:
        """The rows that are kept, those that were touched, and what was found before."""
        n = size(columns)
        verdict = self.validator.run(columns)
        out = {name: values.copy() for name, values in columns.items()}
        if self.rules.fills:
            out.setdefault(SYNTHETIC, np.zeros(n))
        chosen = np.full(n, -1)
        for k, rule in reversed(list(enumerate(self.rules.rules))):
            if rule.do != "fill":
                chosen[(verdict.flags & BITS[rule.flag]) != 0] = k
        dropped = np.zeros(n, bool)
        action, flag = np.full(n, -1, np.int8), np.zeros(n, np.uint32)
        bad = np.flatnonzero((chosen >= 0) | ((verdict.flags & BAD) != 0))
        self.walk(bad, chosen, verdict.flags, out, dropped, action, flag)
        if n and (not len(bad) or bad[-1] != n - 1):
            self.held = 0
            self.last = {name: float(out[name][-1]) for name in self.prices}
        touched = np.flatnonzero(action >= 0)
        place = self.out_rows + np.cumsum(~dropped) - 1
        kept = part(out, ~dropped) if dropped.any() else out
        record = Touched(
            touched + self.rows, np.where(dropped, -1, place)[touched], action[touched], flag[touched],
            part(columns, touched),
        )  # fmt: skip
        if self.rules.fills and self.lineage.bars and size(kept):
            kept, record = self.fill(kept, record)
        self.rows += n
        self.out_rows += size(kept)
        return kept, record, verdict

    def walk(
        self,
        bad: np.ndarray,
        chosen: np.ndarray,
        flags: np.ndarray,
        out: Columns,
        dropped: np.ndarray,
        action: np.ndarray,
        flag: np.ndarray,
    ) -> None:
        """Deal with the rows that a rule names, in order; only these are looked at one by one."""
        before = -2
        for i in bad.tolist():
            if i != before + 1 and i > 0:
                self.held = 0
                self.last = {name: float(out[name][i - 1]) for name in self.prices}
            before = i
            if chosen[i] < 0:
                continue
            first: Rule = self.rules.rules[chosen[i]]
            does = [rule for rule in self.rules.rules if rule.do != "fill" and flags[i] & BITS[rule.flag]]
            done = self.treat(does, out, i)
            dropped[i] = done == "drop"
            action[i], flag[i] = ACTIONS.index(done), BITS[first.flag]

    def treat(self, does: list[Rule], out: Columns, i: int) -> str:
        """Do to a row what its rules say, one after the other until one leaves it out; returns what was done."""
        done = ""
        for rule in does:
            if rule.do == "drop":
                return "drop"
            if rule.do == "repair":
                repair(rule.flag, out, i, self.lineage.bars)
            elif done != "hold":
                self.held += 1
                if not self.last or self.held > (rule.limit or HOLD):
                    return "drop"
                for name in self.prices:
                    out[name][i] = self.last[name]
            done = "hold" if rule.do == "hold" else done or rule.do
        return done

    def fill(self, kept: Columns, record: Touched) -> tuple[Columns, Touched]:
        """Flat bars where a bar is missing and the market was open."""
        key, step = kept["open_ts"], self.validator.step
        limit = max(rule.limit for rule in self.rules.rules if rule.do == "fill")
        pieces: list[Columns] = []
        shift = np.zeros(len(key), np.int64)
        made: list[np.ndarray] = []
        start = total = 0
        before = np.r_[self.high or key[0], key[:-1]]
        for i in np.flatnonzero(key - before > step).tolist() if step else []:
            slots = np.arange(int(before[i]) + step, int(key[i]), step)
            slots = slots[self.calendar.is_open(slots + middle(step))]
            like: dict[str, float] = {n: float(kept[n][i - 1]) for n in LIKE if n in kept} if i else self.bar_before
            if len(slots) and (not limit or len(slots) <= limit):
                pieces += [part(kept, slice(start, i)), self.flat(slots, like, kept, i)]
                made.append(self.out_rows + i + total + np.arange(len(slots)))
                total, start = total + len(slots), i
                shift[i:] = total
        self.high = int(key[-1])
        self.bar_before = {name: float(kept[name][-1]) for name in LIKE if name in kept}
        if not total:
            return kept, record
        moved = np.where(record.out_row >= 0, record.out_row, self.out_rows) - self.out_rows
        out_row = np.where(record.out_row >= 0, record.out_row + shift[np.minimum(moved, len(key) - 1)], -1)
        rows = np.concatenate(made)
        empty = {
            name: np.full(total, np.nan if values.dtype.kind == "f" else 0, values.dtype)
            for name, values in record.before.items()
        }
        record = Touched(
            np.r_[record.row, np.full(total, -1)], np.r_[out_row, rows],
            np.r_[record.action, np.full(total, ACTIONS.index("fill"), np.int8)],
            np.r_[record.flag, np.full(total, BITS["gap"], np.uint32)], join([record.before, empty]),
        )  # fmt: skip
        return join([*pieces, part(kept, slice(start, None))]), record

    def flat(self, slots: np.ndarray, bar: dict[str, float], after: Columns, row: int) -> Columns:
        """Bars of one price and no volume, with the spread of the `bar` before them."""
        n = len(slots)
        made = {name: np.full(n, values[row], values.dtype) for name, values in after.items()}
        made |= {name: np.full(n, bar["close"]) for name in self.prices}
        made |= {"open_ts": slots, "ts": slots + self.validator.step, "volume": np.zeros(n), SYNTHETIC: np.ones(n)}
        if "spread" in bar:
            made["spread"] = np.full(n, bar["spread"])
        return made


def repair(flag: str, out: Columns, i: int, bars: bool) -> None:
    """The one repair that each flag has; only where a rule asks for it."""
    if flag == "crossed" and bars:
        out["spread"][i] = abs(out["spread"][i])
    elif flag == "crossed":
        out["bid"][i], out["ask"][i] = out["ask"][i], out["bid"][i]
    elif flag == "inconsistent":
        four = [out[name][i] for name in ("open", "high", "low", "close")]
        out["high"][i], out["low"][i] = max(four), min(four)
    else:
        for name in ("volume",) if bars else ("bid_size", "ask_size", "size"):
            if name in out and out[name][i] < 0:
                out[name][i] = 0.0
