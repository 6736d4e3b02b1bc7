"""What the W&B client's further parts keep. Each part has its own function here, as in r0001."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from swept.errors import StoreError
from swept.store.migrations import flat_0002

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One call a part."""
    _kinds(KINDS, (*KINDS, "prior"))
    _imports()
    _artifacts()
    _flat_values(("config", "summary", "details", "history"))
    _flatten()


def downgrade() -> None:
    """The same, backwards. Flat values come again with the next report."""
    _flat_values(("config", "summary"))
    for table in reversed(ARTIFACT_TABLES):
        op.drop_table(table)
    op.drop_table("imports")
    op.execute("DELETE FROM runs WHERE kind = 'prior'")
    _kinds((*KINDS, "prior"), KINDS)


KINDS = ("search", "baseline", "repeat", "confirm", "final", "compare", "manual")


def _kinds(before: Sequence[str], after: Sequence[str]) -> None:
    """Runs may be of other kinds.

    SQLite changes no CHECK. Making the table anew, as Alembic would, empties it first, and everything that refers to
    it; so its text is changed in place, as SQLite's own documentation has it for changes that touch no row.
    """
    old, new = (f"kind IN ({', '.join(map(repr, kinds))})" for kinds in (before, after))
    bind = op.get_bind()
    if bind.dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_runs_kind"), "runs", type_="check")
        op.create_check_constraint(op.f("ck_runs_kind"), "runs", new)
        return
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar()
    bind.exec_driver_sql("PRAGMA writable_schema=ON")
    changed = bind.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) "
        "WHERE type = 'table' AND name = 'runs' AND instr(sql, ?)",
        (old, new, old),
    )
    if changed.rowcount != 1:
        raise StoreError(
            "this SQLite does not let the store's schema be brought up to date",
            hint="set SWEPT_HOME to a new folder, or use another Python's SQLite for the first start",
        )
    bind.exec_driver_sql(f"PRAGMA schema_version={int(version or 0) + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema=RESET")


def _imports() -> None:
    """What was brought over from where."""
    op.create_table(
        "imports",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("run", sa.Text()),
        sa.Column("sweep", sa.Text()),
        sa.Column("stamp", sa.Text(), server_default="", nullable=False),
        sa.Column("whole", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.CheckConstraint("(run IS NULL) <> (sweep IS NULL)", name=op.f("ck_imports_one")),
        sa.ForeignKeyConstraint(
            ["run"], ["runs.id"], name=op.f("fk_imports_run"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sweep"], ["sweeps.id"], name=op.f("fk_imports_sweep"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_imports")),
    )
    op.create_index(op.f("ix_imports_run"), "imports", ["run"])
    op.create_index(op.f("ix_imports_sweep"), "imports", ["sweep"])


ARTIFACT_TABLES = (
    "artifact_collections",
    "artifacts",
    "artifact_aliases",
    "artifact_clients",
    "artifact_files",
    "artifact_manifests",
    "artifact_runs",
)


def _artifacts() -> None:
    _artifact_collections()
    _artifact_versions()
    _artifact_aliases()
    _artifact_clients()
    _artifact_files()
    _artifact_manifests()
    _artifact_runs()


def _belongs(table: str, column: str, to: str, key: str = "number") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{to}.{key}"], name=name, ondelete="CASCADE")


def _number(name: str = "number") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)


