"""`define_metric` in every form; prints the run's id and its summary as `Api()` reads it."""

import inspect
import json
import sys

import wandb

run = wandb.init(project="sdk")
goal = {}
if "goal" in inspect.signature(run.define_metric).parameters:  # up to 0.28
    goal = {"goal": "maximize"}
run.define_metric("epoch", hidden=True)
run.define_metric("train/*", step_metric="epoch")
run.define_metric("val.acc", step_metric="epoch", summary="max", **goal)
run.define_metric("low", summary="min")
run.define_metric("mid", summary="mean")
run.define_metric("end", summary="last")
run.define_metric("all", summary="min,max,mean,last")
run.define_metric("nothing", summary="none")
run.define_metric("synced", step_metric="position", step_sync=True)
run.define_metric("a\\.dot", summary="max")
for step in range(4):
    value = [2.0, 5.0, 1.0, 4.0][step]
    names = ("low", "mid", "end", "all", "nothing", "a.dot")
    run.log(
        {
            "epoch": step * 10,
            "train/loss": value,
            "val": {"acc": value},
            **dict.fromkeys(names, value),
        }
    )
run.log({"position": 3, "synced": 1})
run.log({"synced": 2})
run.finish()
read = wandb.Api().run(f"local/sdk/{run.id}")
told = {"id": run.id, "summary": dict(read.summary._json_dict), "goal": bool(goal)}
sys.stdout.write(f"\nTOLD {json.dumps(told)}\n")
