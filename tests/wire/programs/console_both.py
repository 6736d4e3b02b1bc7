"""A training that reports through swept, and uses the real client in the same run."""
# ruff: noqa: T201 (what programs do)

import swept

run = swept.init()
print("first")

import wandb  # noqa: E402

with wandb.init() as other:
    for step in range(3):
        print(f"both {step}")
        run.log({"loss": 1.0 / (step + 1)})
