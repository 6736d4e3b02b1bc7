"""Conditions over parameters, as a sweep file writes them: `lrf < lr0`, `optimizer == 'SGD' and batch * imgsz <= 40000`.

Python's own notation, of which only what compares parameters is taken: names (with their dots), numbers, texts, true
and false, `+ - * / // % **`, comparisons also in chains, `in (…)`, `and`, `or`, `not`, and min, max, abs. Nothing
else is parsed, so that nothing else can run. A name that Python cannot write stands in backquotes: `` `lr-max` < 1 ``.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from swept.space import number, same

Values: TypeAlias = Mapping[str, Any]
Part: TypeAlias = Callable[[Values], Any]

MOST_CHARACTERS: Final = 1000
_LARGEST_POWER: Final = 64.0


class Meaningless(ValueError):
    """A condition that cannot be read, or that these values give no meaning: the reason, a clause."""


@dataclass(frozen=True)
class Condition:
    """`text` as written, and the dotted `names` in it."""

    text: str
    names: tuple[str, ...]
    _part: Part = field(compare=False, repr=False)

    def __reduce__(self) -> tuple[Callable[[str], Condition], tuple[str]]:
        return read_condition, (self.text,)  # its part is made of closures, which cannot be pickled

    def holds(self, values: Values) -> bool:
        """Whether it holds for `values` by dotted name; a division by zero, or a number too large, does not.

        Raises Meaningless where a text is held against a number, say.
        """
        try:
            found = self._part(values)
        except (ArithmeticError, RecursionError):
            return False
        if not isinstance(found, bool):
            raise Meaningless(f"it gives `{found!r}`, which is neither true nor false")
        return found


def read_condition(text: str) -> Condition:
    """Raises Meaningless with what is wrong."""
    if len(text) > MOST_CHARACTERS:
        raise Meaningless(f"it has more than {MOST_CHARACTERS} characters")
    quoted: dict[str, str] = {}

    def stand_in(found: re.Match[str]) -> str:
        placeholder = f"quoted_name_{len(quoted)}_"
        quoted[placeholder] = found[1]
        return placeholder

    plain = re.sub(r"`([^`]+)`", stand_in, text.strip())
    try:
        body = ast.parse(plain, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Meaningless("it cannot be read") from None
    if not isinstance(body, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Name | ast.Attribute):
        raise Meaningless("it compares nothing")
    reader = _Reader(quoted)
    part = reader.part(body)
    return Condition(text, tuple(dict.fromkeys(reader.names)), part)


# -- arithmetic that cannot run away ----------------------------------------------------------------


def _figure(value: Any) -> Any:
    if not number(value):
        raise Meaningless(f"it reckons with {_said(value)}, which is no number")
    return value


def _power(a: Any, b: Any) -> float:
    if abs(b) > _LARGEST_POWER:
        raise OverflowError
    found = float(a) ** b
    if isinstance(found, complex):
        raise OverflowError
    return float(found)


def _said(value: Any) -> str:
    return f"the text `{value}`" if isinstance(value, str) else f"`{value}`"


def _less(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(a: Any, b: Any) -> bool:
        alike = (number(a) and number(b)) or (isinstance(a, str) and isinstance(b, str))
        if not alike:
            raise Meaningless(f"it holds {_said(a)} against {_said(b)}")
        return bool(compare(a, b))

    return compared


def _within(a: Any, values: Any) -> bool:
    if not isinstance(values, tuple):
        raise Meaningless("`in` takes a list of values: `in ('SGD', 'Adam')`")
    return any(same(a, value) for value in values)


_ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Lt: _less(operator.lt),
    ast.LtE: _less(operator.le),
    ast.Gt: _less(operator.gt),
    ast.GtE: _less(operator.ge),
    ast.Eq: same,
    ast.NotEq: lambda a, b: not same(a, b),
    ast.In: _within,
    ast.NotIn: lambda a, values: not _within(a, values),
}
_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {"min": min, "max": max, "abs": abs}


class _Reader:
    """Builds what a node gives; `names` are those met on the way."""

    def __init__(self, quoted: Mapping[str, str]) -> None:
        self.quoted = quoted
        self.names: list[str] = []

    def part(self, node: ast.expr) -> Part:
        readers: Mapping[type[ast.expr], Callable[[Any], Part]] = {
            ast.Name: self._name,
            ast.Attribute: self._name,
            ast.Constant: self._constant,
            ast.BoolOp: self._all_or_any,
            ast.UnaryOp: self._sign,
            ast.BinOp: self._arithmetic,
            ast.Compare: self._comparison,
            ast.Call: self._call,
            ast.Tuple: self._values,
            ast.List: self._values,
        }
        reader = readers.get(type(node))
        if reader is None:
            raise Meaningless(f"`{ast.unparse(node)}` is more than a comparison")
        return reader(node)

    def _name(self, node: ast.Name | ast.Attribute) -> Part:
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            inner = inner.value
        if not isinstance(inner, ast.Name):
            raise Meaningless(f"`{ast.unparse(node)}` is no name")
        written = ast.unparse(node)
        name = self.quoted.get(inner.id, inner.id) + written[len(inner.id) :]
        self.names.append(name)
        return lambda values: values[name]

    def _constant(self, node: ast.Constant) -> Part:
        value = node.value
        if not (value is None or isinstance(value, bool | int | float | str)):
            raise Meaningless(f"`{ast.unparse(node)}` is no value of a parameter")
        if isinstance(value, float) and not math.isfinite(value):
            raise Meaningless("it has an infinite number")
        return lambda values: value

    def _all_or_any(self, node: ast.BoolOp) -> Part:
        parts = [self.part(value) for value in node.values]
        word = all if isinstance(node.op, ast.And) else any
        return lambda values: word(_truth(part(values)) for part in parts)

    def _sign(self, node: ast.UnaryOp) -> Part:
        part = self.part(node.operand)
        if isinstance(node.op, ast.Not):
            return lambda values: not _truth(part(values))
        if isinstance(node.op, ast.USub):
            return lambda values: -_figure(part(values))
        if isinstance(node.op, ast.UAdd):
            return lambda values: _figure(part(values))
        raise Meaningless("`~` is more than a comparison")

    def _arithmetic(self, node: ast.BinOp) -> Part:
        reckon = _ARITHMETIC.get(type(node.op))
        if reckon is None:
            raise Meaningless(f"`{ast.unparse(node)}` is more than arithmetic")
        left, right = self.part(node.left), self.part(node.right)
        return lambda values: reckon(_figure(left(values)), _figure(right(values)))

    def _comparison(self, node: ast.Compare) -> Part:
        unknown = [op for op in node.ops if type(op) not in _COMPARISONS]
        if unknown:
            raise Meaningless("write `==` and `!=` for `is`")
        compared = [_COMPARISONS[type(op)] for op in node.ops]
        parts = [self.part(each) for each in (node.left, *node.comparators)]

        def chain(values: Values) -> bool:
            left = parts[0](values)
            for compare, part in zip(compared, parts[1:], strict=True):
                right = part(values)
                if not compare(left, right):
                    return False
                left = right
            return True

        return chain

    def _call(self, node: ast.Call) -> Part:
        function = _FUNCTIONS.get(node.func.id) if isinstance(node.func, ast.Name) else None
        plain = not node.keywords and not any(isinstance(a, ast.Starred) for a in node.args)
        if function is None or not plain or not node.args:
            raise Meaningless(f"`{ast.unparse(node)}` is not among the functions min, max and abs")
        single = function is abs
        if single != (len(node.args) == 1):
            raise Meaningless(f"`{ast.unparse(node)}` has {len(node.args)} arguments")
        parts = [self.part(argument) for argument in node.args]
        return lambda values: function(*(_figure(part(values)) for part in parts))

    def _values(self, node: ast.Tuple | ast.List) -> Part:
        parts = [self.part(value) for value in node.elts]
        return lambda values: tuple(part(values) for part in parts)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Meaningless(f"it takes {_said(value)} for true or false")
    return value
