"""Whether the parts of a sweep file agree with each other: names of `swept:` in the space, targets with the goal,
the method with the distributions, the rungs with the epochs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from swept.conditions import Meaningless, read_condition
from swept.model import Goal
from swept.rules import LEAST_SHARE, Rules, circle
from swept.space import Parameter, Space, number, same
from swept.sweepfile import adapter
from swept.sweepfile.findings import Findings, Place, did_you_mean, kind_of, misspelt, shown
from swept.sweepfile.options import Options
from swept.sweepfile.parameters import declared
from swept.sweepfile.schema import KEYS, Hyperband, Metric
from swept.ultralytics.facts import Inert

MOST_GRID = 100_000
_ADD = "add it under `parameters`, or remove it here"
_LADDER = ("minimum", "good", "excellent")


@dataclass(frozen=True)
class Given:
    """The parts, each checked by itself. `top` is the file's mapping; `likely` an adapter that it does not name."""

    top: Mapping[str, Any]
    method: str | None
    metric: Metric | None
    space: Space
    stopping: Hyperband | None
    options: Options
    likely: str | None = None
    inert: Mapping[str, Inert] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        return name in self.space.names() or adapter.knows(self.options.adapter, name)

    def broken(self, name: str) -> bool:
        """Whether `name` may be a parameter whose own entry is wrong: nothing more is to be said of it then."""
        if name in self.space.names():
            return False
        return "parameters" not in self.top or declared(self.top["parameters"], name)

    def lacks(self, key: str) -> bool:
        """Whether the file neither has the top-level `key` nor something that was probably meant as it."""
        return key not in self.top and not misspelt(key, self.top, KEYS)


def settle(given: Given, findings: Findings) -> Options:
    """The options with flat, typed baseline and prior and the adapter's defaults; disagreements are findings."""
    _check_method(given, findings)
    _check_program(given, findings)
    _check_targets(given, findings)
    options = dataclasses.replace(
        given.options,
        epochs=_epochs(given, findings),
        seed=_seed(given, findings),
        baseline=_baseline(given, findings),
        prior=_prior(given, findings),
    )
    _check_oom(given, findings)
    if options.oom is None:
        options = dataclasses.replace(options, oom=adapter.oom(options.adapter, given.space))
    _check_stopping(given, options, findings)
    _check_rules(given, options, findings)
    return options


def _check_method(given: Given, findings: Findings) -> None:
    if given.method == "grid":
        for parameter in given.space:
            if not parameter.griddable:
                findings.error(
                    _place(parameter),
                    f"`method: grid` cannot enumerate `{parameter.name}` ({parameter.distribution})",
                    "give it `values`, whole `min` and `max`, or `distribution: q_uniform` with `q`",
                )
        size = given.space.grid_size()
        capped = "run_cap" in given.top or given.options.budget_runs is not None
        if size is not None and size > MOST_GRID and not capped:
            hint = "use `method: random`, or set `run_cap`"
            findings.warning(("method",), f"the grid has {size:,} points", hint)
    elif given.method is not None and not _limited(given):
        hint = "write `run_cap: 20`, or `swept: {budget: {runs: 20}}`"
        message = f"nothing limits the number of runs: `method: {given.method}` goes on for ever"
        findings.note(("method",), message, hint)


def _limited(given: Given) -> bool:
    options = given.options
    limits = (options.budget_runs, options.budget_hours, options.until)
    return not given.lacks("run_cap") or any(limit is not None for limit in limits)


def _check_program(given: Given, findings: Findings) -> None:
    if given.lacks("program") and given.lacks("command"):
        hint = "write `program: train.py`; only `wandb.agent(function=…)` works without"
        findings.warning((), "`program` is missing: no agent can start a run", hint)


def _place(parameter: Parameter) -> Place:
    place: Place = ()
    for key in parameter.path:
        place = (*place, "parameters", key)
    return place


# -- targets, constraints -------------------------------------------------------------------------


