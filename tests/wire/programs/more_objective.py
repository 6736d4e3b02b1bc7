"""A training whose objective is no plain value in its summary: reduced by define_metric, or written there alone."""

import wandb

run = wandb.init()
lr = float(run.config.lr)
run.define_metric("loss", summary="min")
for loss in (lr + 2, lr, lr + 1):
    run.log({"loss": loss})
run.summary["score"] = lr + 5
run.finish()
