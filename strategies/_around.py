"""A strategy in front of another: its entries are let through, made smaller, or held back; its exits pass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.strategy import ConfigError, Signal, Strategy
from strategies._inner import events_in


@dataclass
class Seen:
    """What is known of one symbol: the side let through and its size, last words, and the trade that is open.

    units, net   of the open trade, added up over its deals: its result is known when all of it is closed
    """

    side: float = 0.0
    factor: float = 1.0
    words: str = ""
    units: float = 0.0
    net: float = 0.0


class Around(Strategy):
    """Stands in front of another strategy, `of` with `params`: its entries are judged, its exits are not.

    Says `judge(row, wish, side, seen)`: the share of the size that is let through (0: none) and why, in words;
    `opened(seen)` and `over(seen, net)` hear of each trade, when it begins and with its result in money.
    """

    name: str
    of: str
    _inner: Any
    _seen: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        inner = self.__dict__.get("_inner")
        if name.startswith("on_") and inner is not None:
            heard = getattr(inner, name)
            return lambda event: self.exits_only(name, heard(event), event)
        raise AttributeError(name)

    def on_start(self):
        self._inner.id, self._inner.specifications = self.id, self.specifications
        return self._inner.on_start()

    def why(self, symbol):
        seen = self._seen.get(symbol)
        return "; ".join(words for words in (self._inner.why(symbol), seen.words if seen else "") if words)

    def opened(self, seen):
        """A trade has begun."""

    def undone(self, seen):
        """An entry that was let through came to nothing."""

    def judged(self, row, seen):
        """What is wished at a row, after judgement."""
        events = events_in(self.name, self.of, self._inner.on_row(row), row.symbol)
        return [self.let_through(row, event, seen) if isinstance(event, Signal) else event for event in events]

    def let_through(self, row, wish, seen):
        """The wish, smaller, or flat in its place."""
        side = math.copysign(1.0, wish.strength) if wish.strength else 0.0
        if not (side and side == seen.side):
            seen.side, seen.factor = 0.0, 1.0
            if side:
                seen.factor, seen.words = self.judge(row, wish, side, seen)
                if not seen.factor:
                    return msgspec.structs.replace(wish, strength=0.0, stop=None, take_profit=None)
                seen.side = side
        return msgspec.structs.replace(wish, strength=wish.strength * seen.factor)

    def on_fill(self, fill):
        seen = self._seen[fill.symbol]
        if fill.entry == "in" and not seen.units:
            self.opened(seen)
        seen.units += fill.units if fill.entry == "in" else -fill.units
        seen.net += fill.profit + fill.commission + fill.swap
        if fill.entry != "in" and seen.units <= 1e-9 * fill.units:
            net, seen.units, seen.net = seen.net, 0.0, 0.0
            self.over(seen, net)
            seen.side = 0.0 if fill.reason in ("stop_loss", "take_profit", "stop_out") else seen.side
        heard = getattr(self._inner, "on_fill", None)
        return self.exits_only("on_fill", heard(fill), fill) if heard else None

    def on_denied(self, denied):
        return self.refused("on_denied", denied, denied.rule != "in_flight")

    def on_rejected(self, rejected):
        return self.refused("on_rejected", rejected, not rejected.request)

    def refused(self, name, event, entry):
        """Nothing was opened: where the same is wished again it is judged anew."""
        seen = self._seen.get(event.symbol)
        if seen is not None and entry and not seen.units:
            self.undone(seen)
            seen.side = 0.0
        heard = getattr(self._inner, name, None)
        return self.exits_only(name, heard(event), event) if heard else None

    def exits_only(self, name, returned, event):
        """What it says at other times than at rows: there it may leave, not enter."""
        events = events_in(self.name, self.of, returned, getattr(event, "symbol", ""))
        for said in events:
            if isinstance(said, Signal) and said.strength:
                raise ConfigError(f"{self.name}: {self.of} enters in {name}: only wishes at rows can be judged")
            if isinstance(said, Signal):
                self._seen[said.symbol].side = 0.0
        return events
