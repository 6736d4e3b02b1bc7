"""Unmodified scripts, `wandb sweep` and `wandb agent` against a swept server, with the newest and the oldest client."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
from tests.wire.harness import Client, Server, until

pytestmark = [pytest.mark.slow]

PROJECT = "wire"


def sweep_text(parameters: str, rest: str = "") -> str:
    return (
        f"program: train.py\nproject: {PROJECT}\nmethod: grid\n"
        f"metric: {{name: loss, goal: minimize}}\nparameters:\n{parameters}{rest}"
    )


def ended(server: Server, sweep: str, count: int) -> list[Any]:
    """The first `count` runs of a sweep, once they are over."""

    def look() -> list[Any] | None:
        runs = server.runs(sweep)[:count]
        over = len(runs) == count and all(run["ended"] is not None for run in runs)
        return runs if over else None

    return until(look, 150, f"end of {count} runs of {sweep}")


def started(client: Client, sweep: str, rows: int = 1) -> Any:
    """The sweep's first run, once `rows` rows of it are stored."""

    def look() -> Any:
        runs = [run for run in client.server.runs(sweep) if run["attempts"]]
        return runs and len(client.server.rows(runs[0]["id"])) >= rows and runs[0]

    return until(look, 90, f"{rows} rows")


def odd(step: int) -> Any:
    return (1, "NaN", "Infinity", "-Infinity")[step % 4]


def exact(client: Client, run: Any) -> bool:
    """The server has each row that the program logged, once, with its values."""
    rows = client.server.rows(run["id"])
    lr = run["config"]["lr"]
    steps = client.logged(run["id"])
    assert [row["step"] for row in rows] == steps, (rows, steps)
    for row in rows:
        assert row["metrics"]["loss"] == pytest.approx(lr + 1.0 / (row["step"] + 1))
        assert row["metrics"]["odd"] == odd(row["step"])
    return True


# -- scenarios ------------------------------------------------------------------------------------


@dataclass
class Told:
    """What a scenario saw."""

    sweep: Any
    runs: list[Any]
    code: int | None = None
    text: str = ""
    more: Any = None


def whole_sweep(client: Client) -> Told:
    text = client.run(
        "-m", "wandb", "login", "--host", client.server.url, client.environment["WANDB_API_KEY"]
    )
    sweep = client.sweep(sweep_text("  lr: {values: [0.1, 0.2]}\n  steps: {value: 6}\n"))
    with client.agent(sweep, PROJECT) as agent:
        code = agent.wait(timeout=120)
    runs = client.server.runs(sweep)
    assert all(exact(client, run) for run in runs)
    return Told(client.server.get(f"/api/sweeps/{sweep}"), runs, code, text)


def early_stop(client: Client) -> Told:
    parameters = (
        "  lr: {values: [0.1, 9]}\n  pause: {value: 0.25}\n"
        "  quick_below: {value: 1}\n  steps: {value: 240}\n"
    )
    rest = "early_terminate: {type: hyperband, min_iter: 2, eta: 3}\n"
    sweep = client.sweep(sweep_text(parameters, rest))
    with client.agent(sweep, PROJECT):
        good, bad = ended(client.server, sweep, 2)
    assert exact(client, bad)
    return Told(client.server.get(f"/api/sweeps/{sweep}"), [good, bad])


def control(client: Client) -> Told:
    """Paused: the agent idles. Resumed: it works. Stopped: it ends after its run."""
    sweep = client.sweep(
        sweep_text("  lr: {values: [0.1, 0.2, 0.3]}\n  pause: {value: 0.3}\n  steps: {value: 80}\n")
    )
    name = f"local/{PROJECT}/{sweep}"
    states = []

    def tell(word: str) -> None:
        client.run("-m", "wandb", "sweep", word, name)
        states.append(client.server.get(f"/api/sweeps/{sweep}")["state"])

    tell("--pause")
    with client.agent(sweep, PROJECT) as agent:
        until(lambda: idle(client.server, sweep), 60, "heartbeat of an idle agent")
        before = len([run for run in client.server.runs(sweep) if run["attempts"]])
        tell("--resume")
        started(client, sweep)
        tell("--stop")
        code = agent.wait(timeout=60)
    runs = [run for run in client.server.runs(sweep) if run["attempts"]]
    assert exact(client, runs[0])
    return Told(client.server.get(f"/api/sweeps/{sweep}"), runs, code, more=(states, before))


