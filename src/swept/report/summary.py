"""What stands in a report without JavaScript, and on paper: the findings, the best runs, the history as SVG. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, TypeAlias

from swept.analysis.best import same_training, value_of
from swept.analysis.figures import figure
from swept.analysis.results import Question, Results
from swept.analysis.text import lines
from swept.model import Goal, Kind, Run, RunState
from swept.wire.insights import HealthCard, ImportanceRow, ImportanceView
from swept.wire.sweeps import SweepView

WIDTH, HEIGHT, EDGE = 720.0, 234.0, 12.0
LEFT, BELOW = 56.0, 26.0
"""Of the SVG: room for the numbers beside it and below."""
MOST_PARAMETERS = 8
MOST_MARKS = 200
Place: TypeAlias = Callable[[float], float]
MOST_IMPORTANT = 6
TENDENCY = 0.15
"""As the page has it: a weaker sign is none."""
_AFTER = frozenset({Kind.FINAL, Kind.COMPARE, Kind.CONFIRM})
_MARKS = {RunState.STOPPED: "▪", RunState.FAILED: "×", RunState.CRASHED: "×", RunState.KILLED: "×"}


def summary(
    view: SweepView,
    runs: Sequence[Run],
    question: Question,
    results: Results,
    notes: Iterable[str],
    importance: ImportanceView | None = None,
    health: Sequence[HealthCard] = (),
) -> str:
    """HTML for the inside of a `main`."""
    began = datetime.fromtimestamp(view["created"], UTC)
    because = f": {view['ended_because']}" if view["ended_because"] else ""
    parts = [
        f"<h1>{_text(view['name'])}</h1>",
        f"<p>Sweep {_text(view['id'])} of project {_text(view['project'])}, {_text(view['state'])}{_text(because)}; "
        f"method {_text(view['method'])}, {len(runs)} runs since {began:%Y-%m-%d %H:%M} UTC.</p>",
        history(runs, question, results),
        table(question, results),
        remarks(health),
        shares(importance),
        "<h2>Findings</h2><pre>" + "\n".join(map(_text, lines(question, results))) + "</pre>",
    ]
    said = [f"<li>{_text(note)}" for note in notes]
    if said:
        parts.append("<h2>Not in this file</h2><ul>" + "".join(said) + "</ul>")
    return "\n".join(part for part in parts if part)


def table(question: Question, results: Results) -> str:
    """The best runs beside the baseline, with the parameters that were searched."""
    if not results.top:
        return ""
    names = sorted(question.swept - question.inert.keys())[:MOST_PARAMETERS]
    heads = "".join(f"<th>{_text(head)}" for head in ("run", question.metric, "step", *names))
    rows = [
        _row(str(item.run.number), item.value, item.step, item.run.config, names)
        for item in results.top
    ]
    reference, value = results.baseline, _baseline_value(question, results)
    if reference is not None and value is not None:
        name = f"{reference.number} (baseline)"
        rows.append(_row(name, value, reference.steps, reference.config, names))
    return (
        f"<h2>Best runs</h2><table><thead><tr>{heads}</thead><tbody>{''.join(rows)}</tbody></table>"
    )


def remarks(health: Sequence[HealthCard]) -> str:
    """The cards of the page, in its order."""
    items = "".join(
        f"<li><strong>{_coded(card['title'])}</strong>. {_coded(card['text'])}" for card in health
    )
    return f"<h2>Health</h2><ul>{items}</ul>" if items else ""


def shares(importance: ImportanceView | None) -> str:
    """What the parameters explain, the most important first, with the model's doubt."""
    rows = sorted(importance["rows"] if importance else (), key=lambda row: -row["share"])
    acting = [row for row in rows if not row["inert"]][:MOST_IMPORTANT]
    if importance is None or not acting:
        return ""
    caution = f" ({_text(importance['caution'])})" if importance["caution"] else ""
    told = "".join(
        f"<tr><td>{_text(row['parameter'])}{_explained(row)}<td>{_direction(row)}" for row in acting
    )
    return (
        "<h2>Importance</h2><p>How much of the differences between runs each parameter explains, and the range in which that "
        f"may lie, from {importance['runs']} runs{caution}.</p><table><thead><tr><th>parameter<th>share<th>range<th>better are"
        f"</thead><tbody>{told}</tbody></table>"
    )


def _explained(row: ImportanceRow) -> str:
    if row["share"] == 0.0 and row["low"] <= 0.0 and row["high"] >= 1.0:  # the model says nothing
        return "<td>not known<td>–"
    return f"<td>{100 * row['share']:.0f} %<td>{100 * row['low']:.0f} to {100 * row['high']:.0f} %"


def _direction(row: ImportanceRow) -> str:
    if row.get("between"):
        return "in between"
    if abs(row["sign"]) <= TENDENCY:
        return "–"
    return "larger values" if row["sign"] > 0 else "smaller values"


