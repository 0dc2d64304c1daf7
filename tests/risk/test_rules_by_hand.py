"""Each rule against figures worked out by hand: that both lanes call it only says that they agree."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.core.config import RiskConfig
from engine.core.instrument import instrument
from engine.core.schema import build
from engine.kernels.book import ENTRY_IN, ENTRY_OUT
from engine.kernels.related import correlation
from engine.limits import bars_a_year, shut_hours, with_days
from engine.risk.kernels import decide_one
from engine.risk.past import recall_one
from engine.risk.terms import (
    ANSWER,
    FACT_AGE,
    FACT_ATR,
    FACT_HIGH,
    FACT_LOW,
    FACT_RELATED,
    FACT_SIGMA,
    MAX_LOSSES,
    MAX_TRADES,
    RULES,
    WISH,
    rules_of,
)
from tests.risk.test_sizing import limits_for
from tests.venue.desk import SECOND, Desk

NAN = math.nan
HOUR = 3_600 * SECOND


def ask(desk: Desk, strength: float = 1.0, stop: float = NAN, rules: Any = None, ts: int = 0, facts: Any = (),
        **risk: Any) -> dict[str, Any]:  # fmt: skip
    """The kernel's answer to a wish under [risk] as written; `facts` are (place, value)."""
    table = build(RiskConfig, {"size": "0.1 lots"} | risk, "risk")
    size = str(table.size)
    if rules is None:
        rules = rules_of(limits_for(desk, size, **{k: getattr(table, k) for k in risk if k != "size"}))
    known = np.full(FACT_RELATED + 2, NAN)
    for place, value in facts:
        known[place] = value
    answer, wishes = np.zeros(1, ANSWER), np.zeros(rules[0].shape, WISH)
    decide_one(desk.venue.book, rules, wishes, 0, 0, ts or desk.now, strength, stop, NAN, known, answer)
    found = dict(zip(ANSWER.names or (), answer.tolist()[0], strict=True))
    return found | {"says": RULES[found["rule"]]}


def quoted(*symbols: str, **options: Any) -> Desk:
    desk = Desk(*symbols, **options)
    for symbol in symbols or ("EURUSD",):
        price = {"EURUSD": 1.1, "GBPUSD": 1.25}[symbol]
        desk.quote(price, round(price + 0.0002, 5), symbol)
    return desk


def holding(lots: float, symbol: str = "GBPUSD") -> Desk:
    desk = quoted("EURUSD", "GBPUSD", balance=100_000.0)
    desk.order(1 if lots > 0 else -1, abs(lots), symbol=symbol, strategy="other")
    desk.quote(1.25, 1.2502, "GBPUSD")
    return desk


def test_a_volatility_target_is_its_share_of_equity_over_the_yearly_deviation() -> None:
    """Sigma 0.001 a bar, 6,261 bars a year: 7.913 % a year; 10 % of 10,000: 12,638 USD at 1.1002, 11 steps."""
    desk = quoted()
    bars = bars_a_year(instrument("EURUSD"), "H1", "17:00 America/New_York", 19_723 * 86_400 * SECOND)
    assert bars > 6_000
    limits = limits_for(desk, "10 % volatility")
    limits["bars_a_year"] = 6_261.0
    assert ask(desk, rules=rules_of(limits), facts=[(FACT_SIGMA, 0.001)])["target"] == 11
    assert ask(desk, rules=rules_of(limits))["says"] == "warming_up"


