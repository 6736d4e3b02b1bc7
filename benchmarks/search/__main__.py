"""The search benchmark: `make bench-search`, or `.venvs/bench-base/bin/python benchmarks/search [--quick]`.

Plays what is not kept yet, in parallel, and writes docs/benchmarks/search.md. Interrupt it at any time: it goes on
where it was.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
# before numpy: with several threads a sum may round otherwise, and a task is not the one that was played
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import archive
import report
import runner
from job import Job, Result
from peers import METHODS
from plan import SEEDS, SLOW_SEEDS, Choice, jobs, key
from score import mean


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/search", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two seeds of a few tasks and methods")
    parser.add_argument(
        "--plan", action="store_true", help="say what is left to play, and for how long"
    )
    parser.add_argument("--report", action="store_true", help="write the page from what is kept")
    parser.add_argument(
        "--archive", action="store_true", help="put what is kept into the repository's results/"
    )
    parser.add_argument(
        "--ablations", action="store_true", help="play swept without an ingredient each"
    )
    parser.add_argument("--methods", nargs="*", default=(), metavar="NAME", help=", ".join(METHODS))
    parser.add_argument("--tasks", nargs="*", default=(), metavar="NAME", help="names, or families")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument(
        "--slow-seeds", type=int, default=SLOW_SEEDS, help="of methods that take long"
    )
    parser.add_argument(
        "--headline", action="store_true", help="one worker, nothing paid to go on, no default"
    )
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, help="where to write the page")
    return parser.parse_args()


def plan(wanted: list[Job], cores: int) -> str:
    """What is left, with CPU hours by method from what was played so far."""
    kept = runner.kept()
    left = [job for job in wanted if key(job) not in kept]
    known: dict[tuple[str, str], list[float]] = defaultdict(list)
    for result in kept.values():
        known[result.job.method, result.job.family].append(result.seconds)
    hours: dict[str, float] = defaultdict(float)
    unknown: dict[str, int] = defaultdict(int)
    for job in left:
        seconds = _guess(known, job)
        if seconds is None:
            unknown[job.method] += 1
        else:
            hours[job.method] += seconds / 3600
    order = sorted(hours.items(), key=lambda pair: -pair[1])
    lines = [f"{name:24} {found:8.2f} CPU h" for name, found in order]
    lines += [f"{name:24} {n:8} simulations, never played" for name, n in unknown.items()]
    total = sum(hours.values())
    text = f"{len(left)} of {len(wanted)} simulations left: {total:.1f} CPU h, {total / cores:.1f} h on {cores} cores"
    text += f", and {sum(unknown.values())} that nothing is known of" if unknown else ""
    return "\n".join([*lines, text])


def _guess(known: dict[tuple[str, str], list[float]], job: Job) -> float | None:
    """The mean of the method on the family, or of its other families."""
    exact = known.get((job.method, job.family))
    alike = [s for (method, _), found in known.items() if method == job.method for s in found]
    return mean(exact or alike) if exact or alike else None


def place(given: argparse.Namespace) -> Path:
    """A quick look, or one at some methods, does not replace the page."""
    part = given.quick or given.methods or given.tasks
    page = runner.FOLDER / "search.md" if part else runner.ROOT / "docs/benchmarks/search.md"
    return given.out or page


def main() -> None:
    given = arguments()
    choice = Choice(
        tuple(given.methods),
        tuple(given.tasks),
        given.seeds,
        given.slow_seeds,
        given.quick,
        given.ablations,
    )
    wanted = jobs(choice)
    if given.headline:
        wanted = [job for job in wanted if job.plain]
    if given.plan:
        print(plan(wanted, given.cores))
        return
    if given.archive:
        kept = runner.kept()
        whole = [*jobs(Choice(slow_seeds=SEEDS)), *jobs(Choice(ablations=True))]
        new = archive.write(kept[name] for job in whole if (name := key(job)) in kept)
        print(f"{new} new simulations in {archive.FOLDER}")
        return
    results: list[Result]
    if given.report:
        kept = runner.kept()
        wanted = list(dict.fromkeys([*wanted, *jobs(replace(choice, ablations=True))]))
        results = [kept[name] for job in wanted if (name := key(job)) in kept]
    else:
        results = list(runner.play(wanted, given.cores).values())
    path = place(given)
    asked = " ".join(
        word for word in sys.argv[1:] if word not in ("--report", "--out", str(given.out))
    )
    report.write(path, results, runner.failures(), asked)
    print(f"{len(results)} of {len(wanted)} simulations in {path}")


if __name__ == "__main__":
    main()
