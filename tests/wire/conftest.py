"""The real wandb client against a real server process: every scenario of a version runs at once, tests look after.

The client's agent waits 5 s before each heartbeat; one after the other the scenarios would take many minutes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import compress
from operator import not_
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.wire import results
from tests.wire.harness import PATIENCE, VERSIONS, Client, Server, missing
from tests.wire.results import ANY, client_bug, version_of

AT_ONCE = 4 * (os.cpu_count() or 2)
"""Scenarios side by side. Most of the time they wait: for a heartbeat, for a post."""


def pytest_configure(config: pytest.Config) -> None:
    results.configure(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out tests of a version that was not asked for; and what no version takes part in, where SWEPT_VERSIONED
    asks for the others: `make matrix` runs each version by itself."""
    versioned = os.environ.get("SWEPT_VERSIONED") == "1"
    wanted = [_wanted(item, versioned=versioned) for item in items]
    if not all(wanted):
        config.hook.pytest_deselected(items=[*compress(items, map(not_, wanted))])
        items[:] = compress(items, wanted)


def _wanted(item: pytest.Item, *, versioned: bool) -> bool:
    if Path(__file__).parent not in item.path.parents:
        return True
    version = version_of(item)
    return not versioned if version == ANY else version in VERSIONS


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = Server(tmp_path_factory.mktemp("server"))
    one.start()
    yield one
    one.kill()


def need(version: str) -> None:
    """Skip a version that is not installed, or fail where all are wanted."""
    why = missing(version)
    if why and os.environ.get("SWEPT_TEST_ALL") == "1":
        pytest.fail(why)
    if why:
        pytest.skip(why)


def place_of(scenario: Callable[[Client], Any]) -> str:
    """The scenario's folder: two files may have one of the same name."""
    return f"{scenario.__module__.rpartition('.')[2]}-{scenario.__name__}"


@dataclass
class Stage:
    """Starts the scenarios of all chosen tests at once; a test waits for the one it is about."""

    server: Server
    folder: Path
    pool: ThreadPoolExecutor
    under_way: dict[tuple[str, str], Future[Any]] = field(default_factory=dict)

    def client(self, version: str, name: str, server: Server | None = None) -> Client:
        folder = self.folder / version / name
        return Client(version, VERSIONS[version], server or self.server, folder)

    def start(self, items: list[pytest.Item]) -> None:
        for item in items:
            wanted: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
            scenario, version = wanted.get("scenario"), wanted.get("version")
            if scenario is None or version is None or missing(version):
                continue
            if client_bug(item, version):
                continue
            key = (version, place_of(scenario))
            if key not in self.under_way:
                self.under_way[key] = self.pool.submit(scenario, self.client(*key))


@pytest.fixture(scope="session")
def stage(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        one = Stage(server, tmp_path_factory.mktemp("wandb"), pool)
        one.start(request.session.items)
        yield one
    end_all(one.folder)


def end_all(folder: Path) -> None:
    """The clients' own processes outlive programs that were killed, and would knock at a closed door for hours."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if Path(process.environ().get("HOME", "/")).is_relative_to(folder):
                process.kill()


@pytest.fixture
def told(
    request: pytest.FixtureRequest,
    stage: Stage,
    version: str,
    scenario: Callable[[Client], Any],
) -> Any:
    """What the scenario of this test, with this version, came to."""
    need(version)
    if why := client_bug(request.node, version):
        pytest.skip(f"a bug of the client: {why}")
    return stage.under_way[version, place_of(scenario)].result(timeout=PATIENCE)


@pytest.fixture(params=list(VERSIONS))
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)
