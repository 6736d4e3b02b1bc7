"""What the server answers on W&B's wire, asked directly: fences, graces, uploads, oddities."""

from __future__ import annotations

import base64
import json
import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette is between two HTTP clients
    from starlette.testclient import TestClient

from swept.engine import Engine
from swept.model import Attempt, Desired, Kind, Outcome, Run, RunState
from swept.server.app import create_app
from swept.server.context import Context, Settings
from swept.server.wandb.replacing import REPLACE_AFTER, due
from swept.store.sql import SqlStore, open_store
from swept.testing.clock import FakeClock
from swept.think import InlineThinker
from swept.wire.agents import ClaimRequest
from swept.wire.reports import Completion

KEY = "local-" + "7" * 40
SWEEP = """
program: train.py
project: p
method: grid
metric: {name: loss, goal: minimize}
parameters:
  lr: {values: [0.1, 0.2, 0.3]}
"""

UPSERT = """mutation U($name: String, $project: String, $host: String, $config: JSONString, $state: String) {
  upsertBucket(input: {name: $name, modelName: $project, host: $host, config: $config, debug: false}) {
    bucket { id name sweepName historyLineCount project { name entity { name } } } inserted } }"""
RESUME = """query R($project: String, $name: String!) { model(name: $project, entityName: "me") {
  bucket(name: $name, missingOk: true) { name historyLineCount historyTail wandbConfig(keys: ["t"]) } } }"""
BEAT = """mutation H($id: ID!, $runState: JSONString) {
  agentHeartbeat(input: {id: $id, metrics: "{}", runState: $runState}) { agent { id } commands } }"""
CREATE_AGENT = """mutation A($sweep: String!) {
  createAgent(input: {host: "h", sweep: $sweep, entityName: "e", projectName: "p"}) { agent { id } } }"""
FILES = """mutation F($run: String!, $files: [String!]!) {
  createRunFiles(input: {entityName: "e", projectName: "p", runName: $run, files: $files}) {
    runID uploadHeaders files { name uploadUrl } } }"""


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"api:{key}".encode()).decode()}


