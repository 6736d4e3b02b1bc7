"""The results that are kept in the repository: what took many hours is played once, and added to.

`results/FAMILY/METHOD.jsonl.gz` holds a line for each simulation, without what the report does not read;
`results/README.md` says on which machines and days they were played. A line counts as long as its key is that of today's tasks and methods.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

from job import Result

FOLDER: Final = Path(__file__).parent / "results"
PLACES: Final = 4
"""Of a regret; differences below the last one count as none."""


def read(folder: Path = FOLDER) -> dict[str, Result]:
    """All results by key."""
    found = {}
    for path in sorted(folder.glob("*/*.jsonl.gz")):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            result = Result.read(json.loads(line))
            found[result.key] = result
    return found


def write(results: Iterable[Result], folder: Path = FOLDER) -> int:
    """Replaces the files by `results`; says how many of them were not there before."""
    before = read(folder)
    files: dict[Path, dict[str, Result]] = defaultdict(dict)
    for result in results:
        job = result.job
        files[folder / job.family / f"{job.method}.jsonl.gz"][result.key] = slim(result)
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*/*.jsonl.gz"):
        path.unlink()
    for path, found in files.items():
        path.parent.mkdir(exist_ok=True)
        _pack(path, found)
    new = sum(key not in before for found in files.values() for key in found)
    if new:
        with (folder / "README.md").open("a") as log:
            log.write(f"- {date.today().isoformat()}: {new:,} simulations, {machine()}\n")  # noqa: DTZ011
    return new


def _pack(path: Path, found: Mapping[str, Result]) -> None:
    ordered = sorted(found.values(), key=lambda r: (r.job.task, r.job.seed, r.key))
    text = "".join(json.dumps(result.line(), separators=(",", ":")) + "\n" for result in ordered)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def slim(result: Result) -> Result:
    """Without the configs, and with a row of the trace only where it gains."""
    rows: list[tuple[float, float, float]] = []
    for spent, time, regret in result.trace:
        rounded = round(regret, PLACES)
        if not rows or rounded < rows[-1][2]:
            rows.append((_short(spent), _short(time), rounded))
    return replace(
        result,
        trace=rows,
        configs={},
        recommended=_rounded(result.recommended),
        incumbent=_rounded(result.incumbent),
        seconds=round(result.seconds, 3),
        thinking=round(result.thinking, 3),
    )


def _short(steps: float) -> float:
    """Without the ".0" that JSON would write."""
    return int(steps) if steps == int(steps) else round(steps, 2)


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {mark: round(value, PLACES) for mark, value in figures.items()}


def machine() -> str:
    processor = platform.processor() or platform.machine()
    return (
        f"{platform.system()} {platform.release()}, {processor}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores"
    )
