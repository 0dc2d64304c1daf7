"""Money of one currency in another: directly, turned round, over a third, at fixed rates, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.broker import VenueConfig
from engine.core.errors import ConfigError
from engine.kernels import book as b
from tests.venue_money.counter import Counter, changed

CURRENCIES = ("USD", "EUR", "GBP", "JPY", "CHF", "AUD")
QUOTED = {"EURUSD": (1.1, 1.1002), "GBPUSD": (1.25, 1.2502), "USDJPY": (150.0, 150.01), "USDCHF": (0.88, 0.8802),
          "EURGBP": (0.88, 0.8802)}  # fmt: skip


def pair(name: str) -> dict[str, object]:
    return {"symbol": name, "base_currency": name[:3], "profit_currency": name[3:], "digits": 5,
            "margin": {"mode": "forex"}}  # fmt: skip


@pytest.mark.parametrize(
    ("symbols", "currency", "rates", "kind", "rate"),
    [
        (("EURUSD",), "USD", {}, b.NO_CONVERSION, 1.0),
        (("EURGBP", "GBPUSD"), "USD", {}, b.DIRECT, 1.2501),
        (("EURJPY", "USDJPY"), "USD", {}, b.INVERSE, 1 / 150.005),
        (("USDJPY",), "USD", {}, b.INVERSE, 1 / 150.005),
        (("EURGBP", "GBPUSD", "USDJPY"), "JPY", {}, b.CROSSED, 1.2501 * 150.005),
        (("EURJPY", "USDJPY", "GBPUSD"), "GBP", {}, b.CROSSED, 1 / 150.005 / 1.2501),
        (("GBPJPY", "USDJPY", "USDCHF"), "CHF", {}, b.CROSSED, 1 / 150.005 * 0.8801),
        (("EURJPY",), "USD", {"USDJPY": 140.0}, b.FIXED_RATE, 1 / 140.0),
        (("EURGBP",), "USD", {"GBPUSD": 1.3}, b.FIXED_RATE, 1.3),
        (("EURGBP", "GBPUSD"), "USD", {"GBPUSD": 1.3}, b.FIXED_RATE, 1.3),  # what is fixed overrules the market
        (("EURGBP", "GBPUSD"), "JPY", {"USDJPY": 140.0}, b.CROSSED, 1.2501 * 140.0),
        (("EURGBP", "USDJPY"), "JPY", {"GBPUSD": 1.3}, b.CROSSED, 1.3 * 150.005),
        (("EURJPY", "USDJPY"), "CHF", {"CHFUSD": 1.25}, b.CROSSED, 1 / 150.005 / 1.25),
        (("EURGBP",), "JPY", {"GBPUSD": 1.3, "USDJPY": 140.0}, b.FIXED_RATE, 1.3 * 140.0),
    ],
)
def test_profit_is_converted_by_the_shortest_way(
    symbols: tuple[str, ...], currency: str, rates: dict[str, float], kind: int, rate: float
) -> None:
    counter = Counter(*symbols, currency=currency, rates=rates, declare=[pair(s) for s in symbols])
    for symbol in set(symbols) & set(QUOTED):
        counter.quote(symbol, *QUOTED[symbol])
    x = counter.book[1][0]
    assert x["conversion"] == kind
    assert counter.rate(symbols[0]) == pytest.approx(rate, rel=1e-14)
    used = {int(x[v]) for v in ("via", "via2") if x["conversion"] in (b.DIRECT, b.INVERSE, b.CROSSED) and x[v] >= 0}
    assert all(counter.book[1]["converts"][u] == 1 for u in used)
    assert bool(counter.notes) == bool(rates)  # what is not the market's rate is told
    assert all(any(f"{name} of {fixed:g}" in note for note in counter.notes) for name, fixed in rates.items())


@settings(max_examples=120)
@given(
    st.lists(st.sampled_from([x + y for x in CURRENCIES for y in CURRENCIES if x != y]), min_size=1, max_size=5,
             unique_by=lambda p: frozenset((p[:3], p[3:]))),
    st.lists(st.floats(0.01, 200.0), min_size=6, max_size=6),
    st.lists(st.integers(0, 99), max_size=2, unique=True),
    st.sampled_from(CURRENCIES),
)  # fmt: skip
def test_any_way_over_two_legs_is_found_and_worth_what_the_currencies_are(
    pairs: list[str], worths: list[float], fixing: list[int], currency: str
) -> None:
    """Currencies that are worth something each, and pairs quoted to match: every way gives the same rate."""
    worth = dict(zip(CURRENCIES, worths, strict=True))
    fixed = {pairs[n % len(pairs)] for n in fixing} if len(pairs) > 1 else set()
    quoted = [p for p in pairs if p not in fixed] or [pairs[0]]
    rates = {p: worth[p[:3]] / worth[p[3:]] for p in fixed - set(quoted)}
    links = {frozenset((p[:3], p[3:])) for p in [*quoted, *rates]}

    def linked(source: str) -> bool:
        near = {c for c in CURRENCIES if frozenset((source, c)) in links}
        return source == currency or currency in near or any(frozenset((c, currency)) in links for c in near)

    build = lambda: Counter(*quoted, currency=currency, rates=rates, declare=[pair(p) for p in quoted],  # noqa: E731
                            venue=VenueConfig())  # fmt: skip
    margins = all(p[:3] == currency or linked(p[3:]) for p in quoted)
    if not all(linked(p[3:]) for p in quoted):
        with pytest.raises(ConfigError, match=r"earns [A-Z]{3}, the account is in"):
            build()
        return
    assert margins
    counter = build()
    for p in quoted:
        counter.quote(p, worth[p[:3]] / worth[p[3:]])
    for p in quoted:
        assert counter.rate(p) == pytest.approx(worth[p[3:]] / worth[currency], rel=1e-12)


def test_where_there_is_no_way_the_message_says_what_to_add() -> None:
    with pytest.raises(ConfigError) as wrong:
        Counter("EURGBP", "AUDUSD", currency="JPY")
    assert str(wrong.value) == (
        "EURGBP earns GBP, the account is in JPY: add JPYGBP (or GBPJPY) to data.symbols, or both pairs of a third"
        " currency, or a fixed rate: [rates] JPYGBP = ..."
    )


def test_a_way_over_currency_pairs_goes_before_one_over_gold() -> None:
    gold = [changed("XAUUSD"), {**changed("XAUUSD"), "symbol": "XAUJPY", "profit_currency": "JPY"}]
    counter = Counter("XAUUSD", "XAUJPY", "GBPUSD", "GBPJPY", currency="JPY", declare=gold)
    x = counter.book[1][0]
    assert (x["conversion"], x["via"], x["via2"]) == (b.CROSSED, 2, 3)


def test_a_fixed_leg_is_a_symbol_of_the_book_whose_quote_never_changes() -> None:
    counter = Counter("EURGBP", "GBPUSD", currency="JPY", rates={"USDJPY": 140.0})
    assert len(counter.book[1]) == 3 and len(counter.book[6]) == 3
    assert counter.book[1][2]["bid"] == counter.book[1][2]["ask"] == 140.0
