"""The native API through our own client, and through requests that our client would never send."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swept import wire
from swept.client import Client
from swept.errors import (
    Conflict,
    LeaseLost,
    NotFound,
    ServerUnreachable,
    SpecError,
    Unauthorized,
)
from swept.store.base import Store
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import KEY, Served, in_memory
from swept.wire.agents import Claimed, ClaimRequest, ManualRun
from swept.wire.reports import Completion, ConsoleLine, Report
from swept.wire.runs import NewRun
from swept.wire.sweeps import NewSweep

SWEEP = """
method: random
program: train.py
metric: {name: loss, goal: minimize}
run_cap: 4
parameters: {lr: {min: 0.001, max: 0.1}, epochs: {value: 3}}
early_terminate: {type: hyperband, min_iter: 2}
swept: {epochs: epochs}
"""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/swept.db", identities=SeededIdentities(1))
    yield opened
    opened.close()


@pytest.fixture
def served(store: Store, clock: FakeClock, tmp_path: Path) -> Served:
    return in_memory(store, clock, tmp_path / "files")


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with served.client() as made:
        yield made


def create(client: Client, text: str = SWEEP) -> str:
    return client.create_sweep({"text": text, "path": "", "mode": "create"})["id"]


def claim(client: Client, sweep: str, request: str = "r") -> Claimed:
    agent = client.start_agent({"host": "one", "pid": 1, "slots": 1, "sweep": sweep})["id"]
    answer = client.claim(sweep, {"agent": agent, "host": "one", "request": request, "wait": 0.0})
    assert answer["claimed"] is not None, answer
    return answer["claimed"]


def log(seq: int, step: int, **metrics: Any) -> Report:
    return {"seq": seq, "type": "log", "time": 0.0, "step": step, "metrics": metrics}


def completion(lease: str, outcome: str = "finished") -> Completion:
    return {
        "lease": lease,
        "outcome": outcome,
        "exit_code": 0,
        "signal": None,
        "reason": "it ended",
        "tail": [],
    }


def test_a_server_that_is_ending_is_not_there(client: Client) -> None:
    """Else a command finds it, and has its next request refused; unreachable, it starts the next server instead."""
    assert client.handshake()["app"] == "swept"
    client.stop()
    with pytest.raises(ServerUnreachable, match="ending"):
        client.handshake()


# -- a run's life ---------------------------------------------------------------------------------


def test_the_program_gets_its_seed_as_the_parameter_that_the_file_names(client: Client) -> None:
    text = SWEEP.replace("epochs: {value: 3}}", "epochs: {value: 3}, s: {value: 0}}").replace(
        "swept: {epochs: epochs}", "swept: {epochs: epochs, seed: s}"
    )
    claimed = claim(client, create(client, text))
    assert claimed["seed"] is not None
    assert claimed["config"]["s"] == claimed["seed"]
    assert (
        client.run(claimed["run"])["config"]["s"] == 0
    )  # grid and lineage go by what was suggested


def test_the_whole_life_of_a_run(client: Client) -> None:
    sweep = create(client)
    claimed = claim(client, sweep)
    run, lease = claimed["run"], claimed["lease"]
    assert (claimed["epochs"], claimed["metric"], claimed["command"]) == (3, "loss", [])
    reports = [
        log(1, 1, loss=0.5, acc=0.1),
        {"seq": 2, "type": "checkpoint", "time": 0.0, "step": 1, "place": "/c/1", "host": "h"},
        {"seq": 3, "type": "effective", "time": 0.0, "config": {"lr": 0.05, "epochs": 3}},
        {"seq": 4, "type": "summary", "time": 0.0, "values": {"best": 0.4}},
        log(5, 2, loss=0.4),
    ]
    answer = client.reports(run, {"lease": lease, "reports": reports})  # type: ignore[typeddict-item]
    assert (answer["acknowledged"], answer["lease"], answer["desired"]) == (5, "ok", "go")
    line: ConsoleLine = {"number": 0, "text": "epoch 1", "stream": "stdout", "time": 0.0}
    client.add_console(run, {"lease": lease, "lines": [line]})
    assert client.complete(run, completion(lease)) == {"state": "finished", "retried": False}

    view = client.run(run)
    assert (view["state"], view["value"], view["steps"]) == ("finished", 0.4, 2)
    assert view["curve"] == [[1, 0.5], [2, 0.4]]
    assert view["effective_config"] == {"lr": 0.05, "epochs": 3}
    assert view["summary"]["best"] == 0.4
    assert view["resumable"]
    assert [row["metrics"] for row in client.history(run, keys=["acc"])] == [{"acc": 0.1}]
    assert [row["step"] for row in client.history(run, since=2)] == [2]
    page = client.console(run)
    assert [entry["text"] for entry in page["lines"]] == ["epoch 1"]
    assert client.console(run, page["next"])["lines"] == []
    whole = client.sweep(sweep)
    assert whole["best"] is not None
    assert whole["best"]["id"] == run
    assert whole["counts"] == {"finished": 1}
    (brief,) = client.sweeps()
    assert (brief["id"], brief["runs"], brief["counts"]) == (sweep, [], {"finished": 1})


def test_claim_reports_and_complete_may_be_repeated(client: Client) -> None:
    sweep = create(client)
    agent = client.start_agent({"host": "one", "pid": 1, "slots": 1})["id"]
    request: ClaimRequest = {"agent": agent, "host": "one", "request": "r", "wait": 0.0}
    first, again = client.claim(sweep, request), client.claim(sweep, request)
    assert first == again
    assert first["claimed"] is not None
    run, lease = first["claimed"]["run"], first["claimed"]["lease"]
    for _ in range(2):
        sent = client.reports(run, {"lease": lease, "reports": [log(1, 1, loss=0.5)]})
        assert sent["acknowledged"] == 1
    assert len(client.history(run)) == 1
    assert client.complete(run, completion(lease)) == client.complete(run, completion(lease))
    with pytest.raises(LeaseLost):
        client.reports(run, {"lease": lease, "reports": [log(2, 2, loss=0.5)]})


def test_a_lease_that_runs_out_is_lost_to_its_holder(
    client: Client, served: Served, clock: FakeClock
) -> None:
    sweep = create(client)
    old = claim(client, sweep, "a")
    for _ in range(62):
        served.engine.tick(clock.advance(1.0))
    new = claim(client, sweep, "b")
    assert (new["run"], new["attempt"]) == (old["run"], 2)
    with pytest.raises(LeaseLost):
        client.complete(old["run"], completion(old["lease"]))
    agent = client.start_agent({"host": "one", "pid": 1, "slots": 1, "sweep": sweep})["id"]
    beat = client.beat(agent, {"leases": {old["run"]: old["lease"]}, "draining": False})
    assert beat["runs"][old["run"]]["lease"] == "lost"
    assert beat["sweep_state"] == "running"


def test_orders_reach_the_run_by_heartbeat_and_by_report(client: Client) -> None:
    claimed = claim(client, create(client))
    run, lease = claimed["run"], claimed["lease"]
    assert client.desired(run, "stop", "seen enough")["desired"] == "stop"
    answer = client.reports(run, {"lease": lease, "reports": [log(1, 1, acc=0.5)]})
    assert (answer["desired"], answer["reason"]) == ("stop", "seen enough")
    agent = client.run(run)["attempts"][0]["agent"]
    order = client.beat(agent, {"leases": {run: lease}, "draining": False})["runs"][run]
    assert (order["lease"], order["desired"]) == ("ok", "stop")
    assert client.complete(run, completion(lease, "stopped"))["state"] == "stopped"


def test_agents_that_were_killed_are_no_longer_at_work(client: Client, clock: FakeClock) -> None:
    sweep = create(client)
    agents = [
        client.start_agent({"host": host, "pid": 1, "slots": 1, "sweep": sweep})["id"]
        for host in ("killed", "alive")
    ]
    clock.advance(59.0)
    client.beat(agents[1], {"leases": {}, "draining": False})
    clock.advance(2.0)
    view = client.sweep(sweep)
    assert {agent["host"]: agent["live"] for agent in view["agents"]} == {
        "killed": False,
        "alive": True,
    }
    assert client.status()["agents"] == 1


def test_a_run_goes_on_with_the_program_that_it_was_started_with(client: Client) -> None:
    sweep = create(client)
    first = claim(client, sweep)
    client.complete(first["run"], completion(first["lease"], "released"))
    edited = SWEEP.replace("train.py", "other.py").replace("{value: 3}", "{value: 9}")
    client.update_spec(sweep, {"text": edited})
    again, fresh = claim(client, sweep, "again"), claim(client, sweep, "fresh")
    assert [(one["program"], one["epochs"]) for one in (again, fresh)] == [
        ("train.py", 3),
        ("other.py", 9),
    ]


def test_people_pause_and_end_sweeps(client: Client) -> None:
    sweep = create(client)
    assert client.set_state(sweep, "paused", "lunch")["state"] == "paused"
    agent = client.start_agent({"host": "one", "pid": 1, "slots": 1})["id"]
    request: ClaimRequest = {"agent": agent, "host": "one", "request": "r", "wait": 0.0}
    assert client.claim(sweep, request)["status"] == "wait"
    client.set_state(sweep, "running")
    assert client.claim(sweep, request)["status"] == "run"
    assert client.set_state(sweep, "finished", "enough")["ended_because"] == "enough"
    assert client.claim(sweep, request | {"request": "s"})["status"] == "done"


def test_launching_a_changed_file_tells_the_difference(client: Client) -> None:
    new: NewSweep = {"text": SWEEP, "path": "/home/ada/sweep.yaml", "mode": "launch"}
    first = client.create_sweep(new)
    changed = SWEEP.replace("0.001", "0.002")
    again = client.create_sweep(new | {"text": changed})
    assert (again["id"], again["created"]) == (first["id"], False)
    assert again["difference"] == ["parameters.lr.low: 0.001 → 0.002"]
    updated = client.update_spec(first["id"], {"text": changed})
    assert (updated["spec_version"], updated["difference"]) == (2, again["difference"])


def test_every_mistake_of_a_file_reaches_the_client(client: Client) -> None:
    with pytest.raises(SpecError) as caught:
        client.create_sweep(
            {"text": "method: guess\nparameterz: 3\n", "path": "s.yaml", "mode": "create"}
        )
    assert len(caught.value.problems) >= 2
    assert any(problem.line == 1 for problem in caught.value.problems)


def test_a_manual_run_needs_no_sweep(client: Client) -> None:
    new: ManualRun = {"project": "cones", "config": {"lr": 1}, "host": "one", "pid": 7}
    claimed = client.manual_run(new)
    client.reports(claimed["run"], {"lease": claimed["lease"], "reports": [log(1, 0, loss=1.0)]})
    client.complete(claimed["run"], completion(claimed["lease"]))
    view = client.run(claimed["run"])
    assert (view["kind"], view["sweep"], view["state"]) == ("manual", None, "finished")


def test_new_runs_are_found_again_and_retried(client: Client) -> None:
    sweep = create(client)
    parent = claim(client, sweep)["run"]
    new: NewRun = {"kind": "final", "config": {"epochs": 300}, "parent": parent}
    assert client.new_run(sweep, new)["id"] == client.new_run(sweep, new)["id"]
    with pytest.raises(Conflict):
        client.retry(parent)


# -- numbers --------------------------------------------------------------------------------------


def test_nan_and_infinities_go_through_every_door(served: Served, client: Client) -> None:
    claimed = claim(client, create(client))
    run, lease = claimed["run"], claimed["lease"]
    odd = {"loss": math.nan, "up": math.inf, "down": -math.inf, "deep": {"list": [math.nan]}}
    summary: Report = {"seq": 2, "type": "summary", "time": 0.0, "values": {"s": math.inf}}
    effective: Report = {"seq": 3, "type": "effective", "time": 0.0, "config": {"lr": "NaN"}}
    client.reports(run, {"lease": lease, "reports": [log(1, 1, **odd), summary, effective]})
    (row,) = client.history(run)
    assert math.isnan(row["metrics"]["loss"])
    assert (row["metrics"]["up"], row["metrics"]["down"]) == (math.inf, -math.inf)
    view = client.run(run)
    assert math.isnan(view["curve"][0][1])
    assert view["value"] is None
    assert view["summary"]["s"] == math.inf
    assert view["effective_config"] == {"lr": "NaN"}  # a config's text stays a text
    with served.http() as http:
        for path in (f"/api/runs/{run}", f"/api/runs/{run}/history", "/api/sweeps"):
            json.loads(http.get(path).text, parse_constant=_refuse)


def test_bare_tokens_are_taken_too(served: Served, client: Client) -> None:
    claimed = claim(client, create(client))
    body = wire.dumps({"lease": claimed["lease"], "reports": [log(1, 1, loss=0.0)]})
    with served.http() as http:
        answer = http.post(
            f"/api/runs/{claimed['run']}/reports",
            content=body.replace('"loss":0.0', '"loss":NaN'),
            headers=_headers(KEY),
        )
    assert answer.status_code == 200, answer.text
    assert math.isnan(client.history(claimed["run"])[0]["metrics"]["loss"])


def _refuse(token: str) -> None:
    raise AssertionError(f"{token} is not JSON")


# -- keys -----------------------------------------------------------------------------------------


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}


READS = ("/api/status", "/api/sweeps", "/api/sweeps/{sweep}", "/api/runs/{run}", "/", "/api/docs")
WRITES = (
    ("POST", "/api/stop"),
    ("POST", "/api/agents"),
    ("POST", "/api/sweeps"),
    ("PUT", "/api/sweeps/{sweep}/spec"),
    ("POST", "/api/sweeps/{sweep}/state"),
    ("POST", "/api/sweeps/{sweep}/claim"),
    ("POST", "/api/sweeps/{sweep}/runs"),
    ("POST", "/api/runs"),
    ("POST", "/api/runs/{run}/desired"),
    ("POST", "/api/runs/{run}/retry"),
)
REPORTS = (
    ("POST", "/api/runs/{run}/reports"),
    ("POST", "/api/runs/{run}/console"),
    ("POST", "/api/runs/{run}/complete"),
    ("PUT", "/api/runs/{run}/files/a.txt"),
)


@pytest.mark.parametrize("open_reading", [True, False])
def test_who_may_do_what(
    store: Store, clock: FakeClock, tmp_path: Path, open_reading: bool
) -> None:
    served = in_memory(store, clock, tmp_path / "files", open_reading=open_reading)
    with served.client() as client:
        sweep = create(client)
        mine, other = claim(client, sweep, "a"), claim(client, sweep, "b")
    names = {"sweep": sweep, "run": mine["run"]}

    def status(method: str, path: str, key: str | None) -> int:
        headers = {} if key is None else _headers(key)
        with served.http() as http:
            return http.request(method, path.format(**names), headers=headers).status_code

    assert status("GET", "/api/handshake", None) == 200
    for path in READS:
        assert status("GET", path, None) == (200 if open_reading else 401), path
        assert status("GET", path, KEY) == 200, path
        assert status("GET", path, "local-wrong") == 401, path
    assert status("GET", "/api/runs/{run}", mine["lease"]) == 200
    assert status("GET", "/api/runs/{run}", other["lease"]) == 401
    for method, path in (*WRITES, *REPORTS):
        assert status(method, path, None) == 401, path
        assert status(method, path, "local-wrong") == 401, path
        assert status(method, path, other["lease"]) == 401, path
    for method, path in WRITES:
        assert status(method, path, mine["lease"]) == 401, path
    for method, path in REPORTS:
        assert status(method, path, mine["lease"]) in (200, 422), path
        assert status(method, path, KEY) in (200, 422), path


def test_browsers_may_send_the_key_as_a_password_but_not_for_another_site(served: Served) -> None:
    with served.http() as http:
        auth = httpx.BasicAuth("api", KEY)
        assert http.post("/api/agents/x/end", auth=auth).status_code == 404
        elsewhere = {"Origin": "https://elsewhere.example"}
        assert http.post("/api/agents/x/end", auth=auth, headers=elsewhere).status_code == 401


def test_reading_without_a_key_needs_a_loopback_name(served: Served) -> None:
    """A page elsewhere whose name is made to resolve to 127.0.0.1 reads nothing."""
    with served.http() as http:
        answer = http.get("/api/sweeps", headers={"Host": "rebound.example"})
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


def test_a_wrong_key_is_told_to_people(served: Served) -> None:
    with served.client("local-wrong") as client, pytest.raises(Unauthorized) as caught:
        client.stop()
    assert "SWEPT_API_KEY" in caught.value.hint


# -- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["best.pt", "plots/results.png", "mit Leer zeichen.txt", "ünï/cödé.bin", "a%2Fb", "?#&"]
)
def test_files_come_back_as_they_went(client: Client, tmp_path: Path, name: str) -> None:
    claimed = claim(client, create(client))
    content = bytes(range(256)) * 5000
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    kept = client.put_file(claimed["run"], name, source)
    assert (kept["name"], kept["size"], len(kept["digest"])) == (name, len(content), 64)
    assert [file["name"] for file in client.files(claimed["run"])] == [name]
    client.get_file(claimed["run"], name, target)
    assert target.read_bytes() == content
    source.write_bytes(b"newer")
    client.put_file(claimed["run"], name, source)
    client.get_file(claimed["run"], name, target)
    assert target.read_bytes() == b"newer"


@pytest.mark.parametrize(
    "name",
    ["..%2F..%2Fetc", "a/%2E%2E/%2E%2E/b", "%2Fetc%2Fpasswd", "a//b", "a%5Cb", "a%00b", "x" * 300],
)
def test_hostile_names_stay_outside(served: Served, client: Client, name: str) -> None:
    run = claim(client, create(client))["run"]
    with served.http() as http:
        url = f"/api/runs/{run}/files/{name}"
        answer = http.put(url, content=b"x", headers={"Authorization": f"Bearer {KEY}"})
        assert answer.status_code in (404, 422), answer.text
    assert client.files(run) == []
    assert [path for path in served.context.files.rglob("*") if path.is_file()] == []


def test_an_attempt_that_was_overtaken_changes_no_file(
    client: Client, served: Served, clock: FakeClock, tmp_path: Path
) -> None:
    sweep = create(client)
    (tmp_path / "best.pt").write_text("weights")
    old = claim(client, sweep, "a")
    for _ in range(62):
        served.engine.tick(clock.advance(1.0))
    with served.client(old["lease"]) as holder:  # nobody has the run: the old token is still good
        holder.put_file(old["run"], "first.pt", tmp_path / "best.pt")
        new = claim(client, sweep, "b")
        with pytest.raises(LeaseLost):
            holder.put_file(old["run"], "best.pt", tmp_path / "best.pt")
    with served.client(new["lease"]) as holder:
        holder.put_file(new["run"], "best.pt", tmp_path / "best.pt")
    assert [file["name"] for file in client.files(new["run"])] == ["best.pt", "first.pt"]


def test_a_file_cannot_be_a_folder_too(client: Client, tmp_path: Path) -> None:
    run = claim(client, create(client))["run"]
    source = tmp_path / "source"
    source.write_bytes(b"x")
    client.put_file(run, "a", source)
    with pytest.raises(Conflict):
        client.put_file(run, "a/b", source)
    with pytest.raises(NotFound):
        client.get_file(run, "b", tmp_path / "target")
    with pytest.raises(NotFound):
        client.put_file("nobody", "a", source)


def test_a_hostile_file_is_never_shown_as_a_page(
    served: Served, client: Client, tmp_path: Path
) -> None:
    run = claim(client, create(client))["run"]
    source = tmp_path / "evil.html"
    source.write_text("<script>alert(1)</script>")
    client.put_file(run, "evil.html", source)
    with served.http() as http:
        headers = http.get(f"/api/runs/{run}/files/evil.html").headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Security-Policy"] == "sandbox"


# -- broken requests ------------------------------------------------------------------------------


def _is_error_body(answer: httpx.Response) -> bool:
    body = answer.json()
    return {"error", "message", "hint"} <= set(body) and bool(body["message"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("GET", "/api/sweeps/nobody", 404),
        ("GET", "/api/runs/nobody", 404),
        ("GET", "/api/runs/nobody/history", 404),
        ("GET", "/api/runs/nobody/console", 404),
        ("GET", "/api/runs/nobody/files", 404),
        ("GET", "/api/events?sweep=nobody", 404),
        ("GET", "/api/events?after=x", 422),
        ("GET", "/static/..%2Fapp.py", 404),
        ("DELETE", "/api/sweeps", 405),
        ("POST", "/api/sweeps", 422),
        ("POST", "/api/agents/nobody/end", 404),
        ("POST", "/api/runs/nobody/retry", 404),
    ],
)
def test_every_error_has_one_shape(served: Served, method: str, path: str, status: int) -> None:
    with served.http() as http:
        answer = http.request(method, path, headers=_headers(KEY))
    assert answer.status_code == status
    assert _is_error_body(answer)


def test_a_body_that_is_too_large_is_refused_declared_or_not(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    served = in_memory(store, clock, tmp_path / "files", max_body=1000)
    with served.http() as http:
        declared = http.post("/api/sweeps", content=b" " * 2000, headers=_headers(KEY))
        chunked = http.post("/api/sweeps", content=iter([b" " * 600] * 4), headers=_headers(KEY))
    for answer in (declared, chunked):
        assert answer.status_code == 413
        assert _is_error_body(answer)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["\ud800", "create", "launch", "search", "go", SWEEP]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "text",
        "path",
        "mode",
        "state",
        "kind",
        "config",
        "lease",
        "reports",
        "lines",
        "outcome",
        "exit_code",
        "signal",
        "reason",
        "tail",
        "agent",
        "host",
        "request",
        "wait",
        "desired",
        "project",
        "pid",
        "slots",
        "leases",
        "draining",
        "kinds",
        "run",
        "parent",
        "sweep",
    ]
)
PATHS = [(method, path) for method, path in (*WRITES, *REPORTS) if path != "/api/stop"]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(PATHS), st.dictionaries(KEYS, JSON, max_size=12) | JSON, st.booleans())
def test_no_body_breaks_the_server(
    served: Served, client: Client, place: tuple[str, str], body: Any, cut: bool
) -> None:
    method, path = place
    text = json.dumps(body)
    if client.sweeps():
        sweep = client.sweeps()[0]["id"]
    else:
        sweep = create(client)
        claim(client, sweep)
    run = client.sweep(sweep)["runs"]
    names = {"sweep": sweep, "run": run[0]["id"] if run else "nobody"}
    with served.http() as http:
        answer = http.request(
            method,
            path.format(**names),
            content=text[: len(text) // 2] if cut else text,
            headers=_headers(KEY),
        )
    assert answer.status_code < 500, answer.text
    if answer.is_error:
        assert _is_error_body(answer)


def test_nesting_without_end_is_refused(served: Served) -> None:
    with served.http() as http:
        answer = http.post("/api/sweeps", content="[" * 100_000, headers=_headers(KEY))
    assert 400 <= answer.status_code < 500
    assert _is_error_body(answer)


@pytest.mark.parametrize("wait", [-1.0, math.nan])
def test_seconds_that_are_no_number_do_not_hold_a_claim(client: Client, wait: float) -> None:
    sweep = create(client)
    client.set_state(sweep, "paused")
    agent = client.start_agent({"host": "one", "pid": 1, "slots": 1})["id"]
    request: ClaimRequest = {"agent": agent, "host": "one", "request": "r", "wait": wait}
    assert client.claim(sweep, request)["status"] == "wait"


INTEGERS = st.integers(-(2**70), 2**70) | st.integers(-3, 3)
REPORT = st.fixed_dictionaries(
    {
        "seq": st.integers(1, 3) | INTEGERS,
        "type": st.sampled_from(["log", "checkpoint", "resumed", "summary", "effective", "odd"]),
        "time": st.floats(),
    },
    optional={
        "step": st.none() | INTEGERS,
        "metrics": st.dictionaries(st.text() | st.just("loss"), JSON, max_size=3),
        "place": st.text(),
        "host": st.text(),
        "values": st.dictionaries(st.text(), JSON, max_size=3),
        "config": st.dictionaries(st.text() | st.just("lr"), JSON, max_size=3),
    },
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(REPORT, max_size=4))
def test_no_report_breaks_the_server_or_what_reads_it(
    served: Served, client: Client, reports: list[Any]
) -> None:
    sweep = create(client)
    claimed = claim(client, sweep)
    body = json.dumps({"lease": claimed["lease"], "reports": reports})
    path = f"/api/runs/{claimed['run']}"
    with served.http() as http:
        answer = http.post(f"{path}/reports", content=body, headers=_headers(KEY))
        assert answer.status_code < 500, (answer.text, body)
        for read in (path, f"{path}/history", f"/api/sweeps/{sweep}"):
            shown = http.get(read)
            assert shown.status_code == 200, (shown.text, body)
            json.loads(shown.text, parse_constant=_refuse)
    client.complete(claimed["run"], completion(claimed["lease"], "failed"))


# -- who answers ----------------------------------------------------------------------------------


def test_another_programs_answer_is_no_handshake() -> None:
    other = httpx.MockTransport(lambda _: httpx.Response(200, text="hello"))
    with (
        Client("http://127.0.0.1", transport=other) as client,
        pytest.raises(ServerUnreachable, match="not a swept server"),
    ):
        client.handshake()


def test_what_may_be_repeated_is_tried_again_and_the_rest_is_not() -> None:
    clock = FakeClock()
    calls = []

    def refuse(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        raise httpx.ConnectError("refused", request=request)

    with Client("http://127.0.0.1", transport=httpx.MockTransport(refuse), clock=clock) as client:
        with pytest.raises(ServerUnreachable):
            client.sweeps()
        assert len(calls) == 4
        with pytest.raises(ServerUnreachable):
            client.create_sweep({"text": "", "path": "", "mode": "create"})
        assert len(calls) == 5


def test_the_api_is_documented(served: Served) -> None:
    with served.http() as http:
        schema = http.get("/api/openapi.json").json()
        page = http.get("/api/docs").text
    assert "ClaimRequest" in schema["components"]["schemas"]
    for path in schema["paths"]:
        assert path in page
    assert "http://" not in page
    assert "https://" not in page
