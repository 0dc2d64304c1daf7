"""onetape on the command line: one short verb each; everything heavy is imported inside the verb that needs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.ops import quality_verbs as _quality_verbs  # noqa: F401 - its verbs belong to `data`
from engine.ops import verbs_store  # noqa: F401 - adds verbs to `data`
from engine.ops.verbs import Json, data, instruments

NOT_ASKED: dict[str, Any] = {"help": False, "install_completion": False, "show_completion": False}
"""What nobody gave, said outright: left to find that out, typer loads pydantic, which takes 0.1 s."""
NOT_ASKED |= dict.fromkeys(("data", "instrument", "features", "list", "doctor", "version"), NOT_ASKED)  # verbs of flags
NOT_ASKED["compile"] = NOT_ASKED
if TYPE_CHECKING:
    from engine.core.config import Config

app = typer.Typer(
    name="onetape",
    help="One tape for research, paper and live money.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "default_map": NOT_ASKED},
)


def group(name: str, help: str) -> typer.Typer:
    made = typer.Typer(help=help, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(made, name=name)
    return made


runs = group("runs", "Finished runs.")
app.add_typer(data, name="data")
app.add_typer(instruments, name="instrument")
check = group("check", "Prove that something holds.")
new = group("new", "Files to begin with.")
features = group("features", "Indicators and other columns computed from bars.")

Ref = Annotated[str, typer.Argument(metavar="CONFIG", help="A config's name or path, or a strategy's name.")]
RunRef = Annotated[str, typer.Argument(metavar="RUN", help="A run's number, folder, latest or latest~1.")]
On = Annotated[list[str] | None, typer.Option("--on", metavar="NAME", help="Lay configs/on/NAME.toml over it.")]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one key of the config.")]
Symbol = Annotated[str | None, typer.Option("--symbol", help="Symbols to replay, separated by commas.")]
Frame = Annotated[str | None, typer.Option("--tf", help="Time frame of the strategy, like H1.")]
Start = Annotated[str | None, typer.Option("--from", metavar="TIME", help="First moment replayed.")]
End = Annotated[str | None, typer.Option("--to", metavar="TIME", help="First moment not replayed.")]
Out = Annotated[str, typer.Option("--out", envvar="ONETAPE_RUNS", help="Folder of runs.")]


@app.command()
def backtest(
    config: Ref,
    on: On = None,
    sets: Sets = None,
    symbol: Symbol = None,
    tf: Frame = None,
    start: Start = None,
    end: End = None,
    out: Out = "runs",
    stress: Annotated[bool, typer.Option("--stress", help="A table instead: what a worse broker does to it.")] = False,
    as_json: Json = False,
) -> None:
    """Replay recorded data against the simulated broker; a report comes out."""
    import engine
    from engine import warm
    from engine.core.load import load, settings
    from engine.ops import console, listing

    chosen = load(config, on or (), settings(sets or (), symbol, tf, start, end))
    if stress:
        stressed(chosen, as_json)
        return
    with console.Progress(not as_json, chosen.data.kind) as progress:
        progress.compiling()
        warm.ahead(chosen)
        made = engine.backtest(chosen, out=out, progress=progress)
    result = listing.run(str(made.path), out) | {"expected": made.expected}
    console.show(result, as_json, listing.run_text)
    listing.refuse(made.expected, chosen)
    if chosen.report.open and not as_json:
        typer.launch(f"{made.path}/report.html")


def stressed(config: Config, as_json: bool) -> None:
    """The table of `backtest --stress`."""
    from engine.ops import console, venue_verbs
    from engine.research.stress import stress

    with console.Progress(not as_json, "runs") as progress:
        progress.compiling()
        rows = stress(config, progress=progress)
    found = venue_verbs.stress_table(config, rows)
    console.show(found, as_json, venue_verbs.stress_text)
    venue_verbs.refuse(found)


@app.command()
def run(
    config: Ref,
    on: On = None,
    sets: Sets = None,
    symbol: Symbol = None,
    tf: Frame = None,
    start: Start = None,
    end: End = None,
    out: Out = "runs",
    as_json: Json = False,
) -> None:
    """Run a config somewhere: --on history is a backtest (paper and live are not built yet)."""
    from engine.core.errors import ConfigError

    if not on or on[0] != "history":
        where = f"--on {on[0]} is not built yet" if on else "say where with --on"
        raise ConfigError(f"{where}: --on history is what there is")
    backtest(config, on, sets, symbol, tf, start, end, out, as_json=as_json)


@app.command()
def replay(ref: RunRef, out: Out = "runs", as_json: Json = False) -> None:
    """Run what a run's journal says again, and compare every decision."""
    from engine.core.errors import Refused
    from engine.ops import console
    from engine.report.runs import find_run

    folder = find_run(ref, Path(out)).path
    with console.Progress(not as_json, "records") as progress:
        from engine.replay import replay as run_again

        progress.compiling()
        again = run_again(folder, progress=progress)
    if not again.ok:
        raise Refused(f"{folder}: replayed, it decides differently: {again.difference}")
    same = None if as_json else "none: every decision is the same"
    console.show({"run": str(folder), "compared": again.compared, "difference": same}, as_json)


