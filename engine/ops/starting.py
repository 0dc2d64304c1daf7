"""`onetape new strategy`: a strategy, its config and its test, which pass as written."""

from __future__ import annotations

import keyword
import re
from contextlib import suppress
from pathlib import Path
from string import Template

from engine.core.errors import ConfigError, OutputError, unwritten
from engine.core.load import STRATEGIES, names

STRATEGY = '''"""$title: say here in what market it earns, in what it pays, and where the idea comes from.

Logic: long while the close is above its average of `period` bars, flat below it. Replace this by your own.
"""

from __future__ import annotations

from engine.features import atr, sma
from engine.strategy import ConfigError, Strategy, dataclass, strategy


@strategy
@dataclass
class $class_(Strategy):
    """Long above the average, flat below it.

    period    bars of the average
    stop_atr  stop-loss in multiples of the average true range
    """

    period: int = 100
    stop_atr: float = 3.0

    def __post_init__(self) -> None:
        if self.period < 2 or self.stop_atr <= 0:
            raise ConfigError("$name: period must be at least 2 and stop_atr above 0")

    def features(self):
        return {"average": sma(self.period), "reach": atr(14)}

    def on_row(self, row):
        if row.close > row.average:
            return self.long(row, stop=row.close - self.stop_atr * row.reach)
        return self.flat(row)
'''
CONFIG = """# $title on the demo's bars: EURUSD, every hour of 2017. `onetape backtest $file` runs it.
name = "$file"
seed = 1

[data]
source = "demo"
symbols = ["EURUSD"]
kind = "bars"
frame = "H1"
basis = "ask"
spread = "10 points"

[account]
balance = 10000.0
leverage = 30.0

[venue]
latency = "50 ms"
slippage = "1 points"
commission = "3.5 USD per lot"

[risk]
size = "1 % risk"
max_position = "5 lots"

[[strategy]]
name = "$name"
params = { period = 100, stop_atr = 3.0 }
"""
TEST = '''"""$title: what it must do, on data that come with the project."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine
from engine.core.errors import ConfigError
from engine.core.load import load
from engine.lookahead import check_lookahead
from engine.run import open_config_tape
from strategies.$name import $class_

CONFIG = str(Path(__file__).resolve().parents[1] / "configs/runs/$file.toml")


@pytest.fixture(scope="module")
def run():
    return engine.backtest(load(CONFIG, env={}))


def test_it_trades_and_every_trade_has_a_stop(run):
    assert len(run.trades) >= 10 and run.trades["stop"].notna().all()


def test_it_is_long_only(run):
    assert set(run.trades["direction"]) == {"long"}


def test_two_runs_decide_the_same(run):
    assert engine.backtest(load(CONFIG, env={})).digest == run.digest


def test_it_does_not_look_ahead():
    config = load(CONFIG, env={})
    assert check_lookahead("$name", open_config_tape(config), config, 4) is None


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(ConfigError, match="period must be at least 2"):
        $class_(period=1)
'''


def strategy(name: str, folder: Path = Path()) -> dict[str, str]:
    """Write the three files under `folder` and say where they are.

    ConfigError for a name that is none, or that is taken; nothing is overwritten.
    """
    if not is_name(name):
        near = re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).strip("_").lower()
        near = near if is_name(near) else "my_idea"
        raise ConfigError(f"{name!r} cannot be a strategy's name: small letters, digits and _, like {near}")
    if name in names(STRATEGIES, "*.py"):
        raise ConfigError(f"there is a strategy {name} already: choose another name")
    file = name.replace("_", "-")
    values = {"name": name, "file": file, "title": name.replace("_", " ").capitalize(), "class_": camel(name)}
    paths = {
        "strategy": (folder / "strategies" / f"{name}.py", STRATEGY),
        "config": (folder / "configs" / "runs" / f"{file}.toml", CONFIG),
        "test": (folder / "tests" / f"test_{name}.py", TEST),
    }
    return write(paths, values) | {"next": after(folder, f"onetape backtest {file}")}


def write(files: dict[str, tuple[Path, str]], values: dict[str, str]) -> dict[str, str]:
    """Write templates, all or none, and say where each kind is. ConfigError where a file exists already."""
    for path, _ in files.values():
        if path.exists():
            raise ConfigError(f"{path} exists already: choose another name")
    try:
        for path, text in files.values():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(text).substitute(values), encoding="utf-8", newline="\n")
    except OSError as error:
        for made, _ in files.values():
            with suppress(OSError):
                made.unlink()
        raise OutputError(f"{path} could not be written: {unwritten(error)}; nothing of it was kept") from None
    return {kind: str(path) for kind, (path, _) in files.items()}


def after(folder: Path, command: str) -> str:
    """What to do next, and where."""
    return command if folder == Path() else f"in {folder}: {command}"


def is_name(name: str) -> bool:
    return bool(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*", name)) and not keyword.iskeyword(name)


def camel(name: str) -> str:
    """my_idea -> MyIdea, which the engine reads back as my_idea.

    >>> camel("my_idea")
    'MyIdea'
    """
    return "".join(part.capitalize() for part in name.split("_"))
