"""Frozen dataclasses from tables (TOML, JSON) and back: every key known, every value of its type, or one clear message.

A field's key is its name, or `metadata["key"]` where the name is a Python word; `metadata["hidden"]` fields are not
part of the file. Text from the command line or the environment (`Raw`) is read as the type that the field declares.
"""

from __future__ import annotations

import json
import math
import tomllib
import types
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from engine.core.errors import ConfigError
from engine.core.quantity import Quantity
from engine.core.registry import did_you_mean

T = TypeVar("T")
WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


class Raw(str):
    """A value still as typed; `origin` says where (`--set risk.size=...`)."""

    origin: str

    def __new__(cls, text: str, origin: str) -> Raw:
        raw = super().__new__(cls, text)
        raw.origin = origin
        return raw


def wrong(path: str, message: str, value: object = None) -> ConfigError:
    origin = f" (from {value.origin})" if isinstance(value, Raw) else ""
    return ConfigError(f"{path}: {message}{origin}")


def keys(cls: Any) -> dict[str, tuple[Field[Any], Any]]:
    """Key in the file to (field, type)."""
    hints = get_type_hints(cls)
    shown = [f for f in fields(cls) if not f.metadata.get("hidden")]
    return {f.metadata.get("key", f.name): (f, hints[f.name]) for f in shown}


def build(cls: type[T], table: object, path: str = "") -> T:
    """An instance of the dataclass `cls` from a table; ConfigError names the path and the nearest key."""
    if not isinstance(table, dict):
        raise wrong(path, "must be a table of keys", table)
    known = keys(cls)
    values = {}
    for key, value in table.items():
        where = f"{path}.{key}" if path else str(key)
        if key not in known:
            raise wrong(where, f"unknown key {key!r}: {did_you_mean(str(key), known)}", value)
        field, kind = known[key]
        values[field.name] = convert(kind, value, where)
    for key, (field, _) in known.items():
        if field.name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise wrong(path or "config", f"key {key!r} is missing")
    return cls(**values)


def convert(kind: Any, value: Any, path: str) -> Any:
    """`value` as the declared type."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None or (isinstance(value, Raw) and value.lower() == "none"):
            return None
        shapes = [a for a in arguments if a is not type(None)]
        if isinstance(value, Raw) and isinstance(typed(value), dict):
            value = typed(value)
        table = [a for a in shapes if takes_table(a) and isinstance(value, dict)]
        return convert((table or shapes)[0], value, path)
    if origin is Literal:
        if value not in arguments:
            hint = did_you_mean(value, arguments) if isinstance(value, str) else f"known: {', '.join(arguments)}"
            raise wrong(path, f"{value!r} is not one of its values: {hint}", value)
        return str(value)
    if origin is tuple:
        items = listed(value) if isinstance(value, Raw) else value
        if not isinstance(items, list | tuple):
            raise wrong(path, f"must be a list, like [{json.dumps(value, default=str)}]", value)
        return tuple(convert(arguments[0], item, f"{path}[{n}]") for n, item in enumerate(items))
    if origin is dict:
        if not isinstance(value, dict):
            raise wrong(path, "must be a table of keys", value)
        return {str(k): convert(arguments[1], v, f"{path}.{k}") for k, v in value.items()}
    if takes_table(kind):
        return build(kind, value, path)
    return scalar(kind, value, path)


def takes_table(kind: Any) -> bool:
    """Is it written as a table of keys?"""
    return get_origin(kind) is dict or (is_dataclass(kind) and not issubclass(kind, Quantity))  # type: ignore[arg-type]


def scalar(kind: Any, value: Any, path: str) -> Any:
    if kind is Any:
        return plain(typed(value) if isinstance(value, Raw) else value, path)
    if issubclass(kind, Quantity):
        try:
            return kind.parse(value)
        except ConfigError as error:
            raise wrong(path, str(error), value) from None
    if kind is str and isinstance(value, date):
        value = value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    read = typed(value) if isinstance(value, Raw) and kind is not str else value
    if kind is float and isinstance(read, int) and not isinstance(read, bool):
        read = float(read)
    if not isinstance(read, kind) or (kind is int and isinstance(read, bool)):
        raise wrong(path, f"must be {WORDS[kind]}, got {value!r}", value)
    if kind is float and not math.isfinite(read):
        raise wrong(path, f"must be a finite number, got {value!r}", value)
    return str(read) if kind is str else read


def plain(value: Any, path: str) -> Any:
    """A free parameter: numbers, text, true or false, lists and tables of them."""
    value = typed(value) if isinstance(value, Raw) else value
    if isinstance(value, list | tuple):
        return [plain(v, f"{path}[{n}]") for n, v in enumerate(value)]
    if isinstance(value, dict):
        return {str(k): plain(v, f"{path}.{k}") for k, v in value.items()}
    if not isinstance(value, str | int | float | bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise wrong(path, f"must be a finite number, text, true or false, got {value!r}", value)
    return value


def typed(text: str) -> Any:
    """Text as the TOML value that it spells, else as text."""
    try:
        return tomllib.loads(f"value = {text}")["value"] if "\n" not in text else str(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return str(text)


def listed(raw: Raw) -> list[Any]:
    """`EURUSD,GBPJPY` or `["EURUSD", "GBPJPY"]`."""
    value = typed(raw)
    if isinstance(value, list):
        return value
    return [Raw(part.strip(), raw.origin) for part in raw.split(",") if part.strip()]


def dump(thing: Any, full: bool = True) -> dict[str, Any]:
    """The table that `build` reads; without `full` only what differs from the defaults."""
    table = {}
    for key, (field, _) in keys(type(thing)).items():
        value = getattr(thing, field.name)
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if full or value != default:
            table[key] = dumped(value, full)
    return table


def dumped(value: Any, full: bool) -> Any:
    if isinstance(value, Quantity):
        return str(value)
    if is_dataclass(value):
        return dump(value, full)
    if isinstance(value, tuple | list):
        return [dumped(v, full) for v in value]
    if isinstance(value, dict):
        return {k: dumped(v, full) for k, v in value.items()}
    return value


def to_toml(table: dict[str, Any], path: str = "") -> str:
    """TOML text of a table; keys without a value (None) are left out."""
    inline: Callable[[Any], bool] = lambda v: not isinstance(v, dict) and not tables(v)  # noqa: E731
    lines = [f"{key_text(k)} = {value_text(v)}" for k, v in table.items() if v is not None and inline(v)]
    for key, value in table.items():
        where = f"{path}.{key_text(key)}" if path else key_text(key)
        for head, item in [(f"[[{where}]]", v) for v in value] if tables(value) else [(f"[{where}]", value)]:
            if isinstance(item, dict):
                lines += ["", head, to_toml(item, where).lstrip("\n")]
    return "\n".join(lines)


def tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def value_text(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(value_text(v) for v in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key_text(k)} = {value_text(v)}" for k, v in value.items()) + "}"
    return repr(value)


def key_text(key: str) -> str:
    bare = key and all(c.isascii() and (c.isalnum() or c in "_-") for c in key)
    return key if bare else value_text(key)
