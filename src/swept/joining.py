"""Which run a process belongs to: the agent's, one of its own at a server, or one in a local file."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from swept import workspace
from swept.clock import Clock
from swept.errors import SweptError
from swept.recording import Backend, Identity, LocalFile, Recorder, ResumePoint, Silent
from swept.reporting import Journal, JournalBusy, complain
from swept.values import Config
from swept.wire import Completion
from swept.workspace import Brief, Manual, Workspace

if TYPE_CHECKING:
    from swept.client import Client

INTERRUPTED_EXIT = 130
LOCAL_RUNS = "swept-runs"
REPORT_SECONDS = 10.0
"""How long one request of a training may take before it counts as failed and is repeated."""


def claimed(own: Identity, secondary: bool, clock: Clock) -> tuple[Identity, Backend]:
    """The run that the agent put into the environment; `own` is what the program said itself.

    A second process of the run (another rank, a worker that imports the script) gets the configuration and
    reports nothing.
    """
    place = Workspace(Path(os.environ.get("SWEPT_RUN_DIR") or _run_dir()))
    brief = place.brief() or _from_environment()
    identity = Identity(
        id=brief.run,
        name=brief.name or own.name,
        kind=brief.kind,
        project=brief.project or own.project,
        seed=brief.seed,
        config=Config({**own.config, **brief.config}),
        metric=brief.metric,
        checkpoint=_resume_point(brief),
    )
    if secondary:
        return identity, Silent()
    try:
        journal = Journal(place.journal)
    except JournalBusy:
        complain("another process of this run reports already: this one does not")
        return identity, Silent()
    return identity, _recorder(brief, place, journal, clock)


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
    run, lease = answer["run"], answer["lease"]
    place = Workspace(root / "runs" / run / f"attempt-{answer['attempt']}")
    place.keep_brief(Brief(run=run, attempt=answer["attempt"], kind="manual", config=own.config))
    identity = replace(
        own, id=run, name=answer["name"], project=answer["project"], seed=answer["seed"]
    )
    complain(f"run {answer['name']} ({run}) at {server.url}")

    manual = Manual(run, lease, server.handshake()["home"])
    place.keep_manual(manual)

    def complete(client: Client, exit_code: int, obeyed: bool) -> None:
        place.keep_manual(replace(manual, exit_code=exit_code, obeyed=obeyed))
        client.complete(run, completion(lease, exit_code, obeyed))
        place.drop_manual()

    clients = iter([server])
    recorder = Recorder(
        run,
        lease,
        place,
        Journal(place.journal),
        root / "checkpoints" / run,
        answer["attempt"],
        lambda: next(clients, None) or connect(Path.cwd()),
        clock,
        complete=complete,
    )
    return identity, recorder


def completion(lease: str, exit_code: int, obeyed: bool) -> Completion:
    """How a run outside of agents ended."""
    outcome, reason = "failed", f"the program ended with code {exit_code}"
    if exit_code == INTERRUPTED_EXIT:
        outcome, reason = "killed", "interrupted at its terminal"
    elif exit_code == 0:
        outcome, reason = "stopped" if obeyed else "finished", "the program ended"
    return {
        "lease": lease,
        "outcome": outcome,
        "exit_code": exit_code,
        "signal": None,
        "reason": reason,
        "tail": [],
    }


def offline(own: Identity, clock: Clock) -> tuple[Identity, Backend]:
    identity = replace(own, id=uuid.uuid4().hex[:8])
    path = Path(LOCAL_RUNS) / f"{identity.id}.jsonl"
    return replace(identity, name=own.name or identity.id), LocalFile(path, identity, clock)
