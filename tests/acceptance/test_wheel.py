"""The built wheel works by itself: what is not Python (pages, migrations) is in it."""

from __future__ import annotations

import os
import re
import shutil
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
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, timeout=300)
    return next(folder.glob("*.whl"))


def test_what_is_not_python_is_in_the_wheel(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "swept/py.typed",
        "swept/server/static/page.css",
        "swept/server/static/app/index.html",
        "swept/server/static/app/report.js",
        "swept/server/static/app/report.css",
        "swept/server/wandb/routes.py",
    ):
        assert name in names
    assert any(name.startswith("swept/store/migrations/versions/r0001") for name in names)
    assert any(re.fullmatch(r"swept/server/static/app/assets/index-.*\.js", name) for name in names)
    assert not [name for name in names if name.startswith(("tests/", "examples/", "dashboard/"))]


ASK = """
import sys
from pathlib import Path
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import in_memory
store = open_store(f"sqlite:///{sys.argv[1]}/swept.db")
with in_memory(store, FakeClock(), Path(sys.argv[1])).http() as http:
    answer = http.get("/")
    print(answer.status_code, answer.text)
store.close()
"""


def test_a_server_without_the_built_page_says_how_to_build_it(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    shutil.rmtree(site / "swept/server/static/app")
    said = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.startswith("503 ")
    assert "make dashboard" in said


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
            timeout=400,
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
