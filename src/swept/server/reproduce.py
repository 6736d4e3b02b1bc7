"""How a run's configuration is trained again, as lines for a shell. Pure, but for a look at whether a model's file is there."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from swept import command
from swept.errors import UsageError
from swept.model import SWEEP_KINDS, Kind, Run
from swept.spec import Spec
from swept.store import visible
from swept.sweepfile import adapter
from swept.wire.runs import Way

_ARGUMENTS = ("${args}", "${args_no_hyphens}", "${args_no_boolean_flags}", "${args_json}")
_OWN_FOLDER = ("project", "name", "exist_ok")
"""Arguments of Ultralytics that say where it writes, not what it trains."""


def ways(run: Run, spec: Spec | None, folder: str, metadata: Mapping[str, Any]) -> list[Way]:
    """The nearest to what really ran first. `spec` and `folder` are those of its sweep; `metadata` is what W&B's client
    found out about the program."""
    found = [] if spec is None else list(_of_sweep(run, spec, folder))
    return found or list(_by_hand(run, metadata))


def _of_sweep(run: Run, spec: Spec, folder: str) -> Iterator[Way]:
    config = spec.given(visible.override(run.config, run.overrides), run.seed)
    if spec.options.adapter:
        yield _adapted(spec, {**config, **(run.effective_config or {})}, folder)
    elif (way := _program(spec, config, folder)) is not None:
        yield way
    if run.kind in SWEEP_KINDS and run.state.ended:
        yield {
            "title": "as a new run of the sweep",
            "shell": f"swept retry {shlex.quote(run.id)}",
            "note": f"an agent at work takes it up; without one, `swept agent {run.sweep}`",
        }


def _program(spec: Spec, config: Mapping[str, Any], folder: str) -> Way | None:
    """As the agent starts it, but for the agent's own paths; None for a command that cannot be built."""
    template: Sequence[str] = spec.command or command.DEFAULT
    try:
        words = command.words(
            template,
            program=spec.program,
            config=config,
            interpreter="python",
            environment={},
            args_file=Path("args.json"),
        )
    except UsageError:
        return None
    line = shlex.join(words)
    if command.ARGS_FILE in template:
        line = f"printf %s {shlex.quote(json.dumps(config))} > args.json && {line}"
    told = any(word in template for word in (*_ARGUMENTS, command.ARGS_FILE))
    note = (
        "with the arguments that the agent gave it; a program that asks `swept.init()` or `wandb.config` instead has its own "
        "configuration outside of an agent"
        if told
        else "the command gives the program no arguments: outside of an agent it has its own configuration"
    )
    return {"title": "the program alone", "shell": _within(folder, line), "note": note}


def _adapted(spec: Spec, config: Mapping[str, Any], folder: str) -> Way:
    given = {
        name: value
        for name, value in config.items()
        if adapter.knows(spec.options.adapter, name) and name not in _OWN_FOLDER
    }
    model = config.get("model")
    first = [] if model is None else [f"model={_file_of(str(model), folder)}"]
    rest = [f"{name}={value}" for name, value in given.items() if name != "model"]
    return {
        "title": "Ultralytics alone",
        "shell": _within(folder, shlex.join(["yolo", "train", *first, *rest])),
        "note": "with the values that the run really had; nothing is reported to swept",
    }


def _file_of(model: str, folder: str) -> str:
    """A bare name, which `swept.ultralytics` takes and `yolo` does not, as the file that it stands for."""
    if Path(model).suffix in (".pt", ".yaml", ".yml"):
        return model
    own = (
        not (Path(folder) / f"{model}.pt").is_file() and (Path(folder) / f"{model}.yaml").is_file()
    )
    return f"{model}.yaml" if folder and own else f"{model}.pt"


def _by_hand(run: Run, metadata: Mapping[str, Any]) -> Iterator[Way]:
    program, arguments = metadata.get("program"), metadata.get("args")
    if isinstance(program, str) and program and isinstance(arguments, list | None):
        words = ["python", program, *(str(one) for one in arguments or ())]
        root = metadata.get("root")
        yield {
            "title": "the program again",
            "shell": _within(root if isinstance(root, str) else "", shlex.join(words)),
            "note": _commit(metadata.get("git")),
        }
    elif run.kind is Kind.MANUAL and (typed := run.details.get("command")):
        yield {
            "title": "the program again",
            "shell": f"python {typed}",
            "note": "as it was typed, from the folder in which it was; quotes are not kept",
        }


def _commit(git: Any) -> str:
    if not isinstance(git, Mapping) or not isinstance(git.get("commit"), str):
        return ""
    remote = git.get("remote")
    place = f" of {remote}" if isinstance(remote, str) and remote else ""
    return f"its code was at commit {git['commit'][:12]}{place}, with what was not committed then"


def _within(folder: str, line: str) -> str:
    return f"cd {shlex.quote(folder)} && {line}" if folder else line