def _artifact_collections() -> None:
    op.create_table(
        "artifact_collections",
        _number(),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("versions", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("updated", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_artifact_collections")),
    )
    op.create_index(
        "uq_artifact_collections_project_name",
        "artifact_collections",
        ["project", "name"],
        unique=True,
    )


def _artifact_versions() -> None:
    op.create_table(
        "artifacts",
        _number(),
        _number("collection"),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("shared", sa.Text(), nullable=True),
        sa.Column("run", sa.Text(), nullable=True),
        sa.Column("step", sa.BigInteger(), nullable=True),
        sa.Column("manifest", sa.Text(), server_default="", nullable=False),
        sa.Column("same", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("files", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("updated", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "(version IS NULL) = (manifest = '')", name=op.f("ck_artifacts_committed")
        ),
        sa.CheckConstraint("same IS NULL OR version IS NULL", name=op.f("ck_artifacts_same")),
        _belongs("artifacts", "collection", "artifact_collections"),
        sa.ForeignKeyConstraint(
            ["run"], ["runs.id"], name=op.f("fk_artifacts_run"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["same"], ["artifacts.number"], name=op.f("fk_artifacts_same"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_artifacts")),
    )
    op.create_index("ix_artifacts_run", "artifacts", ["run"], unique=False)
    op.create_index("ix_artifacts_same", "artifacts", ["same"], unique=False)
    op.create_index("ix_artifacts_manifest", "artifacts", ["manifest"], unique=False)
    op.create_index(
        "ix_artifacts_collection_digest", "artifacts", ["collection", "digest"], unique=False
    )
    op.create_index(
        "uq_artifacts_collection_version", "artifacts", ["collection", "version"], unique=True
    )


def _artifact_aliases() -> None:
    op.create_table(
        "artifact_aliases",
        _number("collection"),
        sa.Column("alias", sa.Text(), nullable=False),
        _number("artifact"),
        _belongs("artifact_aliases", "collection", "artifact_collections"),
        _belongs("artifact_aliases", "artifact", "artifacts"),
        sa.PrimaryKeyConstraint("collection", "alias", name=op.f("pk_artifact_aliases")),
    )
    op.create_index("ix_artifact_aliases_artifact", "artifact_aliases", ["artifact"], unique=False)


def _artifact_clients() -> None:
    op.create_table(
        "artifact_clients",
        sa.Column("client", sa.Text(), nullable=False),
        _number("artifact"),
        _belongs("artifact_clients", "artifact", "artifacts"),
        sa.PrimaryKeyConstraint("client", name=op.f("pk_artifact_clients")),
    )
    op.create_index("ix_artifact_clients_artifact", "artifact_clients", ["artifact"], unique=False)


def _artifact_files() -> None:
    op.create_table(
        "artifact_files",
        _number("artifact"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("ref", sa.Text(), server_default="", nullable=False),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        _belongs("artifact_files", "artifact", "artifacts"),
        sa.PrimaryKeyConstraint("artifact", "name", name=op.f("pk_artifact_files")),
    )
    op.create_index("ix_artifact_files_digest", "artifact_files", ["digest"], unique=False)


def _artifact_manifests() -> None:
    op.create_table(
        "artifact_manifests",
        _number(),
        _number("artifact"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('full', 'incremental', 'patch')", name=op.f("ck_artifact_manifests_kind")
        ),
        _belongs("artifact_manifests", "artifact", "artifacts"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_artifact_manifests")),
    )
    op.create_index(
        "ix_artifact_manifests_artifact", "artifact_manifests", ["artifact"], unique=False
    )


def _artifact_runs() -> None:
    op.create_table(
        "artifact_runs",
        _number("artifact"),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.CheckConstraint("role IN ('output', 'input')", name=op.f("ck_artifact_runs_role")),
        _belongs("artifact_runs", "artifact", "artifacts"),
        _belongs("artifact_runs", "run", "runs", "id"),
        sa.PrimaryKeyConstraint("artifact", "run", "role", name=op.f("pk_artifact_runs")),
    )
    op.create_index("ix_artifact_runs_run", "artifact_runs", ["run"], unique=False)


def _flat_values(sources: Sequence[str]) -> None:
    """The table anew, without its rows: they are made from the runs."""
    op.drop_table("flat_values")
    listed = ", ".join(map(repr, sources))
    op.create_table(
        "flat_values",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.CheckConstraint(f"source IN ({listed})", name=op.f("ck_flat_values_source")),
        _belongs("flat_values", "run", "runs", "id"),
        sa.PrimaryKeyConstraint("run", "source", "key", name=op.f("pk_flat_values")),
    )
    op.create_index("ix_flat_values_key_number", "flat_values", ["key", "number"], unique=False)


def _flatten() -> None:
    """Flat values of the runs that there are, a run at a time."""
    bind = op.get_bind()
    ids = bind.exec_driver_sql("SELECT id FROM runs").scalars().all()
    columns = ("config", "latest", "summary", "details")
    runs = sa.table("runs", *map(sa.column, ("id", *columns)))
    statement = sa.select(*(runs.c[name] for name in columns))
    flat = sa.table("flat_values", *map(sa.column, ("run", "source", "key", "number", "text")))
    for run in ids:
        row = bind.execute(statement.where(runs.c.id == run)).one()
        values = list(flat_0002.rows(run, *row))
        if values:
            bind.execute(sa.insert(flat), values)
