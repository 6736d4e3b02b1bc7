"""A sweep file as plain values, with the line of every key: YAML, or JSON, or a Python mapping.

YAML as W&B's client reads it (YAML 1.1 with PyYAML's types), with one difference: `1e-3` is the number that it looks
like, and a note says that W&B's client takes it for text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from swept.errors import Problem, SpecError
from swept.sweepfile.findings import Findings, Place, kind_of, shown

LARGEST = 1_000_000
"""Characters. A sweep file is some kilobytes; more is a data file by mistake."""
MOST_VALUES = 200_000
DEEPEST = 40
LARGEST_INTEGER = 10**300
"""Every number must have a float."""

_SMALLER = (
    "a sweep file needs neither: is this the sweep file, and are its anchors (`&`, `*`) meant?"
)

_EXPONENT = re.compile(r"^[-+]?(?:[0-9][0-9_]*)(?:\.[0-9_]*)?[eE][-+]?[0-9]+$")
_WANDB_FLOAT = re.compile(r"^[-+]?[0-9][0-9_]*\.[0-9_]*[eE][-+][0-9]+$")
_ODD_INTEGER = re.compile(r"^[-+]?0[0-9_]|.*:")
"""Octal and sexagesimal numbers, which nobody means in a sweep file."""
_JSON_NUMBERS = ("NaN", "Infinity", "-Infinity")
"""What Python writes into JSON, and YAML would take for text."""
_FLOAT = "tag:yaml.org,2002:float"
_MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True)
class Document:
    """`value` is what the file holds; `findings` has the lines and what the reading itself has found."""

    value: Any
    findings: Findings = field(default_factory=Findings)


def read(path: Path) -> str:
    """The text of a sweep file. Raises `SpecError` where it cannot be read, or is no text."""
    try:
        with path.open("rb") as file:
            raw = file.read(4 * LARGEST + 1)
    except IsADirectoryError:
        raise _refused("this is a folder", path, "name the sweep file in it") from None
    except FileNotFoundError:
        raise _refused("there is no such file", path, "check the path") from None
    except OSError as error:
        raise _refused(f"cannot be read: {error.strerror}", path) from None
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        hint = "a sweep file is YAML or JSON, in UTF-8"
        raise _refused("this is not a text file", path, hint)
    return text


def load(text: str, path: str = "") -> Document:
    """Raises `SpecError` where the text is no YAML; problems inside of it are in the findings."""
    if len(text) > LARGEST:
        size = f"the file has more than {LARGEST:,} characters"
        raise SpecError([Problem(size, hint="is this the sweep file?")], path)
    if not text.strip():
        hint = "a sweep file needs at least `method` and `parameters`"
        raise SpecError([Problem("the file is empty", hint=hint)], path)
    is_json = _is_json(text)
    if is_json:
        # Tabs stand only between JSON's values, where YAML allows none.
        text = text.replace("\t", " ")
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            hint = "a sweep file needs at least `method` and `parameters`"
            raise SpecError([Problem("the file holds only comments", hint=hint)], path)
        reader = _Reader(is_json)
        value = reader.value(node, ())
    except yaml.YAMLError as error:
        raise SpecError([_broken(error, text)], path) from None
    except _TooMuch as error:
        message, line = error.args
        raise SpecError([Problem(message, line=line, hint=_SMALLER)], path) from None
    except RecursionError:
        message = f"nested more than {DEEPEST} levels deep"
        raise SpecError([Problem(message, hint=_SMALLER)], path) from None
    return Document(value, reader.findings)


def from_python(mapping: Any) -> Document:
    """A Python mapping: tuples become lists, numpy's numbers Python's. What JSON cannot say is an error."""
    findings = Findings()
    return Document(_plain(mapping, (), findings), findings)


class _Loader(yaml.SafeLoader):
    """Knows `1e-3` as a number."""


_Loader.add_implicit_resolver(_FLOAT, _EXPONENT, list("-+0123456789"))


class _TooMuch(Exception):
    """The message, and the line of the top-level key."""


class _Reader:
    """Nodes → values, noting lines. Duplicate keys, keys that are no text and odd tags are errors."""

    def __init__(self, is_json: bool) -> None:
        self.lines: dict[Place, int] = {}
        self.findings = Findings(self.lines)
        self._json = is_json
        self._count = 0
        self._scalars = yaml.SafeLoader("")

    def value(self, node: yaml.Node, place: Place) -> Any:
        self._count += 1
        self.lines.setdefault(place, node.start_mark.line + 1)
        if len(place) > DEEPEST:
            raise _TooMuch(f"nested more than {DEEPEST} levels deep", self.lines[place[:1]])
        if self._count > MOST_VALUES:
            raise _TooMuch(f"more than {MOST_VALUES:,} values", self.lines[place[:1]])
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, i)) for i, item in enumerate(node.value)]
        return self._scalar(node, place)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        made: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == _MERGE:
                merged.update(self._merged(value_node, place))
                continue
            key = self._key(key_node, place, line)
            if key in made:
                first = self.lines.get((*place, key), 0)
                self.lines[(*place, key)] = line
                hint = f"it stands in line {first} already: keep one of them"
                self.findings.error((*place, key), f"`{key}` is there twice", hint)
            self.lines[(*place, key)] = line
            made[key] = self.value(value_node, (*place, key))
        return {**merged, **made}

    def _merged(self, node: yaml.Node, place: Place) -> dict[str, Any]:
        """What `<<: *anchor` (or a list of them) brings in; the first wins."""
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        made: dict[str, Any] = {}
        for part in nodes:
            found = self.value(part, (*place, "<<"))
            if isinstance(found, dict):
                made = {**found, **made}
        return made

    def _key(self, node: yaml.Node, place: Place, line: int) -> str:
        if isinstance(node, yaml.ScalarNode):
            value = self._scalar(node, place)
            if isinstance(value, str):
                return value
            key = node.value
            message = f"the key `{key}` is not text: YAML reads it as {kind_of(value)}"
            hint = f'put it in quotes: `"{key}"`, or write another name'
        else:
            key, message, hint = f"line {line}", "a key must be text", "check the brackets"
        self.lines[(*place, key)] = line
        self.findings.unread((*place, key), message, hint)
        return str(key)

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        if node.tag == _FLOAT and _EXPONENT.match(node.value):
            return self._exponent(node, place)
        if node.tag.endswith(":timestamp"):
            return node.value  # dates have no place in JSON: they stay as they are written
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        if self._json and plain and node.value in _JSON_NUMBERS:
            return float(node.value)
        if not node.tag.endswith((":null", ":bool", ":int", ":float", ":str")):
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            self.findings.unread(place, f"the tag `{tag}` is not for sweep files", "leave it out")
            return node.value
        try:
            value = self._scalars.construct_object(node)
        except (ValueError, OverflowError, IndexError):
            value = math.inf
        if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
            value = math.inf
        if value == math.inf and node.tag.endswith(":int"):
            message = f"{shown(node.value, 30)} is no number that can be used"
            self.findings.unread(place, message, "write a number below 1e300")
        elif node.tag.endswith(":int") and _ODD_INTEGER.match(node.value):
            hint = f"write `{value}`, or put it in quotes if it is text"
            self.findings.note(place, f"YAML reads `{node.value}` as the number {value}", hint)
        return _mended(value) if isinstance(value, str) else value

    def _exponent(self, node: yaml.Node, place: Place) -> float:
        value = float(node.value.replace("_", ""))
        if not self._json and not _WANDB_FLOAT.match(node.value):
            mantissa, exponent = re.split("[eE]", node.value)
            mantissa += "" if "." in mantissa else ".0"
            sign = "" if exponent[0] in "+-" else "+"
            self.findings.note(
                place,
                f"`{node.value}` is read as a number here; W&B's client reads it as text",
                f"write `{mantissa}e{sign}{exponent}`, which both read as a number",
            )
        return value


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _mended(text: str) -> str:
    """JSON writes characters beyond 16 bits as two halves, which YAML leaves apart."""
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _broken(error: yaml.YAMLError, text: str) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        message = f"the character {error.character!r} may not stand in a YAML file"
        return Problem(message, line=line, hint="remove it")
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    what = str(getattr(error, "problem", None) or getattr(error, "context", None) or error)
    begun = getattr(error, "context_mark", None)
    where = f"column {column}"
    opened = any(kind in str(getattr(error, "context", "")) for kind in ("flow", "quoted"))
    if opened and begun is not None and begun.line + 1 < line:
        where += f"; what is not closed begins in line {begun.line + 1}"
    message = f"this is no valid YAML: {what} ({where})"
    return Problem(message, line=line, hint=_mend(what, text, line))


def _mend(what: str, text: str, line: int) -> str:
    written = text.splitlines()[line - 1] if 0 < line <= len(text.splitlines()) else ""
    if "\\t" in what or "\t" in written:
        return "YAML is indented by spaces: replace the tab"
    if "mapping values are not allowed" in what:
        return "put text that has a colon in quotes, and check the indentation"
    if "could not find expected ':'" in what:
        return "a colon is missing in this line or the one before"
    if "undefined alias" in what:
        return "text that begins with `*` needs quotes; an alias needs its `&` first"
    if "another document" in what:
        return "a sweep file holds one document: remove this `---` and what belongs to the other"
    if any(said in what for said in ("expected the node content", "expected ',' or", "end of")):
        return "check brackets, commas and quotes"
    return "check the indentation and the brackets here"


def _plain(value: Any, place: Place, findings: Findings) -> Any:
    if len(place) > DEEPEST:
        findings.error(place[:3], f"nested more than {DEEPEST} levels deep", _SMALLER)
        return None
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _mended(str(value))
    if isinstance(value, int | float):
        if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
            findings.error(place, "the number is too large to be used", "write one below 1e300")
            return 0
        return value if type(value) in (int, float) else _number(value)
    if isinstance(value, Mapping):
        return _plain_mapping(value, place, findings)
    if isinstance(value, list | tuple | range):
        return [_plain(item, (*place, i), findings) for i, item in enumerate(value)]
    item = getattr(value, "tolist", None)
    if callable(item):
        return _plain(item(), place, findings)
    hint = "numbers, texts, true and false, lists and mappings can be stored"
    findings.error(place, f"a {type(value).__name__} has no place in a sweep's configuration", hint)
    return None


def _plain_mapping(value: Mapping[Any, Any], place: Place, findings: Findings) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            findings.error((*place, str(key)), f"the key {key!r} is not text", "put it in quotes")
        name = _mended(str(key))
        made[name] = _plain(item, (*place, name), findings)
    return made


def _number(value: float) -> float:
    """Subclasses of the numbers (enums, numpy's float64) as plain ones."""
    return int(value) if isinstance(value, int) else float(value)


def finite(value: Any) -> bool:
    """Whether no NaN or infinity stands in `value`, at any depth."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(map(finite, value.values()))
    return all(map(finite, value)) if isinstance(value, list) else True


def _refused(message: str, path: Path, hint: str = "") -> SpecError:
    return SpecError([Problem(message, hint=hint)], str(path))
