"""`swept launch`, `train` and `compare` as a user runs them: real processes, a small training script."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swept.connect import home_of, running

TRAINER = """\
import time
from pathlib import Path

import swept

with swept.init() as run:
    state = Path(f"state-{run.id}.txt")
    for step in range(1, run.config["epochs"] + 1):
        run.log({"map": 1 - 5 * abs(run.config["lr0"] - 0.05) - 0.1 / step}, step=step)
        if run.config["pace"] < 1:  # the slow ones have no checkpoint: Ctrl+C has to ask twice
            state.write_text(str(step))
            run.checkpoint(state, step=step)
        if run.should_stop:
            break
        time.sleep(run.config["pace"])
        while Path("hold").exists():
            time.sleep(0.05)
    if run.kind in ("final", "compare"):
        run.summary["test/map"] = 0.5
        run.summary["model/parameters"] = 2_600_000
"""

SWEEP = """\
program: train.py
method: random
metric: {{name: map, goal: maximize}}
run_cap: {cap}
parameters:
  lr0: {{min: 0.01, max: 0.1}}
  model: {{value: small}}
  epochs: {{value: 3}}
  pace: {{value: {pace}}}
swept:
  baseline: {{lr0: 0.02}}
  targets: {{minimum: 0.2}}
  epochs: epochs
