"""Short ways to bring a store into a situation: a sweep, a running run, its reports."""

from __future__ import annotations

from typing import Any

from swept.model import Kind, Outcome, Run, Start, Sweep
from swept.store.base import Ended, Lease, NewSweep, Store
from swept.wire.reports import Report

NOW = 1_700_000_000.0


def new_sweep(path: str = "", metric: str = "loss") -> NewSweep:
    return NewSweep("project", "a sweep", {"method": "random"}, "hash", "text", path, metric=metric)


def start(kind: Kind = Kind.SEARCH, **config: Any) -> Start:
    return Start(kind, config, 1, {"reason": "because"})


def log(seq: int, step: int | None, **metrics: Any) -> Report:
    return {"seq": seq, "type": "log", "time": NOW, "step": step, "metrics": metrics}


def checkpoint(seq: int, step: int, host: str = "disk") -> Report:
    return {
        "seq": seq,
        "type": "checkpoint",
        "time": NOW,
        "step": step,
        "place": f"/{step}",
        "host": host,
    }


def resumed(seq: int, step: int) -> Report:
    return {"seq": seq, "type": "resumed", "time": NOW, "step": step}


def effective(seq: int, **config: Any) -> Report:
    return {"seq": seq, "type": "effective", "time": NOW, "config": config}


def program_config(seq: int, **config: Any) -> Report:
    return {"seq": seq, "type": "config", "time": NOW, "config": config}


def filled(store: Store, *starts: Start) -> Sweep:
    """A sweep with pending runs."""
    sweep = store.create_sweep(new_sweep(), now=NOW)
    assert store.add(sweep.id, store.history(sweep.id).token, starts or [start()], now=NOW)
    return sweep


def claim(store: Store, sweep: str | None, request: str = "r1", **asking: Any) -> Lease | None:
    asking = {"agent": "agent", "host": "host", "now": NOW, **asking}
    return store.claim(sweep, request=request, **asking)


def running(store: Store, *reports: Report) -> Lease:
    """A claimed run of a new sweep, which has reported."""
    sweep = filled(store)
    lease = claim(store, sweep.id, f"first of {sweep.id}")
    assert lease is not None
    if reports:
        store.report(lease.run.id, lease.token, reports, now=NOW)
    return lease


def end(store: Store, lease: Lease, outcome: Outcome, *, now: float = NOW, **values: Any) -> Ended:
    return store.complete(lease.run.id, lease.token, outcome, reason="why", now=now, **values)


def curve(run: Run) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in run.curve]


def types(store: Store, run: str) -> list[str]:
    return [event.type for event in store.events(run=run)]
