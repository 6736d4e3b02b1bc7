"""An artifact and a table that are logged without a network; `wandb sync` sends them later."""

import sys
from pathlib import Path

import wandb

run = wandb.init(project="offline-artifacts", mode="offline")
artifact = wandb.Artifact("late", type="dataset", metadata={"from": "afar"})
Path("late.txt").write_text("late")
artifact.add_file("late.txt")
run.log_artifact(artifact, aliases=["sent"])
run.log({"rows": wandb.Table(columns=["x"], data=[[1], [2]])})
run.finish()
sys.stdout.write(f"RUN {run.id}\n")
