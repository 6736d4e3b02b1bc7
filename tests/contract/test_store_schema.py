"""The migrated database is the schema of the code; the schema itself refuses what must not be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from swept.errors import StoreError
from swept.store import schema
from swept.store.migrate import REVISIONS, configuration
from swept.store.sql import open_store
from swept.testing.scenes import NOW, log, running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/swept.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def migrated(url: str) -> Iterator[Engine]:
    store = open_store(url)
    running(store, log(1, 0, loss=1.0))
    store.close()
    engine = create_engine(url)
    yield engine
    engine.dispose()


def _checks(engine: Engine) -> dict[str, set[str]]:
    inspector = inspect(engine)
    return {
        table: {str(check["name"]) for check in inspector.get_check_constraints(table)}
        for table in schema.metadata.tables
    }


def test_the_migrated_schema_is_the_schema_of_the_code(migrated: Engine) -> None:
    # Alembic takes the default '' for none on SQLite; there the next test compares whole statements.
    defaults = migrated.dialect.name != "sqlite"
    with migrated.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": defaults}
        )
        assert compare_metadata(context, schema.metadata) == []


def test_the_migrated_constraints_are_those_of_the_code(url: str, tmp_path: Path) -> None:
    """Alembic compares no CHECKs: their names and, on SQLite, the whole statements are compared here."""
    open_store(url).close()
    engine = create_engine(url)
    other = create_engine(f"sqlite:///{tmp_path}/metadata.db")
    schema.metadata.create_all(other)
    try:
        assert _checks(engine) == _checks(other)
        if engine.dialect.name == "sqlite":
            assert _statements(engine) == _statements(other)
    finally:
        engine.dispose()
        other.dispose()


def _statements(engine: Engine) -> dict[str, Any]:
    """CREATE statements by name, lines in any order (columns and constraints are sets)."""
    query = (
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'"
    )
    with engine.connect() as connection:
        return {
            name: sorted(line.strip().rstrip(",").replace(" ", "") for line in sql.splitlines())
            for name, sql in connection.execute(text(query))
        }


def _odd_values(url: str) -> None:
    """A run whose values are of every kind that flat ones can have."""
    store = open_store(url)
    odd: dict[str, Any] = {
        "nan": math.nan,
        "inf": -math.inf,
        "huge": 10**400,
        "true": True,
        "null": None,
        "text": "NaN and \x00",
        "list": [1, "x", None, {"a": 1}],
        "long": list(range(150)),
        "empty": {},
        "deep": {"a": {"b.c": 2}, "a.b": 3},
        "n" * 500: 1,
    }
    lease = running(store, log(1, 0, loss=1.0, deep={"a": 1}, text="x", bad=math.nan))
    details = {"tags": ["a", "b"], "group": "g", "charts": {"c": 1}, "wandb_config": {"own": odd}}
    store.update_run(lease.run.id, now=NOW, summary=odd, details=details)
    store.close()


def test_a_store_of_the_first_schema_keeps_all_it_has(url: str, migrated: Engine) -> None:
    _odd_values(url)
    before = _contents(migrated)
    with migrated.begin() as connection:
        command.downgrade(configuration(connection), "0001")
    assert _contents(migrated) != before  # it is the old schema indeed
    open_store(url).close()
    assert _contents(migrated) == before
    assert before["rows"]
    assert {row[1] for row in before["flat_values"]} >= {"summary", "history"}


def _contents(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    with engine.connect() as connection:
        there = inspect(connection).get_table_names()
        return {
            name: sorted(
                (tuple(row) for row in connection.execute(text(f'SELECT * FROM "{name}"'))),
                key=repr,
            )
            for name in schema.metadata.tables
            if name in there
        }


def test_the_listed_revisions_are_those_that_are_packaged() -> None:
    script = ScriptDirectory.from_config(configuration())
    packaged = [revision.revision for revision in script.walk_revisions()]
    assert tuple(reversed(packaged)) == REVISIONS


def test_a_newer_schema_is_refused_with_the_way_out(url: str, migrated: Engine) -> None:
    with migrated.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version of swept") as caught:
        open_store(url)
    assert "pip install --upgrade swept" in caught.value.hint


def test_a_foreign_database_is_left_alone(url: str) -> None:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE theirs (id INTEGER)"))
        with pytest.raises(StoreError, match="not swept's"):
            open_store(url)
        assert inspect(engine).get_table_names() == ["theirs"]
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE runs SET state = 'dancing'",
        "UPDATE runs SET state = 'finished'",  # no time of its end
        "UPDATE runs SET state = 'paused'",  # nobody paused it
        "UPDATE runs SET attempts = 0",  # running without an attempt
        "UPDATE runs SET kind = 'party'",
        "UPDATE runs SET sweep = NULL",
        "UPDATE runs SET sweep = 'unknown'",
        "UPDATE leases SET state = 'ended'",  # no answer
        "UPDATE attempts SET outcome = 'finished'",  # no time of its end
        "UPDATE sweeps SET state = 'failed'",
        "INSERT INTO counters (id) VALUES (2)",
        "INSERT INTO leases SELECT 'other', run, attempt, agent, NULL, state, issued, expires, seconds, requeue, "
        "from_zero, answer, retried FROM leases",  # a second live one
        "INSERT INTO attempts SELECT run, number, agent, host, started, ended, outcome, reason, exit_code, signal, "
        "first_step, last_sequence, effective_config FROM attempts",
        "INSERT INTO rows (run, attempt, step, metrics) SELECT run, 2, step, metrics FROM rows",
    ],
)
def test_the_schema_refuses_what_must_not_be(migrated: Engine, statement: str) -> None:
    with migrated.connect() as connection:
        if migrated.dialect.name == "sqlite":
            connection.execute(text("PRAGMA foreign_keys=ON"))
        with pytest.raises(IntegrityError):
            connection.execute(text(statement))
