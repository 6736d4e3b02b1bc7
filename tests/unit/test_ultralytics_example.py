"""The files of examples/yolo-cones: sweep files, renderer, shim and launcher."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from swept.ultralytics.facts import check_arguments, inert

EXAMPLE = Path(__file__).parents[2] / "examples" / "yolo-cones"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sweep(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((EXAMPLE / name).read_text(encoding="utf-8"))
    return loaded


def candidates(parameter: dict[str, Any]) -> list[Any]:
    """Values at the edges of a parameter."""
    if "values" in parameter:
        return list(parameter["values"])
    return [parameter[key] for key in ("value", "min", "max") if key in parameter]


@pytest.mark.parametrize("name", ["sweep_config.yaml", "demo_config.yaml"])
def test_every_value_of_the_sweep_files_can_be_trained(name: str) -> None:
    config = sweep(name)
    for parameter, values in config["parameters"].items():
        for value in candidates(values):
            assert check_arguments({parameter: value}) == []
    assert check_arguments(config["swept"]["baseline"]) == []
    swept = {key for key, values in config["parameters"].items() if "value" not in values}
    assert set(config["swept"]["baseline"]) == swept


def test_the_demo_sweeps_all_of_the_guide_and_only_two_of_it_cannot_act() -> None:
    parameters = sweep("demo_config.yaml")["parameters"]
    fixed = {key: values["value"] for key, values in parameters.items() if "value" in values}
    idle = inert([key for key in parameters if key not in fixed], fixed)
    assert {found.parameter for found in idle} == {"copy_paste", "dropout"}


def test_the_renderer_is_seeded_and_leaves_a_finished_folder_alone(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    render = load("render_cones").render
    counts = {"train": 3, "val": 1, "test": 1}
    assert render(tmp_path / "one", counts, 96, 0)
    assert not render(tmp_path / "one", counts, 96, 0)
    assert render(tmp_path / "two", counts, 96, 0)
    assert render(tmp_path / "three", counts, 96, 1)
    first, same, other = (
        [path.read_bytes() for path in sorted((tmp_path / name).rglob("*.jpg"))]
        for name in ("one", "two", "three")
    )
    assert len(first) == 5
    assert first == same
    assert first != other
    for path in (tmp_path / "one" / "labels").rglob("*.txt"):
        for line in path.read_text().splitlines():
            label, *box = line.split()
            assert int(label) in range(5)
            assert all(0.0 < float(value) <= 1.0 for value in box)


def test_the_renderer_does_not_remove_what_is_not_its_own(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    (tmp_path / "mine.txt").touch()
    with pytest.raises(SystemExit, match="holds something else"):
        load("render_cones").render(tmp_path, {"train": 1, "val": 1, "test": 1}, 64, 0)
    assert (tmp_path / "mine.txt").exists()


@pytest.mark.filterwarnings("ignore")  # torch's own, at import
def test_the_shims_suppression_is_ultralytics_own() -> None:
    torch = pytest.importorskip("torch")
    reference = pytest.importorskip("ultralytics.utils.nms").TorchNMS
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(400, 2, generator=generator) * 100
    boxes = torch.cat([corner, corner + 1 + torch.rand(400, 2, generator=generator) * 40], dim=1)
    scores = torch.rand(400, generator=generator)
    for threshold in (0.3, 0.7):
        kept = load("torchvision_shim").nms(boxes, scores, threshold)
        assert kept.tolist() == reference.nms(boxes, scores, threshold).tolist()


@pytest.mark.parametrize(
    ("given", "launched"),
    [
        ([], "launch sweep_config.yaml"),
        (["--slots", "2"], "launch sweep_config.yaml --slots 2"),
        (["other.yaml", "--count", "3"], "launch other.yaml --count 3"),
    ],
)
def test_the_launcher_passes_file_and_flags(
    tmp_path: Path, given: list[str], launched: str
) -> None:
    recorder = tmp_path / "swept"
    recorder.write_text('#!/bin/sh\necho "$@"\n')
    recorder.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [str(EXAMPLE / "launch_sweep.sh"), *given]
    out = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == launched


@pytest.mark.parametrize(
    ("script", "given", "passed"),
    [
        ("train_best_config.py", [], "train --epochs 300"),
        (
            "train_best_config.py",
            ["x.yaml", "--epochs=50"],
            "train --epochs 300 x.yaml --epochs=50",
        ),
        ("analyze_sweep.py", ["x.yaml"], "analyze x.yaml"),
    ],
)
def test_the_scripts_become_the_command_so_that_ctrl_c_is_for_it_alone(
    tmp_path: Path, script: str, given: list[str], passed: str
) -> None:
    """The last `--epochs` counts."""
    (tmp_path / "swept.py").write_text("import os, sys; print(os.getpid(), *sys.argv[1:])")
    program = [sys.executable, str(EXAMPLE / script), *given]
    with subprocess.Popen(program, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        out, _ = process.communicate(timeout=300)
    assert out.strip() == f"{process.pid} {passed}"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--like", "nowhere.yaml"], "nowhere.yaml: there is no such file"),
        (["--like", str(EXAMPLE / "demo_config.yaml"), "--epochs", "abc"], "`epochs: abc` is text"),
    ],
)
def test_mistakes_in_a_training_by_hand_are_told_without_a_traceback(
    tmp_path: Path, given: list[str], says: str
) -> None:
    pytest.importorskip("ultralytics")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SWEPT_")}
    program = [sys.executable, str(EXAMPLE / "train_baseline.py"), *given]
    done = subprocess.run(
        program,
        cwd=tmp_path,
        env={**kept, "YOLO_OFFLINE": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr
