"""How an attempt ended, from the evidence."""

from __future__ import annotations

import signal

import pytest

from swept.agent.classify import Exit, Memory, classify
from swept.model import Desired, Outcome

KILL = int(signal.SIGKILL)
WORKER = "RuntimeError: DataLoader worker (pid 12) is killed by signal: Killed."
SHARED = "ERROR: Unexpected bus error encountered in worker. This might be caused by insufficient shared memory (shm)."


@pytest.mark.parametrize(
    ("exit", "tail", "memory", "outcome"),
    [
        (Exit(0), [], Memory(), Outcome.FINISHED),
        (Exit(3), ["ValueError: x"], Memory(), Outcome.FAILED),
        (Exit(1), ["torch.OutOfMemoryError: CUDA out of memory."], Memory(), Outcome.OOM),
        (Exit(1), ["Traceback", "MemoryError"], Memory(), Outcome.OOM),
        (
            Exit(1),
            ["RuntimeError: [enforce fail at alloc] DefaultCPUAllocator: can't allocate memory"],
            Memory(),
            Outcome.OOM,
        ),
        (Exit(1), ["CUDA out of memory", *["later"] * 40, "KeyError"], Memory(), Outcome.FAILED),
        (Exit(1), ["MyMemoryErrorHandler failed"], Memory(), Outcome.FAILED),
        (Exit(1), [WORKER], Memory(), Outcome.LOST),
        (Exit(1), [WORKER], Memory(kills=1), Outcome.OOM),
        (Exit(1), [SHARED], Memory(), Outcome.OOM),
        (Exit(None, KILL), [], Memory(), Outcome.LOST),
        (Exit(None, KILL), [], Memory(kills=1), Outcome.OOM),
        (Exit(None, KILL), [], Memory(share=0.97), Outcome.OOM),
        (Exit(137), [], Memory(kills=1), Outcome.OOM),
        (Exit(143), [], Memory(), Outcome.LOST),
        (Exit(None, int(signal.SIGSEGV)), [], Memory(kills=1), Outcome.LOST),
        (Exit(None, int(signal.SIGTERM), "agent-gone"), [], Memory(), Outcome.RELEASED),
        (Exit(None, None, "supervisor-gone"), [], Memory(), Outcome.LOST),
    ],
)
def test_evidence_gives_the_outcome(
    exit: Exit, tail: list[str], memory: Memory, outcome: Outcome
) -> None:
    ending = classify(exit, tail=tail, memory=memory)
    assert ending.outcome is outcome
    assert ending.reason
    assert (ending.exit_code, ending.signal) == (exit.code, exit.signal)


def test_a_signal_of_ours_has_the_reason_it_was_sent_for() -> None:
    exit = Exit(None, int(signal.SIGINT), "agent")
    ending = classify(exit, intent=Outcome.RELEASED, intent_reason="Ctrl+C")
    assert (ending.outcome, ending.reason) == (Outcome.RELEASED, "Ctrl+C")


def test_a_program_that_ended_before_our_signal_speaks_for_itself() -> None:
    assert classify(Exit(0), intent=Outcome.RELEASED).outcome is Outcome.FINISHED


@pytest.mark.parametrize("exit", [(255, None), (0, None), (130, None), (None, int(signal.SIGINT))])
def test_a_script_that_was_interrupted_to_stop_has_stopped(
    exit: tuple[int | None, int | None],
) -> None:
    ending = classify(Exit(*exit, by="interrupted", why="too slow"))
    assert (ending.outcome, ending.reason) == (Outcome.STOPPED, "too slow")


def test_one_that_was_killed_after_its_interrupt_has_not() -> None:
    exit = Exit(None, KILL, by="interrupted", why="too slow")
    assert classify(exit).outcome is Outcome.LOST
    assert classify(exit, memory=Memory(kills=1)).outcome is Outcome.OOM


def test_an_order_counts_only_when_the_program_looked_at_it_and_left_well() -> None:
    assert classify(Exit(0), obeyed=Desired.STOP).outcome is Outcome.STOPPED
    assert classify(Exit(0), obeyed=Desired.PAUSE).outcome is Outcome.PAUSED
    assert classify(Exit(1), obeyed=Desired.STOP).outcome is Outcome.FAILED
    assert classify(Exit(1), obeyed=Desired.STOP, by_exception=True).outcome is Outcome.STOPPED


def test_a_failure_says_the_last_words() -> None:
    ending = classify(Exit(1), tail=["Traceback …", "FileNotFoundError: data.yaml", "", "  "])
    assert ending.reason == "exit code 1: FileNotFoundError: data.yaml"


def test_an_exception_is_told_with_all_of_its_message() -> None:
    tail = [
        "Traceback (most recent call last):",
        '  File "train.py", line 3, in <module>',
        "    train(run)",
        "swept.errors.UsageError: this config cannot be trained:",
        "  - `mosiac` is unknown",
        "hint: correct the parameters of the sweep file",
    ]
    assert classify(Exit(1), tail=tail).reason == (
        "exit code 1: swept.errors.UsageError: this config cannot be trained: - `mosiac` is unknown"
    )
