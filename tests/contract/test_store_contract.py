"""The store's contract on both databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from swept.store.base import Store
from swept.store.sql import open_store
from swept.testing.store_contract import StoreContract


class TestSqlite(StoreContract):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], Store]:
        return lambda: open_store(f"sqlite:///{tmp_path}/swept.db")


@pytest.mark.postgres
class TestPostgresql(StoreContract):
    @pytest.fixture
    def reopen(self, postgres_url: str) -> Callable[[], Store]:
        return lambda: open_store(postgres_url)
