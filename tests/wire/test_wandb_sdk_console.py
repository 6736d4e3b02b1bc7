"""The console of programs that report through swept's SDK: under the real `wandb agent`, and started by hand."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from tests.wire.harness import PATIENCE, Client

pytestmark = [pytest.mark.slow]

PROGRAM = "console_swept.py"
LINES = 5_000
SWEEP = f"""program: {PROGRAM}
project: console
method: grid
metric: {{name: loss, goal: minimize}}
parameters: {{lr: {{values: [0.1]}}}}
command: ["/usr/bin/env", LINES={LINES}, {sys.executable}, "${{program}}"]
"""
BESIDE = SWEEP.replace(PROGRAM, "console_both.py")
HEAD = ["first", "progress 100 %", "to stderr, ünïcode ☃", "a fork", "step 0", "step 1", "step 2"]
BODY = [f"line {number}" for number in range(LINES)]


def plays(scenario: Callable[[Client], Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


def texts(client: Client, run: str) -> list[str]:
    """The console's lines, the last text of each."""
    lines: dict[tuple[int, int], str] = {}
    after = 0
    while (page := client.server.get(f"/api/runs/{run}/console?after={after}"))["lines"]:
        lines |= {(line["attempt"], line["number"]): line["text"] for line in page["lines"]}
        after = page["next"]
    return [lines[place] for place in sorted(lines)]


# -- scenarios ------------------------------------------------------------------------------------


def under_the_agent(client: Client) -> Any:
    sweep = client.create(SWEEP)
    with client.agent(sweep, "console") as agent:
        code = agent.wait(timeout=PATIENCE)
    (run,) = client.server.runs(sweep)
    shown = (client.folder / "agent.log").read_text()
    return {"code": code, "run": run, "lines": texts(client, run["id"]), "shown": shown}


def beside_wandb(client: Client) -> Any:
    """The program uses the real client too, which captures the same console."""
    sweep = client.create(BESIDE)
    with client.agent(sweep, "console") as agent:
        code = agent.wait(timeout=PATIENCE)
    (run,) = client.server.runs(sweep)
    shown = (client.folder / "agent.log").read_text()
    return {"code": code, "run": run, "lines": texts(client, run["id"]), "shown": shown}


# -- tests ----------------------------------------------------------------------------------------


@pytest.mark.feature("Agents", "the console of a program with swept's SDK under wandb agent")
@plays(under_the_agent)
def test_the_console_comes_as_it_stands_in_the_terminal(told: Any) -> None:
    assert (told["code"], told["run"]["state"]) == (0, "finished")
    assert told["lines"] == [*HEAD, *BODY, "last, and no newline"]
    assert "progress 10 %" in told["shown"]
    assert "last, and no newline" in told["shown"]


@pytest.mark.feature("Agents", "swept's SDK and wandb in one program: one console")
@plays(beside_wandb)
def test_a_program_with_both_has_each_line_once(told: Any) -> None:
    assert (told["code"], told["run"]["state"]) == (0, "finished")
    printed = [line for line in told["lines"] if not line.startswith("\x1b")]
    assert [line for line in printed if line.startswith("both ")] == ["both 0", "both 1", "both 2"]
    assert printed[0] == "first"
