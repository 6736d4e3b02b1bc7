"""What the client reads: projects, sweeps and runs as nodes. Values are looked up only where they are asked for.

Config, summary and history rows are JSON *texts* on this wire, with bare NaN tokens in them. Rows given as objects
(`sampledHistory`) stand in the answer itself, which Go clients read strictly: there NaN is the text "NaN".
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from swept import wire
from swept.model import SWEEP_KINDS, Kind, Row, Run, RunState, Sweep
from swept.server.auth import Access
from swept.server.wandb import defined, filters, sweeps, tokens
from swept.server.wandb.graphql import Arguments, Node
from swept.server.wandb.service import (
    CHARTS,
    CONFIG,
    DEFINED,
    ENTITY,
    Service,
    find_sweep,
    locate,
    to_stop,
)
from swept.server.wandb.stream import line_of
from swept.store.base import RunFilter

STATES: Mapping[RunState, str] = {
    RunState.PENDING: "pending",
    RunState.RUNNING: "running",
    RunState.PAUSED: "pending",
    RunState.FINISHED: "finished",
    RunState.FAILED: "failed",
    RunState.STOPPED: "finished",  # the client waits for finished, crashed or failed
    RunState.KILLED: "killed",
    RunState.CRASHED: "crashed",
}
TRAINED = frozenset(Kind) - {Kind.PRIOR}
"""What scripts read: a prior run is a copy, and would be found twice, or be a sweep's best."""
PAGE = 50
SAMPLES = 500


def moment(time: float | None) -> str | None:
    """ISO 8601 in UTC, as the client parses it."""
    return None if time is None else datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def entity_node() -> Node:
    return {"__typename": "Entity", "id": ENTITY, "name": ENTITY, "organization": None}


def viewer_node() -> Node:
    none: Node = {"edges": []}
    return {
        "__typename": "User",
        "id": ENTITY,
        "name": ENTITY,
        "username": ENTITY,
        "entity": ENTITY,
        "email": "",
        "admin": False,
        "flags": "{}",
        "teams": none,
        "apiKeys": none,
        "deletedAt": None,
    }


def server_info_node() -> Node:
    """`cliVersionInfo` must be an object for clients up to 0.19. A compressed file stream is the client's choice:
    it needs `x_file_stream_no_gzip=False` too."""
    return {
        "__typename": "ServerInfo",
        "features": [
            {"__typename": "ServerFeature", "name": "FILESTREAM_GZIP", "isEnabled": True}
        ],
        "cliVersionInfo": {"max_cli_version": "99.0.0"},
        "latestLocalVersionInfo": {
            "__typename": "LocalVersionInfo",
            "outOfDate": False,
            "latestVersionString": "",
            "versionOnThisInstanceString": "",
        },
    }


def project_node(service: Service, access: Access, name: str) -> Node:
    """A project, known or not: clients ask for one before they make its first run."""
    return {
        "__typename": "Project",
        "id": name,
        "internalId": "1",
        "name": name,
        "entityName": ENTITY,
        "entity": entity_node(),
        "readOnly": False,
        "createdAt": moment(0.0),
        "isBenchmark": False,
        "run": lambda a: _run_of(service, access, name, a.text("name")),
        "runs": lambda a: _runs(service, name, a),
        "runCount": lambda a: len(_matching(service, name, a)),
        "sweep": lambda a: _sweep_of(service, a),
        "totalSweeps": lambda a: len(service.store.sweeps(name)),
        "sweeps": lambda a: connection(
            [sweep_node(service, one) for one in service.store.sweeps(name)], a
        ),
    }


def _run_of(service: Service, access: Access, project: str, name: str) -> Node | None:
    run = locate(service, access, project, name)
    return run_node(service, run) if run else None


def _sweep_of(service: Service, arguments: Arguments) -> Node | None:
    sweep = find_sweep(service, arguments.text("sweepName") or arguments.text("id"))
    return sweep_node(service, sweep) if sweep else None


def sweep_node(service: Service, sweep: Sweep) -> Node:
    spec = service.spec(sweep)
    return {
        "__typename": "Sweep",
        "id": sweep.id,
        "name": sweep.id,
        "displayName": sweep.name or sweep.id,
        "method": spec.method,
        "state": sweeps.STATES[sweep.state],
        "description": spec.description or None,
        "config": lambda a: sweeps.config_text(sweep, spec.command, spec.wandb_yaml()),
        "createdAt": moment(sweep.created),
        "updatedAt": moment(sweep.updated),
        "heartbeatAt": moment(sweep.updated),
        "earlyStopJobRunning": False,
        "controller": None,
        "scheduler": None,
        "controllerRunName": None,
        "priorRuns": {"edges": []},
        "bestLoss": lambda a: _best_loss(service, sweep),
        "runCount": lambda a: len(service.store.runs(RunFilter(sweep=sweep.id, kinds=TRAINED))),
        "runCountExpected": lambda a: spec.max_runs,
        "runs": lambda a: connection(
            [
                run_node(service, run)
                for run in service.store.runs(RunFilter(sweep=sweep.id, kinds=TRAINED))
            ],
            a,
        ),
        "project": {
            "__typename": "Project",
            "id": sweep.project,
            "name": sweep.project,
            "entity": entity_node(),
        },
        "agents": lambda a: connection(
            [
                {"__typename": "Agent", "id": one.id, "name": one.id, "host": one.host}
                for one in service.store.agents(sweep.id)
            ],
            a,
        ),
    }


