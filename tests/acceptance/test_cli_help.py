"""`swept --help` and the reference page: every command is documented, with an example, and quickly."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from swept.cli.main import COMMANDS, group, run
from swept.cli.reference import reference

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"


def command(name: str) -> click.Command:
    module, attribute, _ = COMMANDS[name]
    found = getattr(import_module(f"swept.cli.{module}"), attribute)
    assert isinstance(found, click.Command)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_an_example(name: str) -> None:
    found = command(name)
    assert re.search(rf"Example: .*\bswept {name}\b", f"{found.help} {found.epilog}")


def test_the_reference_page_is_what_the_program_says() -> None:
    """`python -m swept.cli.reference > docs/reference/cli.md` renews it."""
    assert PAGE.read_text(encoding="utf-8") == reference()


def test_help_lists_every_command_without_importing_any(capsys: pytest.CaptureFixture[str]) -> None:
    script = (
        "import sys; from swept.cli.main import run; code = run(['--help'])\n"
        "heavy = {'numpy', 'httpx', 'fastapi', 'sqlalchemy', 'rich', 'yaml'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "No such command"),
        (["launch"], "Missing argument"),
        (["train", "--epochs", "0"], "--epochs"),
        (["show", "--wrong"], "No such option"),
    ],
)
def test_wrong_usage_is_one_message_and_exit_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert "Traceback" not in err


def test_the_group_and_the_table_agree() -> None:
    context = click.Context(group)
    assert group.list_commands(context) == list(COMMANDS)
