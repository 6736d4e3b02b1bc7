"""Server-sent events: changes of state and points of the objective, gapless over reconnects.

The id of a message is `EVENT.POINT`, the positions in both sequences after it, so that `Last-Event-ID` goes on
exactly there. A stream holds no thread while it waits.

One run's stream also has "pulse" messages: the run showed life (rows, system metrics, lines), which is neither an
event nor always a point of an objective. They say how far it is, and not what: who listens asks for what is missing.
Asked for its `rivals`, it has the events too by which other runs of its sweep get or lose their final value: a page that
compares the run with them needs no second connection, of which browsers allow few.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from swept import wire
from swept.errors import UsageError
from swept.server.auth import context_of, reading
from swept.server.context import Context

BATCH = 1000
RIVALS = frozenset(
    {
        "run.finished",
        "run.failed",
        "run.stopped",
        "run.killed",
        "run.paused",  # where a model decides, the best may be one of these
        "run.resumed",
        "run.crashed",
        "run.reopened",
        "run.revived",
        "run.imported",
        "run.changed",
        "run.deleted",
        "sweep.updated",
    }
)
REST_SECONDS = 0.1
"""Between two looks at the store, so that a storm of reports becomes few queries."""

router = APIRouter(prefix="/api")


@dataclass(frozen=True, slots=True)
class Position:
    event: int = 0
    point: int = 0

    def __str__(self) -> str:
        return f"{self.event}.{self.point}"

    def within(self, end: Position) -> Position:
        """A place behind the end is another store's: there is nothing to go on from, so it starts now."""
        beyond = self.event > end.event or self.point > end.point
        return end if beyond else self


@dataclass(frozen=True, slots=True)
class Feed:
    """What one listener hears: all, one sweep's, or one run's; with its `rivals`, those of that sweep."""

    context: Context
    sweep: str | None
    run: str | None
    rivals: str | None = None

    def after(self, position: Position) -> tuple[list[str], Position]:
        """The next messages and the position behind them; [] = nothing new."""
        store = self.context.store
        messages = []
        event, point = position.event, position.point
        sweep, run = (self.rivals, None) if self.rivals else (self.sweep, self.run)
        for happened in store.events(after=event, sweep=sweep, run=run, limit=BATCH):
            event = happened.number
            if not self.rivals or happened.run == self.run or happened.type in RIVALS:
                messages.append(message(f"{event}.{point}", "event", asdict(happened)))
        for reported in store.points_after(point, sweep=self.sweep, run=self.run, limit=BATCH):
            point = int(reported["cursor"])
            messages.append(message(f"{event}.{point}", "point", dict(reported)))
        return messages, Position(event, point)

    def look(
        self, position: Position, pulse: dict[str, Any]
    ) -> tuple[list[str], Position, dict[str, Any]]:
        """As `after`, and a word where the run has lived on since `pulse`."""
        messages, position = self.after(position)
        now = self.pulse()
        if now != pulse:
            messages.append(message(str(position), "pulse", now))
        return messages, position, now

    def pulse(self) -> dict[str, Any]:
        """How far the run is; {} where no run is listened to, or it is gone."""
        if self.run is None:
            return {}
        outline = self.context.store.outlines([self.run]).get(self.run)
        if outline is None:
            return {}
        seen = self.context.store.heartbeat_of(self.run)
        return {"run": self.run, "step": outline.last_step, "lines": outline.lines, "time": seen}

    def end(self) -> Position:
        """Behind all that has happened."""
        return Position(*self.context.store.position())


@router.get(
    "/events",
    dependencies=[Depends(reading)],
    responses={200: {"content": {"text/event-stream": {}}}},
    response_class=StreamingResponse,
)
async def events(
    request: Request,
    sweep: str | None = None,
    run: str | None = None,
    rivals: bool = False,
    after: str = "",
) -> StreamingResponse:
    """From now on; after `Last-Event-ID` (or `?after=`), "0.0" being the beginning. Starts with a "hello"."""
    context = context_of(request)
    own = await run_in_threadpool(_check, context, sweep, run)
    feed = Feed(context, sweep, run, own if rivals else None)
    named = request.headers.get("Last-Event-ID") or after
    end = await run_in_threadpool(feed.end)
    position = parse(named).within(end) if named else end
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        stream(context, feed, position), media_type="text/event-stream", headers=headers
    )


async def stream(context: Context, feed: Feed, position: Position) -> AsyncIterator[str]:
    """Messages as they happen; where there are none, a word now and then, so that a dead listener is noticed, and so that
    who connects again goes on behind all that was not for it."""
    context.listeners += 1
    try:
        quiet = context.clock.monotonic()
        pulse = await run_in_threadpool(feed.pulse)
        yield message(str(position), "hello", {})
        told = position
        while not context.stopping.is_set():
            rung, before = context.news.count(), position
            messages, position, pulse = await run_in_threadpool(feed.look, position, pulse)
            if messages:
                yield "".join(messages)
            elif context.clock.monotonic() - quiet > context.settings.keep_alive_seconds:
                yield ":\n\n" if position == told else message(str(position), "hello", {})
            elif position != before:  # there may be more
                continue
            else:
                # Seconds, not for ever: another process may write to the same PostgreSQL.
                await context.news.wait(rung, 1.0)
                await asyncio.sleep(REST_SECONDS)
                continue
            told, quiet = position, context.clock.monotonic()
    finally:
        context.listeners -= 1
        context.last_request = context.clock.now()


def message(position: str, type: str, data: dict[str, Any]) -> str:
    """ASCII only: some readers take U+2028 for the end of a line."""
    text = json.dumps(wire.encode(data), allow_nan=False, separators=(",", ":"))
    return f"id: {position}\nevent: {type}\ndata: {text}\n\n"


def parse(text: str) -> Position:
    event, dot, point = text.partition(".")
    if not (dot and event.isascii() and event.isdigit() and point.isascii() and point.isdigit()):
        raise UsageError(f"{text!r} is no position of the event stream", hint="it is EVENT.POINT")
    return Position(min(int(event), 2**62), min(int(point), 2**62))


def _check(context: Context, sweep: str | None, run: str | None) -> str | None:
    """The sweep of the run."""
    if sweep is not None:
        context.store.sweep(sweep)
    return context.store.run(run).sweep if run is not None else None
