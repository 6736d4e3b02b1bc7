"""What scripts read of a sweep and its agents, and an edit of a swept value. Arguments: project, sweep."""

import json
import sys
from typing import Any

import wandb

project, name = sys.argv[1:]
api = wandb.Api()
sweep = api.sweep(f"local/{project}/{name}")
best = sweep.best_run()
run = next(iter(api.runs(f"local/{project}", {"sweep": name}, "+summary_metrics.loss")))
told: dict[str, Any] = {
    "best": best.id,
    "order": sweep.order,
    "expected": sweep.expected_run_count,
    "state": sweep.state,
    "loss": sweep.bestLoss if hasattr(sweep, "bestLoss") else None,
    "count": len(sweep.runs),
    "pages": len(list(api.runs(f"local/{project}", {"sweep": name}, per_page=1))),
    "agents": [],
    "of run": run.sweep.id if run.sweep else "",
    "sweeps": [one.id for one in api.project(project, "local").sweeps()],
}
if hasattr(sweep, "agents"):
    for agent in sweep.agents():
        same = sweep.agent(agent.id)
        runs = agent.runs() if hasattr(agent, "runs") else []
        told["agents"].append([agent.id, same.host, sorted(one.id for one in runs)])
run.config["lr"] = 7
run.update()
told["edited"] = api.runs(f"local/{project}", {"config.lr.value": 7})[0].id
sys.stdout.write(f"TOLD {json.dumps(told)}\n")
