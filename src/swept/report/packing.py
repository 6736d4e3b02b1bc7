"""Bytes as text that stands in an HTML file: deflate, then base 85.

Base 85 needs a quarter more than the bytes, base64 a third. Of Python's alphabet the three letters that HTML gives a
meaning are others here, so that the text ends no element and no JSON string, wherever it stands.
"""

from __future__ import annotations

import zlib
from base64 import b85encode

_STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED)
"""Noisy numbers are smaller by a twentieth where short matches are not taken; text is not."""
_GZIP = 31
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%/()*+-;,=.?@^_`{|}~"
"""By their place, 0 to 84."""
_HTML = str.maketrans("<>&", ",./")


def packed(content: bytes) -> str:
    return b85encode(deflated(content)).decode("ascii").translate(_HTML)


def deflated(content: bytes) -> bytes:
    """As gzip, the smallest that zlib finds; the same bytes for the same content."""
    return min((_deflated(content, strategy) for strategy in _STRATEGIES), key=len)


def _deflated(content: bytes, strategy: int) -> bytes:
    made = zlib.compressobj(9, zlib.DEFLATED, _GZIP, 8, strategy)
    return made.compress(content) + made.flush()
