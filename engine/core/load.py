"""Reading a config: file < --on overlays < environment < --set.

    load("demo")                                     configs/runs/demo.toml
    load("my.toml", on=["stress"])                   then configs/on/stress.toml over it
    load("demo", sets=["strategy.params.fast=10"])   of the only strategy; of several: strategy.ID.params.fast
    ONETAPE__ACCOUNT__LEVERAGE=10                    account.leverage
    load("ma_cross", sets=[...])                     a strategy's name: a config of defaults around it
    load("pullback")                                 configs/rules/pullback.toml, likewise

Names are looked for in the folders of that name where one works, then among what comes with the project.

A later one wins key by key; lists are replaced whole. An unknown key is an error that names the nearest.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.core.config import Config
from engine.core.errors import ConfigError, NotFound
from engine.core.registry import did_you_mean
from engine.core.schema import Raw, build

ROOT = Path(__file__).resolve().parents[2]
RUNS, ON, STRATEGIES = ROOT / "configs" / "runs", ROOT / "configs" / "on", ROOT / "strategies"
RULES = ROOT / "configs" / "rules"
FEATURES = ROOT / "configs" / "features"
DEMO = {"source": "demo", "symbols": ["EURUSD"], "basis": "ask", "spread": "10 points"}
PREFIX = "ONETAPE__"
Table = dict[str, Any]


def load(
    ref: str | Path, on: Iterable[str] = (), sets: Iterable[str] = (), env: Mapping[str, str] | None = None
) -> Config:
    """The config that a path, a name in configs/runs or a strategy's name stands for, with what is laid over it.

    ConfigError names what cannot be meant, NotFound the file that is not there.
    """
    table, source = find(str(ref))
    before = deepcopy(table)
    for name in on:
        merge(table, read_toml(overlay(name)))
    for name, text in sorted((os.environ if env is None else env).items()):
        if name.startswith(PREFIX):
            put(table, [part.lower() for part in name.removeprefix(PREFIX).split("__")], Raw(text, name), fold=True)
    for item in sets:
        key, equals, text = item.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {item}: write KEY=VALUE, like --set account.balance=5000")
        put(table, key.strip().split("."), Raw(text.strip(), f"--set {item}"))
    write_out(table, Path(source).parent)
    config = build(Config, table)
    return replace(config, source=source, overridden=changed(before, config))


def settings(
    sets: Iterable[str] = (),
    symbol: str | None = None,
    frame: str | None = None,
    start: str | None = None,
    end: str | None = None,
) -> list[str]:
    """The --set list that the short options --symbol --tf --from --to stand for, before what --set says itself."""
    short = {"data.symbols": symbol, "strategy.frame": frame, "data.from": start, "data.to": end}
    return [*(f"{key}={text}" for key, text in short.items() if text is not None), *sets]


def write_out(table: Table, beside: Path) -> None:
    """Strategies of rules get the content of their file, so that the config, and the journal, say all of it."""
    for n, one in enumerate(table["strategy"] if isinstance(table.get("strategy"), list) else ()):
        if isinstance(one, dict):
            write_rules(one.get("name"), one.get("params"), f"strategy[{n}].params", beside)


def write_rules(name: Any, params: Any, where: str, beside: Path) -> None:
    """The same for one strategy and those inside it: `of` with `params`, and each of `among`."""
    if not isinstance(params, dict):
        return
    if "of" in params:
        write_rules(params["of"], params.get("params"), f"{where}.params", beside)
    if isinstance(among := params.get("among"), dict):
        for label, one in among.items():
            if isinstance(one, dict):
                write_rules(one.get("of"), one.get("params"), f"{where}.among.{label}.params", beside)
    if name == "rules" and "file" in params:
        ref = params.pop("file")
        known = names(RULES, "*.toml")
        if not isinstance(ref, str):
            raise ConfigError(f"{where}.file: must be text, the name of a file of configs/rules")
        path = known.get(ref) or next((p for p in (beside / ref, Path(ref)) if p.is_file()), None)
        if path is None:
            raise ConfigError(f"{where}.file: no rules are called {ref!r}: {did_you_mean(ref, known)}")
        own = read_toml(path)
        merge(own, params.get("rules", {}))
        with_sets(own, path.parent)
        params |= {"rules": own, "source": path.name}


def with_sets(rules: Table, beside: Path) -> None:
    """`sets = ["starter"]` of a rule file: the features of those sets, written out; its own come before theirs."""
    refs = rules.pop("sets", [])
    if not isinstance(refs, list) or not all(isinstance(ref, str) for ref in refs):
        raise ConfigError('sets: must be a list of feature sets, like ["starter"]')
    known = names(FEATURES, "*.toml")
    own = rules.get("features", {})
    for ref in refs:
        path = known.get(ref) or next((p for p in (beside / ref, Path(ref)) if p.is_file()), None)
        if path is None:
            raise ConfigError(f"sets: no feature set is called {ref!r}: {did_you_mean(ref, known)}")
        table = read_toml(path)
        common = {key: table[key] for key in ("on", "symbol") if key in table}
        for name, entry in table.get("features", {}).items():
            entry = common | ({"feature": entry} if isinstance(entry, str) else entry)
            own.setdefault(name, entry if len(entry) > 1 else entry["feature"])
    if refs:
        rules["features"] = own


def around_rules(rules: Table, path: Path) -> Table:
    """A config of defaults around the rules of a file."""
    with_sets(rules, path.parent)
    params = {"rules": rules, "source": path.name}
    return {"name": path.stem, "data": dict(DEMO), "strategy": [{"name": "rules", "id": path.stem, "params": params}]}


def changed(before: Table, config: Config) -> bool:
    """Whether the config means something else than what the file alone says."""
    try:
        write_out(before, Path())
        return build(Config, before).identity != config.identity
    except ConfigError:
        return True


def find(ref: str) -> tuple[Table, str]:
    """The table that `ref` stands for, and where it came from."""
    path = Path(ref)
    if path.suffix == ".toml" or len(path.parts) > 1:
        table = read_toml(path)
        if "strategy" not in table and {"long", "short"} & set(table):
            return around_rules(table, path), str(path)
        return table, str(path)
    runs, strategies, rules = names(RUNS, "*.toml"), names(STRATEGIES, "*.py"), names(RULES, "*.toml")
    if ref in runs:
        return read_toml(runs[ref]), str(runs[ref])
    if ref in strategies:
        return {"name": ref, "data": dict(DEMO), "strategy": [{"name": ref}]}, f"strategy {ref}"
    if ref in rules:
        return around_rules(read_toml(rules[ref]), rules[ref]), str(rules[ref])
    raise ConfigError(f"no config or strategy is called {ref!r}: {did_you_mean(ref, [*runs, *strategies, *rules])}")


def names(folder: Path, pattern: str) -> dict[str, Path]:
    """What is there by name: shipped with the project, and over it what lies where one works, in a folder so called."""
    own = Path.cwd() / folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    files = [*sorted(folder.glob(pattern)), *(sorted(own.glob(pattern)) if own != folder else ())]
    return {p.stem: p for p in files if not p.stem.startswith("_")}


def overlay(name: str) -> Path:
    if name.endswith(".toml"):
        return Path(name)
    known = names(ON, "*.toml")
    if name not in known:
        raise ConfigError(f"--on {name}: unknown: {did_you_mean(name, known)}")
    return known[name]


def read_toml(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(f"config file {path} does not exist") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path}: cannot be read as TOML: {reason}") from None


def merge(table: Table, over: Table) -> None:
    """Lay `over` on `table`: tables key by key, everything else (lists too) replaced."""
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(table.get(key), dict):
            merge(table[key], value)
        else:
            table[key] = value


def put(table: Table, path: list[str], value: Raw, fold: bool = False) -> None:
    """Set one value; `fold` matches keys in any case (environment variables are upper case)."""
    node: Any = table
    for depth, part in enumerate(path):
        if isinstance(node, list):
            node, used = pick(node, part, value)
            if used:
                continue
        if not isinstance(node, dict):
            raise ConfigError(f"{'.'.join(path[:depth])}: is a value and has no key {part!r} (from {value.origin})")
        key = match(node, part, path[:depth]) if fold else part
        if depth == len(path) - 1:
            node[key] = value
            return
        node = node.setdefault(key, {})
    raise ConfigError(f"{'.'.join(path)}: is a table, name a key in it (from {value.origin})")


def pick(items: list[Any], part: str, value: Raw) -> tuple[Any, bool]:
    """The item of a list that `part` names by id, name or number; with a single item `part` may be a key of it."""
    called = {str(item.get("id") or item.get("name", "")).lower(): item for item in items if isinstance(item, dict)}
    if part.lower() in called:
        return called[part.lower()], True
    if part.isdecimal() and int(part) < len(items):
        return items[int(part)], True
    if len(items) == 1:
        return items[0], False
    raise ConfigError(f"which one is meant by {part!r}: {', '.join(called) or 'there is none'} (from {value.origin})")


def match(node: Table, part: str, path: list[str]) -> str:
    folded = {key.lower(): key for key in node}
    return folded.get(part, part.upper() if path == ["rates"] else part)
