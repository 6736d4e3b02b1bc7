"""swept without an ingredient each: the constants that are set are there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from peers import METHODS
from plan import Choice, jobs

SEARCH = Path(__file__).parents[2] / "benchmarks/search"
PROGRAM = """
from peers.ablations import INGREDIENTS, patch
for patches in INGREDIENTS.values():
    patch(patches)
"""


def test_every_ingredient_is_a_constant_of_the_search() -> None:
    source = SEARCH.parents[1] / "src"
    subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, env={"PYTHONPATH": f"{SEARCH}:{source}"}
    )


def test_each_is_played_in_a_process_of_its_own() -> None:
    variants = [method for method in METHODS.values() if method.patches]
    assert len({method.process for method in variants}) == len(variants)
    played = {job.method for job in jobs(Choice(ablations=True, tasks=("lcbench/3945",)))}
    assert played == {"swept", *(method.name for method in variants)}
    assert not any(METHODS[job.method].patches for job in jobs(Choice(tasks=("lcbench/3945",))))
