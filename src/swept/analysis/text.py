"""`Results` as text for a terminal: lines of at most 80 columns where names allow, readable without colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from swept.analysis.best import Best
from swept.analysis.comparison import Comparison
from swept.analysis.configuration import Group
from swept.analysis.estimate import steps_done
from swept.analysis.figures import figure, span
from swept.analysis.noise import difference_sentence, noise_sentence
from swept.analysis.results import Question, Ranked, Results
from swept.analysis.spread import sentences
from swept.analysis.targets import Target

if TYPE_CHECKING:
    from swept.analysis.audit import Audit  # numpy and scipy: only where a model is asked for


def lines(question: Question, results: Results) -> list[str]:
    """The whole analysis."""
    parts: list[list[str]] = [
        best_lines(question, results),
        spread_lines(results),
        list(group_lines(results.groups)),
        list(_top_lines(question, results.top)),
        comparison_lines(question, results),
        noise_lines(results),
        target_lines(question, results.targets),
        list(_outcome_lines(results)),
        list(_inert_lines(results.inert)),
        audit_lines(question, results),
    ]
    joined: list[str] = []
    for part in filter(None, parts):
        joined += ["", *part] if joined else part
    return joined


def best_lines(question: Question, results: Results) -> list[str]:
    best = results.best
    if best is None:
        return [f"No run has reported `{question.metric}` yet: there is no best configuration."]
    head = f"Best: run {best.run.number} ({best.run.id}) {question.metric} {standing(best)} ({question.goal})"
    shown = best.run.best_value(question.goal)
    along = []
    if shown is not None and shown != best.value:
        along = [
            f"  along its curve {figure(shown)} (shown only: the best of many steps flatters long runs)"
        ]
    return [head, *along, *(f"  {line}" for line in _words(question, best, results.top))]


def standing(best: Best) -> str:
    """Its value; of a run that is not whole, which the model names, first what is expected: two steps of thirty tell little."""
    if best.finished or best.advice is None:
        return f"{figure(best.value)} at step {best.step}"
    full = best.advice.full
    return f"{figure(best.advice.value)} expected, {steps_done(best.run)} of {full} steps seen"


def _words(question: Question, best: Best, top: Sequence[Ranked]) -> Iterator[str]:
    """What to expect of the best, why it is that one, and what it lacks."""
    yield from filter(None, (best.expected,))
    if best.advice and top and question.goal.better(top[0].value, best.value):
        seen = f"run {top[0].run.number}: {figure(top[0].value)}"
        yield f"named by the model of all curves, not by the best value seen ({seen})"
    yield from filter(None, (best.note, remedy(question, best)))


def remedy(question: Question, best: Best) -> str:
    """The command that trains a run whole which the model names, and which was not; "" for none."""
    if best.finished or best.advice is None or not question.epochs_parameter:
        return ""
    return f"swept train {best.run.sweep} --epochs {best.advice.full} trains it whole"


def audit_lines(question: Question, results: Results) -> list[str]:
    """What early stopping has saved, and what it may have cost."""
    found = results.audit
    if found is None:
        return []
    head = f"Early stopping ({found.rule})"
    if not found.early:
        nothing = (
            f"no run ended early{_by_hand(found)}: nothing was saved, nothing can have been lost"
        )
        return [head, f"  {nothing}"]
    hours = "" if found.hours is None else f", about {span(found.hours)}"
    saved = f"saved {found.saved} of {found.full} steps ({_percent(found.share)}{hours})"
    ended = f"{found.early - found.waiting} of {found.runs} runs ended early{_by_hand(found)}"
    said = f"{saved}: {ended}"
    if found.waiting:
        wait = "waits" if found.waiting == 1 else "wait"
        said = f"so far {saved}: {found.waiting} {wait} at a rung and may go on, {ended}"
    return [head, *(f"  {line}" for line in (said, *_cost_lines(question, found)))]


def _by_hand(found: Audit) -> str:
    return f" (and {found.by_hand} by hand)" if found.by_hand else ""


def _cost_lines(question: Question, found: Audit) -> Iterator[str]:
    cost = found.cost
    if cost is None:
        yield "what that may have cost is not known: too few values, or too many runs for the model"
        return
    may = "if none goes on, may cost" if found.waiting else "may have cost"
    yield f"{may} {cost.loss:.2g} of {question.metric}, as the model of all curves expects:"
    most = ""
    if cost.most is not None:
        most = f" (run {cost.most.run}: {_percent(cost.most.chance)})"
    count = "none" if not cost.risky else str(cost.risky)
    yield f"{count} of them had a chance above 10 % to end better than run {cost.best}{most}"


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f} %"


def comparison_lines(question: Question, results: Results) -> list[str]:
    """Against the baseline run, with what the difference is worth."""
    title = "Against the baseline"
    if results.baseline is None and question.baseline:
        return [title, "  the baseline run has not started yet"]
    if results.baseline is None:
        return [title, "  no baseline run: `swept.baseline` in the sweep file adds one, run first"]
    if results.comparison is None:
        return [
            title,
            f"  run {results.baseline.number} ({results.baseline.state}) has no value to compare with yet",
        ]
    return [title, *(f"  {line}" for line in _comparison(results))]


def noise_lines(results: Results) -> list[str]:
    """What repeated runs say of luck, where no comparison with a baseline says it."""
    if results.noise is None or results.comparison is not None:
        return []
    return ["Noise", f"  {noise_sentence(results.noise)}"]


def difference(comparison: Comparison) -> str:
    """`+0.0310 (+4.3 %, better)`; before both have finished at one length `+0.0310 (ahead so far)`."""
    percent = f"{comparison.percent:+.1f} %, " if comparison.percent is not None else ""
    words = ("better", "worse") if comparison.complete else ("ahead so far", "behind so far")
    word = words[0] if comparison.better else words[1]
    word = "equal" if comparison.difference == 0 else word
    return f"{comparison.difference:+.4g} ({percent}{word})"


def spread_lines(results: Results) -> list[str]:
    """Whether the runs differ at all."""
    if results.spread is None:
        return []
    head, *said = sentences(results.spread, list(results.inert))
    return [head, *(f"  {line}" for line in said)]


def target_lines(question: Question, targets: Iterable[Target]) -> list[str]:
    found = list(targets)
    if not found:
        return []
    width = max(len(target.name) for target in found)
    return ["Targets", *(f"  {_target(target, width)}" for target in found)]


def _target(target: Target, width: int) -> str:
    word = "reached" if target.reached else "not reached"
    missing = f", {figure(target.gap)} missing" if target.gap else ""
    return f"{target.name:<{width}}  {figure(target.value):>7}  {word}{missing}"


def _comparison(results: Results) -> Iterator[str]:
    comparison = results.comparison
    if comparison is None:
        return
    run, reference = comparison.run, comparison.reference
    yield f"best      run {run.number:<4} {figure(comparison.value):>9} at step {comparison.step}"
    yield f"baseline  run {reference.number:<4} {figure(comparison.reference_value):>9} at step {comparison.step}"
    yield f"difference {difference(comparison)}"
    if not comparison.better and comparison.complete:
        yield "no search run beats the baseline: as it stands, the baseline is the configuration to keep"
    yield from comparison.obstacles
    tried = results.spread.runs if results.spread else 1
    yield difference_sentence(comparison.difference, results.noise, tried)


def group_lines(groups: Iterable[Group]) -> Iterator[str]:
    listed = list(groups)
    if not listed:
        return
    width = max(len(setting.name) for group in listed for setting in group.settings)
    yield "Configuration (baseline's value in brackets)"
    for group in listed:
        yield f"  {group.title}"
        for setting in group.settings:
            other = (
                ""
                if setting.baseline is None or setting.fixed
                else f"  [{figure(setting.baseline)}]"
            )
            inert = "  cannot act" if setting.inert else ""
            yield f"    {setting.name:<{width}}  {figure(setting.value)}{other}{inert}"


def _top_lines(question: Question, top: Iterable[Ranked]) -> Iterator[str]:
    listed = list(top)
    if not listed:
        return
    yield f"Top {len(listed)} of the finished search runs, by {question.metric}"
    for place, entry in enumerate(listed, start=1):
        yield f"  {place}. run {entry.run.number:<4} {figure(entry.value):>9}  step {entry.step:<5} {entry.run.id}"


def _outcome_lines(results: Results) -> Iterator[str]:
    outcomes = results.outcomes
    if not outcomes.counts:
        return
    yield "Runs: " + ", ".join(f"{count} {state}" for state, count in outcomes.counts.items())
    for reason, numbers in outcomes.failures:
        yield f"  run{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}: {reason}"
    if outcomes.in_common:
        yield f"  {outcomes.in_common} (a clue, no proof)"
    if results.left_out:
        older = ", ".join(map(str, results.left_out))
        yield f"  left out, since they were trained with other fixed values than the file has now: {older}"


def _inert_lines(inert: Mapping[str, str]) -> Iterator[str]:
    if inert:
        yield "Cannot act (held at their defaults, left out of the search)"
        yield from (f"  {name}: {why}" for name, why in inert.items())
