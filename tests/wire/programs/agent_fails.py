"""A training that fails as soon as it has begun."""

import sys

import wandb

run = wandb.init()
run.log({"loss": 1.0})
sys.exit(1)
