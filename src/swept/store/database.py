"""One writer, many readers.

All verbs that write go through one thread, which owns the only writing connection. It takes what is waiting as one
batch: one transaction, one savepoint a verb, one commit (one fsync) for all; callers get their answers after the
commit, so what was answered is durable. Between processes SQLite's `BEGIN IMMEDIATE` and PostgreSQL's row lock on
`counters` have the same effect: writers take turns. A verb therefore never sees another one half done, and numbers of
events and points are committed in their order (see `docs/design/store.md`).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, NestedTransaction, select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from swept.errors import StoreError
from swept.store import schema
from swept.store.connection import Engines, explain, unfit
from swept.store.identity import Identities
from swept.store.work import Counters, Work

T = TypeVar("T")
BATCH = 64
"""The most verbs in one transaction: bounds how long another process waits."""


@dataclass(frozen=True, slots=True)
class _Job:
    verb: Callable[[Work], Any]
    now: float
    answer: Future[Any]


class Database:
    """Runs verbs: `write` in the writer's transaction, `read` in a snapshot of its own."""

    def __init__(self, engines: Engines, identities: Identities) -> None:
        self.engines = engines
        self._identities = identities
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._door = threading.Lock()
        self._closed = False
        self._writer = threading.Thread(target=self._serve, name="swept-store", daemon=True)
        self._writer.start()

    def write(self, verb: Callable[[Work], T], *, now: float = 0.0) -> T:
        """The answer of `verb`, once it is durable; what it raises is raised here and nothing has changed."""
        answer: Future[T] = Future()
        with self._door:
            if self._closed:
                raise StoreError(f"the store `{self.engines.place}` is closed")
            self._jobs.put(_Job(verb, now, answer))
        return answer.result()

    def read(self, query: Callable[[Connection], T]) -> T:
        """The answer of `query`, all of whose statements see the same moment."""
        if self._closed:
            raise StoreError(f"the store `{self.engines.place}` is closed")
        try:
            with self.engines.reader.begin() as connection:
                return query(connection)
        except DBAPIError as error:
            raise explain(error, self.engines.place) from error
        except OverflowError as error:  # how SQLite's driver says DataError
            raise unfit(error) from error

    def close(self) -> None:
        """End the writer after what is waiting; a second call does nothing."""
        with self._door:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._writer.join()
        self.engines.dispose()

    # -- the writer's thread ----------------------------------------------------------------------

    def _serve(self) -> None:
        going_on = True
        while going_on:
            first = self._jobs.get()
            if first is None:
                return
            jobs, going_on = self._waiting(first)
            self._answer(jobs)

    def _waiting(self, first: _Job) -> tuple[list[_Job], bool]:
        jobs = [first]
        while len(jobs) < BATCH:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return jobs, False
            jobs.append(job)
        return jobs, True

    def _answer(self, jobs: list[_Job]) -> None:
        try:
            results = self._commit(jobs)
        except DBAPIError as error:
            results = [explain(error, self.engines.place)] * len(jobs)
        except SQLAlchemyError as error:
            results = [StoreError(f"the store `{self.engines.place}` failed: {error}")] * len(jobs)
        except Exception as error:  # noqa: BLE001 - a caller would wait for ever
            results = [error] * len(jobs)
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, Exception):
                job.answer.set_exception(result)
            else:
                job.answer.set_result(result)

    def _commit(self, jobs: list[_Job]) -> list[Any]:
        with self.engines.writer.begin() as connection:
            before = counters = self._counters(connection)
            results: list[Any] = []
            for job in jobs:
                result, counters = self._run(job, connection, counters)
                results.append(result)
            if counters != before:
                connection.execute(
                    update(schema.counters).values(
                        event=counters.event, point=counters.point, ordinal=counters.ordinal
                    )
                )
        return results

    def _counters(self, connection: Connection) -> Counters:
        table = schema.counters
        statement = select(table.c.event, table.c.point, table.c.ordinal).with_for_update()
        event, point, ordinal = connection.execute(statement).one()
        return Counters(event, point, ordinal)

    def _run(self, job: _Job, connection: Connection, counters: Counters) -> tuple[Any, Counters]:
        work = Work(connection, job.now, self._identities, replace(counters))
        savepoint = connection.begin_nested()
        try:
            result = job.verb(work)
            savepoint.commit()
        except DBAPIError as error:
            self._undo(savepoint, error)
            return explain(error, self.engines.place), counters
        except OverflowError as error:
            savepoint.rollback()
            return unfit(error), counters
        except Exception as error:  # noqa: BLE001 - it belongs to the caller's thread
            savepoint.rollback()
            return error, counters
        return result, work.counters

    def _undo(self, savepoint: NestedTransaction, error: DBAPIError) -> None:
        """Undo one verb; where the database has undone the whole transaction already (disk full, connection lost),
        the batch fails with `error`."""
        if error.connection_invalidated:
            raise error
        try:
            savepoint.rollback()
        except DBAPIError:
            raise error from None
