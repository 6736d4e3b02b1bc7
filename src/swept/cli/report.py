"""`swept report`: a sweep as one HTML file, which needs neither server nor network."""

from __future__ import annotations

from pathlib import Path

import click

from swept.analysis.results import results
from swept.cli.locate import SWEEP_ID, client_for, sweep_of
from swept.cli.output import say
from swept.cli.render import size
from swept.cli.views import advice_of, audit_of, question_of, runs_of, spec_of
from swept.client import Client
from swept.clock import SystemClock
from swept.errors import UsageError
from swept.report.data import gather
from swept.report.document import Bundle, built, document
from swept.report.summary import summary
from swept.wire.sweeps import SweepView

IMAGES = 4


@click.command("report")
@SWEEP_ID
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The HTML file (default: sweep-ID.html in the working folder).",
)
@click.option(
    "--images",
    type=click.IntRange(0, 100),
    default=IMAGES,
    show_default=True,
    metavar="N",
    help="So many images each of the best runs, the baseline and those trained after the sweep; needs Pillow.",
)
def command(sweep: str | None, output: Path | None, images: int) -> None:
    """Write a sweep as one HTML file: the dashboard with its data, to be mailed or kept.

    It opens in any browser without server or network; printed, or without JavaScript, it shows the findings.

    Example: swept report 8k2fq1zd -o sweep.html
    """
    bundle = built()
    with client_for(sweep) as client:
        view = sweep_of(client, sweep)
        text, notes = report(client, view, bundle, images)
    place = output or Path(f"sweep-{view['id']}.html")
    if place.is_dir():
        raise UsageError(f"`{place}` is a folder", hint="-o takes the file's name")
    place.write_text(text, encoding="utf-8")
    for note in notes:
        say(f"note: {note}")
    say(f"wrote {place} ({size(place.stat().st_size)})")


def report(client: Client, view: SweepView, bundle: Bundle, images: int) -> tuple[str, list[str]]:
    """The file's text, and what is not in it and why."""
    gathered = gather(client, view, images=images, clock=SystemClock())
    question, runs = question_of(spec_of(view)), runs_of(view)
    found = results(question, runs, advice_of(view), audit_of(view))
    packed = gathered.packed
    head = summary(
        view, runs, question, found, gathered.notes, packed["importance"], packed["health"]
    )
    said = [*gathered.notes, *filter(None, (gathered.hint,))]
    return document(f"swept: {view['name']}", head, gathered.text(), bundle), said
