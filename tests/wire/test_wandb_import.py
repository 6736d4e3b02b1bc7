"""Moving house: `swept import` from another server through the real client, and from folders of runs logged offline."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.wire import oddities
from tests.wire.harness import KEY, NEWEST, PATIENCE, ROOT, Client, Server, until

from swept.store.imports import HALF

pytestmark = [pytest.mark.slow]

SWEEP = """\
program: train.py
project: PROJECT
name: nested
method: grid
metric: {name: loss, goal: minimize}
run_cap: 3
early_terminate: {type: hyperband, min_iter: 2, eta: 3}
parameters:
  exit: {values: [0, 3]}
  lr: {values: [0.1, 9]}
  net: {parameters: {width: {value: 8}}}
  pause: {value: 0.25}
  quick_below: {value: 1}
  steps: {value: 240}
"""


@dataclass
class Said:
    code: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text[self.text.index("{") :])


@dataclass
class Importer:
    """`swept import`, reading through the client of that version."""

    client: Client
    target: Server

    def environment(self) -> dict[str, str]:
        path = [str(ROOT / "src")]
        if self.client.version != NEWEST:
            path += map(str, self.client.prefix.glob("lib/python3*/site-packages"))
        return {
            **self.client.environment,
            "PYTHONPATH": os.pathsep.join(path),
            "SWEPT_URL": self.target.url,
            "SWEPT_API_KEY": KEY,
        }

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "swept", "import", *arguments],
            cwd=self.client.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **more,
        )

    def run(self, *arguments: str, seconds: float = PATIENCE) -> Said:
        process = self.start(*arguments)
        try:
            text, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Said(process.returncode, text)

    def wandb(self, path: str, url: str, *arguments: str) -> Said:
        return self.run("wandb", path, "--from", url, "--key", KEY, *arguments)


# -- a whole project ------------------------------------------------------------------------------


@dataclass
class Seen:
    """Everything of a server's runs that its native API shows."""

    runs: dict[str, Any]
    rows: dict[str, Any]
    system: dict[str, Any]
    files: dict[str, dict[str, str]]
    console: dict[str, list[tuple[int, str, str]]]


def seen(server: Server, ids: list[str]) -> Seen:
    def each(path: str) -> dict[str, Any]:
        return {run: server.get(f"/api/runs/{run}{path}") for run in ids}

    return Seen(
        each(""),
        each("/history"),
        each("/history?stream=system"),
        {
            run: {file["name"]: file["digest"] for file in files}
            for run, files in each("/files").items()
        },
        {
            run: [(line["number"], line["text"], line["stream"]) for line in page["lines"]]
            for run, page in each("/console").items()
        },
    )


@dataclass
class Moved:
    before: Seen
    after: Seen
    sweeps: tuple[Any, Any]
    said: dict[str, Said]
    names: dict[str, str]
    fourth: Any
    version: str


def house(client: Client) -> Moved:
    """A project of runs by hand and a sweep, taken along to another server, twice; then the sweep goes on there."""
    project = f"house-{client.version.replace('.', '-')}"
    importer = Importer(client, client.server)
    with client.on_its_own_server() as there:
        names = _by_hand(there, project)
        sweep = there.create(SWEEP.replace("PROJECT", project))
        with there.agent(sweep, project) as agent:
            agent.wait(timeout=PATIENCE)
        url, path = there.server.url, f"local/{project}"
        said = {
            "dry": importer.wandb(path, url, "--dry-run", "--json"),
            "first": importer.wandb(path, url, "--json"),
            "again": importer.wandb(path, url, "--json"),
        }
        there.run("house.py", project)  # 4 runs more, one of them the same long id again
        said["later"] = importer.wandb(path, url, "--json")
        ids = [*names.values(), *(run["id"] for run in there.server.runs(sweep))]
        before, after = seen(there.server, ids), seen(client.server, ids)
        sweeps = (
            there.server.get(f"/api/sweeps/{sweep}"),
            client.server.get(f"/api/sweeps/{sweep}"),
        )
    return Moved(
        before, after, sweeps, said, names, _next(client.server, sweep, project), client.version
    )


def _by_hand(there: Client, project: str) -> dict[str, str]:
    text = there.run("house.py", project)
    found = re.search(r"RUNS (\{.*\})", text)
    assert found is not None, text
    names: dict[str, str] = json.loads(found[1])
    return names


