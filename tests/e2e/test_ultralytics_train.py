"""Real Ultralytics trainings of a tiny detector on a tiny rendered dataset.

The run is scripted here (which step brings which order), so that an epoch can be named exactly.
This file is also a program: `python test_ultralytics_train.py SCRIPT.json` trains that script, for
the tests that kill it.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "yolo-cones"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # those of torch and Ultralytics are not ours
]


@dataclass(frozen=True)
class Saved:
    path: Path
    step: int


@dataclass
class ScriptedRun:
    """A run whose orders are known beforehand. Steps go to `folder/steps.jsonl` as they come."""

    folder: Path
    config: dict[str, Any]
    id: str = "r1"
    kind: str = "search"
    seed: int | None = None
    stop_at: int = 0
    pause_at: int = 0
    resumed_from: Saved | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    saved: list[str] = field(default_factory=list)
    effective: dict[str, Any] = field(default_factory=dict)
    steps: list[int] = field(default_factory=list)
    rows: list[dict[str, float]] = field(default_factory=list)

    @property
    def should_stop(self) -> bool:
        return self.stop_at in self.steps

    @property
    def should_pause(self) -> bool:
        return self.pause_at in self.steps

    @property
    def published(self) -> Saved:
        path = max(self.folder.glob("checkpoint-*"), key=lambda found: int(found.name[11:]))
        return Saved(path, int(path.name[11:]))

    def log(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        assert step is not None
        self.steps.append(step)
        self.rows.append(dict(metrics))
        with (self.folder / "steps.jsonl").open("a") as lines:
            lines.write(json.dumps({"step": step, **metrics}) + "\n")

    def checkpoint(self, path: Path, step: int) -> None:
        assert step in self.steps, "a checkpoint is published only after its step was reported"
        shutil.copyfile(path, self.folder / "part")
        os.replace(self.folder / "part", self.folder / f"checkpoint-{step}")

    def save(self, path: Path, name: str | None = None) -> None:
        self.saved.append(name or path.name)

    def report_effective(self, config: Mapping[str, Any]) -> None:
        self.effective = dict(config)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 training, 8 validation and 8 test pictures of 64 pixels."""
    pytest.importorskip("ultralytics")
    folder = tmp_path_factory.mktemp("data") / "cones"
    sizes = ["--train", "16", "--val", "8", "--test", "8", "--size", "64"]
    program = [sys.executable, str(EXAMPLE / "render_cones.py"), str(folder), *sizes]
    subprocess.run(program, check=True, stdout=subprocess.DEVNULL)
    return folder / "data.yaml"


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """Ultralytics takes quotes out of some paths, and swept has to hold against that."""
    folder = tmp_path / 'it\'s a "weird" päth'
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ultralytics")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YOLO_OFFLINE", "true")
    monkeypatch.delenv("SWEPT_RUN_DIR", raising=False)
    monkeypatch.syspath_prepend(str(EXAMPLE))


def config_for(data: Path, **more: Any) -> dict[str, Any]:
    tiny = {"model": str(EXAMPLE / "tinycone.yaml"), "imgsz": 64, "batch": 8, "nbs": 8}
    return {**tiny, "data": str(data), "epochs": 3, "plots": False, "verbose": False, **more}


def train(run: Any, **overrides: Any) -> Any:
    importlib.import_module("torchvision_shim").install()  # it belongs to the example, not to swept
    from swept.ultralytics.train import train as real

    return real(run, **overrides)


