"""Which results of the search benchmark are compared with one another."""

from __future__ import annotations

from job import Job, Result
from views import View, observed

VIEW = View("LCBench", frozenset({"lcbench/one"}), observed)


def result(method: str, seed: int, **more: float) -> Result:
    job = Job("lcbench/one", method, seed, **more)  # type: ignore[arg-type]
    return Result(job, "", 52, 20.0, [], {}, {}, {}, 1, 1, "", 0.0, 0.0)


def test_seeds_that_few_methods_have_played_are_not_compared_yet() -> None:
    methods = ("swept", "random", "asha", "hyperopt")
    first = [result(method, 0) for method in methods]
    second = [result(method, 1) for method in methods[:3]]
    third = [result(method, 2) for method in methods[:2]]
    found = VIEW.select([*first, *second, *third])
    assert {method: [each.job.seed for each in table] for method, table in found.items()} == {
        "swept": [0, 1],
        "random": [0, 1],
        "asha": [0, 1],
        "hyperopt": [0],
    }


def test_other_settings_are_tables_of_their_own() -> None:
    assert not VIEW.select([result("random", 0, workers=4)])
