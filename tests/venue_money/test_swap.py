"""Swap in every mode, worked out by hand: the formula is in the comment, the figure beside it is a pocket calculator's.

All in cents of the account (whole yen on a yen account) for one night: the rollover at 17:00 in New York that ends the
day named. Quotes are those of QUOTES; a conversion is at the mid price.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.broker import VenueConfig
from engine.core.clock import parse_time
from engine.core.errors import ConfigError
from engine.core.zones import DAY
from engine.kernels import book as b
from tests.venue_money.counter import DAYS, YEAR, Counter, changed, night_of

QUOTES = {
    "EURUSD": (1.10000, 1.10020), "GBPUSD": (1.25000, 1.25020), "USDJPY": (150.000, 150.010),
    "GBPJPY": (190.000, 190.020), "EURJPY": (165.000, 165.020), "EURGBP": (0.88000, 0.88020),
    "XAUUSD": (2000.00, 2000.50), "US500": (5100.0, 5100.5), "DE40": (18000.0, 18001.0), "BTCUSD": (60000.0, 60010.0),
}  # fmt: skip
POINTS = {"mode": "points", "long": -7.1, "short": 2.3}
YEN_POINTS = {"mode": "points", "long": 12.46, "short": -25.92}
BASE = {"mode": "currency_symbol", "long": -4.4, "short": 1.25}
MARGIN = {"mode": "currency_margin", "long": -4.4, "short": 1.0}
DEPOSIT = {"mode": "currency_deposit", "long": -6.5, "short": 0.8}
PROFIT = {"mode": "currency_profit", "long": -900.0, "short": 100.0}
CURRENT = {"mode": "interest_current", "long": -6.5, "short": 1.5}
OPEN = {"mode": "interest_open", "long": -6.5, "short": 1.5}
FRIDAY = {"mode": "interest_current", "long": -8.0, "short": 1.0, "triple_day": "Friday"}

CASES: list[tuple[str, dict[str, Any], str, int, float, float, str, dict[str, Any], int]] = [
    # symbol, swap, day, side, lots, entry, account, more of the instrument, cents
    # points: rate x point x contract x lots x rate of exchange
    ("EURUSD", POINTS, "Mon", +1, 1.00, 1.1, "USD", {}, -710),  # -7.1 x 0.00001 x 100000 = -7.10
    ("EURUSD", POINTS, "Mon", -1, 1.00, 1.1, "USD", {}, 230),  # 2.3 x 0.00001 x 100000 = 2.30
    ("EURUSD", POINTS, "Tue", -1, 0.10, 1.1, "USD", {}, 23),  # 0.230
    ("EURUSD", POINTS, "Wed", +1, 1.00, 1.1, "USD", {}, -2130),  # -7.10 x 3
    ("EURUSD", POINTS, "Wed", -1, 2.50, 1.1, "USD", {}, 1725),  # 2.30 x 2.5 x 3
    ("EURUSD", POINTS, "Fri", +1, 1.00, 1.1, "USD", {}, -710),  # the weekend was paid for on Wednesday
    ("EURUSD", POINTS, "Sat", +1, 1.00, 1.1, "USD", {}, 0),  # nights of the weekend book nothing
    ("EURUSD", POINTS, "Sun", +1, 1.00, 1.1, "USD", {}, 0),
    ("EURUSD", POINTS, "Mon", +1, 0.03, 1.1, "USD", {}, -21),  # -0.213
    ("EURUSD", POINTS, "Wed", +1, 0.03, 1.1, "USD", {}, -64),  # -0.639: rounded once a night, not once a day
    ("EURUSD", {**POINTS, "long": -0.1}, "Mon", +1, 0.05, 1.1, "USD", {}, -1),  # -0.005, a tie: away from zero
    ("EURUSD", {**POINTS, "short": 0.1}, "Mon", -1, 0.05, 1.1, "USD", {}, 1),  # 0.005
    ("EURUSD", {**POINTS, "triple_day": "Friday"}, "Wed", +1, 1.00, 1.1, "USD", {}, -710),
    ("EURUSD", {**POINTS, "triple_day": "Friday"}, "Fri", +1, 1.00, 1.1, "USD", {}, -2130),
    ("USDJPY", YEN_POINTS, "Mon", +1, 1.00, 149.0, "USD", {}, 831),  # 12.46 x 0.001 x 100000 = 1246 JPY / 150.005
    ("USDJPY", YEN_POINTS, "Wed", -1, 1.00, 149.0, "USD", {}, -5184),  # -2592 x 3 = -7776 JPY / 150.005 = -51.8383
    ("USDJPY", YEN_POINTS, "Mon", +1, 1.00, 149.0, "JPY", {}, 1246),  # yen have no cents
    ("EURGBP", {**POINTS, "long": -5.5}, "Mon", +1, 0.50, 0.88, "USD", {}, -344),  # -2.75 GBP x 1.2501 = -3.4378
    ("EURGBP", {**POINTS, "long": -5.5}, "Mon", +1, 1.00, 0.88, "JPY", {}, -1031),  # -5.5 x 1.2501 x 150.005 = -1031.37
    ("EURJPY", {**POINTS, "long": 3.0}, "Tue", +1, 1.00, 165.0, "GBP", {}, 160),  # 300 / 150.005 / 1.2501 = 1.5998
    # money per lot, in the base currency
    ("EURUSD", BASE, "Mon", +1, 2.00, 1.1, "USD", {}, -968),  # -4.4 x 2 = -8.8 EUR x 1.1001 = -9.6809
    ("USDJPY", BASE, "Thu", -1, 4.00, 149.0, "USD", {}, 500),  # 1.25 x 4: the base is the account's own
    ("GBPJPY", {**BASE, "long": -3.0}, "Mon", +1, 1.00, 190.0, "USD", {}, -380),  # -3 x 190.01 / 150.005 = -3.8001
    # in the margin currency
    ("EURUSD", MARGIN, "Mon", +1, 1.00, 1.1, "USD", {}, -484),  # -4.4 EUR x 1.1001 = -4.8404
    ("EURUSD", MARGIN, "Wed", -1, 1.00, 1.1, "USD", {"margin": {"currency": "USD"}}, 300),  # 1.0 x 3
    ("EURUSD", MARGIN, "Mon", +1, 1.00, 1.1, "USD", {"margin": {"currency": "GBP"}}, -550),  # -4.4 x 1.2501 = -5.5004
    ("XAUUSD", {**MARGIN, "long": -30.0}, "Mon", +1, 0.10, 1990.0, "USD", {}, -300),  # -30 x 0.1, in dollars
    # in the account's currency
    ("EURGBP", DEPOSIT, "Mon", +1, 0.30, 0.88, "USD", {}, -195),  # -6.5 x 0.3
    ("EURGBP", DEPOSIT, "Wed", -1, 0.30, 0.88, "USD", {}, 72),  # 0.8 x 0.3 x 3
    # in the profit currency
    ("USDJPY", PROFIT, "Mon", +1, 1.00, 149.0, "USD", {}, -600),  # -900 / 150.005 = -5.9998
    ("DE40", {**PROFIT, "long": -1.2}, "Mon", +1, 10.0, 17900.0, "USD", {}, -1320),  # -12 EUR x 1.1001 = -13.2012
    # percent a year of the price at which it would close, of 360 days
    ("XAUUSD", CURRENT, "Mon", +1, 0.10, 1900.0, "USD", {}, -361),  # 10 x 2000.00 x 6.5 % / 360 = 3.6111
    ("XAUUSD", CURRENT, "Mon", -1, 0.10, 1900.0, "USD", {}, 83),  # 10 x 2000.50 x 1.5 % / 360 = 0.8335
    ("US500", FRIDAY, "Fri", +1, 5.00, 5000.0, "USD", {}, -1700),  # 5 x 5100 x 8 % / 360 x 3
    ("US500", FRIDAY, "Wed", +1, 5.00, 5000.0, "USD", {}, -567),  # 5.6667
    ("BTCUSD", {**CURRENT, "long": -20.0, "year_days": 365}, "Mon", +1, 0.50, 55000.0, "USD", {}, -1644),
    # 0.5 x 60000 x 20 % / 365 = 16.4384
    # percent a year of the price at the opening
    ("XAUUSD", OPEN, "Mon", +1, 0.10, 1900.0, "USD", {}, -343),  # 10 x 1900 x 6.5 % / 360 = 3.4306
    ("XAUUSD", OPEN, "Tue", -1, 0.10, 1950.0, "USD", {}, 81),  # 10 x 1950 x 1.5 % / 360 = 0.8125
    ("USDJPY", {**OPEN, "long": -3.0}, "Mon", +1, 0.20, 148.0, "USD", {}, -164),
    # 20000 x 148 x 3 % / 360 = 246.667 JPY / 150.005 = 1.6444
    ("EURUSD", {"mode": "disabled", "long": -7.1, "short": 2.3}, "Wed", +1, 1.00, 1.1, "USD", {}, 0),
]


def desk(symbol: str, swap: dict[str, Any], currency: str = "USD", more: dict[str, Any] | None = None) -> Counter:
    """With the pairs that its currencies need, and quotes."""
    margin = {"mode": "cfd_leverage" if symbol in ("XAUUSD", "US500", "DE40", "BTCUSD") else "forex"}
    table = changed(symbol, holidays=[], swap=swap, margin=margin | (more or {}).get("margin", {}))
    others = [s for s in ("EURUSD", "GBPUSD", "USDJPY") if s != symbol]
    counter = Counter(symbol, *others, declare=[table], currency=currency, span=YEAR)
    for name in (symbol, *others):
        counter.quote(name, *QUOTES[name])
    return counter


def before(counter: Counter, symbol: str, day: str) -> int:
    """Noon of that day in London; the rollovers before it are over."""
    noon = parse_time(f"{DAYS[day]} 12:00")
    counter.roll(symbol, noon)
    return noon


@pytest.mark.parametrize(("symbol", "swap", "day", "side", "lots", "entry", "currency", "more", "cents"), CASES)
def test_a_night_costs_what_a_pocket_calculator_says(
    symbol: str, swap: dict[str, Any], day: str, side: int, lots: float, entry: float, currency: str,
    more: dict[str, Any], cents: int,
) -> None:  # fmt: skip
    counter = desk(symbol, swap, currency, more)
    noon = before(counter, symbol, day)
    q = counter.hold(symbol, side, lots, entry, noon)
    assert counter.roll(symbol, noon + DAY) == ([(1, cents)] if cents else [])
    assert (q["swap"], q["entry"]) == (cents, entry)
    assert round(counter.book[1]["swap"][0] / counter.book[0]["minor"][0]) == cents


@pytest.mark.parametrize(
    ("symbol", "mode", "rates", "day", "side", "entry", "moved"),
    [
        ("EURUSD", "reopen_current", (-7.1, -2.0), "Mon", +1, 1.10000, 1.100071),  # bought 7.1 points dearer
        ("EURUSD", "reopen_current", (-7.1, -2.0), "Mon", -1, 1.10000, 1.09998),  # sold 2 points cheaper
        ("EURUSD", "reopen_current", (-7.1, -2.0), "Wed", +1, 1.10000, 1.100213),  # three times
        ("XAUUSD", "reopen_bid", (-12.0, 5.0), "Mon", +1, 2000.00, 2000.12),
        ("XAUUSD", "reopen_bid", (-12.0, 5.0), "Wed", -1, 2000.00, 2000.15),  # a gain: sold 15 points dearer
    ],
)
def test_reopening_moves_the_entry_and_books_no_money(
    symbol: str, mode: str, rates: tuple[float, float], day: str, side: int, entry: float, moved: float
) -> None:
    counter = desk(symbol, {"mode": mode, "long": rates[0], "short": rates[1]})
    noon = before(counter, symbol, day)
    q = counter.hold(symbol, side, 1.0, entry, noon)
    equity = float(counter.book[0]["equity"][0])
    assert counter.roll(symbol, noon + DAY) == [(1, 0)]
    assert q["entry"] == pytest.approx(moved, abs=1e-12) and q["swap"] == 0
    worth = side * (entry - moved) * counter.instruments[0].contract_size
    assert counter.book[0]["equity"][0] == pytest.approx(equity + worth, abs=1e-6)


def test_who_opens_at_the_rollover_does_not_pay_it_and_who_is_there_at_it_does() -> None:
    counter = desk("EURUSD", POINTS)
    at = parse_time("2024-03-05 22:00")  # 17:00 in New York, winter
    counter.roll("EURUSD", at - 1)
    assert night_of(counter.book, 0) == at
    counter.hold("EURUSD", 1, 1.0, 1.1, at - 1)
    counter.hold("EURUSD", 1, 1.0, 1.1, at)
    assert counter.roll("EURUSD", at - 1) == []
    assert counter.roll("EURUSD", at) == [(1, -710)]
    assert counter.roll("EURUSD", at) == []


def test_a_gap_over_several_nights_makes_one_report_of_what_each_night_books() -> None:
    counter = desk("EURUSD", POINTS)
    counter.hold("EURUSD", 1, 0.03, 1.1, parse_time("2024-03-04 12:00"))
    counter.hold("EURUSD", -1, 0.03, 1.1, parse_time("2024-03-06 12:00"))
    # the first: -0.21 a night and -0.64 on Wednesday; the second from Wednesday on: 0.207, 0.069 and 0.069
    assert counter.roll("EURUSD", parse_time("2024-03-11 00:00")) == [(1, -148), (2, 35)]
    assert counter.book[0]["equity"][0] == pytest.approx(100_000 - 1.48 + 0.35 - 0.03 * 20.0)


@settings(max_examples=40)
@given(
    st.sampled_from([("EURUSD", POINTS), ("USDJPY", BASE), ("GBPJPY", YEN_POINTS), ("XAUUSD", CURRENT)]),
    st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(1, 500)), min_size=1, max_size=4),
    st.lists(st.integers(1, 24 * 60), min_size=1, max_size=6),
)  # fmt: skip
def test_how_often_anybody_looks_changes_nothing(
    what: tuple[str, dict[str, Any]], held: list[tuple[int, int]], hours: list[int]
) -> None:
    symbol, swap = what
    start = parse_time("2024-03-01")
    once, often = desk(symbol, swap), desk(symbol, swap)
    for counter in (once, often):
        for side, steps in held:
            counter.hold(symbol, side, steps / 100, QUOTES[symbol][0], start)
    now = start
    for wait in hours:
        now += wait * 3_600 * 10**9
        often.roll(symbol, now)
    once.roll(symbol, now)
    count = len(held)
    assert once.book[3][:count].tobytes() == often.book[3][:count].tobytes()
    assert once.book[1]["swap"][0] == often.book[1]["swap"][0]


def formula(mode: str, rate: Fraction, lots: Fraction, side: int, entry: Fraction) -> Fraction:
    """Yen or dollars that a day of EURJPY brings, in exact decimals, on a dollar account."""
    bid, ask = (Fraction(str(price)) for price in QUOTES["EURJPY"])
    yen = 1 / (sum(Fraction(str(price)) for price in QUOTES["USDJPY"]) / 2)
    units = lots * 100_000
    return {
        "points": rate * units / 1_000 * yen,
        "currency_symbol": rate * lots * (bid + ask) / 2 * yen,
        "currency_margin": rate * lots * (bid + ask) / 2 * yen,
        "currency_deposit": rate * lots,
        "currency_profit": rate * lots * yen,
        "interest_current": rate / 100 / 360 * units * (bid if side > 0 else ask) * yen,
        "interest_open": rate / 100 / 360 * units * entry * yen,
    }[mode]


@settings(max_examples=100)
@given(
    st.sampled_from(["points", "currency_symbol", "currency_margin", "currency_deposit", "currency_profit",
                     "interest_current", "interest_open"]),
    st.integers(-9_999, 9_999), st.integers(1, 2_000), st.sampled_from([1, -1]), st.integers(150_000, 180_000),
    st.sampled_from(["Mon", "Wed"]),
)  # fmt: skip
def test_a_night_is_the_formula_in_exact_decimals_rounded_once(
    mode: str, hundredths: int, steps: int, side: int, entry: int, day: str
) -> None:
    rate = hundredths / 100
    counter = desk("EURJPY", {"mode": mode, "long": rate, "short": rate})
    noon = before(counter, "EURJPY", day)
    q = counter.hold("EURJPY", side, steps / 100, entry / 1_000, noon)
    counter.roll("EURJPY", noon + DAY)
    money = formula(mode, Fraction(hundredths, 100), Fraction(steps, 100), side, Fraction(entry, 1_000))
    cents = abs(money) * 100 * (3 if day == "Wed" else 1)
    tie = abs(cents % 1 - Fraction(1, 2))
    expected = int(cents + Fraction(1, 2)) * (1 if money > 0 else -1)
    assert q["swap"] == expected or (0 < tie < Fraction(1, 10**6) and abs(q["swap"] - expected) == 1)


@pytest.mark.parametrize(
    "clock",
    [
        {"rollover": "17:00 America/New_York"}, {"rollover": "00:00 Europe/Athens"}, {"rollover": "00:00 ny+7"},
        {"rollover": "23:59 Europe/London"}, {"rollover": "00:00 UTC"}, {"rollover": "02:30 Europe/Berlin"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("triple", ["Wednesday", "Friday", "Sunday"])
@pytest.mark.parametrize("holidays", [[], ["01-01", "12-25", "12-26", "2024-05-01", "2024-07-03", "2024-07-05"]])
def test_a_year_with_both_changes_of_clocks_has_seven_interest_days_a_week(
    clock: dict[str, str], triple: str, holidays: list[str]
) -> None:
    swap = {"mode": "currency_deposit", "long": -1.0, "short": 0.5, "triple_day": triple}
    table = changed("EURUSD", swap=swap, holidays=holidays, **clock)
    counter = Counter("EURUSD", declare=[table], span=YEAR)
    counter.quote("EURUSD", 1.1, 1.1)
    first = parse_time("2024-02-05 12:00")
    counter.roll("EURUSD", first)
    q = counter.hold("EURUSD", 1, 1.0, 1.1, first)
    for week in range(1, 45):  # from before the change in New York (10 March) to after that in Europe and back
        counter.roll("EURUSD", first + week * 7 * DAY)
        assert q["swap"] == -week * 700


def test_a_holiday_is_charged_with_the_night_before() -> None:
    swap = {"mode": "currency_deposit", "long": -1.0, "short": 0.0}
    table = changed("EURUSD", swap=swap, holidays=["2024-03-06", "2024-03-11"], rollover="00:00 ny+7")
    counter = Counter("EURUSD", declare=[table], span=YEAR)
    counter.quote("EURUSD", 1.1, 1.1)
    counter.hold("EURUSD", 1, 1.0, 1.1, parse_time("2024-03-04 12:00"))
    days = [parse_time(f"2024-03-{d:02d} 23:00") for d in range(4, 13)]
    booked = [sum(cents for _, cents in counter.roll("EURUSD", day)) for day in days]
    # Mon 1, Tue 1 + 3 of Wednesday, Wed none, Thu 1, Fri 1 + 1 of Monday, Sat, Sun, Mon none, Tue 1
    assert booked == [-100, -400, 0, -100, -200, 0, 0, 0, -100]


def test_historical_rates_hold_from_their_date_on_and_the_instruments_own_before(tmp_path: Path) -> None:
    file = tmp_path / "eurusd.csv"
    file.write_text("date,long,short\n2024-03-05,-10,1\n2024-03-07,-20,2\n")
    table = changed("EURUSD", swap={"mode": "points", "long": -1.0, "short": 0.0}, holidays=[])
    counter = Counter("EURUSD", declare=[table], span=YEAR, venue=VenueConfig(swaps={"EURUSD": str(file)}))
    counter.quote("EURUSD", 1.1, 1.1)
    counter.hold("EURUSD", 1, 1.0, 1.1, parse_time("2024-03-04 12:00"))
    days = [parse_time(f"2024-03-{d:02d} 23:00") for d in range(4, 9)]
    booked = [sum(cents for _, cents in counter.roll("EURUSD", day)) for day in days]
    assert counter.notes == ["EURUSD: swap rates of eurusd.csv, before its first date those of EURUSD@demo"]
    assert booked == [-100, -1000, -3000, -2000, -2000]  # Mon its own, Tue, Wed three times, Thu, Fri


def test_swap_can_be_left_out() -> None:
    table = changed("EURUSD", swap=POINTS, holidays=[])
    counter = Counter("EURUSD", declare=[table], span=YEAR, venue=VenueConfig(swap="none"))
    assert night_of(counter.book, 0) == b.NEVER
    assert counter.notes == ["EURUSD: no swap: venue.swap leaves it out"]
    with pytest.raises(ConfigError, match="say one of both"):
        Counter("EURUSD", declare=[table], span=YEAR, venue=VenueConfig(swap="none", swaps={"EURUSD": "x.csv"}))


def test_the_report_says_when_nights_cost_nothing_because_nobody_said_what() -> None:
    assert Counter("EURUSD", span=YEAR).notes == ["EURUSD: EURUSD@demo states no swap rates: nights cost nothing"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read: No such file"),
        ("", "the columns of"),
        ("date,buy,sell\n", "must be date,long,short, not date,buy,sell"),
        ("date,long,short\n", "holds no rates"),
        ("date,long,short\n2024-03-05,-10\n", "line 2"),
        ("date,long,short\n2024-03-05,-10,x\n", "line 2"),
        ("date,long,short\n2024-03-05,nan,1\n", "line 2"),
        ("date,long,short\n2024-03-05,1,1\n2024-03-05,1,1\n", "line 3 of"),
        ("date,long,short\n05.03.2024,1,1\n", "write a row like 2024-03-01,-7.1,2.3"),
    ],
)
def test_a_swap_file_that_cannot_be_used_is_one_clear_line(text: str | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    if text is not None:
        file.write_text(text)
    table = changed("EURUSD", swap=POINTS)
    with pytest.raises(ConfigError, match=r"^venue.swaps.EURUSD: ") as wrong:
        Counter("EURUSD", declare=[table], span=YEAR, venue=VenueConfig(swaps={"EURUSD": str(file)}))
    assert message in str(wrong.value) and "\n" not in str(wrong.value)


def test_swap_rates_of_a_symbol_that_is_not_there_or_has_no_mode_are_errors(tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_text("date,long,short\n2024-03-05,-10,1\n")
    with pytest.raises(ConfigError, match="did you mean EURUSD"):
        Counter("EURUSD", span=YEAR, venue=VenueConfig(swaps={"EURUSF": str(file)}))
    bare = {k: v for k, v in changed("EURUSD").items() if k != "swap"}
    with pytest.raises(ConfigError, match="give it swap.mode"):
        Counter("EURUSD", declare=[bare], span=YEAR, venue=VenueConfig(swaps={"EURUSD": str(file)}))
