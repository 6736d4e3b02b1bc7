"""The built wheel works by itself: what is not Python (pages, migrations) is in it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SWEEP = """
program: train.py
method: random
run_cap: 1
metric: {name: loss, goal: minimize}
parameters: {lr: {min: 0.1, max: 1.0}}
"""
PROGRAM = """
import swept
with swept.init() as run:
    run.log({"loss": run.config.lr})
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, timeout=120)
    return next(folder.glob("*.whl"))


def test_what_is_not_python_is_in_the_wheel(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "swept/py.typed",
        "swept/server/static/index.html",
        "swept/server/wandb/routes.py",
    ):
        assert name in names
    assert any(name.startswith("swept/store/migrations/versions/r0001") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "examples/"))]


@pytest.mark.slow
def test_a_sweep_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    site, work = tmp_path / "site", tmp_path / "work"
    zipfile.ZipFile(wheel).extractall(site)
    work.mkdir()
    (work / "sweep.yaml").write_text(SWEEP)
    (work / "train.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def swept(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "swept", *arguments],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = "import swept; print(swept.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", where],
        env=environment,
        cwd=work,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.startswith(str(site)), "the sources must be hidden behind the wheel"
    try:
        swept("launch", "sweep.yaml")
        assert '"state":"finished"' in swept("show", "sweep.yaml", "--json").replace(" ", "")
    finally:
        swept("server", "stop")
