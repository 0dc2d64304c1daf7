"""On whose clock were rows stamped, and what the source wrote, recovered."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError, DataError
from engine.core.instrument import instrument
from engine.core.sessions import FX_WEEK, parse_sessions
from engine.core.zones import DAY, HOUR, SECOND, parse_zone, utc_to_wall, wall_to_utc
from engine.feeds.append import Append
from engine.feeds.catalogue import dataset
from engine.feeds.data import import_file, sample, show_dataset
from engine.feeds.importers.formats import open_file
from engine.feeds.importers.options import Options
from engine.feeds.lineage import source_offset, source_time
from engine.feeds.wall import find_clock, of_file, suggest

MINUTE = 60 * SECOND


def ns(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


def hours_of(first: str, last: str, week: str = FX_WEEK) -> np.ndarray:
    return parse_sessions(week).expected_bars(ns(first), ns(last), "H1")


@pytest.mark.parametrize("name", ["EURUSD", "USDCHF", "BRENT", "ADAUSD"])
def test_the_mt5_exports_were_stamped_by_a_server_on_european_time(shared: Path, name: str) -> None:
    """2025-10-26 to 11-02 only Europe had changed its clocks: all four agree with Athens, and not with New York + 7."""
    found = suggest(str(shared / f"data/mt5/export_bars/{name}_H1.csv.xz"))
    assert found["zone"] == "Europe/Athens" and found["fits"] == ["Europe/Athens"] and not found["odd"]
    assert found["matched"] / found["edges"] > 0.96 and found["tried"]["ny+7"] < found["matched"]


@pytest.mark.parametrize("name", ["EURUSD", "USDCHF"])
def test_the_central_bank_confirms_it_the_busiest_hour_of_its_day_is_that_of_its_decision(
    shared: Path, name: str
) -> None:
    """The Federal Reserve announced at 14:00 New York time on 2025-09-17 and 2025-10-29 (federalreserve.gov)."""
    import lzma

    text = lzma.open(shared / f"data/mt5/export_bars/{name}_H1.csv.xz", "rt").read()
    rows = [line.split("\t") for line in text.splitlines()[1:]]
    for day, date in (("2025.09.17", "2025-09-17T14:00"), ("2025.10.29", "2025-10-29T14:00")):
        busiest = max((row for row in rows if row[0] == day), key=lambda row: float(row[3]) - float(row[4]))
        told = wall_to_utc(np.array([ns(date)]), parse_zone("America/New_York"))
        wall = utc_to_wall(told, parse_zone("Europe/Athens"))[0]
        assert busiest[1] == str(np.datetime64(int(wall), "ns"))[11:19]


@pytest.mark.parametrize("name", ["eurusd", "usdjpy", "xauusd"])
def test_histdata_is_on_new_york_time_all_year(shared: Path, name: str) -> None:
    found = suggest(str(shared / f"data/fx_m1/{name}_histdata_m1_2018.parquet"))
    assert found["fits"] == ["America/New_York"] and found["matched"] >= found["edges"] - 1 and not found["odd"]


def test_the_week_that_histdata_stamped_an_hour_early_is_named(shared: Path) -> None:
    found = suggest(str(shared / "data/fx_m1/eurusd_histdata_m1_2019Q4.parquet"))
    assert found["zone"] == "America/New_York"
    assert found["odd"] == [{"first": "2019-10-27 16:00:00", "last": "2019-11-01 16:00:00", "hours": -1.0}]


@pytest.mark.parametrize("zone", ["ny+7", "Europe/Athens", "UTC", "America/New_York", "Europe/London", "UTC-05:00"])
def test_the_same_real_year_on_another_clock_is_found_on_that_clock(shared: Path, zone: str) -> None:
    _, wall = of_file(shared / "data/fx_m1/eurusd_histdata_m1_2018.parquet", Options(), None)
    utc = wall_to_utc(wall, parse_zone("America/New_York"))
    found = find_clock(utc_to_wall(utc, parse_zone(zone)), MINUTE)
    assert found.zone == zone and found.fits == [zone] and found.matched == found.edges


def test_a_server_that_opens_on_monday_is_told_from_new_york_plus_seven_by_the_weeks_between_the_changes() -> None:
    opened = hours_of("2025-06-01", "2026-01-01")
    for zone in ("ny+7", "Europe/Athens"):
        wall = utc_to_wall(opened, parse_zone(zone))
        monday = wall[((wall // DAY + 3) % 7) < 5]
        assert find_clock(monday, HOUR).fits == [zone]
    summer = hours_of("2025-06-01", "2025-09-01")
    assert find_clock(utc_to_wall(summer, parse_zone("ny+7")), HOUR).fits[:2] == ["ny+7", "Europe/Athens"]


@settings(max_examples=15)
@given(st.integers(-11, 13), st.integers(0, 12), st.integers(0, 14), st.integers(0, 2**32 - 1))
def test_late_openings_early_closes_and_holes_do_not_hide_the_offset(
    east: int, late: int, early: int, seed: int
) -> None:
    """Quotes from up to 12 minutes after the opening to 14 before the close, a tenth of all minutes missing."""
    opened = parse_sessions(FX_WEEK).expected_bars(ns("2024-06-02"), ns("2024-07-28"), "M1")
    week = (opened + 3 * DAY - HOUR * 21) % (7 * DAY)
    kept = (week % (7 * DAY) >= 0) & (np.random.default_rng(seed).random(len(opened)) > 0.1)
    starts = np.r_[True, np.diff(opened) > DAY]
    bounds = np.flatnonzero(np.r_[starts, True])
    for lo, hi in zip(bounds[:-1], bounds[1:], strict=True):
        kept[lo : lo + late] = False
        kept[hi - early : hi] = False
        kept[[lo + late, hi - early - 1]] = True
    found = find_clock(opened[kept] + east * HOUR, MINUTE)
    assert found.matched == found.edges == 14
    assert all((utc_to_wall(opened[:1], parse_zone(name)) - opened[0])[0] == east * HOUR for name in found.fits)


def test_an_index_with_hours_of_its_own_is_found_by_them_and_a_market_without_weekends_by_nothing() -> None:
    hours = instrument("DE40").sessions
    opened = parse_sessions(hours).expected_bars(ns("2025-01-06"), ns("2025-12-20"), "M15")
    for zone in ("ny+7", "Europe/Athens", "Europe/Berlin"):
        found = find_clock(utc_to_wall(opened, parse_zone(zone)), 15 * MINUTE, hours)
        assert (found.zone, found.week) == (zone, hours) and found.fits == [zone]
    with pytest.raises(DataError, match="no weekend"):
        find_clock(ns("2024-01-01") + np.arange(2000) * HOUR, HOUR, "24/7")


def test_gold_within_one_week_is_found_by_its_daily_break(shared: Path) -> None:
    found = suggest(str(shared / "data/fx_ticks/xauusd_oanda_ticks_2014-05-01_02.parquet"))
    assert found["fits"] == ["UTC"] and found["matched"] == found["edges"] == 2
    gold = instrument("XAUUSD").sessions
    assert found["week"] == gold
    _, wall = of_file(shared / "data/fx_m1/xauusd_histdata_m1_2018.parquet", Options(), None)
    days = wall[(wall >= ns("2018-02-05")) & (wall < ns("2018-02-09"))]
    utc = wall_to_utc(days, parse_zone("America/New_York"))
    for zone, hours in (("America/New_York", -5), ("ny+7", 2), ("Asia/Tokyo", 9)):
        clock = find_clock(utc_to_wall(utc, parse_zone(zone)), MINUTE, gold)
        assert zone in clock.fits and clock.matched == clock.edges == 8
        shifts = [utc_to_wall(utc[:1], parse_zone(name)) - utc[:1] for name in clock.fits]
        assert all(shift[0] == hours * HOUR for shift in shifts)


def test_without_a_weekend_or_with_bars_that_are_too_long_nothing_is_claimed() -> None:
    day = ns("2024-07-02") + np.arange(600) * MINUTE
    with pytest.raises(DataError, match="no weekend and no daily break is in these rows"):
        find_clock(day, MINUTE)
    with pytest.raises(ConfigError, match="H1 bars, shorter ones or quotes"):
        find_clock(hours_of("2024-01-01", "2024-03-01"), 4 * HOUR)
    outage = np.delete(day, slice(200, 280))
    with pytest.raises(DataError, match="no weekend and no daily break"):
        find_clock(outage, MINUTE, instrument("EURUSD").sessions)
    holes = np.cumsum(np.random.default_rng(3).integers(1, 70, 200)) * HOUR
    assert find_clock(ns("2024-01-01") + holes, HOUR).zone == ""


def write_bars(path: Path, wall: np.ndarray) -> Path:
    lines = ["time,open,high,low,close,volume"]
    lines += [f"{str(w.astype('M8[s]')).replace('T', ' ')},1.1,1.2,1.0,1.1,5" for w in wall.view("M8[ns]")]
    path.write_text("\n".join(lines) + "\n")
    return path


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([("ny+7", "2025-11-02"), ("Europe/Athens", "2025-10-26"), ("America/New_York", "2024-03-10"),
                     ("Europe/London", "2024-10-27"), ("UTC-05:00", "2024-07-01")]),
    st.integers(-300, 300), st.integers(1, 400), st.sampled_from(["open", "close"]),
)  # fmt: skip
def test_what_a_source_wrote_is_recovered_from_the_catalogue_row_by_row_in_the_double_hour_too(
    tmp_path: Path, change: tuple[str, str], shift: int, n: int, stamps: str
) -> None:
    zone, day = change
    utc = ns(day) + 5 * HOUR + (shift + np.arange(n)) * MINUTE
    wall = utc_to_wall(utc, parse_zone(zone))
    file = write_bars(tmp_path / "EURUSD_M1.csv", wall)
    root = tmp_path / f"{zone.replace('/', '')}{shift}{n}{stamps}"
    import_file(file, Options(source="s", zone=zone, stamps=stamps, frame="M1"), root=root)  # type: ignore[arg-type]
    data = dataset("s/EURUSD/bars-M1", root)
    columns = list(data.read())
    got = np.concatenate([source_time(data.lineage, c) for c in columns])
    assert np.array_equal(got, wall)
    offsets = np.concatenate([source_offset(data.lineage, c) for c in columns])
    stamped = np.concatenate([c["open_ts" if stamps == "open" else "ts"] for c in columns])
    assert offsets.dtype == np.int32 and np.array_equal(got - stamped, offsets.astype(np.int64) * SECOND)


def test_data_show_gives_the_source_time_the_offset_and_the_unit_of_volume(tmp_path: Path) -> None:
    wall = utc_to_wall(ns("2025-10-26T00:30") + np.arange(3) * HOUR // 2, parse_zone("Europe/Athens"))
    file = write_bars(tmp_path / "EURUSD_M1.csv", wall)
    import_file(file, Options(source="s", zone="Europe/Athens", frame="M1"), root=tmp_path)
    shown = show_dataset("s/EURUSD/bars-M1", root=tmp_path)
    assert [(row["source_time"][11:16], row["offset_s"]) for row in shown["head"]] == [
        ("03:30", 10800), ("03:00", 7200), ("03:30", 7200),
    ]  # fmt: skip
    assert shown["lineage"]["volume_unit"] == "unknown" and shown["lineage"]["zone"] == "Europe/Athens"


def test_a_dataset_holds_stamps_of_one_zone_only_whatever_it_is_called(tmp_path: Path) -> None:
    file = write_bars(tmp_path / "EURUSD_M1.csv", ns("2024-07-01") + np.arange(5) * MINUTE)
    import_file(file, Options(source="s", zone="ny+7", frame="M1"), root=tmp_path)
    assert import_file(file, Options(source="s", zone="NY + 7", frame="M1"), root=tmp_path).added == 0
    with pytest.raises(ConfigError, match=r"holds rows with zone 'ny\+7', these have 'Europe/Athens'.*another source"):
        import_file(file, Options(source="s", zone="Europe/Athens", frame="M1"), root=tmp_path)


def test_a_volume_whose_unit_nobody_stated_is_labelled_unknown_and_a_stated_one_kept(tmp_path: Path) -> None:
    file = write_bars(tmp_path / "EURUSD_M1.csv", ns("2024-07-01") + np.arange(5) * MINUTE)
    import_file(file, Options(source="a", frame="M1"), root=tmp_path)
    import_file(file, Options(source="b", frame="M1", volume_unit="base"), root=tmp_path)
    bare = tmp_path / "GBPUSD_M1.csv"
    bare.write_text("time,open,high,low,close\n2024-07-01 00:00:00,1,1,1,1\n")
    import_file(bare, Options(source="c", frame="M1"), root=tmp_path)
    units = [dataset(name, tmp_path).lineage.volume_unit for name in (
        "a/EURUSD/bars-M1", "b/EURUSD/bars-M1", "c/GBPUSD/bars-M1"
    )]  # fmt: skip
    assert units == ["unknown", "base", ""]
    with pytest.raises(ConfigError, match="volume unit 'lots'"):
        import_file(file, Options(source="d", frame="M1", volume_unit="lots"), root=tmp_path)


def test_bars_of_a_catalogue_made_before_units_had_to_be_stated_are_added_to_as_unknown(tmp_path: Path) -> None:
    file = write_bars(tmp_path / "EURUSD_M1.csv", ns("2024-07-01") + np.arange(5) * MINUTE)
    come = open_file(file, Options(source="s", symbol="EURUSD", frame="M1"))
    with Append(msgspec.structs.replace(come.lineage, volume_unit=""), tmp_path) as target:
        for chunk in come.chunks:
            target.add(chunk)
    assert show_dataset("s/EURUSD/bars-M1", root=tmp_path)["lineage"]["volume_unit"] == "unknown"
    assert import_file(file, Options(source="s", frame="M1"), root=tmp_path).added == 0
    with pytest.raises(ConfigError, match="volume_unit"):
        import_file(file, Options(source="s", frame="M1", volume_unit="tick"), root=tmp_path)


def test_every_stored_row_says_which_source_and_instrument_it_is_of(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    sample(["EURUSD", "BTCUSD"], 2000, source="tagged", root=tmp_path)
    file = write_bars(tmp_path / "EURUSD_M1.csv", ns("2024-07-01") + np.arange(5) * MINUTE)
    import_file(file, Options(source="vendor", frame="M1", basis="ask"), root=tmp_path)
    seen = set()
    for path in tmp_path.glob("*/*/*/*.parquet"):
        table = pq.ParquetFile(path).read()
        marks = set(zip(*(table[n].to_pylist() for n in ("source", "instrument", "basis", "stamps")), strict=True))
        assert len(marks) == 1 and table["source"].null_count == table["instrument"].null_count == 0
        seen |= marks
    assert seen == {
        ("tagged", "EURUSD@tagged", "quote", "quote"), ("tagged", "BTCUSD@tagged", "quote", "quote"),
        ("vendor", "EURUSD@vendor", "ask", "open"),
    }  # fmt: skip
