"""After a program has ended: send what it left behind, then complete the run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence

from swept.agent.classify import Ending
from swept.agent.figures import Figures
from swept.agent.link import Link
from swept.client import Client
from swept.clock import Clock
from swept.errors import (
    Conflict,
    LeaseLost,
    NotFound,
    ServerUnreachable,
    SweptError,
    Unauthorized,
    UsageError,
)
from swept.model import Outcome
from swept.tracking import workspace
from swept.tracking.console import Console
from swept.tracking.reporting import deliver_rest
from swept.tracking.workspace import Workspace
from swept.wire.agents import Claimed
from swept.wire.reports import (
    Completion,
    CompletionAnswer,
    ConsoleLines,
    Report,
    Reports,
    ReportsAnswer,
    SystemRows,
)

RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


class GivenUp(SweptError):
    """The server (or the disk) fails and nobody wants to wait longer: what is left stays in the agent's folder."""


def finish(
    link: Link,
    claimed: Claimed,
    place: Workspace,
    ending: Ending,
    *,
    console: Console,
    tail: Sequence[str],
    clock: Clock,
    say: Callable[[str], None],
    impatient: Callable[[], bool],
    figures: Figures | None = None,
) -> CompletionAnswer | None:
    """Everything to the server, as often as it takes. None: the run is not this agent's any more.

    Raises GivenUp, when `impatient` says so while the server is away or the disk fails.
    """
    failures = 0
    while True:
        try:
            return _finish(link, claimed, place, ending, console, tail, clock, say, figures)
        except (LeaseLost, NotFound) as error:
            say(f"run {claimed['number']}: {error.message}")
            return None
        except (SweptError, OSError) as error:
            failures += 1
            if failures == 3:
                say(f"run {claimed['number']} has ended, but cannot be completed yet: {error}")
            if impatient():
                raise GivenUp(
                    f"run {claimed['number']} could not be completed: {getattr(error, 'message', error)}",
                    hint="the next `swept agent` on this machine sends what is left",
                ) from error
            clock.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1])


def _finish(
    link: Link,
    claimed: Claimed,
    place: Workspace,
    ending: Ending,
    console: Console,
    tail: Sequence[str],
    clock: Clock,
    say: Callable[[str], None],
    figures: Figures | None,
) -> CompletionAnswer:
    run, lease = claimed["run"], claimed["lease"]

    def post(reports: Sequence[Report]) -> ReportsAnswer:
        body: Reports = {"lease": lease, "reports": list(reports)}
        answer = link.call(Client.reports, run, body)
        for report in reports:
            if report["type"] == "checkpoint" and report["seq"] <= answer["acknowledged"]:
                workspace.remove_older(report)
        return answer

    deliver_rest(place.journal, post, workspace.publish)
    _send_files(link, run, place, say)
    send_console(link, claimed, console, clock)
    send_figures(link, claimed, figures)
    completion: Completion = {
        "lease": lease,
        "outcome": ending.outcome,
        "exit_code": ending.exit_code,
        "signal": ending.signal,
        "reason": ending.reason,
        "tail": list(tail),
    }
    answer = link.call(Client.complete, run, completion)
    if ending.outcome is not Outcome.FAILED:  # there a person may want to look
        shutil.rmtree(place.training, ignore_errors=True)
    return answer


def _send_files(link: Link, run: str, place: Workspace, say: Callable[[str], None]) -> None:
    for name, path in list(place.waiting_files()):
        try:
            link.call(Client.put_file, run, name, path)
        except ServerUnreachable:
            raise
        except (SweptError, OSError) as error:
            say(f"the file {name} of run {run} stays in {path}: {error}")
            continue
        path.unlink(missing_ok=True)


def send_console(link: Link, claimed: Claimed, console: Console, clock: Clock) -> None:
    """Send all lines that wait. Raises what the server or the network says; the lines are kept then."""
    while lines := console.take(clock.now()):
        body: ConsoleLines = {"lease": claimed["lease"], "lines": lines}
        try:
            link.call(Client.add_console, claimed["run"], body)
        except Conflict:  # the run is somebody else's: its lines are of no use
            raise
        except SweptError:
            console.again(lines)
            raise


def send_figures(link: Link, claimed: Claimed, figures: Figures | None) -> None:
    """Send all rows that wait (None: nothing was measured); a request of their own, since the heartbeat keeps the run alive and may not fail for a
    figure's sake. Raises ServerUnreachable, and the rows are kept then. Where the server will never want them the
    measuring of this run ends; after any other error the rows wait, and nothing else happens."""
    while figures is not None and (rows := figures.take()):
        body: SystemRows = {"lease": claimed["lease"], "rows": rows}
        try:
            answer = link.call(Client.add_system, claimed["run"], body)
        except (Conflict, NotFound, Unauthorized, UsageError):  # another's run, an older server
            figures.close()
            return
        except ServerUnreachable:
            figures.again(rows)
            raise
        except SweptError:  # its disk is full
            figures.again(rows)
            return
        wanted = _wanted(answer)
        if wanted is None:
            figures.again(rows)
            return
        if not wanted:
            figures.close()


def _wanted(answer: object) -> bool | None:
    """None: what answered is no swept, whatever it says."""
    return bool(answer["wanted"]) if isinstance(answer, Mapping) and "wanted" in answer else None
