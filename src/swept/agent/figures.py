"""What the machine does for a run: its processes, the host, its GPUs; measured now and then, kept until they are sent.

Names and units are those of W&B's client where they mean the same, so that runs of both kinds stand side by side.
`proc.cpu.percent` is swept's own: 100 is one core kept busy, whatever the host has; W&B's `cpu` is that over all cores.
Host and GPU are what they are, no matter who uses them: runs that share a GPU have the same figures of it.
"""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

import psutil

from swept.agent.devices import Gpu, ask_driver, visible
from swept.clock import Clock
from swept.wire.reports import SystemRow

MOST_ROWS = 480
"""Of a run, while the server is away: two hours whole, longer ones thinned out."""
PART = 100
"""Rows sent at once."""
DRIVER_SECONDS = 10.0
LOOPBACK = ("lo", "lo0")
"""What a program says to a server beside it is no traffic."""
MEBIBYTE = 1024.0 * 1024.0
GIBIBYTE = 1024.0 * MEBIBYTE
FIELDS = (
    "index,uuid,utilization.gpu,utilization.memory,memory.used,memory.total,temperature.gpu,power.draw,"
    "enforced.power.limit"
)


@dataclass(frozen=True, slots=True)
class Host:
    """`gauges` are as they are; `counters` have grown since the host's start. What the system does not tell is left out.

    `memory`: bytes, 0 where that is not known.
    """

    memory: int = 0
    gauges: Mapping[str, float] = field(default_factory=dict)
    counters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tree:
    """A process and its descendants. `at`: of a monotonic clock. `cpu_seconds` counts children that have ended too. It
    only grows, unless one that has left its parent ends, or one ends while the tree is read."""

    at: float
    cpu_seconds: float = 0.0
    resident: int = 0
    threads: int = 0


@dataclass(frozen=True, slots=True)
class Card:
    """One GPU and what its driver says of it."""

    gpu: Gpu
    figures: Mapping[str, float]


# -- from what was measured to figures: pure ------------------------------------------------------


def of_host(first: Host, now: Host) -> dict[str, float]:
    """Disk and network as W&B's client counts them: since the first measurement."""
    grown = {
        name: max(0.0, value - first.counters.get(name, value))
        for name, value in now.counters.items()
    }
    return {**now.gauges, **grown}


def of_tree(before: Tree, now: Tree, memory: int) -> dict[str, float]:
    """`memory`: the host's, in bytes."""
    found = {
        "system.proc.memory.rssMB": now.resident / MEBIBYTE,
        "system.proc.cpu.threads": float(now.threads),
    }
    if memory > 0:
        found["system.proc.memory.percent"] = 100.0 * now.resident / memory
    used = now.cpu_seconds - before.cpu_seconds
    if now.at > before.at and used >= 0:  # else a process ended unseen, or between two looks
        found["system.proc.cpu.percent"] = 100.0 * used / (now.at - before.at)
    return found


def of_gpus(text: str) -> list[Card]:
    """From `nvidia-smi`'s lines of FIELDS. A figure that a card does not have ("[N/A]") is left out."""
    cells = [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]
    return [_card(Gpu(row[0], row[1]), row[2:]) for row in cells if len(row) == 9]


