"""Which run a process belongs to: an agent's (swept's, or the real `wandb agent`), one of its own at a server, or
one in a local file."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from swept.clock import Clock
from swept.errors import SweptError
from swept.tracking import printed, workspace
from swept.tracking.printed import Printed
from swept.tracking.recording import Backend, Identity, LocalFile, Recorder, ResumePoint, Silent
from swept.tracking.reporting import Journal, JournalBusy, complain
from swept.tracking.values import Config
from swept.tracking.workspace import Brief, Manual, Told, Workspace
from swept.wire.agents import Claimed, Join
from swept.wire.reports import Completion

if TYPE_CHECKING:
    from swept.client import Client

INTERRUPTED_EXIT = 130
LOCAL_RUNS = "swept-runs"
END_PATIENCE = 600.0
"""How long a program under the `wandb agent` waits at its end for a server that is away: nobody else would send."""
JOIN_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between the tries to reach a server that is away when a `wandb agent`'s program starts."""
ANOTHER_REPORTS = "another process of this run reports already: this one does not"
REPORT_SECONDS = 10.0
"""How long one request of a training may take before it counts as failed and is repeated."""


def claimed(own: Identity, secondary: bool, clock: Clock) -> tuple[Identity, Backend]:
    """The run that the agent put into the environment; `own` is what the program said itself.

    A second process of the run (another rank, a worker that imports the script) gets the configuration and
    reports nothing.
    """
    place = Workspace(Path(os.environ.get("SWEPT_RUN_DIR") or _run_dir()))
    brief = place.brief() or _from_environment()
    identity = _identity(own, brief, _resume_point(brief))
    if secondary:
        return identity, Silent()
    try:
        journal = Journal(place.journal)
    except JournalBusy:
        complain(ANOTHER_REPORTS)
        return identity, Silent()
    recorder = _recorder(brief, place, journal, clock)
    _tell_own(recorder, own, brief)
    return identity, recorder


def _tell_own(recorder: Recorder, own: Identity, brief: Brief) -> None:
    """What the program sets where the sweep leaves it open: nobody else knows it."""
    added = {name: value for name, value in own.config.items() if name not in brief.config}
    if not added:
        return
    try:
        recorder.report("config", config=added)
    except OSError as error:
        complain(f"what this program adds to the configuration is not kept ({error})")


def _identity(own: Identity, brief: Brief, checkpoint: ResumePoint | None) -> Identity:
    return Identity(
        id=brief.run,
        name=brief.name or own.name,
        kind=brief.kind,
        project=brief.project or own.project,
        seed=brief.seed,
        config=Config({**own.config, **brief.config}),
        metric=brief.metric,
        checkpoint=checkpoint,
    )


def _recorder(brief: Brief, place: Workspace, journal: Journal, clock: Clock) -> Recorder:
    url, lease = os.environ["SWEPT_URL"], os.environ["SWEPT_LEASE"]

    def connect() -> Client:
        from swept.client import Client  # here, in the reporter's thread: httpx takes its time

        return Client(url, lease, timeout=REPORT_SECONDS, retries=0)

    checkpoints = Path(
        os.environ.get("SWEPT_CHECKPOINT_DIR") or place.path / "checkpoints" / brief.run
    )
    return Recorder(brief.run, lease, place, journal, checkpoints, brief.attempt, connect, clock)


def _run_dir() -> str:
    return str(Path(LOCAL_RUNS) / os.environ["SWEPT_RUN_ID"])


def _from_environment() -> Brief:
    """For launchers that set the variables but make no folder."""
    config = os.environ.get("SWEPT_CONFIG")
    seed = os.environ.get("SWEPT_SEED")
    return Brief(
        run=os.environ["SWEPT_RUN_ID"],
        attempt=1,
        seed=int(seed) if seed else None,
        metric=os.environ.get("SWEPT_METRIC"),
        config=(workspace.read_json(Path(config)) if config else None) or {},
    )


