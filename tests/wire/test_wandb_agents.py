"""The real agents: `wandb agent` and `wandb.agent` in their ways of being started, stopped and deprived of their runs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from tests.wire.harness import PATIENCE, Client, Server, until

pytestmark = [pytest.mark.slow]

PROJECT = "agents"


def plays(scenario: Callable[[Client], Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


def sweep_of(client: Client, program: str, **content: Any) -> str:
    whole = {
        "program": program,
        "project": PROJECT,
        "method": "grid",
        "metric": {"name": "loss", "goal": "minimize"},
        **content,
    }
    return client.create(json.dumps(whole))


@contextlib.contextmanager
def agent(client: Client, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """`wandb agent …` in a session of its own; whatever it started is gone afterwards."""
    process = subprocess.Popen(
        client.command("-m", "wandb", "agent", *arguments),
        cwd=client.folder,
        env={**client.environment, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


def worked(client: Client, *arguments: str, **environment: str) -> tuple[int, str]:
    """An agent until it ends by itself."""
    with agent(client, *arguments, **environment) as process:
        text, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, text


def tried(server: Server, sweep: str) -> list[Any]:
    return [run for run in server.runs(sweep) if run["attempts"]]


def reporting(server: Server, sweep: str, rows: int = 3) -> Any:
    """The sweep's first run, once some rows of it are stored."""

    def look() -> Any:
        runs = tried(server, sweep)
        return runs and len(server.rows(runs[0]["id"])) >= rows and runs[0]

    return until(look, f"{rows} rows")


def stop(server: Server, run: Any) -> None:
    server.post(f"/api/runs/{run['id']}/desired", {"desired": "stop", "reason": "enough"})


def exact(client: Client, run: Any) -> bool:
    """Every row that the program marked, none twice. An interrupt may come between a row and its mark."""
    rows = [row["step"] for row in client.server.rows(run["id"])]
    marked = client.logged(run["id"])
    return rows in (marked, [*marked, len(marked)])


# -- what a program receives ----------------------------------------------------------------------

VALUES = {
    "rate": 1e-05,
    "whole": 3,
    "half": 0.5,
    "on": True,
    "off": False,
    "text": "two words, 'quoted' \"twice\" and $HOME",
    "empty": "",
    "none": None,
    "list": [1, 2.5, "x"],
}
COMMAND = [
    "${env}",
    "SEEN=${envvar:WANDB_TEST_NAME} and more",
    "${interpreter}",
    "${program}",
    "fixed",
    "${args}",
    "--",
    "${args_no_hyphens}",
    "--",
    "${args_no_boolean_flags}",
    "--",
    "${args_json}",
    "${args_json_file}",
]


def macros(client: Client) -> dict[str, Any]:
    """Each form of arguments, in three ways of naming the sweep."""
    parameters = {name: {"value": value} for name, value in VALUES.items()}
    nested = {"parameters": {"width": {"values": [8]}, "deep": {"parameters": {"x": {"value": 1}}}}}
    whole = {**parameters, "layers": nested, "turn": {"values": [1, 2, 3]}}
    sweep = sweep_of(client, "agent_macros.py", parameters=whole, command=COMMAND)
    ways = (
        ("--count", "1", f"local/{PROJECT}/{sweep}"),
        ("--count", "1", "--project", PROJECT, "--entity", "local", sweep),
        (f"{PROJECT}/{sweep}",),
    )
    answers = [worked(client, *way, WANDB_TEST_NAME="a name") for way in ways]
    runs = tried(client.server, sweep)
    files = {run["id"]: client.folder / f"given-{run['id']}.json" for run in runs}
    return {
        "answers": answers,
        "sweep": client.server.get(f"/api/sweeps/{sweep}"),
        "runs": runs,
        "given": {run: json.loads(file.read_text()) for run, file in files.items()},
    }


