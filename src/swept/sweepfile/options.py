"""The `swept:` key of a sweep file: what W&B's schema cannot say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from swept.conditions import Meaningless, read_condition
from swept.sweepfile.document import finite
from swept.sweepfile.early_stopping import read_early_stopping
from swept.sweepfile.findings import Findings, Place, did_you_mean, dotted, kind_of, shown

ADAPTERS: Final = ("ultralytics",)
RETRIES: Final = 3
_TOP: Final = "swept"


@dataclass(frozen=True, slots=True)
class Oom:
    """After an out-of-memory: `reduce` is multiplied by `factor`, down to `min`."""

    reduce: str
    factor: float = 0.75
    min: float = 1


@dataclass(frozen=True, slots=True)
class Price:
    """What an hour of one slot costs, and what it draws: `per_hour` and `per_kwh` in `currency`, `watts` of one slot."""

    per_hour: float | None = None
    currency: str = ""
    watts: float | None = None
    per_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """The `swept:` key, checked. Names of parameters are dotted; None and empty mean: not said.

    `epochs`: the parameter (or the number) that holds the steps of a full run. `keep`: of how many of the best
    finished runs the checkpoints are kept. `conditions`: when a parameter acts. `at`: which point of a curve is a run's value, `last` or `best`.
    """

    adapter: str | None = None
    baseline: Mapping[str, Any] | None = None
    targets: Mapping[str, float] = field(default_factory=dict)
    budget_runs: int | None = None
    budget_hours: float | None = None
    until: str | None = None
    early_stopping: str | None = None
    stopping_eta: float | None = None
    stopping_min_epochs: int | None = None
    stopping_min_runs: int | None = None
    prior: Mapping[str, Any] = field(default_factory=dict)
    constraints: tuple[str, ...] = ()
    conditions: Mapping[str, str] = field(default_factory=dict)
    epochs: str | int | None = None
    seed: str | None = None
    retries: int = RETRIES
    noise_repeats: int | None = None
    confirm_top: int | None = None
    confirm_seeds: int | None = None
    oom: Oom | None = None
    resources: Mapping[str, Any] = field(default_factory=dict)
    keep: int | None = None
    warm_start: tuple[str, ...] = ()
    at: str = "last"
    price: Price | None = None


def read_options(value: Any, findings: Findings) -> Options:
    """Every key that is right; the others, and what is not a key, are in the findings."""
    place: Place = (_TOP,)
    if value is None:
        return Options()
    mapping = findings.mapping(place, value, "swept: {budget: {runs: 20}}")
    if mapping is None:
        return Options()
    findings.known_keys(place, mapping, tuple(_READERS))
    found: dict[str, Any] = {}
    for key, reader in _READERS.items():
        if key in mapping:
            found.update(reader(mapping[key], (_TOP, key), findings))
    return Options(**found)


def inactive(options: Options) -> tuple[str, ...]:
    """The keys that are valid, and do nothing yet."""
    resources = options.resources
    waiting = {
        "swept.confirm": options.confirm_top is not None,
        "swept.until": options.until is not None,
        # one GPU a run is what an agent gives anyway
        "swept.resources.gpu": resources.get("gpu", 1) != 1,
        "swept.resources.cpu": "cpu" in resources,
        "swept.resources.memory": "memory" in resources,
    }
    return tuple(key for key, waits in waiting.items() if waits)


_Found = dict[str, Any]
_Reader = Callable[[Any, Place, Findings], _Found]


def _of(field_name: str, value: Any) -> _Found:
    return {} if value is None else {field_name: value}


def _adapter(value: Any, place: Place, findings: Findings) -> _Found:
    if value in ADAPTERS:
        return {"adapter": value}
    hint = did_you_mean(value, ADAPTERS)
    findings.error(place, f"{shown(value)} is no adapter that swept has", hint)
    return {}


def _values(field_name: str) -> _Reader:
    """A mapping from parameters to values, nested or with dotted names."""

    def read(value: Any, place: Place, findings: Findings) -> _Found:
        mapping = findings.mapping(place, value, f"{field_name}: {{lr: 0.01}}")
        if mapping is None:
            return {}
        if not finite(mapping):
            findings.error(
                place, f"`{dotted(place)}` has a NaN or infinite value", "write a finite number"
            )
            return {}
        return {field_name: dict(mapping)}

    return read


def _targets(value: Any, place: Place, findings: Findings) -> _Found:
    mapping = findings.mapping(place, value, "targets: {minimum: 0.75, good: 0.78}")
    if mapping is None:
        return {}
    if not mapping:
        findings.error(place, "`swept.targets` is empty", "write `targets: {good: 0.78}`")
    figures = {name: findings.number((*place, name), figure) for name, figure in mapping.items()}
    return {"targets": {name: figure for name, figure in figures.items() if figure is not None}}


def _budget(value: Any, place: Place, findings: Findings) -> _Found:
    mapping = findings.mapping(place, value, "budget: {runs: 20}")
    if mapping is None:
        return {}
    found: _Found = {}
    findings.known_keys(place, mapping, ("runs", "hours", "until"))
    if not mapping:
        findings.error(place, "`swept.budget` is empty", "write `budget: {runs: 20}`")
    if "runs" in mapping:
        found |= _of("budget_runs", findings.whole((*place, "runs"), mapping["runs"], 1))
    if "hours" in mapping:
        found |= _of("budget_hours", _positive(mapping["hours"], (*place, "hours"), findings))
    if "until" in mapping:
        found |= _until(mapping["until"], (*place, "until"), findings)
    return found


def _positive(value: Any, place: Place, findings: Findings) -> float | None:
    figure = findings.number(place, value)
    if figure is not None and figure <= 0:
        findings.error(
            place, f"`{dotted(place)}` is {figure:g}; it must be above 0", "or leave it out"
        )
        return None
    return figure


def _until(value: Any, place: Place, findings: Findings) -> _Found:
    if value == "converged":
        return {"until": "converged"}
    findings.error(place, f"`{dotted(place)}` is {shown(value)}", "write `until: converged`")
    return {}


def _constraints(value: Any, place: Place, findings: Findings) -> _Found:
    if not isinstance(value, list):
        hint = 'write `constraints: ["warmup_epochs < epochs"]`'
        findings.error(place, f"`swept.constraints` is {kind_of(value)}; it takes a list", hint)
        return {}
    texts = []
    for i, item in enumerate(value):
        text = findings.text((*place, i), item)
        if text is not None and _is_condition(text, (*place, i), findings):
            texts.append(text)
    return {"constraints": tuple(texts)}


def _conditions(value: Any, place: Place, findings: Findings) -> _Found:
    """Parameter, nested or dotted → the condition under which it acts."""
    mapping = findings.mapping(place, value, "conditions: {momentum: \"optimizer == 'SGD'\"}")
    if mapping is None:
        return {}
    return {"conditions": dict(_nested_conditions(mapping, place, findings))}


def _nested_conditions(
    mapping: Mapping[str, Any], place: Place, findings: Findings, prefix: str = ""
) -> Iterator[tuple[str, str]]:
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            yield from _nested_conditions(value, (*place, key), findings, f"{prefix}{key}.")
            continue
        text = findings.text((*place, key), value)
        if text is not None and _is_condition(text, (*place, key), findings):
            yield f"{prefix}{key}", text


def _is_condition(text: str, place: Place, findings: Findings) -> bool:
    try:
        read_condition(text)
    except Meaningless as why:
        hint = "compare parameters and values, for example `warmup_epochs < epochs`"
        findings.error(place, f"{shown(text)} is no condition: {why}", hint)
        return False
    return True


def _epochs(value: Any, place: Place, findings: Findings) -> _Found:
    if isinstance(value, str):
        return _of("epochs", findings.text(place, value))
    return _of("epochs", findings.whole(place, value, 1))


def _seed(value: Any, place: Place, findings: Findings) -> _Found:
    if isinstance(value, int) and not isinstance(value, bool):
        hint = "it names the parameter that takes the seed, for example `seed: seed`"
        findings.error(place, f"`swept.seed` is the number {value}", hint)
        return {}
    return _of("seed", findings.text(place, value))


def _retries(value: Any, place: Place, findings: Findings) -> _Found:
    return _of("retries", findings.whole(place, value, 0))


def _counts(keys: Mapping[str, str]) -> _Reader:
    """A mapping with a count of at least 1 under each of `keys` (key → field of Options)."""

    def read(value: Any, place: Place, findings: Findings) -> _Found:
        example = ", ".join(f"{key}: 2" for key in keys)
        mapping = findings.mapping(place, value, f"{place[-1]}: {{{example}}}")
        if mapping is None:
            return {}
        findings.known_keys(place, mapping, tuple(keys))
        found: _Found = {}
        for key, field_name in keys.items():
            if key not in mapping:
                findings.error(place, f"`{dotted(place)}` needs `{key}`", f"write `{key}: 2`")
            else:
                found |= _of(field_name, findings.whole((*place, key), mapping[key], 1))
        return found

    return read


def _oom(value: Any, place: Place, findings: Findings) -> _Found:
    mapping = findings.mapping(place, value, "oom: {reduce: batch, factor: 0.75, min: 8}")
    if mapping is None:
        return {}
    findings.known_keys(place, mapping, ("reduce", "factor", "min"))
    if "reduce" not in mapping:
        hint = "name the parameter to reduce: `reduce: batch`"
        findings.error(place, "`swept.oom` needs `reduce`", hint)
        return {}
    reduce = findings.text((*place, "reduce"), mapping["reduce"])
    factor = findings.number((*place, "factor"), mapping.get("factor", 0.75))
    least = findings.number((*place, "min"), mapping.get("min", 1))
    if factor is not None and not 0 < factor < 1:
        hint = "0.75 takes a quarter away"
        findings.error(
            (*place, "factor"),
            f"`swept.oom.factor` is {factor:g}; it must lie between 0 and 1",
            hint,
        )
        return {}
    if least is not None and least < 0:
        findings.error(
            (*place, "min"),
            f"`swept.oom.min` is {least:g}; it must not be below 0",
            "write `min: 1`",
        )
        return {}
    if reduce is None or factor is None or least is None:
        return {}
    return {"oom": Oom(reduce, float(factor), least)}


def _resources(value: Any, place: Place, findings: Findings) -> _Found:
    mapping = findings.mapping(place, value, "resources: {gpu: 1}")
    if mapping is None:
        return {}
    findings.known_keys(place, mapping, ("gpu", "cpu", "memory"))
    found: dict[str, Any] = {}
    for key in ("gpu", "cpu"):
        if key in mapping:
            figure = findings.number((*place, key), mapping[key])
            if figure is not None and figure < 0:
                findings.error(
                    (*place, key),
                    f"`{dotted((*place, key))}` must not be below 0",
                    f"write `{key}: 1`",
                )
            elif figure is not None:
                found[key] = figure
    if "memory" in mapping:
        memory = mapping["memory"]
        if isinstance(memory, str) or findings.number((*place, "memory"), memory) is not None:
            found["memory"] = memory
    return {"resources": found}


def _keep(value: Any, place: Place, findings: Findings) -> _Found:
    mapping = findings.mapping(place, value, "keep: {checkpoints: best 3}")
    if mapping is None:
        return {}
    findings.known_keys(place, mapping, ("checkpoints",))
    if "checkpoints" not in mapping:
        return {}
    given = mapping["checkpoints"]
    at: Place = (*place, "checkpoints")
    if isinstance(given, str):
        word, _, count = given.strip().partition(" ")
        if word == "best" and count.strip().isdecimal() and len(count) < 10:
            return {"keep": int(count)}
        findings.error(at, f"`{dotted(at)}` is {shown(given)}", "write `checkpoints: best 3`")
        return {}
    return _of("keep", findings.whole(at, given, 0))


def _warm_start(value: Any, place: Place, findings: Findings) -> _Found:
    listed = value if isinstance(value, list) else [value]
    sweeps = [findings.text((*place, i), item) for i, item in enumerate(listed)]
    return {"warm_start": tuple(sweep for sweep in sweeps if sweep is not None)}


def _metric(value: Any, place: Place, findings: Findings) -> _Found:
    mapping = findings.mapping(place, value, "metric: {at: best}")
    if mapping is None:
        return {}
    findings.known_keys(place, mapping, ("at",))
    at = mapping.get("at", "last")
    if at in ("last", "best"):
        return {"at": at}
    findings.error(
        (*place, "at"),
        f"`swept.metric.at` is {shown(at)}; it takes `last` or `best`",
        "write `at: last`",
    )
    return {}


def _price(value: Any, place: Place, findings: Findings) -> _Found:
    mapping = findings.mapping(place, value, "price: {per_hour: 0.35, currency: EUR}")
    if mapping is None:
        return {}
    findings.known_keys(place, mapping, ("per_hour", "currency", "watts", "per_kwh"))
    figures = {
        key: _positive(mapping[key], (*place, key), findings)
        for key in ("per_hour", "watts", "per_kwh")
        if key in mapping
    }
    if not figures:
        hint = "write `price: {per_hour: 0.35, currency: EUR}` or `price: {watts: 320}`"
        findings.error(place, f"`{dotted(place)}` needs `per_hour` or `watts`", hint)
    if "per_kwh" in figures and "watts" not in figures:
        hint = "add what a slot draws: `watts: 320`"
        findings.error((*place, "per_kwh"), f"`{dotted(place)}.per_kwh` needs `watts`", hint)
    currency: str | None = ""
    if "currency" in mapping:
        currency = findings.text((*place, "currency"), mapping["currency"])
    elif "per_hour" in figures or "per_kwh" in figures:
        findings.error(place, f"`{dotted(place)}` needs `currency`", "add `currency: EUR`")
    return {"price": Price(currency=currency or "", **figures)}


_READERS: Final[Mapping[str, _Reader]] = {
    "adapter": _adapter,
    "baseline": _values("baseline"),
    "targets": _targets,
    "budget": _budget,
    "until": _until,
    "early_stopping": read_early_stopping,
    "prior": _values("prior"),
    "constraints": _constraints,
    "conditions": _conditions,
    "epochs": _epochs,
    "seed": _seed,
    "retries": _retries,
    "noise": _counts({"repeats": "noise_repeats"}),
    "confirm": _counts({"top": "confirm_top", "seeds": "confirm_seeds"}),
    "oom": _oom,
    "resources": _resources,
    "keep": _keep,
    "warm_start": _warm_start,
    "metric": _metric,
    "price": _price,
}
KEYS: Final = tuple(_READERS)
