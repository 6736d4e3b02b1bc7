"""Programs on this machine, each below a supervisor of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from swept.executors.base import Launch, StartFailed


class LocalJob:
    """A supervisor and, through its pipe, the program."""

    def __init__(self, supervisor: subprocess.Popen[bytes], pid: int) -> None:
        self._supervisor = supervisor
        self.pid = pid

    def ended(self) -> bool:
        return self._supervisor.poll() is not None

    def wait(self) -> None:
        self._supervisor.wait()

    def interrupt(self, why: str) -> None:
        self._tell("interrupt", why)

    def end(self, why: str, *, now: bool = False) -> None:
        self._tell("kill" if now else "end", why)

    def _tell(self, word: str, why: str) -> None:
        line = f"{word} {' '.join(why.split())}\n"
        pipe = self._supervisor.stdin
        assert pipe is not None
        # A supervisor that has ended reads no more: then there is nothing left to end.
        with contextlib.suppress(BrokenPipeError, ValueError):
            os.write(pipe.fileno(), line.encode("utf-8", "replace"))

    def close(self) -> None:
        if self._supervisor.stdin is not None:
            self._supervisor.stdin.close()
        self._supervisor.wait()


class LocalExecutor:
    """`supervisor` is the path of the supervisor's script."""

    def __init__(self, supervisor: Path) -> None:
        self._supervisor = supervisor

    def start(self, launch: Launch) -> LocalJob:
        """Returns when the program runs. Raises StartFailed."""
        orders = launch.workspace / "orders.json"
        try:
            _write_private(orders, json.dumps(_orders(launch)))
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(self._supervisor), str(orders)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl+C at the terminal is for the agent alone
            )
            assert process.stdout is not None
            with process.stdout as pipe:
                answer = pipe.readline()
        finally:
            orders.unlink(missing_ok=True)  # it has read them, and they hold the environment
        told = json.loads(answer) if answer else {"error": "its supervisor ended at once"}
        if "pid" in told:
            return LocalJob(process, int(told["pid"]))
        LocalJob(process, 0).close()
        raise StartFailed(
            f"cannot start `{launch.argv[0]}` in {launch.folder}: {told['error']}",
            hint="check `program:` and `command:` of the sweep file, and that the folder exists on this machine",
        )


def _write_private(path: Path, text: str) -> None:
    """Never readable by others, not for a moment: the environment has the lease in it."""
    path.unlink(missing_ok=True)
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)


def _orders(launch: Launch) -> dict[str, object]:
    return {
        "argv": list(launch.argv),
        "env": dict(launch.environment),
        "folder": str(launch.folder),
        "console": str(launch.workspace / "console.log"),
        "exit": str(launch.workspace / "exit.json"),
        "lock": str(launch.workspace / "alive"),
        "grace": launch.grace,
        "leftover": launch.leftover,
    }
