"""Slots and GPUs: which GPU a run gets, and that no two agents of this host give out the same one.

The lock is a file per GPU in a folder of the whole host (`SWEPT_LOCKS`, else `/tmp/swept-locks`), held with flock
while the agent lives.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from swept.agent.process import Lock
from swept.errors import Conflict, UsageError

KILL_SECONDS = 0.5
"""How long a killed program may take to be gone."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """`index` is what CUDA_VISIBLE_DEVICES takes; `uuid` names the card for the lock."""

    index: str
    uuid: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one run at a time. `gpu` None: the environment's devices are left as they are."""

    number: int
    gpu: Gpu | None = None

    def environment(self) -> dict[str, str]:
        return {"CUDA_VISIBLE_DEVICES": self.gpu.index} if self.gpu else {}


class Devices:
    """The slots of one agent, and the locks on its GPUs."""

    def __init__(
        self, slots: Sequence[Slot], locks: Sequence[Lock] = (), notes: Sequence[str] = ()
    ) -> None:
        self.slots = tuple(slots)
        self.notes = tuple(notes)
        self._locks = list(locks)

    def release(self) -> None:
        for lock in self._locks:
            lock.release()
        self._locks.clear()


def take(
    slots: int | None, gpus: str | None, environment: Mapping[str, str], owner: str = ""
) -> Devices:
    """Work out the slots, and lock the GPUs that they use.

    `gpus`: "all", a list like "0,1", "none" (leave CUDA_VISIBLE_DEVICES alone), or None: as many free ones as there
    are slots. With GPUs named there is a slot for each unless `slots` says otherwise. Raises UsageError for a GPU
    that does not exist, Conflict when every one is held by other agents.
    """
    if slots is not None and slots < 1:
        raise UsageError(f"--slots {slots}: at least one run has to fit", hint="--slots 1")
    found = [] if gpus == "none" else visible(list_gpus(), environment)
    chosen = choose(found, gpus)
    if not chosen:
        return Devices([Slot(number) for number in range(slots or 1)])
    wanted = len(chosen) if gpus is not None else min(slots or 1, len(chosen))
    taken, locks, notes = _lock(chosen, wanted, owner)
    if not taken:
        raise Conflict(
            "every GPU is held by another agent of this host: " + "; ".join(notes),
            hint="wait for it to end, or add --gpus none to share the devices knowingly",
        )
    count = slots or (len(taken) if gpus is not None else 1)
    return Devices([Slot(n, taken[n % len(taken)]) for n in range(count)], locks, notes)


def list_gpus() -> list[Gpu]:
    """What `nvidia-smi` reports; none where there is no such program, or no driver."""
    lines = ask_driver("index,uuid,name", seconds=30.0).splitlines()
    rows = [[cell.strip() for cell in line.split(",", 2)] for line in lines]
    return [Gpu(*row) for row in rows if len(row) == 3]


def ask_driver(fields: str, *, seconds: float) -> str:
    """A line of CSV for each GPU, from `nvidia-smi`; "" where there is no such program, or no driver, or no answer."""
    program = shutil.which("nvidia-smi")
    if program is None or any(asked.poll() is None for asked in _STUCK):
        return ""
    _STUCK.clear()
    command = [program, f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    try:
        asked = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
        )
    except OSError:
        return ""
    return _answer(asked, seconds)


_STUCK: list[subprocess.Popen[str]] = []
"""Killed, and still there: a driver that hangs lets nobody go. Until it does, no other one is sent after it."""


def _answer(asked: subprocess.Popen[str], seconds: float) -> str:
    try:
        answer, _ = asked.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        asked.kill()
        if asked.stdout is not None:
            asked.stdout.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            asked.wait(KILL_SECONDS)
        if asked.returncode is None:
            _STUCK.append(asked)
        return ""
    return answer if asked.returncode == 0 else ""


def visible(gpus: Sequence[Gpu], environment: Mapping[str, str]) -> list[Gpu]:
    """The ones that the agent's own CUDA_VISIBLE_DEVICES lets through (a scheduler sets it), in its order."""
    names = environment.get("CUDA_VISIBLE_DEVICES")
    if names is None:
        return list(gpus)
    by_name = {key: gpu for gpu in gpus for key in (gpu.index, gpu.uuid)}
    return [by_name[name] for word in names.split(",") if (name := word.strip()) in by_name]


def choose(gpus: Sequence[Gpu], wanted: str | None) -> list[Gpu]:
    """The ones that `--gpus` names. Raises UsageError for one that is not there."""
    if wanted in (None, "all", "none"):
        if wanted == "all" and not gpus:
            raise UsageError(
                "--gpus all: no GPU is visible here",
                hint="`nvidia-smi` shows what the driver sees; without GPUs use --slots N",
            )
        return list(gpus)
    by_name = {key: gpu for gpu in gpus for key in (gpu.index, gpu.uuid)}
    chosen = []
    for word in wanted.split(","):
        if word.strip() not in by_name:
            have = ", ".join(gpu.index for gpu in gpus) or "none"
            raise UsageError(
                f"--gpus {wanted}: there is no GPU '{word.strip()}'", hint=f"visible here: {have}"
            )
        chosen.append(by_name[word.strip()])
    return list(dict.fromkeys(chosen))


def _lock(gpus: Sequence[Gpu], wanted: int, owner: str) -> tuple[list[Gpu], list[Lock], list[str]]:
    folder = _lock_folder()
    taken: list[Gpu] = []
    locks: list[Lock] = []
    notes: list[str] = []
    for gpu in gpus:
        if len(taken) == wanted:
            break
        path = folder / f"gpu-{gpu.uuid}.lock"
        lock = Lock.take(path, 0o666)
        if lock is None:
            notes.append(f"GPU {gpu.index} is used by {_holder(path)}")
            continue
        lock.write(owner)
        taken.append(gpu)
        locks.append(lock)
    return taken, locks, notes


def _holder(path: Path) -> str:
    with contextlib.suppress(OSError):
        if text := path.read_text().strip():
            return text
    return "another swept agent"


def _lock_folder() -> Path:
    folder = Path(os.environ.get("SWEPT_LOCKS") or Path(tempfile.gettempdir()) / "swept-locks")
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o1777)  # for agents of all users, as the temporary folder itself
    return folder
