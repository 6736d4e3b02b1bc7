"""What an agent does next, as a pure function: `advance(state, fact) -> (state, actions)`.

The shell (swept.agent.agent) turns what happens into facts and carries out the actions; everything that can be
decided is decided here. Times are seconds of a monotonic clock; they arrive with `Tick`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import Any, TypeAlias

from swept.agent.classify import Ending, Exit, Memory, classify
from swept.model import Desired, Outcome
from swept.wire.agents import Claimed

CANCELLED = "cancelled"
"""The reason of an order to stop that waits for no report."""
LEASE_LOST = "lease lost"
EARLY = frozenset({Outcome.FAILED, Outcome.OOM, Outcome.LOST})
INTERRUPTED_EXIT = 130


@dataclass(frozen=True, slots=True)
class Limits:
    """`count`: runs to start (None: no limit). Times in seconds."""

    slots: int = 1
    count: int | None = None
    failures: int = 3  # in a row, at the start: then the agent holds
    early: float = 60.0  # a run that fails later, or after a report, has started well
    patience: float = 300.0  # an order that a silent program does not obey is enforced after this
    other_grace: float = 20.0  # the same for programs that do not use the SDK
    sending: float = 60.0  # an interrupted W&B script sends what it has left
    claim_pause: float = 0.5


class Phase(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    OVER = "over"  # the program has ended; what is left is being sent


class Drain(IntEnum):
    NO = 0
    GENTLE = 1  # no new claims; runs go when they have a checkpoint, or end
    NOW = 2


@dataclass(frozen=True, slots=True)
class Tracked:
    """A run that this agent holds."""

    claimed: Claimed
    slot: int
    began: float
    phase: Phase = Phase.STARTING
    intent: Outcome | None = None  # what it was signalled for
    intent_reason: str = ""
    interrupted: float | None = None  # when its main process got SIGINT
    wandb: bool = False  # it reports through W&B's client
    desired: Desired = Desired.GO
    desired_reason: str = ""
    ordered: float = 0.0  # when
    told: Desired = Desired.GO  # what the SDK has handed to the program …
    told_reason: str = ""
    told_after: int = 0  # … after which report
    read: bool = False  # … and whether the program has looked at it
    speaks: bool = False  # it uses the SDK
    reported: bool = False
    checkpointed: bool = False
    heard: float = 0.0  # when the last report came
    lost: bool = False
    ended: str = ""  # why it ended, for the last line about it


@dataclass(frozen=True, slots=True)
class State:
    limits: Limits = field(default_factory=Limits)
    runs: Mapping[str, Tracked] = field(default_factory=dict)
    now: float = 0.0
    begun: int = 0
    claiming: bool = False
    claim_at: float = 0.0
    drain: Drain = Drain.NO
    exhausted: str = ""  # why there is nothing to claim, until one of the own runs has ended
    closed: str = ""  # why this agent claims no more
    early: int = 0  # failures at the start, in a row
    said: str = ""  # the last reason for waiting, said once
    exit_code: int = 0
    over: bool = False


# -- facts ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tick:
    now: float


@dataclass(frozen=True, slots=True)
class ClaimAnswered:
    status: str  # run | wait | done
    claimed: Claimed | None
    why: str


@dataclass(frozen=True, slots=True)
class ClaimFailed:
    message: str
    fatal: bool  # the sweep or the key is wrong: no use in asking again


@dataclass(frozen=True, slots=True)
class Launched:
    run: str
    from_zero: bool = False  # its checkpoint was gone


@dataclass(frozen=True, slots=True)
class LaunchFailed:
    run: str
    message: str


@dataclass(frozen=True, slots=True)
class Reported:
    """The program has logged metrics, or kept a checkpoint."""

    run: str
    seq: int
    objective: bool = False
    checkpoint: bool = False


@dataclass(frozen=True, slots=True)
class ToldProgram:
    """The SDK has heard what is wanted, or the program has looked at it."""

    run: str
    desired: Desired
    after: int
    read: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the server wants, from a heartbeat."""

    run: str
    desired: Desired
    reason: str
    lost: bool = False
    wandb: bool = False  # the program reports through W&B's client


@dataclass(frozen=True, slots=True)
class Exited:
    run: str
    exit: Exit
    tail: Sequence[str] = ()
    memory: Memory = field(default_factory=Memory)


