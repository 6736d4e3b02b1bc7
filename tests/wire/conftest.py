"""The real wandb client against a real server process: every scenario of a version runs at once, tests look after.

The client's agent waits 5 s before each heartbeat; one after the other the scenarios would take many minutes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.wire.harness import VERSIONS, Client, Server, missing


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
            key = (version, scenario.__name__)
            if key not in self.under_way:
                self.under_way[key] = self.pool.submit(scenario, self.client(*key))


@pytest.fixture(scope="session")
def stage(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with ThreadPoolExecutor(max_workers=12) as pool:
        one = Stage(server, tmp_path_factory.mktemp("wandb"), pool)
        one.start(request.session.items)
        yield one


def client_bug(item: pytest.Item, version: str) -> str:
    """Why this version of the client cannot do what the test is about; "" where it can."""
    for mark in item.iter_markers("client_bug"):
        versions, why = mark.args
        if version in versions.split():
            return str(why)
    return ""


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
    return stage.under_way[version, scenario.__name__].result(timeout=280)


@pytest.fixture(params=list(VERSIONS))
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)
