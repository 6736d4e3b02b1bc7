"""`swept pause`, `resume`, `stop`, `cancel`, `retry`, `enqueue`: what people want of sweeps and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import click
import yaml

from swept.analysis.configuration import flat
from swept.cli.locate import SWEEP_ID, client_for, run_of, sweep_of, sweep_or_run
from swept.cli.output import data, say
from swept.cli.render import pairs
from swept.cli.views import spec_of
from swept.client import Client
from swept.errors import UsageError
from swept.model import ASKED_HERE, Kind
from swept.space import same
from swept.spec import Spec
from swept.wire.runs import NewRun


@click.command("pause")
@SWEEP_ID
def pause(sweep: str | None) -> None:
    """Give out no new runs of a sweep (running ones go on); or pause one run at its next checkpoint.

    Example: swept pause 8k2fq1zd
    """
    _change(sweep, state="paused", desired="pause")


@click.command("resume")
@SWEEP_ID
def resume(sweep: str | None) -> None:
    """Go on with a paused sweep, or with one paused run.

    Example: swept resume 8k2fq1zd
    """
    _change(sweep, state="running", desired="go")


@click.command("stop")
@SWEEP_ID
def stop(sweep: str | None) -> None:
    """Start no more runs of a sweep and let running ones end; or stop one run early (it counts).

    Example: swept stop 3fk20a9x
    """
    _change(sweep, state="finished", desired="stop")


@click.command("cancel")
@SWEEP_ID
def cancel(sweep: str | None) -> None:
    """End a sweep now: what is running is killed and counts for nothing.

    Example: swept cancel 8k2fq1zd
    """
    with client_for(sweep) as client:
        found = sweep_of(client, sweep)
        _told_sweep(client, found["id"], "cancelled")


@click.command("retry")
@click.argument("run")
def retry(run: str) -> None:
    """Run the configuration of RUN, which has ended, once more; prints the new run's id.

    Example: swept retry 3fk20a9x
    """
    with client_for(None) as client:
        new = client.retry(run_of(client, run)["id"])
    say(f"run {new['number']} will try the configuration of {new['retry_of']} again")
    data(new["id"])


@click.command("enqueue")
@click.argument("words", metavar="[ID] NAME=VALUE …", nargs=-1, required=True)
@click.option("--from", "parent", metavar="RUN", help="Take the other values from this run.")
@click.option("--baseline", is_flag=True, help="Enter it as a baseline run.")
def enqueue(words: Sequence[str], parent: str | None, baseline: bool) -> None:
    """Add a run with values of your own to a sweep; prints the run's id.

    Values not given come from --from RUN, else from the sweep's baseline, else from a draw.

    Example: swept enqueue 8k2fq1zd lr0=0.01 mosaic=0.8
    """
    typed = words[0] if "=" not in words[0] else None
    values = parse_values(words[1:] if typed else words)
    with client_for(typed) as client:
        view = sweep_of(client, typed)
        check_values(spec_of(view), values)
        new: NewRun = {
            "kind": Kind.BASELINE if baseline else Kind.SEARCH,
            "config": values,
            "reuse": False,
        }
        if parent:
            new["parent"] = run_of(client, parent)["id"]
        run = client.new_run(view["id"], new)
    say(f"run {run['number']} waits for an agent: {pairs(flat(run['config']))}")
    data(run["id"])


def parse_values(words: Sequence[str]) -> dict[str, Any]:
    """`lr0=1e-3 opt=SGD` → {"lr0": 0.001, "opt": "SGD"}; values are YAML, numbers also as 1e-3. Raises UsageError."""
    if not words:
        raise UsageError("no value is given", hint="for example lr0=0.01")
    values: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise UsageError(f"`{word}` is not NAME=VALUE", hint="for example lr0=0.01")
        if name in values:
            raise UsageError(f"`{name}` is given twice")
        values[name] = _value(word, text)
    return values


def check_values(spec: Spec, values: Mapping[str, Any]) -> None:
    """Raises UsageError for a name that the sweep does not have, and for another length than its runs'."""
    known = spec.space.names()
    for name in values:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            raise UsageError(
                f"the sweep has no parameter `{name}`",
                hint=f"did you mean `{close[0]}`?" if close else f"it has {', '.join(known)}",
            )
    length = spec.options.epochs
    if isinstance(length, str) and length in values and length in spec.space.fixed:
        fixed = spec.space.fixed[length]
        if not same(values[length], fixed):
            raise UsageError(
                f"the runs of this sweep have {length}={fixed}: one of another length could not be compared with them",
                hint="`swept train ID --epochs N` trains the best configuration longer",
            )


def _change(typed: str | None, *, state: str, desired: str) -> None:
    with client_for(typed) as client:
        found = sweep_or_run(client, typed)
        if found.sweep is not None:
            _told_sweep(client, found.sweep["id"], state)
        elif found.run is not None:
            run = client.desired(found.run["id"], desired, ASKED_HERE)
            say(f"run {run['number']} ({run['id']}) is {run['state']}; wanted: {run['desired']}")


def _told_sweep(client: Client, sweep: str, state: str) -> None:
    after = client.set_state(sweep, state, ASKED_HERE)
    say(f"sweep {sweep} is {after['state']}")


def _value(word: str, text: str) -> Any:
    try:
        return float(text) if "e" in text.lower() else yaml.safe_load(text)
    except ValueError:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"`{word}`: the value is no YAML", hint="quote it") from error
