"""Requests that come twice, together, or with values that no clock and no counter has: by hand, in this process."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from typing import Any

from tests.wire.test_wandb_artifacts import COMMIT, CREATE, FILES, MANIFEST
from tests.wire.test_wandb_wire import KEY, Wire, basic, claimed, history, sweep, wire

__all__ = ["sweep", "wire"]


def md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def put(wire: Wire, url: str, content: bytes) -> None:
    assert wire.http.put(url, content=content).is_success


def pending(wire: Wire, digest: str, content: bytes = b"content") -> str:
    """An artifact that only has to be committed, and says that it has this digest."""
    given = {"artifactTypeName": "t", "artifactCollectionName": "c", "projectName": "p"}
    made = wire.data(CREATE, input={**given, "digest": digest, "clientID": md5(content)})
    one: str = made["createArtifact"]["artifact"]["id"]
    wanted = [{"artifactID": one, "name": "a", "md5": md5(content)}]
    (edge,) = wire.data(FILES, files=wanted)["createArtifactFiles"]["files"]["edges"]
    if edge["node"]["uploadUrl"]:
        put(wire, edge["node"]["uploadUrl"], content)
    text = json.dumps({"version": 1, "contents": {"a": {"digest": md5(content), "size": 7}}})
    told = wire.data(MANIFEST, id=one, digest=md5(text.encode()))["createArtifactManifest"]
    put(wire, told["artifactManifest"]["file"]["uploadUrl"], text.encode())
    return one


def test_a_commit_that_is_sent_again_while_it_is_under_way_succeeds(wire: Wire) -> None:
    one = pending(wire, "d")
    answers: list[Any] = []
    commits = [
        threading.Thread(target=lambda: answers.append(wire.ask(COMMIT, id=one))) for _ in range(4)
    ]
    with wire.context.collecting.alone():
        for commit in commits:
            commit.start()
    for commit in commits:
        commit.join()
    assert [answer for answer in answers if "errors" in answer] == []


def test_a_version_has_the_digest_of_its_content_whatever_was_said(wire: Wire) -> None:
    one = pending(wire, "another content's digest")
    wire.data(COMMIT, id=one)
    real = hashlib.md5(f"wandb-artifact-manifest-v1\na:{md5(b'content')}\n".encode()).hexdigest()
    (version,) = wire.store.artifacts(wire.store.collections("p")[0].number)
    assert version.digest == real
    assert pending(wire, "another content's digest", b"other") != one


def test_no_step_and_no_time_is_beyond_all_numbers(wire: Wire) -> None:
    wire.init("odd")
    odd = (
        '{"loss": 1, "_step": 0, "_timestamp": Infinity}',
        '{"loss": 2, "_step": 1, "_timestamp": NaN}',
        f'{{"loss": 3, "_step": 1{"0" * 400}, "_timestamp": 1{"0" * 400}}}',
    )
    wire.stream("odd", {"files": {"wandb-history.jsonl": {"offset": 0, "content": odd}}})
    rows = wire.store.rows("odd")
    assert [(row.step, row.metrics["loss"], row.time) for row in rows] == [
        (0, 1, None),
        (1, 2, None),
        (2, 3, None),
    ]


def shared(wire: Wire, writer: str, *losses: float, first: int = 0) -> None:
    """Lines of one of several processes that write the run `both`."""
    headers = {"x-wandb-use-async-filestream": "true", "x-wandb-async-client-id": writer}
    body = history(*((0, loss) for loss in losses), offset=first)
    lines = [json.dumps({"loss": loss}) for loss in losses]
    body["files"]["wandb-history.jsonl"]["content"] = lines
    answer = wire.http.post(
        "/files/local/p/both/file_stream", json=body, headers={**basic(KEY), **headers}
    )
    assert answer.status_code == 200


def test_lines_of_a_shared_run_that_are_sent_again_are_known(wire: Wire) -> None:
    wire.init("both")
    shared(wire, "one", 1.0, 2.0)
    shared(wire, "two", 10.0)
    shared(wire, "one", 1.0, 2.0, 3.0)  # its first post's answer was lost
    shared(wire, "two", 10.0)
    assert wire.curve("both") == [(0, 1.0), (1, 2.0), (2, 10.0), (3, 3.0)]


def test_a_filter_that_is_none_gives_no_runs(wire: Wire) -> None:
    query = 'query R($f: JSONString) { project(name: "p") { runCount(filters: $f) } }'
    assert wire.data(query, f="{}") == wire.data(query) == {"project": {"runCount": 0}}
    for odd in ("[1]", "nonsense", '"state"'):
        assert "filter" in wire.ask(query, f=odd)["errors"][0]["message"]


def test_a_runs_key_gets_no_upload_url_for_another_run(wire: Wire, sweep: str) -> None:
    (mine, key), (other, _) = claimed(wire, sweep), claimed(wire, sweep, "r2")
    query = (
        "mutation F($run: String!) { createRunFiles(input: "
        '{projectName: "p", runName: $run, files: ["a"]}) { files { uploadUrl } } }'
    )
    assert wire.data(query, key, run=mine)["createRunFiles"]["files"]
    project = wire.store.run(other).project
    answer = wire.ask(query.replace('"p"', json.dumps(project)), key, run=other)
    assert "belongs to another run" in answer["errors"][0]["message"]
