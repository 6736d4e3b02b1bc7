"""The tables, and the invariants that the database itself keeps.

Types are those that SQLite and PostgreSQL share: integer, real (epoch seconds UTC), text. Every change of the schema
has its Alembic revision in `migrations/`; a test holds both equal.

    projects ─┐                    specs (sweep, version)
              ├─ runs ─┬─ attempts (run, number) ── leases (token)
    sweeps ───┘        ├─ rows, system_rows, points, checkpoints   (run, attempt, step)
                       ├─ console (run, attempt, number), files (run, name), flat_values (run, source, key)
                       └─ packed_curves (run): copies
    imports (origin → run or sweep)
    agents             └─ events (number): kept when their run is deleted

    artifact_collections ── artifacts ─┬─ artifact_aliases, artifact_clients, artifact_manifests
                                       └─ artifact_files (artifact, name), artifact_runs (artifact, run, role)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    Table,
    text,
)
from sqlalchemy.schema import SchemaItem

from swept.model import Desired, Goal, Kind, Outcome, RunState, SweepState
from swept.store.codec import JsonText, PlainText
from swept.store.conditions import Source

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

LEASE_STATES = ("live", "expired", "ended")
"""live: the run's only one; expired: may take its run back; ended: completed, its answer is kept."""

ARTIFACT_MANIFESTS = ("full", "incremental", "patch")
ARTIFACT_ROLES = ("output", "input")


