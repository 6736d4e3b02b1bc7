"""Artifacts as the client makes and changes them.

    createArtifact → createArtifactManifest → createArtifactFiles + PUTs → createArtifactManifest (or update…) + PUT
    → commitArtifact

Only the last step makes it a version, and only when all of its bytes are here. An attempt's key makes artifacts for
its own run; it changes and deletes those of its own run alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from swept.errors import Conflict, NotFound, UsageError
from swept.model import Artifact
from swept.server.blobs import clean
from swept.server.wandb import artifact_files, tokens
from swept.server.wandb.artifact_manifest import whole
from swept.server.wandb.artifacts import Shown, edges_node, global_id, number_of, tag_node
from swept.server.wandb.graphql import Arguments, Node, Resolver
from swept.server.wandb.service import (
    DEFAULT_PROJECT,
    located,
    may_report,
    owner_only,
    stale,
)
from swept.store.artifact_base import NewArtifact

MAX_NAME = 512
_KINDS = {"FULL": "full", "INCREMENTAL": "incremental", "PATCH": "patch"}


def mutations(shown: Shown) -> dict[str, Resolver]:
    """The fields of Mutation that are about artifacts."""
    writes = _Writes(shown)
    return {
        "createArtifactType": writes.create_type,
        "createArtifact": writes.create,
        "createArtifactFiles": writes.create_files,
        "createArtifactManifest": writes.create_manifest,
        "updateArtifactManifest": writes.update_manifest,
        "commitArtifact": writes.commit,
        "useArtifact": writes.use,
        "updateArtifact": writes.update,
        "addAliases": writes.add_aliases,
        "deleteAliases": writes.delete_aliases,
        "deleteArtifact": writes.delete,
        "updateArtifactSequence": writes.update_collection,
        "moveArtifactSequence": writes.move_collection,
        "deleteArtifactSequence": writes.delete_collection,
        "createArtifactCollectionTagAssignments": writes.add_tags,
        "deleteArtifactCollectionTagAssignments": writes.delete_tags,
    }


class _Writes:
    """One request's mutations."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._service, self._access = shown.service, shown.access
        self._store = shown.service.store

    # -- a version arrives ------------------------------------------------------------------------

    def create_type(self, arguments: Arguments) -> Node:
        """Types are made by their first artifact; asking for one is always granted."""
        data = arguments.input()
        data.ignore("entityName", "projectName", "description")
        name = data.text("name")
        kind = {"__typename": "ArtifactType", "id": name, "name": name}
        return {"__typename": "CreateArtifactTypePayload", "artifactType": kind}

    def create(self, arguments: Arguments) -> Node:
        data = arguments.input()
        data.ignore("entityName", "enableDigestDeduplication", "sequenceClientID", "storageRegion")
        self._check_fresh()
        new = NewArtifact(
            project=data.text("projectName") or DEFAULT_PROJECT,
            name=_checked_name(_collection_name(data)),
            type=_checked_type(data.text("artifactTypeName")),
            digest=_checked_digest(data),
            run=self._author(data),
            description=data.text("description"),
            metadata=tokens.mapping(data.get("metadata")),
            aliases=tuple(_texts(data.get("aliases"), "alias")),
            tags=tuple(_texts(data.get("tags"), "tagName")),
            client=data.text("clientID"),
            shared=data.text("distributedID"),
            step=_whole(data.get("historyStep")),
        )
        made = self._store.create_artifact(new, now=self._service.now())
        return self._payload("CreateArtifactPayload", made)

    def _check_fresh(self) -> None:
        """Raises Conflict for the key of an attempt that was overtaken or is over."""
        if stale(self._service, self._access):
            raise Conflict(
                f"run {self._access.run} was given to another attempt: what this one logs is not kept"
            )

    def _author(self, data: Arguments) -> str | None:
        """The run that logs it; an artifact can also be made outside of any."""
        name, project = data.text("runName"), data.text("projectName")
        if not name:
            return self._access.run
        run = located(self._service, self._access, project, name)
        if not may_report(self._access, run):
            raise UsageError("this key belongs to another run", hint="use the server's API key")
        return run.id

    def create_files(self, arguments: Arguments) -> Node:
        """An upload URL for each file; none where its bytes are here already."""
        data = arguments.input()
        data.ignore("storageLayout", "digestAlgorithm")
        specs = [one for one in data.get("artifactFiles") or () if isinstance(one, Mapping)]
        self._check_fresh()
        digests: dict[int, dict[str, str]] = {}
        for spec in specs:
            number = number_of(str(spec.get("artifactID")), "Artifact")
            name, md5 = clean(str(spec.get("name"))), str(spec.get("md5"))
            digests.setdefault(number, {})[name] = artifact_files.digest_of(md5)
        with self._service.context.collecting.shared():
            for number, files in digests.items():
                self._announce(number, files)
            uploads = edges_node("FileConnection", [self._upload(spec) for spec in specs])
        return {"__typename": "CreateArtifactFilesPayload", "files": uploads}

    def _announce(self, number: int, files: Mapping[str, str]) -> None:
        self._check_own(self._store.artifact(number))
        self._store.announce_files(number, files, now=self._service.now())

    def _upload(self, spec: Mapping[str, Any]) -> Node:
        name, digest = str(spec["name"]), artifact_files.digest_of(str(spec["md5"]))
        here = artifact_files.contents(self._service).has(digest)
        return {
            "__typename": "File",
            "id": f"{spec['artifactID']}/{name}",
            "name": name,
            "displayName": name,
            "uploadUrl": None if here else self._shown.url(digest, name, artifact_files.WRITE),
            "uploadHeaders": [],
            "uploadMultipartUrls": None,
            "storagePath": f"wandb_artifacts/{digest}",
            "artifact": {"__typename": "Artifact", "id": spec["artifactID"]},
        }

    def create_manifest(self, arguments: Arguments) -> Node:
        data = arguments.input()
        data.ignore("entityName", "projectName", "runName", "name")
        self._check_fresh()
        artifact = self._artifact(data)
        self._check_own(artifact)
        base = data.text("baseArtifactID")
        with (
            self._service.context.collecting.shared()
        ):  # its bytes come next, and are needed from here on
            made = self._store.add_manifest(
                artifact.number,
                _KINDS.get(data.text("type") or "FULL", "full"),
                _manifest_digest(data),
                base=number_of(base, "Artifact") if base else None,
                now=self._service.now(),
            )
        return self._manifest_payload("CreateArtifactManifestPayload", made.number, made.digest)

    def update_manifest(self, arguments: Arguments) -> Node:
        data = arguments.input()
        data.ignore("baseArtifactID")
        self._check_fresh()
        number = number_of(data.text("artifactManifestID"), "ArtifactManifest")
        with self._service.context.collecting.shared():
            made = self._store.set_manifest(number, _manifest_digest(data), now=self._service.now())
        return self._manifest_payload("UpdateArtifactManifestPayload", made.number, made.digest)

    def _manifest_payload(self, kind: str, number: int, digest: str) -> Node:
        name = "wandb_manifest.json"
        file: Node = {
            "__typename": "File",
            "id": f"{number}/{name}",
            "name": name,
            "displayName": name,
            "uploadUrl": self._shown.url(digest, name, artifact_files.WRITE) if digest else None,
            "uploadHeaders": [],
        }
        identity = global_id("ArtifactManifest", number)
        manifest = {"__typename": "ArtifactManifest", "id": identity, "file": file}
        return {"__typename": kind, "artifactManifest": manifest}

    def commit(self, arguments: Arguments) -> Node:
        """Raises UsageError while a part of it is missing. Repeated: as the first time."""
        self._check_fresh()
        artifact = self._artifact(arguments.input())
        if (
            artifact.version is None
        ):  # else it may be another run's, which had the same content first
            self._check_own(artifact)
            one, collecting = self._service.notes.committing, self._service.context.collecting
            with one.of(artifact.number), collecting.shared():
                artifact = self._committed(artifact.number)
        return self._payload("CommitArtifactPayload", artifact)

    def _committed(self, number: int) -> Artifact:
        """Looked up anew: the same request, sent again while the first one was under way, may have waited for it."""
        artifact = self._store.artifact(number)
        if artifact.version is not None:
            return artifact
        found = whole(self._store, artifact_files.contents(self._service), artifact)
        return self._store.commit_artifact(
            number, found.manifest, found.files, digest=found.digest, now=self._service.now()
        )

    # -- versions that are there ------------------------------------------------------------------

    def use(self, arguments: Arguments) -> Node:
        data = arguments.input()
        data.ignore("entityName", "artifactEntityName", "artifactProjectName", "usedAs")
        artifact = self._artifact(data)
        run = located(self._service, self._access, data.text("projectName"), data.text("runName"))
        if not may_report(self._access, run):
            raise UsageError("this key belongs to another run", hint="use the server's API key")
        if not stale(self._service, self._access):
            self._store.use_artifact(artifact.number, run.id, now=self._service.now())
        return self._payload("UseArtifactPayload", artifact)

    def update(self, arguments: Arguments) -> Node:
        data = arguments.input()
        artifact = self._changeable(data)
        metadata = data.get("metadata")
        aliases = data.get("aliases")
        wanted = None if aliases is None else _texts(aliases, "alias")
        changed = self._store.change_artifact(
            artifact.number,
            description=None if data.get("description") is None else data.text("description"),
            metadata=None if metadata is None else tokens.mapping(metadata),
            add_tags=_texts(data.get("tagsToAdd"), "tagName"),
            drop_tags=_texts(data.get("tagsToDelete"), "tagName"),
            add_aliases=wanted or (),
            drop_aliases=[
                alias for alias in artifact.aliases if wanted is not None and alias not in wanted
            ],
            now=self._service.now(),
        )
        return self._payload("UpdateArtifactPayload", changed)

    def add_aliases(self, arguments: Arguments) -> Node:
        data = arguments.input()
        artifact, aliases = self._changeable(data), _texts(data.get("aliases"), "alias")
        now = self._service.now()
        self._store.change_artifact(artifact.number, add_aliases=aliases, now=now)
        return {"__typename": "AddAliasesPayload", "success": True}

    def delete_aliases(self, arguments: Arguments) -> Node:
        data = arguments.input()
        artifact, aliases = self._changeable(data), _texts(data.get("aliases"), "alias")
        now = self._service.now()
        self._store.change_artifact(artifact.number, drop_aliases=aliases, now=now)
        return {"__typename": "DeleteAliasesPayload", "success": True}

    def delete(self, arguments: Arguments) -> Node:
        data = arguments.input()
        artifact = self._changeable(data)
        with_aliases = bool(data.get("deleteAliases"))
        self._store.delete_artifact(
            artifact.number, with_aliases=with_aliases, now=self._service.now()
        )
        return self._payload("DeleteArtifactPayload", artifact)

    # -- collections ------------------------------------------------------------------------------

    def update_collection(self, arguments: Arguments) -> Node:
        data = arguments.input()
        return self._collection_changed(
            _sequence(data),
            name=_checked_name(data.text("name")) if data.get("name") else None,
            description=None if data.get("description") is None else data.text("description"),
        )

    def move_collection(self, arguments: Arguments) -> Node:
        data = arguments.input()
        kind = _checked_type(data.text("destinationArtifactTypeName"))
        return self._collection_changed(_sequence(data), type=kind)

    def delete_collection(self, arguments: Arguments) -> Node:
        owner_only(self._access, "delete artifacts")
        number = _sequence(arguments.input())
        node = self._shown.collection(self._store.collection(number))
        self._store.delete_collection(number, now=self._service.now())
        gone = {**node, "state": "DELETED"}
        return {"__typename": "DeleteArtifactSequencePayload", "artifactCollection": gone}

    def add_tags(self, arguments: Arguments) -> Node:
        data = arguments.input()
        tags = _texts(data.get("tags"), "tagName")
        self._collection_changed(self._collection_named(data), add_tags=tags)
        shown = [tag_node(tag) for tag in tags]
        return {"__typename": "CreateArtifactCollectionTagAssignmentsPayload", "tags": shown}

    def delete_tags(self, arguments: Arguments) -> Node:
        data = arguments.input()
        tags = _texts(data.get("tags"), "tagName")
        self._collection_changed(self._collection_named(data), drop_tags=tags)
        return {"__typename": "DeleteArtifactCollectionTagAssignmentsPayload", "success": True}

    def _collection_named(self, data: Arguments) -> int:
        data.ignore("entityName")
        project, name = data.text("projectName"), data.text("artifactCollectionName")
        for one in self._store.collections(project):
            if one.name == name:
                return one.number
        raise NotFound(f"there is no artifact “{name}” in project {project}")

    def _collection_changed(self, number: int, **changes: Any) -> Node:
        owner_only(self._access, "change artifact collections")
        changed = self._store.change_collection(number, now=self._service.now(), **changes)
        node = self._shown.collection(changed)
        return {"__typename": "UpdateArtifactSequencePayload", "artifactCollection": node}

    # -- shared -----------------------------------------------------------------------------------

    def _artifact(self, data: Arguments) -> Artifact:
        """Raises NotFound."""
        return self._store.artifact(number_of(data.text("artifactID"), "Artifact"))

    def _changeable(self, data: Arguments) -> Artifact:
        self._check_fresh()
        artifact = self._artifact(data)
        self._check_own(artifact)
        return artifact

    def _check_own(self, artifact: Artifact) -> None:
        """An attempt's key changes what its own run, or one by hand beside it, has logged. Raises UsageError."""
        if self._access.run is None:
            return
        if artifact.run is None or not may_report(self._access, self._store.run(artifact.run)):
            owner_only(self._access, "change another run's artifacts")

    def _payload(self, kind: str, artifact: Artifact) -> Node:
        return {"__typename": kind, "artifact": self._shown.artifact(artifact), "success": True}


