"""Runs of many kinds, as they stand in a project that somebody wants to take along; prints their ids as JSON."""

import json
import math
import sys
from typing import Any

import wandb

PROJECT = sys.argv[1]
ids: dict[str, str] = {}


def begin(name: str, **more: Any) -> Any:
    run = wandb.init(project=PROJECT, name=name, **more)
    ids[name] = run.id
    return run


def rich() -> None:
    run = begin("rich", tags=["one", "two"], group="pair", job_type="train", notes="a note",
                config={"layers": {"width": 8}, "lr": 0.5, "text": "NaN"})  # fmt: skip
    run.define_metric("best", summary="max")
    odd = (1.0, math.nan, math.inf, -math.inf)
    for step in range(12):
        run.log(
            {"loss": 1.0 / (step + 1), "odd": odd[step % 4], "best": step % 5, "deep": {"er": step}}
        )
    run.log({"late": 1.0, "hist": wandb.Histogram([1, 2, 2, 3])}, step=40)
    run.log({"table": wandb.Table(columns=["a", "b"], data=[[1, "x"], [2, "y"]])}, step=41)
    run.log({"page": wandb.Html("<p>seen</p>")}, step=42)
    with open("weights.txt", "w") as file:
        file.write("weights")
    run.save("weights.txt")
    sys.stdout.write("a line of the console\n")
    run.summary["verdict"] = "fine"
    run.finish()


def failed() -> None:
    run = begin("failed")
    run.log({"loss": 1.0})
    run.finish(exit_code=3)


def empty() -> None:
    begin("empty", config={"lr": 1}).finish()


def long_id() -> None:
    run = begin("long", id=f"{PROJECT}-".ljust(100, "9"))
    run.log({"loss": 2.0})
    run.finish()


rich()
failed()
empty()
long_id()
sys.stdout.write(f"\nRUNS {json.dumps(ids)}\n")