@dataclass(frozen=True, slots=True)
class Completed:
    """Everything of the run is at the server. `state` is the run's there, "" when the lease was lost."""

    run: str
    state: str
    retried: bool = False


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Ctrl+C (gentle the first time), or with `hard` SIGTERM."""

    hard: bool = False


Fact: TypeAlias = (
    Tick
    | ClaimAnswered
    | ClaimFailed
    | Launched
    | LaunchFailed
    | Reported
    | ToldProgram
    | Ordered
    | Exited
    | Completed
    | Interrupted
)

# -- actions --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    pass


@dataclass(frozen=True, slots=True)
class Launch:
    claimed: Claimed
    slot: int


@dataclass(frozen=True, slots=True)
class Interrupt:
    """SIGINT to the program's main process alone."""

    run: str
    why: str


@dataclass(frozen=True, slots=True)
class End:
    """INT, TERM, KILL; with `now` KILL."""

    run: str
    why: str
    now: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """Send what is left and complete. `ending` None: the lease is lost, nothing is sent."""

    run: str
    ending: Ending | None
    tail: Sequence[str] = ()
    supervisor_gone: bool = False  # its processes have to be found and killed


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Explain:
    """Say what the failed runs have in common."""


@dataclass(frozen=True, slots=True)
class Leave:
    exit_code: int


Action: TypeAlias = Claim | Launch | Interrupt | End | Finish | Say | Explain | Leave
Step: TypeAlias = tuple[State, list[Action]]


def advance(state: State, fact: Fact) -> tuple[State, tuple[Action, ...]]:
    """The next state, and what to do now, in order."""
    handler: Callable[[State, Any], Step] = _HANDLERS[type(fact)]
    state, actions = handler(state, fact)
    state, more = _go_on(state)
    return state, (*actions, *more)


def _go_on(state: State) -> Step:
    """Claim when there is room, leave when there is nothing left to do."""
    room = len(state.runs) < state.limits.slots
    idle = not state.claiming and not state.over
    if idle and room and wants_more(state) and not state.exhausted and state.now >= state.claim_at:
        return replace(state, claiming=True), [Claim()]
    finished = state.exhausted or not wants_more(state)
    # Told to end now, it does not wait for a claim: the next agent here asks for its answer, and gives it back.
    leaving = idle or (state.drain is Drain.NOW and not state.over)
    if leaving and not state.runs and finished:
        held = state.early >= state.limits.failures
        return replace(state, over=True), [*([Explain()] if held else []), Leave(state.exit_code)]
    return state, []


def wants_more(state: State) -> bool:
    """Whether the agent may still claim: it neither drains, nor has had its count, nor has given up."""
    count = state.limits.count
    counted_out = count is not None and state.begun >= count
    return not (state.closed or state.drain or counted_out)


# -- claims ---------------------------------------------------------------------------------------


def _claim_answered(state: State, fact: ClaimAnswered) -> Step:
    state = replace(state, claiming=False)
    if fact.claimed is not None:
        noted = [Say(fact.why)] if fact.why and fact.why != fact.claimed["why"] else []
        state, actions = _claimed(state, fact.claimed)
        return state, [*noted, *actions]
    if fact.status == "done":
        return replace(state, exhausted=fact.why or "done"), [Say(fact.why or "nothing left to do")]
    state = replace(state, claim_at=state.now + state.limits.claim_pause)
    return _say_once(state, fact.why)


def _claimed(state: State, claimed: Claimed) -> Step:
    used = {run.slot for run in state.runs.values()}
    slot = next(number for number in range(state.limits.slots + 1) if number not in used)
    run = Tracked(
        claimed,
        slot,
        began=state.now,
        heard=state.now,
        checkpointed=claimed["checkpoint"] is not None,
    )
    if state.drain or state.closed:
        ending = Ending(Outcome.RELEASED, "the agent was ending")
        state = _with(state, replace(run, phase=Phase.OVER, ended=ending.reason))
        return state, [Finish(claimed["run"], ending)]
    state = replace(_with(state, run), begun=state.begun + 1, said="")
    return state, [Launch(claimed, slot)]


def _claim_failed(state: State, fact: ClaimFailed) -> Step:
    state = replace(state, claiming=False, claim_at=state.now + 4 * state.limits.claim_pause)
    if fact.fatal:
        return replace(state, closed=fact.message, exit_code=1), [Say(fact.message)]
    return _say_once(state, fact.message)


def _say_once(state: State, text: str) -> Step:
    if not text or text == state.said:
        return state, []
    return replace(state, said=text), [Say(text)]


# -- a run's life ---------------------------------------------------------------------------------


