"""What a suggestion costs one method, in the environment of its library: `python cost.py METHOD RUNS …`.

The method is told so many runs of history, and is then asked for a run `REPEATS` times; each run that it gives has
happened before it is asked again, as in a sweep with one worker. Only `ask` is timed, and what a report of a new run
costs. The figures leave as JSON lines, each when it is there, so that who started this can end a call that takes long.

The sweep is that of the YOLO example: thirteen parameters, a metric to be maximised. Methods of final values get runs
of one step, those that stop or pause runs get learning curves of a hundred. The values are made up: two parameters
decide, the rest is noise. What they are is no matter, the time is.
"""

from __future__ import annotations

import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import pairwise
from typing import Any, Final, TextIO

import numpy as np
from peers import METHODS, Method
from peers.driver import ETA, Again, New, Peer, Setting, Trial, Verdict, ladder, native

from swept.model import (
    Attempt,
    Checkpoint,
    Config,
    Continue,
    Desired,
    History,
    Kind,
    Point,
    Run,
    RunState,
    Start,
)
from swept.search.seeds import run_seed
from swept.search.suggest import suggest
from swept.spec import Spec, parse_mapping
from swept.stopping.auto import FLOOR
from swept.stopping.decide import decide
from swept.stopping.forecast import PAST
from swept.stopping.ladder import rungs_of
from swept.stopping.standings import Standings, counted
from swept.stopping.track import tracks

REPEATS: Final = 5
CALLS: Final = 25
"""So many answers at most are waited for until `REPEATS` of them are new runs."""
STEPS: Final = 100
SEED: Final = 0
WARM: Final = 20
"""Runs of a history that is asked about first and not counted: it pays for late imports and compilers."""
MEMORY: Final = 0.75
"""The share of the machine's memory that a library may take."""
YOLO: Final[Mapping[str, Any]] = {
    "lr0": {"distribution": "log_uniform_values", "min": 0.005, "max": 0.02},
    "lrf": {"min": 0.01, "max": 0.1},
    "warmup_epochs": {"values": [1, 3, 5]},
    "hsv_h": {"min": 0.0, "max": 0.03},
    "hsv_s": {"min": 0.5, "max": 0.9},
    "hsv_v": {"min": 0.3, "max": 0.6},
    "mosaic": {"min": 0.5, "max": 1.0},
    "close_mosaic": {"values": [0, 5, 10, 15, 20]},
    "mixup": {"min": 0.0, "max": 0.3},
    "copy_paste": {"min": 0.0, "max": 0.3},
    "degrees": {"min": 0.0, "max": 10.0},
    "weight_decay": {"min": 0.0001, "max": 0.001},
    "dropout": {"min": 0.0, "max": 0.2},
}


@dataclass(frozen=True)
class Past:
    """A run of the history. `curve`: its metric at each step of a whole training."""

    config: Config
    curve: tuple[float, ...]


def sweep_of(method: Method) -> dict[str, Any]:
    """With `epochs` where there are curves: `auto` has to know how long a training is."""
    metric = {"name": "metrics/mAP50(B)", "goal": "maximize"}
    made: dict[str, Any] = {"method": "bayes", "metric": metric, "parameters": dict(YOLO)}
    if curves(method):
        made["parameters"]["epochs"] = {"value": STEPS}
    return {**made, **method.overlay}


def curves(method: Method) -> bool:
    return method.curves or bool(method.overlay)


class World:
    """The trainings: what a configuration becomes, with the noise of its turn."""

    def __init__(self, spec: Spec, steps: int, seed: int) -> None:
        self.spec, self.steps = spec, steps
        self.rng = np.random.default_rng(seed)

    def run(self, config: Config) -> Past:
        u = self.spec.space.to_unit(config)
        end = 0.7 - 0.1 * float((u[0] - 0.3) ** 2 + u[1]) + 0.003 * float(self.rng.normal())
        if self.steps == 1:
            return Past(config, (end,))
        pace = self.steps * (0.1 + 0.1 * float(u[2]))
        on_the_way = end * (1.0 - np.exp(-np.arange(1, self.steps + 1) / pace))
        noisy = on_the_way + 0.001 * self.rng.normal(size=self.steps)
        return Past(config, tuple(float(value) for value in noisy))

    def runs(self, count: int) -> list[Past]:
        return [self.run(self.spec.space.sample(self.rng)) for _ in range(count)]


