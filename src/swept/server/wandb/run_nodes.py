"""Runs as nodes. What costs a look into the store is looked up only where it is asked for.

Config and summary are JSON *texts* on this wire, with bare NaN tokens in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from swept.model import Run, RunState
from swept.server.wandb import console, defined, history, tokens
from swept.server.wandb.graphql import Node
from swept.server.wandb.history import Beside
from swept.server.wandb.nodes import entity_node, moment
from swept.server.wandb.service import CHARTS, DEFINED, ENTITY, FORK, STATES, Service, to_stop
from swept.store.flat import whole_config


def run_node(service: Service, run: Run, beside: Beside | None = None) -> Node:
    """A run as every answer shows it; `beside` is shared by the runs of a page."""
    beside = beside or Beside(service, [run])
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
        "heartbeatAt": lambda a: moment(_heartbeat(service, run)),
        "user": {"__typename": "User", "id": ENTITY, "name": ENTITY, "username": ENTITY},
        **_described(run),
        "config": lambda a: tokens.dumps(
            {**wrapped(whole_config(run.config, run.details)), **_bookkeeping(run)}
        ),
        "wandbConfig": lambda a: "{}",
        "summaryMetrics": lambda a: tokens.dumps(_summary(service, run, beside)),
        "systemMetrics": lambda a: beside.newest_event(run.id),
        "historyLineCount": _offset(run),
        "historyKeys": lambda a: beside.keys(run.id),
        "history": lambda a: history.lines(service, run, a),
        "events": lambda a: history.events(service, run, a),
        "sampledHistory": lambda a: history.sampled(service, run, a),
        "parquetHistory": lambda a: {"parquetUrls": [], "liveData": []},
        "logLineCount": lambda a: service.store.amounts(run.id).lines,
        "logLines": lambda a: console.lines(service, run, a),
        "project": {
            "__typename": "Project",
            "id": run.project,
            "internalId": "1",
            "entityName": ENTITY,
            "name": run.project,
            "entity": entity_node(),
        },
    }


def _offset(run: Run) -> int | None:
    """Where the client's history begins: a number of rows would be the offset of one that it sends again. In a fork,
    `wandb sync` up to 0.26 dies of a null."""
    return 0 if run.details.get(FORK) else None


def _heartbeat(service: Service, run: Run) -> float:
    return service.store.heartbeat_of(run.id) if run.ended is None else run.ended


def _summary(service: Service, run: Run, beside: Beside) -> dict[str, Any]:
    """With `_step` and `_runtime` also where no client of W&B's has said them."""
    summary = dict(run.summary)
    if "_step" not in summary and (step := beside.last_step(run.id)) is not None:
        summary["_step"] = step
    if "_runtime" not in summary and run.started is not None:
        summary["_runtime"] = _heartbeat(service, run) - run.started
    return summary


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


def _bookkeeping(run: Run) -> dict[str, Any]:
    """The client's own entry of a config: what define_metric, wandb.plot and fork_from said."""
    metrics = defined.metrics(run.details.get(DEFINED))
    fork = run.details.get(FORK)
    said = {
        "m": defined.records(metrics),
        "visualize": run.details.get(CHARTS),
        "branch_point": {"run_id": fork["run"], "step": fork["step"]} if fork else None,
    }
    kept = {key: value for key, value in said.items() if value}
    return {"_wandb": {"value": kept, "desc": None}} if kept else {}


def wrapped(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config as it stands on this wire: each value under "value"."""
    return {key: {"value": value, "desc": None} for key, value in config.items()}


def resume_node(service: Service, run: Run) -> Node:
    """The bucket of RunResumeStatus: where a resuming client goes on. A `t` in wandbConfig says "it has run"."""
    amounts = service.store.amounts(run.id)
    beside = Beside(service, [run])
    last = beside.last_step(run.id)
    rows = [] if last is None else service.store.row_texts(run.id, since=last)
    event = beside.events.get(run.id)
    return {
        **run_node(service, run, beside),
        "wandbConfig": lambda a: tokens.dumps({"t": 1}),
        "historyLineCount": amounts.rows,
        "eventsLineCount": amounts.system_rows,
        "logLineCount": amounts.lines,
        "historyTail": tokens.dumps([history.line(row) for row in rows[-1:]]),
        "eventsTail": tokens.dumps([history.line(event)] if event else []),
    }
