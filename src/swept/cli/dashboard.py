"""`swept dashboard`: a link that opens the dashboard, logged in."""

from __future__ import annotations

import webbrowser
from urllib.parse import quote

import click

from swept.cli.locate import Found, client_for, sweep_or_run
from swept.cli.output import data, say
from swept.client import Client

NOTE = "logs one browser in, once, within {minutes} minutes"


@click.command("dashboard")
@click.argument("sweep", metavar="[ID]", required=False)
@click.option("--open", "opened", is_flag=True, help="Open it in this machine's browser.")
@click.option(
    "--address",
    metavar="URL",
    help="How browsers reach the server, where that is another address than this command's: a proxy's, a tunnel's.",
)
def command(sweep: str | None, opened: bool, address: str | None) -> None:
    """Print a link that opens the dashboard and logs the browser in; the server is started if it does not run.

    With an ID (a sweep's or a run's) it leads to that page, without one to the list of sweeps. The link works once,
    within 10 minutes; the browser then stays logged in for 30 days. Looking at a server on this machine needs no
    login, changing something does.

    Example: swept dashboard 8k2fq1zd --open
    """
    with client_for(sweep) as client:
        path = "/" if sweep is None else page_of(sweep_or_run(client, sweep))
        link, note = login_link(client, path, address)
    data(link)
    say(note)
    if opened and not webbrowser.open(link):
        say("warning: there is no browser here that could be opened; follow the link elsewhere")


def page_of(found: Found) -> str:
    """The path of the sweep's or the run's page."""
    if found.sweep is not None:
        return f"/sweeps/{quote(found.sweep['id'], safe='')}"
    return f"/runs/{quote(found.run['id'], safe='')}" if found.run else "/"


def login_link(client: Client, path: str, address: str | None = None) -> tuple[str, str]:
    """A link to `path` that logs in, and what it is good for."""
    made = client.login_link(path)
    minutes = made["seconds"] // 60
    return (address or client.url).rstrip("/") + made["path"], NOTE.format(minutes=minutes)
