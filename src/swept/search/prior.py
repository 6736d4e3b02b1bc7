"""Whether a search can learn from an earlier training: the sentence for the person who named it."""

from __future__ import annotations

from swept.model import Goal, Run
from swept.models.features import Features
from swept.search.observations import observe
from swept.spec import Spec
from swept.stopping.comparable import other_constants


def unused(spec: Spec, run: Run) -> str:
    """Why the search learns nothing from a prior, or ""."""
    if spec.method != "bayes" or spec.metric is None:
        return f"not used: a {spec.method} search learns from no run (`method: bayes` does)"
    others = other_constants(spec, run)
    if others:
        name = others[0]
        value = spec.space.get(run.effective_config or {}, name, spec.space.get(run.config, name))
        here = spec.space.fixed[name]
        return f"not used: it ran with {name} {value!r}, and this sweep has {here!r}"
    seen = observe([run], Features.of(spec), Goal.MINIMIZE)
    if len(seen.values) or len(seen.barren):
        return ""
    if seen.left_out:
        return "not used: its configuration has no place among this sweep's parameters"
    return f"not used: it is {run.state}, without a value of {spec.metric.name}"
