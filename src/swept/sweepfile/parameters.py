"""The `parameters` of a sweep file → `Space`: W&B's distributions, which keys each takes, and what goes unsaid.

Without `distribution`, as with W&B: `value` is a constant, `values` are categories (with `probabilities`: weighted),
`min` and `max` are `int_uniform` where both are whole numbers and `uniform` otherwise, `parameters` nests.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from swept.space import BETA, CATEGORICAL, LOGARITHMIC, UNBOUNDED, Parameter, Path, Space, same
from swept.space import number as is_number
from swept.sweepfile.document import finite
from swept.sweepfile.findings import Findings, Place, did_you_mean, dotted, kind_of, misspelt, shown

_BOUNDS: Final = ("min", "max")
_BELL: Final = ("mu", "sigma")

# distribution → (keys it needs, keys it may have)
DISTRIBUTIONS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "constant": (("value",), ()),
    "categorical": (("values",), ()),
    "categorical_w_probabilities": (("values", "probabilities"), ()),
    "int_uniform": (_BOUNDS, ()),
    "uniform": (_BOUNDS, ()),
    "q_uniform": (_BOUNDS, ("q",)),
    "log_uniform": (_BOUNDS, ()),
    "log_uniform_values": (_BOUNDS, ()),
    "q_log_uniform": (_BOUNDS, ("q",)),
    "q_log_uniform_values": (_BOUNDS, ("q",)),
    "inv_log_uniform": (_BOUNDS, ()),
    "inv_log_uniform_values": (_BOUNDS, ()),
    "normal": ((), _BELL),
    "q_normal": ((), (*_BELL, "q")),
    "log_normal": ((), _BELL),
    "q_log_normal": ((), (*_BELL, "q")),
    "beta": ((), ("a", "b")),
    "q_beta": ((), ("a", "b", "q")),
}
KEYS: Final = (
    *("value", "values", "probabilities", "min", "max", "q", "mu", "sigma", "a", "b"),
    *("distribution", "parameters"),
)
EXPONENTS: Final = frozenset({"log_uniform", "q_log_uniform", "inv_log_uniform"})
"""Their min and max are exponents of e: W&B's older form."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_LARGEST_EXPONENT: Final = 690.0  # e^690 is 1e299
_MOST_STEPS: Final = 2.0**53


def read_space(value: Any, findings: Findings, place: Place = ("parameters",)) -> Space:
    """Every parameter that is right; the others are in the findings."""
    reader = _SpaceReader(findings)
    reader.group(value, place, ())
    if not reader.parameters and not findings.failed:
        hint = "give at least one parameter several `values`, or `min` and `max`"
        findings.warning(place, "every parameter has one value: there is nothing to search", hint)
    return Space(tuple(reader.parameters), reader.constants)


def declared(value: Any, name: str) -> bool:
    """Whether `parameters` (as it stands in the file) has an entry for the dotted `name`, right or wrong."""
    if not isinstance(value, Mapping):
        return True
    if name in value:
        return True
    inner = (
        (key, entry.get("parameters"))
        for key, entry in value.items()
        if isinstance(entry, Mapping) and name.startswith(f"{key}.")
    )
    return any(group is not None and declared(group, name[len(key) + 1 :]) for key, group in inner)


