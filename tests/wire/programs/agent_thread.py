"""`wandb.agent` with a function in a thread that is not the main one; prints the sweep's id."""

import sys
import threading

import wandb


def train() -> None:
    with wandb.init() as run:
        for step in range(4):
            run.log({"loss": run.config.lr + step})


parameters = {"lr": {"values": [0.1, 0.2, 0.3]}, "nested": {"parameters": {"width": {"value": 8}}}}
sweep = {
    "name": "threads",
    "method": "grid",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": parameters,
}
name = wandb.sweep(sweep, project="functions")
thread = threading.Thread(target=lambda: wandb.agent(name, function=train, project="functions"))
thread.start()
thread.join()
sys.stdout.write(f"SWEEP {name}\n")