@plays(macros)
@pytest.mark.feature(
    "Agents", "wandb agent ID, PROJECT/ID, ENTITY/PROJECT/ID; --count, --project, --entity"
)
def test_an_agent_finds_its_sweep_by_each_name_and_counts(told: dict[str, Any]) -> None:
    assert [code for code, _ in told["answers"]] == [0, 0, 0], told["answers"]
    assert [run["state"] for run in told["runs"]] == ["finished"] * 3
    assert len({run["attempts"][0]["agent"] for run in told["runs"]}) == 3
    assert told["sweep"]["state"] == "finished"


@plays(macros)
@pytest.mark.feature(
    "Agents", "command macros: ${args…}, ${args_json}, ${args_json_file}, ${envvar:…}"
)
def test_a_command_receives_each_form_of_the_arguments(told: dict[str, Any]) -> None:
    for run in told["runs"]:
        given = told["given"][run["id"]]
        config = run["config"]
        first, *rest = given["argv"]
        plain, bare, flags, others = _parts(rest)
        assert first == "fixed"
        assert given["environment"]["SEEN"] == "a name and more"
        assert plain == [f"--{name}={value}" for name, value in config.items()]
        assert bare == [part.removeprefix("--") for part in plain]
        assert "--on" in flags
        assert not [part for part in flags if part.startswith("--off")]
        assert json.loads(others[0]) == given["file"] == config
        assert given["environment"]["WANDB_RUN_ID"] == run["id"]


@plays(macros)
@pytest.mark.feature(
    "Agents", "floats, booleans, quotes, nulls, lists and nested parameters arrive as they are"
)
def test_values_arrive_as_they_are(told: dict[str, Any]) -> None:
    for run in told["runs"]:
        config = told["given"][run["id"]]["config"]
        assert {name: config[name] for name in VALUES} == VALUES
        assert config["layers"] == {"width": 8, "deep": {"x": 1}}
        assert {type(config[name]) for name in ("on", "off")} == {bool}


def _parts(arguments: list[str]) -> list[list[str]]:
    """Between the `--`."""
    parts: list[list[str]] = [[]]
    for argument in arguments:
        if argument == "--":
            parts.append([])
        else:
            parts[-1].append(argument)
    return parts


# -- failures -------------------------------------------------------------------------------------


def flapping(client: Client) -> dict[str, Any]:
    """Each run fails at once: three in the first minute, or here as many whenever. Then one is tried again."""
    parameters = {"lr": {"values": [1, 2, 3, 4, 5, 6]}}
    sweep = sweep_of(client, "agent_fails.py", parameters=parameters)
    name = f"local/{PROJECT}/{sweep}"
    code, text = worked(client, name, WANDB_AGENT_MAX_INITIAL_FAILURES="3")
    failed = tried(client.server, sweep)
    state = client.server.get(f"/api/sweeps/{sweep}")["state"]
    retry = client.server.post(f"/api/runs/{failed[0]['id']}/retry", {})
    worked(client, "--count", "1", name, WANDB_AGENT_DISABLE_FLAPPING="true")
    return {
        "code": code,
        "text": text,
        "failed": failed,
        "state": state,
        "retry": client.server.get(f"/api/runs/{retry['id']}"),
        "after": tried(client.server, sweep),
    }


@plays(flapping)
@pytest.mark.feature("Agents", "an agent whose first runs all fail ends; the sweep stays open")
def test_an_agent_whose_runs_all_fail_gives_up(told: dict[str, Any]) -> None:
    assert "Detected 3 failed runs in" in told["text"]
    assert [run["state"] for run in told["failed"]] == ["failed"] * 3
    assert {run["attempts"][0]["exit_code"] for run in told["failed"]} == {1}
    assert told["state"] == "running"


@plays(flapping)
@pytest.mark.feature("Agents", "a retry is a new run: no run id is given out twice")
def test_a_retry_is_a_new_run(told: dict[str, Any]) -> None:
    first, retry = told["failed"][0], told["retry"]
    assert (retry["retry_of"], retry["config"]) == (first["id"], first["config"])
    assert retry["id"] != first["id"]
    assert all(len(run["attempts"]) == 1 for run in told["after"])


