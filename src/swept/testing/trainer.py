"""A fake training: it takes its fate from its configuration.

    program: …/swept/testing/trainer.py       (or `python -m swept.testing.trainer`)

    fate          ok | error | exit | kill | nan | oom | memory-error | hang | hold | ignore-signals | daemon | again
    epochs        reports of `loss`, for the steps 0 … epochs-1 (default 5)
    seconds       of sleep for each epoch (default 0)
    at            the epoch at which the fate strikes, before its report (default 2)
    code          the exit code of `exit` (default 3)
    checkpoints   whether to keep a checkpoint after each epoch, and to go on from the last one (default true)
    lr            shifts the loss, so that a search has something to find
    gate          of `hold`: a path; the training goes on when this file is there
    deaf          whether to ignore should_stop and should_pause
    once          a path: the fate strikes only while this file does not exist, and makes it
    lines         [path, stride]: each attempt is killed after `stride` lines of swept's code more than the one before
                  it, in whichever thread that is; the file at `path` keeps the count

`again` opens a second swept.init after finishing the first; `daemon` leaves a process in a session of its own behind.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import swept


def main() -> None:
    _prepare()
    with swept.init() as run:
        config = {"epochs": 5, "seconds": 0.0, "at": 2, "fate": "ok", "lr": 0.1, **run.config}
        train(run, config)
    if config["fate"] == "again":
        with swept.init() as run:
            run.log({"loss": 0.0}, step=int(config["epochs"]))


def _prepare() -> None:
    """Before swept.init, so that its thread is watched too."""
    path = os.environ.get("SWEPT_CONFIG")
    config = json.loads(Path(path).read_text()) if path else {}
    if config.get("lines"):
        _die_after_lines(Path(config["lines"][0]), int(config["lines"][1]))


def train(run: swept.Run, config: dict[str, Any]) -> None:
    first, total = _begin(run, config)
    if config["fate"] == "ignore-signals":
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    for epoch in range(first, int(config["epochs"])):
        if epoch == config["at"] and _strikes(config):
            strike(config)
        time.sleep(float(config["seconds"]))
        total += 1.0
        loss = (
            math.nan if config["fate"] == "nan" and epoch >= config["at"] else _loss(epoch, config)
        )
        run.log({"loss": loss, "total": total}, step=epoch)
        sys.stdout.write(f"epoch {epoch} loss {loss:.4f}\n")
        if run.should_stop and not config.get("deaf"):
            return
        if config.get("checkpoints", True):
            _keep(run, epoch, total)
        if run.should_pause and not config.get("deaf"):
            return


def _begin(run: swept.Run, config: dict[str, Any]) -> tuple[int, float]:
    point = run.resumed_from if config.get("checkpoints", True) else None
    if point is None:
        return 0, 0.0
    return point.step + 1, float(json.loads(point.path.read_text())["total"])


def _keep(run: swept.Run, epoch: int, total: float) -> None:
    path = Path(os.environ.get("SWEPT_RUN_DIR", ".")) / "last.json"
    path.write_text(json.dumps({"epoch": epoch, "total": total}))
    run.checkpoint(path, epoch)


def _loss(epoch: int, config: dict[str, Any]) -> float:
    return (math.log10(float(config["lr"])) + 2.0) ** 2 + 1.0 / (1 + epoch)


def _strikes(config: dict[str, Any]) -> bool:
    once = config.get("once")
    if not once:
        return True
    try:
        Path(once).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def strike(config: dict[str, Any]) -> None:
    """The fate, at the epoch where it comes."""
    match config["fate"]:
        case "error":
            raise RuntimeError("this training was told to fail")
        case "exit":
            raise SystemExit(int(config.get("code", 3)))
        case "kill":
            _die()
        case "oom":
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB (fake)")
        case "memory-error":
            raise MemoryError
        case "hang" | "ignore-signals":
            while True:
                time.sleep(60)
        case "hold":
            while not Path(config["gate"]).exists():
                time.sleep(0.02)
        case "daemon":
            subprocess.Popen(
                [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
            )


def _die_after_lines(path: Path, stride: int) -> None:
    limit = int(path.read_text() or 0) + stride if path.exists() else stride
    path.write_text(str(limit))
    package = str(Path(swept.__file__).parent)
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(package):
            return None
        count += event == "line"
        if count >= limit:
            _die()
        return trace

    sys.settrace(trace)
    threading.settrace(trace)


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL cannot be survived")


if __name__ == "__main__":
    main()
