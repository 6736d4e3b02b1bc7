"""`wandb.Api()` against a swept server: what scripts read, filter, sort and change, with the real client."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.wire.harness import Client, Server, until

pytestmark = [pytest.mark.slow]

READS, EDITS = "api-reads", "api-edits"


def said(client: Client, program: str, *arguments: str) -> Any:
    """What the program told."""
    text = client.run(program, *arguments)
    found = re.search(r"TOLD (\{.*\})", text)
    assert found is not None, text
    return {**json.loads(found[1]), "text": text}


def reads(client: Client) -> Any:
    return said(client, "api_reads.py", f"{READS}-{client.version}")


def edits(client: Client) -> Any:
    return said(client, "api_edits.py", f"{EDITS}-{client.version}")


TEXT = """program: train.py
method: grid
metric: {name: loss, goal: minimize}
parameters: {lr: {values: [0.3, 0.1]}}
"""


def sweep(client: Client) -> Any:
    """Two runs of one agent, as the client reports them; one still runs."""
    server, project = client.server, f"api-sweep-{client.version}"
    made = client.create(f"project: {project}\n{TEXT}")
    host = 'mutation A($s: String!) { createAgent(input: {host: "h", sweep: $s}) { agent { id } } }'
    agent = server.graphql(host, {"s": made})["data"]["createAgent"]["agent"]["id"]
    runs = [taken(server, project, agent), taken(server, project, agent)]
    server.stream(project, runs[0], json.dumps({"complete": True, "exitcode": 0}))
    told = said(client, "api_sweep.py", project, made)
    runs_now = [server.get(f"/api/runs/{run}") for run in runs]
    return {**told, "ids": [made, agent, runs], "configs": [run["config"] for run in runs_now]}


def taken(server: Server, project: str, agent: str) -> str:
    """A run that the agent was given, with its first row."""
    beat = 'mutation B($a: ID!) { agentHeartbeat(input: {id: $a, runState: "{}"}) { commands } }'

    def given() -> list[Any]:
        answer = server.graphql(beat, {"a": agent})["data"]["agentHeartbeat"]
        commands: list[Any] = json.loads(answer["commands"])
        return [one for one in commands if one["type"] == "run"]

    run: str = until(given, "command")[0]["run_id"]
    init = (
        f'mutation U($n: String) {{ upsertBucket(input: {{name: $n, modelName: "{project}", host: "h"}}) '
        "{ bucket { name config } } }"
    )
    bucket = server.graphql(init, {"n": run})["data"]["upsertBucket"]["bucket"]
    lr = json.loads(bucket["config"])["lr"]["value"]
    line = json.dumps({"_step": 0, "loss": lr})
    body = {"files": {"wandb-history.jsonl": {"offset": 0, "content": [line]}}}
    server.stream(project, run, json.dumps(body))
    return run


def plays(scenario: Callable[[Client], Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


LISTS: dict[str, list[int]] = {
    "all": [0, 1, 2, 3],
    "pages": [0, 1, 2, 3],
    "config": [2, 3],
    "nested": [2, 3],
    "nested value": [3],
    "summary": [2, 3],
    "maximum": [0, 1, 2, 3],
    "text": [3],
    "not there": [0, 1, 2],
    "tags": [0, 1],
    "tags in": [0, 1, 2, 3],
    "group": [0, 2],
    "or": [1, 2],
    "nor": [1],
    "regex": [1, 2],
    "state": [0, 1, 2, 3],
    "since": [0, 1, 2, 3],
    "name": [2],
    "user": [0, 1, 2, 3],
    "down": [3, 2, 1, 0],
    "by loss": [3, 2, 1, 0],
    "by verdict": [3, 0, 1, 2],
    "by group": [0, 2, 1, 3],
    "by heartbeat": [0, 1, 2, 3],
}


@plays(reads)
@pytest.mark.feature("Public API", "`Api().runs` with filters and order")
def test_runs_are_filtered_and_sorted(told: Any) -> None:
    count = told["lists"].pop("count")
    assert told["lists"] == LISTS
    assert count == 4


@plays(reads)
@pytest.mark.feature("Public API", "a filter that is not known is refused")
def test_what_is_not_known_is_said(told: Any) -> None:
    assert "the filter operator `$near` is not known" in told["refused"]
    assert "a run has nothing called `loss` to look for" in told["unknown"]


@plays(reads)
@pytest.mark.feature("Public API", "a run's config, summary, metadata, details")
def test_a_run_is_read(told: Any, version: str) -> None:
    run = told["run"]
    assert run["config"] == {"lr": 1.0, "model": {"depth": 0}, "optimizer": "adam"}
    assert run["acc"] == {"max": 0.9}
    assert run["runtime"] >= 0
    assert (run["step"], run["last"]) == (9, 9)
    assert (run["state"], told["waited"]) == ("finished", "finished")
    assert sorted(run["tags"]) == ["a", "b"]
    assert (run["group"], run["notes"], run["job_type"]) == ("even", "by hand", "train")
    assert (run["name"], told["loaded"], run["user"]) == ("run 0", "run 0", "local")
    assert run["path"] == ["local", f"{READS}-{version}", told["names"][0]]
    assert f"/runs/{told['names'][0]}" in run["url"]
    assert run["url"] in run["html"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", run["created"])
    assert {"loss", "acc", "rare", "in"} <= set(run["keys"])
    assert {"python", "program"} <= set(run["metadata"])
    assert run["lazy"] == [{"depth": 3}, "bad"]
    assert told["from path"]


@plays(reads)
@pytest.mark.feature("Public API", "`history` and `scan_history`")
def test_a_history_is_read(told: Any) -> None:
    history = told["history"]
    assert history["whole"] == 10
    assert history["thin"] == [4, 9]
    assert history["keys"] == {"_step": 9, "loss": 0.1, "acc": 0.9}
    assert history["system"]
    assert history["scan"] == list(range(10))
    assert history["part"] == [3, 4, 5]
    assert history["some"] == {"loss": 0.2, "_step": 4}
    assert [value.lower() for value in history["rare"]] == ["1.0", "nan"] or history["rare"] == [
        "1",
        "NaN",
    ]
    assert history["inner"] == list(range(10))
    assert history["times"]


@plays(reads)
@pytest.mark.feature("Public API", "a run's files: listed, by pattern, downloaded")
def test_files_are_read(told: Any) -> None:
    files = told["files"]
    assert {"config.yaml", "output.log", "wandb-metadata.json"} <= set(files["names"])
    assert files["by page"] == len(files["names"])
    assert files["one"]
    assert files["read"] == 9
    assert told["got"] == ["wandb-summary.json"]
    if files["pattern"]:
        assert files["pattern"] == [name for name in files["names"] if name.endswith(".json")]


@plays(reads)
@pytest.mark.client_bug("0.28.2 0.26.1 0.23.1 0.19.11", "there is no `run.console_logs` yet")
@pytest.mark.feature("Public API", "`run.console_logs`")
def test_console_lines_are_read(told: Any) -> None:
    console = told["console"]
    assert {"line one of 0", "line two of 0"} <= set(console["all"])
    assert console["numbers"] == list(range(len(console["all"])))
    assert console["times"]
    assert console["last"] == console["all"][-1:]


@plays(reads)
@pytest.mark.feature("Public API", "projects")
def test_projects_are_listed(told: Any, version: str) -> None:
    assert told["project"]["named"]
    assert told["project"]["from"] == f"{READS}-{version}"


@plays(edits)
@pytest.mark.feature("Public API", "`run.update`: config, summary, tags, notes, name, group")
def test_a_run_is_edited(told: Any) -> None:
    assert told["config"] == {"lr": 0.2, "added": {"deep": [1, 2]}}
    assert told["summary"] == {"loss": 1.0, "score": 7, "verdict": "good"}
    assert sorted(told["tags"]) == ["first", "second"]
    assert (told["notes"], told["name"], told["group"]) == ("edited", "renamed", "moved")
    assert told["state"] == "finished"
    assert (told["found"], told["tagged"]) == (True, True)
    assert "score" not in told["deleted key"]
    assert {"loss", "verdict"} <= set(told["deleted key"])


@plays(edits)
@pytest.mark.feature("Public API", "`upload_file` and `file.delete`")
def test_files_come_and_go(told: Any) -> None:
    assert {"extra/report.txt", "report.txt"} <= set(told["files"])
    assert set(told["files"]) - set(told["left"]) == {"report.txt"}


@plays(edits)
@pytest.mark.feature("Public API", "`run.delete`; a running one is refused")
def test_a_run_is_deleted(told: Any) -> None:
    assert told["gone"]
    assert told["count"] == 1
    state, why = told["live"]
    assert state == "running"
    assert "is running" in why
    assert told["heartbeat"]


@plays(edits)
@pytest.mark.feature("Public API", "`create_run`, `create_project`")
def test_a_run_is_made(told: Any) -> None:
    name, state = told["created"]
    assert name.startswith("waiting-")
    assert state == "running"


@plays(edits)
@pytest.mark.client_bug("0.26.1 0.23.1 0.19.11", "there is no `run.update_state` to failed yet")
@pytest.mark.feature("Public API", "`run.update_state`")
def test_a_run_is_called_failed(told: Any) -> None:
    assert told["failed"] == [True, "failed"]
    assert "cannot become pending" in told["not again"]


@plays(edits)
@pytest.mark.client_bug("0.26.1 0.23.1 0.19.11", "there is no `run.stop` yet")
@pytest.mark.feature("Public API", "`run.stop`")
def test_a_stop_of_what_is_over_has_no_effect(told: Any) -> None:
    assert told["stopped"] == "finished"


@plays(sweep)
@pytest.mark.client_bug("0.23.1", "it loads no run of a sweep: the Api in it is not JSON")
@pytest.mark.feature("Public API", "a sweep: `runs`, `best_run`, `order`")
def test_a_sweep_is_read(told: Any) -> None:
    made, _, runs = told["ids"]
    assert (told["best"], told["order"]) == (runs[1], "+summary_metrics.loss")
    assert (told["count"], told["pages"], told["expected"]) == (2, 2, 2)
    assert told["loss"] == 0.1
    assert (told["of run"], told["sweeps"]) == (made, [made])
    assert told["state"] == "RUNNING"


@plays(sweep)
@pytest.mark.client_bug("0.23.1 0.19.11", "there are no `sweep.agents` yet")
@pytest.mark.feature("Public API", "`sweep.agents`")
def test_a_sweeps_agents_are_read(told: Any, version: str) -> None:
    _, agent, runs = told["ids"]
    ((name, host, of_agent),) = told["agents"]
    assert (name, host) == (agent, "h")
    assert of_agent in (sorted(runs), [])
    assert of_agent or version != "0.31.0"


@plays(sweep)
@pytest.mark.client_bug("0.23.1", "it loads no run of a sweep: the Api in it is not JSON")
@pytest.mark.feature("Public API", "an edited config leaves what the search suggested")
def test_an_edit_leaves_what_was_suggested(told: Any) -> None:
    assert told["edited"] == told["ids"][2][1]
    assert sorted(config["lr"] for config in told["configs"]) == [0.1, 0.3]
