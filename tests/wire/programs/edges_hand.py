"""A run by hand with all that a person may say of it."""

import sys

import wandb

run = wandb.init(
    project="edges-hand",
    group="pairs",
    job_type="train",
    tags=["kept", "blue"],
    notes="the first line\nthe second",
    config={"lr": 0.1},
)
run.define_metric("acc", summary="max")
for step in range(5):
    run.log({"loss": 1 / (step + 1), "acc": [0.1, 0.9, 0.5, 0.4, 0.3][step]})
run.log({"heights": wandb.Histogram([1, 2, 3])})
run.summary["note"] = "good"
run.finish()
sys.stdout.write(f'TOLD {{"id": "{run.id}"}}\n')
