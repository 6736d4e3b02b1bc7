"""The page on states shows what `TRANSITIONS` says. `SWEPT_UPDATE_DOCS=1` writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

from swept.model import ENDED, TRANSITIONS, RunState

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "states.md"
BEGIN, END = "<!-- generated: begin -->\n", "<!-- generated: end -->\n"


def _picture() -> str:
    """A Mermaid diagram and a table of all moves."""
    arrows: dict[tuple[RunState, RunState], list[str]] = {}
    for move, pairs in TRANSITIONS.items():
        for before, after in pairs.items():
            arrows.setdefault((before, after), []).append(str(move))
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {RunState.PENDING}"]
    lines += [
        f"    {before} --> {after}: {', '.join(moves)}" for (before, after), moves in arrows.items()
    ]
    lines += [f"    {state} --> [*]" for state in RunState if state in ENDED]
    lines += ["```", "", "| move | from | to |", "|---|---|---|"]
    for move, pairs in TRANSITIONS.items():
        targets = sorted(set(pairs.values()))
        for target in targets:
            sources = ", ".join(before for before, after in pairs.items() if after == target)
            lines.append(f"| {move} | {sources} | {target} |")
    return "\n".join(lines) + "\n"


def test_the_page_on_states_is_generated_from_the_transitions() -> None:
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    wanted = f"{before}{BEGIN}{_picture()}{END}{after}"
    if os.environ.get("SWEPT_UPDATE_DOCS") == "1":
        PAGE.write_text(wanted)
    assert PAGE.read_text() == wanted, "SWEPT_UPDATE_DOCS=1 pytest tests/contract writes it anew"
