"""Artifacts and their collections: what `artifact_base` says, on the tables `artifact_*`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from swept.errors import Conflict, NotFound, UsageError
from swept.model import Artifact, Collection
from swept.store import runs, schema
from swept.store.artifact_base import INPUT, LATEST, OUTPUT, ArtifactFile, Manifest, NewArtifact
from swept.store.work import Work

_VERSION = re.compile(r"v(0|[1-9][0-9]{0,17})", re.ASCII)
_ASKED = 400  # digests in one statement

_artifacts = schema.artifacts
_collections = schema.artifact_collections
_aliases = schema.artifact_aliases
_clients = schema.artifact_clients
_files = schema.artifact_files
_manifests = schema.artifact_manifests
_runs = schema.artifact_runs


# -- reading --------------------------------------------------------------------------------------


def get(connection: Connection, artifact: int) -> Artifact:
    """The version that stands for it, where one does. Raises NotFound."""
    stands = select(_artifacts.c.same).where(_artifacts.c.number == artifact).scalar_subquery()
    found = _load(connection, _artifacts.c.number == func.coalesce(stands, artifact))
    if not found:
        raise NotFound(f"there is no artifact {artifact}", hint="it may have been deleted")
    return found[0]


def named(connection: Connection, project: str, name: str, alias: str) -> Artifact | None:
    """The committed version that `alias` means."""
    version = _VERSION.fullmatch(alias)
    which: ColumnElement[bool] = (
        _artifacts.c.version == int(version[1])
        if version
        else _artifacts.c.number.in_(
            select(_aliases.c.artifact)
            .join(_collections, _collections.c.number == _aliases.c.collection)
            .where(
                _collections.c.project == project,
                _collections.c.name == name,
                _aliases.c.alias == alias,
            )
        )
    )
    place = and_(_collections.c.project == project, _collections.c.name == name)
    found = _load(connection, and_(which, place, _committed()))
    return found[0] if found else None


def of_client(connection: Connection, client: str) -> int | None:
    statement = select(_clients.c.artifact).where(_clients.c.client == client)
    return connection.execute(statement).scalar()


def of_collection(connection: Connection, collection: int) -> list[Artifact]:
    """Newest first."""
    condition = and_(_artifacts.c.collection == collection, _committed())
    return sorted(_load(connection, condition), key=lambda one: -(one.version or 0))


def of_run(connection: Connection, run: str, role: str) -> list[Artifact]:
    runs.find(connection, run)
    mine = select(_runs.c.artifact).where(_runs.c.run == run, _runs.c.role == role)
    return _load(connection, and_(_artifacts.c.number.in_(mine), _committed()))


def users(connection: Connection, artifact: int) -> list[str]:
    artifact = get(connection, artifact).number
    statement = (
        select(_runs.c.run)
        .join(schema.runs, schema.runs.c.id == _runs.c.run)
        .where(_runs.c.artifact == artifact, _runs.c.role == INPUT)
        .order_by(schema.runs.c.ordinal)
    )
    return list(connection.execute(statement).scalars())


def files(connection: Connection, artifact: int) -> list[ArtifactFile]:
    """By name."""
    artifact = get(connection, artifact).number
    statement = select(_files).where(_files.c.artifact == artifact).order_by(_files.c.name)
    return [
        ArtifactFile(row.name, row.digest, row.size, row.ref)
        for row in connection.execute(statement)
    ]


def manifests(connection: Connection, artifact: int) -> list[Manifest]:
    get(connection, artifact)
    statement = (
        select(_manifests).where(_manifests.c.artifact == artifact).order_by(_manifests.c.number)
    )
    return [_manifest(row) for row in connection.execute(statement)]


def collections(connection: Connection, project: str, type: str | None) -> list[Collection]:
    """Those with a committed version, by name."""
    whole = select(_artifacts.c.collection).where(_committed())
    statement = (
        select(_collections)
        .where(_collections.c.project == project, _collections.c.number.in_(whole))
        .order_by(_collections.c.name)
    )
    if type is not None:
        statement = statement.where(_collections.c.type == type)
    return [_collection(row) for row in connection.execute(statement)]


def collection(connection: Connection, number: int) -> Collection:
    """Raises NotFound."""
    return _collection(_find_collection(connection, number))


def collection_aliases(connection: Connection, number: int) -> list[str]:
    statement = select(_aliases.c.alias).where(_aliases.c.collection == number)
    return sorted(connection.execute(statement).scalars())


def needless(connection: Connection, digests: Iterable[str]) -> set[str]:
    """Those that no artifact needs."""
    left = sorted(set(digests))
    found: set[str] = set()
    for start in range(0, len(left), _ASKED):
        some = left[start : start + _ASKED]
        for column in (_files.c.digest, _artifacts.c.manifest, _manifests.c.digest):
            found |= set(connection.execute(select(column).where(column.in_(some))).scalars())
    return set(left) - found


def _committed() -> ColumnElement[bool]:
    return _artifacts.c.version.is_not(None)


def _numbers(condition: ColumnElement[bool]) -> Select[tuple[int]]:
    return (
        select(_artifacts.c.number)
        .join(_collections, _collections.c.number == _artifacts.c.collection)
        .where(condition)
    )


def _load(connection: Connection, condition: ColumnElement[bool]) -> list[Artifact]:
    """Oldest first."""
    numbers = _numbers(condition)
    rows = connection.execute(
        select(_artifacts).where(_artifacts.c.number.in_(numbers)).order_by(_artifacts.c.number)
    ).all()
    places = {row.collection for row in rows}
    owners = {number: collection(connection, number) for number in places}
    aliases: dict[int, list[str]] = {}
    for artifact, alias in connection.execute(
        select(_aliases.c.artifact, _aliases.c.alias)
        .where(_aliases.c.artifact.in_(numbers))
        .order_by(_aliases.c.alias)
    ):
        aliases.setdefault(artifact, []).append(alias)
    return [_artifact(row, owners[row.collection], aliases.get(row.number, ())) for row in rows]


def _artifact(row: Row[Any], owner: Collection, aliases: Sequence[str]) -> Artifact:
    return Artifact(
        number=row.number,
        collection=owner,
        version=row.version,
        digest=row.digest,
        description=row.description,
        metadata=row.metadata,
        tags=tuple(row.tags),
        aliases=tuple(aliases),
        run=row.run,
        step=row.step,
        manifest=row.manifest,
        size=row.size,
        files=row.files,
        created=row.created,
        updated=row.updated,
    )


def _collection(row: Row[Any]) -> Collection:
    return Collection(
        number=row.number,
        project=row.project,
        name=row.name,
        type=row.type,
        description=row.description,
        tags=tuple(row.tags),
        created=row.created,
        updated=row.updated,
    )


def _manifest(row: Row[Any]) -> Manifest:
    return Manifest(row.number, row.artifact, row.kind, row.digest, row.base)


def _find(connection: Connection, artifact: int) -> Row[Any]:
    row = connection.execute(select(_artifacts).where(_artifacts.c.number == artifact)).first()
    if row is None:
        raise NotFound(f"there is no artifact {artifact}", hint="it may have been deleted")
    return row


def _find_collection(connection: Connection, number: int) -> Row[Any]:
    row = connection.execute(select(_collections).where(_collections.c.number == number)).first()
    if row is None:
        raise NotFound(f"there is no artifact collection {number}")
    return row


# -- an artifact arrives --------------------------------------------------------------------------


def create(work: Work, new: NewArtifact) -> Artifact:
    """A pending version, or the one that has this content."""
    _check_aliases(new.aliases)
    owner = _owner(work, new)
    number = _known(work.connection, owner, new)
    if number is not None:
        number = get(work.connection, number).number  # not what merely stands in for it
    if number is None:
        number = _insert(work, owner, new)
    elif _find(work.connection, number).version is not None:
        _point(work, owner, number, (*new.aliases, LATEST))
    if new.client:
        work.upsert(_clients, [{"client": new.client, "artifact": number}])
    if new.run is not None:
        runs.find(work.connection, new.run)
        _relate(work, number, new.run, OUTPUT)
    return get(work.connection, number)


def _owner(work: Work, new: NewArtifact) -> int:
    place = and_(_collections.c.project == new.project, _collections.c.name == new.name)
    row = work.connection.execute(select(_collections).where(place)).first()
    if row is None:
        return _new_collection(work, new)
    if row.type != new.type:
        if _any_version(work.connection, row.number):
            raise Conflict(
                f"artifact “{new.name}” is of type “{row.type}”: a version of type “{new.type}” does not fit",
                hint="give it another name, or the same type",
            )
        values = {"type": new.type}
        work.connection.execute(
            update(_collections).where(_collections.c.number == row.number).values(**values)
        )
    number: int = row.number
    return number


def _any_version(connection: Connection, number: int) -> bool:
    statement = select(_artifacts.c.number).where(_artifacts.c.collection == number)
    return connection.execute(statement.limit(1)).first() is not None


def _new_collection(work: Work, new: NewArtifact) -> int:
    number = work.ordinal()
    row = {
        "number": number,
        "project": new.project,
        "name": new.name,
        "type": new.type,
        "tags": [],
        "created": work.now,
        "updated": work.now,
    }
    work.connection.execute(insert(_collections), row)
    return number


def _known(connection: Connection, owner: int, new: NewArtifact) -> int | None:
    """The client's own one, the one that several runs share, or the newest with the same content."""
    mine = of_client(connection, new.client) if new.client else None
    # A client that draws its names from a generator which the program seeds uses one name for several contents.
    if mine is not None and _is_of(_find(connection, mine), owner, new.digest):
        return mine
    if new.shared:
        ours = and_(_artifacts.c.collection == owner, _artifacts.c.shared == new.shared)
        newest = (
            select(_artifacts.c.number)
            .where(ours)
            .order_by(_artifacts.c.version.desc().nulls_last())
        )
        found: int | None = connection.execute(newest).scalar()
        if found is not None:
            return found
    return _with_content(connection, owner, new.digest)


