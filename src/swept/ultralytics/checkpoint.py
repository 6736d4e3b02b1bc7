"""The adapter's own checkpoint: all that a training needs to go on elsewhere, in one file.

Ultralytics keeps `last.pt` in place and not atomically, removes its optimizer state at the end of
a training, and on another machine has neither the best weights nor the table of earlier epochs.
So the state after an epoch is packed into an uncompressed zip file that is published whole.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import torch

LAST, BEST, RESULTS = "weights/last.pt", "weights/best.pt", "results.csv"
SAME = "best-is-last"  # an empty member: the best weights are the last ones, kept once


@dataclass(frozen=True, slots=True)
class Resumable:
    """An unfinished training: `epochs_done` counts from 1, `batch` is the size it really had."""

    last: Path
    epochs_done: int
    batch: float


def pack(folder: Path, target: Path) -> Path:
    """Writes the state of the training in `folder` to `target`, atomically."""
    scratch = target.with_suffix(".part")
    with zipfile.ZipFile(scratch, "w", zipfile.ZIP_STORED) as bundle:
        bundle.write(folder / LAST, LAST)
        if (folder / RESULTS).is_file():
            bundle.write(folder / RESULTS, RESULTS)
        if (folder / BEST).is_file():
            if filecmp.cmp(folder / LAST, folder / BEST, shallow=False):
                bundle.writestr(SAME, "")
            else:
                bundle.write(folder / BEST, BEST)
    os.replace(scratch, target)
    return target


def unpack(bundle: Path, folder: Path) -> None:
    """Puts the packed files where Ultralytics looks for them. A bare `last.pt` will do, too."""
    (folder / LAST).parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(bundle) as packed:
        members = set(packed.namelist())
        if LAST not in members:  # a .pt file is itself a zip file
            shutil.copyfile(bundle, folder / LAST)
            return
        for name in members & {LAST, BEST, RESULTS}:
            packed.extract(name, folder)
    if SAME in members:
        shutil.copyfile(folder / LAST, folder / BEST)


def restore(bundle: Path, folder: Path, epochs: int) -> Resumable | str:
    """Unpacks `bundle` into `folder`; the reason in words if no training can go on from it.

    Given a finished checkpoint, Ultralytics does not fail: it quietly starts a default training.
    """
    try:
        unpack(bundle, folder)
        state = torch.load(folder / LAST, map_location="cpu", weights_only=False)
    except (OSError, RuntimeError, zipfile.BadZipFile, EOFError, AttributeError, ImportError) as e:
        return f"it cannot be read ({type(e).__name__}: {e})"
    if not isinstance(state, dict) or state.get("optimizer") is None:
        return "it holds no optimizer state (a finished training)"
    done, arguments = int(state.get("epoch", -1)) + 1, state.get("train_args") or {}
    if not 0 < done < epochs:
        return f"it is at epoch {done}, and {epochs} were asked for"
    if arguments.get("epochs") != epochs:
        return f"its learning rate schedule is for {arguments.get('epochs')} epochs, not {epochs}"
    return Resumable(folder / LAST, done, float(arguments.get("batch", -1)))
