"""The results as a page: tables in Markdown, with a plot for each view."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import score
from archive import machine
from job import Result
from peers import METHODS
from plan import version
from score import Cells, Interval
from views import View, cell, observed, recommended, views

OURS: Final = "swept"
WANDB: Final = "wandb-bayes-hyperband"
WHOLE: Final = 0.95
"""A method with fewer of the cells than this has no rank."""
NAMES: Final = {
    "observed": "the best value observed",
    "timed": "the best value observed, by wall-clock",
    "recommended": "the true worth of the recommended run",
    "incumbent": "the true worth of the config with the best value observed",
}
LEFT_OUT: Final = {
    "ifBO 0.4.1": "its model is no part of the package and is fetched from the web when first used",
}


def name(figure: Any) -> str:
    return NAMES[figure.__name__]


@dataclass(frozen=True)
class Standing:
    """A method in a view: its means at the marks, and ours minus it."""

    method: str
    n: int
    means: list[float]
    other: float
    rank: float
    against: list[Interval]


def standings(view: View, results: Iterable[Result]) -> list[Standing]:
    """Best at the last mark first."""
    by_method = view.select(results)
    last = view.marks[-1]
    cells = {m: [view.cells(found, mark) for mark in view.marks] for m, found in by_method.items()}
    most = max((len(found) for found in by_method.values()), default=0)
    whole = {m: table[-1] for m, table in cells.items() if len(table[-1]) >= WHOLE * most}
    ranks = score.average_ranks(whole) if whole else {}
    found = []
    for method, tables in cells.items():
        others = view.cells(by_method[method], last, view.other) if view.other else {}
        found.append(
            Standing(
                method,
                len(tables[-1]),
                [score.mean(list(table.values())) for table in tables],
                score.mean(list(others.values())),
                ranks.get(method, math.nan),
                _against(cells.get(OURS), tables) if method != OURS else [],
            )
        )
    return sorted(found, key=lambda each: each.means[-1])


def _against(ours: Sequence[Cells] | None, theirs: Sequence[Cells]) -> list[Interval]:
    return [score.difference(a, b) for a, b in zip(ours, theirs, strict=True)] if ours else []


# -- tables ---------------------------------------------------------------------------------------


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


_NOTHING: Final = "–"


def figure(value: float) -> str:
    return _NOTHING if math.isnan(value) else f"{value:.3f}"


def interval(found: Interval) -> str:
    return _NOTHING if not found.n else f"{found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


_SIGNS: Final = {"ahead": "+", "behind": "−", "within noise": "=", "not compared": "?"}


def signs(found: Sequence[Interval]) -> str:
    return " ".join(_SIGNS[score.verdict(each)] for each in found)


def view_section(view: View, results: Sequence[Result], plots: str) -> str:
    rows = standings(view, results)
    head = ["method", "n", *(f"@{mark}" for mark in view.marks)]
    head += ["rank", f"swept minus it @{view.marks[-1]} (90 %)", "swept is"]
    other = view.other
    if other:
        head.insert(-3, f"{other.__name__} @{view.marks[-1]}")
    lines = []
    for row in rows:
        line = [title(row.method), str(row.n), *map(figure, row.means)]
        line += [figure(row.other)] if other else []
        line += ["–" if math.isnan(row.rank) else f"{row.rank:.1f}"]
        line += [interval(row.against[-1]), signs(row.against)] if row.against else ["", ""]
        lines.append(line)
    tasks = sorted({r.job.task for found in view.select(results).values() for r in found})
    text = f"{len(tasks)} tasks: {', '.join(task.split('/', 1)[1] for task in tasks)}. The figure is {name(view.figure)}."
    parts = [
        f"### {view.title}",
        text,
        f"![{view.title}]({plots}/{view.slug}.svg)",
        table(head, lines),
    ]
    return "\n\n".join([*parts, worst(rows)])


def worst(rows: Sequence[Standing]) -> str:
    """In words: where swept is behind, or not."""
    behind = [title(row.method) for row in rows if any(each.behind for each in row.against)]
    if not any(row.method == OURS for row in rows):
        return "swept was not played here."
    if not behind:
        return "At no mark is swept behind a method by more than noise."
    return f"By more than noise, at one mark or more, swept is behind: {', '.join(behind)}."


def title(method: str) -> str:
    known = METHODS.get(method)
    text = known.title if known else method
    return f"**{text}**" if method == OURS else text


# -- how much sooner --------------------------------------------------------------------------------


def sooner(view: View, results: Sequence[Result]) -> list[list[str]]:
    """Steps until W&B's regret at its whole budget is reached, as a share of that budget.

    Per cell (its own level in each cell; never reached counts as the whole budget), and of the mean curves.
    """
    by_method = view.select(results)
    reference = {cell(r): r for r in by_method.get(WANDB, [])}
    rows = []
    for method, found in by_method.items():
        pairs = [(r, reference[cell(r)]) for r in found if cell(r) in reference]
        if not pairs:
            continue
        shares = {cell(r): reach(r, final(w)) for r, w in pairs}
        whole = score.ratio(shares, dict.fromkeys(shares, 1.0))
        level = score.mean([final(w) for _, w in pairs])
        scaled = [[(s / r.budget, t, v) for s, t, v in r.trace] for r, _ in pairs]
        curve = score.mean_to_reach(scaled, level, 1.0)
        never = score.mean([share >= 1 for share in shares.values()])
        text = f"{whole.mean:.2f} ({whole.low:.2f} to {whole.high:.2f})"
        rows.append(
            [f"{curve:.4f}", title(method), str(len(pairs)), f"{curve:.2f}", text, f"{never:.0%}"]
        )
    return [row[1:] for row in sorted(rows, key=lambda row: float(row[0]))]


def final(result: Result) -> float:
    return score.at_spent(result.trace, result.budget)


def reach(result: Result, level: float) -> float:
    return min(score.to_reach(result.trace, level, result.budget) / result.budget, 1.0)


# -- the page ----------------------------------------------------------------------------------------


def page(
    results: Sequence[Result], failures: Sequence[Mapping[str, Any]], plots: str, asked: str
) -> str:
    """`asked`: the options that it was made with, "" for the whole comparison."""
    shown = [view for view in views() if view.select(results)]
    sections = [head(results, asked), how(), "## Regret"]
    sections += [view_section(view, results, plots) for view in shown]
    sections += list(_sooner_sections(shown, results))
    sections += list(_ablations(results))
    sections += [costs(results), left_out(results, failures)]
    return "\n\n".join(sections) + "\n"


def head(results: Sequence[Result], asked: str) -> str:
    seeds = len({r.job.seed for r in results})
    command = f'make bench-search ARGS="{asked}"' if asked else "make bench-search"
    day = date.today()  # noqa: DTZ011 - the day where it ran
    return (
        "# The search against the field\n\n"
        f"One command makes this page: `{command}` (`ARGS=--quick` for a glance).\n"
        f"{day.day} {day:%B %Y}; {machine()}. {len(results):,} simulated sweeps, up to {seeds} seeds, of which\n"
        "those in `benchmarks/search/results/` were played on the machines and days that are written there;\n"
        f"swept's search is version `{version(OURS)}`, a hash of its code."
    )


def how() -> str:
    return """## How to read it

