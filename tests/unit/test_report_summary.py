"""What a report's summary says of the parameters, for print and for readers without JavaScript."""

from __future__ import annotations

import re

from swept.analysis.results import Question, results
from swept.model import Goal, Kind, Point, Run, RunState
from swept.report.summary import history, shares
from swept.wire.insights import ImportanceRow, ImportanceView


def row(parameter: str, share: float, sign: float = 0.0, *, between: bool = False) -> ImportanceRow:
    low, high = (share - 0.1, share + 0.1) if share else (0.0, 1.0)
    return {
        "parameter": parameter,
        "share": share,
        "low": low,
        "high": high,
        "sign": sign,
        "between": between,
        "inert": "",
    }


def view(*rows: ImportanceRow) -> ImportanceView:
    return {"runs": 40, "explained": 0.9, "caution": "", "rows": list(rows)}


def test_it_says_where_the_better_values_are() -> None:
    said = shares(view(row("lr", 0.5, between=True), row("wd", 0.3, 0.9), row("kind", 0.2)))
    assert "<tr><td>lr<td>50 %<td>40 to 60 %<td>in between" in said
    assert "<td>larger values" in said
    assert "<tr><td>kind<td>20 %<td>10 to 30 %<td>–" in said


def test_what_is_not_known_is_no_share_of_nothing() -> None:
    assert "<tr><td>lr<td>not known<td>–<td>–" in shares(view(row("lr", 0.0)))


def trained(number: int, epochs: int, value: float) -> Run:
    return Run(
        id=f"r{number}",
        project="p",
        sweep="s",
        number=number,
        name=f"search-{number}",
        kind=Kind.SEARCH,
        state=RunState.FINISHED,
        config={"epochs": epochs},
        curve=(Point(epochs, value),),
    )


def test_the_best_so_far_is_of_runs_with_the_fixed_values_of_the_file() -> None:
    """As the best is: what was trained for longer, before the file was changed, is drawn and leads nothing."""
    runs = [trained(1, 100, 0.9), trained(2, 50, 0.5), trained(3, 50, 0.7)]
    question = Question("acc", Goal.MAXIMIZE, fixed={"epochs": 50})
    drawn = history(runs, question, results(question, runs))
    (line,) = re.findall(r'class="best" d="([^"]*)"', drawn)
    assert line.count("V") == 1, "the second run leads, and then the third"
    assert drawn.count("<circle") == 3
