"""Trainings by hand, whose results a sweep is to learn from; prints their ids."""

import json
import random
import sys

import wandb

random.seed(3)
ids = []
for _ in range(8):
    run = wandb.init(project="before", config={"lr": random.random(), "width": random.random()})
    for step in range(3):
        far = (run.config.lr - 0.2) ** 2 + (run.config.width - 0.8) ** 2
        run.log({"loss": far + 0.1 / (step + 1)})
    ids.append(run.id)
    run.finish()
sys.stdout.write(f"IDS {json.dumps(ids)}\n")
