"""A small fake of W&B's own server: what its projects hold that no swept server would show.

It answers the client's documents over plain nodes. Every fifth request is told to come back later (429).
"""

from __future__ import annotations

import itertools
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import yaml

from swept.server.wandb.graphql import Arguments, Roots, Tally, execute
from swept.server.wandb.reads import connection, server_info_node, viewer_node

ENTITY = "team"
LONG = "z" * 100
SHARED = "baseline"
NESTED = {
    "method": "random",
    "name": "odd keys",
    "metric": {"name": "loss", "goal": "minimize"},
    "launch": {"image": "x"},
    "my_own": 3,
    "early_terminate": {"type": "hyperband", "min_iter": 2},
    "parameters": {
        "lr": {"min": 0.0, "max": 1.0},
        "net": {"parameters": {"width": {"values": [4, 8]}}},
    },
}
CUSTOM = {"method": "custom", "parameters": {"lr": {"min": 0.0, "max": 1.0}}}
IMAGE = {"_type": "image-file", "path": "media/images/a.png", "width": 2, "height": 2}


def run(
    name: str, state: str, rows: Sequence[Mapping[str, Any]] = (), **more: Any
) -> dict[str, Any]:
    return {"name": name, "state": state, "rows": list(rows), "files": {}, **more}


def losses(*values: float) -> list[dict[str, Any]]:
    return [{"_step": step, "_timestamp": 1e9 + step, "loss": v} for step, v in enumerate(values)]


def _config(lr: float, width: int) -> dict[str, Any]:
    return {"lr": lr, "net": {"width": width}, "optimizer": "sgd"}


PROJECTS: dict[str, dict[str, Any]] = {
    "oddities": {
        "sweeps": {"odd1": NESTED, "odd2": CUSTOM},
        "runs": [
            run("good", "finished", losses(3, 2), sweep="odd1", config=_config(0.1, 4)),
            run("early", "killed", losses(5), sweep="odd1", config=_config(0.2, 8)),
            run("spot", "preempted", losses(4), sweep="odd1", config=_config(0.3, 8)),
            run("broken", "crashed", losses(4), sweep="odd1", config=_config(0.4, 8)),
            run("alive", "running", losses(9), sweep="odd1", config=_config(0.5, 8)),
            run("outside", "finished", losses(1), sweep="odd1", config=_config(7.0, 8)),
            run("own", "finished", losses(1), sweep="odd2", config={"lr": 0.5}),
            run("orphan", "finished", losses(1), sweep="gone", config={"lr": 0.5}),
            run("queued", "pending"),
            run(LONG, "finished", losses(1)),
            run(SHARED, "finished", losses(1, 0.5)),
            run(
                "sparse",
                "finished",
                [
                    {"_step": 5, "loss": 1.0, "picture": IMAGE},
                    {"_step": 900_000, "loss": float("nan")},
                ],
                files={
                    "media/images/a.png": b"png",
                    "output.log": b"first\nsecond\n",
                    "../../../escaped.txt": b"out",
                },
            ),
        ],
    },
    "other": {"sweeps": {}, "runs": [run(SHARED, "finished", losses(7))]},
}


