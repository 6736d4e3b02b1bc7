"""What the analysis says of a sweep, for the page: importance, slices, pairs, health, progress, forecasts.

Models are fitted in a process of their own, one at a time, and kept until a run ends or passes a rung. Who asks while
that goes on gets what was found last, where there is something. While runs of the sweep are at work, so does who asks
soon after: a machine that trains is not there to be asked how it is doing. The routes that wait for a model have threads
of their own, so that none is taken from the reports of trainings; those that do not wait have others.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from fastapi import APIRouter, Depends
from starlette.background import BackgroundTask

from swept.errors import NotFound, SweptError
from swept.model import Agent, Run, RunState, Sweep
from swept.server.advising import Advising, Work, stage_of
from swept.server.answers import Answer, documented
from swept.server.apart import Apart, Unanswered
from swept.server.auth import reading
from swept.server.context import Context
from swept.server.gathered import Boards
from swept.server.histories import Histories
from swept.spec import Spec
from swept.stopping.ladder import ladder
from swept.stopping.track import longest
from swept.wire.insights import (
    ForecastView,
    HealthCard,
    ImportanceView,
    PairView,
    ProgressView,
    SliceView,
)

if TYPE_CHECKING:  # numpy and scipy: only where a model is asked for
    from swept.analysis.forecasts import Expected
    from swept.analysis.health.situation import Card
    from swept.analysis.look import Look
    from swept.analysis.progress import Progress
    from swept.analysis.slices import Pair, Slice

log = logging.getLogger("swept.server")

THREADS = 8
QUICK = 4
"""So many threads beside them are for answers that wait for no model."""
KEPT = 8
"""So many answers of a kind are kept: those asked for last."""
DRAWN = 64
"""So many slices, and so many pairs."""
SHARE = 0.05
"""So much of one core goes to each kind of answer, at most, while runs are at work."""
FEWEST = 4
"""With fewer runs that have reported there is nothing to fit: no process is started for the answer."""
_ENDED = frozenset({RunState.FINISHED, RunState.STOPPED, RunState.PAUSED})

T = TypeVar("T")
Key: TypeAlias = tuple[str, ...]
Stage: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Said(Generic[T]):
    """An answer. `stage`: of the sweep, that it is of; `rests`: until when no other is made unless it is pressing."""

    stage: Stage
    value: T
    rests: float


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is none. In words: an error itself would hold on to all that was analysed."""

    message: str
    hint: str
    rests: float


@dataclass(slots=True)
class _Place(Generic[T]):
    """Of one thing that was asked. One thread at a time is `busy` with it."""

    busy: threading.Lock = field(default_factory=threading.Lock)
    said: Said[T] | None = None
    failed: Failed | None = None


class Kept(Generic[T]):
    """Answers by what was asked, by a clock that says what making them takes."""

    def __init__(self, most: int, now: Callable[[], float] = lambda: 0.0) -> None:
        self._most = most
        self._now = now
        self._guard = threading.Lock()
        self._places: OrderedDict[Key, _Place[T]] = OrderedDict()

    def get(self, key: Key, stage: Stage, make: Callable[[], T], *, pressing: bool = True) -> T:
        """The value of `answer`."""
        return self.answer(key, stage, make, pressing=pressing).value

    def answer(
        self, key: Key, stage: Stage, make: Callable[[], T], *, pressing: bool = True
    ) -> Said[T]:
        """That at this stage; the last one while another thread works on it, and where it is not `pressing`, until
        making it has taken no more than its share of the time.

        Raises what `make` raises. Who waited for that, or asks before it is time to try again, gets the last answer;
        where there is none, Unanswered.
        """
        place = self._place(key)
        before = place.failed
        found = self._found(place, stage, pressing, before)
        if found is not None:
            return found
        known = place.said
        if not place.busy.acquire(blocking=known is None):
            assert known is not None
            return known
        try:
            found = self._found(place, stage, pressing, before)
            return found if found is not None else self._make(place, stage, make)
        finally:
            place.busy.release()

    def last(self, key: Key) -> Said[T] | None:
        """What was made last, of whatever stage."""
        with self._guard:
            place = self._places.get(key)
        return place.said if place else None

    def _place(self, key: Key) -> _Place[T]:
        with self._guard:
            place = self._places.setdefault(key, _Place())
            self._places.move_to_end(key)
            while len(self._places) > self._most:
                self._places.popitem(last=False)
        return place

    def _found(
        self, place: _Place[T], stage: Stage, pressing: bool, before: Failed | None
    ) -> Said[T] | None:
        """What there is to say without making it; `before`: the failure that was known when it was asked for."""
        said, failed = place.said, place.failed
        if said is not None and (said.stage == stage or self._rests(said, pressing)):
            return said
        if failed is None or (failed is before and not self._rests(failed, pressing)):
            return None
        if said is None:
            raise Unanswered(failed.message, hint=failed.hint)
        return said

    def _rests(self, one: Said[T] | Failed, pressing: bool) -> bool:
        return not pressing and self._now() < one.rests

    def _make(self, place: _Place[T], stage: Stage, make: Callable[[], T]) -> Said[T]:
        begun = self._now()

        def rests() -> float:
            ended = self._now()
            return ended + (ended - begun) / SHARE

        try:
            value = make()
        except SweptError as error:
            place.failed = Failed(error.message, error.hint, rests())
            raise
        except Exception as error:
            place.failed = Failed(f"the analysis failed: {error!r}", "", rests())
            raise
        said = place.said = Said(stage, value, rests())
        place.failed = None
        return said


