"""What the agent measures of the machine: the reduction, `nvidia-smi`'s text, and what waits for the server."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from swept.agent.devices import Gpu, ask_driver
from swept.agent.ending import send_figures
from swept.agent.figures import (
    MOST_ROWS,
    PART,
    Card,
    Figures,
    Host,
    Tree,
    list_children,
    measure_all,
    measure_gpus,
    measure_host,
    of_gpus,
    of_host,
    of_tree,
    thinned,
)
from swept.agent.link import Link
from swept.agent.process import with_variable
from swept.client import Client
from swept.errors import ServerUnreachable
from swept.testing.clock import FakeClock
from swept.testing.site import until
from swept.wire.agents import Claimed
from swept.wire.reports import SystemRow

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


def test_a_tree_that_lost_a_process_unseen_has_no_figure() -> None:
    found = of_tree(Tree(1.0, cpu_seconds=9.0), Tree(2.0, cpu_seconds=1.0), memory=0)
    assert "system.proc.cpu.percent" not in found
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
    figures.measure(measure_host(), cards, list_children(), now=5.0, time=1000.0)
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
            child.wait(60)
    assert row["time"] == 1000.0
    assert row["metrics"]["system.proc.memory.rssMB"] > alone["metrics"]["system.proc.memory.rssMB"]
    assert alone["metrics"]["system.proc.memory.rssMB"] > 1.0
    assert row["metrics"]["system.proc.cpu.threads"] >= 2
    assert 0 < row["metrics"]["system.memory_percent"] <= 100
    assert {name.split(".")[2] for name in row["metrics"] if ".gpu." in name} == {"1"}
    assert {name.split(".")[2] for name in alone["metrics"] if ".gpu." in name} == {"0", "1"}
    assert rows_of(Figures(child.pid, None, began=1.0)) == [], "it has ended"


@contextmanager
def reading() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing, for as long as it is needed."""
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        yield process


def cpu_of(monkeypatch: pytest.MonkeyPatch, used: Sequence[float]) -> list[float | None]:
    """The figure of each look, 10 s apart, at a process that has used so many seconds by then."""
    seconds = iter(used)
    times = psutil.Process().cpu_times()

    def told(_: psutil.Process) -> object:
        return times._replace(
            user=next(seconds), system=0.0, children_user=0.0, children_system=0.0
        )

    told.cache_activate = told.cache_deactivate = lambda _: None  # type: ignore[attr-defined]
    monkeypatch.setattr(psutil.Process, "cpu_times", told)
    figures = Figures(os.getpid(), None, began=0.0)
    for look in range(len(used)):
        figures.measure(Host(), (), {}, now=10.0 * (look + 1), time=float(look))
    return [row["metrics"].get("system.proc.cpu.percent") for row in figures.take()]


def test_a_process_missed_while_it_ended_makes_no_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cpu_of(monkeypatch, [10.0, 2.0, 30.0, 40.0]) == [100.0, None, 100.0, 100.0]


def test_the_time_of_a_process_that_left_the_tree_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert cpu_of(monkeypatch, [1000.0, 5.0, 10.0, 15.0]) == [10_000.0, None, None, 50.0]


@pytest.mark.parametrize("error", [ValueError("torn"), FileNotFoundError("/proc"), KeyError("x")])
def test_one_run_that_cannot_be_measured_takes_no_other_runs_figures(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    real = psutil.Process.num_threads
    with reading() as odd, reading() as sound:

        def told(process: psutil.Process) -> int:
            if process.pid == odd.pid:
                raise error
            return real(process)

        monkeypatch.setattr(psutil.Process, "num_threads", told)
        runs = [Figures(each.pid, None, began=0.0) for each in (odd, sound)]
        failed = measure_all(runs, {"CUDA_VISIBLE_DEVICES": ""}, FakeClock())
    assert [len(figures.take()) for figures in runs] == [0, 1]
    assert failed == ([error] if isinstance(error, KeyError) else [])


def test_a_driver_that_lets_its_program_not_go_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a one cannot be killed. As long as it hangs, no other is sent after it."""
    nvidia_smi(tmp_path, monkeypatch, f"echo $$ >> {tmp_path}/asked\nexec sleep 600")
    with monkeypatch.context() as patched:
        patched.setattr(subprocess.Popen, "kill", lambda _: None)
        assert ask_driver("index", seconds=1.0) == ""
        assert ask_driver("index", seconds=1.0) == ""
    asked = tmp_path / "asked"
    until(lambda: asked.exists() and asked.read_text().endswith("\n"), "its program has begun")
    (pid,) = asked.read_text().split()
    hung = psutil.Process(int(pid))
    hung.kill()
    psutil.wait_procs([hung], timeout=60)
    nvidia = tmp_path / "bin" / "nvidia-smi"
    nvidia.write_text("#!/bin/sh\necho 0\n")
    assert ask_driver("index", seconds=30.0) == "0\n"


def test_a_driver_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvidia_smi(tmp_path, monkeypatch, "exec sleep 600")
    monkeypatch.setenv("SWEPT_TEST_DRIVER", str(tmp_path))
    assert ask_driver("index", seconds=1.0) == ""
    until(lambda: not with_variable("SWEPT_TEST_DRIVER", str(tmp_path)), "it is gone")


# -- what waits -----------------------------------------------------------------------------------


def measured(count: int) -> Figures:
    figures = Figures(os.getpid(), None, began=0.0)
    for second in range(count):
        figures.measure(Host(), (), {}, now=float(second + 1), time=float(second))
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
    figures.measure(Host(), (), {}, now=9.0, time=9.0)
    figures.again([{"time": 1.0, "metrics": {}}])
    assert times(figures) == []


# -- what answers ---------------------------------------------------------------------------------


def answered(figures: Figures, status: int, content: object) -> int:
    """Send them to a server that answers all requests so; how many there were."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, text=json.dumps(content))

    with Client("http://swept", "key", httpx.MockTransport(answer), retries=0) as client:
        send_figures(Link(client, FakeClock()), CLAIMED, figures)
    return len(asked)


@pytest.mark.parametrize("content", [{}, [], None, "yes", {"login": "please"}])
def test_what_is_no_answer_of_swepts_loses_nothing(content: object) -> None:
    figures = measured(3)
    assert answered(figures, 200, content) == 1
    at_once = figures.due
    figures.measure(Host(), (), {}, now=9.0, time=9.0)
    assert (at_once, figures.due) == (False, True)
    assert answered(figures, 200, {"wanted": True}) == 1
    assert times(figures) == []
    assert not figures.closed


def test_a_server_that_refuses_the_key_is_not_asked_again() -> None:
    figures = measured(3)
    said = {"error": "Unauthorized", "message": "no such key", "hint": ""}
    assert answered(figures, 401, said) == 1
    assert figures.closed


def test_an_error_that_lasts_is_tried_again_with_the_next_measurement() -> None:
    figures = measured(3)
    said = {"error": "StoreError", "message": "the disk is full", "hint": ""}
    assert answered(figures, 500, said) == 1
    assert (figures.due, figures.closed) == (False, False)
    assert times(figures) == [0.0, 1.0, 2.0]