def test_kelly_stakes_a_part_of_the_edge_of_the_trades_that_are_known_and_never_more_than_its_cap() -> None:
    """3 of 4 won at 200 a step, lost 100 a step: 0.75 - 0.25 / 2 = 0.625; a tenth, 6.25 %, is capped at 5 %."""
    desk = quoted()
    kelly = {"trades": 4, "start": "1 %", "cap": "5 %"}
    limits = limits_for(desk, "0.1 kelly", kelly=build(RiskConfig, {"kelly": kelly}, "risk").kelly)
    rules = rules_of(limits)
    deal = lambda entry, net: recall_one(desk.venue.book, rules[2], 0, 0, desk.now, entry, 1, 10, net)  # noqa: E731
    assert ask(desk, 1.0, 1.0902, rules)["target"] == 10, "1 % of 10,000 = 100 over 0.01000: 10,000 units"
    for net in (2_000, 2_000, 2_000, -1_000):
        deal(ENTRY_IN, 0)
        deal(ENTRY_OUT, net)
    assert ask(desk, 1.0, 1.0902, rules)["target"] == 50, "capped: 500 over 0.01000"
    limits["size"] = 0.05
    assert ask(desk, 1.0, 1.0902, rules)["target"] == 31, "0.05 x 0.625 = 3.125 %: 31,250 units"
    for _ in range(12):
        deal(ENTRY_IN, 0)
        deal(ENTRY_OUT, -1_000)
    answer = ask(desk, 1.0, 1.0902, rules)
    assert answer["says"] == "kelly" and answer["value"] == pytest.approx(3 / 16 - 13 / 16 / 2)


def test_a_probability_stakes_by_its_distance_from_a_half() -> None:
    """Strength 0.6 is p = 0.8: z = 0.3 / 0.4 = 0.75, 2 N(0.75) - 1 = 0.54675; of 100 at risk over 0.01: 5,467 units."""
    desk = quoted()
    assert ask(desk, 0.6, 1.0902, size="1 % probability")["target"] == 5
    assert ask(desk, 1.0, 1.0902, size="1 % probability")["target"] == 10
    assert ask(desk, 1.0, size="1 % probability")["says"] == "stop_missing"


def test_exits_are_measured_from_the_price_at_the_decision() -> None:
    exits = {"stop": "2 atr", "take_profit": "1.5 R", "trail": "200 points", "trail_start": "1 R", "break_even": "1 %"}
    long = ask(quoted(), facts=[(FACT_ATR, 0.001)], exits=exits)
    assert long["stop"] == pytest.approx(1.0982) and long["take_profit"] == pytest.approx(1.1032)
    assert (long["trail"], long["trail_start"]) == pytest.approx((0.002, 0.002))
    assert long["even_at"] == pytest.approx(0.011002)
    short = ask(quoted(), -1.0, facts=[(FACT_ATR, 0.001)], exits=exits)
    assert short["stop"] == pytest.approx(1.102) and short["take_profit"] == pytest.approx(1.097)


def test_a_swing_stop_of_a_short_lies_the_spread_further() -> None:
    facts = [(FACT_LOW, 1.09), (FACT_HIGH, 1.11)]
    for strength, level in ((1.0, 1.09), (-1.0, 1.1102)):
        assert ask(quoted(), strength, facts=facts, exits={"stop": "10 bars swing"})["stop"] == pytest.approx(level)


def test_a_strategys_own_stop_stays_unless_it_is_overridden() -> None:
    for override, level in ((False, 1.05), (True, 1.0952)):
        exits = {"stop": "500 points", "override": override}
        assert ask(quoted(), 1.0, 1.05, exits=exits)["stop"] == pytest.approx(level)
    assert ask(quoted(), exits={"stop": "2 atr"})["says"] == "stop_missing"
    assert ask(quoted(), exits={"take_profit": "2 R"})["says"] == "exit_missing"


@pytest.mark.parametrize(
    ("risk", "says", "value", "threshold"),
    [
        ({"max_spread": "19 points"}, "max_spread", 20.0, 19.0),
        ({"max_spread": "20 points"}, "", NAN, NAN),
        ({"max_spread": "1.5 bps"}, "max_spread", 0.0002 / 1.1 * 1e4, 1.5),
        ({"max_age": "5 s"}, "max_age", 6.0, 5.0),
        ({"max_age": "6 s"}, "", NAN, NAN),
        ({"max_gross": "1 lots", "size": "1.01 lots"}, "max_gross", 1.01, 1.0),
        # 0.1 lots at the mid 1.1001 is 11,001 of 10,000
        ({"max_leverage": 1.1}, "max_leverage", 1.1001, 1.1),
        ({"max_net": "110 %"}, "max_net", 1.1001, 1.1),
        ({"max_currency": "111 %"}, "", NAN, NAN),
    ],
)
def test_limits_of_the_market_and_of_exposure(risk: dict[str, Any], says: str, value: float, threshold: float) -> None:
    found = ask(quoted(), facts=[(FACT_AGE, 6.0)], **risk)
    assert found["says"] == says and (found["target"] == 0) == bool(says)
    assert (found["value"], found["threshold"]) == pytest.approx((value, threshold), nan_ok=True)