def _collection_name(data: Arguments) -> str:
    """Newer clients name one collection, older ones a list of one."""
    names = data.get("artifactCollectionNames")
    one = data.text("artifactCollectionName")
    return one or (str(names[0]) if isinstance(names, list) and names else "")


def _checked_name(name: str) -> str:
    """Raises UsageError."""
    if not name or len(name) > MAX_NAME or set(name) & set("/:") or not name.isprintable():
        raise UsageError(
            f"`{name[:MAX_NAME]}` cannot be an artifact's name",
            hint=f"at most {MAX_NAME} printable characters, without `/` and `:`",
        )
    return name


def _checked_type(name: str) -> str:
    """Raises UsageError."""
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise UsageError(f"`{name[:MAX_NAME]}` cannot be an artifact's type")
    return name


def _checked_digest(data: Arguments) -> str:
    """Raises UsageError: another algorithm's digests are not those that files are kept by."""
    algorithm, digest = data.text("digestAlgorithm"), data.text("digest")
    if algorithm not in ("", "MANIFEST_MD5") or not 0 < len(digest) <= MAX_NAME:
        raise UsageError(
            f"the digest `{digest[:64]}` ({algorithm}) is not served: use MANIFEST_MD5"
        )
    return digest


def _manifest_digest(data: Arguments) -> str:
    """ "" until the client knows it."""
    text = data.text("digest")
    return artifact_files.digest_of(text) if text else ""


def _sequence(data: Arguments) -> int:
    return number_of(data.text("artifactSequenceID"), "ArtifactCollection")


def _texts(items: Any, key: str) -> list[str]:
    """`[{key: text}, …]`, as aliases and tags are sent."""
    listed = items if isinstance(items, list) else []
    return [str(item[key]) for item in listed if isinstance(item, Mapping) and item.get(key)]


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
