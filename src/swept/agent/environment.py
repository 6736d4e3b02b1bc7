"""The environment of a run: what the program, the SDK and an unmodified wandb client find there."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from swept.command import ADAPTED, DEFAULT, build, sweep_parameters
from swept.tracking.workspace import Brief, Workspace
from swept.wire.agents import Claimed

ENTITY = "local"
STREAM_SECONDS = "2"
"""W&B's client sends every 15 s by default: too late for a decision at each epoch."""

_SCRUBBED = frozenset(
    {
        # another run's, when an agent is started inside of one
        "SWEPT_RUN_ID", "SWEPT_LEASE", "SWEPT_CONFIG", "SWEPT_SEED", "SWEPT_CHECKPOINT_DIR", "SWEPT_RESUME_FROM",
        "SWEPT_METRIC", "SWEPT_RUN_DIR", "WANDB_RUN_ID", "WANDB_SWEEP_ID", "WANDB_SWEEP_PARAM_PATH", "WANDB_SERVICE",
        # the server's key is the agent's: a program gets its lease
        "SWEPT_API_KEY",
        # the agent's own rank (srun starts one agent a task): each of its runs is a job of its own
        "RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID",
        "SLURM_LOCALID",
    }
)  # fmt: skip


def prepare(claimed: Claimed, place: Workspace) -> None:
    """Write the files that the program reads."""
    place.keep_brief(
        Brief(
            run=claimed["run"],
            attempt=claimed["attempt"],
            name=claimed["name"],
            number=claimed["number"],
            kind=claimed["kind"],
            project=claimed["project"],
            sweep=claimed["sweep"],
            seed=claimed["seed"],
            metric=claimed["metric"],
            epochs=claimed["epochs"],
            checkpoint=claimed["checkpoint"],
            config=claimed["config"],
        )
    )
    parameters = sweep_parameters(claimed["config"])
    _parameters(place).write_text(parameters, encoding="utf-8", errors="backslashreplace")


def environment(
    claimed: Claimed,
    place: Workspace,
    *,
    url: str,
    checkpoints: Path,
    base: Mapping[str, str],
    device: Mapping[str, str],
) -> dict[str, str]:
    """The variables of one run, over the agent's own (`base`) and those of its slot (`device`)."""
    kept = {key: value for key, value in base.items() if key not in _SCRUBBED}
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        **device,
        **_own(claimed, place, url, checkpoints),
        **_wandb(claimed, place, url),
    }


def _own(claimed: Claimed, place: Workspace, url: str, checkpoints: Path) -> dict[str, str]:
    checkpoint, seed, metric = claimed["checkpoint"], claimed["seed"], claimed["metric"]
    optional = {
        "SWEPT_SEED": None if seed is None else str(seed),
        "SWEPT_METRIC": metric,
        "SWEPT_RESUME_FROM": str(checkpoint["place"]) if checkpoint else None,
    }
    return {
        "SWEPT_URL": url,
        "SWEPT_RUN_ID": claimed["run"],
        "SWEPT_LEASE": claimed["lease"],
        "SWEPT_CONFIG": str(place.config),
        "SWEPT_CHECKPOINT_DIR": str(checkpoints / claimed["run"]),
        "SWEPT_RUN_DIR": str(place.path),
        **{key: value for key, value in optional.items() if value is not None},
    }


def _wandb(claimed: Claimed, place: Workspace, url: str) -> dict[str, str]:
    sweep = {"WANDB_SWEEP_ID": claimed["sweep"]} if claimed["sweep"] else {}
    return {
        "WANDB_BASE_URL": url,
        "WANDB_API_KEY": claimed["lease"],
        "WANDB_ERROR_REPORTING": "false",  # older clients report their crashes to W&B
        "WANDB_ENTITY": ENTITY,
        "WANDB_PROJECT": claimed["project"],
        "WANDB_DIR": str(place.path),  # it makes a folder `wandb` there
        "WANDB_RUN_ID": claimed["run"],
        "WANDB_SWEEP_PARAM_PATH": str(_parameters(place)),
        "WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": STREAM_SECONDS,
        **sweep,
    }


def _parameters(place: Workspace) -> Path:
    return place.path / "wandb-parameters.yaml"


def command_line(claimed: Claimed, place: Workspace, variables: Mapping[str, str]) -> list[str]:
    """The program's argument vector. Raises UsageError."""
    command: Sequence[str] = claimed["command"]
    if not command:
        command = ADAPTED if claimed["adapter"] else DEFAULT
    return build(
        command,
        program=claimed["program"],
        config=claimed["config"],
        interpreter=sys.executable,
        environment=variables,
        args_file=place.path / "args.json",
    )


def working_folder(claimed: Claimed, here: Path) -> Path:
    """The sweep file's folder where this machine has it, else the agent's own."""
    folder = Path(claimed["folder"]) if claimed["folder"] else here
    return folder if folder.is_dir() else here