class _SpaceReader:
    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.parameters: list[Parameter] = []
        self.constants: dict[Path, Any] = {}
        self._names: dict[str, Path] = {}

    def group(self, value: Any, place: Place, path: Path) -> None:
        group = self._findings.mapping(place, value, "parameters: {lr: {min: 0.001, max: 0.1}}")
        if group is None:
            return
        if not group:
            self._findings.error(
                place, f"`{dotted(place)}` is empty", "name at least one parameter"
            )
        for name, entry in group.items():
            self._entry(name, entry, (*place, name), (*path, name))

    def _entry(self, name: str, entry: Any, place: Place, path: Path) -> None:
        if not _NAME.fullmatch(name):
            hint = "letters, digits, `_`, `-` and `.`; a letter or `_` first"
            self._findings.error(place, f"`{name}` is no name for a parameter", hint)
        full = ".".join(path)
        if full in self._names:
            hint = "a dot in a name and a nested parameter mean the same: keep one of them"
            self._findings.error(place, f"the parameter `{full}` is there twice", hint)
            return
        self._names[full] = path
        if not isinstance(entry, Mapping):
            self._findings.error(
                place, f"`{full}` is {kind_of(entry)}; it takes a mapping", _as_mapping(name, entry)
            )
        elif "parameters" in entry:
            self._nested(entry, place, path)
        else:
            self._leaf(full, entry, place, path)

    def _nested(self, entry: Mapping[str, Any], place: Place, path: Path) -> None:
        for key in entry:
            if key != "parameters":
                self._findings.error(
                    (*place, key),
                    f"`{key}` cannot stand beside `parameters` in `{'.'.join(path)}`",
                    f"if `{key}` is itself a parameter, put it under `parameters`",
                )
        self.group(entry["parameters"], (*place, "parameters"), path)

    def _leaf(self, name: str, entry: Mapping[str, Any], place: Place, path: Path) -> None:
        before = len(self._findings.problems)
        distribution = _distribution(name, entry, place, self._findings)
        if distribution is None or not _keys_fit(name, distribution, entry, place, self._findings):
            return
        if distribution == "constant":
            if _storable(name, [entry["value"]], (*place, "value"), self._findings):
                self.constants[path] = entry["value"]
            return
        if distribution in CATEGORICAL:
            parameter = _categories(name, distribution, entry, place, path, self._findings)
        else:
            parameter = _numeric(name, distribution, entry, place, path, self._findings)
        fresh = self._findings.problems[before:]
        if parameter is None or any(problem.severity == "error" for problem in fresh):
            return
        if parameter.distribution in CATEGORICAL and len(parameter.values) == 1:
            self.constants[path] = parameter.values[0]
        else:
            self.parameters.append(parameter)


def _as_mapping(name: str, entry: Any) -> str:
    if isinstance(entry, list):
        return f"write `{name}: {{values: [{', '.join(map(str, entry[:4]))}]}}`"
    return (
        f"write `{name}: {{value: {entry}}}`"
        if entry is not None
        else f"write `{name}: {{value: …}}`"
    )


def _distribution(
    name: str, entry: Mapping[str, Any], place: Place, findings: Findings
) -> str | None:
    if "distribution" in entry:
        given = entry["distribution"]
        if isinstance(given, str) and given in DISTRIBUTIONS:
            return given
        hint = did_you_mean(given, DISTRIBUTIONS)
        findings.error(
            (*place, "distribution"), f"{shown(given)} is no distribution of W&B's", hint
        )
        return None
    if "value" in entry:
        return "constant"
    if "values" in entry:
        weighted = "probabilities" in entry
        return "categorical_w_probabilities" if weighted else "categorical"
    if "min" in entry and "max" in entry:
        whole = all(isinstance(entry[k], int) and not isinstance(entry[k], bool) for k in _BOUNDS)
        return "int_uniform" if whole else "uniform"
    findings.error(place, f"`{name}` does not say which values it takes", _missing_hint(entry))
    return None


def _missing_hint(entry: Mapping[str, Any]) -> str:
    if "mu" in entry or "sigma" in entry:
        return "write `distribution: normal` (or log_normal …) beside `mu` and `sigma`"
    if "a" in entry or "b" in entry:
        return "write `distribution: beta` beside `a` and `b`"
    for key in entry:
        if key not in KEYS:
            return did_you_mean(key, KEYS, "give it `value`, `values`, or `min` and `max`")
    if "min" in entry or "max" in entry:
        return f"`{'max' if 'min' in entry else 'min'}` is missing"
    return "give it `value`, `values`, or `min` and `max`"


def _keys_fit(
    name: str, distribution: str, entry: Mapping[str, Any], place: Place, findings: Findings
) -> bool:
    needed, allowed = DISTRIBUTIONS[distribution]
    fits = True
    for key in entry:
        if key not in (*needed, *allowed, "distribution"):
            fits = False
            findings.error((*place, key), *_wrong_key(name, key, distribution, entry))
    for key in needed:
        if key not in entry:
            fits = False
            if misspelt(key, entry, (*needed, *allowed, "distribution")):
                continue
            findings.error(place, f"`{name}` ({distribution}) needs `{key}`", f"add `{key}: …`")
    return fits


def _wrong_key(name: str, key: str, distribution: str, entry: Mapping[str, Any]) -> tuple[str, str]:
    """Message and hint."""
    needed, allowed = DISTRIBUTIONS[distribution]
    if key not in KEYS:
        return f"unknown key `{key}` in `{name}`", did_you_mean(
            key, (*needed, *allowed, "distribution")
        )
    message = f"`{key}` does not go with `distribution: {distribution}` in `{name}`"
    if "distribution" not in entry:
        message = f"`{key}` does not go with `{needed[0]}` in `{name}`"
    if key == "q" and distribution in ("uniform", "int_uniform"):
        return message, "write `distribution: q_uniform` for steps of q"
    quantized = f"q_{distribution}"
    if key == "q" and quantized in DISTRIBUTIONS:
        return message, f"write `distribution: {quantized}`"
    return message, f"keep one of them: {distribution} takes {', '.join((*needed, *allowed))}"


