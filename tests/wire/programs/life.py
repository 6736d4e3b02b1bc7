"""What people do with wandb.init, several runs in one process; prints the runs' ids as JSON."""

import json
import math
import sys
import time
from typing import Any

import wandb

PROJECT = "life"
ids: dict[str, str] = {}


def begin(**more: Any) -> Any:
    return wandb.init(project=PROJECT, **more)


def logged(run: Any, *losses: float) -> None:
    for loss in losses:
        run.log({"loss": loss})


def whole() -> None:
    run = begin(name="by hand", tags=["one", "two"], group="pair", notes="a note",
                config={"layers": {"width": 8}, "lr": 0.5})  # fmt: skip
    ids["whole"] = run.id
    run.define_metric("best", summary="max")
    run.define_metric("by_epoch", step_metric="epoch")
    for step in range(3):
        run.log({"loss": [3.0, math.nan, 1.0][step], "best": [1.0, 5.0, 2.0][step], "epoch": step})
    run.log({"late": 1.0, "end": math.nan}, step=7)
    run.config.update({"added": [1, 2]})
    run.summary["verdict"] = "fine"
    run.summary["deep"] = {"er": 1}
    with open("model.txt", "w") as file:
        file.write("weights")
    run.save("model.txt")
    for percent in (10, 50, 100):
        sys.stdout.write(f"\rprogress {percent} %")
        sys.stdout.flush()
        time.sleep(0.3)
    sys.stdout.write("\nafter the bar\n")
    run.finish()


def again() -> None:
    """An id that is used a second time without a word: the new curve, not a mixture."""
    first = begin()
    ids["again"] = first.id
    logged(first, 5.0, 4.0, 3.0)
    first.finish()
    second = begin(id=first.id)
    logged(second, 9.0, 8.0)
    second.finish()


def resumed(how: str) -> None:
    first = begin(config={"kept": 1})
    ids[how] = first.id
    logged(first, 5.0, 4.0)
    first.finish(exit_code=3)
    second = begin(id=first.id, resume=how)
    assert second.resumed
    logged(second, 3.0)
    second.finish()


def failed() -> None:
    run = begin()
    ids["failed"] = run.id
    logged(run, 1.0)
    run.finish(exit_code=3)


whole()
again()
resumed("allow")
resumed("must")
failed()
sys.stdout.write(f"\nRUNS {json.dumps(ids)}\n")