@dataclass(frozen=True, slots=True)
class Seen:
    """A sweep as it is now."""

    sweep: Sweep
    spec: Spec
    runs: tuple[Run, ...]

    def key(self, *asked: str) -> Key:
        """By the file's version too: what was said of another objective answers nothing that is asked of this one."""
        return self.sweep.id, str(self.sweep.spec_version), *asked

    @property
    def at_rest(self) -> bool:
        """No run is at work: nothing is taken from it, and nothing may come that asks for an answer again."""
        return all(run.state is not RunState.RUNNING for run in self.runs)


class Insights:
    """The answers of one server."""

    def __init__(self, context: Context, boards: Boards, advising: Advising) -> None:
        self._context = context
        self._advising = advising
        now = context.clock.monotonic
        self._histories = Histories(context.store, boards)
        self._looks = Kept["Look"](KEPT, now)
        self._expected_ends = Kept["tuple[Expected, ...]"](KEPT, now)
        self._apart = Apart(context.stopping)
        self._cards = Kept["tuple[Card, ...]"](KEPT, now)
        self._progress: Kept[Progress] = Kept(KEPT, now)
        self._slices: Kept[Slice] = Kept(DRAWN)
        self._pairs: Kept[Pair] = Kept(DRAWN)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="insights")
        self._quick = ThreadPoolExecutor(QUICK, thread_name_prefix="quick-insights")

    async def ask(self, answer: Callable[[], T]) -> T:
        """`answer`, which may wait for a model, in one of the threads for that."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, answer)

    async def ask_quick(self, answer: Callable[[], T]) -> T:
        """`answer`, which waits for no model, in a thread that none waits in."""
        return await asyncio.get_running_loop().run_in_executor(self._quick, answer)

    # -- in a thread ------------------------------------------------------------------------------

    def importance(self, sweep: str, metric: str) -> ImportanceView:
        found = self._look(self._seen(sweep), metric).value.importance
        return {
            "runs": found.runs,
            "explained": found.explained,
            "caution": found.caution,
            "rows": [
                {
                    "parameter": row.parameter,
                    "share": row.share,
                    "low": row.low,
                    "high": row.high,
                    "sign": row.sign,
                    "between": row.between,
                    "inert": row.inert,
                }
                for row in found.rows
            ],
        }

    def slice(self, sweep: str, parameter: str, metric: str) -> SliceView:
        from swept.analysis.slices import along

        seen = self._seen(sweep)
        _known(seen.spec, parameter)
        known = self._look(seen, metric)
        found = self._slices.get(
            seen.key(metric, parameter), known.stage, lambda: along(known.value.surface, parameter)
        )
        return {
            "parameter": parameter,
            "at": list(found.at),
            "mean": list(found.mean),
            "low": list(found.low),
            "high": list(found.high),
        }

    def pair(self, sweep: str, x: str, y: str, metric: str) -> PairView:
        from swept.analysis.slices import over

        seen = self._seen(sweep)
        for parameter in (x, y):
            _known(seen.spec, parameter)
        known = self._look(seen, metric)
        found = self._pairs.get(
            seen.key(metric, x, y), known.stage, lambda: over(known.value.surface, x, y)
        )
        return {
            "x": {"parameter": x, "at": list(found.x_at)},
            "y": {"parameter": y, "at": list(found.y_at)},
            "mean": [list(row) for row in found.mean],
        }

    def health(self, sweep: str, quick: bool) -> list[HealthCard]:
        context, seen = self._context, self._seen(sweep)
        agents = context.store.agents(sweep)
        live = frozenset(agent.id for agent in agents if context.engine.at_work(agent))
        free = _free(context.files)
        known = self._looks.last(seen.key(""))
        if not quick:
            try:
                known = self._look(seen, "")
            except Unanswered:
                log.warning("health of sweep %s without a model of its runs", sweep)
        stage = (
            seen.sweep.state.value,
            live,
            free is not None and free >> 30,
            known and known.stage,
            _stage(seen, [(run, min(run.steps, 1)) for run in seen.runs]),
        )
        look = known.value if known else None
        cards = self._cards.get(
            seen.key("" if look else "no model"),
            stage,
            lambda: _healthy(seen, agents, live, free, look),
            pressing=seen.at_rest,
        )
        return [_card(card) for card in cards]

    def progress(self, sweep: str) -> tuple[ProgressView, Work | None]:
        """And what is to be done behind the answer: the model's advice is worked out there."""
        from swept.analysis.progress import progress
        from swept.model import History
        from swept.search.budget import slot_hours

        seen = self._seen(sweep)
        now, engine = self._context.clock.now(), self._context.engine
        live = [agent for agent in self._context.store.agents(sweep) if engine.at_work(agent)]
        stage = stage_of(seen.spec, seen.sweep.spec_version, seen.runs)
        advice, work = self._advising.known(seen.sweep, stage)
        found = self._progress.get(
            seen.key(),
            (now, len(live), advice, hash(_stage(seen, [(run, run.steps) for run in seen.runs]))),
            lambda: progress(
                seen.spec,
                seen.runs,
                hours=slot_hours(History(seen.runs), now),
                over=seen.sweep.state.ended,
                slots=sum(agent.slots for agent in live),
                now=now,
                advice=advice,
            ),
            pressing=seen.at_rest,
        )
        view: ProgressView = {
            "ended": found.ended,
            "cap": found.cap,
            "eta": found.eta,
            "eta_why": found.eta_why,
            "hours_used": found.hours_used,
            "hours_saved": found.hours_saved,
            "energy": found.energy,
            "cost": found.cost,
            "currency": found.currency,
            "noise": found.noise,
            "noise_why": found.noise_why,
            "targets": [
                {"name": each.name, "value": each.value, "reached": each.reached}
                for each in found.targets
            ],
        }
        return view, work

    def forecasts(self, sweep: str) -> list[ForecastView]:
        seen = self._seen(sweep)
        full = longest(seen.spec)
        if full is None or seen.spec.metric is None:
            return []
        stage = _stage(seen, [(run, bisect_right(ladder(full), run.steps)) for run in seen.runs])
        found = self._expected_ends.get(
            seen.key(), stage, lambda: self._expected(seen), pressing=seen.at_rest
        )
        going = {run.id for run in seen.runs if not run.state.ended}
        return [
            {"row": each.run, "mean": each.mean, "low": each.low, "high": each.high}
            for each in found
            if each.run in going
        ]

    # -- the pieces -------------------------------------------------------------------------------

    def _seen(self, sweep: str) -> Seen:
        found = self._context.store.sweep(sweep)
        return Seen(found, self._context.engine.spec(found), self._histories.of(sweep))

    def _look(self, seen: Seen, metric: str) -> Said[Look]:
        from swept.analysis.look import look

        if seen.spec.metric is not None and metric == seen.spec.metric.name:
            metric = ""
        if metric and not any(metric in run.summary for run in seen.runs):
            raise NotFound(f"no run of the sweep reports `{metric}`")
        told = [(run, run.steps) for run in seen.runs if run.state in _ENDED and run.attempts]

        def make() -> Look:
            if len(told) < FEWEST:
                return look(seen.spec, seen.runs, metric)
            return self._apart(look, seen.spec, seen.runs, metric)

        return self._looks.answer(seen.key(metric), _stage(seen, told), make, pressing=seen.at_rest)

    def _expected(self, seen: Seen) -> tuple[Expected, ...]:
        from swept.analysis.forecasts import forecasts

        if not any(run.curve and not run.state.ended for run in seen.runs):
            return ()
        return self._apart(forecasts, seen.spec, seen.runs)


