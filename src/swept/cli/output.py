"""Where things go: data to stdout, everything else to stderr, JSON in one form."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

import click

from swept.errors import Problem
from swept.wire import encode

as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON (docs/reference/json.md)."
)


def data(text: str = "") -> None:
    """A line for stdout."""
    click.echo(text)


def say(text: str = "") -> None:
    """A line for a person, on stderr."""
    click.echo(text, err=True)


def print_json(value: Any) -> None:
    """Indented JSON on stdout; NaN and infinities as the strings "NaN", "Infinity", "-Infinity"."""
    click.echo(json.dumps(encode(value), allow_nan=False, ensure_ascii=False, indent=2))


def say_problems(problems: Iterable[Problem], path: str) -> None:
    """Warnings and notes of a sweep file, on stderr."""
    for problem in problems:
        say(f"{problem.severity}: {problem.render(path)}")


def interactive() -> bool:
    """Whether a person watches stderr on a terminal that can redraw lines."""
    return sys.stderr.isatty()


Say = Callable[[str], None]