def preempted(client: Client) -> list[Any]:
    sweep = sweep_of(client, "agent_preempted.py", parameters={"lr": {"values": [0.1]}})
    worked(client, f"local/{PROJECT}/{sweep}")
    runs = tried(client.server, sweep)
    return [(run, client.server.rows(run["id"])) for run in runs]


@plays(preempted)
@pytest.mark.feature("Agents", "mark_preempting: the run goes on under its id, where it was")
def test_a_preempted_run_goes_on_where_it_was(told: list[Any]) -> None:
    ((run, rows),) = told
    assert (run["state"], run["attempts"][0]["outcome"]) == ("finished", "preempted")
    assert [row["step"] for row in rows] == list(range(20))


# -- several agents -------------------------------------------------------------------------------


def several(client: Client) -> dict[str, Any]:
    parameters = {"lr": {"values": [1, 2, 3, 4, 5, 6]}, "steps": {"value": 4}}
    sweep = sweep_of(client, "train.py", parameters=parameters)
    name = f"local/{PROJECT}/{sweep}"
    with contextlib.ExitStack() as stack:
        agents = [stack.enter_context(agent(client, name)) for _ in range(3)]
        codes = [(one.communicate(timeout=PATIENCE), one.returncode)[1] for one in agents]
    return {"codes": codes, "sweep": client.server.get(f"/api/sweeps/{sweep}")}


@plays(several)
@pytest.mark.feature("Agents", "several agents on one sweep: each run once")
def test_several_agents_share_a_sweep(told: dict[str, Any]) -> None:
    sweep = told["sweep"]
    assert told["codes"] == [0, 0, 0]
    assert sweep["state"] == "finished"
    runs = [run for run in sweep["runs"] if run["attempts"]]
    assert sorted(run["config"]["lr"] for run in runs) == [1, 2, 3, 4, 5, 6]
    assert {run["state"] for run in runs} == {"finished"}
    assert all(len(run["attempts"]) == 1 for run in runs)
    assert len(sweep["agents"]) == 3


# -- signals and stops ----------------------------------------------------------------------------


def forwarded(client: Client) -> dict[str, Any]:
    """Ctrl+C to an agent that hands its signals on."""
    sweep = sweep_of(
        client, "agent_signals.py", parameters={"heed": {"value": 1}, "lr": {"values": [1, 2]}}
    )
    with agent(client, "--forward-signals", f"local/{PROJECT}/{sweep}") as process:
        reporting(client.server, sweep)
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=PATIENCE)
    (run,) = tried(client.server, sweep)
    return {"text": text, "run": run, "exact": exact(client, run)}


@plays(forwarded)
@pytest.mark.client_bug("0.23.1 0.19.11", "`wandb agent` has no --forward-signals yet")
@pytest.mark.feature(
    "Agents", "--forward-signals: Ctrl+C reaches the run, which delivers all its rows"
)
def test_ctrl_c_is_handed_on_to_the_run(told: dict[str, Any]) -> None:
    run = told["run"]
    assert told["exact"]
    assert (run["state"], run["attempts"][0]["exit_code"]) == ("failed", 255)


def orphaned(client: Client) -> dict[str, Any]:
    """The agent is killed, and the training goes on: while it does, nobody else gets its run; then it is stopped."""
    sweep = sweep_of(
        client, "agent_signals.py", parameters={"heed": {"value": 1}, "lr": {"values": [1, 2]}}
    )
    with agent(client, f"local/{PROJECT}/{sweep}") as process:
        orphan = reporting(client.server, sweep)
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        with agent(client, "--count", "1", f"local/{PROJECT}/{sweep}"):
            until(lambda: len(tried(client.server, sweep)) == 2, "run of the second agent")
            stop(client.server, orphan)
            until(
                lambda: client.server.get(f"/api/runs/{orphan['id']}")["ended"],
                "end of the orphan",
            )
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    run = client.server.get(f"/api/runs/{orphan['id']}")
    return {"run": run, "exact": exact(client, run), "runs": tried(client.server, sweep)}


