"""What a good colleague would say of a sweep, with the evidence: health cards, worst first.

A card claims no more than its evidence: what could be chance is tested, and corrected for how many places were looked
at. Two means are never compared.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from swept.analysis.best import baseline, best, ranked, same_training, value_of
from swept.analysis.comparison import compare
from swept.analysis.estimate import steps_done
from swept.analysis.figures import figure
from swept.analysis.noise import Noise, difference_sentence, lucky_lead, noise
from swept.analysis.outcomes import outcomes
from swept.analysis.spread import spread
from swept.failures import FAILED, HELD_AFTER, failed_in_a_row
from swept.model import (
    SWEEP_KINDS,
    Agent,
    Attempt,
    Goal,
    Kind,
    Outcome,
    Run,
    RunState,
    SweepState,
)
from swept.space import number
from swept.spec import Spec
from swept.sweepfile.findings import did_you_mean

if TYPE_CHECKING:  # numpy and scipy: only where a model was asked for
    from swept.analysis.importance import Importance
    from swept.analysis.splits import Split

LEVELS = ("bad", "warn", "info", "good")
SURE = 0.01
"""What would be chance in no more than so many cases is said of an agent or a range."""
SHOWN = 8
"""So many pieces of evidence a card has at most."""
TOP = 5
EDGE = 0.05
"""The outer part of a range that counts as its edge."""
EDGE_RUNS = 10
"""With fewer finished runs the best ones' places say nothing."""
EDGE_CHANCE = 0.05
STALLED_RUNS, STALLED_SHARE = 10, 0.25
"""Nothing gained for so many runs, and the best among so early a part of all, is worth a word."""
NO_EFFECT, NO_EFFECT_RUNS, NO_EFFECT_EXPLAINED = 0.02, 5, 0.3
"""A parameter whose whiskers end below this share, seen in so many runs a parameter by a model that explains so much."""
UNEQUAL = 0.9
"""Finished runs of less than this part of the longest one's steps are of another length."""
LITTLE_DISK, HARDLY_ANY = 5 << 30, 1 << 30
_DAMAGE = frozenset({Outcome.FAILED, Outcome.OOM, Outcome.LOST})
_ENDED_ITSELF = _DAMAGE | {Outcome.FINISHED, Outcome.STOPPED}
_RANGE_OF_FIVE = 2.326
"""The expected range of five draws of a standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Card:
    """`id` stays the same as long as it speaks of the same thing; `runs` are ids."""

    id: str
    level: str
    title: str
    text: str
    evidence: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    parameter: str | None = None


@dataclass(frozen=True)
class Situation:
    """What is known of a sweep. `live`: ids of the agents at work. `importance` and `residual` (one standard deviation of
    a run about the model's surface) are None where no model was asked; `free`: bytes left for files, None: not known."""

    spec: Spec
    runs: Sequence[Run]
    state: SweepState
    agents: Sequence[Agent] = ()
    live: frozenset[str] = frozenset()
    importance: Importance | None = None
    residual: float | None = None
    free: int | None = None

    @property
    def goal(self) -> Goal:
        return self.spec.metric.goal if self.spec.metric else Goal.MINIMIZE

    @property
    def at(self) -> str:
        return self.spec.options.at

    @cached_property
    def own(self) -> list[Run]:
        """The sweep's runs."""
        return [run for run in self.runs if run.kind in SWEEP_KINDS]

    @cached_property
    def ours(self) -> list[Run]:
        """Those with the constants that the file has now."""
        return same_training(self.own, self.spec.space.fixed)

    @cached_property
    def ranked(self) -> list[Run]:
        return ranked(self.ours, self.goal, self.at)

    @cached_property
    def luck(self) -> Noise | None:
        seed = self.spec.options.seed
        found = noise(self.ours, self.goal, self.at, ignore=(seed,) if seed else ())
        return None if found is None or found.identical else found

    def value(self, run: Run) -> float | None:
        return value_of(run, self.goal, self.at)


def health(now: Situation) -> tuple[Card, ...]:
    """Worst first; one good card, with what was looked at, where there is nothing to say."""
    found = [card for check in _CHECKS for card in check(now)]
    if not found:
        return (_well(now),)
    return tuple(sorted(found, key=lambda card: LEVELS.index(card.level)))


def _well(now: Situation) -> Card:
    if not any(run.attempts for run in now.own):
        return Card("well", "good", "Nothing has run yet", "There is nothing to look at so far.")
    count = len(now.own)
    return Card(
        "well",
        "good",
        "Nothing stands out",
        f"Looked at {count} run{'' if count == 1 else 's'}: failures, agents, what is reported, lengths, noise, edges of "
        "the ranges, and progress.",
    )


# -- failures -------------------------------------------------------------------------------------


def _failing(now: Situation) -> Iterator[Card]:
    """A row of failures, an agent, a region of the space; the plain count where none of them explains it."""
    failed = [run for run in now.own if run.state in FAILED]
    cards = [*_row(now), *_agents(now), *_region(now, failed, "failed")]
    yield from cards
    if failed and not cards:
        found = outcomes(now.own)
        yield Card(
            "failures",
            "warn",
            f"{_count(failed)} failed",
            found.in_common or "No agent and no parameter value explains it.",
            _reasons(failed),
            _ids(failed),
        )


def _row(now: Situation) -> Iterator[Card]:
    row = failed_in_a_row(now.own)
    if len(row) >= HELD_AFTER:
        yield Card(
            "failing",
            "bad",
            f"The last {len(row)} runs all failed",
            "Nothing has ended well since. Look at the console of one of them before more are started.",
            _reasons(row),
            _ids(row),
        )


def _agents(now: Situation) -> Iterator[Card]:
    """By Fisher's exact test against all other agents, corrected for how many there are."""
    by_agent: dict[str, list[tuple[Run, Attempt]]] = defaultdict(list)
    for run in now.own:
        for attempt in run.attempts:
            if attempt.outcome in _ENDED_ITSELF:
                by_agent[attempt.agent].append((run, attempt))
    n = sum(map(len, by_agent.values()))
    damaged = {
        agent: [each for each in tried if _bad(each[1])] for agent, tried in by_agent.items()
    }
    bad = sum(map(len, damaged.values()))
    for agent, tried in by_agent.items():
        hit = damaged[agent]
        if len(by_agent) < 2 or len(hit) < HELD_AFTER:
            continue
        chance = _fisher(len(hit), len(tried), bad, n) * len(by_agent)
        if chance <= SURE:
            yield Card(
                f"agent-{agent}",
                "bad",
                f"Runs keep failing on {hit[-1][1].host}",
                f"{len(hit)} of {len(tried)} attempts of agent {agent} failed, {bad - len(hit)} of {n - len(tried)} of the "
                f"others: by chance that would happen in at most {_percent(chance)} of sweeps.",
                _lines(attempt.reason or str(attempt.outcome) for _, attempt in hit),
                _ids([run for run, _ in hit]),
            )


def _bad(attempt: Attempt) -> bool:
    return attempt.outcome in _DAMAGE


def _region(now: Situation, bad: Sequence[Run], word: str) -> Iterator[Card]:
    from swept.analysis import splits  # numpy and scipy: only where there is something to explain

    good = [run for run in now.own if run.value is not None and run.state not in FAILED]
    if len(bad) < splits.FEWEST or len(good) < splits.FEWEST:
        return
    found = splits.clearest(now.spec, bad, good)
    if found is not None:
        most = found.inside > 0.5 * found.size
        yield Card(
            f"{word}-{found.parameter}",
            "bad" if most else "warn",
            f"Runs {'fail' if word == 'failed' else 'diverge'} where {found.region}",
            f"{_share(found)} {word}. {_shuffles(found)}",
            _reasons(found.runs) if word == "failed" else (),
            _ids(found.runs),
            found.parameter,
        )


def _share(found: Split) -> str:
    return f"{found.inside} of the {found.size} runs there, and {found.outside} of the {found.rest} others,"


def _shuffles(found: Split) -> str:
    return (
        f"If chance decided which runs do, a range or value of some parameter would tell them apart so clearly in about "
        f"{_percent(found.chance)} of cases."
    )


def _diverging(now: Situation) -> Iterator[Card]:
    """Runs whose last values are no numbers."""
    gone = [run for run in now.own if run.state.ended and run.curve and run.value is None]
    gone = [run for run in gone if run.state not in FAILED]
    cards = list(_region(now, gone, "diverged"))
    yield from cards
    if gone and not cards:
        yield Card(
            "diverged",
            "warn",
            f"{_count(gone)} diverged",
            "The last value of the metric was no finite number. No single parameter explains it.",
            _lines(f"run {run.number}: no number at step {run.steps}" for run in gone),
            _ids(gone),
        )


# -- what is reported -----------------------------------------------------------------------------


def _reporting(now: Situation) -> Iterator[Card]:
    if now.spec.metric is None:
        return
    name = now.spec.metric.name
    silent = [run for run in now.own if run.attempts and not run.curve and _numbers(run)]
    if not silent:
        return
    keys = Counter(key for run in silent for key in _numbers(run))
    named = [key for key, _ in keys.most_common()]
    others = f"They report: {', '.join(f'`{key}`' for key in named[:SHOWN])}"
    others += f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    hint = did_you_mean(name, named, "-")
    near = f" {hint[0].upper()}{hint[1:]}" if hint != "-" else ""
    if not any(run.curve for run in now.own):
        yield Card(
            "metric",
            "bad",
            f"No run reports `{name}`",
            f"The sweep searches by a metric that nothing reports, so it learns nothing.{near}",
            (others,),
            _ids(silent),
        )
        return
    ended = [run for run in silent if run.state is RunState.FINISHED]
    if ended:
        yield Card(
            "metric",
            "warn",
            f"{_count(ended)} finished without `{name}`",
            f"Other runs report it. For the search these have no value.{near}",
            (others,),
            _ids(ended),
        )


def _numbers(run: Run) -> list[str]:
    return [key for key, value in run.summary.items() if number(value) and not key.startswith("_")]


def _lengths(now: Situation) -> Iterator[Card]:
    finished = [run for run in now.ranked if run.curve]
    if not finished:
        return
    longest = max(map(steps_done, finished))
    short = [run for run in finished if steps_done(run) < UNEQUAL * longest]
    if not short:
        return
    epochs = now.spec.options.epochs
    swept = isinstance(epochs, str) and now.spec.space.parameter(epochs) is not None
    first = finished[0]
    yield Card(
        "lengths",
        "info" if swept else "warn",
        "Runs of different lengths are compared",
        f"{_count(short)} of {len(finished)} finished after fewer than {_percent(UNEQUAL)} of the {longest} steps of the "
        "longest: a longer training is better or worse whatever its configuration.",
        (
            f"the best, run {first.number}, has {steps_done(first)} steps",
            f"from {min(map(steps_done, finished))} to {longest} steps",
        ),
        _ids(short),
    )


# -- parameters -----------------------------------------------------------------------------------


def _inert(now: Situation) -> Iterator[Card]:
    found = now.spec.inert
    if found:
        names = list(found)
        one = names[0] if len(names) == 1 else None
        yield Card(
            "inert",
            "info",
            f"{_listed(names)} cannot act here",
            "Held at the default, and left out of the search.",
            tuple(f"{name}: {why.why}" for name, why in found.items()),
            parameter=one,
        )


def _without_effect(now: Situation) -> Iterator[Card]:
    found = now.importance
    if found is None or not found.ranks:
        return
    acting = [row for row in found.rows if not row.inert]
    enough = found.runs >= NO_EFFECT_RUNS * len(acting) and found.explained >= NO_EFFECT_EXPLAINED
    idle = [row for row in acting if row.high < NO_EFFECT]
    if enough and idle:
        names = [row.parameter for row in idle]
        yield Card(
            "no-effect",
            "info",
            f"{_listed(names)} {'makes' if len(names) == 1 else 'make'} no difference in these ranges",
            f"By a model of {found.runs} runs that explains {_percent(found.explained)} of the variation between runs it "
            "has not seen. Fixing what does not matter leaves a smaller space.",
            tuple(
                f"{row.parameter}: explains {_percent(row.share)}, at most {_percent(row.high)}"
                for row in idle
            ),
            parameter=names[0] if len(names) == 1 else None,
        )


def _edges(now: Situation) -> Iterator[Card]:
    """Many of the best at one end of a range: by the binomial chance that they were there at random, corrected for all
    ends looked at."""
    top = now.ranked[:TOP]
    if len(now.ranked) < EDGE_RUNS:
        return
    weak = _weak(now)
    numeric = [p for p in now.spec.active if p.kind != "categorical" and p.name not in weak]
    for parameter in numeric:
        units = [
            parameter.to_unit(now.spec.space.get(run.config, parameter.name, math.nan))
            for run in top
        ]
        width = max(EDGE, 1.0 / parameter.levels if parameter.levels else 0.0)
        for bound, there in (
            ("low", [unit <= width for unit in units]),
            ("high", [unit >= 1.0 - width for unit in units]),
        ):
            count = sum(there)
            chance = _binomial(count, len(top), width) * 2 * len(numeric)
            if there[0] and chance <= EDGE_CHANCE:
                low, high = parameter.range
                limit = figure(low if bound == "low" else high)
                yield Card(
                    f"edge-{parameter.name}-{bound}",
                    "warn",
                    f"The best runs lie at the {'lower' if bound == 'low' else 'upper'} end of `{parameter.name}`",
                    f"{count} of the best {len(top)} runs, the best one among them, are within {_percent(width)} of its "
                    f"range from {limit}. If values beyond make sense, widen the range: the optimum may lie there.",
                    _lines(
                        f"run {run.number}: {parameter.name} = "
                        f"{figure(now.spec.space.get(run.config, parameter.name))}, {figure(now.value(run))}"
                        for run in top
                    ),
                    _ids([run for run, here in zip(top, there, strict=True) if here]),
                    parameter.name,
                )


def _weak(now: Situation) -> frozenset[str]:
    """What makes no difference: where the best lie in it says nothing."""
    if now.importance is None or not now.importance.ranks:
        return frozenset()
    return frozenset(row.parameter for row in now.importance.rows if row.high < NO_EFFECT)


# -- differences ----------------------------------------------------------------------------------


def _differences(now: Situation) -> Iterator[Card]:
    """All alike, else the best ones too close to call, else a lead over the baseline that may be luck."""
    found = spread(now.ranked, now.goal, now.at, now.luck)
    if found is not None and found.alike:
        equal = found.deviation == 0
        yield Card(
            "alike",
            "bad" if equal else "warn",
            "All runs gave the same value" if equal else "All runs perform the same",
            "To the last digit: the parameters do not reach the program."
            if equal
            else f"The {found.runs} finished runs differ by {figure(found.deviation)} (standard deviation), which is no "
            f"more than {found.measured}. The ranges are too narrow, or these parameters matter little here.",
            (f"from {figure(found.worst)} to {figure(found.best)}",),
            _ids(now.ranked),
        )
        return
    cards = [*_close(now), *_lead(now)]
    yield from cards


def _close(now: Situation) -> Iterator[Card]:
    deviation, whence = now.residual, "runs scatter about the model by"
    if now.luck is not None:
        deviation, whence = now.luck.deviation, "repeats of one configuration differ by"
    top = now.ranked[:TOP]
    values = [value for run in top if (value := now.value(run)) is not None]
    if deviation is None or len(now.ranked) < 2 * TOP:
        return
    range_of_top = max(values) - min(values)
    if range_of_top <= _RANGE_OF_FIVE * deviation:
        yield Card(
            "close",
            "info",
            "Noise is larger than the differences among the best",
            f"The best {len(top)} runs lie within {figure(range_of_top)}, and {whence} {figure(deviation)} (standard "
            "deviation): which of them is the best nobody knows yet. Repeats of them with other seeds would tell.",
            _lines(f"run {run.number}: {figure(now.value(run))}" for run in top),
            _ids(top),
        )


def _lead(now: Situation) -> Iterator[Card]:
    reference, first = baseline(now.ours), best(now.ours, now.goal, now.at)
    if reference is None or first is None:
        return
    found = compare(first.run, reference, now.goal, now.spec.space.fixed, now.at)
    if found is None or not found.complete:
        return
    runs = _ids([first.run, reference])
    if not found.better:
        yield Card(
            "baseline",
            "warn",
            "No run beats the baseline",
            f"The best, run {first.run.number}, has {figure(found.value)}, the baseline {figure(found.reference_value)}: "
            "as it stands, the baseline is the configuration to keep.",
            runs=runs,
        )
    elif now.luck is not None:
        tried = len(now.ranked)
        if abs(found.difference) <= now.luck.deviation * lucky_lead(tried):
            yield Card(
                "baseline",
                "warn",
                "The lead over the baseline may be luck",
                f"{difference_sentence(found.difference, now.luck, tried).capitalize()}.",
                runs=runs,
            )


def _reference(now: Situation) -> Iterator[Card]:
    found = baseline(now.own)
    if found is None and now.spec.options.baseline is None:
        yield Card(
            "no-baseline",
            "info",
            "No baseline",
            "Nothing says how good the configuration is that you would have used otherwise: `swept.baseline` in the "
            "sweep file adds a run of it.",
        )
    elif found is not None and found.state in FAILED:
        yield Card(
            "baseline-failed",
            "warn",
            "The baseline run failed",
            "There is nothing to compare with.",
            _reasons([found]),
            _ids([found]),
        )


def _gaining(now: Situation) -> Iterator[Card]:
    """Where the best came early. In random order it is equally probable at every place."""
    ended = sorted(
        (
            run
            for run in now.ours
            if run.kind is Kind.SEARCH and run.state.ended and _counted(now, run)
        ),
        key=lambda run: (run.ended or 0.0, run.number),
    )
    if now.state.ended or len(ended) < STALLED_RUNS:
        return
    values = [now.goal.sign * (now.value(run) or 0.0) for run in ended]
    first = values.index(min(values))
    since, n = len(ended) - first - 1, len(ended)
    if since >= STALLED_RUNS and first + 1 <= STALLED_SHARE * n:
        yield Card(
            "stalled",
            "info",
            f"Nothing gained for {since} runs",
            f"The best of {n} runs was the {_ordinal(first + 1)}. Were they in random order, the best would come so early "
            f"in {_percent((first + 1) / n)} of sweeps. More runs of the same kind probably bring little.",
            (f"run {ended[first].number}: {figure(now.value(ended[first]))}",),
            _ids([ended[first]]),
        )


def _counted(now: Situation, run: Run) -> bool:
    return run.state in (RunState.FINISHED, RunState.STOPPED) and now.value(run) is not None


# -- surroundings ---------------------------------------------------------------------------------


def _work(now: Situation) -> Iterator[Card]:
    if now.state not in (SweepState.RUNNING, SweepState.PENDING) or now.live:
        return
    if not now.agents:
        yield Card(
            "no-agent",
            "info",
            "No agent works on this sweep",
            "Nothing runs until one does: `swept agent ID` starts one.",
        )
        return
    # An agent that said goodbye is no accident; one that fell silent is.
    lost = [agent for agent in now.agents if agent.ended is None]
    yield Card(
        "no-agent",
        "bad" if lost else "warn",
        "No agent is at work any more",
        f"The sweep is {now.state}, and {_agents_gone(len(now.agents), len(lost))}. `swept agent ID` starts one.",
        _lines(f"agent {agent.id} on {agent.host}: not heard of any more" for agent in lost),
    )


def _agents_gone(count: int, lost: int) -> str:
    if not lost:
        return f"its {count} agents have ended" if count > 1 else "its agent has ended"
    return f"{lost} of {count} agents fell silent" if count > 1 else "its agent fell silent"


def _disk(now: Situation) -> Iterator[Card]:
    if now.free is not None and now.free < LITTLE_DISK:
        yield Card(
            "disk",
            "bad" if now.free < HARDLY_ANY else "warn",
            "Little disk space is left on the server",
            f"{now.free / (1 << 30):.1f} GiB: reports and checkpoints are lost once it is full. `swept gc` frees some.",
        )


_CHECKS = (
    _failing,
    _diverging,
    _reporting,
    _work,
    _disk,
    _differences,
    _lengths,
    _edges,
    _gaining,
    _without_effect,
    _inert,
    _reference,
)


# -- words ----------------------------------------------------------------------------------------


def _reasons(runs: Sequence[Run]) -> tuple[str, ...]:
    """`run 3, 4: out of memory`, most frequent first."""
    by_reason: dict[str, list[int]] = defaultdict(list)
    for run in runs:
        by_reason[run.ended_because or "no reason recorded"].append(run.number)
    ordered = sorted(by_reason.items(), key=lambda item: -len(item[1]))
    return _lines(f"run {', '.join(map(str, numbers))}: {reason}" for reason, numbers in ordered)


def _lines(evidence: Iterable[str]) -> tuple[str, ...]:
    listed = list(dict.fromkeys(evidence))
    more = len(listed) - SHOWN
    return (*listed[:SHOWN], f"and {more} more") if more > 0 else tuple(listed)


def _ids(runs: Sequence[Run]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(run.id for run in runs))


def _count(runs: Sequence[Run]) -> str:
    return f"{len(runs)} run{'' if len(runs) == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    quoted = [f"`{name}`" for name in names[:4]]
    if len(names) > 4:
        return f"{', '.join(quoted)} and {len(names) - 4} more"
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else quoted[0]


def _ordinal(place: int) -> str:
    if place % 100 in (11, 12, 13):
        return f"{place}th"
    return f"{place}" + {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")


def _percent(share: float) -> str:
    percent = 100.0 * share
    return f"{percent:.0f} %" if percent >= 1.0 or percent == 0.0 else f"{percent:.1g} %"


def _fisher(inside: int, size: int, bad: int, n: int) -> float:
    """The one-sided exact chance that at least `inside` of the `bad` ones are among `size` of `n`."""
    return sum(
        math.comb(bad, k) * math.comb(n - bad, size - k) for k in range(inside, min(bad, size) + 1)
    ) / math.comb(n, size)


def _binomial(count: int, n: int, chance: float) -> float:
    """That at least `count` of `n` come about."""
    return sum(math.comb(n, k) * chance**k * (1.0 - chance) ** (n - k) for k in range(count, n + 1))
