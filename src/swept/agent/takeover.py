"""A starting agent cleans up after the ones of this host that died: no run, report or process is left behind.

For each run that such an agent held: wait until its supervisor has ended the program (or kill it, where the
supervisor died too), send what the program reported, and complete the run as it ended, or as released.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from swept.agent.classify import Ending, Exit, classify
from swept.agent.ending import GivenUp, finish
from swept.agent.folder import AgentFolder, Record
from swept.agent.leftovers import send_leftovers
from swept.agent.link import Link
from swept.agent.process import is_locked, kill_run
from swept.client import Client
from swept.clock import Clock
from swept.errors import NotFound, SweptError
from swept.home import Home
from swept.model import Desired, Outcome
from swept.tracking.console import Console
from swept.tracking.workspace import Workspace, read_json
from swept.wire.agents import ClaimRequest

SUPERVISOR_SECONDS = 45.0
"""How long a dead agent's supervisors may take to end their programs: their grace, twice over."""
POLL_SECONDS = 0.05


def take_over(link: Link, home: Home, host: str, clock: Clock, say: Callable[[str], None]) -> int:
    """Take over every orphaned folder of an agent, and runs outside of agents; how many of the former's runs.

    One whose server is another, or does not answer, is left as it is.
    """
    server = link.client.handshake()["home"]
    count = 0
    for folder in AgentFolder.orphaned(home.agents, host):
        if folder.about().get("home") != server:
            folder.leave()
            continue
        try:
            count += _clean_up(link, folder, clock, say)
        except (SweptError, OSError) as error:
            say(f"what agent {folder.path.name} left behind stays in {folder.path}: {error}")
            folder.leave()
        else:
            folder.remove()
    send_leftovers(link, home.runs, server, clock, say)
    return count


def _clean_up(link: Link, folder: AgentFolder, clock: Clock, say: Callable[[str], None]) -> int:
    agent = folder.path.name
    _settle_request(link, folder, agent)
    records = folder.records()
    for record in records:
        number = record.claimed["number"]
        say(f"run {number} was left by agent {agent}, which died: cleaning up")
        _settle(link, record, clock, say)
        folder.drop(record.claimed["run"])
    with suppress(NotFound):  # the store is another one by now
        link.call(Client.end_agent, agent)
    return len(records)


def _settle_request(link: Link, folder: AgentFolder, agent: str) -> None:
    """A claim that was under way may have been answered: the same request gives the same run."""
    request, about = folder.request(), folder.about()
    held = {record.claimed["run"] for record in folder.records()}
    if request is None:
        return
    body: ClaimRequest = {
        "agent": agent,
        "host": str(about.get("host", "")),
        "request": request,
        "wait": 0.0,
        "run": about.get("run"),
        "reachable": [],
    }
    try:
        claimed = link.call(Client.claim, str(about["sweep"]), body)["claimed"]
    except NotFound:
        return
    if claimed is not None and claimed["run"] not in held:
        place = folder.path / "unstarted" / claimed["run"]
        place.mkdir(parents=True, exist_ok=True)
        folder.keep(Record(claimed, str(place)))
    folder.drop_request()  # asked once more, it would claim another run


def _settle(link: Link, record: Record, clock: Clock, say: Callable[[str], None]) -> None:
    """Raises GivenUp when the server is away."""
    place = record.workspace
    _wait_for_supervisor(place, clock)
    if not kill_run(record.claimed["lease"], clock):
        raise GivenUp(f"processes of run {record.claimed['number']} cannot be killed")
    console = Console(place.console)
    tail = console.tail(clock.now())
    ending = _ending(place, tail)
    finish(
        link,
        record.claimed,
        place,
        ending,
        console=console,
        tail=tail,
        clock=clock,
        say=say,
        impatient=lambda: True,
    )


def _wait_for_supervisor(place: Workspace, clock: Clock) -> None:
    """It ends the program by itself when its agent is gone; one that does not is overruled afterwards."""
    deadline = clock.monotonic() + SUPERVISOR_SECONDS
    while is_locked(place.path / "alive") and clock.monotonic() < deadline:
        clock.sleep(POLL_SECONDS)


def _ending(place: Workspace, tail: list[str]) -> Ending:
    content = read_json(place.exit)
    if content is None:
        return Ending(Outcome.RELEASED, "its agent died")
    told = place.told()
    obeyed = Desired(told.desired) if told and told.read else Desired.GO
    return classify(
        Exit(**content), obeyed=obeyed, obeyed_reason=told.reason if told else "", tail=tail
    )
