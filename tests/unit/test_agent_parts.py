"""Console, folder, devices, memory, environment: the small parts of the agent."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swept.agent import memory
from swept.agent.classify import Ending
from swept.agent.devices import Gpu, choose, take, visible
from swept.agent.ending import GivenUp, finish
from swept.agent.environment import environment
from swept.agent.folder import AgentFolder, Record
from swept.agent.link import Link
from swept.agent.process import Lock, is_locked, kill_run, with_variable
from swept.client import Client
from swept.clock import SystemClock
from swept.errors import Conflict, UsageError
from swept.executors.base import Launch, StartFailed
from swept.executors.local import LocalExecutor
from swept.model import Outcome
from swept.tracking.console import Console
from swept.tracking.workspace import Workspace
from swept.wire.agents import Claimed

CLAIMED: Claimed = {
    "run": "r1", "number": 1, "name": "r1", "kind": "search", "sweep": "s1", "project": "p", "attempt": 2,
    "lease": "local-abc", "config": {"lr": 0.1}, "seed": 3, "checkpoint": None, "program": "t.py", "command": [],
    "folder": "", "epochs": 5, "metric": "loss", "why": "", "adapter": None,
}  # fmt: skip

# -- console --------------------------------------------------------------------------------------


def lines(console: Console) -> dict[int, str]:
    return {line["number"]: line["text"] for line in console.take(0.0)}


def test_a_progress_bar_is_one_line_that_changes(tmp_path: Path) -> None:
    path = tmp_path / "console.log"
    console = Console(path)
    assert lines(console) == {}
    path.write_text("hello\n 10%")
    assert lines(console) == {0: "hello", 1: " 10%"}
    with path.open("a") as file:
        file.write("\r 50%\r100%\r\ndone")
    assert lines(console) == {1: "100%", 2: "done"}
    assert console.tail(0.0) == ["hello", "100%", "done"]
    assert lines(console) == {}


def test_lines_that_could_not_be_sent_are_sent_again(tmp_path: Path) -> None:
    path = tmp_path / "console.log"
    path.write_text("a\nb\n")
    console = Console(path)
    taken = console.take(0.0)
    console.again(taken)
    assert lines(console) == {0: "a", 1: "b"}


@given(st.text(alphabet="ab\né\r", max_size=60), st.lists(st.integers(0, 60), max_size=4))
def test_however_it_is_cut_the_lines_are_the_same(text: str, cuts: list[int]) -> None:
    data = text.encode()
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "console.log"
        console, sent = Console(path), dict[int, str]()
        for start, end in itertools.pairwise(bounds):
            with path.open("ab") as file:
                file.write(data[start:end])
            sent |= lines(console)
        whole = Console(path)
        assert console.tail(0.0) == whole.tail(0.0)
        assert sent == lines(whole)


# -- folder ---------------------------------------------------------------------------------------


def test_a_folder_is_orphaned_only_when_its_agent_is_dead(tmp_path: Path) -> None:
    folder = AgentFolder.create(tmp_path, "agent-1", {"host": "here"})
    folder.keep(Record(CLAIMED, "/place"))
    assert list(AgentFolder.orphaned(tmp_path, "here")) == []
    folder.leave()
    (found,) = AgentFolder.orphaned(tmp_path, "here")
    assert found.records() == [Record(CLAIMED, "/place")]
    found.drop("r1")
    assert found.records() == []
    found.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_leases_that_an_agent_keeps_are_nobody_elses_to_read(tmp_path: Path) -> None:
    folder = AgentFolder.create(tmp_path, "a1", {"host": "h"})
    folder.keep(Record(CLAIMED, str(tmp_path / "run")))
    assert (tmp_path / "a1" / "runs" / "r1.json").stat().st_mode & 0o777 == 0o600
    folder.remove()


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = Lock.take(path)
    assert lock is not None
    assert Lock.take(path) is None
    assert is_locked(path)
    lock.release()
    assert not is_locked(path)
    assert not is_locked(tmp_path / "nowhere" / "lock")


def test_processes_of_a_run_are_found_by_their_lease_and_killed() -> None:
    lease = f"local-test-{os.getpid()}"
    command = [sys.executable, "-c", "print(1, flush=True); import time; time.sleep(600)"]
    child = subprocess.Popen(
        command,
        env={**os.environ, "SWEPT_LEASE": lease},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout is not None
    with child.stdout:
        child.stdout.readline()
    assert with_variable("SWEPT_LEASE", lease) == [child.pid]
    assert kill_run(lease, SystemClock())
    assert child.wait(60) == -9


# -- devices --------------------------------------------------------------------------------------

GPUS = [Gpu("0", "GPU-a"), Gpu("1", "GPU-b"), Gpu("2", "GPU-c")]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with two GPUs, as a fake nvidia-smi on PATH says."""
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho '0, GPU-a, Card A'\necho '1, GPU-b, Card, B'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("SWEPT_LOCKS", str(tmp_path / "locks"))


@pytest.mark.usefixtures("machine")
def test_a_slot_for_each_gpu_and_none_of_them_twice() -> None:
    first = take(None, "all", {}, "agent 1")
    assert [slot.environment() for slot in first.slots] == [
        {"CUDA_VISIBLE_DEVICES": "0"},
        {"CUDA_VISIBLE_DEVICES": "1"},
    ]
    with pytest.raises(Conflict, match="GPU 0 is used by agent 1"):
        take(None, None, {})
    first.release()
    take(None, "1", {}).release()


