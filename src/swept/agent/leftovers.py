"""Runs outside of agents whose program was killed, or ended while the server was away: their reports and
what they printed are sent now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from swept.agent.link import Link
from swept.agent.process import is_locked
from swept.client import Client
from swept.clock import Clock
from swept.errors import Conflict, NotFound, SweptError
from swept.tracking import workspace
from swept.tracking.console import Console
from swept.tracking.joining import completion
from swept.tracking.reporting import deliver_rest
from swept.tracking.workspace import Manual, Workspace
from swept.wire.reports import Report, Reports, ReportsAnswer


def send_leftovers(
    link: Link, runs: Path, home: str, clock: Clock, say: Callable[[str], None]
) -> None:
    """For every such run of this server below `runs`. One that cannot be sent now stays for the next time."""
    for place, manual in _abandoned(runs):
        if manual.home != home:
            continue
        try:
            _send(link, place, manual, clock)
        except (Conflict, NotFound):
            place.drop_manual()  # somebody else's by now, or deleted
        except (SweptError, OSError) as error:
            why = getattr(error, "message", error)
            say(f"run {manual.run} has reports that cannot be sent yet: {why}")
        else:
            place.drop_manual()


def _abandoned(runs: Path) -> Iterator[tuple[Workspace, Manual]]:
    for path in sorted(runs.glob("*/attempt-*/manual.json")):
        place = Workspace(path.parent)
        manual = place.manual()
        if manual is not None and not is_locked(place.journal):
            yield place, manual


def _send(link: Link, place: Workspace, manual: Manual, clock: Clock) -> None:
    def post(reports: Sequence[Report]) -> ReportsAnswer:
        body: Reports = {"lease": manual.lease, "reports": list(reports)}
        return link.call(Client.reports, manual.run, body)

    deliver_rest(place.journal, post, workspace.publish)
    console = Console(place.console)
    while lines := console.take(clock.now()):
        link.call(Client.add_console, manual.run, {"lease": manual.lease, "lines": lines})
    if manual.exit_code is None:  # killed: its lease runs out, and the server says so
        return
    link.call(Client.complete, manual.run, completion(manual))
