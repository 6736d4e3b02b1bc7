"""`swept check`, as a person and as a script see it: the real command in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

GUIDE = Path(__file__).parents[2] / "examples/yolo-cones/sweep_config.yaml"
GRID = """\
program: train.py
method: grid
metric: {name: acc, goal: maximize}
early_terminate: {type: hyperband, min_iter: 2, eta: 2}
parameters:
  depth: {min: 1, max: 3}
  optimizer:
    parameters:
      name: {values: [sgd, adam]}
      decay: {value: 1e-4}
swept: {epochs: 8}
"""


def check(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "80", "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-m", "swept", "check", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        check=False,
        timeout=400,
    )


def written(folder: Path, text: str) -> Path:
    (folder / "train.py").write_text("")
    file = folder / "sweep.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def flat(text: str) -> str:
    """Without the line breaks of an 80-column page."""
    return " ".join(text.split())


def test_the_guides_file() -> None:
    done = check(GUIDE)
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    page = flat(done.stdout)
    assert "Method: bayes, maximize metrics/mAP50(B)" in page
    assert "13 parameters, of which 2 cannot act" in page
    assert "lr0 0.005 … 0.02 uniform; cannot act 0.01" in page
    assert "close_mosaic 0, 5, 10, 15, 20 5 values 10" in page
    assert "batch 64" in page
    assert "rungs at 30, 60 of 100 epochs" in page
    assert "20 runs × 100 = 2,000 without early stopping" in page
    # 1 baseline of 100, then 19 of 30, of which 10 go on to 60 and 6 to 100
    assert "about 1,210–" in page
    for words in (
        "`lr0` cannot act",
        "`dropout` cannot act",
        "`copy_paste` may not act",
        "`s: 3` has no effect beside `min_iter`: the rungs are 30, 60",
    ):
        assert words in done.stderr
    assert f"warning: {GUIDE}:" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_strict_refuses_what_cannot_act() -> None:
    done = check(GUIDE, "--strict")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "error: " in done.stderr
    assert "3 errors: the file cannot be used yet" in done.stderr


def test_a_grid_with_nested_parameters(tmp_path: Path) -> None:
    done = check(written(tmp_path, GRID))
    assert done.returncode == 0
    page = flat(done.stdout)
    assert "optimizer.name sgd, adam 2 values" in page
    assert "Fixed: optimizer.decay 0.0001" in page
    assert "Grid: 6 configurations" in page
    assert "Runs: 6" in page
    assert "6 runs × 8 = 48 without early stopping" in page
    assert "note: " in done.stderr
    assert "W&B's client reads it as text" in done.stderr


def test_wandb_prints_the_file_without_our_key(tmp_path: Path) -> None:
    done = check(written(tmp_path, GRID), "--wandb")
    assert done.returncode == 0
    mapping = yaml.safe_load(done.stdout)
    expected = yaml.safe_load(GRID.replace("1e-4", "0.0001"))
    del expected["swept"]
    assert mapping == expected


def test_json_has_everything(tmp_path: Path) -> None:
    done = check(GUIDE, "--json")
    data: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0
    assert done.stderr == ""
    assert (data["schema"], data["ok"], data["method"]) == (1, True, "bayes")
    assert data["rungs"] == [30, 60]
    assert data["epochs"]["total"] == [2000, 2000]
    assert data["baseline"]["lr0"] == 0.01
    inert = {p["name"] for p in data["parameters"] if p["cannot_act"]}
    assert inert == {"lr0", "dropout"}
    assert {"severity", "message", "key", "line", "hint"} == set(data["problems"][0])
    bad = check(written(tmp_path, GRID.replace("grid", "gird")), "--json")
    assert bad.returncode == 2
    answer = json.loads(bad.stdout)
    assert answer["ok"] is False
    first = answer["problems"][0]
    assert (first["line"], first["key"], first["severity"]) == (2, "method", "error")


def test_mistakes_go_to_stderr_with_file_line_and_hint(tmp_path: Path) -> None:
    text = GRID.replace("early_terminate", "early_terminat").replace("max: 3", "max: 0")
    file = written(tmp_path, text)
    done = check(file)
    assert done.returncode == 2
    assert done.stdout == ""
    assert (
        f"error: {file}:4: unknown key `early_terminat`\n  hint: did you mean `early_terminate`?"
        in done.stderr
    )
    assert f"error: {file}:6: `min` (1) of `depth` is not below `max` (0)" in done.stderr
    assert "2 errors: the file cannot be used yet" in done.stderr
    assert check(file, "--wandb").stdout == ""


def test_a_program_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    done = check(written(tmp_path, GRID.replace("train.py", "trian.py")))
    assert done.returncode == 0
    assert "`program: trian.py` is not there" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"\x00\x01\x02\xff", "not a text file"),
        (b"method: [", "no valid YAML"),
        (b"- 1\n", "the file holds a list"),
        (None, "no such file"),
    ],
)
def test_files_that_are_no_sweep(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "sw eep's \n file.yaml"
    if content is not None:
        file.write_bytes(content)
    done = check(file)
    assert done.returncode == 2
    assert done.stdout == ""
    assert words in done.stderr
    assert "Traceback" not in done.stderr
