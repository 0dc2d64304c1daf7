"""Exact money for the tests: decimals as fractions, rounding as people do it, contracts read from the config alone."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from engine.core.config import Config
from engine.core.instrument import Instrument

HALF = Fraction(1, 2)
Quotes = dict[str, tuple[Fraction, Fraction]]
"""(bid, ask) by symbol, as far as something has been quoted."""


class HairsBreadth(Exception):
    """An amount so near to a tie or a limit, and not on it, that no float can be asked to tell the sides apart."""


def exact(number: float) -> Fraction:
    """The decimal that a float stands for: binary noise beyond ten places is dropped."""
    return Fraction(Decimal(repr(round(float(number), 10))))


def half_away(amount: Fraction) -> int:
    """The nearest whole number; a tie goes away from zero.

    >>> half_away(Fraction("2.5")), half_away(Fraction("-2.5")), half_away(Fraction("2.4"))
    (3, -3, 2)
    """
    whole = int(abs(amount) + HALF)
    return whole if amount >= 0 else -whole


def near_tie(amount: Fraction) -> bool:
    """Within a millionth of a tie, but not on it."""
    distance = abs(abs(amount) % 1 - HALF)
    return 0 < distance < Fraction(1, 10**6)


@dataclass(frozen=True)
class Terms:
    """What the contract with the broker says: volumes, costs, currencies."""

    config: Config
    instruments: dict[str, Instrument]

    @property
    def currency(self) -> str:
        return self.config.account.currency

    @property
    def scale(self) -> int:
        """Minor units in one of the account currency: 100 cents, or the yen itself."""
        return 1 if self.currency == "JPY" else 100

    @property
    def leverage(self) -> Fraction:
        return exact(self.config.account.leverage)

    def step(self, symbol: str) -> Fraction:
        """Units in one step of volume."""
        one = self.instruments[symbol]
        return exact(one.volume_step) * exact(one.contract_size)

    def slippage(self, symbol: str) -> Fraction:
        return exact(self.config.venue.slippage.amount) / 10 ** self.instruments[symbol].digits

    def rate(self, symbol: str, quotes: Quotes) -> Fraction | None:
        """Account currency for one unit of the symbol's profit currency; None while nobody quotes it."""
        profit, account = self.instruments[symbol].profit_currency, self.currency
        if profit == account:
            return Fraction(1)
        for pair, rate in self.config.rates.items():
            if pair == profit + account:
                return exact(rate)
            if pair == account + profit:
                return 1 / exact(rate)
        for turned in (False, True):
            for other, one in self.instruments.items():
                pair = (one.base_currency, one.profit_currency)
                if pair == ((account, profit) if turned else (profit, account)):
                    if other not in quotes:
                        return None
                    mid = sum(quotes[other]) / 2
                    return 1 / mid if turned else mid
        raise AssertionError(f"{symbol}: no way from {profit} to {account}")

    def commission(self, symbol: str, units: Fraction, price: Fraction, rate: Fraction) -> Fraction:
        """What one deal costs, before rounding."""
        fee, one = self.config.venue.commission, self.instruments[symbol]
        if fee.unit == "bps":
            return exact(fee.amount) / 10_000 * units * price * rate
        return exact(fee.amount) * units / exact(one.contract_size)

    def minor(self, money: Fraction) -> int:
        """Money as it is booked: whole minor units, half away from zero."""
        if near_tie(money * self.scale):
            raise HairsBreadth
        return half_away(money * self.scale)
