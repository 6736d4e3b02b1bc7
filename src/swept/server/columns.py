"""From runs to columns: what a page draws of many at once. Pure.

Numbers are coded as everywhere on the wire (`wire.encode`). A run's curve may be abridged here: its first, lowest,
highest and last point say all that is needed of it.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, TypeAlias

from swept import wire
from swept.errors import SpecError
from swept.failures import flat
from swept.model import Attempt, Config, Goal, Run
from swept.space import BETA, UNBOUNDED, Parameter, number
from swept.spec import Spec
from swept.store.visible import MEANT
from swept.sweepfile.document import load
from swept.wire.board import BoardAttempt, BoardParameter, BoardRuns
from swept.wire.runs import DefinedMetric

MOST_METRICS = 200
MOST_PARAMETERS = 200
"""Of runs outside of sweeps, whose configurations may hold anything."""
DECADES = 2
"""A guessed scale is logarithmic where the values span more."""
SIGMAS = 3
"""How much of a normal distribution is shown while there is no run."""

OF_THE_CLIENT = frozenset({"_step", "_runtime", "_timestamp", "_wandb"})
"""What W&B's client logs of its own accord."""

MEDIA = "_type"
"""A key of what is a picture, a table or the like."""
_MEANT = frozenset(MEANT)

Get: TypeAlias = Callable[[Config], Any]
MISSING = object()


# -- parameters -----------------------------------------------------------------------------------


def parameters(spec: Spec, text: str, runs: Iterable[Run]) -> list[BoardParameter]:
    """The searched parameters in the order of the sweep's file `text`."""
    order = _file_order(text)
    listed = sorted(spec.space.parameters, key=lambda one: order.get(one.path, len(order)))
    inert = {name: found.why for name, found in spec.inert.items()}
    configs = [run.config for run in runs] if any(map(_endless, listed)) else []
    return [_parameter(one, inert.get(one.name, ""), configs) for one in listed]


@lru_cache(maxsize=64)
def _file_order(text: str) -> Mapping[tuple[str, ...], int]:
    """Where each parameter stands in the file; empty where the text is none: the space has an order of its own."""
    try:
        top = load(text).value
    except SpecError:
        return {}
    found: dict[tuple[str, ...], int] = {}

    def walk(group: Any, path: tuple[str, ...]) -> None:
        for key, entry in group.items() if isinstance(group, Mapping) else ():
            here = (*path, str(key))
            found[here] = len(found)
            if isinstance(entry, Mapping):
                walk(entry.get("parameters"), here)

    walk(top.get("parameters") if isinstance(top, Mapping) else None, ())
    return found


def _parameter(parameter: Parameter, inert: str, configs: Sequence[Config]) -> BoardParameter:
    category = parameter.kind == "categorical"
    low, high = (0.0, 0.0) if category else _bounds(parameter, configs)
    categories = [_category(parameter.from_unit((i + 0.5) / n)) for i, n in _cells(parameter)]
    return {
        "name": parameter.name,
        "kind": "category" if category else "number",
        "whole": parameter.kind == "int",
        "log": parameter.log,
        "low": low,
        "high": max(len(categories) - 1.0, 0.0) if category else high,
        "categories": categories,
        "inert": inert,
    }


def _cells(parameter: Parameter) -> list[tuple[int, int]]:
    """The cells of the unit interval, in whose order numbers rise."""
    count = len(parameter.values) if parameter.kind == "categorical" else 0
    return [(i, count) for i in range(count)]


def _endless(parameter: Parameter) -> bool:
    return parameter.distribution in UNBOUNDED


def _bounds(parameter: Parameter, configs: Sequence[Config]) -> tuple[float, float]:
    if parameter.distribution in BETA:
        return 0.0, 1.0
    if not _endless(parameter):
        least, most = parameter.range
        return float(least), float(most)
    get = getter(parameter.name, parameter.path)
    seen = _numbers(map(get, configs))
    if seen:
        return min(seen), max(seen)
    low, high = (parameter.mu + sign * SIGMAS * parameter.sigma for sign in (-1, 1))
    return (math.exp(low), math.exp(high)) if parameter.log else (low, high)


def _numbers(values: Iterable[Any]) -> list[float]:
    return [float(value) for value in values if number(value) and math.isfinite(value)]


def guessed(runs: Sequence[Run]) -> list[BoardParameter]:
    """Of runs without a space: what their configurations hold, most common first."""
    seen: dict[str, list[Any]] = {}
    for run in runs:
        for name, value in flat(run.config):
            seen.setdefault(name, []).append(value)
    order = {name: at for at, name in enumerate(seen)}
    common = sorted(seen, key=lambda name: (-len(seen[name]), order[name]))[:MOST_PARAMETERS]
    return [_guess(name, seen[name]) for name in common]


