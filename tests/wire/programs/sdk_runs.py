"""Several runs in one process, several processes for one run, and a run a process; prints the ids as JSON."""

import inspect
import json
import multiprocessing
import os
import subprocess
import sys
from typing import Any

import wandb


def begin(**more: Any) -> Any:
    return wandb.init(project="sdk", **more)


def rank(number: int, group: str) -> None:
    run = begin(group=group, job_type=f"rank {number}")
    for step in range(3):
        run.log({"rank": number, "loss": step})
    run.finish()


def helper(run_id: str) -> None:
    settings = wandb.Settings(mode="shared", x_primary=False, x_label="helper")
    run = begin(id=run_id, settings=settings)
    for step in range(5):
        run.log({"loss": 100 + step})
    sys.stdout.write("there\n")
    run.summary["helper"] = "done"
    run.finish()


def beside(run_id: str) -> None:
    """Another process, as a launcher of ranks starts it: it knows nothing of this one's connection."""
    kept = {name: value for name, value in os.environ.items() if "SERVICE" not in name}
    subprocess.run([sys.executable, __file__, run_id], env=kept, check=True)


def in_children(group: str) -> None:
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=rank, args=(number, group)) for number in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert all(child.exitcode == 0 for child in children)


def together() -> list[str]:
    """Two runs at once, where the version has it."""
    if "create_new" not in inspect.getsource(wandb.sdk.wandb_settings):
        return []
    first, second = begin(reinit="create_new"), begin(reinit="create_new")
    for step in range(3):
        first.log({"loss": step})
        second.log({"loss": step + 10})
    first.finish()
    second.finish()
    return [first.id, second.id]


def forked() -> str:
    """A child of os.fork ends without a word: the run goes on."""
    run = begin()
    run.log({"loss": 0})
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    run.log({"loss": 1})
    run.finish()
    return str(run.id)


def shared() -> str:
    run = begin(settings=wandb.Settings(mode="shared", x_primary=True, x_label="first"))
    for step in range(5):
        run.log({"loss": step})
    sys.stdout.write("here\n")
    beside(run.id)
    run.log({"loss": 5})
    run.summary["first"] = "done"
    run.finish()
    return str(run.id)


if __name__ == "__main__" and len(sys.argv) > 1:
    helper(sys.argv[1])
elif __name__ == "__main__":
    told = {"together": together(), "forked": forked(), "shared": shared()}
    in_children(f"ranks {told['shared']}")
    sys.stdout.write(f"\nTOLD {json.dumps(told)}\n")