Each method plays the same sweeps through `swept.testing.simulate`, on the same tasks and seeds. The budget is 20 full trainings
(50 evaluations where there are no curves), one worker unless said. A run that is stopped early pays the steps it took, one that goes
on pays the further ones. *Regret* is 0 at the best value known of a task and 1 at the median of random configs, and is cut there. `@10` is
the mean after the cost of ten full trainings.

Differences are taken pairwise, on the same task and seed, with a 90 % bootstrap interval over tasks × seeds. In the last column a sign
for each mark says what they show of swept: `+` ahead by more than noise, `−` behind by more than noise, `=` within noise, `?` too few to say. The rank is the mean over
tasks × seeds at the last mark, 1 being best. Swept was made while looking
at the tasks under "tuned on". The others are not untouched: that a change does no harm was checked on the eight LCBench tasks of the first
comparison (seeds 0 to 5), of which three are among the six "not tuned on", and on all eight hpobench and four hpolib tables; the
untuned rugged and live tasks were played after a choice, and figures of this page told where to look (in `made-crossing`, and one sweep of `ratings` run by run). Three
LCBench tasks, shown apart, took part in no such check.

The smallest rung is 2 of 52 epochs and in proportion elsewhere, and eta is 3, for every method that has rungs. Methods that take
many CPU seconds are played with fewer seeds (`n`), and have no rank. What fewer than three quarters of the methods have played
of a table is not in it yet. A diverged step is not a number: methods
that can be told so are, the others are told the worst value of the sweep so far."""


def _sooner_sections(shown: Sequence[View], results: Sequence[Result]) -> Iterator[str]:
    made = []
    for view in shown:
        if view.figure is observed and view.workers == 1:
            rows = sooner(view, results)
            if rows:
                headings = ["method", "n", "mean curves", "per task and seed (90 %)", "never"]
                made.append(f"### Sooner: {view.title}\n\n{table(headings, rows)}")
    if made:
        yield (
            "## Steps to reach what W&B's bayes + hyperband reaches with its whole budget\n\n"
            "As a share of that budget: of the mean curves, and the mean over tasks and seeds, where what is never reached counts as 1."
        )
        yield from made


def _ablations(results: Sequence[Result]) -> Iterator[str]:
    """A row for each ingredient: how much more regret there is without it."""
    ours = [result for result in results if result.job.method == OURS]
    rows = []
    for method in METHODS.values():
        found = [result for result in results if result.job.method == method.name]
        if method.patches and found:
            rows.append([method.title, *_without(found, ours)])
    if rows:
        played = [i for i, cells in enumerate(zip(*rows, strict=True)) if set(cells) != {_NOTHING}]
        rows = [[row[i] for i in played] for row in rows]
        heads = [
            ["swept", *(f"{family} @{mark}" for family, mark, _ in _ABLATED)][i] for i in played
        ]
        yield (
            "## Without an ingredient each\n\n"
            "Regret without it minus regret with it, paired over tasks × seeds, and its 90 % interval: above 0, the ingredient pays.\n\n"
            + table(heads, rows)
        )


_ABLATED: Final = tuple(
    (family, mark, figure)
    for family, figure in (("lcbench", observed), ("rugged", recommended), ("live", recommended))
    for mark in (5, 10, 20)
)


def _without(found: Sequence[Result], ours: Sequence[Result]) -> Iterator[str]:
    for family, mark, read in _ABLATED:
        a, b = (
            {cell(r): read(r, mark) for r in each if r.job.family == family and r.job.plain}
            for each in (found, ours)
        )
        yield interval(score.difference(a, b))


def costs(results: Sequence[Result]) -> str:
    """CPU seconds a simulation, by method."""
    seconds: dict[str, list[float]] = defaultdict(list)
    thinking: dict[str, list[float]] = defaultdict(list)
    runs: dict[str, list[float]] = defaultdict(list)
    for result in (result for result in results if not METHODS[result.job.method].patches):
        seconds[result.job.method].append(result.seconds)
        thinking[result.job.method].append(result.thinking)
        runs[result.job.method].append(result.started)
    rows = [
        [
            title(m),
            str(len(seconds[m])),
            *(f"{score.mean(x[m]):.2f}" for x in (thinking, seconds)),
            f"{score.mean(runs[m]):.0f}",
        ]
        for m in sorted(thinking, key=lambda m: score.mean(thinking[m]))
    ]
    heading = ["method", "n", "search", "with the trainings", "runs started"]
    return f"## CPU seconds of a simulated sweep\n\n{table(heading, rows)}"


def left_out(results: Sequence[Result], failures: Sequence[Mapping[str, Any]]) -> str:
    played = {r.job.method for r in results}
    lines = [f"- {name}: {why}." for name, why in LEFT_OUT.items()]
    lines += [
        f"- {m.title} ({m.package}): not played here."
        for m in METHODS.values()
        if m.name not in played and m.package
    ]
    counted = Counter((f["job"]["method"], str(f["error"]).splitlines()[0][:160]) for f in failures)
    lines += [
        f"- {title(m)} failed in {n} simulations: `{why}`"
        for (m, why), n in counted.most_common(30)
    ]
    packages = sorted({METHODS[m].package for m in played if METHODS[m].package})
    return (
        "## Versions, and what is left out\n\n" + ", ".join(packages) + ".\n\n" + "\n".join(lines)
    )


def write(
    path: Path, results: Sequence[Result], failures: Sequence[Mapping[str, Any]], asked: str = ""
) -> None:
    """The page at `path`, the plots in a folder beside it with its name."""
    from plots import draw  # matplotlib is asked for only here

    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for view in views():
        if found := view.select(results):
            draw(view, found, folder / f"{view.slug}.svg")
    path.write_text(page(results, failures, folder.name, asked))
