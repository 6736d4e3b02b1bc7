"""From a run's config to the arguments of one Ultralytics training; everything wrong is said first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ultralytics.utils import SETTINGS
from ultralytics.utils.checks import check_yaml

from swept.errors import UsageError
from swept.ultralytics.facts import EPOCHS, SEED, check_arguments, typed

# swept gives each run a folder of its own, whatever the config says.
PLACED = ("project", "name", "exist_ok")


@dataclass(frozen=True, slots=True)
class Plan:
    """One training, ready to start.

    `model` is what `ultralytics.YOLO` takes; `arguments` are typed, without model and folder;
    `notes` are sentences for the console.
    """

    model: str
    arguments: dict[str, object]
    notes: tuple[str, ...] = ()

    @property
    def epochs(self) -> int:
        return int(str(self.arguments.get(EPOCHS, 100)))


def make_plan(
    config: Mapping[str, object], *, model: str | None, seed: int | None, online: bool
) -> Plan:
    """`config` checked and typed. Its `model` wins over `model`, its `seed` over `seed`.

    Raises UsageError with every problem at once; paths are relative to the working folder.
    """
    arguments = typed(config)
    problems = [*check_arguments(arguments), *_device_problems(arguments.get("device"))]
    if problems:
        raise UsageError(
            "this config cannot be trained:\n" + "\n".join(f"  - {text}" for text in problems),
            hint="correct the parameters of the sweep file (`swept check` finds these too)",
        )
    named = arguments.pop("model", None) or model
    if not named:
        raise UsageError("no model is given", hint="add `model: {value: yolo11n}` to `parameters:`")
    if "data" in arguments:
        arguments["data"] = resolve_data(arguments["data"])
    if seed is not None:
        arguments.setdefault(SEED, seed)
    moved = [name for name in PLACED if arguments.pop(name, None) is not None]
    resolved, note = resolve_model(str(named), online=online)
    notes = [note] if note else []
    if moved:
        notes.append(f"{', '.join(moved)}: not used, swept gives each run its own folder")
    return Plan(resolved, arguments, tuple(notes))


def resolve_model(name: str, *, online: bool) -> tuple[str, str]:
    """What `ultralytics.YOLO` should load for `name`, and a note for the console ("" = none).

    `.pt` and `.yaml` are meant literally. A bare name such as `yolo11n` is `yolo11n.pt` if that
    file is here or can be downloaded, else the architecture `yolo11n.yaml`, untrained.
    """
    if name.endswith((".pt", ".yaml", ".yml")):
        if not _found(name) and not (online and name.endswith(".pt")):
            raise UsageError(f"model `{name}` is not there (working folder: {Path.cwd()})")
        return name, ""
    weights = f"{name}.pt"
    if _found(weights):
        return _found(weights), ""
    if Path(f"{name}.yaml").is_file():
        return f"{name}.yaml", ""
    if online:
        return weights, ""
    if not _found(f"{name}.yaml"):
        raise UsageError(
            f"model `{name}` is unknown: there is no {name}.pt or {name}.yaml here",
            hint="give a file, or a name Ultralytics knows, for example yolo11n",
        )
    return f"{name}.yaml", f"{weights} is not here and cannot be downloaded: {name} from scratch"


def _found(name: str) -> str:
    """Where Ultralytics would find this file without a download; "" = nowhere."""
    if Path(name).is_file():
        return name
    if name.endswith(".pt"):
        stored = Path(str(SETTINGS["weights_dir"])) / name
        return str(stored) if stored.is_file() else ""
    # yolo11n.yaml is yolo11.yaml at scale n
    unscaled = re.sub(r"(\d+)([nslmx])(?=\W|$)", r"\1", name)
    return str(check_yaml(name, hard=False) or check_yaml(unscaled, hard=False) or "")


def resolve_data(data: object) -> object:
    """`data` as an absolute path if it is here; a name that Ultralytics ships stays a name."""
    if not isinstance(data, str) or "://" in data:
        return data
    if Path(data).exists():
        return str(Path(data).resolve())
    if Path(data).name == data and check_yaml(data, hard=False):
        return data
    raise UsageError(
        f"the dataset `data: {data}` is not there (working folder: {Path.cwd()})",
        hint="give the path of the dataset's YAML file, relative to the sweep file or absolute",
    )


def _device_problems(device: object) -> list[str]:
    several = isinstance(device, list) and len(device) > 1
    if several or (isinstance(device, str) and "," in device):
        return [
            f"`device: {device}`: a run trains on one device, because Ultralytics' workers for "
            "several cannot report; use one agent slot a GPU (`swept agent --gpus all`)"
        ]
    return []