def _guess(name: str, values: Sequence[Any]) -> BoardParameter:
    said = [value for value in values if value is not None]
    numeric = bool(said) and all(map(number, said))
    finite = _numbers(said) if numeric else []
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    categories = (
        [] if numeric else list({json.dumps(one): one for one in map(_category, values)}.values())
    )
    return {
        "name": name,
        "kind": "number" if numeric else "category",
        "whole": numeric and all(isinstance(value, int) for value in said),
        "log": low > 0 and high / low > 10**DECADES,
        "low": low,
        "high": high if numeric else max(len(categories) - 1.0, 0.0),
        "categories": categories,
        "inert": "",
    }


# -- configurations -------------------------------------------------------------------------------


def getter(name: str, path: tuple[str, ...]) -> Get:
    """Reads one parameter of many configs: as `Space.get`, which looks its path up for each."""
    if len(path) == 1:
        return lambda config: config.get(name, MISSING)

    def get(config: Config) -> Any:
        found: Any = config
        for key in path:
            if not isinstance(found, Mapping) or key not in found:
                return config.get(name, MISSING)  # programs report flat configs too
            found = found[key]
        return found

    return get


_PLAIN = frozenset({float, int, str, bool})


def _plain(values: Sequence[Any]) -> bool:
    """Whether all of them are as the wire has them: ten times as fast as `cell` of each."""
    kinds = set(map(type, values))
    if not kinds <= _PLAIN:
        return False
    return float not in kinds or (str not in kinds and all(map(math.isfinite, values)))


def cell(value: Any) -> Any:
    """A scalar as the wire has it; of anything else its JSON text."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return wire.encode(value)
    return wire.dumps(value)


def _category(value: Any) -> Any:
    """As `cell`; null can be chosen, and is not the same as having no value."""
    return "null" if value is None else cell(value)


def config_columns(
    listed: Sequence[BoardParameter], get: Mapping[str, Get], runs: Sequence[Run]
) -> dict[str, list[Any]]:
    """Parameter → a scalar of each run, or null."""
    columns: dict[str, list[Any]] = {}
    for parameter in listed:
        name = parameter["name"]
        look, said = get[name], _category if parameter["kind"] == "category" else cell
        values = [look(run.config) for run in runs]
        columns[name] = (
            values
            if _plain(values)
            else [None if value is MISSING else said(value) for value in values]
        )
    return columns


def effective_cells(
    listed: Sequence[BoardParameter], get: Mapping[str, Get], runs: Sequence[Run]
) -> dict[str, dict[str, Any]]:
    """Parameter → row → what the run really had, where that is not what its config says."""
    found: dict[str, dict[str, Any]] = {}
    kinds = [(one["name"], get[one["name"]], one["kind"] == "category") for one in listed]
    for row, run in enumerate(runs):
        effective = run.effective_config
        if effective is None or effective == run.config:
            continue
        for name, look, category in kinds:
            real = look(effective)
            if real is not MISSING and real != look(run.config):
                found.setdefault(name, {})[str(row)] = _category(real) if category else cell(real)
    return found


# -- runs -----------------------------------------------------------------------------------------


def run_columns(
    runs: Sequence[Run], goal: Goal, at: str, reached: Mapping[str, int] | None = None
) -> BoardRuns:
    """`reached`: how far runs have come that have no objective."""
    far = reached or {}
    return {
        "id": [run.id for run in runs],
        "number": [run.number for run in runs],
        "name": [run.name for run in runs],
        "kind": [run.kind.value for run in runs],
        "state": [run.state.value for run in runs],
        "desired": [run.desired.value for run in runs],
        "why": [str(run.why.get("reason", "")) for run in runs],
        "ended_because": [run.ended_because for run in runs],
        "parent": [run.parent for run in runs],
        "seed": [run.seed for run in runs],
        "value": [_value(run, goal, at) for run in runs],
        "best_value": [run.best_value(goal) for run in runs],
        "steps": [run.steps or far.get(run.id, 0) for run in runs],
        "created": [run.created for run in runs],
        "started": [run.started for run in runs],
        "ended": [run.ended for run in runs],
        "attempts": [[_attempt(one) for one in run.attempts] for run in runs],
        "spec_version": [run.spec_version for run in runs],
    }


def _value(run: Run, goal: Goal, at: str) -> float | str | None:
    """As runs are ranked; at the last step also where it is no number, which a page shows."""
    if at == "best":
        return run.best_value(goal)
    found: float | str | None = wire.encode(run.curve[-1].value) if run.curve else None
    return found


def _attempt(attempt: Attempt) -> BoardAttempt:
    return {
        "number": attempt.number,
        "agent": attempt.agent,
        "host": attempt.host,
        "started": attempt.started,
        "ended": attempt.ended,
        "outcome": attempt.outcome.value if attempt.outcome else None,
        "reason": attempt.reason,
        "first_step": attempt.first_step,
    }


def summary_columns(runs: Sequence[Run], objective: str) -> dict[str, list[float | str | None]]:
    """Metric → its last value of each run: numbers only, the objective first, then those that most runs have."""
    rows = [_figures(run.summary) for run in runs]
    counts = Counter(name for row in rows for name in row)
    ordered = sorted(counts, key=lambda name: (name != objective, -counts[name], name))
    listed: dict[str, list[float | str | None]] = {
        name: [row.get(name) for row in rows] for name in ordered[:MOST_METRICS]
    }
    return {
        name: values if _plain(values) else [wire.encode(value) for value in values]
        for name, values in listed.items()
    }


def _figures(summary: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a summary by dotted name."""
    found: dict[str, float] = {}
    for name, value in summary.items():
        if name in OF_THE_CLIENT:
            continue
        if number(value):
            found[name] = value
        elif isinstance(value, Mapping) and MEDIA not in value:
            found.update((inner, one) for inner, one in flat(value, f"{name}.") if number(one))
    return found


