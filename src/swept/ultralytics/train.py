"""One Ultralytics training from a run's config.

    import swept
    from swept.ultralytics.train import train

    with swept.init() as run:
        train(run)

Every training argument of Ultralytics may be a parameter of the sweep; one that does not exist, or
has the wrong type, ends the run before anything is trained. Epochs are reported as steps 1…n. The
training ends at the very epoch at which swept says stop, and a paused or interrupted one goes on
from the checkpoint of its last finished epoch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ultralytics import YOLO
from ultralytics.utils import LOGGER, ONLINE

from swept.tracking.workspace import Workspace
from swept.ultralytics.checkpoint import Resumable, restore
from swept.ultralytics.evaluate import evaluate_test, model_facts
from swept.ultralytics.plan import Plan, make_plan
from swept.ultralytics.reporter import Paused, Reporter, TrainingRun
from swept.ultralytics.surroundings import (
    one_at_a_time,
    other_loggers_off,
    quoted_folders,
    signals_unwind,
)

# All that Ultralytics lets change when a training is resumed; the rest is in the checkpoint.
CHANGEABLE = (
    *("imgsz", "batch", "close_mosaic", "save_period", "workers", "cache", "patience"),
    *("time", "freeze", "val", "plots", "channels_last"),
)

TESTED_KINDS = frozenset({"baseline", "final", "compare"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended: `ended` is finished, stopped or paused.

    `best` and `last` are weight files (None after a pause, or if there is no such file).
    """

    ended: str
    folder: Path
    best: Path | None = None
    last: Path | None = None


def train(
    run: TrainingRun | None = None,
    model: str | None = None,
    *,
    test: bool | None = None,
    **overrides: Any,
) -> Outcome:
    """Trains with the config of `run` (default: `swept.init()`, finished at the end).

    `model` counts if the config names none; `overrides` are Ultralytics arguments that win over
    the config. `test`: evaluate on the test split, if the dataset has one; None: for baseline,
    final and comparison runs. Raises UsageError before training if the config cannot be trained.
    """
    if run is not None:
        return _train(run, model, test, overrides)
    from swept.sdk import init

    with init() as own:
        return _train(own, model, test, overrides)


def _train(
    run: TrainingRun, model: str | None, test: bool | None, overrides: Mapping[str, Any]
) -> Outcome:
    earlier = run.resumed_from
    config = {**dict(run.config.items()), **overrides}
    plan = make_plan(config, model=model, seed=run.seed, online=ONLINE)
    folder = run_folder(run.id)
    notes, resumable = list(plan.notes), None
    if earlier is not None:
        found = restore(Path(earlier.path), folder, plan.epochs)
        resumable = None if isinstance(found, str) else found
        notes.append(
            f"starting from zero, the checkpoint is of no use: {found}"
            if isinstance(found, str)
            else f"going on after epoch {found.epochs_done} of {plan.epochs}"
        )
    for note in notes:
        LOGGER.info(f"swept: {note}")
    return _fit(run, plan, resumable, folder, config, test)


def _fit(
    run: TrainingRun,
    plan: Plan,
    resumable: Resumable | None,
    folder: Path,
    config: Mapping[str, Any],
    test: bool | None,
) -> Outcome:
    with signals_unwind(), other_loggers_off(), quoted_folders(), ExitStack() as setting_up:
        # Neighbours that start together would write one label cache, or download one weight file.
        setting_up.enter_context(one_at_a_time(str(plan.arguments.get("data"))))
        reporter = Reporter(run, config, ready=setting_up.close)
        yolo = YOLO(str(resumable.last) if resumable else plan.model)
        reporter.attach(yolo)
        try:
            yolo.train(**(_resuming(plan, resumable, folder) if resumable else _new(plan, folder)))
        except Paused:
            LOGGER.info("swept: paused; the run goes on from here when it is resumed")
            return Outcome("paused", folder)
        outcome = Outcome(reporter.ended, folder, *_weights(folder))
        _conclude(run, yolo.trainer, outcome, wants_test(run.kind, test))
    return outcome


def _new(plan: Plan, folder: Path) -> dict[str, object]:
    place = {"project": str(folder.parent), "name": folder.name, "exist_ok": True}
    return {**plan.arguments, **place}


def _resuming(plan: Plan, resumable: Resumable, folder: Path) -> dict[str, object]:
    """Folder, data and device are this machine's, not the ones written in the checkpoint."""
    kept = {name: plan.arguments[name] for name in CHANGEABLE if name in plan.arguments}
    asked = float(str(kept.get("batch", resumable.batch)))
    if resumable.batch >= 1 and asked > resumable.batch:
        kept["batch"] = int(resumable.batch)  # it was halved for want of memory
    return {
        **kept,
        "resume": True,
        "data": plan.arguments.get("data"),
        "device": plan.arguments.get("device"),
        "save_dir": str(folder),
    }


def run_folder(run_id: str) -> Path:
    """Where this run's training writes: below SWEPT_RUN_DIR if set, else `runs/swept/ID`."""
    given = os.environ.get("SWEPT_RUN_DIR")
    return (Workspace(Path(given)).training if given else Path("runs", "swept", run_id)).resolve()


def wants_test(kind: str, asked: bool | None) -> bool:
    """Search runs never see the test split: what is chosen by it no longer tests anything."""
    return kind in TESTED_KINDS if asked is None else asked


def _weights(folder: Path) -> Iterator[Path | None]:
    for name in ("best.pt", "last.pt"):
        path = folder / "weights" / name
        yield path if path.is_file() else None


def _conclude(run: TrainingRun, trainer: Any, outcome: Outcome, test: bool) -> None:
    """Keeps the files, and the numbers that are known only at the end."""
    run.summary.update(model_facts(trainer))
    for path in kept_files(outcome.folder):
        run.save(path, path.relative_to(outcome.folder).as_posix())
    weights = outcome.best or outcome.last
    if not test or outcome.ended != "finished" or weights is None:
        return
    if not trainer.data.get("test"):
        LOGGER.info("swept: the dataset has no `test:` split, so nothing is evaluated on it")
        return
    used = {name: getattr(trainer.args, name) for name in ("imgsz", "batch", "device", "plots")}
    evaluate_test(run, weights, str(trainer.args.data), folder=outcome.folder, **used)


def kept_files(folder: Path) -> list[Path]:
    """Weights, plots, the table of epochs and the arguments."""
    patterns = ("weights/*.pt", "results.csv", "args.yaml", "*.png", "*.jpg")
    return sorted(path for pattern in patterns for path in folder.glob(pattern))