def _is_of(row: Row[Any], owner: int, digest: str) -> bool:
    return row.collection == owner and (row.digest == digest or row.version is None)


def _with_content(connection: Connection, owner: int, digest: str) -> int | None:
    """The newest version of that digest."""
    same = and_(_artifacts.c.collection == owner, _artifacts.c.digest == digest, _committed())
    newest = select(_artifacts.c.number).where(same).order_by(_artifacts.c.version.desc())
    found: int | None = connection.execute(newest).scalar()
    return found


def _insert(work: Work, owner: int, new: NewArtifact) -> int:
    number = work.ordinal()
    row = {
        "number": number,
        "collection": owner,
        "version": None,
        "digest": new.digest,
        "description": new.description,
        "metadata": dict(new.metadata),
        "tags": list(dict.fromkeys(new.tags)),
        "wanted": list(new.aliases),
        "shared": new.shared or None,
        "run": new.run,
        "step": new.step,
        "created": work.now,
        "updated": work.now,
    }
    if new.run is not None:
        runs.find(work.connection, new.run)
    work.connection.execute(insert(_artifacts), row)
    return number


def announce(work: Work, artifact: int, digests: Mapping[str, str]) -> None:
    """From now on these bytes are needed."""
    row = _find(work.connection, artifact)
    if row.version is not None or row.same is not None:
        return
    work.upsert(
        _files,
        [{"artifact": artifact, "name": name, "digest": digests[name]} for name in digests],
    )


