"""Unmodified scripts, `wandb sweep` and `wandb agent` against a swept server, with the newest and the oldest client."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
from tests.wire.harness import PATIENCE, Client, Server, until

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

    return until(look, f"end of {count} runs of {sweep}")


def started(client: Client, sweep: str, rows: int = 1) -> Any:
    """The sweep's first run, once `rows` rows of it are stored."""

    def look() -> Any:
        runs = [run for run in client.server.runs(sweep) if run["attempts"]]
        return runs and len(client.server.rows(runs[0]["id"])) >= rows and runs[0]

    return until(look, f"{rows} rows")


def hold(client: Client) -> None:
    """No training of this client ends until `let_go`."""
    (client.folder / "hold").touch()


def let_go(client: Client) -> None:
    (client.folder / "hold").unlink()


def odd(step: int) -> Any:
    return (1, "NaN", "Infinity", "-Infinity")[step % 4]


def exact(client: Client, run: Any) -> bool:
    """The server has each row that the program logged, once, with its values. An interrupt may come between a row and its
    mark."""
    rows = client.server.rows(run["id"])
    lr = run["config"]["lr"]
    steps = client.logged(run["id"])
    assert [row["step"] for row in rows] in (steps, [*steps, len(steps)]), (rows, steps)
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
    sweep = client.sweep(
        sweep_text("  exit: {values: [0, 3]}\n  lr: {value: 0.1}\n  steps: {value: 6}\n")
    )
    with client.agent(sweep, PROJECT) as agent:
        code = agent.wait(timeout=PATIENCE)
    runs = client.server.runs(sweep)
    assert all(exact(client, run) for run in runs)
    return Told(client.server.get(f"/api/sweeps/{sweep}"), runs, code)


def early_stop(client: Client) -> Told:
    parameters = (
        "  lr: {values: [0.1, 9]}\n  pause: {value: 0.25}\n"
        "  quick_below: {value: 1}\n  steps: {value: 2400}\n"
    )
    rest = "early_terminate: {type: hyperband, min_iter: 2, eta: 3}\n"
    sweep = client.create(sweep_text(parameters, rest))
    with client.agent(sweep, PROJECT):
        good, bad = ended(client.server, sweep, 2)
    assert exact(client, bad)
    return Told(client.server.get(f"/api/sweeps/{sweep}"), [good, bad])


def control(client: Client) -> Told:
    """Paused: the agent idles. Resumed: it works. Stopped: it ends after its run."""
    sweep = client.create(
        sweep_text("  lr: {values: [0.1, 0.2, 0.3]}\n  pause: {value: 0.3}\n  steps: {value: 20}\n")
    )
    hold(client)
    name = f"local/{PROJECT}/{sweep}"
    states = []

    def tell(word: str) -> None:
        client.run("-m", "wandb", "sweep", word, name)
        states.append(client.server.get(f"/api/sweeps/{sweep}")["state"])

    tell("--pause")
    with client.agent(sweep, PROJECT) as agent:
        until(lambda: idle(client.server, sweep), "heartbeat of an idle agent")
        before = len([run for run in client.server.runs(sweep) if run["attempts"]])
        tell("--resume")
        started(client, sweep)
        tell("--stop")
        let_go(client)
        code = agent.wait(timeout=PATIENCE)
    runs = [run for run in client.server.runs(sweep) if run["attempts"]]
    assert exact(client, runs[0])
    return Told(client.server.get(f"/api/sweeps/{sweep}"), runs, code, more=(states, before))


def idle(server: Server, sweep: str) -> bool:
    agents = server.get(f"/api/sweeps/{sweep}")["agents"]
    return any(agent["last_seen"] > agent["started"] + 4 for agent in agents)


def cancel(client: Client) -> Told:
    sweep = client.create(
        sweep_text("  lr: {values: [0.1, 0.2]}\n  pause: {value: 0.2}\n  steps: {value: 4000}\n")
    )
    with client.agent(sweep, PROJECT) as agent:
        started(client, sweep)
        client.run("-m", "wandb", "sweep", "--cancel", f"local/{PROJECT}/{sweep}")
        code = agent.wait(timeout=PATIENCE)
    runs = [run for run in client.server.runs(sweep) if run["attempts"]]
    assert exact(client, runs[0])
    return Told(client.server.get(f"/api/sweeps/{sweep}"), runs, code)


