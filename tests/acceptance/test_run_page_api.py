"""What the run page asks the server for: files that may be shown, relatives, the way to train again, signs of life."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from swept.client import Client
from swept.model import Row
from swept.server.context import Bell
from swept.server.events import Feed, Position, stream
from swept.store.base import Store
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import KEY, Served, in_memory, over_http
from swept.wire.agents import Claimed, ClaimRequest
from swept.wire.reports import ConsoleLine, Report

SWEEP = """
method: grid
program: train it.py
metric: {name: loss, goal: minimize}
parameters:
  lr: {values: [0.1, 0.2]}
  note: {value: "it's; $HOME"}
"""
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


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


def claimed(client: Client, text: str = SWEEP, path: str = "") -> Claimed:
    sweep = client.create_sweep({"text": text, "path": path, "mode": "create"})["id"]
    agent = client.start_agent({"host": "one", "pid": 1, "slots": 1, "sweep": sweep})["id"]
    answer = client.claim(sweep, {"agent": agent, "host": "one", "request": "r", "wait": 0.0})
    assert answer["claimed"] is not None
    return answer["claimed"]


def log(seq: int, step: int, **metrics: Any) -> Report:
    return {"seq": seq, "type": "log", "time": float(step), "step": step, "metrics": metrics}


def finished(client: Client, run: Claimed, outcome: str = "finished") -> None:
    client.complete(
        run["run"],
        {
            "lease": run["lease"],
            "outcome": outcome,
            "exit_code": 0,
            "signal": None,
            "reason": "it ended",
            "tail": [],
        },
    )


def ask(served: Served, path: str, **parameters: Any) -> Any:
    with served.http() as http:
        answer = http.get(path, params=parameters)
    assert answer.is_success, answer.text
    return answer.json()


# -- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.png", PNG, "image/png"),
        ("named wrongly.txt", PNG, "image/png"),
        ("a.jpg", b"\xff\xd8\xff\xe0" + b"\0" * 20, "image/jpeg"),
        ("a.gif", b"GIF89a" + b"\0" * 20, "image/gif"),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ("a.wav", b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        ("a.mp4", b"\0\0\0\x20ftypisom\0\0\0\0", "video/mp4"),
        ("a.svg", b"<svg onload='alert(1)'/>", "application/octet-stream"),
        ("a.html", b"<script>alert(1)</script>", "application/octet-stream"),
        ("looks like.png", b"<script>alert(1)</script>", "application/octet-stream"),
        ("empty.png", b"", "application/octet-stream"),
    ],
)
def test_only_what_no_browser_runs_is_given_its_type(
    served: Served, client: Client, tmp_path: Path, name: str, content: bytes, kind: str
) -> None:
    run = claimed(client)["run"]
    (tmp_path / "file").write_bytes(content)
    client.put_file(run, name, tmp_path / "file")
    with served.http() as http:
        answer = http.get(f"/api/runs/{run}/files/{name}")
    assert answer.content == content
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox"


# -- history and console, in parts ----------------------------------------------------------------


def test_a_long_history_comes_in_parts_with_its_times(served: Served, client: Client) -> None:
    run = claimed(client)
    reports = [log(step, step, loss=1.0 / step) for step in range(1, 8)]
    client.reports(run["run"], {"lease": run["lease"], "reports": reports})
    path = f"/api/runs/{run['run']}/history"
    first = ask(served, path, limit=5)
    rest = ask(served, path, since=first[-1]["step"] + 1, limit=5)
    assert [row["step"] for row in first + rest] == list(range(1, 8))
    assert [row["time"] for row in rest] == [6.0, 7.0]
    assert len(rest) < 5, "fewer than asked for: that was all"


def test_of_a_long_curve_the_ends_are_enough_for_who_follows_the_history(
    served: Served, client: Client
) -> None:
    run = claimed(client)
    for steps in ([], [1], [2, 3, 4]):
        made = [log(step, step, loss=1.0 / step) for step in steps]
        client.reports(run["run"], {"lease": run["lease"], "reports": made})
        whole = ask(served, f"/api/runs/{run['run']}")
        ends = ask(served, f"/api/runs/{run['run']}", curve="false")
        points = whole["curve"]
        assert ends == {**whole, "curve": points if len(points) < 2 else [points[0], points[-1]]}
    assert len(points) == 4


def test_system_metrics_since_a_step(served: Served, client: Client, store: Store) -> None:
    run = claimed(client)["run"]
    rows = [Row(step, {"system.cpu": 1.0 * step}, 1, 10.0 * step) for step in range(4)]
    store.log_rows(run, 1, [], now=1.0, events=rows)
    found = ask(served, f"/api/runs/{run}/history", stream="system", since=2)
    assert [(row["step"], row["time"]) for row in found] == [(2, 20.0), (3, 30.0)]


def test_a_long_console_comes_in_large_parts(served: Served, client: Client, store: Store) -> None:
    run = claimed(client)["run"]
    lines = [
        ConsoleLine(number=number, text=f"line {number}", stream="stdout", time=1.0)
        for number in range(2500)
    ]
    store.add_console(run, 1, lines, now=1.0)
    first = ask(served, f"/api/runs/{run}/console", limit=2000)
    rest = ask(served, f"/api/runs/{run}/console", after=first["next"], limit=10**9)
    assert (len(first["lines"]), len(rest["lines"])) == (2000, 500)


# -- relatives ------------------------------------------------------------------------------------


def test_a_run_knows_where_it_came_from_and_what_came_of_it(served: Served, client: Client) -> None:
    best = claimed(client)
    finished(client, best)
    final = client.new_run(
        best["sweep"] or "", {"kind": "final", "parent": best["run"], "config": {}, "name": "whole"}
    )
    again = client.retry(best["run"])

    def relations(run: str) -> list[tuple[str, str]]:
        found = ask(served, f"/api/runs/{run}/related")
        return [(one["relation"], one["id"]) for one in found]

    assert relations(best["run"]) == [("child", final["id"]), ("retry", again["id"])]
    assert relations(final["id"]) == [("parent", best["run"])]
    assert ("retry_of", best["run"]) in relations(again["id"])


# -- the way to train it again --------------------------------------------------------------------


def test_the_program_is_started_again_by_a_line_that_a_shell_understands(
    served: Served, client: Client, tmp_path: Path
) -> None:
    run = claimed(client)
    (way,) = ask(served, f"/api/runs/{run['run']}/reproduce")
    (tmp_path / "train it.py").write_text("import json, sys; print(json.dumps(sys.argv[1:]))")
    line = way["shell"].replace("python ", "python3 ", 1)
    printed = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert sorted(json.loads(printed.stdout)) == [
        f"--lr={run['config']['lr']}",
        "--note=it's; $HOME",
    ]


def test_an_ended_run_of_a_sweep_is_retried_too(served: Served, client: Client) -> None:
    run = claimed(client)
    finished(client, run)
    ways = ask(served, f"/api/runs/{run['run']}/reproduce")
    assert ways[-1]["shell"] == f"swept retry {run['run']}"


def test_a_command_with_a_file_of_arguments_says_how_it_is_made(
    served: Served, client: Client
) -> None:
    text = SWEEP + 'command: ["${interpreter}", "${program}", "--config", "${args_json_file}"]\n'
    run = claimed(client, text)
    (way,) = ask(served, f"/api/runs/{run['run']}/reproduce")
    assert way["shell"].startswith("printf %s '{")
    assert way["shell"].endswith("> args.json && python 'train it.py' --config args.json")


def test_ultralytics_alone_gets_what_really_ran(served: Served, client: Client) -> None:
    text = """