def _launched(state: State, fact: Launched) -> Step:
    run = state.runs.get(fact.run)
    if run is None:
        return state, []
    checkpointed = run.checkpointed and not fact.from_zero
    run = replace(run, phase=Phase.RUNNING, checkpointed=checkpointed)
    why = run.claimed["why"]
    said = Say(f"{title(run.claimed)} started" + (f": {why}" if why else ""))
    state, actions = _drain_one(_with(state, run), fact.run)
    state, more = _interrupt(state, fact.run)
    return state, [said, *actions, *more]


def _launch_failed(state: State, fact: LaunchFailed) -> Step:
    """Nothing else would start either: the run goes back unused, and the agent holds."""
    run = state.runs[fact.run]
    ending = Ending(Outcome.RELEASED, fact.message.splitlines()[0])
    state = _with(state, replace(run, phase=Phase.OVER, ended=ending.reason))
    closed = replace(state, closed=fact.message, exit_code=1)
    return closed, [Say(fact.message), Finish(fact.run, ending)]


def _reported(state: State, fact: Reported) -> Step:
    run = state.runs.get(fact.run)
    if run is None:
        return state, []
    run = replace(
        run,
        speaks=True,
        heard=state.now,
        reported=run.reported or not fact.checkpoint,
        checkpointed=run.checkpointed or fact.checkpoint,
    )
    state = _with(state, run)
    if fact.objective and run.told is not Desired.GO and fact.seq > run.told_after:
        return _enforce(state, fact.run)
    return _drain_one(state, fact.run) if fact.checkpoint else (state, [])


def _told(state: State, fact: ToldProgram) -> Step:
    run = state.runs.get(fact.run)
    if run is None:
        return state, []
    run = replace(
        run,
        speaks=True,
        told=fact.desired,
        told_reason=fact.reason,
        told_after=fact.after,
        read=fact.read,
    )
    if fact.desired is not run.desired:
        run = replace(run, desired=fact.desired, desired_reason=fact.reason, ordered=state.now)
    return _with(state, run), []


def _ordered(state: State, fact: Ordered) -> Step:
    run = state.runs.get(fact.run)
    if run is None or run.phase is Phase.OVER or run.lost:
        return state, []
    if fact.lost:
        text = f"{title(run.claimed)}: the lease is lost, somebody else has the run; ending it here"
        return _with(state, replace(run, lost=True)), [Say(text), End(fact.run, LEASE_LOST, True)]
    if fact.desired is not run.desired:
        run = replace(run, ordered=state.now)
    run = replace(run, desired=fact.desired, desired_reason=fact.reason, wandb=fact.wandb)
    state = _with(state, run)
    if fact.desired is Desired.STOP and fact.reason == CANCELLED:
        return _enforce(state, fact.run)
    return _interrupt(state, fact.run)


def _interrupt(state: State, name: str) -> Step:
    """What W&B's client does to its program when it hears of a stop, without its 15 s between two looks: a
    KeyboardInterrupt, after which the client sends all rows. A program with swept's SDK stops at its report."""
    run = state.runs[name]
    wanted = run.desired is Desired.STOP and run.wandb and not run.speaks
    again = run.interrupted is not None or run.intent is not None
    if not wanted or run.phase is not Phase.RUNNING or again:
        return state, []
    state = _with(state, replace(run, interrupted=state.now))
    return state, [Interrupt(name, run.desired_reason or "stopped")]


def _tick(state: State, fact: Tick) -> Step:
    state = replace(state, now=fact.now)
    actions: list[Action] = []
    for name, run in state.runs.items():
        if _overdue(state, run):
            state, more = _enforce(state, name)
            actions += more
    return state, actions


def _overdue(state: State, run: Tracked) -> bool:
    if run.desired is Desired.GO or run.intent is not None or run.phase is not Phase.RUNNING:
        return False
    if run.interrupted is not None:
        return state.now - run.interrupted > state.limits.sending
    if not run.speaks:
        return state.now - run.ordered > state.limits.other_grace
    return state.now - max(run.ordered, run.heard) > state.limits.patience


def _enforce(state: State, name: str) -> Step:
    run = state.runs[name]
    stop = run.desired is Desired.STOP
    return _signal(
        state,
        name,
        Outcome.STOPPED if stop else Outcome.PAUSED,
        run.desired_reason or ("stopped" if stop else "paused"),
    )


def _signal(state: State, name: str, intent: Outcome, reason: str) -> Step:
    """End a running program, once, and remember what for."""
    run = state.runs[name]
    if run.phase is not Phase.RUNNING or run.intent is not None or run.lost:
        return state, []
    run = replace(run, intent=intent, intent_reason=reason)
    return _with(state, run), [End(name, reason)]


