"""Which versions and collections of artifacts a script asks for, and in which order: the client's Mongo-style filters over plain values.

A filter is a mapping of paths to values or operators (`{"config.lr.value": {"$gt": 0.1}}`), with `$and`, `$or`,
`$nor`, `$not`. An order is `+summary_metrics.loss` or `-created_at`; runs without the value come last both ways.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from swept.errors import UsageError
from swept.store import patterns

Document = Mapping[str, Any]

_MISSING = object()


def matches(document: Document, condition: Any) -> bool:
    """Whether a run's document meets the filter. Raises UsageError for an operator that we do not know."""
    if not isinstance(condition, Mapping):
        return True
    return all(_meets(document, key, wanted) for key, wanted in condition.items())


def ordered(documents: Sequence[Document], order: str) -> list[Document]:
    """By several keys, separated by commas; "" leaves them as they are."""
    answer = list(documents)
    for key in reversed([part.strip() for part in order.split(",") if part.strip()]):
        descending, path = key[0] == "-", key.lstrip("+-")
        values = [(_rank(look_up(document, path)), document) for document in answer]
        known = [pair for pair in values if pair[0] is not None]
        known.sort(key=lambda pair: pair[0] or (0, 0.0, ""), reverse=descending)
        answer = [pair[1] for pair in known] + [pair[1] for pair in values if pair[0] is None]
    return answer


def look_up(document: Any, path: str) -> Any:
    """The value at a dotted path, whose names may have dots in them; None where there is none."""
    found = _find(document, path)
    if found is _MISSING and path.startswith("config.") and path.endswith(".value"):
        found = _find(document, path.removesuffix(".value"))
    return None if found is _MISSING else found


def _find(document: Any, path: str) -> Any:
    if not isinstance(document, Mapping):
        return _MISSING
    if path in document:
        return document[path]
    parts = path.split(".")
    for count in range(len(parts) - 1, 0, -1):
        head = ".".join(parts[:count])
        if head in document:
            return _find(document[head], ".".join(parts[count:]))
    return _MISSING


def _rank(value: Any) -> tuple[int, float, str] | None:
    """Comparable whatever the type; None for what cannot be ordered."""
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("max", "min", "last", "mean") if key in value), None)
    if isinstance(value, bool | int | float):
        return None if math.isnan(value) else (0, float(value), "")
    return (1, 0.0, value) if isinstance(value, str) else None


def _meets(document: Document, key: str, wanted: Any) -> bool:
    parts = wanted if isinstance(wanted, list) else []
    if key == "$and":
        return all(matches(document, part) for part in parts)
    if key == "$or":
        return any(matches(document, part) for part in parts)
    if key == "$nor":
        return not any(matches(document, part) for part in parts)
    if key == "$not":
        return not matches(document, wanted)
    value = look_up(document, key)
    if isinstance(wanted, Mapping) and any(name.startswith("$") for name in wanted):
        return all(_compares(value, name, operand) for name, operand in wanted.items())
    return _equal(value, wanted)


def _compares(value: Any, name: str, operand: Any) -> bool:
    if name == "$not":
        inner = operand if isinstance(operand, Mapping) else {"$eq": operand}
        return not all(_compares(value, part, wanted) for part, wanted in inner.items())
    compare = _OPERATORS.get(name)
    if compare is None:
        known = ", ".join(sorted(_OPERATORS))
        raise UsageError(f"the filter operator `{name}` is not known", hint=f"known: {known}")
    return compare(value, operand)


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, list) and not isinstance(wanted, list):
        return wanted in value
    return bool(value == wanted)


def _ordering(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(value: Any, operand: Any) -> bool:
        one, two = _rank(value), _rank(operand)
        return one is not None and two is not None and one[0] == two[0] and test(one, two)

    return compare


def _matches_pattern(value: Any, pattern: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return bool(patterns.found(patterns.check(str(pattern)), value))
    except TimeoutError as error:
        raise UsageError(
            f"the pattern `{pattern}` takes too long: it tries too many ways to match one text",
            hint="leave out repeats inside of repeats",
        ) from error


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": _equal,
    "$ne": lambda value, operand: not _equal(value, operand),
    "$in": lambda value, operand: any(_equal(value, one) for one in operand or ()),
    "$nin": lambda value, operand: not any(_equal(value, one) for one in operand or ()),
    "$gt": _ordering(lambda one, two: one > two),
    "$gte": _ordering(lambda one, two: one >= two),
    "$lt": _ordering(lambda one, two: one < two),
    "$lte": _ordering(lambda one, two: one <= two),
    "$exists": lambda value, operand: (value is not None) == bool(operand),
    "$regex": _matches_pattern,
}