class Fake:
    """The projects as nodes. `failing`: whether some requests are refused for now."""

    def __init__(self) -> None:
        self.url = ""
        self.failing = True
        self.asked = itertools.count(1)
        self.refused = 0

    def answer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        query = {
            "viewer": viewer_node(),
            "serverInfo": server_info_node(),
            "project": lambda a: self.project(a.text("name")),
            "model": lambda a: self.project(a.text("name")),
            "__type": {"fields": [], "inputFields": []},
        }
        roots = Roots(query, {})
        name = body.get("operationName") or ""
        return execute(body["query"], body.get("variables"), roots, Tally(Counter()), name)

    def project(self, name: str) -> dict[str, Any] | None:
        kept = PROJECTS.get(name)
        if kept is None:
            return None
        return {
            "id": name,
            "internalId": "7",
            "name": name,
            "entityName": ENTITY,
            "readOnly": False,
            "totalSweeps": len(kept["sweeps"]),
            "sweeps": lambda a: connection([self.sweep(kept, one) for one in kept["sweeps"]], a),
            "sweep": lambda a: (
                self.sweep(kept, a.text("sweepName"))
                if a.text("sweepName") in kept["sweeps"]
                else None
            ),
            "runs": lambda a: connection([self.run(name, one) for one in self.wanted(kept, a)], a),
            "runCount": lambda a: len(self.wanted(kept, a)),
            "run": lambda a: next(
                (self.run(name, one) for one in kept["runs"] if one["name"] == a.text("name")), None
            ),
        }

    def wanted(self, kept: Mapping[str, Any], arguments: Arguments) -> list[dict[str, Any]]:
        sweep = json.loads(arguments.text("filters") or "{}").get("sweep")
        return [one for one in kept["runs"] if sweep in (None, one.get("sweep"))]

    def sweep(self, kept: Mapping[str, Any], name: str) -> dict[str, Any]:
        return {
            "__typename": "Sweep",
            "id": name,
            "name": name,
            "displayName": None,
            "method": "random",
            "state": "RUNNING",
            "description": None,
            "bestLoss": None,
            "config": yaml.safe_dump(kept["sweeps"][name]),
            "createdAt": "2024-01-01T00:00:00Z",
            "updatedAt": "2024-01-01T00:00:00Z",
            "runCount": 1,
            "runCountExpected": None,
        }

    def run(self, project: str, kept: Mapping[str, Any]) -> dict[str, Any]:
        rows: list[dict[str, Any]] = kept["rows"]
        config = {key: {"value": value} for key, value in kept.get("config", {}).items()}
        last = rows[-1]["_step"] if rows else -1
        summary = {**rows[-1], "_wandb": {"runtime": 5}} if rows else {}
        return {
            "__typename": "Run",
            "id": f"{project}/{kept['name']}",
            "projectId": "7",
            "name": kept["name"],
            "displayName": f"the {kept['name'][:10]}",
            "sweepName": kept.get("sweep"),
            "state": kept["state"],
            "config": json.dumps({**config, "_wandb": {"value": {"t": {}}}}),
            "summaryMetrics": json.dumps(summary),
            "systemMetrics": "{}",
            "tags": ["odd"],
            "createdAt": "2024-01-01T10:00:00Z",
            "heartbeatAt": "2024-01-01T11:00:00Z",
            "historyLineCount": len(rows),
            "historyKeys": {"keys": {}, "lastStep": last},
            "readOnly": False,
            "user": {"name": "A", "username": "a"},
            "history": lambda a: _page(rows, a),
            "events": lambda a: [json.dumps({"_timestamp": 1e9, "system.cpu": 3.5})],
            "parquetHistory": {"parquetUrls": [], "liveData": []},
            "fileCount": len(kept["files"]),
            "files": lambda a: connection(
                [self.file(project, kept, name) for name in kept["files"]], a
            ),
        }

    def file(self, project: str, kept: Mapping[str, Any], name: str) -> dict[str, Any]:
        url = f"{self.url}/blob/{project}/{kept['name']}/{name.replace('/', '%2F')}"
        return {
            "id": name,
            "name": name,
            "url": lambda a: url,
            "directUrl": url,
            "sizeBytes": len(kept["files"][name]),
            "mimetype": None,
            "updatedAt": "2024-01-01T11:00:00Z",
            "md5": None,
        }

    def blob(self, path: str) -> bytes | None:
        _, _, project, name, file = path.split("/", 4)
        runs = (one for one in PROJECTS[project]["runs"] if one["name"] == name)
        content: bytes | None = next(runs)["files"].get(unquote(file))
        return content


def _page(rows: Sequence[Mapping[str, Any]], arguments: Arguments) -> list[str]:
    least, most = arguments.get("minStep") or 0, arguments.get("maxStep")
    shown = [row for row in rows if row["_step"] >= least and (most is None or row["_step"] < most)]
    return [json.dumps(row) for row in shown]


@contextmanager
def serving() -> Iterator[Fake]:
    fake = Fake()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if fake.failing and next(fake.asked) % 5 == 0:
                fake.refused += 1
                self.tell(429, b'{"errors": [{"message": "rate limit exceeded"}]}')
            else:
                self.tell(200, json.dumps(fake.answer(json.loads(body))).encode())

        def do_GET(self) -> None:
            content = fake.blob(self.path) if self.path.startswith("/blob/") else None
            self.tell(200 if content is not None else 404, content or b"no")

        def tell(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: the test says what is wrong."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
