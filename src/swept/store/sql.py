"""`SqlStore`: the verbs of `base.Store`, each handed to the module of its noun.

What each verb means stands in `base.py`; here is only which ones write and which ones read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from swept.model import (
    Agent,
    Config,
    Continue,
    Desired,
    Event,
    File,
    History,
    Kind,
    Outcome,
    Row,
    Run,
    Start,
    Sweep,
    SweepState,
)
from swept.store import (
    agents,
    alerts,
    artifacts,
    claims,
    console,
    endings,
    events,
    files,
    fills,
    history,
    imports,
    leases,
    orders,
    points,
    priors,
    reports,
    runs,
    sweeps,
)
from swept.store.artifact_sql import SqlArtifacts
from swept.store.base import (
    LEASE_SECONDS,
    Brought,
    Ended,
    ImportedEnd,
    ImportedRun,
    Lease,
    NewSweep,
    Order,
    RunFilter,
)
from swept.store.connection import connect
from swept.store.curves import Curves
from swept.store.database import Database
from swept.store.identity import Identities, SystemIdentities
from swept.store.migrate import migrate
from swept.store.read_sql import SqlReads
from swept.store.work import Work
from swept.wire.reports import ConsoleLine, Report


def open_store(url: str, *, identities: Identities | None = None) -> SqlStore:
    """The store at `url`, brought to this version's schema.

    `sqlite:////absolute/path/swept.db` (the folder must exist) or `postgresql://USER:PASSWORD@HOST/DATABASE`.
    Raises UsageError for a URL of another kind; StoreError for a network file system, a newer schema, a file that
    is damaged or may not be written, a database that does not answer.
    """
    engines = connect(url)
    try:
        migrate(engines)
    except BaseException:
        engines.dispose()
        raise
    return SqlStore(Database(engines, identities or SystemIdentities()))


class SqlStore(SqlArtifacts, SqlReads):
    """The store on SQLite or PostgreSQL. Safe from any thread; close it when done."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._curves = Curves()

    def close(self) -> None:
        self._database.close()

    # -- sweeps -----------------------------------------------------------------------------------

    def create_sweep(self, new: NewSweep, *, now: float) -> Sweep:
        return self._database.write(lambda work: sweeps.create(work, new), now=now)

    def find_or_create_sweep(self, new: NewSweep, *, now: float) -> tuple[Sweep, bool]:
        return self._database.write(lambda work: sweeps.find_or_create(work, new), now=now)

    def update_spec(self, sweep: str, new: NewSweep, *, now: float) -> Sweep:
        return self._database.write(lambda work: sweeps.update_spec(work, sweep, new), now=now)

    def set_sweep_state(self, sweep: str, state: SweepState, *, reason: str, now: float) -> Sweep:
        return self._database.write(
            lambda work: sweeps.set_state(work, sweep, state, reason=reason), now=now
        )

    def finish_idle(self, sweep: str, token: int, *, reason: str, now: float) -> Sweep | None:
        return self._database.write(
            lambda work: sweeps.finish_idle(work, sweep, token, reason=reason), now=now
        )

    def idle(self, sweep: str) -> bool:
        return self._database.read(lambda connection: sweeps.idle(connection, sweep))

    def sweep(self, sweep: str) -> Sweep:
        return self._database.read(lambda connection: sweeps.get(connection, sweep))

    def spec_of(self, sweep: str, version: int) -> Mapping[str, Any]:
        return self._database.read(lambda connection: sweeps.spec_of(connection, sweep, version))

    def sweeps(self, project: str | None = None) -> list[Sweep]:
        return self._database.read(lambda connection: sweeps.listed(connection, project))

    # -- what the search sees, and what it suggests -----------------------------------------------

    def history(self, sweep: str) -> History:
        return self._database.read(
            lambda connection: fills.history(connection, sweep, self._curves)
        )

    def add(
        self, sweep: str, token: int, suggestions: Sequence[Start | Continue], *, now: float
    ) -> list[Run] | None:
        return self._database.write(
            lambda work: fills.add(work, sweep, token, suggestions), now=now
        )

    def add_run(
        self,
        *,
        project: str,
        sweep: str | None,
        kind: Kind,
        config: Config,
        now: float,
        name: str = "",
        parent: str | None = None,
        seed: int | None = None,
        why: Mapping[str, Any] | None = None,
        retry_of: str | None = None,
        run_id: str | None = None,
        details: Mapping[str, Any] | None = None,
        reuse: bool = False,
    ) -> Run:
        def verb(work: Work) -> Run:
            return runs.add(
                work,
                reuse=reuse,
                project=project,
                sweep=sweep,
                kind=kind,
                config=config,
                name=name,
                parent=parent,
                seed=seed,
                why=why,
                retry_of=retry_of,
                run_id=run_id,
                details=details,
            )

        return self._database.write(verb, now=now)

    def add_priors(self, sweep: str, names: Sequence[str], *, now: float) -> list[Run]:
        return self._database.write(lambda work: priors.add(work, sweep, names), now=now)

    # -- runs -------------------------------------------------------------------------------------

    def run(self, run: str) -> Run:
        return self._database.read(lambda connection: runs.get(connection, run, self._curves))

    def runs(self, where: RunFilter | None = None) -> list[Run]:
        wanted = where or RunFilter()
        return self._database.read(lambda connection: runs.listed(connection, wanted, self._curves))

    def find_run(self, project: str, name: str) -> Run | None:
        return self._database.read(
            lambda connection: runs.named(connection, project, name, self._curves)
        )

    def claim(
        self,
        sweep: str | None,
        *,
        agent: str,
        host: str,
        request: str,
        now: float,
        lease_seconds: float = LEASE_SECONDS,
        kinds: frozenset[Kind] | None = None,
        run: str | None = None,
        reachable: frozenset[str] = frozenset(),
        checkpoint_wait: float = 300.0,
        leaving: frozenset[str] = frozenset(),
    ) -> Lease | None:
        asking = claims.Asking(
            agent=agent,
            host=host,
            request=request,
            seconds=lease_seconds,
            sweep=sweep,
            run=run,
            kinds=kinds,
            reachable=reachable,
            checkpoint_wait=checkpoint_wait,
            leaving=leaving,
        )
        return self._database.write(lambda work: claims.claim(work, asking), now=now)

    def awaited(
        self,
        run: str,
        *,
        now: float,
        lease_seconds: float = LEASE_SECONDS,
        leaving: frozenset[str] = frozenset(),
    ) -> bool:
        return self._database.read(
            lambda connection: claims.awaited(connection, run, now, lease_seconds, leaving)
        )

    def lease_of(self, token: str) -> tuple[str, int, bool] | None:
        row = self._database.read(lambda connection: leases.of_token(connection, token))
        return None if row is None else (row.run, row.attempt, row.state == "live")

    def lease(self, run: str) -> Lease | None:
        return self._database.read(lambda connection: claims.newest(connection, run))

    def heartbeat(
        self,
        agent: str,
        leases: Mapping[str, str],
        *,
        now: float,
        lease_seconds: float = LEASE_SECONDS,
    ) -> dict[str, Order | None]:
        return self._database.write(
            lambda work: _heartbeat(work, agent, leases, lease_seconds), now=now
        )

    def report(
        self,
        run: str,
        token: str,
        reports: Sequence[Report],
        *,
        now: float,
        lease_seconds: float = LEASE_SECONDS,
    ) -> Order:
        return self._database.write(
            lambda work: _report(work, run, token, reports, lease_seconds), now=now
        )

    def log_rows(
        self,
        run: str,
        attempt: int,
        rows: Sequence[Row],
        *,
        now: float,
        events: Sequence[Row] = (),
        details: Mapping[str, Any] | None = None,
    ) -> Order:
        return self._database.write(
            lambda work: reports.log_rows(work, run, attempt, rows, events, details), now=now
        )

    def add_measured(self, run: str, attempt: int, rows: Sequence[Row], *, now: float) -> bool:
        return self._database.write(
            lambda work: reports.add_measured(work, run, attempt, rows), now=now
        )

    def set_desired(
        self,
        run: str,
        desired: Desired,
        *,
        reason: str,
        by: str,
        now: float,
        step: int | None = None,
    ) -> Run:
        return self._database.write(
            lambda work: orders.set_desired(work, run, desired, reason=reason, by=by, step=step),
            now=now,
        )

    def complete(
        self,
        run: str,
        token: str,
        outcome: Outcome,
        *,
        reason: str,
        now: float,
        exit_code: int | None = None,
        signal: int | None = None,
        max_retries: int = 3,
        overrides: Mapping[str, Any] | None = None,
    ) -> Ended:
        def verb(work: Work) -> Ended:
            lease = leases.of_token(work.connection, token)
            if lease is not None and lease.run == run and lease.state == "ended":
                return endings.repeated(work, lease)
            return endings.end(
                work,
                leases.hold(work, run, token),
                outcome,
                reason=reason,
                max_retries=max_retries,
                exit_code=exit_code,
                signal=signal,
                overrides=overrides,
            )

        return self._database.write(verb, now=now)

    def overdue(self, *, now: float) -> list[Run]:
        return self._database.read(lambda connection: leases.overdue_runs(connection, now))

    def expire(
        self, *, now: float, max_retries: int = 3, retries: Mapping[str, int] | None = None
    ) -> list[Ended]:
        return self._database.write(
            lambda work: leases.expire(work, max_retries, retries or {}), now=now
        )

    def start_period(self, *, now: float) -> int:
        return self._database.write(leases.start_period, now=now)

    def open_attempt(
        self,
        run: str,
        *,
        agent: str,
        host: str,
        now: float,
        lease_seconds: float,
        resumable: bool = False,
    ) -> Lease:
        return self._database.write(
            lambda work: claims.open_attempt(
                work, run, agent=agent, host=host, seconds=lease_seconds, resumable=resumable
            ),
            now=now,
        )

    def update_run(
        self,
        run: str,
        *,
        now: float,
        name: str | None = None,
        config: Config | None = None,
        summary: Mapping[str, Any] | None = None,
        replace_summary: bool = False,
        details: Mapping[str, Any] | None = None,
        effective: Config | None = None,
    ) -> Run:
        def verb(work: Work) -> Run:
            return runs.change(
                work,
                run,
                name=name,
                config=config,
                summary=summary,
                replace_summary=replace_summary,
                details=details,
                effective=effective,
            )

        return self._database.write(verb, now=now)

    def alert(
        self, run: str, *, title: str, text: str, level: str, wait: float, now: float
    ) -> bool:
        def verb(work: Work) -> bool:
            return alerts.add(work, run, title=title, text=text, level=level, wait=wait)

        return self._database.write(verb, now=now)

    def alerts(self, run: str) -> list[Event]:
        return self._database.read(lambda connection: alerts.of_run(connection, run))

    def orders(self, run: str) -> list[Event]:
        return self._database.read(lambda connection: events.of_run(connection, run, events.ORDERS))

    def delete_run(self, run: str, *, now: float, with_artifacts: bool = False) -> None:
        def verb(work: Work) -> None:
            if with_artifacts:
                artifacts.remove_of_run(work, run)
            runs.remove(work, run)

        self._database.write(verb, now=now)

    # -- history, console, files ------------------------------------------------------------------

    def rows(
        self,
        run: str,
        *,
        since: int | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        return self._database.read(
            lambda connection: history.rows(
                connection, run, since=since, before=before, limit=limit
            )
        )

    def system_rows(
        self, run: str, *, since: int | None = None, limit: int | None = None
    ) -> list[Row]:
        return self._database.read(
            lambda connection: history.system_rows(connection, run, since=since, limit=limit)
        )

    def add_console(
        self, run: str, attempt: int, lines: Sequence[ConsoleLine], *, now: float
    ) -> None:
        self._database.write(lambda work: console.add(work, run, attempt, lines), now=now)

    def console(self, run: str, *, after: int = 0, limit: int = 1000) -> list[Mapping[str, Any]]:
        return self._database.read(lambda connection: console.after(connection, run, after, limit))

    def add_file(self, file: File) -> None:
        self._database.write(lambda work: files.add(work, file), now=file.time)

    def files(self, run: str) -> list[File]:
        return self._database.read(lambda connection: files.of_run(connection, run))

    # -- moving house -----------------------------------------------------------------------------

    def imported(self, origins: Sequence[str]) -> Mapping[str, Brought]:
        return self._database.read(lambda connection: imports.known(connection, origins))

    def import_sweep(
        self, new: NewSweep, *, origin: str, sweep_id: str, created: float, now: float
    ) -> Brought:
        return self._database.write(
            lambda work: imports.sweep(
                work, new, origin=origin, sweep_id=sweep_id, created=created
            ),
            now=now,
        )

    def end_import_sweep(self, sweep: str, state: SweepState, *, reason: str, now: float) -> Sweep:
        return self._database.write(
            lambda work: imports.end_sweep(work, sweep, state, reason=reason), now=now
        )

    def begin_import(self, new: ImportedRun, *, now: float, afresh: bool = False) -> Brought:
        return self._database.write(lambda work: imports.begin(work, new, afresh=afresh), now=now)

    def end_import(self, run: str, ended: ImportedEnd, *, now: float) -> Run:
        return self._database.write(lambda work: imports.end(work, run, ended), now=now)

    def note_import(self, origin: str, run: str, stamp: str, *, now: float) -> None:
        self._database.write(lambda work: imports.note(work, origin, run, stamp), now=now)

    # -- agents, events ---------------------------------------------------------------------------

    def add_agent(
        self, *, sweep: str | None, host: str, kind: str, slots: int, now: float
    ) -> Agent:
        return self._database.write(
            lambda work: agents.add(work, sweep=sweep, host=host, kind=kind, slots=slots), now=now
        )

    def agent(self, agent: str) -> Agent:
        return self._database.read(lambda connection: agents.get(connection, agent))

    def agents(self, sweep: str | None = None) -> list[Agent]:
        return self._database.read(lambda connection: agents.listed(connection, sweep))

    def touch_agent(self, agent: str, *, now: float) -> None:
        self._database.write(lambda work: agents.touch(work, agent), now=now)

    def end_agent(self, agent: str, *, now: float) -> None:
        self._database.write(lambda work: agents.end(work, agent), now=now)

    def add_event(
        self,
        type: str,
        *,
        sweep: str | None,
        run: str | None,
        data: Mapping[str, Any],
        now: float,
    ) -> Event:
        return self._database.write(lambda work: work.event_of(type, sweep, run, data), now=now)

    def position(self) -> tuple[int, int]:
        return self._database.read(events.position)

    def events(
        self, *, after: int = 0, sweep: str | None = None, run: str | None = None, limit: int = 1000
    ) -> list[Event]:
        return self._database.read(
            lambda connection: events.after(connection, after, sweep=sweep, run=run, limit=limit)
        )

    def points_after(
        self, cursor: int, *, sweep: str | None = None, run: str | None = None, limit: int = 5000
    ) -> list[Mapping[str, Any]]:
        return self._database.read(
            lambda connection: points.after(connection, cursor, sweep=sweep, run=run, limit=limit)
        )

    def live_leases(self, *, now: float) -> int:
        return self._database.read(lambda connection: leases.live(connection, now))


# Their arguments are named like the modules.
_heartbeat = leases.heartbeat
_report = reports.report
