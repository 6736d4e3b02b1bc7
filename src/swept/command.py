"""From a run's configuration to the command that starts its program: W&B's macros, flags and files.

Source: https://docs.wandb.ai/guides/sweeps/define-sweep-configuration#command, and what its agent does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from swept.errors import UsageError

DEFAULT = ("${env}", "${interpreter}", "${program}", "${args}")
ADAPTED = ("${env}", "${interpreter}", "${program}")
"""A program that an adapter knows reads its configuration through the SDK: flags would only disturb it."""

ARGS_FILE = "${args_json_file}"
"""Stands for the path of a file with the configuration as JSON."""

_VARIABLE = re.compile(r"\$\{envvar:([A-Za-z0-9_]*)\}")


def build(
    command: Sequence[Any],
    *,
    program: str | None,
    config: Mapping[str, Any],
    interpreter: str,
    environment: Mapping[str, str],
    args_file: Path,
) -> list[str]:
    """As `words`; `args_file` is written where the command names it."""
    built = words(
        command,
        program=program,
        config=config,
        interpreter=interpreter,
        environment=environment,
        args_file=args_file,
    )
    if ARGS_FILE in command:
        args_file.write_text(json.dumps(config), encoding="utf-8")
    return built


def words(
    command: Sequence[Any],
    *,
    program: str | None,
    config: Mapping[str, Any],
    interpreter: str,
    environment: Mapping[str, str],
    args_file: Path,
) -> list[str]:
    """The argument vector. Raises UsageError where the command needs a program that the sweep does not name."""
    if not program and "${program}" in command:
        raise UsageError(
            "the sweep names no program to start",
            hint="add `program: train.py` (or a `command:` list) to the sweep file",
        )
    macros = _macros(program or "", config, interpreter, args_file)
    found: list[str] = []
    for word in map(str, command):
        found += macros[word] if word in macros else [_with_variables(word, environment)]
    return found


def _macros(
    program: str, config: Mapping[str, Any], interpreter: str, args_file: Path
) -> dict[str, list[str]]:
    flags = [f"{key}={value}" for key, value in config.items()]
    return {
        "${env}": ["/usr/bin/env"],
        "${interpreter}": [interpreter],
        "${program}": [program],
        "${args}": [f"--{flag}" for flag in flags],
        "${args_no_hyphens}": flags,
        "${args_no_boolean_flags}": _without_booleans(config),
        "${args_json}": [json.dumps(config)],
        ARGS_FILE: [str(args_file)],
    }


def _without_booleans(config: Mapping[str, Any]) -> list[str]:
    """True gives the bare flag, False none at all."""
    flags = []
    for key, value in config.items():
        if value is True:
            flags.append(f"--{key}")
        elif value is not False:
            flags.append(f"--{key}={value}")
    return flags


def _with_variables(word: str, environment: Mapping[str, str]) -> str:
    """`${envvar:NAME}` anywhere in the word; an unknown NAME stands for itself, as W&B has it."""
    return _VARIABLE.sub(lambda match: environment.get(match[1], match[1]), word)


def sweep_parameters(config: Mapping[str, Any]) -> str:
    """The file behind WANDB_SWEEP_PARAM_PATH: without it `wandb.config` is empty."""
    head = "wandb_version: 1"
    if not config:
        return head
    body = yaml.safe_dump(
        {key: {"value": value} for key, value in config.items()},
        default_flow_style=False,
        allow_unicode=True,
        sort_keys=False,
    )
    return f"{head}\n\n{body}"
