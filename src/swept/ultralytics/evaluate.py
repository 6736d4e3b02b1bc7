"""A trained model in numbers: its accuracy on the test split, its size and its speed."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ultralytics import YOLO
from ultralytics.utils.torch_utils import get_flops, get_num_params

from swept.ultralytics.reporter import TrainingRun, short_name
from swept.ultralytics.surroundings import one_at_a_time


def evaluate_test(
    run: TrainingRun, weights: Path, data: str, *, folder: Path, **arguments: object
) -> dict[str, float]:
    """Evaluates `weights` on the test split of the dataset `data`; the values go to the summary.

    They are called `test/mAP50`, `test/mAP50-95`, `test/precision`, `test/recall` and, for boxes,
    `test/mAP50/CLASS`. `arguments` are Ultralytics' (imgsz, batch, device, …); `folder` takes its
    plots.
    """
    yolo = YOLO(str(weights))
    with ExitStack() as setting_up:
        setting_up.enter_context(one_at_a_time(data))
        yolo.add_callback("on_val_start", lambda _: setting_up.close())
        metrics = yolo.val(
            data=data,
            split="test",
            project=str(folder),
            name="test",
            exist_ok=True,
            verbose=False,
            **arguments,
        )
    values = {
        f"test/{short_name(name)}": float(value)
        for name, value in metrics.results_dict.items()
        if name != "fitness"
    }
    values |= _per_class(metrics)
    run.summary.update(values)
    return values


def _per_class(metrics: Any) -> dict[str, float]:
    if not hasattr(metrics, "box"):
        return {}
    return {
        f"test/mAP50/{metrics.names[int(label)]}": float(value)
        for label, value in zip(metrics.box.ap_class_index, metrics.box.ap50, strict=True)
    }


def model_facts(trainer: Any) -> dict[str, float]:
    """`model/parameters`, `model/GFLOPs` at the trained size, `model/speed_ms` an image."""
    speed = getattr(trainer.validator, "speed", None) or {}
    facts = {
        "model/parameters": float(get_num_params(trainer.model)),
        "model/GFLOPs": float(get_flops(trainer.model, trainer.args.imgsz)),
    }
    return {**facts, "model/speed_ms": float(speed["inference"])} if "inference" in speed else facts