def _resume_point(brief: Brief) -> ResumePoint | None:
    place = os.environ.get("SWEPT_RESUME_FROM")
    if not place or brief.checkpoint is None:
        return None
    return ResumePoint(Path(place), int(brief.checkpoint["step"]))


# -- under the real `wandb agent` -----------------------------------------------------------------


def under_wandb_agent(
    own: Identity, secondary: bool, clock: Clock
) -> tuple[Identity, Backend] | None:
    """The run that the real `wandb agent` started this program for; None elsewhere, and where its server is not
    swept's."""
    run = os.environ.get("WANDB_RUN_ID")
    if not run or not os.environ.get("WANDB_SWEEP_ID"):
        return None
    from swept.tracking.wandb_login import login

    found = login()
    if found is None:
        return None
    from swept import home
    from swept.client import Client

    server = Client(found.url, found.key, timeout=REPORT_SECONDS)
    try:
        served = _handshake(server, clock)
        if served is None:
            return None
        here = home.find(Path.cwd())
        root = here.path if here else Path(LOCAL_RUNS).absolute()
        return _joined(own, server, run, root, served, secondary, clock)
    except (SweptError, OSError) as error:
        complain(f"{error}\nswept: this run is kept in a local file instead")
        return offline(own, clock)


def _handshake(server: Client, clock: Clock) -> str | None:
    """The id of the server's folder, waiting for one that is away; None: it is not swept's."""
    import httpx

    for pause in (*JOIN_PAUSES, None):
        try:
            return server.handshake()["home"]
        except SweptError as error:
            away = isinstance(error.__cause__, httpx.HTTPError)
            if not away:
                return None
            if pause is None:
                raise
            clock.sleep(pause)
    return None


def _joined(
    own: Identity,
    server: Client,
    run: str,
    root: Path,
    home: str,
    secondary: bool,
    clock: Clock,
) -> tuple[Identity, Backend]:
    who: Join = {"host": socket.gethostname(), "pid": os.getpid(), "reports": False}
    claimed = server.join(run, who)
    if secondary:
        return _identity(own, _brief(claimed), None), Silent()
    try:
        journal = Journal(_place(root, claimed).journal)
    except JournalBusy:
        complain(ANOTHER_REPORTS)
        return _identity(own, _brief(claimed), None), Silent()
    attempt = claimed["attempt"]
    claimed = server.join(run, {**who, "reports": True})
    if claimed["attempt"] != attempt:
        journal.close()
        journal = Journal(_place(root, claimed).journal)
    place, brief = _place(root, claimed), _brief(claimed)
    place.keep_brief(brief)
    complain(f"run {brief.name} ({run}) at {server.url}")
    recorder = _own_recorder(
        claimed, root, place, journal, home, _connecting(server, claimed["lease"]), clock
    )
    _tell_own(recorder, own, brief)
    return _identity(own, brief, _reachable(claimed, root)), recorder


def _connecting(server: Client, key: str) -> Callable[[], Client]:
    from swept.client import Client

    return lambda: Client(server.url, key, timeout=REPORT_SECONDS, retries=0)


def _place(root: Path, claimed: Claimed) -> Workspace:
    return Workspace(root / "runs" / claimed["run"] / f"attempt-{claimed['attempt']}")


def _brief(claimed: Claimed) -> Brief:
    names = (
        "run", "attempt", "name", "number", "kind", "project", "sweep", "seed", "metric", "epochs", "checkpoint",
        "config",
    )  # fmt: skip
    return Brief(**{name: claimed[name] for name in names})  # type: ignore[literal-required]


def _reachable(claimed: Claimed, root: Path) -> ResumePoint | None:
    """The checkpoint to go on from, where this machine has it."""
    mark = claimed["checkpoint"]
    if mark is None or mark["host"] != workspace.host_id(root / "checkpoints"):
        return None
    return ResumePoint(Path(mark["place"]), int(mark["step"]))


