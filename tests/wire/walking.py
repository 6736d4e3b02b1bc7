"""Every operation of a client, walked through the server's own executor over a store that has something of each kind.

What a walk finds wrong: a field or an argument that nobody answers and nobody declined; fields that were never
reached, since what they stand below is null or an empty list; an operation that is refused.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphql import Visitor, print_ast, visit
from graphql.language import ast as gql
from tests.wire.documents import Operation, Package
from tests.wire.harness import KEY, NEWEST, Client, Server, environment

from swept.engine import Engine
from swept.server.auth import OWNER
from swept.server.context import Context, Settings
from swept.server.wandb.declined import MUTATIONS, declined
from swept.server.wandb.graphql import Tally, execute
from swept.server.wandb.roots import roots
from swept.server.wandb.service import ENTITY, Service
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.think import InlineThinker

PROJECT = "world"
SWEEP = (
    f"program: train.py\nproject: {PROJECT}\nmethod: grid\n"
    "metric: {name: loss, goal: minimize}\nparameters: {lr: {values: [0.1, 0.2]}}\n"
)
AGENT = 'mutation A($s: ID!) { createAgent(input: {host: "h", sweep: $s}) { agent { id } } }'
BEAT = 'mutation B($a: ID!) { agentHeartbeat(input: {id: $a, runState: "{}"}) { commands } }'
FIND = (
    'query F($p: String, $r: String!) { project(name: $p, entityName: "local") { run(name: $r) '
    "{ id files(first: 1) { edges { node { id } } } outputArtifacts(first: 9) { edges { node { id state files(first: 1) { edges { node { md5 digest } } } "
    "artifactSequence { id name } } } } } } }"
)
CLIENT = "made-by-the-world"
NOTHING = "1B2M2Y8AsgTpgAmY7PhCfg=="  # the digest of no bytes
PENDING = """mutation C($input: CreateArtifactInput!) { createArtifact(input: $input) { artifact { id } } }"""
MANIFEST = """mutation M($input: CreateArtifactManifestInput!) {
  createArtifactManifest(input: $input) { artifactManifest { id } } }"""
TAG = """mutation T($input: CreateArtifactCollectionTagAssignmentsInput!) {
  createArtifactCollectionTagAssignments(input: $input) { tags { id } } }"""
WAITING = (
    f'mutation W {{ upsertBucket(input: {{modelName: "{PROJECT}", name: "waiting", state: "pending"}}) '
    "{ bucket { id } } }"
)
COLLECTION = {"entityName": ENTITY, "projectName": PROJECT, "artifactCollectionName": "weights"}
VERSION = {
    **COLLECTION,
    "artifactTypeName": "model",
    "digest": NOTHING,
    "digestAlgorithm": "MANIFEST_MD5",
    "clientID": CLIENT,
    "sequenceClientID": CLIENT + "s",
}
Names = dict[str, str]


@dataclass(frozen=True, slots=True)
class World:
    """A server's folder with runs, a sweep, files and artifacts in it; `names`: what there is to ask for."""

    home: Path
    names: Names

    @contextlib.contextmanager
    def service(self, store: Path) -> Iterator[Service]:
        opened = open_store(f"sqlite:///{store}")
        try:
            clock = FakeClock()
            engine = Engine(opened, clock, InlineThinker())
            settings = Settings(key=KEY, files=self.home / "files")
            context = Context(opened, engine, clock, settings)
            yield Service(context, Tally(context.unknown))
        finally:
            opened.close()


@contextlib.contextmanager
def populated(folder: Path) -> Iterator[World]:
    """A world that the newest client and an agent's own words made."""
    server = Server(folder / "home")
    server.start()
    try:
        names = _people(Client(NEWEST, environment(NEWEST), server, folder / "client"))
    finally:
        server.end()
    yield World(folder / "home", names)


def _people(client: Client) -> Names:
    server = client.server
    sweep = client.create(SWEEP)
    agent = server.graphql(AGENT, {"s": sweep})["data"]["createAgent"]["agent"]["id"]
    printed = client.run("everything.py", PROJECT)
    found = re.search(r"RUNS (\w+) (\w+)", printed)
    assert found is not None, printed
    given = server.graphql(BEAT, {"a": agent})["data"]["agentHeartbeat"]["commands"]
    (command,) = json.loads(given)
    names = {"run": found[1], "reader": found[2], "sweep": sweep, "agent": agent}
    names["sweep_run"] = command["run_id"]
    names["waiting"] = server.graphql(WAITING)["data"]["upsertBucket"]["bucket"]["id"]
    names |= _pending(server, names["run"])
    server.graphql(TAG, {"input": {**COLLECTION, "tags": [{"tagName": "good"}]}})
    return names | _artifact(server, found[1])


