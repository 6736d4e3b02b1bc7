"""A training that goes on until the file `go-on` is there."""

import time
from pathlib import Path

import wandb

run = wandb.init()
run.log({"loss": run.config.lr})
while not Path("go-on").exists():
    time.sleep(0.2)
    run.log({"loss": run.config.lr})
run.finish()
