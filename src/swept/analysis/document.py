"""`Results` as documents for programs: the object of `swept analyze --json`, and `best.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import yaml

from swept.analysis.best import Best
from swept.analysis.comparison import Comparison
from swept.analysis.lineup import Entry, Lineup
from swept.analysis.noise import difference_sentence, noise_sentence
from swept.analysis.results import Question, Results
from swept.analysis.text import difference
from swept.model import Run
from swept.wire import encode

SCHEMA = 1
HEAD = "# Best configuration of sweep"


def results_document(sweep: str, question: Question, results: Results) -> dict[str, Any]:
    """JSON-able; documented in docs/reference/json.md."""
    best, reference = results.best, results.baseline
    document = {
        "schema": SCHEMA,
        "sweep": sweep,
        "metric": {"name": question.metric, "goal": str(question.goal)},
        "best": None
        if best is None
        else {
            **_run(best.run),
            "value": best.value,
            "step": best.step,
            "finished": best.finished,
            "expected": expected(best),
            "config": dict(best.run.config),
            "groups": {g.title: {s.name: s.value for s in g.settings} for g in results.groups},
        },
        "top": [{**_run(item.run), "value": item.value, "step": item.step} for item in results.top],
        "baseline": None if reference is None else {**_run(reference), "value": reference.value},
        "comparison": _comparison(results),
        "spread": None
        if results.spread is None
        else {**asdict(results.spread), "alike": results.spread.alike},
        "noise": None if results.noise is None else asdict(results.noise),
        "targets": [asdict(target) for target in results.targets],
        "outcomes": {str(state): count for state, count in results.outcomes.counts.items()},
        "failures": [
            {"reason": reason, "runs": list(numbers)}
            for reason, numbers in results.outcomes.failures
        ],
        "in_common": results.outcomes.in_common,
        "left_out": list(results.left_out),
        "inert": dict(results.inert),
        "audit": None
        if results.audit is None
        else {**asdict(results.audit), "share": results.audit.share},
    }
    encoded: dict[str, Any] = encode(document)
    return encoded


def lineup_document(sweep: str, metric: str, found: Lineup) -> dict[str, Any]:
    document = {
        "schema": SCHEMA,
        "sweep": sweep,
        "metric": metric,
        "entries": [_entry(item) for item in found.entries],
        "warnings": list(found.warnings),
    }
    encoded: dict[str, Any] = encode(document)
    return encoded


def best_yaml(sweep: str, question: Question, results: Results) -> str:
    """The best run's whole configuration, with where it comes from as comments. Needs `results.best`."""
    best = results.best
    if best is None:
        raise ValueError("there is no best run to write")
    notes = [
        f"{HEAD[2:]} {sweep}: run {best.run.number} ({best.run.id})",
        f"{question.metric} = {best.value:.6g} at step {best.step} ({question.goal})",
        best.expected,
        best.note,
        *_comparison_notes(results),
        *(f"{name} cannot act here: {why}" for name, why in results.inert.items()),
    ]
    head = "".join(f"# {line}\n" for note in notes if note for line in note.splitlines())
    body: str = yaml.safe_dump(encode(dict(best.run.config)), sort_keys=True, allow_unicode=True)
    return head + body


def expected(best: Best) -> dict[str, float] | None:
    """What another training of it is expected to end at; None where no model says so."""
    advice = best.advice
    if advice is None:
        return None
    return {"value": advice.value, "low": advice.low, "high": advice.high}


def _run(run: Run) -> dict[str, Any]:
    return {"id": run.id, "number": run.number, "kind": str(run.kind), "state": str(run.state)}


def _certainty(comparison: Comparison, results: Results) -> str:
    tried = results.spread.runs if results.spread else 1
    return difference_sentence(comparison.difference, results.noise, tried)


def _comparison(results: Results) -> Mapping[str, Any] | None:
    comparison = results.comparison
    if comparison is None:
        return None
    return {
        "run": comparison.run.id,
        "baseline": comparison.reference.id,
        "step": comparison.step,
        "value": comparison.value,
        "baseline_value": comparison.reference_value,
        "difference": comparison.difference,
        "percent": comparison.percent,
        "better": comparison.better,
        "obstacles": list(comparison.obstacles),
        "complete": comparison.complete,
        "certainty": _certainty(comparison, results),
    }


def _comparison_notes(results: Results) -> list[str]:
    comparison = results.comparison
    if comparison is None:
        luck = [noise_sentence(results.noise)] if results.noise else []
        return ["no baseline run to compare with", *luck]
    return [
        f"against the baseline run {comparison.reference.number} ({comparison.reference.id}) at step "
        f"{comparison.step}: {difference(comparison)}",
        *comparison.obstacles,
        _certainty(comparison, results),
    ]


def _entry(item: Entry) -> dict[str, Any]:
    return {
        "label": item.label,
        **_run(item.run),
        "steps": item.steps,
        "value": item.value,
        "test": dict(item.test),
        "parameters": item.parameters,
        "gflops": item.gflops,
        "speed": item.speed,
    }
