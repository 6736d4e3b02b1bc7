"""Runs as the client makes and changes them: `upsertBucket`, `RunResumeStatus`'s bucket, and how a run ends.

An *init* is the first upsert of a `wandb.init`: it alone names the host. Under the real `wandb agent`, and in plain
scripts, `complete` on the file stream ends a run. Under `swept agent` the exit code does, so that a program may
init and finish several times: an init on an attempt that was already used opens the next attempt row, else its
rows, which count from 0 again, would overwrite acknowledged ones.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from typing import Any

from swept.errors import Conflict, NotFound, UsageError
from swept.model import Desired, Kind, Outcome, Run, RunState
from swept.server.auth import Access
from swept.server.wandb import defined, forks, reads, shared, tokens
from swept.server.wandb.forks import Fork
from swept.server.wandb.graphql import Arguments, Node
from swept.server.wandb.service import (
    CHARTS,
    CLOSED,
    CONFIG,
    DEFAULT_PROJECT,
    DEFINED,
    FORK,
    FORK_SHIFT,
    INITED,
    JOINED,
    PREEMPTING,
    RESUMING,
    WANDB_SCRIPT,
    Service,
    checked_name,
    find_sweep,
    last_attempt,
    locate,
    mark,
    marked,
    may_report,
    run_id,
    stale,
    to_stop,
    under_real_agent,
)
from swept.wire.reports import Completion

_BY_HAND = "started by hand: wandb.init outside a sweep's agent"
_DETAILS: Mapping[str, str] = {
    "groupName": "group",
    "jobType": "job_type",
    "notes": "notes",
    "tags": "tags",
    "description": "description",
    "host": "host",
    "jobProgram": "program",
    "jobRepo": "repository",
    "commit": "commit",
}
"""The client's name → the key in `Run.details`."""

_RENEWALS = 9  # in the time of a lease: it needs none with every post


def upsert(service: Service, access: Access, arguments: Arguments) -> Node:
    """Create or change a run. null leaves a thing as it is. Raises NotFound (by storage id), UsageError."""
    data = arguments.input()
    project = data.text("modelName") or DEFAULT_PROJECT
    storage, name = data.text("id"), data.text("name")
    if storage and not name:
        data.ignore("entityName", "modelName", "state", "debug")
        run = service.store.run(storage)
        if not may_report(access, run):
            raise UsageError("this key belongs to another run", hint="use the server's API key")
        return _answer(service, _changed(service, run, data), inserted=False)
    run_found = locate(service, access, project, name) if name else None
    waiting = data.text("state").lower() == "pending"  # `Api().create_run`: somebody will init it
    init = data.get("host") is not None or (run_found is None and not waiting)
    data.ignore("entityName", "sweep", "debug")
    asked = (project, name, data.get("config"), run_found)
    fork = forks.asked(service, access, *asked) if init else None
    run = run_found or _created(service, project, name, data, fork)
    if not may_report(access, run):
        raise UsageError("this key belongs to another run", hint="use the server's API key")
    if access.run == run.id and stale(service, access):
        return _answer(service, run, inserted=False)
    if init:
        run = _inited(service, run, str(data.get("host") or ""), access.writer, fork)
    if fork is not None:
        run = forks.begin(service, run, fork)
    run = _changed(service, run, data)
    return _answer(service, run, inserted=run_found is None)


def _answer(service: Service, run: Run, *, inserted: bool) -> Node:
    return {
        "__typename": "UpsertBucketPayload",
        "bucket": reads.run_node(service, run),
        "inserted": inserted,
        "serverSettings": {"__typename": "ServerSettings", "serverMessages": []},
    }


def _created(service: Service, project: str, name: str, data: Arguments, fork: Fork | None) -> Run:
    """A run that nobody handed out: a plain `wandb.init`."""
    wanted = checked_name(name) if name else None
    if wanted and _taken(service, wanted):
        wanted = run_id(project, wanted)
    sweep = find_sweep(service, data.text("sweep"))
    return service.store.add_run(
        project=project,
        sweep=sweep.id if sweep else None,
        kind=Kind.MANUAL,
        config=_plain_config(data.get("config")),
        now=service.now(),
        name=data.text("displayName"),
        run_id=wanted,
        parent=fork.parent.id if fork else None,
        why={"reason": fork.reason if fork else _BY_HAND},
    )


def _taken(service: Service, name: str) -> bool:
    try:
        service.store.run(name)
    except NotFound:
        return False
    return True


