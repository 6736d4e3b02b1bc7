"""What Ultralytics 8.4 trains with: every argument, its type and range, and when it cannot act.

Pure and static, so that a sweep can be checked on a machine without Ultralytics. Read from the
sources of Ultralytics 8.4 (`cfg/default.yaml`, `cfg/__init__.py`, `engine/trainer.py`,
`data/augment.py`) and confirmed by training pairs of runs that differ in one argument; a test
compares this table with the installed release.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import NoneType
from typing import Final

EPOCHS: Final = "epochs"
SEED: Final = "seed"
OOM_PARAMETER: Final = "batch"

# What `swept.ultralytics.train` reports after each epoch of a detector, the most useful first.
METRICS: Final = (
    "metrics/mAP50(B)",
    "metrics/mAP50-95(B)",
    "metrics/precision(B)",
    "metrics/recall(B)",
    "val/box_loss",
    "val/cls_loss",
    "val/dfl_loss",
    "train/box_loss",
    "train/cls_loss",
    "train/dfl_loss",
    "lr/pg0",
    "lr/pg1",
    "lr/pg2",
    "epoch_time",
)

OPTIMIZERS: Final = ("auto", "SGD", "MuSGD", "Adam", "Adamax", "AdamW", "NAdam", "RAdam", "RMSProp")
TASKS: Final = ("detect", "segment", "semantic", "depth", "classify", "pose", "obb")
ADAMS: Final = frozenset({"adam", "adamax", "adamw", "nadam", "radam"})


@dataclass(frozen=True, slots=True)
class Argument:
    """One training argument.

    `low` and `high` are hard limits, both allowed (None = no limit); they bind numbers only.
    `choices`, if any, are the allowed texts, compared without regard to case.
    """

    name: str
    types: tuple[type, ...]
    default: object
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inert:
    """A swept parameter that cannot act. `default` is the value to hold it at.

    `certain` is False where it depends on something not known here, such as the label files.
    """

    parameter: str
    default: object
    why: str
    certain: bool


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _fraction(name: str, default: float | None) -> Argument:
    types: tuple[type, ...] = (float,) if default is not None else (float, NoneType)
    return Argument(name, types, default, 0.0, 1.0)


def _number(name: str, default: float | None, low: float | None = None) -> Argument:
    types: tuple[type, ...] = (float,) if default is not None else (float, NoneType)
    return Argument(name, types, default, low)


def _count(name: str, default: int | None, low: float | None = None) -> Argument:
    types: tuple[type, ...] = (int,) if default is not None else (int, NoneType)
    return Argument(name, types, default, low)


def _flag(name: str, default: bool | None) -> Argument:
    return Argument(name, (bool,) if default is not None else (bool, NoneType), default)


def _text(name: str, default: str | None, choices: Collection[str] = ()) -> Argument:
    types: tuple[type, ...] = (str,) if default is not None else (str, NoneType)
    return Argument(name, types, default, choices=tuple(choices))


_TABLE: Final = (
    _text("task", "detect", TASKS),
    _text("model", None),
    Argument("data", (str, list, NoneType), None),
    _count("epochs", 100, low=1),
    _number("time", None),
    _count("patience", 100, low=0),
    Argument("batch", (int, float), 16, low=-1),
    Argument("imgsz", (int, list), 640, low=1),
    _flag("save", True),
    _count("save_period", -1),
    Argument("cache", (bool, str), False, choices=("ram", "disk")),
    Argument("device", (int, str, list, NoneType), None),
    _count("workers", 8, low=0),
    _text("project", None),
    _text("name", None),
    _flag("exist_ok", False),
    Argument("pretrained", (bool, str), True),
    _flag("cls_remap", True),
    _text("optimizer", "auto", OPTIMIZERS),
    _flag("verbose", True),
    _count("seed", 0, low=0),
    _flag("deterministic", True),
    _flag("single_cls", False),
    _flag("rect", False),
    _flag("cos_lr", False),
    _count("close_mosaic", 10, low=0),
    Argument("amp", (bool, str), True, choices=("fp16", "bf16", "fp32")),
    Argument("fraction", (float, int, list), 1.0, low=0.0),
    _flag("profile", False),
    Argument("freeze", (int, list, NoneType), None),
    _fraction("multi_scale", 0.0),
    Argument("compile", (bool, str), False),
    _flag("channels_last", None),
    _flag("overlap_mask", True),
    _count("mask_ratio", 4, low=1),
    _fraction("dropout", 0.0),
    _flag("val", True),
    _text("split", "val", ("val", "test", "train")),
    _flag("save_json", False),
    _fraction("conf", None),
    _fraction("iou", 0.7),
    _count("max_det", 300, low=1),
    Argument("quantize", (int, str, NoneType), None),
    _flag("dnn", False),
    _flag("plots", True),
    _flag("nms", None),
    _flag("visualize", False),
    _flag("augment", False),
    _flag("agnostic_nms", False),
    Argument("classes", (int, list, NoneType), None),
    _flag("retina_masks", False),
    _flag("save_txt", False),
    _flag("save_conf", False),
    _flag("show_labels", True),
    _flag("show_conf", True),
    _flag("show_boxes", True),
    _count("line_width", None),
    _fraction("lr0", 0.01),
    _fraction("lrf", 0.01),
    _fraction("momentum", 0.937),
    _fraction("weight_decay", 0.0005),
    _number("warmup_epochs", 3.0, low=0.0),
    _fraction("warmup_momentum", 0.8),
    _fraction("warmup_bias_lr", 0.1),
    _text("distill_model", None),
    _number("dis", 6.0),
    _number("box", 7.5),
    _number("cls", 0.5),
    _fraction("cls_pw", 0.0),
    _number("dfl", 1.5),
    _number("pose", 12.0),
    _number("kobj", 1.0),
    _number("rle", 1.0),
    _number("angle", 1.0),
    _number("dlog", 1.0),
    _number("dgrad", 0.5),
    _fraction("dlam", 1.0),
    _count("nbs", 64, low=1),
    _fraction("hsv_h", 0.015),
    _fraction("hsv_s", 0.7),
    _fraction("hsv_v", 0.4),
    _number("degrees", 0.0),
    _fraction("translate", 0.1),
    Argument("scale", (float, list), 0.5, 0.0, 1.0),
    _number("shear", 0.0),
    _fraction("perspective", 0.0),
    _fraction("flipud", 0.0),
    _fraction("fliplr", 0.5),
    _fraction("bgr", 0.0),
    _fraction("mosaic", 1.0),
    _fraction("mixup", 0.0),
    _fraction("cutmix", 0.0),
    _fraction("copy_paste", 0.0),
    _text("copy_paste_mode", "flip", ("flip", "mixup")),
    Argument("auto_augment", (str, NoneType), "randaugment"),
    _fraction("erasing", 0.4),
)

ARGUMENTS: Final[Mapping[str, Argument]] = {argument.name: argument for argument in _TABLE}

# Ultralytics takes these too, but a training never reads them, or swept itself owns them.
FOREIGN: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        _words("source vid_stride stream_buffer embed show save_frames save_crop tracker"),
        "belongs to Ultralytics' prediction and tracking; a training never reads it: leave it out",
    ),
    **dict.fromkeys(
        _words("format optimize dynamic simplify opset workspace"),
        "belongs to Ultralytics' export; a training never reads it: leave it out",
    ),
    "mode": "is always `train` here: leave it out",
    "resume": "is swept's own business: a run goes on from its checkpoint by itself; leave it out",
    "cfg": "would override the run's values from a file: write those values as parameters instead",
}


_MEMBERS: Final = {
    "learning rate": _words(
        "lr0 lrf optimizer momentum cos_lr warmup_epochs warmup_momentum warmup_bias_lr nbs"
    ),
    "augmentation": _words(
        "hsv_h hsv_s hsv_v degrees translate scale shear perspective flipud fliplr bgr mosaic "
        "close_mosaic mixup cutmix copy_paste copy_paste_mode auto_augment erasing multi_scale"
    ),
    "regularization": _words("weight_decay dropout cls_pw freeze patience"),
}
GROUPS: Final[Mapping[str, str]] = dict.fromkeys(ARGUMENTS, "other") | {
    name: group for group, names in _MEMBERS.items() for name in names
}


TELLING: Final = frozenset(
    _words(
        "imgsz lr0 lrf hsv_h hsv_s hsv_v mosaic close_mosaic mixup cutmix copy_paste fliplr flipud degrees "
        "warmup_epochs warmup_momentum box cls dfl nbs"
    )
)
"""Arguments that hardly any other program has under these names."""
_USUAL: Final[Mapping[str, str]] = {
    "lr": "lr0",
    "learning_rate": "lr0",
    "final_lr": "lrf",
    "opt": "optimizer",
    "batch_size": "batch",
    "img_size": "imgsz",
    "image_size": "imgsz",
    "num_workers": "workers",
    "wd": "weight_decay",
    "warmup": "warmup_epochs",
}
"""What others call them."""


def check_arguments(config: Mapping[str, object]) -> list[str]:
    """Everything in `config` that a training would refuse or misread, one sentence each."""
    problems: list[str] = []
    for name, value in config.items():
        if name in FOREIGN:
            problems.append(f"`{name}` {FOREIGN[name]}")
        elif name not in ARGUMENTS:
            problems.append(_unknown(name))
        else:
            problems.extend(_value_problems(ARGUMENTS[name], value))
    return problems


def typed(config: Mapping[str, object]) -> dict[str, object]:
    """`config` with values in the types Ultralytics insists on: 5.0 → 5 for counts, 1 → 1.0 for
    numbers, tuples → lists. What cannot be meant that way is left for `check_arguments`."""
    return {
        name: _coerced(ARGUMENTS[name], value) if name in ARGUMENTS else value
        for name, value in config.items()
    }


def _unknown(name: str) -> str:
    # Of three letters, nearly anything is near.
    close = get_close_matches(name.lower(), ARGUMENTS, n=1) if len(name) > 3 else []
    meant = _USUAL.get(name.lower()) or next(iter(close), None)
    mend = f"did you mean `{meant}`?" if meant else "remove it or check its spelling"
    return f"`{name}` is not a training argument of Ultralytics: {mend}"


def _coerced(argument: Argument, value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    whole = isinstance(value, float) and value.is_integer()
    if whole and int in argument.types and argument.name != "fraction":
        return int(value) if isinstance(value, float) else value
    if isinstance(value, int) and not isinstance(value, bool) and int not in argument.types:
        return float(value) if float in argument.types else value
    return value


def _value_problems(argument: Argument, value: object) -> Iterator[str]:
    value, shown = _coerced(argument, value), f"`{argument.name}: {value}`"
    if not _type_fits(argument, value):
        yield f"{shown} is {_kind_of(value)}; it takes {_wanted(argument)}{_mend(value)}"
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if not _in_range(argument, value):
            yield f"{shown} is out of range; it takes {_wanted(argument)}"
        elif argument.name == "batch" and value != int(value) and not 0.0 < value < 1.0:
            yield f"{shown} is no batch size: a whole number, -1, or a GPU memory fraction below 1"
    elif isinstance(value, str) and not _is_choice(argument, value):
        yield f"{shown} is unknown; it takes {_wanted(argument)}"


def _type_fits(argument: Argument, value: object) -> bool:
    if isinstance(value, bool):
        return bool in argument.types
    return isinstance(value, argument.types)


def _is_choice(argument: Argument, value: str) -> bool:
    return not argument.choices or value.lower() in {text.lower() for text in argument.choices}


def _in_range(argument: Argument, value: float) -> bool:
    above = argument.low is None or value >= argument.low
    return value == value and above and (argument.high is None or value <= argument.high)


def _kind_of(value: object) -> str:
    if value is None:
        return "empty"
    names = {bool: "true/false", int: "a whole number", float: "a number", str: "text"}
    return names.get(type(value), f"a {type(value).__name__}")


def _wanted(argument: Argument) -> str:
    if argument.choices:
        texts = ", ".join(argument.choices)
        return f"{texts}, true or false" if bool in argument.types else texts
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    types = [kind for kind in argument.types if kind is not NoneType]
    kinds = " or ".join(names.get(kind, "a list") for kind in types)
    if argument.low is None:
        return kinds
    limit = f"from {argument.low:g}" + (f" to {argument.high:g}" if argument.high else "")
    return f"{kinds} {limit}"


def _mend(value: object) -> str:
    """The usual slip: a number in quotes, or 1e-3, which YAML takes for text."""
    try:
        number = float(value) if isinstance(value, str) else None
    except ValueError:
        return ""
    if number is None:
        return ""
    return f" (write {number:g} without quotes; YAML needs 1.0e-3, not 1e-3)"


# Arguments that only one task reads.
_ONE_TASK: Final[Mapping[str, str]] = {
    **dict.fromkeys(("dropout", "auto_augment", "erasing"), "classify"),
    **dict.fromkeys(("overlap_mask", "mask_ratio"), "segment"),
    **dict.fromkeys(("pose", "kobj", "rle"), "pose"),
    **dict.fromkeys(("dlog", "dgrad", "dlam"), "depth"),
    "angle": "obb",
}
_SUFFIX: Final = {
    "-cls": "classify",
    "-seg": "segment",
    "-sem": "semantic",
    "-pose": "pose",
    "-obb": "obb",
    "-depth": "depth",
}


def inert(
    swept: Collection[str], fixed: Mapping[str, object], segments: bool | None = None
) -> tuple[Inert, ...]:
    """The parameters of `swept` that cannot change the result, in the order of `swept`.

    `fixed` are the parameters with one value; everything else is at its default. `segments` says
    whether the label files hold polygons (None = not known).
    """
    found: dict[str, Inert] = {}
    for parameter, why, certain in _rules(_Settings(frozenset(swept), fixed), segments):
        known = found.get(parameter)
        if parameter in swept and (known is None or (certain and not known.certain)):
            found[parameter] = Inert(parameter, ARGUMENTS[parameter].default, why, certain)
    return tuple(found[name] for name in swept if name in found)


@dataclass(frozen=True, slots=True)
class _Settings:
    """The values that are the same in every run of a sweep."""

    swept: frozenset[str]
    fixed: Mapping[str, object]

    def value(self, name: str) -> object:
        """Its one value in every run; None if it varies."""
        return None if name in self.swept else self.fixed.get(name, ARGUMENTS[name].default)

    def number(self, name: str) -> float | None:
        value = self.value(name)
        return float(value) if isinstance(value, (int, float)) else None

    @property
    def task(self) -> str:
        named = str(self.fixed.get("model", "")).lower()
        by_name = next((task for suffix, task in _SUFFIX.items() if suffix in named), "detect")
        return str(self.fixed.get("task", by_name))

    @property
    def optimizer(self) -> str:
        return str(self.value("optimizer") or "").lower()


_Finding = tuple[str, str, bool]  # parameter, why, certain


def _rules(settings: _Settings, segments: bool | None) -> Iterator[_Finding]:
    for parameter, task in _ONE_TASK.items():
        if settings.task != task:
            yield parameter, f"only `{task}` models read it; this is `{settings.task}`", True
    yield from _optimizer_rules(settings)
    yield from _mixing_rules(settings, segments)
    if settings.value("distill_model") is None and "distill_model" not in settings.swept:
        yield "dis", "it weighs a distillation loss, and no `distill_model` is given", True


def _optimizer_rules(settings: _Settings) -> Iterator[_Finding]:
    cold = settings.number("warmup_epochs") == 0 or settings.number("epochs") == 1
    if settings.optimizer == "auto":
        why = "`optimizer: auto` (the default) overrides it: fix `optimizer`, for example to SGD"
        yield "lr0", why, True
        yield "warmup_bias_lr", why, True
        for name in ("momentum", "warmup_momentum"):
            yield name, "`optimizer: auto` ignores it where it picks AdamW (short trainings)", cold
    if settings.optimizer in ADAMS:
        yield "warmup_momentum", f"{settings.value('optimizer')} has no momentum to warm up", True
    if cold:
        yield "warmup_momentum", "there is no warm-up (`warmup_epochs: 0`)", True
        yield "warmup_bias_lr", "there is no warm-up (`warmup_epochs: 0`)", True
    if settings.number("epochs") == 1:
        yield "warmup_epochs", "the last epoch has no warm-up, and `epochs` is 1", True
    if settings.number("lrf") == 1:
        yield "cos_lr", "with `lrf: 1` the learning rate does not change at all", True


def _mixing_rules(settings: _Settings, segments: bool | None) -> Iterator[_Finding]:
    mixing = ("mosaic", "mixup", "cutmix")
    rect = settings.value("rect") is True
    if rect:
        for name in mixing:
            yield name, "`rect: true` switches it off", True
    closing, epochs = settings.number("close_mosaic"), settings.number("epochs")
    if closing and epochs and closing >= epochs:
        for name in (*mixing, "copy_paste"):
            why = f"`close_mosaic` ({closing:g}) switches it off for all {epochs:g} epochs"
            yield name, why, True
    pastes, certain = _copy_paste_acts(settings, segments)
    if not pastes:
        yield "copy_paste", "box labels have nothing to paste: it acts on polygon labels", certain
    idle = settings.number("copy_paste") == 0
    if idle or not pastes:
        yield "copy_paste_mode", "`copy_paste` does not act", idle or certain
    unmixed = rect or all(settings.number(name) == 0 for name in mixing)
    if unmixed and (idle or not pastes):
        why = "nothing is left to switch off: mosaic, mixup, cutmix and copy_paste do not act"
        yield "close_mosaic", why, idle or certain


def _copy_paste_acts(settings: _Settings, segments: bool | None) -> tuple[bool, bool]:
    """Whether copy-paste acts, and whether that is certain."""
    if settings.task in {"segment", "semantic", "obb"}:
        return True, True
    if settings.task in {"depth", "classify"}:
        return False, True
    return segments is True, segments is not None
