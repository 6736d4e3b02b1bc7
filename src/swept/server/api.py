"""The native JSON API: the server itself, agents and sweeps. Paths and shapes are those of `swept.wire`.

Routes that only call the store or the engine are plain functions, which FastAPI runs in its thread pool; the
claim's long poll is a coroutine, so that waiting holds no thread.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from swept import __version__
from swept.errors import ServerUnreachable
from swept.model import Desired, Sweep
from swept.server.answers import Answer, documented
from swept.server.auth import context_of, reading, writing
from swept.server.context import Context
from swept.server.views import claimed_view, problems_view, run_view, sweep_view
from swept.server.wandb.service import INITED, marked
from swept.store.base import Order, RunFilter
from swept.wire.agents import (
    AgentAnswer,
    AgentStart,
    Beat,
    BeatAnswer,
    ClaimAnswer,
    ClaimRequest,
    RunOrder,
)
from swept.wire.runs import NewRun, RunView
from swept.wire.server import PROTOCOL, Handshake, ServerStatus
from swept.wire.sweeps import NewSweep, SpecUpdate, StateChange, SweepAnswer, SweepView

MAX_WAIT_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 2.0
"""A waiting claim looks again at least so often: not everything that makes a run claimable rings the bell."""

router = APIRouter(prefix="/api")


# -- the server -----------------------------------------------------------------------------------


@router.get("/handshake", responses=documented(Handshake))
async def handshake(request: Request) -> Answer:
    """Who is there. Needs no key. A server that is ending is not there: who asks starts the next one."""
    context = context_of(request)
    if context.stopping.is_set():
        raise ServerUnreachable(
            "the server is ending", hint="ask again: the next command starts it"
        )
    settings = context.settings
    answer: Handshake = {
        "app": "swept",
        "version": __version__,
        "protocol": PROTOCOL,
        "boot": settings.boot,
        "home": settings.home,
        "pid": settings.pid,
    }
    return Answer(answer)


@router.get("/status", dependencies=[Depends(reading)], responses=documented(ServerStatus))
def status(request: Request) -> Answer:
    context = context_of(request)
    settings, now = context.settings, context.clock.now()
    answer: ServerStatus = {
        "version": __version__,
        "url": settings.url,
        "pid": settings.pid,
        "started": settings.started,
        "store": settings.store_name,
        "leases": context.store.live_leases(now=now),
        "agents": sum(map(context.engine.at_work, context.store.agents())),
        "unknown": dict(context.unknown),
    }
    return Answer(answer)


@router.post("/stop", dependencies=[Depends(writing)])
def stop(request: Request) -> Answer:
    """End the server; trainings go on and buffer their reports."""
    context_of(request).stop()
    return Answer({})


# -- agents ---------------------------------------------------------------------------------------


@router.post("/agents", dependencies=[Depends(writing)], responses=documented(AgentAnswer))
def start_agent(body: AgentStart, request: Request) -> Answer:
    context = context_of(request)
    agent = context.store.add_agent(
        sweep=body.get("sweep"),
        host=body["host"],
        kind="swept",
        slots=body["slots"],
        now=context.clock.now(),
    )
    return Answer({"id": agent.id})


@router.post(
    "/agents/{agent}/heartbeat",
    dependencies=[Depends(writing)],
    responses=documented(BeatAnswer),
)
async def beat(agent: str, body: Beat, request: Request) -> Answer:
    """Renew leases, and hear what is wanted of their runs; holds up to `wait` seconds while that is known."""
    context = context_of(request)
    clock = context.clock
    until = clock.monotonic() + min(body.get("wait", 0.0), MAX_WAIT_SECONDS)
    rung = context.orders.count()
    answer = await run_in_threadpool(_beat, context, agent, body)
    heard = body.get("heard", {})
    if any(order["desired"] != heard.get(run, Desired.GO) for run, order in answer["runs"].items()):
        return Answer(answer)
    while (left := until - clock.monotonic()) > 0 and not context.stopping.is_set():
        await context.orders.wait(rung, left)
        rung = context.orders.count()
        if (
            await run_in_threadpool(_ordered, context, agent, heard)
            or await request.is_disconnected()
        ):
            break  # a run may have come since the leases were sent: the next heartbeat says what is wanted
    return Answer(answer)


def _beat(context: Context, agent: str, body: Beat) -> BeatAnswer:
    known = context.store.agent(agent)
    orders = context.engine.heartbeat(agent, body["leases"], leaving=body["draining"])
    state = context.store.sweep(known.sweep).state.value if known.sweep else ""
    runs = {run: _order(context, run, order) for run, order in orders.items()}
    return {"runs": runs, "sweep_state": state}


def _ordered(context: Context, agent: str, heard: Mapping[str, str]) -> bool:
    """Whether something is wanted of one of the agent's runs that it has not heard."""
    held = context.store.runs(RunFilter(held_by=agent))
    return any(run.desired != heard.get(run.id, Desired.GO) for run in held)


