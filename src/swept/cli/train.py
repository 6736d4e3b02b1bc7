"""`swept train`: the best configuration, trained fully."""

from __future__ import annotations

import click

from swept.analysis.best import Best
from swept.analysis.document import lineup_document
from swept.analysis.lineup import Lineup, entry, lineup
from swept.analysis.results import Question, leader, reference_for
from swept.cli.lineup import lineup_lines
from swept.cli.locate import SWEEP_ID, client_for, sweep_of
from swept.cli.output import as_json, data, print_json, say
from swept.cli.summary import places
from swept.cli.views import advice_of, question_of, run_of, runs_of, spec_of
from swept.cli.work import AgentFlags, agent_flags, work_on_runs
from swept.errors import NotFound, UsageError
from swept.model import Kind
from swept.wire.runs import RunView
from swept.wire.sweeps import SweepView


@click.command("train")
@SWEEP_ID
@click.option(
    "--epochs", type=click.IntRange(min=1), required=True, help="The length of the training."
)
@agent_flags
@as_json
def command(sweep: str | None, epochs: int, flags: AgentFlags, as_json: bool) -> int:
    """Train the best configuration of a sweep for --epochs, and compare it with best and baseline.

    Interrupted, the same command goes on; finished, it shows the result. The sweep itself is left alone.

    Example: swept train 8k2fq1zd --epochs 300
    """
    with client_for(sweep) as client:
        view = sweep_of(client, sweep)
        question = question_of(spec_of(view))
        found = best_of(view, question)
        run = client.new_run(
            view["id"],
            {
                "kind": Kind.FINAL,
                "parent": found.run.id,
                "config": {epochs_parameter(question, view): epochs},
                "why": f"the best configuration (run {found.run.number}) for {epochs} epochs",
                "reuse": True,
            },
        )
        code = work_on_runs(client, view, question, [run], flags, epochs=epochs)
        view = client.sweep(view["id"])
        table = _lineup(question, view, client.run(run["id"]), found)
        where = places(client.url, view, run["id"])
    if as_json:
        print_json(lineup_document(view["id"], question.metric, table))
    else:
        for line in lineup_lines(question.metric, table):
            data(line)
        for line in ("", *where):
            say(line)
    return code


def best_of(view: SweepView, question: Question) -> Best:
    """The best run; raises NotFound where no search run has a value."""
    found = leader(question, runs_of(view), advice_of(view))
    if found is None:
        raise NotFound(
            f"no search run of sweep {view['id']} has reported `{question.metric}` yet",
            hint=f"swept launch {view['path'] or 'FILE'} works on it; swept show {view['id']} lists its runs",
        )
    if found.expected:
        say(f"run {found.run.number}: {found.expected}")
    if found.note:
        say(f"warning: {found.note}")
    return found


def epochs_parameter(question: Question, view: SweepView) -> str:
    """The parameter that holds the steps of a full run; raises UsageError where the spec names none."""
    if question.epochs_parameter:
        return question.epochs_parameter
    raise UsageError(
        f"sweep {view['id']} does not say which parameter holds the epochs of a run",
        hint="add `swept: {epochs: NAME}` to the file, then `swept sweep --update FILE`",
    )


def _lineup(question: Question, view: SweepView, final: RunView, found: Best) -> Lineup:
    """Baseline and best at the sweep's length, the final run at its own."""
    goal, at = question.goal, question.at
    reference = reference_for(question, runs_of(view), found.run)
    rows = [entry("baseline", reference, goal, at)] if reference else []
    rows.append(entry("sweep's best", found.run, goal, at))
    rows.append(entry("trained fully", run_of(final), goal, at))
    return lineup(rows)
