"""A training as it stands in people's folders: it knows wandb and nothing of swept.

Writes the steps that it logged to `logged-RUN.txt`, so that a test can compare them with what the server has. It does
not end while the file `hold` is there.
"""

import math
import os
import sys
import time

import wandb

run = wandb.init(config={"optimizer": "sgd"})
steps = int(run.config.get("steps", 5))
pause = float(run.config.get("pause", 0.0))
lr = float(run.config.get("lr", 0.1))
if lr < float(run.config.get("quick_below", 0.0)):
    steps = 8
with open(f"logged-{run.id}.txt", "a") as marks:
    for step in range(steps):
        odd = (1.0, math.nan, math.inf, -math.inf)[step % 4]
        run.log({"loss": lr + 1.0 / (step + 1), "odd": odd})
        print(step, file=marks, flush=True)
        time.sleep(pause)
while os.path.exists("hold"):
    time.sleep(0.05)
sys.stdout.write(f"trained with lr {lr}\n")
if code := int(run.config.get("exit", 0)):
    sys.exit(code)
run.finish()
