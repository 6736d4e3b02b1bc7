"""What the live tasks learn from."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.task import DATA

Array: TypeAlias = NDArray[Any]


class Digits(NamedTuple):
    """1,797 images of 8 × 8: `pixels` (n, 64) whole numbers 0 to 16; `labels` (n,), 0 to 9. In a fixed random order."""

    pixels: Array
    labels: Array


@cache
def digits() -> Digits:
    with np.load(DATA / "digits/digits.npz") as file:
        order = np.random.default_rng(1797).permutation(len(file["labels"]))
        return Digits(file["images"][order].astype(int), file["labels"][order].astype(int))


@cache
def scaled() -> Array:
    """The pixels as float32 around 0, shape (1797, 64)."""
    return (digits().pixels / 8 - 1).astype(np.float32)


@cache
def docstrings() -> Mapping[str, list[str]]:
    """Texts of the standard library by topic."""
    found: Mapping[str, list[str]] = json.loads(
        gzip.decompress((DATA / "text/docstrings.json.gz").read_bytes())
    )
    return found