def _check_targets(given: Given, findings: Findings) -> None:
    targets, metric = given.options.targets, given.metric
    place: Place = ("swept", "targets")
    if targets and metric is None:
        if given.lacks("metric"):
            findings.error(
                place, "`swept.targets` needs a `metric`", "write `metric: {name: …, goal: …}`"
            )
        return
    if metric is None:
        return
    ladder = [name for name in _LADDER if name in targets]
    for lower, upper in pairwise(ladder):
        if metric.goal.better(targets[lower], targets[upper]):
            other = Goal.MINIMIZE if metric.goal is Goal.MAXIMIZE else Goal.MAXIMIZE
            findings.error(
                (*place, upper),
                f"the target `{upper}` ({targets[upper]:g}) is easier than `{lower}` "
                f"({targets[lower]:g}) with `goal: {metric.goal}`",
                f"exchange them, or write `goal: {other}`",
            )
    if given.options.adapter and metric.name.startswith("metrics/"):
        for name, target in targets.items():
            if not 0 < target <= 1:
                message = f"the target `{name}` ({target:g}) cannot be reached: `{metric.name}` lies between 0 and 1"
                hint = f"write {target / 100:g}" if 1 < target <= 100 else ""
                findings.error((*place, name), message, hint)


def _check_rules(given: Given, options: Options, findings: Findings) -> None:
    """The names in constraints and conditions, and whether enough of the space is left."""
    place: Place = ("swept", "constraints")
    good = True
    for i, text in enumerate(options.constraints):
        good &= _knows_names(given, text, (*place, i), findings)
    for name, text in options.conditions.items():
        good &= _check_conditional(given, name, text, findings)
    if not good or given.method is None or findings.failed:
        return
    found = circle({name: read_condition(text) for name, text in options.conditions.items()})
    if found is not None:
        message = f"whether `{found}` acts depends on itself"
        findings.error(("swept", "conditions", found), message, "remove one of the conditions")
    elif options.constraints:
        _check_share(given, options, findings)


def _knows_names(given: Given, text: str, place: Place, findings: Findings) -> bool:
    unknown = [name for name in read_condition(text).names if not given.knows(name)]
    for name in unknown:
        if not given.broken(name):
            hint = did_you_mean(name, given.space.names()) or _ADD
            message = f"the condition {shown(text)} names `{name}`, which is no parameter"
            findings.error(place, message, hint)
    return not unknown


def _check_conditional(given: Given, name: str, text: str, findings: Findings) -> bool:
    place: Place = ("swept", "conditions", name)
    if given.space.parameter(name) is None:
        if not given.broken(name):
            hint = did_you_mean(name, [p.name for p in given.space]) or _ADD
            message = f"`swept.conditions` names `{name}`, which is not searched"
            findings.error(place, message, hint)
        return False
    return _knows_names(given, text, place, findings)


def _check_share(given: Given, options: Options, findings: Findings) -> None:
    """An error where (nearly) no configuration is feasible; at one constraint, if it alone leaves none."""
    place: Place = ("swept", "constraints")
    least = 0.0 if given.method == "grid" else LEAST_SHARE
    for i, text in enumerate(options.constraints):
        try:
            share = _rules(given, options, (text,)).share()
        except Meaningless as why:
            hint = "compare numbers with numbers, and texts with texts"
            findings.error((*place, i), f"{shown(text)} has no meaning here: {why}", hint)
            return
        if share <= least:
            _too_few((*place, i), f"{shown(text)} leaves", share, findings)
            return
    if len(options.constraints) < 2:
        return
    share = _rules(given, options, options.constraints).share()
    if share <= least:
        _too_few(place, "the constraints together leave", share, findings)


def _rules(given: Given, options: Options, constraints: tuple[str, ...]) -> Rules:
    known = options.adapter
    return Rules.of(
        given.space,
        constraints,
        options.conditions,
        lambda name: adapter.default(known, name),
        options.baseline or {},
        {} if given.method == "grid" else {n: i.default for n, i in given.inert.items()},
    )