@app.command()
def calibrate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A run, its journal, or a report of MetaTrader 5.")],
    tz: Annotated[str, typer.Option(help="Zone of a report's server, like Europe/Athens.")] = "",
    out: Out = "runs",
    as_json: Json = False,
) -> None:
    """Fit spread, slippage, latency and refusals to what a broker did, for [venue] of a config."""
    from engine.ops import console, venue_verbs
    from engine.report.runs import find_run
    from engine.research.calibrate import calibrate as fit

    path = Path(file) if Path(file).exists() else find_run(file, Path(out)).path
    console.show(fit(path, zone=tz), as_json, venue_verbs.calibration_text)


@app.command()
def explain(
    ref: RunRef,
    trade: Annotated[int | None, typer.Argument(metavar="TRADE", help="Its number in trades.csv.")] = None,
    bar: Annotated[str | None, typer.Option("--bar", metavar="TS", help="Close of a bar: a time, or ns UTC.")] = None,
    out: Out = "runs",
    as_json: Json = False,
) -> None:
    """Say why a trade happened, or what was decided at a bar's close."""
    from engine.core.errors import ConfigError
    from engine.ops import console, listing
    from engine.replay import explain as why
    from engine.report.explain import text
    from engine.report.runs import find_run

    if (trade is None) == (bar is None):
        raise ConfigError("explain takes a trade's number or --bar TS, one of the two")
    steps = why(find_run(ref, Path(out)).path, trade, None if bar is None else listing.moment(bar))
    console.show(steps, as_json, text)


@app.command("compare")
def compare_runs(
    first: RunRef,
    second: RunRef,
    same: Annotated[bool, typer.Option("--same", help="Exit code 4 unless both decided the same.")] = False,
    out: Out = "runs",
    as_json: Json = False,
) -> None:
    """What differs between two runs: config, figures, and the first decision with its cause."""
    from engine.compare import compare
    from engine.ops import compared, console
    from engine.report.runs import find_run

    found = compare(*(find_run(ref, Path(out)).path for ref in (first, second)))
    console.show(found, as_json, compared.text)
    compared.refuse(found.same, same)


@app.command("report")
def report_again(
    ref: RunRef,
    tearsheet: Annotated[bool, typer.Option("--tearsheet", help="A tear sheet by quantstats.")] = False,
    png: Annotated[bool, typer.Option("--png", help="Figures for papers.")] = False,
    out: Out = "runs",
    as_json: Json = False,
) -> None:
    """Write a run's report.html again, or a tear sheet or figures beside it."""
    from engine.ops import compared, console
    from engine.report.runs import find_run

    made = compared.reported(find_run(ref, Path(out)).path, tearsheet, png)
    console.show([{"file": str(path)} for path in made], as_json)


@check.command()
def lookahead(
    name: Annotated[str, typer.Argument(help="A feature, a strategy, or a config's name or path.")],
    sets: Sets = None,
    cuts: Annotated[int, typer.Option(help="How often the future is cut off and altered.")] = 64,
    as_json: Json = False,
) -> None:
    """Prove that nothing looks ahead, or name the first bar and column that does (exit code 4)."""
    from engine.core.errors import Refused
    from engine.core.load import load
    from engine.lookahead import check_lookahead
    from engine.ops import console
    from engine.ops.features import is_feature
    from engine.run import open_config_tape

    config = None if is_feature(name) else load(name, sets=sets or ())
    tape = open_config_tape(config or load("ma_cross", env={}))
    with console.Progress(not as_json, "cuts") as progress:
        progress.compiling()
        finding = check_lookahead(config.strategies[0].name if config else name, tape, config, cuts)
    if finding:
        raise Refused(str(finding))
    console.show({"name": name, "bars": len(tape), "cuts": cuts, "looks_ahead": False}, as_json)


