"""Logs one version after another, whatever becomes of the server; then reads all of them back.

artifact_many.py PROJECT NAME COUNT PAUSE
"""

import json
import sys
import time
from pathlib import Path

import wandb

project, name, count, repeated = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
run = wandb.init(project=project)
logged = []
for number in range(count):
    artifact = wandb.Artifact("shared", type="model")
    with artifact.new_file("own.txt") as file:
        file.write(f"{name} {number} " * repeated)
    with artifact.new_file("same.txt") as file:
        file.write("the same in all of them " * 40_000)
    logged.append(run.log_artifact(artifact))
    run.log({"number": number})
Path(f"logged-by-{name}.txt").write_text(run.id)
while len(sys.argv) > 5 and not Path(sys.argv[5]).exists():
    time.sleep(0.2)
versions = {number: artifact.wait().version for number, artifact in enumerate(logged)}
run.finish()
api = wandb.Api()
for number, version in versions.items():
    found = api.artifact(f"{api.default_entity}/{project}/shared:{version}")
    folder = Path(found.download(f"{name}-{number}"))
    assert (folder / "own.txt").read_text() == f"{name} {number} " * repeated, version
    assert (folder / "same.txt").read_text() == "the same in all of them " * 40_000, version
sys.stdout.write(f"\nVERSIONS {json.dumps(sorted(versions.values()))}\n")
