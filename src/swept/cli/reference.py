"""The help of every command as one Markdown page: `python -m swept.cli.reference > docs/reference/cli.md`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from swept.cli.main import COMMANDS, group

WIDTH = 100
HEAD = """\
# Commands

Made by `python -m swept.cli.reference`; a test compares this page with the program.
"""


def reference() -> str:
    settings = {**group.context_settings, "max_content_width": WIDTH}
    context = click.Context(group, info_name="swept", terminal_width=WIDTH, **settings)
    return HEAD + "".join(_pages(group, context))


def _pages(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"\n## `{context.command_path}`\n\n```text\n{command.get_help(context).rstrip()}\n```\n"
    if not isinstance(command, click.Group):
        return
    names = COMMANDS if command is group else command.list_commands(context)
    for name in names:
        found = command.get_command(context, name)
        if found is not None:
            inner = click.Context(
                found, info_name=name, parent=context, max_content_width=WIDTH, terminal_width=WIDTH
            )
            yield from _pages(found, inner)


if __name__ == "__main__":
    click.echo(reference(), nl=False)
