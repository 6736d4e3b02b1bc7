"""What a run reports: rows, checkpoints, summary; merged, numbered, and reflected in the visible history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Table, delete, exists, select, update

from swept.errors import LeaseLost, NotFound, UsageError
from swept.model import Desired, RunState
from swept.model import Row as MetricRow
from swept.store import flat, history, leases, points, runs, schema, sweeps
from swept.store.base import MEASURED, Order
from swept.store.bulk import portions
from swept.store.codec import dumps
from swept.store.imports import HALF
from swept.store.measured import superfluous
from swept.store.work import Work
from swept.wire.reports import Report


def report(work: Work, run: str, token: str, reports: Sequence[Report], seconds: float) -> Order:
    """Take the attempt's ordered queue as far as it has no gap. Raises LeaseLost."""
    lease = leases.hold(work, run, token)
    intake = Intake(work, run, lease.attempt)
    sequence: int = intake.attempt.last_sequence
    for item in reports:
        if item["seq"] > sequence + 1:
            break
        if item["seq"] == sequence + 1:
            intake.take(item)
            sequence += 1
    intake.close(last_sequence=sequence)
    leases.renew(work, token, seconds)
    return intake.order(sequence)


def log_rows(
    work: Work,
    run: str,
    attempt: int,
    rows: Sequence[MetricRow],
    events: Sequence[MetricRow],
    details: Mapping[str, Any] | None,
) -> Order:
    """Take rows that bring their steps. They are a sign of life too: the attempt's lease is renewed or revived."""
    _attempt(work.connection, run, attempt)
    _keep_alive(work, run, attempt)
    intake = Intake(work, run, attempt)
    for row in rows:
        intake.log(row.step, row.metrics, row.time)
    intake.close()
    if events:
        _make_room(work.connection, intake.run)
        _keep_system(work, run, attempt, events)
    if details:
        runs.add_details(work, run, details)
    if intake.run.state != RunState.RUNNING and intake.run.ended_because != HALF:
        runs.told_late(work, intake.run)
    return intake.order(intake.attempt.last_sequence)


def add_measured(work: Work, run: str, attempt: int, rows: Sequence[MetricRow]) -> bool:
    """Take an agent's figures of the machine; False: nobody wants them. Raises LeaseLost.

    W&B's client in a program and swept's agent around it measure the same. The client's figures stay, since whoever
    brought that program along knows them; the agent's, which may have come first, make room.
    """
    found = runs.find(work.connection, run)
    if attempt != found.attempts:
        raise LeaseLost(
            f"run {run} was given to another agent: these figures are of an earlier attempt"
        )
    table = schema.system_rows
    clients = exists().where(*_system(found), table.c.step < MEASURED)
    if work.connection.execute(select(clients)).scalar_one():
        return False
    _keep_system(work, run, attempt, rows)
    _thin_out(work.connection, found)
    if found.state == RunState.RUNNING:
        work.event("run.changed", sweep=found.sweep, run=run)  # whoever looks at it asks again
    return True


def _make_room(connection: Connection, run: Row[Any]) -> None:
    """W&B's client measures the run: what its agent measured goes."""
    table = schema.system_rows
    connection.execute(delete(table).where(*_system(run), table.c.step >= MEASURED))


def _thin_out(connection: Connection, run: Row[Any]) -> None:
    table = schema.system_rows
    mine = (*_system(run), table.c.step >= MEASURED)
    steps = list(connection.execute(select(table.c.step).where(*mine)).scalars())
    if not steps:
        return
    seconds = [step - MEASURED for step in steps]
    gone = [MEASURED + one for one in superfluous(seconds, max(seconds))]
    for some in portions(gone):
        connection.execute(delete(table).where(*mine, table.c.step.in_(some)))


def _system(run: Row[Any]) -> tuple[ColumnElement[bool], ...]:
    """The run's rows of system metrics; its attempts are named for the index."""
    table = schema.system_rows.c
    return table.run == run.id, table.attempt.in_(range(1, run.attempts + 1))


def _keep_system(work: Work, run: str, attempt: int, rows: Sequence[MetricRow]) -> None:
    table = schema.system_rows
    merged = _merged(work.connection, table, run, attempt, _by_step(rows))
    _keep(work, table, run, attempt, merged)