method: random
program: train.py
metric: {name: metrics/mAP50(B), goal: maximize}
parameters:
  lr0: {min: 0.001, max: 0.1}
  model: {value: yolo11n.pt}
  data: {value: coco8.yaml}
  epochs: {value: 2}
  batch: {value: 16}
swept: {adapter: ultralytics}
"""
    run = claimed(client, text)
    effective: Report = {
        "seq": 1, "type": "effective", "time": 0.0, "config": {"batch": 8, "lr0": 0.01}
    }  # fmt: skip
    client.reports(run["run"], {"lease": run["lease"], "reports": [effective]})
    (way,) = ask(served, f"/api/runs/{run['run']}/reproduce")
    words = way["shell"].split()
    assert words[:3] == ["yolo", "train", "model=yolo11n.pt"]
    assert {"batch=8", "lr0=0.01", "data=coco8.yaml", "epochs=2"} < set(words)


def test_a_model_by_its_bare_name_is_given_to_ultralytics_as_its_file(
    served: Served, client: Client, tmp_path: Path
) -> None:
    text = """
method: random
program: train.py
metric: {name: metrics/mAP50(B), goal: maximize}
parameters: {model: {values: [tinycone]}, lr0: {min: 0.001, max: 0.1}}
swept: {adapter: ultralytics}
"""
    path = tmp_path / "sweep.yaml"
    path.write_text(text, encoding="utf-8")

    run = claimed(client, text, path=str(path))["run"]
    (way,) = ask(served, f"/api/runs/{run}/reproduce")
    assert "&& yolo train model=tinycone.pt " in way["shell"]
    (tmp_path / "tinycone.yaml").touch()
    (way,) = ask(served, f"/api/runs/{run}/reproduce")
    assert way["shell"].startswith(f"cd {tmp_path} && yolo train model=tinycone.yaml ")


def test_what_its_program_set_stands_beside_the_configuration(
    served: Served, client: Client, store: Store
) -> None:
    run = client.manual_run(
        {"project": "p", "config": {"lr": 1, "net": {"depth": 2}}, "host": "h", "pid": 1}
    )
    own: Report = {
        "seq": 1, "type": "config", "time": 0.0, "config": {"lr": 2, "net": {"width": 8}, "seed": 7}
    }  # fmt: skip
    client.reports(run["run"], {"lease": run["lease"], "reports": [own]})
    assert client.run(run["run"])["program"] == {"net": {"width": 8}, "seed": 7}


def test_a_run_by_hand_is_told_as_it_was_typed(served: Served, client: Client) -> None:
    started = client.manual_run(
        {"project": "p", "config": {}, "host": "h", "pid": 1, "command": "train.py --lr 1"}
    )
    (way,) = ask(served, f"/api/runs/{started['run']}/reproduce")
    assert way["shell"] == "python train.py --lr 1"


def test_a_script_of_wandb_is_told_with_its_commit(
    served: Served, client: Client, store: Store
) -> None:
    run = client.manual_run({"project": "p", "config": {}, "host": "h", "pid": 1})["run"]
    metadata = {
        "program": "/home/a b/train.py",
        "args": ["--name", "it's"],
        "root": "/home/a b",
        "git": {"commit": "0123456789abcdef", "remote": "https://example.org/x.git"},
    }
    store.update_run(run, now=1.0, details={"metadata": metadata})
    (way,) = ask(served, f"/api/runs/{run}/reproduce")
    assert way["shell"] == """cd '/home/a b' && python '/home/a b/train.py' --name 'it'"'"'s'"""
    assert "0123456789ab of https://example.org/x.git" in way["note"]


@pytest.mark.parametrize("metadata", [{}, {"program": 3, "args": {}}, {"args": ["x"]}, {"git": 1}])
def test_nothing_known_of_a_program_is_no_way(
    served: Served, client: Client, store: Store, metadata: dict[str, Any]
) -> None:
    run = client.manual_run({"project": "p", "config": {}, "host": "h", "pid": 1})["run"]
    store.update_run(run, now=1.0, details={"metadata": metadata})
    assert ask(served, f"/api/runs/{run}/reproduce") == []


@pytest.mark.parametrize("path", ["related", "reproduce", "console", "history"])
def test_unknown_runs_are_not_found(served: Served, path: str) -> None:
    with served.http() as http:
        assert http.get(f"/api/runs/none/{path}").status_code == 404


def test_reading_needs_a_key_where_the_server_is_not_open(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    closed = in_memory(store, clock, tmp_path / "files", open_reading=False)
    with closed.client() as client:
        run = claimed(client)["run"]
    with closed.http() as http:
        for path in ("related", "reproduce"):
            assert http.get(f"/api/runs/{run}/{path}").status_code == 401
            told = http.get(f"/api/runs/{run}/{path}", headers={"Authorization": f"Bearer {KEY}"})
            assert told.is_success


# -- signs of life --------------------------------------------------------------------------------


def test_the_stream_of_a_run_by_hand_tells_of_rows_and_lines(
    served: Served, client: Client
) -> None:
    """It has no objective, so that no point is told: its page would never move."""
    run = client.manual_run({"project": "p", "config": {}, "host": "h", "pid": 1})
    other = client.manual_run({"project": "p", "config": {}, "host": "h", "pid": 2})

    async def listen() -> list[dict[str, Any]]:
        messages = stream(served.context, Feed(served.context, None, run["run"]), Position(2**40))
        assert isinstance(messages, AsyncGenerator)
        found = [await anext(messages)]
        for act in (
            lambda: client.reports(
                run["run"], {"lease": run["lease"], "reports": [log(1, 3, loss=0.5)]}
            ),
            lambda: client.add_console(
                run["run"],
                {
                    "lease": run["lease"],
                    "lines": [{"number": 0, "text": "x", "stream": "stdout", "time": 1.0}],
                },
            ),
        ):
            await asyncio.to_thread(act)
            found.append(await anext(messages))
        await messages.aclose()
        return [_data(text) for text in found if "event: pulse" in text]

    told = asyncio.run(listen())
    assert [(one["step"], one["lines"]) for one in told] == [(3, 0), (3, 1)]
    assert {one["run"] for one in told} == {run["run"]}
    assert other["run"] not in str(told)


def rivals(client: Client) -> tuple[str, Claimed, Claimed]:
    """A sweep and two of its runs under way."""
    sweep = client.create_sweep({"text": SWEEP, "path": "", "mode": "create"})["id"]
    agent = client.start_agent({"host": "one", "pid": 1, "slots": 2, "sweep": sweep})["id"]

    def claim(request: str) -> Claimed:
        asked: ClaimRequest = {"agent": agent, "host": "one", "request": request, "wait": 0.0}
        found = client.claim(sweep, asked)["claimed"]
        assert found is not None
        return found

    return sweep, claim("a"), claim("b")


def test_the_stream_of_a_run_tells_of_its_rivals_where_it_is_asked_for_them(
    served: Served, client: Client
) -> None:
    _, run, rival = rivals(client)
    sent = [log(1, 3, loss=0.5)]
    client.reports(rival["run"], {"lease": rival["lease"], "reports": sent})
    finished(client, rival)
    last = served.store.position()[0]

    client.desired(run["run"], "stop")

    def told(http: httpx.Client, query: str) -> set[tuple[str, str | None]]:
        """Up to the last event, that of the order."""
        path = f"/api/events?run={run['run']}&after=0.0{query}"
        found = set()
        with http.stream("GET", path) as answer:
            lines = answer.iter_lines()
            for line in lines:
                assert line != "event: point", "a point of another run"
                if line == "event: event":
                    event = _data(next(lines))
                    found.add((event["type"], event["run"]))
                    if event["number"] > last:
                        break
        return found

    with over_http(served) as over, over.http() as http:
        own = told(http, "")
        assert {of for _, of in own} == {run["run"]}
        assert told(http, "&rivals=true") - own == {("run.finished", rival["run"])}


class Counting(Bell):
    """How often it was waited for."""

    waits = 0

    async def wait(self, count: int, seconds: float) -> None:
        self.waits += 1
        await super().wait(count, seconds)


def test_a_stream_goes_on_behind_what_is_not_for_it_and_says_where_it_is(
    served: Served, client: Client, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swept.server.events.BATCH", 2)
    sweep, run, rival = rivals(client)
    kept: Report = {
        "seq": 1,
        "type": "checkpoint",
        "time": 0.0,
        "step": 1,
        "place": "/c/1",
        "host": "one",
    }
    client.reports(rival["run"], {"lease": rival["lease"], "reports": [kept]})
    start = Position(*served.store.position())

    def ask() -> None:
        for order in ("go", "pause") * 4:
            client.desired(rival["run"], order)

    def begin() -> None:
        client.start_agent({"host": "two", "pid": 2, "slots": 1, "sweep": sweep})

    async def listen() -> list[str]:
        feed = Feed(served.context, None, run["run"], sweep)
        messages = stream(served.context, feed, start)
        assert isinstance(messages, AsyncGenerator)
        found = [await anext(messages)]
        await asyncio.to_thread(ask)
        await asyncio.to_thread(finished, client, rival, "paused")
        served.context.news = bell = Counting()
        found.append(await anext(messages))
        assert bell.waits == 0
        word = asyncio.ensure_future(anext(messages))
        await asyncio.to_thread(begin)
        seen = bell.waits + 2
        while bell.waits < seen:  # it has looked since
            await asyncio.sleep(0.01)
        clock.advance(served.context.settings.keep_alive_seconds + 1)
        found.append(await word)
        await messages.aclose()
        return found

    hello, told, word = asyncio.run(listen())
    assert ("event: hello" in hello, '"type":"run.paused"' in told) == (True, True)
    assert word.startswith(f"id: {Position(*served.store.position())}\nevent: hello\n")


def _data(text: str) -> dict[str, Any]:
    line = next(line for line in text.splitlines() if line.startswith("data: "))
    found: dict[str, Any] = json.loads(line.removeprefix("data: "))
    return found
