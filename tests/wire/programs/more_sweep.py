"""A sweep as scripts read it. Arguments: project, sweep."""

import json
import sys

import wandb

project, name = sys.argv[1:]
sweep = wandb.Api().sweep(f"local/{project}/{name}")
best = sweep.best_run()
told = {
    "best": best and best.id,
    "order": sweep.order,
    "best_loss": sweep._attrs.get("bestLoss"),
    "runs": [one.id for one in sweep.runs],
}
sys.stdout.write(f"\nTOLD {json.dumps(told)}\n")
