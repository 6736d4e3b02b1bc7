"""Leases: who holds a run, for how long, and when a lost one may be taken up again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from swept.errors import LeaseLost
from swept.model import Desired, Move, Outcome, Run
from swept.store import endings, moves, runs, schema
from swept.store.base import Ended, Order
from swept.store.work import Work


def of_token(connection: Connection, token: str) -> Row[Any] | None:
    table = schema.leases
    return connection.execute(select(table).where(table.c.token == token)).one_or_none()


def of_run(connection: Connection, run: str) -> Row[Any] | None:
    """The run's live lease."""
    table = schema.leases
    statement = select(table).where(table.c.run == run, table.c.state == "live")
    return connection.execute(statement).one_or_none()


def live(connection: Connection, now: float) -> int:
    """How many leases have not run out."""
    table = schema.leases
    statement = select(func.count()).where(table.c.state == "live", table.c.expires > now)
    return connection.execute(statement).scalar_one()


def change(work: Work, token: str, **values: Any) -> None:
    table = schema.leases
    work.connection.execute(update(table).where(table.c.token == token).values(**values))


def issue(
    work: Work,
    run: str,
    attempt: int,
    *,
    agent: str,
    seconds: float,
    requeue: bool,
    request: str | None = None,
    from_zero: bool = False,
) -> Row[Any]:
    """A fresh token for `run`: its only live lease."""
    token = work.identities.token()
    work.connection.execute(
        insert(schema.leases),
        {
            "token": token,
            "run": run,
            "attempt": attempt,
            "agent": agent,
            "request": request,
            "state": "live",
            "issued": work.now,
            "expires": work.now + seconds,
            "seconds": seconds,
            "requeue": int(requeue),
            "from_zero": int(from_zero),
        },
    )
    found = of_token(work.connection, token)
    assert found is not None
    return found


# -- holding --------------------------------------------------------------------------------------


def hold(work: Work, run: str, token: str) -> Row[Any]:
    """The live lease of `token`, taken back where it ran out and nobody re-claimed the run. Raises LeaseLost."""
    lease = of_token(work.connection, token)
    if lease is None or lease.run != run:
        raise LeaseLost(f"the token given is none of run `{run}`")
    if lease.state == "live":
        return lease
    if lease.state == "ended":
        raise LeaseLost(f"this attempt at run {run} is over: the run is {lease.answer}")
    return revive(work, lease)


def revive(work: Work, lease: Row[Any]) -> Row[Any]:
    """Take the run back from pending or crashed. The retry that the expiry used is given back."""
    run = runs.find(work.connection, lease.run)
    if run.attempts != lease.attempt:
        raise LeaseLost(f"the lease of run {run.id} ran out and another agent has it now")
    if not moves.allowed(Move.REVIVE, run.state):
        raise LeaseLost(f"the lease of run {run.id} ran out and the run is {run.state} now")
    moves.move(
        work,
        run,
        Move.REVIVE,
        reason="its agent reported again after the lease had run out",
        values={"retries": run.retries - lease.retried},
        attempt=lease.attempt,
    )
    table = schema.attempts
    work.connection.execute(
        update(table)
        .where(table.c.run == run.id, table.c.number == lease.attempt)
        .values(ended=None, outcome=None, reason="")
    )
    change(
        work,
        lease.token,
        state="live",
        answer=None,
        retried=0,
        expires=work.now + lease.seconds,
    )
    again = of_token(work.connection, lease.token)
    assert again is not None
    return again


def renew(work: Work, token: str, seconds: float) -> None:
    change(work, token, expires=work.now + seconds, seconds=seconds)


def order(connection: Connection, run: str) -> Order:
    """What the run should do now."""
    row = runs.find(connection, run)
    table = schema.attempts
    statement = select(table.c.last_sequence).where(
        table.c.run == run, table.c.number == row.attempts
    )
    acknowledged = connection.execute(statement).scalar() or 0
    return Order(Desired(row.desired), row.desired_why, acknowledged)


def heartbeat(
    work: Work, agent: str, tokens: Mapping[str, str], seconds: float
) -> dict[str, Order | None]:
    """Renew all of the agent's leases; None for each that is lost."""
    table = schema.agents
    work.connection.execute(update(table).where(table.c.id == agent).values(last_seen=work.now))
    orders: dict[str, Order | None] = {}
    for run, token in tokens.items():
        try:
            hold(work, run, token)
        except LeaseLost:
            orders[run] = None
            continue
        renew(work, token, seconds)
        orders[run] = order(work.connection, run)
    return orders


# -- running out ----------------------------------------------------------------------------------


def overdue(connection: Connection, now: float) -> list[Row[Any]]:
    table = schema.leases
    statement = select(table).where(table.c.state == "live", table.c.expires <= now)
    return list(connection.execute(statement.order_by(table.c.expires, table.c.token)))


def overdue_runs(connection: Connection, now: float) -> list[Run]:
    return [runs.get(connection, lease.run) for lease in overdue(connection, now)]


def expire(work: Work, max_retries: int, retries: Mapping[str, int]) -> list[Ended]:
    """End every lease that ran out; `retries` by run, where it is not `max_retries`."""
    overdue_leases = overdue(work.connection, work.now)
    return [_expire(work, lease, max_retries, retries) for lease in overdue_leases]


def _expire(work: Work, lease: Row[Any], usual: int, retries: Mapping[str, int]) -> Ended:
    max_retries = retries.get(lease.run, usual)
    reason = f"its agent was silent for {work.now - lease.expires + lease.seconds:.0f} s"
    return endings.end(
        work, lease, Outcome.LOST, reason=reason, max_retries=max_retries, lease_state="expired"
    )


def start_period(work: Work) -> int:
    """Every live lease gets a full new period."""
    table = schema.leases
    return work.connection.execute(
        update(table).where(table.c.state == "live").values(expires=work.now + table.c.seconds)
    ).rowcount
