"""What swept knows of a program through its adapter: the arguments it takes, their defaults, which cannot act."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from swept.model import Goal
from swept.space import Parameter, Space
from swept.sweepfile.findings import Findings, Place, did_you_mean
from swept.sweepfile.options import Oom
from swept.sweepfile.schema import Metric
from swept.ultralytics import facts, labels
from swept.ultralytics.facts import Inert

Segments: TypeAlias = Callable[[object], bool | None]
"""Whether the labels of a dataset are polygons; None where that is not known, as on another machine."""


def segments_beside(path: str) -> Segments:
    """Looks at the dataset as a program in the folder of the sweep file `path` sees it."""
    if not path:
        return lambda data: None
    return lambda data: labels.polygons(data, Path(path).parent)


def likely(space: Space, metric: Metric | None) -> str | None:
    """The adapter of which the file does not speak, though all of its names are the program's."""
    names = set(space.names())
    telling = names & facts.TELLING
    metrics = {metric.name} & set(facts.METRICS) if metric is not None else set()
    known = all(name in facts.ARGUMENTS for name in names)
    return "ultralytics" if known and len(telling) + len(metrics) >= 2 else None


def knows(adapter: str | None, name: str) -> bool:
    """Whether `name` is an argument of the adapter's program."""
    return adapter is not None and name in facts.ARGUMENTS


def default(adapter: str | None, name: str) -> Any:
    """The program's own value of `name`; None without an adapter."""
    return facts.ARGUMENTS[name].default if knows(adapter, name) else None


def epochs_parameter(adapter: str | None) -> str | None:
    return facts.EPOCHS if adapter else None


def seed_parameter(adapter: str | None) -> str | None:
    return facts.SEED if adapter else None


def oom(adapter: str | None, space: Space) -> Oom | None:
    """What to do after an out-of-memory where the file says nothing: a smaller batch, if it is a plain number."""
    if adapter is None:
        return None
    name = facts.OOM_PARAMETER
    parameter = space.parameter(name)
    if parameter is not None:
        return Oom(name) if parameter.ordered and parameter.range[0] >= 1 else None
    batch = space.fixed.get(name, default(adapter, name))
    return Oom(name) if isinstance(batch, int) and batch >= 1 else None


def check(
    space: Space, metric: Metric | None, findings: Findings, *, strict: bool, segments: Segments
) -> Mapping[str, Inert]:
    """Names, types and ranges of all parameters, and the metric's name; gives those that certainly cannot act."""
    for path, value in space.constants.items():
        place = _place(path)
        for sentence in facts.check_arguments({".".join(path): value}):
            findings.error(place, *_split(sentence))
    for parameter in space:
        _check_parameter(parameter, findings)
    if metric is not None:
        _check_metric(metric, findings)
    found = _inert(space, segments)
    for inert in found:
        verb = "cannot act" if inert.certain else "may not act"
        hint = f"it is held at {inert.default}; remove it, or mend the cause"
        if not inert.certain:
            hint = "it is searched all the same; remove it if this holds for you"
        _tell(inert, f"`{inert.parameter}` {verb}: {inert.why}", hint, space, findings, strict)
    return {inert.parameter: inert for inert in found if inert.certain}


def hint_at(
    named: str, space: Space, findings: Findings, *, strict: bool, segments: Segments
) -> None:
    """The same for an adapter that is only likely: it is proposed, and nothing is held."""
    word = f"`swept: {{adapter: {named}}}`"
    findings.note(
        ("parameters",),
        f"these are arguments of {named.capitalize()}' training, and no adapter is named",
        f"write {word}: names and types are checked, and what cannot act is left out of the search",
    )
    for inert in _inert(space, segments):
        verb = "cannot act" if inert.certain else "may not act"
        message = f"`{inert.parameter}` {verb} in {named.capitalize()}' training: {inert.why}"
        hint = f"remove it, or write {word}, which holds it at {inert.default}"
        if not inert.certain:
            hint = "remove it if this holds for you"
        _tell(inert, message, hint, space, findings, strict)


def _place(path: tuple[str, ...]) -> Place:
    place: Place = ()
    for key in path:
        place = (*place, "parameters", key)
    return place


def _split(sentence: str) -> tuple[str, str]:
    """Message and hint, where the sentence ends with its mend."""
    message, _, hint = sentence.rpartition(": ")
    mends = hint.startswith(("did you mean", "remove it", "leave it out", "write "))
    return (message, hint) if mends else (sentence, "")


def _check_parameter(parameter: Parameter, findings: Findings) -> None:
    place = _place(parameter.path)
    values = parameter.values or _ends(parameter)
    sentences: list[str] = []
    for value in values:
        sentences += facts.check_arguments({parameter.name: value})
    for sentence in dict.fromkeys(sentences):
        findings.error(place, *_split(sentence))
    argument = facts.ARGUMENTS.get(parameter.name)
    if argument is None or sentences or parameter.kind == "categorical":
        return
    if parameter.kind == "real" and float not in argument.types:
        findings.error(
            place,
            f"`{parameter.name}` takes whole numbers, and {parameter.distribution} draws fractions",
            "write `min` and `max` as whole numbers",
        )
    if parameter.distribution == "int_uniform" and int not in argument.types:
        findings.warning(
            place,
            f"`{parameter.name}` takes fractions, but whole `min` and `max` mean whole numbers only",
            f"write `min: {float(parameter.range[0])}` and `max: {float(parameter.range[1])}`",
        )


def _ends(parameter: Parameter) -> tuple[Any, ...]:
    least, most = parameter.range
    return least, most


def _check_metric(metric: Metric, findings: Findings) -> None:
    place: Place = ("metric", "name")
    if metric.name not in facts.METRICS and metric.name.startswith(
        ("metrics/", "val/", "train/", "lr/")
    ):
        known = ", ".join(f"`{name}`" for name in facts.METRICS[:6])
        hint = did_you_mean(metric.name, facts.METRICS, f"Ultralytics reports {known} …")
        findings.warning(
            place, f"`{metric.name}` is not among the metrics that Ultralytics reports", hint
        )
    goal = None
    if metric.name.startswith("metrics/"):
        goal = Goal.MAXIMIZE
    elif metric.name.endswith("_loss"):
        goal = Goal.MINIMIZE
    if goal is not None and goal is not metric.goal:
        message = f"`{metric.name}` is better when it is {'larger' if goal is Goal.MAXIMIZE else 'smaller'}, but the goal is to {metric.goal}"
        findings.warning(("metric", "goal"), message, f"write `goal: {goal}`")


def _inert(space: Space, segments: Segments) -> tuple[Inert, ...]:
    """`segments` is asked only where the answer can matter."""
    names = [parameter.name for parameter in space]
    found = facts.inert(names, space.fixed)
    if all(inert.certain for inert in found):
        return found
    return facts.inert(names, space.fixed, segments(space.fixed.get("data")))


def _tell(
    inert: Inert, message: str, hint: str, space: Space, findings: Findings, strict: bool
) -> None:
    parameter = space.parameter(inert.parameter)
    place: Place = _place(parameter.path) if parameter else ()
    if strict:
        findings.error(place, message, "remove it, or mend the cause")
    else:
        findings.warning(place, message, hint)
