"""Writes what it was started with: arguments, environment, the file of arguments; and the config that wandb gives."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import wandb

run = wandb.init()
given: dict[str, Any] = {
    "argv": sys.argv[1:],
    "environment": dict(os.environ),
    "config": dict(run.config),
}
named = [part for part in sys.argv[1:] if part.endswith(".json")]
given["file"] = json.loads(Path(named[0]).read_text()) if named else None
Path(f"given-{run.id}.json").write_text(json.dumps(given))
run.finish()