def agent_killed(client: Client) -> Told:
    """The training goes on as an orphan; a second agent gets the other run."""
    sweep = client.create(
        sweep_text(
            "  lr: {values: [9, 0.1]}\n  pause: {value: 0.4}\n"
            "  quick_below: {value: 1}\n  steps: {value: 20}\n"
        )
    )
    hold(client)
    with client.agent(sweep, PROJECT) as agent:
        first = started(client, sweep)
        agent.kill()
        agent.wait()
        let_go(client)
        with client.agent(sweep, PROJECT) as second:
            code = second.wait(timeout=PATIENCE)
            runs = ended(client.server, sweep, 2)
    assert all(exact(client, run) for run in runs)
    return Told(client.server.get(f"/api/sweeps/{sweep}"), runs, code, more=first["id"])


def training_killed(client: Client) -> Told:
    """A training that is killed says nothing: the server closes its run and goes on with the next."""
    sweep = client.create(
        sweep_text(
            "  lr: {values: [9, 0.1]}\n  pause: {value: 0.1}\n"
            "  quick_below: {value: 1}\n  steps: {value: 4000}\n"
        )
    )
    with client.agent(sweep, PROJECT) as agent:
        started(client, sweep, rows=5)
        for process in psutil.Process(agent.pid).children(recursive=True):
            with contextlib.suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
                if "train.py" in " ".join(process.cmdline()):
                    process.send_signal(signal.SIGKILL)
        code = agent.wait(timeout=PATIENCE)
    return Told(client.server.get(f"/api/sweeps/{sweep}"), client.server.runs(sweep), code)


def life(client: Client) -> Told:
    text = client.run("life.py")
    found = re.search(r"RUNS (\{.*\})", text)
    assert found is not None, text
    ids: dict[str, str] = json.loads(found[1])
    runs = {name: client.server.get(f"/api/runs/{run}") for name, run in ids.items()}
    rows = {name: client.server.rows(run) for name, run in ids.items()}
    files = client.server.get(f"/api/runs/{ids['whole']}/files")
    console = client.server.get(f"/api/runs/{ids['whole']}/console")["lines"]
    return Told(None, [], text=text, more=(runs, rows, files, console))


def offline(client: Client) -> Told:
    """Made without a server, then sent; sent again, as after a doubt, nothing changes."""
    text = client.run("offline.py", WANDB_BASE_URL="http://127.0.0.1:9")
    found = re.search(r"RUN (\w+)", text)
    assert found is not None, text
    (folder,) = (client.folder / "wandb").glob("offline-run-*")
    client.run("-m", "wandb", "sync", str(folder))
    once = client.server.rows(found[1])
    client.run("-m", "wandb", "sync", "--include-synced", str(folder))
    run = client.server.get(f"/api/runs/{found[1]}")
    return Told(None, [run], more=(once, client.server.rows(found[1])))


def function(client: Client) -> Told:
    text = client.run("function.py", WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL="2")
    found = re.search(r"SWEEP (\w+)", text)
    assert found is not None, text
    sweep = client.server.get(f"/api/sweeps/{found[1]}")
    return Told(sweep, [run for run in sweep["runs"] if run["attempts"]], text=text)


def native(client: Client) -> Told:
    """A program that reports through swept's SDK, under an agent that knows the server by `wandb login`."""
    text = client.run(
        "-m", "wandb", "login", "--host", client.server.url, client.environment["WANDB_API_KEY"]
    )
    parameters = "  lr: {values: [0.1, 9]}\n  pause: {value: 0.2}\n  steps: {value: 60}\n"
    rest = (
        "early_terminate: {type: hyperband, min_iter: 2, eta: 3}\n"
        # sure of the step at which the bad run ends, however busy the server is
        f"command: [/usr/bin/env, SWEPT_DECISION_SECONDS={PATIENCE}, {sys.executable}, '${{program}}']\n"
    )
    sweep = client.create(sweep_text(parameters, rest).replace("train.py", "native.py"))
    with client.agent(sweep, PROJECT, logged_in=True) as agent:
        code = agent.wait(timeout=PATIENCE)
    runs = client.server.runs(sweep)
    rows = [client.server.rows(run["id"]) for run in runs]
    files = [client.server.get(f"/api/runs/{run['id']}/files") for run in runs]
    more = (rows, [[file["name"] for file in some] for some in files])
    return Told(client.server.get(f"/api/sweeps/{sweep}"), runs, code, text, more)


