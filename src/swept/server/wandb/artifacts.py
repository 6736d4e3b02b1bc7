"""Artifacts as the client reads them: nodes of versions, collections, types, memberships and files.

An id is base64, as the client takes it apart: a reference to another artifact is that id in hex. What W&B calls a
sequence is a collection here; there are no portfolios.
"""

from __future__ import annotations

import base64
import binascii
import mimetypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from swept.errors import NotFound
from swept.model import Artifact, Collection
from swept.server.auth import Access
from swept.server.wandb import artifact_files, filters, reads, tokens
from swept.server.wandb.graphql import Arguments, Node, Resolver
from swept.server.wandb.service import ENTITY, Service
from swept.store.artifact_base import INPUT, LATEST, OUTPUT, ArtifactFile

T = TypeVar("T")
NO_TTL = -1
"""How W&B says that a version has no time to live of its own."""


def global_id(kind: str, number: int) -> str:
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def number_of(identity: str, kind: str) -> int:
    """The number in an id. Raises NotFound."""
    try:
        found, _, number = base64.b64decode(identity, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        found, number = "", ""
    if found != kind or not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise NotFound(f"`{identity[:64]}` is no id of a thing of the kind {kind}")
    return int(number)


class Shown:
    """Makes nodes for one request: who asks, and the server's address as that client sees it."""

    def __init__(self, service: Service, access: Access, base: str) -> None:
        self.service, self.access, self.base = service, access, base

    # -- where documents start --------------------------------------------------------------------

    def query_fields(self) -> dict[str, Resolver]:
        return {
            "artifact": lambda a: self._found(lambda: self._by_id(a.text("id"))),
            "artifactCollection": lambda a: self._found(lambda: self._collection_by_id(a)),
            "clientIDMapping": self._client,
        }

    def project_fields(self, project: str) -> dict[str, Resolver]:
        return {
            "artifact": lambda a: self._named(project, a),
            "artifactCollectionMembership": lambda a: self._member_named(project, a),
            "artifactCollection": lambda a: self._collection_named(project, a, None),
            "artifactCollections": lambda a: self._collections(project, a, None),
            "artifactType": lambda a: self._type_named(project, a.text("name")),
            "artifactTypes": lambda a: _page("ArtifactTypeConnection", self._types(project), a),
        }

    def run_fields(self, run: str) -> dict[str, Resolver]:
        store = self.service.store
        return {
            "inputArtifacts": lambda a: self._versions(store.run_artifacts(run, INPUT), a),
            "outputArtifacts": lambda a: self._versions(store.run_artifacts(run, OUTPUT), a),
        }

    def _found(self, look: Callable[[], Node]) -> Node | None:
        try:
            return look()
        except NotFound:
            return None

    def _by_id(self, identity: str) -> Node:
        return self.artifact(self.service.store.artifact(number_of(identity, "Artifact")))

    def _collection_by_id(self, arguments: Arguments) -> Node:
        number = number_of(arguments.text("id"), "ArtifactCollection")
        return self.collection(self.service.store.collection(number))

    def _client(self, arguments: Arguments) -> Node | None:
        number = self.service.store.artifact_of_client(arguments.text("clientID"))
        if number is None:
            return None
        return {"__typename": "ClientIDMapping", "serverID": global_id("Artifact", number)}

    def _find(self, project: str, path: str) -> Artifact | None:
        """`name`, `name:alias` or `name:v3`."""
        name, _, alias = path.rpartition("/")[2].partition(":")
        return self.service.store.find_artifact(project, name, alias or LATEST)

    def _named(self, project: str, arguments: Arguments) -> Node | None:
        arguments.ignore("enableTracking")
        found = self._find(project, arguments.text("name"))
        return self.artifact(found) if found else None

    def _member_named(self, project: str, arguments: Arguments) -> Node | None:
        found = self._find(project, arguments.text("name"))
        return self.membership(found) if found else None

    # -- one version ------------------------------------------------------------------------------

    def artifact(self, one: Artifact) -> Node:
        return {
            "__typename": "Artifact",
            "id": global_id("Artifact", one.number),
            "versionIndex": one.version,
            "state": "PENDING" if one.version is None else "COMMITTED",
            "digest": one.digest,
            "digestAlgorithm": "MANIFEST_MD5",
            "description": one.description or None,
            "metadata": tokens.dumps(one.metadata),
            "ttlDurationSeconds": NO_TTL,
            "ttlIsInherited": True,
            "tags": [tag_node(tag) for tag in one.tags],
            "historyStep": one.step,
            "size": one.size,
            "fileCount": one.files,
            "commitHash": None,
            "createdAt": reads.moment(one.created),
            "updatedAt": reads.moment(one.updated),
            "aliases": [self._alias(one, alias) for alias in _aliases(one)],
            "artifactSequence": self.collection(one.collection),
            "artifactType": {"__typename": "ArtifactType", "name": one.collection.type},
            "artifactMemberships": lambda a: reads.connection([self.membership(one)], a),
            "currentManifest": self._manifest(one),
            "files": lambda a: self._files(one, a),
            "filesByManifestEntries": lambda a: self._files_of_entries(one, a),
            "createdBy": lambda a: self._run(one.run),
            "usedBy": lambda a: reads.connection(
                [reads.run_node(self.service, self.service.store.run(run)) for run in self._users(one)],
                a,
            ),
        }  # fmt: skip

    def _users(self, one: Artifact) -> list[str]:
        return self.service.store.artifact_users(one.number)

    def _run(self, run: str | None) -> Node | None:
        return None if run is None else reads.run_node(self.service, self.service.store.run(run))

    def membership(self, one: Artifact) -> Node:
        """A version as a member of its collection; nothing is linked into other ones."""
        return {
            "__typename": "ArtifactCollectionMembership",
            "id": global_id("ArtifactCollectionMembership", one.number),
            "versionIndex": one.version,
            "createdAt": reads.moment(one.created),
            "aliases": [self._alias(one, alias) for alias in _aliases(one)],
            "artifactCollection": self.collection(one.collection),
            "artifact": self.artifact(one),
            "files": lambda a: self._files(one, a),
        }

    def _alias(self, one: Artifact, alias: str) -> Node:
        return {
            **_alias(one.collection.number, alias),
            "artifactCollection": self._place(one.collection),
            "artifact": {"__typename": "Artifact", "id": global_id("Artifact", one.number)},
        }

    def _manifest(self, one: Artifact) -> Node | None:
        if one.version is None:
            return None
        url = self.url(one.manifest, "wandb_manifest.json", artifact_files.READ)
        file = {"__typename": "File", "name": "wandb_manifest.json", "directUrl": url, "url": url}
        return {
            "__typename": "ArtifactManifest",
            "id": global_id("ArtifactManifest", one.number),
            "digest": one.manifest,
            "file": file,
        }

    def url(self, digest: str, name: str, right: str) -> str:
        return artifact_files.url(self.service, self.base, digest, name, right)

    # -- its files --------------------------------------------------------------------------------

    def _files(self, one: Artifact, arguments: Arguments) -> Node:
        names = arguments.get("names")
        stored = self.service.store.artifact_files(one.number)
        wanted = [file for file in stored if not names or file.name in names]
        return _page("FileConnection", wanted, arguments, lambda file: self._file(one, file))

    def _files_of_entries(self, one: Artifact, arguments: Arguments) -> Node:
        """For the client's own entries; the md5 of each says which bytes."""
        arguments.ignore("storageLayout", "manifestVersion", "storageRegion")
        entries = [entry for entry in arguments.get("entries") or () if isinstance(entry, Mapping)]
        stored = {file.digest: file for file in self.service.store.artifact_files(one.number)}
        nodes = []
        for entry in entries:
            file = stored.get(artifact_files.digest_of(str(entry.get("digest"))))
            if file is not None:
                nodes.append({**self._file(one, file), "name": str(entry.get("name") or file.name)})
        return _page("FileConnection", nodes, arguments)

    def _file(self, one: Artifact, file: ArtifactFile) -> Node:
        """What lies elsewhere has its own address; the client fetches it from there."""
        url = file.ref or self.url(file.digest, file.name, artifact_files.READ)
        md5 = base64.b64encode(bytes.fromhex(file.digest)).decode() or None
        return {
            "__typename": "File",
            "id": f"{global_id('Artifact', one.number)}/{file.name}",
            "name": file.name,
            "displayName": file.name,
            "url": url,
            "directUrl": url,
            "sizeBytes": file.size,
            "storagePath": None if file.ref else f"wandb_artifacts/{file.digest}",
            "mimetype": mimetypes.guess_type(file.name)[0],
            "updatedAt": reads.moment(one.updated),
            "digest": md5,
            "md5": md5,
        }

    # -- collections and types --------------------------------------------------------------------

    def collection(self, one: Collection) -> Node:
        store = self.service.store
        return {
            **self._place(one),
            "description": one.description or None,
            "createdAt": reads.moment(one.created),
            "updatedAt": reads.moment(one.updated),
            "state": "READY",
            "digestAlgorithm": "MANIFEST_MD5",
            "defaultArtifactType": {"__typename": "ArtifactType", "name": one.type},
            "tags": edges_node("TagConnection", [tag_node(tag) for tag in one.tags]),
            "aliases": lambda a: reads.connection(
                [_alias(one.number, alias) for alias in store.collection_aliases(one.number)], a
            ),
            "latestArtifact": lambda a: self._newest(one),
            "artifacts": lambda a: self._versions(store.artifacts(one.number), a),
            "artifactMembership": lambda a: self._member(one, a),
        }

    def _place(self, one: Collection) -> Node:
        return {
            "__typename": "ArtifactSequence",
            "__interfaces": ("ArtifactCollection",),
            "id": global_id("ArtifactCollection", one.number),
            "name": one.name,
            "project": {
                "__typename": "Project",
                "id": one.project,
                "internalId": "1",
                "name": one.project,
                "entityName": ENTITY,
                "entity": reads.entity_node(),
            },
        }

    def _newest(self, one: Collection) -> Node | None:
        versions = self.service.store.artifacts(one.number)
        return self.artifact(versions[0]) if versions else None

    def _member(self, one: Collection, arguments: Arguments) -> Node | None:
        alias = arguments.text("aliasName")
        found = self.service.store.find_artifact(one.project, one.name, alias)
        return self.membership(found) if found else None

    def _versions(self, versions: Sequence[Artifact], arguments: Arguments) -> Node:
        """One page of versions, filtered and ordered as the client asks."""
        condition = tokens.mapping(arguments.get("filters"))
        documents = [
            document
            for document in map(_document, versions)
            if filters.matches(document, condition)
        ]
        ordered = filters.ordered(documents, arguments.text("order"))
        found = [document["_artifact"] for document in ordered]
        page = _page("VersionedArtifactConnection", found, arguments, self.artifact)
        edges = [{**edge, "version": f"v{edge['node']['versionIndex']}"} for edge in page["edges"]]
        return {**page, "edges": edges}

    def _collection_named(
        self, project: str, arguments: Arguments, type: str | None
    ) -> Node | None:
        name = arguments.text("name")
        found = [one for one in self.service.store.collections(project, type) if one.name == name]
        return self.collection(found[0]) if found else None

    def _collections(self, project: str, arguments: Arguments, type: str | None) -> Node:
        condition = tokens.mapping(arguments.get("filters"))
        documents = [
            {**_collection_document(one), "_collection": one}
            for one in self.service.store.collections(project, type)
        ]
        wanted = [document for document in documents if filters.matches(document, condition)]
        ordered = filters.ordered(wanted, arguments.text("order"))
        found = [document["_collection"] for document in ordered]
        return _page("ArtifactCollectionConnection", found, arguments, self.collection)

    def _type_named(self, project: str, name: str) -> Node | None:
        found = [node for node in self._types(project) if node["name"] == name]
        return found[0] if found else None

    def _types(self, project: str) -> list[Node]:
        first: dict[str, float] = {}
        for one in self.service.store.collections(project):
            first[one.type] = min(one.created, first.get(one.type, one.created))
        return [self._type(project, name, first[name]) for name in sorted(first)]

    def _type(self, project: str, name: str, created: float) -> Node:
        return {
            "__typename": "ArtifactType",
            "id": f"{project}/{name}",
            "name": name,
            "description": None,
            "createdAt": reads.moment(created),
            "artifactCollection": lambda a: self._collection_named(project, a, name),
            "artifactSequence": lambda a: self._collection_named(project, a, name),
            "artifactCollections": lambda a: self._collections(project, a, name),
            "artifact": lambda a: self._named(project, a),
        }


def _page(
    kind: str,
    things: Sequence[T],
    arguments: Arguments,
    node_of: Callable[[T], Any] = lambda one: one,
) -> dict[str, Any]:
    """One page, of which alone nodes are made; old clients have fragments on its type."""
    page = reads.connection(things, arguments)
    edges = [{**edge, "node": node_of(edge["node"])} for edge in page["edges"]]
    return {**page, "edges": edges, "__typename": kind}


def edges_node(kind: str, nodes: Sequence[Node]) -> Node:
    """All of it, where clients ask for no pages."""
    return {"__typename": kind, "edges": [{"__typename": "Edge", "node": node} for node in nodes]}


def _aliases(one: Artifact) -> list[str]:
    """With the version's own: clients up to 0.19 take the version from there."""
    return list(one.aliases) if one.version is None else [*one.aliases, f"v{one.version}"]


def _alias(collection: int, alias: str) -> dict[str, Any]:
    identity = base64.b64encode(f"ArtifactAlias:{collection}:{alias}".encode()).decode()
    return {"__typename": "ArtifactAlias", "id": identity, "alias": alias}


def tag_node(tag: str) -> Node:
    return {"__typename": "Tag", "id": tag, "name": tag, "tagCategoryName": None}


def _document(one: Artifact) -> dict[str, Any]:
    """A version as filters and orders see it."""
    created, updated = reads.moment(one.created), reads.moment(one.updated)
    return {
        "state": "COMMITTED",
        "tags": list(one.tags),
        "tag": list(one.tags),
        "alias": _aliases(one),
        "aliases": _aliases(one),
        "versionIndex": one.version,
        "version_index": one.version,
        "digest": one.digest,
        "size": one.size,
        "metadata": one.metadata,
        "createdAt": created,
        "created_at": created,
        "updatedAt": updated,
        "updated_at": updated,
        "_artifact": one,
    }


def _collection_document(one: Collection) -> dict[str, Any]:
    created, updated = reads.moment(one.created), reads.moment(one.updated)
    return {
        "name": one.name,
        "type": one.type,
        "description": one.description,
        "tags": list(one.tags),
        "tag": list(one.tags),
        "createdAt": created,
        "created_at": created,
        "updatedAt": updated,
        "updated_at": updated,
    }
