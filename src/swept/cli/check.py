"""`swept check FILE`: what a sweep file means, what it will cost, and everything that is wrong or notable."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from swept.errors import Problem, SpecError
from swept.outlook import Outlook, outlook
from swept.space import Parameter
from swept.spec import Spec, examine
from swept.stopping import median
from swept.stopping.decide import eta_of, rule, rungs_of
from swept.sweepfile.document import read
from swept.ultralytics.labels import missing
from swept.wire import encode

SHOWN_RUNGS = 6
USAGE = 2


@click.command(
    "check",
    epilog="Example: swept check sweep_config.yaml   or: swept check sweep_config.yaml --wandb > wandb.yaml",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--wandb", is_flag=True, help="Print the file without `swept:`, for W&B's own tools.")
@click.option("--strict", is_flag=True, help="Refuse parameters that cannot act.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(file: Path, wandb: bool, strict: bool, as_json: bool) -> None:
    """Say everything that is wrong or notable in the sweep file FILE.

    Prints the space as a table, what is fixed, the baseline, the rungs of early stopping and the epochs to expect;
    problems go to stderr. Exit 0 if the file can be used (warnings allowed), 2 if not.
    """
    spec, problems = _examined(file, strict=strict)
    if as_json:
        click.echo(json.dumps(encode(_as_data(file, spec, problems)), indent=2, allow_nan=False))
    elif wandb:
        click.echo(spec.wandb_yaml() if spec is not None else "", nl=False)
    elif spec is not None:
        _print(spec)
    if not as_json:
        _tell(problems, file)
    if spec is None:
        raise click.exceptions.Exit(USAGE)


def _examined(file: Path, *, strict: bool) -> tuple[Spec | None, list[Problem]]:
    try:
        text = read(file)
    except SpecError as error:
        return None, list(error.problems)
    spec, problems = examine(text, str(file), strict=strict)
    if spec is not None:
        problems += _program_missing(spec, file) + _data_missing(spec, file)
    return spec, problems


def _data_missing(spec: Spec, file: Path) -> list[Problem]:
    data = spec.space.fixed.get("data")
    if spec.options.adapter != "ultralytics" or not missing(data, file.parent):
        return []
    message = f"the dataset `data: {data}` is not there, seen from the sweep file's folder"
    hint = "every run would fail for it: put it there, or mend the path"
    return [Problem(message, "parameters.data", hint=hint, severity="warning")]


def _program_missing(spec: Spec, file: Path) -> list[Problem]:
    if spec.program is None or (file.parent / spec.program).exists():
        return []
    message = f"`program: {spec.program}` is not there, seen from the sweep file's folder"
    hint = "runs start in that folder; agents on other machines may have it"
    return [Problem(message, "program", hint=hint, severity="warning")]


def _tell(problems: Sequence[Problem], file: Path) -> None:
    for problem in problems:
        click.echo(f"{problem.severity}: {problem.render(str(file))}", err=True)
    errors = sum(problem.severity == "error" for problem in problems)
    if errors:
        click.echo(f"{errors} error{'s' * (errors > 1)}: the file cannot be used yet", err=True)


# -- for people -----------------------------------------------------------------------------------


def _print(spec: Spec) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    metric = spec.metric
    aim = f", {metric.goal} {metric.name}" if metric is not None else ""
    target = f" (ends at {metric.target:g})" if metric and metric.target is not None else ""
    console.print(f"Method: {spec.method}{aim}{target}")
    console.print(_space_line(spec))
    if spec.space.dimension:
        console.print(_table(spec))
    if spec.space.fixed:
        fixed = ", ".join(f"{name} {_brief(value)}" for name, value in spec.space.fixed.items())
        console.print(f"Fixed: {fixed}")
    for line in (*_purpose(spec), *_cost(spec, _outlook(spec))):
        console.print(line)


def _space_line(spec: Spec) -> str:
    searched = spec.space.dimension
    line = f"Searched: {searched} parameter{'s' * (searched != 1)}"
    if spec.inert:
        line += f", of which {len(spec.inert)} cannot act"
    return line


def _table(spec: Spec) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    baseline = spec.with_baseline()
    for title in ("parameter", "values", "distribution", *(["baseline"] if baseline else [])):
        table.add_column(title, overflow="fold")
    for parameter in spec.space:
        cells = [parameter.name, values_of(parameter), distribution_of(parameter, spec)]
        if baseline:
            cells.append(_brief(spec.space.get(baseline, parameter.name)))
        table.add_row(*cells)
    return table


def values_of(parameter: Parameter) -> str:
    """The domain in a few words."""
    if parameter.kind == "categorical":
        if parameter.probabilities is None:
            return ", ".join(map(_brief, parameter.values))
        pairs = zip(parameter.values, parameter.probabilities, strict=True)
        return ", ".join(f"{_brief(value)} ({share:.0%})" for value, share in pairs)
    step = f", step {parameter.q:g}" if parameter.q is not None else ""
    if parameter.low is not None and parameter.high is not None:
        return f"{_brief(parameter.low)} … {_brief(parameter.high)}{step}"
    if "beta" in parameter.distribution:
        return f"a {parameter.a:g}, b {parameter.b:g}{step}"
    return f"mu {parameter.mu:g}, sigma {parameter.sigma:g}{step}"


def distribution_of(parameter: Parameter, spec: Spec) -> str:
    words = parameter.distribution
    if parameter.kind == "categorical":
        words = f"{len(parameter.values)} values"
    return f"{words}; cannot act" if parameter.name in spec.inert else words


def _brief(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return text if len(text) <= 40 else f"{text[:39]}…"


def _purpose(spec: Spec) -> list[str]:
    lines = []
    if spec.options.baseline is not None:
        lines.append("Baseline: runs first, with the values in the table; it is never stopped")
    if spec.options.targets:
        targets = ", ".join(f"{name} {value:g}" for name, value in spec.options.targets.items())
        lines.append(f"Targets: {targets}")
    if spec.options.oom is not None:
        oom = spec.options.oom
        lines.append(
            f"Out of memory: tried again with {oom.reduce} × {oom.factor:g}, not below {oom.min:g}"
        )
    return lines


def _outlook(spec: Spec) -> Outlook:
    return outlook(spec, rungs_of(spec))


def _cost(spec: Spec, ahead: Outlook) -> list[str]:
    lines = [_stopping_line(spec, ahead)]
    if ahead.grid is not None:
        lines.append(f"Grid: {ahead.grid:,} configurations")
    lines.append(_runs_line(spec, ahead))
    if ahead.epochs is None:
        lines.append("Epochs: not known (`swept.epochs` would name the parameter that holds them)")
    elif ahead.total is None or ahead.runs is None:
        lines.append(f"Epochs: {_span(ahead.epochs)} a run")
    else:
        lines.append(
            f"Epochs: {ahead.runs:,} runs × {_span(ahead.epochs)} = {_span(ahead.total)} without early stopping"
        )
    if ahead.stopped is not None and ahead.total is not None:
        lines.append(
            f"        about {_span(ahead.stopped)} with Hyperband, if every stop is obeyed and runs come in random "
            f"order (all side by side … one after another); {ahead.total[1]:,} if each run beats those before it"
        )
    return lines


def _stopping_line(spec: Spec, ahead: Outlook) -> str:
    word = rule(spec)
    if word == "off":
        return "Early stopping: none"
    if word == "auto":
        return (
            "Early stopping: auto; predicted learning curves decide which run gets the next epochs"
        )
    if word == "median":
        first, runs = median.thresholds(spec)
        return f"Early stopping: median, from epoch {first} on, once {runs} runs have finished"
    if not ahead.rungs:
        return f"Early stopping: {word}, but no rung lies before the last epoch"
    shown = ", ".join(map(str, ahead.rungs[:SHOWN_RUNGS]))
    more = " …" if len(ahead.rungs) > SHOWN_RUNGS else ""
    of = f" of {_span(ahead.epochs)} epochs" if ahead.epochs is not None else " reports"
    share = f"about the best 1/{eta_of(spec):g} go on at each"
    pausing = ", the others pause" if word == "asha" else ""
    return f"Early stopping: {word}, rungs at {shown}{more}{of}; {share}{pausing}"


def _runs_line(spec: Spec, ahead: Outlook) -> str:
    hours = spec.options.budget_hours
    limit = f" or {hours:g} hours of all slots together" if hours is not None else ""
    if ahead.runs is None:
        return f"Runs: {f'until{limit[3:]}' if hours else 'no limit set'}"
    first = ", the baseline among them" if spec.options.baseline is not None else ""
    return f"Runs: {ahead.runs:,}{first}{limit}"


def _span(ends: tuple[int, int]) -> str:
    least, most = ends
    return f"{least:,}" if least == most else f"{least:,}–{most:,}"


# -- for scripts ----------------------------------------------------------------------------------


def _as_data(file: Path, spec: Spec | None, problems: Sequence[Problem]) -> dict[str, Any]:
    data: dict[str, Any] = {"schema": 1, "path": str(file), "ok": spec is not None}
    data["problems"] = [
        {
            "severity": problem.severity,
            "message": problem.message,
            "key": problem.key,
            "line": problem.line,
            "hint": problem.hint,
        }
        for problem in problems
    ]
    if spec is None:
        return data
    ahead = _outlook(spec)
    metric = spec.metric
    return data | {
        "hash": spec.hash,
        "method": spec.method,
        "metric": None if metric is None else {"name": metric.name, "goal": str(metric.goal)},
        "parameters": [_parameter_data(parameter, spec) for parameter in spec.space],
        "fixed": dict(spec.space.fixed),
        "baseline": spec.with_baseline(),
        "rungs": list(ahead.rungs),
        "runs": ahead.runs,
        "grid_size": ahead.grid,
        "epochs": {
            "per_run": ahead.epochs,
            "total": ahead.total,
            "with_early_stopping": ahead.stopped,
        },
        "inactive": list(spec.inactive),
    }


def _parameter_data(parameter: Parameter, spec: Spec) -> dict[str, Any]:
    inert = spec.inert.get(parameter.name)
    return {
        "name": parameter.name,
        "kind": parameter.kind,
        "distribution": parameter.distribution,
        "values": list(parameter.values) or None,
        "min": parameter.low,
        "max": parameter.high,
        "q": parameter.q,
        "levels": parameter.levels,
        "cannot_act": None if inert is None else inert.why,
    }
