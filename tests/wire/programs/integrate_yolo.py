"""The `yolo` command itself. Its callback calls `wandb.init`."""

import torchvision_shim

torchvision_shim.install()

from ultralytics import settings  # noqa: E402
from ultralytics.cfg import entrypoint  # noqa: E402

settings.update({"wandb": True, "runs_dir": "runs"})  # yolo settings wandb=True
entrypoint()
