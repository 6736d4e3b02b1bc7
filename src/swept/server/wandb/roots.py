"""Where GraphQL documents start: the fields of Query and Mutation, and what is knowingly declined."""

from __future__ import annotations

from collections.abc import Mapping

from swept.errors import UsageError
from swept.server.auth import Access
from swept.server.wandb import agents, alerts, artifact_writes, edits, files, reads, runs, sweeps
from swept.server.wandb.artifacts import Shown
from swept.server.wandb.declined import AUTOMATIONS, LAUNCH, MUTATIONS, PEOPLE
from swept.server.wandb.graphql import Arguments, Node, Resolver, Roots
from swept.server.wandb.introspection import type_node
from swept.server.wandb.service import DEFAULT_PROJECT, Service, located


def roots(service: Service, access: Access, base: str) -> Roots:
    """The roots for one request; `base` is the server's address as the client sees it."""
    return Roots(_query(service, access, base), _mutation(service, access, base))


def _query(service: Service, access: Access, base: str) -> Node:
    return {
        "__typename": "Query",
        "viewer": {**reads.viewer_node(), "projects": _declining(AUTOMATIONS)},
        "serverInfo": reads.server_info_node(),
        "entity": {**reads.entity_node(), **_WITHOUT},
        "organization": None,
        "__type": type_node,
        "project": lambda a: _project(service, access, base, a),
        "model": lambda a: _project(service, access, base, a),
        "models": lambda a: reads.projects(service, access, a),
        **Shown(service, access, base).query_fields(),
    }


def _project(service: Service, access: Access, base: str, arguments: Arguments) -> Node:
    name = arguments.text("name") or DEFAULT_PROJECT
    arguments.get("entityName")  # there is one entity: whatever the client calls it is meant
    shown = Shown(service, access, base)
    node = {**reads.project_node(service, access, name), **shown.project_fields(name)}

    def with_files(run: Node | None) -> Node | None:
        return (
            None if run is None else {**run, **_file_fields(service, access, base, str(run["id"]))}
        )

    def bucket(a: Arguments) -> Node | None:
        a.get("missingOk")
        return with_files(runs.resume_bucket(service, access, name, a.text("name")))

    queues = {queues: _declining(LAUNCH) for queues in ("runQueue", "runQueues")}
    return {**node, **queues, "run": lambda a: with_files(node["run"](a)), "bucket": bucket}


def _file_fields(service: Service, access: Access, base: str, run: str) -> Node:
    return {
        "fileCount": lambda a: len(service.store.files(run)),
        "files": lambda a: files.listed(service, access, base, service.store.run(run), a),
        **Shown(service, access, base).run_fields(run),
    }


def _mutation(service: Service, access: Access, base: str) -> Node:
    def create_files(arguments: Arguments) -> Node:
        data = arguments.input()
        data.get("entityName")
        run = located(service, access, data.text("projectName"), data.text("runName"))
        return files.create(service, access, base, run, data)

    served: dict[str, Resolver] = {
        "upsertBucket": lambda a: runs.upsert(service, access, a),
        "upsertSweep": lambda a: sweeps.upsert(service, access, a),
        "createAgent": lambda a: agents.create(service, access, a),
        "agentHeartbeat": lambda a: agents.heartbeat(service, access, a),
        "createRunFiles": create_files,
        "notifyScriptableRunAlert": lambda a: alerts.tell(service, access, a),
        **edits.mutations(service, access),
        "upsertModel": lambda a: _upsert_project(service, access, a),
        **artifact_writes.mutations(Shown(service, access, base)),
    }
    declined: dict[str, Resolver] = {name: _declining(why) for name, why in MUTATIONS.items()}
    return {"__typename": "Mutation", **served, **declined}


def _upsert_project(service: Service, access: Access, arguments: Arguments) -> Node:
    """Projects are made by their first sweep or run; asking for one is always granted."""
    name = arguments.input().text("name") or DEFAULT_PROJECT
    return {
        "__typename": "UpsertModelPayload",
        "inserted": False,
        "project": reads.project_node(service, access, name),
        "model": reads.project_node(service, access, name),
    }


def _declining(why: str) -> Resolver:
    def decline(arguments: Arguments) -> Node:
        arguments.ignore(*arguments)
        raise UsageError(why)

    return decline


_WITHOUT: Mapping[str, Resolver] = {
    "members": _declining(PEOPLE),
    **{name: _declining(AUTOMATIONS) for name in ("integrations", "projects", "triggers")},
}
"""What only teams and automations are read by: of a null the client makes an error that nobody understands."""
