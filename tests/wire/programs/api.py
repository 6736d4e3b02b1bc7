"""What scripts read with `wandb.Api()`; prints it as JSON. Arguments: project, sweep."""

import json
import sys

import wandb

project, name = sys.argv[1:]
api = wandb.Api()
sweep = api.sweep(f"local/{project}/{name}")
runs = list(sweep.runs)
best = sweep.best_run()
run = api.run(f"local/{project}/{best.id}")
told = {
    "state": sweep.state,
    "method": sweep.config["method"],
    "order": sweep.order,
    "runs": sorted(one.id for one in runs),
    "states": sorted(one.state for one in runs),
    "best": best.id,
    "config": dict(run.config),
    "summary": run.summary["loss"],
    "history": run.history(pandas=False),
    "keys": run.history(keys=["loss"], pandas=False),
    "scan": list(run.scan_history()),
    "scan_keys": list(run.scan_history(keys=["loss"], page_size=2)),
    "files": sorted(file.name for file in run.files()),
    "filtered": [
        one.id for one in api.runs(f"local/{project}", {"sweep": name, "state": "finished"})
    ],
    "ordered": [
        one.id for one in api.runs(f"local/{project}", {"sweep": name}, "+summary_metrics.loss")
    ],
}
sys.stdout.write(f"TOLD {json.dumps(told)}\n")
