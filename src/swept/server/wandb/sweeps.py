"""Sweeps as `wandb sweep` makes, changes, pauses and ends them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import yaml

from swept.errors import Problem, SpecError, UsageError
from swept.model import Sweep, SweepState
from swept.server.auth import Access
from swept.server.wandb import tokens
from swept.server.wandb.graphql import Arguments, Node
from swept.server.wandb.service import DEFAULT_PROJECT, ENTITY, Service, owner_only

STATES: Mapping[SweepState, str] = {
    # The client refuses to pause a PENDING sweep; one that nobody works on yet can be paused here.
    SweepState.PENDING: "RUNNING",
    SweepState.RUNNING: "RUNNING",
    SweepState.PAUSED: "PAUSED",
    SweepState.FINISHED: "FINISHED",
    SweepState.CANCELLED: "CANCELED",
}
WANTED: Mapping[str, SweepState] = {
    "RUNNING": SweepState.RUNNING,
    "PAUSED": SweepState.PAUSED,
    "FINISHED": SweepState.FINISHED,
    "CANCELED": SweepState.CANCELLED,
}

TRANSMIT_SECONDS = 2
INTERVAL = f"WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL={TRANSMIT_SECONDS}"
"""The client sends metrics every 15 s by default: late news for a stopper."""

COMMAND = ["${env}", INTERVAL, "${interpreter}", "${program}", "${args}"]


def upsert(service: Service, access: Access, arguments: Arguments) -> Node:
    """Create a sweep, change its spec, or change its state. Raises UsageError and SpecError for people."""
    data = arguments.input()
    data.ignore("entityName", "description", "displayName", "templateVariableValues")
    _refuse_hosted(data)
    owner_only(access, "change sweeps")
    name, state = data.text("id"), data.text("state")
    config = data.get("config")
    priors = _priors(service, data)
    if not name:
        sweep, problems = _created(service, data)
    elif config is not None:
        sweep, problems = _updated(service, name, str(config))
    else:
        sweep, problems = service.store.sweep(name), ()
    if name and state:
        sweep = _moved(service, sweep, state)
    remarks = service.engine.add_priors(sweep.id, priors)[1] if priors else []
    return {
        "__typename": "UpsertSweepPayload",
        "sweep": _node(sweep),
        "configValidationWarnings": [
            *(replace(one, line=0).render() for one in problems if one.severity == "warning"),
            *remarks,
        ],
    }


def _refuse_hosted(data: Arguments) -> None:
    for name, what in (
        ("controller", "the client's own controller (`wandb sweep --controller`)"),
        ("launchScheduler", "W&B Launch"),
        ("scheduler", "the client's own scheduler"),
    ):
        if data.get(name) not in (None, "", "null", "{}"):
            raise UsageError(
                f"swept does not serve {what}: it chooses the runs itself",
                hint="use `wandb sweep FILE` and `wandb agent ID`",
            )


def _priors(service: Service, data: Arguments) -> list[str]:
    """The ids that `--prior_run` names, looked up before anything is made. Raises NotFound and UsageError."""
    condition = tokens.mapping(data.get("priorRunsFilters"))
    if not condition:
        return []
    parts = condition.get("$or")
    names = [part.get("name") for part in parts] if isinstance(parts, list) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise UsageError(
            "prior runs are named by their ids", hint="`--prior_run ID`, once for each"
        )
    for run in map(service.store.run, names):
        if not run.state.ended:
            raise UsageError(
                f"run {run.id} is {run.state}: a search learns from runs that are over",
                hint="leave it out, or wait for its end",
            )
    return names


def _created(service: Service, data: Arguments) -> tuple[Sweep, Sequence[Problem]]:
    text = _named(str(data.get("config") or ""), data)
    with _without_lines():
        sweep, _, _, warnings = service.engine.create_sweep(
            text, project=data.text("projectName") or None
        )
    return sweep, warnings


@contextlib.contextmanager
def _without_lines() -> Iterator[None]:
    """The client writes the file anew before it sends it: the lines of its text are not the user's."""
    try:
        yield
    except SpecError as error:
        raise SpecError([replace(problem, line=0) for problem in error.problems]) from error


def _named(text: str, data: Arguments) -> str:
    """The sweep's text with the name that the client gave beside it."""
    name = data.text("displayName")
    if not name:
        return text
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return text  # the spec's own reader says what is wrong with it
    if not isinstance(content, dict) or content.get("name"):
        return text
    return yaml.safe_dump({**content, "name": name}, sort_keys=False)


def _updated(service: Service, name: str, text: str) -> tuple[Sweep, Sequence[Problem]]:
    with _without_lines():
        sweep, _, warnings = service.engine.update_spec(name, text)
    return sweep, warnings


def _moved(service: Service, sweep: Sweep, state: str) -> Sweep:
    wanted = WANTED.get(state.upper())
    if wanted is None:
        raise UsageError(f"`{state}` is no state of a sweep", hint=f"one of {', '.join(WANTED)}")
    if wanted is sweep.state or (
        wanted is SweepState.RUNNING and sweep.state is SweepState.PENDING
    ):
        return sweep
    return service.engine.set_state(sweep.id, wanted.value, "asked for by the W&B client")


def _node(sweep: Sweep) -> Node:
    return {
        "__typename": "Sweep",
        "id": sweep.id,
        "name": sweep.id,
        "state": STATES[sweep.state],
        "project": {
            "__typename": "Project",
            "id": sweep.project,
            "name": sweep.project or DEFAULT_PROJECT,
            "entity": {"__typename": "Entity", "id": ENTITY, "name": ENTITY},
        },
    }


def config_text(sweep: Sweep, command: Sequence[str] | None, wandb_yaml: str) -> str:
    """The sweep's config as the agent reads it; without a command of its own it gets one with a short interval."""
    if command is not None:
        return wandb_yaml
    return wandb_yaml.rstrip("\n") + "\n" + yaml.safe_dump({"command": COMMAND}, sort_keys=False)