def _pending(server: Server, run: str) -> Names:
    """A version whose files have not come yet."""
    made = server.graphql(PENDING, {"input": {**VERSION, "runName": run}})["data"]["createArtifact"]
    artifact = made["artifact"]["id"]
    given = {"artifactID": artifact, "name": "wandb_manifest.json", "digest": NOTHING}
    place = {"entityName": ENTITY, "projectName": PROJECT, "runName": run}
    made = server.graphql(MANIFEST, {"input": {**given, **place}})["data"]["createArtifactManifest"]
    return {"pending": artifact, "pending manifest": made["artifactManifest"]["id"]}


def _artifact(server: Server, run: str) -> Names:
    answer = server.graphql(FIND, {"p": PROJECT, "r": run})["data"]["project"]["run"]
    (file,) = answer["files"]["edges"]
    for edge in (answer["outputArtifacts"] or {"edges": []})["edges"]:
        node = edge["node"]
        sequence = node["artifactSequence"]
        if sequence["name"] == "weights":
            return {
                "artifact": node["id"],
                "collection": sequence["id"],
                "file": file["node"]["id"],
                "digest": node["files"]["edges"][0]["node"]["digest"],
            }
    return {}


# -- variables ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Use:
    """Where a variable stands: the field, and the argument or the entry of its input object."""

    field: str
    argument: str


def uses(operation: Operation) -> dict[str, Use]:
    """The first place of each variable."""
    found: dict[str, Use] = {}

    class Places(Visitor):
        def enter_field(self, node: gql.FieldNode, *_: Any) -> None:
            for argument in node.arguments or ():
                self._value(node.name.value, argument.name.value, argument.value)

        def enter_directive(self, node: gql.DirectiveNode, *_: Any) -> None:
            for argument in node.arguments or ():
                self._value("@" + node.name.value, argument.name.value, argument.value)

        def _value(self, name: str, argument: str, value: gql.ValueNode) -> None:
            if isinstance(value, gql.VariableNode):
                found.setdefault(value.name.value, Use(name, argument))
            elif isinstance(value, gql.ObjectValueNode):
                for entry in value.fields:
                    self._value(name, entry.name.value, entry.value)
            elif isinstance(value, gql.ListValueNode):
                for item in value.values:
                    self._value(name, argument, item)

    visit(operation.document, Places())
    return found


def variables(operation: Operation, package: Package, world: World) -> dict[str, Any]:
    """A value for each variable with which the world has something to answer."""
    places = uses(operation)
    values: dict[str, Any] = {}
    for one in operation.definition.variable_definitions or ():
        name = one.variable.name.value
        use = places.get(name, Use("", name))
        value = _Values(package, world.names).of(use, print_ast(one.type))
        if value is not None:
            values[name] = value
    return values


INPUTS: Mapping[str, dict[str, str]] = {
    "CreateArtifactInput": {
        "entityName": "str",
        "projectName": "str",
        "runName": "str",
        "artifactTypeName": "str",
        "artifactCollectionName": "str",
        "digest": "str",
        "clientID": "str",
        "sequenceClientID": "str",
    },
    "UseArtifactInput": {
        "entityName": "str",
        "projectName": "str",
        "runName": "str",
        "artifactID": "str",
    },
    "CreateArtifactFilesInput": {"artifactFiles": "list[CreateArtifactFileSpecInput]"},
    "CreateArtifactFileSpecInput": {
        "artifactID": "str",
        "artifactManifestID": "str",
        "name": "str",
        "md5": "str",
    },
    "ArtifactManifestEntryInput": {"storagePath": "str", "digest": "str"},
    "UpdateRunStateInput": {"id": "str", "state": "str"},
    "UploadPartsInput": {"partNumber": "int", "hexMD5": "str"},
}
"""Input types of the Go client, which no Python text describes."""


