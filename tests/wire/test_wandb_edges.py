"""The edges: what is forked, what is refused, what an unknown place is answered; each says what is the matter."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.wire.faulty import OTHER, Fault, Proxy, Slow
from tests.wire.harness import KEY, PATIENCE, ROOT, Client, Server, until
from tests.wire.test_wandb_import import Importer, Said, client_target

from swept.store.imports import HALF

pytestmark = [pytest.mark.slow]


def plays(scenario: Callable[[Client], Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


def told_by(text: str) -> Any:
    found = re.search(r"TOLD (\{.*\})", text)
    assert found is not None, text
    return json.loads(found[1])


# -- forks ----------------------------------------------------------------------------------------


def forks(client: Client) -> Any:
    """A run with six rows; forks of it, of a fork, and of one that was offline."""
    told = told_by(client.run("edges_fork.py"))
    (folder,) = client.folder.glob(f"wandb/offline-run-*-{told['offline']}")
    client.run("-m", "wandb", "sync", str(folder))
    names = ("parent", "fork", "second", "offline")
    told["runs"] = {name: client.server.get(f"/api/runs/{told[name]}") for name in names}
    told["rows"] = {name: client.server.rows(told[name]) for name in names}
    told["read"] = told_by(client.run("edges_read.py", told["fork"]))
    return told


def losses(rows: list[Any]) -> list[tuple[int, Any]]:
    return [(row["step"], row["metrics"].get("loss")) for row in rows]


@pytest.mark.feature(
    "SDK", "wandb.init(fork_from=…): a new run with the other one's rows up to there"
)
@plays(forks)
def test_a_fork_begins_with_the_rows_of_its_parent(told: Any) -> None:
    rows, runs = told["rows"], told["runs"]
    assert losses(rows["parent"]) == [(step, step) for step in range(6)]
    own = [(3, 100), (4, 101), (5, 102)]
    assert losses(rows["fork"]) == [(0, 0), (1, 1), (2, 2), *own, (6, 200)]  # it was resumed
    assert losses(rows["second"]) == [(0, 0), (1, 1), (2, 2), *own[:2], (5, -1)]
    assert rows["fork"][0]["metrics"]["late"] == "NaN"
    assert rows["fork"][:3] == rows["parent"][:3]
    fork = runs["fork"]
    assert (fork["state"], fork["parent"], fork["config"]) == (
        "finished",
        told["parent"],
        {"lr": 0.2},
    )
    assert fork["details"]["forked_from"] == {"run": told["parent"], "step": 2}
    assert "forked" in fork["why"]
    assert fork["defined"]["loss"]["step_metric"] == "epoch"
    assert runs["second"]["summary"]["early"] == 1  # logged before the fork only
    assert runs["second"]["summary"]["loss"] == -1
    assert runs["parent"]["summary"]["loss"] == 5


@pytest.mark.feature("SDK", "fork_from offline, sent by wandb sync")
@plays(forks)
def test_a_fork_that_was_offline_stands_behind_its_parents_rows(told: Any) -> None:
    parents = [(step, step) for step in range(4)]
    assert losses(told["rows"]["offline"]) == [*parents, (4, 300), (5, 301)]
    summary = told["runs"]["offline"]["summary"]
    assert (summary["loss"], summary["_step"]) == (301, 5)


@pytest.mark.feature("Public API", "a fork's history, summary and branch point")
@plays(forks)
def test_the_public_api_reads_a_fork(told: Any) -> None:
    read = told["read"]
    assert read["losses"] == [0, 1, 2, 100, 101, 102, 200]
    assert (read["last"], read["summary"]["loss"]) == (6, 200)
    assert read["branch"] == {"run_id": told["parent"], "step": 2}


@pytest.mark.feature("SDK", "resume_from, and a fork of what is not there: one clear line")
@plays(forks)
def test_a_rewind_and_an_impossible_fork_stop_the_program_with_a_reason(told: Any) -> None:
    refused = told["refused"]
    assert "resume_from (rewinding a run) is not served" in refused["rewind"]
    assert "fork_from" in refused["rewind"]
    assert "there is no run `nobody` in project `edges-fork`" in refused["unknown"]
    assert (
        "cannot be forked at step 9: the server has rows up to step 5 only" in refused["too late"]
    )


UPSERT = (
    "mutation U($input: UpsertBucketInput!) { upsertBucket(input: $input) { bucket { name } } }"
)
SWEEP = """\
program: train.py
project: edges-fork
method: grid
metric: {name: loss, goal: minimize}
parameters: {lr: {values: [1, 2]}}
"""


def searched(client: Client) -> Any:
    """A run of a sweep whose program asks for a fork."""
    sweep = client.create(SWEEP)
    server = client.server
    made = server.graphql(
        'mutation($s: String!) { createAgent(input: {host: "h", sweep: $s}) { agent { id } } }',
        {"s": sweep},
    )
    agent = made["data"]["createAgent"]["agent"]["id"]

    def commands() -> Any:
        beat = 'mutation($a: ID!) { agentHeartbeat(input: {id: $a, runState: "{}"}) { commands } }'
        answer = server.graphql(beat, {"a": agent})
        return json.loads(answer["data"]["agentHeartbeat"]["commands"])

    (command,) = until(commands, "run of the sweep")
    point = {"_wandb": {"value": {"branch_point": {"run_id": "other", "step": 1}}}}
    asked = {"name": command["run_id"], "modelName": "edges-fork", "host": "h"}
    answer = server.graphql(UPSERT, {"input": {**asked, "config": json.dumps(point)}})
    return answer["errors"][0]["message"]


@pytest.mark.feature("SDK", "a run of a sweep that wants to be a fork: one clear line")
@plays(searched)
def test_a_run_of_a_search_is_no_fork(told: Any) -> None:
    assert "belongs to a search, and cannot be a fork (fork_from)" in told


# -- a run by hand, shown -------------------------------------------------------------------------


def outside(client: Client, *arguments: str) -> Said:
    """`swept …` in a folder that belongs to no project, after `swept env`."""
    done = subprocess.run(
        [sys.executable, "-m", "swept", *arguments],
        cwd=client.folder,
        env={**client.environment, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Said(done.returncode, done.stdout + done.stderr)


def hand(client: Client) -> Any:
    run = told_by(client.run("edges_hand.py"))["id"]
    shown = outside(client, "show", run)
    document = json.loads(client.swept("show", run, "--json"))
    url = f"{client.server.url}/files/local/edges-hand/{run}/config.yaml"
    got = httpx.get(url, auth=("api", KEY), timeout=60)
    head = httpx.head(url, auth=("api", KEY), timeout=60)
    closed = httpx.head(url, timeout=60)
    return {"shown": shown, "document": document, "files": (got, head, closed)}


@pytest.mark.feature("SDK", "swept show of a run by hand: last step, summary, tags, notes, group")
@plays(hand)
def test_a_run_by_hand_is_shown_with_what_is_known_of_it(told: Any) -> None:
    shown, document = told["shown"], told["document"]
    assert shown.code == 0, shown.text
    lines = shown.text.splitlines()
    for wanted in (
        "step    5",
        "project edges-hand",
        "group   pairs",
        "job     train",
        "tags    kept, blue",
        "notes   the first line",
        "        the second",
        "  loss = 0.2",
        "  acc.max = 0.9",
        "  note = good",
    ):
        assert wanted in lines, shown.text
    assert not any("heights" in line or "_step" in line for line in lines)
    assert "(WANDB_BASE_URL)" in shown.text  # no project's folder: where the client reports
    assert (document["last_step"], document["summary"]["loss"]) == (5, 0.2)
    assert document["details"]["job_type"] == "train"


@pytest.mark.feature("SDK", "HEAD of a run's file")
@plays(hand)
def test_head_of_a_file_is_get_without_its_body(told: Any) -> None:
    got, head, closed = told["files"]
    assert (got.status_code, head.status_code, closed.status_code) == (200, 200, 401)
    assert head.headers["content-length"] == str(len(got.content))
    assert head.content == b""


def test_the_page_that_login_names_says_where_the_key_is_and_not_the_key(server: Server) -> None:
    answer = httpx.get(f"{server.url}/authorize?ref=models", timeout=60)
    assert answer.status_code == 200
    assert "swept env" in answer.text
    assert KEY not in answer.text


# -- moving house ---------------------------------------------------------------------------------


def nowhere(client: Client) -> Any:
    empty = client.folder / "nothing"
    empty.mkdir()
    with client_target(client) as target:
        importer = Importer(client, target)
        url = client.server.url
        client.server.graphql(UPSERT, {"input": {"name": "there", "modelName": "edges-there"}})
        return {
            "project": importer.wandb("local/edges-nowhere", url),
            "dry": importer.wandb("local/edges-nowhere", url, "--dry-run"),
            "sweep": importer.wandb("local/edges-there/abcdefgh", url),
            "folder": importer.run("nothing"),
            "url": url,
        }


@pytest.mark.feature("Moving house", "a project, sweep or folder that is not there: an error")
@plays(nowhere)
def test_what_is_not_there_is_an_error_that_names_what_is(told: Any) -> None:
    for said in (told["project"], told["dry"]):
        assert said.code == 1, said.text
        assert f"{told['url']} has no project `local/edges-nowhere`, or nothing in it" in said.text
        assert "local/edges-there" in said.text
        assert "0 runs" not in said.text
    assert told["sweep"].code == 1, told["sweep"].text
    assert "no sweep `abcdefgh` in local/edges-there" in told["sweep"].text
    assert told["folder"].code == 2, told["folder"].text
    assert "offline-run-DATE-ID" in told["folder"].text


@dataclass
class Holding(Proxy):
    """Before the source: from some moment on it keeps answers back, until `closing` is set."""

    holding: bool = False
    asked: int = 0

    def next(self, kind: str) -> Fault | None:
        if not self.holding or kind != OTHER:
            return None
        self.asked += 1
        return Slow(PATIENCE) if self.asked > 1 else None  # the first one asks who the source is


def put_runs(server: Server, project: str, name: str) -> list[str]:
    """Three runs with rows and a file each; or the same again, with another name."""
    runs = [f"{project}-{number}" for number in range(3)]
    for run in runs:
        known = {"name": run, "modelName": project, "displayName": name}
        server.graphql(UPSERT, {"input": {**known, **({"host": "h"} if name == "once" else {})}})
        if name == "once":
            lines = [json.dumps({"_step": step, "loss": step}) for step in range(50)]
            history = {"wandb-history.jsonl": {"offset": 0, "content": lines}}
            body = {"files": history, "complete": True, "exitcode": 0}
            server.stream(project, run, json.dumps(body))
        url = f"{server.url}/files/local/{project}/{run}/report.txt"
        httpx.put(url, content=name * 9, auth=("api", KEY), timeout=60).raise_for_status()
    return runs


def half(client: Client) -> Any:
    """The server goes down while runs that were here already are brought up to date."""
    project = f"half-{client.version.replace('.', '-')}"
    runs = put_runs(client.server, project, "once")
    proxy = Holding(client.server.port, {})
    with client_target(client) as target, proxy.open():
        importer = Importer(client, target)
        path = f"local/{project}"
        first = importer.wandb(path, proxy.url, "--json")
        put_runs(client.server, project, "later")
        proxy.holding = True
        second = importer.start("wandb", path, "--from", proxy.url, "--key", KEY)

        def halves() -> list[Any]:
            return [run for run in target.get("/api/runs") if run["ended_because"] == HALF]

        until(halves, "run that is half")
        target.kill()
        proxy.closing.set()
        said, _ = second.communicate(timeout=PATIENCE)
        target.start()
        left = halves()
        shown = outside_with(client, target, "show", left[0]["id"])
        proxy.holding = False
        third = importer.wandb(path, proxy.url, "--json")
        after = {run: (target.get(f"/api/runs/{run}"), target.rows(run)) for run in runs}
        return (first, second.returncode, said, left, shown, third, after)


def outside_with(client: Client, target: Server, *arguments: str) -> Said:
    return outside(Client(client.version, client.prefix, target, client.folder), *arguments)


@pytest.mark.feature("Moving house", "an import again that breaks off says so, and mends itself")
@plays(half)
def test_a_server_that_dies_while_runs_are_brought_again(told: Any) -> None:
    first, code, said, left, shown, third, after = told
    assert (first.code, first.json["new"]) == (0, 3), first.text
    assert code == 1, said
    assert "no answer from the server" in said
    assert "the same command has gone on" in " ".join(said.split())
    assert left
    assert all(run["state"] == "killed" for run in left)
    assert f"killed: {HALF}" in shown.text
    assert third.code == 0, third.text
    assert third.json["new"] + third.json["updated"] + third.json["unchanged"] == 3
    for run, rows in after.values():
        assert (run["state"], run["name"], run["summary"]["loss"]) == ("finished", "later", 49)
        assert [row["step"] for row in rows] == list(range(50))


# -- what is declined -----------------------------------------------------------------------------


def declined(client: Client) -> Any:
    return told_by(client.run("edges_declined.py"))


@pytest.mark.feature("Public API", "teams and automations: declined in one clear line")
@plays(declined)
def test_what_is_not_served_is_said_plainly(told: Any) -> None:
    words = {
        "team": "there are no users and teams",
        "create_user": "there are no users and teams",
        "automations": "automations are not served",
        "webhook_integrations": "automations are not served",
    }
    assert {"team", "create_user"} <= told.keys()
    for name, said in told.items():
        assert words[name] in said
