"""`swept`: the group of all commands, and how their errors reach a person.

Each command's module is imported only when it is called, so that `swept --help` costs nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module

import click

from swept import __version__
from swept.cli.output import say_problems
from swept.errors import ServerUnreachable, SourceUnreachable, SpecError, SweptError

# command → (module below swept.cli, attribute, first line of its help)
COMMANDS: Mapping[str, tuple[str, str, str]] = {
    "launch": ("launch", "command", "Create or resume the sweep of FILE and work on it."),
    "check": ("check", "command", "Say everything that is wrong or notable in a sweep file."),
    "sweep": ("sweep", "command", "Create a sweep without working on it; prints its ID."),
    "agent": ("agent", "command", "Work on a sweep: claim runs and train them."),
    "pause": ("control", "pause", "Give out no new runs of a sweep; or pause one run."),
    "resume": ("control", "resume", "Go on with a paused sweep or run."),
    "stop": ("control", "stop", "Let a sweep's runs end and start no more; or stop one run."),
    "cancel": ("control", "cancel", "End a sweep now; what is running is killed."),
    "retry": ("control", "retry", "Run the configuration of an ended run again."),
    "enqueue": ("control", "enqueue", "Add a run with values of your own to a sweep."),
    "ls": ("ls", "command", "List the sweeps, newest first."),
    "show": ("show", "command", "Show a sweep with its runs, or one run."),
    "history": ("history", "command", "Print everything a run has reported, step by step."),
    "logs": ("logs", "command", "Print a run's console output."),
    "export": ("export", "command", "Write a sweep's runs as a table."),
    "analyze": ("analyze", "command", "Say what a sweep has found; write best.yaml."),
    "train": ("train", "command", "Train the best configuration fully."),
    "compare": ("compare", "command", "Train the best configuration with several models."),
    "dashboard": ("dashboard", "command", "Print a link that opens the dashboard, logged in."),
    "report": ("report", "command", "Write a sweep as one HTML file."),
    "import": ("importing", "command", "Bring over sweeps and runs from a W&B server or folders."),
    "server": ("server", "command", "Run, show or stop the server."),
    "env": ("env", "command", "Print the environment that points W&B's tools at swept."),
    "gc": ("gc", "command", "Remove checkpoints and leftovers that nothing needs."),
    "doctor": ("doctor", "command", "Check the installation, the server and the disk."),
}

INTERRUPTED = 130


class LazyGroup(click.Group):
    """Knows its commands by name; imports one when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        found = getattr(import_module(f"swept.cli.{module}"), attribute)
        if not isinstance(found, click.Command):
            raise TypeError(f"swept.cli.{module}.{attribute} is no click command")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = get_close_matches(args[0], COMMANDS, n=1)
            if not close:
                raise
            raise click.UsageError(f"{error.message} Did you mean `{close[0]}`?", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: swept launch sweep.yaml",
)
@click.version_option(__version__, prog_name="swept")
def group() -> None:
    """Hyperparameter sweeps on your own hardware.

    ID is a sweep's id, a sweep file, or ENTITY/PROJECT/ID; left out, it is the newest sweep of the nearest `.swept/`
    folder. Data goes to stdout, everything else to stderr. Exit: 0 good, 1 failure, 2 usage or sweep file wrong, 130
    interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script. Ends the process with the command's exit code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """One command; returns its exit code. Errors for people are printed to stderr."""
    try:
        result = group.main(
            args=None if arguments is None else list(arguments),
            prog_name="swept",
            standalone_mode=False,
        )
        sys.stdout.flush()
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return 2 if isinstance(error, click.UsageError) else error.exit_code
    except SweptError as error:
        return _tell(error)
    except BrokenPipeError:
        return _reader_left()
    except OSError as error:
        return _tell(_of_system(error))
    return result if isinstance(result, int) else 0


def _tell(error: SweptError) -> int:
    if isinstance(error, SpecError):
        say_problems(error.problems, error.path)
        return error.exit_code
    hint = error.hint
    ours = isinstance(error, ServerUnreachable) and not isinstance(error, SourceUnreachable)
    if ours and os.environ.get("SWEPT_URL"):
        hint = "SWEPT_URL leads there: is it right, and does that server run?"
    click.echo(f"error: {error.message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    return error.exit_code


def _reader_left() -> int:
    """`swept ls | head -1`: whoever reads stdout has gone; Python would complain again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _of_system(error: OSError) -> SweptError:
    place = f"`{error.filename}`: " if error.filename else ""
    return SweptError(f"{place}{error.strerror or error}")
