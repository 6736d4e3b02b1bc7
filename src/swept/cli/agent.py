"""`swept agent`: works on a sweep until there is nothing left to do."""

from __future__ import annotations

from pathlib import Path

import click

from swept.agent.agent import Agent, Options
from swept.agent.start import agent_for
from swept.cli.locate import SWEEP_ID, client_for, sweep_of
from swept.cli.output import say
from swept.errors import UsageError
from swept.wire.sweeps import SweepView


@click.command("agent")
@SWEEP_ID
@click.option("--count", type=click.IntRange(min=1), help="Start at most so many runs.")
@click.option("--slots", type=click.IntRange(min=1), help="Runs at the same time [default: 1].")
@click.option(
    "--gpus", metavar="LIST", help="all, or 0,1 …: one run on each; none: leave them alone."
)
@click.option("--executor", default="local", show_default=True, help="Where the programs run.")
def command(
    sweep: str | None, count: int | None, slots: int | None, gpus: str | None, executor: str
) -> int:
    """Work on a sweep: claim its runs and train them.

    Ctrl+C once: no new runs, those under way go when they have a checkpoint or end. Twice: now. Runs that did not
    end are pending again, for any agent.

    Example: swept agent 4fk2p9xz --slots 2
    """
    check_executor(executor)
    with client_for(sweep) as client:
        view = sweep_of(client, sweep)
        say(_opening(view, client.url))
        options = Options(count=count, slots=slots, gpus=gpus)
        agent: Agent = agent_for(client, view["id"], options, start=_start_of(view), say=say)
        return agent.run()


def check_executor(name: str) -> None:
    """Raises UsageError for one that is not there (yet)."""
    if name != "local":
        raise UsageError(
            f"--executor {name}: only `local` is available yet",
            hint="on a cluster, start one `swept agent` in each job",
        )


def _start_of(view: SweepView) -> Path:
    """Where the agent looks for its `.swept/`: the sweep file's folder where this machine has it."""
    folder = Path(view["path"]).parent if view["path"] else Path.cwd()
    return folder if folder.is_dir() else Path.cwd()


def _opening(view: SweepView, url: str) -> str:
    return f"agent for sweep {view['id']} ({view['state']}), server {url}"
