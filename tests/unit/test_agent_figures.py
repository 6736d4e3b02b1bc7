"""What the agent measures of the machine: the reduction, `nvidia-smi`'s text, and what waits for the server."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from swept.agent.devices import Gpu
from swept.agent.ending import send_figures
from swept.agent.figures import (
    MOST_ROWS,
    PART,
    Card,
    Figures,
    Host,
    Tree,
    measure_gpus,
    measure_host,
    of_gpus,
    of_host,
    of_tree,
    thinned,
)
from swept.agent.link import Link
from swept.client import Client
from swept.errors import ServerUnreachable
from swept.testing.clock import FakeClock
from swept.wire import Claimed, SystemRow

CLAIMED: Claimed = {
    "run": "r1", "number": 1, "name": "r1", "kind": "search", "sweep": "s1", "project": "p", "attempt": 2,
    "lease": "local-abc", "config": {"lr": 0.1}, "seed": 3, "checkpoint": None, "program": "t.py", "command": [],
    "folder": "", "epochs": 5, "metric": "loss", "why": "", "adapter": None,
}  # fmt: skip
MIB = 1024 * 1024
TWO_CARDS = """\
0, GPU-a, 93, 41, 20480, 81920, 61, 350.50, 700.00
1, GPU-b, 0, 0, 3, 81920, 28, [N/A], [N/A]
"""
MIG = "0, GPU-m, [N/A], [N/A], 100, 0, [Unknown Error], nan, 700.00\n"


# -- the reduction --------------------------------------------------------------------------------


def test_cpu_is_of_one_core_and_since_the_measurement_before() -> None:
    before = Tree(at=100.0, cpu_seconds=7.0)
    now = Tree(at=110.0, cpu_seconds=32.0, resident=512 * MIB, threads=9)
    assert of_tree(before, now, memory=2048 * MIB) == {
        "system.proc.memory.rssMB": 512.0,
        "system.proc.memory.percent": 25.0,
        "system.proc.cpu.threads": 9.0,
        "system.proc.cpu.percent": 250.0,
    }


def test_a_tree_that_lost_a_process_unseen_has_used_nothing_rather_than_less() -> None:
    found = of_tree(Tree(1.0, cpu_seconds=9.0), Tree(2.0, cpu_seconds=1.0), memory=0)
    assert found["system.proc.cpu.percent"] == 0.0
    assert "system.proc.memory.percent" not in found, "the host does not say how much it has"
    assert "system.proc.cpu.percent" not in of_tree(Tree(2.0), Tree(2.0), memory=0)


def test_counters_begin_with_the_first_measurement_and_gauges_are_as_they_are() -> None:
    first = Host(1, {"free": 9.0}, {"sent": 1000.0})
    now = Host(1, {"free": 4.0}, {"sent": 1500.0, "received": 70.0})
    assert of_host(first, first) == {"free": 9.0, "sent": 0.0}
    assert of_host(first, now) == {"free": 4.0, "sent": 500.0, "received": 0.0}
    assert of_host(now, Host(1, {}, {"sent": 3.0})) == {"sent": 0.0}, "the counter was reset"


def test_what_nvidia_smi_says_has_the_names_of_wandb() -> None:
    one, other = of_gpus(TWO_CARDS)
    assert one.gpu == Gpu("0", "GPU-a")
    assert one.figures == {
        "system.gpu.0.gpu": 93.0,
        "system.gpu.0.memory": 41.0,
        "system.gpu.0.memoryAllocated": 25.0,
        "system.gpu.0.memoryAllocatedBytes": 20480.0 * MIB,
        "system.gpu.0.temp": 61.0,
        "system.gpu.0.powerWatts": 350.5,
        "system.gpu.0.powerPercent": pytest.approx(50.0714, abs=1e-4),
        "system.gpu.0.enforcedPowerLimitWatts": 700.0,
    }
    assert "system.gpu.1.powerWatts" not in other.figures
    assert other.figures["system.gpu.1.gpu"] == 0.0


def test_what_a_card_does_not_tell_is_left_out() -> None:
    (card,) = of_gpus(MIG)
    assert card.figures == {
        "system.gpu.0.memoryAllocatedBytes": 100.0 * MIB,
        "system.gpu.0.enforcedPowerLimitWatts": 700.0,
    }
    assert of_gpus("") == []
    assert of_gpus("NVIDIA-SMI has failed because it couldn't communicate with the driver.\n") == []


# -- measuring ------------------------------------------------------------------------------------


def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_only_gpus_that_the_agent_may_use_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvidia_smi(tmp_path, monkeypatch, f"cat <<END\n{TWO_CARDS}END")
    assert [card.gpu.uuid for card in measure_gpus({})] == ["GPU-a", "GPU-b"]
    assert [card.gpu.uuid for card in measure_gpus({"CUDA_VISIBLE_DEVICES": "1"})] == ["GPU-b"]
    assert measure_gpus({"CUDA_VISIBLE_DEVICES": ""}) == []


@pytest.mark.parametrize("script", ["exit 9", "echo no; exit 0", r"printf '\377\n'"])
def test_a_driver_that_fails_takes_no_other_figure_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    nvidia_smi(tmp_path, monkeypatch, script)
    assert measure_gpus({}) == []


def rows_of(figures: Figures, *cards: Card) -> list[SystemRow]:
    figures.measure(measure_host(), cards, now=5.0, time=1000.0)
    return figures.take()


def test_a_process_is_measured_with_its_children_and_its_own_gpu() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "print(1, flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdout.readline()
        mine = Figures(os.getpid(), Gpu("1", "GPU-b", "a name"), began=1.0)
        ((row),) = rows_of(mine, *of_gpus(TWO_CARDS))
        (alone,) = rows_of(Figures(child.pid, None, began=1.0), *of_gpus(TWO_CARDS))
    finally:
        with child.stdin, child.stdout:
            child.stdin.close()
            child.wait(10)
    assert row["time"] == 1000.0
    assert row["metrics"]["system.proc.memory.rssMB"] > alone["metrics"]["system.proc.memory.rssMB"]
    assert alone["metrics"]["system.proc.memory.rssMB"] > 1.0
    assert row["metrics"]["system.proc.cpu.threads"] >= 2
    assert 0 < row["metrics"]["system.memory_percent"] <= 100
    assert {name.split(".")[2] for name in row["metrics"] if ".gpu." in name} == {"1"}
    assert {name.split(".")[2] for name in alone["metrics"] if ".gpu." in name} == {"0", "1"}
    assert rows_of(Figures(child.pid, None, began=1.0)) == [], "it has ended"


# -- what waits -----------------------------------------------------------------------------------


def measured(count: int) -> Figures:
    figures = Figures(os.getpid(), None, began=0.0)
    for second in range(count):
        figures.measure(Host(), (), now=float(second + 1), time=float(second))
    return figures


def times(figures: Figures) -> list[float]:
    found: list[float] = []
    while rows := figures.take():
        assert len(rows) <= PART
        found += [row["time"] for row in rows]
    return found


def test_rows_that_could_not_be_sent_wait_in_their_order() -> None:
    figures = measured(PART + 5)
    first = figures.take()
    assert len(first) == PART
    figures.again(first)
    assert times(figures) == [float(second) for second in range(PART + 5)]


def test_a_long_absence_is_thinned_out_and_never_forgotten() -> None:
    count = 6 * MOST_ROWS
    rows: list[SystemRow] = [{"time": float(second), "metrics": {}} for second in range(count)]
    kept: list[SystemRow] = []
    for row in rows:
        kept = thinned([*kept, row], MOST_ROWS)
    spread = [row["time"] for row in kept]
    assert len(spread) == MOST_ROWS
    assert (spread[0], spread[-1]) == (0.0, count - 1.0)
    gaps = [later - before for before, later in itertools.pairwise(spread)]
    assert min(gaps) > 0
    assert max(gaps) <= 4 * count / MOST_ROWS, "over all of it"
    figures = Figures(os.getpid(), None, began=0.0)
    figures.again(rows[: MOST_ROWS + 1])
    assert len(times(figures)) == MOST_ROWS


def test_a_server_that_is_away_gets_them_later() -> None:
    clock = FakeClock()
    figures = measured(3)
    with (
        Client("http://127.0.0.1:9", "key", clock=clock) as client,
        pytest.raises(ServerUnreachable),
    ):
        send_figures(Link(client, clock), CLAIMED, figures)
    assert times(figures) == [0.0, 1.0, 2.0]


def test_what_nobody_wants_is_not_kept() -> None:
    figures = measured(3)
    figures.close()
    figures.measure(Host(), (), now=9.0, time=9.0)
    figures.again([{"time": 1.0, "metrics": {}}])
    assert times(figures) == []
