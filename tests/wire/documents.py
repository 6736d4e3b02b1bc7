"""The GraphQL documents in a wandb package: Python texts, and those inside the Go binary `wandb-core`.

    python -m tests.wire.documents 0.31.0 path/to/wandb-0.32.0-….whl …

holds every document of those clients against this server (`tests.wire.walking`), and fails on what is neither served
nor knowingly declined. A version that is not installed in `.venv` or `.venvs` is downloaded with pip.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from graphql import GraphQLError, parse
from graphql.language import ast as gql
from graphql.language import print_ast

KINDS = r"(?:query|mutation|subscription|fragment)"
DEFINITION = re.compile(rf"\s*{KINDS}\b[^{{}}\"]*\{{")
IN_BINARY = re.compile(
    rb"(?:query|mutation|subscription)\s+\w+\s*(?:\([^(){}\x00]{0,4000}\))?\s*\{"
    rb"|fragment\s+\w+\s+on\s+\w+\s*\{"
)
PLACEHOLDER = re.compile(r"%s|\b_?[A-Z]{2,}(?:_[A-Z]+)+_?\b,?|\b_[A-Za-z]+(?:_[A-Za-z]+)*_\b")
"""What old clients fill in later. Enum values stand in input objects, with a colon before them."""
INSERTED = "\0"
FILLED = {
    f"{INSERTED}(samples": "history(samples",
    f"...{INSERTED}": "...RunFragment",
    INSERTED: "",
}
"""What the client inserts where a document would be none without it; elsewhere nothing."""
LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation with all fragments that it needs; `source`: where in the package it stands."""

    name: str
    source: str
    document: gql.DocumentNode
    template: bool = False
    """The client fills something in when it runs: what it asks for is whole only then."""

    @property
    def definition(self) -> gql.OperationDefinitionNode:
        first = self.document.definitions[0]
        assert isinstance(first, gql.OperationDefinitionNode)
        return first

    @property
    def fragments(self) -> dict[str, gql.FragmentDefinitionNode]:
        rest = self.document.definitions[1:]
        return {one.name.value: one for one in rest if isinstance(one, gql.FragmentDefinitionNode)}


@dataclass(slots=True)
class Package:
    """What a package holds. `unread`: texts that look like a document and cannot be parsed."""

    operations: list[Operation] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    inputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """Input type → its fields, with their Python annotation."""


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    source: str
    template: bool = False


def read(folder: Path) -> Package:
    """All operations of the package `wandb` in `folder`, each different one once."""
    package = Package()
    definitions: list[tuple[_Text, gql.DefinitionNode]] = []
    for one in (*_python(folder), *_binary(folder)):
        try:
            parsed = parse(one.text, no_location=True).definitions
        except GraphQLError as error:
            package.unread.append(f"{one.source}: {error.message}")
        else:
            definitions.extend((one, definition) for definition in parsed)
    package.inputs = dict(_inputs(folder))
    package.operations = list(_operations(definitions))
    return package


def _operations(found: list[tuple[_Text, gql.DefinitionNode]]) -> Iterator[Operation]:
    near: dict[str, dict[str, gql.FragmentDefinitionNode]] = {}
    anywhere: dict[str, gql.FragmentDefinitionNode] = {}
    for text, one in found:
        if isinstance(one, gql.FragmentDefinitionNode):
            near.setdefault(text.source.partition(":")[0], {})[one.name.value] = one
            anywhere.setdefault(one.name.value, one)
    seen: set[str] = set()
    for text, one in found:
        if not isinstance(one, gql.OperationDefinitionNode):
            continue
        known = {**anywhere, **near.get(text.source.partition(":")[0], {})}
        document = gql.DocumentNode(definitions=(one, *_needed(one, known)))
        if (printed := print_ast(document)) not in seen:
            seen.add(printed)
            name = one.name.value if one.name else ""
            yield Operation(name, text.source, document, text.template)


