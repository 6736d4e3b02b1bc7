"""What a person reads when the store cannot be opened or written."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

import pytest

from swept.errors import StoreError, UsageError
from swept.store.connection import file_system
from swept.store.sql import open_store
from swept.testing.scenes import NOW, log, new_sweep, running


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "is no database URL"),
        ("mysql://localhost/x", "is no database that swept knows"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_a_wrong_url_is_a_usage_error_that_shows_the_right_forms(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        open_store(url)
    assert "sqlite:////absolute/path/swept.db" in caught.value.hint


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/swept.db")
    running(store)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    store.close()
    assert modes.keys() >= {"swept.db", "swept.db-wal"}
    assert set(modes.values()) == {0o600}


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no folder") as caught:
        open_store(f"sqlite:///{tmp_path}/nowhere/swept.db")
    assert "mkdir -p" in caught.value.hint


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "swept.db"
    path.write_bytes(b"this is a letter, not a database. " * 100)
    with pytest.raises(StoreError, match="not an SQLite database"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes().startswith(b"this is a letter")


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "swept.db"
    store = open_store(f"sqlite:///{path}")
    running(store, *(log(i, i, loss=1.0, text="x" * 500) for i in range(1, 100)))
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        open_store(f"sqlite:///{path}")


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """SQLite's page limit raises the very error of a full disk."""
    url = f"sqlite:///{tmp_path}/swept.db"
    store = open_store(url)
    lease = running(store, log(1, 0, loss=1.0))
    database = store._database
    database.write(lambda work: work.connection.exec_driver_sql("PRAGMA max_page_count=60"))

    def write_for_ever() -> None:
        for seq in itertools.count(2):
            store.report(lease.run.id, lease.token, [log(seq, seq, text="x" * 9000)], now=NOW)

    with pytest.raises(StoreError, match="the disk is full") as caught:
        write_for_ever()
    assert "free some space" in caught.value.hint
    database.write(lambda work: work.connection.exec_driver_sql("PRAGMA max_page_count=100000"))
    known = store.report(lease.run.id, lease.token, [], now=NOW).acknowledged
    assert len(store.rows(lease.run.id)) == known
    store.report(lease.run.id, lease.token, [log(known + 1, known + 1, x=1)], now=NOW)
    store.close()


def test_a_store_that_another_process_holds_is_waited_for_and_then_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swept.store.connection.BUSY_SECONDS", 0.1)
    store = open_store(f"sqlite:///{tmp_path}/swept.db")
    other = sqlite3.connect(tmp_path / "swept.db", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process holds it"):
            store.create_sweep(new_sweep(), now=NOW)
        other.execute("ROLLBACK")
        assert store.create_sweep(new_sweep(), now=NOW).id
    finally:
        other.close()
        store.close()


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/swept.db")
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.create_sweep(new_sweep(), now=NOW)
    with pytest.raises(StoreError, match="closed"):
        store.sweeps()


def test_a_database_that_does_not_answer_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not answer"):
        open_store(f"postgresql://user:secret@/x?host={tmp_path}")


def test_no_message_holds_the_password(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(f"postgresql://user:secret@/x?host={tmp_path}")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("folder", ["with blank", "täst", "quote'", "percent%20", "#hash", "a;b"])
def test_odd_paths_are_good_paths(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    open_store(f"sqlite:///{tmp_path}/{folder}/swept.db").close()
    assert (tmp_path / folder / "swept.db").exists()


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda / ext4 rw 0 0\n"
        "server:/home /net nfs4 rw 0 0\n"
        "/dev/sdb /net/local\\040disk xfs rw 0 0\n"
    )
    kinds = {
        "/net/me/project": "nfs4",
        "/network/x": "ext4",
        "/net/local disk/x": "xfs",
    }
    for path, kind in kinds.items():
        assert file_system(Path(path), mounts) == kind
    assert file_system(Path("/"), tmp_path / "missing") == ""


def test_a_network_file_system_is_refused_with_the_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = file_system(tmp_path)
    monkeypatch.setattr("swept.store.connection.NETWORK_FILE_SYSTEMS", frozenset({kind}))
    with pytest.raises(StoreError, match="network file system") as caught:
        open_store(f"sqlite:///{tmp_path}/swept.db")
    assert "SWEPT_HOME" in caught.value.hint
    assert "postgresql://" in caught.value.hint