@dataclass(frozen=True, slots=True)
class _Values:
    package: Package
    names: Names

    def of(self, use: Use, kind: str) -> Any:
        """The value for a place: by what it names, else by its type."""
        if kind.startswith("["):
            inner = self.of(use, kind.strip("[]!"))
            return [] if inner is None else [inner]
        kind = kind.strip("!")
        if kind in INPUTS or kind in self.package.inputs:
            return self.input(use.field, kind)
        place = (use.field, use.argument)
        if place in (exact := self.exact()):
            return exact[place]
        anywhere = self.everywhere()
        return anywhere[use.argument] if use.argument in anywhere else self.typed(kind)

    def input(self, name: str, kind: str) -> dict[str, Any]:
        fields = self.package.inputs.get(kind) or INPUTS[kind]
        entries: dict[str, Any] = {}
        for entry, annotation in fields.items():
            value = self.of(Use(name, entry), _graphql_type(annotation))
            if value is not None:
                entries[entry] = value
        return entries

    def exact(self) -> dict[tuple[str, str], Any]:
        """What an argument of one field means; None: it is left out."""
        at = self.names
        return {
            ("project", "name"): PROJECT,
            ("model", "name"): PROJECT,
            ("upsertModel", "name"): PROJECT,
            ("entity", "name"): ENTITY,
            ("run", "name"): at["run"],
            ("bucket", "name"): at["run"],
            ("upsertBucket", "name"): at["run"],
            ("upsertBucket", "id"): at["run"],
            ("upsertSweep", "id"): at["sweep"],
            ("upsertSweep", "config"): SWEEP,
            ("upsertSweep", "state"): "PAUSED",
            ("sweep", "id"): at["sweep"],
            ("sweep", "sweepName"): at["sweep"],
            ("createAgent", "sweep"): at["sweep"],
            ("agent", "id"): at["agent"],
            ("agent", "agentName"): at["agent"],
            ("agentHeartbeat", "id"): at["agent"],
            ("agentHeartbeat", "runState"): "{}",
            ("stopRun", "id"): at["sweep_run"],
            ("deleteRun", "id"): at["reader"],
            ("artifact", "id"): at.get("artifact"),
            ("artifact", "name"): "weights:v0",
            ("artifactType", "name"): "model",
            ("artifactCollection", "name"): "weights",
            ("artifactCollectionMembership", "name"): "weights:v0",
            ("artifactSequence", "name"): "weights",
            ("artifactSequence", "id"): at.get("collection"),
            ("artifactCollection", "id"): at.get("collection"),
            ("clientIDMapping", "clientID"): CLIENT,
            ("deleteFiles", "files"): at.get("file"),
            ("updateRunState", "id"): at.get("waiting"),
            ("updateRunState", "state"): "failed",
            ("file", "name"): "weights.txt",
            ("__type", "name"): "Query",
            ("files", "names"): None,
            ("files", "pattern"): None,
            ("createArtifactManifest", "artifactID"): at.get("pending"),
            ("createArtifactFiles", "artifactID"): at.get("pending"),
            ("filesByManifestEntries", "digest"): at.get("digest"),
        }

    def everywhere(self) -> dict[str, Any]:
        """What an argument of that name means on every field."""
        at = self.names
        return {
            "entityName": ENTITY,
            "entity": ENTITY,
            "projectName": PROJECT,
            "modelName": PROJECT,
            "project": PROJECT,
            "runName": at["run"],
            "runId": at["run"],
            "sweep": at["sweep"],
            "artifactID": at.get("artifact"),
            "artifactId": at.get("artifact"),
            "artifactManifestID": at.get("pending manifest"),
            "baseArtifactID": None,
            "baseArtifactId": None,
            "artifactSequenceID": at.get("collection"),
            "artifactTypeName": "model",
            "artifactCollectionName": "weights",
            "artifactCollectionNames": "weights",
            "collectionName": "weights",
            "alias": "latest",
            "filters": "{}",
            "order": "-created_at",
            "after": None,
            "first": 5,
            "last": 5,
            "minStep": 0,
            "maxStep": 100,
            "samples": 10,
            "specs": json.dumps({"keys": ["loss"], "samples": 10}),
            "liveKeys": "loss",
            "config": "{}",
            "metadata": "{}",
            "summaryMetrics": "{}",
            "state": None,
            "files": "weights.txt",
            "storageLayout": "V2",
            "manifestVersion": "V1",
            "digest": NOTHING,
            "md5": NOTHING,
            "digestAlgorithm": "MANIFEST_MD5",
            "aliasName": "latest",
            "storagePath": "weights.txt",
            "clientMutationId": None,
            "clientMutationID": None,
        }

    def typed(self, kind: str) -> Any:
        values: dict[str, Any] = {"Boolean": True, "Int": 1, "Int64": 1, "Float": 1.0}
        return values.get(kind, "{}" if kind == "JSONString" else "text")


