"""The SDK's recorder with a server that the test plays: what it refuses or loses holds up nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from swept.client import Client
from swept.clock import SystemClock
from swept.errors import UsageError
from swept.tracking.recording import Recorder
from swept.tracking.reporting import Journal
from swept.tracking.workspace import Workspace
from swept.wire.reports import Reports, ReportsAnswer


class Server:
    """Takes every report and file, but not the names in `refuses`."""

    def __init__(self) -> None:
        self.seen = 0
        self.files: list[tuple[str, str]] = []
        self.refuses: tuple[str, ...] = ()
        self.before_answer: Callable[[], None] = lambda: None
        self.desired = "go"

    def reports(self, run: str, body: Reports) -> ReportsAnswer:
        self.seen = max([self.seen, *(report["seq"] for report in body["reports"])])
        self.before_answer()
        return {"acknowledged": self.seen, "lease": "ok", "desired": self.desired, "reason": ""}

    def put_file(self, run: str, name: str, path: Path) -> None:
        self.files.append((name, path.read_text()))
        self.before_answer()
        if name in self.refuses:
            raise UsageError(f"{name!r} is no name for a file")

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def recorder(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setenv("SWEPT_DECISION_SECONDS", "60")
    place = Workspace(tmp_path / "run")
    checkpoints = tmp_path / "checkpoints" / "r1"
    connect = lambda: cast(Client, server)  # noqa: E731
    journal = Journal(place.journal)
    return Recorder("r1", "local-x", place, journal, checkpoints, 1, connect, SystemClock())


def test_a_file_that_the_server_refuses_is_sent_once_and_holds_up_no_other(
    server: Server, recorder: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").write_text("x")
    server.refuses = ("a\\b",)
    for name in ("a\\b", "good.part"):
        recorder.save(tmp_path / "a", name)
    recorder.finish(0)
    assert server.files == [("a\\b", "x"), ("good.part", "x")]
    assert "refused the file" in capsys.readouterr().err
    assert (tmp_path / "run" / "files" / "a\\b").exists()


def test_a_file_saved_again_while_it_is_sent_is_sent_again(
    server: Server, recorder: Recorder, tmp_path: Path
) -> None:
    best = tmp_path / "best.pt"
    best.write_text("old")

    def save_again() -> None:
        if server.files and best.read_text() == "old":
            best.write_text("new")
            recorder.save(best, "best.pt")

    server.before_answer = save_again
    recorder.save(best, "best.pt")
    recorder.finish(0)
    assert [content for _, content in server.files] == ["old", "new"]


def test_checkpoints_that_vanish_hold_up_no_reports(
    server: Server, recorder: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "last.pt").write_text("state")
    server.before_answer = lambda: shutil.rmtree(tmp_path / "checkpoints", ignore_errors=True)
    recorder.checkpoint(tmp_path / "last.pt", 0)
    assert recorder._reporter.wait(1, 0.0)  # acknowledged, and not sent for ever
    recorder.report("log", step=1, metrics={"loss": 1.0}, objective=True)
    recorder.finish(0)
    assert server.seen == 2


def _after(tmp_path: Path) -> int:
    told = Workspace(tmp_path / "run").told()
    assert told is not None
    return told.after


def test_an_order_that_comes_between_two_reports_excuses_the_next_one(
    server: Server, recorder: Recorder, tmp_path: Path
) -> None:
    """The program has looked before the order came, with the answer to a checkpoint."""
    (tmp_path / "last.pt").write_text("state")
    recorder.report("log", step=0, metrics={"loss": 1.0}, objective=True)
    server.desired = "stop"
    recorder.checkpoint(tmp_path / "last.pt", 0)
    assert (recorder.wanted, _after(tmp_path)) == ("stop", 2)
    recorder.report("log", step=0, metrics={"other": 1.0})
    recorder.report("log", step=1, metrics={"loss": 1.0}, objective=True)
    assert _after(tmp_path) == 4
    recorder.report("log", step=2, metrics={"loss": 1.0}, objective=True)
    assert _after(tmp_path) == 4, "it could have looked by now"
    recorder.finish(0)


def test_an_order_that_comes_with_the_answer_to_a_report_excuses_none(
    server: Server, recorder: Recorder, tmp_path: Path
) -> None:
    server.desired = "stop"
    for step in (0, 1):
        recorder.report("log", step=step, metrics={"loss": 1.0}, objective=True)
    assert _after(tmp_path) == 1
    recorder.finish(0)
