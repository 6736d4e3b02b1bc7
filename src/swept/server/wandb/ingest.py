"""One file-stream post, made durable: rows, console, summary, and the end of the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from swept.model import Run, RunState
from swept.server.auth import Access
from swept.server.wandb import forks, runs, shared, stream
from swept.server.wandb.service import (
    FORKED,
    JOINED,
    PREEMPTING,
    Service,
    last_attempt,
    locate,
    mark,
    marked,
    may_report,
    stale,
    under_real_agent,
)


def take(
    service: Service, access: Access, project: str, name: str, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Store what the post says, before it is answered. Raises StoreError for what may pass.

    A stale attempt, and a run that was deleted, are answered as if all were well: the client would otherwise
    repeat the post for ever, or give up in silence.
    """
    if stale(service, access):
        service.tally.add("file_stream(stale key)")
        return _answer(stopped=True)
    run = locate(service, access, project, name)
    attempt = last_attempt(run) if run else None
    if run is not None and not may_report(access, run):
        service.tally.add("file_stream(another run's key)")
        return _answer(stopped=True)
    if run is None or attempt is None:
        service.tally.add("file_stream(unknown run)")
        return _answer(stopped=run is None)
    post = stream.read(body, service.now())
    for _ in range(post.unreadable):
        service.tally.add("file_stream(unreadable line)")
    if access.run is None:
        runs.renew(service, run)
    if access.writer:
        _store_shared(service, run.id, attempt.number, access.writer, post)
    else:
        _store(service, run, attempt.number, *forks.placed(run, post))
    if post.complete and shared.began(run, access.writer):
        runs.complete(service, service.store.run(run.id), post.exit_code)
    return _answer(stopped=runs.stopped(service, service.store.run(run.id)))


def _answer(*, stopped: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"exitcode": None, "limits": {}}
    return {**answer, "stopped": True} if stopped else answer


def _store_shared(
    service: Service, name: str, attempt: int, writer: str, post: stream.Post
) -> None:
    """One writer of several at a time: the rows of each are numbered on from those of all."""
    with service.notes.numbering.of(name):
        run = service.store.run(name)
        details = shared.taken(run, writer, post) if post.rows else None
        _store(service, run, attempt, shared.placed(run, writer, post), details, whole=False)


def _store(
    service: Service,
    run: Run,
    attempt: int,
    post: stream.Post,
    details: Mapping[str, Any] | None = None,
    *,
    whole: bool = True,
) -> None:
    """`details` are stored with the rows; `whole`: the summary is all there is."""
    now = service.now()
    changed = False
    if post.rows or post.events:
        rows = stream.numbered(post.rows, _following(service, run, post))
        order = service.store.log_rows(
            run.id, attempt, rows, now=now, events=post.events, details=details
        )
        if rows and not whole:
            service.notes.following[run.id] = rows[-1].step + 1
        changed = order.objective_changed
    # Else it comes from swept's own agent, or from swept's SDK in the same program, under numbers of its own.
    if post.console and under_real_agent(service, run) and not marked(run, JOINED):
        service.store.add_console(run.id, attempt, post.console, now=now)
    if post.summary is not None or post.preempting:
        service.store.update_run(
            run.id,
            now=now,
            summary=post.summary,
            replace_summary=whole and not marked(run, FORKED) and post.summary is not None,
            details={PREEMPTING: mark(run)} if post.preempting else None,
        )
    if changed and run.state is RunState.RUNNING:
        service.engine.after_rows(run.id)


def _following(service: Service, run: Run, post: stream.Post) -> int:
    """The step after the last one; asked for only where rows came without steps."""
    if all(row.step is not None for row in post.rows):
        return 0
    if run.id in service.notes.following:
        return service.notes.following[run.id]
    rows = service.store.rows(run.id)
    return rows[-1].step + 1 if rows else 0
