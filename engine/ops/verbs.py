"""`onetape data ...` and `onetape instrument ...`: one short verb each, like those of `cli.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

data = typer.Typer(help="Market data.", no_args_is_help=True, rich_markup_mode=None)
instruments = typer.Typer(help="What a symbol is.", no_args_is_help=True, rich_markup_mode=None)

Basis = Literal["bid", "ask", "mid", "last"]
Stamps = Literal["open", "close"]
VolumeUnit = Literal["tick", "real", "base", "quote"]
SpecFormat = Literal["mt5", "mtsim", "binance"]
Kind = Literal["calendar", "index", "funding"]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@data.command("import")
def import_data(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet, Feather, LEAN zip, MT5 export or report ...")],
    symbol: Annotated[str, typer.Option(help="If the file's name does not say it.")] = "",
    source: Annotated[str, typer.Option(help="First part of the dataset's name.")] = "imported",
    tf: Annotated[str, typer.Option(help="Time frame, of bars.")] = "",
    basis: Annotated[Basis | None, typer.Option(help="What bars hold.")] = None,
    tz: Annotated[str, typer.Option(help="Zone of the stamps: UTC, Europe/Athens, ny+7 ...")] = "",
    stamps: Annotated[Stamps, typer.Option(help="What stamps of bars are.")] = "open",
    format: Annotated[str | None, typer.Option(help="If the file does not show it: csv, mt5, histdata ...")] = None,
    time_format: Annotated[str | None, typer.Option(help="ymd, dmy, mdy, compact, s, ms, us or ns.")] = None,
    column: Annotated[list[str] | None, typer.Option(metavar="ROLE=NAME", help="Name a column by hand.")] = None,
    point: Annotated[float | None, typer.Option(help="Price of 1, in files of whole points.")] = None,
    ask: Annotated[Path | None, typer.Option(help="Second file with the ask side of the same bars.")] = None,
    licence: Annotated[str, typer.Option(help="Kept with the data and shown in reports.")] = "",
    volume_unit: Annotated[VolumeUnit | None, typer.Option(help="What a bar's volume counts.")] = None,
    series: Annotated[str, typer.Option(metavar="SOURCE/NAME", help="Bring a series in, under this name.")] = "",
    kind: Annotated[Kind, typer.Option(help="What the series is.")] = "index",
    sort: Annotated[bool, typer.Option("--sort", help="Sort rows that are out of order.")] = False,
    drop_bad: Annotated[bool, typer.Option("--drop-bad", help="Leave bad rows out, and count them.")] = False,
    as_json: Json = False,
) -> None:
    """Bring a file into the catalogue: all of it or nothing."""
    from engine.feeds.data import Options, import_file
    from engine.feeds.importers.formats import sniff
    from engine.ops import console, listing

    if series:
        console.show(listing.added([listing.series_from(file, series, kind, licence)]), as_json, listing.added_text)
        return
    options = Options(
        source=source, symbol=symbol, frame=tf, basis=basis or "", zone=tz, stamps=stamps,
        columns=listing.named(column or ()), time_format=time_format, licence=licence, point=point, ask=ask,
        volume_unit=volume_unit or "",
    )  # fmt: skip
    if (format or sniff(file)) == "report":
        from engine.feeds.reports import keep_report

        console.show(keep_report(file, tz), as_json)
        return
    with console.Progress(not as_json, "rows") as progress:
        progress.compiling()
        report = import_file(file, options, format, sort, "drop" if drop_bad else "error", progress=progress)
    console.show(listing.added([report]), as_json, listing.added_text)


@data.command("list")
def list_data(as_json: Json = False) -> None:
    """Every dataset in the catalogue, the demo's included."""
    from engine.feeds.store_index import list_datasets
    from engine.ops import console

    console.show(list_datasets(), as_json)


@data.command("show")
def show_data(
    name: Annotated[str, typer.Argument(metavar="DATASET", help="Like demo/EURUSD/bars-H1.")],
    rows: Annotated[int, typer.Option(help="How many of its first rows.")] = 5,
    revisions: Annotated[bool, typer.Option("--revisions", help="What was revised or came late, and when.")] = False,
    as_json: Json = False,
) -> None:
    """Where a dataset comes from, its files and its first rows."""
    from engine.feeds.data import show_dataset
    from engine.ops import console, listing

    if revisions:
        from engine.feeds.store_history import revisions_shown

        console.show(revisions_shown(name), as_json, listing.revisions_text)
        return
    console.show(show_dataset(name, rows), as_json, listing.dataset_text)