def _inited(service: Service, run: Run, host: str, writer: str, fork: Fork | None) -> Run:
    """Make sure that the run has an attempt for this init, and mark it. Another writer of a run goes on with it."""
    resuming = marked(run, RESUMING) or (bool(writer) and marked(run, INITED))
    afresh: dict[str, Any] = {}
    if _needs_attempt(service, run, fork, resuming=resuming):
        run = _opened(service, run, host, resumable=resuming)
        if fork is None and not resuming and run.details.get(FORK):
            afresh = {FORK: None, FORK_SHIFT: None}  # begun again from zero: no fork any more
    if not writer:
        return _marked(service, run, afresh)
    with service.notes.numbering.of(
        run.id
    ):  # what the other writers have is read, and stored again
        run = service.store.run(run.id)
        return _marked(service, run, {**afresh, **shared.joined(run, writer)})


def _marked(service: Service, run: Run, more: Mapping[str, Any]) -> Run:
    details = {INITED: mark(run), RESUMING: "", **more}
    return service.store.update_run(run.id, now=service.now(), details=details)


def _needs_attempt(service: Service, run: Run, fork: Fork | None, *, resuming: bool) -> bool:
    if run.state is RunState.RUNNING and resuming:
        return not marked(run, INITED)  # a new attempt that goes on after the old one's last step
    if run.state is RunState.RUNNING:
        return _used(service, run, fork)
    if run.kind is not Kind.MANUAL and run.state.ended and run.state is not RunState.CRASHED:
        _refuse_again(service, run, resuming=resuming)
        return False
    return run.state is not RunState.PAUSED


def _refuse_again(service: Service, run: Run, *, resuming: bool) -> None:
    """A run of a search stays as it ended. What a resumed program says after that is added, step by step; one
    that begins at step 0 again would overwrite what the search has seen. Raises UsageError."""
    if not resuming and service.store.rows(run.id, limit=1):
        raise UsageError(
            f"run {run.id} is over ({run.state}), and its rows stay as they are",
            hint='wandb.init(resume="allow") adds to it; a new training needs a run id of its own',
        )


def _used(service: Service, run: Run, fork: Fork | None) -> bool:
    """Whether another init already wrote under the last attempt. A repeated request of the same init has not: what
    the server itself copied for that fork does not count."""
    if not marked(run, INITED):
        return False
    if marked(run, CLOSED):
        return True
    step = forks.own_step(service, run)
    if step is None:
        return False
    now = service.store.run(run.id)  # a fork is noted before its first row: read after that
    return fork is None or step > fork.step or not forks.is_begun(now, fork)


def _opened(service: Service, run: Run, host: str, *, resumable: bool) -> Run:
    attempt = last_attempt(run)
    now = service.now()
    again = run.state.ended and run.state is not RunState.CRASHED
    if attempt is None or again:
        agent = service.store.add_agent(
            sweep=None, host=host, kind=WANDB_SCRIPT, slots=1, now=now
        ).id
    else:
        agent = attempt.agent
    with contextlib.suppress(Conflict):  # ended meanwhile: what it still says is kept
        service.store.open_attempt(
            run.id,
            agent=agent,
            host=host,
            now=now,
            lease_seconds=service.engine.wandb_lease_seconds,
            resumable=resumable,
        )
    return service.store.run(run.id)


def _changed(service: Service, run: Run, data: Arguments) -> Run:
    details = {key: data[name] for name, key in _DETAILS.items() if data.get(name) is not None}
    config = data.get("config")
    effective: dict[str, Any] | None = None
    own: dict[str, Any] | None = None
    if config is not None:
        plain = _plain_config(config)
        details[CONFIG] = plain
        details |= _drawn(run, config)
        if run.sweep is None or run.kind is Kind.MANUAL:
            own = plain
        else:
            effective = _overwrites(service, run, plain)
    summary = data.get("summaryMetrics")
    return service.store.update_run(
        run.id,
        now=service.now(),
        name=data.text("displayName") or None,
        config=own,
        summary=None if summary is None else _summary(summary),
        replace_summary=summary is not None,
        details=details or None,
        effective=effective,
    )


def _plain_config(config: Any) -> dict[str, Any]:
    """`{key: {"value": v}}` as `{key: v}`, without the client's own bookkeeping."""
    return {
        key: entry["value"] if isinstance(entry, dict) and "value" in entry else entry
        for key, entry in tokens.mapping(config).items()
        if key not in ("_wandb", "wandb_version")
    }


def _drawn(run: Run, config: Any) -> dict[str, Any]:
    """How metrics are to be drawn. A resumed program sends what it has defined itself, so the rest is kept."""
    kept = defined.metrics(run.details.get(DEFINED))
    drawn = {DEFINED: {**kept, **defined.metrics(defined.records_of(config))}}
    charts = defined.charts_of(config)
    return {**drawn, CHARTS: {**(run.details.get(CHARTS) or {}), **charts}} if charts else drawn


