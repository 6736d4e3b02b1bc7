"""`swept launch`: the sweep of a file, created or taken up again, with an agent that works on it."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import click

from swept.analysis.results import results
from swept.cli.dashboard import login_link
from swept.cli.gc import collect
from swept.cli.output import interactive, say, say_problems
from swept.cli.render import size
from swept.cli.specfile import checked_text
from swept.cli.summary import summary_lines
from swept.cli.views import advice_of, audit_of, question_of, runs_of, spec_of
from swept.cli.work import AgentFlags, agent_flags, work
from swept.client import Client
from swept.connect import connect
from swept.errors import Problem, UsageError
from swept.home import find
from swept.model import COUNTED_KINDS, RunState, SweepState
from swept.wire.sweeps import NewSweep, SweepAnswer, SweepView


@click.command("launch")
@click.argument("file", type=click.Path(path_type=Path))
@agent_flags
@click.option("--new", "mode", flag_value="new", help="Create another sweep, whatever there is.")
@click.option(
    "--update",
    "mode",
    flag_value="update",
    help="Take over the changes of FILE; keeps what was learnt.",
)
@click.option("--strict", is_flag=True, help="Refuse parameters that cannot act.")
def command(file: Path, flags: AgentFlags, mode: str | None, strict: bool) -> int:
    """Create or resume the sweep of FILE and work on it, with a live view.

    The sweep is found by the file's path: unfinished, it is resumed; finished, that is said.

    Example: swept launch sweep.yaml --slots 2
    """
    text = checked_text(file, strict=strict)
    with connect(file.resolve().parent) as client:
        answer = _find_or_create(client, file, text, mode, strict)
        say_problems((Problem(**item) for item in answer["warnings"]), str(file))
        view = client.sweep(answer["id"])
        if not answer["created"] and SweepState(view["state"]).ended:
            return _say_finished(client, view, file)
        if view["state"] == SweepState.PAUSED:
            view = client.set_state(view["id"], SweepState.RUNNING, "launched again")
        say(_opening(view, answer["created"]))
        if interactive():
            link, note = login_link(client, f"/sweeps/{view['id']}")
            say(f"dashboard {link}  ({note})")
        code = work(client, view, flags)
        view = client.sweep(view["id"])
        _collect(client, file, view)
        say_summary(client, view["id"])
        return code or _all_failed(view)


def say_summary(client: Client, sweep: str) -> None:
    view = client.sweep(sweep)
    question = question_of(spec_of(view))
    found = results(question, runs_of(view), advice_of(view), audit_of(view))
    for line in summary_lines(client.url, view, question, found):
        say(line)


def _find_or_create(
    client: Client, file: Path, text: str, mode: str | None, strict: bool
) -> SweepAnswer:
    """Raises UsageError where the file has changed and neither --update nor --new says what to do."""
    path = str(file.resolve())
    new: NewSweep = {
        "text": text,
        "path": path,
        "mode": "create" if mode == "new" else "launch",
        "strict": strict,
    }
    answer = client.create_sweep(new)
    if not answer["difference"]:
        return answer
    if mode == "update":
        say(_difference(file, answer))
        return {**client.update_spec(answer["id"], {"text": text, "path": path}), "created": False}
    raise UsageError(_difference(file, answer), hint="--update (keeps what was learnt) or --new")


def _difference(file: Path, answer: SweepAnswer) -> str:
    lines = "".join(f"\n  {line}" for line in answer["difference"])
    return f"`{file}` differs from what sweep {answer['id']} runs under:{lines}"


def _opening(view: SweepView, created: bool) -> str:
    if created:
        return f"created sweep {view['id']} ({view['name']})"
    counted = [run for run in runs_of(view) if run.kind in COUNTED_KINDS]
    done = sum(run.state.ended for run in counted)
    planned = question_of(spec_of(view)).max_runs
    total = "" if planned is None else f" of {planned}"
    return f"resuming sweep {view['id']} ({view['name']}): {done}{total} runs done"


def _collect(client: Client, file: Path, view: SweepView) -> None:
    """An ended sweep's checkpoints go, but for those of the best runs: twenty trainings' states fill a disk. Only this
    sweep's: the folder may hold those of another server, which this one does not know (SWEPT_URL)."""
    home = find(file.resolve().parent)
    if home is None or not SweepState(view["state"]).ended:
        return
    gone = collect(home, client, {run["id"] for run in view["runs"]})
    if gone:
        total = size(sum(item.bytes for item in gone))
        say(
            f"removed {len(gone)} checkpoints that nothing needs, {total} (`swept.keep` keeps more)"
        )


def _all_failed(view: SweepView) -> int:
    """1 where the sweep has ended and not one of its runs ended well: a script must not go on to train the best."""
    counted = [run for run in runs_of(view) if run.kind in COUNTED_KINDS]
    well = any(run.state in (RunState.FINISHED, RunState.STOPPED) for run in counted)
    return int(SweepState(view["state"]).ended and bool(counted) and not well)


def _say_finished(client: Client, view: SweepView, file: Path) -> int:
    say(f"sweep {view['id']} of `{file}` is {view['state']}; nothing is left to do")
    say_summary(client, view["id"])
    say(f"hint: `swept launch {quote(str(file))} --new` starts another sweep of this file")
    return 0