def test_a_currency_counts_on_both_sides_of_its_pairs() -> None:
    """Long 0.50 GBPUSD is short dollars; long EURUSD adds to that, short EURUSD takes from it."""
    desk = holding(0.5)
    assert ask(desk, 1.0, max_currency="0.55 lots")["value"] == pytest.approx(0.6)
    assert ask(desk, -1.0, max_currency="0.55 lots")["says"] == ""
    assert ask(desk, -1.0, max_gross="0.55 lots")["says"] == "max_gross"
    assert ask(desk, -1.0, max_net="0.55 lots")["says"] == ""


def test_what_moves_alike_is_not_bought_beside_what_is_held_nor_its_opposite_sold() -> None:
    desk, related = holding(0.5), {"max": 0.8, "bars": 20}
    alike, against = [(FACT_RELATED + 1, 0.9)], [(FACT_RELATED + 1, -0.9)]
    assert ask(desk, 1.0, facts=alike, correlation=related)["says"] == "correlation"
    assert ask(desk, -1.0, facts=alike, correlation=related)["says"] == ""
    assert ask(desk, -1.0, facts=against, correlation=related)["says"] == "correlation"
    assert ask(desk, 1.0, correlation=related)["says"] == "", "unknown is no reason"


def test_correlation_is_pearsons_over_the_bars_that_both_have() -> None:
    draw = np.random.default_rng(3)
    a = np.exp(np.cumsum(draw.normal(0, 0.01, 61)))
    b = a**0.5 * np.exp(np.cumsum(draw.normal(0, 0.004, 61)))
    end, kept = np.arange(61), np.arange(61) % 7 != 3
    x, y = np.diff(np.log(a[kept]))[-30:], np.diff(np.log(b[kept]))[-30:]
    found = correlation(end, a, 60, end[kept], b[kept], int(kept.sum()) - 1, 30)
    assert found == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)
    assert math.isnan(correlation(end[:10], a[:10], 9, end[:10], b[:10], 9, 30))


def test_entries_of_a_day_and_losses_in_a_row_are_counted_as_they_become_known() -> None:
    desk = quoted()
    rules = rules_of(limits_for(desk, "0.1 lots", max_trades=2, max_losses=2))
    deal = lambda ts, entry, order, net: recall_one(desk.venue.book, rules[2], 0, 0, ts, entry, order, 1, net)  # noqa: E731
    deal(desk.now, ENTRY_IN, 1, -10)
    deal(desk.now, ENTRY_IN, 1, -10)  # the same order, filled in two parts
    assert ask(desk, rules=rules)["rule"] == 0
    deal(desk.now, ENTRY_IN, 2, -10)
    assert ask(desk, rules=rules)["rule"] == MAX_TRADES
    rules[0]["max_trades"] = np.inf
    deal(desk.now, ENTRY_OUT, 3, 5)  # 5 less its tenth of costs: lost
    deal(desk.now + HOUR, ENTRY_OUT, 4, 10)  # as much as it cost: neither
    assert ask(desk, rules=rules)["rule"] == 0
    deal(desk.now + HOUR, ENTRY_OUT, 5, -1)
    assert ask(desk, rules=rules, ts=desk.now + 2 * HOUR)["rule"] == MAX_LOSSES
    assert ask(desk, rules=rules, ts=desk.now + 26 * HOUR)["rule"] == 0, "cooled off"


