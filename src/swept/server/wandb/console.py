"""A run's console lines as the client reads them, a page at a time or the last ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from swept.model import Run
from swept.server.wandb.graphql import Arguments, Node
from swept.server.wandb.nodes import cursor, place
from swept.server.wandb.service import Service

PAGE = 1000
LARGEST = 10_000


def lines(service: Service, run: Run, arguments: Arguments) -> Node:
    """The lines after a cursor, or the `last` so many; numbered from 0 through all attempts."""
    arguments.ignore("useImprovedPagination")
    last = arguments.get("last")
    wanted = last if isinstance(last, int) else arguments.get("first")
    limit = min(LARGEST, max(1, wanted if isinstance(wanted, int) else PAGE))
    after = place(arguments.text("after"))
    found = service.store.console_page(
        run.id, after=after, limit=limit + 1, last=isinstance(last, int)
    )
    shown = found[-limit:] if isinstance(last, int) else found[:limit]
    return {
        "__typename": "RunLogLineConnection",
        "edges": [
            {"__typename": "RunLogLineEdge", "node": _node(one), "cursor": cursor(one["place"])}
            for one in shown
        ],
        "pageInfo": {
            "__typename": "PageInfo",
            "hasNextPage": len(found) > limit and not isinstance(last, int),
            "endCursor": cursor(shown[-1]["place"] if shown else after),
        },
    }


def _node(line: Mapping[str, Any]) -> Node:
    return {
        "__typename": "LogLine",
        "id": str(line["place"]),
        "number": line["place"] - 1,
        "timestamp": datetime.fromtimestamp(line["time"], UTC).isoformat(timespec="microseconds"),
        "level": "error" if line["stream"] == "stderr" else "",
        "label": "",
        "line": line["text"],
    }