def _row(name: str, value: float, step: int, config: Mapping[str, Any], names: list[str]) -> str:
    settings = (figure(_value(config, parameter)) for parameter in names)
    return "<tr>" + "".join(
        f"<td>{_text(cell)}" for cell in (name, figure(value), str(step), *settings)
    )


def _value(config: Mapping[str, Any], name: str) -> Any:
    """By dotted name, or as it stands."""
    if name in config:
        return config[name]
    found: Any = config
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def history(runs: Sequence[Run], question: Question, results: Results) -> str:
    """Every run's value by its number, the best so far as a step line, the baseline dashed."""
    shown = [
        (run, value)
        for run in runs
        if run.kind is not Kind.PRIOR
        and (value := value_of(run, question.goal, question.at)) is not None
    ]
    if not shown:
        return ""
    reference = _baseline_value(question, results)
    levels = [] if reference is None else [reference]
    low, high = _range([*(value for _, value in shown), *levels])
    first, last = min(run.number for run, _ in shown), max(run.number for run, _ in shown)

    def x(number: float) -> float:
        return LEFT + (WIDTH - LEFT - EDGE) * (number - first) / max(1, last - first)

    def y(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return HEIGHT - BELOW - (HEIGHT - EDGE - BELOW) * share

    after = any(run.kind in _AFTER for run, _ in shown)
    ours = {run.id for run in same_training((run for run, _ in shown), question.fixed)}
    counted = [(run, value) for run, value in shown if run.id in ours]
    corners = "".join(_best_so_far(counted, question.goal, x, y))
    drawn = [
        *_marks([(run, value, x(run.number), y(value)) for run, value in shown]),
        f'<path class="best" d="{corners}"/>',
        *(
            f'<path class="baseline" d="M{LEFT:.1f} {y(level):.1f}H{WIDTH - EDGE:.1f}"/>'
            for level in levels
        ),
        *(
            f'<text x="{LEFT - 6:.0f}" y="{y(value) + 4:.1f}" text-anchor="end">{_text(figure(value))}</text>'
            for value in (low, high)
        ),
        *(
            f'<text x="{x(number):.0f}" y="{HEIGHT - 6:.0f}" text-anchor="{anchor}">run {number}</text>'
            for number, anchor in {first: "start", last: "end"}.items()
        ),
    ]
    name = f"{question.metric} of {len(shown)} runs in their order, and the best so far"
    return (
        f'<figure><svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="{_text(name)}">'
        + "".join(drawn)
        + f"</svg><figcaption>{_text(name)}{'; dashed: the baseline' if levels else ''}; "
        f"▪ stopped early, × failed{', ◆ trained after the search' if after else ''}.</figcaption></figure>"
    )


def _baseline_value(question: Question, results: Results) -> float | None:
    run = results.baseline
    return None if run is None else value_of(run, question.goal, question.at)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """What is drawn: all values, but for those far outside of the middle half, which would flatten the rest."""
    ordered = sorted(values)
    low, high = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    reach = 4.0 * (high - low)
    low = max(ordered[0], low - reach) if reach else ordered[0]
    high = min(ordered[-1], high + reach) if reach else ordered[-1]
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _marks(places: Sequence[tuple[Run, float, float, float]]) -> Iterator[str]:
    """Of many runs only dots, as one path: a thousand elements with their titles would be a fifth of the file."""
    if len(places) <= MOST_MARKS:
        yield from (_mark(*place) for place in places)
        return
    dots = "".join(f"M{x:.0f} {y:.0f}h0" for *_, x, y in places)
    yield f'<path class="dots" d="{dots}"/>'


def _mark(run: Run, value: float, x: float, y: float) -> str:
    title = f"<title>run {run.number} ({_text(str(run.state))}): {_text(figure(value))}</title>"
    sign = _MARKS.get(run.state, "◆" if run.kind in _AFTER else None)
    if sign is None:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5">{title}</circle>'
    return (
        f'<text class="mark" x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{sign}{title}</text>'
    )


def _best_so_far(
    shown: Sequence[tuple[Run, float]], goal: Goal, x: Place, y: Place
) -> Iterator[str]:
    """Of whole trainings of the search: the baseline has a line of its own, a final training other steps, a repeat luck.
    Only its corners, and to the end: those of a thousand runs are few."""
    best = None
    for run, value in sorted(shown, key=lambda item: item[0].number):
        if run.state is not RunState.FINISHED or run.kind is not Kind.SEARCH:
            continue
        if best is None:
            yield f"M{x(run.number):.1f} {y(value):.1f}"
            best = value
        elif goal.better(value, best):
            yield f"H{x(run.number):.1f}V{y(value):.1f}"
            best = value
    if best is not None:
        yield f"H{WIDTH - EDGE:.1f}"


def _coded(text: str) -> str:
    """What is typed in backticks, set."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", _text(text))


def _text(text: str) -> str:
    """As HTML text; control characters, which no HTML may have, as their pictures."""
    return escape("".join(_visible(character) for character in text))


def _visible(character: str) -> str:
    code = ord(character)
    if code < 32 and character not in "\n\t":
        return chr(0x2400 + code)
    return "�" if 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 else character
