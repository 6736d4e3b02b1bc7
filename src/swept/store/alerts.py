"""What a program tells people by `run.alert`: events of type `run.alert`."""

from __future__ import annotations

from sqlalchemy import Connection

from swept.model import Event
from swept.store import events, runs
from swept.store.work import Work

TYPE = "run.alert"


def add(work: Work, run: str, *, title: str, text: str, level: str, wait: float) -> bool:
    """Write the event, unless the run said the same title within `wait` seconds. Raises NotFound."""
    row = runs.find(work.connection, run)
    since = work.now - wait
    if any(
        event.time > since and event.data.get("title") == title
        for event in of_run(work.connection, run)
    ):
        return False
    data = {"title": title, "text": text, "level": level}
    work.event_of(TYPE, row.sweep, run, data)
    return True


def of_run(connection: Connection, run: str) -> list[Event]:
    """The last ones, oldest first."""
    return events.of_run(connection, run, (TYPE,))