def idle(server: Server, sweep: str) -> bool:
    agents = server.get(f"/api/sweeps/{sweep}")["agents"]
    return any(agent["last_seen"] > agent["started"] + 4 for agent in agents)


def cancel(client: Client) -> Told:
    sweep = client.sweep(
        sweep_text("  lr: {values: [0.1, 0.2]}\n  pause: {value: 0.2}\n  steps: {value: 400}\n")
    )
    with client.agent(sweep, PROJECT) as agent:
        started(client, sweep)
        client.run("-m", "wandb", "sweep", "--cancel", f"local/{PROJECT}/{sweep}")
        code = agent.wait(timeout=90)
    runs = [run for run in client.server.runs(sweep) if run["attempts"]]
    assert exact(client, runs[0])
    return Told(client.server.get(f"/api/sweeps/{sweep}"), runs, code)


def agent_killed(client: Client) -> Told:
    """The training goes on as an orphan; a second agent gets the other run."""
    sweep = client.sweep(
        sweep_text(
            "  lr: {values: [9, 0.1]}\n  pause: {value: 0.4}\n"
            "  quick_below: {value: 1}\n  steps: {value: 50}\n"
        )
    )
    with client.agent(sweep, PROJECT) as agent:
        first = started(client, sweep)
        agent.kill()
        agent.wait()
        with client.agent(sweep, PROJECT) as second:
            code = second.wait(timeout=120)
            runs = ended(client.server, sweep, 2)
    assert all(exact(client, run) for run in runs)
    return Told(client.server.get(f"/api/sweeps/{sweep}"), runs, code, more=first["id"])


def training_killed(client: Client) -> Told:
    """A training that is killed says nothing: the server closes its run and goes on with the next."""
    sweep = client.sweep(
        sweep_text(
            "  lr: {values: [9, 0.1]}\n  pause: {value: 0.1}\n"
            "  quick_below: {value: 1}\n  steps: {value: 400}\n"
        )
    )
    with client.agent(sweep, PROJECT) as agent:
        started(client, sweep, rows=5)
        for process in psutil.Process(agent.pid).children(recursive=True):
            if "train.py" in " ".join(process.cmdline()):
                process.send_signal(signal.SIGKILL)
        code = agent.wait(timeout=120)
    return Told(client.server.get(f"/api/sweeps/{sweep}"), client.server.runs(sweep), code)


def plain_script(client: Client) -> Told:
    text = client.run("plain.py")
    found = re.search(r"RUNS (\w+) (\w+)", text)
    assert found is not None, text
    runs = [client.server.get(f"/api/runs/{name}") for name in found.groups()]
    files = client.server.get(f"/api/runs/{runs[0]['id']}/files")
    console = client.server.get(f"/api/runs/{runs[0]['id']}/console")
    rows = client.server.rows(runs[0]["id"])
    return Told(None, runs, text=text, more=(rows, files, console))


def failing(client: Client) -> Told:
    sweep = client.sweep(
        sweep_text("  exit: {values: [3]}\n  lr: {value: 0.1}\n  steps: {value: 2}\n")
    )
    with client.agent(sweep, PROJECT) as agent:
        code = agent.wait(timeout=120)
    return Told(client.server.get(f"/api/sweeps/{sweep}"), client.server.runs(sweep), code)


def under_swept_agent(client: Client) -> Told:
    """Each run has a key of its own, and its exit code ends it."""
    python = client.command()[0]
    command = f"command: [{python}, '${{program}}', '${{args}}']\n"
    parameters = (
        "  lr: {values: [0.1, 9]}\n  pause: {value: 0.25}\n"
        "  quick_below: {value: 1}\n  steps: {value: 240}\n"
    )
    rest = "early_terminate: {type: hyperband, min_iter: 2, eta: 3}\n"
    sweep = client.sweep(sweep_text(parameters, rest + command))
    text = client.swept("agent", sweep)
    good, bad = ended(client.server, sweep, 2)
    assert exact(client, good)
    assert exact(client, bad)
    return Told(client.server.get(f"/api/sweeps/{sweep}"), [good, bad], 0, text)


