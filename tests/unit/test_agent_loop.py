"""What an agent decides: facts in, actions out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swept.agent import loop
from swept.agent.classify import Ending, Exit
from swept.agent.loop import Action, Fact, Limits, State, advance
from swept.model import Desired, Outcome
from swept.wire.agents import Claimed


def claimed(run: str = "a", *, checkpoint: bool = False) -> Claimed:
    return {
        "run": run, "number": ord(run) - ord("a") + 1, "name": run, "kind": "search", "sweep": "s",
        "project": "p", "attempt": 1, "lease": f"local-{run}", "config": {}, "seed": 1,
        "checkpoint": {"place": "/x", "step": 3} if checkpoint else None, "program": "t.py", "command": [],
        "folder": "", "epochs": None, "metric": "loss", "why": "", "adapter": None,
    }  # fmt: skip


def play(facts: Sequence[Fact], limits: Limits | None = None) -> tuple[State, list[Action]]:
    state, actions = State(limits or Limits()), list[Action]()
    for fact in facts:
        state, more = advance(state, fact)
        actions += more
    return state, actions


def running(run: str = "a", *, checkpoint: bool = False) -> list[Fact]:
    answer = loop.ClaimAnswered("run", claimed(run, checkpoint=checkpoint), "")
    return [loop.Tick(0.0), answer, loop.Launched(run)]


def of(kind: type[Any], actions: list[Action]) -> list[Any]:
    return [action for action in actions if isinstance(action, kind)]


def finishes(actions: list[Action]) -> list[loop.Finish]:
    return of(loop.Finish, actions)


def outcome(actions: list[Action]) -> Outcome | None:
    (finish,) = finishes(actions)
    return finish.ending.outcome if finish.ending else None


SIGNALLED = Exit(None, 2, "agent")


def test_a_run_is_claimed_started_ended_and_then_the_next_is_claimed() -> None:
    state, actions = play([*running(), loop.Exited("a", Exit(0)), loop.Completed("a", "finished")])
    kinds = [type(action) for action in actions if not isinstance(action, loop.Say)]
    assert kinds == [loop.Claim, loop.Launch, loop.Finish, loop.Claim]
    assert outcome(actions) is Outcome.FINISHED
    assert not state.runs


def test_slots_are_filled_one_claim_at_a_time_and_each_run_has_its_own() -> None:
    facts = [*running("a"), *running("b")[1:], loop.Tick(1.0)]
    state, actions = play(facts, Limits(slots=2))
    assert [launch.slot for launch in of(loop.Launch, actions)] == [0, 1]
    assert len(of(loop.Claim, actions)) == 2
    assert not state.claiming


def test_a_freed_slot_is_used_again() -> None:
    facts = [
        *running("a"),
        *running("b")[1:],
        loop.Exited("a", Exit(0)),
        loop.Completed("a", "finished"),
    ]
    _, actions = play([*facts, loop.ClaimAnswered("run", claimed("c"), "")], Limits(slots=2))
    assert [launch.slot for launch in of(loop.Launch, actions)] == [0, 1, 0]


def test_done_leaves_with_code_0() -> None:
    _, actions = play([loop.Tick(0.0), loop.ClaimAnswered("done", None, "grid exhausted")])
    assert of(loop.Leave, actions) == [loop.Leave(0)]
    assert loop.Say("grid exhausted") in actions


def test_done_is_asked_again_after_an_own_run_ended() -> None:
    facts = [*running(), loop.ClaimAnswered("done", None, "done"), loop.Exited("a", Exit(None, 9))]
    _, actions = play([*facts, loop.Completed("a", "pending", True)], Limits(slots=2))
    assert len(of(loop.Claim, actions)) == 3
    assert not of(loop.Leave, actions)


def test_count_ends_the_agent_after_so_many_runs() -> None:
    facts: list[Fact] = [*running(), loop.Exited("a", Exit(0)), loop.Completed("a", "finished")]
    _, actions = play(facts, Limits(count=1))
    assert len(of(loop.Claim, actions)) == 1
    assert of(loop.Leave, actions) == [loop.Leave(0)]


def test_an_agent_that_drains_or_has_had_its_count_claims_no_more() -> None:
    assert loop.wants_more(play(running())[0])
    assert loop.wants_more(play(running(), Limits(count=2))[0])
    assert not loop.wants_more(play(running(), Limits(count=1))[0])
    assert not loop.wants_more(play([*running(), loop.Interrupted()])[0])


def test_waiting_is_said_once_and_asked_again_after_a_pause() -> None:
    waiting = loop.ClaimAnswered("wait", None, "the sweep is paused")
    facts: list[Fact] = [
        loop.Tick(0.0),
        waiting,
        loop.Tick(0.1),
        loop.Tick(0.6),
        waiting,
        loop.Tick(2.0),
    ]
    _, actions = play(facts)
    assert len(of(loop.Claim, actions)) == 3
    assert len(of(loop.Say, actions)) == 1


def test_a_wrong_sweep_ends_the_agent_with_code_1() -> None:
    _, actions = play([loop.Tick(0.0), loop.ClaimFailed("no such sweep", True)])
    assert of(loop.Leave, actions) == [loop.Leave(1)]


def test_a_server_that_is_away_is_asked_again() -> None:
    _, actions = play([loop.Tick(0.0), loop.ClaimFailed("no answer", False), loop.Tick(9.0)])
    assert len(of(loop.Claim, actions)) == 2


def test_ctrl_c_releases_runs_with_a_checkpoint_at_once() -> None:
    facts: list[Fact] = [*running(), loop.Reported("a", 1, checkpoint=True), loop.Interrupted()]
    _, actions = play([*facts, loop.Exited("a", SIGNALLED), loop.Completed("a", "pending")])
    assert len(of(loop.End, actions)) == 1
    assert outcome(actions) is Outcome.RELEASED
    assert of(loop.Leave, actions) == [loop.Leave(130)]


def test_a_run_whose_checkpoint_was_gone_is_not_released_for_having_one() -> None:
    answer, found = loop.Tick(0.0), claimed("a", checkpoint=True)
    facts: list[Fact] = [answer, loop.ClaimAnswered("run", found, "")]
    _, actions = play([*facts, loop.Launched("a", from_zero=True), loop.Interrupted()])
    assert "no checkpoint yet" in of(loop.Say, actions)[-1].text


def test_ctrl_c_lets_a_run_go_on_to_its_first_checkpoint() -> None:
    state, actions = play([*running(), loop.Interrupted()])
    assert not of(loop.End, actions)
    assert "no checkpoint yet" in of(loop.Say, actions)[-1].text
    _, more = advance(state, loop.Reported("a", 1, checkpoint=True))
    assert isinstance(more[0], loop.End)


@pytest.mark.parametrize(
    "facts", [[loop.Interrupted(), loop.Interrupted()], [loop.Interrupted(hard=True)]]
)
def test_a_second_ctrl_c_or_sigterm_ends_all_now(facts: list[Fact]) -> None:
    _, actions = play([*running(), *facts])
    assert of(loop.End, actions) == [loop.End("a", "its agent was told to end")]


def test_a_third_ctrl_c_kills() -> None:
    _, actions = play([*running(), loop.Interrupted(), loop.Interrupted(), loop.Interrupted()])
    assert of(loop.End, actions)[-1].now


def test_told_to_end_now_it_does_not_wait_for_a_claim() -> None:
    _, actions = play([loop.Tick(0.0), loop.Interrupted()])
    assert not of(loop.Leave, actions)
    _, actions = play([loop.Tick(0.0), loop.Interrupted(hard=True)])
    assert of(loop.Leave, actions) == [loop.Leave(130)]


def test_a_run_that_is_claimed_while_draining_goes_back_unused() -> None:
    facts: list[Fact] = [
        loop.Tick(0.0),
        loop.Interrupted(),
        loop.ClaimAnswered("run", claimed(), ""),
    ]
    _, actions = play(facts)
    assert not of(loop.Launch, actions)
    assert outcome(actions) is Outcome.RELEASED


def test_an_order_is_enforced_at_the_next_report_of_the_objective() -> None:
    told = loop.ToldProgram("a", Desired.STOP, after=5, read=False)
    facts = [*running(), loop.Ordered("a", Desired.STOP, "too slow"), told]
    state, actions = play([*facts, loop.Reported("a", 5, objective=True), loop.Reported("a", 6)])
    assert not of(loop.End, actions)
    state, more = advance(state, loop.Reported("a", 7, objective=True))
    assert more == (loop.End("a", "too slow"),)
    _, more = advance(state, loop.Exited("a", SIGNALLED))
    assert outcome(list(more)) is Outcome.STOPPED


def test_a_silent_program_is_ended_when_patience_is_over() -> None:
    told = loop.ToldProgram("a", Desired.PAUSE, after=1, read=False)
    facts = [*running(), told, loop.Tick(299.0)]
    state, actions = play(facts)
    assert not of(loop.End, actions)
    _, more = advance(state, loop.Tick(301.0))
    assert isinstance(more[0], loop.End)


def test_a_program_without_the_sdk_has_20_seconds() -> None:
    state, _ = play([*running(), loop.Ordered("a", Desired.STOP, "enough"), loop.Tick(19.0)])
    _, more = advance(state, loop.Tick(21.0))
    assert isinstance(more[0], loop.End)
    _, more = advance(state, loop.Exited("a", Exit(255)))
    assert outcome(list(more)) is Outcome.STOPPED


def test_a_script_of_the_wandb_client_is_interrupted_once_and_given_its_time() -> None:
    order = loop.Ordered("a", Desired.STOP, "too slow", wandb=True)
    state, actions = play([*running(), order, order, loop.Tick(59.0)])
    assert [one for one in actions if isinstance(one, loop.Interrupt | loop.End)] == [
        loop.Interrupt("a", "too slow")
    ]
    _, later = advance(state, loop.Tick(61.0))
    assert loop.End("a", "too slow") in later


def test_the_time_of_a_script_that_begins_its_run_late_counts_from_its_interrupt() -> None:
    early = loop.Ordered("a", Desired.STOP, "too slow")
    late = loop.Ordered("a", Desired.STOP, "too slow", wandb=True)
    state, actions = play([*running(), early, loop.Tick(19.0), late, loop.Tick(78.0)])
    assert [one for one in actions if isinstance(one, loop.Interrupt | loop.End)] == [
        loop.Interrupt("a", "too slow")
    ]
    _, later = advance(state, loop.Tick(80.0))
    assert loop.End("a", "too slow") in later


def test_a_program_with_the_sdk_is_left_to_its_report() -> None:
    order = loop.Ordered("a", Desired.STOP, "too slow", wandb=True)
    _, actions = play([*running(), loop.Reported("a", 1), order])
    assert not [one for one in actions if isinstance(one, loop.Interrupt | loop.End)]


def test_a_withdrawn_order_is_not_enforced() -> None:
    facts = [*running(), loop.Ordered("a", Desired.STOP, "x"), loop.Ordered("a", Desired.GO, "")]
    _, actions = play([*facts, loop.Tick(1000.0)])
    assert not of(loop.End, actions)


def test_a_cancel_waits_for_nothing() -> None:
    _, actions = play([*running(), loop.Ordered("a", Desired.STOP, loop.CANCELLED)])
    assert len(of(loop.End, actions)) == 1


def test_an_obeyed_order_needs_no_signal() -> None:
    told = loop.ToldProgram("a", Desired.STOP, after=5, read=True)
    facts = [
        *running(),
        loop.Ordered("a", Desired.STOP, "too slow"),
        told,
        loop.Exited("a", Exit(0)),
    ]
    _, actions = play(facts)
    assert not of(loop.End, actions)
    assert outcome(actions) is Outcome.STOPPED
    assert finishes(actions)[0].ending.reason == "too slow"  # type: ignore[union-attr]


def test_an_order_obeyed_before_the_next_heartbeat_has_its_reason() -> None:
    told = loop.ToldProgram("a", Desired.STOP, after=5, read=True, reason="too slow")
    _, actions = play([*running(), told, loop.Exited("a", Exit(0))])
    assert finishes(actions)[0].ending == Ending(Outcome.STOPPED, "too slow", 0, None)


def test_a_heartbeat_from_before_the_order_does_not_take_its_reason() -> None:
    told = loop.ToldProgram("a", Desired.STOP, after=5, read=True, reason="too slow")
    late = loop.Ordered("a", Desired.GO, "")
    _, actions = play([*running(), told, late, loop.Exited("a", Exit(0))])
    assert finishes(actions)[0].ending == Ending(Outcome.STOPPED, "too slow", 0, None)


def test_a_lost_lease_kills_and_reports_nothing() -> None:
    facts = [*running(), loop.Ordered("a", Desired.GO, "", lost=True), loop.Exited("a", SIGNALLED)]
    _, actions = play(facts)
    assert of(loop.End, actions)[0].now
    assert outcome(actions) is None


def fail(run: str, at: float = 1.0) -> list[Fact]:
    return [
        loop.Exited(run, Exit(1), ["no data.yaml"]),
        loop.Completed(run, "failed"),
        loop.Tick(at),
    ]


def test_three_failures_at_the_start_hold_the_agent() -> None:
    facts: list[Fact] = []
    for run in "abc":
        facts += [*running(run)[1:], *fail(run)]
    _, actions = play([loop.Tick(0.0), *facts])
    assert len(of(loop.Claim, actions)) == 3
    assert of(loop.Explain, actions)
    assert of(loop.Leave, actions) == [loop.Leave(1)]
    assert any("no data.yaml" in said.text for said in of(loop.Say, actions))


def test_a_run_that_reported_has_started_well() -> None:
    facts: list[Fact] = [loop.Tick(0.0)]
    for run in "abcd":
        facts += [*running(run)[1:], loop.Reported(run, 1), *fail(run)]
    _, actions = play(facts)
    assert not of(loop.Leave, actions)


def test_a_program_that_cannot_start_uses_nothing_up() -> None:
    facts = [*running()[:2], loop.LaunchFailed("a", "no train.py"), loop.Completed("a", "pending")]
    _, actions = play(facts)
    assert outcome(actions) is Outcome.RELEASED
    assert of(loop.Leave, actions) == [loop.Leave(1)]


FACTS = st.one_of(
    st.builds(loop.Tick, st.floats(0, 1000)),
    st.builds(loop.Interrupted, st.booleans()),
    st.builds(
        loop.Reported, st.sampled_from("abc"), st.integers(1, 9), st.booleans(), st.booleans()
    ),
    st.builds(
        loop.ToldProgram,
        st.sampled_from("abc"),
        st.sampled_from(Desired),
        st.integers(0, 9),
        st.booleans(),
    ),
    st.builds(
        loop.Ordered, st.sampled_from("abc"), st.sampled_from(Desired), st.just("x"), st.booleans()
    ),
)


@settings(deadline=None)
@given(st.lists(FACTS, max_size=30), st.integers(1, 3))
def test_whatever_happens_every_run_is_finished_once_and_the_agent_leaves(
    facts: list[Fact], slots: int
) -> None:
    """A little world that answers each action, with facts of any kind in between."""
    state, now = State(Limits(slots=slots)), 0.0
    fresh, inbox = iter("abc"), list(facts)
    finished: list[str] = []
    alive: set[str] = set()
    todo: list[Action] = []
    for _ in range(400):
        if todo:
            action = todo.pop(0)
            fact = _answer(action, fresh, finished, alive)
            if isinstance(action, loop.Leave):
                assert not alive
                assert len(finished) == len(set(finished))
                return
            if fact is None:
                continue
        elif inbox:
            fact = inbox.pop(0)
        elif alive:
            fact = loop.Exited(alive.pop(), Exit(0))
        else:
            now += 400.0
            fact = loop.Tick(2000.0 + now)
        state, actions = advance(state, fact)
        todo += actions
    pytest.fail("the agent never leaves")


def _answer(action: Action, fresh: Any, finished: list[str], alive: set[str]) -> Fact | None:
    match action:
        case loop.Claim():
            run = next(fresh, None)
            answer = claimed(run) if run else None
            return loop.ClaimAnswered("run" if run else "done", answer, "")
        case loop.Launch(found, _):
            alive.add(found["run"])
            return loop.Launched(found["run"])
        case loop.End(run, _, _):
            if run in alive:
                alive.discard(run)
                return loop.Exited(run, SIGNALLED)
        case loop.Finish(run, _, _, _):
            finished.append(run)
            return loop.Completed(run, "finished")
    return None
