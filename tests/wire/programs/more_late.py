"""A training that goes on until the file `done` is there; its values say in which folder it runs."""

import time
from pathlib import Path

import wandb

here = Path.cwd()
run = wandb.init(project="more")
Path("run-id").write_text(run.id)
step = 0
try:
    while not Path("done").exists():
        run.log({"loss": step, "where": here.name})
        step += 1
        time.sleep(0.2)
    run.summary["end"] = here.name
    run.finish()
finally:
    Path("logged").write_text(str(step))
