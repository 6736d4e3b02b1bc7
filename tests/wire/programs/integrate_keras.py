"""Keras 3 with wandb's callbacks; they import TensorFlow whatever backend Keras runs on."""

import keras
import numpy as np
import wandb
from wandb.integration.keras import WandbEvalCallback, WandbMetricsLogger, WandbModelCheckpoint


class Table(WandbEvalCallback):  # type: ignore[misc]
    """What the model makes of the points, epoch by epoch."""

    def add_ground_truth(self, logs: object = None) -> None:
        for index, (point, value) in enumerate(zip(points[:3], values[:3], strict=True)):
            self.data_table.add_data(index, point.tolist(), float(value[0]))

    def add_model_predictions(self, epoch: int, logs: object = None) -> None:
        for index, guess in enumerate(model.predict(points[:3], verbose=0)):
            self.pred_table.add_data(epoch, index, float(guess[0]))


run = wandb.init(project="keras", config={"lr": 0.05})
keras.utils.set_random_seed(0)
points = np.random.default_rng(0).random((32, 2), dtype=np.float32)
values = points.sum(1, keepdims=True)
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(run.config.lr), loss="mse", metrics=["mae"])
model.fit(
    points,
    values,
    validation_data=(points, values),
    epochs=3,
    batch_size=8,
    verbose=0,
    callbacks=[
        WandbMetricsLogger(),
        WandbModelCheckpoint("model-{epoch}.keras"),
        Table(["index", "point", "value"], ["epoch", "index", "guess"]),
    ],
)
run.finish()
