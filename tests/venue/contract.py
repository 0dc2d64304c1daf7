"""What the contract with the broker says, read from config and instruments alone: money, margin, nights, hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import cached_property

import numpy as np

from engine.core.broker import AccountConfig, VenueConfig
from engine.core.clock import parse_time
from engine.core.config import Config
from engine.core.frames import day_starts
from engine.core.instrument import Instrument
from engine.core.quantity import Fee
from engine.core.terms import Margin
from engine.core.zones import utc_to_wall
from tests.venue.exact import HairsBreadth, Quotes, exact, half_away, near_tie

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Terms:
    """What the contract says; amounts are exact and in the account currency where nothing else is said."""

    config: Config
    instruments: dict[str, Instrument]

    @property
    def venue(self) -> VenueConfig:
        return self.config.venue

    @property
    def account(self) -> AccountConfig:
        return self.config.account

    @property
    def currency(self) -> str:
        return self.account.currency

    @property
    def scale(self) -> int:
        """Minor units in one of the account currency: 100 cents, or the yen itself."""
        return 1 if self.currency == "JPY" else 100

    # volumes and prices

    def step(self, symbol: str) -> Fraction:
        """Units in one step of volume."""
        one = self.instruments[symbol]
        return exact(one.volume_step) * exact(one.contract_size)

    def lots(self, symbol: str, steps: int) -> Fraction:
        return steps * exact(self.instruments[symbol].volume_step)

    def tick(self, symbol: str) -> Fraction:
        return exact(self.instruments[symbol].tick)

    def point(self, symbol: str) -> Fraction:
        return Fraction(1, 10 ** self.instruments[symbol].digits)

    def slippage(self, symbol: str, quotes: Quotes | None = None) -> Fraction:
        """How much worse than its price an order fills: points, or a share of the spread of the moment."""
        said = self.venue.slippage
        if said.unit == "points":
            return exact(said.amount) * self.point(symbol)
        assert said.unit == "% spread" and quotes is not None, f"the reference does not know slippage {said}"
        bid, ask = quotes[symbol]
        return max(exact(said.amount) / 100 * (ask - bid), Fraction(0))

    @property
    def liquidity(self) -> dict[str, int | None]:
        """Steps that one record offers on each side, by symbol."""
        most, found = self.venue.liquidity, {}
        for symbol, one in self.instruments.items():
            lots = None if most is None else exact(most.amount)
            if lots is not None and most is not None and most.unit == "units":
                lots /= exact(one.contract_size)
            found[symbol] = None if lots is None else (lots / exact(one.volume_step)).__floor__()
        return found

    # conversion

    def rate(self, symbol: str, quotes: Quotes) -> Fraction | None:
        """Account currency for one unit of the symbol's profit currency; None while nobody quotes it."""
        return self.convert(self.instruments[symbol].profit_currency, quotes)

    def convert(self, money: str, quotes: Quotes) -> Fraction | None:
        """Account currency for one unit of `money`: itself, a fixed rate, a pair of the tape, or two of them."""
        direct = self.leg(money, self.currency, quotes)
        if direct is not False:
            return direct
        for third in dict.fromkeys(
            c for one in self.instruments.values() for c in (one.base_currency, one.profit_currency)
        ):
            first, second = self.leg(money, third, quotes), self.leg(third, self.currency, quotes)
            if first is not False and second is not False:
                return None if first is None or second is None else first * second
        raise AssertionError(f"no way from {money} to {self.currency}")

    def leg(self, money: str, into: str, quotes: Quotes) -> Fraction | bool | None:
        """What one of `money` is in the other; None: not quoted yet, False: there is no such pair."""
        if money == into:
            return Fraction(1)
        for pair, rate in self.config.rates.items():
            if pair == money + into:
                return exact(rate)
            if pair == into + money:
                return 1 / exact(rate)
        for turned in (False, True):
            for other, one in self.instruments.items():
                if (one.base_currency, one.profit_currency) == ((into, money) if turned else (money, into)):
                    if other not in quotes:
                        return None
                    mid = sum(quotes[other]) / 2
                    return 1 / mid if turned else mid
        return False

    def minor(self, money: Fraction) -> int:
        """Money as it is booked: whole minor units, half away from zero."""
        if near_tie(money * self.scale):
            raise HairsBreadth
        return half_away(money * self.scale)

    # what a deal costs

    def commission(
        self, symbol: str, units: Fraction, price: Fraction, rate: Fraction, opens: bool = True, maker: bool = False
    ) -> Fraction:
        """What one deal costs, before rounding."""
        said, one = self.venue.commission, self.instruments[symbol]
        if said is None:
            said = Fee.parse(one.commission or "0 bps")
        lots, worth = units / exact(one.contract_size), units * price * rate
        if isinstance(said, Fee):
            return exact(said.amount) / 10_000 * worth if said.unit == "bps" else exact(said.amount) * lots
        if said.sides == "entry" and not opens:
            return Fraction(0)
        amount = lambda money: exact(money.amount) if money is not None else Fraction(0)  # noqa: E731
        per_lot = said.maker_per_lot if maker and said.maker_per_lot is not None else said.per_lot
        bps = said.maker_bps if maker and said.maker_bps is not None else said.bps
        whole = amount(per_lot) * lots + amount(said.per_deal) + exact(bps) / 10_000 * worth
        return max(whole, amount(said.minimum)) if amount(said.minimum) > 0 else whole

    # what a position ties up

    def margin(self, symbol: str, steps: int, price: Fraction, rate: Fraction, initial: bool = False) -> Fraction:
        """Account money that so many steps opened at that price tie up."""
        one = self.instruments[symbol]
        said = one.margin or Margin(mode="forex" if one.kind == "forex" else "cfd_leverage")
        leverage = exact(said.leverage or self.account.leverage)
        factor = exact(said.rate if initial or not said.maintenance_rate else said.maintenance_rate)
        levered = said.mode in ("forex", "cfd_leverage")
        assert said.mode in ("forex", "forex_no_leverage", "cfd", "cfd_leverage") and not said.tiers
        in_base = said.mode.startswith("forex")
        in_account = in_base and one.base_currency == self.currency
        worth = steps * self.step(symbol) * (1 if in_account else price * rate)
        if said.initial:
            worth = self.lots(symbol, steps) * exact(said.initial if initial else said.maintenance or said.initial)
            worth *= 1 if in_account else price * rate if in_base else rate
        return worth * factor / (leverage if levered else 1)

    def margin_of(self, symbol: str, legs: list[tuple[int, int, Fraction]]) -> Fraction:
        """Of positions (side, steps, margin) of one symbol together: what is hedged may cost less."""
        said, whole = self.instruments[symbol].margin, sum((m for _, _, m in legs), Fraction(0))
        hedged = None if said is None else said.hedged
        if said is None or (hedged == Margin().hedged and not said.larger_leg):
            return whole
        steps = {side: sum(n for s, n, _ in legs if s == side) for side in (1, -1)}
        margin = {side: sum((m for s, _, m in legs if s == side), Fraction(0)) for side in (1, -1)}
        if said.larger_leg:
            return max(margin.values())
        if not whole:
            return whole
        larger = 1 if steps[1] >= steps[-1] else -1
        covered = steps[-larger]
        base = exact(said.maintenance or said.initial or self.instruments[symbol].contract_size)
        return (
            covered * whole / (steps[1] + steps[-1]) * exact(hedged) / base
            + (steps[larger] - covered) * margin[larger] / steps[larger]
        )

    # nights: rule 14

    def nights(self, symbol: str, after: int, until: int) -> list[tuple[int, int]]:
        """(when, days booked) of the rollovers in (after, until]."""
        one, found = self.instruments[symbol], []
        if self.venue.swap == "none" or one.swap is None or one.swap.mode == "disabled":
            return []
        for start in day_starts(one.rolls, after, until).tolist():
            if after < start <= until:
                wall = datetime.fromtimestamp(int(utc_to_wall(np.array([start]), one.rolls.zone)[0]) / 1e9, UTC)
                ended = wall.weekday() if one.rolls.named_after_next else (wall.weekday() - 1) % 7
                days = 0 if ended > 4 else 1
                found.append((start, 3 if WEEKDAYS[ended] == one.swap.triple_day else days))
        return [(start, days) for start, days in found if days]

    def swap(
        self, symbol: str, side: int, steps: int, days: int, entry: Fraction, quote: tuple[Fraction, Fraction],
        rate: Fraction,
    ) -> Fraction:  # fmt: skip
        """What one night costs or earns, before rounding."""
        said, one = self.instruments[symbol].swap, self.instruments[symbol]
        assert said is not None
        amount = exact(said.long if side > 0 else said.short) * days
        units, lots = steps * self.step(symbol), self.lots(symbol, steps)
        if said.mode == "points":
            return amount * self.point(symbol) * units * rate
        if said.mode == "currency_deposit":
            return amount * lots
        assert said.mode in ("interest_open", "interest_current") and one.profit_currency
        price = entry if said.mode == "interest_open" else quote[0] if side > 0 else quote[1]
        return amount / 100 / said.year_days * units * price * rate

    # hours: rule 13

    @cached_property
    def outages(self) -> list[tuple[int, int]]:
        return [tuple(map(parse_time, text.split(" - "))) for text in self.venue.outages]  # type: ignore[misc]

    def state(self, symbol: str, ts: int) -> str:
        """Of the market at that time: open, closed, outage, or not listed (before its life or after it)."""
        one = self.instruments[symbol]
        if any(start <= ts < end for start, end in self.outages):
            return "outage"
        first, last = one.life
        if (first is not None and ts < first) or (last is not None and ts >= last):
            return "not listed"
        hours = one.hours
        if self.venue.hours == "always" or hours.always or bool(hours.is_open(np.array([ts]))[0]):
            return "open"
        return "closed"

    def next_open(self, symbol: str, ts: int) -> int | None:
        """The first moment from ts on at which the symbol trades; None if it never does again."""
        while (state := self.state(symbol, ts)) != "open":
            one = self.instruments[symbol]
            if state == "outage":
                ts = max(end for start, end in self.outages if start <= ts < end)
            elif state == "closed":
                ts = one.hours.next_open(ts)
            elif one.life[0] is not None and ts < one.life[0]:
                ts = one.life[0]
            else:
                return None
        return ts
