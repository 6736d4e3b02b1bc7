"""`swept analyze`: what a sweep has found."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from swept.analysis.document import HEAD, best_yaml, results_document
from swept.analysis.results import results
from swept.analysis.text import lines
from swept.cli.insights import insight_lines, insights_of
from swept.cli.locate import SWEEP_ID, client_for, sweep_of
from swept.cli.output import as_json, data, print_json, say
from swept.cli.views import advice_of, audit_of, question_of, runs_of, spec_of
from swept.errors import UsageError
from swept.wire.sweeps import SweepView

BEST_FILE = "best.yaml"


@click.command("analyze")
@SWEEP_ID
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where best.yaml goes (default: beside the sweep file).",
)
@as_json
def command(sweep: str | None, output: Path | None, as_json: bool) -> None:
    """Say what a sweep has found and write its best configuration to best.yaml.

    The best configuration by groups, the top 5, the comparison with the baseline at equal steps, targets, how runs
    ended, what cannot act, what early stopping saved and may have cost, how much each parameter explains, and what
    stands out.

    Example: swept analyze 8k2fq1zd -o best.yaml
    """
    with client_for(sweep) as client:
        view = sweep_of(client, sweep)
        seen = insights_of(client, view["id"])
    question = question_of(spec_of(view))
    found = results(question, runs_of(view), advice_of(view), audit_of(view))
    if as_json:
        print_json({**results_document(view["id"], question, found), **asdict(seen)})
    else:
        for line in [*lines(question, found), *insight_lines(seen)]:
            data(line)
    if found.best is not None:
        place = output or beside(view)
        if output is None:
            _guard(place)
        place.write_text(best_yaml(view["id"], question, found), encoding="utf-8")
        say(f"wrote {place}; train it fully with: swept train {view['id']} --epochs N")


def beside(view: SweepView) -> Path:
    """`best.yaml` in the sweep file's folder where that is on this host, else in the working folder."""
    folder = Path(view["path"]).parent if view["path"] else Path.cwd()
    return (folder if folder.is_dir() else Path.cwd()) / BEST_FILE


def _guard(place: Path) -> None:
    """A `best.yaml` that swept did not write stays as it is."""
    if place.exists() and not place.read_text(encoding="utf-8", errors="replace").startswith(HEAD):
        raise UsageError(
            f"`{place}` exists and is not from `swept analyze`", hint="name another: -o FILE"
        )