def _card(gpu: Gpu, cells: Sequence[str]) -> Card:
    busy, moving, used, total, warmth, power, limit = map(_number, cells)
    mebibytes = None if used is None else used * MEBIBYTE
    found = {
        "gpu": busy,
        "memory": moving,
        "memoryAllocated": _percent(used, total),
        "memoryAllocatedBytes": mebibytes,
        "temp": warmth,
        "powerWatts": power,
        "powerPercent": _percent(power, limit),
        "enforcedPowerLimitWatts": limit,
    }
    name = f"system.gpu.{gpu.index}"
    return Card(gpu, {f"{name}.{key}": value for key, value in found.items() if value is not None})


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _percent(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else 100.0 * part / whole


# -- measuring ------------------------------------------------------------------------------------


def measure_gpus(environment: Mapping[str, str]) -> list[Card]:
    """Those that CUDA_VISIBLE_DEVICES lets through; none without a driver."""
    cards = {card.gpu: card for card in of_gpus(ask_driver(FIELDS, seconds=DRIVER_SECONDS))}
    return [cards[gpu] for gpu in visible(list(cards), environment)]


def measure_host() -> Host:
    gauges: dict[str, float] = {}
    counters: dict[str, float] = {}
    memory = 0
    # Each for itself: a container may hide one of the kernel's files, and psutil then raises what it likes.
    with suppress(Exception):
        held = psutil.virtual_memory()
        memory = held.total
        gauges["system.memory_percent"] = held.percent
        gauges["system.proc.memory.availableMB"] = held.available / MEBIBYTE
    with suppress(Exception):
        usage = psutil.disk_usage("/")
        gauges["system.disk./.usagePercent"] = usage.percent
        gauges["system.disk./.usageGB"] = usage.used / GIBIBYTE
    with suppress(Exception):
        disk = psutil.disk_io_counters()
        if disk is not None:
            counters["system.disk.in"] = disk.read_bytes / MEBIBYTE
            counters["system.disk.out"] = disk.write_bytes / MEBIBYTE
    with suppress(Exception):
        cards = psutil.net_io_counters(pernic=True)
        outward = [one for name, one in cards.items() if name not in LOOPBACK]
        counters["system.network.sent"] = float(sum(one.bytes_sent for one in outward))
        counters["system.network.recv"] = float(sum(one.bytes_recv for one in outward))
    return Host(memory, gauges, counters)


Children: TypeAlias = Mapping[int, Sequence[psutil.Process]]
"""The id of each process of the host that has children → these."""


def list_children() -> Children:
    """All processes of the host are walked for it: once, however many runs there are."""
    found: dict[int, list[psutil.Process]] = defaultdict(list)
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            found[process.ppid()].append(process)
    return found


def measure_tree(root: psutil.Process, children: Children, at: float) -> Tree | None:
    """None: it has ended."""
    if not root.is_running():
        return None
    members = [_one(process, at) for process in _family(root, children)]
    return _together(at, [each for each in members if each]) if members[0] else None


def _family(root: psutil.Process, children: Children) -> list[psutil.Process]:
    """The root first. A child that is older than its parent is none: that one's number was another's before."""
    found, seen = [root], {root.pid}
    for parent in found:
        with suppress(psutil.Error):
            born = parent.create_time()
            for child in children.get(parent.pid, ()):
                if child.pid not in seen and child.create_time() >= born:
                    seen.add(child.pid)
                    found.append(child)
    return found


def _one(process: psutil.Process, at: float) -> Tree | None:
    """None: it has ended, or the kernel does not tell."""
    try:
        with process.oneshot():
            times = process.cpu_times()
            own = times.user + times.system
            return Tree(
                at,
                own + times.children_user + times.children_system,
                process.memory_info().rss,
                process.num_threads(),
            )
    except (psutil.Error, OSError, ValueError):
        return None


def _together(at: float, members: Iterable[Tree]) -> Tree:
    cpu, resident, threads = 0.0, 0, 0
    for member in members:
        cpu += member.cpu_seconds
        resident += member.resident
        threads += member.threads
    return Tree(at, cpu, resident, threads)


def thinned(rows: Sequence[SystemRow], most: int) -> list[SystemRow]:
    """At most so many, the first and the last among them. What goes is what leaves the smallest gap, one at a time, so
    that what is left stays evenly spread, however often more is added."""
    kept = list(rows)
    while len(kept) > max(most, 2):
        gaps = [
            later["time"] - before["time"] for before, later in zip(kept, kept[2:], strict=False)
        ]
        del kept[1 + gaps.index(min(gaps))]
    return kept


class Figures:
    """One run's. Measured in one thread, sent from there and from the one that ends the run.

    `gpu` None: the program sees the GPUs that its agent sees. `began`: when the program was started.
    """

    def __init__(self, pid: int, gpu: Gpu | None, began: float) -> None:
        self.closed = False
        self._gpu = gpu
        self._before = Tree(began)
        self._fell = False
        self._due = False
        self._first: Host | None = None
        self._rows: list[SystemRow] = []
        self._lock = threading.Lock()
        self._root: psutil.Process | None = None
        with suppress(psutil.Error):  # it has ended already
            self._root = psutil.Process(pid)

    @property
    def due(self) -> bool:
        """Whether something was measured since the last attempt to send failed: an error may last, and each attempt is
        a request."""
        return self._due

    def measure(
        self, host: Host, cards: Iterable[Card], children: Children, *, now: float, time: float
    ) -> None:
        """One more row, unless the program has ended. `now`: of the clock of `began`; `time`: for people."""
        tree = measure_tree(self._root, children, now) if self._root is not None else None
        if tree is None or self.closed:
            return
        self._first = self._first or host
        mine = [card for card in cards if self._gpu is None or card.gpu.uuid == self._gpu.uuid]
        metrics = of_host(self._first, host) | of_tree(self._before, tree, host.memory)
        for card in mine:
            metrics.update(card.figures)
        self._went_on_to(tree)
        self._due = True
        self._keep([{"time": time, "metrics": metrics}], at_end=True)

    def _went_on_to(self, tree: Tree) -> None:
        """A process that ended while the tree was read is missing once; measured from there, its whole time would be a
        peak at the next look. What is missing twice will not come back."""
        fell = tree.cpu_seconds < self._before.cpu_seconds
        if self._fell or not fell:
            self._before = tree
        self._fell = fell

    def take(self) -> list[SystemRow]:
        """The oldest rows that wait: now whoever called has them."""
        with self._lock:
            taken, self._rows = self._rows[:PART], self._rows[PART:]
        return taken

    def again(self, rows: Sequence[SystemRow]) -> None:
        """They could not be sent."""
        self._due = False
        self._keep(rows, at_end=False)

    def close(self) -> None:
        """Nobody wants them."""
        with self._lock:
            self.closed = True
            self._rows = []

    def _keep(self, rows: Sequence[SystemRow], *, at_end: bool) -> None:
        with self._lock:
            kept = [*self._rows, *rows] if at_end else [*rows, *self._rows]
            self._rows = [] if self.closed else thinned(kept, MOST_ROWS)


def measure_all(
    runs: Iterable[Figures], environment: Mapping[str, str], clock: Clock
) -> list[Exception]:
    """One more row for each. Kernels and drivers fail in ways of their own: what went wrong is given back, and takes no
    other run's figures away."""
    failed: list[Exception] = []
    try:
        host, cards, children = measure_host(), measure_gpus(environment), list_children()
    except Exception as error:  # noqa: BLE001 - of the kernel's or the driver's own
        return [error]
    time = clock.now()
    for figures in runs:
        try:
            figures.measure(host, cards, children, now=clock.monotonic(), time=time)
        except Exception as error:  # noqa: BLE001 - as above
            failed.append(error)
    return failed
