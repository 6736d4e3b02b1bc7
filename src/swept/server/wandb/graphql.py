"""A GraphQL executor without a schema: it walks a client's document over plain objects.

A *node* is a mapping from field names to values; a value that can be called is a resolver, which gets the
field's `Arguments`. There is no schema to fall behind: a field that a node does not have is null, an argument
that no resolver read is ignored, and both are counted in a `Tally` for the operator. Variables are taken as they
come (the real client sends a string where it declares a list). Nothing looks at query text or operation names.

Errors follow what the client makes of them: a deterministic failure is `errors` in a 200 answer, which it shows
at once; `StoreError` goes through, so that the route can answer 5xx, which it retries.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import GraphQLError, parse
from graphql.language import ast

from swept.errors import StoreError, SweptError
from swept.server.wandb.declined import declined

log = logging.getLogger("swept.wandb")

MAX_DOCUMENT = 200_000  # characters; the longest of the client's documents has about 9,000
MAX_TOKENS = 20_000
MAX_DEPTH = 40
MAX_FIELDS = 500_000  # values written into one answer

RELAYS = frozenset({"clientMutationId", "clientMutationID"})
"""An argument of any mutation by which a client may know its answer again; nobody needs to look at it."""

Node: TypeAlias = Mapping[str, Any]


class Arguments(Mapping[str, Any]):
    """The arguments of one field; remembers which of them were read."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self._read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def text(self, name: str) -> str:
        """The argument as text; "" where it is missing or null."""
        value = self.get(name)
        return "" if value is None else str(value)

    def input(self) -> Arguments:
        """The `input` object of a mutation; its unread entries are reported as this field's."""
        value = self.get("input")
        inner = Arguments(value if isinstance(value, Mapping) else {})
        inner._read = self._read
        self._values = {**self._values, **inner._values}
        return inner

    def ignore(self, *names: str) -> None:
        """Arguments that are known and not needed: they are not counted."""
        self._read.update(names)

    def unread(self) -> list[str]:
        """Names of the arguments that have a value and that nobody looked at."""
        known = self._read | RELAYS
        return [name for name, value in self._values.items() if value and name not in known]


Resolver: TypeAlias = Callable[[Arguments], Any]


class Tally:
    """Counts what clients asked for and we do not serve: `Type.field` and `Type.field(argument)`.

    What is left out on purpose is not counted: it tells the operator nothing.
    """

    LIMIT = 500  # distinct names kept: a hostile client must not fill the memory

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._lock = threading.Lock()

    def add(self, name: str) -> None:
        if declined(name):
            return
        with self._lock:
            if name in self._counts:
                self._counts[name] += 1
            elif len(self._counts) < self.LIMIT:
                self._counts[name] = 1
                log.warning("a W&B client asked for %s, which swept does not serve", name)


@dataclass(frozen=True, slots=True)
class Roots:
    """Where documents start."""

    query: Node
    mutation: Node


@dataclass(slots=True)
class _Walk:
    """One execution: what it needs and what it has gathered."""

    variables: Mapping[str, Any]
    fragments: Mapping[str, ast.FragmentDefinitionNode]
    tally: Tally
    errors: list[dict[str, Any]] = field(default_factory=list)
    fields: int = 0


class _TooLarge(SweptError):
    """The document goes too deep or its answer gets too long."""


def execute(
    text: str, variables: Mapping[str, Any] | None, roots: Roots, tally: Tally, operation: str = ""
) -> dict[str, Any]:
    """The answer to one document: `{"data": …}` and, where something failed, `"errors"`.

    `operation` picks among several operations of one document. Raises StoreError only.
    """
    try:
        document = _parse(text)
        definition = _operation(document, operation)
    except SweptError as error:
        return {"data": None, "errors": [{"message": str(error)}]}
    walk = _Walk(
        _with_defaults(definition, variables or {}),
        {
            part.name.value: part
            for part in document.definitions
            if isinstance(part, ast.FragmentDefinitionNode)
        },
        tally,
    )
    mutation = definition.operation is ast.OperationType.MUTATION
    root = roots.mutation if mutation else roots.query
    try:
        data: Any = _object(walk, root, definition.selection_set, (), 0)
    except _TooLarge as error:
        return {"data": None, "errors": [{"message": str(error)}]}
    return {"data": data, "errors": walk.errors} if walk.errors else {"data": data}


