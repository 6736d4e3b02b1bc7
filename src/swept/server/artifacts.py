"""The native JSON API: what a run logged and used as W&B's artifacts, and the bytes that none needs any more."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request

from swept.model import Artifact
from swept.server.answers import Answer, documented
from swept.server.auth import context_of, reading, writing
from swept.server.contents import collect
from swept.store.artifact_base import INPUT, OUTPUT
from swept.wire.runs import ArtifactView
from swept.wire.server import Garbage, GarbageView

router = APIRouter(prefix="/api")


@router.get(
    "/runs/{run}/artifacts",
    dependencies=[Depends(reading)],
    responses=documented(list[ArtifactView]),
)
def artifacts(run: str, request: Request) -> Answer:
    """Those that the run logged, then those that it used."""
    store = context_of(request).store
    return Answer(
        [
            artifact_view(one, role)
            for role in (OUTPUT, INPUT)
            for one in store.run_artifacts(run, role)
        ]
    )


@router.post(
    "/artifacts/garbage",
    dependencies=[Depends(writing)],
    responses=documented(list[GarbageView]),
)
def garbage(body: Garbage, request: Request) -> Answer:
    """The files that no artifact needs; with `remove` they are gone when this is answered."""
    context = context_of(request)
    found = collect(context, remove=body["remove"])
    places = [(one.path.relative_to(context.files), one.size) for one in found]
    return Answer([{"path": str(path), "size": size} for path, size in places])


def artifact_view(artifact: Artifact, role: str) -> ArtifactView:
    return {
        "name": artifact.collection.name,
        "type": artifact.collection.type,
        "version": artifact.version or 0,
        "aliases": list(artifact.aliases),
        "description": artifact.description,
        "role": role,
        "size": artifact.size,
        "files": artifact.files,
        "created": artifact.created,
    }