def history_names(
    counts: Mapping[str, int],
    runs: Sequence[Run],
    objective: str,
    defined: Mapping[str, DefinedMetric] | None = None,
) -> list[str]:
    """The metrics that have curves, the objective first, then those that most runs have. `counts`: of how many runs the
    history has a name at its top; what is a mapping there has its numbers by dotted names. Without an objective the first
    is what `defined` or, where nobody said so, its name makes one: pages open on it."""
    found: dict[str, int] = {}
    for run in runs:
        for name, value in run.summary.items():
            if name in OF_THE_CLIENT or name not in counts:
                continue
            if number(value) or (isinstance(value, Mapping) and value.keys() <= _MEANT):
                found[name] = counts[name]
            elif isinstance(value, Mapping) and MEDIA not in value:
                inner = (key for key, one in flat(value, f"{name}.") if number(one))
                found.update(dict.fromkeys(inner, counts[name]))
    found.pop(objective, None)
    ordered = sorted(found, key=lambda name: (-found[name], name))
    if objective:
        return [objective, *ordered]
    first = min(
        ordered,
        key=lambda name: (not _aimed_at(name, defined or {}), _unlike_an_aim(name)),
        default="",
    )
    return sorted(ordered, key=lambda name: name != first)


_AIMS = frozenset({"min", "max", "best"})
_HELD_OUT = re.compile(r"(?<![a-zA-Z])(val|valid|validation|eval|test|dev)(?![a-z])", re.IGNORECASE)
_SCORE = re.compile(
    r"(acc|accuracy|map\d*|precision|recall|f1|auc|auroc|iou|dice|bleu|rouge|psnr|ssim|reward|return|score|r2)"
    r"([^a-z]|$)",
    re.IGNORECASE,
)
_LOSS = re.compile(
    r"(loss|error|err|mae|mse|nll|perplexity|ppl|wer|cer|fid)([^a-z]|$)", re.IGNORECASE
)
_MEANS = re.compile(
    r"(?<![a-z])(lr|learning_rate|epoch|epochs|step|steps|time|seconds|fps|speed|memory|mem|gpu|cpu|system|grad"
    r"|gradient|momentum|norm)(?![a-z])",
    re.IGNORECASE,
)
"""How a training goes on, and not what it is for."""


def _aimed_at(name: str, defined: Mapping[str, DefinedMetric]) -> bool:
    """Whether the program's `define_metric` says which way it is better; a glob speaks of all that it matches."""
    said = (defined[key] for key in defined if fnmatchcase(name, key))
    return any(one["goal"] or _AIMS.intersection(one["summary"]) for one in said)


def _unlike_an_aim(name: str) -> int:
    """By its name: what is measured on held-out data comes first, what says how a training goes on last."""
    score, loss = _SCORE.search(name), _LOSS.search(name)
    if _MEANS.search(name):
        return 4
    if not score and not loss:
        return 3
    if _HELD_OUT.search(name):
        return 0
    return 1 if score else 2


# -- a line for a list of sweeps ------------------------------------------------------------------


def best_so_far(
    runs: Iterable[Run], goal: Goal, value: Callable[[Run], float | None], most: int
) -> list[float]:
    """The best value after each run, in the order in which they ended (those under way last); at most `most` of them,
    the last among them."""
    ordered = sorted(runs, key=lambda run: (run.ended is None, run.ended or 0.0, run.number))
    line: list[float] = []
    for one in map(value, ordered):
        if one is not None:
            line.append(one if not line or goal.better(one, line[-1]) else line[-1])
    if len(line) <= most:
        return line
    places = [round(i * (len(line) - 1) / (most - 1)) for i in range(most)]
    return [line[place] for place in places]
