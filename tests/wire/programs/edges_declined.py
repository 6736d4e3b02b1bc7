"""What only W&B's own service has, asked for by `wandb.Api()`: how each call ends."""

import json
import sys
from collections.abc import Callable
from typing import Any

import wandb

api: Any = wandb.Api()
CALLS: dict[str, Callable[[], Any]] = {
    "team": lambda: api.team("local"),
    "create_user": lambda: api.create_user("a@example.com"),
    "automations": lambda: list(api.automations(entity="local")),
    "webhook_integrations": lambda: list(api.webhook_integrations(entity="local")),
}


def outcome(call: Callable[[], Any]) -> str:
    try:
        return f"gave {call()}"
    except Exception as error:  # noqa: BLE001 - each version has its own
        return str(error)


told = {name: outcome(call) for name, call in CALLS.items() if hasattr(api, name)}
sys.stdout.write(f"TOLD {json.dumps(told)}\n")