def add_manifest(work: Work, artifact: int, kind: str, digest: str, base: int | None) -> Manifest:
    _find(work.connection, artifact)
    number = work.ordinal()
    row = {"number": number, "artifact": artifact, "kind": kind, "digest": digest, "base": base}
    work.connection.execute(insert(_manifests), row)
    return Manifest(number, artifact, kind, digest, base)


def set_manifest(work: Work, manifest: int, digest: str) -> Manifest:
    """Raises NotFound."""
    at = _manifests.c.number == manifest
    if not work.connection.execute(update(_manifests).where(at).values(digest=digest)).rowcount:
        raise NotFound(f"there is no manifest {manifest}", hint="its artifact is whole, or deleted")
    return _manifest(work.connection.execute(select(_manifests).where(at)).one())


def commit(
    work: Work,
    artifact: int,
    manifest: str,
    contents: Sequence[ArtifactFile],
    digest: str | None,
) -> Artifact:
    """The next version of its collection, or the one that has this content."""
    row = _find(work.connection, artifact)
    if row.version is not None or row.same is not None:
        return get(work.connection, artifact)
    real = row.digest if digest is None else digest
    if (same := _with_content(work.connection, row.collection, real)) is not None:
        return _replaced(work, row, same)
    owner = _find_collection(work.connection, row.collection)
    values = {
        "version": owner.versions,
        "manifest": manifest,
        "digest": real,
        "size": sum(file.size for file in contents),
        "files": len(contents),
        "updated": work.now,
    }
    at = _artifacts.c.number == artifact
    work.connection.execute(update(_artifacts).where(at).values(**values))
    _touch(work, owner.number, versions=owner.versions + 1)
    _replace_files(work, artifact, contents)
    _point(work, owner.number, artifact, (*row.wanted, LATEST))
    _tell(work, "artifact.committed", artifact, run=row.run)
    return get(work.connection, artifact)


