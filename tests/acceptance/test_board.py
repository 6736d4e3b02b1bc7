"""All runs of a sweep at once, as a page asks for them: columns, curves, and the list of sweeps."""

from __future__ import annotations

import asyncio
import json
import math
import re
import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event
from tests.unit.test_curves_buffer import decode

from swept.analysis.best import Advice
from swept.client import Client, Message
from swept.model import Kind, Row, Start
from swept.server.wandb.service import DEFINED
from swept.store.base import Store
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import Served, in_memory, over_http
from swept.think import InlineThinker
from swept.wire.agents import Claimed, ClaimRequest
from swept.wire.reports import Report

SWEEP = """
method: random
metric: {name: loss, goal: minimize}
run_cap: 6
parameters:
  zeta: {values: [16, 8, 32]}
  lr: {distribution: log_uniform_values, min: 0.001, max: 0.1}
  optimizer:
    parameters:
      name: {values: [SGD, null, [1, 2]]}
      decay: {distribution: normal, mu: 0, sigma: 2}
  layers: {min: 1, max: 4}
  epochs: {value: 9}
swept:
  epochs: epochs
  targets: {good: 0.1}
  baseline: {lr: 0.01, zeta: 8, optimizer: {name: SGD, decay: 0.5}, layers: 2}
early_terminate: {type: hyperband, min_iter: 1}
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


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    with served.http() as made:
        yield made


def create(client: Client, text: str = SWEEP, **more: Any) -> str:
    return client.create_sweep({"text": text, "path": "", "mode": "create", **more})["id"]  # type: ignore[typeddict-item]


def claim(client: Client, sweep: str, request: str = "r") -> Claimed:
    agent = client.start_agent({"host": "one", "pid": 1, "slots": 1, "sweep": sweep})["id"]
    answer = client.claim(sweep, {"agent": agent, "host": "one", "request": request, "wait": 0.0})
    assert answer["claimed"] is not None, answer
    return answer["claimed"]


def log(seq: int, step: int, **metrics: Any) -> Report:
    return {"seq": seq, "type": "log", "time": 0.0, "step": step, "metrics": metrics}


def report(client: Client, taken: Claimed, *reports: Report) -> None:
    client.reports(taken["run"], {"lease": taken["lease"], "reports": list(reports)})


def end(client: Client, taken: Claimed, outcome: str = "finished") -> None:
    client.complete(
        taken["run"],
        {
            "lease": taken["lease"],
            "outcome": outcome,
            "exit_code": 0,
            "signal": None,
            "reason": "it ended",
            "tail": [],
        },
    )


def get(http: httpx.Client, path: str) -> Any:
    answer = http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def board(http: httpx.Client, sweep: str, runs: str | None = None) -> Any:
    return get(http, f"/api/sweeps/{sweep}/board" + ("" if runs is None else f"?runs={runs}"))


def curves(http: httpx.Client, sweep: str, query: str = "") -> list[list[tuple[float, float]]]:
    answer = http.get(f"/api/sweeps/{sweep}/curves{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    found = decode(answer.content)
    return [
        list(zip(steps, (round(value, 6) for value in values), strict=True))
        for steps, values in zip(found.steps, found.values, strict=True)
    ]


# -- what stands in a board -----------------------------------------------------------------------


def test_a_new_sweep_is_a_board_without_runs(client: Client, http: httpx.Client) -> None:
    sweep = create(client)
    view = board(http, sweep)
    head = view["head"]
    assert (head["id"], head["state"], head["method"]) == (sweep, "pending", "random")
    assert head["metric"] == {"name": "loss", "goal": "minimize"}
    assert (head["early_stopping"], head["full"], head["rungs"]) == ("hyperband", 9, [1, 3])
    assert (head["targets"], head["run_cap"], head["hours"]) == ({"good": 0.1}, 6, None)
    assert (head["best"], head["baseline"], head["advice"], head["text"]) == (
        None,
        None,
        None,
        SWEEP,
    )
    assert view["runs"]["id"] == view["config"]["lr"] == []
    assert curves(http, sweep) == []
    assert get(http, f"/api/sweeps/{sweep}/metrics") == ["loss"]


def test_parameters_stand_in_the_files_order_with_their_scales(
    client: Client, http: httpx.Client
) -> None:
    listed = {one["name"]: one for one in board(http, create(client))["parameters"]}
    assert list(listed) == ["zeta", "lr", "optimizer.name", "optimizer.decay", "layers"]
    assert listed["zeta"]["categories"] == [8, 16, 32]
    assert (listed["zeta"]["kind"], listed["zeta"]["high"]) == ("category", 2)
    assert listed["optimizer.name"]["categories"] == ["SGD", "null", "[1,2]"]
    assert listed["lr"] == {
        "name": "lr",
        "kind": "number",
        "whole": False,
        "log": True,
        "low": 0.001,
        "high": 0.1,
        "categories": [],
        "inert": "",
    }
    assert (listed["layers"]["whole"], listed["layers"]["high"]) == (True, 4)
    decay = listed["optimizer.decay"]
    assert (decay["low"], decay["high"]) == (-6, 6)  # no end of its own: three sigmas, without runs


def test_a_run_is_a_row_with_all_that_is_said_of_it(client: Client, http: httpx.Client) -> None:
    sweep = create(client)
    first, second = claim(client, sweep, "a"), claim(client, sweep, "b")
    report(client, first, log(1, 1, loss=0.5, acc=0.1), log(2, 2, loss=0.7, extra={"deep": 3}))
    end(client, first)
    report(client, second, log(1, 1, loss=float("nan"), acc=0.3))
    view = board(http, sweep)
    runs = view["runs"]
    assert runs["id"] == [first["run"], second["run"]]
    assert (runs["kind"], runs["state"]) == (["baseline", "search"], ["finished", "running"])
    assert (runs["value"], runs["best_value"], runs["steps"]) == ([0.7, "NaN"], [0.5, None], [2, 1])
    assert runs["ended_because"] == ["it ended", ""]
    assert all(runs["why"])
    (attempt,) = runs["attempts"][0]
    assert (attempt["number"], attempt["outcome"], attempt["reason"]) == (1, "finished", "it ended")
    assert view["config"]["lr"][0] == 0.01
    assert view["config"]["optimizer.decay"][0] == 0.5
    assert view["config"]["zeta"] == [8, second["config"]["zeta"]]
    assert view["summary"]["loss"] == [0.7, "NaN"]
    assert view["summary"]["acc"] == [0.1, 0.3]
    assert view["summary"]["extra.deep"] == [3, None]
    assert (view["head"]["best"], view["head"]["baseline"]) == (None, first["run"])
    spread = next(one for one in view["parameters"] if one["name"] == "optimizer.decay")
    assert spread["low"] <= 0.5 <= spread["high"]


def test_null_and_lists_can_be_chosen(served: Served, http: httpx.Client) -> None:
    store = served.store
    with served.client() as client:
        sweep = create(client)
    for number, chosen in enumerate(("SGD", None, [1, 2])):
        config = {"lr": 0.01, "optimizer": {"name": chosen, "decay": 0.1}}
        start = Start(Kind.SEARCH, config, number, {"reason": "by hand"})
        store.add(sweep, store.history(sweep).token, [start], now=1.0)
    view = board(http, sweep)
    assert view["config"]["optimizer.name"] == ["SGD", "null", "[1,2]"]
    assert view["config"]["layers"] == [None, None, None]  # has no value: not the same as null


def test_what_a_run_really_had_is_said_where_it_is_other(
    client: Client, http: httpx.Client
) -> None:
    sweep = create(client)
    taken = claim(client, sweep)
    real = {**taken["config"], "zeta": 4, "optimizer.decay": 0.25}
    report(client, taken, {"seq": 1, "type": "effective", "time": 0.0, "config": real})
    assert board(http, sweep)["effective"] == {"zeta": {"0": 4}}
    nested = {**taken["config"], "optimizer": {"name": "SGD", "decay": 0.25}}
    report(client, taken, {"seq": 2, "type": "effective", "time": 0.0, "config": nested})
    assert board(http, sweep)["effective"] == {"optimizer.decay": {"0": 0.25}}


def test_a_parameter_that_cannot_act_says_why(client: Client, http: httpx.Client) -> None:
    text = """
