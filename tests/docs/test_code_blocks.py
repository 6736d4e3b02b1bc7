"""The documentation's code blocks are run: what a reader copies works.

A Markdown file is played from top to bottom in an empty folder of its own. Conventions, as HTML comments on the line before a
block (invisible to readers):

    <!-- file: train.py -->        the block is written to that file instead of being run
    <!-- not run: REASON -->       the block is not run; the reason is for the next writer

Blocks in `bash` are run with `bash -eu`; blocks in `python` with Python; a `yaml` block that has a `method:` is a sweep file
and must parse without an error. Other languages (`text`, `console`, `json`) are output: not run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from swept.spec import parse

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs" / "guides").glob("*.md")),
    *sorted((ROOT / "docs" / "concepts").glob("*.md")),
]
BLOCK = re.compile(r"^```(\w+)\s*\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!--\s*(file|not run):\s*(.+?)\s*-->\s*\Z")


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    line: int
    mark: str
    argument: str


def blocks(text: str) -> Iterator[Block]:
    for match in BLOCK.finditer(text):
        mark = MARK.search(text[: match.start()])
        kind, argument = (mark.group(1), mark.group(2)) if mark else ("", "")
        line = text.count("\n", 0, match.start()) + 1
        yield Block(match.group(1), match.group(2), line, kind, argument)


def play(block: Block, folder: Path) -> None:
    command = {"bash": ["bash", "-eu", "-c"], "python": [sys.executable, "-c"]}[block.language]
    binaries = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [*command, block.text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, (
        f"line {block.line}:\n{block.text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_the_blocks_of_a_page_work_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    try:
        for block in blocks(page.read_text()):
            if block.mark == "not run":
                continue
            if block.mark == "file":
                target = tmp_path / block.argument
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(block.text)
            elif block.language in ("bash", "python"):
                play(block, tmp_path)
            if block.language == "yaml" and re.search(r"^method:", block.text, re.MULTILINE):
                parse(block.text, path=block.argument)
    finally:
        stop_servers(tmp_path)


def stop_servers(folder: Path) -> None:
    for home in folder.rglob(".swept"):
        subprocess.run(
            [sys.executable, "-m", "swept", "server", "stop"],
            cwd=home.parent,
            capture_output=True,
            timeout=60,
            check=False,
        )


def test_no_page_names_a_path_of_a_machine() -> None:
    for page in [*PAGES, *sorted((ROOT / "docs").rglob("*.md"))]:
        assert not re.search(r"/(home|root|work)/", page.read_text()), page
