"""A search of another library, driven through the simulator's `suggest` and `decide`.

A subclass says what to run next (`ask`), hears every report (`report`) and every end (`end`), and answers a report
with go on, pause or stop. What the simulator needs besides (numbers, seeds, states, reasons) is here. Values are
signed so that smaller is better; a diverged step is NaN.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from swept.model import (
    Continue,
    Decision,
    Desired,
    History,
    Kind,
    Run,
    RunState,
    Start,
    Suggestions,
    Wait,
)
from swept.search.seeds import run_seed
from swept.spec import Spec

ETA = 3
_ENDED = frozenset({RunState.FINISHED, RunState.STOPPED})


@dataclass(frozen=True)
class Setting:
    """One simulation, as a method sees it. `steps`: of a full training; `budget` in steps; `default`: to be tried first."""

    sweep: Mapping[str, Any]
    spec: Spec
    steps: int
    budget: float
    seed: int
    workers: int
    default: Mapping[str, Any] | None = None


class Verdict(StrEnum):
    GO = "go"
    PAUSE = "pause"
    STOP = "stop"


@dataclass(frozen=True)
class New:
    """Start a run with `values` by parameter name. `handle` is the library's own name for it."""

    values: Mapping[str, Any]
    handle: Any = None
    until: int | None = None


@dataclass(frozen=True)
class Again:
    """Continue the paused run `number`."""

    number: int
    until: int | None = None
    handle: Any = None


@dataclass
class Trial:
    """A run as its peer knows it. `until`: the step at which a method with rungs pauses it."""

    number: int
    values: Mapping[str, Any]
    handle: Any
    until: int
    seen: int = 0
    value: float = math.nan


class Peer:
    """Random search, unless a subclass knows better."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.space = setting.spec.space
        self.steps = setting.steps
        self.trials: dict[int, Trial] = {}
        self.worst = math.nan
        self._open: set[int] = set()
        self._adopted = setting.default is None
        self.rng = np.random.default_rng([setting.seed, 20])
        random.seed(setting.seed)
        np.random.seed(setting.seed)  # noqa: NPY002 - several libraries draw from the global generator

    # -- what a library says ----------------------------------------------------------------------

    def ask(self) -> New | Again | None:
        """What to run next; None while there is nothing until another run has got somewhere."""
        return New(self.draw())

    def adopt(self, values: Mapping[str, Any]) -> New:
        """The known-good default as the first run."""
        return New(values)

    def report(self, trial: Trial, step: int, value: float) -> Verdict:
        """What becomes of a run that has reported `value` at `step`, counted from 1."""
        return Verdict.GO

    def end(self, trial: Trial, *, stopped: bool) -> None:
        """The run is over, after `trial.seen` steps, at `trial.value`."""

    # -- for subclasses ---------------------------------------------------------------------------

    def draw(self) -> dict[str, Any]:
        return {p.name: p.sample(self.rng) for p in self.setting.spec.active}

    def penalty(self, value: float) -> float:
        """`value`, or for libraries that take no NaN: the worst of this sweep so far."""
        if math.isfinite(value):
            return value
        return self.worst if math.isfinite(self.worst) else 1e3

    def named(self, values: Mapping[str, Any]) -> Trial | None:
        """The trial that has these very values."""
        found = (trial for trial in self.trials.values() if trial.values == values)
        return next(found, None)

    # -- the simulator's side ---------------------------------------------------------------------

    def suggest(
        self, spec: Spec, history: History, n: int, *, seed: int, now: float | None = None
    ) -> Suggestions:
        self._settle(history)
        answers: list[Start | Continue] = []
        number = len(history.runs)
        for _ in range(n):
            order = self._next()
            if order is None:
                break
            if isinstance(order, New):
                number += 1
                answers.append(self._start(number, order))
            else:
                answers.append(self._continue(history.runs[order.number - 1], order))
        return tuple(answers) or Wait("the method waits for a run under way")

    def decide(self, spec: Spec, history: History) -> list[Decision]:
        self._settle(history)
        orders = []
        for number in sorted(self._open):
            run, verdict = history.runs[number - 1], Verdict.GO
            for point in run.curve[self.trials[number].seen :]:
                verdict = self._hear(self.trials[number], point.value)
            if verdict is not Verdict.GO and run.steps < self.steps:
                if verdict is Verdict.PAUSE:
                    self._open.discard(number)
                reason = f"{type(self).__name__} says {verdict}"
                orders.append(Decision(run.id, Desired(verdict.value), reason, run.steps))
        return orders

    def _hear(self, trial: Trial, raw: float) -> Verdict:
        assert self.setting.spec.metric is not None
        value = self.setting.spec.metric.goal.sign * raw if math.isfinite(raw) else math.nan
        trial.seen += 1
        trial.value = value
        self.worst = float(np.fmax(self.worst, value))
        return self.report(trial, trial.seen, value)

    def _next(self) -> New | Again | None:
        if self._adopted:
            return self.ask()
        self._adopted = True
        default = self.setting.default or {}
        active = self.setting.spec.active
        return self.adopt({p.name: self.space.get(default, p.name) for p in active})

    def _start(self, number: int, order: New) -> Start:
        until = order.until or self.steps
        values = {name: native(value) for name, value in order.values.items()}
        self.trials[number] = Trial(number, values, order.handle, until)
        self._open.add(number)
        config = self.space.typed(self.space.config(values))
        seed = run_seed(self.setting.seed, number)
        return Start(Kind.SEARCH, config, seed, {"reason": f"{type(self).__name__} asks for it"})

    def _continue(self, run: Run, order: Again) -> Continue:
        trial = self.trials[order.number]
        trial.until = order.until or self.steps
        trial.handle = trial.handle if order.handle is None else order.handle
        self._open.add(order.number)
        return Continue(run.id, {"reason": f"{type(self).__name__} goes on with it"})

    def _settle(self, history: History) -> None:
        for number in sorted(self._open):
            if number <= len(history.runs) and (run := history.runs[number - 1]).state in _ENDED:
                self._open.discard(number)
                self.end(self.trials[number], stopped=run.state is RunState.STOPPED)


class Rungs(Peer):
    """A method whose runs pause at a rung, `trial.until`, and may be continued from there."""

    def reached(self, trial: Trial, value: float) -> None:
        """The run stands at its rung, with `value` there (NaN: diverged)."""

    def report(self, trial: Trial, step: int, value: float) -> Verdict:
        if step < trial.until:
            return Verdict.GO
        self.reached(trial, value)
        return Verdict.PAUSE

    def end(self, trial: Trial, *, stopped: bool) -> None:
        if trial.seen < trial.until:  # the program ended by itself, before its rung
            self.reached(trial, math.nan)


def native(value: Any) -> Any:
    """numpy's scalars as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def smallest_rung(steps: int) -> int:
    """2 of 52 epochs, and so in proportion; at least 1."""
    return max(1, round(steps / 26))


def ladder(steps: int) -> list[int]:
    """The rungs: the smallest times 3, 9 …, and a full training."""
    rungs = [smallest_rung(steps)]
    while rungs[-1] * ETA < steps * 2 / 3:
        rungs.append(rungs[-1] * ETA)
    return [rung for rung in rungs if rung < steps] + [steps]