def _best_loss(service: Service, sweep: Sweep) -> float | None:
    metric = service.spec(sweep).metric
    if metric is None:
        return None
    runs = [run for run in service.store.history(sweep.id).runs if run.kind in SWEEP_KINDS]
    values = [value for run in runs if (value := run.best_value(metric.goal)) is not None]
    return min(values, key=lambda value: metric.goal.sign * value, default=None)


def run_node(service: Service, run: Run) -> Node:
    """A run as every answer shows it."""
    return {
        "__typename": "Run",
        "id": run.id,
        "name": run.id,
        "displayName": run.name or run.id,
        "projectId": "1",
        "sweepName": run.sweep,
        "state": STATES[run.state],
        "stopped": to_stop(service, run),
        "shouldStop": run.desired.value == "stop",
        "failed": run.state in (RunState.FAILED, RunState.CRASHED),
        "running": run.state is RunState.RUNNING,
        "exitcode": run.attempts[-1].exit_code if run.attempts else None,
        "readOnly": False,
        "createdAt": moment(run.created),
        "heartbeatAt": moment(run.ended or run.started or run.created),
        "user": {"__typename": "User", "id": ENTITY, "name": ENTITY, "username": ENTITY},
        **_described(run),
        "config": lambda a: tokens.dumps({**wrapped(_whole_config(run)), **_bookkeeping(run)}),
        "wandbConfig": lambda a: "{}",
        "summaryMetrics": lambda a: tokens.dumps(run.summary),
        "systemMetrics": lambda a: tokens.dumps(_last(service.store.system_rows(run.id))),
        "historyLineCount": None,  # a number here would be the offset of a re-sent history
        "historyKeys": lambda a: _history_keys(service.store.rows(run.id)),
        "history": lambda a: _history(service, run, a),
        "events": lambda a: _texts(_thinned(service.store.system_rows(run.id), _count(a))),
        "sampledHistory": lambda a: _sampled(service, run, a),
        "parquetHistory": lambda a: {"parquetUrls": [], "liveData": []},
        "project": {
            "__typename": "Project",
            "id": run.project,
            "internalId": "1",
            "entityName": ENTITY,
            "name": run.project,
            "entity": entity_node(),
        },
    }


def _described(run: Run) -> dict[str, Any]:
    details = run.details
    return {
        "description": details.get("description"),
        "notes": details.get("notes"),
        "tags": details.get("tags") or [],
        "group": details.get("group"),
        "jobType": details.get("job_type"),
        "commit": details.get("commit"),
        "host": details.get("host"),
        "program": details.get("program"),
        "repo": details.get("repository"),
    }


def _whole_config(run: Run) -> dict[str, Any]:
    """What was suggested, under what the program says it has."""
    own = run.details.get(CONFIG)
    return {**run.config, **(own if isinstance(own, Mapping) else {})}


def _bookkeeping(run: Run) -> dict[str, Any]:
    """The client's own entry of a config: what define_metric and wandb.plot said."""
    metrics = defined.metrics(run.details.get(DEFINED))
    said = {"m": defined.records(metrics), "visualize": run.details.get(CHARTS)}
    kept = {key: value for key, value in said.items() if value}
    return {"_wandb": {"value": kept, "desc": None}} if kept else {}


