"""Nothing is sent anywhere else: everything works without a network, and nobody tries to reach one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from tests.wire.harness import PATIENCE, ROOT, Client

pytestmark = [pytest.mark.slow]

UP = 'ip link set lo up && exec "$@"'


@cache
def namespace() -> tuple[str, ...]:
    """A command before which there is no network but loopback; () where the machine does not allow it."""
    for options in (("-n",), ("-r", "-n")):
        command = ("unshare", *options, "--", "sh", "-c", UP, "sh")
        if all(map(shutil.which, ("unshare", "ip"))):
            done = subprocess.run([*command, "true"], capture_output=True, check=False)
            if done.returncode == 0:
                return command
    return ()


def alone(client: Client) -> Any:
    """What came of it; None where there can be no such namespace."""
    if not namespace():
        return None
    done = subprocess.run(
        [*namespace(), sys.executable, "-m", "tests.wire.alone", client.version, client.folder],
        cwd=ROOT,
        env={**os.environ, "SWEPT_WANDB": client.version},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    found = re.search(r"^TOLD (\{.*\})$", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout
    return json.loads(found[1])


def plays(scenario: Callable[[Client], Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


@pytest.fixture
def lonely(told: Any) -> Any:
    if told is None:
        pytest.skip("this machine allows no network namespace (`unshare -n`, `unshare -rn`)")
    return told


@plays(alone)
@pytest.mark.feature("SDK", "no network but loopback: script, wandb agent, swept agent")
def test_everything_works_without_a_network(lonely: Any) -> None:
    assert lonely["interfaces"] == ["lo"]
    assert lonely["agent"] == 0
    assert lonely["by hand"] == ["finished"] * 2
    assert lonely["swept"] == ["finished"] * 2


@plays(alone)
@pytest.mark.feature("SDK", "nothing tries to reach another machine")
def test_nobody_tries_to_reach_another_machine(lonely: Any) -> None:
    assert lonely["lost"] == 0, f"`strace -f -e connect` before {sys.executable} says who it was"
    assert lonely["lost after a try"] > 0  # it is counted