method: random
metric: {name: metrics/mAP50(B), goal: maximize}
parameters: {model: {value: yolo11n.pt}, dropout: {min: 0.0, max: 0.2}, scale: {min: 0.1, max: 0.9}}
swept: {adapter: ultralytics}
"""
    first, second = board(http, create(client, text))["parameters"]
    assert (first["name"], second["name"], second["inert"]) == ("dropout", "scale", "")
    assert "classify" in first["inert"]


HOSTILE = ['</script><b>"\\', "🎈 \u2028 line", "NaN", "__proto__", "a.b,c"]


def test_hostile_names_come_back_as_what_they_are(client: Client, http: httpx.Client) -> None:
    names = ["__proto__", "constructor", "a.b"]
    text = json.dumps(
        {
            "method": "random",
            "name": HOSTILE[0],
            "metric": {"name": "__proto__", "goal": "maximize"},
            "parameters": {name: {"values": HOSTILE} for name in names},
        }
    )
    sweep = create(client, text)
    taken = claim(client, sweep)
    metrics = {"__proto__": 1.0, **dict.fromkeys(HOSTILE[:3], 2.0), "deep": {"a": {"b": 3.0}}}
    report(client, taken, log(1, 1, **metrics))
    view = board(http, sweep)
    assert view["head"]["name"] == HOSTILE[0]
    assert [(one["name"], one["categories"]) for one in view["parameters"]] == [
        (name, HOSTILE) for name in names
    ]
    for name in names:
        assert view["config"][name] == [taken["config"][name]]
    assert view["summary"] == {
        "__proto__": [1.0],
        **{name: [2.0] for name in HOSTILE[:3]},
        "deep.a.b": [3.0],
    }
    assert curves(http, sweep) == [[(1, 1.0)]]
    listed = get(http, f"/api/sweeps/{sweep}/metrics")
    assert listed == ["__proto__", *sorted([*HOSTILE[:3], "deep.a.b"])]
    wanted = {HOSTILE[0]: [2.0], HOSTILE[1]: [2.0], "deep.a.b": [3.0], "deep": [], "NaN": [2.0]}
    for name, values in wanted.items():
        answer = http.get(f"/api/sweeps/{sweep}/curves", params={"metric": name})
        assert decode(answer.content).values == [values], name


def test_what_has_a_curve_is_listed_and_what_has_none_is_not(
    served: Served, client: Client, http: httpx.Client
) -> None:
    sweep = create(client)
    first, second = claim(client, sweep, "a"), claim(client, sweep, "b")
    image = {"_type": "image-file", "width": 640, "path": "media/x.png"}
    report(client, first, log(1, 1, loss=0.5, acc=0.1, sample=image, note="fine", _runtime=3.0))
    report(client, first, log(2, 2, loss=0.5, acc=0.2, only=1.0))
    report(client, second, log(1, 1, acc=0.1, nested={"x": 1, "y": {"z": 2}}))
    served.store.update_run(first["run"], now=1.0, summary={"acc": {"max": 0.2}, "given": 1})
    listed = get(http, f"/api/sweeps/{sweep}/metrics")
    assert listed == ["loss", "acc", "nested.x", "nested.y.z", "only"]
    assert curves(http, sweep, "?metric=nested.y.z") == [[], [(1, 2.0)]]
    summary = board(http, sweep)["summary"]
    assert set(summary) == {"loss", "acc", "acc.max", "given", "nested.x", "nested.y.z", "only"}


# -- attempts -------------------------------------------------------------------------------------


def lose(served: Served, clock: FakeClock) -> None:
    """Every lease runs out."""
    for _ in range(62):
        served.engine.tick(clock.advance(1.0))


def test_times_are_seconds_since_the_run_began_for_the_objective_and_any_metric(
    client: Client, http: httpx.Client, clock: FakeClock
) -> None:
    sweep = create(client)
    taken = claim(client, sweep)
    clock.advance(5.0)
    report(client, taken, {**log(1, 1, loss=1.0, acc=0.5), "time": clock.now()})

    for query in ("", "?times=true", "?times=true&metric=acc"):
        found = decode(http.get(f"/api/sweeps/{sweep}/curves{query}").content)
        assert found.head["times"] is bool(query)
        assert not query or found.times == [[5.0]]


def test_an_attempt_that_begins_again_hides_what_was_before(
    served: Served, client: Client, http: httpx.Client, clock: FakeClock
) -> None:
    sweep = create(client)
    first = claim(client, sweep, "a")
    report(client, first, *(log(step, step, loss=1.0 / step) for step in (1, 2, 3)))
    assert curves(http, sweep) == [[(1, 1.0), (2, 0.5), (3, 0.333333)]]
    lose(served, clock)
    assert curves(http, sweep) == [[(1, 1.0), (2, 0.5), (3, 0.333333)]]  # nothing is hidden yet
    second = claim(client, sweep, "b")
    assert second["attempt"] == 2
    assert board(http, sweep)["runs"]["steps"] == [3]
    report(client, second, log(1, 1, loss=0.9))
    assert curves(http, sweep) == curves(http, sweep, "?metric=loss&times=true") == [[(1, 0.9)]]
    assert curves(http, sweep, "?metric=acc") == [[]]
    runs = board(http, sweep)["runs"]
    assert (runs["value"], runs["steps"], len(runs["attempts"][0])) == ([0.9], [1], 2)


def test_an_attempt_that_goes_on_from_a_checkpoint_keeps_what_was_before(
    served: Served, client: Client, http: httpx.Client, clock: FakeClock
) -> None:
    sweep = create(client)
    first = claim(client, sweep, "a")
    mark: Report = {
        "seq": 3,
        "type": "checkpoint",
        "time": 0.0,
        "step": 2,
        "place": "/c",
        "host": "h",
    }
    steps = [
        log(1, 1, loss=0.9, acc=1),
        log(2, 2, loss=0.8, acc=2),
        mark,
        log(4, 3, loss=0.7, acc=3),
    ]
    report(client, first, *steps)
    lose(served, clock)
    agent = client.start_agent({"host": "one", "pid": 1, "slots": 1, "sweep": sweep})["id"]
    asked: ClaimRequest = {
        "agent": agent,
        "host": "one",
        "request": "b",
        "wait": 0.0,
        "reachable": ["h"],
    }
    second = client.claim(sweep, asked)["claimed"]
    assert second is not None
    report(client, second, {"seq": 1, "type": "resumed", "time": 0.0, "step": 2})
    assert curves(http, sweep) == [[(1, 0.9), (2, 0.8)]]
    report(client, second, log(2, 4, loss=0.5, acc=4))
    assert curves(http, sweep) == [[(1, 0.9), (2, 0.8), (4, 0.5)]]
    assert curves(http, sweep, "?metric=acc") == [[(1, 1), (2, 2), (4, 4)]]
    assert board(http, sweep)["runs"]["attempts"][0][1]["first_step"] == 3


# -- changes --------------------------------------------------------------------------------------


def read_until_quiet(client: Client, sweep: str, after: str, last: str) -> list[Message]:
    """The stream from `after` up to the position `last`."""
    found: list[Message] = []
    stream = client.events(after, sweep=sweep)
    assert isinstance(stream, Generator)
    with closing(stream):
        for message in stream:
            found.append(message)
            if message.id == last:
                return found
    raise AssertionError("the stream ended")


def merge(old: Any, fresh: Any) -> Any:
    """What a page does with the rows of runs that have changed."""
    runs, rows = old["runs"], {run: row for row, run in enumerate(old["runs"]["id"])}
    count = len(rows)
    for run in fresh["runs"]["id"]:
        rows.setdefault(run, len(rows))
    tables = [(runs, fresh["runs"]), (old["config"], fresh["config"])]
    tables.append((old["summary"], fresh["summary"]))
    for into, new in tables:
        for name in new:
            column = into.setdefault(name, [None] * count)
            column.extend([None] * (len(rows) - len(column)))
            for at, run in enumerate(fresh["runs"]["id"]):
                column[rows[run]] = new[name][at]
    return old


def test_a_board_and_what_the_stream_says_after_it_is_the_board_now(
    served: Served, clock: FakeClock
) -> None:
    with over_http(served) as live, live.client() as client, live.http() as http:
        sweep = create(client)
        first, second = claim(client, sweep, "a"), claim(client, sweep, "b")
        report(client, first, log(1, 1, loss=0.5, acc=0.1))
        before, lines = board(http, sweep), curves(http, sweep)
        report(client, first, log(2, 2, loss=0.4, acc=0.2))
        report(client, second, log(1, 1, loss=float("inf")))
        end(client, first)
        client.desired(second["run"], "stop", "seen enough")
        third = claim(client, sweep, "c")
        report(client, third, log(1, 1, loss=0.3))
        now = board(http, sweep)
        heard = read_until_quiet(client, sweep, before["position"], now["position"])
        named = {str(one.data["run"]) for one in heard if one.data.get("run")}
        assert named == {first["run"], second["run"], third["run"]}
        asked = board(http, sweep, ",".join(sorted(named)))
        assert merge(before, asked)["runs"] == now["runs"]
        assert before["config"] == now["config"]
        assert before["summary"] == now["summary"]
        # Curves follow from the points alone.
        place = {run: row for row, run in enumerate(now["runs"]["id"])}
        lines += [[] for _ in range(len(place) - len(lines))]
        for one in heard:
            if one.type == "point":
                assert (one.data["sweep"], one.data["first_step"]) == (sweep, 0)
                value = float(str(one.data["value"]))
                lines[place[str(one.data["run"])]].append((one.data["step"], value))
        assert lines == curves(http, sweep)


def test_only_what_was_asked_for(client: Client, http: httpx.Client) -> None:
    sweep = create(client)
    taken = [claim(client, sweep, request) for request in "abc"]
    for number, one in enumerate(taken):
        report(client, one, log(1, number + 1, loss=float(number)))
    ids = [one["run"] for one in taken]
    assert board(http, sweep, f"{ids[2]},{ids[0]},nobody")["runs"]["id"] == [ids[0], ids[2]]
    assert board(http, sweep, f"{ids[2]}&runs={ids[1]}")["runs"]["id"] == ids[1:]
    nobody = board(http, sweep, "")
    assert (nobody["runs"]["id"], nobody["config"]["lr"]) == ([], [])
    assert nobody["head"]["id"] == sweep
    assert curves(http, sweep, f"?runs={ids[1]},{ids[2]}") == [[(2, 1.0)], [(3, 2.0)]]


def test_nothing_new_is_answered_without_a_body(client: Client, http: httpx.Client) -> None:
    sweep = create(client)
    taken = claim(client, sweep)
    report(client, taken, log(1, 1, loss=0.5, acc=0.5))
    paths = [f"/api/sweeps/{sweep}/{rest}" for rest in ("board", "curves", "curves?metric=acc")]
    tags = {path: http.get(path).headers["etag"] for path in paths}
    for path, tag in tags.items():
        again = http.get(path, headers={"If-None-Match": f'"other", {tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    create(client)  # another sweep changes nothing here
    assert all(
        http.get(p, headers={"If-None-Match": t}).status_code == 304 for p, t in tags.items()
    )
    report(client, taken, log(2, 2, loss=0.4, acc=0.6))
    assert all(
        http.get(p, headers={"If-None-Match": t}).status_code == 200 for p, t in tags.items()
    )
    assert len(set(tags.values())) == len(tags)


def test_what_changes_in_a_run_that_has_ended_is_seen(
    served: Served, client: Client, http: httpx.Client
) -> None:
    sweep = create(client)
    taken = claim(client, sweep)
    run = taken["run"]
    report(client, taken, log(1, 1, loss=0.5, acc=0.5))
    end(client, taken)
    before = board(http, sweep)
    assert curves(http, sweep, "?metric=acc") == [[(1, 0.5)]]
    served.store.update_run(run, now=1.0, name="renamed", summary={"late": 7})
    now = board(http, sweep)
    assert (now["runs"]["name"], now["summary"]["late"]) == (["renamed"], [7])
    told = served.store.events(after=int(before["position"].split(".")[0]), sweep=sweep)
    assert [event.run for event in told] == [run]
    served.store.log_rows(run, 1, [Row(0, {"loss": 0.9, "acc": 0.1})], now=2.0)
    assert curves(http, sweep) == [[(0, 0.9), (1, 0.5)]]
    assert curves(http, sweep, "?metric=acc") == [[(0, 0.1), (1, 0.5)]]


def test_a_deleted_run_is_gone_and_its_children_have_no_parent(
    served: Served, client: Client, http: httpx.Client
) -> None:
    sweep = create(client)
    first = claim(client, sweep, "a")
    end(client, first)
    child = client.new_run(sweep, {"kind": "final", "config": {}, "parent": first["run"]})
    assert board(http, sweep)["runs"]["parent"] == [None, first["run"]]
    served.store.delete_run(first["run"], now=1.0)
    runs = board(http, sweep)["runs"]
    assert (runs["id"], runs["parent"]) == ([child["id"]], [None])
    assert curves(http, sweep) == [[]]


def test_another_objective_makes_every_curve_another(client: Client, http: httpx.Client) -> None:
    sweep = create(client)
    taken = claim(client, sweep)
    report(client, taken, log(1, 1, loss=0.5, acc=0.1), log(2, 2, loss=0.4, acc=0.2))
    assert board(http, sweep)["runs"]["value"] == [0.4]
    text = SWEEP.replace("{name: loss, goal: minimize}", "{name: acc, goal: maximize}")
    client.update_spec(sweep, {"text": text})
    view = board(http, sweep)
    assert view["head"]["metric"] == {"name": "acc", "goal": "maximize"}
    assert (view["runs"]["value"], curves(http, sweep)) == ([0.2], [[(1, 0.1), (2, 0.2)]])
    assert next(iter(view["summary"])) == "acc"
    assert get(http, f"/api/sweeps/{sweep}/metrics") == ["acc", "loss"]


def test_runs_that_had_other_fixed_values_are_told_apart(
    client: Client, http: httpx.Client
) -> None:
    sweep = create(client)
    before = claim(client, sweep, "a")
    assert board(http, sweep)["incomparable"] == []
    client.update_spec(sweep, {"text": SWEEP.replace("{value: 9}", "{value: 20}")})
    later = claim(client, sweep, "b")
    assert board(http, sweep)["incomparable"] == [0]
    assert board(http, sweep, f"{later['run']},{before['run']}")["incomparable"] == [0]
    assert board(http, sweep, later["run"])["incomparable"] == []
    client.update_spec(sweep, {"text": SWEEP})
    assert board(http, sweep)["incomparable"] == [1]


def test_many_who_look_while_runs_report_see_every_report(served: Served, client: Client) -> None:
    """What was reported before a request is in its answer, whoever else asks at that time."""
    sweep = create(client)
    taken = claim(client, sweep)
    missed: list[tuple[int, int]] = []
    done = threading.Event()
    sent = [0]

    def look() -> None:
        with served.http() as http:
            while not done.is_set():
                least = sent[0]
                (steps,) = board(http, sweep)["runs"]["steps"]
                (line,) = curves(http, sweep)
                if steps < least or len(line) < steps:
                    missed.append((least, steps))

    lookers = [threading.Thread(target=look) for _ in range(4)]
    for one in lookers:
        one.start()
    for step in range(1, 31):
        report(client, taken, log(step, step, loss=1.0 / step))
        sent[0] = step
    done.set()
    for one in lookers:
        one.join()
    assert missed == []
    with served.http() as http:
        assert board(http, sweep)["runs"]["steps"] == [30]


def test_a_restarted_server_says_the_same(
    store: Store,
    served: Served,
    client: Client,
    http: httpx.Client,
    clock: FakeClock,
    tmp_path: Path,
) -> None:
    sweep = create(client)
    for request in "ab":
        taken = claim(client, sweep, request)
        report(client, taken, log(1, 1, loss=0.5), log(2, 2, loss=float("-inf"), acc=0.5))
    end(client, taken)
    kept, lines = board(http, sweep), curves(http, sweep)
    with in_memory(store, clock, tmp_path / "files").http() as afresh:
        other = board(afresh, sweep)
        assert {**other, "version": 0} == {**kept, "version": 0}
        assert curves(afresh, sweep) == lines


def test_more_sweeps_than_are_kept(client: Client, http: httpx.Client) -> None:
    sweeps = [create(client, name=f"sweep {number}") for number in range(12)]
    for sweep in sweeps:
        report(client, claim(client, sweep, sweep), log(1, 1, loss=0.5))
    for _ in range(2):
        for sweep in sweeps:
            assert board(http, sweep)["runs"]["value"] == [0.5]


# -- who may, and what is not there ---------------------------------------------------------------


def test_what_is_not_there(client: Client, http: httpx.Client) -> None:
    for path in ("board", "curves", "metrics"):
        for above in ("sweeps/nothing", "projects/nothing"):
            answer = http.get(f"/api/{above}/{path}")
            assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")
    text = "{method: random, parameters: {lr: {min: 0.1, max: 0.2}}}"
    sweep = create(client, text)
    answer = http.get(f"/api/sweeps/{sweep}/curves")
    assert (answer.status_code, answer.json()["error"]) == (422, "UsageError")
    assert board(http, sweep)["head"]["metric"] is None


def test_reading_needs_what_reading_needs(
    store: Store, client: Client, clock: FakeClock, tmp_path: Path
) -> None:
    sweep = create(client)
    taken = claim(client, sweep)
    closed = in_memory(store, clock, tmp_path / "files", open_reading=False)
    paths = [f"/api/sweeps/{sweep}/{rest}" for rest in ("board", "curves", "metrics")]
    paths += ["/api/projects/uncategorized/board", "/api/overview"]
    with closed.http() as http, closed.client() as owner:
        for path in paths:
            assert http.get(path).status_code == 401
            lease = {"Authorization": f"Bearer {taken['lease']}"}
            assert http.get(path, headers=lease).status_code == 401  # its own run, no other
            key = {"Authorization": f"Bearer {owner.key}"}
            assert http.get(path, headers=key).status_code == 200
    with served_elsewhere(closed) as http:
        assert http.get(paths[0]).status_code == 401


def served_elsewhere(served: Served, client: str = "192.0.2.7") -> httpx.Client:
    """As a machine elsewhere in the network asks."""

    class Elsewhere(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return asyncio.run(self._handle(request))

        async def _handle(self, request: httpx.Request) -> httpx.Response:
            inner = httpx.ASGITransport(served.app, client=(client, 1))
            whole = httpx.Request(request.method, request.url, headers=request.headers)
            answer = await inner.handle_async_request(whole)
            assert isinstance(answer.stream, httpx.AsyncByteStream)
            body = b"".join([part async for part in answer.stream])
            return httpx.Response(answer.status_code, headers=answer.headers, content=body)

    return httpx.Client(base_url=served.url, transport=Elsewhere(), trust_env=False)


def test_over_a_network_answers_are_compressed(
    served: Served, client: Client, http: httpx.Client
) -> None:
    sweep = create(client)
    report(client, claim(client, sweep), log(1, 1, loss=0.5))
    asking = {"Accept-Encoding": "gzip"}
    for path in (f"/api/sweeps/{sweep}/board", f"/api/sweeps/{sweep}/curves"):
        near = http.get(path, headers=asking)
        assert "content-encoding" not in near.headers
        assert near.headers["vary"] == "Accept-Encoding"
        with served_elsewhere(served) as far:
            plain = far.get(path, headers={"Accept-Encoding": "identity"})
            packed = far.get(path, headers=asking)
        assert plain.content == near.content
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.content == near.content


# -- the model's advice ---------------------------------------------------------------------------


class Adviser(InlineThinker):
    """Advises the run with the highest number."""

    def __init__(self) -> None:
        self.asked = 0

    def advise(self, spec: Any, runs: Any) -> Advice | None:
        self.asked += 1
        last = max(runs, key=lambda run: run.number)
        return Advice(last.id, 0.1, 0.05, 0.2, 100)


def test_advice_is_worked_out_behind_the_answer(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    adviser = Adviser()
    served = in_memory(store, clock, tmp_path / "files", think=adviser)
    text = """