def _needed(
    operation: gql.OperationDefinitionNode, known: Mapping[str, gql.FragmentDefinitionNode]
) -> list[gql.FragmentDefinitionNode]:
    """The fragments that the operation spreads, and those that they spread."""
    needed: dict[str, gql.FragmentDefinitionNode] = {}
    left: list[gql.SelectionSetNode] = [operation.selection_set]
    while left:
        for item in left.pop().selections:
            if isinstance(item, gql.FragmentSpreadNode):
                fragment = known.get(item.name.value)
                if fragment is not None and item.name.value not in needed:
                    needed[item.name.value] = fragment
                    left.append(fragment.selection_set)
            elif isinstance(item, gql.FieldNode | gql.InlineFragmentNode) and item.selection_set:
                left.append(item.selection_set)
    return list(needed.values())


# -- where the texts are --------------------------------------------------------------------------


def _python(folder: Path) -> Iterator[_Text]:
    for path in sorted(folder.rglob("*.py")):
        if "vendor" in path.parts:
            continue
        for line, text in _strings(ast.parse(path.read_bytes())):
            if DEFINITION.match(text):
                filled = _filled(text)
                template = filled != text.replace("{{", "{").replace("}}", "}")
                yield _Text(filled, f"{path.relative_to(folder)}:{line}", template)
    for path in sorted(folder.rglob("*.graphql")):
        yield _Text(path.read_text(), f"{path.relative_to(folder)}:1")


def _strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Text constants, f-strings as one text with what they insert left out."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else INSERTED for p in node.values)
            yield node.lineno, "".join(str(part) for part in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        else:
            left.extend(ast.iter_child_nodes(node))


def _filled(text: str) -> str:
    """A template of `str.format`, of `%` or of `str.replace`, with nothing filled in."""
    if "{{" in text:
        text = text.replace("{}", INSERTED).replace("{{", "{").replace("}}", "}")
    for before, what in FILLED.items():
        text = text.replace(before, what)
    text = re.sub(r"(:\s*)?" + PLACEHOLDER.pattern, lambda hit: hit[0] if hit[1] else "", text)
    return re.sub(r"\(\s*\)", "", text)


def _binary(folder: Path) -> Iterator[_Text]:
    """Go keeps its texts one after the other without an end: a document ends with its last brace."""
    for path in sorted((folder / "bin").glob("wandb-core*")):
        content = path.read_bytes()
        place = 0
        while found := IN_BINARY.search(content, place):
            end = _end(content, found.end())
            place = end or found.end()
            if end:
                text = content[found.start() : end].decode("utf-8", "replace")
                yield _Text(text, f"{path.relative_to(folder)}:{found.start()}")


def _end(content: bytes, place: int) -> int | None:
    """Behind the brace that closes the one before `place`; None if that is not to be found."""
    depth, quoted = 1, False
    for index in range(place, min(len(content), place + LONGEST)):
        letter = content[index : index + 1]
        if letter == b'"':
            quoted = not quoted
        elif letter == b"\x00":
            return None
        elif not quoted and letter in b"{}":
            depth += 1 if letter == b"{" else -1
            if depth == 0:
                return index + 1
    return None


def _inputs(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for path in sorted(folder.rglob("_generated/input_types.py")):
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.ClassDef):
                yield node.name, dict(_entries(node))


def _entries(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            alias = re.search(r"\balias='(\w+)'", ast.unparse(one.value) if one.value else "")
            yield (alias[1] if alias else one.target.id), ast.unparse(one.annotation)


# -- which package --------------------------------------------------------------------------------


def installed(prefix: Path) -> Path | None:
    """The package in an environment, if there is one."""
    return next(iter(prefix.glob("lib/python*/site-packages/wandb")), None)


def unpacked(wanted: str, folder: Path) -> Path:
    """The package of a wheel, or of a version that pip downloads."""
    wheel = Path(wanted)
    if wheel.suffix != ".whl":
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", str(folder), f"wandb=={wanted}"]
        subprocess.run(command, check=True)
        (wheel,) = folder.glob(f"wandb-{wanted}-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / wheel.stem)
    return folder / wheel.stem / "wandb"


def main(wanted: list[str]) -> int:
    """The clients in .venv and .venvs need no download."""
    from tests.wire.harness import environment
    from tests.wire.walking import populated, report, walked

    failed = False
    with tempfile.TemporaryDirectory() as name, populated(Path(name) / "world") as world:
        for one in wanted:
            folder = installed(environment(one)) or unpacked(one, Path(name))
            text, good = report(one, walked(read(folder), world))
            sys.stdout.write(text)
            failed = failed or not good
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
