"""`swept logs`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from swept.cli.locate import client_for, run_of
from swept.cli.output import as_json, data, print_json
from swept.client import Client
from swept.clock import SystemClock
from swept.model import RunState

POLL_SECONDS = 1.0


@click.command("logs")
@click.argument("run")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@as_json
def command(run: str, follow: bool, as_json: bool) -> None:
    """Print the console output of RUN, all attempts in order.

    Example: swept logs 3fk20a9x -f
    """
    with client_for(None) as client:
        identifier = run_of(client, run)["id"]
        if as_json:
            lines: list[dict[str, Any]] = []
            _print_from(client, identifier, 0, lines.append)
            print_json(lines)
            return
        reached = _print_from(client, identifier, 0, _print)
        while follow:
            ended = RunState(client.run(identifier)["state"]).ended
            reached = _print_from(client, identifier, reached, _print)
            if ended:
                return
            SystemClock().sleep(POLL_SECONDS)


def _print(line: dict[str, Any]) -> None:
    data(str(line["text"]))


def _print_from(
    client: Client, run: str, after: int, give: Callable[[dict[str, Any]], None]
) -> int:
    """Every line after the cursor; returns the new cursor."""
    while True:
        page = client.console(run, after)
        for line in page["lines"]:
            give(line)
        if not page["lines"] or page["next"] == after:
            return page["next"]
        after = page["next"]
