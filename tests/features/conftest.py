"""Markets on which every feature is tried."""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path

import numpy as np
import pandas
import pytest

from tests.features import market


@pytest.fixture(scope="session")
def ref() -> dict[str, np.ndarray]:
    return market.reference()


@pytest.fixture(scope="session")
def hard() -> dict[str, np.ndarray]:
    return market.hard()


@pytest.fixture(scope="session")
def eurusd(shared: Path) -> dict[str, np.ndarray]:
    """24,424 M15 bars of EURUSD, 2022-10 to 2023-10 (the test file of smartmoneyconcepts, MIT)."""
    open, high, low, close, ticks, _ = np.loadtxt(
        io.StringIO(quarters(shared)), delimiter=",", skiprows=1, usecols=range(1, 7)
    ).T
    return market.stamped(open, high, low, close, volume=ticks)


@pytest.fixture(scope="session")
def eurusd_weeks(eurusd: dict[str, np.ndarray], shared: Path) -> dict[str, np.ndarray]:
    """The same bars at their own times, with weekends and changes of clocks; the file has them in Eastern Europe's."""
    told = pandas.read_csv(io.StringIO(quarters(shared)), usecols=["Date"])["Date"]
    local = pandas.DatetimeIndex(pandas.to_datetime(told, format="%Y.%m.%d %H:%M:%S"))
    opened = local.tz_localize("Europe/Helsinki").tz_convert("UTC").as_unit("ns").asi8
    return {**eurusd, "open_ts": opened, "end": opened + market.QUARTER, "ts": opened + market.QUARTER}


def quarters(shared: Path) -> str:
    with lzma.open(shared / "data/vectors/smc_eurusd_15m.tar.xz") as packed, tarfile.open(fileobj=packed) as tar:
        member = next(m for m in tar.getmembers() if m.name.endswith("EURUSD_15M.csv"))
        file = tar.extractfile(member)
        assert file is not None
        return file.read().decode()
