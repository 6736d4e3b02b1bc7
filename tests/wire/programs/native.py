"""A training that knows swept and nothing of wandb. It does not end while the file `hold` is there."""

import time
from pathlib import Path

import swept

with swept.init() as run:
    for step in range(run.config.steps):
        run.log({"loss": run.config.lr + 1.0 / (step + 1)})
        state = Path(f"state-{run.id}.txt")
        state.write_text(str(step))
        run.checkpoint(state, step)
        if run.should_stop:
            break
        time.sleep(run.config.pause)
    while Path("hold").exists():
        time.sleep(0.05)
    run.save(state)