def native_without_server(client: Client) -> Told:
    """The server is killed in the middle of such a program, and is back only after its end."""
    with client.on_its_own_server() as own:
        parameters = "  lr: {values: [0.1]}\n  pause: {value: 0.1}\n  steps: {value: 30}\n"
        command = f"command: [{sys.executable}, '${{program}}']\n"
        sweep = own.create(sweep_text(parameters, command).replace("train.py", "native.py"))
        hold(own)
        with own.agent(sweep, PROJECT) as agent:
            run = started(own, sweep)
            own.server.kill()
            let_go(own)
            log = own.folder / "agent.log"
            until(lambda: "the end of this run waits" in log.read_text(), "waiting program")
            own.server.start()
            code = agent.wait(timeout=PATIENCE)
        return Told(None, own.server.runs(sweep), code, more=own.server.rows(run["id"]))


def public_api(client: Client) -> Told:
    """Runs as the client reports them, read with `wandb.Api()`."""
    sweep = client.create(sweep_text("  lr: {values: [0.3, 0.1, 0.2]}\n"))
    told = client.server.graphql(
        'mutation A($s: String!) { createAgent(input: {host: "h", sweep: $s}) { agent { id } } }',
        {"s": sweep},
    )
    agent = told["data"]["createAgent"]["agent"]["id"]
    for _ in range(3):
        reported(client.server, agent)
    until(
        lambda: client.server.get(f"/api/sweeps/{sweep}")["state"] == "finished",
        "end of the sweep",
    )
    text = client.run("api.py", PROJECT, sweep)
    found = re.search(r"TOLD (\{.*\})", text)
    assert found is not None, text
    runs = client.server.runs(sweep)
    return Told(client.server.get(f"/api/sweeps/{sweep}"), runs, more=json.loads(found[1]))


def reported(server: Server, agent: str) -> None:
    """One run of three steps, as the client's agent and a script would send it."""
    beat = 'mutation B($a: ID!) { agentHeartbeat(input: {id: $a, runState: "{}"}) { commands } }'

    def given() -> list[Any]:
        answer = server.graphql(beat, {"a": agent})["data"]["agentHeartbeat"]
        commands: list[Any] = json.loads(answer["commands"])
        return commands

    (command,) = until(given, "command")
    run, lr = command["run_id"], command["args"]["lr"]["value"]
    server.graphql(
        f'mutation U($n: String) {{ upsertBucket(input: {{name: $n, modelName: "{PROJECT}", host: "h"}}) '
        "{ bucket { name } } }",
        {"n": run},
    )
    lines = [json.dumps({"_step": step, "loss": lr + step, "odd": odd(step)}) for step in range(3)]
    body = {
        "files": {"wandb-history.jsonl": {"offset": 0, "content": lines}},
        "complete": True,
        "exitcode": 0,
    }
    server.stream(PROJECT, run, json.dumps(body))


def under_swept_agent(client: Client) -> Told:
    """Each run has a key of its own, and its exit code ends it."""
    python = client.command()[0]
    command = f"command: [{python}, '${{program}}', '${{args}}']\n"
    parameters = (
        "  lr: {values: [0.1, 9]}\n  pause: {value: 0.25}\n"
        "  quick_below: {value: 1}\n  steps: {value: 2400}\n"
    )
    rest = "early_terminate: {type: hyperband, min_iter: 2, eta: 3}\n"
    sweep = client.create(sweep_text(parameters, rest + command))
    text = client.swept("agent", sweep)
    good, bad = ended(client.server, sweep, 2)
    assert exact(client, good)
    assert exact(client, bad)
    return Told(client.server.get(f"/api/sweeps/{sweep}"), [good, bad], 0, text)


def server_killed(client: Client) -> Told:
    with client.on_its_own_server() as own:
        sweep = own.create(
            sweep_text("  lr: {values: [0.1]}\n  pause: {value: 0.1}\n  steps: {value: 80}\n")
        )
        with own.agent(sweep, PROJECT) as agent:
            started(own, sweep)
            own.server.kill()
            own.server.start()
            code = agent.wait(timeout=PATIENCE)
        (run,) = own.server.runs(sweep)
        assert exact(own, run)
        return Told(None, [run], code)