def router(context: Context, boards: Boards, advising: Advising) -> APIRouter:
    """The routes over one server's answers."""
    insights = Insights(context, boards, advising)
    made = APIRouter(prefix="/api/sweeps/{sweep}", dependencies=[Depends(reading)])

    @made.get("/importance", responses=documented(ImportanceView))
    async def importance(sweep: str, metric: str = "") -> Answer:
        """How much of the metric's variation each parameter explains. Without `metric`: the sweep's own."""
        return Answer(await insights.ask(partial(insights.importance, sweep, metric)))

    @made.get("/slice", responses=documented(SliceView))
    async def slice(sweep: str, parameter: str, metric: str = "") -> Answer:
        """The model's mean and band along one parameter; empty without a model."""
        return Answer(await insights.ask(partial(insights.slice, sweep, parameter, metric)))

    @made.get("/pair", responses=documented(PairView))
    async def pair(sweep: str, x: str, y: str, metric: str = "") -> Answer:
        """The model's mean over two parameters; empty without a model."""
        return Answer(await insights.ask(partial(insights.pair, sweep, x, y, metric)))

    @made.get("/health", responses=documented(list[HealthCard]))
    async def health(sweep: str, quick: bool = False) -> Answer:
        """What stands out, worst first. `quick`: by what is known of the model of the runs, without waiting for it."""
        ask = insights.ask_quick if quick else insights.ask
        return Answer(await ask(partial(insights.health, sweep, quick)))

    @made.get("/progress", responses=documented(ProgressView))
    async def progress(sweep: str) -> Answer:
        """How far it has come, and what that has cost."""
        view, work = await insights.ask_quick(partial(insights.progress, sweep))
        return Answer(view, background=BackgroundTask(insights.ask, work) if work else None)

    @made.get("/forecasts", responses=documented(list[ForecastView]))
    async def forecasts(sweep: str) -> Answer:
        """Where running and paused runs are expected to end."""
        return Answer(await insights.ask(partial(insights.forecasts, sweep)))

    return made


