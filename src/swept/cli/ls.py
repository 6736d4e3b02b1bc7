"""`swept ls`."""

from __future__ import annotations

import click

from swept.cli.locate import client_for
from swept.cli.output import as_json, data, print_json, say
from swept.cli.render import clip, moment, table
from swept.wire import SweepView


@click.command("ls")
@as_json
def command(as_json: bool) -> None:
    """List the sweeps, newest first.

    Example: swept ls
    """
    with client_for(None) as client:
        views = client.sweeps()
    if as_json:
        print_json({"schema": 1, "sweeps": [_document(view) for view in views]})
    elif not views:
        say("no sweeps yet: `swept launch sweep.yaml` starts one")
    else:
        head = ("ID", "STATE", "RUNS", "DONE", "METHOD", "CREATED", "NAME")
        for line in table(head, [_row(view) for view in views]):
            data(line)


def _row(view: SweepView) -> tuple[str | int, ...]:
    counts = view.get("counts", {})
    done = sum(counts.get(state, 0) for state in ("finished", "stopped"))
    return (
        view["id"],
        view["state"],
        sum(counts.values()),
        done,
        view["method"],
        moment(view["created"]),
        clip(view["name"], 30),
    )


def _document(view: SweepView) -> dict[str, object]:
    keys = ("id", "name", "project", "state", "method", "metric", "path", "created", "updated")
    return {**{key: view.get(key) for key in keys}, "counts": view.get("counts", {})}