def server_killed(client: Client) -> Told:
    with client.on_its_own_server() as own:
        sweep = own.sweep(
            sweep_text("  lr: {values: [0.1]}\n  pause: {value: 0.1}\n  steps: {value: 80}\n")
        )
        with own.agent(sweep, PROJECT) as agent:
            started(own, sweep)
            own.server.kill()
            own.server.start()
            code = agent.wait(timeout=120)
        (run,) = own.server.runs(sweep)
        assert exact(own, run)
        return Told(None, [run], code)


def plays(scenario: Callable[[Client], Told]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


# -- what must be true ----------------------------------------------------------------------------


@plays(whole_sweep)
def test_a_sweep_runs_to_its_end_and_each_row_is_there(told: Told) -> None:
    assert told.code == 0
    assert told.sweep["state"] == "finished"
    assert [run["state"] for run in told.runs] == ["finished", "finished"]
    assert [run["config"]["lr"] for run in told.runs] == [0.1, 0.2]
    assert [run["effective_config"] for run in told.runs] == [None, None]
    assert all(len(run["attempts"]) == 1 for run in told.runs)
    assert told.runs[0]["summary"]["loss"] == pytest.approx(0.1 + 1 / 6)


@plays(early_stop)
def test_early_stopping_reaches_a_plain_script_and_no_row_is_lost(told: Told) -> None:
    good, bad = told.runs
    assert good["state"] == "finished"
    assert bad["state"] == "stopped"
    assert 2 <= bad["steps"] < 239
    assert "at this rung" in bad["ended_because"]


@plays(control)
def test_pause_resume_and_stop_of_a_sweep(told: Told) -> None:
    states, before = told.more
    assert states == ["paused", "running", "finished"]
    assert before == 0
    assert told.code == 0
    assert [run["state"] for run in told.runs] == ["finished"]


@plays(cancel)
def test_cancel_ends_the_run_gracefully_and_then_the_agent(told: Told) -> None:
    assert told.code == 0
    assert told.sweep["state"] == "cancelled"
    assert [run["state"] for run in told.runs] == ["killed"]


@plays(agent_killed)
def test_a_killed_agent_loses_no_run_and_its_run_is_not_given_out_again(told: Told) -> None:
    assert [run["state"] for run in told.runs] == ["finished", "finished"]
    assert all(len(run["attempts"]) == 1 for run in told.runs)
    assert len({run["attempts"][0]["agent"] for run in told.runs}) == 2


@plays(training_killed)
def test_a_killed_training_is_closed_as_crashed_and_the_agent_goes_on(told: Told) -> None:
    assert [run["state"] for run in told.runs] == ["crashed", "finished"]
    assert "without a word" in told.runs[0]["ended_because"]


@plays(plain_script)
def test_a_plain_script_makes_manual_runs(told: Told) -> None:
    rows, files, console = told.more
    first, second = told.runs
    assert (first["kind"], first["state"], first["project"]) == ("manual", "finished", "plain")
    assert first["name"] == "by hand"
    assert first["config"] == {"layers": {"width": 8}, "lr": 0.5, "added": [1, 2]}
    assert [(row["step"], row["metrics"].get("loss")) for row in rows] == [
        (0, 3),
        (1, "NaN"),
        (2, 1),
        (7, None),
    ]
    assert first["summary"]["verdict"] == "fine"
    assert {"model.txt", "wandb-metadata.json", "config.yaml"} <= {file["name"] for file in files}
    assert console["lines"] == [] or all(line["time"] > 0 for line in console["lines"])
    assert second["state"] == "failed"
    assert second["attempts"][0]["exit_code"] == 3


@plays(server_killed)
def test_the_server_killed_in_mid_run_loses_nothing(told: Told) -> None:
    (run,) = told.runs
    assert told.code == 0
    assert run["state"] == "finished"
    assert run["steps"] == 79


@plays(failing)
def test_a_failing_script_is_failed_with_its_exit_code(told: Told) -> None:
    (run,) = told.runs
    assert run["state"] == "failed"
    assert run["attempts"][0]["exit_code"] == 3
    assert told.sweep["state"] == "finished"


@plays(under_swept_agent)
def test_the_same_script_under_swepts_own_agent(told: Told) -> None:
    good, bad = told.runs
    assert good["state"] == "finished"
    assert bad["state"] == "stopped"
    assert told.sweep["state"] == "finished"
    assert all(len(run["attempts"]) == 1 for run in told.runs)
