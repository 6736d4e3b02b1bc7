"""A training of Ultralytics with its own callback for wandb: the sweep's config becomes the training's arguments."""

import torchvision_shim

torchvision_shim.install()

import wandb  # noqa: E402
from ultralytics import YOLO, settings  # noqa: E402

settings.update({"wandb": True, "runs_dir": "runs"})
run = wandb.init(project="cones")
YOLO("yolo11n.yaml").train(
    data="cones/data.yaml", epochs=2, imgsz=64, batch=8, workers=0, verbose=False, **run.config
)
run.finish()