def wrapped(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config as it stands on this wire: each value under "value"."""
    return {key: {"value": value, "desc": None} for key, value in config.items()}


def resume_node(service: Service, run: Run) -> Node:
    """The bucket of RunResumeStatus: where a resuming client goes on. A `t` in wandbConfig says "it has run"."""
    rows = service.store.rows(run.id)
    events = service.store.system_rows(run.id)
    lines = service.store.console(run.id, limit=1_000_000)
    return {
        **run_node(service, run),
        "wandbConfig": lambda a: tokens.dumps({"t": 1}),
        "historyLineCount": len(rows),
        "eventsLineCount": len(events),
        "logLineCount": len(lines),
        "historyTail": tokens.dumps(_texts(rows[-1:])),
        "eventsTail": tokens.dumps(_texts(events[-1:])),
    }


# -- history --------------------------------------------------------------------------------------


def _texts(rows: Sequence[Row]) -> list[str]:
    return [tokens.dumps(line_of(row)) for row in rows]


def _last(rows: Sequence[Row]) -> dict[str, Any]:
    return line_of(rows[-1]) if rows else {}


def _count(arguments: Arguments) -> int:
    value = arguments.get("samples")
    return value if isinstance(value, int) and value > 0 else SAMPLES


def _thinned(rows: Sequence[Row], count: int) -> list[Row]:
    """At most `count` rows, evenly taken, the last one among them."""
    if len(rows) <= count:
        return list(rows)
    return [rows[(index + 1) * len(rows) // count - 1] for index in range(count)]


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _history(service: Service, run: Run, arguments: Arguments) -> list[str]:
    """Rows as texts. `maxStep` is exclusive, and a page is never thinned; without bounds the whole is."""
    least, most = _whole(arguments.get("minStep")), _whole(arguments.get("maxStep"))
    rows = service.store.rows(run.id, since=least, before=most)
    paged = least is not None or most is not None
    return _texts(rows if paged else _thinned(rows, _count(arguments)))


def _sampled(service: Service, run: Run, arguments: Arguments) -> list[list[dict[str, Any]]]:
    specs = arguments.get("specs")
    listed = specs if isinstance(specs, list) else [specs]
    return [_sample(service, run, tokens.mapping(spec)) for spec in listed]


def _sample(service: Service, run: Run, spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows that have all `keys`, as objects. With `minStep` it is one page, `samples` steps wide.

    `maxStep` is the page's last step from clients since about 0.28, and the step after it from older ones.
    """
    keys = [str(key) for key in spec.get("keys") or ()]
    if not keys:
        return []
    least, most = _whole(spec.get("minStep")), _whole(spec.get("maxStep"))
    samples = _whole(spec.get("samples")) or SAMPLES
    before = None if most is None else most + 1
    if least is not None and before is not None and "samples" in spec:
        before = min(before, least + samples)
    rows = service.store.rows(run.id, since=least, before=before)
    lines = [line_of(row) for row in rows]
    full = [{key: line[key] for key in keys} for line in lines if all(key in line for key in keys)]
    if "minStep" not in spec and len(full) > samples:
        full = [full[(index + 1) * len(full) // samples - 1] for index in range(samples)]
    return [wire.encode(line) for line in full]


def _history_keys(rows: Sequence[Row]) -> dict[str, Any]:
    """Which metrics there are; `lastStep` bounds `scan_history`."""
    counts: dict[str, int] = {}
    for row in rows:
        for key in row.metrics:
            counts[key] = counts.get(key, 0) + 1
    keys = {
        key: {"typeCounts": [{"type": "number", "count": count}], "monotonic": False}
        for key, count in counts.items()
    }
    return {"sets": [], "keys": keys, "lastStep": rows[-1].step if rows else -1}


# -- lists ----------------------------------------------------------------------------------------


def _document(run: Run) -> dict[str, Any]:
    """A run as filters and orders see it."""
    return {
        "name": run.id,
        "display_name": run.name or run.id,
        "displayName": run.name or run.id,
        "state": STATES[run.state],
        "sweep": run.sweep,
        "created_at": moment(run.created),
        "createdAt": moment(run.created),
        "config": _whole_config(run),
        "summary_metrics": run.summary,
        "summaryMetrics": run.summary,
        "tags": list(run.details.get("tags") or ()),
        "group": run.details.get("group"),
        "job_type": run.details.get("job_type"),
        "jobType": run.details.get("job_type"),
        "host": run.details.get("host"),
        "_run": run,
    }


def _matching(service: Service, project: str, arguments: Arguments) -> list[dict[str, Any]]:
    condition = tokens.mapping(arguments.get("filters"))
    documents = [
        _document(run) for run in service.store.runs(RunFilter(project=project, kinds=TRAINED))
    ]
    return [document for document in documents if filters.matches(document, condition)]


def _runs(service: Service, project: str, arguments: Arguments) -> Node:
    documents = filters.ordered(_matching(service, project, arguments), arguments.text("order"))
    return connection([run_node(service, document["_run"]) for document in documents], arguments)


def connection(nodes: Sequence[Node], arguments: Arguments) -> Node:
    """One page in relay style. The cursor is the place in the list, as the client goes on from the last edge's."""
    start = _place(arguments.text("after"))
    first = arguments.get("first")
    size = first if isinstance(first, int) and first > 0 else max(len(nodes), PAGE)
    edges = [
        {"__typename": "Edge", "node": node, "cursor": _cursor(start + index + 1)}
        for index, node in enumerate(nodes[start : start + size])
    ]
    return {
        "__typename": "Connection",
        "totalCount": len(nodes),
        "edges": edges,
        "pageInfo": {
            "__typename": "PageInfo",
            "hasNextPage": start + size < len(nodes),
            "endCursor": _cursor(start + len(edges)),
        },
    }


def _cursor(place: int) -> str:
    return base64.b64encode(f"after:{place}".encode()).decode()


def _place(cursor: str) -> int:
    try:
        return max(0, int(base64.b64decode(cursor).decode().removeprefix("after:")))
    except ValueError:
        return 0
