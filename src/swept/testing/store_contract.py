"""The store's contract as a test class: subclass it, give it your store, run pytest.

    class TestMyStore(StoreContract):
        @pytest.fixture
        def reopen(self, tmp_path):
            return lambda: open_store(f"sqlite:///{tmp_path}/swept.db")

`reopen` opens the same data each time it is called; the class closes what it opens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from swept.store.base import Store
from swept.testing.store_artifacts import ArtifactVerbs
from swept.testing.store_board import BoardVerbs
from swept.testing.store_endings import Endings
from swept.testing.store_imports import ImportVerbs
from swept.testing.store_leases import Leases
from swept.testing.store_measured import Measured
from swept.testing.store_reads import ReadVerbs
from swept.testing.store_reports import ReportVerbs
from swept.testing.store_runs import RunVerbs
from swept.testing.store_sweeps import SweepVerbs
from swept.testing.store_waits import Waits


class StoreContract(
    SweepVerbs,
    Leases,
    Waits,
    Endings,
    ReportVerbs,
    Measured,
    RunVerbs,
    ReadVerbs,
    BoardVerbs,
    ArtifactVerbs,
    ImportVerbs,
):
    """What every store must do. Subclasses override the fixture `reopen`."""

    @pytest.fixture
    def reopen(self) -> Callable[[], Store]:
        raise NotImplementedError("override the fixture `reopen`: it opens your store")

    @pytest.fixture
    def store(self, reopen: Callable[[], Store]) -> Iterator[Store]:
        store = reopen()
        yield store
        store.close()