def _parse(text: str) -> ast.DocumentNode:
    if len(text) > MAX_DOCUMENT:
        raise _TooLarge(f"the GraphQL document has more than {MAX_DOCUMENT} characters")
    try:
        return parse(text, no_location=True, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        raise SweptError(f"the GraphQL document cannot be read: {error.message}") from error
    except RecursionError as error:
        raise _TooLarge("the GraphQL document is nested too deeply") from error


def _operation(document: ast.DocumentNode, name: str) -> ast.OperationDefinitionNode:
    found = [part for part in document.definitions if isinstance(part, ast.OperationDefinitionNode)]
    named = [part for part in found if part.name is not None and part.name.value == name]
    # The client leaves the name out, or sends "", where the document has one operation.
    chosen = named or found
    if not chosen:
        raise SweptError("the GraphQL document has no operation")
    if chosen[0].operation is ast.OperationType.SUBSCRIPTION:
        raise SweptError("subscriptions are not served")
    return chosen[0]


def _with_defaults(
    definition: ast.OperationDefinitionNode, given: Mapping[str, Any]
) -> dict[str, Any]:
    values = dict(given)
    for variable in definition.variable_definitions or ():
        name = variable.variable.name.value
        if name not in values and variable.default_value is not None:
            values[name] = _value(variable.default_value, {})
    return values


def _value(node: ast.ValueNode, variables: Mapping[str, Any]) -> Any:
    """A literal or variable as a Python value; entries whose variable was not sent are left out."""
    match node:
        case ast.VariableNode():
            return variables.get(node.name.value)
        case ast.IntValueNode():
            return int(node.value)
        case ast.FloatValueNode():
            return float(node.value)
        case ast.StringValueNode() | ast.BooleanValueNode() | ast.EnumValueNode():
            return node.value
        case ast.ListValueNode():
            return [_value(item, variables) for item in node.values]
        case ast.ObjectValueNode():
            return _entries(node.fields, variables)
        case _:
            return None


def _entries(
    nodes: tuple[ast.ObjectFieldNode, ...] | tuple[ast.ArgumentNode, ...],
    variables: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        entry.name.value: _value(entry.value, variables)
        for entry in nodes
        if not (
            isinstance(entry.value, ast.VariableNode) and entry.value.name.value not in variables
        )
    }


_Path: TypeAlias = tuple[str | int, ...]


def _object(
    walk: _Walk, node: Node, selections: ast.SelectionSetNode, path: _Path, depth: int
) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise _TooLarge(f"the GraphQL document goes deeper than {MAX_DEPTH} levels")
    answer: dict[str, Any] = {}
    for item in _fields(walk, node, selections, depth):
        key = item.alias.value if item.alias else item.name.value
        value = _field(walk, node, item, (*path, key), depth)
        # Two fragments may select different parts of one object.
        answer[key] = _merged(answer[key], value) if key in answer else value
    return answer


def _fields(
    walk: _Walk, node: Node, selections: ast.SelectionSetNode, depth: int
) -> Iterator[ast.FieldNode]:
    """The fields that apply to `node`, with fragments opened."""
    if depth > MAX_DEPTH:
        raise _TooLarge(f"the GraphQL document goes deeper than {MAX_DEPTH} levels")
    for item in selections.selections:
        walk.fields += 1
        if walk.fields > MAX_FIELDS:
            raise _TooLarge(f"the answer has more than {MAX_FIELDS} values: ask for pages")
        if not _included(walk, item):
            continue
        if isinstance(item, ast.FieldNode):
            yield item
        elif isinstance(item, ast.InlineFragmentNode):
            if _applies(node, item.type_condition):
                yield from _fields(walk, node, item.selection_set, depth + 1)
        elif isinstance(item, ast.FragmentSpreadNode):
            fragment = walk.fragments.get(item.name.value)
            if fragment is not None and _applies(node, fragment.type_condition):
                yield from _fields(walk, node, fragment.selection_set, depth + 1)


def _applies(node: Node, condition: ast.NamedTypeNode | None) -> bool:
    """A fragment on a type applies unless the node says that it is another one.

    A node lists in `__interfaces` what else it may be called.
    """
    if condition is None or "__typename" not in node:
        return True
    name = condition.name.value
    return name == node["__typename"] or name in node.get("__interfaces", ())


def _included(walk: _Walk, item: ast.SelectionNode) -> bool:
    for directive in item.directives or ():
        wanted = _entries(directive.arguments or (), walk.variables).get("if")
        if directive.name.value == "skip" and wanted:
            return False
        if directive.name.value == "include" and not wanted:
            return False
    return True


def _field(walk: _Walk, node: Node, item: ast.FieldNode, path: _Path, depth: int) -> Any:
    name = item.name.value
    where = f"{node.get('__typename', '?')}.{name}"
    if name not in node:
        walk.tally.add(where)
        return None
    value = node[name]
    if callable(value):
        arguments = Arguments(_entries(item.arguments or (), walk.variables))
        value = _resolved(walk, value, arguments, path)
        for unread in arguments.unread():
            walk.tally.add(f"{where}({unread})")
    return _complete(walk, value, item, path, depth)


def _resolved(walk: _Walk, resolver: Resolver, arguments: Arguments, path: _Path) -> Any:
    try:
        return resolver(arguments)
    except StoreError:
        raise
    except SweptError as error:
        walk.errors.append({"message": str(error), "path": list(path)})
    except Exception:
        # Not raised on: a 500 would make the client retry a bug of ours for minutes.
        log.exception("answering %s failed", ".".join(str(part) for part in path))
        message = f"swept could not answer `{path[0]}`: see the server's log"
        walk.errors.append({"message": message, "path": list(path)})
    return None


def _complete(walk: _Walk, value: Any, item: ast.FieldNode, path: _Path, depth: int) -> Any:
    if item.selection_set is None or value is None:
        return value
    if isinstance(value, list | tuple):
        return [
            _complete(walk, part, item, (*path, index), depth + 1)
            for index, part in enumerate(value)
        ]
    if isinstance(value, Mapping):
        return _object(walk, value, item.selection_set, path, depth + 1)
    return None


def _merged(one: Any, two: Any) -> Any:
    if isinstance(one, dict) and isinstance(two, dict):
        return {
            **one,
            **{key: _merged(one[key], two[key]) if key in one else two[key] for key in two},
        }
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        return [_merged(a, b) for a, b in zip(one, two, strict=True)]
    return two
