"""What `define_metric` said, from the client's records to plain words. Pure.

The client keeps a list of records with numbers for names, those of its `MetricRecord`, in the config it sends
(`_wandb.value.m`), and for what the charts of `wandb.plot` need another entry (`_wandb.value.visualize`). What
`fork_from` named stands there too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from swept.server.wandb import tokens
from swept.wire.runs import DefinedMetric

_SUMMARIES = {1: "min", 2: "max", 3: "mean", 4: "best", 5: "last", 6: "none", 7: "copy", 8: "first"}
_GOALS = {1: "minimize", 2: "maximize"}
_STEP_SYNC, _HIDDEN = 1, 2


def metrics(records: Any) -> dict[str, DefinedMetric]:
    """Metric, or glob, → what was defined for it; of what was defined already, that stays as it is."""
    if isinstance(records, Mapping):
        return dict(records)
    listed = [record for record in _list(records) if isinstance(record, Mapping)]
    names = [_name(record) for record in listed]
    return {
        name: _metric(record, names)
        for name, record in zip(names, listed, strict=True)
        if name and not _only_a_step(record)
    }


def records_of(config: Any) -> list[Any]:
    """The records of `define_metric` in a config."""
    return _list(_bookkeeping(config).get("m"))


def records(metrics: Mapping[str, DefinedMetric]) -> list[dict[str, Any]]:
    """The records that `metrics` came from, as the client writes them."""
    return [_record(name, metric) for name, metric in metrics.items()]


def charts_of(config: Any) -> dict[str, Any]:
    """Key of a table → the custom chart that is drawn from it."""
    entry = _bookkeeping(config)
    return {**tokens.mapping(entry.get("viz")), **tokens.mapping(entry.get("visualize"))}


def branch_of(config: Any) -> tuple[str, int] | None:
    """The run and step that `fork_from` (or `resume_from`) named."""
    point = tokens.mapping(_bookkeeping(config).get("branch_point"))
    run, step = point.get("run_id"), point.get("step")
    if not isinstance(run, str) or not isinstance(step, int | float):
        return None
    return run, int(step)


def _bookkeeping(config: Any) -> Mapping[str, Any]:
    entry = tokens.mapping(config).get("_wandb")
    return tokens.mapping(entry.get("value")) if isinstance(entry, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _numbers(value: Any) -> list[int]:
    return [one for one in _list(value) if isinstance(one, int)]


def _name(record: Mapping[str, Any]) -> str:
    return _plain(record.get("1")) or _plain(record.get("2"))


def _plain(name: Any) -> str:
    """A dot that belongs to a name is written `\\.`."""
    return name.replace("\\.", ".") if isinstance(name, str) else ""


def _only_a_step(record: Mapping[str, Any]) -> bool:
    """The client adds records for metrics that others name as their step."""
    return not any(record.get(key) for key in ("4", "5", "6", "7", "8"))


def _metric(record: Mapping[str, Any], names: Sequence[str]) -> DefinedMetric:
    options = _numbers(record.get("6"))
    return {
        "step_metric": _step_metric(record, names),
        "step_sync": _STEP_SYNC in options,
        "hidden": _HIDDEN in options,
        "summary": [_SUMMARIES[one] for one in _numbers(record.get("7")) if one in _SUMMARIES],
        "goal": "".join(_GOALS.get(one, "") for one in _numbers([record.get("8")])),
    }


def _step_metric(record: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """By name, or as the place of its record in the list, counted from 1."""
    place = record.get("5")
    if isinstance(place, int) and 0 < place <= len(names):
        return names[place - 1]
    return _plain(record.get("4")) or None


def _record(name: str, metric: DefinedMetric) -> dict[str, Any]:
    options = [_STEP_SYNC] * metric["step_sync"] + [_HIDDEN] * metric["hidden"]
    written = {
        "2" if "*" in name else "1": _escaped(name),
        "4": _escaped(metric["step_metric"] or ""),
        "6": options,
        "7": [number for number, word in _SUMMARIES.items() if word in metric["summary"]],
        "8": next((number for number, word in _GOALS.items() if word == metric["goal"]), None),
    }
    return {key: value for key, value in written.items() if value}


def _escaped(name: str) -> str:
    return name.replace(".", "\\.")
