"""A run's state, summary and history as scripts read them. Argument: ENTITY/PROJECT/RUN."""

import json
import sys

import wandb

run = wandb.Api().run(sys.argv[1])
told = {
    "state": run.state,
    "summary": dict(run.summary._json_dict),
    "value": run.summary.get("loss"),
    "last": list(run.scan_history())[-1],
    "last_step": run.lastHistoryStep,
}
sys.stdout.write(f"\nTOLD {json.dumps(told)}\n")
