"""A few images of a few runs, made small. Pillow does it; without Pillow there are none, and who makes the report is told."""

from __future__ import annotations

import io
import re
import tempfile
import warnings
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from swept.client import Client
from swept.errors import SweptError
from swept.wire.runs import FileView

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 900
"""Pixels of the longer side: a confusion matrix is still read."""
QUALITY = 75
MOST_PIXELS = 50_000_000
MOST_BYTES = 30_000_000
TOTAL_BYTES = 2_500_000
"""Of all images of a file; base64 makes a third more of it."""
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
_MEDIA = re.compile(r"media/images/(?P<key>.+)_(?P<step>\d+)_[0-9a-f]+\.\w+")
"""How W&B's client names them: key, step and a part of the content's hash."""
_FIRST = ("result", "confusion_matrix", "pr_curve", "pred", "f1_curve", "val")
"""What people look at first, of what Ultralytics and others draw."""


class ReportImage(TypedDict):
    """An image in a report. `name` is the file's, or the key it was logged under; `step` None of a plain file."""

    run: str
    name: str
    step: int | None
    type: str
    data: str  # base64


@dataclass(frozen=True, slots=True)
class Collected:
    """`notes`: what readers have to know; `hint`: what only the one who makes the report can act on, or ""."""

    images: list[ReportImage]
    notes: list[str]
    hint: str = ""


def choose(files: Iterable[FileView], count: int) -> list[FileView]:
    """At most `count` images of a run: of each key the last one, what people look at first before the rest."""
    last: dict[str, FileView] = {}
    for file in files:
        if file["name"].lower().endswith(_SUFFIXES) and 0 < file["size"] <= MOST_BYTES:
            key, step = key_of(file["name"])
            known = last.get(key)
            if known is None or (key_of(known["name"])[1] or 0) <= (step or 0):
                last[key] = file
    return [last[key] for key in sorted(last, key=_importance)[:count]]


def key_of(name: str) -> tuple[str, int | None]:
    """What an image shows, and at which step."""
    found = _MEDIA.fullmatch(name)
    return (found["key"], int(found["step"])) if found else (name, None)


def _importance(key: str) -> tuple[int, str]:
    name = key.lower()
    place = next((at for at, word in enumerate(_FIRST) if word in name), len(_FIRST))
    return place, key


def collect(client: Client, runs: Sequence[str], count: int) -> Collected:
    """Up to `count` images of each run, in this order, as long as there is room."""
    chosen = [(run, file) for run in runs for file in choose(client.files(run), count)]
    if chosen and not _readable():
        return Collected(
            [], [], "the runs' images are left out: `pip install pillow` brings them in"
        )
    found: list[ReportImage] = []
    said: list[str] = []
    room = TOTAL_BYTES
    for run, file in chosen:
        try:
            small = _fetched(client, run, file["name"])
        # ImportError: Ultralytics' own `Image.open`, where it was imported, looks for a reader of what is no image.
        except (SweptError, ImportError, OSError, ValueError, SyntaxError, Warning) as error:
            said.append(f"an image of run {run} cannot be shown, `{file['name']}`: {error}")
            continue
        if len(small) > room:
            said.append("some of the runs' images are left out for their size")
            break
        room -= len(small)
        name, step = key_of(file["name"])
        data = b64encode(small).decode()
        found.append(ReportImage(run=run, name=name, step=step, type="image/webp", data=data))
    return Collected(found, said)


def _readable() -> bool:
    """Whether there is a Pillow that writes WebP."""
    try:
        from PIL import features
    except ImportError:
        return False
    return bool(features.check("webp"))


def _fetched(client: Client, run: str, name: str) -> bytes:
    from PIL import Image

    with tempfile.TemporaryDirectory(prefix="swept-report-") as folder:
        path = Path(folder) / "image"
        client.get_file(run, name, path)
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # Only what is listed: some of Pillow's readers start other programs.
            with Image.open(path, formats=("PNG", "JPEG", "WEBP", "GIF")) as image:
                return shrunk(image)


def shrunk(image: Image) -> bytes:
    """The image, first frame, as WebP of at most SIDE pixels. Raises ValueError for one that is too large to open."""
    if image.width * image.height > MOST_PIXELS:
        raise ValueError(f"{image.width} × {image.height} pixels are too many")
    small = image.convert(
        "RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB"
    )
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=QUALITY)
    return buffer.getvalue()
