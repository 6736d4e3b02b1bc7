"""A terminal's screen as an SVG, for the README: `tmux capture-pane -e -p -t demo | python docs/images/terminal.py OUT.svg`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 100


def main() -> None:
    """Reads ANSI text, writes the picture."""
    lines = sys.stdin.read().rstrip("\n")
    console = Console(record=True, width=WIDTH, file=sys.stderr, force_terminal=True)
    console.print(Text.from_ansi(lines), end="")
    picture = console.export_svg(title="make demo")
    # The fonts would be fetched from elsewhere by whoever looks at the picture.
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    Path(sys.argv[1]).write_text(picture.replace("Fira Code", "DejaVu Sans Mono"))


if __name__ == "__main__":
    main()
