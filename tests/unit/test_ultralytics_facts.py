"""The static table of Ultralytics' arguments, and what it says about a sweep."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest

from swept.ultralytics.facts import (
    ARGUMENTS,
    FOREIGN,
    GROUPS,
    METRICS,
    OOM_PARAMETER,
    Argument,
    Inert,
    check_arguments,
    inert,
    typed,
)

GUIDE = (
    *("lr0", "lrf", "warmup_epochs", "hsv_h", "hsv_s", "hsv_v", "mosaic", "close_mosaic"),
    *("mixup", "copy_paste", "degrees", "weight_decay", "dropout"),
)


def names(found: tuple[Inert, ...]) -> set[str]:
    return {one.parameter for one in found}


# --- the table -------------------------------------------------------------------------------


def test_table_matches_the_installed_release() -> None:
    """Names, defaults, types and ranges: a new Ultralytics cannot drift away silently."""
    cfg = pytest.importorskip("ultralytics.cfg")
    defaults: Mapping[str, object] = cfg.DEFAULT_CFG_DICT
    assert set(ARGUMENTS) | set(FOREIGN) == set(defaults)
    assert {n: a.default for n, a in ARGUMENTS.items()} == {n: defaults[n] for n in ARGUMENTS}
    for name, argument in ARGUMENTS.items():
        if name in cfg.CFG_BOOL_KEYS:
            assert bool in argument.types, name
        if name in cfg.CFG_INT_KEYS:
            assert int in argument.types, name
            assert (argument.low or 0) >= cfg.CFG_INT_MIN.get(name, -1), name
        if name in cfg.CFG_FLOAT_KEYS | cfg.CFG_FRACTION_KEYS:
            assert float in argument.types, name
        if name in cfg.CFG_FRACTION_KEYS - {"fraction"}:
            assert (argument.low, argument.high) == (0.0, 1.0), name
        if name in cfg.CFG_STR_KEYS:
            assert str in argument.types, name


@pytest.mark.parametrize("argument", ARGUMENTS.values(), ids=ARGUMENTS)
def test_every_default_passes_its_own_check(argument: Argument) -> None:
    assert check_arguments({argument.name: argument.default}) == []
    assert typed({argument.name: argument.default}) == {argument.name: argument.default}


def test_the_installed_release_accepts_what_the_check_accepts() -> None:
    cfg = pytest.importorskip("ultralytics.cfg")
    config = {"epochs": 5.0, "batch": 48.0, "lr0": 1, "close_mosaic": 0, "scale": (0.5, 1.5)}
    assert check_arguments(config) == []
    cfg.get_cfg(overrides=typed(config))


def test_facts_import_nothing_heavy_and_nothing_of_swept() -> None:
    code = (
        "import sys, swept.ultralytics.facts; "
        "print([m for m in sys.modules if m.startswith(('torch', 'numpy', 'ultralytics'))], "
        "[m for m in sys.modules if m.startswith('swept') and 'ultralytics' not in m])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split("]")[0] == "["
    assert "swept." not in out.stdout


def test_groups_cover_every_argument_and_the_guides_three() -> None:
    assert set(GROUPS) == set(ARGUMENTS)
    assert {GROUPS[name] for name in GUIDE} == {"learning rate", "augmentation", "regularization"}
    assert METRICS[0] == "metrics/mAP50(B)"
    assert OOM_PARAMETER in ARGUMENTS


# --- typing and rejection --------------------------------------------------------------------


def test_typed_gives_the_types_that_ultralytics_insists_on() -> None:
    got = typed({"epochs": 5.0, "lr0": 1, "batch": 0.5, "scale": (0.5, 1.5), "cos_lr": True})
    assert got == {"epochs": 5, "lr0": 1.0, "batch": 0.5, "scale": [0.5, 1.5], "cos_lr": True}
    assert isinstance(got["epochs"], int)
    assert isinstance(got["lr0"], float)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"learning_rat": 1.0}, "`learning_rat` is not a training argument"),
        ({"mosiac": 1.0}, "did you mean `mosaic`?"),
        ({"lr0": "0.01"}, "write 0.01 without quotes"),
        ({"lr0": "1e-3"}, "YAML needs 1.0e-3"),
        ({"lr0": 2.0}, "`lr0: 2.0` is out of range; it takes a number from 0 to 1"),
        ({"lr0": float("nan")}, "out of range"),
        ({"epochs": 2.5}, "`epochs: 2.5` is a number; it takes a whole number from 1"),
        ({"epochs": 0}, "out of range"),
        ({"epochs": True}, "is true/false"),
        ({"mosaic": None}, "is empty"),
        ({"cos_lr": 1}, "it takes true or false"),
        ({"warmup_epochs": -1}, "out of range"),
        ({"optimizer": "Adagrad"}, "it takes auto, SGD"),
        ({"batch": 2.5}, "is no batch size"),
        ({"resume": True}, "leave it out"),
        ({"format": "onnx"}, "export"),
        ({"lr0": {"nested": 1}}, "is a dict"),
    ],
)
def test_what_a_training_would_refuse_is_said_with_its_mend(
    config: dict[str, object], says: str
) -> None:
    problems = check_arguments(config)
    assert len(problems) == 1
    assert says in problems[0]


def test_every_problem_is_said_at_once() -> None:
    assert len(check_arguments({"lr0": 2, "mosiac": 1, "epochs": "ten", "imgsz": 64})) == 3


# --- what cannot act -------------------------------------------------------------------------


def test_the_guides_sweep_holds_lr0_dropout_and_copy_paste() -> None:
    found = inert(GUIDE, {"model": "yolo11n.pt", "epochs": 100, "batch": 64, "imgsz": 640})
    assert {one.parameter: one.certain for one in found} == {
        "lr0": True,
        "dropout": True,
        "copy_paste": False,
    }
    assert {one.parameter: one.default for one in found}["lr0"] == 0.01
    assert "optimizer" in found[0].why


def test_polygons_decide_whether_copy_paste_acts() -> None:
    assert inert(["copy_paste"], {}, segments=False)[0].certain
    assert inert(["copy_paste"], {}, segments=True) == ()
    assert inert(["copy_paste", "copy_paste_mode"], {"task": "segment"}) == ()
    assert inert(["copy_paste"], {"model": "yolo11n-seg.pt"}) == ()


@pytest.mark.parametrize(
    ("swept", "fixed", "held"),
    [
        (["lr0", "momentum"], {"optimizer": "SGD"}, set()),
        (["lr0", "optimizer"], {}, set()),
        (["lr0"], {"optimizer": "AUTO"}, {"lr0"}),
        (["momentum", "warmup_bias_lr"], {}, {"momentum", "warmup_bias_lr"}),
        (["momentum", "warmup_momentum"], {"optimizer": "AdamW"}, {"warmup_momentum"}),
        (["warmup_momentum"], {"optimizer": "SGD", "warmup_epochs": 0}, {"warmup_momentum"}),
        (["mosaic", "mixup"], {"rect": True}, {"mosaic", "mixup"}),
        (["mosaic", "hsv_h"], {"epochs": 10}, {"mosaic"}),
        (["mosaic"], {"epochs": 10, "close_mosaic": 2}, set()),
        (["mosaic", "close_mosaic"], {"epochs": 10}, set()),
        (["close_mosaic"], {"mosaic": 0.0}, {"close_mosaic"}),
        (["close_mosaic", "mixup"], {"mosaic": 0.0}, set()),
        (["dropout"], {"model": "yolo11n-cls.pt"}, set()),
        (["dis"], {}, {"dis"}),
        (["pose", "box"], {}, {"pose"}),
    ],
)
def test_rules_of_what_cannot_act(
    swept: list[str], fixed: dict[str, object], held: set[str]
) -> None:
    assert names(inert(swept, fixed)) == held


def test_momentum_under_auto_is_not_certain_to_be_idle() -> None:
    """A long training gets MuSGD, whose warm-up ends at `momentum`."""
    assert not inert(["momentum"], {})[0].certain
    assert inert(["momentum"], {"warmup_epochs": 0})[0].certain
