"""Logs rows, prints, saves a file; says in files where it is, and waits where a test asks it to.

    fault_log.py ROWS PAUSE [KEYS]

`at-WORD` is written at each point; where a file `hold-WORD` exists, it waits until that is gone.
"""

import math
import os
import sys
import time

import wandb

rows, pause = int(sys.argv[1]), float(sys.argv[2])
keys = int(sys.argv[3]) if len(sys.argv) > 3 else 0


def at(word: str) -> None:
    with open(f"at-{word}", "w"):
        pass
    while os.path.exists(f"hold-{word}"):
        time.sleep(0.05)


at("init")
run = wandb.init(project="faults", config={"rows": rows})
with open("run-id", "w") as file:
    file.write(run.id)
for step in range(rows):
    odd = (1.0, math.nan, math.inf, -math.inf)[step % 4]
    run.log(
        {"loss": 1.0 / (step + 1), "odd": odd, **{f"m{key}": step + key / 7 for key in range(keys)}}
    )
    if step < 200:
        sys.stdout.write(f"line {step}\n")
    if step == rows // 2:
        at("middle")
    time.sleep(pause) if pause else None
run.summary["verdict"] = "fine"
with open("model.txt", "w") as file:
    file.write("weights" * 1000)
run.save("model.txt")
at("finish")
run.finish()
at("end")