"""

DEADLINE = 240.0


class Place:
    """A folder with a sweep file, and the `swept` command in it."""

    def __init__(self, folder: Path, *, cap: int = 3, pace: float = 0.01) -> None:
        self.folder = folder
        (folder / "train.py").write_text(TRAINER)
        self.write(cap=cap, pace=pace)

    def write(self, *, cap: int, pace: float) -> None:
        (self.folder / "sweep.yaml").write_text(SWEEP.format(cap=cap, pace=pace))

    def environment(self) -> dict[str, str]:
        foreign = ("SWEPT_", "WANDB_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        return {**kept, "OMP_NUM_THREADS": "1"}

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "swept", *arguments],
            cwd=self.folder,
            env=self.environment(),
            text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=DEADLINE)
        finally:
            process.kill()  # after a timeout; an agent left behind would start its server again
        assert "Traceback" not in err
        return process.returncode, out, err

    def json(self, *arguments: str) -> Any:
        code, out, err = self(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    def stop(self) -> None:
        client = running(home_of(self.folder, make=False))
        if client is not None:
            with client:
                client.stop()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    made = Place(folder)
    yield made
    if (folder / ".swept").is_dir():
        made.stop()


def test_from_launch_to_compare(place: Place) -> None:
    """The whole path with one command each, and each once more."""
    code, out, err = place("launch", "sweep.yaml")
    assert code == 0, err
    assert out == ""
    assert "created sweep" in err
    assert err.count("run 1 (baseline) started") == 1
    assert err.count("run 3 finished") == 1
    assert "Against the baseline" in err
    assert "noise unknown" in err
    assert "minimum" in err
    assert "swept train" in err
    kept = [
        folder.name for folder in (place.folder / ".swept/checkpoints").iterdir() if folder.is_dir()
    ]
    assert kept == [place.json("show")["best"]]  # the others' states would fill the disk
    assert "removed 2 checkpoints" in err

    code, _, err = place("launch", "sweep.yaml")
    assert code == 0
    assert "is finished; nothing is left to do" in err

    shown = place.json("show")
    assert [run["state"] for run in shown["runs"]] == ["finished"] * 3

    found = place.json("train", "--epochs", "5")
    assert [e["steps"] for e in found["entries"]] == [3, 3, 5]
    assert found["entries"][-1]["test"] == {"map": 0.5}
    assert found["entries"][-1]["kind"] == "final"
    assert "3 and 5 steps" in found["warnings"][0]
    again = place.json("train", "--epochs", "5")
    assert again["entries"][-1]["id"] == found["entries"][-1]["id"]

    code, out, err = place("compare", "--models", "small,large", "--slots", "2")
    assert code == 0, err
    head, *rows = out.splitlines()
    assert head.split() == ["baseline", "sweep's", "best", "small", "large"]
    assert {"run", "state", "steps"} <= {line.split()[0] for line in rows}
    assert "2.6" in out

    after = place.json("show")
    assert after["best"] == shown["best"]
    assert after["state"] == "finished"


def test_a_sweep_in_which_every_run_failed_says_so_to_scripts(place: Place) -> None:
    (place.folder / "train.py").write_text("raise SystemExit('no data set')")
    code, _, err = place("launch", "sweep.yaml")
    assert code == 1
    assert "no data set" in err


def test_a_dataset_that_is_missing_uses_up_no_run(place: Place) -> None:
    text = SWEEP.format(cap=3, pace=0.01).replace("  pace: {value: 0.01}\n", "")
    text = text.replace("epochs: epochs", "adapter: ultralytics").replace(
        "model: {value: small}", "data: {value: a/d.yaml}"
    )
    (place.folder / "sweep.yaml").write_text(text)
    code, _, err = place("check", "sweep.yaml")
    assert code == 0
    assert "`data: a/d.yaml` is not there" in err
    code, _, err = place("launch", "sweep.yaml")
    assert code == 1
    assert "the dataset `data: a/d.yaml` is not in" in err
    assert {run["state"] for run in place.json("show")["runs"]} == {"pending"}


def test_a_changed_file_is_shown_and_a_person_decides(place: Place) -> None:
    place.write(cap=1, pace=0.01)
    assert place("launch", "sweep.yaml")[0] == 0
    sweep = place.json("show")["id"]
    place.write(cap=2, pace=0.01)
    code, _, err = place("launch", "sweep.yaml")
    assert code == 2
    assert "run_cap: 1 → 2" in err
    assert "hint: --update (keeps what was learnt) or --new" in err
    code, _, err = place("launch", "sweep.yaml", "--update")
    assert code == 0, err
    shown = place.json("show")
    assert (shown["id"], len(shown["runs"])) == (sweep, 2)
    code, _, err = place("launch", "sweep.yaml", "--new")
    assert code == 0, err
    assert place.json("show")["id"] != sweep


def test_ctrl_c_lets_go_and_launch_goes_on(place: Place) -> None:
    place.write(cap=2, pace=1.0)
    hold = place.folder / "hold"
    hold.touch()
    process = place.start("launch", "sweep.yaml")
    wait_for(process, "run 1 (baseline) started")
    process.send_signal(signal.SIGINT)
    wait_for(process, "Ctrl+C again ends now")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "swept launch" in err
    hold.unlink()
    code, _, err = place("launch", "sweep.yaml", "--slots", "2")
    assert code == 0, err
    assert "resuming sweep" in err
    shown = place.json("show")
    assert [run["state"] for run in shown["runs"]] == ["finished"] * 2
    assert len(shown["runs"][0]["attempts"]) == 2


def test_the_live_view_on_a_terminal_of_80_by_24(place: Place) -> None:
    place.write(cap=2, pace=0.3)
    primary, secondary = pty.openpty()
    set_size(secondary, rows=24, columns=80)
    process = place.start("launch", "sweep.yaml", stderr=secondary)
    os.close(secondary)
    shown = read_all(primary, process)
    os.close(primary)
    assert process.communicate()[0] == ""
    assert process.returncode == 0, shown
    assert "░" in shown
    assert "Ctrl+C" in shown
    assert "goal  " in shown
    assert shown.rstrip().splitlines()[-1].strip().startswith("swept")


def test_every_mistake_of_a_file_at_once(place: Place) -> None:
    (place.folder / "sweep.yaml").write_text(
        "method: random\nparameters: {lr0: {min: 2, max: 1}}\nx: 1\n"
    )
    code, out, err = place("launch", "sweep.yaml")
    assert (code, out) == (2, "")
    assert "sweep.yaml:2" in err
    assert "sweep.yaml:3" in err
    assert not (place.folder / ".swept").exists()


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    seen = ""
    for line in process.stderr:
        seen += line
        if words in line:
            return
    pytest.fail(f"ended without saying {words!r}:\n{seen}")


def set_size(terminal: int, *, rows: int, columns: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def read_all(terminal: int, process: subprocess.Popen[str]) -> str:
    """Everything until the other end closes; Linux says so with an error."""
    deadline = time.monotonic() + DEADLINE
    parts = []
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        try:
            data = os.read(terminal, 65536) if ready else b""
        except OSError:
            break
        parts.append(data)
        if not data and process.poll() is not None:
            break
    return b"".join(parts).decode(errors="replace").replace("\r\n", "\n")