@dataclass(frozen=True)
class Asked:
    """One call: its wall-clock and CPU seconds, and what came of it."""

    seconds: float
    cpu: float
    new: bool
    strategy: str = ""


def timed(function: Callable[[], Any]) -> tuple[Any, float, float]:
    before, busy = time.perf_counter(), time.process_time()
    found = function()
    return found, time.perf_counter() - before, time.process_time() - busy


# -- swept itself ---------------------------------------------------------------------------------


class Ours:
    """swept's own search on a history of its runs."""

    def __init__(self, method: Method, runs: int, seed: int) -> None:
        self.spec = parse_mapping(sweep_of(method))
        self.steps = STEPS if curves(method) else 1
        self.world = World(self.spec, self.steps, seed)
        self.past = self.world.runs(runs)
        self.seed = seed
        self.history = History()

    def tell(self) -> None:
        if self.steps == 1:
            runs = (_as_run(n, past, RunState.FINISHED, 1) for n, past in enumerate(self.past, 1))
            self.history = History(tuple(runs))
        else:
            self.history = brought_on(self.spec, self.past)

    def ask(self) -> tuple[Asked, list[float]]:
        answer, seconds, cpu = timed(lambda: suggest(self.spec, self.history, 1, seed=self.seed))
        order = answer[0]
        strategy = str(order.why.get("strategy", ""))
        reports = self._start(order) if isinstance(order, Start) else self._continue(order)
        if self.steps > 1:  # the next call shall not find the model that this run's end has made
            self._enter(self.world.runs(1)[0], RunState.PAUSED, rungs_of(self.steps).levels[0])
        return Asked(seconds, cpu, isinstance(order, Start), strategy), reports

    def _start(self, start: Start) -> list[float]:
        past = self.world.run(start.config)
        if self.steps == 1:
            self._enter(past, RunState.FINISHED, 1)
            return []
        self._enter(past, RunState.RUNNING, 0)
        return self._reports(len(self.past))

    def _continue(self, order: Continue) -> list[float]:
        number = int(order.run)
        self._keep(number, state=RunState.RUNNING, paused_by="", desired=Desired.GO)
        return self._reports(number)

    def _reports(self, number: int) -> list[float]:
        """The seconds that each report's decision takes, until the run pauses or ends."""
        taken = []
        while (reached := self.history.runs[number - 1].steps) < self.steps:
            self._keep(number, **_at(self.past[number - 1], reached + 1))
            decisions, seconds, _ = timed(lambda: decide(self.spec, self.history))
            taken.append(seconds)
            for decision in decisions:
                self._keep(int(decision.run), desired=decision.desired)
            if self.history.runs[number - 1].desired is Desired.PAUSE:
                self._keep(number, state=RunState.PAUSED, paused_by="search")
                return taken
        self._keep(number, state=RunState.FINISHED)
        return taken

    def _enter(self, past: Past, state: RunState, reached: int) -> None:
        self.past.append(past)
        run = _as_run(len(self.history.runs) + 1, past, state, reached)
        self.history = replace(self.history, runs=(*self.history.runs, run))

    def _keep(self, number: int, **values: Any) -> None:
        runs = self.history.runs
        run = replace(runs[number - 1], **values)
        self.history = replace(self.history, runs=(*runs[: number - 1], run, *runs[number:]))


def _as_run(number: int, past: Past, state: RunState, reached: int) -> Run:
    return Run(
        id=str(number),
        project="p",
        sweep="s",
        number=number,
        name=str(number),
        kind=Kind.SEARCH,
        state=state,
        config=past.config,
        seed=run_seed(SEED, number),
        paused_by="search" if state is RunState.PAUSED else "",
        attempts=(Attempt(1, "a", "h", 0.0, None if state is RunState.RUNNING else 1.0),),
        **_at(past, reached, number),
    )


