"""`run.alert`: what a program wants people to know, kept as an event of its run."""

from __future__ import annotations

from swept.errors import UsageError
from swept.server.auth import Access
from swept.server.wandb.graphql import Arguments, Node
from swept.server.wandb.service import Service, located, may_report, stale

LONGEST = 20_000
LEVELS = ("INFO", "WARN", "ERROR")
_MILLISECONDS = 1000.0


def tell(service: Service, access: Access, arguments: Arguments) -> Node:
    """`notifyScriptableRunAlert`. False where the run said the same title less than `waitDuration` ago; no client
    looks at it. Raises NotFound, UsageError."""
    data = arguments.input()
    data.get("entityName")
    run = located(service, access, data.text("projectName"), data.text("runName"))
    if not may_report(access, run):
        raise UsageError("this key belongs to another run", hint="use the server's API key")
    level, wait = data.text("severity"), data.get("waitDuration")
    told = not stale(service, access) and service.store.alert(
        run.id,
        title=data.text("title")[:LONGEST],
        text=data.text("text")[:LONGEST],
        level=level if level in LEVELS else LEVELS[0],
        wait=wait / _MILLISECONDS if isinstance(wait, int | float) else 0.0,
        now=service.now(),
    )
    return {"__typename": "NotifyScriptableRunAlertPayload", "success": told}
