"""What a rule book says at one bar, and in words why."""

from __future__ import annotations

from dataclasses import dataclass

from engine.rules.book import Entry, RuleBook
from engine.rules.formula import Unknown, Values

WORDS = {1.0: "long", -1.0: "short"}


@dataclass(frozen=True)
class Choice:
    """The side to be on from now on, the exits for what is opened; `words` say why."""

    side: float
    stop: float | None
    take_profit: float | None
    words: str


def choose(book: RuleBook, values: Values, side: float, cool: int) -> Choice:
    """From a side (+1, -1, 0) and the bars that are left of a cooldown to the side to be on."""
    if side:
        verdicts = [group.judge(values) for group in book.exits[side]]
        if any(v.holds for v in verdicts):
            told = next(v.words for v in verdicts if v.holds)
            return Choice(0.0, None, None, f"{WORDS[side]}, and out: {told}")
        told = "; ".join(v.words for v in verdicts) or "the stop and the take-profit end it"
        stays = f"{WORDS[side]}, and stays: {told}"
        if not book.reverse:
            return Choice(side, None, None, stays)
        turned = enter(book, values, [entry for entry in book.entries if entry.side != side])
        return turned if turned.side else Choice(side, None, None, f"{stays}; {turned.words}")
    if cool:
        return Choice(0.0, None, None, f"out, and waits: {cool} of {book.cooldown} bars of cooldown are left")
    return enter(book, values, list(book.entries))


def enter(book: RuleBook, values: Values, entries: list[Entry]) -> Choice:
    """The entry of the highest priority whose rules hold; two of one priority that disagree cancel each other."""
    told: list[str] = []
    holding: list[Entry] = []
    for entry in entries:
        if holding and entry.priority < holding[0].priority:
            break
        found = entry.when.judge(values)
        told.append(f"{entry.name}: {'yes' if found.holds else 'no'}, {found.words}")
        holding += [entry] if found.holds else []
    if not holding:
        return Choice(0.0, None, None, "no entry: " + "; ".join(told))
    first = holding[0]
    if any(other.side != first.side for other in holding):
        both = ", ".join(entry.name for entry in holding)
        return Choice(0.0, None, None, f"no entry: {both} hold at once, with the same priority {first.priority}")
    try:
        stop, take_profit = first.exits(values)
    except Unknown as unknown:
        return Choice(0.0, None, None, f"no entry: {first.name} holds, but its exits need {unknown}, not known yet")
    return Choice(first.side, stop, take_profit, "; ".join(told))
