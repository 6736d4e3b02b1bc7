"""What scripts change of runs with `wandb.Api()`; prints what is there then as JSON. Argument: project."""

import json
import pathlib
import sys
from typing import Any

import wandb

project = sys.argv[1]
place = f"local/{project}"


def made(**more: Any) -> str:
    with wandb.init(project=project, config={"lr": 0.1}, **more) as run:
        run.log({"loss": 1.0})
        return str(run.id)


def refused(call: Any) -> str:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - each version raises its own
        return str(error)
    return ""


name, gone = made(tags=["first"]), made()
run = wandb.Api().run(f"{place}/{name}")
run.config["lr"] = 0.2
run.config["added"] = {"deep": [1, 2]}
run.tags.append("second")
run.notes = "edited"
run.name = "renamed"
run.group = "moved"
run.summary["score"] = 7
run.summary.update({"verdict": "good"})
run.update()
pathlib.Path("extra").mkdir(exist_ok=True)
pathlib.Path("extra/report.txt").write_text("words")
run.upload_file("extra/report.txt")
run.upload_file("extra/report.txt", root="extra")

again = wandb.Api().run(f"{place}/{name}")
files = sorted(file.name for file in again.files())
again.file("report.txt").delete()
told: dict[str, Any] = {
    "config": dict(again.config),
    "summary": {key: again.summary[key] for key in ("loss", "score", "verdict")},
    "tags": again.tags,
    "notes": again.notes,
    "name": again.name,
    "group": again.group,
    "state": again.state,
    "files": files,
    "left": sorted(file.name for file in wandb.Api().run(f"{place}/{name}").files()),
    "found": [one.id for one in wandb.Api().runs(place, {"config.lr.value": 0.2})] == [name],
    "tagged": [one.id for one in wandb.Api().runs(place, {"tags": "second"})] == [name],
}
del again.summary["score"]
again.summary.update()
told["deleted key"] = sorted(wandb.Api().run(f"{place}/{name}").summary.keys())

wandb.Api().run(f"{place}/{gone}").delete()
told["gone"] = refused(lambda: wandb.Api().run(f"{place}/{gone}"))
told["count"] = len(wandb.Api().runs(place))

live = wandb.init(project=project)
live.log({"loss": 2.0})
seen = wandb.Api().run(f"{place}/{live.id}")
told["live"] = [seen.state, refused(seen.delete)]
live.finish()
told["heartbeat"] = seen.heartbeatAt >= seen.created_at

api = wandb.Api()
api.create_project("made here", "local")
waiting = api.create_run(run_id=f"waiting-{name}", project=project, entity="local")
told["created"] = [waiting.id, wandb.Api().run(f"{place}/{waiting.id}").state]
if wandb.__version__ >= "0.28":
    told["failed"] = [
        waiting.update_state("failed"),
        wandb.Api().run(f"{place}/{waiting.id}").state,
    ]
    told["not again"] = refused(lambda: waiting.update_state("pending"))
if hasattr(run, "stop"):
    run.stop()
    told["stopped"] = wandb.Api().run(f"{place}/{name}").state
sys.stdout.write(f"TOLD {json.dumps(told)}\n")