@dataclass
class Wire:
    """The server's app in this process, on a clock that the test moves."""

    http: TestClient
    store: SqlStore
    engine: Engine
    clock: FakeClock

    @property
    def context(self) -> Context:
        context: Context = self.http.app.state.context  # type: ignore[attr-defined]
        return context

    def ask(self, query: str, key: str = KEY, **variables: Any) -> Any:
        answer = self.http.post(
            "/graphql", json={"query": query, "variables": variables}, headers=basic(key)
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def data(self, query: str, key: str = KEY, **variables: Any) -> Any:
        answer = self.ask(query, key, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    def stream(self, run: str, body: Mapping[str, Any] | str, key: str = KEY) -> Any:
        text = body if isinstance(body, str) else json.dumps(body)
        answer = self.http.post(
            f"/files/local/p/{run}/file_stream", content=text, headers=basic(key)
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def init(self, run: str, key: str = KEY, **config: Any) -> Any:
        wrapped = json.dumps({name: {"value": value} for name, value in config.items()})
        return self.data(UPSERT, key, name=run, project="p", host="h", config=wrapped)[
            "upsertBucket"
        ]

    def beat(self, agent: str, *alive: str) -> list[Any]:
        state = json.dumps(dict.fromkeys(alive, True))
        text = self.data(BEAT, id=agent, runState=state)["agentHeartbeat"]["commands"]
        commands: list[Any] = json.loads(text)
        return commands

    def agent(self, sweep: str) -> str:
        made: str = self.data(CREATE_AGENT, sweep=sweep)["createAgent"]["agent"]["id"]
        return made

    def join(self, run: str, pid: int = 1, *, reports: bool = True) -> Any:
        """What `swept.init` asks under the real agent."""
        answer = self.http.post(
            f"/api/runs/{run}/join",
            json={"host": "h", "pid": pid, "reports": reports},
            headers={"Authorization": f"Bearer {KEY}"},
        )
        return answer.json()

    def report(self, run: str, lease: str, *losses: float, first: int = 1) -> Any:
        reports = [
            {
                "seq": first + n,
                "type": "log",
                "time": 0,
                "step": first + n - 1,
                "metrics": {"loss": loss},
            }
            for n, loss in enumerate(losses)
        ]
        answer = self.http.post(
            f"/api/runs/{run}/reports",
            json={"lease": lease, "reports": reports},
            headers={"Authorization": f"Bearer {lease}"},
        )
        return answer.json()

    def curve(self, run: str) -> list[tuple[int, Any]]:
        return [(row.step, row.metrics.get("loss")) for row in self.store.rows(run)]


def history(*rows: tuple[int, float], offset: int = 0, **more: Any) -> dict[str, Any]:
    lines = [json.dumps({"_step": step, "loss": loss}) for step, loss in rows]
    return {"files": {"wandb-history.jsonl": {"offset": offset, "content": lines}}, **more}


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    store = open_store(f"sqlite:///{tmp_path / 'swept.db'}")
    clock = FakeClock()
    engine = Engine(store, clock, InlineThinker())
    engine.start()
    app = create_app(store, engine, Settings(key=KEY, files=tmp_path / "files"))
    with TestClient(app, base_url="http://127.0.0.1:8000") as http:
        yield Wire(http, store, engine, clock)
    store.close()


@pytest.fixture
def sweep(wire: Wire) -> str:
    return wire.engine.create_sweep(SWEEP)[0].id


def claimed(wire: Wire, sweep: str, request: str = "r1") -> tuple[str, str]:
    """A run and its key, as swept's own agent gets them."""
    agent = wire.store.add_agent(sweep=sweep, host="h", kind="swept", slots=1, now=wire.clock.now())
    _, lease, _ = wire.engine.claim(
        sweep, ClaimRequest(agent=agent.id, host="h", request=request, wait=0.0)
    )
    assert lease is not None
    return lease.run.id, lease.token


# -- under swept's own agent ----------------------------------------------------------------------


def test_a_stale_key_gets_200_and_changes_nothing(wire: Wire, sweep: str) -> None:
    run, old = claimed(wire, sweep)
    wire.init(run, old)
    wire.stream(run, history((0, 1.0), (1, 2.0)), old)
    released = Completion(
        lease=old, outcome="released", exit_code=None, signal=15, reason="Ctrl+C", tail=[]
    )
    wire.engine.complete(run, old, released)
    again, new = claimed(wire, sweep, "r2")
    assert again == run
    answer = wire.stream(run, history((2, 99.0), complete=True, exitcode=0), old)
    assert answer["stopped"] is True
    wire.init(run, old, lr=5)
    assert wire.curve(run) == [(0, 1.0), (1, 2.0)]
    assert wire.store.run(run).state == "running"
    assert wire.data(RESUME, new, project="p", name=run)["model"]["bucket"] is None
    wire.init(run, new)
    wire.stream(run, history((0, 7.0)), new)
    assert wire.curve(run) == [(0, 7.0)]


def test_a_lease_that_only_ran_out_is_taken_back_by_a_post(wire: Wire, sweep: str) -> None:
    run, key = claimed(wire, sweep)
    wire.init(run, key)
    wire.clock.advance(100)
    wire.store.expire(now=wire.clock.now())
    assert wire.store.run(run).state == "pending"
    wire.stream(run, history((0, 1.0)), key)
    assert wire.store.run(run).state == "running"
    assert wire.curve(run) == [(0, 1.0)]


def test_complete_does_not_end_a_run_whose_exit_code_will(wire: Wire, sweep: str) -> None:
    run, key = claimed(wire, sweep)
    wire.init(run, key)
    wire.stream(run, history((0, 1.0), complete=True, exitcode=0), key)
    assert wire.store.run(run).state == "running"


def test_a_second_init_opens_a_new_attempt_and_uses_no_retry(wire: Wire, sweep: str) -> None:
    run, key = claimed(wire, sweep)
    wire.init(run, key)
    wire.stream(run, history((0, 1.0), (1, 2.0), complete=True, exitcode=0), key)
    wire.init(run, key)
    wire.init(run, key)  # the same request once more, as after a lost answer
    wire.stream(run, history((0, 5.0)), key)
    found = wire.store.run(run)
    assert [attempt.number for attempt in found.attempts] == [1, 2]
    assert found.retries == 0
    assert wire.curve(run) == [(0, 5.0)]


def test_only_overwrites_of_swept_keys_count_as_effective(wire: Wire, sweep: str) -> None:
    run, key = claimed(wire, sweep)
    wire.init(run, key, lr=0.1, optimizer="sgd")
    assert wire.store.run(run).effective_config is None
    wire.init(run, key, lr=0.25, optimizer="sgd")
    assert wire.store.run(run).effective_config == {"lr": 0.25}
    assert wire.store.run(run).config == {"lr": 0.1}


def test_a_runs_key_reports_for_its_run_and_for_those_by_hand_only(wire: Wire, sweep: str) -> None:
    _, key = claimed(wire, sweep)
    other, _ = claimed(wire, sweep, "r2")
    wire.init(other)
    wire.stream(other, history((0, 99.0)), key)
    assert wire.curve(other) == []
    assert "errors" in wire.ask(UPSERT, key, name=other, project="p", host="h")
    assert "errors" in wire.ask(CREATE_AGENT, key, sweep=sweep)
    wire.init("beside", key)
    wire.stream("beside", history((0, 1.0)), key)
    assert wire.curve("beside") == [(0, 1.0)]


def test_a_stale_attempt_uploads_nothing(wire: Wire, sweep: str) -> None:
    run, old = claimed(wire, sweep)
    wire.init(run, old)
    released = Completion(
        lease=old, outcome="released", exit_code=None, signal=15, reason="Ctrl+C", tail=[]
    )
    wire.engine.complete(run, old, released)
    claimed(wire, sweep, "r2")
    asked = wire.data(FILES, old, run=run, files=["config.yaml"])
    url = asked["createRunFiles"]["files"][0]["uploadUrl"]
    path = url.removeprefix("http://127.0.0.1:8000")
    assert wire.http.put(path, content=b"old").status_code == 200
    assert wire.store.files(run) == []


# -- under the real agent -------------------------------------------------------------------------


def test_a_lost_answer_gives_the_same_run_once_more(wire: Wire, sweep: str) -> None:
    agent = wire.agent(sweep)
    (first,) = wire.beat(agent)
    assert first["type"] == "run"
    assert first["args"] == {"lr": {"value": 0.1}}
    (second,) = wire.beat(agent)
    assert second == first
    assert wire.beat(agent)[0]["run_id"] != first["run_id"]
    assert wire.store.run(first["run_id"]).state == "failed"


def test_a_busy_agent_gets_no_second_run(wire: Wire, sweep: str) -> None:
    agent = wire.agent(sweep)
    run = wire.beat(agent)[0]["run_id"]
    assert wire.beat(agent, run) == []


def test_a_stop_is_graceful_first_and_repeated_until_the_run_is_gone(
    wire: Wire, sweep: str
) -> None:
    agent = wire.agent(sweep)
    run = wire.beat(agent)[0]["run_id"]
    wire.init(run)
    now = wire.clock.now()
    wire.store.set_desired(run, Desired.STOP, reason="too bad", by="search", now=now)
    assert wire.stream(run, {})["stopped"] is True
    assert wire.beat(agent, run) == []
    wire.clock.advance(21)
    assert wire.beat(agent, run) == [{"type": "stop", "run_id": run}]
    assert wire.beat(agent, run) == [{"type": "stop", "run_id": run}]
    assert wire.beat(agent) == []
    wire.clock.advance(16)
    wire.beat(agent)
    assert wire.store.run(run).state == "stopped"
    assert wire.store.run(run).ended_because == "too bad"


def test_a_function_is_stopped_in_its_thread_at_once(wire: Wire) -> None:
    sweep = wire.engine.create_sweep(SWEEP.replace("program: train.py\n", ""))[0].id
    agent = wire.agent(sweep)
    run = wire.beat(agent)[0]["run_id"]
    wire.init(run)
    now = wire.clock.now()
    wire.store.set_desired(run, Desired.STOP, reason="too bad", by="search", now=now)
    assert wire.beat(agent, run) == [{"type": "stop", "run_id": run}]
    assert wire.beat(agent) == []  # its thread is finishing
    wire.stream(run, {"complete": True, "exitcode": 1})
    assert wire.store.run(run).state == "stopped"


def test_exit_waits_for_the_runs_of_a_cancelled_sweep(wire: Wire, sweep: str) -> None:
    agent = wire.agent(sweep)
    run = wire.beat(agent)[0]["run_id"]
    wire.init(run)
    wire.engine.set_state(sweep, "cancelled")
    assert wire.beat(agent, run) == []
    wire.stream(run, history((0, 1.0), complete=True, exitcode=255))
    assert wire.store.run(run).state == "killed"
    assert wire.beat(agent, run) == []
    assert wire.beat(agent) == [{"type": "exit"}]


def test_a_silent_run_crashes_and_a_late_post_revives_it(wire: Wire, sweep: str) -> None:
    agent = wire.agent(sweep)
    run = wire.beat(agent)[0]["run_id"]
    wire.init(run)
    wire.stream(run, history((0, 1.0)))
    wire.clock.advance(179)
    assert wire.engine.reap() == []
    wire.clock.advance(2)
    wire.engine.reap()
    assert wire.store.run(run).state == "crashed"
    wire.stream(run, history((1, 0.5), complete=True, exitcode=0))
    assert wire.store.run(run).state == "finished"
    assert wire.curve(run) == [(0, 1.0), (1, 0.5)]


def test_an_agent_that_says_a_crashed_run_is_alive_revives_it(wire: Wire, sweep: str) -> None:
    agent = wire.agent(sweep)
    run = wire.beat(agent)[0]["run_id"]
    wire.init(run)
    wire.clock.advance(181)
    wire.engine.reap()
    assert wire.store.run(run).state == "crashed"
    assert wire.beat(agent, run, "somebody-elses") == []
    assert wire.store.run(run).state == "running"


def test_a_preempted_run_goes_on_under_its_id(wire: Wire, sweep: str) -> None:
    agent = wire.agent(sweep)
    run = wire.beat(agent)[0]["run_id"]
    wire.init(run)
    wire.stream(run, {**history((0, 1.0)), "preempting": True})
    wire.stream(run, {"complete": True, "exitcode": 1})
    assert wire.store.run(run).state == "pending"
    (command,) = wire.beat(agent)
    assert (command["type"], command["run_id"]) == ("resume", run)
    bucket = wire.data(RESUME, project="p", name=run)["model"]["bucket"]
    assert json.loads(json.loads(bucket["historyTail"])[0])["_step"] == 0
    wire.init(run)
    wire.stream(run, history((1, 0.5)))
    assert wire.curve(run) == [(0, 1.0), (1, 0.5)]


def test_the_program_sees_only_what_swept_injects_when_there_is_no_command(
    wire: Wire, sweep: str
) -> None:
    query = """query S($s: String!) { project(name: "p") { sweep(sweepName: $s) { id state config
      runs { edges { node { name sampledHistory(specs: "{}") } } } } } }"""
    config = wire.data(query, s=sweep)["project"]["sweep"]["config"]
    assert "WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL=2" in config
    own = wire.engine.create_sweep(SWEEP + "command: [python, '${program}']\n")[0].id
    assert "WANDB_X" not in wire.data(query, s=own)["project"]["sweep"]["config"]
    assert wire.data(query, s="nothing")["project"]["sweep"] is None


def test_mistakes_in_a_sweep_come_back_as_errors_for_people(wire: Wire) -> None:
    query = """mutation S($c: String) { upsertSweep(input: {config: $c, projectName: "p"}) {
      sweep { name } configValidationWarnings } }"""
    answer = wire.ask(query, c="method: grid\nprogram: t.py\nparameters:\n  lr: {min: 2, max: 1}\n")
    assert "lr" in answer["errors"][0]["message"]
    assert wire.store.sweeps() == []
    good = wire.data(query, c=SWEEP)["upsertSweep"]
    assert isinstance(good["configValidationWarnings"], list)


# -- swept's SDK under the real agent -------------------------------------------------------------


def test_a_program_joins_the_run_that_its_agent_was_given(wire: Wire, sweep: str) -> None:
    agent = wire.agent(sweep)
    run = wire.beat(agent)[0]["run_id"]
    claimed = wire.join(run)
    assert (claimed["run"], claimed["config"], claimed["metric"]) == (run, {"lr": 0.1}, "loss")
    assert wire.report(run, claimed["lease"], 3.0, 2.0)["acknowledged"] == 2
    assert wire.beat(agent, run) == []
    assert wire.curve(run) == [(0, 3.0), (1, 2.0)]
    ended = Completion(
        lease=claimed["lease"], outcome="finished", exit_code=0, signal=None, reason="", tail=[]
    )
    wire.engine.complete(run, claimed["lease"], ended)
    assert wire.beat(agent, run) == []  # the process is still ending
    assert wire.beat(agent)[0]["run_id"] != run
    found = wire.store.run(run)
    assert (found.state, len(found.attempts)) == ("finished", 1)


def test_joining_again_gives_one_process_the_same_and_a_later_one_an_attempt_of_its_own(
    wire: Wire, sweep: str
) -> None:
    run = wire.beat(wire.agent(sweep))[0]["run_id"]
    first = wire.join(run)
    assert wire.join(run) == first
    assert wire.join(run, pid=2, reports=False) == first  # a data loader's worker
    wire.report(run, first["lease"], 3.0, 2.0)
    second = wire.join(run, pid=2)
    assert second["attempt"] == 2
    wire.report(run, second["lease"], 9.0)
    assert wire.curve(run) == [(0, 9.0)]
    assert wire.store.run(run).retries == 0


def test_only_runs_of_a_wandb_agent_that_are_not_over_are_joined(wire: Wire, sweep: str) -> None:
    own, _ = claimed(wire, sweep)
    assert "not started by a `wandb agent`" in wire.join(own)["message"]
    run = wire.beat(wire.agent(sweep))[0]["run_id"]
    wire.init(run)
    wire.stream(run, {"complete": True, "exitcode": 0})
    assert "is finished already" in wire.join(run)["message"]
    assert wire.join("nothing")["error"] == "NotFound"


def test_wandb_beside_the_sdk_ends_nothing_and_begins_nothing(wire: Wire, sweep: str) -> None:
    agent = wire.agent(sweep)
    run = wire.beat(agent)[0]["run_id"]
    lease = wire.join(run)["lease"]
    wire.report(run, lease, 3.0)
    wire.init(run)
    wire.stream(run, {**history((1, 2.0)), "complete": True, "exitcode": 0})
    found = wire.store.run(run)
    assert (found.state, len(found.attempts)) == ("running", 1)
    assert wire.curve(run) == [(0, 3.0), (1, 2.0)]


def test_a_joined_program_that_dies_without_a_word_is_closed_by_its_agents_heartbeat(
    wire: Wire, sweep: str
) -> None:
    agent = wire.agent(sweep)
    run = wire.beat(agent)[0]["run_id"]
    wire.report(run, wire.join(run)["lease"], 3.0)
    wire.beat(agent, run)
    wire.beat(agent)
    wire.clock.advance(16)
    wire.beat(agent)
    assert wire.store.run(run).state == "crashed"
    assert "without a word" in wire.store.run(run).ended_because


def test_a_joined_program_is_ended_only_if_it_reports_on_after_the_order(
    wire: Wire, sweep: str
) -> None:
    agent = wire.agent(sweep)
    run = wire.beat(agent)[0]["run_id"]
    lease = wire.join(run)["lease"]
    wire.report(run, lease, 3.0)
    now = wire.clock.now()
    wire.store.set_desired(run, Desired.STOP, reason="too bad", by="search", now=now)
    assert wire.beat(agent, run) == []
    wire.clock.advance(50)  # in the middle of a long epoch
    assert wire.beat(agent, run) == []
    assert wire.report(run, lease, 3.0, first=2)["desired"] == "stop"
    assert wire.beat(agent, run) == []
    wire.clock.advance(21)
    assert wire.beat(agent, run) == [{"type": "stop", "run_id": run}]


def test_a_joined_run_outlives_its_agent_by_its_own_reports(wire: Wire, sweep: str) -> None:
    run = wire.beat(wire.agent(sweep))[0]["run_id"]
    lease = wire.join(run)["lease"]
    for _ in range(5):
        wire.clock.advance(50)
        wire.engine.reap()
        wire.report(run, lease)
    assert wire.store.run(run).state == "running"


# -- runs with an earlier attempt -----------------------------------------------------------------


def released(wire: Wire, run: str, lease: str) -> None:
    completion = Completion(
        lease=lease, outcome="released", exit_code=None, signal=15, reason="Ctrl+C", tail=[]
    )
    wire.engine.complete(run, lease, completion)


def test_a_run_with_an_earlier_attempt_is_replaced_after_a_wait_and_counted_once(
    wire: Wire,
) -> None:
    capped = SWEEP.replace("grid", "random") + "run_cap: 2\n"
    sweep = wire.engine.create_sweep(capped)[0].id
    run, lease = claimed(wire, sweep)
    wire.init(run, lease)
    wire.stream(run, history((0, 5.0)), lease)
    released(wire, run, lease)
    agent = wire.agent(sweep)
    second = wire.beat(agent)[0]["run_id"]
    assert second != run
    wire.init(second)
    wire.stream(second, {"complete": True, "exitcode": 0})
    assert wire.beat(agent) == []  # swept's own agents may still come for it
    wire.clock.advance(301)
    third = wire.beat(agent)[0]["run_id"]
    new, old = wire.store.run(third), wire.store.run(run)
    assert (new.retry_of, new.config, new.seed) == (run, old.config, old.seed)
    assert (old.state, old.ended_because) == (
        "killed",
        "run 3 takes its place, from the beginning",
    )
    assert wire.store.history(sweep).counted() == 2
    wire.init(third)
    wire.stream(third, {"complete": True, "exitcode": 0})
    assert wire.beat(agent) == [{"type": "exit"}]
    assert len(wire.store.history(sweep).runs) == 3


def pending(**attempt: Any) -> Run:
    tried = Attempt(1, "a", "h", started=0.0, ended=100.0, **attempt)
    run = Run("r", "p", "s", 1, "", Kind.SEARCH, RunState.PENDING, {}, attempts=(tried,))
    return replace(run, pending_since=100.0)


def test_what_is_due_to_be_replaced() -> None:
    lost, preempted = pending(outcome=Outcome.LOST), pending(outcome=Outcome.PREEMPTED)
    fresh = replace(lost, attempts=())
    running = replace(lost, state=RunState.RUNNING)
    runs = [lost, preempted, fresh, running]
    assert due(runs, 100.0 + REPLACE_AFTER) == [lost]
    assert due(runs, 99.0 + REPLACE_AFTER) == []


def test_the_seed_reaches_the_program_as_the_parameter_that_takes_it(wire: Wire) -> None:
    text = SWEEP + "  seed: {value: 0}\nswept: {seed: seed}\n"
    sweep = wire.engine.create_sweep(text)[0].id
    command = wire.beat(wire.agent(sweep))[0]
    run = wire.store.run(command["run_id"])
    assert command["args"]["seed"] == {"value": run.seed}
    wire.init(run.id, lr=0.1, seed=run.seed)
    assert wire.store.run(run.id).effective_config is None


# -- plain scripts, and the file stream -----------------------------------------------------------


def test_an_init_under_the_id_of_an_ended_run_opens_a_new_attempt(wire: Wire) -> None:
    wire.init("again")
    wire.stream("again", history((0, 1.0), (1, 2.0), complete=True, exitcode=0))
    assert wire.store.run("again").state == "finished"
    wire.init("again")
    wire.stream("again", history((0, 7.0)))
    found = wire.store.run("again")
    assert (found.state, [attempt.number for attempt in found.attempts]) == ("running", [1, 2])
    assert wire.curve("again") == [(0, 7.0)]
    wire.stream("again", {"complete": True, "exitcode": 1})
    assert wire.store.run("again").state == "failed"


def test_an_ended_run_is_resumed_after_its_last_step(wire: Wire) -> None:
    wire.init("on")
    wire.stream("on", history((0, 1.0), (1, 2.0), complete=True, exitcode=0))
    bucket = wire.data(RESUME, project="p", name="on")["model"]["bucket"]
    assert bucket["historyLineCount"] == 2
    wire.init("on")
    wire.stream("on", history((2, 3.0), complete=True, exitcode=0))
    assert wire.curve("on") == [(0, 1.0), (1, 2.0), (2, 3.0)]
    wire.init("on")  # and a third process, which does not resume
    wire.stream("on", history((0, 8.0)))
    assert wire.curve("on") == [(0, 8.0)]


def test_a_stop_of_the_first_life_does_not_end_the_second(wire: Wire) -> None:
    wire.init("twice")
    now = wire.clock.now()
    wire.store.set_desired("twice", Desired.STOP, reason="enough", by="person", now=now)
    wire.stream("twice", {"complete": True, "exitcode": 255})
    assert wire.store.run("twice").state == "stopped"
    wire.init("twice")
    assert "stopped" not in wire.stream("twice", history((0, 1.0)))


def test_what_the_search_has_seen_is_not_overwritten(wire: Wire, sweep: str) -> None:
    run = wire.beat(wire.agent(sweep))[0]["run_id"]
    wire.init(run)
    wire.stream(run, history((0, 1.0), complete=True, exitcode=0))
    answer = wire.ask(UPSERT, name=run, project="p", host="h")
    assert "is over (finished)" in answer["errors"][0]["message"]
    wire.data(RESUME, project="p", name=run)
    wire.init(run)
    wire.stream(run, history((1, 2.0), complete=True, exitcode=0))
    assert wire.curve(run) == [(0, 1.0), (1, 2.0)]
    assert wire.store.run(run).state == "finished"


def test_rows_are_kept_by_step_and_repeats_change_nothing(wire: Wire) -> None:
    wire.init("plain-1")
    wire.stream("plain-1", history((0, 1.0), (1, 2.0)))
    wire.stream("plain-1", history((0, 1.0), (1, 2.0)))
    wire.stream("plain-1", history((1, 2.0), (2, 3.0), offset=5))  # as `wandb sync` does
    assert wire.curve("plain-1") == [(0, 1.0), (1, 2.0), (2, 3.0)]


def test_bare_nan_tokens_go_in_and_out(wire: Wire) -> None:
    wire.init("odd")
    line = '{"_step":0,"loss":NaN,"a":Infinity,"b":-Infinity}'
    body = {"files": {"wandb-history.jsonl": {"offset": 0, "content": [line]}}}
    wire.stream("odd", json.dumps(body))
    query = '{ project(name: "p") { run(name: "odd") { history(samples: 5) summaryMetrics } } }'
    run = wire.data(query)["project"]["run"]
    assert "NaN" in run["history"][0]
    assert math.isnan(json.loads(run["summaryMetrics"])["loss"])


@pytest.mark.parametrize("last", [0, 1], ids=["newer clients", "older clients"])
def test_pages_of_single_metrics_neither_overlap_nor_leave_gaps(wire: Wire, last: int) -> None:
    wire.init("long")
    wire.stream("long", history(*((step, float(step)) for step in range(5))))
    query = """query Q($specs: [JSONString!]!) { project(name: "p") { run(name: "long") {
      sampledHistory(specs: $specs) } } }"""
    found = []
    for first in (0, 2, 4):
        spec = {"keys": ["loss"], "minStep": first, "maxStep": first + 1 + last, "samples": 2}
        run = wire.data(query, specs=[json.dumps(spec)])["project"]["run"]
        found += [row["loss"] for row in run["sampledHistory"][0]]
    assert found == [0, 1, 2, 3, 4]


def test_rows_without_a_step_are_numbered(wire: Wire) -> None:
    wire.init("shared")
    body = {
        "files": {"wandb-history.jsonl": {"offset": 0, "content": ['{"loss":1}', '{"loss":2}']}}
    }
    wire.stream("shared", body)
    wire.stream("shared", body)
    assert [step for step, _ in wire.curve("shared")] == [0, 1, 2, 3]


def test_unreadable_lines_are_counted_and_the_rest_is_kept(wire: Wire) -> None:
    wire.init("half")
    body = {
        "files": {
            "wandb-history.jsonl": {"offset": 0, "content": ["{", '{"_step":1,"loss":1}', 5]},
            "wandb-events.jsonl": "nonsense",
            "output.log": {"offset": 2, "content": ["ERROR 2026-01-01T00:00:00.5 oh", "no time"]},
        },
        "exitcode": "x",
    }
    wire.stream("half", body)
    assert wire.curve("half") == [(1, 1)]
    lines = wire.store.console("half")
    assert [(line["number"], line["stream"], line["text"]) for line in lines] == [
        (2, "stderr", "oh"),
        (3, "stdout", "no time"),
    ]
    assert wire.context.unknown["file_stream(unreadable line)"] == 2


def test_a_post_that_is_cut_off_is_asked_for_again(wire: Wire) -> None:
    wire.init("cut")
    answer = wire.http.post(
        "/files/local/p/cut/file_stream", content='{"files": {', headers=basic(KEY)
    )
    assert answer.status_code >= 500


def test_a_post_for_a_deleted_run_is_answered_quietly(wire: Wire) -> None:
    assert wire.stream("never-heard-of", history((0, 1.0)))["stopped"] is True


def test_a_client_that_uses_one_id_in_two_projects_gets_two_runs(wire: Wire) -> None:
    first = wire.data(UPSERT, name="same", project="p", host="h")["upsertBucket"]["bucket"]
    second = wire.data(UPSERT, name="same", project="q", host="h")["upsertBucket"]["bucket"]
    assert first["name"] == "same"
    assert second["name"] != "same"
    again = wire.data(UPSERT, name="same", project="q", host="h")["upsertBucket"]
    assert (again["inserted"], again["bucket"]["name"]) == (False, second["name"])


# -- files ----------------------------------------------------------------------------------------


def test_files_go_up_and_down_by_signed_absolute_urls(wire: Wire) -> None:
    wire.init("f")
    answer = wire.http.post(
        "/graphql",
        json={"query": FILES, "variables": {"run": "f", "files": ["media/a b.txt"]}},
        headers={
            **basic(KEY),
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "sweeps.example",
            "X-Forwarded-Prefix": "/wb",
        },
    )
    url = answer.json()["data"]["createRunFiles"]["files"][0]["uploadUrl"]
    assert url.startswith("https://sweeps.example/wb/files/local/p/f/media/a%20b.txt?")
    path = url.removeprefix("https://sweeps.example/wb")
    assert wire.http.put(path, content=b"hello").status_code == 200
    assert wire.http.get(path).content == b"hello"
    assert [file.name for file in wire.store.files("f")] == ["media/a b.txt"]
    assert wire.http.put(path.replace("signature=", "signature=0")).status_code == 401
    assert wire.http.get("/files/local/p/f/media/a%20b.txt").status_code == 401
    query = (
        'query { project(name: "p") { run(name: "f") { files { edges { node { directUrl } } } } } }'
    )
    (edge,) = wire.data(query)["project"]["run"]["files"]["edges"]
    read = "/files" + edge["node"]["directUrl"].partition("/files")[2]
    assert wire.http.get(read).content == b"hello"
    assert wire.http.put(read, content=b"other").status_code == 401


def test_a_file_name_cannot_leave_the_runs_folder(wire: Wire) -> None:
    wire.init("f")
    files = wire.data(FILES, run="f", files=["../../key", "good.txt"])["createRunFiles"]["files"]
    assert [file["uploadUrl"].partition("?")[0].rpartition("/")[2] for file in files] == [
        "good.txt"
    ]
    assert wire.context.unknown["createRunFiles(a bad name)"] == 1


# -- GraphQL --------------------------------------------------------------------------------------


def test_unknown_fields_are_null_and_counted(wire: Wire) -> None:
    data = wire.data("{ viewer { id nickname } somethingNew(x: 1) { y } }")
    assert data == {"viewer": {"id": "local", "nickname": None}, "somethingNew": None}
    assert wire.context.unknown["User.nickname"] == 1
    assert wire.context.unknown["Query.somethingNew"] == 1


def test_unknown_arguments_are_ignored_and_counted(wire: Wire) -> None:
    wire.init("r")
    query = '{ project(name: "p", colour: "red") { run(name: "r") { name } } }'
    assert wire.data(query)["project"]["run"]["name"] == "r"
    assert wire.context.unknown["Query.project(colour)"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer {",
        "",
        "{ a" * 3000,
        "{ viewer { ...A } } "
        + " ".join(
            f"fragment {a} on User {{ ...{b} ...{b} }}"
            for a, b in zip(
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcd", "BCDEFGHIJKLMNOPQRSTUVWXYZabcde", strict=True
            )
        ),
        "{ viewer { ...A } } fragment A on User { ...A }",
        "subscription { runs { id } }",
        "{ x " * 1 + "y " * 300_000 + "}",
    ],
    ids=["cut", "empty", "deep", "bomb", "cycle", "subscription", "long"],
)
def test_hostile_documents_get_one_clear_error(wire: Wire, query: str) -> None:
    answer = wire.ask(query)
    assert answer["data"] is None
    assert len(answer["errors"]) == 1


def test_fragments_aliases_and_directives(wire: Wire) -> None:
    query = """query Q($no: Boolean!) { me: viewer { ...F ... on User { email } ... on Other { id } }
      viewer { id @include(if: $no) username @skip(if: $no) } } fragment F on User { id }"""
    assert wire.data(query, no=False) == {
        "me": {"id": "local", "email": ""},
        "viewer": {"username": "local"},
    }


def test_old_clients_find_what_is_served_and_empty_lists_for_the_rest(wire: Wire) -> None:
    query = """{ M: __type(name: "Mutation") { fields { name } } U: __type(name: "Nope") { fields { name } inputFields { name } } }"""
    data = wire.data(query)
    assert {"name": "createRunFiles"} in data["M"]["fields"]
    assert data["U"] == {"fields": [], "inputFields": []}


def test_what_is_not_served_is_declined_in_one_line(wire: Wire) -> None:
    answer = wire.ask('mutation { linkArtifact(input: {artifactID: "x"}) { versionIndex } }')
    assert "registry" in answer["errors"][0]["message"]


def test_a_wrong_key_is_401_in_words_that_the_client_shows(wire: Wire) -> None:
    answer = wire.http.post(
        "/graphql", json={"query": "{ viewer { id } }"}, headers=basic("local-" + "0" * 40)
    )
    assert answer.status_code == 401
    (error,) = answer.json()["errors"]  # all that the client shows of it
    assert "not this server's API key" in error["message"]
    assert "WANDB_API_KEY" in error["message"]


def test_runs_are_filtered_and_ordered_like_mongo(wire: Wire) -> None:
    for number, loss in enumerate([3.0, 1.0, math.nan, 2.0]):
        wire.init(f"run{number}", lr=number, tag="x" if number else "y")
        wire.stream(f"run{number}", history((0, loss)))
    wire.init("run9")
    query = """query R($f: JSONString, $o: String, $n: Int, $a: String) { project(name: "p") {
      runs(filters: $f, order: $o, first: $n, after: $a) { edges { node { name } cursor } pageInfo { hasNextPage endCursor } } } }"""

    def names(**variables: Any) -> list[str]:
        edges = wire.data(query, **variables)["project"]["runs"]["edges"]
        return [edge["node"]["name"] for edge in edges]

    up, down = names(o="+summary_metrics.loss"), names(o="-summary_metrics.loss")
    assert up[:3] == ["run1", "run3", "run0"]
    assert down[:3] == ["run0", "run3", "run1"]
    assert set(up[3:]) == set(down[3:]) == {"run2", "run9"}
    assert names(f='{"config.lr.value": {"$gte": 1, "$lt": 3}}') == ["run1", "run2"]
    assert names(f='{"$or": [{"name": "run0"}, {"config.tag": {"$regex": "^x"}}]}', n=2) == [
        "run0",
        "run1",
    ]
    page = wire.data(query, n=2)["project"]["runs"]
    assert page["pageInfo"]["hasNextPage"]
    assert names(n=2, a=page["edges"][-1]["cursor"]) == ["run2", "run3"]
    assert "errors" in wire.ask(query, f='{"name": {"$where": 1}}')