def _at(past: Past, reached: int, number: int = 0) -> dict[str, Any]:
    """What a run that has come so far has to show."""
    points = tuple(Point(step, value) for step, value in enumerate(past.curve[:reached], 1))
    checkpoint = Checkpoint(str(number), 1, reached, "", "h", 0.0) if reached else None
    return {"curve": points, "checkpoint": checkpoint}


STOPPED_EVERY: Final = 10
"""Of the runs that are paused at the end, one in so many was stopped by a person."""
PARTS: Final = 40


def brought_on(spec: Spec, pasts: Sequence[Past]) -> History:
    """The history of these runs as `auto` would have left it: finished ones, and others paused at the rung that their
    rank has brought them to.

    The runs come in parts, and after each part those that the rungs ask for go on, the farthest first, while less than
    the share of steps that `auto` guarantees was spent on continuing. By then `auto` refuses runs by its model; here all
    are refused, which is about what it does.
    """
    steps = len(pasts[0].curve)
    rungs = rungs_of(steps)
    runs: list[Run] = []
    part = math.ceil(len(pasts) / PARTS)
    for begin in range(0, len(pasts), part):
        for past in pasts[begin : begin + part]:
            run = _as_run(len(runs) + 1, past, RunState.PAUSED, 0)
            runs.append(replace(run, **_at(past, rungs.first(run, rungs.levels), run.number)))
        while waiting := _called_on(spec, runs, steps):
            for number, until in waiting:
                state = RunState.FINISHED if until == steps else RunState.PAUSED
                made = replace(runs[number - 1], state=state)
                runs[number - 1] = replace(made, **_at(pasts[number - 1], until, number))
    paused = [run.number for run in runs if run.state is RunState.PAUSED]
    for number in paused[STOPPED_EVERY - 1 :: STOPPED_EVERY]:
        runs[number - 1] = replace(runs[number - 1], state=RunState.STOPPED, paused_by="")
    return History(tuple(runs))


def _called_on(spec: Spec, runs: Sequence[Run], steps: int) -> list[tuple[int, int]]:
    """The paused runs that are next and the step that each goes to, as far as the share of continued steps allows."""
    assert spec.metric is not None
    rungs = rungs_of(steps)
    there = counted(tracks(spec, History(tuple(runs)), PAST))
    spent = float(sum(run.steps for run in runs))
    continued = spent - sum(rungs.first(run, rungs.levels) for run in runs)
    found = []
    for place, entry in Standings(spec.metric, rungs, there, closing=False).queue():
        if continued >= FLOOR * spent:
            break
        until = (*rungs.levels, steps)[place + 1]
        spent += until - entry.track.reached
        continued += until - entry.track.reached
        found.append((entry.number, until))
    return found


# -- the peers ------------------------------------------------------------------------------------


