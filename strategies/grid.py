"""Grid: a ladder of limit orders below and above the market; each rung that fills is sold one rung higher.

Logic: prices that go nowhere cross the same levels again and again; buy every step down, sell every step up, and take
one step of profit each time. When the market leaves it loses more: a grid without an end is ruined almost surely. So
this one has so many rungs, a stop beyond the last, and is taken down by a close out there. Source: Taranto and Khan,
Gambler's ruin problem and bi-directional grid ..., Investment Management and Financial Innovations 17(3) 2020, 54-66.
"""

from __future__ import annotations

from engine.features import atr
from engine.strategy import Cancel, ConfigError, Modify, Order, Strategy, dataclass, field, strategy


@dataclass
class Ladder:
    """One symbol's grid: rung -2 is the second to buy below the centre, +2 the second to sell above it."""

    centre: float
    step: float
    orders: dict[int, int] = field(default_factory=dict)
    """Rung to the number of the order that rests there, 0 while nobody has numbered it."""
    held: dict[int, int] = field(default_factory=dict)
    """Position to the rung that opened it."""

    def at(self, order: int) -> int | None:
        """The rung at which this order rests."""
        return next((rung for rung, number in self.orders.items() if number == order), None)


@strategy
@dataclass
class Grid(Strategy):
    """Buys `rungs` steps down, sells `rungs` steps up, one step of profit each; for hedging accounts.

    units     of the base currency at each rung (risk's max_position still holds)
    rungs     on each side
    step_atr  distance of the rungs in average true ranges, as they are when the ladder is put up
    room      steps from the last rung to the stop of every position; a close as far away takes the ladder down
    """

    units: float = 1_000.0
    rungs: int = 3
    step_atr: float = 1.0
    room: float = 2.0
    atr_period: int = 14
    _ladders: dict[str, Ladder] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("units", "step_atr", "room"):
            if not 0.0 < getattr(self, name) < float("inf"):
                raise ConfigError(f"grid: {name} ({getattr(self, name):g}) must be more than 0")
        if not 1 <= self.rungs <= 50 or self.atr_period < 1:
            raise ConfigError(f"grid: rungs ({self.rungs}) are 1 to 50, atr_period ({self.atr_period}) at least 1")

    def features(self):
        return {"reach": atr(self.atr_period)}

    def on_row(self, row):
        ladder = self._ladders.get(row.symbol)
        if ladder is None and row.reach > 0.0:
            ladder = self._ladders[row.symbol] = Ladder(row.close, self.step_atr * row.reach)
        if ladder is None:
            return None
        ladder.orders = {rung: number for rung, number in ladder.orders.items() if number}  # the others were denied
        if abs(row.close - ladder.centre) > (self.rungs + self.room) * ladder.step:
            return self.take_down(row, ladder)
        if not ladder.held and ladder.orders and abs(row.close - ladder.centre) > ladder.step:
            return self.follow(row, ladder)  # the market has moved on by a step
        return [self.order(row, ladder, rung) for rung in self.empty(ladder)]

    def take_down(self, row, ladder):
        """Beyond the end: what rests is taken back, stops close what is held; the next row starts afresh."""
        if not ladder.held and not ladder.orders:
            del self._ladders[row.symbol]
        return [Cancel(row.ts, self.id, number) for number in ladder.orders.values() if number]

    def follow(self, row, ladder):
        ladder.centre = row.close
        return [Modify(row.ts, self.id, n, **self.prices(ladder, rung)) for rung, n in ladder.orders.items()]

    def empty(self, ladder):
        """Rungs at which nothing rests and that no position came from."""
        taken = {*ladder.orders, *ladder.held.values()}
        return [r for k in range(1, self.rungs + 1) for r in (-k, k) if r not in taken]

    def prices(self, ladder, rung):
        side = -1 if rung > 0 else 1
        price, goal = (ladder.centre + r * ladder.step for r in (rung, rung + side))
        end = ladder.centre - side * (self.rungs + self.room) * ladder.step
        return {"price": price, "stop": end, "take_profit": goal}

    def order(self, event, ladder, rung):
        ladder.orders[rung] = 0
        side = -1 if rung > 0 else 1
        return Order(event.ts, self.id, event.symbol, side, self.units, "limit", **self.prices(ladder, rung))

    def on_order(self, order):
        ladder = self._ladders[order.symbol]
        ladder.orders[round((order.price - ladder.centre) / ladder.step)] = order.id

    def on_fill(self, fill):
        ladder = self._ladders[fill.symbol]
        if fill.entry == "in":
            ladder.held[fill.position] = rung = ladder.at(fill.order)
            if not fill.left:
                del ladder.orders[rung]
            return None
        rung = ladder.held.pop(fill.position, None)
        again = fill.reason == "take_profit" and rung in self.empty(ladder)
        return self.order(fill, ladder, rung) if again else None

    def on_canceled(self, gone):
        ladder = self._ladders[gone.symbol]
        ladder.orders.pop(ladder.at(gone.order), None)

    def on_rejected(self, rejected):
        if rejected.symbol and not rejected.request:  # an order, and not a change of one or its end
            self.on_canceled(rejected)
