"""The tiny process around each training: it ends the training when its agent goes away.

    python -I -S supervisor.py ORDERS.json

ORDERS.json holds: argv, env, folder, console, exit, lock, grace (seconds between INT, TERM and KILL), leftover
(seconds that processes left behind by a program that has ended may go on: uploads). Standard input is a pipe from
the agent: the line `end WHY` (or `kill WHY`) ends the program; end of file means that the agent is gone, and does too.
`interrupt WHY` sends SIGINT to the program's main process alone, and waits for nothing.
Standard output gets one line of JSON: {"pid": N} or {"error": "why it could not be started"}.

`lock` is held while the program's processes may live. The exit file is written atomically, last:
{"code", "signal", "by": "program" | "interrupted" | "agent" | "agent-gone", "why"}.

It imports next to nothing, and nothing of swept: it must start in milliseconds and outlive everything. Waiting is
done with an interval timer, so that it never asks for the time. The Linux-only extras (the training dies with its
supervisor; orphans are re-parented to it) are left out elsewhere.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import sys

TYPE_CHECKING = False  # `typing` would be the slowest import of all
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Orders: TypeAlias = dict[str, Any]

LADDER = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
UNENDED = ("program", "interrupted")
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
RAISED_OOM_SCORE = "500"


class Supervisor:
    """One program in its own session, from its start to the exit file."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.wake, writable = os.pipe()
        for end in (self.wake, writable):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        for number in (
            signal.SIGCHLD,
            signal.SIGALRM,
            signal.SIGTERM,
            signal.SIGINT,
            signal.SIGHUP,
        ):
            signal.signal(number, self._signalled)
        self.alarm = self.asked = False
        self.by, self.why = "program", ""
        self.rung = 0
        self.listening = True
        self.pid = 0
        self.status: int | None = None

    def run(self) -> None:
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
        self.pid, error = start(self.orders)
        if error:
            self._tell({"error": error})
            return
        self._tell({"pid": self.pid})
        while self.status is None:
            self._wait()
            self._reap()
        self._clear()
        write_exit(self.orders["exit"], self.status, self.by, self.why)

    def _clear(self) -> None:
        """The program has ended: what it left behind may finish for a while, then goes too."""
        if self.by in UNENDED:
            self._arm(self.orders["leftover"])
        while self._reap() or reach(os.killpg, self.pid, 0):
            self._wait(limit=0.1)

    def _wait(self, limit: float | None = None) -> None:
        """Sleep until a child ends, the agent says something, or the timer asks for the next step."""
        files = [self.wake, *([0] if self.listening else [])]
        ready, _, _ = select.select(files, [], [], limit)
        if self.wake in ready:
            os.read(self.wake, 4096)
        if 0 in ready:
            self._listen(os.read(0, 65536))
        if self.asked:
            self.asked = False
            self._end("agent-gone", "its supervisor was told to end")
        if self.alarm:
            self.alarm = False
            self._escalate()

    def _listen(self, said: bytes) -> None:
        if not said:
            self.listening = False
            self._end("agent-gone", "the agent is gone")
            return
        for line in said.decode("utf-8", "replace").splitlines():
            word, _, why = line.partition(" ")
            if word == "interrupt":
                self._interrupt(why)
                continue
            if word == "kill":
                self.rung = len(LADDER) - 1
            self._end("agent", why)

    def _interrupt(self, why: str) -> None:
        if self.status is None and self.by == "program":
            self.by, self.why = "interrupted", why
            reach(os.kill, self.pid, signal.SIGINT)

    def _end(self, by: str, why: str) -> None:
        if self.status is None and self.by in UNENDED:
            self.by, self.why = by, why
        self._escalate()

    def _escalate(self) -> None:
        kill_all(self.pid, LADDER[min(self.rung, len(LADDER) - 1)])
        self.rung += 1
        self._arm(self.orders["grace"])

    def _arm(self, seconds: float) -> None:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.01))

    def _reap(self) -> bool:
        """Take in what has ended; whether children are left (on Linux: orphans of the program too)."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.pid:
                self.status = status

    def _signalled(self, number: int, frame: object) -> None:
        if number == signal.SIGALRM:
            self.alarm = True
        elif number != signal.SIGCHLD:
            self.asked = True

    def _tell(self, message: Orders) -> None:
        os.write(1, (json.dumps(message) + "\n").encode())
        os.close(1)


def start(orders: Orders) -> tuple[int, str]:
    """Start the program: its pid, and "" or why it could not be started."""
    readable, writable = os.pipe()  # closed by a successful exec
    pid = os.fork()
    if pid == 0:
        become(orders, writable)
    os.close(writable)
    error = os.read(readable, 4096).decode("utf-8", "replace")
    os.close(readable)
    if error:
        os.waitpid(pid, 0)
    return pid, error


def become(orders: Orders, writable: int) -> None:
    """In the child: become the program, or say why not. Never returns."""
    try:
        parent = os.getppid()
        os.setsid()
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the supervisor died before the call above
            os._exit(127)
        _raise_oom_score()
        console = os.open(orders["console"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(console, 1)
        os.dup2(console, 2)
        os.chdir(orders["folder"])
        signal.set_wakeup_fd(-1)
        for number in range(1, signal.NSIG):
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                try:
                    signal.signal(number, signal.SIG_DFL)
                except (OSError, ValueError):
                    continue
        os.execvpe(orders["argv"][0], orders["argv"], orders["env"])
    except BaseException as error:  # noqa: BLE001 - whatever it is, the supervisor has to hear of it
        os.write(writable, f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
    finally:
        os._exit(127)


def kill_all(group: int, number: int) -> None:
    """Signal the group, and the orphans that left it for a session of their own."""
    reach(os.killpg, group, number)
    for pid in orphans():
        if pid != group:
            reach(os.kill, pid, number)


def reach(kill: Callable[[int, int], None], target: int, number: int) -> bool:
    """Whether there was something to signal (macOS: permission, where only zombies are left)."""
    try:
        kill(target, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def orphans() -> list[int]:
    """This process's children, as far as the kernel tells."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def write_exit(path: str, status: int, by: str, why: str) -> None:
    code = os.waitstatus_to_exitcode(status)
    content = {
        "code": code if code >= 0 else None,
        "signal": -code if code < 0 else None,
        "by": by,
        "why": why,
    }
    draft = path + ".part"
    with open(draft, "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


def _raise_oom_score() -> None:
    """Short of memory, the kernel shall take the training, not the agent or the server."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(RAISED_OOM_SCORE)
    except OSError:
        pass


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        return
    try:
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        orders = json.load(file)
    with open(orders["lock"], "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        Supervisor(orders).run()


if __name__ == "__main__":
    main()
