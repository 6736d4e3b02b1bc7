"""What a dataset's label files hold, from a sample of them: boxes (five numbers a row) or polygons (more).

Ultralytics finds a dataset by its `data:` file, whose `path` and `train` name the image folders; the labels of
`…/images/…` lie in `…/labels/…`. What cannot be found or read is not known, and never an error: a training says more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

SAMPLE = 200
"""Label files that are looked at, evenly spread over the training split."""
BOX = 5
"""Numbers in a row of a box; rows of polygons have seven or more."""
_LARGEST = 1_000_000


def missing(data: object, folder: Path) -> bool:
    """Whether `data` names a file by its path and there is none. A bare name (`coco8.yaml`) may be Ultralytics' own."""
    return (
        isinstance(data, str) and "/" in data and "://" not in data and not (folder / data).exists()
    )


def polygons(data: object, folder: Path) -> bool | None:
    """Whether the labels of the dataset `data` (as a program in `folder` names it) are polygons; None: not known."""
    if not isinstance(data, str):
        return None
    try:
        return holds_polygons(_rows(Path(data), folder))
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None


def holds_polygons(rows: Iterable[int]) -> bool | None:
    """From the lengths of label rows. None without any, and where boxes and polygons are mixed."""
    lengths = set(rows)
    boxes, others = BOX in lengths, any(length > BOX + 1 for length in lengths)
    return None if boxes == others else others


def _rows(data: Path, folder: Path) -> Iterator[int]:
    file = folder / data
    if file.suffix not in (".yaml", ".yml") or file.stat().st_size > _LARGEST:
        return
    described = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(described, Mapping):
        return
    found = [path for images in _images(described, file, folder) for path in _labels(images)]
    for path in _spread(sorted(found)):
        for line in path.read_text(encoding="utf-8")[:_LARGEST].splitlines():
            if line.strip():
                yield len(line.split())


def _images(described: Mapping[str, Any], file: Path, folder: Path) -> Iterator[Path]:
    """The folders of the training images, each where it exists first."""
    root = described.get("path")
    roots = [file.parent] if root is None else [folder / str(root), file.parent / str(root)]
    split = described.get("train")
    for part in split if isinstance(split, list) else [split]:
        found = (base / str(part) for base in roots if part is not None)
        yield from [path.resolve() for path in found if path.is_dir()][:1]


def _labels(images: Path) -> Iterable[Path]:
    parts = list(images.parts)
    if "images" not in parts:
        return ()
    last = len(parts) - 1 - parts[::-1].index("images")
    return Path(*parts[:last], "labels", *parts[last + 1 :]).rglob("*.txt")


def _spread(paths: list[Path]) -> list[Path]:
    step = max(len(paths) / SAMPLE, 1.0)
    return [paths[int(i * step)] for i in range(min(len(paths), SAMPLE))]
