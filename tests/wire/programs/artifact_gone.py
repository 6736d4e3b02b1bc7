"""Runs that are deleted, with their artifacts and without; a link into a registry; prints what it saw as JSON."""

import json
import sys
from pathlib import Path
from typing import Any

import wandb

PROJECT, VERSION = sys.argv[1:]
seen: dict[str, Any] = {}


def log(run: Any, name: str) -> None:
    artifact = wandb.Artifact(name, type="dataset")
    Path(f"{name}.txt").write_text(name)
    artifact.add_file(f"{name}.txt")
    run.log_artifact(artifact).wait()


one = wandb.init(project=PROJECT)
log(one, "alone")
log(one, "used")
one.finish()

other = wandb.init(project=PROJECT)
other.use_artifact("used:latest")
log(other, "kept")
for target in ("wandb-registry-model/mine", "a portfolio"):
    try:
        other.link_artifact(other.use_artifact("kept:latest"), target)
    except Exception as error:  # noqa: BLE001 - each version has its own
        sys.stdout.write(f"LINK {error}\n")
other.log({"after": 1})
other.finish()
seen["other"] = other.id

api = wandb.Api()
base = f"{api.default_entity}/{PROJECT}"
api.run(f"{base}/{one.id}").delete(delete_artifacts=True)
third = wandb.init(project=PROJECT)
log(third, "left")
third.finish()
api.run(f"{base}/{third.id}").delete()
seen["there"] = {
    name: api.artifact_exists(f"{base}/{name}:v0") for name in ("alone", "used", "kept", "left")
}
sys.stdout.write(f"\nSEEN {json.dumps(seen)}\n")