class Theirs:
    """A peer with its history. `ask` is the library's own call, without the simulator's books."""

    def __init__(self, method: Method, runs: int, seed: int) -> None:
        self.sweep = sweep_of(method)
        spec = parse_mapping(self.sweep)
        self.steps = STEPS if curves(method) else 1
        self.world = World(spec, self.steps, seed)
        budget = float((runs + CALLS) * self.steps)
        found = method.peer(Setting(self.sweep, spec, self.steps, budget, seed, workers=1))
        assert found is not None
        assert method.make is not None
        self.peer = found
        self.runs = runs
        self.curves: dict[int, list[float]] = {}
        self.way = WAYS.get(method.make.split(":")[0], in_turn)

    def tell(self) -> None:
        self.way(self)

    def ask(self) -> tuple[Asked, list[float]]:
        order, seconds, cpu = timed(self.peer.ask)
        return Asked(seconds, cpu, isinstance(order, New)), self.play(order) if order else []

    def play(self, order: New | Again) -> list[float]:
        """The run goes on until it ends or the peer pauses it. The seconds that each report takes."""
        trial, taken = self._trial(order), []
        curve = self.losses(trial)
        for step in range(trial.seen + 1, self.steps + 1):
            trial.seen, trial.value = step, curve[step - 1]
            self.peer.worst = float(np.fmax(self.peer.worst, trial.value))
            verdict, seconds, _ = timed(lambda s=step: self.peer.report(trial, s, curve[s - 1]))  # type: ignore[misc]
            taken.append(seconds)
            if verdict is Verdict.PAUSE and step < self.steps:
                return taken
            if verdict is Verdict.STOP and step < self.steps:
                self.peer.end(trial, stopped=True)
                return taken
        self.peer.end(trial, stopped=False)
        return taken

    def _trial(self, order: New | Again) -> Trial:
        if isinstance(order, Again):
            trial = self.peer.trials[order.number]
            trial.handle = trial.handle if order.handle is None else order.handle
            trial.until = order.until or self.steps
            return trial
        values = {name: native(value) for name, value in order.values.items()}
        number = len(self.peer.trials) + 1
        trial = Trial(number, values, order.handle, order.until or self.steps)
        self.peer.trials[number] = trial
        return trial

    def losses(self, trial: Trial) -> list[float]:
        """The same curve each time it is asked for."""
        if trial.number not in self.curves:
            space = self.world.spec.space
            past = self.world.run(space.typed(space.config(trial.values)))
            self.curves[trial.number] = [-value for value in past.curve]
        return self.curves[trial.number]

    def drawn(self, count: int) -> list[dict[str, Any]]:
        """Random configurations, by parameter."""
        return [Peer.draw(self.peer) for _ in range(count)]


def in_turn(told: Theirs) -> None:
    """Given trial by trial, as what somebody else has tried."""
    for values in told.drawn(told.runs):
        told.play(told.peer.adopt(values))


def asked_for(told: Theirs) -> None:
    """Of a library that takes only what it has asked for: the history is its own."""
    while len(told.peer.trials) < told.runs:
        order = told.peer.ask()
        assert order is not None
        told.play(order)


def syne_tune(told: Theirs) -> None:
    """The history's configurations are the first that it is to evaluate, so that no model is asked about them."""
    most = import_module("peers.syne").MOST

    peer: Any = told.peer
    searcher = peer.scheduler.searcher
    searcher = getattr(searcher, "_searcher_int", searcher)  # DyHPO's is inside of another
    searcher._points_to_evaluate[:] = [
        {**values, most: told.steps} for values in told.drawn(told.runs)
    ]
    asked_for(told)


def smac(told: Theirs) -> None:
    """What its initial design would ask for comes first; multi-fidelity takes only what it has asked for."""
    peer: Any = told.peer
    if peer.many:
        asked_for(told)
        return
    design = [dict(each) for each in peer.facade._config_selector._initial_design_configs]
    first = [{name: native(value) for name, value in each.items()} for each in design][: told.runs]
    for values in [*first, *told.drawn(told.runs - len(first))]:
        told.play(peer.adopt(values))


def optuna(told: Theirs) -> None:
    """All at once, as its finished and pruned trials."""
    library = import_module("optuna.trial")

    peer: Any = told.peer
    trials = []
    for trial, reached in _halved(told):
        losses = told.losses(trial)[:reached]
        whole = reached == told.steps
        trials.append(
            library.create_trial(
                state=library.TrialState[("PRUNED", "COMPLETE")[whole]],
                value=losses[-1] if whole else None,
                params=dict(trial.values),
                distributions=peer.space_of,
                intermediate_values=dict(enumerate(losses, 1)) if told.steps > 1 else {},
            )
        )
    peer.study.add_trials(trials)


def wandb(told: Theirs) -> None:
    """As the runs that W&B's server hands over: each with its history."""
    peer: Any = told.peer
    for trial, reached in _halved(told):
        trial.handle = peer.adopt(trial.values).handle
        trial.seen, trial.value = reached, told.losses(trial)[reached - 1]
        run = peer.runs[trial.handle]
        run.history.extend({peer.metric: peer.sign * v} for v in told.losses(trial)[:reached])
        peer.end(trial, stopped=reached < told.steps)


