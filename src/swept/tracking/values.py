"""What a program may hand to the SDK, made into JSON values; and the configuration it gets.

numpy and torch are never imported: anything with `.item()` is asked for its number.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from swept.tracking.reporting import complain

TEXT_LIMIT = 20_000
"""Characters of a text value that are kept."""


class Config(dict[str, Any]):
    """A configuration: items, attributes, nested; read only, so that it stays what the sweep chose."""

    def __init__(self, values: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__({str(key): _frozen(value) for key, value in dict(values).items()})

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"the configuration has no '{name}'; it has: {', '.join(sorted(self)) or 'nothing'}"
            ) from None

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            "run.config is what the sweep chose and cannot be changed; "
            "say what really ran with run.report_effective({...})"
        )

    __setattr__ = __delattr__ = __setitem__ = __delitem__ = _refuse
    pop = popitem = clear = update = setdefault = __ior__ = _refuse

    def __reduce__(self) -> tuple[type[Config], tuple[dict[str, Any]]]:
        return (Config, (dict(self),))


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Config(value)
    if isinstance(value, list | tuple):
        return [_frozen(item) for item in value]
    return value


def clean(values: Any) -> dict[str, Any]:
    """`values` as JSON values (NaN and infinities stay floats). What is none is left out, with a word on stderr.

    0-d arrays and tensors become numbers, other objects are refused: a metric is a number or a text.
    """
    if not isinstance(values, Mapping):
        complain(f"expected names and values, got {type(values).__name__}: nothing is reported")
        return {}
    kept: dict[str, Any] = {}
    for key, value in values.items():
        try:
            kept[str(key)] = _plain(value)
        except (TypeError, ValueError, RuntimeError) as error:
            complain(f"'{key}' is not reported: {error}")
    return kept


def _plain(value: Any) -> Any:
    """One value. Raises TypeError for what is no value; ValueError or RuntimeError come from `.item()`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value[:TEXT_LIMIT]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if callable(getattr(value, "item", None)):
        return _scalar(value)
    if isinstance(value, os.PathLike):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is neither a number nor a text")


def _scalar(value: Any) -> Any:
    shape = getattr(value, "shape", ())
    if any(length != 1 for length in shape):
        raise TypeError(f"it has the shape {tuple(shape)}; report one number, for example its mean")
    item = value.item()
    if isinstance(item, complex) or callable(getattr(item, "item", None)):
        raise TypeError(f"a {type(value).__name__} is not a real number")
    return _plain(item)