def _exited(state: State, fact: Exited) -> Step:
    run = state.runs.get(fact.run)
    if run is None or run.phase is Phase.OVER:
        return state, []
    gone = fact.exit.by == "supervisor-gone"
    ending = ending_of(run, fact)
    state = _with(state, replace(run, phase=Phase.OVER, ended=ending.reason))
    if run.lost:
        return state, [Finish(fact.run, None, supervisor_gone=gone)]
    state, said = _count_early(state, run, ending)
    return state, [Finish(fact.run, ending, fact.tail, gone), *said]


def ending_of(run: Tracked, fact: Exited) -> Ending:
    return classify(
        fact.exit,
        intent=run.intent,
        intent_reason=run.intent_reason,
        obeyed=_obeyed(run),
        # A heartbeat from before the order may have overwritten what is wanted, not what the program was told.
        obeyed_reason=run.told_reason or run.desired_reason,
        by_exception=not run.speaks,
        tail=fact.tail,
        memory=fact.memory,
    )


def _obeyed(run: Tracked) -> Desired:
    """The order that the program has looked at. One that does not use the SDK was told by its own client."""
    if run.speaks:
        return run.told if run.read else Desired.GO
    return run.desired


def _count_early(state: State, run: Tracked, ending: Ending) -> Step:
    """The circuit breaker: runs that fail one after the other before they report anything."""
    early = state.now - run.began <= state.limits.early and not run.reported
    if ending.outcome not in EARLY or not early:
        return replace(state, early=0), []
    state = replace(state, early=state.early + 1)
    if state.early < state.limits.failures or state.closed:
        return state, []
    text = (
        f"{state.early} runs in a row have ended right after their start; this agent holds, so that no more are used "
        f"up. The last one: {ending.reason}\nhint: `swept logs {run.claimed['run']}` shows what it printed; mend that "
        "and start the agent again"
    )
    return replace(state, closed=text, exit_code=1), [Say(text)]


def _completed(state: State, fact: Completed) -> Step:
    run = state.runs.get(fact.run)
    if run is None:
        return state, []
    others = {name: other for name, other in state.runs.items() if name != fact.run}
    state = replace(state, runs=others, exhausted="", claim_at=state.now)
    if not fact.state:
        return state, []
    again = " and will be tried again" if fact.retried else ""
    return state, [Say(f"{title(run.claimed)} {fact.state}{again}: {run.ended}")]


# -- Ctrl+C ---------------------------------------------------------------------------------------


def _interrupted(state: State, fact: Interrupted) -> Step:
    level = Drain.NOW if fact.hard or state.drain else Drain.GENTLE
    again = state.drain is Drain.NOW
    state = replace(state, drain=level, exit_code=state.exit_code or INTERRUPTED_EXIT)
    actions: list[Action] = []
    if again:
        return state, [End(name, "interrupted again", True) for name in state.runs]
    for name in state.runs:
        state, more = _drain_one(state, name)
        actions += more
    if level is Drain.GENTLE:
        actions += _still_waiting(state)
    return state, actions


def _drain_one(state: State, name: str) -> Step:
    """Release one run, if the way of draining allows it now."""
    run = state.runs[name]
    if state.drain is Drain.NOW:
        return _signal(state, name, Outcome.RELEASED, "its agent was told to end")
    if state.drain is Drain.GENTLE and run.checkpointed:
        return _signal(state, name, Outcome.RELEASED, "its agent was interrupted (Ctrl+C)")
    return state, []


def _still_waiting(state: State) -> list[Action]:
    names = [
        title(run.claimed)
        for run in state.runs.values()
        if run.intent is None and run.phase is not Phase.OVER
    ]
    if not names:
        return [Say("ending: no new runs")]
    has = "has" if len(names) == 1 else "have"
    return [
        Say(
            f"no new runs; {', '.join(names)} {has} no checkpoint yet and will go on to the next one, or the end: "
            "Ctrl+C again ends now"
        )
    ]


def _with(state: State, run: Tracked) -> State:
    return replace(state, runs={**state.runs, run.claimed["run"]: run})


def title(claimed: Claimed) -> str:
    kind = "" if claimed["kind"] == "search" else f" ({claimed['kind']})"
    return f"run {claimed['number']}{kind}"


_HANDLERS: Mapping[type, Callable[[State, Any], Step]] = {
    Tick: _tick,
    ClaimAnswered: _claim_answered,
    ClaimFailed: _claim_failed,
    Launched: _launched,
    LaunchFailed: _launch_failed,
    Reported: _reported,
    ToldProgram: _told,
    Ordered: _ordered,
    Exited: _exited,
    Completed: _completed,
    Interrupted: _interrupted,
}
