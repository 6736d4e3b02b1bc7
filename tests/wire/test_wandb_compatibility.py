"""docs/reference/wandb-compatibility.md has a row for each feature that a test is about, and no other."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from tests.wire.compatibility import GROUPS, PAGE, listed, page
from tests.wire.harness import MATRIX, ROOT
from tests.wire.results import ANY, BUG, FAILED, UNTRIED, WORKED, Results, read

HINT = "`make matrix` writes the page anew"


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The rows that the tests' marks name."""
    path = tmp_path_factory.mktemp("marks") / "results.json"
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/wire"]
    asked = {
        "SWEPT_WIRE_RESULTS": str(path),
        "SWEPT_WANDB": " ".join(MATRIX),
        "SWEPT_VERSIONED": "",
    }
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return read(path)


def test_each_feature_has_its_row_and_no_row_is_without_a_test(marked: Results) -> None:
    rows = listed(PAGE.read_text())
    assert len(rows) == len(set(rows))
    assert set(rows) == set(marked.rows), HINT


def test_each_feature_is_in_a_group_that_the_page_knows(marked: Results) -> None:
    assert {group for group, _ in marked.rows} <= set(GROUPS)


def test_a_row_is_as_good_as_its_worst_test(tmp_path: Path) -> None:
    results = Results()
    results.add(("SDK", "log | it"), "1.0", WORKED)
    results.add(("SDK", "log | it"), "1.0", UNTRIED)
    results.add(("SDK", "log | it"), "2.0", WORKED)
    results.add(("SDK", "log | it"), "2.0", FAILED)
    results.add(("SDK", "media"), "1.0", BUG, "it forgets")
    results.add(("SDK", "media"), "1.0", WORKED)
    results.add(("Faults", "posts"), ANY, WORKED)
    results.write(tmp_path / "results.json")
    text = page(read(tmp_path / "results.json"), ("1.0", "2.0", "3.0"), date(2026, 1, 2))
    assert "2026-01-02" in text
    assert "| log \\| it | yes | **no** | – |" in text
    assert "| media | [1](#notes) | – | – |" in text
    assert "1. it forgets" in text
    assert "| posts | yes | yes | yes |" in text
    assert set(listed(text)) == set(results.rows)
