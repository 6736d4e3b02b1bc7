"""The tests share one `.swept/` and its server (starting one takes seconds), which some of them kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from swept.connect import running
from swept.home import Home, make
from swept.testing.site import Site, until


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("faults") / 'it\'s a "weird" päth'
    folder.mkdir()
    made = make(folder)
    yield made
    client = running(made)
    if client is not None:
        with client:
            client.stop()
        record = made.server()
        until(lambda: record is None or not psutil.pid_exists(record.pid), "the server has ended")


@pytest.fixture
def site(tmp_path: Path, home: Home) -> Iterator[Site]:
    folder = tmp_path / 'it\'s a "weird" päth'
    folder.mkdir()
    found = Site(folder, home)
    found.start_server()
    yield found
    alive = [agent for agent in found.agents if agent.poll() is None]
    left = found.close()
    assert not alive, "an agent still runs at the end of the test"
    assert not left, "these processes are left over"