@pytest.mark.usefixtures("machine")
def test_a_second_agent_gets_the_free_gpu() -> None:
    first = take(None, None, {}, "agent 1")
    second = take(2, None, {})
    assert [slot.gpu and slot.gpu.index for slot in first.slots] == ["0"]
    assert [slot.gpu and slot.gpu.index for slot in second.slots] == ["1", "1"]
    assert second.notes == ("GPU 0 is used by agent 1",)
    first.release()
    second.release()


@pytest.mark.usefixtures("machine")
def test_slots_without_devices() -> None:
    devices = take(2, "none", {})
    assert [slot.environment() for slot in devices.slots] == [{}, {}]


def test_the_schedulers_choice_of_gpus_holds() -> None:
    assert visible(GPUS, {"CUDA_VISIBLE_DEVICES": "2,GPU-a"}) == [GPUS[2], GPUS[0]]
    assert visible(GPUS, {"CUDA_VISIBLE_DEVICES": ""}) == []
    assert visible(GPUS, {}) == GPUS


def test_a_gpu_that_is_not_there_is_said() -> None:
    with pytest.raises(UsageError, match="there is no GPU '7'"):
        choose(GPUS, "0,7")
    with pytest.raises(UsageError, match="no GPU is visible"):
        choose([], "all")
    with pytest.raises(UsageError, match="at least one"):
        take(0, None, {})


# -- memory ---------------------------------------------------------------------------------------


def test_cgroup_version_2(tmp_path: Path) -> None:
    group = tmp_path / "cgroup" / "job"
    group.mkdir(parents=True)
    (group / "memory.events").write_text("low 0\noom 2\noom_kill 1\n")
    (group / "memory.max").write_text("1000000\n")
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text("0::/job\n")
    found = memory.find_group(tmp_path / "cgroup", tmp_path / "proc")
    assert found is not None
    assert (found.version, found.kills(), found.limit()) == (2, 1, 1_000_000)


def test_cgroup_version_1_in_a_container_whose_path_is_not_visible(tmp_path: Path) -> None:
    group = tmp_path / "cgroup" / "memory"
    group.mkdir(parents=True)
    (group / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    (group / "memory.limit_in_bytes").write_text(f"{2**63 - 4096}\n")
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text("4:memory:/outer/path\n0::/\n")
    found = memory.find_group(tmp_path / "cgroup", tmp_path / "proc")
    assert found is not None
    assert (found.version, found.kills(), found.limit()) == (1, 3, None)


def test_without_control_groups_there_is_still_a_limit(tmp_path: Path) -> None:
    assert memory.find_group(tmp_path, tmp_path) is None
    assert memory.limit(None) > 0
    assert memory.resident(os.getpid()) > 1_000_000
    assert memory.resident(2**22 + 1) == 0


# -- environment ----------------------------------------------------------------------------------


def test_a_run_has_its_lease_and_not_the_agents_key_or_rank(tmp_path: Path) -> None:
    base = {
        "PATH": "/bin",
        "SWEPT_API_KEY": "secret",
        "SLURM_PROCID": "3",
        "SWEPT_RESUME_FROM": "/outer",
    }
    variables = environment(
        CLAIMED,
        Workspace(tmp_path),
        url="http://s:1",
        checkpoints=Path("/c"),
        base=base,
        device={"CUDA_VISIBLE_DEVICES": "1"},
    )
    assert not {"SWEPT_API_KEY", "SLURM_PROCID", "SWEPT_RESUME_FROM"} & set(variables)
    assert variables["SWEPT_LEASE"] == variables["WANDB_API_KEY"] == "local-abc"
    assert variables["SWEPT_SEED"] == "3"
    assert variables["SWEPT_CHECKPOINT_DIR"] == "/c/r1"
    assert variables["CUDA_VISIBLE_DEVICES"] == "1"


# -- beginning and end of a program ---------------------------------------------------------------


def test_the_orders_of_a_supervisor_are_nobodys_to_read_and_do_not_stay(tmp_path: Path) -> None:
    modes = tmp_path / "modes.py"
    modes.write_text(
        "import json, os, sys\n"
        "orders = json.load(open(sys.argv[1]))\n"
        "open(orders['console'], 'w').write(oct(os.stat(sys.argv[1]).st_mode & 0o777))\n"
    )
    launch = Launch(["true"], {"SWEPT_LEASE": "local-abc"}, tmp_path, tmp_path)
    (tmp_path / "orders.json").write_text("of an agent that was killed")
    with pytest.raises(StartFailed):  # it ends without a word of a program
        LocalExecutor(modes).start(launch)
    assert (tmp_path / "console.log").read_text() == "0o600"
    assert not (tmp_path / "orders.json").exists()


def test_a_disk_that_fails_at_the_end_gives_nothing_up_for_lost(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    place.journal.mkdir()  # it cannot be read
    client = Client("http://127.0.0.1:9", "")
    with pytest.raises(GivenUp, match="Is a directory"):
        finish(
            Link(client, SystemClock()),
            CLAIMED,
            place,
            Ending(Outcome.FINISHED, "done"),
            console=Console(place.console),
            tail=[],
            clock=SystemClock(),
            say=lambda text: None,
            impatient=lambda: True,
        )
