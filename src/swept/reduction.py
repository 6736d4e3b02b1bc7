"""`swept.oom`: what a run that ran out of memory gets less of at its next attempt. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swept.model import Run
from swept.spec import Spec


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
    wanted = before * oom.factor
    after: Any = wanted if isinstance(before, float) else math.floor(wanted)
    parameter = space.parameter(oom.reduce)
    if parameter is not None:
        after = parameter.at_most(wanted)
        if after is None:
            after = parameter.range[0]
    after = max(after, oom.min)
    if not after < before:
        return None
    changed = space.put(config, oom.reduce, after)
    top = next(key for key in changed if changed[key] != config.get(key))
    return Reduction({**run.overrides, top: changed[top]}, oom.reduce, before, after)
