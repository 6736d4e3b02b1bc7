"""What the server does not know, asked for by a raw client: answered, counted, shown to the operator once."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.wire.harness import KEY, ROOT, Server, until

AUTH = ("api", KEY)
QUERY = """query Q($x: String) { viewer { id moonPhase } project(name: "p", orbit: $x) { name } }"""
MUTATION = "mutation M { levitate(input: {height: 3}) { success } }"
LAUNCH = 'mutation L { pushToRunQueue(input: {queueID: "q"}) { runQueueItemId } }'


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose counts are nobody else's."""
    one = Server(tmp_path_factory.mktemp("unknown"))
    one.start()
    yield one
    one.kill()


@pytest.fixture(scope="module")
def asked(own: Server) -> dict[str, Any]:
    """Everything once, and once more."""
    answers: dict[str, Any] = {}
    for _ in range(2):
        answers["query"] = own.graphql(QUERY, {"x": "high"})
        answers["mutation"] = own.graphql(MUTATION)
        answers["launch"] = own.graphql(LAUNCH)
        for method, path in (
            ("POST", "/sdk/new/v2/things"),
            ("POST", "/sdk/otel/v1/metrics"),
            ("DELETE", "/files/local/p/r/model.pt"),
            ("GET", "/evaluations/7"),
        ):
            answers[path] = httpx.request(method, own.url + path, auth=AUTH, timeout=60)
    return answers


def test_unknown_fields_and_mutations_are_null(asked: dict[str, Any]) -> None:
    assert asked["query"] == {
        "data": {"viewer": {"id": "local", "moonPhase": None}, "project": {"name": "p"}}
    }
    assert asked["mutation"] == {"data": {"levitate": None}}


def test_what_is_declined_is_said_in_one_line_and_not_counted(
    own: Server, asked: dict[str, Any]
) -> None:
    (error,) = asked["launch"]["errors"]
    assert error["message"] == "W&B Launch is not served"
    assert "Mutation.pushToRunQueue" not in own.get("/api/status")["unknown"]


def test_unknown_paths_are_404_in_json(asked: dict[str, Any]) -> None:
    for path in ("/sdk/new/v2/things", "/sdk/otel/v1/metrics", "/evaluations/7"):
        assert asked[path].status_code == 404
        assert asked[path].json()["error"] == "NotFound"


def test_each_is_counted_and_the_clients_own_telemetry_is_not(
    own: Server, asked: dict[str, Any]
) -> None:
    assert own.get("/api/status")["unknown"] == {
        "User.moonPhase": 2,
        "Query.project(orbit)": 2,
        "Mutation.levitate": 2,
        "POST /sdk/new/v2/things": 2,
        "DELETE /files/…": 2,
        "GET /evaluations/…": 2,
    }


def test_the_servers_log_has_one_line_for_each(own: Server, asked: dict[str, Any]) -> None:
    log = (own.folder / "log").read_text()
    for name in own.get("/api/status")["unknown"]:
        assert log.count(f"asked for {name},") == 1, log


def test_the_doctor_says_what_was_asked_for_and_what_that_means(
    own: Server, asked: dict[str, Any]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "swept", "doctor"],
        cwd=own.folder,
        env={
            **os.environ,
            "SWEPT_URL": own.url,
            "SWEPT_API_KEY": KEY,
            "PYTHONPATH": str(ROOT / "src"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if "wandb" in line and "--" in line]
    assert [line.split(maxsplit=2)[2] for line in lines] == [
        "arguments that W&B clients gave, ignored: Query.project(orbit) (2)",
        "changes that W&B clients asked for, not made: Mutation.levitate (2)",
        "fields that W&B clients asked for, answered with null: User.moonPhase (2)",
        "paths that W&B clients asked for, answered 404: "
        "DELETE /files/… (2), GET /evaluations/… (2), POST /sdk/new/v2/things (2)",
    ]
    assert done.stdout.count("the clients went on") == 1


def test_a_hostile_client_cannot_fill_the_counts(own: Server, asked: dict[str, Any]) -> None:
    fields = " ".join(f"f{number}" for number in range(3000))
    own.graphql(f"query H {{ viewer {{ {fields} }} }}")
    assert len(own.get("/api/status")["unknown"]) <= 500


# -- HTTP -----------------------------------------------------------------------------------------


def raw(server: Server, text: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    connection.sendall(text)
    return connection


def head(length: int, path: str = "/graphql") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def test_a_body_that_never_comes_holds_up_nobody(own: Server) -> None:
    waiting = [raw(own, head(1000) + b'{"query": ') for _ in range(200)]
    try:
        assert own.graphql("query V { viewer { id } }")["data"]["viewer"]["id"] == "local"
    finally:
        for one in waiting:
            one.close()


def test_headers_that_never_end_hold_up_nobody(own: Server) -> None:
    waiting = [raw(own, b"POST /graphql HTTP/1.1\r\nHost: ") for _ in range(200)]
    try:
        assert own.graphql("query V { viewer { id } }")["data"]["viewer"]["id"] == "local"
    finally:
        for one in waiting:
            one.close()


def test_headers_without_end_are_refused(own: Server) -> None:
    with raw(own, b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000) as connection:
        assert b" 400 " in connection.recv(100)


def test_a_length_that_is_a_lie_is_refused_before_the_body(own: Server) -> None:
    with raw(own, head(1 << 40)) as connection:
        assert b" 413 " in connection.recv(100)


@pytest.mark.parametrize("lie", [b"-1", b"many", b"1, 2"])
def test_a_length_that_is_none_is_refused(own: Server, lie: bytes) -> None:
    text = head(0).replace(b"Content-Length: 0", b"Content-Length: " + lie)
    with raw(own, text) as connection:
        assert b" 400 " in connection.recv(100)


def test_compressed_requests_are_read_and_others_refused(own: Server, tmp_path: Path) -> None:

    body = gzip.compress(json.dumps({"query": "query V { viewer { id } }"}).encode())
    for coding, status in (("gzip", 200), ("identity", 400)):
        answer = httpx.post(
            own.url + "/graphql",
            content=body,
            headers={"Content-Encoding": coding},
            auth=AUTH,
            timeout=60,
        )
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "TRACE"])
@pytest.mark.parametrize(
    "path", ["/graphql", "/files/local/p/r/file_stream", "/", "/nowhere/at/all"]
)
def test_odd_methods_are_answered_without_an_error_of_ours(
    own: Server, method: str, path: str
) -> None:
    answer = httpx.request(method, own.url + path, auth=AUTH, timeout=60)
    assert answer.status_code in (200, 404, 405)


def test_the_server_is_well_after_all_that(own: Server) -> None:
    def well() -> bool:
        return bool(own.get("/api/handshake"))

    until(well, "answer")
    assert "Traceback" not in (own.folder / "log").read_text()
