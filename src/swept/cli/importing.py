"""`swept import`: sweeps and runs from a W&B server, or from folders of runs logged offline."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from shlex import quote
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from swept.cli.output import as_json, data, interactive, print_json, say
from swept.cli.render import size
from swept.client import Client
from swept.clock import SystemClock
from swept.connect import connect
from swept.errors import NotFound, SweptError, UsageError
from swept.moving.came import Came
from swept.moving.offline import Sender, check_client, folders
from swept.moving.project import Moving, refuse_same, survey
from swept.moving.source import Place, Source, place_of

SHOWN = 20
INTERRUPTED = 130


@click.command("import")
@click.argument("what", nargs=-1, required=True, metavar="(wandb ENTITY/PROJECT[/SWEEP] | DIR)")
@click.option("--from", "url", metavar="URL", help="The W&B server [default: WANDB_BASE_URL].")
@click.option("--key", help="Its API key [default: WANDB_API_KEY, or `wandb login`].")
@click.option("--project", help="The project here [default: the same name].")
@click.option(
    "--files",
    type=click.Choice(["all", "small", "none"]),
    default="small",
    show_default=True,
    help="Which of the runs' files come; small: up to 5 MB.",
)
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the one SWEEP's configuration in this file, so that `swept launch FILE` goes on with it.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would come.")
@as_json
def command(
    what: tuple[str, ...],
    url: str | None,
    key: str | None,
    project: str | None,
    files: str,
    path: Path | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Bring over sweeps and runs: from a W&B server, or from folders of runs logged offline.

    Interrupted, the same command goes on; later, it brings what is new. Runs keep their ids where those are free.

    Example: swept import wandb my-team/my-project
    """
    if what[0] == "wandb" and len(what) == 2:
        place = place_of(what[1])
        if path is not None and place.sweep is None:
            raise UsageError("--file is for one sweep", hint="name it: ENTITY/PROJECT/SWEEP_ID")
        source = Source(place, url, key, SystemClock())
        with contextlib.closing(source):
            if dry_run:
                return _survey(source, as_json)
            with connect(path.resolve().parent if path else None) as client:
                refuse_same(source.url, client)
                return _move(source, client, project or place.project, files, path, as_json)
    if len(what) != 1 or (what[0] == "wandb" and not Path("wandb").is_dir()):
        raise UsageError(
            f"`swept import {' '.join(what)}` names no source",
            hint="swept import wandb ENTITY/PROJECT, or swept import DIR",
        )
    return _folders(Path(what[0]), project, dry_run, as_json)


# -- from a server --------------------------------------------------------------------------------


def _survey(source: Source, as_json: bool) -> int:
    view = {"schema": 1, "source": source.url, **survey(source)}
    if as_json:
        print_json(view)
        return 0
    data(
        f"{source.url} {source.place.path}: {len(view['sweeps'])} sweeps, {view['runs']} runs, "
        f"at most {view['rows']} rows"
    )
    data(
        f"{view['files']} files of {size(view['bytes'])}, "
        f"those of up to 5 MB each {size(view['small_bytes'])}"
    )
    return 0


def _move(
    source: Source, client: Client, project: str, files: str, path: Path | None, as_json: bool
) -> int:
    place = str(path.resolve()) if path else ""
    with _progress() as tell:
        moving = Moving(source, client, project, files, place, tell=tell)
        error = _run(moving)
    if isinstance(error, NotFound) and not moving.came.sweeps and not moving.came.counts:
        raise error
    if path is not None and error is None:
        _write(client, moving.came, path)
    _account(moving.came, source.url, as_json)
    if isinstance(error, KeyboardInterrupt):
        say("interrupted: the same command goes on where it was")
        return INTERRUPTED
    if error is not None:
        say(
            "not all has come: runs that were under way are killed here, with that reason, until the same command "
            "has gone on and brought the rest"
        )
        raise error
    _hint(moving.came, source.place, path)
    return int(bool(moving.came.counts["left_out"]))


def _run(moving: Moving) -> SweptError | KeyboardInterrupt | None:
    """What ended it early, if anything: what came until then is told in either case."""
    try:
        moving.run()
    except (SweptError, KeyboardInterrupt) as error:
        return error
    return None


def _write(client: Client, came: Came, path: Path) -> None:
    """The sweep's file as the server has it; one that is there stays: `swept launch` says how it differs."""
    here = came.sweeps[0]["id"] if came.sweeps else None
    if here is not None and not path.exists():
        path.write_text(client.sweep(here)["text"])


def _hint(came: Came, place: Place, path: Path | None) -> None:
    if place.sweep is None or not came.sweeps or came.sweeps[0]["id"] is None:
        return
    here = came.sweeps[0]["id"]
    going_on = f"swept launch {quote(str(path))}" if path else f"swept agent {here}"
    say(f"see it: swept show {here}; go on with it: {going_on}")


# -- from folders ---------------------------------------------------------------------------------


def _folders(top: Path, project: str | None, dry_run: bool, as_json: bool) -> int:
    check_client()
    found = folders(top)
    if dry_run:
        names = [str(folder.path) for folder in found]
        bytes_ = sum(folder.file.stat().st_size for folder in found)
        if as_json:
            print_json({"schema": 1, "source": str(top), "runs": len(found), "bytes": bytes_})
        else:
            data("\n".join(names))
            say(f"{len(found)} runs, {size(bytes_)}")
        return 0
    with connect() as client, _progress() as tell:
        sender = Sender(client, Came(), project)
        try:
            sender.send(found, tell)
        except KeyboardInterrupt:
            say("interrupted: the same command goes on where it was")
            return INTERRUPTED
    _account(sender.came, str(top), as_json)
    return int(bool(sender.came.counts["left_out"]))


# -- what is said ---------------------------------------------------------------------------------


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar with counts and the time left where a person watches; else nothing."""
    columns = (
        TextColumn("importing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("runs"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not interactive(), transient=True) as bar:
        task = bar.add_task("importing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _account(came: Came, source: str, as_json: bool) -> None:
    view: dict[str, Any] = {"schema": 1, "source": source, **came.view()}
    if as_json:
        print_json(view)
        return
    data(
        f"{view['new']} new runs, {view['updated']} updated, {view['unchanged']} unchanged: "
        f"{view['rows']} rows, {view['files']} files ({size(view['bytes'])})"
    )
    for sweep in view["sweeps"]:
        for word in sweep["words"]:
            say(f"sweep {sweep['source']}: {word}")
    for item in view["missing"][:SHOWN]:
        say(f"left out: {item['what']}: {item['why']}")
    if len(view["missing"]) > SHOWN:
        say(f"and {len(view['missing']) - SHOWN} more: --json lists them all")
