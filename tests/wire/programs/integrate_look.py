"""The artifacts of runs, as `wandb.Api()` lists them; prints them as JSON. Arguments: project, runs."""

import json
import sys

import wandb

project, *runs = sys.argv[1:]
api = wandb.Api()
told = {
    run: [
        {
            "name": one.name,
            "type": one.type,
            "aliases": one.aliases,
            "files": [*one.manifest.entries],
        }
        for one in api.run(f"{project}/{run}").logged_artifacts()
    ]
    for run in runs
}
sys.stdout.write(f"TOLD {json.dumps(told)}\n")