def _too_few(place: Place, what: str, share: float, findings: Findings) -> None:
    some = "fewer than one configuration in 10,000" if share else "no configuration of this space"
    hint = "widen the ranges, or loosen the constraint; parameters that are not whole numbers never fulfil an equation"
    findings.error(place, f"{what} {some}", hint)


# -- epochs, seed, out of memory ------------------------------------------------------------------


def _epochs(given: Given, findings: Findings) -> str | int | None:
    epochs = given.options.epochs
    place: Place = ("swept", "epochs")
    if epochs is None:
        epochs = adapter.epochs_parameter(given.options.adapter or given.likely)
        if given.likely is not None and epochs not in given.space.names():
            epochs = None
        if epochs is None:
            if ("swept" in given.top or given.stopping is not None) and not misspelt(
                "swept", given.top, KEYS
            ):
                hint = "write `swept: {epochs: NAME}`: the parameter, or the number, that holds the steps of a full run"
                findings.note(
                    ("swept",),
                    "the steps of a full run are not known: no estimates, no `swept train --epochs`",
                    hint,
                )
            return None
    if isinstance(epochs, int):
        return epochs
    if not given.knows(epochs):
        if given.broken(epochs):
            return None
        hint = did_you_mean(epochs, given.space.names()) or _ADD
        findings.error(place, f"`swept.epochs` names `{epochs}`, which is no parameter", hint)
        return None
    if not _counts_steps(given.space, epochs):
        hint = "the steps of a full run are a whole number, 1 or more"
        findings.error(place, f"`{epochs}` does not hold numbers of steps", hint)
    return epochs


def _counts_steps(space: Space, name: str) -> bool:
    parameter = space.parameter(name)
    if parameter is None:
        value = space.fixed.get(name, 1)
        return number(value) and value >= 1 and value == int(value)
    values = parameter.values or parameter.range
    if not all(number(value) and value >= 1 for value in values):
        return False
    return parameter.kind == "int" or all(value == int(value) for value in values)


def _seed(given: Given, findings: Findings) -> str | None:
    named = given.options.seed
    place: Place = ("swept", "seed")
    names = given.space.names()
    if named is None:
        known = adapter.seed_parameter(given.options.adapter)
        return None if known in names else known
    if given.space.parameter(named) is not None:
        hint = "remove one of them: a parameter that is searched cannot take each run's own seed"
        findings.error(place, f"`{named}` is searched, and named as `swept.seed`", hint)
    elif named in names:
        hint = f"remove `{named}` from `parameters`"
        findings.warning(
            place, f"the fixed value of `{named}` is replaced by each run's own seed", hint
        )
    elif given.options.adapter and not adapter.knows(given.options.adapter, named):
        findings.error(
            place,
            f"`swept.seed` names `{named}`, which the program does not take",
            "write `seed: seed`",
        )
    return named


def _check_oom(given: Given, findings: Findings) -> None:
    oom = given.options.oom
    if oom is None:
        return
    place: Place = ("swept", "oom", "reduce")
    if given.broken(oom.reduce):
        return
    if not given.knows(oom.reduce):
        hint = did_you_mean(oom.reduce, given.space.names()) or _ADD
        findings.error(
            place, f"`swept.oom.reduce` names `{oom.reduce}`, which is no parameter", hint
        )
        return
    parameter = given.space.parameter(oom.reduce)
    value = given.space.fixed.get(oom.reduce, adapter.default(given.options.adapter, oom.reduce))
    if not (parameter.ordered if parameter is not None else number(value)):
        hint = "name a parameter whose values are numbers, such as the batch size"
        findings.error(place, f"`{oom.reduce}` is not a number that can be reduced", hint)


# -- baseline and prior ---------------------------------------------------------------------------


