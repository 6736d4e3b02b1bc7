"""The client's filters and orders of runs, read into conditions that the store maps to SQL.

A filter is a mapping of paths to values or operators, Mongo style: `{"config.lr.value": {"$gt": 0.1}}`, with `$and`,
`$or`, `$nor`, `$not`. An order is `+summary_metrics.loss` or `-created_at`, several separated by commas. What we do not
know is refused: a filter that is ignored would give all runs, and nobody would see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from swept.errors import UsageError
from swept.server.wandb.service import ENTITY, STATES
from swept.store import patterns
from swept.store.conditions import (
    All,
    Among,
    AnyOf,
    Compares,
    Condition,
    Constant,
    Exists,
    Field,
    Matches,
    Not,
    Property,
    Scalar,
    Sort,
    Value,
)
from swept.store.visible import MEANT

MAX_DEPTH = 20
MAX_VALUES = 5000  # of one filter: databases take so many parameters, and no more
MAX_TESTS = 100  # of one filter: what SQLite needs grows with their square

_SHOWN = Property("state", {state.value: label for state, label in STATES.items()})
_FIELDS: Mapping[str, Field] = {
    "name": Property("id"),
    "display_name": Property("name"),
    "displayName": Property("name"),
    "state": _SHOWN,
    "sweep": Property("sweep"),
    "sweepName": Property("sweep"),
    "sweep.name": Property("sweep"),
    "created_at": Property("created"),
    "createdAt": Property("created"),
    "heartbeat_at": Property("heartbeat"),
    "heartbeatAt": Property("heartbeat"),
    "updated_at": Property("heartbeat"),
    "updatedAt": Property("heartbeat"),
    "duration": Property("duration"),
    "tags": Value("details", ("tags",)),
    "group": Value("details", ("group",)),
    "job_type": Value("details", ("job_type",)),
    "jobType": Value("details", ("job_type",)),
    "host": Value("details", ("host",)),
    "notes": Value("details", ("notes",)),
    "description": Value("details", ("description",)),
    "program": Value("details", ("program",)),
    "commit": Value("details", ("commit",)),
    "user": Constant(ENTITY),
    "user.username": Constant(ENTITY),
    "user.name": Constant(ENTITY),
    "username": Constant(ENTITY),
    "entity": Constant(ENTITY),
}
_TIMES = frozenset({"created", "heartbeat"})
_SUMMARY = ("summary_metrics.", "summaryMetrics.", "summary.")
_CONFIG = "config."


def condition(wanted: Any) -> Condition:
    """A filter as a condition. Raises UsageError."""
    found = _all(wanted, 0)
    tests = list(_tests(found))
    if len(tests) > MAX_TESTS:
        raise UsageError(f"a filter has up to {MAX_TESTS} tests", hint="use `$in` for many values")
    if sum(len(test.values) for test in tests if isinstance(test, Among)) > MAX_VALUES:
        raise UsageError(f"a filter has up to {MAX_VALUES} values")
    return found


def order(text: str) -> tuple[Sort, ...]:
    """Raises UsageError."""
    parts = [part.strip() for part in text.split(",")]
    return tuple(Sort(field(part.lstrip("+-")), part[0] == "-") for part in parts if part)


def field(path: str) -> Field:
    """What a path means. Raises UsageError for a root that runs do not have."""
    if known := _FIELDS.get(path):
        return known
    for root in _SUMMARY:
        if path.startswith(root) and (key := path.removeprefix(root)):
            return Value("summary", (key, *(f"{key}.{meant}" for meant in MEANT)))
    key = path.removeprefix(_CONFIG)
    if key and key != path:
        return Value("config", (key, *_without_value(key)))
    known_ones = ", ".join(sorted([*_FIELDS, "config.NAME.value", "summary_metrics.NAME"]))
    raise UsageError(f"a run has nothing called `{path}` to look for", hint=f"known: {known_ones}")


def _without_value(key: str) -> Iterator[str]:
    """As the client has it, each value of a config stands under "value": `model.value.depth` is `model.depth`."""
    parts = key.split(".")
    for at in range(1, len(parts)):
        if parts[at] == "value":
            yield ".".join([*parts[:at], *parts[at + 1 :]])


def _tests(part: Condition) -> Iterator[Condition]:
    match part:
        case All(parts) | AnyOf(parts):
            for inner in parts:
                yield from _tests(inner)
        case Not(inner):
            yield from _tests(inner)
        case _:
            yield part


# -- the grammar ----------------------------------------------------------------------------------


def _all(mapping: Any, depth: int) -> Condition:
    if not isinstance(mapping, Mapping):
        raise UsageError(f"`{mapping}` is no filter", hint='such as {"state": "finished"}')
    if depth > MAX_DEPTH:
        raise UsageError(f"a filter is nested up to {MAX_DEPTH} deep")
    return All(tuple(_entry(str(key), wanted, depth) for key, wanted in mapping.items()))


def _entry(key: str, wanted: Any, depth: int) -> Condition:
    if key in ("$and", "$or", "$nor"):
        if not isinstance(wanted, list):
            raise UsageError(f"`{key}` needs a list of filters")
        parts = tuple(_all(part, depth + 1) for part in wanted)
        return All(parts) if key == "$and" else AnyOf(parts) if key == "$or" else Not(AnyOf(parts))
    if key == "$not":
        return Not(_all(wanted, depth + 1))
    if key.startswith("$"):
        raise _unknown(key)
    return _test(field(key), wanted, depth)


def _test(of: Field, wanted: Any, depth: int) -> Condition:
    if not isinstance(wanted, Mapping):
        return _among(of, [wanted])
    if depth > MAX_DEPTH:
        raise UsageError(f"a filter is nested up to {MAX_DEPTH} deep")
    return All(tuple(_operators(of, wanted, depth)))


def _operators(of: Field, wanted: Mapping[str, Any], depth: int) -> Iterator[Condition]:
    for name, operand in wanted.items():
        if name == "$not":
            yield Not(_test(of, operand, depth + 1))
        elif name == "$regex":
            yield Matches(of, _pattern(str(operand), wanted.get("$options")))
        elif name != "$options":
            yield _operator(name)(of, operand)


_Operator: TypeAlias = Callable[[Field, Any], Condition]


def _operator(name: str) -> _Operator:
    operator = _OPERATORS.get(name)
    if operator is None:
        raise _unknown(name)
    return operator


def _unknown(name: str) -> UsageError:
    known = ", ".join(sorted([*_OPERATORS, "$and", "$nor", "$not", "$or", "$regex"]))
    return UsageError(f"the filter operator `{name}` is not known", hint=f"known: {known}")


def _among(of: Field, values: Any) -> Condition:
    """One of `values`; null is the value of what is not there."""
    listed = values if isinstance(values, list) else [values]
    scalars = tuple(_scalar(of, value) for value in listed if value is not None)
    test: Condition = Among(of, scalars)
    return AnyOf((test, Not(Exists(of)))) if None in listed else test


def _scalar(of: Field, value: Any) -> Scalar:
    if not isinstance(value, str | int | float):
        raise UsageError(f"a filter compares with numbers and texts, not with `{value}`")
    if isinstance(of, Property) and of.name in _TIMES:
        return _seconds(value)
    return value if isinstance(value, str | bool) else _number(value)


def _number(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _seconds(value: str | float) -> float:
    """A time as the client writes it (ISO 8601, UTC unless it says otherwise), or seconds since 1970."""
    if not isinstance(value, str):
        return _number(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise UsageError(f"`{value}` is no time", hint="such as 2026-01-31T12:00:00") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _compares(sign: Literal["<", "<=", ">", ">="]) -> _Operator:
    return lambda of, operand: (
        AnyOf() if operand is None else Compares(of, sign, _scalar(of, operand))
    )


def _pattern(pattern: str, options: Any) -> str:
    flags = "".join(flag for flag in str(options or "") if flag in "imsx")
    return patterns.check(f"(?{flags}){pattern}" if flags else pattern)


_OPERATORS: Mapping[str, _Operator] = {
    "$eq": lambda of, operand: _among(of, [operand]),
    "$ne": lambda of, operand: Not(_among(of, [operand])),
    "$in": lambda of, operand: _among(of, _listed("$in", operand)),
    "$nin": lambda of, operand: Not(_among(of, _listed("$nin", operand))),
    "$gt": _compares(">"),
    "$gte": _compares(">="),
    "$lt": _compares("<"),
    "$lte": _compares("<="),
    "$exists": lambda of, operand: Exists(of) if operand else Not(Exists(of)),
}


def _listed(name: str, operand: Any) -> Sequence[Any]:
    if not isinstance(operand, list):
        raise UsageError(f"`{name}` needs a list")
    return operand
