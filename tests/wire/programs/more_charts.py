"""`watch`, the curves of wandb.plot that need scikit-learn, figures; prints the run's id and how tables read back."""

import importlib
import importlib.util
import json
import sys

import matplotlib
import numpy as np
import torch
import wandb
from matplotlib import pyplot

matplotlib.use("agg")
run = wandb.init(project="more")
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
run.watch(model, log="all", log_freq=1, log_graph=True)
for _ in range(3):
    loss = model(torch.rand(4, 2)).square().mean()
    loss.backward()
    run.log({"loss": loss.item()})
run.unwatch(model)

truth = [0, 1, 1, 0, 1, 0]
sure = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.6, 0.4], [0.7, 0.3], [0.8, 0.2]])
run.log(
    {
        "precision": wandb.plot.pr_curve(truth, sure, labels=["no", "yes"]),
        "receiver": wandb.plot.roc_curve(truth, sure, labels=["no", "yes"]),
        "confusion": wandb.plot.confusion_matrix(
            y_true=truth, preds=sure.argmax(1).tolist(), class_names=["no", "yes"]
        ),
        "lines": wandb.plot.line_series(
            xs=[[1, 2, 3], [1, 2]],
            ys=[[1, 4, 9], [2, 3]],
            keys=["square", "other"],
            title="two lines",
        ),
    }
)
figure, axes = pyplot.subplots()
axes.plot([1, 2, 3], [3, 1, 2], label="a line")
figures = {"figure_as_image": wandb.Image(figure)}
plotly = importlib.util.find_spec("plotly") is not None
if plotly:
    graph_objects = importlib.import_module("plotly.graph_objects")
    figures["figure"] = figure
    figures["plotly"] = graph_objects.Figure(graph_objects.Scatter(x=[1, 2], y=[3, 4]))
run.log(figures)
run.log({"plot_of_pyplot": wandb.Image(pyplot)})
run.finish()

read = wandb.Api().run(f"local/more/{run.id}")
tables = {}
for name in ("precision", "receiver", "confusion", "lines"):
    key = f"{name}_table"
    path = read.summary[key]["path"]
    with read.file(path).download(root="got", replace=True) as file:
        tables[name] = json.load(file)
told = {
    "id": run.id,
    "plotly": plotly,
    "tables": tables,
    "files": sorted(file.name for file in read.files()),
    "keys": sorted(key for row in read.scan_history() for key in row),
    "summary": json.loads(json.dumps(dict(read.summary._json_dict))),
}
sys.stdout.write(f"\nTOLD {json.dumps(told)}\n")