def _one_of(column: str, values: Iterable[str], name: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


def _run(*, primary: bool = True) -> Column[str]:
    return Column(
        "run",
        PlainText,
        ForeignKey("runs.id", ondelete="CASCADE"),
        primary_key=primary,
        nullable=False,
    )


def _whole(name: str, *, default: str | None = "0", nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable, server_default=default)


def _time(name: str, *, nullable: bool = False) -> Column[float]:
    return Column(name, Double, nullable=nullable)


def _text(name: str, default: str | None = "") -> Column[str]:
    return Column(name, PlainText, nullable=False, server_default=default)


counters = Table(
    "counters",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _whole("event"),
    _whole("point"),
    _whole("ordinal"),
    CheckConstraint("id = 1", name="single"),
)
"""One row. Who writes holds it (PostgreSQL: its row lock), so numbers are committed in their order."""

projects = Table(
    "projects",
    metadata,
    Column("name", PlainText, primary_key=True),
    _whole("runs"),  # how many manual runs were ever created: the next number
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("ordinal", BigInteger, nullable=False, unique=True),
    _text("entity", None),
    _text("project", None),
    _text("state", None),
    _whole("spec_version", default=None),
    _whole("fill"),  # the fill token
    _whole("runs"),  # how many runs were ever created: the next number
    _text("ended_because"),
    _time("created"),
    _time("updated"),
    _one_of("state", SweepState, "state"),
)

specs = Table(
    "specs",
    metadata,
    Column("sweep", PlainText, ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    _text("name", None),
    Column("spec", JsonText, nullable=False),
    _text("spec_hash", None),
    _text("text", None),
    _text("path"),
    _text("folder"),
    _text("metric"),
    _text("goal", None),
    _time("created"),
    _one_of("goal", Goal, "goal"),
    Index("ix_specs_path", "path"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("ordinal", BigInteger, nullable=False, unique=True),
    _text("project", None),
    Column("sweep", PlainText, ForeignKey("sweeps.id", ondelete="CASCADE")),
    _whole("number", default=None),
    _text("name", None),
    _text("kind", None),
    _text("state", None),
    Column("config", JsonText, nullable=False),
    _text("config_key", None),  # canonical JSON of the config at creation
    _whole("seed", default=None, nullable=True),
    Column("parent", PlainText, ForeignKey("runs.id", ondelete="SET NULL"), index=True),
    Column("retry_of", PlainText, ForeignKey("runs.id", ondelete="SET NULL"), index=True),
    Column("why", JsonText(special=True), nullable=False),
    _text("ended_because"),
    _text("desired", Desired.GO.value),
    _text("desired_why"),
    _text("desired_by"),
    _text("paused_by"),
    _whole("spec_version", default="1"),
    _whole("retries"),
    _whole("attempts"),
    _whole("lines"),  # how many console lines were ever written: the next cursor
    _time("created"),
    _time("pending_since"),
    _time("started", nullable=True),
    _time("ended", nullable=True),
    _whole("last_step", default=None, nullable=True),  # of the visible rows
    Column("latest", JsonText(special=True), nullable=False),  # each key's last visible value
    Column("summary", JsonText(special=True), nullable=False),  # what was set explicitly
    Column("details", JsonText(special=True), nullable=False),
    Column("overrides", JsonText, nullable=False),
    _one_of("kind", Kind, "kind"),
    _one_of("state", RunState, "state"),
    _one_of("desired", Desired, "desired"),
    _one_of("desired_by", ("", "search", "person", "cancel"), "desired_by"),
    _one_of("paused_by", ("", "search", "person"), "paused_by"),
    CheckConstraint("(state = 'paused') = (paused_by <> '')", name="paused"),
    CheckConstraint(
        "(state IN ('pending', 'running', 'paused')) = (ended IS NULL)",
        name="ended",
    ),
    CheckConstraint("(attempts > 0) = (started IS NOT NULL)", name="started"),
    CheckConstraint("state IN ('pending', 'killed') OR attempts > 0", name="attempted"),
    CheckConstraint("kind = 'manual' OR sweep IS NOT NULL", name="sweep"),
    CheckConstraint("retries >= 0 AND number >= 1", name="counts"),
    Index("uq_runs_sweep_number", "sweep", "number", unique=True),
    Index(
        "uq_runs_project_number",
        "project",
        "number",
        unique=True,
        sqlite_where=text("sweep IS NULL"),
        postgresql_where=text("sweep IS NULL"),
    ),
    Index("ix_runs_sweep_state", "sweep", "state"),
)

attempts = Table(
    "attempts",
    metadata,
    _run(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _text("agent", None),
    _text("host", None),
    _time("started"),
    _time("ended", nullable=True),
    Column("outcome", PlainText),
    _text("reason"),
    _whole("exit_code", default=None, nullable=True),
    _whole("signal", default=None, nullable=True),
    _whole("first_step", default=None, nullable=True),  # NULL: has reported nothing, hides nothing
    _whole("last_sequence"),
    Column("effective_config", JsonText),
    _one_of("outcome", Outcome, "outcome"),
    CheckConstraint("(outcome IS NULL) = (ended IS NULL)", name="ended"),
    CheckConstraint("number >= 1", name="number"),
)

leases = Table(
    "leases",
    metadata,
    Column("token", PlainText, primary_key=True),
    _run(primary=False),
    _whole("attempt", default=None),
    _text("agent", None),
    Column("request", PlainText, unique=True),
    _text("state", None),
    _time("issued"),
    _time("expires"),
    Column("seconds", Double, nullable=False),
    _whole("requeue", default="1"),  # 0: the run never becomes pending by a lost lease
    _whole("from_zero"),  # 1: the agent cannot reach the checkpoint
    Column("answer", PlainText),  # the run's state after `complete` or `expire`
    _whole("retried"),
    _one_of("state", LEASE_STATES, "state"),
    _one_of("answer", RunState, "answer"),
    CheckConstraint("(state = 'live') = (answer IS NULL)", name="answered"),
    ForeignKeyConstraint(
        ["run", "attempt"], ["attempts.run", "attempts.number"], ondelete="CASCADE"
    ),
    Index(
        "uq_leases_live",
        "run",
        unique=True,
        sqlite_where=text("state = 'live'"),
        postgresql_where=text("state = 'live'"),
    ),
    Index("ix_leases_run_attempt", "run", "attempt"),
    Index("ix_leases_state_expires", "state", "expires"),
)


def _reported(name: str, *columns: SchemaItem) -> Table:
    """A table of what an attempt reported for a step."""
    return Table(
        name,
        metadata,
        Column("run", PlainText, primary_key=True),
        Column("attempt", BigInteger, primary_key=True, autoincrement=False),
        Column("step", BigInteger, primary_key=True, autoincrement=False),
        *columns,
        ForeignKeyConstraint(
            ["run", "attempt"], ["attempts.run", "attempts.number"], ondelete="CASCADE"
        ),
    )


rows = _reported(
    "rows",
    _time("time", nullable=True),
    Column("metrics", JsonText(special=True), nullable=False),
)
system_rows = _reported(
    "system_rows",
    _time("time", nullable=True),
    Column("metrics", JsonText(special=True), nullable=False),
)
checkpoints = _reported("checkpoints", _text("place", None), _text("host", None), _time("time"))
points = _reported(
    "points",
    Column("number", BigInteger, nullable=False, unique=True),
    Column("sweep", PlainText, nullable=False),
    Column("value", Double, nullable=True),  # NULL is NaN: SQLite has none
    Index("ix_points_sweep_number", "sweep", "number"),
    Index("ix_points_run_number", "run", "number"),
)

packed_curves = Table(
    "packed_curves",
    metadata,
    _run(),
    _whole("number", default=None),  # the highest of the points that it is a copy of
    _text("ceilings", None),  # of the attempts, where there are several
    _whole("first_step", default=None),
    Column("steps", LargeBinary, nullable=True),  # NULL: one after another
    Column("numbers", LargeBinary, nullable=False),
)
"""The visible curves of runs that are not running, copied from `points`; see `packed`."""

flat_values = Table(
    "flat_values",
    metadata,
    _run(),
    Column("source", PlainText, primary_key=True),
    Column("key", PlainText, primary_key=True),
    Column("number", Double, nullable=True),
    Column("text", PlainText, nullable=True),
    _one_of("source", get_args(Source), "source"),
    Index("ix_flat_values_key_number", "key", "number"),
)

console = Table(
    "console",
    metadata,
    _run(),
    Column("attempt", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _whole("cursor", default=None),
    _text("text", None),
    _text("stream", None),
    _time("time"),
    Index("uq_console_run_cursor", "run", "cursor", unique=True),
)

files = Table(
    "files",
    metadata,
    _run(),
    Column("name", PlainText, primary_key=True),
    _whole("size", default=None),
    _text("digest", None),
    _time("time"),
)

imports = Table(
    "imports",
    metadata,
    Column("origin", PlainText, primary_key=True),  # the address at the source
    Column("run", PlainText, ForeignKey("runs.id", ondelete="CASCADE"), index=True),
    Column("sweep", PlainText, ForeignKey("sweeps.id", ondelete="CASCADE"), index=True),
    _text("stamp"),  # what the source said when it was brought over
    _whole("whole"),  # 0: half of it may be missing
    _time("time"),
    CheckConstraint("(run IS NULL) <> (sweep IS NULL)", name="one"),
)

agents = Table(
    "agents",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("ordinal", BigInteger, nullable=False, unique=True),
    Column("sweep", PlainText, ForeignKey("sweeps.id", ondelete="CASCADE"), index=True),
    _text("host", None),
    _text("kind", None),
    _whole("slots", default=None),
    _time("started"),
    _time("last_seen"),
    _time("ended", nullable=True),
)

events = Table(
    "events",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _time("time"),
    _text("type", None),
    Column("sweep", PlainText, nullable=True),
    Column("run", PlainText, nullable=True),
    Column("data", JsonText(special=True), nullable=False),
    Index("ix_events_sweep_number", "sweep", "number"),
    Index("ix_events_run_number", "run", "number"),
)

artifact_collections = Table(
    "artifact_collections",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _text("project", None),
    _text("name", None),
    _text("type", None),
    _text("description"),
    Column("tags", JsonText, nullable=False),
    _whole("versions"),  # how many there ever were: the next one
    _time("created"),
    _time("updated"),
    Index("uq_artifact_collections_project_name", "project", "name", unique=True),
)


def _artifact(*, primary: bool = True) -> Column[int]:
    return Column(
        "artifact",
        BigInteger,
        ForeignKey("artifacts.number", ondelete="CASCADE"),
        primary_key=primary,
        autoincrement=False,
        nullable=False,
    )


def _collection(*, primary: bool = False) -> Column[int]:
    return Column(
        "collection",
        BigInteger,
        ForeignKey("artifact_collections.number", ondelete="CASCADE"),
        primary_key=primary,
        autoincrement=False,
        nullable=False,
    )


artifacts = Table(
    "artifacts",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _collection(),
    _whole("version", default=None, nullable=True),  # NULL until all of it is there
    _text("digest", None),
    _text("description"),
    Column("metadata", JsonText(special=True), nullable=False),
    Column("tags", JsonText, nullable=False),
    Column("wanted", JsonText, nullable=False),  # the aliases that it gets with its version
    Column("shared", PlainText),  # the id under which several runs write one version
    Column("run", PlainText, ForeignKey("runs.id", ondelete="SET NULL"), index=True),
    _whole("step", default=None, nullable=True),
    _text("manifest"),
    # the version that had this content when this one was to be committed: it stands for this one, which never is
    Column("same", BigInteger, ForeignKey("artifacts.number", ondelete="CASCADE"), index=True),
    _whole("size"),
    _whole("files"),
    _time("created"),
    _time("updated"),
    CheckConstraint("(version IS NULL) = (manifest = '')", name="committed"),
    CheckConstraint("same IS NULL OR version IS NULL", name="same"),
    Index("uq_artifacts_collection_version", "collection", "version", unique=True),
    Index("ix_artifacts_collection_digest", "collection", "digest"),
    Index("ix_artifacts_manifest", "manifest"),
)

artifact_aliases = Table(
    "artifact_aliases",
    metadata,
    _collection(primary=True),
    Column("alias", PlainText, primary_key=True),
    _artifact(primary=False),
    Index("ix_artifact_aliases_artifact", "artifact"),
)
"""An alias has one version: to give it again is to move it."""

artifact_clients = Table(
    "artifact_clients",
    metadata,
    Column("client", PlainText, primary_key=True),
    _artifact(primary=False),
    Index("ix_artifact_clients_artifact", "artifact"),
)
"""The names that clients give artifacts before the server has any."""

artifact_files = Table(
    "artifact_files",
    metadata,
    _artifact(),
    Column("name", PlainText, primary_key=True),
    _text("digest"),  # md5, hex; "" for what lies elsewhere
    _text("ref"),  # where
    _whole("size"),
    Index("ix_artifact_files_digest", "digest"),
)

artifact_manifests = Table(
    "artifact_manifests",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _artifact(primary=False),
    _text("kind", None),
    _text("digest"),
    _whole("base", default=None, nullable=True),
    _one_of("kind", ARTIFACT_MANIFESTS, "kind"),
    Index("ix_artifact_manifests_artifact", "artifact"),
)
"""What a version is made of while it arrives; gone when it is whole."""

artifact_runs = Table(
    "artifact_runs",
    metadata,
    _artifact(),
    _run(),
    Column("role", PlainText, primary_key=True),
    _one_of("role", ARTIFACT_ROLES, "role"),
    Index("ix_artifact_runs_run", "run"),
)