def _summary(summary: Any) -> dict[str, Any]:
    values = tokens.mapping(summary)
    values.pop("_wandb", None)
    return values


def _overwrites(service: Service, run: Run, plain: Mapping[str, Any]) -> dict[str, Any] | None:
    """The run's config with the swept keys that the program overwrote; None = it kept all of them."""
    sweep = find_sweep(service, run.sweep or "")
    if sweep is None:
        return None
    spec = service.spec(sweep)
    space, given = spec.space, spec.given(run.config, run.seed)
    changed: dict[str, Any] = dict(run.config)
    for parameter in space.parameters:
        value = space.get(plain, parameter.name)
        if value is not None and value != space.get(given, parameter.name):
            changed = space.put(changed, parameter.name, value)
    return changed if changed != run.config else None


def resume_bucket(service: Service, access: Access, project: str, name: str) -> Node | None:
    """What `wandb.init(resume=…)` finds: None for a run whose present attempt has not called init before.

    A fresh attempt must not go on where a dead one ended: `resume="allow"`, which Lightning always sets, would
    append the new curve to the old one. The exception is an attempt that had said that it is being pre-empted.
    """
    run = locate(service, access, project, name)
    attempt = last_attempt(run) if run else None
    if run is None or attempt is None or stale(service, access):
        return None
    before = (mark(run), mark(run, attempt.number - 1))
    preempted = run.details.get(PREEMPTING) in before
    # Under swept's own agent a key has one process at a time: it resumes what that process has closed.
    own = marked(run, INITED) if access.run is None else marked(run, CLOSED)
    if not (preempted or own):
        return None
    service.store.update_run(run.id, now=service.now(), details={RESUMING: mark(run)})
    return reads.resume_node(service, run)


def renew(service: Service, run: Run) -> None:
    """Renew the lease of a W&B run that shows life; a crashed one is revived."""
    attempt = last_attempt(run)
    if attempt is None or run.state not in (RunState.RUNNING, RunState.CRASHED):
        return
    now = service.now()
    often = service.engine.wandb_lease_seconds / _RENEWALS
    recently = now - service.notes.renewed.get(run.id, -math.inf) < often
    if run.state is RunState.RUNNING and recently:
        return
    service.notes.renewed[run.id] = now
    service.store.log_rows(run.id, attempt.number, (), now=now)  # no rows: only the sign of life


def complete(service: Service, run: Run, exit_code: int | None) -> None:
    """The client said that the run is over. Repeated: nothing more happens."""
    attempt = last_attempt(run)
    if attempt is None:
        return
    service.store.update_run(run.id, now=service.now(), details={CLOSED: mark(run)})
    if not under_real_agent(service, run) or run.state.ended or marked(run, JOINED):
        return
    outcome, reason = _outcome(run, exit_code)
    end(service, run, outcome, reason, exit_code)


def _outcome(run: Run, exit_code: int | None) -> tuple[Outcome, str]:
    if run.desired is Desired.STOP:
        return Outcome.STOPPED, run.desired_why
    if not exit_code:
        return Outcome.FINISHED, "the program finished"
    if marked(run, PREEMPTING):
        return Outcome.PREEMPTED, "the program said that it is being pre-empted"
    return Outcome.FAILED, f"the program ended with exit code {exit_code}"


def end(
    service: Service, run: Run, outcome: Outcome, reason: str, exit_code: int | None = None
) -> None:
    """Close the run's attempt; no retry under the same id."""
    lease = service.store.lease(run.id)
    if lease is None:
        return
    service.notes.forget(run.id)
    completion = Completion(
        lease=lease.token,
        outcome=outcome.value,
        exit_code=exit_code,
        signal=None,
        reason=reason,
        tail=[],
    )
    service.engine.complete(run.id, lease.token, completion)
    service.context.work.ring()
    attempt = last_attempt(run)
    if attempt is not None and service.store.agent(attempt.agent).kind == WANDB_SCRIPT:
        service.store.end_agent(attempt.agent, now=service.now())


def stopped(service: Service, run: Run) -> bool:
    """Whether the client is asked to stop; remembers when it was first told."""
    if run.desired is not Desired.STOP:
        service.notes.told.pop(run.id, None)  # withdrawn: a later order is a new one
        return False
    told(service, run)
    return to_stop(service, run)


def told(service: Service, run: Run) -> None:
    """The program knows by now that it should stop."""
    service.notes.told.setdefault(run.id, service.now())