def _graphql_type(annotation: str) -> str:
    """`Optional[List['TagInput']]` as `[TagInput]`."""
    text = re.sub(r"['\" ]|\|None", "", annotation)
    text = re.sub(r"^Optional\[(.*)\]$", r"\1", text)
    if inner := re.match(r"(?i)list\[(.*)\]$", text):
        return f"[{_graphql_type(inner[1])}]"
    return {"bool": "Boolean", "int": "Int", "float": "Float"}.get(text, text)


# -- the walk -------------------------------------------------------------------------------------


@dataclass(slots=True)
class Walked:
    """One operation. `served` and `declined` count selected fields."""

    operation: Operation
    served: int = 0
    declined: int = 0
    wrong: list[str] = field(default_factory=list)


def walked(package: Package, world: World) -> list[Walked]:
    """Every operation once; each that writes gets a copy of the store."""
    results = [_unread(text) for text in package.unread]
    with world.service(world.home / "swept.db") as service:
        for one in package.operations:
            given = variables(one, package, world)
            if one.definition.operation is gql.OperationType.QUERY:
                results.append(_walk(one, given, service))
                continue
            copy = world.home / "copy.db"
            shutil.copy(world.home / "swept.db", copy)
            with world.service(copy) as own:
                results.append(_walk(one, given, own))
    return results


def _unread(text: str) -> Walked:
    nothing = gql.OperationDefinitionNode(
        operation=gql.OperationType.QUERY, selection_set=gql.SelectionSetNode(selections=())
    )
    source, _, why = text.partition(": ")
    operation = Operation("?", source, gql.DocumentNode(definitions=(nothing,)))
    return Walked(operation, wrong=[f"cannot be read: {why}"])


def _walk(operation: Operation, given: dict[str, Any], service: Service) -> Walked:
    unknown: Counter[str] = Counter()
    answer = execute(
        _typed(operation.document),
        given,
        roots(service, OWNER, "http://127.0.0.1"),
        Tally(unknown),
        operation.name,
    )
    result = Walked(operation)
    result.wrong += [f"nobody answers {name}" for name in unknown if ".__typename" not in name]
    if answer["data"] is not None:
        _Reached(operation, unknown, result).look(answer["data"])
    reasons = set(MUTATIONS.values())
    refused = [error["message"] for error in answer.get("errors", ())]
    if operation.template:  # what names the object may be among the things filled in
        result.wrong = [what for what in result.wrong if "not reached" not in what]
    else:
        result.wrong += [f"refused: {why}" for why in refused if why not in reasons]
    return result


def _typed(document: gql.DocumentNode) -> str:
    """The document that also asks each object for its type."""

    class Adding(Visitor):
        def leave_selection_set(self, node: gql.SelectionSetNode, *_: Any) -> gql.SelectionSetNode:
            asked = gql.FieldNode(
                name=gql.NameNode(value="__typename"), arguments=(), directives=()
            )
            return gql.SelectionSetNode(selections=(*node.selections, asked))

    return print_ast(visit(document, Adding()))


