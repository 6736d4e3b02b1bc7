"""The runs that every page in this benchmark is given: made once, in swept's store, and read back for its peers."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from benchmarks.board import SWEEP, fill

from swept.clock import SystemClock
from swept.home import Home, make
from swept.store.sql import open_store
from swept.testing.server import in_memory
from swept.wire.sweeps import NewSweep

Config: TypeAlias = dict[str, float | int | str]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A finished run: what it tried, and its objective after each epoch."""

    number: int
    config: Config
    curve: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Study:
    """A folder with a store of one sweep."""

    home: Home
    sweep: str
    runs: int


def made(folder: Path, runs: int) -> Study:
    home = make(folder)
    store = open_store(home.store_url)
    new: NewSweep = {"text": SWEEP, "path": "", "mode": "create"}
    with in_memory(store, SystemClock(), home.files).client() as client:
        sweep = client.create_sweep(new)["id"]
    store.close()
    fill(home.path / "swept.db", sweep, runs)
    return Study(home, sweep, runs)


def recorded(study: Study) -> list[Recorded]:
    connection = sqlite3.connect(study.home.path / "swept.db")
    try:
        curves: dict[str, list[float]] = defaultdict(list)
        points = connection.execute("select run, value from points order by run, step")
        for run, value in points:
            curves[run].append(value)
        runs = connection.execute("select number, config, id from runs order by number")
        return [
            Recorded(number, json.loads(text), tuple(curves[run])) for number, text, run in runs
        ]
    finally:
        connection.close()
