"""A run, forks of it, and what is refused: what the client says of each is printed."""

import json
import sys
from typing import Any

import wandb

PROJECT = "edges-fork"


def refused(**init: Any) -> str:
    """What stops the program."""
    try:
        wandb.init(project=PROJECT, **init)
    except BaseException as error:  # noqa: BLE001 - each version raises its own
        return str(error)
    return ""


config = {"lr": 0.1, "deep": {"width": 8}}
with wandb.init(project=PROJECT, config=config) as parent:
    parent.define_metric("loss", step_metric="epoch")
    for step in range(6):
        only = {"early": step} if step < 2 else {}
        parent.log({"epoch": step, "loss": step, "late": float("nan"), **only})

with wandb.init(project=PROJECT, fork_from=f"{parent.id}?_step=2", config={"lr": 0.2}) as fork:
    for step in range(3):
        fork.log({"epoch": 3 + step, "loss": 100 + step})

with wandb.init(project=PROJECT, fork_from=f"{fork.id}?_step=4") as second:
    second.log({"loss": -1})

with wandb.init(project=PROJECT, id=fork.id, resume="must") as again:
    again.log({"loss": 200})

# Offline, and sent later: the test calls `wandb sync`.
with wandb.init(project=PROJECT, fork_from=f"{parent.id}?_step=3", mode="offline") as offline:
    offline.log({"loss": 300})
    offline.log({"loss": 301})

told = {
    "parent": parent.id,
    "fork": fork.id,
    "second": second.id,
    "offline": offline.id,
    "refused": {
        "rewind": refused(resume_from=f"{parent.id}?_step=2"),
        "unknown": refused(fork_from="nobody?_step=2"),
        "too late": refused(id=f"late-{parent.id}", fork_from=f"{parent.id}?_step=9"),
    },
}
sys.stdout.write("TOLD " + json.dumps(told) + "\n")
sys.stdout.flush()
