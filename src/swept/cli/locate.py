"""From what a person typed to a server and the sweep or run that is meant."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn, TypeVar

import click

from swept.cli.output import say
from swept.client import Client
from swept.connect import check_protocol, connect
from swept.errors import NotFound, UsageError
from swept.tracking import wandb_login
from swept.wire.runs import RunView
from swept.wire.sweeps import SweepView

SWEEP_ID = click.argument("sweep", metavar="[ID]", required=False)
T = TypeVar("T")
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Found:
    """A sweep, or a run together with nothing else."""

    sweep: SweepView | None = None
    run: RunView | None = None


def client_for(typed: str | None) -> Client:
    """The server that knows what was typed: the one of the sweep file's folder, else of the working folder, else
    the one that W&B's client reports to."""
    path = Path(typed) if typed else None
    if path is not None and is_file(typed):
        return connect(path.resolve().parent, make=False)
    try:
        return connect(None, make=False)
    except NotFound:
        login = wandb_login.login() if os.environ.get("WANDB_BASE_URL") else None
        if login is None:
            raise
    return _reported_to(login)


def _reported_to(login: wandb_login.Login) -> Client:
    """Outside of any project, after `swept env`: the server that W&B's client reports to."""
    client = Client(login.url, login.key)
    check_protocol(client.handshake(), login.url)
    say(f"no .swept/ folder here: this is the server at {login.url} (WANDB_BASE_URL)")
    return client


def is_file(typed: str | None) -> bool:
    return typed is not None and (typed.endswith(_SUFFIXES) or Path(typed).is_file())


def sweep_of(client: Client, typed: str | None) -> SweepView:
    """The sweep with its runs. Raises NotFound, with what there is."""
    if typed is None:
        return _newest(client)
    if is_file(typed):
        return _of_file(client, Path(typed))
    return _try(client.sweep, _last_part(typed)) or _unknown(client, typed, "sweep")


def run_of(client: Client, typed: str) -> RunView:
    """The run of that id (or ENTITY/PROJECT/RUN, as W&B writes it), or that number or name in the newest sweep."""
    name = _last_part(typed)
    return _try(client.run, name) or _in_newest(client, name) or _unknown(client, typed, "run")


def _in_newest(client: Client, name: str) -> RunView | None:
    """By what the live view and the page call a run: `4`, `search-4`."""
    known = client.sweeps()
    runs = client.sweep(known[0]["id"])["runs"] if known else []
    return next((run for run in runs if name in (str(run["number"]), run["name"])), None)


def sweep_or_run(client: Client, typed: str | None) -> Found:
    if typed is None or is_file(typed):
        return Found(sweep=sweep_of(client, typed))
    name = _last_part(typed)
    sweep = _try(client.sweep, name)
    if sweep is not None:
        return Found(sweep=sweep)
    run = _try(client.run, name) or _in_newest(client, name)
    return Found(run=run or _unknown(client, typed, "sweep or run"))


def _newest(client: Client) -> SweepView:
    known = client.sweeps()
    if not known:
        raise NotFound(
            f"the server at {client.url} has no sweep yet", hint="swept launch sweep.yaml"
        )
    return client.sweep(known[0]["id"])


def _of_file(client: Client, path: Path) -> SweepView:
    absolute = str(path.resolve())
    matching = [view for view in client.sweeps() if view["path"] == absolute]
    alive = [view for view in matching if view["state"] != "cancelled"]
    for view in alive or matching:
        return client.sweep(view["id"])
    if not path.exists():
        raise UsageError(f"there is no file `{path}`", hint="check the path, or give a sweep's id")
    raise NotFound(f"`{path}` has not been launched yet", hint=f"swept launch {path}")


def _try(ask: Callable[[str], T], name: str) -> T | None:
    try:
        return ask(name)
    except NotFound:
        return None


def _last_part(typed: str) -> str:
    """W&B writes ENTITY/PROJECT/ID; ids are unique in a store, so the last part decides."""
    name = typed.rstrip("/").rsplit("/", 1)[-1]
    if not name:
        raise UsageError(f"`{typed}` is no id", hint="`swept ls` lists the sweeps")
    return name


def _unknown(client: Client, typed: str, noun: str) -> NoReturn:
    known = [view["id"] for view in client.sweeps()]
    if noun == "run" and _last_part(typed) in known:
        raise UsageError(
            f"`{typed}` is a sweep; this command takes a run",
            hint=f"`swept show {typed}` lists its runs with their ids",
        )
    close = [] if noun == "run" else get_close_matches(typed, known, n=1)
    hint = (
        f"did you mean {close[0]}?"
        if close
        else "`swept ls` lists the sweeps, `swept show ID` the runs"
    )
    raise NotFound(f"the server at {client.url} knows no {noun} `{typed}`", hint=hint)
