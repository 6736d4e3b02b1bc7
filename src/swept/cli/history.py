"""`swept history`."""

from __future__ import annotations

import click

from swept.cli.locate import client_for, run_of
from swept.cli.output import as_json, data, print_json, say
from swept.cli.render import table


@click.command("history")
@click.argument("run")
@click.option("--keys", help="Only these metrics, separated by commas.")
@as_json
def command(run: str, keys: str | None, as_json: bool) -> None:
    """Print everything RUN has reported, step by step.

    Example: swept history 3fk20a9x --keys metrics/mAP50(B),val/box_loss
    """
    wanted = [key.strip() for key in keys.split(",") if key.strip()] if keys else []
    with client_for(None) as client:
        rows = client.history(run_of(client, run)["id"], keys=wanted)
    if as_json:
        print_json(
            [{**row["metrics"], "step": row["step"], "attempt": row["attempt"]} for row in rows]
        )
        return
    if not rows:
        say("nothing reported yet" + (f" under {', '.join(wanted)}" if wanted else ""))
        return
    names = wanted or list(dict.fromkeys(name for row in rows for name in row["metrics"]))
    body = [
        (row["step"], row["attempt"], *(row["metrics"].get(name) for name in names)) for row in rows
    ]
    for line in table(("step", "attempt", *names), body):
        data(line)
