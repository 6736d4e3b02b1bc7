"""LightGBM with wandb's callback and its summary."""

import lightgbm
import numpy as np
import wandb
from wandb.integration.lightgbm import log_summary, wandb_callback

run = wandb.init(project="lightgbm", config={"lr": 0.3})
points = np.random.default_rng(0).random((64, 3))
data = lightgbm.Dataset(points, points.sum(1))
settings = {
    "objective": "regression", "metric": ["rmse", "l1"], "learning_rate": run.config.lr,
    "num_leaves": 4, "min_data_in_leaf": 4, "num_threads": 1, "verbose": -1,
}  # fmt: skip
model = lightgbm.train(
    settings, data, num_boost_round=5, valid_sets=[data], valid_names=["validation"],
    callbacks=[wandb_callback()],
)  # fmt: skip
log_summary(model, save_model_checkpoint=True)
run.finish()