method: bayes
metric: {name: loss, goal: minimize}
run_cap: 9
parameters: {lr: {min: 0.001, max: 0.1}, epochs: {value: 100}}
swept: {epochs: epochs, early_stopping: auto}
"""
    with served.client() as client, served.http() as http:
        sweep = create(client, text)
        first, second = claim(client, sweep, "a"), claim(client, sweep, "b")
        report(client, first, log(1, 1, loss=0.2))
        report(client, second, log(1, 1, loss=0.4))
        head = board(http, sweep)["head"]
        assert head["rungs"] == [4, 8, 16, 32, 64]
        assert (head["advice"], head["advising"], head["best"]) == (None, True, first["run"])
        head = board(http, sweep)["head"]
        assert (head["advising"], head["best"]) == (False, second["run"])
        assert head["advice"]["value"] == 0.1
        report(client, first, log(2, 2, loss=0.1))
        asked = adviser.asked
        assert board(http, sweep)["head"]["advising"] is False  # no rung was passed
        assert adviser.asked == asked
        report(client, first, log(3, 4, loss=0.05))
        assert board(http, sweep)["head"]["advising"] is True


# -- runs outside of sweeps -----------------------------------------------------------------------


def manual(client: Client, project: str, **config: Any) -> Claimed:
    return client.manual_run({"project": project, "config": config, "host": "h", "pid": 1})


def test_runs_outside_of_sweeps_have_parameters_as_they_are(
    client: Client, http: httpx.Client
) -> None:
    project = "team/vision models"
    one = manual(client, project, lr=0.0001, opt={"name": "SGD"}, flag=True, layers=2)
    two = manual(client, project, lr=0.1, opt={"name": None}, flag=False, layers=3, extra=[1])
    manual(client, "another", lr=5)
    create(client, project=project)
    report(client, one, log(1, 1, acc=0.5), log(2, 2, acc=0.6, loss=1.0))
    view = get(http, "/api/projects/team%2Fvision%20models/board")
    assert (view["head"]["project"], view["head"]["method"], view["head"]["metric"]) == (
        project,
        "",
        None,
    )
    assert view["runs"]["id"] == [one["run"], two["run"]]
    listed = {entry["name"]: entry for entry in view["parameters"]}
    assert (listed["lr"]["log"], listed["lr"]["low"], listed["lr"]["high"]) == (True, 0.0001, 0.1)
    assert (listed["layers"]["whole"], listed["layers"]["log"]) == (True, False)
    assert listed["opt.name"]["categories"] == ["SGD", "null"]
    assert (listed["flag"]["kind"], view["config"]["flag"]) == ("category", [True, False])
    assert view["config"]["extra"] == [None, "[1]"]
    assert view["runs"]["steps"] == [2, 0]
    assert get(http, "/api/projects/team%2Fvision%20models/metrics") == ["acc", "loss"]
    answer = http.get("/api/projects/team%2Fvision%20models/curves")
    assert decode(answer.content).steps == [[1, 2], []]
    report(client, two, log(1, 1, acc=0.1))
    end(client, two)
    view = get(http, "/api/projects/team%2Fvision%20models/board")
    assert (view["runs"]["state"], view["summary"]["acc"]) == (["running", "finished"], [0.6, 0.1])


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (("epoch", "lr", "train/loss", "val/loss", "val/acc"), "val/acc"),
        (("gpu_memory", "loss", "lr/pg0", "metrics/mAP50-95(B)"), "metrics/mAP50-95(B)"),
        (("a", "train_loss", "zeta"), "train_loss"),
        (("beta", "epoch", "lr"), "beta"),
        (("lr",), "lr"),
    ],
)
def test_a_page_of_runs_without_an_objective_opens_on_what_they_seem_to_be_for(
    client: Client, http: httpx.Client, names: tuple[str, ...], first: str
) -> None:
    run = manual(client, "p")
    report(client, run, log(1, 1, **dict.fromkeys(names, 0.5)))
    others = [name for name in names if name != first]
    assert get(http, "/api/projects/p/metrics") == [first, *others]
    answer = http.get("/api/projects/p/curves")
    assert decode(answer.content).head["metric"] == first


def test_what_a_program_says_it_aims_at_goes_before_what_names_say(
    client: Client, http: httpx.Client, store: Store
) -> None:
    run = manual(client, "p")
    report(client, run, log(1, 1, **{"val/acc": 0.5, "mine/x": 1.0}))
    said = {"step_metric": None, "step_sync": False, "hidden": False, "goal": "minimize"}
    store.update_run(run["run"], now=1.0, details={DEFINED: {"mine/*": {**said, "summary": []}}})
    report(client, run, log(2, 2, **{"val/acc": 0.6, "mine/x": 2.0}))
    assert get(http, "/api/projects/p/metrics") == ["mine/x", "val/acc"]


def test_a_projects_curves_are_over_the_metric_that_its_program_named(
    client: Client, http: httpx.Client, store: Store
) -> None:
    said = {"step_sync": True, "hidden": False, "goal": "", "summary": []}

    def play(*reports: Report) -> Claimed:
        run = manual(client, "p")
        report(client, run, *reports)
        details = {DEFINED: {"val/*": {**said, "step_metric": "epoch"}}}
        store.update_run(run["run"], now=1.0, details=details)
        report(client, run, log(9, 90, more=1.0))
        return run

    def curve(metric: str) -> tuple[str | None, list[list[tuple[float, float]]]]:
        found = decode(http.get(f"/api/projects/p/curves?metric={metric}").content)
        pairs = zip(found.steps, found.values, strict=True)
        return found.head.get("over"), [list(zip(*one, strict=True)) for one in pairs]

    play(
        log(1, 5, **{"val/acc": 0.125}),
        log(2, 10, epoch=0.5, **{"val/acc": 0.25}),
        log(3, 20, epoch=1.5, loss=2.0),
        log(4, 25, **{"val/acc": 0.5}),
    )
    assert curve("val/acc") == ("epoch", [[(0.5, 0.25), (1.5, 0.5)]])
    assert curve("loss") == (None, [[(20.0, 2.0)]])
    assert curve("epoch")[0] is None
    # One axis is all theirs, or none is; a run that is under way, or failed, may not have got there.
    begun = play(log(1, 3, **{"val/acc": 0.75}))
    assert curve("val/acc") == ("epoch", [[(0.5, 0.25), (1.5, 0.5)], []])
    answer = http.get(f"/api/projects/p/curves?metric=val/acc&runs={begun['run']}")
    assert decode(answer.content).head["lacking"] == 1
    end(client, begun)
    over, (first, second) = curve("val/acc")
    assert (over, first[0], second) == (None, (5.0, 0.125), [(3.0, 0.75)])


def test_a_curve_with_times_is_in_their_order_and_else_in_that_of_its_axis(
    client: Client, http: httpx.Client, store: Store
) -> None:
    run = manual(client, "p")
    there = [
        log(1, 1, epoch=2.0, clock=1.7e9, loss=0.1, late=0.1),
        log(2, 2, epoch=1.0, clock=1.7e9 + 60, loss=0.2, late=0.1),
        log(3, 3, epoch=3.0, clock=1.7e9 + 120, loss=0.3, late=0.1),
    ]
    report(client, run, *there)
    said = {"step_sync": True, "hidden": False, "goal": "", "summary": []}
    axes = {"loss": {**said, "step_metric": "epoch"}, "late": {**said, "step_metric": "clock"}}
    store.update_run(run["run"], now=1.0, details={DEFINED: axes})

    def over(metric: str, times: bool) -> tuple[str | None, list[float]]:
        path = f"/api/projects/p/curves?metric={metric}&times={times}"
        found = decode(http.get(path).content)
        return found.head.get("over"), found.steps[0]

    assert over("loss", False) == ("epoch", [1.0, 2.0, 3.0])
    assert over("loss", True) == ("epoch", [2.0, 1.0, 3.0])
    # A minute is less than what 32 bits tell of the seconds since 1970.
    assert over("late", False) == (None, [1.0, 2.0, 3.0])


def test_where_the_best_of_a_curve_counts_it_is_the_runs_value(
    client: Client, http: httpx.Client
) -> None:
    text = SWEEP.replace("  epochs: epochs\n", "  epochs: epochs\n  metric: {at: best}\n")
    sweep = create(client, text)
    taken = claim(client, sweep)
    report(client, taken, log(1, 1, loss=0.2), log(2, 9, loss=0.7))
    end(client, taken)
    found = board(http, sweep)["runs"]
    assert (found["value"], found["best_value"], found["steps"]) == ([0.2], [0.2], [9])
    assert get(http, "/api/overview")[0]["baseline"] == 0.2


# -- the list of sweeps ---------------------------------------------------------------------------


def test_the_list_of_sweeps_plans_as_the_page_of_a_sweep_does(
    client: Client, http: httpx.Client, clock: FakeClock
) -> None:
    grid = "method: grid\nmetric: {name: loss}\nparameters: {a: {values: [1, 2, 3]}}\n"
    sweep = create(client, f"{grid}swept: {{epochs: 2, budget: {{hours: 0.01}}}}\n")
    taken = claim(client, sweep)
    clock.advance(20.0)
    report(client, taken, log(1, 1, loss=1.0), log(2, 2, loss=0.5))
    end(client, taken)
    listed, progress = get(http, "/api/overview")[0], get(http, f"/api/sweeps/{sweep}/progress")
    assert (listed["cap"], listed["ended"]) == (progress["cap"], progress["ended"]) == (3, 1)
    assert listed["eta"] == pytest.approx(progress["eta"]) == pytest.approx(16.0)


def test_sweeps_at_a_glance(
    served: Served, client: Client, http: httpx.Client, clock: FakeClock
) -> None:
    quiet, sweep = create(client, name="quiet"), create(client, name="busy")
    for number, value in enumerate((0.5, 0.7, 0.3, math.nan)):
        taken = claim(client, sweep, f"r{number}")
        clock.advance(10.0)
        report(client, taken, log(1, 1, loss=value + 1.0), log(2, 9, loss=value))
        end(client, taken)
    running = claim(client, sweep, "last")
    report(client, running, log(1, 1, loss=0.9))
    busy, idle = get(http, "/api/overview")
    assert (busy["id"], idle["id"], idle["state"]) == (sweep, quiet, "pending")
    assert busy["counts"] == {"finished": 4, "running": 1}
    assert (busy["ended"], busy["cap"], busy["agents"]) == (4, 6, 5)
    assert (busy["best"], busy["baseline"]) == (0.3, 0.5)
    assert busy["line"] == [0.7, 0.3]  # of whole trainings of the search
    assert busy["eta"] > 0
    assert busy["last_activity"] == clock.now()
    assert (idle["line"], idle["best"], idle["eta"], idle["counts"]) == ([], None, None, {})
    report(client, running, log(2, 9, loss=0.1))
    end(client, running)
    busy = get(http, "/api/overview")[0]
    assert (busy["line"][-1], busy["counts"]) == (0.1, {"finished": 5})
    assert busy["best_run"] == running["run"]


def test_a_long_sweep_has_a_short_line(served: Served, client: Client, http: httpx.Client) -> None:
    text = SWEEP.replace("run_cap: 6", "run_cap: 100")
    sweep = create(client, text)
    for number in range(70):
        taken = claim(client, sweep, f"r{number}")
        report(client, taken, log(1, 9, loss=1.0 - number / 100))
        end(client, taken)
    line = get(http, "/api/overview")[0]["line"]
    assert (len(line), line[0], line[-1]) == (60, 0.99, pytest.approx(0.31))
    assert line == sorted(line, reverse=True)


@contextmanager
def statements() -> Iterator[list[str]]:
    """What any store asks its database meanwhile."""
    found: list[str] = []

    def heard(_: Any, __: Any, statement: str, *___: Any) -> None:
        found.append(" ".join(statement.split()))

    event.listen(Engine, "before_cursor_execute", heard)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", heard)


def test_what_is_read_ahead_at_a_start_is_the_newest_sweep_and_what_a_page_is_told_later(
    store: Store, clock: FakeClock, served: Served, http: httpx.Client, tmp_path: Path
) -> None:
    served.app.state.board.ahead()  # nothing is there yet
    with served.client() as client:
        create(client, mode="create")
        clock.advance(60.0)
        newest = create(client, SWEEP + "name: other\n")
        served.app.state.board.ahead()
        taken = claim(client, newest)
        report(client, taken, log(1, 1, loss=0.5))
        end(client, taken)
    told = [http.get(f"/api/sweeps/{newest}/{what}") for what in ("board", "curves")]
    board = told[0].json()
    assert board["runs"]["id"] == [taken["run"]]
    assert decode(told[1].content).values == [[0.5]]

    again = in_memory(store, clock, tmp_path / "files")
    with again.http() as other:
        again.app.state.board.ahead()
        with statements() as asked:
            same = [other.get(f"/api/sweeps/{newest}/{what}") for what in ("board", "curves")]
    # Neither runs nor curves are read for a page that asks later.
    assert asked
    assert [one for one in asked if re.search(r"FROM (runs|attempts|points|packed)", one)] == []
    assert same[0].json()["runs"] == board["runs"]
    assert same[1].content == told[1].content