def _replaced(work: Work, row: Row[Any], same: int) -> Artifact:
    """That version stands for this one, whose id the client goes on using."""
    at = _artifacts.c.number == row.number
    work.connection.execute(update(_artifacts).where(at).values(same=same, updated=work.now))
    logged = select(_runs.c.run).where(_runs.c.artifact == row.number)
    for run in work.connection.execute(logged).scalars().all():
        _relate(work, same, run, OUTPUT)
    for table in (_files, _manifests, _runs):
        work.connection.execute(delete(table).where(table.c.artifact == row.number))
    named = update(_clients).where(_clients.c.artifact == row.number)
    work.connection.execute(named.values(artifact=same))
    _point(work, row.collection, same, (*row.wanted, LATEST))
    return get(work.connection, same)


def _replace_files(work: Work, artifact: int, contents: Sequence[ArtifactFile]) -> None:
    for table in (_files, _manifests):
        work.connection.execute(delete(table).where(table.c.artifact == artifact))
    work.upsert(
        _files,
        [
            {
                "artifact": artifact,
                "name": file.name,
                "digest": file.digest,
                "ref": file.ref,
                "size": file.size,
            }
            for file in contents
        ],
    )


# -- changes --------------------------------------------------------------------------------------


def change(
    work: Work,
    artifact: int,
    *,
    description: str | None,
    metadata: Mapping[str, Any] | None,
    add_tags: Sequence[str],
    drop_tags: Sequence[str],
    add_aliases: Sequence[str],
    drop_aliases: Sequence[str],
) -> Artifact:
    _check_aliases(add_aliases)
    row = _find(work.connection, get(work.connection, artifact).number)
    artifact = row.number
    values: dict[str, Any] = {"tags": _changed(row.tags, add_tags, drop_tags), "updated": work.now}
    if description is not None:
        values["description"] = description
    if metadata is not None:
        values["metadata"] = dict(metadata)
    at = _artifacts.c.number == artifact
    work.connection.execute(update(_artifacts).where(at).values(**values))
    work.connection.execute(
        delete(_aliases).where(_aliases.c.artifact == artifact, _aliases.c.alias.in_(drop_aliases))
    )
    _point(work, row.collection, artifact, add_aliases)
    _tell(work, "artifact.changed", artifact, run=row.run)
    return get(work.connection, artifact)


def remove(work: Work, artifact: int, *, with_aliases: bool) -> None:
    """Delete one version; `latest` goes to the newest one left."""
    found = get(work.connection, artifact)
    artifact = found.number
    if found.aliases and not with_aliases:
        raise Conflict(
            f"{_label(found)} has aliases: {', '.join(found.aliases)}",
            hint="delete(delete_aliases=True) deletes it with them",
        )
    _tell(work, "artifact.deleted", artifact, run=found.run)
    work.connection.execute(delete(_artifacts).where(_artifacts.c.number == artifact))
    left = of_collection(work.connection, found.collection.number)
    if LATEST in found.aliases and left:
        _point(work, found.collection.number, left[0].number, (LATEST,))


