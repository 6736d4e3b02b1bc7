"""Agents: who works on what, and when it was last heard of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from swept.errors import NotFound
from swept.model import Agent
from swept.store import schema, sweeps
from swept.store.work import Work


def add(work: Work, *, sweep: str | None, host: str, kind: str, slots: int) -> Agent:
    """A new agent. Raises NotFound for an unknown sweep."""
    if sweep is not None:
        sweeps.find(work.connection, sweep)
    identity = work.identities.short()
    work.connection.execute(
        insert(schema.agents),
        {
            "id": identity,
            "ordinal": work.ordinal(),
            "sweep": sweep,
            "host": host,
            "kind": kind,
            "slots": slots,
            "started": work.now,
            "last_seen": work.now,
        },
    )
    work.event("agent.started", sweep=sweep, agent=identity, host=host, kind=kind, slots=slots)
    return get(work.connection, identity)


def get(connection: Connection, agent: str) -> Agent:
    """Raises NotFound."""
    table = schema.agents
    row = connection.execute(select(table).where(table.c.id == agent)).one_or_none()
    if row is None:
        raise NotFound(f"there is no agent `{agent}`")
    return _agent(row)


def listed(connection: Connection, sweep: str | None) -> list[Agent]:
    """In order of their start."""
    table = schema.agents
    statement = select(table).order_by(table.c.ordinal)
    if sweep is not None:
        statement = statement.where(table.c.sweep == sweep)
    return [_agent(row) for row in connection.execute(statement)]


def touch(work: Work, agent: str) -> None:
    get(work.connection, agent)
    table = schema.agents
    work.connection.execute(update(table).where(table.c.id == agent).values(last_seen=work.now))


def end(work: Work, agent: str) -> None:
    """The agent is gone; repeated, nothing changes."""
    found = get(work.connection, agent)
    if found.ended is not None:
        return
    table = schema.agents
    work.connection.execute(
        update(table).where(table.c.id == agent).values(last_seen=work.now, ended=work.now)
    )
    work.event("agent.ended", sweep=found.sweep, agent=agent)


def _agent(row: Row[Any]) -> Agent:
    return Agent(
        row.id,
        row.sweep,
        row.host,
        row.kind,
        row.slots,
        row.started,
        row.last_seen,
        row.ended,
    )
