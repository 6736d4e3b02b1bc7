"""The `wandb` command line against a swept server: login, sweeps made, changed and controlled, what is declined."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from tests.wire.harness import KEY, PATIENCE, Client, Server, until

pytestmark = [pytest.mark.slow]

PROJECT = "line"


def plays(scenario: Callable[[Client], Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


def tried(client: Client, *arguments: str, **environment: str) -> tuple[int, str]:
    """A command that may fail: its code, and what it printed."""
    kept = {
        name: value for name, value in client.environment.items() if environment.get(name) != ""
    }
    given = {name: value for name, value in environment.items() if value}
    done = subprocess.run(
        client.command("-m", "wandb", *arguments),
        cwd=client.folder,
        env={**kept, **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout


def written(client: Client, name: str, **content: Any) -> str:
    """A sweep file; JSON is YAML."""
    whole = {
        "program": "train.py",
        "project": PROJECT,
        "method": "grid",
        "metric": {"name": "loss", "goal": "minimize"},
        "parameters": {"lr": {"values": [0.1, 0.2]}},
        **content,
    }
    (client.folder / name).write_text(json.dumps(whole))
    return name


def made(text: str) -> str:
    found = re.search(r"(?:Creating|Updating) sweep with ID: (\w+)", text)
    assert found is not None, text
    return found[1]


def of_project(server: Server, project: str) -> list[Any]:
    return [sweep for sweep in server.get("/api/sweeps") if sweep["project"] == project]


# -- login ----------------------------------------------------------------------------------------


def login(client: Client) -> dict[str, tuple[int, str]]:
    """By the address and the key alone, as on a new machine."""
    host = ("login", "--host", client.server.url)
    nothing = {"WANDB_API_KEY": "", "WANDB_BASE_URL": ""}
    wrong = KEY[:-2] + "66"
    return {
        "key": tried(client, *host, KEY, **nothing),
        "status": tried(client, "status", **nothing),
        "again": tried(client, *host, "--relogin", KEY, **nothing),
        "verify": tried(client, *host, "--verify", KEY, **nothing),
        "wrong": tried(client, *host, "--verify", wrong, **nothing),
        "unknown key": tried(client, "sweep", "--stop", f"local/{PROJECT}/x", WANDB_API_KEY=wrong),
    }


@plays(login)
@pytest.mark.feature("CLI", "wandb login --host, --relogin, --verify; wandb status")
def test_login_by_address_and_key(told: dict[str, tuple[int, str]]) -> None:
    for name in ("key", "status", "again", "verify"):
        code, text = told[name]
        assert code == 0, (name, text)
        assert "Traceback" not in text
    assert "http://127.0.0.1" in told["status"][1]


@plays(login)
@pytest.mark.feature("CLI", "a wrong key is refused with a clear line")
def test_a_wrong_key_is_refused_in_one_line(told: dict[str, tuple[int, str]]) -> None:
    for name in ("wrong", "unknown key"):
        code, text = told[name]
        assert code != 0, text
        assert re.search(r"key|auth|401", text, re.IGNORECASE), text


# -- sweep ----------------------------------------------------------------------------------------


def create(client: Client) -> tuple[str, Any]:
    options = ("--name", "by hand", "--program", "other.py", "--project", "elsewhere")
    file = written(client, "create.yaml", swept={"budget": {"runs": 2}})
    text = client.run("-m", "wandb", "sweep", *options, "--entity", "local", file)
    return text, client.server.get(f"/api/sweeps/{made(text)}")


@plays(create)
@pytest.mark.feature("CLI", "wandb sweep FILE --name --program --project --entity")
def test_a_sweep_is_made_as_the_options_say(told: tuple[str, Any]) -> None:
    text, sweep = told
    assert (sweep["name"], sweep["project"]) == ("by hand", "elsewhere")
    assert sweep["spec"]["program"] == "other.py"
    assert f"wandb agent local/elsewhere/{sweep['id']}" in text
    assert f"/local/elsewhere/sweeps/{sweep['id']}" in text


def mistaken(client: Client) -> tuple[tuple[int, str], list[Any], str]:
    wrong = written(client, "wrong.yaml", parameters={"lr": {"min": 3, "max": 1}}, method="grod")
    refused = tried(client, "sweep", "--project", "mistakes", wrong)
    left = of_project(client.server, "mistakes")
    doubtful = written(client, "doubtful.yaml", parameters={"lr": {"values": [1, 2, 2]}})
    return refused, left, client.run("-m", "wandb", "sweep", doubtful)


@plays(mistaken)
@pytest.mark.feature("CLI", "mistakes in a sweep file, and warnings, are shown")
def test_mistakes_are_named_and_leave_nothing_behind(told: Any) -> None:
    (code, text), left, doubtful = told
    assert code != 0
    assert "grod" in text, text
    assert "Traceback" not in text, text
    assert left == []
    assert "`2` stands in `values` of `lr` more than once" in doubtful


def controlled(client: Client) -> dict[str, Any]:
    """Through all states, and what each command says."""
    sweep = client.create((client.folder / written(client, "control.yaml")).read_text())
    name = f"local/{PROJECT}/{sweep}"
    told: dict[str, Any] = {}
    for word in ("pause", "resume", "stop", "pause-finished"):
        code, text = tried(client, "sweep", f"--{word.partition('-')[0]}", name)
        told[word] = (code, text, client.server.get(f"/api/sweeps/{sweep}")["state"])
    told["unknown"] = (*tried(client, "sweep", "--stop", f"local/{PROJECT}/nothing0"), "")
    by_options = ("sweep", "--cancel", "--project", PROJECT, "--entity", "local")
    other = client.create((client.folder / "control.yaml").read_text())
    told["cancel"] = (
        *tried(client, *by_options, other),
        client.server.get(f"/api/sweeps/{other}")["state"],
    )
    return told


@plays(controlled)
@pytest.mark.feature("CLI", "wandb sweep --pause --resume --stop --cancel")
def test_the_states_that_the_command_line_sets(told: dict[str, Any]) -> None:
    states = {word: state for word, (code, _, state) in told.items() if code == 0}
    assert states["pause"] == "paused"
    assert states["resume"] == "running"
    assert states["stop"] == "finished"
    assert states["cancel"] == "cancelled"
    for word in ("pause", "resume", "stop", "cancel"):
        assert "Done." in told[word][1]


@plays(controlled)
@pytest.mark.feature("CLI", "an impossible change of state, an unknown sweep: refused in words")
def test_what_cannot_be_is_refused(told: dict[str, Any]) -> None:
    _, text, state = told["pause-finished"]
    assert state == "finished"
    assert "Cannot pause finished sweep" in text
    code, text, _ = told["unknown"]
    assert "nothing0" in text
    assert code != 0 or "not found" in text.lower() or "could not" in text.lower()


def updated(client: Client) -> dict[str, Any]:
    """A run is under way, and the next would be of the old file."""
    waits = {"program": "agent_waits.py"}
    first = {"lr": {"values": [0.1, 0.2]}, "old": {"value": 1}}
    old = written(client, "update.yaml", parameters=first, **waits)
    sweep = client.create((client.folder / old).read_text())
    with client.agent(sweep, PROJECT) as agent:
        until(lambda: [run for run in client.server.runs(sweep) if run["curve"]], "first rows")
        new = written(client, "update.yaml", parameters={"lr": {"values": [7, 8, 8]}}, **waits)
        text = client.run("-m", "wandb", "sweep", "--update", f"local/{PROJECT}/{sweep}", new)
        (client.folder / "go-on").touch()
        code = agent.wait(timeout=PATIENCE)
    unknown = tried(client, "sweep", "--update", f"local/{PROJECT}/nothing0", new)
    return {
        "text": text,
        "code": code,
        "unknown": unknown,
        "sweep": client.server.get(f"/api/sweeps/{sweep}"),
    }


@plays(updated)
@pytest.mark.feature("CLI", "wandb sweep --update")
def test_an_updated_sweep_goes_on_by_its_new_file(told: dict[str, Any]) -> None:
    sweep = told["sweep"]
    assert f"Updating sweep with ID: {sweep['id']}" in told["text"]
    assert "`8` stands in `values` of `lr` more than once" in told["text"]
    assert (told["code"], sweep["state"], sweep["spec_version"]) == (0, "finished", 2)
    tried_runs = [run for run in sweep["runs"] if run["attempts"]]
    assert [run["config"]["lr"] for run in tried_runs] == [0.1, 7, 8]
    assert [run["config"].get("old") for run in tried_runs] == [1, None, None]
    assert {run["state"] for run in tried_runs} == {"finished"}
    assert "nothing0" in told["unknown"][1]


# -- prior runs -----------------------------------------------------------------------------------


def prior(client: Client) -> dict[str, Any]:
    """Trainings by hand; then a sweep that learns from them."""
    printed = client.run("agent_prior.py")
    found = re.search(r"IDS (\[.*\])", printed)
    assert found is not None, printed
    ids = json.loads(found[1])
    named = [part for run in ids for part in ("--prior_run", run)]
    space = {"lr": {"min": 0.0, "max": 1.0}, "width": {"min": 0.0, "max": 1.0}}
    bayes = written(client, "bayes.yaml", method="bayes", parameters=space, run_cap=1)
    text = client.run("-m", "wandb", "sweep", *named, bayes)
    with client.agent(made(text), PROJECT) as agent:
        agent.wait(timeout=PATIENCE)
    grid = client.run("-m", "wandb", "sweep", "-R", ids[0], written(client, "grid.yaml"))
    bad = written(client, "bad.yaml", method="bayes", parameters=space, project="nowhere")
    return {
        "ids": ids,
        "sweep": client.server.get(f"/api/sweeps/{made(text)}"),
        "grid": grid,
        "unknown": tried(client, "sweep", "--prior_run", "nobody00", bad),
        "left": of_project(client.server, "nowhere"),
        "read": json.loads(client.run("-c", READ, made(text)).splitlines()[-1]),
    }


READ = f"""
import json, sys, wandb
sweep = wandb.Api().sweep("local/{PROJECT}/" + sys.argv[1])
print(json.dumps([[run.id for run in sweep.runs], sweep.best_run().id]))
"""


@plays(prior)
@pytest.mark.feature("CLI", "wandb sweep --prior_run: the search learns from earlier runs")
def test_a_sweep_learns_from_prior_runs(told: dict[str, Any]) -> None:
    sweep = told["sweep"]
    priors = [run for run in sweep["runs"] if run["kind"] == "prior"]
    (own,) = [run for run in sweep["runs"] if run["kind"] == "search"]
    assert [run["parent"] for run in priors] == told["ids"]
    assert all(len(run["curve"]) == 3 for run in priors)
    assert own["why"].startswith("model (with 8 prior)")
    assert (sweep["state"], sweep["best"]["id"]) == ("finished", own["id"])
    assert sweep["counts"] == {"finished": 1}
    assert told["read"] == [[own["id"]], own["id"]]


@plays(prior)
@pytest.mark.feature("CLI", "a prior run that is unknown, or of no use, is said to be")
def test_prior_runs_of_no_use(told: dict[str, Any]) -> None:
    assert "a grid search learns from no run" in told["grid"]
    code, text = told["unknown"]
    assert code != 0
    assert "there is no run `nobody00`" in text
    assert told["left"] == []


# -- what is declined -----------------------------------------------------------------------------


def hosted(client: Client) -> dict[str, Any]:
    """W&B's hosted service, asked for in each way."""
    server, hosted = client.server, "hosted"
    local = written(client, "local.yaml", controller={"type": "local"}, project=hosted)
    scheduler = written(client, "scheduler.yaml", scheduler={"engine": "wandb"}, project=hosted)
    queue = {"image_uri": "ubuntu:24.04", "launch": {"queue": "default"}}
    launch = written(client, "launch.yaml", project=hosted, **queue)
    plain = written(client, "plain.yaml")
    sweep = client.create((client.folder / plain).read_text())
    name, where = f"local/{PROJECT}/{sweep}", ("--entity", "local", "--project", hosted)
    queued = (*where, "--queue", "default")
    answers = {
        "controller": tried(client, "sweep", "--project", hosted, "--controller", plain),
        "controller of a file": tried(client, "sweep", local),
        "controller of a sweep": tried(client, "controller", name),
        "scheduler": tried(client, "sweep", scheduler),
        "launch-sweep": tried(client, "launch-sweep", *queued, launch),
        "launch": tried(client, "launch", *queued, "--docker-image", "ubuntu:24.04"),
        "launch-agent": tried(client, "launch-agent", "--entity", "local", "--queue", "default"),
    }
    if client.version == "0.31.0":
        answers["sweep-scheduler"] = tried(client, "sweep-scheduler", name)
    return {"answers": answers, "left": of_project(server, hosted)}


SAID = {
    "controller": "to use the local controller",  # the client's own line, without the package `sweeps`
    "scheduler": "`scheduler` is for W&B's hosted service",
    "launch-sweep": "W&B",  # Launch, or for 0.19 the key in the file that only Launch knows
    "launch": "W&B Launch is not served",
    "sweep-scheduler": "does not support the local sweep scheduler",
}


@plays(hosted)
@pytest.mark.feature("CLI", "launch, controller, scheduler: declined with one clear line")
def test_what_is_hosted_is_declined_and_leaves_nothing_behind(told: dict[str, Any]) -> None:
    assert told["left"] == []
    for name, (code, text) in told["answers"].items():
        line = next(line for start, line in SAID.items() if name.startswith(start))
        assert code != 0, (name, text)
        assert line in text, (name, text)
        assert "Traceback" not in text, (name, text)
