"""`wandb.init` in its forms; prints the runs' ids and the client's own errors, as JSON."""

import argparse
import json
import sys
import uuid
from pathlib import Path
from typing import Any

import wandb

Path("config-defaults.yaml").write_text("from_file: {desc: null, value: 9}\nlr: {value: 7}\n")
ids: dict[str, str] = {}
errors: dict[str, str] = {}


def fresh() -> str:
    return uuid.uuid4().hex[:8]


def begin(key: str, /, **more: Any) -> Any:
    run = wandb.init(project="sdk", **more)
    ids[key] = run.id
    return run


def refused(key: str, /, **more: Any) -> None:
    try:
        wandb.init(project="sdk", **more).finish()
    except wandb.Error as e:
        errors[key] = f"{type(e).__name__}: {e}"


run = begin(
    "whole", name="my name", group="g", job_type="train", tags=["one", "two"], notes="n",
    id="own-id_1." + fresh(),
    config={"lr": 0.1, "deep": {"er": {"est": [1, {"a": None}]}}, "text": "ü", "a.b": 1},
)  # fmt: skip
run.config.update({"lr": 0.2, "added": (1, 2)}, allow_val_change=True)
run.config["late"] = True
run.config.setdefaults({"late": False, "default": 1})
run.tags += ("three",)
run.notes = "other notes"
run.name = "another name"
run.log({"loss": 1})
run.finish()
begin("parsed", config=argparse.Namespace(batch=4, names=["a"])).finish()
Path("config-defaults.yaml").unlink()  # else its lr would count more than the resumed run's
again = begin("resumed", id=run.id, resume="allow")
again.config.update({"second": 2})
again.log({"loss": 2})
again.finish()
refused("must", id="unknown" + fresh(), resume="must")
refused("never", id=run.id, resume="never")
sys.stdout.write(f"\nTOLD {json.dumps({'ids': ids, 'errors': errors})}\n")
