"""What the client reads first: itself, the server, and projects."""

from __future__ import annotations

from swept.server.auth import Access
from swept.server.wandb import run_lists, sweep_nodes
from swept.server.wandb.graphql import Arguments, Node
from swept.server.wandb.nodes import connection, entity_node, moment
from swept.server.wandb.run_nodes import resume_node, run_node
from swept.server.wandb.service import ENTITY, Service, find_sweep, locate, stale

__all__ = ["connection", "entity_node", "moment", "resume_node", "run_node"]


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
        "features": [{"__typename": "ServerFeature", "name": "FILESTREAM_GZIP", "isEnabled": True}],
        "cliVersionInfo": {"max_cli_version": "99.0.0"},
        "latestLocalVersionInfo": {
            "__typename": "LocalVersionInfo",
            "outOfDate": False,
            "latestVersionString": "",
            "versionOnThisInstanceString": "",
        },
    }


def project_node(service: Service, access: Access, name: str, created: float | None = None) -> Node:
    """A project, known or not: clients ask for one before they make its first run."""
    return {
        "__typename": "Project",
        "id": name,
        "internalId": "1",
        "name": name,
        "entityName": ENTITY,
        "entity": entity_node(),
        "user": viewer_node(),
        "description": None,
        "readOnly": False,
        "createdAt": lambda a: moment(_created(service, name) if created is None else created),
        "isBenchmark": False,
        "run": lambda a: _run_of(service, access, name, a.text("name")),
        "runs": lambda a: run_lists.of_project(service, name, a),
        "buckets": lambda a: run_lists.of_project(service, name, a),
        "runCount": lambda a: run_lists.count(service, name, a),
        "sweep": lambda a: _sweep_of(service, a),
        "totalSweeps": lambda a: len(service.store.sweeps(name)),
        "sweeps": lambda a: sweep_nodes.sweeps_of(service, name, a),
    }


def projects(service: Service, access: Access, arguments: Arguments) -> Node:
    """Those that have a run or a sweep, the newest first."""
    arguments.get("entityName")
    return connection(
        [
            project_node(service, access, name, created)
            for name, created in service.store.projects().items()
        ],
        arguments,
    )


def _created(service: Service, name: str) -> float:
    return service.store.projects().get(name, service.now())


def _run_of(service: Service, access: Access, project: str, name: str) -> Node | None:
    run = locate(service, access, project, name)
    if run is None:
        return None
    node = run_node(service, run)
    # The oldest clients ask here what newer ones are told on the file stream.
    overtaken = access.run == run.id and stale(service, access)
    return {**node, "stopped": True} if overtaken else node


def _sweep_of(service: Service, arguments: Arguments) -> Node | None:
    sweep = find_sweep(service, arguments.text("sweepName") or arguments.text("id"))
    return sweep_nodes.sweep_node(service, sweep) if sweep else None