def _baseline(given: Given, findings: Findings) -> Mapping[str, Any] | None:
    if given.options.baseline is None:
        return None
    place: Place = ("swept", "baseline")
    known = given.options.adapter
    values: dict[str, Any] = {}
    named: set[str] = set()
    for name, value, at in _flat(given.options.baseline, given.space, place):
        named.add(name)
        if _baseline_value(given, name, value, at, findings):
            parameter = given.space.parameter(name)
            values[name] = value if parameter is None else parameter.typed(value)
    for parameter in given.space:
        if parameter.name in named:
            continue
        if not adapter.knows(known, parameter.name):
            hint = f"add `{parameter.name}: …`; only an adapter that knows the program's defaults can fill it in"
            findings.error(place, f"`swept.baseline` does not say `{parameter.name}`", hint)
            continue
        default = adapter.default(known, parameter.name)
        if default is not None:
            _fits(parameter, default, "the baseline, by default,", place, findings)
    return values


def _baseline_value(given: Given, name: str, value: Any, place: Place, findings: Findings) -> bool:
    parameter = given.space.parameter(name)
    if parameter is not None:
        return _fits(parameter, value, "the baseline", place, findings)
    if name in given.space.fixed:
        fixed = given.space.fixed[name]
        if not same(fixed, value):
            at_epochs = name in (
                given.options.epochs,
                adapter.epochs_parameter(given.options.adapter),
            )
            report = findings.error if at_epochs else findings.warning
            message = f"the baseline has `{name}: {value}`, the sweep's runs {shown(fixed)}: they could not be compared"
            report(place, message, f"remove `{name}` from the baseline")
        return True
    if adapter.knows(given.options.adapter, name):
        known = adapter.default(given.options.adapter, name)
        if not same(known, value):
            message = (
                f"the baseline has `{name}: {value}`, the sweep's runs the default {shown(known)}"
            )
            findings.warning(
                place, message, f"fix `{name}` under `parameters` for all runs, or remove it here"
            )
        return True
    if given.broken(name):
        return False
    hint = did_you_mean(name, given.space.names()) or _ADD
    findings.error(place, f"the baseline names `{name}`, which is no parameter", hint)
    return False


def _fits(parameter: Parameter, value: Any, whose: str, place: Place, findings: Findings) -> bool:
    """Outside of the domain is a warning; another type an error."""
    typed = parameter.typed(value)
    if parameter.contains(typed):
        return True
    name = parameter.name
    if parameter.kind != "categorical":
        if not number(value) or not math.isfinite(value):
            message = f"{whose} has {kind_of(value)} for the number `{name}`"
            findings.error(place, message, "write a number")
            return False
        if parameter.kind == "int" and value != int(value):
            message = f"{whose} has {value:g} for `{name}`, which takes whole numbers"
            findings.error(place, message, f"write `{value:.0f}`")
            return False
        least, most = parameter.range
        domain = f"from {least:g} to {most:g}"
    else:
        domain = ", ".join(map(str, parameter.values[:8]))
    hint = "that is allowed; widen the range if the search should find it too"
    findings.warning(
        place, f"{whose} has `{name}: {value}`, outside of what is searched ({domain})", hint
    )
    return True


def _prior(given: Given, findings: Findings) -> Mapping[str, Any]:
    values: dict[str, Any] = {}
    for name, value, place in _flat(given.options.prior, given.space, ("swept", "prior")):
        parameter = given.space.parameter(name)
        if parameter is None and given.broken(name):
            continue
        if parameter is None:
            hint = did_you_mean(name, [p.name for p in given.space]) or _ADD
            findings.error(place, f"`swept.prior` names `{name}`, which is not searched", hint)
        elif _fits(parameter, value, "the prior", place, findings):
            values[name] = parameter.typed(value)
    return values


def _flat(
    values: Mapping[str, Any], space: Space, place: Place, prefix: str = ""
) -> Iterator[tuple[str, Any, Place]]:
    """(dotted name, value, place) of a mapping that is nested or has dotted names."""
    names = space.names()
    for key, value in values.items():
        name = f"{prefix}{key}"
        nested = any(known.startswith(f"{name}.") for known in names)
        if isinstance(value, Mapping) and nested and name not in names:
            yield from _flat(value, space, (*place, key), f"{name}.")
        else:
            yield name, value, (*place, key)


# -- early stopping -------------------------------------------------------------------------------


