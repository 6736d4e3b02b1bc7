"""The dashboard's figures, in a real browser, beside optuna-dashboard and HiPlot on the same runs.

    make bench-dashboard [ARGS="--runs 1000 --many 10000 --repeat 5"]
    make bench-dashboard ARGS="--only report interaction"

Makes stores of finished runs (13 parameters, 100 epochs), starts swept's server over them as `swept server` does, and
loads its pages in Debian's Chromium. Prints a page of Markdown, and writes it to docs/benchmarks/dashboard.md (`--write`
names another file). On two quiet cores it takes some twenty minutes. `--only` measures some parts, and writes no page.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.dashboard import measures
from benchmarks.dashboard.figures import Figure, table
from benchmarks.dashboard.measures import Bench
from benchmarks.dashboard.study import Study, made
from playwright.sync_api import sync_playwright

from swept import __version__

PARTS = ("paint", "interaction", "scripts", "report", "accessible", "live", "elsewhere", "peers")
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/benchmarks/dashboard.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=5, help="loads of each kind")
    parser.add_argument("--write", type=Path, default=PAGE, metavar="FILE")
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS)
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="swept-dashboard-") as name:
        folder = Path(name)
        few, many = (_study(folder, size) for size in (given.runs, given.many))
        # Of its own, since a run is added to the first.
        same = _study(folder / "peers", given.runs)
        text, errors = _measured(folder, given.repeat, given.only, few, many, same)
    print(text)
    if len(given.only) == len(PARTS):
        given.write.write_text(text, encoding="utf-8")
    for line in errors:
        print(line, file=sys.stderr)


def _measured(
    folder: Path, repeat: int, only: Sequence[str], few: Study, many: Study, same: Study
) -> tuple[str, Sequence[str]]:
    with sync_playwright() as playwright:
        bench = Bench(playwright, folder, repeat)
        bench.load()
        parts: dict[str, Sequence[Callable[[], list[Figure]]]] = {
            "paint": [
                lambda: measures.paints(bench, few, 0.8),
                lambda: measures.paints(bench, many, 1.5),
            ],
            "interaction": [
                lambda: measures.interaction(bench, few, 33, None),
                lambda: measures.interaction(bench, many, 100, 16),
            ],
            "scripts": [lambda: measures.scripts(bench, few)],
            "report": [lambda: measures.report(bench, few)],
            "accessible": [lambda: measures.accessible(bench, few)],
            "live": [lambda: measures.live(bench, few)],
            "elsewhere": [lambda: measures.elsewhere(bench)],
            "peers": [
                lambda: measures.optuna(bench, same),
                lambda: measures.hiplot(bench, same),
                lambda: measures.hiplot(bench, many),
            ],
        }
        asked = {name: parts[name] if name in only else [] for name in PARTS}
        beside = asked.pop("peers")
        own = _all(*itertools.chain.from_iterable(asked.values()))
        others = _all(*beside)
        bench.load()
    return _page(bench, same.runs, own, others), bench.errors


def _study(folder: Path, size: int) -> Study:
    place = folder / str(size)
    place.mkdir(parents=True, exist_ok=True)
    return made(place, size)


def _all(*parts: Callable[[], list[Figure]]) -> list[Figure]:
    figures: list[Figure] = []
    for part in parts:
        for figure in part():
            print(figure.line(), file=sys.stderr, flush=True)
            figures.append(figure)
    return figures


def _page(bench: Bench, runs: int, own: Sequence[Figure], others: Sequence[Figure]) -> str:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    loads = ", ".join(f"{load:.1f}" for load in bench.loads)
    return f"""# The dashboard, measured

One command makes this page: `make bench-dashboard`. {today:%-d %B %Y}; swept {__version__}, Chromium {bench.chromium} (headless,
1440 × 900, no GPU), Playwright {version("playwright")}; {platform.system()} {platform.release()}, Python {platform.python_version()},
{os.cpu_count()} cores. The load average was {loads} in the course of it (the measuring itself is part of all but the first).

Finished runs with 13 parameters and 100 epochs each, in SQLite, on this machine. Each load has a new browser process, so nothing
is cached there. Medians of {bench.repeat}, the least and the most in brackets.

{table(own)}

Beside it, on the same {runs:,} runs (HiPlot: also on more), in the same hour: optuna-dashboard {version("optuna-dashboard")} with Optuna
{version("optuna")} over SQLite{_hiplot_said()}.

{table(others)}

- **Page loaded** counts from the navigation to the end of the frame in which what is named is there: pixels other than the empty
  ground in the canvases of the parallel coordinates and the learning curves, and more than 50 cells in the table; *every line
  drawn* when no canvas is marked as unfinished any more. On 1440 × 900 the curves are cut by the screen's end, and the table lies below it;
  the longer screen shows all of both.
- The server has read the runs before, and has made its model of them (importance), but for *a server that has just been started*:
  it reads the sweep that changed last, which here is this one, from the moment at which it answers, while the browser starts.
- **Brush**: a mouse widens a range on the axis of a parameter in {measures.ours.BRUSHES} moves. From the event to the end of the next frame, and to that of
  the first frame in which no panel on the screen is unfinished. **Hover**: {measures.ours.HOVERS} moves across a chart, to the frame in which a run is
  highlighted and named. Of each browser the median counts.
- **A new value**: from before the request that reports it to when the table says it; a hidden tab draws nothing, there the document
  counts.
- **axe** looks at the list of sweeps, the sweep, a run, a comparison of two, and the report.
- Optuna's page has no parallel coordinates and no table beside these charts (they are on pages of their own); its curves begin
  below the first screen. HiPlot's file has no curves, and tells by nothing when its lines are complete: its figures are those of
  the first ones.
"""


def _hiplot_said() -> str:
    return (
        ", HiPlot 0.1.33 as a file"
        if measures.hiplot_there()
        else "; HiPlot could not be installed here"
    )


if __name__ == "__main__":
    main()
