"""A run of which only the environment says anything."""

import sys

import wandb

run = wandb.init()
run.finish()
sys.stdout.write(f'\nTOLD {{"id": "{run.id}"}}\n')
