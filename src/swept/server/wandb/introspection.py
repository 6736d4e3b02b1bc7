"""What clients before about 0.26 find out by `__type` before they ask for anything.

They leave out what is not listed, so listing is the switch for optional parts. An unknown type gets an empty
list: null ends `wandb.init` of 0.19 under its agent. Newer clients read `serverInfo.features` instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from swept.server.wandb.graphql import Arguments, Node

Fields = Mapping[str, Sequence[str]]
"""Field → names of its arguments."""

QUERY: Fields = {
    "viewer": (),
    "serverInfo": (),
    "entity": ("name",),
    "project": ("name", "entityName"),
    "model": ("name", "entityName"),
    "sweep": ("sweepName",),
}
MUTATION: Fields = {
    "upsertBucket": ("input",),
    "upsertSweep": ("input",),
    "createAgent": ("input",),
    "agentHeartbeat": ("input",),
    "createRunFiles": ("input",),
    "stopRun": ("input",),
}
SERVER_INFO: Fields = {"cliVersionInfo": (), "latestLocalVersionInfo": (), "features": ()}
PROJECT: Fields = {
    "id": (),
    "internalId": (),
    "name": (),
    "run": ("name",),
    "runs": ("filters", "order", "first", "after"),
    "sweep": ("sweepName",),
    "sweeps": ("first", "after"),
}
RUN: Fields = {
    "id": (),
    "name": (),
    "projectId": (),
    "stopped": (),
    "history": ("minStep", "maxStep", "samples"),
    "sampledHistory": ("specs",),
    "summaryMetrics": (),
}

ARTIFACT: Fields = {
    "id": (),
    "aliases": (),
    "tags": (),
    "historyStep": (),
    "digest": (),
    "size": (),
}

INPUTS: Mapping[str, Sequence[str]] = {
    "AddAliasesInput": ("artifactID", "aliases"),
    "CreateArtifactInput": (
        "clientID",
        "sequenceClientID",
        "enableDigestDeduplication",
        "historyStep",
        "tags",
    ),
    "CreateArtifactFileSpecInput": ("artifactID", "name", "md5", "artifactManifestID"),
    "UseArtifactInput": ("artifactID", "usedAs"),
}
"""Input type → its fields. No `uploadPartsInput`: a file is sent in one piece."""

TYPES: Mapping[str, Fields] = {
    "Artifact": ARTIFACT,
    "Query": QUERY,
    "Mutation": MUTATION,
    "ServerInfo": SERVER_INFO,
    "Project": PROJECT,
    "Run": RUN,
}


def type_node(arguments: Arguments) -> Node:
    """The answer to `__type(name:)`: the fields we list for that type, [] for a type that we do not know."""
    name = arguments.text("name")
    fields = [
        {
            "__typename": "__Field",
            "name": field,
            "args": [{"__typename": "__InputValue", "name": argument} for argument in names],
        }
        for field, names in TYPES.get(name, {}).items()
    ]
    return {
        "__typename": "__Type",
        "name": name,
        "fields": fields,
        "inputFields": [
            {"__typename": "__InputValue", "name": field} for field in INPUTS.get(name, ())
        ],
        "enumValues": [],
    }
