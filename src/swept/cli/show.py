"""`swept show`: a sweep with its runs, or one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from swept.analysis.best import Best
from swept.analysis.configuration import flat
from swept.analysis.document import expected
from swept.analysis.figures import figure
from swept.analysis.results import leader
from swept.analysis.text import standing
from swept.cli.locate import SWEEP_ID, client_for, sweep_or_run
from swept.cli.ls import manual_lines
from swept.cli.output import as_json, data, print_json
from swept.cli.render import clip, duration, moment, table
from swept.cli.views import advice_of, question_of, runs_of, spec_of
from swept.client import Client
from swept.model import RunState
from swept.wire.runs import AttemptView, OrderView, RunView
from swept.wire.sweeps import SweepView

SWEEP_FIELDS = ("schema", "id", "name", "state", "method", "metric")
RUN_FIELDS = (
    "id",
    "number",
    "kind",
    "state",
    "config",
    "effective_config",
    "value",
    "best_value",
    "steps",
    "attempts",
    "why",
    "ended_because",
)
OWN_FIELDS = ("name", "project", "sweep", "parent", "summary", "details")
"""What `swept show RUN --json` has beside them."""
_FIGURES = (
    "predicted_mean",
    "predicted_sd",
    "predicted_band",
    "expected_improvement",
    "runs_modelled",
)
SHOWN = 40
"""Lines of a summary, at most."""


@click.command("show")
@SWEEP_ID
@as_json
def command(sweep: str | None, as_json: bool) -> None:
    """Show a sweep with its runs, or one run; ID may be a run's.

    Example: swept show 8k2fq1zd --json
    """
    with client_for(sweep) as client:
        found = sweep_or_run(client, sweep)
        last = last_step(client, found.run) if found.run else None
        manual = client.manual_runs(found.sweep["project"]) if found.sweep else []
    if found.run is not None:
        print_json(whole_document(found.run, last)) if as_json else _show_run(found.run, last)
    elif found.sweep is not None:
        print_json(sweep_document(found.sweep)) if as_json else _show_sweep(found.sweep, manual)


def sweep_document(view: SweepView) -> dict[str, Any]:
    """The contract of docs/reference/json.md; `best` is the best run's id."""
    leader = best_of(view)
    plain: dict[str, Any] = dict(view)
    return {
        **{name: plain[name] for name in SWEEP_FIELDS},
        "best": leader.run.id if leader else None,
        "expected": expected(leader) if leader else None,
        "runs": [run_document(run) for run in view["runs"]],
    }


def best_of(view: SweepView) -> Best | None:
    if not view["metric"]:
        return None
    return leader(question_of(spec_of(view)), runs_of(view), advice_of(view))


def run_document(view: RunView) -> dict[str, Any]:
    plain: dict[str, Any] = dict(view)
    return {name: plain[name] for name in RUN_FIELDS}


def whole_document(view: RunView, last: int | None) -> dict[str, Any]:
    plain: dict[str, Any] = dict(view)
    own = {name: plain[name] for name in OWN_FIELDS}
    asked = {"chosen": view.get("chosen", {}), "orders": view.get("orders", [])}
    return {**run_document(view), **own, "last_step": last, **asked}


def last_step(client: Client, view: RunView) -> int | None:
    """The step of the last row, whatever is in it. The W&B client says it in its summary."""
    said = view["summary"].get("_step")
    if isinstance(said, int):
        return said
    rows = client.history(view["id"], since=view["steps"])
    return rows[-1]["step"] if rows else None


def _show_sweep(view: SweepView, manual: Sequence[RunView]) -> None:
    metric, leader = view["metric"], best_of(view)
    data(f"sweep   {view['id']}  {view['name']}")
    data(f"state   {view['state']}{_because(view['ended_because'])}")
    data(f"method  {view['method']}" + (f", {metric['goal']} {metric['name']}" if metric else ""))
    if view["path"]:
        data(f"file    {view['path']}")
    if leader:
        data(f"best    run {leader.run.number} ({leader.run.id}): {standing(leader)}")
        for line in filter(None, (leader.expected, leader.note)):
            data(f"        {line}")
    if not view["runs"]:
        data("no runs yet")
    else:
        data()
        head = ("RUN", "ID", "KIND", "STATE", "VALUE", "BEST", "STEPS", "TRIES", "WHY")
        for line in table(head, [_row(run) for run in view["runs"]]):
            data(line)
    for line in manual_lines(manual, metric["name"] if metric else None):
        data(line)


