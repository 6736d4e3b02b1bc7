"""scikit-learn with wandb's plots."""

import numpy as np
import wandb
import wandb.sklearn
from sklearn.linear_model import LogisticRegression

run = wandb.init(project="sklearn", config={"lr": 1.0})
points = np.random.default_rng(0).random((60, 3))
labels = (points.sum(1) > 1.5).astype(int)
model = LogisticRegression(C=run.config.lr).fit(points, labels)
guesses, odds = model.predict(points), model.predict_proba(points)
wandb.sklearn.plot_confusion_matrix(labels, guesses, ["low", "high"])
wandb.sklearn.plot_roc(labels, odds, ["low", "high"])
wandb.sklearn.plot_precision_recall(labels, odds, ["low", "high"])
wandb.sklearn.plot_class_proportions(labels, labels, ["low", "high"])
wandb.sklearn.plot_summary_metrics(model, points, labels, points, labels)
run.log({"accuracy": float((guesses == labels).mean())})
run.finish()
