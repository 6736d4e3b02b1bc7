"""The artifact verbs of the store's contract, in prose; `base.Store` has them too.

An artifact is made *pending*, told its files and manifests, and then *committed*: only then has it a version, and
only then is it found. The store keeps what an artifact is made of by digest (md5, hex); the bytes are the server's.
"""

from __future__ import annotations

from collections.abc import Collection as Container
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from swept.model import Artifact, Collection

LATEST = "latest"
INPUT, OUTPUT = "input", "output"


@dataclass(frozen=True, slots=True)
class NewArtifact:
    """What `create_artifact` needs. `client`: the name it has for its client until it has a number; `shared`: the id
    under which several runs write one version."""

    project: str
    name: str
    type: str
    digest: str
    run: str | None = None
    description: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    client: str = ""
    shared: str = ""
    step: int | None = None


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A file of an artifact, whose bytes the server keeps under `digest`; or "", and they lie at `ref`."""

    name: str
    digest: str
    size: int
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A list of files while its artifact arrives. `kind` is full, incremental (on top of `base`) or patch."""

    number: int
    artifact: int
    kind: str
    digest: str  # "" until it is known
    base: int | None


class ArtifactVerbs(Protocol):
    """What the store remembers of artifacts."""

    def create_artifact(self, new: NewArtifact, *, now: float) -> Artifact:
        """A pending version, and its collection where it is the first. Content that the collection has already (the
        digest of a committed version) makes none: that version is given back, with the aliases and `latest` moved to
        it. A repeated `client` or `shared` gets its artifact again. The run has logged it in any case. Conflict: the
        collection is of another type. Raises NotFound for the run."""
        ...

    def announce_files(self, artifact: int, digests: Mapping[str, str], *, now: float) -> None:
        """The pending artifact will have these files (name → digest): from now on their bytes are needed. Nothing is
        changed in a committed one."""
        ...

    def add_manifest(
        self, artifact: int, kind: str, digest: str, *, base: int | None, now: float
    ) -> Manifest: ...

    def set_manifest(self, manifest: int, digest: str, *, now: float) -> Manifest:
        """Raises NotFound, also when its artifact is committed by now."""
        ...

    def manifests(self, artifact: int) -> list[Manifest]:
        """In the order of their making."""
        ...

    def commit_artifact(
        self,
        artifact: int,
        manifest: str,
        files: Sequence[ArtifactFile],
        *,
        digest: str | None = None,
        now: float,
    ) -> Artifact:
        """The next version of its collection, with the aliases that were wanted, and `latest`. `digest` where it is
        another one than was said. Repeated: as the first time.

        Where a version of the collection has that digest by now, it gets the aliases and the run instead, and stands
        for this one from then on."""
        ...

    def artifact(self, artifact: int) -> Artifact:
        """Raises NotFound."""
        ...

    def find_artifact(self, project: str, name: str, alias: str) -> Artifact | None:
        """By an alias, or by `v` and the version's number."""
        ...

    def artifact_of_client(self, client: str) -> int | None: ...

    def artifacts(self, collection: int) -> list[Artifact]:
        """The committed versions, newest first."""
        ...

    def artifact_files(self, artifact: int) -> list[ArtifactFile]:
        """By name."""
        ...

    def change_artifact(
        self,
        artifact: int,
        *,
        now: float,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        add_tags: Sequence[str] = (),
        drop_tags: Sequence[str] = (),
        add_aliases: Sequence[str] = (),
        drop_aliases: Sequence[str] = (),
    ) -> Artifact:
        """None = leave as it is. An alias that another version has moves to this one."""
        ...

    def delete_artifact(self, artifact: int, *, with_aliases: bool, now: float) -> None:
        """Its number is not used again; `latest` goes to the newest version left. Conflict: it has aliases, and they
        are not to be deleted with it."""
        ...

    def use_artifact(self, artifact: int, run: str, *, now: float) -> Artifact:
        """The run has read it. Raises NotFound."""
        ...

    def run_artifacts(self, run: str, role: str) -> list[Artifact]:
        """What the run logged (`output`) or used (`input`), as far as it is committed, oldest first."""
        ...

    def artifact_users(self, artifact: int) -> list[str]:
        """Ids of the runs that used it."""
        ...

    def collections(self, project: str, type: str | None = None) -> list[Collection]:
        """Those with a committed version, by name."""
        ...

    def collection(self, collection: int) -> Collection:
        """Raises NotFound."""
        ...

    def collection_aliases(self, collection: int) -> list[str]:
        """All aliases of its versions, by name."""
        ...

    def change_collection(
        self,
        collection: int,
        *,
        now: float,
        name: str | None = None,
        type: str | None = None,
        description: str | None = None,
        add_tags: Sequence[str] = (),
        drop_tags: Sequence[str] = (),
    ) -> Collection:
        """None = leave as it is. Conflict: another one has that name."""
        ...

    def delete_collection(self, collection: int, *, now: float) -> None:
        """With all its versions."""
        ...

    def needless(self, digests: Container[str]) -> set[str]:
        """Those of `digests` that no artifact needs, pending ones included."""
        ...

    def forget_pending(self, *, before: float, now: float) -> int:
        """Delete artifacts that were made before that time and never committed, unless one stands for them; how many."""
        ...