def test_a_training_reports_each_epoch_once_and_keeps_its_files(tmp_path: Path, data: Path) -> None:
    run = ScriptedRun(
        tmp_path, config_for(data, optimizer="AdamW", epochs=2.0), kind="final", seed=7
    )
    outcome = train(run)
    assert outcome.ended == "finished"
    assert run.steps == [1, 2]
    from swept.ultralytics.facts import METRICS

    assert all(set(METRICS) <= set(row) for row in run.rows)
    assert "best/mAP50" in run.summary
    assert {"test/mAP50", "test/mAP50-95", "test/precision", "test/recall"} <= set(run.summary)
    assert run.summary["model/parameters"] > 1e5
    assert run.summary["model/GFLOPs"] > 0
    assert run.summary["model/speed_ms"] > 0
    assert {"weights/best.pt", "weights/last.pt", "results.csv", "args.yaml"} <= set(run.saved)
    assert (run.effective["seed"], run.effective["epochs"]) == (7, 2)
    folder = tmp_path / "runs" / "swept" / "r1"
    assert (folder / "weights" / "best.pt").is_file()
    assert not (folder / "resume.zip").exists(), "the weights are not kept twice"


def test_what_optimizer_auto_chose_is_reported_back(tmp_path: Path, data: Path) -> None:
    run = ScriptedRun(tmp_path, config_for(data, lr0=0.5, momentum=0.6, epochs=1))
    train(run)
    assert run.effective["optimizer"] == "AdamW"
    assert run.effective["lr0"] == pytest.approx(0.002 * 5 / (4 + 5), rel=1e-3)
    assert run.effective["momentum"] == 0.9
    assert run.effective["model"].endswith("tinycone.yaml")
    assert "test/mAP50" not in run.summary, "a search run never sees the test split"


def test_a_stop_ends_at_that_very_epoch(tmp_path: Path, data: Path) -> None:
    run = ScriptedRun(tmp_path, config_for(data, epochs=4), stop_at=2)
    outcome = train(run)
    assert outcome.ended == "stopped"
    assert run.steps == [1, 2]
    assert "weights/best.pt" in run.saved


