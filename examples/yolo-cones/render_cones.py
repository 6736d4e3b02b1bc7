"""Renders a small synthetic cone dataset in YOLO's format: the five FSOCO classes, seeded.

    python render_cones.py [folder] [--train 128] [--val 48] [--test 48] [--size 192] [--seed 0]

The same arguments give the same pictures, pixel by pixel. An existing folder that was rendered
with the same arguments is left alone, so that calling this before every launch costs nothing.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

CLASSES = ("blue_cone", "yellow_cone", "orange_cone", "large_orange_cone", "unknown_cone")
BODY = ((28, 70, 190), (240, 205, 25), (240, 105, 20), (235, 95, 15), (125, 130, 120))
STRIPE = ((245, 245, 245), (25, 25, 25), (245, 245, 245), (245, 245, 245), (160, 165, 155))
FREQUENCY = (0.30, 0.30, 0.17, 0.13, 0.10)
HORIZON = 0.35  # fraction of the height above which no cone stands
LARGE = 3  # the large orange cone is taller and wears two stripes

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels


@dataclass(frozen=True)
class Cone:
    """One cone of a scene. `box` is in pixels of the picture."""

    label: int
    box: Box


def shade(colour: Colour, light: float, rng: np.random.Generator) -> Colour:
    """`colour` under a light of factor `light`, with a little noise per channel."""
    noisy = np.asarray(colour, dtype=float) * light + rng.normal(0.0, 7.0, size=3)
    red, green, blue = (int(value) for value in np.clip(noisy, 0, 255))
    return red, green, blue


def background(size: int, light: float, rng: np.random.Generator) -> Image.Image:
    """Sky and tarmac with noise, `size` x `size` pixels."""
    row = np.linspace(0.0, 1.0, size)[:, None, None]
    sky = np.array([150.0, 175.0, 205.0]) * (1.1 - row)
    ground = np.array([95.0, 95.0, 92.0]) * (0.75 + 0.4 * row)
    scene = np.where(row < HORIZON * rng.uniform(0.6, 1.0), sky, ground)
    scene = scene * light + rng.normal(0.0, 6.0, size=(size, size, 3))
    return Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8))


def draw_cone(
    draw: ImageDraw.ImageDraw, cone: Cone, light: float, rng: np.random.Generator
) -> None:
    """Paints a cone (base plate, body, stripes) so that it fills its box."""
    left, top, right, bottom = cone.box
    width, height, middle = right - left, bottom - top, (left + right) / 2

    def at(level: float) -> tuple[float, float, float]:
        """Left edge, right edge and y of the body at `level` (0 = foot, 1 = tip)."""
        half = width * (0.40 - 0.33 * level)
        return middle - half, middle + half, bottom - height * (0.08 + 0.92 * level)

    def band(low: float, high: float, colour: Colour) -> None:
        (left_low, right_low, y_low), (left_high, right_high, y_high) = at(low), at(high)
        corners = [(left_low, y_low), (right_low, y_low), (right_high, y_high), (left_high, y_high)]
        draw.polygon(corners, fill=colour)

    body = shade(BODY[cone.label], light, rng)
    draw.rectangle((left, bottom - height * 0.10, right, bottom), fill=body)
    band(0.0, 1.0, body)
    for low in (0.22, 0.58) if cone.label == LARGE else (0.40,):
        band(low, low + 0.20, shade(STRIPE[cone.label], light, rng))


def place_cones(size: int, rng: np.random.Generator) -> list[Cone]:
    """Three to nine cones, nearer ones (lower, larger) last, none mostly hidden by another."""
    cones: list[Cone] = []
    for nearness in sorted(rng.uniform(0.0, 1.0, size=int(rng.integers(3, 10)))):
        label = int(rng.choice(len(CLASSES), p=FREQUENCY))
        height = size * (0.10 + 0.22 * nearness) * (1.35 if label == LARGE else 1.0)
        width = height * rng.uniform(0.68, 0.80) * (0.85 if label == LARGE else 1.0)
        bottom = size * (HORIZON + 0.08 + (0.90 - HORIZON) * nearness)
        left = rng.uniform(0.0, size - width)
        box = (left, max(bottom - height, 0.0), left + width, min(bottom, size - 1.0))
        if all(abs(left - other.box[0]) > 0.6 * width for other in cones):
            cones.append(Cone(label, box))
    return cones


def label_lines(cones: list[Cone], size: int) -> Iterator[str]:
    """YOLO's label format: class, then box centre and size as fractions of the picture."""
    for cone in cones:
        left, top, right, bottom = (edge / size for edge in cone.box)
        centre_x, centre_y = (left + right) / 2, (top + bottom) / 2
        yield f"{cone.label} {centre_x:.6f} {centre_y:.6f} {right - left:.6f} {bottom - top:.6f}\n"


def render_split(folder: Path, split: str, count: int, size: int, seed: list[int]) -> None:
    """Writes `count` pictures and label files of one split under `folder`."""
    images, labels = folder / "images" / split, folder / "labels" / split
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    for number in range(count):
        rng = np.random.default_rng([*seed, number])
        light = float(rng.uniform(0.6, 1.15))
        picture, cones = background(size, light, rng), place_cones(size, rng)
        draw = ImageDraw.Draw(picture)
        for cone in cones:
            draw_cone(draw, cone, light, rng)
        picture.save(images / f"{number:05d}.jpg", quality=92)
        (labels / f"{number:05d}.txt").write_text("".join(label_lines(cones, size)))


def data_yaml() -> str:
    """Ultralytics' description of the dataset; without `path:` it means the file's own folder."""
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(CLASSES))
    return f"train: images/train\nval: images/val\ntest: images/test\nnames:\n{names}"


def render(folder: Path, counts: dict[str, int], size: int, seed: int) -> bool:
    """Renders the dataset into `folder`; False if it is already there with these arguments."""
    recipe = json.dumps({"counts": counts, "size": size, "seed": seed, "version": 1})
    marker = folder / "recipe.json"
    if marker.is_file() and marker.read_text() == recipe:
        return False
    if folder.exists() and not marker.is_file() and any(folder.iterdir()):
        raise SystemExit(f"`{folder}` holds something else; name another folder or remove it.")
    scratch = folder.with_name(folder.name + ".part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for index, (split, count) in enumerate(counts.items()):
        render_split(scratch, split, count, size, [seed, index])
    (scratch / "data.yaml").write_text(data_yaml())
    (scratch / "recipe.json").write_text(recipe)
    shutil.rmtree(folder, ignore_errors=True)
    scratch.rename(folder)
    return True


def main() -> None:
    """Reads the command line and renders."""
    parser = argparse.ArgumentParser(description="Render the synthetic cone dataset.")
    parser.add_argument("folder", nargs="?", default="cones", type=Path)
    for split, count in (("train", 128), ("val", 48), ("test", 48)):
        parser.add_argument(f"--{split}", type=int, default=count, help=f"pictures ({count})")
    parser.add_argument("--size", type=int, default=192, help="side of a picture in pixels (192)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    counts = {"train": args.train, "val": args.val, "test": args.test}
    made = render(args.folder, counts, args.size, args.seed)
    print(f"{'rendered' if made else 'found'} {sum(counts.values())} pictures in {args.folder}")


if __name__ == "__main__":
    main()