def hebo(told: Theirs) -> None:
    """As one table."""
    frame = import_module("pandas").DataFrame(rows := told.drawn(told.runs))

    peer: Any = told.peer
    trials = [told._trial(New(values)) for values in rows]
    losses = np.array([told.losses(trial)[-1:] for trial in trials])
    peer.hebo.observe(frame, losses)


def hyperopt(told: Theirs) -> None:
    """As documents, entered at once."""
    library, fmin = import_module("hyperopt"), import_module("hyperopt.fmin")

    peer: Any = told.peer
    documents = []
    for number, values in zip(
        peer.history.new_trial_ids(told.runs), told.drawn(told.runs), strict=True
    ):
        trial = told._trial(New(values))
        places = {p.name: p for p in peer.setting.spec.active if p.kind == "categorical"}
        plain = {
            n: places[n].values.index(value) if n in places else value
            for n, value in values.items()
        }
        document = fmin.generate_trial(number, plain)
        document["state"] = library.JOB_STATE_DONE
        document["result"] = {"status": library.STATUS_OK, "loss": told.losses(trial)[-1]}
        documents.append(document)
    peer.history.insert_trial_docs(documents)
    peer.history.refresh()


WAYS: Final[Mapping[str, Callable[[Theirs], None]]] = {
    "optuna": optuna,
    "wandb": wandb,
    "hebo": hebo,
    "hyperopt": hyperopt,
    "smac": smac,
    "syne": syne_tune,
    "dehb": asked_for,
}


def _halved(told: Theirs) -> Iterator[tuple[Trial, int]]:
    """The history's trials with the step at which each was stopped: at a rung the worse of it, by the values so far."""
    rungs = ladder(told.steps)
    trials = [told._trial(New(values)) for values in told.drawn(told.runs)]
    reached = dict.fromkeys((trial.number for trial in trials), rungs[0])
    going = trials
    for rung, following in pairwise(rungs):
        going = sorted(going, key=lambda trial, r=rung: told.losses(trial)[r - 1])  # type: ignore[misc]
        going = going[: math.ceil(len(going) / ETA)]
        reached |= dict.fromkeys((trial.number for trial in going), following)
    return ((trial, reached[trial.number]) for trial in trials)


# -- the process ----------------------------------------------------------------------------------


def measure(method: Method, runs: int, say: Callable[..., None]) -> None:
    """`say` is called before whatever may take long, and with each figure."""
    world = _made(method, runs, SEED)
    say("tell", runs=runs)
    _, seconds, _ = timed(world.tell)
    say("told", runs=runs, seconds=seconds)
    new = 0
    for _ in range(CALLS):
        if new == REPEATS:
            break
        say("ask", runs=runs)
        asked, reports = world.ask()
        new += asked.new
        say("asked", runs=runs, **vars(asked), reports=reports)


def _made(method: Method, runs: int, seed: int) -> Ours | Theirs:
    return Theirs(method, runs, seed) if method.make else Ours(method, runs, seed)


def main() -> None:
    out = _own_output()

    def say(event: str, **values: Any) -> None:
        print(json.dumps({"event": event, **values}), file=out, flush=True)

    method = METHODS[sys.argv[1]]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    most = int(MEMORY * memory)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    try:
        warm = _made(method, WARM, SEED + 1)
        warm.tell()
        warm.ask()
        for runs in map(int, sys.argv[2:]):
            measure(method, runs, say)
        say("ended")
    except MemoryError:
        say("failed", text=f"more than {most / 2**30:.0f} GB of memory")
    except Exception as error:  # noqa: BLE001 - whatever a library raises is its result
        say("failed", text=f"{type(error).__name__}: {error}"[:300])


def _own_output() -> TextIO:
    """Standard output for the figures alone: libraries print."""
    kept = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return kept


if __name__ == "__main__":
    main()
