"""`onetape data check | clean | profile`: is this data fit to trade on, and what to do about it."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from engine.ops.verbs import Basis, Json, data

Grade = Literal["A", "B", "C", "D"]
Method = Literal["jump", "tick", "z", "iqr", "hampel", "std"]
Ref = Annotated[str, typer.Argument(metavar="DATASET|FILE", help="Like demo/EURUSD/bars-H1, or a file, raw.")]
Symbol = Annotated[str, typer.Option(help="Of a file, if its name does not say it.")]
Zone = Annotated[str, typer.Option(help="Of a file: zone of its stamps.")]
Tf = Annotated[str, typer.Option(help="Of a file of bars: time frame.")]
Prices = Annotated[Basis | None, typer.Option(help="Of a file of bars: what prices they hold.")]
Start = Annotated[str | None, typer.Option("--from", metavar="TIME", help="First moment that should be there.")]
End = Annotated[str | None, typer.Option("--to", metavar="TIME", help="First moment that need not.")]


@data.command("check")
def check_data(
    ref: Ref,
    method: Annotated[Method, typer.Option(help="How spikes are found.")] = "jump",
    min_grade: Annotated[Grade | None, typer.Option(help="Exit code 4 below it.")] = None,
    rows: Annotated[str, typer.Option(metavar="FIRST:LAST", help="What is wrong with these rows.")] = "",
    at: Annotated[str, typer.Option(metavar="TIME", help="What is wrong with the rows of this moment.")] = "",
    symbol: Symbol = "",
    tz: Zone = "",
    tf: Tf = "",
    basis: Prices = None,
    start: Start = None,
    end: End = None,
    as_json: Json = False,
) -> None:
    """Look for bad rows: counts by kind, the first of each, a grade from A to D."""
    from engine.feeds.importers.options import Options
    from engine.feeds.quality.check import check, require
    from engine.feeds.quality.flags import Limits
    from engine.ops import console, quality

    options = Options(symbol=symbol, zone=tz, frame=tf, basis=basis or "")
    with console.Progress(not as_json, "rows") as progress:
        progress.compiling()
        span = quality.span(start, end)
        found = check(ref, options, limits=Limits(method=method), span=span, progress=progress)
    if rows or at:
        console.show(quality.entries(found, ref, options, rows, at), as_json, quality.entries_text)
    else:
        console.show(quality.plain(found), as_json, quality.checked_text)
    if min_grade:
        require(found, min_grade)


@data.command("clean")
def clean_data(
    ref: Ref,
    out: Annotated[str, typer.Argument(help="Source name for the cleaned dataset, like clean.")],
    rules: Annotated[str, typer.Option(help="A TOML file, or default, strict or fill.")] = "default",
    undo: Annotated[bool, typer.Option("--undo", help="Give back what a cleaned dataset was made from.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Also if OUT is there and was made otherwise.")] = False,
    symbol: Symbol = "",
    tz: Zone = "",
    tf: Tf = "",
    basis: Prices = None,
    as_json: Json = False,
) -> None:
    """Make a cleaned dataset by declared rules; the original is not touched and can be had back."""
    from engine.feeds.importers.options import Options
    from engine.feeds.quality import clean as cleaning
    from engine.ops import console, quality

    options = Options(symbol=symbol, zone=tz, frame=tf, basis=basis or "")
    with console.Progress(not as_json, "rows") as progress:
        if undo:
            report = cleaning.undo(ref, out)
        else:
            progress.compiling()
            report = cleaning.clean(ref, out, rules, options, replace=replace, progress=progress)
    console.show(quality.plain(report), as_json, quality.cleaned_text)


@data.command("profile")
def profile_data(
    ref: Ref,
    html: Annotated[str, typer.Option(metavar="FILE", help="Write a page that opens without a network.")] = "",
    against: Annotated[str, typer.Option(metavar="DATASET|FILE", help="Baseline to measure drift from.")] = "",
    symbol: Symbol = "",
    tz: Zone = "",
    tf: Tf = "",
    basis: Prices = None,
    as_json: Json = False,
) -> None:
    """What the data look like: returns, spread, hours, gaps, quality by day, drift."""
    from engine.feeds.importers.options import Options
    from engine.feeds.quality.page import write_page
    from engine.feeds.quality.profile import profile
    from engine.ops import console, quality

    options = Options(symbol=symbol, zone=tz, frame=tf, basis=basis or "")
    with console.Progress(not as_json, "rows") as progress:
        progress.compiling()
        made = profile(ref, against or None, options, progress=progress)
    if html:
        write_page(made, html)
    console.show(quality.plain(made), as_json, quality.profile_text)
