"""`wandb.init(fork_from="RUN?_step=N")`: a new run that begins with another one's rows up to step N.

The client names the other run in its own entry of the config (`branch_point`) and counts on from N + 1; the rows are the
server's to bring. The summary begins as it stood at step N, and later ones are merged into it: the client's holds
only what the fork itself has logged. A rewind (`resume_from`) looks the same, but names the run itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from swept.errors import UsageError
from swept.model import Kind, Row, Run
from swept.server.auth import Access
from swept.server.wandb import defined, stream
from swept.server.wandb.declined import REWIND
from swept.server.wandb.history import Beside
from swept.server.wandb.service import (
    CHARTS,
    DEFINED,
    FORK,
    FORK_SHIFT,
    FORKED,
    FORKING,
    Service,
    last_attempt,
    located,
    mark,
    marked,
)

PART = 5000  # rows that are copied at a time


@dataclass(frozen=True, slots=True)
class Fork:
    """Which run is forked, and after which step."""

    parent: Run
    step: int

    @property
    def reason(self) -> str:
        return f"forked by hand from run {self.parent.id} at step {self.step}"

    @property
    def note(self) -> dict[str, Any]:
        return {"run": self.parent.id, "step": self.step}


def asked(
    service: Service, access: Access, project: str, name: str, config: Any, run: Run | None
) -> Fork | None:
    """The fork that an init asks for, of a run that is there or not yet. Raises NotFound, UsageError: a fork without
    all of its rows would look like a whole one."""
    point = defined.branch_of(config)
    if point is None:
        return None
    origin, step = point
    if origin == name or (run is not None and origin == run.id):
        raise UsageError(REWIND)
    if run is not None and run.kind is not Kind.MANUAL:
        raise UsageError(
            f"run {run.id} belongs to a search, and cannot be a fork (fork_from): another run's rows would count as its own",
            hint="fork in a script of your own, outside of the sweep",
        )
    parent = located(service, access, project, origin)
    last = Beside(service, [parent]).last_step(parent.id)
    if last is None or last < step:
        here = "no rows" if last is None else f"rows up to step {last} only"
        raise UsageError(
            f"run {parent.id} cannot be forked at step {step}: the server has {here}",
            hint="fork at an earlier step, or finish that run first: its rows arrive some seconds later",
        )
    return Fork(parent, step)


def begin(service: Service, run: Run, fork: Fork) -> Run:
    """Give the run's present attempt the rows of its parent. A second time, nothing happens; one that was cut short
    goes on where it was."""
    with service.notes.numbering.of(run.id):  # the client asks again while the first is at work
        run = service.store.run(run.id)
        attempt = last_attempt(run)
        if attempt is None or marked(run, FORKED):
            return run
        note = {FORKING: mark(run), FORK: fork.note}
        service.store.update_run(run.id, now=service.now(), details=note)
        summary = _copied(service, run, attempt.number, fork)
        return _forked(service, run, fork, summary)


def is_begun(run: Run, fork: Fork) -> bool:
    """Whether the present attempt is this fork, with all of its parent's rows or not yet."""
    noted = marked(run, FORKING) or marked(run, FORKED)
    return noted and run.details.get(FORK) == fork.note


def own_step(service: Service, run: Run) -> int | None:
    """The last step of the present attempt, as far as it has rows: those hide what earlier ones had from there on."""
    last, attempt = Beside(service, [run]).last_step(run.id), last_attempt(run)
    if last is None or attempt is None:
        return None
    own = [row for row in service.store.rows(run.id, since=last) if row.attempt == attempt.number]
    return own[-1].step if own else None


def _copied(service: Service, run: Run, attempt: int, fork: Fork) -> dict[str, Any]:
    """Copy what is not there yet; the summary as it stood at the fork."""
    there = own_step(service, run)
    summary: dict[str, Any] = {}
    for part in _parts(service, fork):
        rows = [row for row in part if there is None or row.step > there]
        if rows:
            service.store.log_rows(run.id, attempt, rows, now=service.now())
        for row in part:
            summary |= row.metrics
    return summary


def _forked(service: Service, run: Run, fork: Fork, summary: Mapping[str, Any]) -> Run:
    details = fork.parent.details
    return service.store.update_run(
        run.id,
        now=service.now(),
        summary=summary,
        replace_summary=True,
        details={
            FORKED: mark(run),
            FORK_SHIFT: None,
            FORK: fork.note,
            **{key: details[key] for key in (DEFINED, CHARTS) if key in details},
        },
    )


def placed(run: Run, post: stream.Post) -> tuple[stream.Post, Mapping[str, Any] | None]:
    """The fork's own rows behind those of its parent, and what to remember of it. Clients count on from there; one
    that was offline when it forked (0.19) begins with 0, and would write over its parent's rows."""
    steps = [row.step for row in post.rows if row.step is not None]
    if not marked(run, FORKED) or not steps:
        return post, None
    begin = run.details[FORK]["step"] + 1
    known = run.details.get(FORK_SHIFT)
    shift = known if known is not None else begin if min(steps) < begin else 0
    return (_shifted(post, shift) if shift else post), {FORK_SHIFT: shift}


def _shifted(post: stream.Post, shift: int) -> stream.Post:
    rows = [row if row.step is None else replace(row, step=row.step + shift) for row in post.rows]
    summary = post.summary
    if summary is not None and isinstance(summary.get("_step"), int):
        summary = {**summary, "_step": summary["_step"] + shift}
    return replace(post, rows=tuple(rows), summary=summary)


def _parts(service: Service, fork: Fork) -> Iterator[list[Row]]:
    since: int | None = None
    while part := service.store.rows(fork.parent.id, since=since, before=fork.step + 1, limit=PART):
        yield part
        since = part[-1].step + 1
