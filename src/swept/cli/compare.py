"""`swept compare`: the best configuration with several models."""

from __future__ import annotations

from typing import Any

import click

from swept.analysis.document import lineup_document
from swept.analysis.lineup import Lineup, entry, lineup
from swept.analysis.results import Question, reference_for
from swept.cli.lineup import lineup_lines
from swept.cli.locate import SWEEP_ID, client_for, sweep_of
from swept.cli.output import as_json, data, print_json, say
from swept.cli.summary import places
from swept.cli.train import best_of, epochs_parameter
from swept.cli.views import question_of, run_of, runs_of, spec_of
from swept.cli.work import AgentFlags, agent_flags, work_on_runs
from swept.errors import UsageError
from swept.model import Kind, Run
from swept.wire.runs import NewRun, RunView
from swept.wire.sweeps import SweepView

MODEL = "model"


@click.command("compare")
@SWEEP_ID
@click.option("--models", required=True, help="The models, separated by commas.")
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="The length of the trainings (default: the sweep's).",
)
@agent_flags
@as_json
def command(
    sweep: str | None, models: str, epochs: int | None, flags: AgentFlags, as_json: bool
) -> int:
    """Train the best configuration of a sweep with each of the models; prints size, speed and metrics.

    Interrupted, the same command goes on; finished, it shows the result.

    Example: swept compare 8k2fq1zd --models yolo11n,yolo11s,yolo11m
    """
    names = model_names(models)
    with client_for(sweep) as client:
        view = sweep_of(client, sweep)
        question = question_of(spec_of(view))
        found = best_of(view, question)
        if MODEL not in found.run.config:
            raise UsageError(
                f"the runs of sweep {view['id']} have no parameter `{MODEL}` to exchange",
                hint=f"add `{MODEL}: {{value: …}}` to the file's parameters and let the program use it",
            )
        override = {epochs_parameter(question, view): epochs} if epochs else {}
        runs = [client.new_run(view["id"], _new(found.run, name, override)) for name in names]
        code = work_on_runs(client, view, question, runs, flags, epochs=epochs)
        view = client.sweep(view["id"])
        table = _lineup(question, view, [client.run(run["id"]) for run in runs], found.run)
        where = places(client.url, view, runs[-1]["id"])
    if as_json:
        print_json(lineup_document(view["id"], question.metric, table))
    else:
        for line in lineup_lines(question.metric, table):
            data(line)
        for line in ("", *where):
            say(line)
    return code


def model_names(text: str) -> list[str]:
    """`yolo11n, yolo11s` → each once, in that order. Raises UsageError for none."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise UsageError("--models names no model", hint="for example --models yolo11n,yolo11s")
    return names


def _new(parent: Run, model: str, override: dict[str, Any]) -> NewRun:
    return {
        "kind": Kind.COMPARE,
        "parent": parent.id,
        "config": {MODEL: model, **override},
        "name": model,
        "why": f"the best configuration (run {parent.number}) with model {model}",
        "reuse": True,
    }


def _lineup(question: Question, view: SweepView, runs: list[RunView], found: Run) -> Lineup:
    """Baseline and best of the sweep above the models."""
    goal, at = question.goal, question.at
    reference = reference_for(question, runs_of(view), found)
    rows = [entry("baseline", reference, goal, at)] if reference else []
    rows.append(entry("sweep's best", found, goal, at))
    rows += [entry(str(run["config"].get(MODEL)), run_of(run), goal, at) for run in runs]
    return lineup(rows)
