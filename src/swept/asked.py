"""What people ask for, checked and completed: pure, from words and values to what the store takes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from swept.errors import UsageError
from swept.model import SWEEP_KINDS, Config, Kind, Run
from swept.spec import Spec
from swept.store.base import NewSweep

W = TypeVar("W", bound=StrEnum)


def new_sweep(
    spec: Spec, text: str, path: str, project: str | None, name: str | None, entity: str
) -> NewSweep:
    """A sweep of a checked spec; what is not named follows from the file's place."""
    folder = str(Path(path).parent) if path else ""
    return NewSweep(
        project=project or spec.project or Path(folder).name or "uncategorized",
        name=name or spec.name or (Path(path).stem if path else "sweep"),
        spec=spec.canonical(),
        spec_hash=spec.hash,
        text=text,
        path=path,
        folder=folder,
        metric=spec.metric.name if spec.metric else "",
        goal=spec.metric.goal.value if spec.metric else "minimize",
        entity=entity,
    )


def member(words: type[W], word: str, what: str) -> W:
    """The member that `word` names. Raises UsageError with those that there are."""
    try:
        return words(word)
    except ValueError:
        known = ", ".join(member.value for member in words)
        raise UsageError(f"“{word}” is no {what}", hint=f"it is one of: {known}") from None


def seed_of(*parts: str) -> int:
    """Below 2**31: what every framework takes as a seed."""
    return int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest()[:4]) >> 1


def whole_config(
    spec: Spec, kind: Kind, given: Mapping[str, Any], parent: Run | None, seed: int
) -> tuple[dict[str, Any], str]:
    """The config with the given values, and what it was completed from: the parent's, or for the sweep's own kinds the
    baseline's, else a draw. Raises UsageError for values outside of the space."""
    config, ground = _base(spec, kind, parent, seed)
    for name, value in given.items():
        config = spec.space.put(config, name, value)
    if kind in SWEEP_KINDS:
        config = spec.space.typed(config)
        _check_inside(spec, config)
    return config, ground


def _base(spec: Spec, kind: Kind, parent: Run | None, seed: int) -> tuple[dict[str, Any], str]:
    if parent is not None:
        return dict(parent.config), f"; the rest as in run {parent.id}"
    if kind not in SWEEP_KINDS:
        return {}, ""
    baseline = spec.with_baseline()
    if baseline is not None:
        return dict(baseline), "; the rest as in the baseline"
    return spec.space.sample(np.random.default_rng(seed)), "; the rest drawn"


def _check_inside(spec: Spec, config: Config) -> None:
    """Raises UsageError that names each value outside the space, and its domain."""
    wrong = []
    for parameter in spec.space:
        value = spec.space.get(config, parameter.name)
        if not parameter.contains(value):
            domain = (
                f"one of {list(parameter.values)}"
                if parameter.values
                else "from {} to {}".format(*parameter.range)
            )
            wrong.append(f"{parameter.name} = {value!r} is not {domain}")
    if wrong:
        raise UsageError("; ".join(wrong), hint="values must lie in the sweep's space")
