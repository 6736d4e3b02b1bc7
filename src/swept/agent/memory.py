"""Evidence of memory: the kernel's own counters, and how much a process group holds.

Sources: Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst of the kernel. Systems without these
files (macOS) give what psutil can see.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

UNLIMITED = 1 << 60
"""cgroup v1 writes "no limit" as a number near 2**63."""


@dataclass(frozen=True, slots=True)
class Group:
    """This process's memory control group: its folder, and which version's files it has."""

    folder: Path
    version: int

    def kills(self) -> int:
        """Processes that the kernel has killed in it for lack of memory."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        return _field(self.folder / name, "oom_kill")

    def limit(self) -> int | None:
        """Bytes allowed; None = no limit."""
        name = "memory.max" if self.version == 2 else "memory.limit_in_bytes"
        try:
            value = int((self.folder / name).read_text())
        except (OSError, ValueError):  # "max"
            return None
        return value if value < UNLIMITED else None


def find_group(root: Path = Path("/sys/fs/cgroup"), proc: Path = Path("/proc")) -> Group | None:
    """The group of this process. In a container its path may not be visible: then the mounted root is it."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return None
    paths = {fields[1]: fields[2] for line in lines if len(fields := line.split(":", 2)) == 3}
    candidates = []
    for controllers, path in paths.items():
        if "memory" in controllers.split(","):
            candidates += [Group(root / "memory" / path.lstrip("/"), 1), Group(root / "memory", 1)]
        elif controllers == "":
            candidates += [Group(root / path.lstrip("/"), 2), Group(root, 2)]
    for group in candidates:
        name = "memory.events" if group.version == 2 else "memory.oom_control"
        if (group.folder / name).exists():
            return group
    return None


def host_kills(proc: Path = Path("/proc")) -> int:
    """Processes that the kernel has killed for memory on the whole host, since its start."""
    return _field(proc / "vmstat", "oom_kill")


def limit(group: Group | None) -> int:
    """Bytes that the processes here may hold together."""
    total = int(psutil.virtual_memory().total)
    own = group.limit() if group else None
    return min(total, own) if own else total


class Watch:
    """The memory of one run: counters since the start, and the largest share of the limit that was seen."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._group = find_group()
        self._limit = limit(self._group)
        self._before = self._kills()
        self.share = 0.0

    def sample(self) -> None:
        """Look once; call it every few seconds."""
        used = resident(self._pid) / self._limit
        self.share = max(self.share, used, psutil.virtual_memory().percent / 100)

    def kills(self) -> int:
        """How often the kernel has killed for memory since the start."""
        return max(0, self._kills() - self._before)

    def _kills(self) -> int:
        return self._group.kills() if self._group else host_kills()


def resident(pid: int) -> int:
    """Bytes that a process and its descendants hold; 0 when it is gone."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    return sum(_resident(member) for member in family)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _field(path: Path, name: str) -> int:
    """The number after `name` in a file of lines `name number`; 0 where there is none."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").split(os.linesep)
    except OSError:
        return 0
    for line in lines:
        word, _, value = line.partition(" ")
        if word == name and value.strip().isdigit():
            return int(value)
    return 0