def _row(run: RunView) -> tuple[Any, ...]:
    return (
        run["number"],
        run["id"],
        run["kind"],
        run["state"],
        run["value"],
        run["best_value"],
        run["steps"],
        len(run["attempts"]),
        clip(_reason(run), 60),
    )


def _reason(run: RunView) -> str:
    """Why it ended as it did; of a run that simply finished, why it was started."""
    ordinary = run["state"] == RunState.FINISHED
    return run["why"] if ordinary else run["ended_because"] or run["why"]


def _show_run(run: RunView, last: int | None) -> None:
    data(f"run     {run['number']} ({run['id']})  {run['name']}")
    data(f"kind    {run['kind']}" + (f", of run {run['parent']}" if run["parent"] else ""))
    data(f"state   {run['state']}{_because(run['ended_because'])}")
    if run["curve"] or run["sweep"]:
        data(
            f"value   {figure(run['value'])} at step {run['steps']} (best along the curve {figure(run['best_value'])})"
        )
    data(f"step    {figure(last)}")
    for line in (*_chosen(run), *_described(run)):
        data(line)
    data("config")
    effective = flat(run["effective_config"] or {})
    for name, value in flat(run["config"]).items():
        real = effective.get(name, value)
        data(
            f"  {name} = {figure(value)}" + (f"  (really {figure(real)})" if real != value else "")
        )
    for line in _summary(run):
        data(line)
    for line in _story(run):
        data(line)
    for alert in run.get("alerts", ()):
        data(f"{alert['level'].lower():<7} {moment(alert['time'])}  {alert['title']}")
        for line in alert["text"].splitlines():
            data(f"        {line}")


def _chosen(run: RunView) -> Iterator[str]:
    """Why it was started with this configuration, and the figures behind it that the sentence leaves out."""
    if run["why"]:
        yield f"why     {run['why']}"
    chosen = run.get("chosen", {})
    figures = {name: chosen[name] for name in ("strategy", *_FIGURES) if name in chosen}
    if len(figures) > 1:
        shown = ", ".join(f"{name.replace('_', ' ')} {_plain(figures[name])}" for name in figures)
        yield f"        {shown}"


def _plain(value: Any) -> str:
    """A figure, or a band as `0.43 to 0.45`."""
    return " to ".join(map(figure, value)) if isinstance(value, list) else figure(value)


def _story(run: RunView) -> list[str]:
    """Its attempts, and what was wanted of it in between and why, in order of time."""
    told = {order["reason"] for order in run.get("orders", ())}
    lines = [
        *((attempt["started"], _tried(attempt, told)) for attempt in run["attempts"]),
        *((order["time"], _ordered(order)) for order in run.get("orders", ())),
    ]
    return [line for _, line in sorted(lines, key=lambda item: item[0])]


def _tried(attempt: AttemptView, told: set[str]) -> str:
    """`told`: reasons that an order gives already."""
    spent = None if attempt["ended"] is None else attempt["ended"] - attempt["started"]
    since = f" from step {attempt['first_step']}" if attempt["first_step"] else ""
    reason = "" if attempt["reason"] in told else attempt["reason"]
    return (
        f"attempt {attempt['number']} on {attempt['host']}{since}, {moment(attempt['started'])}, {duration(spent)}: "
        f"{attempt['outcome'] or 'running'}{_because(reason)}"
    )


def _ordered(order: OrderView) -> str:
    return (
        f"{order['order']:<9}{moment(order['time'])}, by {order['by']}{_because(order['reason'])}"
    )


def _described(run: RunView) -> Iterator[str]:
    """Where it belongs, and what people have said of it."""
    details = run["details"]
    said = {
        "project": run["project"],
        "group": details.get("group"),
        "job": details.get("job_type"),
        "tags": ", ".join(map(str, details.get("tags") or ())),
    }
    yield from (f"{name:<7} {value}" for name, value in said.items() if value)
    for number, line in enumerate(str(details.get("notes") or "").splitlines()):
        yield f"{'' if number else 'notes':<7} {line}"


def _summary(run: RunView) -> Iterator[str]:
    """Its figures and words; not what the client keeps for itself, nor media and lists."""
    plain = {key: value for key, value in flat(run["summary"]).items() if _of_interest(key, value)}
    if plain:
        yield "summary"
    yield from (f"  {key} = {figure(value)}" for key, value in list(plain.items())[:SHOWN])
    if len(plain) > SHOWN:
        yield f"  and {len(plain) - SHOWN} more: --json"


def _of_interest(key: str, value: Any) -> bool:
    own = any(part.startswith("_") for part in key.split("."))
    return isinstance(value, str | int | float) and not own


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
