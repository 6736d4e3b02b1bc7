"""`swept report`: comes with the dashboard, of which it is the frozen form."""

from __future__ import annotations

from pathlib import Path

import click

from swept.cli.locate import SWEEP_ID, client_for, sweep_of
from swept.errors import SweptError


@click.command("report")
@SWEEP_ID
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The HTML file.")
def command(sweep: str | None, output: Path | None) -> None:
    """Write a sweep as one HTML file (not available yet: it comes with the dashboard).

    Example: swept report 8k2fq1zd -o sweep.html
    """
    with client_for(sweep) as client:
        found = sweep_of(client, sweep)
        url = client.url
    raise SweptError(
        "`swept report` comes with the dashboard, which this release does not have yet",
        hint=f"the sweep's page is {url}/sweeps/{found['id']}; `swept analyze {found['id']}` has its findings",
    )
