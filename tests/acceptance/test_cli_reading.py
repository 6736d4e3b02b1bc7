"""The reading commands on a sweep with every kind of run, through a real server; the agent is played by the test."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from swept.cli.main import run
from swept.client import Client
from swept.connect import connect
from swept.wire.agents import Claimed
from swept.wire.reports import Report

SWEEP = """\
program: train.py
name: cones
method: random
metric: {name: map, goal: maximize}
run_cap: 5
parameters:
  lr0: {min: 0.001, max: 0.1}
  mosaic: {values: [0.0, 0.5, 1.0]}
  batch: {value: 8}
  epochs: {value: 3}
swept:
  baseline: {lr0: 0.01, mosaic: 1.0}
  targets: {minimum: 0.5, excellent: 0.9}
  epochs: epochs
"""


@dataclass
class Stage:
    folder: Path
    client: Client
    sweep: str
    runs: list[str]
    agent: str = ""

    def claim(self, number: int) -> Claimed:
        answer = self.client.claim(
            self.sweep, {"agent": self.agent, "host": "h", "request": f"q{number}", "wait": 5.0}
        )
        claimed = answer["claimed"]
        assert claimed is not None, answer["why"]
        self.runs.append(claimed["run"])
        return claimed

    def play(self, number: int, values: list[float], outcome: str, reason: str = "") -> None:
        """One run from claim to end: `values` are the objective's reports."""
        claimed = self.claim(number)
        lease = claimed["lease"]
        reports: list[Report] = [
            {
                "seq": i,
                "type": "log",
                "time": 0.0,
                "step": i,
                "metrics": {"map": value, "loss": 1 - value},
            }
            for i, value in enumerate(values, start=1)
        ]
        self.client.reports(claimed["run"], {"lease": lease, "reports": reports})
        self.client.add_console(
            claimed["run"],
            {
                "lease": lease,
                "lines": [{"number": 0, "text": "hello", "stream": "stdout", "time": 0.0}],
            },
        )
        self.client.complete(
            claimed["run"],
            {
                "lease": lease,
                "outcome": outcome,
                "exit_code": 0 if outcome == "finished" else 1,
                "signal": None,
                "reason": reason,
                "tail": [],
            },
        )


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("sweep in a folder")
    file = folder / "sweep.yaml"
    file.write_text(SWEEP)
    with connect(folder) as client:
        try:
            answer = client.create_sweep({"text": SWEEP, "path": str(file), "mode": "launch"})
            made = Stage(folder, client, answer["id"], [])
            made.agent = client.start_agent(
                {"host": "h", "pid": os.getpid(), "slots": 1, "sweep": made.sweep}
            )["id"]
            made.play(1, [0.1, 0.3, 0.5], "finished")
            made.play(2, [0.2, 0.7, 0.6], "finished")
            made.play(3, [0.1, float("nan"), 0.4], "finished")
            made.play(4, [], "failed", "exit code 1: no such file")
            yield made
        finally:
            client.stop()


