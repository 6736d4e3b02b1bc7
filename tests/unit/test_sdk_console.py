"""What a program prints, copied on its way to the terminal: the lines as they stand there, whatever goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

import swept
from swept.errors import LeaseLost, ServerUnreachable, SweptError, UsageError
from swept.testing.clock import FakeClock
from swept.tracking import printed
from swept.tracking.printed import SEND_SECONDS, Printed
from swept.wire.reports import ConsoleLine


class Lines(dict[int, str]):
    """What a server has, by number."""

    def __call__(self, lines: list[ConsoleLine]) -> None:
        self.update({line["number"]: line["text"] for line in lines})


def failing(error: SweptError) -> Callable[[list[ConsoleLine]], None]:
    def add(lines: list[ConsoleLine]) -> None:
        raise error

    return add


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "console.log"


def test_both_streams_are_one_terminal_and_overwritten_lines_collapse(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, there = FakeClock(), Lines()
    one = Printed(path, clock)
    sys.stdout.write("first\n 10 %\r")
    assert not one.send(there)
    assert there == {0: "first", 1: " 10 %"}
    sys.stdout.write(" 50 %\r")
    sys.stderr.write("100 %\nwarning ü\n")
    sys.stdout.writelines(["half ", "a line"])
    clock.advance(SEND_SECONDS)
    one.send(there)
    one.end()
    sys.stdout.write("later\n")
    one.send(there)
    assert there == {0: "first", 1: "100 %", 2: "warning ü", 3: "half a line"}
    assert capsys.readouterr().out == "first\n 10 %\r 50 %\rhalf a linelater\n"


def test_lines_are_gathered_and_large_amounts_sent_in_parts(path: Path) -> None:
    clock, there = FakeClock(), Lines()
    with redirect_stdout(StringIO()):
        one = Printed(path, clock)
        print("a")  # noqa: T201
        assert not one.send(there)
        for number in range(2500):
            print(number)  # noqa: T201
        assert not one.send(there)  # too early
        clock.advance(SEND_SECONDS)
        requests = 1
        while one.send(there):
            requests += 1
        one.end()
    assert requests == 3
    assert list(there.values()) == ["a", *map(str, range(2500))]


def test_lines_wait_for_a_server_that_is_away_and_no_longer_for_one_that_refuses(
    path: Path,
) -> None:
    clock, there = FakeClock(), Lines()
    with redirect_stdout(StringIO()):
        one = Printed(path, clock)
        print("a")  # noqa: T201
        with pytest.raises(ServerUnreachable):
            one.send(failing(ServerUnreachable("it is away")))
        print("b")  # noqa: T201
        one.send(there)
        assert there == {0: "a", 1: "b"}
        print("c")  # noqa: T201
        one.end()
        assert not one.send(failing(UsageError("not these")))
        with path.open("a") as file:
            file.write("d")
        with pytest.raises(LeaseLost):
            one.send(failing(LeaseLost("it is somebody else's")))
    assert there == {0: "a", 1: "b"}


def test_a_full_disk_costs_the_copy_only(capsys: pytest.CaptureFixture[str]) -> None:
    one = Printed(Path("/dev/full"), FakeClock())
    sys.stdout.write("shown\n")
    one.end()
    assert capsys.readouterr().out == "shown\n"


def test_what_somebody_wraps_later_stays_wrapped(path: Path) -> None:
    stream = StringIO()
    with redirect_stdout(stream):
        one, copying = Printed(path, FakeClock()), stream.write
        stream.write = lambda text: copying(text.upper())  # type: ignore[method-assign]
        one.end()
        sys.stdout.write("a\n")
    assert (stream.getvalue(), path.read_text()) == ("A\n", "")


def test_a_program_s_own_errors_are_its_own(path: Path) -> None:
    stream = StringIO()
    with redirect_stdout(stream):
        one = Printed(path, FakeClock())
        with pytest.raises(TypeError):
            stream.write(b"bytes")  # type: ignore[arg-type]
        stream.close()
        with pytest.raises(ValueError, match="closed"):
            sys.stdout.write("x")
        one.end()
    assert path.read_text() == ""


def test_forks_and_threads_write_whole_pieces_also_without_streams(path: Path) -> None:
    code = f"""
import os, sys, threading
from pathlib import Path
from swept.clock import SystemClock
from swept.tracking.printed import Printed
sys.stderr = None
one = Printed(Path({str(path)!r}), SystemClock())
def work(name):
    for number in range(500):
        sys.stdout.write(f"{{name}} {{number}}\\n")
threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
if (pid := os.fork()) == 0:
    work("child")
    sys.stdout.flush()
    os._exit(0)
[thread.start() for thread in threads]
[thread.join() for thread in threads]
os.waitpid(pid, 0)
one.end()
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(swept.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
    wanted = {f"{name} {number}" for name in ("a", "b", "c", "child") for number in range(500)}
    lines = path.read_text().splitlines()
    assert (set(lines), len(lines)) == (wanted, 2000)


@pytest.mark.parametrize("name", ["SWEPT_CONSOLE", "WANDB_CONSOLE"])
def test_it_can_be_turned_off(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWEPT_CONSOLE", raising=False)
    monkeypatch.delenv("WANDB_CONSOLE", raising=False)
    assert printed.wanted()
    monkeypatch.setenv(name, "off")
    assert not printed.wanted()