def _keep_alive(work: Work, run: str, attempt: int) -> None:
    table = schema.leases
    statement = select(table).where(table.c.run == run, table.c.attempt == attempt)
    lease = work.connection.execute(statement).one_or_none()
    if lease is None or lease.state == "ended":
        return
    try:
        held = leases.hold(work, run, lease.token)
    except LeaseLost:
        return  # the rows are kept with their attempt; the run is someone else's now
    leases.renew(work, held.token, held.seconds)


ByStep = Mapping[int, tuple[Mapping[str, Any], float | None]]
"""Step → its metrics and time."""


class Intake:
    """Takes an attempt's reports in order; `close` writes what is still gathered."""

    def __init__(self, work: Work, run: str, attempt: int) -> None:
        self.work = work
        self.run = runs.find(work.connection, run)
        self.attempt = _attempt(work.connection, run, attempt)
        self.objective_changed = False
        self._objective = sweeps.metric(work.connection, self.run.sweep)
        self._first_step: int | None = self.attempt.first_step
        self._last_step: int | None = self.run.last_step
        self._latest: dict[str, Any] = dict(self.run.latest)
        self._summary: dict[str, Any] = dict(self.run.summary)
        self._names: set[str] = set()  # perhaps new to the run's history
        self._fresh: dict[str, Any] = {}  # what of `latest` is new
        self._summary_changed = False
        self._flat_whole = False  # the flat summary has to be made anew
        self._reflected: int | None = self.run.last_step  # `latest` knows the steps up to here
        self._recount = False  # what is visible has changed: read it again
        self._newest = attempt == self.run.attempts
        self._gathered: dict[int, tuple[Mapping[str, Any], float | None]] = {}

    def take(self, item: Report) -> None:
        kind = item["type"]
        if kind == "log":
            self.log(item.get("step"), item.get("metrics", {}), item["time"])
        elif kind == "summary":
            self.summary(item.get("values", {}))
        elif kind == "resumed":
            self.resumed(_step(item))
        elif kind == "checkpoint":
            self.checkpoint(_step(item), _text(item, "place"), _text(item, "host"), item["time"])
        elif kind == "effective":
            runs.keep_effective(self.work, self.run, item.get("config", {}))
        elif kind == "config":
            runs.add_program_config(self.work, self.run.id, item.get("config", {}))
        else:
            # From a newer client. Refusing it would hold up all that follows in its queue.
            self.work.event("report.unknown", sweep=self.run.sweep, run=self.run.id, kind=kind)

    def log(self, step: int | None, metrics: Mapping[str, Any], time: float | None) -> None:
        """`step` None: after the last visible one."""
        self._begin(0)
        if step is None:
            step = 0 if self._last_step is None else self._last_step + 1
        known = self._gathered.get(step)
        self._gathered[step] = ({**known[0], **metrics} if known else metrics, time)
        if self._last_step is None or step > self._last_step:
            self._last_step = step

    def summary(self, values: Mapping[str, Any]) -> None:
        self._begin(0)
        self._summary.update(values)
        self._summary_changed = True

    def resumed(self, step: int) -> None:
        """The program took up the checkpoint of `step`."""
        self._flush()
        self._set_first_step(step + 1)

    def checkpoint(self, step: int, place: str, host: str, time: float) -> None:
        """Only an attempt's newest checkpoint is kept: its file replaces the older one's."""
        self._flush()
        table = schema.checkpoints
        mine = {"run": self.run.id, "attempt": self.attempt.number}
        self.work.connection.execute(
            delete(table).where(table.c.run == mine["run"], table.c.attempt == mine["attempt"])
        )
        self.work.upsert(
            table, [{**mine, "step": step, "place": place, "host": host, "time": time}]
        )

    def close(self, last_sequence: int | None = None) -> None:
        """Write everything; `last_sequence` is durable with it."""
        self._flush()
        if self._recount:
            self._read_again()
        values: dict[str, Any] = {"latest": self._latest, "last_step": self._last_step}
        if self._summary_changed:
            values["summary"] = self._summary
        self._keep_flat()
        table = schema.runs
        self.work.connection.execute(
            update(table).where(table.c.id == self.run.id).values(**values)
        )
        if last_sequence is not None:
            self._change_attempt(last_sequence=last_sequence)

    def order(self, acknowledged: int) -> Order:
        """What the run should do; reports themselves change nothing of that."""
        desired = Desired(self.run.desired)
        return Order(desired, self.run.desired_why, acknowledged, self.objective_changed)

    # -- inside -----------------------------------------------------------------------------------

    def _keep_flat(self) -> None:
        flat.add_names(self.work, self.run.id, self._names)
        shown = {**self._latest, **self._summary}
        if self._summary_changed or self._flat_whole:
            flat.keep(self.work, self.run.id, "summary", shown)
        else:
            fresh = {key: self._fresh[key] for key in self._fresh if key not in self._summary}
            flat.change(self.work, self.run.id, "summary", shown, fresh)

    def _begin(self, first_step: int) -> None:
        if self._first_step is None:
            self._set_first_step(first_step)

    def _set_first_step(self, first_step: int) -> None:
        self._first_step = first_step
        self._change_attempt(first_step=first_step)
        if self.attempt.number == 1:
            return
        if first_step == 0 and self._newest and self._summary:
            self._summary = {}
            self._summary_changed = True
        self._read_again()

    def _change_attempt(self, **values: Any) -> None:
        table = schema.attempts
        self.work.connection.execute(
            update(table)
            .where(table.c.run == self.run.id, table.c.number == self.attempt.number)
            .values(**values)
        )

    def _read_again(self) -> None:
        self._latest, self._last_step = history.latest(self.work.connection, self.run.id)
        self._reflected = self._last_step
        self._recount = False
        self._flat_whole = True

    def _flush(self) -> None:
        """Write the gathered rows."""
        if not self._gathered:
            return
        run, attempt = self.run.id, self.attempt.number
        merged = _merged(self.work.connection, schema.rows, run, attempt, self._gathered)
        _keep(self.work, schema.rows, run, attempt, merged)
        if self._objective:
            metrics = {step: row for step, (row, _) in merged.items()}
            self.objective_changed |= points.keep(
                self.work, run, self.run.sweep, attempt, metrics, self._objective
            )
        self._reflect(merged)
        self._gathered = {}

    def _reflect(self, merged: ByStep) -> None:
        """Bring `latest` up to date; rows that came late, or to an older attempt, need the whole history."""
        fresh: dict[str, Any] = {}
        for step in sorted(merged):
            fresh.update(merged[step][0])
        self._names.update(fresh.keys() - self._latest.keys())
        late = self._reflected is not None and min(merged) < self._reflected
        if late or not self._newest:
            self._recount = True
            return
        self._flat_whole |= any(flat.nested(self._latest.get(key, 0)) for key in fresh)
        self._latest.update(fresh)
        self._fresh.update(fresh)
        self._reflected = max(merged)