@pytest.fixture(autouse=True)
def here(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stage.folder)
    for name in ("SWEPT_URL", "SWEPT_API_KEY", "SWEPT_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def swept(capsys: pytest.CaptureFixture[str]) -> Any:
    """`swept(*arguments)` → (exit code, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return call


def document(swept: Any, *arguments: str) -> Any:
    code, out, _ = swept(*arguments, "--json")
    assert code == 0
    return json.loads(out, parse_constant=lambda name: pytest.fail(f"bare {name} in JSON"))


def test_show_has_exactly_the_fields_of_the_contract(swept: Any, stage: Stage) -> None:
    found = document(swept, "show", stage.sweep)
    fields = ["schema", "id", "name", "state", "method", "metric", "best", "expected", "runs"]
    assert list(found) == fields
    assert found["schema"] == 1
    assert found["expected"] is None
    assert found["metric"] == {"name": "map", "goal": "maximize"}
    assert found["best"] == stage.runs[1]
    assert set(found["runs"][0]) == {
        "id",
        "number",
        "kind",
        "state",
        "config",
        "effective_config",
        "value",
        "best_value",
        "steps",
        "attempts",
        "why",
        "ended_because",
    }
    assert [r["kind"] for r in found["runs"]] == ["baseline", "search", "search", "search"]
    assert [r["value"] for r in found["runs"]] == [0.5, 0.6, 0.4, None]
    assert found["runs"][1]["best_value"] == 0.7
    assert "no such file" in found["runs"][3]["ended_because"]


@pytest.mark.parametrize("typed", [None, "sweep.yaml", "local/x/ID", "ID"])
def test_a_sweep_is_found_by_all_its_names(typed: str | None, swept: Any, stage: Stage) -> None:
    arguments = [] if typed is None else [typed.replace("ID", stage.sweep)]
    assert document(swept, "show", *arguments)["id"] == stage.sweep


def test_a_sweep_is_found_from_elsewhere_by_its_file(
    swept: Any, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert document(swept, "show", str(stage.folder / "sweep.yaml"))["id"] == stage.sweep


def test_show_reads_well(swept: Any, stage: Stage) -> None:
    _, out, _ = swept("show")
    assert f"best    run 2 ({stage.runs[1]}): 0.6" in out
    _, out, _ = swept("show", stage.runs[1])
    assert "value   0.6 at step 3 (best along the curve 0.7)" in out
    assert "lr0 = " in out


def test_history_is_the_visible_rows_with_nan_as_text(swept: Any, stage: Stage) -> None:
    rows = document(swept, "history", stage.runs[2])
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert rows[1] == {"step": 2, "attempt": 1, "map": "NaN", "loss": "NaN"}
    only = document(swept, "history", stage.runs[2], "--keys", "map")
    assert only[0] == {"step": 1, "attempt": 1, "map": 0.1}


def test_logs(swept: Any, stage: Stage) -> None:
    assert swept("logs", stage.runs[0])[1] == "hello\n"
    assert swept("logs", stage.runs[0], "-f")[1] == "hello\n"
    assert document(swept, "logs", stage.runs[0])[0]["text"] == "hello"


def test_ls(swept: Any, stage: Stage) -> None:
    (only,) = document(swept, "ls")["sweeps"]
    assert (only["id"], only["counts"]) == (stage.sweep, {"finished": 3, "failed": 1})
    assert stage.sweep in swept("ls")[1]


def test_runs_by_hand_are_shown_beside_the_sweep(swept: Any, stage: Stage) -> None:
    own = stage.client.sweep(stage.sweep)["project"]
    for name, project in (("by hand", own), ("elsewhere", "other")):
        claimed = stage.client.manual_run(
            {
                "project": project,
                "name": name,
                "config": {"lr0": 0.01},
                "host": "h",
                "pid": 1,
            }
        )
        report: Any = {"seq": 1, "type": "log", "time": 1.0, "step": 1, "metrics": {"map": 0.625}}
        stage.client.reports(claimed["run"], {"lease": claimed["lease"], "reports": [report]})
        stage.client.complete(
            claimed["run"],
            {
                "lease": claimed["lease"],
                "outcome": "finished",
                "exit_code": 0,
                "signal": None,
                "reason": "",
                "tail": [],
            },
        )
    shown = swept("show", stage.sweep)[1]
    (line,) = [line for line in shown.splitlines() if "by hand" in line and "Started" not in line]
    assert "0.625" in line
    assert "elsewhere" not in shown
    listed = document(swept, "ls")["manual_runs"]
    assert [run["name"] for run in listed] == ["elsewhere", "by hand"]
    assert listed[1]["config"] == {"lr0": 0.01}
    assert "elsewhere" in swept("ls")[1]


def test_export_as_csv_and_json(swept: Any, stage: Stage, tmp_path: Path) -> None:
    target = tmp_path / "runs.csv"
    assert swept("export", stage.sweep, "--csv", "-o", str(target))[0] == 0
    rows = list(csv.DictReader(io.StringIO(target.read_text())))
    assert [row["id"] for row in rows] == stage.runs
    assert rows[0]["config.lr0"] == "0.01"
    code, out, _ = swept("export", "--json")
    assert code == 0
    assert json.loads(out)[1]["value"] == 0.6


def test_parquet_without_a_file_or_the_package_says_what_is_missing(swept: Any) -> None:
    code, _, err = swept("export", "--parquet")
    assert code == 2
    assert "-o runs.parquet" in err


def test_analyze_prints_and_writes_best_yaml(swept: Any, stage: Stage) -> None:
    code, out, err = swept("analyze")
    assert code == 0
    assert f"Best: run 2 ({stage.runs[1]}) map 0.6 at step 3 (maximize)" in out
    assert "difference +0.1 (+20.0 %, better)" in out
    assert "noise unknown" in out
    assert (
        "minimum        0.5  reached" in out.replace("minimum  ", "minimum        ", 0)
        or "reached" in out
    )
    assert "\nImportance (" in out
    assert "too few runs" in out
    assert "\nHealth\n" in out
    best = stage.folder / "best.yaml"
    assert str(best) in err
    shown = document(swept, "show")["runs"][1]
    assert yaml.safe_load(best.read_text()) == shown["config"]


def test_analyze_never_overwrites_a_file_that_is_not_its_own(swept: Any, stage: Stage) -> None:
    best = stage.folder / "best.yaml"
    best.write_text("mine: 1\n")
    code, _, err = swept("analyze")
    assert code == 2
    assert "hint: name another: -o FILE" in err
    assert best.read_text() == "mine: 1\n"
    best.unlink()


def test_analyze_json(swept: Any, stage: Stage) -> None:
    found = document(swept, "analyze", "-o", str(stage.folder / "other.yaml"))
    assert found["best"]["id"] == stage.runs[1]
    assert found["comparison"]["step"] == 3
    assert [t["reached"] for t in found["targets"]] == [True, False]
    assert found["outcomes"] == {"finished": 3, "failed": 1}
    assert found["importance"]["caution"].startswith("too few runs")
    assert {row["parameter"] for row in found["importance"]["rows"]} == {"lr0", "mosaic"}
    assert {card["level"] for card in found["health"]} <= {"bad", "warn", "info", "good"}


def test_enqueue_retry_and_what_is_wrong_with_them(swept: Any, stage: Stage) -> None:
    code, out, err = swept("enqueue", stage.sweep, "lr0=1e-2", "mosaic=0.5")
    assert code == 0
    new = document(swept, "show", out.strip())
    assert new["config"] == {"lr0": 0.01, "mosaic": 0.5, "batch": 8, "epochs": 3}
    assert new["state"] == "pending"
    code, out, _ = swept("retry", stage.runs[3])
    assert code == 0
    code, _, err = swept("enqueue", stage.sweep, "lr=0.01")
    assert code == 2
    assert "did you mean `lr0`?" in err
    code, _, err = swept("enqueue", "lr0=5")
    assert code == 2
    assert "lr0" in err
    code, _, err = swept("enqueue", "lr0")
    assert code == 2


def test_pause_resume_stop(swept: Any, stage: Stage) -> None:
    for word, state in (("pause", "paused"), ("resume", "running")):
        assert swept(word)[0] == 0
        assert document(swept, "show")["state"] == state


def test_unknown_ids_say_what_would_help(swept: Any) -> None:
    for arguments in (["show", "nosuch"], ["history", "nosuch"], ["analyze", "nosuch"]):
        code, out, err = swept(*arguments)
        assert (code, out) == (1, "")
        assert "nosuch" in err
        assert "hint: " in err
        assert "Traceback" not in err


def test_a_run_is_known_by_what_the_live_view_and_the_page_call_it(
    swept: Any, stage: Stage
) -> None:
    for name in ("2", "search-2", stage.runs[1]):
        assert document(swept, "show", name)["id"] == stage.runs[1]
        assert swept("history", name)[0] == 0
    code, _, err = swept("history", "99")
    assert code == 1
    assert "knows no run `99`" in err


def test_a_mistyped_command_is_named(swept: Any) -> None:
    code, _, err = swept("lauch", "sweep.yaml")
    assert code == 2
    assert "Did you mean `launch`?" in err


def test_a_file_that_is_not_there(swept: Any) -> None:
    code, _, err = swept("show", "absent.yaml")
    assert code == 2
    assert "there is no file `absent.yaml`" in err


def test_compare_needs_a_model_parameter(swept: Any) -> None:
    code, _, err = swept("compare", "--models", "a,b")
    assert code == 2
    assert "no parameter `model`" in err


def test_gc_says_what_would_go_and_leaves_what_can_resume(swept: Any, stage: Stage) -> None:
    places = stage.folder / ".swept" / "checkpoints"
    for name in (*stage.runs[:4], "nosuchrun"):
        (places / name).mkdir(parents=True)
        (places / name / "step-00000003-1-1.pt").write_bytes(b"x" * 1000)
    files = stage.folder / ".swept" / "files"
    for path in (files / ".incoming" / "cut-off", files / stage.runs[0] / "model.part"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (0.0, 0.0))
    found = document(swept, "gc", "--dry-run")
    assert {Path(item["path"]).name for item in found["items"]} == {
        stage.runs[0],
        stage.runs[2],
        stage.runs[3],
        "cut-off",
    }
    assert (places / stage.runs[0]).exists()
    assert swept("gc")[0] == 0
    kept = {path.name for path in places.iterdir() if path.is_dir()}
    assert kept == {stage.runs[1], "nosuchrun"}  # what this server never knew may be another's
    assert (files / stage.runs[0] / "model.part").exists()


def test_doctor(swept: Any) -> None:
    names = {check["name"]: check["verdict"] for check in document(swept, "doctor")["checks"]}
    assert names["server"] == "good"
    assert names["python"] == "good"


def test_a_reader_that_leaves_early_is_no_error(stage: Stage) -> None:
    command = f"{sys.executable} -m swept show {stage.sweep} --json | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stdout == "{\n"
    assert done.stderr == ""


def test_without_any_sweep_folder_a_reading_command_makes_none(
    swept: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = swept("ls")
    assert code == 1
    assert "swept launch" in err
    assert list(tmp_path.iterdir()) == []
