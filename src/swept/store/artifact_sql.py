"""The artifact verbs of `SqlStore`: which write and which read; what they mean stands in `artifact_base`."""

from __future__ import annotations

from collections.abc import Collection as Container
from collections.abc import Mapping, Sequence
from typing import Any

from swept.model import Artifact, Collection
from swept.store import artifacts
from swept.store.artifact_base import ArtifactFile, Manifest, NewArtifact
from swept.store.database import Database


class SqlArtifacts:
    """A part of `SqlStore`."""

    _database: Database

    def create_artifact(self, new: NewArtifact, *, now: float) -> Artifact:
        return self._database.write(lambda work: artifacts.create(work, new), now=now)

    def announce_files(self, artifact: int, digests: Mapping[str, str], *, now: float) -> None:
        self._database.write(lambda work: artifacts.announce(work, artifact, digests), now=now)

    def add_manifest(
        self, artifact: int, kind: str, digest: str, *, base: int | None, now: float
    ) -> Manifest:
        return self._database.write(
            lambda work: artifacts.add_manifest(work, artifact, kind, digest, base), now=now
        )

    def set_manifest(self, manifest: int, digest: str, *, now: float) -> Manifest:
        return self._database.write(
            lambda work: artifacts.set_manifest(work, manifest, digest), now=now
        )

    def manifests(self, artifact: int) -> list[Manifest]:
        return self._database.read(lambda connection: artifacts.manifests(connection, artifact))

    def commit_artifact(
        self,
        artifact: int,
        manifest: str,
        files: Sequence[ArtifactFile],
        *,
        digest: str | None = None,
        now: float,
    ) -> Artifact:
        return self._database.write(
            lambda work: artifacts.commit(work, artifact, manifest, files, digest),
            now=now,
        )

    def artifact(self, artifact: int) -> Artifact:
        return self._database.read(lambda connection: artifacts.get(connection, artifact))

    def find_artifact(self, project: str, name: str, alias: str) -> Artifact | None:
        return self._database.read(
            lambda connection: artifacts.named(connection, project, name, alias)
        )

    def artifact_of_client(self, client: str) -> int | None:
        return self._database.read(lambda connection: artifacts.of_client(connection, client))

    def artifacts(self, collection: int) -> list[Artifact]:
        return self._database.read(
            lambda connection: artifacts.of_collection(connection, collection)
        )

    def artifact_files(self, artifact: int) -> list[ArtifactFile]:
        return self._database.read(lambda connection: artifacts.files(connection, artifact))

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
        return self._database.write(
            lambda work: artifacts.change(
                work,
                artifact,
                description=description,
                metadata=metadata,
                add_tags=add_tags,
                drop_tags=drop_tags,
                add_aliases=add_aliases,
                drop_aliases=drop_aliases,
            ),
            now=now,
        )

    def delete_artifact(self, artifact: int, *, with_aliases: bool, now: float) -> None:
        self._database.write(
            lambda work: artifacts.remove(work, artifact, with_aliases=with_aliases), now=now
        )

    def use_artifact(self, artifact: int, run: str, *, now: float) -> Artifact:
        return self._database.write(lambda work: artifacts.use(work, artifact, run), now=now)

    def run_artifacts(self, run: str, role: str) -> list[Artifact]:
        return self._database.read(lambda connection: artifacts.of_run(connection, run, role))

    def artifact_users(self, artifact: int) -> list[str]:
        return self._database.read(lambda connection: artifacts.users(connection, artifact))

    def collections(self, project: str, type: str | None = None) -> list[Collection]:
        return self._database.read(
            lambda connection: artifacts.collections(connection, project, type)
        )

    def collection(self, collection: int) -> Collection:
        return self._database.read(lambda connection: artifacts.collection(connection, collection))

    def collection_aliases(self, collection: int) -> list[str]:
        return self._database.read(
            lambda connection: artifacts.collection_aliases(connection, collection)
        )

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
        return self._database.write(
            lambda work: artifacts.change_collection(
                work,
                collection,
                name=name,
                type=type,
                description=description,
                add_tags=add_tags,
                drop_tags=drop_tags,
            ),
            now=now,
        )

    def delete_collection(self, collection: int, *, now: float) -> None:
        self._database.write(lambda work: artifacts.remove_collection(work, collection), now=now)

    def needless(self, digests: Container[str]) -> set[str]:
        return self._database.read(lambda connection: artifacts.needless(connection, digests))

    def forget_pending(self, *, before: float, now: float) -> int:
        return self._database.write(lambda work: artifacts.forget_pending(work, before), now=now)
