"""ccxt history against the loopback: a real ccxt exchange object, recorded and paged responses."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from engine.adapters.exchange import Exchange, as_ticks
from engine.adapters.get import get
from engine.adapters.provider import Ask, Decoded, provider
from engine.core.clock import parse_time
from engine.core.errors import ConfigError, DataError, NotFound, TimedOut
from engine.core.zones import DAY, HOUR
from engine.feeds.catalogue import dataset
from engine.feeds.lineage import join
from engine.feeds.series import load_series
from tests.adapters.site import Seen, Site, status

ccxt = pytest.importorskip("ccxt", reason="ccxt is not installed: pip install -e .[crypto]")
INFO = {"timezone": "UTC", "rateLimits": [], "exchangeFilters": [], "symbols": [{
    "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT", "isSpotTradingAllowed": True,
    "baseAssetPrecision": 8, "quotePrecision": 8, "permissions": ["SPOT"], "orderTypes": ["LIMIT"], "filters": [],
}]}  # fmt: skip
SWAPS = {"symbols": [INFO["symbols"][0] | {"contractType": "PERPETUAL", "marginAsset": "USDT", "pair": "BTCUSDT"}]}
FIRST = parse_time("2024-03-13")


@pytest.fixture
def recorded(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "data/recorded_api/ccxt/binanceus.json").read_text())["methods"]


@pytest.fixture
def binanceus(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    site.pages["/api/v3/exchangeInfo"] = json.dumps(INFO).encode()
    monkeypatch.setenv("ONETAPE_CCXT_BINANCEUS_URL", site.url)
    return site


def query(seen: Seen) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(seen.path).query).items()}


def hours(seen: Seen) -> bytes | None:
    """Hourly klines from a seed, with a hole of 400 hours, at most 200 at once although 300 are asked for."""
    if not seen.path.startswith("/api/v3/klines"):
        return None
    start = int(query(seen).get("startTime", 0))
    opens = [k for k in range(-(-start // 3_600_000), 480_000) if not 474_800 <= k < 475_200][:200]
    end = int(query(seen).get("endTime", 2**62))
    rows = [kline(k) for k in opens if k * 3_600_000 <= end]
    return json.dumps(rows).encode()


def kline(k: int) -> list[object]:
    low, high = np.random.default_rng(k).uniform(100, 200, 2).round(2).tolist()
    low, high = min(low, high), max(low, high)
    prices = [str(low), str(high), str(low), str(high)]
    return [k * 3_600_000, *prices, "1.5", k * 3_600_000 + 3_599_999, "0", 1, "0", "0", "0"]


def test_the_recorded_bar_comes_in_as_ccxt_itself_reads_it(binanceus: Site, recorded: dict[str, Any]) -> None:
    (case,) = recorded["fetchOHLCV"]
    binanceus.any_page = lambda seen: (
        json.dumps(case["httpResponse"]).encode() if "startTime=1710288000000" in seen.path else b"[]"
    )
    done = get("ccxt:binanceus", "BTC/USDT", FIRST, FIRST + DAY, "H1", rate=1e6)
    assert (done.added.dataset, done.added.rows) == ("ccxt-binanceus/BTC/USDT/bars-H1", 1)
    (rows,) = dataset(done.added.dataset).read()
    (expected,) = case["parsedResponse"]
    names = ("open", "high", "low", "close", "volume")
    assert [rows["open_ts"][0] // 10**6, *(rows[name][0] for name in names)] == expected
    assert rows["ts"][0] == rows["open_ts"][0] + HOUR


def test_another_exchange_with_other_columns_comes_in_the_same_way(
    site: Site, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Coinbase answers with [time, low, high, open, close, volume], time in seconds."""
    monkeypatch.setenv("ONETAPE_CCXT_COINBASEEXCHANGE_URL", site.url)
    (case,) = json.loads((shared / "data/recorded_api/ccxt/coinbaseexchange.json").read_text())["methods"]["fetchOHLCV"]
    product = {"id": "BTC-USDT", "base_currency": "BTC", "quote_currency": "USDT", "base_increment": "0.00000001",
               "quote_increment": "0.01", "status": "online", "trading_disabled": False}  # fmt: skip
    site.pages["/products"] = json.dumps([product]).encode()
    site.any_page = lambda seen: json.dumps(case["httpResponse"] if "BTC-USDT/candles" in seen.path else []).encode()
    done = get("ccxt:coinbaseexchange", "BTC/USDT", FIRST, FIRST + DAY, "H1", rate=1e6)
    (rows,) = dataset(done.added.dataset).read()
    (expected,) = case["parsedResponse"]
    names = ("open", "high", "low", "close", "volume")
    assert [rows["open_ts"][0] // 10**6, *(rows[name][0] for name in names)] == expected


def test_the_recorded_trade_comes_in_as_a_print(binanceus: Site, recorded: dict[str, Any]) -> None:
    (case,) = recorded["fetchTrades"]
    (expected,) = case["parsedResponse"]
    at = expected["timestamp"]
    binanceus.any_page = lambda seen: (
        json.dumps([row for row in case["httpResponse"] if at >= int(query(seen).get("startTime", 0)) > at - 3_600_000])
    ).encode()
    done = get("ccxt:binanceus", "BTC/USDT", parse_time("2024-03-13 10:00"), parse_time("2024-03-13 12:00"), rate=1e6)
    (rows,) = dataset(done.added.dataset).read()
    assert rows["ts"].tolist() == [at * 10**6] and rows["price"].tolist() == [expected["price"]]
    assert (rows["size"][0], rows["side"][0]) == (expected["amount"], 1.0), "a buyer took it"


def test_pages_shorter_than_asked_for_and_holes_lose_no_bar(binanceus: Site) -> None:
    binanceus.any_page = hours
    first, last = 474_500 * HOUR, 475_500 * HOUR
    done = get("ccxt:binanceus", "BTC/USDT", first, last, "H1", rate=1e6)
    rows = join(list(dataset(done.added.dataset).read()))
    expected = [k for k in range(474_500, 475_500) if not 474_800 <= k < 475_200]
    assert (rows["open_ts"] // HOUR).tolist() == expected
    assert rows["close"].tolist() == [float(str(kline(k)[4])) for k in expected]
    asked = len(binanceus.seen)
    again = get("ccxt:binanceus", "BTC/USDT", first, last, "H1", rate=1e6)
    assert again.fetched == again.added.added == 0 and len(binanceus.seen) == asked


def test_trades_of_one_moment_on_two_pages_are_neither_lost_nor_doubled(tmp_path: Path) -> None:
    rows = [[1000 + k // 3, str(k), "buy" if k % 2 else "sell", 10.0 + k, 1.0] for k in range(20)]

    class Client:
        has: ClassVar[dict[str, bool]] = {}
        rateLimit = 100

        def fetch_trades(self, symbol: str, since: int, limit: int) -> list[dict[str, Any]]:
            names = ("timestamp", "id", "side", "price", "amount")
            return [dict(zip(names, row, strict=True)) for row in rows if row[0] >= since][:7]

    source, ask = Exchange("made", Client()), Ask("X", 0, 10 * 10**9)
    steps, taken = source.payloads(ask), []
    so_far, path = Decoded(), tmp_path / "page.json"
    try:
        payload = next(steps)
        while True:
            assert payload.call is not None
            path.write_bytes(payload.call())
            for columns in source.columns(payload, path, ask, so_far):
                taken += columns["price"].tolist()
            payload = steps.send(path)
    except StopIteration:
        pass
    assert taken == [row[3] for row in rows]


def test_a_trade_of_no_known_side_is_on_neither() -> None:
    found = as_ticks([[1, "a", None, 5.0, 2.0], [2, "b", "sell", 5.0, 3.0]])
    assert found["side"].tolist() == [0.0, -1.0] and found["size"].tolist() == [2.0, 3.0]


def test_funding_comes_in_as_a_series(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONETAPE_CCXT_BINANCEUSDM_URL", site.url)

    def answer(seen: Seen) -> bytes | None:
        if "exchangeInfo" in seen.path:
            return json.dumps(SWAPS).encode()
        if "/fapi/v1/fundingRate" not in seen.path:
            return None
        start = int(query(seen).get("startTime", 0))
        stamps = [FIRST // 10**6 + k * 28_800_000 + 7 for k in range(9)]
        rows = [{"symbol": "BTCUSDT", "fundingRate": f"0.000{k}", "fundingTime": t} for k, t in enumerate(stamps)]
        return json.dumps([row for row in rows if row["fundingTime"] >= start]).encode()

    site.any_page = answer
    done = get("ccxt:binanceusdm", "BTC/USDT:USDT", FIRST, FIRST + 2 * DAY, funding=True, rate=1e6)
    assert (done.added.dataset, done.added.rows) == ("series/ccxt-binanceusdm/BTC-USDT-USDT-funding", 6)
    rate = load_series("ccxt-binanceusdm/BTC-USDT-USDT-funding")
    assert rate.at(FIRST + 8 * HOUR + 6_999_999) == 0.0 and rate.at(FIRST + 8 * HOUR + 7_000_000) == 0.0001


def test_an_exchange_that_is_busy_is_asked_again_and_given_up_in_the_end(binanceus: Site, waits: list[float]) -> None:
    binanceus.any_page = hours
    path = "/api/v3/exchangeInfo"
    binanceus.faults[path] = [status(429), status(503)]
    done = get("ccxt:binanceus", "BTC/USDT", FIRST + 9 * DAY, FIRST + 10 * DAY, "H1", rate=1e6, sleep=waits.append)
    assert done.added.rows == 24 and waits == [0.5, 1.0]
    binanceus.faults[path] = [status(429)] * 9
    with pytest.raises(TimedOut, match=r"RateLimitExceeded|DDoSProtection"):
        get("ccxt:binanceus", "BTC/USDT", FIRST + 19 * DAY, FIRST + 20 * DAY, "H1", rate=1e6, sleep=waits.append)


def test_what_an_exchange_does_not_have_is_one_message(binanceus: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    binanceus.any_page = hours
    with pytest.raises(ConfigError, match=r"unknown exchange 'krakn': did you mean kraken"):
        provider("ccxt:krakn")
    with pytest.raises(ConfigError, match="name one, like ccxt:kraken"):
        provider("ccxt")
    with pytest.raises(ConfigError, match=r"ccxt:binanceus has no BTC/USDX: did you mean BTC/USDT"):
        get("ccxt:binanceus", "BTC/USDX", FIRST, FIRST + DAY, "H1")
    with pytest.raises(ConfigError, match="ccxt:binanceus has no funding rates"):
        get("ccxt:binanceus", "BTC/USDT", FIRST, FIRST + DAY, funding=True)
    with pytest.raises(ConfigError, match="has no W1 bars"):
        get("ccxt:binanceus", "BTC/USDT", FIRST, FIRST + DAY, "W1")
    with pytest.raises(NotFound, match="has nothing of BTC/USDT"):
        get("ccxt:binanceus", "BTC/USDT", 474_810 * HOUR, 474_820 * HOUR, "H1", rate=1e6)
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(ConfigError, match=r"ccxt is not installed: pip install -e .\[crypto\]"):
        provider("ccxt:kraken")


def test_more_trades_in_a_millisecond_than_a_page_holds_are_refused(tmp_path: Path) -> None:
    class Client:
        has: ClassVar[dict[str, bool]] = {}
        rateLimit = 100

    steps = Exchange("made", Client()).payloads(Ask("X", 10**6, 10**9))
    next(steps)
    path = tmp_path / "full.json"
    path.write_text(json.dumps([[1, str(k), "buy", 1.0, 1.0] for k in range(1000)]))
    with pytest.raises(DataError, match="1000 trades in a millisecond"):
        steps.send(path)