@plays(orphaned)
@pytest.mark.feature(
    "Agents", "a run whose agent was killed keeps its id, reports on, and can be stopped"
)
def test_an_orphan_keeps_its_run_and_can_be_stopped(told: dict[str, Any]) -> None:
    assert told["exact"]
    assert (told["run"]["state"], len(told["run"]["attempts"])) == ("stopped", 1)
    assert len({run["id"] for run in told["runs"]}) == 2


def deaf(client: Client) -> dict[str, Any]:
    """A training that goes on after it was told to stop: the agent ends it by SIGTERM, after the grace."""
    sweep = sweep_of(
        client, "agent_signals.py", parameters={"heed": {"value": 0}, "lr": {"values": [1]}}
    )
    with agent(client, f"local/{PROJECT}/{sweep}") as process:
        run = reporting(client.server, sweep)
        stop(client.server, run)
        text, _ = process.communicate(timeout=PATIENCE)
    return {"run": client.server.get(f"/api/runs/{run['id']}"), "text": text}


@plays(deaf)
@pytest.mark.feature(
    "Early stop", "told gracefully first; SIGTERM after a grace to a script that goes on"
)
def test_a_script_that_goes_on_is_ended_after_the_grace(told: dict[str, Any]) -> None:
    run = told["run"]
    assert "heard, and goes on" in told["text"]
    assert (run["state"], run["ended_because"]) == ("stopped", "enough")


def early(client: Client) -> list[Any]:
    """Early stopping by the search of a script without any handler."""
    sweep = sweep_of(
        client,
        "agent_signals.py",
        parameters={"heed": {"value": 1}, "lr": {"values": [9, 1]}},
        early_terminate={"type": "hyperband", "min_iter": 2, "eta": 3},
    )
    name = f"local/{PROJECT}/{sweep}"
    with agent(client, name), agent(client, name):
        until(lambda: any(run["ended"] for run in tried(client.server, sweep)), "an end")
    stopped = next(run for run in tried(client.server, sweep) if run["ended"])
    return [stopped, exact(client, stopped)]


@plays(early)
@pytest.mark.feature(
    "Early stop", "a plain script under wandb agent ends as stopped, with all its rows"
)
def test_early_stopping_ends_a_plain_script_as_stopped(told: list[Any]) -> None:
    run, whole = told
    assert whole
    assert run["state"] == "stopped"
    assert "at this rung" in run["ended_because"]
    assert run["config"]["lr"] == 9


# -- from Python ----------------------------------------------------------------------------------


def _function(client: Client, program: str) -> Any:
    text = client.run(program)
    found = re.search(r"SWEEP (\w+)", text)
    assert found is not None, text
    return client.server.get(f"/api/sweeps/{found[1]}")


def thread(client: Client) -> Any:
    return _function(client, "agent_thread.py")


@plays(thread)
@pytest.mark.feature(
    "Agents", "wandb.sweep(dict), wandb.agent(ID, function) in a thread, to the sweep's end"
)
def test_a_function_is_run_in_a_thread(told: Any) -> None:
    assert (told["name"], told["state"]) == ("threads", "finished")
    runs = [run for run in told["runs"] if run["attempts"]]
    assert [run["config"]["lr"] for run in runs] == [0.1, 0.2, 0.3]
    assert {run["state"] for run in runs} == {"finished"}
    assert [run["config"]["nested"] for run in runs] == [{"width": 8}] * 3
    assert [run["steps"] for run in runs] == [3, 3, 3]


def notebook(client: Client) -> Any:
    return _function(client, "agent_notebook.py")


@plays(notebook)
@pytest.mark.feature("Agents", "wandb.sweep and wandb.agent in a notebook's kernel")
def test_a_notebook_sweeps(told: Any) -> None:
    runs = [run for run in told["runs"] if run["attempts"]]
    assert (told["project"], len(runs)) == ("notebooks", 2)
    assert {run["state"] for run in runs} == {"finished"}
    assert [run["steps"] for run in runs] == [2, 2]