def _healthy(
    seen: Seen, agents: Sequence[Agent], live: frozenset[str], free: int | None, look: Look | None
) -> tuple[Card, ...]:
    from swept.analysis.health.cards import health
    from swept.analysis.health.situation import Situation

    modelled = look.surface if look and look.importance.ranks else None
    return health(
        Situation(
            seen.spec,
            seen.runs,
            seen.sweep.state,
            seen.sweep.id,
            agents,
            live,
            importance=look.importance if look else None,
            residual=modelled.noise if modelled else None,
            free=free,
        )
    )


def _known(spec: Spec, parameter: str) -> None:
    if spec.space.parameter(parameter) is None:
        raise NotFound(f"the sweep searches no parameter `{parameter}`")


def _card(card: Card) -> HealthCard:
    return {
        "id": card.id,
        "level": card.level,
        "title": card.title,
        "text": card.text,
        "evidence": list(card.evidence),
        "runs": list(card.runs),
        "parameter": card.parameter,
    }


def _free(folder: Path) -> int | None:
    """Bytes left where files of runs go; the folder is made with the first of them."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _stage(seen: Seen, runs: Sequence[tuple[Run, int]]) -> Stage:
    """The spec's version, and of each run its id, state, and how far it has come."""
    return seen.sweep.spec_version, *((run.id, run.state.value, far) for run, far in runs)
