"""`swept server`: in the foreground, its status, its end."""

from __future__ import annotations

import fcntl
import logging
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime

import click

from swept.cli.output import as_json, data, interactive, print_json, say
from swept.clock import SystemClock
from swept.connect import home_of, running
from swept.errors import ServerUnreachable
from swept.home import Home, find, make, start_folder, unwritable

STOP_SECONDS = 20.0


@click.group(invoke_without_command=True, epilog="Example: swept server --host 0.0.0.0 --port 8080")
@click.option(
    "--host",
    default="127.0.0.1",
    help="Address to listen on; others than loopback need the key to read.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help="Default: the folder's own port."
)
@click.option(
    "--store",
    default="",
    metavar="URL",
    help="postgresql://… instead of the folder's SQLite file, from now on.",
)
@click.option("--detached", is_flag=True, hidden=True)
@click.pass_context
def command(
    context: click.Context, host: str, port: int | None, store: str, detached: bool
) -> None:
    """Run the server of the nearest `.swept/` folder in the foreground (one is made here if there is none).

    Other commands start it by themselves; this one is for a team, or to see what it says. Ctrl+C ends it; trainings
    go on and report when it is back.
    """
    if context.invoked_subcommand is not None:
        return
    folder = start_folder(None)
    home = find(folder) or make(folder)
    if detached:
        _detach(home)
    _serve(home, host, port, store, detached)


@command.command(epilog="Example: swept server status --json")
@as_json
def status(as_json: bool) -> None:
    """Say whether the server runs, where, and what it holds. Exit 1 if it does not run."""
    home = home_of(make=False)
    client = running(home)
    if client is None:
        raise _not_running(home)
    with client:
        found = client.status()
    if as_json:
        print_json(found)
        return
    started = datetime.fromtimestamp(found["started"], UTC).astimezone()
    data(f"swept {found['version']} at {found['url']} (pid {found['pid']})")
    data(f"since   {started:%Y-%m-%d %H:%M:%S}")
    data(f"store   {found['store']}")
    data(f"runs    {found['leases']} under way, {found['agents']} agents")
    for name, count in sorted(found["unknown"].items()):
        data(f"asked for by W&B clients, not served: {name} ({count} times)")


@command.command(epilog="Example: swept server stop")
def stop() -> None:
    """End the server of the nearest `.swept/` folder. Trainings go on and report when it is back."""
    home = home_of(make=False)
    client = running(home)
    if client is None:
        say(f"the server of {home.path} does not run")
        return
    with client:
        boot = client.handshake()["boot"]
        client.stop()
    clock = SystemClock()
    until = clock.monotonic() + STOP_SECONDS
    while (record := home.server()) is not None and record.boot == boot:
        if clock.monotonic() > until:
            raise ServerUnreachable(
                f"the server was told to end and still runs after {STOP_SECONDS:.0f} s",
                hint=f"its pid is {record.pid}",
            )
        clock.sleep(0.05)
    say(f"the server of {home.path} has ended")


def _not_running(home: Home) -> ServerUnreachable:
    return ServerUnreachable(
        f"the server of {home.path} does not run",
        hint="`swept server` starts it in the foreground; commands that write start it by themselves",
    )


def _serve(home: Home, host: str, port: int | None, store: str, detached: bool) -> None:
    from swept.server.lifecycle import (
        plan_from_environment,
        serve,
    )  # after the fork: imports threads

    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    plan = plan_from_environment(host, port, store, detached=detached)
    # Not into logs: who reads a link first is logged in.
    serve(home, replace(plan, watched=interactive() and not detached), say)


def _detach(home: Home) -> None:
    """Go on in a child of its own session, which holds nothing of its starter's open; its parent prints the child's pid
    and is gone: nobody has to wait for a server that outlives them, nor does a pipe that they read."""
    child = os.fork()
    if child:
        os.write(1, f"{child}\n".encode())
        os._exit(0)
    os.setsid()
    try:
        log = _opened(home.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        null = _opened(os.devnull, os.O_RDONLY)
    except OSError as error:
        raise unwritable(home.log, error) from error
    for number, file in ((0, null), (1, log), (2, log)):
        os.dup2(file, number)
    os.close(log)
    os.close(null)


def _opened(path: str | os.PathLike[str], how: int) -> int:
    """A descriptor above those of the three standard streams: of what the starter had closed, the next file gets the
    number, and would be overwritten."""
    opened = os.open(path, how, 0o666)
    try:
        return fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(opened)
