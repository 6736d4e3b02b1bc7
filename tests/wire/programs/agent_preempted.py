"""A training on a machine that is taken away in its middle; begun again, it goes on from its last step."""

import sys

import wandb

run = wandb.init(resume="allow")
first = run.starting_step
for step in range(first, first + 10):
    run.log({"loss": 1.0 / (step + 1)})
if first == 0:
    run.mark_preempting()
    sys.exit(1)
