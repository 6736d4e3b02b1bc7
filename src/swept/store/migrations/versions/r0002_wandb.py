"""What the W&B client's further parts keep. Each part has its own function here, as in r0001."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One call a part."""
    _kinds(KINDS, (*KINDS, "prior"))
    _imports()


def downgrade() -> None:
    """The same, backwards."""
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
    assert changed.rowcount == 1
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
