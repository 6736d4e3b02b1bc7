"""XGBoost with wandb's callback."""

import numpy as np
import wandb
import xgboost
from wandb.integration.xgboost import WandbCallback

run = wandb.init(project="xgboost", config={"lr": 0.3})
points = np.random.default_rng(0).random((64, 3))
model = xgboost.XGBRegressor(
    n_estimators=5, max_depth=2, learning_rate=run.config.lr, n_jobs=1,
    early_stopping_rounds=3, callbacks=[WandbCallback(log_model=True)],
)  # fmt: skip
model.fit(points, points.sum(1), eval_set=[(points, points.sum(1))], verbose=False)
run.finish()
