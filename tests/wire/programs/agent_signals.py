"""A training that is interrupted: it lets itself be ended (`heed` 1), goes on (0), or handles SIGTERM (2)."""

import signal
import sys
import time
from pathlib import Path

import wandb


def end(*_: object) -> None:
    raise KeyboardInterrupt


run = wandb.init()
heed = int(run.config.heed)
if heed == 2:
    signal.signal(signal.SIGTERM, end)
marks = Path(f"logged-{run.id}.txt").open("a")  # noqa: SIM115 as long as the process
step = 0
while step < 600:
    try:
        run.log({"loss": run.config.lr + 1.0 / (step + 1)})
        marks.write(f"{step}\n")
        marks.flush()
        step += 1
        time.sleep(0.25)
    except KeyboardInterrupt:
        if heed:
            raise
        sys.stdout.write("heard, and goes on\n")
        sys.stdout.flush()