@data.command("get")
def get_data(
    provider: Annotated[str, typer.Argument(help="dukascopy, binance, binance-um, histdata, yahoo, cboe, ccxt:kraken")],
    symbol: Annotated[str, typer.Argument(help="As the provider writes it.")],
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="First moment, UTC.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="First moment not wanted; else now.")] = None,
    tf: Annotated[str, typer.Option(help="Time frame of bars; ticks without.")] = "",
    basis: Annotated[str, typer.Option(help="Of Dukascopy's candles: bid or ask.")] = "",
    point: Annotated[float | None, typer.Option(help="Price of a point in Dukascopy's files, if not known.")] = None,
    tz: Annotated[str, typer.Option(help="Zone of HistData's stamps.")] = "",
    funding: Annotated[bool, typer.Option("--funding", help="Funding rates, as a series.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Where raw payloads are kept.")] = None,
    rate: Annotated[float | None, typer.Option(help="Requests per second, instead of the provider's usual.")] = None,
    sort: Annotated[bool, typer.Option("--sort", help="Sort rows that are out of order.")] = False,
    drop_bad: Annotated[bool, typer.Option("--drop-bad", help="Leave bad rows out, and count them.")] = False,
    as_json: Json = False,
) -> None:
    """Download history into the catalogue: all of it or nothing; interrupted, it goes on where it was."""
    from engine.adapters.get import get
    from engine.core.clock import parse_time
    from engine.ops import console, listing

    first, last = (None if text is None else parse_time(text) for text in (start, end))
    with console.Progress(not as_json, "days") as progress:
        got = get(
            provider, symbol, first, last, tf, basis=basis, point=point, zone=tz, funding=funding, cache=cache,
            rate=rate, on_bad="drop" if drop_bad else "error", sort=sort, progress=progress,
        )  # fmt: skip
    console.show(listing.got(got), as_json, listing.got_text)


@runs.command("list")
def list_of_runs(out: Out = "runs", as_json: Json = False) -> None:
    """Finished runs with their main figures."""
    from engine.ops import console, listing

    console.show(listing.runs(out), as_json, listing.runs_text)


@runs.command("show")
def show_run(
    ref: RunRef,
    days: Annotated[bool, typer.Option("--days", help="A line per trading day instead.")] = False,
    out: Out = "runs",
    as_json: Json = False,
) -> None:
    """Everything a run says about itself."""
    from engine.ops import console, listing

    if days:
        console.show(listing.days(ref, out), as_json)
        return
    console.show(listing.run(ref, out), as_json, listing.run_text)


@new.command("strategy")
def new_strategy(
    name: Annotated[str, typer.Argument(help="Of the strategy, like my_idea.")],
    folder: Annotated[Path, typer.Option("--in", metavar="FOLDER", help="The project it belongs to.")] = Path(),
    as_json: Json = False,
) -> None:
    """Write a strategy, a config and a test that pass as they are, to be changed."""
    from engine.ops import console, starting

    console.show(starting.strategy(name, folder), as_json)


@new.command("feature")
def new_feature(
    name: Annotated[str, typer.Argument(help="Of the feature, like my_gap.")],
    folder: Annotated[Path, typer.Option("--in", metavar="FOLDER", help="The project it belongs to.")] = Path(),
    as_json: Json = False,
) -> None:
    """Write a feature, known numbers and a test that pass as they are, to be changed."""
    from engine.ops import console, starting_feature

    console.show(starting_feature.feature(name, folder), as_json)


@features.command("list")
def list_of_features(as_json: Json = False) -> None:
    """Every feature in one line."""
    from engine.ops import console, listing

    console.show(listing.features(), as_json, listing.features_text)


@features.command("show")
def show_feature(name: str, as_json: Json = False) -> None:
    """What a feature takes, gives and means."""
    from engine.ops import console, listing

    console.show(listing.one_feature(name), as_json)


@features.command("plot")
def plot_feature(
    name: Annotated[str, typer.Argument(help='Like bollinger, or "close - sma(20)".')],
    sets: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A parameter or input.")] = None,
    data: Annotated[str, typer.Option(help="Dataset of bars.")] = "demo/EURUSD/bars-H1",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Else NAME.html here.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: Json = False,
) -> None:
    """Draw a feature over bars: one HTML file with prices, its columns and its definition."""
    from engine.ops import console
    from engine.ops.features import plot

    made = plot(name, sets or (), data, out)
    console.show(made, as_json)
    if show and not as_json:
        typer.launch(made["file"])


@app.command()
def doctor(as_json: Json = False) -> None:
    """Look at this installation: versions, time zones, kernels, data, disk."""
    from engine.ops import console
    from engine.ops.doctor import examine

    found = examine()
    console.show(found, as_json)
    raise typer.Exit(0 if all(line["ok"] for line in found) else 1)


@app.command("compile")
def compile_kernels(as_json: Json = False) -> None:
    """Compile every kernel now, those of runs and of features, on all cores, so that nothing has to wait for it."""
    from engine import warm
    from engine.features.compiling import compile_all
    from engine.ops import console

    with console.Progress(not as_json, "features") as progress:
        lanes = warm.everything(lambda what: None if as_json else typer.echo(f"compiling: {what} ...", err=True))
        made = compile_all(progress=progress)
    console.show({"lanes": lanes, "features": made}, as_json)


@app.command()
def version(as_json: Json = False) -> None:
    """Versions of onetape and of what its numbers depend on."""
    from engine.ops import console
    from engine.ops.doctor import versions

    console.show(versions(), as_json)


def main() -> None:
    from engine.ops import console

    raise SystemExit(console.run(app))


if __name__ == "__main__":
    main()
