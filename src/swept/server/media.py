"""Which of a run's files a browser may show. Pure.

A run's file may be hostile, so that its name says nothing: what it begins with decides, and only kinds that no browser
runs are named. Everything else, SVG and HTML before all, stays an octet stream.
"""

from __future__ import annotations

from collections.abc import Mapping

HEAD_BYTES = 16
OTHER = "application/octet-stream"

_BEGINNINGS: Mapping[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"\x1aE\xdf\xa3": "video/webm",
    b"OggS": "audio/ogg",
    b"ID3": "audio/mpeg",
    b"\xff\xfb": "audio/mpeg",
}
_RIFF: Mapping[bytes, str] = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}


def type_of(head: bytes) -> str:
    """The media type of a file that begins with `head`."""
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], OTHER)
    if head[4:8] == b"ftyp":
        return "video/mp4"
    return next((kind for begin, kind in _BEGINNINGS.items() if head.startswith(begin)), OTHER)
