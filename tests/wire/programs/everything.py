"""One run that leaves something behind for every kind of question; prints its id."""

import sys
from pathlib import Path
from typing import Any

import wandb

project = sys.argv[1]
Path("weights.txt").write_text("weights")


def artifacts(run: Any) -> None:
    artifact = wandb.Artifact("weights", type="model", description="d", metadata={"size": 7})
    artifact.add_file("weights.txt")
    run.log_artifact(artifact, aliases=["best"], tags=["good"]).wait()
    again = wandb.Artifact("weights", type="model")
    again.add_file(__file__)
    run.log_artifact(again).wait()
    run.use_artifact("weights:v0")


with wandb.init(project=project, name="all", tags=["one"], group="g", notes="n",
                job_type="train", config={"lr": 0.1, "deep": {"er": 1}}) as run:  # fmt: skip
    run.define_metric("loss", summary="min")
    run.save("weights.txt")
    for step in range(20):
        run.log({"loss": 1 / (step + 1), "acc": step})
    sys.stdout.write("a line of the console\n")
    artifacts(run)

with wandb.init(project=project, config={"lr": 0.2}) as reader:
    reader.log({"loss": 2.0})
    reader.use_artifact("weights:v0")

sys.stdout.write(f"RUNS {run.id} {reader.id}\n")
