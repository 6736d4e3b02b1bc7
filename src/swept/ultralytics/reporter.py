"""Between Ultralytics' callbacks and a swept run: epochs reported, orders obeyed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Protocol

from swept.ultralytics.checkpoint import pack
from swept.ultralytics.facts import ADAMS, METRICS


class ResumePoint(Protocol):
    """Where an earlier attempt of the run got to."""

    @property
    def path(self) -> Path: ...
    @property
    def step(self) -> int: ...


class TrainingRun(Protocol):
    """The part of `swept.sdk.Run` that a training needs."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def seed(self) -> int | None: ...
    @property
    def config(self) -> Mapping[str, Any]: ...
    @property
    def should_stop(self) -> bool: ...
    @property
    def should_pause(self) -> bool: ...
    @property
    def resumed_from(self) -> ResumePoint | None: ...
    @property
    def summary(self) -> MutableMapping[str, Any]: ...
    def log(self, metrics: Mapping[str, float], step: int | None = None) -> None: ...
    def checkpoint(self, path: Path, step: int) -> None: ...
    def save(self, path: Path, name: str | None = None) -> None: ...
    def report_effective(self, config: Mapping[str, Any]) -> None: ...


class Paused(Exception):
    """Leaves the training loop after an epoch, before Ultralytics removes the optimizer state."""


class Reporter:
    """The callbacks of one training.

    `ended` says how it ended: finished or stopped (a pause leaves by `Paused`). `ready` is called
    once datasets and model are built.
    """

    def __init__(
        self, run: TrainingRun, config: Mapping[str, Any], ready: Callable[[], None]
    ) -> None:
        self._run = run
        self._config = config
        self._ready = ready
        self._reported: dict[str, Any] = {}
        self._over = False
        self.ended = "finished"

    def attach(self, model: Any) -> None:
        """Hooks into an `ultralytics.YOLO`."""
        model.add_callback("on_pretrain_routine_end", lambda _: self._ready())
        model.add_callback("on_train_start", self._report_effective)
        model.add_callback("on_fit_epoch_end", self._after_epoch)

    def _after_epoch(self, trainer: Any) -> None:
        # Fires once more after the end, with the values of best.pt: a summary, not an epoch.
        if self._over:
            self._run.summary.update(best_summary(trainer))
            return
        step = int(trainer.epoch) + 1
        self._report_effective(trainer)
        self._run.log(epoch_metrics(trainer), step=step)
        self._over = bool(trainer.stop)
        if self._over:
            return
        if self._run.should_stop:
            trainer.stop = self._over = True
            self.ended = "stopped"
            return
        folder = Path(trainer.save_dir)
        bundle = pack(folder, folder / "resume.zip")
        self._run.checkpoint(bundle, step)
        bundle.unlink()  # the run has its own copy
        if self._run.should_pause:
            raise Paused

    def _report_effective(self, trainer: Any) -> None:
        """Again after each epoch: in the first one Ultralytics may halve the batch silently."""
        effective = effective_config(trainer, self._config)
        if effective != self._reported:
            self._run.report_effective(effective)
            self._reported = effective


def epoch_metrics(trainer: Any) -> dict[str, float]:
    """The epoch's values under Ultralytics' own names, the most useful first.

    `epoch_time` is in seconds.
    """
    validated = trainer.metrics if trainer.args.val or trainer.stop else {}
    losses = trainer.label_loss_items(trainer.tloss, prefix="train")
    values = {**validated, **losses, **trainer.lr, "epoch_time": trainer.epoch_time}
    order = [*(name for name in METRICS if name in values), *values]
    return {name: float(values[name]) for name in order}


def best_summary(trainer: Any) -> dict[str, float]:
    """What best.pt reaches on the validation set: `best/mAP50`, … and its epoch, from 1."""
    values = {f"best/{short_name(name)}": float(v) for name, v in trainer.metrics.items()}
    return {**values, "best/epoch": float(trainer.stopper.best_epoch)}


def short_name(metric: str) -> str:
    """`metrics/mAP50(B)` → `mAP50`; the letter stays where a task has boxes and masks."""
    return metric.removeprefix("metrics/").removesuffix("(B)")


def effective_config(trainer: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """`config` with the values that the training really used."""
    used = vars(trainer.args)
    resolved = ("optimizer", "lr0", "warmup_bias_lr", "batch", "imgsz", "epochs", "seed")
    names = {*config, *resolved} - {"model", "data"}  # those two stay as they were named
    return {
        **config,
        **{name: used[name] for name in sorted(names) if name in used},
        "momentum": _momentum(trainer),
    }


def _momentum(trainer: Any) -> float:
    """The momentum (Adam: beta1) after the warm-up, which ends at `args.momentum` for SGD."""
    group = trainer.optimizer.param_groups[0]
    if str(trainer.args.optimizer).lower() in ADAMS:
        return float(group["betas"][0])
    return float(trainer.args.momentum if trainer.args.warmup_epochs else group["momentum"])