@router.post("/agents/{agent}/end", dependencies=[Depends(writing)])
def end_agent(agent: str, request: Request) -> Answer:
    context = context_of(request)
    context.store.end_agent(agent, now=context.clock.now())
    return Answer({})


def _order(context: Context, run: str, order: Order | None) -> RunOrder:
    if order is None:
        return {"lease": "lost", "desired": Desired.STOP.value, "reason": "the lease was lost"}
    told: RunOrder = {
        "lease": "ok",
        "desired": order.desired.value,
        "reason": order.reason,
    }
    if order.desired is Desired.STOP:
        told["wandb"] = marked(context.store.run(run), INITED)
    return told


# -- sweeps ---------------------------------------------------------------------------------------


@router.post("/sweeps", dependencies=[Depends(writing)], responses=documented(SweepAnswer))
def create_sweep(body: NewSweep, request: Request) -> Answer:
    sweep, created, difference, warnings = context_of(request).engine.create_sweep(
        body["text"],
        path=body["path"],
        mode=body["mode"],
        project=body.get("project"),
        name=body.get("name"),
        strict=body.get("strict", False),
    )
    return Answer(_sweep_answer(sweep, created, difference, problems_view(warnings)))


@router.get("/sweeps/{sweep}", dependencies=[Depends(reading)], responses=documented(SweepView))
def sweep_with_runs(sweep: str, request: Request) -> Answer:
    context = context_of(request)
    return Answer(_view(context, context.store.sweep(sweep)))


@router.put(
    "/sweeps/{sweep}/spec", dependencies=[Depends(writing)], responses=documented(SweepAnswer)
)
def update_spec(sweep: str, body: SpecUpdate, request: Request) -> Answer:
    found, difference, warnings = context_of(request).engine.update_spec(
        sweep, body["text"], body.get("path", "")
    )
    return Answer(_sweep_answer(found, False, difference, problems_view(warnings)))


@router.post(
    "/sweeps/{sweep}/state", dependencies=[Depends(writing)], responses=documented(SweepView)
)
def set_state(sweep: str, body: StateChange, request: Request) -> Answer:
    """running, paused, finished or cancelled."""
    context = context_of(request)
    found = context.engine.set_state(sweep, body["state"], body.get("reason", ""))
    # Without the model's advice: an order is answered at once.
    return Answer(_view(context, found, advise=False))


@router.post("/sweeps/{sweep}/runs", dependencies=[Depends(writing)], responses=documented(RunView))
def new_run(sweep: str, body: NewRun, request: Request) -> Answer:
    return Answer(run_view(context_of(request).engine.new_run(sweep, body)))


@router.post(
    "/sweeps/{sweep}/claim", dependencies=[Depends(writing)], responses=documented(ClaimAnswer)
)
async def claim(sweep: str, body: ClaimRequest, request: Request) -> Answer:
    """A run to work on; holds up to `wait` seconds while there is none."""
    context = context_of(request)
    clock = context.clock
    until = clock.monotonic() + min(body["wait"], MAX_WAIT_SECONDS)
    while True:
        rung = context.work.count()
        answer = await run_in_threadpool(_claim, context, sweep, body)
        left = until - clock.monotonic()
        if answer["status"] != "wait" or not left > 0 or context.stopping.is_set():
            return Answer(answer)
        await context.work.wait(rung, min(left, LOOK_AGAIN_SECONDS))
        if await request.is_disconnected():
            return Answer(answer)


def _claim(context: Context, sweep_id: str, body: ClaimRequest) -> ClaimAnswer:
    status, lease, why = context.engine.claim(sweep_id, body)
    if lease is None:
        return {"status": status, "claimed": None, "why": why}
    sweep = context.store.sweep(sweep_id)
    claimed = claimed_view(lease, sweep, context.engine.spec_of(lease.run))
    return {"status": status, "claimed": claimed, "why": why}


def _view(context: Context, sweep: Sweep, *, advise: bool = True) -> SweepView:
    runs = context.store.runs(RunFilter(sweep=sweep.id))
    agents = context.store.agents(sweep.id)
    spec, live = context.engine.spec(sweep), context.engine.at_work
    advice = context.engine.advice(sweep, runs) if advise else None
    return sweep_view(sweep, spec, runs, agents, live=live, advice=advice)


def _sweep_answer(
    sweep: Sweep, created: bool, difference: list[str], warnings: list[dict[str, object]]
) -> SweepAnswer:
    return {
        "id": sweep.id,
        "created": created,
        "state": sweep.state.value,
        "spec_version": sweep.spec_version,
        "difference": difference,
        "warnings": warnings,
    }
