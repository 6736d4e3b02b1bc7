"""`swept ls`: sweeps, and the runs outside of them."""

from __future__ import annotations

from collections.abc import Sequence

import click

from swept.cli.locate import client_for
from swept.cli.output import as_json, data, print_json, say
from swept.cli.render import clip, moment, table
from swept.wire.runs import RunView
from swept.wire.sweeps import SweepView


@click.command("ls")
@as_json
def command(as_json: bool) -> None:
    """List the sweeps, and the runs started by hand, newest first.

    Example: swept ls
    """
    with client_for(None) as client:
        views, runs = client.sweeps(), client.manual_runs()
    if as_json:
        sweeps, manual = [_document(view) for view in views], [_manual(run) for run in runs]
        print_json({"schema": 1, "sweeps": sweeps, "manual_runs": manual})
        return
    if not views:
        say("no sweeps yet: `swept launch sweep.yaml` starts one")
    else:
        head = ("ID", "STATE", "RUNS", "DONE", "METHOD", "CREATED", "NAME")
        for line in table(head, [_row(view) for view in views]):
            data(line)
    for line in manual_lines(runs):
        data(line)


def manual_lines(runs: Sequence[RunView], metric: str | None = None) -> list[str]:
    """Runs outside of sweeps as a table, with what they last reported of `metric`; nothing without runs."""
    if not runs:
        return []
    rows = [
        (
            run["id"],
            run["state"],
            *([run["summary"].get(metric)] if metric else []),
            moment(run["created"]),
            run["project"],
            clip(run["name"], 30),
        )
        for run in runs
    ]
    head = ("ID", "STATE", *(["VALUE"] if metric else []), "CREATED", "PROJECT", "NAME")
    return ["", "Started by hand", *table(head, rows)]


def _manual(run: RunView) -> dict[str, object]:
    plain: dict[str, object] = dict(run)
    keys = ("id", "name", "project", "state", "config", "summary", "created", "ended")
    return {key: plain[key] for key in keys}


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
