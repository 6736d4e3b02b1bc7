"""The `.swept/` folder."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from swept import home
from swept.errors import NotFound, StoreError, UsageError
from swept.home import ServerRecord


@pytest.fixture(autouse=True)
def _no_named_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWEPT_HOME", raising=False)
    monkeypatch.delenv("SWEPT_URL", raising=False)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_found_upwards_and_the_nearest_wins(tmp_path: Path) -> None:
    below = tmp_path / "project" / "deep" / "deeper"
    below.mkdir(parents=True)
    far = home.make(tmp_path)
    assert home.find(below) == far
    near = home.make(tmp_path / "project")
    assert home.find(below) == near
    assert home.find(tmp_path) == far


def test_there_may_be_none(tmp_path: Path) -> None:
    assert home.find(tmp_path) is None


def test_swept_home_beats_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.make(tmp_path)
    monkeypatch.setenv("SWEPT_HOME", str(tmp_path / "else" / "where"))
    assert home.find(tmp_path) is None
    made = home.make(tmp_path)
    assert made.path == tmp_path / "else" / "where"
    assert home.find(tmp_path) == made


def test_secrets_are_for_the_owner_only(tmp_path: Path) -> None:
    made = home.make(tmp_path)
    made.keep_server(ServerRecord("host", "boot", 1, 2.0, "0.1", "http://127.0.0.1:1"))
    assert mode(made.path) == 0o700
    assert mode(made.path / "key") == 0o600
    assert mode(made.server_json) == 0o600


def test_the_key_is_one_that_wandb_takes_and_stays(tmp_path: Path) -> None:
    key = home.make(tmp_path).key()
    prefix, _, digits = key.partition("-")
    assert (prefix, len(digits)) == ("local", 40)
    assert int(digits, 16) >= 0
    assert home.make(tmp_path).key() == key


def test_starters_at_once_agree_on_one_key(tmp_path: Path) -> None:
    start = threading.Barrier(8)
    keys: list[str] = []

    def make() -> None:
        start.wait(30)
        keys.append(home.make(tmp_path).key())

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert not [path for path in (tmp_path / ".swept").iterdir() if path.name.startswith(".key")]


def test_git_sees_nothing_of_it(tmp_path: Path) -> None:
    assert (home.make(tmp_path).path / ".gitignore").read_text() == "*\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_owner_is_refused(tmp_path: Path) -> None:
    made = home.make(tmp_path)
    os.chown(made.path, 12345, -1)
    with pytest.raises(StoreError, match="belongs to another user") as caught:
        home.find(tmp_path)
    assert "SWEPT_HOME" in caught.value.hint


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".swept").write_text("")
    with pytest.raises((UsageError, StoreError)):
        home.make(tmp_path)


def test_half_a_server_record_is_none(tmp_path: Path) -> None:
    made = home.make(tmp_path)
    assert made.server() is None
    made.server_json.write_text('{"host": "x"')
    assert made.server() is None


def test_a_server_forgets_only_itself(tmp_path: Path) -> None:
    made = home.make(tmp_path)
    record = ServerRecord("host", "new", 1, 2.0, "0.1", "http://127.0.0.1:1")
    made.keep_server(record)
    made.forget_server("old")
    assert made.server() == record
    made.forget_server("new")
    assert made.server() is None


def test_the_port_is_kept(tmp_path: Path) -> None:
    made = home.make(tmp_path)
    assert made.port() is None
    made.keep_port(4321)
    assert home.make(tmp_path).port() == 4321


def test_keeping_up_never_shortens(tmp_path: Path) -> None:
    made = home.make(tmp_path)
    made.keep_up(200.0)
    made.keep_up(100.0)
    assert made.keep_until() == 200.0


def test_connecting_without_a_folder_says_what_makes_one(tmp_path: Path) -> None:
    from swept.connect import connect

    with pytest.raises(NotFound) as caught:
        connect(tmp_path, make=False)
    assert "swept launch" in caught.value.hint
    assert not (tmp_path / ".swept").exists()


def test_the_search_begins_beside_a_sweep_file(tmp_path: Path) -> None:
    assert home.start_folder(tmp_path / "sweep.yaml") == tmp_path
    assert home.start_folder(tmp_path) == tmp_path


def test_a_store_elsewhere_is_kept_for_whoever_starts_the_server_next(tmp_path: Path) -> None:
    made = home.make(tmp_path)
    assert made.store_url == f"sqlite:///{tmp_path}/.swept/swept.db"
    made.keep_store("postgresql://me:secret@db/swept")
    assert home.make(tmp_path).store_url == "postgresql://me:secret@db/swept"
    assert mode(made.path / "store") == 0o600


def test_a_folder_that_cannot_be_written_is_said_with_what_mends_it(tmp_path: Path) -> None:
    made = home.make(tmp_path)
    shutil.rmtree(made.path)
    with pytest.raises(StoreError, match=r"cannot write .*/port: No such file") as told:
        made.keep_port(1)
    assert "SWEPT_HOME" in told.value.hint
