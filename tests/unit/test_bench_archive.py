"""The benchmark's results that are kept in the repository."""

from __future__ import annotations

from pathlib import Path

import archive
from job import Job, Result


def result(seed: int, trace: list[tuple[float, float, float]]) -> Result:
    job, figures = Job("lcbench/1", "random", seed), {"5": 0.1234567}
    return Result(
        job, f"key{seed}", 52, 1040.0, trace, figures, figures, {"5": {"x": 1}}, 3, 2, "", 1.0, 0.5
    )


def test_what_is_written_is_read_and_only_gains_are_kept(tmp_path: Path) -> None:
    trace = [(1.0, 1.0, 1.0), (2.0, 2.0, 1.0), (3.0, 3.0, 0.5), (4.0, 4.0, 0.49999)]
    assert archive.write([result(0, trace)], tmp_path) == 1
    found = archive.read(tmp_path)["key0"]
    assert [tuple(row) for row in found.trace] == [(1.0, 1.0, 1.0), (3.0, 3.0, 0.5)]
    assert found.recommended == {"5": 0.1235}
    assert found.configs == {}


def test_the_days_are_told_where_something_is_new(tmp_path: Path) -> None:
    archive.write([result(0, [])], tmp_path)
    assert archive.write([result(0, []), result(1, [])], tmp_path) == 1
    assert archive.write([result(0, []), result(1, [])], tmp_path) == 0
    assert len((tmp_path / "README.md").read_text().splitlines()) == 2
