"""What stays on the screen when an agent has ended: what was found, where it is, and what to do next."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from swept.analysis.results import Question, Results
from swept.analysis.text import (
    audit_lines,
    best_lines,
    comparison_lines,
    group_lines,
    noise_lines,
    target_lines,
)
from swept.cli.changes import tally
from swept.cli.views import runs_of
from swept.home import find
from swept.model import SweepState
from swept.wire.sweeps import SweepView


def summary_lines(url: str, view: SweepView, question: Question, results: Results) -> list[str]:
    parts = [
        _state(view),
        best_lines(question, results),
        list(group_lines(results.groups)),
        comparison_lines(question, results),
        noise_lines(results),
        target_lines(question, results.targets),
        audit_lines(question, results),
        places(url, view, results.best.run.id if results.best else None),
        next_steps(view, question, results),
    ]
    return [line for part in parts if part for line in ("", *part)]


def next_steps(view: SweepView, question: Question, results: Results) -> list[str]:
    """Commands that make sense now."""
    sweep, file = view["id"], quote(view["path"] or view["id"])
    if not SweepState(view["state"]).ended:
        lines = [f"  swept launch {file}     goes on with this sweep"] if view["path"] else []
        lines = lines or [f"  swept agent {sweep}     goes on with this sweep"]
        return ["Next", *lines, f"  swept show {sweep}"]
    if results.best is None:
        return ["Next", f"  swept show {sweep}     says how each run ended"]
    lines = [f"  swept analyze {sweep}     everything, and best.yaml"]
    if question.epochs_parameter:
        longer = 3 * question.epochs if question.epochs else "N"
        times = ", three times as long" if question.epochs else ""
        lines.append(f"  swept train {sweep} --epochs {longer}     the best configuration{times}")
    if question.adapter == "ultralytics":
        lines.append(
            f"  swept compare {sweep} --models yolo11n,yolo11s     with other architectures"
        )
    return ["Next", *lines]


def _state(view: SweepView) -> list[str]:
    because = f": {view['ended_because']}" if view["ended_because"] else ""
    runs = tally(runs_of(view)) or "no runs"
    return [f"Sweep {view['id']} ({view['name']}) is {view['state']}{because}", f"  {runs}"]


def places(url: str, view: SweepView, run: str | None) -> list[str]:
    """Where the sweep's page is, its file, and the files of `run`."""
    lines = ["Where", f"  page   {url}/sweeps/{view['id']}"]
    if view["path"]:
        lines.append(f"  file   {view['path']}")
    folder = _files(view, run)
    if folder is not None:
        lines.append(f"  files  {folder}")
    return lines


def _files(view: SweepView, run: str | None) -> Path | None:
    """Where the run's files are, if that is on this machine."""
    folder = Path(view["path"]).parent if view["path"] else Path.cwd()
    home = find(folder) if folder.is_dir() else None
    if home is None or run is None:
        return None
    files = home.files / run
    return files if files.is_dir() else None
