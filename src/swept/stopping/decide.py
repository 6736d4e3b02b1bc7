"""Whether runs should go on: `decide` and `promotions`, pure functions of the sweep's log.

Only running runs of kind search are decided on: a run that is already asked to pause or to stop is left alone. Every
run of the sweep counts in the rungs that it passes, baseline and repeats among them; runs from before a change of the
constants do not. A run that has reported its last step is let finish: nothing is left to save, and "stopped" would
keep a whole training out of the ranking.

| word | module | pauses |
|---|---|---|
| `early_terminate`, `hyperband` | `hyperband` | no |
| `asha` | `asha` | yes |
| `median` | `median` | no |
| `auto` | `auto` | yes |
"""

from __future__ import annotations

from itertools import islice

from swept.model import Continue, Decision, History
from swept.spec import Spec
from swept.stopping import asha, hyperband, median
from swept.stopping.ladder import ladder
from swept.stopping.rungs import Rungs
from swept.stopping.standings import Standings, pressing
from swept.stopping.track import longest

OFF = "off"


def rule(spec: Spec) -> str:
    """Which of the rules the sweep asks for: hyperband, asha, median, auto or off. A plain file is never stopped."""
    if spec.early_terminate is not None:
        return "hyperband"
    return spec.options.early_stopping or OFF


def goes_by_curves(spec: Spec) -> bool:
    """Whether a model of learning curves guides the search and names the best run: where bayes' runs have rungs on their
    way. A training of one step has no curve."""
    return rule(spec) == "auto" and spec.method == "bayes" and len(ladder(longest(spec) or 1)) > 1


def decide(spec: Spec, history: History) -> list[Decision]:
    """The changes worth telling, in order of run number; without early stopping, none."""
    match rule(spec):
        case "hyperband":
            return hyperband.decide(spec, history)
        case "median":
            return median.decide(spec, history)
    where = _where(spec)
    if where is None or not pressing(spec, history, where):
        return []
    found = _standings(spec, history)
    return list(found.decisions()) if found else []


def promotions(spec: Spec, history: History, most: int | None = None) -> tuple[Continue, ...]:
    """Paused runs that the early stopping wants continued, the first ones first, at most so many. Only asha and auto
    pause."""
    found = _standings(spec, history)
    return tuple(islice(found.promotions(), most)) if found else ()


def last(spec: Spec, history: History, idle: int) -> tuple[Continue, ...]:
    """The paused runs that so many idle workers bring on, since no other run is to come: one that is trained to its end
    in any case, and those that may still win."""
    found = _standings(spec, history)
    return tuple(islice(found.finishing(idle), idle)) if found else ()


def _where(spec: Spec) -> Rungs | None:
    """Where the rules that pause judge; None for the others."""
    match rule(spec):
        case "asha":
            return asha.where(spec)
        case "auto":
            from swept.stopping import auto  # numpy and scipy: only where a model is asked for

            return auto.where(spec)
    return None


def _standings(spec: Spec, history: History) -> Standings | None:
    match rule(spec):
        case "asha":
            return asha.standings(spec, history)
        case "auto":
            from swept.stopping import auto

            return auto.standings(spec, history)
    return None


def rungs_of(spec: Spec) -> tuple[int, ...]:
    """Where runs are compared: steps, for Hyperband reports; none for a rule without rungs of its own."""
    rules = hyperband.rules_of(spec)
    if rules is not None:
        return tuple(hyperband.rungs(rules))
    return asha.levels(spec) if rule(spec) == "asha" else ()


def eta_of(spec: Spec) -> float:
    """Of Hyperband and asha: about the best 1/η of a rung go on."""
    rules = hyperband.rules_of(spec)
    return rules.eta if rules is not None else asha.eta(spec)
