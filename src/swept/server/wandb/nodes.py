"""What many nodes are made of: times, the one entity, pages of lists."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from swept.server.wandb.graphql import Arguments, Node
from swept.server.wandb.service import ENTITY

PAGE = 50


def moment(time: float | None) -> str | None:
    """ISO 8601 in UTC, as the client parses it."""
    return None if time is None else datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def entity_node() -> Node:
    return {"__typename": "Entity", "id": ENTITY, "name": ENTITY, "organization": None}


def connection(nodes: Sequence[Any], arguments: Arguments) -> Node:
    """One page in relay style. The cursor is the place in the list, as the client goes on from the last edge's."""
    start = place(arguments.text("after"))
    first = arguments.get("first")
    size = first if isinstance(first, int) and first > 0 else max(len(nodes), PAGE)
    edges = [
        {"__typename": "Edge", "node": node, "cursor": cursor(start + index + 1)}
        for index, node in enumerate(nodes[start : start + size])
    ]
    return {
        "__typename": "Connection",
        "totalCount": len(nodes),
        "edges": edges,
        "pageInfo": {
            "__typename": "PageInfo",
            "hasNextPage": start + size < len(nodes),
            "endCursor": cursor(start + len(edges)),
        },
    }


def cursor(at: int) -> str:
    return base64.b64encode(f"after:{at}".encode()).decode()


def place(mark: str) -> int:
    try:
        return max(0, int(base64.b64decode(mark).decode().removeprefix("after:")))
    except ValueError:
        return 0
