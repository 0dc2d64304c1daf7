"""`onetape data bars | compact | retain | archive`: verbs that make bars and keep the store in order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from engine.ops.verbs import Json, data

Name = Annotated[str, typer.Argument(metavar="DATASET", help="Like imported/EURUSD/quotes.")]
BarBasis = Literal["bid", "ask", "mid"]


@data.command("bars")
def make_bars(
    name: Name,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="M5, 'tick 1000', 'renko 10 points', 'dollar 1M' ...")],
    out: Annotated[str, typer.Option(metavar="SOURCE", help="First part of the new dataset's name.")] = "",
    basis: Annotated[BarBasis | None, typer.Option(help="What bars of quotes are made of; bid if not said.")] = None,
    as_json: Json = False,
) -> None:
    """Make bars of any kind from quotes, prints or smaller bars."""
    from engine.feeds.kinds.make import make_bars as make
    from engine.ops import console, listing

    with console.Progress(not as_json, "records") as progress:
        progress.compiling()
        report = make(name, kind, out, basis or "", progress=progress)
    console.show(listing.added([report]), as_json, listing.added_text)


@data.command("compact")
def compact_data(name: Name, as_json: Json = False) -> None:
    """Make one file per month or year out of many small ones."""
    from engine.feeds.store import compact
    from engine.ops import console

    console.show(compact(name), as_json)


@data.command("retain")
def retain_data(
    name: Name,
    keep: Annotated[str, typer.Option(metavar="AGE", help="Keep the last 90 days, 2 years ...")] = "",
    max_size: Annotated[str, typer.Option(metavar="SIZE", help="Keep at most 500 MB, 10 GB ...")] = "",
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, only say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Remove the oldest files of a dataset, or say which would go."""
    from engine.feeds.store import retain
    from engine.ops import console, listing

    console.show(retain(name, keep, max_size, apply), as_json, listing.retained_text)


@data.command("archive")
def archive_data(
    folder: Annotated[Path, typer.Argument(help="Raw payloads, journals: archived as they are.")],
    into: Annotated[Path, typer.Option(help="Where archives and manifests go.")] = Path("archive"),
    every: Annotated[Literal["day", "week", "month"], typer.Option(help="One archive per period that ended.")] = "day",
    max_size: Annotated[str, typer.Option(metavar="SIZE", help="Most bytes of files in one archive.")] = "1 GB",
    remove: Annotated[bool, typer.Option("--remove", help="Remove the files once the archives read back.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only read every archive back.")] = False,
    as_json: Json = False,
) -> None:
    """Put raw files into compressed archives with checksums."""
    from engine.core.errors import DataError
    from engine.feeds.archive import archive, manifests, verify
    from engine.feeds.store import size_of
    from engine.ops import console

    if check:
        if wrong := verify(into):
            raise DataError("; ".join(wrong))
        console.show({"into": str(into), "archives": len(manifests(into)), "wrong": 0}, as_json)
        return
    with console.Progress(not as_json, "bytes") as progress:
        report = archive(folder, into, every, size_of(max_size), remove, progress=progress)
    console.show(report, as_json)