def _step(item: Report) -> int:
    step = item.get("step")
    if step is None:
        raise UsageError(f"a report of type `{item['type']}` needs its step")
    return step


def _text(item: Report, key: Literal["place", "host"]) -> str:
    value = item.get(key)
    if value is None:
        raise UsageError(f"a report of type `{item['type']}` needs its {key}")
    return value


def _attempt(connection: Connection, run: str, number: int) -> Row[Any]:
    table = schema.attempts
    statement = select(table).where(table.c.run == run, table.c.number == number)
    found = connection.execute(statement).one_or_none()
    if found is None:
        raise NotFound(f"run {run} has no attempt {number}")
    return found


def _by_step(rows: Sequence[MetricRow]) -> ByStep:
    found: dict[int, tuple[Mapping[str, Any], float | None]] = {}
    for row in rows:
        known = found.get(row.step)
        found[row.step] = ({**known[0], **row.metrics} if known else row.metrics, row.time)
    return found


def _merged(connection: Connection, table: Table, run: str, attempt: int, fresh: ByStep) -> ByStep:
    """`fresh` over what is stored for the same steps."""
    if not fresh:
        return {}
    statement = select(table.c.step, table.c.metrics).where(
        table.c.run == run,
        table.c.attempt == attempt,
        table.c.step.between(min(fresh), max(fresh)),
    )
    stored = {row.step: row.metrics for row in connection.execute(statement)}
    if not stored:
        return fresh
    return {
        step: ({**stored.get(step, {}), **metrics}, time) for step, (metrics, time) in fresh.items()
    }


_COLUMNS = ("run", "attempt", "step", "time", "metrics")


def _keep(work: Work, table: Table, run: str, attempt: int, merged: ByStep) -> None:
    rows = [(run, attempt, step, time, dumps(metrics)) for step, (metrics, time) in merged.items()]
    work.upsert_text(table, _COLUMNS, rows)
