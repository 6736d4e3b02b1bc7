"""What people change through the client's API beside a run's own words: stop it, delete it, call it failed, its files."""

from __future__ import annotations

from typing import Any

from swept.errors import UsageError
from swept.model import STOPPED_THERE, Desired, Outcome, Run, RunState
from swept.server.auth import Access
from swept.server.wandb import runs
from swept.server.wandb.graphql import Arguments, Node, Resolver
from swept.server.wandb.service import Service, owner_only


def mutations(service: Service, access: Access) -> dict[str, Resolver]:
    return {
        "stopRun": lambda a: stop(service, access, a),
        "deleteRun": lambda a: delete(service, access, a),
        "updateRunState": lambda a: update_state(service, access, a),
        "deleteFiles": lambda a: delete_files(service, access, a),
        "markRunFilesUploaded": mark_uploaded,
    }


def stop(service: Service, access: Access, arguments: Arguments) -> Node:
    """`run.stop()` and the stop button: a graceful stop, asked for by a person; of no effect where it is over."""
    owner_only(access, "stop runs")
    run = service.store.run(arguments.input().text("id"))
    if not run.state.ended:
        _ask_to_stop(service, run)
    return _done("StopRunPayload")


def _ask_to_stop(service: Service, run: Run) -> None:
    service.engine.order(run.id, Desired.STOP, STOPPED_THERE)


def delete(service: Service, access: Access, arguments: Arguments) -> Node:
    owner_only(access, "delete runs")
    data = arguments.input()
    with_artifacts = bool(data.get("deleteArtifacts"))
    service.store.delete_run(data.text("id"), now=service.now(), with_artifacts=with_artifacts)
    return _done("DeleteRunPayload")


def update_state(service: Service, access: Access, arguments: Arguments) -> Node:
    """A run by hand that nobody will end any more is failed, or withdrawn where it never began. Raises UsageError."""
    owner_only(access, "change a run's state")
    data = arguments.input()
    run = service.store.run(data.text("id"))
    wanted = data.text("state").lower()
    if run.sweep is not None:
        raise UsageError(f"run {run.id} belongs to a sweep, which decides about its state")
    if wanted == "failed" and run.state in (RunState.FAILED, RunState.KILLED):
        return _done("UpdateRunStatePayload")  # asked for once more
    if wanted != "failed" or run.state.ended:
        raise UsageError(
            f"run {run.id} is {run.state}: it cannot become {wanted or 'that'}",
            hint="a pending or running run can become failed; to train again, start a new run",
        )
    if run.state is RunState.RUNNING:
        runs.end(service, run, Outcome.FAILED, "called failed by a person")
    else:
        _ask_to_stop(service, run)
    return _done("UpdateRunStatePayload")


def delete_files(service: Service, access: Access, arguments: Arguments) -> Node:
    """`file.delete()`, by the ids that `files` gives: the record first, then the bytes."""
    owner_only(access, "delete files")
    data = arguments.input()
    data.ignore("projectId", "entityName", "projectName")
    ids: Any = data.get("files")
    for one in ids if isinstance(ids, list) else []:
        run, _, name = str(one).partition("/")
        path = service.blobs.path(run, name)
        if service.store.delete_file(run, name, now=service.now()):
            path.unlink(missing_ok=True)
    return _done("DeleteFilesPayload")


def mark_uploaded(arguments: Arguments) -> Node:
    """The server has seen each file arrive."""
    arguments.input().ignore("entityName", "projectName", "runName", "files")
    return _done("MarkRunFilesUploadedPayload")


def _done(name: str) -> Node:
    return {"__typename": name, "success": True, "clientMutationId": None}
