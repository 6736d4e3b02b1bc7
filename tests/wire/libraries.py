"""Libraries with a wandb integration of their own: a small program of each, and what a server must have of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.wire.harness import ROOT

ENVIRONMENT = ROOT / ".venvs" / "integrations"
TENSORFLOW = ENVIRONMENT / "tensorflow"


@dataclass(frozen=True)
class Library:
    """What is run, and what the server must have of it afterwards."""

    label: str
    program: str
    objective: str
    parameter: tuple[str, float]
    rows: Mapping[str, int]
    """Metric → how many rows of a run have it."""
    axes: Mapping[str, str | None] = field(default_factory=dict)
    """Metric → the metric that it is charted against."""
    best: Mapping[str, str] = field(default_factory=dict)
    """Metric → which of its values the summary keeps."""
    media: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    artifacts: tuple[tuple[str, str, int], ...] = ()
    """Type, an alias of one of them, how many there are."""
    arguments: tuple[str, ...] = ()
    extra: str = ""
    """More lines of the sweep file."""
    path: Path | None = None

    @property
    def project(self) -> str:
        """The sweep's project: not the one that the program names."""
        return f"sweep-{self.program.removesuffix('.py')}"

    def sweep(self) -> str:
        name, value = self.parameter
        return (
            f"program: {self.program}\nproject: {self.project}\nmethod: grid\n"
            f'metric: {{name: "{self.objective}", goal: minimize}}\n'
            f"parameters:\n  {name}: {{values: [{value}]}}\n{self.extra}"
        )


YOLO = ("train", "model=yolo11n.yaml", "data=cones/data.yaml", "epochs=2", "imgsz=64", "batch=8", "workers=0")  # fmt: skip
YOLO_COMMAND = ", ".join(f"'{word}'" for word in YOLO)
CURVES = {
    f"curves/{name}(B)_table": 1
    for name in ("Precision-Recall", "F1-Confidence", "Precision-Confidence", "Recall-Confidence")
}
YOLO_ROWS = {
    "train/box_loss": 2, "val/box_loss": 2, "metrics/mAP50(B)": 3, "lr/pg0": 2, "epoch": 4,
    "model/parameters": 1, "train_batch0": 1, "results": 1, "confusion_matrix": 1, **CURVES,
}  # fmt: skip
YOLO_MEDIA = ("images/results", "images/BoxPR_curve", "images/val_batch0_pred", "table/curves/F1-")

LIBRARIES = {
    "ultralytics": Library(
        "Ultralytics: the yolo command with its own callback",
        "integrate_yolo.py",
        "val/box_loss",
        ("lr0", 0.02),
        YOLO_ROWS,
        {"train/box_loss": "epoch", "metrics/mAP50(B)": "epoch", "val/box_loss": "epoch", "lr/pg0": "epoch"},
        media=YOLO_MEDIA,
        config=("imgsz", "optimizer", "mosaic"),
        artifacts=(("model", "best", 1), ("run_table", "latest", 4)),
        arguments=YOLO,
        extra=f"command: ['${{env}}', python, '${{program}}', {YOLO_COMMAND}, '${{args_no_hyphens}}']\n",
    ),
    "lightning": Library(
        "PyTorch Lightning: WandbLogger",
        "integrate_lightning.py",
        "val/loss",
        ("lr", 0.02),
        {"train/loss": 6, "val/loss": 3, "trainer/global_step": 11, "pictures": 1, "table": 1,
         "gradients/layer.weight": 6, "parameters/layer.weight": 9},
        {"train/loss": "trainer/global_step", "val/loss": "trainer/global_step"},
        media=("images/pictures", "table/table", "graph/"),
        artifacts=(("model", "best", 3), ("run_table", "latest", 1)),
        arguments=("restore",),
    ),
    "transformers": Library(
        'Transformers: Trainer with report_to="wandb"',
        "integrate_transformers.py",
        "eval/loss",
        ("learning_rate", 0.02),
        {"train/loss": 8, "eval/loss": 2, "train/learning_rate": 8, "train/global_step": 11},
        {"train/loss": "train/global_step", "eval/loss": "train/global_step"},
        config=("n_layer", "num_train_epochs", "model/num_parameters"),
        artifacts=(("model", "final_model", 4),),
    ),
    "keras": Library(
        "Keras 3: WandbMetricsLogger, WandbModelCheckpoint, WandbEvalCallback",
        "integrate_keras.py",
        "epoch/val_loss",
        ("lr", 0.02),
        {"epoch/loss": 3, "epoch/val_mae": 3, "epoch/learning_rate": 3},
        {"epoch/loss": "epoch/epoch", "epoch/learning_rate": "epoch/epoch"},
        artifacts=(("model", "epoch_2", 3),),
        path=TENSORFLOW,
    ),
    "xgboost": Library(
        "XGBoost: WandbCallback",
        "integrate_xgboost.py",
        "validation_0-rmse",
        ("lr", 0.2),
        {"validation_0-rmse": 5, "epoch": 5, "best_score": 1, "Feature Importance_table": 1},
        best={"validation_0-rmse": "min"},
        media=("table/Feature Importance_table",),
        config=("learner", "version"),
        artifacts=(("model", "latest", 1), ("run_table", "latest", 1)),
    ),
    "lightgbm": Library(
        "LightGBM: wandb_callback and log_summary",
        "integrate_lightgbm.py",
        "validation_rmse",
        ("lr", 0.2),
        {"validation_rmse": 5, "validation_l1": 5, "iteration": 5, "Feature Importance_table": 1},
        best={"validation_rmse": "min", "validation_l1": "min"},
        media=("table/Feature Importance_table",),
        config=("objective", "num_leaves"),
        artifacts=(("model", "best", 1), ("run_table", "latest", 1)),
    ),
    "sklearn": Library(
        "scikit-learn: wandb.sklearn plots",
        "integrate_sklearn.py",
        "accuracy",
        ("lr", 0.5),
        {"accuracy": 1, "roc_table": 1, "confusion_matrix": 1},
        media=("table/roc_table", "table/confusion_matrix", "table/precision_recall_table"),
    ),
    "torch": Library(
        "PyTorch: wandb.watch, tables of pictures, TensorBoard's writer",
        "integrate_torch.py",
        "loss",
        ("lr", 0.2),
        {"loss": 4, "weights": 4, "noise": 1, "examples": 1,
         "gradients/weight": 1, "parameters/weight": 1},
        media=("table/examples", "images/"),
        artifacts=(("run_table", "latest", 1),),
    ),
}  # fmt: skip
