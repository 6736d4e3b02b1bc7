"""What one suggestion costs, swept's beside its peers': `make bench-suggest`, or

    .venvs/bench-base/bin/python benchmarks/suggest_cost.py [--quick] [--methods NAME …] [--out FILE]

Each method is asked in a process of its own, one after the other, in the environment of its library
(`benchmarks/search/cost.py`); one BLAS thread. Writes docs/benchmarks/suggest.md; `--quick` (20 and 100 runs) and
`--methods` only print. A glance takes some five minutes of a quiet machine, the whole about half an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import queue
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).parent / "search"))

from peers import METHODS, Method

from swept import __version__

ROOT: Final = Path(__file__).parents[1]
SEARCH: Final = ROOT / "benchmarks/search"

SIZES: Final = (20, 100, 1_000, 10_000)
QUICK: Final = (20, 100)
GOALS: Final = {20: 0.05, 100: 0.2, 1_000: 1.0, 10_000: 3.0}
VALUES: Final = (
    *("swept-off", "wandb-bayes", "optuna-tpe", "optuna-gp", "smac-bb", "smac-hpo", "hebo", "ax"),
    *("hyperopt", "ultralytics"),
)
CURVES: Final = (
    *("swept", "wandb-bayes-hyperband", "optuna-tpe-hyperband", "smac-mf", "syne-bohb"),
    *("syne-mobster", "syne-hypertune", "syne-dyhpo", "dehb"),
)
DECIDING: Final = tuple(name for name in CURVES if name not in ("smac-mf", "dehb"))
TITLES: Final = {"swept-off": "swept `bayes`", "swept": "swept `bayes`, `early_stopping: auto`"}
ASKING: Final = 10.0
"""Seconds that one suggestion may take; a method's row ends there."""
TELLING: Final = 60.0
"""Seconds that the telling of one history may take."""
STARTING: Final = 300.0
REPORTING: Final = 120.0
FEWEST: Final = 3
"""With fewer answers that are new runs, all answers count."""


@dataclass
class Cell:
    """What a method needed at one size. `asked`: what `cost.Asked` says of each call, with the seconds of its reports."""

    told: float | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    problem: str = ""

    @property
    def rare(self) -> bool:
        """Whether new runs are too rare to be judged apart."""
        return sum(bool(each["new"]) for each in self.asked) < FEWEST

    @property
    def seconds(self) -> list[float]:
        """Of the calls that count: those that gave a new run."""
        return [each["seconds"] for each in self.asked if each["new"] or self.rare]

    @property
    def median(self) -> float | None:
        return statistics.median(self.seconds) if self.seconds and not self.problem else None

    @property
    def reports(self) -> list[list[float]]:
        return [each["reports"] for each in self.asked if each["reports"]]


Row = dict[int, Cell]


# -- measuring ------------------------------------------------------------------------------------


def python(environment: str) -> Path:
    return ROOT / f".venvs/bench-{environment}/bin/python"


def measure(method: Method, sizes: Sequence[int]) -> Row:
    """Ends with the first size at which the method fails or takes too long."""
    if not python(method.environment).exists():
        return {sizes[0]: Cell(problem="not installed")}
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    process = subprocess.Popen(
        [python(method.environment), SEARCH / "cost.py", method.name, *map(str, sizes)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **one, "PYTHONPATH": os.pathsep.join([str(SEARCH), str(ROOT / "src")])},
    )
    try:
        return read(_events(process), sizes)
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def patience(event: Mapping[str, Any]) -> tuple[float, str]:
    """How many seconds the next event may take to come, and what it means if it does not."""
    match event["event"]:
        case "ask":
            return ASKING, f"over {ASKING:g} s"
        case "tell":
            return TELLING, f"history not told in {TELLING / 60:g} min"
        case "start":
            return STARTING, f"not ready in {STARTING / 60:g} min"
    return REPORTING, f"reports took over {REPORTING / 60:g} min"


