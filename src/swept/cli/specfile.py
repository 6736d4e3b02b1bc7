"""A sweep file read and checked on this side, so that every mistake is told with its place in the file."""

from __future__ import annotations

from pathlib import Path

from swept.spec import parse
from swept.sweepfile.document import read


def checked_text(file: Path, *, strict: bool = False) -> str:
    """The file's text; raises SpecError with all its mistakes, or where it cannot be read."""
    text = read(file)
    parse(text, str(file), strict=strict)
    return text
