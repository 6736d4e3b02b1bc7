"""Posts to the file stream as no client should send them, and too many of them at once: never an answer of 4xx."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import httpx
import psutil
import pytest
from tests.wire.harness import KEY, PATIENCE, Server, until
from tests.wire.test_wandb_faults import full_disk

pytestmark = [pytest.mark.slow]

PROJECT = "posts"
ODD = [
    "a b",
    "a%2Fb",
    "..%2F..%2Fkey",
    "%00",
    "ä",
    "a" * 400,
    "%F0%9F%98%80",
    "a%2Fb%2Ffile_stream",
    "a%3Fb",
]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that may be filled up."""
    server = Server(tmp_path_factory.mktemp("posts"))
    server.start()
    yield server
    server.kill()


def begun(server: Server, run: str) -> str:
    server.graphql(
        f'mutation U($n: String) {{ upsertBucket(input: {{name: $n, modelName: "{PROJECT}", host: "h"}}) '
        "{ bucket { name } } }",
        {"n": run},
    )
    return run


def rows(first: int, count: int, keys: int = 1) -> bytes:
    lines = [
        json.dumps({"_step": step, **{f"m{key}": step + key / 7 for key in range(keys)}})
        for step in range(first, first + count)
    ]
    return json.dumps({"files": {"wandb-history.jsonl": {"offset": 0, "content": lines}}}).encode()


def send(server: Server, run: str, body: bytes, **headers: str) -> int:
    answer = httpx.post(
        f"{server.url}/files/local/{PROJECT}/{run}/file_stream",
        content=body,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        auth=("api", KEY),
        timeout=PATIENCE,
    )
    return answer.status_code


def steps(server: Server, run: str) -> list[int]:
    return [row["step"] for row in server.rows(run)]


def test_a_damaged_body_is_asked_for_again(own: Server) -> None:
    run = begun(own, "damaged")
    packed = gzip.compress(rows(0, 5))
    bodies = [b"{", rows(0, 5)[:-9], b"[1]", b"nonsense", b"\xff\xfe"]
    assert {send(own, run, body) for body in bodies} == {500}
    wrong = [packed[:-9], packed[:40] + b"x" + packed[41:], b"no gzip"]
    assert {send(own, run, body, content_encoding="gzip") for body in wrong} == {500}
    assert steps(own, run) == []
    assert send(own, run, packed, content_encoding="gzip") == 200
    assert steps(own, run) == [0, 1, 2, 3, 4]


def test_a_body_that_is_cut_off_changes_nothing(own: Server) -> None:
    run, body = begun(own, "cut"), rows(0, 5)
    with socket.create_connection(("127.0.0.1", own.port)) as connection:
        head = f"POST /files/local/{PROJECT}/{run}/file_stream HTTP/1.1\r\nHost: x\r\n"
        head += f"Authorization: Bearer {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:-1])
    assert steps(own, run) == []
    assert send(own, run, body) == 200
    assert steps(own, run) == [0, 1, 2, 3, 4]


def test_a_body_that_is_too_large_is_no_4xx(own: Server) -> None:
    run = begun(own, "huge")
    with socket.create_connection(("127.0.0.1", own.port), timeout=60) as connection:
        head = f"POST /files/local/{PROJECT}/{run}/file_stream HTTP/1.1\r\nHost: x\r\n"
        head += f"Authorization: Bearer {KEY}\r\nContent-Length: {1 << 40}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(12) == b"HTTP/1.1 503"
    bomb = gzip.compress(b" " * (300 << 20), 1)
    assert send(own, run, bomb, content_encoding="gzip") == 500


def test_unknown_deleted_and_oddly_named_runs_are_taken_in_silence(own: Server) -> None:
    run = begun(own, "deleted")
    assert send(own, run, rows(0, 2)) == 200
    own.graphql("mutation D($id: ID!) { deleteRun(input: {id: $id}) { success } }", {"id": run})
    assert {send(own, name, rows(0, 2)) for name in (run, "unknown", *ODD)} == {200}


def test_odd_lines_are_left_out_and_the_others_kept(own: Server) -> None:
    run = begun(own, "odd")
    lines = ["{", "[]", 3, None, {"_step": 1, "m": 1}, '{"_step": 1e99, "m": 2}', "[" * 100_000]
    lines += ['{"_step": 3, "m": NaN, "big": 1' + "0" * 400 + "}", '{"_step": -5, "m": 1}']
    content = {"offset": -3, "content": lines}
    files: dict[str, Any] = {"wandb-history.jsonl": content, "wandb-summary.json": 7, "x": None}
    assert send(own, run, json.dumps({"files": files, "exitcode": "x"}).encode()) == 200
    assert {1, 3} <= set(steps(own, run))
    for text in (b"{}", b"", b'{"files": []}', b'{"files": {"output.log": 3}, "complete": "yes"}'):
        assert send(own, run, text) == 200


def test_steps_in_any_order_and_posts_repeated(own: Server) -> None:
    run = begun(own, "order")
    for first in (40, 0, 20, 0, 10, 30, 40):
        assert send(own, run, rows(first, 10)) == 200
    seen = own.rows(run)
    assert [row["step"] for row in seen] == list(range(50))
    assert [row["metrics"]["m0"] for row in seen] == list(range(50))


def test_a_full_disk_is_503_and_nothing_of_it_is_kept(own: Server) -> None:
    run = begun(own, "full")
    with full_disk(own):
        assert send(own, run, rows(0, 500)) == 503
    assert steps(own, run) == []
    assert send(own, run, rows(0, 500)) == 200
    assert len(steps(own, run)) == 500


def test_twenty_posts_of_10_mb_at_once_are_all_taken_and_a_small_one_is_not_kept_waiting(
    own: Server,
) -> None:
    """The memory of the server stays far from twenty times what one such post needs."""
    assert own.process is not None
    server = psutil.Process(own.process.pid)
    body = rows(0, 20_000, keys=22)
    assert len(body) > 9_000_000
    names = [begun(own, f"large{number}") for number in range(20)]
    small = begun(own, "small")
    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            most[0] = max(most[0], server.memory_info().rss)

    def insistent(run: str) -> str:
        until(lambda: send(own, run, body) == 200, f"room for {run}")
        return run

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(len(names)) as pool:
            under_way = [pool.submit(insistent, run) for run in names]
            next(as_completed(under_way))
            assert send(own, small, rows(0, 3)) == 200
            waiting = [one for one in under_way if not one.done()]
            assert len(waiting) > 10, "the small one has waited for the large ones"
            assert sorted(one.result() for one in under_way) == sorted(names)
    finally:
        over.set()
        watcher.join()
    ends = [own.get(f"/api/runs/{run}/history?since=19998") for run in names]
    assert [[row["step"] for row in end] for end in ends] == [[19_998, 19_999]] * 20
    assert most[0] < 900 << 20, f"{most[0] >> 20} MB"
