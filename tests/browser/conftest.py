"""One browser and one server for all tests of the dashboard; the sweep that most of them look at is played once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from tests.browser.stage import OUT_OF_MEMORY, Stage
from tests.browser.watched import PATIENCE_MS, Watched

from swept.connect import running
from swept.home import make
from swept.testing.site import Site, until

RUNS = 24
FAILED = (5, 14)
expect.set_options(timeout=PATIENCE_MS)


def chromium() -> str:
    """Debian's; skips the test without one, or fails it where all tests are asked for."""
    found = shutil.which("chromium")
    if found is None:
        reason = "Chromium is not installed: `apt install chromium`"
        if os.environ.get("SWEPT_TEST_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    program = chromium()
    arguments = ["--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A real server, as the command line starts it."""
    folder = tmp_path_factory.mktemp("browser")
    home = make(folder)
    made = Site(folder, home)
    # Nobody renews the leases of runs that a test plays.
    made.environment["SWEPT_LEASE_SECONDS"] = "3600"
    made.start_server()
    yield made
    client = running(home)
    if client is not None:
        with client:
            client.stop()
        record = home.server()
        until(lambda: record is None or not psutil.pid_exists(record.pid), "the server has ended")
    assert not made.close(), "these processes are left over"


@pytest.fixture(scope="package")
def stage(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with site.client() as client:
        yield Stage(client, tmp_path_factory.mktemp("stage"))


@dataclass(frozen=True, slots=True)
class Cones:
    """A sweep with runs that finished, failed, and run; ids."""

    sweep: str
    runs: tuple[str, ...]
    failed: tuple[str, ...]
    running: str
    by_hand: str


@pytest.fixture(scope="package")
def cones(stage: Stage) -> Cones:
    """Nobody changes it: a test that does plays a sweep of its own."""
    sweep = stage.sweep()
    runs = [stage.begin(sweep) for _ in range(RUNS)]
    for place, part in enumerate(runs, start=1):
        if place in FAILED:
            part.train(3)
            part.print("Traceback (most recent call last):", f"RuntimeError: {OUT_OF_MEMORY}")
            part.end("failed", OUT_OF_MEMORY)
        elif place == RUNS:
            part.train(4)
        else:
            part.train()
            part.end()
    assert runs[0].kind == "baseline"
    by_hand = stage.by_hand("alone", "by hand", {"lr": 0.1, "net": {"depth": 3}})
    for step in range(1, 6):
        by_hand.log(step, {"loss": 1.0 / step, "acc": 0.1 * step})
    by_hand.print("\x1b[32mgreen\x1b[0m and plain", "second line")
    by_hand.end()
    return Cones(
        sweep,
        tuple(part.run for part in runs),
        tuple(runs[place - 1].run for place in FAILED),
        runs[-1].run,
        by_hand.run,
    )


@pytest.fixture
def watched(browser: Browser, site: Site) -> Iterator[Watched]:
    """Pages of the server; no test passes that provokes an error or a request to elsewhere."""
    with site.client() as client:
        made = Watched(browser, client.url)
    yield made
    made.close()
    assert made.problems() == []
