"""What scripts read of runs with `wandb.Api()`; prints it as JSON. Argument: project."""

import contextlib
import json
import pathlib
import sys
from typing import Any

import wandb

project = sys.argv[1]
place = f"local/{project}"
names = []
for index in range(4):
    with wandb.init(
        project=project,
        name=f"run {index}",
        group="even" if index % 2 == 0 else "odd",
        job_type="train",
        tags=["a", "b"] if index < 2 else ["c"],
        notes="by hand",
        config={"lr": 10.0**-index, "model": {"depth": index}, "optimizer": "adam"},
    ) as made:
        names.append(made.id)
        if index == 0:
            made.define_metric("acc", summary="max")
        for step in range(10):
            made.log({"loss": index + 1 / (step + 1), "acc": step / 10, "in": {"ner": step}})
            if step % 5 == 0:
                made.log({"rare": float("nan") if step else 1.0}, commit=False)
        sys.stdout.write(f"line one of {index}\nline two of {index}\n")
        if index == 3:
            made.summary["verdict"] = "bad"

api = wandb.Api()


def listed(filters: Any = None, order: str = "+created_at", **more: Any) -> list[int]:
    return [names.index(run.id) for run in api.runs(place, filters, order, **more)]


def refused(call: Any) -> str:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - each version raises its own
        return str(error)
    return ""


run = api.run(f"{place}/{names[0]}")
whole = api.runs(place)
first = next(iter(api.runs(place, {"display_name": "run 3"})))
told: dict[str, Any] = {
    "lists": {
        "all": listed(),
        "pages": listed(per_page=1),
        "count": len(whole),
        "config": listed({"config.lr.value": {"$lt": 0.05}}),
        "nested": listed({"config.model.depth": {"$gte": 2}}),
        "nested value": listed({"config.model.value.depth": 3}),
        "summary": listed({"summary_metrics.loss": {"$gt": 2}}),
        "maximum": listed({"summary_metrics.acc": {"$gte": 0.9}}),
        "text": listed({"summary_metrics.verdict": "bad"}),
        "not there": listed({"summary_metrics.verdict": {"$exists": False}}),
        "tags": listed({"tags": "a"}),
        "tags in": listed({"tags": {"$in": ["a", "c"]}}),
        "group": listed({"group": "even"}),
        "or": listed({"$or": [{"display_name": "run 1"}, {"config.lr.value": 0.01}]}),
        "nor": listed({"$nor": [{"group": "even"}, {"tags": {"$in": ["c"]}}]}),
        "regex": listed({"display_name": {"$regex": "run [12]$"}}),
        "state": listed({"state": "finished", "jobType": "train"}),
        "since": listed({"created_at": {"$gt": "2020-01-01T00:00:00"}}),
        "name": listed({"name": {"$in": [names[2]]}}),
        "user": listed({"username": "local"}),
        "down": listed(order="-created_at"),
        "by loss": listed(order="-summary_metrics.loss"),
        "by verdict": listed(order="-summary_metrics.verdict"),
        "by group": listed(order="+group,-config.lr.value"),
        "by heartbeat": listed(order="+heartbeat_at"),
    },
    "refused": refused(lambda: list(api.runs(place, {"state": {"$near": 1}}))),
    "unknown": refused(lambda: list(api.runs(place, {"loss": 1}))),
    "run": {
        "config": dict(run.config),
        "acc": dict(run.summary["acc"]),
        "runtime": run.summary["_runtime"],
        "step": run.summary["_step"],
        "state": run.state,
        "tags": run.tags,
        "group": run.group,
        "notes": run.notes,
        "job_type": run.job_type,
        "name": run.name,
        "user": run.user.username,
        "path": run.path,
        "url": run.url,
        "created": run.created_at,
        "html": run.to_html(),
        "last": run.lastHistoryStep,
        "keys": sorted(run.history_keys["keys"]),
        "metadata": sorted(run.metadata or {}),
        "lazy": [first.config["model"], first.summary["verdict"]],
    },
    "history": {
        "whole": len(run.history(pandas=False)),
        "thin": [row["_step"] for row in run.history(samples=2, pandas=False)],
        "keys": run.history(keys=["loss", "acc"], pandas=False)[-1],
        "system": isinstance(run.history(stream="system", pandas=False), list),
        "scan": [row["_step"] for row in run.scan_history()],
        "part": [row["_step"] for row in run.scan_history(min_step=3, max_step=6)],
        "some": list(run.scan_history(keys=["loss", "_step"], page_size=3))[4],
        "rare": [str(row["rare"]) for row in run.scan_history(keys=["rare"])],
        "inner": [row["in.ner"] for row in run.scan_history(keys=["in.ner"], page_size=4)],
        "times": all(row["_timestamp"] > 1e9 for row in run.scan_history()),
    },
    "files": {
        "names": sorted(file.name for file in run.files()),
        "by page": len(list(run.files(per_page=1))),
        "pattern": "",
        "one": run.file("wandb-summary.json").size > 0,
        "read": json.load(run.file("wandb-summary.json").download("got", replace=True))["_step"],
    },
    "project": {
        "named": project in [one.name for one in api.projects("local")],
        "user": "",
    },
    "waited": "",
}
with contextlib.suppress(TypeError, wandb.errors.CommError):  # older clients have no such argument
    told["files"]["pattern"] = sorted(file.name for file in run.files(pattern="%.json"))
if hasattr(run, "console_logs"):
    lines = list(run.console_logs(per_page=2))
    told["console"] = {
        "all": [line.content for line in lines],
        "numbers": [line.number for line in lines],
        "times": all(line.timestamp is not None for line in lines),
        "last": [line.content for line in run.console_logs(last=1)],
    }
run.wait_until_finished()
told["waited"] = run.state
told["loaded"] = run.load(force=True)["displayName"]
told["from path"] = api.from_path(f"{place}/{names[1]}").id == names[1]
told["project"]["from"] = api.project(project, "local").name
told["names"] = names
told["got"] = sorted(path.name for path in pathlib.Path("got").iterdir())
sys.stdout.write(f"TOLD {json.dumps(told)}\n")
