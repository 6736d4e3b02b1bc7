"""A training on a machine without a network; `wandb sync` sends it later."""

import sys

import wandb

run = wandb.init(project="offline", mode="offline", config={"lr": 0.5})
for step in range(20):
    run.log({"loss": 1.0 / (step + 1)})
run.summary["verdict"] = "fine"
run.finish()
sys.stdout.write(f"RUN {run.id}\n")
