"""What every search method promises, as a test class: subclass it with the method's spec.

    class TestMyMethod(SearchContract):
        def spec(self) -> Spec:
            return parse(MY_SWEEP)

A method that is not (yet) one of `swept.search.suggest.METHODS` overrides `suggest` too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from swept.model import (
    Attempt,
    Done,
    History,
    Kind,
    Outcome,
    Point,
    Run,
    RunState,
    Start,
    Suggestions,
    Wait,
)
from swept.search.suggest import suggest
from swept.spec import Spec

SEED = 20
_ENDED_AT = 3600.0


def started(answer: Suggestions) -> list[Start]:
    """The new runs of an answer; none for Wait and Done."""
    if isinstance(answer, Wait | Done):
        return []
    return [each for each in answer if isinstance(each, Start)]


def as_run(
    number: int, start: Start, state: RunState = RunState.PENDING, values: Sequence[float] = ()
) -> Run:
    """The run that a suggestion becomes, in some state, with its reports at steps 0, 1, 2 …"""
    ended = _ENDED_AT if state.ended else None
    claimed = state is not RunState.PENDING
    attempt = Attempt(number=1, agent="a", host="h", started=0.0, ended=ended)
    return Run(
        id=f"run-{number}",
        project="p",
        sweep="s",
        number=number,
        name=f"run {number}",
        kind=start.kind,
        state=state,
        config=start.config,
        seed=start.seed,
        why=start.why,
        attempts=(attempt,) if claimed else (),
        curve=tuple(Point(step, value) for step, value in enumerate(values)),
    )


def extend(
    history: History,
    starts: Sequence[Start],
    state: RunState = RunState.PENDING,
    value: Callable[[Start], Sequence[float]] = lambda _: (),
) -> History:
    """The history with `starts` as its next runs."""
    first = len(history.runs) + 1
    runs = [as_run(first + i, start, state, value(start)) for i, start in enumerate(starts)]
    return replace(history, runs=(*history.runs, *runs))


class SearchContract:
    """Subclass, and give a spec without `swept.baseline` and with no limit below 40 runs."""

    def spec(self) -> Spec:
        raise NotImplementedError("give the spec whose method is tested")

    def suggest(self, spec: Spec, history: History, n: int, seed: int) -> Suggestions:
        return suggest(spec, history, n, seed=seed)

    def play(self, spec: Spec, runs: int, at_once: int = 1) -> History:
        """A history of finished runs, each with a value that depends on its number only."""
        history = History()
        while len(history.runs) < runs:
            starts = started(self.suggest(spec, history, at_once, SEED))
            if not starts:
                break
            value = math.sin(len(history.runs))
            history = extend(
                history,
                starts,
                RunState.FINISHED,
                lambda _, v=value: (v,),  # type: ignore[misc]
            )
        return history

    def test_an_empty_history_gives_as_many_runs_as_asked_for(self) -> None:
        assert len(started(self.suggest(self.spec(), History(), 3, SEED))) == 3

    def test_the_same_arguments_give_the_same_answer(self) -> None:
        spec, history = self.spec(), self.play(self.spec(), 14)
        first = self.suggest(spec, history, 2, SEED)
        self.suggest(spec, History(), 5, SEED + 1)
        assert self.suggest(spec, history, 2, SEED) == first

    def test_every_configuration_lies_in_the_space_and_has_its_constants(self) -> None:
        spec = self.spec()
        for run in self.play(spec, 20, at_once=4).runs:
            assert spec.space.contains(run.config)
            for name, value in spec.space.fixed.items():
                assert spec.space.get(run.config, name) == value

    def test_every_start_says_why_and_has_a_seed(self) -> None:
        runs = self.play(self.spec(), 16, at_once=2).runs
        for run in runs:
            assert str(run.why["reason"])
            assert str(run.why["strategy"])
            assert run.seed is not None
            assert 0 <= run.seed < 2**31
        assert len({run.seed for run in runs}) == len(runs)

    def test_histories_are_not_changed(self) -> None:
        history = self.play(self.spec(), 12)
        before = repr(history)
        self.suggest(self.spec(), history, 3, SEED)
        assert repr(history) == before

    def test_run_cap_holds_and_ends_the_sweep(self) -> None:
        spec = replace(self.spec(), run_cap=6)
        history = extend(History(), started(self.suggest(spec, History(), 40, SEED)))
        assert len(history.runs) == 6
        assert isinstance(self.suggest(spec, history, 1, SEED), Wait)
        ended = tuple(replace(run, state=RunState.FINISHED) for run in history.runs)
        assert isinstance(self.suggest(spec, replace(history, runs=ended), 1, SEED), Done)

    def test_no_history_is_too_odd(self) -> None:
        spec = self.spec()
        for history in self.odd_histories(spec):
            answer = self.suggest(spec, history, 2, SEED)
            assert started(answer) or isinstance(answer, Wait | Done)
            for start in started(answer):
                assert spec.space.contains(start.config)

    def odd_histories(self, spec: Spec) -> Iterator[History]:
        """All NaN, one value, constants, duplicates, infinite, huge, failed, lost, foreign configurations."""
        starts = started(self.suggest(spec, History(), 14, SEED))
        nan, inf = math.nan, math.inf
        for values in ((nan,), (inf,), (0.5,), (1e300,), (-1e300, nan), (), (0.0, -inf)):
            yield extend(History(), starts, RunState.FINISHED, lambda _, v=values: v)  # type: ignore[misc]
        for state in RunState:
            yield extend(History(), starts, state)
            yield extend(History(), starts, state, lambda start: (float(start.seed),))
        yield extend(History(), [starts[0]] * 14, RunState.FINISHED, lambda _: (0.1, 0.2))
        signs = [extend(History(), starts, RunState.FINISHED, lambda s: (1e308 * (-1) ** s.seed,))]
        yield from signs
        foreign = [replace(start, config={"nobody": "knows", "x": nan}) for start in starts]
        yield extend(History(), foreign, RunState.FINISHED, lambda _: (1.0,))
        finished = extend(History(), starts, RunState.FINISHED, lambda start: (float(start.seed),))
        yield replace(finished, runs=tuple(map(_out_of_memory, finished.runs)))
        yield replace(finished, runs=tuple(replace(r, kind=Kind.REPEAT) for r in finished.runs))


def _out_of_memory(run: Run) -> Run:
    attempts = tuple(
        replace(each, outcome=Outcome.OOM, effective_config={}) for each in run.attempts
    )
    return replace(run, state=RunState.CRASHED, attempts=attempts)
