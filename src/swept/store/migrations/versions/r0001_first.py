"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _counters()
    _events()
    _projects()
    _sweeps()
    _agents()
    _runs()
    _specs()
    _attempts()
    _console()
    _files()
    _flat_values()
    _checkpoints()
    _leases()
    _points()
    _rows()
    _system_rows()
    op.execute("INSERT INTO counters (id) VALUES (1)")


def downgrade() -> None:
    for table in (
        "system_rows",
        "rows",
        "points",
        "leases",
        "checkpoints",
        "flat_values",
        "files",
        "console",
        "attempts",
        "specs",
        "runs",
        "agents",
        "sweeps",
        "projects",
        "events",
        "counters",
    ):
        op.drop_table(table)


def _counters() -> None:
    op.create_table(
        "counters",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("point", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("ordinal", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_counters_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counters")),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("sweep", sa.Text(), nullable=True),
        sa.Column("run", sa.Text(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_events")),
    )
    op.create_index("ix_events_run_number", "events", ["run", "number"], unique=False)
    op.create_index("ix_events_sweep_number", "events", ["sweep", "number"], unique=False)


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("runs", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_projects")),
    )


def _sweeps() -> None:
    op.create_table(
        "sweeps",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("spec_version", sa.BigInteger(), nullable=False),
        sa.Column("fill", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("runs", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("ended_because", sa.Text(), server_default="", nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("updated", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'running', 'paused', 'finished', 'cancelled')",
            name=op.f("ck_sweeps_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sweeps")),
        sa.UniqueConstraint("ordinal", name=op.f("uq_sweeps_ordinal")),
    )


def _agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("sweep", sa.Text(), nullable=True),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slots", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("last_seen", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sweep"], ["sweeps.id"], name=op.f("fk_agents_sweep"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
        sa.UniqueConstraint("ordinal", name=op.f("uq_agents_ordinal")),
    )
    op.create_index(op.f("ix_agents_sweep"), "agents", ["sweep"], unique=False)


def _runs() -> None:
    op.create_table("runs", *_run_columns(), *_run_rules())
    op.create_index(op.f("ix_runs_parent"), "runs", ["parent"], unique=False)
    op.create_index(op.f("ix_runs_retry_of"), "runs", ["retry_of"], unique=False)
    op.create_index("ix_runs_sweep_state", "runs", ["sweep", "state"], unique=False)
    op.create_index(
        "uq_runs_project_number",
        "runs",
        ["project", "number"],
        unique=True,
        sqlite_where=sa.text("sweep IS NULL"),
        postgresql_where=sa.text("sweep IS NULL"),
    )
    op.create_index("uq_runs_sweep_number", "runs", ["sweep", "number"], unique=True)


def _run_columns() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("sweep", sa.Text(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("config_key", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("retry_of", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("ended_because", sa.Text(), server_default="", nullable=False),
        sa.Column("desired", sa.Text(), server_default="go", nullable=False),
        sa.Column("desired_why", sa.Text(), server_default="", nullable=False),
        sa.Column("desired_by", sa.Text(), server_default="", nullable=False),
        sa.Column("paused_by", sa.Text(), server_default="", nullable=False),
        sa.Column("spec_version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("retries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lines", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("pending_since", sa.Double(), nullable=False),
        sa.Column("started", sa.Double(), nullable=True),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("latest", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("overrides", sa.Text(), nullable=False),
    ]


def _run_rules() -> list[sa.schema.SchemaItem]:
    return [
        sa.CheckConstraint("(state = 'paused') = (paused_by <> '')", name=op.f("ck_runs_paused")),
        sa.CheckConstraint(
            "(state IN ('pending', 'running', 'paused')) = (ended IS NULL)",
            name=op.f("ck_runs_ended"),
        ),
        sa.CheckConstraint("desired IN ('go', 'pause', 'stop')", name=op.f("ck_runs_desired")),
        sa.CheckConstraint(
            "desired_by IN ('', 'search', 'person', 'cancel')", name=op.f("ck_runs_desired_by")
        ),
        sa.CheckConstraint("kind = 'manual' OR sweep IS NOT NULL", name=op.f("ck_runs_sweep")),
        sa.CheckConstraint(
            "kind IN ('search', 'baseline', 'repeat', 'confirm', 'final', 'compare', 'manual')",
            name=op.f("ck_runs_kind"),
        ),
        sa.CheckConstraint("paused_by IN ('', 'search', 'person')", name=op.f("ck_runs_paused_by")),
        sa.CheckConstraint(
            "state IN ('pending', 'killed') OR attempts > 0", name=op.f("ck_runs_attempted")
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'running', 'paused', 'finished', 'failed', 'stopped', 'killed', 'crashed')",
            name=op.f("ck_runs_state"),
        ),
        sa.CheckConstraint("(attempts > 0) = (started IS NOT NULL)", name=op.f("ck_runs_started")),
        sa.CheckConstraint("retries >= 0 AND number >= 1", name=op.f("ck_runs_counts")),
        sa.ForeignKeyConstraint(
            ["parent"], ["runs.id"], name=op.f("fk_runs_parent"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["retry_of"], ["runs.id"], name=op.f("fk_runs_retry_of"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["sweep"], ["sweeps.id"], name=op.f("fk_runs_sweep"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("ordinal", name=op.f("uq_runs_ordinal")),
    ]


def _specs() -> None:
    op.create_table(
        "specs",
        sa.Column("sweep", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("spec_hash", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), server_default="", nullable=False),
        sa.Column("folder", sa.Text(), server_default="", nullable=False),
        sa.Column("metric", sa.Text(), server_default="", nullable=False),
        sa.Column("goal", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.CheckConstraint("goal IN ('minimize', 'maximize')", name=op.f("ck_specs_goal")),
        sa.ForeignKeyConstraint(
            ["sweep"], ["sweeps.id"], name=op.f("fk_specs_sweep"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sweep", "version", name=op.f("pk_specs")),
    )
    op.create_index("ix_specs_path", "specs", ["path"], unique=False)


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("exit_code", sa.BigInteger(), nullable=True),
        sa.Column("signal", sa.BigInteger(), nullable=True),
        sa.Column("first_step", sa.BigInteger(), nullable=True),
        sa.Column("last_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("effective_config", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('finished', 'failed', 'oom', 'lost', 'preempted', 'released', 'stopped', 'paused', 'killed')",
            name=op.f("ck_attempts_outcome"),
        ),
        sa.CheckConstraint("(outcome IS NULL) = (ended IS NULL)", name=op.f("ck_attempts_ended")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_attempts_number")),
        sa.ForeignKeyConstraint(
            ["run"], ["runs.id"], name=op.f("fk_attempts_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run", "number", name=op.f("pk_attempts")),
    )


def _console() -> None:
    op.create_table(
        "console",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run"], ["runs.id"], name=op.f("fk_console_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run", "attempt", "number", name=op.f("pk_console")),
    )
    op.create_index("uq_console_run_cursor", "console", ["run", "cursor"], unique=True)


def _files() -> None:
    op.create_table(
        "files",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run"], ["runs.id"], name=op.f("fk_files_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run", "name", name=op.f("pk_files")),
    )


def _flat_values() -> None:
    op.create_table(
        "flat_values",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.CheckConstraint("source IN ('config', 'summary')", name=op.f("ck_flat_values_source")),
        sa.ForeignKeyConstraint(
            ["run"], ["runs.id"], name=op.f("fk_flat_values_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run", "source", "key", name=op.f("pk_flat_values")),
    )
    op.create_index("ix_flat_values_key_number", "flat_values", ["key", "number"], unique=False)


def _checkpoints() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run", "attempt"],
            ["attempts.run", "attempts.number"],
            name=op.f("fk_checkpoints_run_attempt"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run", "attempt", "step", name=op.f("pk_checkpoints")),
    )


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("issued", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("requeue", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("from_zero", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("retried", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("(state = 'live') = (answer IS NULL)", name=op.f("ck_leases_answered")),
        sa.CheckConstraint(
            "answer IN ('pending', 'running', 'paused', 'finished', 'failed', 'stopped', 'killed', 'crashed')",
            name=op.f("ck_leases_answer"),
        ),
        sa.CheckConstraint("state IN ('live', 'expired', 'ended')", name=op.f("ck_leases_state")),
        sa.ForeignKeyConstraint(
            ["run", "attempt"],
            ["attempts.run", "attempts.number"],
            name=op.f("fk_leases_run_attempt"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run"], ["runs.id"], name=op.f("fk_leases_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_leases")),
        sa.UniqueConstraint("request", name=op.f("uq_leases_request")),
    )
    op.create_index("ix_leases_run_attempt", "leases", ["run", "attempt"], unique=False)
    op.create_index("ix_leases_state_expires", "leases", ["state", "expires"], unique=False)
    op.create_index(
        "uq_leases_live",
        "leases",
        ["run"],
        unique=True,
        sqlite_where=sa.text("state = 'live'"),
        postgresql_where=sa.text("state = 'live'"),
    )


def _points() -> None:
    op.create_table(
        "points",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("sweep", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run", "attempt"],
            ["attempts.run", "attempts.number"],
            name=op.f("fk_points_run_attempt"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run", "attempt", "step", name=op.f("pk_points")),
        sa.UniqueConstraint("number", name=op.f("uq_points_number")),
    )
    op.create_index("ix_points_run_number", "points", ["run", "number"], unique=False)
    op.create_index("ix_points_sweep_number", "points", ["sweep", "number"], unique=False)


def _rows() -> None:
    op.create_table(
        "rows",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.Double(), nullable=True),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run", "attempt"],
            ["attempts.run", "attempts.number"],
            name=op.f("fk_rows_run_attempt"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run", "attempt", "step", name=op.f("pk_rows")),
    )


def _system_rows() -> None:
    op.create_table(
        "system_rows",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.Double(), nullable=True),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run", "attempt"],
            ["attempts.run", "attempts.number"],
            name=op.f("fk_system_rows_run_attempt"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run", "attempt", "step", name=op.f("pk_system_rows")),
    )
