"""What the tests with a `feature` mark came to, per version of the client: kept as JSON, shown as the compatibility page.

A pytest plugin (loaded by tests/wire/conftest.py) writes to the file that SWEPT_WIRE_RESULTS names; several runs of pytest
add to one file. With `--collect-only` every row is there, not tried.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

WORKED, BUG, FAILED, UNTRIED = "worked", "client bug", "failed", "not tried"
_RANK = (UNTRIED, WORKED, BUG, FAILED)
"""What a row of several tests is: the last of these that one of them came to."""
ANY = "*"
"""The version of a test that no client takes part in."""

Row = tuple[str, str]
Cell = tuple[str, str]


@dataclass
class Results:
    """(group, feature) → version → what it came to, and why."""

    rows: dict[Row, dict[str, Cell]] = field(default_factory=dict)

    def add(self, row: Row, version: str, outcome: str, why: str = "") -> None:
        cells = self.rows.setdefault(row, {})
        before = cells.get(version, (UNTRIED, ""))
        if _RANK.index(outcome) >= _RANK.index(before[0]):
            cells[version] = (outcome, why)

    def write(self, path: Path) -> None:
        rows = [[*row, cells] for row, cells in self.rows.items()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows, indent=1))


def read(path: Path) -> Results:
    """What is there already; nothing is nothing."""
    results = Results()
    if path.is_file():
        for group, feature, cells in json.loads(path.read_text()):
            results.rows[group, feature] = {one: (cell[0], cell[1]) for one, cell in cells.items()}
    return results


# -- the plugin -----------------------------------------------------------------------------------


def version_of(item: pytest.Item) -> str:
    """The client's version that a test is about."""
    return str(getattr(getattr(item, "callspec", None), "params", {}).get("version", ANY))


def client_bug(item: pytest.Item, version: str) -> str:
    """Why this version of the client cannot do what the test is about; "" where it can."""
    for mark in item.iter_markers("client_bug"):
        versions, why = mark.args
        if version in versions.split():
            return str(why)
    return ""


def rows_of(item: pytest.Item) -> Iterator[Row]:
    for mark in item.iter_markers("feature"):
        group, feature = mark.args
        yield group, feature


class Recorder:
    """Adds what each marked test came to to one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results = read(path)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            for row in rows_of(item):
                self.results.add(row, version_of(item), UNTRIED)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Iterator[None]:
        outcome = yield
        report: pytest.TestReport = outcome.get_result()  # type: ignore[attr-defined]
        for row in rows_of(item):
            self._add(row, item, report)

    def _add(self, row: Row, item: pytest.Item, report: pytest.TestReport) -> None:
        version = version_of(item)
        if report.failed:
            self.results.add(row, version, FAILED)
        elif report.skipped and (why := client_bug(item, version)):
            self.results.add(row, version, BUG, why)
        elif report.passed and report.when == "call":
            self.results.add(row, version, WORKED)

    def pytest_sessionfinish(self) -> None:
        self.results.write(self.path)


def configure(config: pytest.Config) -> None:
    """Record, if a file is named for it."""
    if path := os.environ.get("SWEPT_WIRE_RESULTS"):
        config.pluginmanager.register(Recorder(Path(path)), "swept-wire-results")