def _storable(name: str, values: list[Any], place: Place, findings: Findings) -> bool:
    if all(map(finite, values)):
        return True
    findings.error(place, f"`{name}` has a NaN or infinite value", "give it a finite number")
    return False


# -- categories -----------------------------------------------------------------------------------


def _categories(
    name: str,
    distribution: str,
    entry: Mapping[str, Any],
    place: Place,
    path: Path,
    findings: Findings,
) -> Parameter | None:
    values = entry["values"]
    at = (*place, "values")
    if not isinstance(values, list):
        findings.error(
            at,
            f"`values` of `{name}` is {kind_of(values)}; it takes a list",
            f"write `values: [{'…' if values is None else values}]`",
        )
        return None
    if not values:
        findings.error(at, f"`values` of `{name}` is empty", "name the values to try, or remove it")
        return None
    if not _storable(name, values, at, findings):
        return None
    weights: list[float] | None = None
    if distribution == "categorical_w_probabilities":
        weights = _probabilities(name, entry["probabilities"], len(values), place, findings)
        if weights is None:
            return None
    distinct, sums = _distinct(values, weights or [1.0] * len(values))
    if len(distinct) < len(values):
        twice = next(v for i, v in enumerate(values) if any(same(v, w) for w in values[:i]))
        findings.warning(
            at,
            f"{shown(twice)} stands in `values` of `{name}` more than once: random search draws it more often",
            "remove it, or say how often with `probabilities`",
        )
    _texts_of_numbers(name, distinct, at, findings)
    weighted = weights is not None or len(distinct) < len(values)
    total = math.fsum(sums)
    probabilities = tuple(w / total for w in sums) if weighted else None
    return Parameter(name, distribution, path, tuple(distinct), probabilities)


def _probabilities(
    name: str, value: Any, count: int, place: Place, findings: Findings
) -> list[float] | None:
    at = (*place, "probabilities")
    if not isinstance(value, list) or not all(map(is_number, value)):
        message = f"`probabilities` of `{name}` must be a list of numbers"
        findings.error(at, message, "write `probabilities: [0.7, 0.3]`, one a value")
        return None
    if not all(math.isfinite(p) and p >= 0 for p in value):
        message = f"`probabilities` of `{name}` must be finite and not below 0"
        findings.error(at, message, "a value with probability 0 can as well be left out")
        return None
    if len(value) != count:
        message = f"`{name}` has {count} values but {len(value)} probabilities"
        findings.error(at, message, "give one probability a value")
        return None
    total = math.fsum(value)
    # as near as numpy.isclose, which W&B uses
    if abs(total - 1.0) > 1.001e-5:
        hint = f"for example divide each by {total:g}" if total > 0 else ""
        findings.error(at, f"the probabilities of `{name}` sum to {total:g}, not 1", hint)
        return None
    return [float(p) for p in value]


def _distinct(values: list[Any], weights: list[float]) -> tuple[list[Any], list[float]]:
    distinct: list[Any] = []
    sums: list[float] = []
    for value, weight in zip(values, weights, strict=True):
        index = next((i for i, known in enumerate(distinct) if same(known, value)), None)
        if index is None:
            distinct.append(value)
            sums.append(weight)
        else:
            sums[index] += weight
    return distinct, sums


def _texts_of_numbers(name: str, values: list[Any], place: Place, findings: Findings) -> None:
    """`["0.1", 0.2]`: one of them in quotes is a slip."""
    texts = [value for value in values if isinstance(value, str)]
    if not texts or not any(map(is_number, values)):
        return
    for text in texts:
        try:
            float(text)
        except ValueError:
            continue
        hint = f"write {text} without quotes"
        findings.warning(place, f"`values` of `{name}` has the text `{text}` beside numbers", hint)


# -- numbers --------------------------------------------------------------------------------------


def _numeric(
    name: str,
    distribution: str,
    entry: Mapping[str, Any],
    place: Place,
    path: Path,
    findings: Findings,
) -> Parameter | None:
    figures: dict[str, float] = {}
    for key, value in entry.items():
        if key == "distribution":
            continue
        read = findings.whole if distribution == "int_uniform" else findings.number
        figure = read((*place, key), value)
        if figure is not None:
            figures[key] = figure
    if len(figures) < sum(key != "distribution" for key in entry):
        return None
    if distribution in UNBOUNDED or distribution in BETA:
        return _tailed(name, distribution, figures, place, path, findings)
    return _bounded(name, distribution, figures, place, path, findings)


