"""Lists of runs, filtered and sorted by the store, a page at a time."""

from __future__ import annotations

from typing import Any

from swept.errors import UsageError
from swept.server.wandb import selecting, tokens
from swept.server.wandb.graphql import Arguments, Node
from swept.server.wandb.history import Beside
from swept.server.wandb.nodes import PAGE
from swept.server.wandb.run_nodes import run_node
from swept.server.wandb.service import TRAINED, Service
from swept.store.conditions import All, Among, Condition, Property


def of_project(service: Service, project: str, arguments: Arguments) -> Node:
    return _listed(service, project, _wanted(arguments), arguments)


def count(service: Service, project: str, arguments: Arguments) -> int:
    return service.store.count_runs(project, _wanted(arguments), kinds=TRAINED)


def of_sweep(service: Service, project: str, sweep: str, arguments: Arguments) -> Node:
    where = All((_is("sweep", sweep), _wanted(arguments)))
    return _listed(service, project, where, arguments)


def of_agent(service: Service, project: str, agent: str, arguments: Arguments) -> Node:
    arguments.ignore("before", "last")  # the client goes forwards only
    return _listed(service, project, _is("agent", agent), arguments)


def count_of_sweep(service: Service, project: str, sweep: str) -> int:
    return service.store.count_runs(project, _is("sweep", sweep), kinds=TRAINED)


def count_of_agent(service: Service, project: str, agent: str) -> int:
    return service.store.count_runs(project, _is("agent", agent), kinds=TRAINED)


def _is(name: str, value: str) -> Condition:
    return Among(Property(name), (value,))


def _wanted(arguments: Arguments) -> Condition:
    text = arguments.get("filters")
    try:
        found = tokens.loads(text) if isinstance(text, str) and text else text
    except ValueError as error:
        raise UsageError(f"the filter is no JSON: {error}") from error
    return selecting.condition(found or {})


def _listed(service: Service, project: str, where: Condition, arguments: Arguments) -> Node:
    first = arguments.get("first")
    page = service.store.select_runs(
        project,
        where,
        selecting.order(arguments.text("order")),
        kinds=TRAINED,
        limit=first if isinstance(first, int) and first > 0 else PAGE,
        after=arguments.text("after"),
    )
    beside = Beside(service, page.runs)
    return {
        "__typename": "RunConnection",
        "totalCount": lambda a: service.store.count_runs(project, where, kinds=TRAINED),
        "edges": [
            {"__typename": "RunEdge", "node": run_node(service, run, beside), "cursor": mark}
            for run, mark in zip(page.runs, page.cursors, strict=True)
        ],
        "pageInfo": _page_info(page.cursors[-1:], more=page.more),
    }


def _page_info(last: tuple[str, ...], *, more: bool) -> dict[str, Any]:
    return {
        "__typename": "PageInfo",
        "hasNextPage": more,
        "endCursor": last[0] if last else None,
    }
