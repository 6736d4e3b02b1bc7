"""A training without a network that somebody kills."""

import sys
import time

import wandb

run = wandb.init(mode="offline")
sys.stdout.write(f"RUN {run.id}\n")
sys.stdout.flush()
for step in range(100_000):
    run.log({"loss": 1.0 / (step + 1), "text": "x" * 60})
    time.sleep(0.01)