def use(work: Work, artifact: int, run: str) -> Artifact:
    runs.find(work.connection, run)
    found = get(work.connection, artifact)
    _relate(work, found.number, run, INPUT)
    return found


def remove_of_run(work: Work, run: str) -> None:
    """Delete what this run alone has logged and no other has used."""
    others = select(_runs.c.artifact).where(_runs.c.run != run)
    mine = of_run(work.connection, run, OUTPUT)
    shared = set(work.connection.execute(others).scalars()) if mine else set()
    for artifact in mine:
        if artifact.number not in shared:
            remove(work, artifact.number, with_aliases=True)


def forget_pending(work: Work, before: float) -> int:
    """Delete what was never committed."""
    never = and_(_artifacts.c.version.is_(None), _artifacts.c.same.is_(None))
    old = and_(never, _artifacts.c.created < before)
    return work.connection.execute(delete(_artifacts).where(old)).rowcount


def change_collection(
    work: Work,
    number: int,
    *,
    name: str | None,
    type: str | None,
    description: str | None,
    add_tags: Sequence[str],
    drop_tags: Sequence[str],
) -> Collection:
    row = _find_collection(work.connection, number)
    new = {"name": name, "type": type, "description": description}
    values: dict[str, Any] = {key: value for key, value in new.items() if value is not None}
    if name is not None and name != row.name:
        _check_free(work.connection, row.project, name)
    _touch(work, number, **values, tags=_changed(row.tags, add_tags, drop_tags))
    work.event("artifact.collection", sweep=None, name=name or row.name, project=row.project)
    return collection(work.connection, number)


def _check_free(connection: Connection, project: str, name: str) -> None:
    place = and_(_collections.c.project == project, _collections.c.name == name)
    if connection.execute(select(_collections.c.number).where(place)).first() is not None:
        raise Conflict(f"there is an artifact “{name}” in project {project} already")


def remove_collection(work: Work, number: int) -> None:
    row = _find_collection(work.connection, number)
    work.connection.execute(delete(_collections).where(_collections.c.number == number))
    work.event("artifact.deleted", sweep=None, name=row.name, project=row.project)


# -- shared ---------------------------------------------------------------------------------------


def _changed(tags: Sequence[str], more: Sequence[str], fewer: Sequence[str]) -> list[str]:
    return [tag for tag in dict.fromkeys((*tags, *more)) if tag not in fewer]


def _check_aliases(aliases: Sequence[str]) -> None:
    for alias in aliases:
        if not alias or _VERSION.fullmatch(alias) or set(alias) & set(":/"):
            raise UsageError(
                f"`{alias}` is no alias for an artifact",
                hint="v0, v1, … name versions; `:` and `/` are not allowed",
            )


def _point(work: Work, owner: int, artifact: int, aliases: Sequence[str]) -> None:
    """Give these aliases to this version, whichever had them before."""
    names = dict.fromkeys(aliases)
    work.upsert(
        _aliases, [{"collection": owner, "alias": name, "artifact": artifact} for name in names]
    )


def _relate(work: Work, artifact: int, run: str, role: str) -> None:
    """Once for each run and role."""
    row = {"artifact": artifact, "run": run, "role": role}
    same = and_(*(_runs.c[key] == value for key, value in row.items()))
    if work.connection.execute(select(_runs.c.run).where(same)).first() is None:
        work.connection.execute(insert(_runs), row)
        _tell(work, f"artifact.{'used' if role == INPUT else 'logged'}", artifact, run=run)


def _touch(work: Work, owner: int, **values: Any) -> None:
    at = _collections.c.number == owner
    work.connection.execute(update(_collections).where(at).values(updated=work.now, **values))


def _tell(work: Work, type: str, artifact: int, *, run: str | None) -> None:
    found = get(work.connection, artifact)
    row = None if run is None else runs.find(work.connection, run)
    work.event(
        type,
        sweep=None if row is None else row.sweep,
        run=run,
        artifact=_label(found),
        kind=found.collection.type,
    )


def _label(artifact: Artifact) -> str:
    name = artifact.collection.name
    return name if artifact.version is None else f"{name}:v{artifact.version}"
