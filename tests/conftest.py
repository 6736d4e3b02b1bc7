"""What several kinds of tests share: a real PostgreSQL, started once for all of them, and how examples are drawn."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, text
from tests.postgres import Postgres, wanted_binaries

_SCHEMAS = itertools.count(1)

# How long an example takes says how busy the machine is, and nothing of the code. Where all tests are asked for, the
# examples are the same each time: what fails there has been changed, and is no draw of this day. Elsewhere they are new.
settings.register_profile(
    "swept",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("SWEPT_TEST_ALL") == "1",
    print_blob=True,
)
settings.load_profile("swept")

# A shell without job control starts what it puts into the background with SIGINT ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL server of our own."""
    one = Postgres(wanted_binaries())
    try:
        one.start()
        yield one.url
    finally:
        one.remove()


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """URL of an empty schema of its own on that server, dropped after the test."""
    schema = f"test_{os.getpid()}_{next(_SCHEMAS)}"
    engine = create_engine(postgres, pool_pre_ping=True)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        yield f"{postgres}&options=-csearch_path%3D{schema}"
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    finally:
        engine.dispose()
