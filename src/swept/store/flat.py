"""A run's config, summary and details as flat values: what filters and orders look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select

from swept.store import schema, visible
from swept.store.codec import plain
from swept.store.conditions import Source
from swept.store.work import Work

LONGEST_KEY = 400  # PostgreSQL's indexes take no longer ones; nobody filters by such a name
PROGRAM_CONFIG = "wandb_config"
"""In a run's details: the whole config as its program has it, over what was suggested."""
DETAILS = ("group", "job_type", "host", "tags", "notes", "description", "program", "commit")

_COLUMNS = ("run", "source", "key", "number", "text")


def whole_config(config: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Any]:
    """What was suggested, under what the program says it has."""
    own = details.get(PROGRAM_CONFIG)
    return {**config, **(own if isinstance(own, Mapping) else {})}


def keep_config(
    work: Work, run: str, config: Mapping[str, Any], details: Mapping[str, Any]
) -> None:
    """Replace the run's flat config and details."""
    keep(work, run, "config", whole_config(config, details))
    keep(work, run, "details", {key: details[key] for key in DETAILS if details.get(key)})


def keep(work: Work, run: str, source: Source, values: Mapping[str, Any]) -> None:
    """Replace the run's flat values of that source."""
    table = schema.flat_values
    work.connection.execute(delete(table).where(table.c.run == run, table.c.source == source))
    _add(work, run, source, visible.flatten(values))


def change(
    work: Work, run: str, source: Source, values: Mapping[str, Any], changed: Mapping[str, Any]
) -> None:
    """As `keep` of `values`, of which only `changed` may differ from what is kept, and is plain as it was before."""
    if any(map(nested, changed.values())):
        keep(work, run, source, values)
    else:
        _add(work, run, source, visible.flatten(changed))


def add_names(work: Work, run: str, names: Iterable[str]) -> None:
    """The run's history has values of these names."""
    _add(work, run, "history", dict.fromkeys(names))


def names(connection: Connection, runs: Sequence[str]) -> Mapping[str, list[str]]:
    """Run → what its history has values of."""
    table = schema.flat_values.c
    statement = select(table.run, table.key).where(table.run.in_(runs), table.source == "history")
    found: dict[str, list[str]] = defaultdict(list)
    for run, key in connection.execute(statement.order_by(table.run, table.key)):
        found[run].append(key)
    return found


def nested(value: Any) -> bool:
    """Whether the value has more, or less, than one flat one."""
    return value is None or isinstance(value, Mapping | list | tuple)


def _add(work: Work, run: str, source: Source, flat: Mapping[str, float | str | None]) -> None:
    rows = [
        (run, source, plain(key), *_pair(value))
        for key, value in flat.items()
        if len(key) <= LONGEST_KEY
    ]
    work.upsert_text(schema.flat_values, _COLUMNS, rows)


def _pair(value: float | str | None) -> tuple[float | None, str | None]:
    return (None, plain(value)) if isinstance(value, str) else (value, None)