def test_losses_of_the_day_and_of_the_run_are_of_equity() -> None:
    """1.00 lot of another strategy falls 300 points: 300.00 of 10,000."""
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.buy(1.0, strategy="other")
    desk.quote(1.1, 1.1)
    desk.quote(1.097, 1.097)
    desk.venue.book[0]["day_equity"] = 10_000.0
    assert ask(desk, daily_loss="3 %")["value"] == pytest.approx(0.03)
    assert ask(desk, daily_loss="3.01 %")["says"] == ""
    assert ask(desk, daily_loss="3 % initial")["value"] == pytest.approx(300.0)
    assert ask(desk, max_loss="300 USD")["says"] == "max_loss" and ask(desk, max_loss="301 USD")["says"] == ""


def test_outside_the_hours_nothing_opens_and_the_hours_are_half_open() -> None:
    """Monday 4 March 2019, London is on UTC: 08:00 is inside, 17:00 is not."""
    desk = quoted()
    limits = limits_for(desk, "0.1 lots", hours="Mon-Fri 08:00-17:00 Europe/London")
    day = int(np.datetime64("2019-03-04", "ns").astype(np.int64))
    rules = rules_of(limits, shut_hours("Mon-Fri 08:00-17:00 Europe/London", limits, np.zeros((0, 2), np.int64),
                                        (day, day + 24 * HOUR)))  # fmt: skip
    said = {hour: ask(desk, rules=rules, ts=day + int(hour * HOUR))["says"] for hour in (7.99, 8, 16.99, 17)}
    assert said == {7.99: "hours", 8: "", 16.99: "", 17: "hours"}


@pytest.mark.parametrize("banded", [True, False])
@pytest.mark.parametrize("first", [0, 1])
def test_a_day_begins_with_equity_or_balance_before_its_first_quote(banded: bool, first: int) -> None:
    """Long 1.00 from 1.10000, at 1.10500 at midnight: the day began with 10,500; 1.09900 then is 600 less."""
    desk = Desk(banded=banded, checked=False)
    config = replace(desk.terms.config, risk=build(RiskConfig, {"daily_loss": "5 %", "day": "00:00 UTC"}, "risk"))
    desk.venue.book = with_days(desk.venue.book, config, (desk.now, desk.now + 72 * HOUR))
    midnight = (desk.now // (24 * HOUR) + 1) * 24 * HOUR
    desk.quote(1.1, 1.1)
    desk.buy(1.0, strategy="other")
    desk.quote(1.1, 1.1)
    desk.quote(1.105, 1.105, after=midnight - SECOND - desk.now)
    desk.quote(1.099, 1.099, after=SECOND * (1 + first))
    assert desk.venue.book[0]["day_equity"][0] == pytest.approx(10_500.0)
    assert ask(desk, daily_loss="5 %")["value"] == pytest.approx(600 / 10_500)
    desk.quote(1.098, 1.098, after=24 * HOUR)
    assert desk.venue.book[0]["day_equity"][0] == pytest.approx(10_000.0), "the balance, where equity is below it"
    assert ask(desk, daily_loss="2 %")["value"] == pytest.approx(0.02)
    assert ask(desk, ts=midnight + 48 * HOUR, daily_loss="5 %")["says"] == ""


@pytest.mark.parametrize(("long", "short"), [(0.1, 0.1), (0.1, 0.3), (0.3, 0.1)])
def test_owning_both_ways_is_something_to_be_done_about_whatever_is_wished_next(long: float, short: float) -> None:
    """A close that was refused leaves a hedge behind: a flat wish closes it although nothing is owned on balance."""
    desk = quoted(balance=100_000.0)
    desk.order(1, long)
    desk.order(-1, short)
    desk.quote(1.1, 1.1002)
    assert [int(p["side"]) for p in desk.positions] == [1, -1]
    flat = ask(desk, 0.0)
    assert flat["own"] == round(100 * (long - short)) and flat["target"] == 0 and flat["acts"] == 1
    assert ask(desk, 1.0, size=f"{max(long - short, 0.01):.2f} lots")["acts"] == 1
    only = quoted(balance=100_000.0)
    only.order(1, long)
    only.quote(1.1, 1.1002)
    assert ask(only, 1.0, size=f"{long} lots")["acts"] == 0 and ask(only, 0.0)["acts"] == 1