def _events(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """The process's own, and at its end, or where it takes too long, a last one that says so."""
    lines: queue.Queue[str] = queue.Queue()

    def pump() -> None:
        assert process.stdout
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    reader = threading.Thread(target=pump, daemon=True)
    reader.start()
    event: dict[str, Any] = {"event": "start"}
    while event["event"] not in ("failed", "ended"):
        seconds, problem = patience(event)
        try:
            line = lines.get(timeout=seconds)
            event = json.loads(line) if line else {"event": "failed", "text": "the process died"}
        except queue.Empty:
            event = {"event": "failed", "text": problem}
        yield event
    process.kill()
    reader.join()


def read(events: Iterable[Mapping[str, Any]], sizes: Sequence[int]) -> Row:
    """What happened at each size that was begun."""
    row: Row = {}
    now = sizes[0]
    for event in events:
        now = event.get("runs", now)
        cell = row.setdefault(now, Cell())
        if event["event"] == "told":
            cell.told = event["seconds"]
        elif event["event"] == "asked":
            cell.asked.append({k: v for k, v in event.items() if k not in ("event", "runs")})
        elif event["event"] == "failed":
            cell.problem = event["text"]
    return row


# -- the page -------------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """In two digits."""
    if seconds < 0.00005:
        return "under 0.1 ms"
    if seconds < 0.995:
        return f"{float(f'{1e3 * seconds:.2g}'):g} ms"
    return f"{seconds:.1f} s"


def figure(cell: Cell | None) -> str:
    """The median, and in brackets the slowest; a star where all answers count."""
    if cell is None:
        return "–"
    if cell.median is None:
        return " ".join(cell.problem.replace("|", "/").split())[:80] or "no answer"
    star = "*" if cell.rare else ""
    return f"{duration(cell.median)}{star} ({duration(max(cell.seconds))})"


def decisions(cell: Cell | None) -> str:
    """The slowest report of a run, in the median over runs; in brackets the median of all reports."""
    if cell is None or not cell.reports:
        return "–"
    slowest = statistics.median(max(each) for each in cell.reports)
    usual = statistics.median(seconds for each in cell.reports for seconds in each)
    return f"{duration(slowest)} ({duration(usual)})"


def title(name: str) -> str:
    method = METHODS[name]
    package = method.package.replace("==", " ")
    return TITLES.get(name, f"{method.title}, {package}" if package else method.title)


def table(rows: Mapping[str, Row], names: Sequence[str], sizes: Sequence[int]) -> str:
    goal = [f"under {duration(GOALS[size])}" for size in sizes]
    lines = [
        "| method | " + " | ".join(f"{size:,} runs" for size in sizes) + " |",
        "|---|" + "---|" * len(sizes),
        "| *the goal for swept* | " + " | ".join(f"*{text}*" for text in goal) + " |",
    ]
    for name in (name for name in names if name in rows):
        cells = [figure(rows[name].get(size)) for size in sizes]
        lines.append(f"| {title(name)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def decision_table(rows: Mapping[str, Row], names: Sequence[str], sizes: Sequence[int]) -> str:
    lines = [
        "| method | " + " | ".join(f"{size:,} runs" for size in sizes) + " |",
        "|---|" + "---|" * len(sizes),
    ]
    for name in (name for name in names if name in rows):
        cells = [decisions(rows[name].get(size)) for size in sizes]
        lines.append(f"| {title(name)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def verdict(rows: Mapping[str, Row], sizes: Sequence[int]) -> str:
    """Which of its goals swept misses."""
    missed = [
        f"{TITLES[name]} at {size:,} runs ({figure(rows[name].get(size))})"
        for name in TITLES
        if name in rows
        for size in sizes
        if not _met(rows[name].get(size), GOALS[size])
    ]
    return f"Goals missed: {'; '.join(missed)}." if missed else "swept meets each goal here."


def _met(cell: Cell | None, goal: float) -> bool:
    return cell is not None and cell.median is not None and cell.median < goal


def strategies(rows: Mapping[str, Row]) -> str:
    """By what swept chose the new runs, where that was not its model."""
    found = [
        f"{TITLES[name]} at {size:,}"
        for name in TITLES
        for size, cell in rows.get(name, {}).items()
        if any(each["new"] and each["strategy"] == "space-filling" for each in cell.asked)
    ]
    if not found:
        return "All of swept's new runs were proposed by its model."
    return f"Some of swept's new runs were still of its space-filling start: {', '.join(found)}."


def busy(rows: Mapping[str, Row]) -> str:
    """How much longer swept's calls took by the clock than of CPU time."""
    calls = [each for name in TITLES for c in rows.get(name, {}).values() for each in c.asked]
    cpu = sum(each["cpu"] for each in calls)
    if not cpu:
        return ""
    times = sum(each["seconds"] for each in calls) / cpu
    return f"By the clock swept's calls took {times:.2f} times their CPU time" + (
        ": the machine was busy, and all figures are too high." if times > 1.2 else "."
    )


def about(loads: tuple[float, float]) -> str:
    day = date.today()  # noqa: DTZ011 - the day where it ran
    return (
        f"{day.day} {day:%B %Y}; swept {__version__}; {_processor()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"load {loads[0]:.1f} before and {loads[1]:.1f} after (the measuring itself is part of the latter)."
    )


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    named = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


PAGE = """# What a suggestion costs

One command makes this page: `make bench-suggest` (`ARGS=--quick` prints a glance at 20 and 100 runs).
{about} {busy}

The sweep is the YOLO example's: thirteen parameters, a metric to be maximised. The figure is the time from the question for the next
run to its answer, with so many runs of history: the median of five answers, in brackets the slowest. {verdict}

## By final values

{values}

## With learning curves

The history's runs have up to {steps} steps; most were paused or stopped on the way, each by its method's own rule or one like it.

{curves}

## What a decision costs

What it takes to hear a report of the new run and to say whether it goes on: the slowest report of a run, which is one at a rung, in the median over
runs; in brackets the median of all reports.

{decisions}

## How to read it

- One process and one BLAS thread for each method, one after the other. Each is first asked once about another history of {warm} runs, which is not
  counted: it pays for late imports and compilers. Each answer's run has happened before the next question, and no question is about a
  history that an earlier call has seen. What a library remembers from call to call helps it, as in a sweep: with `auto`, swept's model keeps its parameters until
  an eighth more runs are there, so that of five calls mostly the first fits them (see the slowest).
- Only the library's answer is timed. Telling it the history is not: Optuna, HEBO, hyperopt and W&B take a history at once; SMAC3's black-box
  and HPO facades, Ax and Ultralytics' tuner are told trial by trial; Syne Tune, DEHB and SMAC3's multi-fidelity take only what they have asked for, so that their
  history is their own play (Syne Tune's configurations are given to it). `history not told` means that it took over {telling:g} min. swept is told nothing: it gets the log of all
  runs in each call.
- `over {asking:g} s`: one call took longer, and the row ends there (`–`). A library may take {memory:.0%} of the memory.
- Median and slowest differ where a library does not think each time: SMAC3's forests train once for eight suggestions, so that the slowest is the one to look at;
  BOHB draws some at random. SMAC3's multi-fidelity is at 20 and 100 runs within its initial design (up to 130 configurations), where nothing is to be thought.
- Under `auto` the history is as that rule leaves it: runs paused at each rung, one in ten of them stopped by a person, the best trained to their end, and about {floor:.0%} of all
  steps spent on continuing. DEHB's figure and that of SMAC3's multi-fidelity include the benchmark's own search for a configuration that they ask for again.
- With learning curves only answers that are new runs count. That a paused run goes on is mostly quickly said; where a library answers so nearly each
  time and after thought (*), all answers count.
- {strategies}
- Optuna's `report` only notes and `should_prune` decides, W&B's decision is its `stop_runs` (asked at its bands), Syne Tune's its `on_trial_result`. DEHB and SMAC3 have nothing to decide
  on the way: how far a run goes is said at its start.

Not compared: what a server adds (swept's hands the history to a process of its own; W&B's runs elsewhere); several workers; how good the suggestions are
([the search against the field](search.md)). Optuna's Gaussian process goes by finished trials only, and stands in the first table. Syne Tune's ASHA, and plain
random search, have no model. ifBO's model is no part of
its package and is fetched from the web.
"""


def page(rows: Mapping[str, Row], sizes: Sequence[int], told: str) -> str:
    from cost import MEMORY, STEPS, WARM

    from swept.stopping.auto import FLOOR

    return PAGE.format(
        about=told,
        busy=busy(rows),
        verdict=verdict(rows, sizes),
        values=table(rows, VALUES, sizes),
        curves=table(rows, CURVES, sizes),
        decisions=decision_table(rows, DECIDING, sizes),
        strategies=strategies(rows),
        steps=STEPS,
        warm=WARM,
        memory=MEMORY,
        floor=FLOOR,
        asking=ASKING,
        telling=TELLING / 60,
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/suggest_cost.py")
    parser.add_argument("--quick", action="store_true", help="20 and 100 runs of history only")
    parser.add_argument("--methods", nargs="*", default=(), choices=[*VALUES, *CURVES])
    parser.add_argument("--out", type=Path, help="where to write the page")
    parser.add_argument("--json", type=Path, help="where to write every figure")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    sizes = QUICK if options.quick else SIZES
    before = os.getloadavg()[0]
    rows: dict[str, Row] = {}
    for name in options.methods or (*VALUES, *CURVES):
        rows[name] = measure(METHODS[name], sizes)
        cells = " | ".join(figure(rows[name].get(size)) for size in sizes)
        print(f"{name}: {cells}", file=sys.stderr, flush=True)
    made = page(rows, sizes, about((before, os.getloadavg()[0])))
    print(made)
    whole = not options.quick and not options.methods
    out = options.out or (ROOT / "docs/benchmarks/suggest.md" if whole else None)
    if out:
        out.write_text(made, encoding="utf-8")
    if options.json:
        found = {name: {n: asdict(cell) for n, cell in row.items()} for name, row in rows.items()}
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
