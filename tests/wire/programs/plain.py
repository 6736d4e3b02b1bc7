"""A script outside any sweep: two runs in one process."""

import math
import sys

import wandb

first = wandb.init(
    project="plain",
    name="by hand",
    tags=["one", "two"],
    group="pair",
    notes="a note",
    config={"layers": {"width": 8}, "lr": 0.5},
)
for step in range(3):
    first.log({"loss": [3.0, math.nan, 1.0][step]})
first.log({"late": 1.0}, step=7)
first.config.update({"added": [1, 2]})
first.summary["verdict"] = "fine"
with open("model.txt", "w") as file:
    file.write("weights")
first.save("model.txt")
first.finish()

second = wandb.init(project="plain")
second.log({"loss": 1.0})
second.finish(exit_code=3)
sys.stdout.write(f"RUNS {first.id} {second.id}\n")
