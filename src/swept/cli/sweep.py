"""`swept sweep`: create a sweep, or edit one, without working on it."""

from __future__ import annotations

from pathlib import Path

import click

from swept.cli.locate import sweep_of
from swept.cli.output import data, say, say_problems
from swept.cli.specfile import checked_text
from swept.connect import connect
from swept.errors import Problem


@click.command("sweep")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("sweep", metavar="[ID]", required=False)
@click.option("--update", is_flag=True, help="Edit the sweep ID (default: the sweep of FILE).")
@click.option("--name", help="A name for the sweep.")
@click.option("--project", help="The project (default: the file's, else the folder's name).")
@click.option("--strict", is_flag=True, help="Refuse parameters that cannot act.")
def command(
    file: Path, sweep: str | None, update: bool, name: str | None, project: str | None, strict: bool
) -> None:
    """Create a sweep from FILE; prints its ID alone on stdout. With --update: edit the sweep ID.

    Example: swept sweep sweep.yaml
    """
    if sweep is not None and not update:
        raise click.UsageError(f"`{sweep}` is only meant with --update")
    text = checked_text(file, strict=strict)
    with connect(file.resolve().parent) as client:
        if update:
            found = sweep_of(client, sweep or str(file))
            answer = client.update_spec(found["id"], {"text": text, "path": str(file.resolve())})
        else:
            answer = client.create_sweep(
                {
                    "text": text,
                    "path": str(file.resolve()),
                    "mode": "create",
                    "name": name,
                    "project": project,
                    "strict": strict,
                }
            )
    say_problems((Problem(**item) for item in answer["warnings"]), str(file))
    if update:
        say(f"sweep {answer['id']} now runs under version {answer['spec_version']} of its file")
    else:
        say(f"work on it with: swept agent {answer['id']}")
    data(answer["id"])