def plays(scenario: Callable[[Client], Told]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


# -- what must be true ----------------------------------------------------------------------------


@pytest.mark.feature("CLI", "wandb sweep FILE and wandb agent ID: a whole sweep, each row there")
@plays(whole_sweep)
def test_a_sweep_runs_to_its_end_and_each_row_is_there(told: Told) -> None:
    assert told.code == 0
    assert told.sweep["state"] == "finished"
    good, bad = told.runs
    assert (good["state"], bad["state"]) == ("finished", "failed")
    assert bad["attempts"][0]["exit_code"] == 3
    assert [run["config"]["exit"] for run in told.runs] == [0, 3]
    assert [run["effective_config"] for run in told.runs] == [None, None]
    assert all(len(run["attempts"]) == 1 for run in told.runs)
    assert good["summary"]["loss"] == pytest.approx(0.1 + 1 / 6)


@pytest.mark.feature("Early stop", "a plain script under wandb agent, no row lost")
@plays(early_stop)
def test_early_stopping_reaches_a_plain_script_and_no_row_is_lost(told: Told) -> None:
    good, bad = told.runs
    assert good["state"] == "finished"
    assert bad["state"] == "stopped"
    assert 2 <= bad["steps"] < 2399
    assert "at this rung" in bad["ended_because"]


@pytest.mark.feature(
    "Agents", "the agent idles, works and ends as its sweep is paused, resumed and stopped"
)
@plays(control)
def test_pause_resume_and_stop_of_a_sweep(told: Told) -> None:
    states, before = told.more
    assert states == ["paused", "running", "finished"]
    assert before == 0
    assert told.code == 0
    assert [run["state"] for run in told.runs] == ["finished"]


@pytest.mark.feature("Agents", "wandb sweep --cancel: the run ends gracefully, then the agent")
@plays(cancel)
def test_cancel_ends_the_run_gracefully_and_then_the_agent(told: Told) -> None:
    assert told.code == 0
    assert told.sweep["state"] == "cancelled"
    assert [run["state"] for run in told.runs] == ["killed"]


@pytest.mark.feature("Agents", "an agent killed: its run goes on, and is not given out again")
@plays(agent_killed)
def test_a_killed_agent_loses_no_run_and_its_run_is_not_given_out_again(told: Told) -> None:
    assert [run["state"] for run in told.runs] == ["finished", "finished"]
    assert all(len(run["attempts"]) == 1 for run in told.runs)
    assert len({run["attempts"][0]["agent"] for run in told.runs}) == 2


@pytest.mark.feature("Agents", "a training killed: closed as crashed, the agent goes on")
@plays(training_killed)
def test_a_killed_training_is_closed_as_crashed_and_the_agent_goes_on(told: Told) -> None:
    assert [run["state"] for run in told.runs] == ["crashed", "finished"]
    assert "without a word" in told.runs[0]["ended_because"]


@pytest.mark.feature("SDK", "init, config, log, summary, console, files, exit code")
@plays(life)
def test_what_people_do_with_wandb_init(told: Told) -> None:
    runs, rows, files, console = told.more
    whole = runs["whole"]
    assert (whole["kind"], whole["state"], whole["project"]) == ("manual", "finished", "life")
    assert whole["name"] == "by hand"
    assert whole["config"] == {"layers": {"width": 8}, "lr": 0.5, "added": [1, 2]}
    assert [(row["step"], row["metrics"].get("loss")) for row in rows["whole"]] == [
        (0, 3),
        (1, "NaN"),
        (2, 1),
        (7, None),
    ]
    assert whole["summary"]["best"] == {"max": 5}
    assert (whole["summary"]["verdict"], whole["summary"]["end"]) == ("fine", "NaN")
    assert whole["summary"]["deep"] == {"er": 1}
    assert {"model.txt", "wandb-metadata.json", "config.yaml"} <= {file["name"] for file in files}
    texts = [line["text"] for line in console]
    assert [text for text in texts if "progress" in text] == ["progress 100 %"]
    assert "after the bar" in texts
    assert (runs["failed"]["state"], runs["failed"]["attempts"][0]["exit_code"]) == ("failed", 3)


@pytest.mark.feature("SDK", "resume=allow and must; an id begun again")
@plays(life)
def test_an_id_begun_again_or_resumed(told: Told) -> None:
    runs, rows, _, _ = told.more
    curves = {
        name: [(row["step"], row["metrics"].get("loss")) for row in some]
        for name, some in rows.items()
    }
    assert curves["again"] == [(0, 9), (1, 8)]
    assert [len(runs[name]["attempts"]) for name in ("again", "allow", "must")] == [2, 2, 2]
    assert curves["allow"] == curves["must"] == [(0, 5), (1, 4), (2, 3)]
    assert {runs[name]["state"] for name in ("again", "allow", "must")} == {"finished"}
    assert runs["allow"]["config"] == {"kept": 1}


@pytest.mark.feature("CLI", "wandb sync of an offline run, also twice")
@plays(offline)
def test_an_offline_run_is_synced_and_a_second_time_changes_nothing(told: Told) -> None:
    once, twice = told.more
    (run,) = told.runs
    assert [row["step"] for row in once] == list(range(20))
    assert [row["metrics"] for row in twice] == [row["metrics"] for row in once]
    assert (run["state"], run["config"]["lr"], run["summary"]["verdict"]) == (
        "finished",
        0.5,
        "fine",
    )


@pytest.mark.feature("Agents", "wandb.agent(ID, function=…, count=…)")
@pytest.mark.feature("Early stop", "a function under wandb.agent")
@plays(function)
def test_an_agent_with_a_function_counts_and_stops_early(told: Told) -> None:
    good, bad = told.runs
    assert (good["state"], good["steps"]) == ("finished", 5)
    assert bad["state"] == "stopped"
    assert bad["steps"] < 90


@pytest.mark.feature("Agents", "a program with swept's SDK under wandb agent")
@plays(native)
def test_a_program_with_swepts_sdk_joins_its_run_under_the_real_agent(told: Told) -> None:
    good, bad = told.runs
    (long, short), files = told.more
    assert told.code == 0
    assert told.sweep["state"] == "finished"
    assert (good["state"], good["ended_because"]) == ("finished", "the program ended")
    assert [row["step"] for row in long] == list(range(60))
    assert good["resumable"]
    assert bad["state"] == "stopped"
    assert "at this rung" in bad["ended_because"]
    assert [row["step"] for row in short] == [0, 1]  # at the very report that decided it
    assert files == [[f"state-{run['id']}.txt"] for run in told.runs]
    assert all(len(run["attempts"]) == 1 for run in told.runs)


@pytest.mark.feature("Faults", "the server away at the end of a program with swept's SDK")
@pytest.mark.parametrize("version", ["0.31.0"])
@plays(native_without_server)
def test_a_program_with_swepts_sdk_waits_for_a_server_that_is_away_at_its_end(told: Told) -> None:
    (run,) = told.runs
    assert told.code == 0
    assert (run["state"], len(run["attempts"])) == ("finished", 1)
    assert [row["step"] for row in told.more] == list(range(30))


@pytest.mark.feature("Public API", "sweeps, runs, best_run, history, scan_history")
@plays(public_api)
@pytest.mark.client_bug("0.23.1", "it loads no run of a sweep: the Api in it is not JSON")
def test_the_public_api_reads_sweeps_runs_and_history(told: Told) -> None:
    read = told.more
    losses = {run["id"]: run["config"]["lr"] + 2 for run in told.runs}
    order = sorted(losses, key=losses.__getitem__)
    assert (read["state"], read["method"]) == ("FINISHED", "grid")
    assert read["runs"] == sorted(losses)
    assert read["states"] == ["finished"] * 3
    assert (read["best"], read["summary"]) == (order[0], pytest.approx(2.1))
    assert read["config"]["lr"] == 0.1
    assert [row["_step"] for row in read["history"]] == [0, 1, 2]
    assert [row["loss"] for row in read["keys"]] == pytest.approx([0.1, 1.1, 2.1])
    assert [row["loss"] for row in read["scan"]] == pytest.approx([0.1, 1.1, 2.1])
    assert [row["loss"] for row in read["scan_keys"]] == pytest.approx([0.1, 1.1, 2.1])
    assert (read["ordered"], sorted(read["filtered"])) == (order, sorted(losses))


@pytest.mark.feature("Faults", "server killed in mid-run, under wandb agent")
@plays(server_killed)
def test_the_server_killed_in_mid_run_loses_nothing(told: Told) -> None:
    (run,) = told.runs
    assert told.code == 0
    assert run["state"] == "finished"
    assert run["steps"] == 79


@pytest.mark.feature("Agents", "the same script under swept agent, stopped early")
@plays(under_swept_agent)
def test_the_same_script_under_swepts_own_agent(told: Told) -> None:
    good, bad = told.runs
    assert good["state"] == "finished"
    assert bad["state"] == "stopped"
    assert told.sweep["state"] == "finished"
    assert all(len(run["attempts"]) == 1 for run in told.runs)
