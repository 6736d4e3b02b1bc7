"""Values on their way to another process of this very code: pickled, with the curves of runs as columns.

A large sweep has a million points. Pickled one by one they take seconds, in which no other thread of the server gets on.
Nothing of this is ever stored.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from array import array
from collections import ChainMap
from collections.abc import Callable
from dataclasses import fields
from typing import IO, Any

from swept.model import Point, Run

_OTHERS = tuple(field.name for field in fields(Run) if field.name != "curve")


def dump(value: Any, sink: IO[bytes]) -> None:
    """What `pickle.load` reads at the other end."""
    pickler = pickle.Pickler(sink, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = _REDUCED
    pickler.dump(value)


def dumps(value: Any) -> bytes:
    """As `dump`."""
    sink = io.BytesIO()
    dump(value, sink)
    return sink.getvalue()


def _columns(run: Run) -> tuple[Callable[..., Run], tuple[Any, ...]]:
    steps = array("q", [point.step for point in run.curve]).tobytes()
    values = array("d", [point.value for point in run.curve]).tobytes()
    return _run, (steps, values, *(getattr(run, name) for name in _OTHERS))


def _run(steps: bytes, values: bytes, *others: Any) -> Run:
    curve = tuple(map(Point, memoryview(steps).cast("q"), memoryview(values).cast("d")))
    return Run(**dict(zip(_OTHERS, others, strict=True)), curve=curve)


_REDUCED = ChainMap[type, Callable[[Any], Any]]({Run: _columns}, copyreg.dispatch_table)
