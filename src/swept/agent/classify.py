"""How an attempt ended, from its exit code, its signal, its last lines and the memory. Pure.

    who ended it               exit           evidence                    outcome
    ─────────────────────────  ─────────────  ──────────────────────────  ──────────────────────────────
    the agent, for a reason    any            –                           that reason (stopped, paused …)
    the agent died             any            –                           released
    itself                     code 0         had looked at stop / pause  stopped / paused
    itself, after the agent's  code ≠ oom's   –                           stopped
    SIGINT to a W&B script     or SIGINT
    itself                     code 0         –                           finished
    itself                     code ≠ 0       "out of memory" in its end  oom
    itself                     code ≠ 0       a data loader's worker was  oom / lost, as below
                                              killed
    itself                     code ≠ 0       –                           failed
    somebody, by a signal      SIGKILL        the kernel's oom counters   oom
                                              moved, or memory was full
    somebody, by a signal      any            –                           lost

A shell in between reports signal N as code 128 + N: 137 and 143 are read as the signals.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import dropwhile

from swept.model import Desired, Outcome

FULL = 0.95
"""Share of the memory limit from which a SIGKILL counts as out of memory."""

_OUT_OF_MEMORY = re.compile(
    r"CUDA out of memory|OutOfMemoryError|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED"
    r"|HIP out of memory|MPS backend out of memory|RESOURCE_EXHAUSTED: Out of memory"
    r"|DefaultCPUAllocator: (?:can't allocate|not enough) memory|^MemoryError\b"
    r"|numpy\.core\._exceptions\._ArrayMemoryError|_ArrayMemoryError|std::bad_alloc"
    r"|\[Errno 12\] Cannot allocate memory|insufficient shared memory|out of shared memory"
)
_WORKER_KILLED = re.compile(r"DataLoader worker .*(?:killed by signal|exited unexpectedly)")
_TRACEBACK = "Traceback (most recent call last)"
_SHELL_SIGNALS = {128 + number: number for number in (signal.SIGKILL, signal.SIGTERM)}


@dataclass(frozen=True, slots=True)
class Exit:
    """What the supervisor wrote. `by`: program, interrupted (itself, after it got SIGINT), agent (it was told to
    end it), agent-gone, or supervisor-gone."""

    code: int | None
    signal: int | None = None
    by: str = "program"
    why: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the host says: kernel kills for memory during the run, and the group's largest share of the limit."""

    kills: int = 0
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How the attempt ended; `reason` is a sentence for people."""

    outcome: Outcome
    reason: str
    exit_code: int | None = None
    signal: int | None = None


def classify(
    exit: Exit,
    *,
    intent: Outcome | None = None,
    intent_reason: str = "",
    obeyed: Desired = Desired.GO,
    obeyed_reason: str = "",
    by_exception: bool = False,
    tail: Sequence[str] = (),
    memory: Memory | None = None,
) -> Ending:
    """`intent`: what the agent signalled it for; `obeyed`: the order that the program has looked at.

    `by_exception`: its client obeys by an exception, so that any exit code counts (W&B's does).
    """
    code, number = exit.code, exit.signal
    if code is not None and code in _SHELL_SIGNALS:
        number = _SHELL_SIGNALS[code]
        code = None
    outcome, reason = _judge(exit, code, number, tail, memory or Memory())
    if intent is not None and exit.by != "program":
        outcome, reason = intent, intent_reason
    elif exit.by == "interrupted" and _took(outcome, number):
        outcome, reason = Outcome.STOPPED, exit.why
    elif obeyed is not Desired.GO and (
        outcome is Outcome.FINISHED or (by_exception and outcome is Outcome.FAILED)
    ):
        outcome = Outcome.STOPPED if obeyed is Desired.STOP else Outcome.PAUSED
        reason = obeyed_reason
    return Ending(outcome, reason, exit.code, exit.signal)


def _took(outcome: Outcome, number: int | None) -> bool:
    """Whether that is how a program ends that takes SIGINT as the order to stop: by its own code, or by it."""
    return outcome in (Outcome.FINISHED, Outcome.FAILED) or number == signal.SIGINT


def _judge(
    exit: Exit, code: int | None, number: int | None, tail: Sequence[str], memory: Memory
) -> tuple[Outcome, str]:
    if exit.by == "agent-gone":
        return Outcome.RELEASED, "its agent had gone; the run can go on elsewhere"
    if exit.by == "supervisor-gone":
        return Outcome.LOST, "its supervisor was killed"
    if exit.by == "agent":
        return Outcome.RELEASED, exit.why or "ended by its agent"
    if number is not None:
        return _by_signal(number, tail, memory)
    if code == 0:
        return Outcome.FINISHED, "the program ended"
    return _by_code(code, tail, memory)


def _by_signal(number: int, tail: Sequence[str], memory: Memory) -> tuple[Outcome, str]:
    name = signal_name(number)
    if number == signal.SIGKILL and memory.kills:
        return Outcome.OOM, f"killed by the kernel: out of memory ({name})"
    if number == signal.SIGKILL and memory.share >= FULL:
        share = f"{memory.share:.0%}"
        return Outcome.OOM, f"killed by {name} while it used {share} of the memory allowed"
    message = out_of_memory(tail)
    if message and number in (signal.SIGABRT, signal.SIGKILL):
        return Outcome.OOM, f"out of memory: {message}"
    return Outcome.LOST, f"killed by {name}, which the agent did not send"


def _by_code(code: int | None, tail: Sequence[str], memory: Memory) -> tuple[Outcome, str]:
    message = out_of_memory(tail)
    if message:
        return Outcome.OOM, f"out of memory: {message}"
    last = last_words(tail)
    if _WORKER_KILLED.search(last):
        outcome, reason = _by_signal(signal.SIGKILL, (), memory)
        return outcome, last if outcome is Outcome.LOST else f"{last} ({reason})"
    return Outcome.FAILED, f"exit code {code}" + (f": {last}" if last else "")


def out_of_memory(tail: Sequence[str]) -> str:
    """The last line that says so, "" without one. Only the end counts: a program may survive an earlier one."""
    for line in reversed(tail[-30:]):
        if _OUT_OF_MEMORY.search(line):
            return line.strip()[:300]
    return ""


def last_words(tail: Sequence[str]) -> str:
    """What most likely says why: the message of the last exception, else the last line."""
    lines = [line.rstrip() for line in tail if line.strip()]
    starts = [number for number, line in enumerate(lines) if line.startswith(_TRACEBACK)]
    below = lines[starts[-1] + 1 :] if starts else []
    message = [line for line in dropwhile(_indented, below) if not line.startswith("hint: ")]
    return " ".join(line.strip() for line in message or lines[-1:])[:300]


def _indented(line: str) -> bool:
    return line[0].isspace()


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
