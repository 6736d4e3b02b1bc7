"""Bringing a database to the schema of this version, on open."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from swept.errors import StoreError
from swept.store.connection import Engines, explain

REVISIONS = ("0001", "0002", "0003")
"""Every revision of the schema, oldest first; the last is what this version writes."""
_LOCK = 0x73776570  # two servers that start at once: the second waits


def migrate(engines: Engines) -> None:
    """Create the tables, or bring them up to date. Raises StoreError: newer schema, or not a store of ours."""
    try:
        with engines.writer.begin() as connection:
            if not engines.sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            if _revision(connection, engines.place) != REVISIONS[-1]:
                command.upgrade(configuration(connection), "head")
    except DBAPIError as error:
        raise explain(error, engines.place) from error


def configuration(connection: Connection | None = None) -> AlembicConfig:
    """Alembic's configuration for the packaged revisions, working on `connection`."""
    config = AlembicConfig()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection, place: str) -> str | None:
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" not in tables:
        if tables:
            raise StoreError(
                f"`{place}` holds tables that are not swept's", hint="name another file or database"
            )
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is not None and found not in REVISIONS:
        raise StoreError(
            f"`{place}` was written by a newer version of swept (schema {found}; this one knows "
            f"{REVISIONS[-1]})",
            hint="`pip install --upgrade swept`",
        )
    return str(found) if found is not None else None
