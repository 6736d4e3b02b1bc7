"""`wandb.sweep` and `wandb.agent` with a function; prints the sweep's id."""

import sys
import time

import wandb


def train() -> None:
    run = wandb.init()
    for step in range(100 if run.config.lr > 1 else 6):
        run.log({"loss": run.config.lr + 1.0 / (step + 1)})
        time.sleep(0.3 if run.config.lr > 1 else 0)
    run.finish()


sweep = {
    "method": "grid",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {"lr": {"values": [0.1, 9, 0.2]}},
    "early_terminate": {"type": "hyperband", "min_iter": 2, "eta": 3},
}
name = wandb.sweep(sweep, project="functions")
wandb.agent(name, function=train, count=2, project="functions")
sys.stdout.write(f"SWEEP {name}\n")
