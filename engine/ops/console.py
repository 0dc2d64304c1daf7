"""What the command line prints: results on stdout, one line about a mistake on stderr, and the exit code.

    0 ok   1 error   2 usage or config   3 not running   4 refused   5 time-out   6 not found   130 interrupted

ONETAPE_DEBUG=1 adds the traceback to any error.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer

from engine.core.errors import OnetapeError

USAGE, INTERRUPTED = 2, 130
FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EFBIG: "the file-size limit is reached",
    errno.EDQUOT: "the quota is used up",
}
CLI_ERROR = typer.BadParameter.__mro__[2]
NUMBER = re.compile(r"[-+]?[\d.,]+(e[-+]?\d+)?( ?%| [A-Z]{3,5}| h)?|-")


def run(app: Callable[..., Any], args: Sequence[str] | None = None) -> int:
    """Run a typer app; every error becomes one line on stderr and its exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(args=args, prog_name="onetape", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:
            complain(told(KeyboardInterrupt())[1])
        return code if isinstance(code, int) else 0
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:
        code, message = told(error)
        if os.environ.get("ONETAPE_DEBUG", "0") not in ("", "0"):
            traceback.print_exc()
        complain(message)
        return code


def told(error: BaseException) -> tuple[int, str]:
    """Exit code and message of an error."""
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return INTERRUPTED, "interrupted: nothing half-written is left"
    if isinstance(error, OnetapeError):
        return error.exit_code, str(error)
    if isinstance(error, CLI_ERROR):
        return USAGE, usage(error)
    if isinstance(error, OSError) and error.errno in FULL:
        return 1, f"{FULL[error.errno]}: {error.filename or 'the result'} was not written, nothing half-written is left"
    if isinstance(error, OSError) and error.strerror:
        return 1, f"{error.filename or 'the system says'}: {error.strerror}"
    if isinstance(error, ModuleNotFoundError):
        return 1, f"the package {error.name!r} is not installed: run make demo, or pip install -e . in the project"
    return 1, f"internal error, please report it: {type(error).__name__}: {error} (ONETAPE_DEBUG=1 shows where)"


def usage(error: Any) -> str:
    """A wrong command line, with the command whose --help says more."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "onetape"
    message = error.format_message().replace("Value error, ", "").rstrip(".")
    return f"{message} (see {path} --help)"


def complain(message: str) -> None:
    line = "; ".join(part.strip() for part in message.splitlines() if part.strip())
    typer.echo(typer.style("error: ", fg="red", bold=True) + line, err=True)


def show(result: Any, as_json: bool, text: Callable[[Any], str] | None = None) -> None:
    """Print a result: as JSON for programs, else as `text` says, or as a table, or as keys and values."""
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(result, enc_hook=str), indent=2).decode())
    elif text is not None:
        typer.echo(text(result))
    elif isinstance(result, Mapping):
        typer.echo(pairs(result))
    else:
        typer.echo(table(result))


def pairs(values: Mapping[str, Any]) -> str:
    width = max(map(len, values), default=0)
    return "\n".join(f"{key:<{width}}  {cell(value)}" for key, value in values.items())


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same keys as aligned columns, numbers to the right."""
    if not rows:
        return "none"
    names = list(rows[0])
    cells = [[cell(row.get(name)) for name in names] for row in rows]
    right = [all(NUMBER.fullmatch(line[i]) for line in cells) for i in range(len(names))]
    widths = [max(len(line[i]) for line in [names, *cells]) for i in range(len(names))]
    lines = [
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True)).rstrip()
        for line in [names, *cells]
    ]
    return "\n".join(lines)


def cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}" if abs(value) >= 100 else f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(cell(v) for v in value)
    return str(value)


class Progress:
    """A bar with rate and time left on stderr; silent where stderr is no terminal.

    `with Progress(True, "bars") as progress:` then `progress(done, total)` as often as you like.
    """

    def __init__(self, wanted: bool, unit: str) -> None:
        self.unit = unit
        self.wanted = wanted and sys.stderr.isatty()
        self.told = wanted
        self.bar: Any = None

    def __enter__(self) -> Progress:
        return self

    def compiling(self) -> None:
        """Say so when a kernel has to be compiled: the first run on a machine takes longer."""
        from numba.core import event

        told = self

        class Compiling(event.Listener):
            def on_start(self, _: Any) -> None:
                if told.told:
                    typer.echo("compiling kernels (once on this machine, up to a minute) ...", err=True)
                told.told = False

            def on_end(self, _: Any) -> None:
                pass

        event.register("numba:compile", Compiling())

    def __call__(self, done: int, total: int) -> None:
        if not self.wanted:
            return
        if self.bar is None:
            self.start(total)
        elapsed = self.bar.tasks[0].elapsed or 0.0
        rate = f"{compact(done / elapsed)} {self.unit}/s" if elapsed > 0.05 else ""
        self.bar.update(self.bar.tasks[0].id, completed=done, total=total, rate=rate)

    def start(self, total: int) -> None:
        from rich import progress
        from rich.console import Console

        columns = (
            progress.BarColumn(), progress.TaskProgressColumn(), progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(),
        )  # fmt: skip
        self.bar = progress.Progress(*columns, console=Console(stderr=True), transient=True)
        self.bar.add_task("", total=total, rate="")
        self.bar.start()

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()


def compact(number: float) -> str:
    """12.3M, 450k, 80."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.0f}"
