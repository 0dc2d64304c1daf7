"""The sides of a case as processes, and the race between them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import tapes
from benches import Case, Side
from envs import CannotHave, environment

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "bench"
DATA = BUILD / "data"


class Racer:
    """One side's process."""

    def __init__(self, side: Side, case: Case, share: int) -> None:
        self.side = side
        records = min(side.records or case.records, case.records) // share
        python = environment(side.env, BUILD) if side.env else Path(sys.executable)
        args = {"data": str(DATA), "tape": case.tape, "limit": records, **side.args}
        BUILD.mkdir(parents=True, exist_ok=True)
        self.log: IO[str] = (BUILD / f"{side.name.replace(' ', '-')}.log").open("w")
        self.process = subprocess.Popen(
            [str(python), str(HERE / side.script), json.dumps(args)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=surroundings(side), cwd=ROOT,
        )  # fmt: skip
        self.rounds: list[dict[str, Any]] = []
        self.versions = self.hear()["versions"]

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": f"it ended without a word, see {self.log.name}"}
        if "error" in answer:
            self.end()
            raise CannotHave(answer["error"][:200])
        return answer

    def round(self) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self.hear()

    def end(self) -> None:
        """It stops when nobody asks any more."""
        self.process.communicate()
        self.log.close()

    @property
    def disturbed(self) -> bool:
        """The machine gave the processor to others for more than a tenth of the time."""
        return self.median("cpu") < 0.9 * self.median("seconds")

    def median(self, clock: str) -> float:
        return statistics.median(r[clock] for r in self.rounds)

    def whole(self, clock: str) -> float:
        """Records a second when building the run and working out its results is counted too."""
        return self.rounds[-1]["records"] / statistics.median(r["whole"][clock] for r in self.rounds)

    def figures(self, clock: str) -> dict[str, Any]:
        """Medians over the counted rounds, and what shows that all sides did the same."""
        last = self.rounds[-1]
        return {
            "rate": last["records"] / self.median(clock),
            "wall_rate": last["records"] / self.median("seconds"),
            "cpu_rate": last["records"] / self.median("cpu"),
            "best": last["records"] / min(r[clock] for r in self.rounds),
            "first_s": round(self.first, 2),
            **({"whole_rate": self.whole(clock)} if "whole" in last else {}),
            **{k: last[k] for k in ("records", "fills", "profit", "drawdown") if k in last},
            "rss_mb": last["rss_mb"],
            "versions": self.versions,
        }

    def warm_up(self) -> None:
        self.first = self.round()["seconds"]


def surroundings(side: Side) -> dict[str, str]:
    """A side's environment variables: its numba cache under build/, and the checkout importable for ours alone."""
    known = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "NUMBA", "VIRTUAL_ENV"))}
    known |= {"NUMBA_CACHE_DIR": str(BUILD / "cache" / (side.env or "own")), "PYTHONWARNINGS": "ignore"}
    return known if side.env else {**known, "PYTHONPATH": str(ROOT)}


def race(case: Case, rounds: int, share: int) -> dict[str, Any]:
    """All sides of a case, alternately; `{side: figures or {"not_run": reason}}`.

    Rates are by the wall clock, or for all sides by processor time if the machine was busy with other work.
    """
    tapes.make(DATA, case.tape)
    racers: list[Racer] = []
    result: dict[str, Any] = {}
    try:
        for side in case.sides:
            start(side, case, share, racers, result)
        for _ in range(rounds):
            for racer in list(racers):
                step(racer, racers, result)
    finally:
        for racer in racers:
            racer.end()
    clock = "cpu" if any(racer.disturbed for racer in racers) else "seconds"
    for racer in racers:
        result[racer.side.name] = racer.figures(clock) | {"clock": {"cpu": "processor", "seconds": "wall"}[clock]}
    return result


def start(side: Side, case: Case, share: int, racers: list[Racer], result: dict[str, Any]) -> None:
    """Bring a side to the line and warm it up, or say why it is not there."""
    result[side.name] = {}
    try:
        racers.append(Racer(side, case, share))
        racers[-1].warm_up()
    except CannotHave as reason:
        racers[:] = [r for r in racers if r.side is not side]
        result[side.name] = {"not_run": str(reason)}


def step(racer: Racer, racers: list[Racer], result: dict[str, Any]) -> None:
    """One counted round; a side that breaks down leaves the race."""
    try:
        racer.rounds.append(racer.round())
    except CannotHave as reason:
        racers.remove(racer)
        result[racer.side.name] = {"not_run": str(reason)}
