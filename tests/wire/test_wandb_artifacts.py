"""Artifacts with the real client: logged, used, changed, deleted; whole or not there, and each content once."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.wire.harness import KEY, Client, Server, until

pytestmark = [pytest.mark.slow]

FROZEN = "the client's own model of a collection does not let it keep the aliases that it read"


def plays(scenario: Callable[[Client], Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


def printed(text: str, word: str) -> Any:
    found = re.search(rf"^{word} (.*)$", text, re.MULTILINE)
    assert found is not None, text
    return json.loads(found[1])


def stored(server: Server) -> dict[str, bytes]:
    """md5 → the file, for all that the server keeps of artifacts."""
    folder = server.folder / "files" / ".artifacts"
    return {path.name: path.read_bytes() for path in folder.glob("??/*")}


# -- scenarios ------------------------------------------------------------------------------------


def life(client: Client) -> Any:
    text = client.run("artifact_life.py", f"artifacts-{client.version}", client.version)
    seen = printed(text, "SEEN")
    return {**seen, "native": client.server.get(f"/api/runs/{seen['writer']}/artifacts")}


def at_once(client: Client) -> Any:
    """Two runs write versions of one collection at the same time."""
    project = f"at-once-{client.version}"

    def one(name: str) -> Any:
        folder = client.folder / name
        mine = replace(client, folder=folder)
        text = mine.run("artifact_many.py", project, name, "4", "40000")
        return printed(text, "VERSIONS")

    with ThreadPoolExecutor(2) as pool:
        return [version for versions in pool.map(one, ("one", "two")) for version in versions]


def killed(client: Client) -> Any:
    """The server dies while versions that are logged already are still being sent, and comes back."""
    with client.on_its_own_server() as alone, ThreadPoolExecutor(1) as pool:
        program = ("artifact_many.py", "killed", "run", "8", "300000", "back.txt")
        running = pool.submit(lambda: alone.run(*program))
        mark = alone.folder / "logged-by-run.txt"
        run = until(lambda: mark.exists() and mark.read_text(), "versions logged")
        alone.server.kill()
        alone.server.start()
        (alone.folder / "back.txt").touch()
        versions = printed(running.result(), "VERSIONS")
        contents = stored(alone.server)
        alone.server.end()
        alone.server.start()
        return versions, contents, alone.server.get(f"/api/runs/{run}/artifacts")


def offline(client: Client) -> Any:
    text = client.run("artifact_offline.py", WANDB_BASE_URL="http://127.0.0.1:9")
    found = re.search(r"RUN (\w+)", text)
    assert found is not None, text
    (folder,) = (client.folder / "wandb").glob("offline-run-*")
    client.run("-m", "wandb", "sync", str(folder))
    return client.server.get(f"/api/runs/{found[1]}/artifacts")


def under_swept_agent(client: Client) -> Any:
    python = client.command()[0]
    sweep = client.create(
        f"program: artifact_swept.py\nproject: artifacts\nmethod: grid\n"
        f"command: [{python}, '${{program}}']\n"
        "metric: {name: loss, goal: minimize}\nparameters:\n  lr: {values: [0.5]}\n"
    )
    text = client.swept("agent", sweep)
    (run,) = client.server.runs(sweep)
    return run, client.server.get(f"/api/runs/{run['id']}/artifacts"), text


def gone(client: Client) -> Any:
    text = client.run("artifact_gone.py", f"gone-{client.version}", client.version)
    seen = printed(text, "SEEN")
    return {**seen, "rows": client.server.rows(seen["other"]), "text": text}


# -- a life ---------------------------------------------------------------------------------------


@pytest.mark.feature(
    "Artifacts", "run.log_artifact, artifact.wait: files, folders, references, metadata"
)
@plays(life)
def test_files_folders_and_references_are_logged(told: Any) -> None:
    assert told["data"] == ["v0", ["latest", "raw"], "COMMITTED", True]
    assert told["files"] == ["deep/er/two.bin", "far.css", "local.txt", "one.txt", "renamed.txt"]


@pytest.mark.feature("Artifacts", "versions v0, v1, …; the same content again makes none")
@plays(life)
def test_the_same_content_makes_no_new_version(told: Any) -> None:
    assert told["versions"] == ["v0", "v1", "v0"]
    assert told["list"] == [["v3", ["latest"]], ["v2", ["good"]], ["v1", []], ["v0", ["best"]]]


@pytest.mark.feature(
    "Artifacts", "artifact.save: aliases, description, metadata, tags; use_artifact finds them"
)
@plays(life)
def test_what_is_said_of_an_artifact_can_be_changed(told: Any) -> None:
    assert told["used"] == ["v2", "the third", {"loss": 0.25}, ["keep", "me"]]


@pytest.mark.feature("Artifacts", "incremental artifacts; new_draft with files removed and added")
@plays(life)
def test_a_version_builds_upon_another(told: Any) -> None:
    assert told["incremental"] == ["v3", ["notes.txt", "weights.txt"]]
    names = ["added.txt", "deep/er/two.bin", "far.css", "local.txt", "one.txt"]
    assert told["draft"] == ["v1", names]


@pytest.mark.feature("Artifacts", "artifact.download, .verify, .get_entry, .file: as it was logged")
@plays(life)
def test_what_is_downloaded_is_what_was_logged(told: Any) -> None:
    assert told["downloaded"] == {"weights.txt": hashlib.sha256(b"3").hexdigest()[:12]}
    assert told["source"].items() <= told["folder"].items()
    assert sorted(told["folder"]) == told["files"]
    assert told["folder"]["local.txt"] == told["folder"]["renamed.txt"]
    assert told["entry"] == 256 * 4000
    assert told["file"] == "2"


@pytest.mark.feature("Artifacts", "wandb.Table by run.log and in an artifact, read back")
@plays(life)
def test_tables_come_back(told: Any) -> None:
    rows = [["a", 1.5], ["b", 2.5]]
    assert told["table"] == [["name", "value"], rows]
    assert told["run table"] == [[["a", 1.5], ["b", 2.5]]]


@pytest.mark.feature("Artifacts", "run.log_code, run.log_model, run.use_model")
@plays(life)
def test_code_and_models_are_artifacts(told: Any) -> None:
    assert told["model"] == "beside"
    assert told["types"] == ["code", "dataset", "model", "predictions", "run_table"]


@pytest.mark.feature(
    "Artifacts", "Api().artifacts, artifact_types, artifact_collection: read and edited"
)
@plays(life)
def test_collections_are_read_and_edited(told: Any) -> None:
    assert told["collections"] == ["mine", "weights"]
    assert told["collection"] == ["all weights", ["golden"]]
    assert told["exists"] == [True, False, True]


@pytest.mark.feature("Artifacts", "ArtifactCollection.aliases")
@pytest.mark.client_bug("0.23.1", FROZEN)
@plays(life)
def test_the_aliases_of_a_collection(told: Any) -> None:
    assert told["aliases"] == ["best", "good", "latest"]


@pytest.mark.feature(
    "Artifacts", "run.logged_artifacts, used_artifacts; artifact.logged_by, used_by"
)
@plays(life)
def test_runs_and_artifacts_know_each_other(told: Any) -> None:
    assert {"data:v0", "data:v1", "mine:v0", "weights:v2", "weights:v3"} <= set(told["logged"])
    assert told["inputs"] == ["data:v0", "mine:v0", "predictions:v0", "weights:v1", "weights:v2"]
    assert (told["by"], told["users"]) == ([told["writer"]], [told["reader"]])


@pytest.mark.feature("Artifacts", "artifact.delete: refused with aliases unless they go too")
@plays(life)
def test_a_version_is_deleted_and_latest_moves_back(told: Any) -> None:
    assert "has aliases: good" in told["refused"]
    assert told["left"] == [["v2", ["good", "latest"]], ["v1", []], ["v0", ["best"]]]


@plays(life)
def test_the_native_api_lists_what_a_run_logged(told: Any) -> None:
    found = {(one["name"], one["version"]): one for one in told["native"]}
    one = found["weights", 2]
    assert (one["type"], one["role"], one["aliases"]) == ("model", "output", ["good", "latest"])
    assert (one["files"], one["size"]) == (1, 1)


# -- several, and what goes wrong -----------------------------------------------------------------


@pytest.mark.feature("Artifacts", "two runs log to one collection at once: each version is one's")
@plays(at_once)
def test_versions_of_two_runs_are_different_ones(told: Any) -> None:
    assert sorted(told) == [f"v{number}" for number in range(8)]


@pytest.mark.feature("Artifacts", "the server is killed while artifacts are logged: all are whole")
@plays(killed)
def test_a_killed_server_loses_no_version(told: Any) -> None:
    versions, contents, listed = told
    assert versions == [f"v{number}" for number in range(8)]
    assert [one["version"] for one in listed] == list(range(8))
    for digest, content in contents.items():
        assert hashlib.md5(content).hexdigest() == digest
    same = b"the same in all of them " * 40_000
    assert sum(content == same for content in contents.values()) == 1


@pytest.mark.feature("Artifacts", "logged offline, sent by wandb sync")
@plays(offline)
def test_artifacts_made_offline_are_synced(told: Any) -> None:
    late, table = sorted(told, key=lambda one: str(one["type"]))
    assert (late["name"], late["version"]) == ("late", 0)
    assert late["aliases"] == ["latest", "sent"]
    assert (table["type"], table["files"]) == ("run_table", 1)


@pytest.mark.feature("Artifacts", "under swept agent, with the key of the attempt")
@plays(under_swept_agent)
def test_an_attempts_key_logs_and_changes_its_own_artifacts(told: Any) -> None:
    run, listed, text = told
    assert run["state"] == "finished", text
    assert [one["role"] for one in listed] == ["output", "input"]
    assert listed[0]["aliases"] == ["best", "latest"]


@pytest.mark.feature(
    "Artifacts", "Api().run().delete: artifacts stay; delete_artifacts removes the unused"
)
@plays(gone)
def test_a_deleted_run_takes_along_only_what_it_is_told_to(told: Any) -> None:
    assert told["there"] == {"alone": False, "used": True, "kept": True, "left": True}


@pytest.mark.feature("Artifacts", "a link into a registry is declined, and the run goes on")
@plays(gone)
def test_a_link_into_a_registry_is_declined(told: Any) -> None:
    assert [row["metrics"]["after"] for row in told["rows"]] == [1]
    assert "the registry is not served" in told["text"]


# -- asked directly -------------------------------------------------------------------------------

CREATE = """mutation C($input: CreateArtifactInput!) { createArtifact(input: $input) {
  artifact { id state artifactSequence { latestArtifact { id versionIndex } } } } }"""
FILES = """mutation F($files: [CreateArtifactFileSpecInput!]!) {
  createArtifactFiles(input: {artifactFiles: $files, storageLayout: V2}) {
    files { edges { node { name uploadUrl } } } } }"""
MANIFEST = """mutation M($id: ID!, $digest: String!) {
  createArtifactManifest(input: {artifactID: $id, name: "m", digest: $digest, type: FULL}) {
    artifactManifest { id file { uploadUrl } } } }"""
COMMIT = (
    "mutation C($id: ID!) { commitArtifact(input: {artifactID: $id}) { artifact { id state } } }"
)
DELETE = """mutation D($id: ID!) {
  deleteArtifact(input: {artifactID: $id, deleteAliases: true}) { artifact { id } } }"""
STATE = "query S($id: ID!) { artifact(id: $id) { state versionIndex } }"


def md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


class Hand:
    """Makes an artifact step by step, as a client would."""

    def __init__(self, server: Server, name: str, key: str = KEY) -> None:
        self.server, self.key = server, key
        given = {"artifactTypeName": "t", "artifactCollectionName": name, "projectName": "by-hand"}
        answer = self.ask(CREATE, input={**given, "digest": name, "clientID": name})
        self.errors = answer.get("errors")
        self.id = answer["data"]["createArtifact"]["artifact"]["id"] if not self.errors else ""

    def ask(self, query: str, **variables: Any) -> Any:
        return self.server.graphql(query, variables, self.key)

    def file(self, name: str, content: bytes) -> Any:
        """The answer to the wish for an upload URL."""
        answer = self.ask(FILES, files=[{"artifactID": self.id, "name": name, "md5": md5(content)}])
        if "errors" in answer:
            return answer["errors"][0]["message"]
        return answer["data"]["createArtifactFiles"]["files"]["edges"][0]["node"]["uploadUrl"]

    def manifest(self, contents: dict[str, Any]) -> None:
        text = json.dumps({"version": 1, "contents": contents}).encode()
        answer = self.ask(MANIFEST, id=self.id, digest=md5(text))["data"]
        url = answer["createArtifactManifest"]["artifactManifest"]["file"]["uploadUrl"]
        assert httpx.put(url, content=text).is_success

    def commit(self) -> str:
        """ "" or why not."""
        answer = self.ask(COMMIT, id=self.id)
        return answer["errors"][0]["message"] if "errors" in answer else ""

    @property
    def state(self) -> Any:
        return self.ask(STATE, id=self.id)["data"]["artifact"]


def test_an_artifact_is_committed_only_when_all_of_it_is_there(server: Server) -> None:
    one = Hand(server, "in-steps")
    assert "has not arrived" in one.commit()
    url = one.file("a.txt", b"the content")
    one.manifest({"a.txt": {"digest": md5(b"the content"), "size": 11}})
    assert "1 of 1 files have not arrived, the first is “a.txt”" in one.commit()
    assert httpx.put(url, content=b"another one").status_code == 422
    assert one.state == {"state": "PENDING", "versionIndex": None}
    assert httpx.put(url, content=b"the content").is_success
    assert one.commit() == one.commit() == ""
    assert one.state == {"state": "COMMITTED", "versionIndex": 0}
    other = Hand(server, "again")
    assert other.file("b.txt", b"the content") is None  # it is here


def test_an_upload_needs_its_own_signature_and_a_download_its_own(server: Server) -> None:
    one = Hand(server, "signed")
    url = one.file("a.txt", b"secret")
    other = url.replace(hashlib.md5(b"secret").hexdigest(), hashlib.md5(b"other").hexdigest())
    assert httpx.put(other, content=b"other").status_code == 401
    assert httpx.put(url.partition("?")[0], content=b"secret").status_code == 401
    assert httpx.put(url, content=b"secret").is_success
    assert httpx.get(url).status_code == 401
    plain = url.partition("?")[0]
    assert httpx.get(plain, auth=("api", KEY)).content == b"secret"
    assert httpx.get(plain, auth=("api", KEY), headers={"Range": "bytes=2-3"}).content == b"cr"


@pytest.mark.parametrize(
    "name", ["../out.txt", "/etc/x", "a/../../x", "x" * 10_000, "a\\..\\b", "a\nb", ""]
)
def test_a_hostile_name_is_refused(server: Server, name: str) -> None:
    one = Hand(server, f"hostile-{hashlib.md5(name.encode()).hexdigest()}")
    assert "is no name for a file" in one.file(name, b"x")
    digest = one.file("fine.txt", b"x") and md5(b"x")
    for content in ({"digest": digest or md5(b"x")}, {"ref": "http://far", "digest": "x"}):
        one.manifest({name: content})
        assert "is no name for a file" in one.commit()


@pytest.mark.parametrize("name", ["a/b", "a:b", "", "x" * 1000])
def test_a_hostile_collection_is_refused(server: Server, name: str) -> None:
    assert "cannot be an artifact's name" in Hand(server, name).errors[0]["message"]


def test_a_digest_names_nothing_outside_the_folder(server: Server) -> None:
    for digest in ("..%2F..%2Fkey", "..", "key", "0" * 31, "0" * 33, "G" * 32):
        for path in (f"/artifacts/local/{digest}", f"/artifactsV2/default/local/b/{digest}"):
            answer = httpx.get(server.url + path, auth=("api", KEY))
            assert not answer.is_success, path
            assert KEY not in answer.text


def test_a_stale_attempt_makes_no_artifact(server: Server) -> None:
    text = (
        "program: x.py\nproject: stale-artifacts\nmethod: grid\nparameters:\n  a: {values: [1]}\n"
    )
    sweep = server.post("/api/sweeps", {"text": text, "path": "", "mode": "create"})["id"]
    agent = server.post("/api/agents", {"sweep": sweep, "host": "h", "pid": 1, "slots": 1})["id"]
    tokens = []
    for request in ("one", "two"):
        body = {"agent": agent, "host": "h", "request": request, "wait": 20, "reachable": []}
        claimed = server.post(f"/api/sweeps/{sweep}/claim", body)["claimed"]
        tokens.append(claimed["lease"])
        run = claimed["run"]
        if request == "one":
            released = {"lease": tokens[0], "outcome": "released", "exit_code": None, "signal": 15}
            body = {**released, "reason": "Ctrl+C", "tail": []}
            server.post(f"/api/runs/{run}/complete", body)
    assert "another attempt" in Hand(server, "of-the-old", tokens[0]).errors[0]["message"]
    new = Hand(server, "of-the-new", tokens[1])
    assert not new.errors
    owners = Hand(server, "of-the-owner")
    refused = new.ask(DELETE, id=owners.id)["errors"][0]["message"]
    assert "another run's artifacts" in refused
    released = {"lease": tokens[1], "outcome": "killed", "exit_code": None, "signal": 9}
    server.post(f"/api/runs/{run}/complete", {**released, "reason": "", "tail": []})


def test_garbage_is_what_no_artifact_needs(server: Server) -> None:
    kept, deleted, pending = (Hand(server, name) for name in ("kept", "deleted", "pending"))
    contents = {
        name: f"garbage? {name}".encode() for name in ("both", "kept", "deleted", "pending")
    }
    for hand, names in ((kept, ["both", "kept"]), (deleted, ["both", "deleted"])):
        for name in names:
            if url := hand.file(name, contents[name]):
                assert httpx.put(url, content=contents[name]).is_success
        hand.manifest({name: {"digest": md5(contents[name]), "size": 1} for name in names})
        assert hand.commit() == ""
    url = pending.file("pending", contents["pending"])
    assert httpx.put(url, content=contents["pending"]).is_success
    assert "errors" not in deleted.ask(DELETE, id=deleted.id)
    folder = server.folder / "files" / ".artifacts"
    for content in contents.values():
        digest = hashlib.md5(content).hexdigest()
        os.utime(folder / digest[:2] / digest, (0.0, 0.0))

    def garbage(remove: bool) -> set[str]:
        found = server.post("/api/artifacts/garbage", {"remove": remove})
        return {Path(one["path"]).name for one in found}

    wanted = {hashlib.md5(contents["deleted"]).hexdigest()}
    assert garbage(remove=False) == garbage(remove=True) == wanted
    assert garbage(remove=False) == set()
    left = stored(server).values()
    assert [content in left for content in contents.values()] == [True, True, False, True]
