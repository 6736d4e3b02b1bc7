"""The list of an artifact's files, as its client wrote it: read, put together where it came in parts, and checked.

    {"version": 1, "storagePolicy": …, "contents": {"dir/weights.pt": {"digest": BASE64_MD5, "size": 3}, …}}

An entry with `ref` lies elsewhere; of the others the bytes must be here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swept.errors import NotFound, UsageError
from swept.model import Artifact
from swept.server.blobs import clean
from swept.server.contents import Contents
from swept.server.wandb import tokens
from swept.server.wandb.artifact_files import digest_of
from swept.store.artifact_base import ArtifactFile, Manifest
from swept.store.base import Store


@dataclass(frozen=True, slots=True)
class Whole:
    """An artifact that can be committed. `digest` is what its content has, whatever was said: by it, content that is
    here already is known again."""

    manifest: str
    files: list[ArtifactFile]
    digest: str


def whole(store: Store, contents: Contents, artifact: Artifact) -> Whole:
    """What the artifact is made of. Raises UsageError while a part of it is missing."""
    parts = [one for one in store.manifests(artifact.number) if one.digest]
    if not parts:
        raise UsageError(
            f"the list of the files of artifact “{artifact.collection.name}” has not arrived",
            hint="log it again",
        )
    last = parts[-1]
    if last.kind == "full":
        return _checked(contents, artifact, last.digest, _entries(contents, last.digest))
    entries = _merged(store, contents, parts)
    text = tokens.dumps({**tokens.mapping_of(contents.read(last.digest)), "contents": entries})
    return _checked(contents, artifact, contents.keep(text.encode()), entries)


def _merged(store: Store, contents: Contents, parts: list[Manifest]) -> dict[str, Any]:
    """The entries of several parts, the later one's where two have the same; on top of what they build upon."""
    entries: dict[str, Any] = {}
    for base in dict.fromkeys(part.base for part in parts if part.kind == "incremental"):
        if base is not None:
            entries |= _entries(contents, store.artifact(base).manifest)
    for part in parts:
        entries |= _entries(contents, part.digest)
    return entries


def _entries(contents: Contents, digest: str) -> dict[str, Any]:
    try:
        entries = tokens.mapping_of(contents.read(digest)).get("contents")
    except NotFound as error:
        raise UsageError("the list of its files has not arrived", hint="log it again") from error
    except ValueError as error:
        raise UsageError(f"the list of its files cannot be read: {error}") from error
    if not isinstance(entries, dict) or not all(isinstance(one, dict) for one in entries.values()):
        raise UsageError("the list of its files has no `contents`")
    return entries


def _checked(
    contents: Contents, artifact: Artifact, manifest: str, entries: Mapping[str, Any]
) -> Whole:
    files = [_file(name, entry) for name, entry in entries.items()]
    missing = [file.name for file in files if not file.ref and not contents.has(file.digest)]
    if missing:
        raise UsageError(
            f"of artifact “{artifact.collection.name}” {len(missing)} of {len(files)} files have not arrived, "
            f"the first is “{missing[0]}”",
            hint="log it again: what has arrived is not sent twice",
        )
    return Whole(manifest, files, _digest(entries))


def _file(name: str, entry: Mapping[str, Any]) -> ArtifactFile:
    ref = str(entry.get("ref") or "")
    return ArtifactFile(clean(name), "" if ref else _md5(name, entry), _size(entry), ref)


def _md5(name: str, entry: Mapping[str, Any]) -> str:
    try:
        return digest_of(str(entry.get("digest")))
    except UsageError as error:
        raise UsageError(f"file “{name}”: {error.message}") from error


def _size(entry: Mapping[str, Any]) -> int:
    size = entry.get("size")
    return size if isinstance(size, int) and 0 <= size < 1 << 62 else 0


def _digest(entries: Mapping[str, Any]) -> str:
    """As clients compute it over a whole manifest."""
    text = "".join(f"{name}:{entries[name].get('digest')}\n" for name in sorted(entries))
    whole = f"wandb-artifact-manifest-v1\n{text}".encode()
    return hashlib.md5(whole, usedforsecurity=False).hexdigest()
