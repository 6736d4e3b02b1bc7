"""What a report's summary says of the parameters, for print and for readers without JavaScript."""

from __future__ import annotations

from swept.report.summary import shares
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
