"""A run's history as the client reads it: whole, a page of steps, or thinned.

Rows are JSON *texts* on this wire, with bare NaN tokens in them, and go from the store into the answer as they are.
Rows given as objects (`sampledHistory`) stand in the answer itself, which Go clients read strictly: there NaN is the
text "NaN".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from swept import wire
from swept.model import Run
from swept.server.wandb import tokens
from swept.server.wandb.graphql import Arguments
from swept.server.wandb.service import Service
from swept.store.read_base import Outline, RowText

SAMPLES = 500
T = TypeVar("T")


def line(row: RowText) -> str:
    """A stored row as the client wrote it."""
    step, time, metrics = row
    if '"NaN"' in metrics or 'Infinity"' in metrics:
        metrics = tokens.dumps(wire.decode(json.loads(metrics)))
    comma = "" if metrics == "{}" else ","
    stamp = "" if time is None else f'"_timestamp":{time!r},'
    return f'{metrics[:-1]}{comma}{stamp}"_step":{step}}}'


def lines(service: Service, run: Run, arguments: Arguments) -> list[str]:
    """Rows as texts. `maxStep` is exclusive, and a page is never thinned; without bounds the whole is."""
    least, most = _whole(arguments.get("minStep")), _whole(arguments.get("maxStep"))
    rows = service.store.row_texts(run.id, since=least, before=most)
    samples = _count(arguments)
    paged = least is not None or most is not None
    return [line(row) for row in (rows if paged else _thinned(rows, samples))]


def events(service: Service, run: Run, arguments: Arguments) -> list[str]:
    """System metrics, thinned."""
    rows = service.store.system_row_texts(run.id)
    return [line(row) for row in _thinned(rows, _count(arguments))]


class Beside:
    """What runs have beside themselves, looked up for all of a page at once when it is first asked for."""

    def __init__(self, service: Service, runs: Sequence[Run]) -> None:
        self._store = service.store
        self._ids = [run.id for run in runs]

    @cached_property
    def outlines(self) -> Mapping[str, Outline]:
        return self._store.outlines(self._ids)

    @cached_property
    def events(self) -> Mapping[str, RowText]:
        return self._store.newest_system_rows(self._ids)

    def last_step(self, run: str) -> int | None:
        found = self.outlines.get(run)
        return found.last_step if found else None

    def newest_event(self, run: str) -> str:
        """The last system metrics, as a text."""
        row = self.events.get(run)
        return line(row) if row else "{}"

    def keys(self, run: str) -> dict[str, Any]:
        """Which metrics there are; `lastStep` bounds `scan_history`. Nobody counts values: at most one a step."""
        names = self.outlines[run].names if run in self.outlines else ()
        step = self.last_step(run)
        last = -1 if step is None else step
        counts = [{"type": "number", "count": last + 1}]
        return {
            "sets": [],
            "keys": {name: {"typeCounts": counts, "monotonic": False} for name in names},
            "lastStep": last,
        }


def sampled(service: Service, run: Run, arguments: Arguments) -> list[list[dict[str, Any]]]:
    specs = arguments.get("specs")
    listed = specs if isinstance(specs, list) else [specs]
    return [_sample(service, run, tokens.mapping(spec)) for spec in listed]


def _sample(service: Service, run: Run, spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows that have all `keys`, as objects. With `minStep` it is one page, `samples` steps wide.

    `maxStep` is the page's last step from clients since about 0.28, and the step after it from older ones.
    """
    wanted = [str(key) for key in spec.get("keys") or ()]
    if not wanted:
        return []
    least, most = _whole(spec.get("minStep")), _whole(spec.get("maxStep"))
    samples = _whole(spec.get("samples")) or SAMPLES
    before = None if most is None else most + 1
    if least is not None and before is not None and "samples" in spec:
        before = min(before, least + samples)
    rows = service.store.row_texts(run.id, since=least, before=before)
    found = (_picked(row, wanted) for row in rows)
    full = [picked for picked in found if picked is not None]
    return full if "minStep" in spec else _thinned(full, samples)


_MISSING = object()


def _picked(row: RowText, wanted: Sequence[str]) -> dict[str, Any] | None:
    """The row's values of these keys; None where it lacks one."""
    step, time, metrics = row
    values = json.loads(metrics)
    values["_step"] = step
    if time is not None:
        values["_timestamp"] = time
    picked = {key: _at(values, key) for key in wanted}
    return None if _MISSING in picked.values() else picked


def _at(values: Mapping[str, Any], key: str) -> Any:
    """A value by its name, or by a dotted one inside of nested mappings."""
    found = values.get(key, _MISSING)
    if found is _MISSING and "." in key:
        head, _, rest = key.partition(".")
        inner = values.get(head)
        return _at(inner, rest) if isinstance(inner, Mapping) else _MISSING
    return found


def _thinned(rows: Sequence[T], count: int) -> list[T]:
    """At most `count` rows, evenly taken, the last one among them."""
    if len(rows) <= count:
        return list(rows)
    return [rows[(index + 1) * len(rows) // count - 1] for index in range(count)]


def _count(arguments: Arguments) -> int:
    value = arguments.get("samples")
    return value if isinstance(value, int) and value > 0 else SAMPLES


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) else None
