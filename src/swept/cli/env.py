"""`swept env`: what points W&B's own tools at swept."""

from __future__ import annotations

import shlex

import click

from swept.cli.output import as_json, data, print_json, say
from swept.clock import SystemClock
from swept.connect import connect_home, home_of

KEEP_SECONDS = 24 * 3600.0


@click.command(epilog='Example: eval "$(swept env)" && wandb sweep sweep.yaml')
@as_json
def command(as_json: bool) -> None:
    """Print the environment that points W&B's tools at swept, for `eval`.

    Starts the server of the nearest `.swept/` folder (one is made here if there is none) and keeps it up for a day.
    """
    home = home_of()
    home.keep_up(SystemClock().now() + KEEP_SECONDS)
    with connect_home(home) as client:
        names = {
            "WANDB_BASE_URL": client.url,
            "WANDB_API_KEY": client.key,
            "WANDB_ERROR_REPORTING": "false",  # older clients report their crashes to W&B
        }
    if as_json:
        print_json(names)
        return
    for name, value in names.items():
        data(f"export {name}={shlex.quote(value)}")
    say(f"W&B's tools in this shell speak to {client.url}, which stays up for a day")
