"""What a run reads beside its tape and its config: files of rates and samples, calendars and series, each by digest.

The digests stand in the journal's first frame, so that a run made again later can say what has changed since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.core.config import Config
from engine.core.frictions import Latency, Slippage
from engine.feeds.series import digest_of


def reads(config: Config, series: Iterable[str]) -> dict[str, str]:
    """Digest of everything outside, by its name: files that the config names, and these series of the catalogue."""
    there = [file for file in files(config) if Path(file).is_file()]  # one of a symbol that is not traded may be gone
    found = {file: hashlib.blake2b(Path(file).read_bytes(), digest_size=16).hexdigest() for file in there}
    blackout = config.risk.blackout
    named = {*series, *([blackout.series] if blackout and blackout.series else [])}
    found |= {name: digest_of(name) for name in named}
    return dict(sorted(found.items()))


def files(config: Config) -> Iterator[str]:
    """Files of swap rates, of latencies and of slippage."""
    venue = config.venue
    yield from venue.swaps.values()
    for model in (venue.latency, venue.change_latency, venue.report_latency, venue.slippage):
        if isinstance(model, Latency | Slippage) and model.file:
            yield model.file


def changed(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Names whose content is not what it was, in order.

    >>> changed({"a": "1", "b": "2"}, {"b": "3", "c": "4"})
    ['a', 'b', 'c']
    """
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