def _next(server: Server, sweep: str, project: str) -> Any:
    """What the search gives out when the imported sweep may have one run more."""
    text = SWEEP.replace("PROJECT", project).replace("run_cap: 3", "run_cap: 4")
    header = {"Authorization": f"Bearer {KEY}"}
    url = f"{server.url}/api/sweeps/{sweep}/spec"
    httpx.put(url, json={"text": text}, headers=header, timeout=60).raise_for_status()
    agent = server.post("/api/agents", {"host": "h", "pid": 1, "slots": 1, "sweep": sweep})["id"]
    ask = {"agent": agent, "host": "h", "request": f"next-{sweep}", "wait": 0}

    def given() -> Any:
        return server.post(f"/api/sweeps/{sweep}/claim", ask)["claimed"]

    claimed = until(given, "fourth run of the imported sweep")
    end: dict[str, Any] = {
        "outcome": "killed",
        "exit_code": None,
        "signal": None,
        "reason": "seen",
        "tail": [],
    }
    server.post(f"/api/runs/{claimed['run']}/complete", {**end, "lease": claimed["lease"]})
    return claimed


def plays(scenario: Callable[[Client], Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


# -- interrupted ----------------------------------------------------------------------------------

RUNS, ROWS = 16, 1200


def many(server: Server, project: str) -> None:
    """Runs with more rows than come in one part, as the client would send them."""
    for number in range(RUNS):
        name = f"{project}-{number}"
        server.graphql(
            "mutation U($n: String, $p: String) { upsertBucket(input: "
            '{name: $n, modelName: $p, host: "h"}) { bucket { name } } }',
            {"n": name, "p": project},
        )
        lines = [json.dumps({"_step": step, "loss": number + step}) for step in range(ROWS)]
        content = {"wandb-history.jsonl": {"offset": 0, "content": lines}}
        body = {"files": content, "complete": True, "exitcode": 0}
        server.stream(project, name, json.dumps(body))


def broken_off(client: Client) -> Any:
    """The importer is killed in the middle, then the server that it writes to; the same command goes on."""
    project = f"broken-{client.version.replace('.', '-')}"
    with client.on_its_own_server() as there, client_target(client) as target:
        many(there.server, project)
        importer = Importer(client, target)
        asked = (f"local/{project}", there.server.url)
        first = importer.start(
            "wandb", asked[0], "--from", asked[1], "--key", KEY, start_new_session=True
        )
        until(lambda: len(rows(target)) >= 2, "rows of two runs")
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
        halves = [run for run in target.get("/api/runs") if run["ended_because"] == HALF]
        second = importer.start("wandb", asked[0], "--from", asked[1], "--key", KEY)
        before = len(rows(target))
        until(lambda: second.poll() is not None or len(rows(target)) > before, "more rows")
        target.kill()
        text, _ = second.communicate(timeout=PATIENCE)
        target.start()
        last = importer.wandb(*asked, "--json")
        again = importer.wandb(*asked, "--json")
        return (halves, second.returncode, text, last, again, target.get("/api/runs"), rows(target))


@contextlib.contextmanager
def client_target(client: Client) -> Any:
    server = Server(client.folder / "target")
    server.start()
    try:
        yield server
    finally:
        if server.process is not None:
            server.kill()


def rows(target: Server) -> dict[str, list[Any]]:
    found = {run["id"]: target.rows(run["id"]) for run in target.get("/api/runs")}
    return {run: kept for run, kept in found.items() if kept}


@pytest.mark.feature("Moving house", "swept import wandb: killed in the middle, it goes on")
@plays(broken_off)
def test_an_import_that_is_killed_goes_on_and_nothing_comes_twice(told: Any) -> None:
    halves, code, text, last, again, runs, rows = told
    assert all((run["state"], run["value"]) == ("killed", None) for run in halves)
    assert code in (0, 1), text
    if code:
        assert "no answer from the server" in text
    assert last.code == 0, last.text
    assert again.json["unchanged"] == RUNS
    assert [run["state"] for run in runs] == ["finished"] * RUNS
    assert {run["id"].rsplit("-", 1)[1] for run in runs} == {str(n) for n in range(RUNS)}
    for run, kept in rows.items():
        number = int(run.rsplit("-", 1)[1])
        assert [row["step"] for row in kept] == list(range(ROWS))
        assert [row["metrics"] for row in kept] == [{"loss": number + n} for n in range(ROWS)]


# -- what only W&B has ----------------------------------------------------------------------------


def peculiar(client: Client) -> Any:
    with oddities.serving() as fake, client_target(client) as target:
        importer = Importer(client, target)
        first = importer.wandb("team/oddities", fake.url, "--json")
        fake.failing = False
        other = importer.wandb("team/other", fake.url, "--json")
        again = importer.wandb("team/oddities", fake.url, "--json")
        sweep = target.get("/api/sweeps/odd1") if first.code < 2 else None
        single = target.get("/api/runs")
        files = {run["id"]: target.get(f"/api/runs/{run['id']}/files") for run in single}
        sparse = (target.rows("sparse"), target.get("/api/runs/sparse/console")["lines"])
        escaped = [str(path) for path in client.folder.rglob("escaped.txt")]
        return (first, other, again, sweep, single, files, sparse, escaped, fake.refused)


@pytest.mark.feature("Moving house", "swept import wandb: W&B's states, odd configs, shared ids")
@plays(peculiar)
def test_what_only_wandb_has(told: Any) -> None:
    first, other, again, sweep, single, files, sparse, escaped, refused = told
    assert refused > 0
    assert first.code == 1, first.text  # a run that never started is left out
    states = {run["id"]: (run["kind"], run["state"]) for run in sweep["runs"]}
    assert states == {
        "good": ("search", "finished"),
        "early": ("search", "stopped"),
        "spot": ("search", "crashed"),
        "broken": ("search", "crashed"),
        "alive": ("search", "killed"),
        "outside": ("manual", "finished"),
    }
    good = next(run for run in sweep["runs"] if run["id"] == "good")
    assert good["config"] == {"lr": 0.1, "net": {"width": 4}}
    assert good["curve"] == [[0, 3], [1, 2]]
    assert "_wandb" not in good["summary"]
    assert (good["created"], good["ended"]) == (1704103200.0, 1704106800.0)
    alive = next(run for run in sweep["runs"] if run["id"] == "alive")
    assert "still running" in alive["ended_because"]
    assert (sweep["state"], sweep["name"]) == ("running", "odd keys")
    words = {one["source"]: one["words"] for one in first.json["sweeps"]}
    assert any("my_own" in word for word in words["odd1"])
    assert any("launch" in word for word in words["odd1"])
    missing = {item["what"]: item["why"] for item in first.json["missing"]}
    assert {"sweep odd2", "run queued", "sparse/../../../escaped.txt"} <= set(missing)
    names = {run["id"] for run in single}
    assert {"own", "orphan", oddities.LONG, oddities.SHARED, "sparse"} <= names
    assert "wandb-sweep.yaml" in {file["name"] for file in files["own"]}
    _check_sparse(sparse, files["sparse"])
    assert escaped == []
    _check_again(single, other, again)


def _check_sparse(sparse: Any, files: list[Any]) -> None:
    kept, lines = sparse
    assert [(row["step"], row["metrics"]["loss"]) for row in kept] == [(5, 1), (900_000, "NaN")]
    assert kept[0]["metrics"]["picture"] == oddities.IMAGE
    assert [line["text"] for line in lines] == ["first", "second"]
    assert {"media/images/a.png", "output.log"} <= {file["name"] for file in files}


def _check_again(single: list[Any], other: Said, again: Said) -> None:
    """The id that two projects share is free but once; a run that is still running is looked at again."""
    assert other.json["new"] == 1
    shared = {run["project"]: run["id"] for run in single if run["id"].startswith(oddities.SHARED)}
    assert shared["oddities"] == oddities.SHARED
    assert re.fullmatch(r"baseline-[0-9a-f]{6}", shared["other"])
    assert (again.json["new"], again.json["updated"]) == (0, 1)


# -- folders --------------------------------------------------------------------------------------


def folders(client: Client) -> Any:
    """Runs logged offline by this version, sent by the newest: whole, killed, cut off, not to be read."""
    project = f"folders-{client.version.replace('.', '-')}"
    newest = Importer(Client(NEWEST, Path(sys.prefix), client.server, client.folder), client.server)
    whole, cut = (_offline(client, project) for _ in range(2))
    killed = _killed(client, project)
    top = client.folder / "wandb"
    file = next(top.glob(f"offline-run-*-{cut}/run-{cut}.wandb"))
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    junk = top / "offline-run-20200101_000000-junkjunk"
    junk.mkdir()
    (junk / "run-junkjunk.wandb").write_bytes(b"not what it seems" * 100)
    listed = sorted(path.name for path in top.rglob("*") if "sync" in path.name)
    first = newest.run("wandb", "--json")
    again = newest.run("./wandb", "--json")
    shutil.rmtree(junk)
    runs = {name: client.server.get(f"/api/runs/{name}") for name in (whole, cut, killed)}
    kept = {name: client.server.rows(name) for name in (whole, cut, killed)}
    marks = sorted(path.name for path in top.rglob("*") if "sync" in path.name)
    return ([whole, cut, killed], first, again, runs, kept, listed == marks)


def _offline(client: Client, project: str, *arguments: str) -> str:
    text = client.run("offline.py", *arguments, WANDB_PROJECT=project)
    found = re.search(r"RUN (\w+)", text)
    assert found is not None, text
    return found[1]


def _killed(client: Client, project: str) -> str:
    """A training that is killed once what it logged has reached the disk."""
    process = subprocess.Popen(
        client.command("offline_killed.py"),
        cwd=client.folder,
        env={**client.environment, "WANDB_PROJECT": project},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if "RUN " in line:
            break
    found = re.search(r"RUN (\w+)", text)
    assert found is not None, text
    file = next((client.folder / "wandb").glob(f"offline-run-*-{found[1]}/run-{found[1]}.wandb"))
    until(lambda: file.stat().st_size > 10_000, "rows on the disk")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return found[1]


@pytest.mark.feature("Moving house", "swept import DIR: offline runs of this version")
@plays(folders)
def test_folders_come_over_as_far_as_they_can_be_read(told: Any) -> None:
    (whole, cut, killed), first, again, runs, kept, same_marks = told
    view = first.json
    assert first.code == 1, first.text
    assert (runs[whole]["state"], runs[whole]["summary"]["verdict"]) == ("finished", "fine")
    assert [row["step"] for row in kept[whole]] == list(range(20))
    assert runs[cut]["state"] in ("crashed", "failed")
    assert runs[killed]["state"] in ("crashed", "failed")
    for run in (cut, killed):
        assert [row["step"] for row in kept[run]] == list(range(len(kept[run])))
    assert len(kept[killed]) > 10
    assert 0 < view["new"] <= 3
    assert any("junkjunk" in item["what"] for item in view["missing"])
    assert (again.json["new"], again.json["unchanged"]) == (0, view["new"])
    assert same_marks


# -- refusals -------------------------------------------------------------------------------------


def refused(client: Client) -> dict[str, Said]:
    importer = Importer(client, client.server)
    hidden = (
        "import sys; sys.modules['wandb'] = None; from swept.cli.main import run; sys.exit(run())"
    )
    missing = subprocess.run(
        [sys.executable, "-c", hidden, "import", "wandb", "a/b"],
        cwd=client.folder,
        env=importer.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    nobody = importer.wandb("local/nothing/nosweep", client.server.url)
    return {
        "same": importer.wandb("local/somewhere", client.server.url),
        "missing": Said(missing.returncode, missing.stderr),
        "nonsense": importer.run("wandb", "a/b/c/d"),
        "no folder": importer.run("nowhere"),
        "no runs": importer.run("."),
        "sweep": nobody,
    }


WORDS: Mapping[str, str] = {
    "same": "is the server that it would be imported into",
    "missing": "pip install 'swept[wandb]'",
    "nonsense": "names no project",
    "no folder": "there is no folder",
    "no runs": "holds no runs",
    "sweep": "is the server that it would be imported into",
}


@plays(refused)
@pytest.mark.parametrize("case", list(WORDS))
def test_what_cannot_be_is_refused_with_a_word(told: Any, case: str) -> None:
    assert told[case].code == 2, told[case].text
    assert WORDS[case] in told[case].text


# -- the project, which takes longest -------------------------------------------------------------

SAME = ("id", "name", "project", "sweep", "kind", "state", "config", "value", "best_value", "steps")
ALSO = ("curve", "defined")


def without_attempts(rows: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What W&B's API shows of a run that was tried several times is the last try."""
    return {run: [(row["step"], row["metrics"]) for row in kept] for run, kept in rows.items()}


def lines(seen: Seen) -> dict[str, list[str]]:
    """Without the blank ones, with which 0.19's `output.log` begins."""
    return {run: [text for _, text, _ in kept if text] for run, kept in seen.console.items()}


def own(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Without `_step` and `_runtime`, which W&B's API adds where they are missing."""
    return {key: value for key, value in summary.items() if not key.startswith("_")}


@pytest.mark.feature("Moving house", "swept import wandb: runs, history with NaN, files, console")
@plays(house)
def test_a_project_comes_over_whole(told: Moved) -> None:
    first = told.said["first"]
    assert first.code == 0, first.text
    assert first.json["new"] == 7
    assert first.json["missing"] == []
    before, after = told.before, told.after
    by_hand = set(told.names.values()) - {told.names["long"]}
    for run in by_hand:
        for key in (*SAME, *ALSO):
            assert after.runs[run][key] == before.runs[run][key], key
        assert own(after.runs[run]["summary"]) == own(before.runs[run]["summary"])
    for run, there in before.runs.items():
        here = after.runs[run]
        for key in ("created", "ended"):
            assert here[key] == pytest.approx(there[key], abs=1.01)
        assert here["created"] <= here["started"] <= here["ended"]
        assert after.runs[run]["attempts"][0]["host"] == there["attempts"][0]["host"]
    assert without_attempts(after.rows) == without_attempts(before.rows)
    assert without_attempts(after.system) == without_attempts(before.system)
    assert after.files == before.files
    assert lines(after) == lines(before)
    if told.version == NEWEST:  # older ones read output.log, which does not tell stderr from stdout
        assert after.console == before.console


@pytest.mark.feature("Moving house", "swept import wandb: names, groups, tags, notes, states")
@plays(house)
def test_what_people_wrote_about_a_run_comes_too(told: Moved) -> None:
    there, here = (seen.runs[told.names["rich"]]["details"] for seen in (told.before, told.after))
    kept = ("group", "job_type", "notes", "tags", "host", "program")
    assert {key: here[key] for key in kept} == {key: there[key] for key in kept}
    assert here["tags"] == ["one", "two"]
    states = {name: told.after.runs[run]["state"] for name, run in told.names.items()}
    assert states == {
        "rich": "finished",
        "failed": "failed",
        "empty": "finished",
        "long": "finished",
    }


@pytest.mark.feature("Moving house", "swept import wandb: a sweep, which goes on where it was")
@plays(house)
def test_a_sweep_comes_over_and_its_search_goes_on_from_the_runs(told: Moved) -> None:
    there, here = told.sweeps
    for key in ("id", "name", "project", "method", "metric"):
        assert here[key] == there[key]
    assert here["state"] == "finished"
    assert [run["kind"] for run in here["runs"]] == ["search"] * 3
    for old, new in zip(there["runs"], here["runs"], strict=True):
        for key in ("id", "number", "name", "config", "curve", "value"):
            assert new[key] == old[key], key
    # An early stop is "finished" in W&B's words: the value at the step that it reached counts all the same.
    assert [run["state"] for run in there["runs"]] == ["finished", "stopped", "failed"]
    assert [run["state"] for run in here["runs"]] == ["finished", "finished", "failed"]
    assert told.fourth["number"] == 4
    assert (told.fourth["config"]["exit"], told.fourth["config"]["lr"]) == (3, 9)


@pytest.mark.feature("Moving house", "swept import wandb: a dry run; again, only what is new")
@plays(house)
def test_again_brings_only_what_is_new(told: Moved) -> None:
    dry, again, later = told.said["dry"].json, told.said["again"].json, told.said["later"].json
    assert (dry["runs"], len(dry["sweeps"])) == (7, 1)
    assert dry["rows"] >= 15
    assert (again["new"], again["updated"], again["unchanged"]) == (0, 0, 7)
    assert (again["rows"], again["files"]) == (0, 0)
    assert (later["new"], later["updated"], later["unchanged"]) == (3, 1, 6)