# -- a run of its own -----------------------------------------------------------------------------


def manual(own: Identity, clock: Clock) -> tuple[Identity, Backend] | None:
    """A run outside any sweep, with a lease of its own; None where no server is meant, or none answers."""
    from swept import home

    try:
        found = home.find(Path.cwd())
        if found is None and not os.environ.get("SWEPT_URL"):
            return None
        return _manual(own, found.path if found else Path(LOCAL_RUNS).absolute(), clock)
    except (SweptError, OSError) as error:
        complain(f"{error}\nswept: this run is kept in a local file instead")
        return None


def _manual(own: Identity, root: Path, clock: Clock) -> tuple[Identity, Backend]:
    from swept.connect import connect

    server = connect(Path.cwd())
    answer = server.manual_run(
        {
            "project": own.project or Path.cwd().name or "default",
            "name": own.name or None,
            "config": dict(own.config),
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "command": " ".join(sys.argv),
        }
    )
    run, place = answer["run"], _place(root, answer)
    place.keep_brief(Brief(run=run, attempt=answer["attempt"], kind="manual", config=own.config))
    identity = replace(
        own, id=run, name=answer["name"], project=answer["project"], seed=answer["seed"]
    )
    complain(f"run {answer['name']} ({run}) at {server.url}")
    clients = iter([server])
    recorder = _own_recorder(
        answer,
        root,
        place,
        Journal(place.journal),
        server.handshake()["home"],
        lambda: next(clients, None) or connect(Path.cwd()),
        clock,
    )
    return identity, recorder


def _own_recorder(
    claimed: Claimed,
    root: Path,
    place: Workspace,
    journal: Journal,
    home: str,
    connect: Callable[[], Client],
    clock: Clock,
) -> Recorder:
    """For a program that completes its run by itself. What it cannot send, the next `swept agent` here sends."""
    run, lease = claimed["run"], claimed["lease"]
    by_hand = claimed["kind"] == "manual"
    kept = Manual(run, lease, home)
    place.keep_manual(kept)

    def complete(client: Client, exit_code: int, told: Told | None) -> None:
        obeyed, why = (told.desired, told.reason) if told else ("go", "")
        if by_hand and obeyed == "pause":  # nobody would ever take it up again
            obeyed = "stop"
        ended = replace(kept, exit_code=exit_code, obeyed=obeyed, why=why)
        place.keep_manual(ended)
        client.complete(run, completion(ended))
        place.drop_manual()

    checkpoints = root / "checkpoints" / run
    return Recorder(
        run,
        lease,
        place,
        journal,
        checkpoints,
        claimed["attempt"],
        connect,
        clock,
        complete=complete,
        patience=0.0 if by_hand else END_PATIENCE,
        printed=_printed(place, clock),
    )


def _printed(place: Workspace, clock: Clock) -> Printed | None:
    if not printed.wanted():
        return None
    try:
        return Printed(place.console, clock)
    except OSError as error:
        complain(f"what this program prints is not kept ({error})")
        return None


def completion(ended: Manual) -> Completion:
    """How a run without swept's agent ended."""
    code = ended.exit_code
    outcome, reason = "failed", f"the program ended with code {code}"
    if code == INTERRUPTED_EXIT:
        outcome, reason = "killed", "interrupted at its terminal"
    elif code == 0:
        outcome = {"stop": "stopped", "pause": "paused"}.get(ended.obeyed, "finished")
        reason = ended.why or "the program ended"
    return {
        "lease": ended.lease,
        "outcome": outcome,
        "exit_code": code,
        "signal": None,
        "reason": reason,
        "tail": [],
    }


def offline(own: Identity, clock: Clock) -> tuple[Identity, Backend]:
    identity = replace(own, id=uuid.uuid4().hex[:8])
    path = Path(LOCAL_RUNS) / f"{identity.id}.jsonl"
    return replace(identity, name=own.name or identity.id), LocalFile(path, identity, clock)
