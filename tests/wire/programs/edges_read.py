"""What `wandb.Api()` reads of a fork."""

import json
import sys

import wandb

run = wandb.Api().run(f"local/edges-fork/{sys.argv[1]}")
told = {
    "losses": [row["loss"] for row in run.scan_history(keys=["loss"])],
    "last": run.lastHistoryStep,
    "summary": {"loss": run.summary["loss"]},
    "branch": json.loads(run.json_config)["_wandb"]["value"].get("branch_point"),
}
sys.stdout.write("TOLD " + json.dumps(told) + "\n")
sys.stdout.flush()