def _bounded(
    name: str,
    distribution: str,
    figures: Mapping[str, float],
    place: Place,
    path: Path,
    findings: Findings,
) -> Parameter | None:
    low, high = figures["min"], figures["max"]
    if low >= high:
        same_value = "write `value` for a constant" if low == high else "exchange them"
        findings.error(
            (*place, "min"),
            f"`min` ({low:g}) of `{name}` is not below `max` ({high:g})",
            same_value,
        )
        return None
    if distribution in EXPONENTS:
        distribution, low, high = _from_exponents(name, distribution, low, high, place, findings)
    if distribution in LOGARITHMIC and not 0 < low < high < math.inf:
        hint = "a log scale has no zero: choose the smallest value that makes sense"
        findings.error(
            (*place, "min"), f"`min` ({low:g}) of `{name}` must be above 0 on a log scale", hint
        )
        return None
    if not math.isfinite(high - low):
        message = f"the range of `{name}` is too wide for a number"
        findings.error((*place, "max"), message, "bring `min` and `max` nearer to each other")
        return None
    q = _step(distribution, figures)
    if q is None and distribution != "int_uniform":
        low, high = float(low), float(high)
    parameter = Parameter(name, distribution, path, low=low, high=high, q=q)
    return parameter if _step_fits(parameter, high - low, high, place, findings) else None


def _from_exponents(
    name: str, distribution: str, low: float, high: float, place: Place, findings: Findings
) -> tuple[str, float, float]:
    modern = f"{distribution}_values"
    if max(abs(low), abs(high)) > _LARGEST_EXPONENT:
        findings.error(
            (*place, "max"),
            f"`min` and `max` of `{name}` are exponents of e with `{distribution}`, and too large",
            f"write `distribution: {modern}` if they are the values themselves",
        )
        return distribution, low, high
    if distribution == "inv_log_uniform":
        low, high = -high, -low
    low, high = math.exp(low), math.exp(high)
    findings.warning(
        (*place, "distribution"),
        f"`{distribution}` takes exponents of e: `{name}` goes from {low:.4g} to {high:.4g}",
        f"write `distribution: {modern}` with these values, if that is meant",
    )
    return modern, low, high


def _tailed(
    name: str,
    distribution: str,
    figures: Mapping[str, float],
    place: Place,
    path: Path,
    findings: Findings,
) -> Parameter | None:
    for key in ("sigma", "a", "b"):
        if figures.get(key, 1.0) <= 0:
            findings.error(
                (*place, key),
                f"`{key}` of `{name}` must be above 0",
                "write `value` for a constant",
            )
            return None
    mu, sigma = float(figures.get("mu", 0.0)), float(figures.get("sigma", 1.0))
    if distribution in LOGARITHMIC and abs(mu) + 6 * sigma > _LARGEST_EXPONENT:
        hint = "`mu` and `sigma` are those of the logarithm"
        findings.error(place, f"the values of `{name}` are too large for a number", hint)
        return None
    parameter = Parameter(
        name,
        distribution,
        path,
        q=_step(distribution, figures),
        mu=mu,
        sigma=sigma,
        a=float(figures.get("a", 1.0)),
        b=float(figures.get("b", 1.0)),
    )
    if distribution in BETA:
        reach = 1.0
    else:
        reach = math.exp(mu + 6 * sigma) if parameter.log else abs(mu) + 6 * sigma
    return parameter if _step_fits(parameter, reach, reach, place, findings) else None


def _step(distribution: str, figures: Mapping[str, float]) -> float | None:
    return figures.get("q", 1.0) if distribution.startswith("q_") else None


def _step_fits(
    parameter: Parameter, width: float, largest: float, place: Place, findings: Findings
) -> bool:
    q = parameter.q
    if q is None:
        return True
    at: Place = (*place, "q")
    if q <= 0:
        findings.error(
            at, f"`q` of `{parameter.name}` must be above 0", "it is the step between values"
        )
        return False
    if max(width, abs(largest), abs(parameter.low or 0.0)) / q > _MOST_STEPS:
        message = f"`q` ({q:g}) of `{parameter.name}` is too small for its range"
        findings.error(at, message, "choose a larger `q`, or a distribution without it")
        return False
    if parameter.levels == 1 or q > width:
        hint = "choose a smaller `q`"
        findings.warning(
            place, f"`{parameter.name}` has steps of {q:g}, wider than its range", hint
        )
    return True
