"""A whole sweep of real Ultralytics trainings, as a person runs it: commands, Ctrl+C, and the same commands again."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from swept.connect import connect_home, running
from swept.errors import SweptError
from swept.home import Home, find
from swept.testing.site import until

EXAMPLE = Path(__file__).parents[2] / "examples" / "yolo-cones"

pytestmark = pytest.mark.slow

# The objective is the learning rate itself: which run is worse is certain, whatever the machine.
SWEEP: dict[str, Any] = {
    "program": "held.py",
    "method": "grid",
    "metric": {"name": "lr/pg0", "goal": "maximize"},
    "early_terminate": {"type": "hyperband", "min_iter": 2, "eta": 2},
    "parameters": {
        "lr0": {"values": [0.01, 0.005, 0.001]},
        "model": {"value": "tinycone"},
        "data": {"value": "cones/data.yaml"},
        "epochs": {"value": 4},
        "imgsz": {"value": 64},
        "batch": {"value": 8},
        "nbs": {"value": 8},
        "warmup_epochs": {"value": 0},
        "optimizer": {"value": "AdamW"},
        "plots": {"value": False},
        "verbose": {"value": False},
    },
    "swept": {"adapter": "ultralytics"},
}

# The example's program, which waits after its second epoch while the file `hold` is there.
HELD = """
import time
from pathlib import Path

import torchvision_shim

import swept
from swept.ultralytics.train import train

HOLD = Path(__file__).with_name("hold")


class Held:
    def __init__(self, run):
        self._run = run

    def __getattr__(self, name):
        return getattr(self._run, name)

    def checkpoint(self, path, step):
        self._run.checkpoint(path, step)
        while step == 2 and HOLD.exists():
            time.sleep(0.05)


torchvision_shim.install()
with swept.init() as run:
    train(Held(run))
"""


class Folder:
    """The example in a folder with a difficult name; its server ends with the test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SWEPT_")}
        # sure of the step at which a run ends, however busy the server is
        patient = {"SWEPT_DECISION_SECONDS": "600"}
        self.environment = {**kept, **patient, "OMP_NUM_THREADS": "1", "YOLO_OFFLINE": "true"}

    @property
    def home(self) -> Home:
        found = find(self.path)
        assert found is not None
        return found

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "swept", *words],
            cwd=self.path,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def swept(self, *words: str) -> str:
        """What the command writes to standard output; it has to end well."""
        process = self.start(*words)
        out, said = process.communicate(timeout=600)
        assert process.returncode == 0, said
        return out

    def steps(self) -> dict[int, list[tuple[int, int]]]:
        """Run number → the visible (step, attempt) of its history; {} before there is a server."""
        home = find(self.path)
        try:
            if home is None or not home.server():
                return {}
            with connect_home(home, start_server=False) as client:
                runs = [
                    run for sweep in client.sweeps() for run in client.sweep(sweep["id"])["runs"]
                ]
                return {
                    run["number"]: [
                        (row["step"], row["attempt"]) for row in client.history(run["id"])
                    ]
                    for run in runs
                }
        except SweptError:
            return {}

    def close(self) -> None:
        client = running(self.home)
        if client is not None:
            with client:
                client.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    pytest.importorskip("ultralytics")
    path = tmp_path / 'it\'s a "weird" päth'
    shutil.copytree(EXAMPLE, path, ignore=shutil.ignore_patterns(".swept", "cones", "runs"))
    sizes = ["--train", "16", "--val", "8", "--test", "8", "--size", "64"]
    program = [sys.executable, str(path / "render_cones.py"), str(path / "cones"), *sizes]
    subprocess.run(program, check=True, stdout=subprocess.DEVNULL)
    (path / "sweep.yaml").write_text(yaml.safe_dump(SWEEP))
    (path / "held.py").write_text(HELD)
    found = Folder(path)
    yield found
    found.close()


def test_a_sweep_from_launch_to_comparison(folder: Folder) -> None:
    (folder.path / "hold").touch()
    first = folder.start("launch", "sweep.yaml")
    until(lambda: len(folder.steps().get(1, ())) >= 2, "run 1 has reported two epochs", 400)
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=300)
    assert first.returncode == 130, said
    before = folder.steps()[1]
    (folder.path / "hold").unlink()

    (advice,) = [line for line in said.splitlines() if "goes on with this sweep" in line]
    command, *words = shlex.split(advice.partition("     ")[0])
    assert (command, words) == ("swept", ["launch", str(folder.path / "sweep.yaml")])
    folder.swept(*words)
    (sweep,) = json.loads(folder.swept("ls", "--json"))["sweeps"]
    view = json.loads(folder.swept("show", sweep["id"], "--json"))
    assert view["state"] == "finished"
    assert [run["state"] for run in view["runs"]] == ["finished", "finished", "stopped"]
    history = folder.steps()
    assert [step for step, _ in history[1]] == [1, 2, 3, 4]
    assert history[1][: len(before)] == before, "nothing that was reported is trained again"
    assert {attempt for _, attempt in history[1]} == {1, 2}
    assert [step for step, _ in history[3]] == [1, 2], "it ended at the rung itself"
    assert "(report 2)" in view["runs"][2]["ended_because"]
    for run in view["runs"]:
        assert [path.name for path in (folder.home.runs / run["id"]).rglob("*.pt")] == []
        assert (folder.home.files / run["id"] / "weights" / "best.pt").is_file()

    folder.swept("analyze", "sweep.yaml")
    assert yaml.safe_load((folder.path / "best.yaml").read_text())["lr0"] == 0.01

    trained = json.loads(folder.swept("train", "sweep.yaml", "--epochs", "5", "--json"))
    models = ["--models", "tinycone,tinycone_wide", "--epochs", "2", "--slots", "2"]
    compared = json.loads(folder.swept("compare", "sweep.yaml", *models, "--json"))
    assert [step for step, _ in folder.steps()[4]] == [1, 2, 3, 4, 5]
    for document, count in ((trained, 1), (compared, 2)):
        tested = [entry for entry in document["entries"] if "mAP50" in entry["test"]]
        assert len(tested) == count