def test_a_paused_run_goes_on_elsewhere_with_its_whole_history(tmp_path: Path, data: Path) -> None:
    config = config_for(data, epochs=4)
    first = ScriptedRun(tmp_path, config, pause_at=2)
    assert train(first).ended == "paused"
    assert first.published.step == 2
    second = ScriptedRun(tmp_path, config, id="elsewhere", resumed_from=first.published)
    outcome = train(second)
    assert outcome.ended == "finished"
    assert first.steps + second.steps == [1, 2, 3, 4]
    table = (outcome.folder / "results.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in table] == ["epoch", "1", "2", "3", "4"]
    assert outcome.best is not None
    assert outcome.best.is_file()


def test_a_finished_or_broken_checkpoint_starts_from_zero(tmp_path: Path, data: Path) -> None:
    done = train(ScriptedRun(tmp_path, config_for(data, epochs=1)))
    (tmp_path / "broken").write_bytes(b"half a checkpoint")
    for path in (done.last, tmp_path / "broken"):
        run = ScriptedRun(tmp_path, config_for(data, epochs=2), resumed_from=Saved(path, 1))
        train(run)
        assert run.steps == [1, 2]


def test_a_halved_batch_is_reported(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ultralytics halves the batch on a CUDA out-of-memory in the first epoch, and only warns."""
    from ultralytics.models.yolo.detect import DetectionTrainer

    whole = DetectionTrainer.preprocess_batch

    def scarce(self: Any, batch: dict[str, Any]) -> Any:
        if self.batch_size > 4:
            raise RuntimeError("CUDA out of memory")
        return whole(self, batch)

    monkeypatch.setattr(DetectionTrainer, "preprocess_batch", scarce)
    run = ScriptedRun(tmp_path, config_for(data, epochs=1))
    train(run)
    assert run.steps == [1]
    assert run.effective["batch"] == 4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"mosiac": 0.5}, "did you mean `mosaic`?"),
        ({"lr0": "0.01"}, "without quotes"),
        ({"data": "nowhere.yaml"}, "`data: nowhere.yaml` is not there"),
        ({"model": "nomodel9x"}, "no nomodel9x.pt or nomodel9x.yaml"),
        ({"model": "nowhere.pt"}, "`nowhere.pt` is not there"),
        ({"device": [0, 1]}, "one device"),
    ],
)
def test_a_config_that_cannot_be_trained_is_refused_first(
    tmp_path: Path, data: Path, change: dict[str, Any], says: str
) -> None:
    from swept.errors import UsageError

    run = ScriptedRun(tmp_path, {**config_for(data), **change})
    with pytest.raises(UsageError) as refused:
        train(run)
    assert says in str(refused.value)
    assert run.steps == []


def test_a_bare_model_name_is_its_architecture_where_no_weights_are(tmp_path: Path) -> None:
    from swept.ultralytics.plan import resolve_model

    assert resolve_model("yolo11n", online=False)[0] == "yolo11n.yaml"
    assert "from scratch" in resolve_model("yolo26s", online=False)[1]
    assert resolve_model("yolo11n", online=True) == ("yolo11n.pt", "")
    Path("mine.yaml").touch()
    assert resolve_model("mine", online=True) == ("mine.yaml", "")
    Path("mine.pt").touch()
    assert resolve_model("mine", online=False) == ("mine.pt", "")


def test_other_loggers_are_off_for_this_process_only(tmp_path: Path) -> None:
    from ultralytics.utils import SETTINGS, SETTINGS_FILE

    from swept.ultralytics.surroundings import other_loggers_off

    stored, before = Path(SETTINGS_FILE).read_text(), dict(SETTINGS)
    with other_loggers_off():
        assert not any(SETTINGS[name] for name in ("wandb", "clearml", "comet", "mlflow"))
    assert dict(SETTINGS) == before
    assert Path(SETTINGS_FILE).read_text() == stored


def test_without_a_server_the_real_sdk_keeps_a_local_file(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("SWEPT_")]:
        monkeypatch.delenv(name)
    import swept

    with swept.init(name="by hand", config=config_for(data, epochs=2)) as run:
        outcome = train(run, test=True)
    assert outcome.ended == "finished"
    (kept,) = (tmp_path / "swept-runs").glob("*.jsonl")
    reports = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [report["step"] for report in reports if report["type"] == "log"] == [1, 2]
    assert {"best/mAP50", "test/mAP50", "model/parameters"} <= set(run.summary)


# --- killed ----------------------------------------------------------------------------------


def start(tmp_path: Path, config: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"folder": str(tmp_path), "config": dict(config)}))
    command = [sys.executable, __file__, str(script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (tmp_path / "console.txt").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=tmp_path)


def wait_for_checkpoint(tmp_path: Path, step: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 400
    while not (tmp_path / f"checkpoint-{step}").exists():
        assert process.poll() is None, (tmp_path / "console.txt").read_text()
        assert time.monotonic() < deadline, (tmp_path / "console.txt").read_text()
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "codes"),
    [
        (signal.SIGKILL, {-signal.SIGKILL}),
        (signal.SIGINT, {-signal.SIGINT, 130}),
        (signal.SIGTERM, {143}),
    ],
)
def test_a_training_killed_in_an_epoch_goes_on_from_the_last_finished_one(
    tmp_path: Path, data: Path, number: signal.Signals, codes: set[int]
) -> None:
    config = config_for(data, epochs=300)
    process = start(tmp_path, config)
    try:
        wait_for_checkpoint(tmp_path, 2, process)
        process.send_signal(number)
        assert process.wait(300) in codes, (tmp_path / "console.txt").read_text()
    finally:
        process.kill()
        process.wait()
    earlier = ScriptedRun(tmp_path, config).published
    run = ScriptedRun(tmp_path, config, resumed_from=earlier, stop_at=earlier.step + 1)
    train(run)
    assert run.steps == [earlier.step + 1]


def main() -> None:
    """Trains the script named on the command line."""
    sys.path.insert(0, str(EXAMPLE))
    script = json.loads(Path(sys.argv[1]).read_text())
    script["folder"] = Path(script["folder"])
    known = {one.name for one in dataclasses.fields(ScriptedRun)}
    train(ScriptedRun(**{name: value for name, value in script.items() if name in known}))


if __name__ == "__main__":
    main()