def _check_stopping(given: Given, options: Options, findings: Findings) -> None:
    word = options.early_stopping
    place: Place = ("swept", "early_stopping")
    if word is not None and "early_terminate" in given.top:
        hint = "keep one of them"
        findings.error(place, "`swept.early_stopping` and `early_terminate` are both there", hint)
    elif (
        not _wrote(given, "early_stopping")
        and given.lacks("early_terminate")
        and given.metric is not None
    ):
        hint = "write `swept: {early_stopping: auto}`, or W&B's `early_terminate`"
        findings.note((), "no early stopping: every run trains to its end", hint)
    if word not in (None, "off") and "metric" not in given.top:
        findings.error(
            place,
            "`swept.early_stopping` needs a `metric` to judge runs by",
            "write `metric: {name: …, goal: …}`",
        )
    _check_lengths(given, options, findings)
    _check_rungs(given, options, findings)


def _wrote(given: Given, key: str) -> bool:
    """Whether the file has the key of `swept:`, right or wrong."""
    options = given.top.get("swept")
    return isinstance(options, Mapping) and key in options


def _check_lengths(given: Given, options: Options, findings: Findings) -> None:
    """What each kind of early stopping has to know of a full run."""
    word, least = options.early_stopping, options.stopping_min_epochs
    place: Place = ("swept", "early_stopping")
    said = options.epochs is not None or _wrote(given, "epochs")
    if word == "auto" and not said:
        hint = "write `swept: {epochs: NAME}`"
        findings.warning(
            place, "`early_stopping: auto` needs to know the steps of a full run", hint
        )
    if word in ("asha", "hyperband") and not said and least is None:
        hint = (
            f"write `epochs: NAME` beside it, or `early_stopping: {{type: {word}, min_epochs: 3}}`"
        )
        findings.error(place, f"`early_stopping: {word}` needs to know where its rungs are", hint)
    full = _fixed_epochs(given.space, options)
    if least is not None and full is not None and least >= full:
        message = f"`min_epochs: {least}` judges no run: a run has {full} epochs"
        findings.warning((*place, "min_epochs"), message, f"write less than {full}")


def _check_rungs(given: Given, options: Options, findings: Findings) -> None:
    hyperband = given.stopping
    if hyperband is None:
        return
    epochs = _fixed_epochs(given.space, options)
    if hyperband.s is not None and hyperband.max_iter is None:
        findings.warning(
            ("early_terminate", "s"),
            f"`s: {hyperband.s}` has no effect beside `min_iter`: the rungs are {_rungs(hyperband, epochs)}",
            "remove `s`, or write `max_iter` with `s` for exactly that many rungs",
        )
    if epochs is None or epochs < 1:
        return
    if hyperband.max_iter is None and (hyperband.min_iter or 0) >= epochs:
        message = f"`min_iter: {hyperband.min_iter}` stops no run: a run has {epochs} epochs"
        findings.warning(("early_terminate", "min_iter"), message, f"write less than {epochs}")
    if hyperband.max_iter is not None and hyperband.max_iter / hyperband.eta >= epochs:
        message = f"`max_iter: {hyperband.max_iter}` is far beyond the {epochs} epochs of a run"
        findings.warning(("early_terminate", "max_iter"), message, f"write `max_iter: {epochs}`")


def _rungs(hyperband: Hyperband, epochs: int | None) -> str:
    """The first rungs of the `min_iter` form, in words."""
    rungs = [int((hyperband.min_iter or 1) * hyperband.eta**k) for k in range(12)]
    if epochs is None:
        return f"{', '.join(map(str, rungs[:3]))} … reports, for as long as runs last"
    below = [str(rung) for rung in rungs if rung < epochs]
    return f"{', '.join(below) or 'none'} of {epochs} epochs"


def _fixed_epochs(space: Space, options: Options) -> int | None:
    named = options.epochs
    if named is None or isinstance(named, int):
        return named
    if space.parameter(named) is not None:
        return None
    value = space.fixed.get(named, adapter.default(options.adapter, named))
    return int(value) if number(value) else None
