"""docs/reference/wandb-compatibility.md, made from what the tests came to (`tests.wire.results`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from tests.wire.harness import ROOT
from tests.wire.results import ANY, BUG, FAILED, UNTRIED, WORKED, Cell, Results, Row

PAGE = ROOT / "docs" / "reference" / "wandb-compatibility.md"
GROUPS = (
    "CLI",
    "SDK",
    "Agents",
    "Early stop",
    "Public API",
    "Artifacts",
    "Media",
    "Integrations",
    "Faults",
    "Moving house",
)
SIGNS = {WORKED: "yes", FAILED: "**no**", UNTRIED: "–"}

HEAD = """# What works with which version of wandb

{made}: each row is a test, run with the unmodified `wandb` package of that version against a
real server, on Linux. What is not in the list is not tried. How it works: [the W&B subset](../design/wandb.md);
how to use it: [Use your wandb scripts](../guides/wandb.md).

`yes`: the tests of the row pass. `–`: not tried with this version. **no**: a test fails. A number: this version of the
client cannot do it, whatever a server answers; the note says why.
"""
UNMADE = "To be filled by `make matrix`, which has not been run whole since the rows changed"


@dataclass
class _Notes:
    """Reasons, each with the number that stands for it."""

    reasons: list[str] = field(default_factory=list)

    def sign(self, cell: Cell) -> str:
        outcome, why = cell
        if outcome != BUG:
            return SIGNS[outcome]
        if why not in self.reasons:
            self.reasons.append(why)
        return f"[{self.reasons.index(why) + 1}](#notes)"


def page(results: Results, versions: Sequence[str], day: date) -> str:
    """The whole page. Raises ValueError for a group that it does not know."""
    unknown = {group for group, _ in results.rows} - set(GROUPS)
    if unknown:
        raise ValueError(f"no such group of features: {', '.join(sorted(unknown))}")
    notes = _Notes()
    tried = any(cell[0] != UNTRIED for cells in results.rows.values() for cell in cells.values())
    made = f"Made by `make matrix` on {day.isoformat()}" if tried else UNMADE
    parts = [HEAD.format(made=made)]
    for group in GROUPS:
        rows = [row for row in results.rows if row[0] == group]
        if rows:
            parts.append("\n".join([f"## {group}", "", *_table(rows, results, versions, notes)]))
    if notes.reasons:
        listed = (f"{number}. {why}" for number, why in enumerate(notes.reasons, 1))
        parts.append("\n".join(["## Notes", "", *listed]))
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _table(
    rows: Sequence[Row], results: Results, versions: Sequence[str], notes: _Notes
) -> Iterator[str]:
    yield "| | " + " | ".join(versions) + " |"
    yield "|---|" + "---|" * len(versions)
    for row in rows:
        cells = results.rows[row]
        signs = [notes.sign(cells.get(one, cells.get(ANY, (UNTRIED, "")))) for one in versions]
        yield f"| {_escaped(row[1])} | " + " | ".join(signs) + " |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def listed(text: str) -> list[Row]:
    """The rows of a page."""
    rows: list[Row] = []
    group = ""
    for line in text.splitlines():
        if line.startswith("## "):
            group = line.removeprefix("## ")
        elif line.startswith("| ") and not line.startswith("| |"):
            first = line.replace("\\|", "\0").split("|")[1].strip()
            rows.append((group, first.replace("\0", "|")))
    return rows