@data.command("sample")
def sample_data(
    symbols: Annotated[str, typer.Argument(help="One or more, separated by commas.")] = "EURUSD",
    quotes: Annotated[int, typer.Option("-n", "--quotes", help="How many, all symbols together.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same market.")] = 1,
    source: Annotated[str, typer.Option(help="First part of the dataset's name.")] = "sample",
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="First trading day.")] = "2024-01-01",
    per_minute: Annotated[float, typer.Option(help="Mean number of quotes a minute, of each symbol.")] = 95.0,
    bad_ticks: Annotated[float, typer.Option(help="Share of quotes that are wrong: 0.001 is one in a thousand.")] = 0.0,
    gaps: Annotated[bool, typer.Option(help="Stretches without quotes, beside the weekends.")] = True,
    as_json: Json = False,
) -> None:
    """Make a synthetic market of correlated symbols from a seed."""
    from engine.feeds.data import sample
    from engine.ops import console, listing

    made = sample(symbols.split(","), quotes, seed, source, start, per_minute, bad_ticks, gaps)
    console.show(listing.added(made), as_json, listing.added_text)


@data.command("export")
def export_data(
    name: Annotated[str, typer.Argument(metavar="DATASET", help="Like demo/EURUSD/bars-H1.")],
    format: Annotated[str, typer.Option(help="csv, feather, parquet or lean.")] = "csv",
    first: Annotated[str, typer.Option("--from", metavar="TIME", help="First time, UTC.")] = "",
    last: Annotated[str, typer.Option("--to", metavar="TIME", help="End, not included.")] = "",
    out: Annotated[Path | None, typer.Option(help="File, or folder; for lean its data folder.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write a dataset for other programs; what goes out comes in again with the same rows."""
    from engine.core.clock import parse_time
    from engine.feeds.export import export_dataset, export_row
    from engine.ops import console

    start, end = (parse_time(text) if text else None for text in (first, last))
    with console.Progress(not as_json, "rows") as progress:
        report = export_dataset(name, format, start, end, out, force, told=progress)
    console.show(export_row(report), as_json)


@instruments.command("list")
def list_of_instruments(as_json: Json = False) -> None:
    """Instruments that come with the project, and those that were imported."""
    from engine.feeds.data import list_instruments
    from engine.ops import console, listing

    console.show(list_instruments(), as_json, listing.instruments_text)


@instruments.command("show")
def show_one_instrument(name: str, as_json: Json = False) -> None:
    """The numbers of one instrument."""
    from engine.feeds.data import show_instrument
    from engine.ops import console, listing

    console.show(show_instrument(name), as_json, listing.instrument_text)


@instruments.command("import")
def import_instruments(
    file: Annotated[Path, typer.Argument(help="JSON: MT5 symbol_info, gym-mtsim symbols or Binance exchangeInfo.")],
    venue: Annotated[str, typer.Option(help="Second half of the names, like mybroker.")] = "",
    tz: Annotated[str, typer.Option(help="Zone of an MT5 server, whose midnight begins the day: ny+7 ...")] = "",
    format: Annotated[SpecFormat | None, typer.Option(help="If the file does not show it.")] = None,
    as_json: Json = False,
) -> None:
    """Take a broker's or exchange's own specifications over; they go before those that come with the project."""
    from engine.feeds.specs import import_specs
    from engine.ops import console, listing

    console.show(import_specs(file, venue, tz, format or ""), as_json, listing.specs_text)


@data.command("zone")
def zone_of_data(
    name: Annotated[str, typer.Argument(metavar="DATASET|FILE", help="Bars up to H1, or quotes, over a weekend.")],
    symbol: Annotated[str, typer.Option(help="If the file's name does not say it.")] = "",
    tf: Annotated[str, typer.Option(help="Time frame, of bars.")] = "",
    format: Annotated[str | None, typer.Option(help="If the file does not show it.")] = None,
    as_json: Json = False,
) -> None:
    """Find out on whose clock rows were stamped: what the weekends say."""
    from engine.feeds.importers.options import Options
    from engine.feeds.wall import suggest
    from engine.ops import console, listing

    console.show(suggest(name, Options(symbol=symbol, frame=tf), format), as_json, listing.zone_text)
