"""A stop under `swept agent` of scripts that know wandb alone: at once, and no row is lost."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from tests.wire.harness import PATIENCE, Client
from tests.wire.test_wandb_client import exact, started, sweep_text

pytestmark = [pytest.mark.slow]


@dataclass
class Stopped:
    """The run after its end, how its supervisor saw it, and what the agent printed."""

    run: Any
    exit: dict[str, Any]
    text: str


def stopped(client: Client, command: list[str]) -> Stopped:
    """A person stops the only run of a sweep, once it has reported."""
    parameters = "  lr: {values: [0.1]}\n  pause: {value: 0.1}\n  steps: {value: 3000}\n"
    sweep = client.create(sweep_text(parameters, f"command: {json.dumps(command)}\n"))
    with ThreadPoolExecutor(1) as pool:
        agent = pool.submit(client.swept, "agent", sweep)
        run = started(client, sweep, rows=5)
        client.server.post(
            f"/api/runs/{run['id']}/desired", {"desired": "stop", "reason": "enough"}
        )
        text = agent.result(timeout=PATIENCE)
    (run,) = client.server.runs(sweep)
    assert exact(client, run)
    place = client.folder / ".swept" / "runs" / run["id"] / "attempt-1" / "exit.json"
    return Stopped(run, json.loads(place.read_text()), text)


def script(client: Client) -> Stopped:
    return stopped(client, [client.command()[0], "${program}", "${args}"])


def launcher(client: Client) -> Stopped:
    """A main process that passes the interrupt on, as `torchrun` does, with a child that trains."""
    return stopped(client, [sys.executable, "stop_launcher.py", client.command()[0], "${program}"])


def shell(client: Client) -> Stopped:
    """A shell hears the signal and passes nothing on: then the client's own look at the server stops the program."""
    line = f"{client.command()[0]} train.py --steps=3000; code=$?; echo over; exit $code"
    return stopped(client, ["/bin/sh", "-c", line])


def plays(scenario: Callable[[Client], Stopped]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


@pytest.mark.feature("Early stop", "under `swept agent`, at once")
@plays(script)
def test_a_stop_interrupts_the_script_and_each_row_is_there(told: Stopped) -> None:
    assert (told.run["state"], told.run["ended_because"]) == ("stopped", "enough")
    assert (told.exit["by"], told.exit["why"]) == ("interrupted", "enough")
    assert len(told.run["attempts"]) == 1


@pytest.mark.feature("Early stop", "under `swept agent`, a launcher with a child that trains")
@plays(launcher)
def test_a_launcher_is_interrupted_alone(told: Stopped) -> None:
    assert told.run["state"] == "stopped"
    assert told.exit["by"] == "interrupted"


@pytest.mark.parametrize("version", ["0.31.0"])
@plays(shell)
def test_a_shell_in_between_only_makes_it_slower(told: Stopped) -> None:
    assert told.run["state"] == "stopped"