@dataclass(slots=True)
class _Reached:
    """Lays an answer beside its document: which selected fields it answers, and which lie below a null."""

    operation: Operation
    unknown: Mapping[str, int]
    result: Walked
    reached: set[int] = field(default_factory=set)
    declined: set[int] = field(default_factory=set)
    empty: dict[int, str] = field(default_factory=dict)

    def look(self, data: dict[str, Any]) -> None:
        """Fills in the result."""
        selections = self.operation.definition.selection_set
        self._object(data, selections)
        for item in self._below(selections):
            if id(item) in self.declined:
                self.result.declined += 1
            elif id(item) in self.reached:
                self.result.served += 1
        for item in self._below(selections):
            self._explain(item)
        self._fragments(selections)

    def _object(self, answer: dict[str, Any], selections: gql.SelectionSetNode) -> None:
        for item in self._fields(selections):
            key = item.alias.value if item.alias else item.name.value
            if key not in answer:
                continue  # in a fragment on another type
            name = f"{answer.get('__typename') or '?'}.{item.name.value}"
            value = answer[key]
            self.reached.add(id(item))
            if _hollow(value) and _left_out(name):
                self.declined.update(map(id, self._tree(item)))
            elif item.selection_set and value in (None, []) and name not in self.unknown:
                self.empty[id(item)] = f"{name} is {'null' if value is None else 'empty'}"
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict) and item.selection_set:
                    self._object(one, item.selection_set)

    def _explain(self, item: gql.FieldNode) -> None:
        """A field that was asked for in vain, with all that stands below it."""
        if item.selection_set is None or id(item) not in self.empty or id(item) in self.declined:
            return
        below = list(self._below(item.selection_set))
        if not any(id(one) in self.reached | self.declined for one in below):
            self.result.wrong.append(f"{self.empty[id(item)]}: {len(below)} fields not reached")

    def _fragments(self, selections: gql.SelectionSetNode) -> None:
        """Fragments on a type that no object was, though objects of their place were there."""
        for parent in (selections, *(f.selection_set for f in self._below(selections))):
            for condition, inner in self._conditions(parent):
                fields = list(self._fields(inner))
                missed = [one for one in fields if id(one) not in self.reached]
                others = [one for one in self._fields(parent) if id(one) in self.reached]
                if not others or len(missed) < len(fields):
                    continue
                if _left_out(f"{condition}.*"):
                    self.result.declined += len(missed)
                else:
                    self.result.wrong.append(f"nothing is a {condition}: {len(missed)} fields")

    def _conditions(
        self, selections: gql.SelectionSetNode | None
    ) -> Iterator[tuple[str, gql.SelectionSetNode]]:
        for item in selections.selections if selections else ():
            if isinstance(item, gql.InlineFragmentNode):
                if item.type_condition:
                    yield item.type_condition.name.value, item.selection_set
                yield from self._conditions(item.selection_set)
            elif isinstance(item, gql.FragmentSpreadNode):
                fragment = self.operation.fragments.get(item.name.value)
                if fragment is not None:
                    yield fragment.type_condition.name.value, fragment.selection_set
                    yield from self._conditions(fragment.selection_set)

    def _tree(self, item: gql.FieldNode) -> Iterator[gql.FieldNode]:
        yield item
        if item.selection_set:
            yield from self._below(item.selection_set)

    def _below(self, selections: gql.SelectionSetNode) -> Iterator[gql.FieldNode]:
        for item in self._fields(selections):
            yield from self._tree(item)

    def _fields(self, selections: gql.SelectionSetNode | None) -> Iterator[gql.FieldNode]:
        """The fields of a selection, with fragments opened."""
        for item in selections.selections if selections else ():
            if isinstance(item, gql.FieldNode):
                yield item
            elif isinstance(item, gql.InlineFragmentNode):
                yield from self._fields(item.selection_set)
            elif isinstance(item, gql.FragmentSpreadNode):
                fragment = self.operation.fragments.get(item.name.value)
                yield from self._fields(fragment.selection_set if fragment else None)


def _hollow(value: Any) -> bool:
    """Nothing, or a connection with nothing in it."""
    if isinstance(value, dict):
        return all(_hollow(one) for key, one in value.items() if key != "__typename")
    return value in (None, [])


def _left_out(name: str) -> bool:
    kind, _, own = name.partition(".")
    return declined(name) or (kind == "Mutation" and own in MUTATIONS)


def report(version: str, results: list[Walked]) -> tuple[str, bool]:
    """Totals, then what is wrong with which operation; and whether nothing is."""
    served = sum(one.served for one in results)
    left = sum(one.declined for one in results)
    wrong = [one for one in results if one.wrong]
    lines = [
        f"wandb {version}: {len(results)} operations, {served} fields served, "
        f"{left} declined, {len(wrong)} operations with something wrong"
    ]
    for one in wrong:
        lines.append(f"  {one.operation.name} ({one.operation.source})")
        lines += [f"    {what}" for what in dict.fromkeys(one.wrong)]
    return "\n".join(lines) + "\n", not wrong
