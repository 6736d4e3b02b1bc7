"""`swept.oom`: what a run that ran out of memory gets less of at its next attempt. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swept.model import Run
from swept.space import Parameter
from swept.spec import Spec
from swept.sweepfile.options import Oom


@dataclass(frozen=True, slots=True)
class Reduction:
    """`overrides` are all of the run's, top-level keys of its config; `name` went from `before` to `after`."""

    overrides: Mapping[str, Any]
    name: str
    before: float
    after: float

    @property
    def reason(self) -> str:
        return f"out of memory with {self.name} = {self.before:g}; the next attempt gets {self.after:g}"


def reduction(spec: Spec, run: Run) -> Reduction | None:
    """The next smaller value of the parameter that `swept.oom` names; None without one, or at its minimum.

    What the program really ran with counts, where it said so. A swept parameter goes to the next lower value of
    its domain, an integer stays one.
    """
    oom = spec.options.oom
    if oom is None:
        return None
    space = spec.space
    config = {**run.config, **run.overrides}
    before = space.get(run.effective_config or {}, oom.reduce, space.get(config, oom.reduce))
    if isinstance(before, bool) or not isinstance(before, int | float) or not math.isfinite(before):
        return None
    parameter = space.parameter(oom.reduce)
    asked = space.get(config, oom.reduce)
    after = _less(oom, parameter, before)
    if after is not None and after == asked:
        # A program that rounds up got this already, and ran with more: it has to be asked for less.
        after = _less(oom, parameter, after)
    if after is None:
        return None
    changed = space.put(config, oom.reduce, after)
    top = next(key for key in changed if changed[key] != config.get(key))
    return Reduction({**run.overrides, top: changed[top]}, oom.reduce, before, after)


def _less(oom: Oom, parameter: Parameter | None, value: float) -> Any:
    """The next value below; None where there is none."""
    wanted = value * oom.factor
    after: Any = wanted if isinstance(value, float) else math.floor(wanted)
    if parameter is not None:
        after = parameter.at_most(wanted)
        if after is None:
            after = parameter.range[0]
    after = max(after, oom.min)
    return after if after < value else None
