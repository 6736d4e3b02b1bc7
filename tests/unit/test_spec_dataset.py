"""What a sweep file's own dataset says of its parameters, and files of W&B's that train Ultralytics."""

from __future__ import annotations

from pathlib import Path

import pytest

from swept.errors import Problem
from swept.spec import examine

FILE = """\
program: train.py
method: bayes
run_cap: 20
metric: {name: metrics/mAP50(B), goal: maximize}
early_terminate: {type: hyperband, min_iter: 30, eta: 2, s: 3}
parameters:
  lr0: {min: 0.005, max: 0.02}
  copy_paste: {min: 0.0, max: 0.3}
  dropout: {min: 0.0, max: 0.2}
  mosaic: {min: 0.5, max: 1.0}
  epochs: {value: 100}
  data: {value: cones/data.yaml}
"""
ADAPTER = "swept: {adapter: ultralytics}\n"
BOX = "0 0.5 0.5 0.1 0.1\n"
POLYGON = "0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2\n"


def dataset(folder: Path, *labels: str, described: str = "train: images/train\n") -> str:
    """A dataset beside the sweep file, whose path is given back."""
    (folder / "cones/images/train").mkdir(parents=True)
    (folder / "cones/labels/train").mkdir(parents=True)
    (folder / "cones/data.yaml").write_text(described)
    for i, text in enumerate(labels):
        (folder / f"cones/labels/train/{i}.txt").write_text(text)
    return str(folder / "sweep.yaml")


def about(name: str, text: str, path: str) -> tuple[list[Problem], bool]:
    """What is said of a parameter, and whether it is held."""
    spec, said = examine(text, path)
    assert spec is not None
    return [p for p in said if f"`{name}`" in p.message], name in spec.inert


def test_box_labels_hold_copy_paste(tmp_path: Path) -> None:
    said, held = about("copy_paste", FILE + ADAPTER, dataset(tmp_path, BOX * 3, "", BOX))
    assert held
    assert "`copy_paste` cannot act" in said[0].message
    assert said[0].line == 8


def test_polygon_labels_let_it_act(tmp_path: Path) -> None:
    assert about("copy_paste", FILE + ADAPTER, dataset(tmp_path, POLYGON, "")) == ([], False)


@pytest.mark.parametrize(
    "described", ["path: ./cones\ntrain: [images/train]\n", "path: .\ntrain: images\n"]
)
def test_the_ways_to_name_the_images(tmp_path: Path, described: str) -> None:
    assert about("copy_paste", FILE + ADAPTER, dataset(tmp_path, BOX, described=described))[1]


@pytest.mark.parametrize(
    ("labels", "described"),
    [
        ((), "train: images/train\n"),
        ((BOX, POLYGON), "train: images/train\n"),
        ((BOX,), "train: elsewhere\n"),
        ((BOX,), "- no mapping\n"),
        ((BOX,), "train: [\n"),
        ((BOX,), "\0"),
    ],
)
def test_what_cannot_be_told_stays_open(
    tmp_path: Path, labels: tuple[str, ...], described: str
) -> None:
    said, held = about(
        "copy_paste", FILE + ADAPTER, dataset(tmp_path, *labels, described=described)
    )
    assert not held
    assert "`copy_paste` may not act" in said[0].message


def test_a_dataset_on_another_machine_stays_open() -> None:
    for path in ("", "/nowhere/at/all/sweep.yaml"):
        assert "may not act" in about("copy_paste", FILE + ADAPTER, path)[0][0].message


def test_a_file_for_wandb_that_trains_ultralytics_is_recognised(tmp_path: Path) -> None:
    spec, said = examine(FILE, dataset(tmp_path, BOX))
    assert spec is not None
    words = " ".join(problem.message + problem.hint for problem in said)
    for name in ("lr0", "dropout", "copy_paste"):
        assert f"`{name}` cannot act in Ultralytics' training" in words
    assert "adapter: ultralytics" in words
    assert "`s: 3` has no effect beside `min_iter`: the rungs are 30, 60 of 100 epochs" in words
    assert spec.inert == {}  # nothing is held that the file does not ask for
    assert spec.epochs_of(spec.space.config({})) == 100


def test_another_program_with_some_of_the_names_is_left_alone() -> None:
    text = FILE.replace("mosaic", "width").replace("copy_paste", "depth")
    assert "Ultralytics" not in " ".join(problem.message for problem in examine(text)[1])


def test_strict_refuses_it_there_too() -> None:
    spec, said = examine(FILE, strict=True)
    assert spec is None
    assert any(p.severity == "error" and "`dropout`" in p.message for p in said)
