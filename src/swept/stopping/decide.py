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

from swept.model import Continue, Decision, History
from swept.spec import Spec
from swept.stopping import asha, hyperband, median

OFF = "off"


def rule(spec: Spec) -> str:
    """Which of the rules the sweep asks for: hyperband, asha, median, auto or off. A plain file is never stopped."""
    if spec.early_terminate is not None:
        return "hyperband"
    return spec.options.early_stopping or OFF


def decide(spec: Spec, history: History) -> list[Decision]:
    """The changes worth telling, in order of run number; without early stopping, none."""
    match rule(spec):
        case "hyperband":
            return hyperband.decide(spec, history)
        case "asha":
            return asha.decide(spec, history)
        case "median":
            return median.decide(spec, history)
        case "auto":
            from swept.stopping import auto  # numpy and scipy: only where a model is asked for

            return auto.decide(spec, history)
    return []


def promotions(spec: Spec, history: History) -> tuple[Continue, ...]:
    """Paused runs that the early stopping wants continued, best first. Only asha and auto pause."""
    match rule(spec):
        case "asha":
            return asha.promotions(spec, history)
        case "auto":
            from swept.stopping import auto

            return auto.promotions(spec, history)
    return ()


def last(spec: Spec, history: History) -> tuple[Continue, ...]:
    """Paused runs that go on although no other is to come: where the sweep would end otherwise."""
    match rule(spec):
        case "asha":
            return asha.last(spec, history)
        case "auto":
            from swept.stopping import auto

            return auto.last(spec, history)
    return ()


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
