"""The live terminal view as lines of text: pure, from one look at the sweep to at most `height` lines.

From 80×24 on everything has its place; smaller terminals lose events first, then runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap

from rich.text import Text

from swept.analysis.comparison import Comparison
from swept.analysis.estimate import remaining, steps_done
from swept.analysis.figures import figure
from swept.analysis.progress import longest_finished
from swept.analysis.results import Question, Results
from swept.analysis.text import difference, standing
from swept.cli.changes import tally
from swept.cli.render import bar, clip, duration, printable, sparkline
from swept.model import COUNTED_KINDS, Run, RunState

STYLES = {
    RunState.RUNNING: "bold",
    RunState.FINISHED: "green",
    RunState.STOPPED: "yellow",
    RunState.FAILED: "red",
    RunState.CRASHED: "red",
    RunState.PENDING: "dim",
    RunState.PAUSED: "cyan",
    RunState.KILLED: "dim",
}
_FEWEST_EVENTS, _MOST_EVENTS = 3, 6
_FIXED_COLUMNS = 6 + 9 + 9 + 9 + 4  # number, kind, value, state, gaps


@dataclass(frozen=True, slots=True)
class Look:
    """All that one frame shows. `began`: when this agent started, for the elapsed time; `footer`: what Ctrl+C does."""

    title: str
    state: str
    runs: Sequence[Run]
    question: Question
    results: Results
    events: Sequence[str]
    slots: int
    began: float
    now: float
    page: str
    footer: str
    problem: str = ""  # the server does not answer, say


def frame(look: Look, width: int, height: int) -> list[Text]:
    """At most `height` lines of at most `width` columns."""
    head = [*_head(look, width), *_standing(look, width)]
    foot = [Text(clip(look.footer, width), style="dim")]
    if look.problem:
        foot.insert(0, Text(clip(look.problem, width), style="red"))
    free = max(height - len(head) - len(foot) - 2, 0)  # 2: the column names, an empty line
    room = max(min(_MOST_EVENTS, free // 3), min(_FEWEST_EVENTS, free // 2))
    events = _events(look.events, room, width)
    shown = chosen_runs(look.runs, free - len(events))
    rows = [_columns(look, width), *(_row(look, run, width) for run in shown)] if shown else []
    return [*head, *rows, Text(""), *(Text(line) for line in events), *foot][:height]


def chosen_runs(runs: Sequence[Run], room: int) -> list[Run]:
    """The runs to show when not all fit: running ones, then the latest ended, then those that wait."""
    order = {RunState.RUNNING: 0, RunState.PAUSED: 2, RunState.PENDING: 3}
    by_interest = sorted(
        runs, key=lambda run: (order.get(run.state, 1), -(run.ended or 0.0), run.number)
    )
    return sorted(by_interest[: max(room, 0)], key=lambda run: run.number)


def eta(look: Look) -> str:
    """`about 12 min 30 s left`, or why there is no estimate."""
    question = look.question
    estimate = remaining(
        look.runs,
        max_runs=question.max_runs,
        epochs=question.epochs or longest_finished(look.runs),
        slots=look.slots,
        now=look.now,
    )
    return estimate.why if estimate.seconds is None else f"about {duration(estimate.seconds)} left"


def progress(look: Look) -> str:
    """`5 of 12 done (4 finished, 1 stopped, 2 running)`."""
    counted = [run for run in look.runs if run.kind in COUNTED_KINDS] or list(look.runs)
    done = sum(run.state.ended for run in counted)
    total = max(look.question.max_runs or 0, len(counted))
    return f"{done} of {total} done ({tally(look.runs) or 'none started'})"


def _head(look: Look, width: int) -> list[Text]:
    first = Text(clip(f"{look.title}  {look.state}", width), style="bold")
    time = f"time  {duration(look.now - look.began)} elapsed, {eta(look)}"
    return [
        first,
        Text(clip(time, width)),
        Text(clip(f"runs  {progress(look)}", width)),
        Text(clip(f"page  {look.page}", width), style="dim"),
    ]


def _standing(look: Look, width: int) -> list[Text]:
    """Best so far against the baseline, and the targets."""
    found, comparison = look.results.best, look.results.comparison
    if found is None:
        return [Text(clip(f"best  no value of {look.question.metric or 'a metric'} yet", width))]
    partly = "" if found.finished else " so far"
    line = f"best  run {found.run.number}: {figure(found.value)}{partly}"
    if found.advice is not None and not found.finished:
        line = f"best  run {found.run.number}: {standing(found)}"
    elif found.advice is not None:
        line += f" (expected {figure(found.advice.value)})"
    if comparison is not None:
        line += f"; baseline {figure(comparison.reference_value)} at step {comparison.step}: {difference(comparison)}"
    lines = [Text(clip(line, width))]
    if comparison is not None:
        obstacle = _reserve(comparison, known=look.results.noise is not None)
        lines += [Text(clip(f"      {obstacle}", width), style="dim")] if obstacle else []
    if look.results.targets:
        marks = "  ".join(
            f"{'✓' if target.reached else '·'} {target.name} {figure(target.value)}"
            for target in look.results.targets
        )
        lines.append(Text(clip(f"goal  {marks}", width)))
    return lines


def _reserve(comparison: Comparison, *, known: bool) -> str:
    """What keeps the comparison from being a finding; "" for nothing. `known`: what luck gives is."""
    if not comparison.complete:
        return "not both have finished: this may yet turn around"
    if comparison.obstacles:
        return "not comparable as it stands, see `swept analyze`"
    return "" if known else "single run each, noise unknown: the difference may be luck"


def _columns(look: Look, width: int) -> Text:
    curve, steps = _widths(width)
    line = f"{'run':>5} {'kind':<8} {'steps':<{steps}} {'curve':<{curve}} {'value':>8} state"
    return Text(clip(line, width) if len(line) > width else line, style="dim")


def _row(look: Look, run: Run, width: int) -> Text:
    curve_width, steps_width = _widths(width)
    low, high = _scale(look.runs)
    curve = sparkline([point.value for point in run.curve], curve_width, low, high)
    found = look.results.best
    star = "*" if found and found.run.id == run.id else " "
    text = (
        f"{star}{run.number:>4} {run.kind:<8} {_steps(look, run, steps_width)} {curve:<{curve_width}} "
        f"{figure(run.value):>8} "
    )
    ended = run.state.ended and run.state is not RunState.FINISHED
    reason = run.ended_because if ended else str(run.why.get("reason", ""))
    line = Text(text[:width])
    line.append(str(run.state)[: max(width - len(text), 0)], style=STYLES.get(run.state, ""))
    room = width - len(line) - 2
    if reason and room >= 12:
        line.append(f"  {clip(reason, room)}", style="dim")
    return line


def _steps(look: Look, run: Run, width: int) -> str:
    """A bar with `8/12`, or the bare number where the full length is not known."""
    full = look.question.epochs
    if look.question.epochs_parameter is not None:
        own = run.config.get(look.question.epochs_parameter, full)
        full = int(own) if isinstance(own, int | float) else full
    done = steps_done(run)
    if not full:
        return f"{done:<{width}}"
    label = f" {done}/{full}"
    return f"{bar(done / full, max(width - len(label), 0))}{label}"[:width].ljust(width)


def _widths(width: int) -> tuple[int, int]:
    """Columns for curve and steps: they share what the others leave, within bounds."""
    free = max(width - _FIXED_COLUMNS - (24 if width > 100 else 0), 12)
    steps = min(max(free * 2 // 5, 8), 24)
    return min(max(free - steps, 4), 30), steps


def _scale(runs: Iterable[Run]) -> tuple[float, float]:
    """One scale for all curves, so that heights can be compared between rows."""
    values = [point.value for run in runs for point in run.curve if math.isfinite(point.value)]
    return (min(values), max(values)) if values else (0.0, 1.0)


def _events(events: Sequence[str], room: int, width: int) -> list[str]:
    """The last lines of the last events, long ones broken: what Ctrl+C does next stands at a line's end."""
    if room <= 0:
        return []
    lines = [
        line
        for event in events[-room:]
        for line in wrap(printable(event), max(width, 8), subsequent_indent="  ")
    ]
    return lines[-room:]
