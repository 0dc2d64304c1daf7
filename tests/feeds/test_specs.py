"""Specifications from brokers' and exchanges' own files."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import engine
from engine.core.errors import ConfigError, DataError, NotFound
from engine.core.instrument import imported, instrument, shipped
from engine.core.load import load
from engine.feeds.data import list_instruments, show_instrument
from engine.feeds.spec_files import CALC_MODES, DAYS, SWAP_MODES
from engine.feeds.specs import import_specs

Info = dict[str, Any]


@pytest.fixture(autouse=True)
def own_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def symbol_info(**changes: Any) -> Info:
    """As `mt5.symbol_info("EURUSD")._asdict()` of a hedging demo account gives it, prices and statistics included."""
    return {
        "name": "EURUSD", "description": "Euro vs US Dollar", "path": "Forex\\EURUSD", "custom": False, "chart_mode": 0,
        "select": True, "visible": True, "time": 1_700_000_000, "digits": 5, "spread": 7, "spread_float": True,
        "ticks_bookdepth": 10, "trade_calc_mode": 0, "trade_mode": 4, "start_time": 0, "expiration_time": 0,
        "trade_stops_level": 10, "trade_freeze_level": 5, "trade_exemode": 2, "swap_mode": 1, "swap_rollover3days": 3,
        "margin_hedged_use_leg": False, "expiration_mode": 15, "filling_mode": 3, "order_mode": 127,
        "order_gtc_mode": 0, "bid": 1.08, "ask": 1.08007, "point": 1e-05, "trade_tick_value": 1.0,
        "trade_tick_size": 1e-05, "trade_contract_size": 100000.0, "volume_min": 0.01, "volume_max": 100.0,
        "volume_step": 0.01, "volume_limit": 0.0, "swap_long": -7.1, "swap_short": 2.3, "margin_initial": 100000.0,
        "margin_maintenance": 0.0, "margin_hedged": 50000.0, "currency_base": "EUR", "currency_profit": "USD",
        "currency_margin": "EUR", **changes,
    }  # fmt: skip


def write(folder: Path, tree: Any, name: str = "specs.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(tree))
    return path


def test_a_symbol_info_of_mt5_becomes_an_instrument_with_its_names_for_mt5s_numbers(tmp_path: Path) -> None:
    done = import_specs(write(tmp_path, symbol_info()), "mybroker", "ny+7")
    assert (done.format, done.added, done.changes) == ("mt5", ["EURUSD@mybroker"], [])
    one = instrument("EURUSD")
    assert one.id == "EURUSD@mybroker" and one.margin and one.swap
    assert (one.digits, one.contract_size, one.stops_level, one.freeze_level) == (5, 100_000.0, 10, 5)
    assert (one.margin.mode, one.margin.initial, one.margin.hedged) == ("forex", 100_000.0, 50_000.0)
    assert (one.swap.mode, one.swap.long, one.swap.short, one.swap.triple_day) == ("points", -7.1, 2.3, "Wednesday")
    assert one.orders == ("market", "limit", "stop", "stop_limit", "sl", "tp", "close_by")
    assert (one.filling, one.execution, one.status) == (("fok", "ioc"), "market", "full")
    assert (one.day, one.rollover, one.tick_value) == ("00:00 ny+7", "00:00 ny+7", 0.0)
    assert one.source == "mt5 file specs.json" and not one.sessions


def test_a_future_keeps_its_tick_value_initial_margin_and_expiry_in_utc(tmp_path: Path) -> None:
    future = symbol_info(
        name="FDAX", trade_calc_mode=33, margin_initial=25_000.0, trade_tick_size=0.5, digits=1, trade_tick_value=12.5,
        expiration_time=1_742_547_600, trade_exemode=3, chart_mode=1, filling_mode=0, currency_base="EUR",
        currency_profit="EUR", trade_contract_size=25.0,
    )  # fmt: skip
    import_specs(write(tmp_path, [future]), "b", "Europe/Athens")
    one = instrument("FDAX")
    assert (one.kind, one.tick, one.tick_value, one.volume_unit) == ("futures", 0.5, 12.5, "real")
    assert one.expires == "2025-03-21 07:00:00" and one.filling == ("return",) and one.margin
    assert one.margin.initial == 25_000.0


def test_the_same_specification_on_another_day_changes_nothing_and_another_swap_is_told(tmp_path: Path) -> None:
    import_specs(write(tmp_path, symbol_info()), "b")
    path = tmp_path / "data/instruments/b.toml"
    before, stamp = path.read_bytes(), path.stat().st_mtime_ns
    again = import_specs(
        write(tmp_path, symbol_info(bid=1.2, time=5, spread=99, trade_tick_value=0.9), "other.json"), "b"
    )
    assert not again.added and not again.changes
    assert path.read_bytes() == before and path.stat().st_mtime_ns == stamp
    other = import_specs(write(tmp_path, symbol_info(swap_long=-6.5, volume_max=50.0)), "b")
    told = {(c.instrument, c.field, c.before, c.after) for c in other.changes}
    assert told == {("EURUSD@b", "swap.long", -7.1, -6.5), ("EURUSD@b", "volume_max", 100.0, 50.0)}
    assert instrument("EURUSD").volume_max == 50.0


def test_instruments_that_a_later_file_does_not_name_stay(tmp_path: Path) -> None:
    import_specs(write(tmp_path, symbol_info()), "b")
    import_specs(write(tmp_path, symbol_info(name="GBPUSD", currency_base="GBP")), "b")
    assert sorted(imported()) == ["EURUSD@b", "GBPUSD@b"]
    assert sorted(p.name for p in (tmp_path / "data/instruments").iterdir()) == ["b.toml"]


def test_what_cannot_be_used_is_left_out_with_its_reason_and_alone_is_an_error(tmp_path: Path) -> None:
    good, bad = symbol_info(), symbol_info(name="ODD", swap_mode=12)
    poor = {k: v for k, v in symbol_info(name="POOR").items() if k != "volume_step"}
    broken = symbol_info(name="ZERO", volume_step=0.0)
    done = import_specs(write(tmp_path, {"EURUSD": good, "ODD": bad, "POOR": poor, "ZERO": broken}), "b")
    assert done.instruments == ["EURUSD@b"]
    why = "\n".join(done.left_out)
    assert "ODD: swap_mode 12 is none of" in why and "POOR: 'volume_step' is not there" in why
    assert "ZERO@b: volume_step must be above 0" in why
    with pytest.raises(DataError, match="no instrument in it can be used: ODD: swap_mode 12"):
        import_specs(write(tmp_path, bad), "c")
    assert not (tmp_path / "data/instruments/c.toml").exists()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {
            "digits": st.integers(0, 8),
            "trade_calc_mode": st.sampled_from(sorted(CALC_MODES)),
            "trade_mode": st.integers(0, 4),
            "swap_mode": st.integers(0, len(SWAP_MODES) - 1),
            "swap_rollover3days": st.integers(0, len(DAYS) - 1),
            "swap_long": st.floats(-500, 500),
            "filling_mode": st.integers(0, 7),
            "order_mode": st.integers(0, 127),
            "expiration_mode": st.integers(0, 15),
            "trade_exemode": st.integers(0, 3),
            "volume_max": st.floats(1, 1e9),
            "trade_contract_size": st.floats(1e-3, 1e7),
            "margin_initial": st.floats(1, 1e6),
            "description": st.text(max_size=20),
        }
    )
)
def test_every_specification_that_is_imported_is_read_back_equal_from_its_file(tmp_path: Path, changes: Info) -> None:
    point = 10.0 ** -changes["digits"]
    path = write(tmp_path, symbol_info(**changes, trade_tick_size=point))
    import_specs(path, "p")
    assert import_specs(path, "p").changes == []
    one = imported()["EURUSD@p"]
    assert one.swap and one.margin and one.swap.long == changes["swap_long"] and one.tick_size == 0.0
    assert one.margin.mode == CALC_MODES[changes["trade_calc_mode"]]
    assert one.description == changes["description"]
    assert [n in one.filling for n in ("fok", "ioc", "boc")] == [
        bool(changes["filling_mode"] >> b & 1) for b in range(3)
    ]


def test_gym_mtsims_archive_gives_seven_pairs_with_the_digits_its_bars_show(shared: Path) -> None:
    done = import_specs(shared / "data/mt5/gym_mtsim_symbols.tar.xz")
    assert done.format == "mtsim" and len(done.added) == 7
    cad, yen = instrument("GBPCAD@mtsim"), instrument("USDJPY@mtsim")
    assert (cad.volume_max, cad.base_currency, cad.profit_currency, cad.digits) == (35.0, "GBP", "CAD", 5)
    assert (yen.base_currency, yen.profit_currency, yen.digits) == ("USD", "JPY", 3)
    for one in imported().values():
        ours = shipped()[f"{one.symbol}@demo"]
        assert (one.digits, one.contract_size, one.volume_min) == (ours.digits, ours.contract_size, ours.volume_min)
    assert not import_specs(shared / "data/mt5/gym_mtsim_symbols.tar.xz").added


def exchange_info(shared: Path, folder: Path, name: str) -> Path:
    with tarfile.open(shared / "data/recorded_api/nautilus/binance.tar.xz") as archive:
        member = next(m for m in archive.getmembers() if m.name.endswith(name))
        held = archive.extractfile(member)
        assert held is not None
        (folder / name).write_bytes(held.read())
    return folder / name


def test_binances_filters_of_spot_and_futures_become_steps_limits_and_least_worth(shared: Path, tmp_path: Path) -> None:
    spot = import_specs(exchange_info(shared, tmp_path, "http_spot_market_exchange_info.json"))
    futures = import_specs(exchange_info(shared, tmp_path, "http_futures_market_exchange_info.json"))
    assert spot.instruments == ["BTCUSDT@binance", "ETHUSDT@binance"]
    assert futures.instruments == ["BTCUSDT@binance-usdm", "BTCUSDT_220325@binance-usdm", "ETHUSDT@binance-usdm"]
    coin = instrument("BTCUSDT@binance")
    assert (coin.digits, coin.tick, coin.volume_min, coin.volume_max, coin.volume_step) == (2, 0.01, 1e-5, 9000.0, 1e-5)
    assert (coin.notional_min, coin.base_currency, coin.profit_currency, coin.volume_unit) == (
        10.0,
        "BTC",
        "USDT",
        "base",
    )
    assert coin.hours.always and coin.orders == ("limit", "market", "stop_limit")
    perp = instrument("BTCUSDT@binance-usdm")
    assert (perp.digits, perp.tick, perp.volume_step, perp.notional_min) == (1, 0.1, 0.001, 10.0)
    assert instrument("BTCUSDT_220325").expires == "2022-03-25 08:00:00"
    with pytest.raises(DataError, match="ETHBTC: no PRICE_FILTER and no LOT_SIZE filter"):
        import_specs(exchange_info(shared, tmp_path, "exchange_info_response.json"))


def test_a_tick_that_is_no_power_of_ten_and_the_newer_notional_filter_are_understood(tmp_path: Path) -> None:
    tree = {
        "symbols": [{
            "symbol": "AB", "status": "BREAK", "baseAsset": "A", "quoteAsset": "B", "orderTypes": ["LIMIT"],
            "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": "0.0250"},
                {"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "10", "stepSize": "1"},
                {"filterType": "NOTIONAL", "minNotional": "5.5"},
            ],
        }]
    }  # fmt: skip
    import_specs(write(tmp_path, tree))
    one = instrument("AB")
    assert (one.digits, one.tick, one.notional_min, one.status) == (3, 0.025, 5.5, "disabled")


def test_files_that_hold_no_specification_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        import_specs(tmp_path / "none.json")
    for name, text in (("a.json", "{"), ("b.json.xz", "no xz"), ("c.tar.xz", "no tar")):
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match="is no JSON or damaged"):
            import_specs(tmp_path / name)
    with pytest.raises(DataError, match="no symbol_info of MT5"):
        import_specs(write(tmp_path, {"a": 1}))
    for venue in ("demo", "a/b", ".."):
        with pytest.raises(ConfigError, match="cannot be used"):
            import_specs(write(tmp_path, symbol_info()), venue)
    with pytest.raises(ConfigError, match="known are mt5, mtsim, binance"):
        import_specs(write(tmp_path, symbol_info()), format="mt4")


def test_imported_instruments_are_listed_and_shown_with_all_their_terms(tmp_path: Path) -> None:
    import_specs(write(tmp_path, symbol_info()), "b")
    assert [one["id"] for one in list_instruments()][:2] == ["EURUSD@b", "EURUSD@demo"]
    assert show_instrument("EURUSD")["swap"]["long"] == -7.1 and show_instrument("EURUSD@demo")["sessions"]


def test_a_run_keeps_the_import_it_used_and_replays_whatever_is_imported_later(tmp_path: Path) -> None:
    from engine.replay import replay

    demo = load("demo", sets=["data.to=2017-03-01"], env={})
    plain = engine.backtest(demo, out=tmp_path / "runs")
    import_specs(write(tmp_path, symbol_info(volume_step=0.1, volume_min=0.1)), "b")
    import_specs(write(tmp_path, symbol_info()), "c")
    after = engine.backtest(demo)
    assert after.summary.figures == plain.summary.figures and demo.pinned(("EURUSD",)).identity == demo.identity
    assert plain.path is not None and replay(plain.path).ok
    import_specs(write(tmp_path, symbol_info(volume_step=1.0, volume_min=1.0)), "demo2")
    coarse = engine.backtest(
        load("demo", sets=["data.to=2017-03-01", 'instrument=[{symbol="EURUSD", base_currency="EUR", '
             'profit_currency="USD", digits=5, volume_step=1.0, volume_min=1.0}]'], env={}),
        out=tmp_path / "runs",
    )  # fmt: skip
    assert coarse.summary.figures != plain.summary.figures and coarse.path is not None and replay(coarse.path).ok


def test_data_of_an_imported_venue_meet_its_own_instrument_and_the_run_says_so(tmp_path: Path) -> None:
    import_specs(write(tmp_path, symbol_info(volume_step=1.0, volume_min=1.0)), "b")
    import_specs(write(tmp_path, symbol_info()), "c")
    config = load("demo", sets=["data.source=b"], env={})
    told = config.pinned(("EURUSD",))
    assert [one.id for one in told.instruments] == ["EURUSD@b"] and told.instruments[0].volume_step == 1.0
    assert told.identity != config.identity and told.pinned(("EURUSD",)) == told
    assert type(told).from_json(told.to_json()).instruments == told.instruments
    with pytest.raises(ConfigError, match="ambiguous"):
        load("demo", sets=["data.source=elsewhere"], env={}).pinned(("EURUSD",))


def test_a_run_on_an_imported_venue_trades_its_steps_says_so_and_replays_without_the_import(
    tmp_path: Path, own_catalogue: Path
) -> None:
    import shutil

    from engine.feeds.data import sample
    from engine.replay import replay

    import_specs(write(tmp_path, symbol_info(volume_step=0.5, volume_min=0.5)), "b")
    sample(["EURUSD"], 60_000, source="b", quotes_per_minute=5.0)
    sets = [
        "data.source=b",
        "data.kind=quotes",
        "data.basis=bid",
        "strategy.0.params.fast=3",
        "strategy.0.params.slow=8",
    ]
    run = engine.backtest(
        load("demo", sets=[*sets, "risk.size=1.7 lots", "risk.max_position=5 lots"], env={}), out=tmp_path / "runs"
    )
    assert "EURUSD follows the specification EURUSD@b, mt5 file specs.json" in run.summary.cautions
    assert run.path is not None
    assert len(run.trades) and set(run.trades["lots"]) == {1.5}
    shutil.rmtree(own_catalogue / "instruments")
    assert replay(run.path).ok
