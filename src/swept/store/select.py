"""Conditions and orders as SQL, over the runs and their flattened values.

A field is two expressions, its number and its text, of which at most one has a value. A page goes on after its last
run's sort values and ordinal, not after a count: what is created between two pages moves nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.exc import OperationalError

from swept.errors import UsageError
from swept.model import Kind
from swept.store import runs, schema
from swept.store.conditions import (
    All,
    Among,
    AnyOf,
    Compares,
    Condition,
    Constant,
    Exists,
    Field,
    Matches,
    Not,
    Property,
    RunPage,
    Scalar,
    Sort,
    Value,
)

LARGEST_PAGE = 500
TOO_SLOW = "the pattern of the filter takes too long: it tries too many ways to match one text"

_RUNS = schema.runs.c
_NO_NUMBER: ColumnElement[Any] = cast(null(), Double)
_NO_TEXT: ColumnElement[Any] = cast(null(), Text)
_Pair = tuple[ColumnElement[Any], ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a page is a part of."""

    project: str
    kinds: frozenset[Kind]
    where: Condition
    order: Sequence[Sort] = ()


def page(connection: Connection, wanted: Wanted, limit: int, after: str) -> RunPage:
    """Raises UsageError for a cursor that `page` did not give, and for a pattern that takes too long."""
    columns = _sorting(wanted.order, connection.dialect.name)
    statement = select(_RUNS.id, *(column for column, _ in columns)).where(_of(connection, wanted))
    if after:
        statement = statement.where(_beyond(columns, _values(after, len(columns))))
    statement = statement.order_by(*(column.desc() if down else column for column, down in columns))
    size = max(1, min(limit, LARGEST_PAGE))
    found = _fetched(connection, statement.limit(size + 1))
    shown = found[:size]
    loaded = runs.load(connection, _RUNS.id.in_([row[0] for row in shown]), curves=None, bare=True)
    by_id = {run.id: run for run in loaded}
    return RunPage(
        tuple(by_id[row[0]] for row in shown),
        tuple(_cursor(row[1:]) for row in shown),
        len(found) > size,
    )


def count(connection: Connection, wanted: Wanted) -> int:
    statement = select(func.count()).select_from(schema.runs).where(_of(connection, wanted))
    return int(_fetched(connection, statement)[0][0])


def projects(connection: Connection) -> dict[str, float]:
    """Project → when its first run or sweep was made; the newest first."""
    made = union_all(
        *(
            select(table.c.project, func.min(table.c.created).label("first")).group_by(
                table.c.project
            )
            for table in (schema.runs, schema.sweeps)
        )
    ).subquery()
    first = func.min(made.c.first)
    statement = select(made.c.project, first).group_by(made.c.project)
    ordered = statement.order_by(first.desc(), made.c.project)
    return {row[0]: row[1] for row in connection.execute(ordered)}


def heartbeat_of(connection: Connection, run: str) -> float:
    """When the run ended or last showed life. Raises NotFound."""
    found = connection.execute(select(_heartbeat()).where(_RUNS.id == run)).scalar()
    if found is None:
        runs.find(connection, run)
    return float(found or 0.0)


def _of(connection: Connection, wanted: Wanted) -> ColumnElement[bool]:
    return and_(
        _RUNS.project == wanted.project,
        _RUNS.kind.in_(sorted(wanted.kinds)),
        _condition(wanted.where, connection.dialect.name),
    )


def _fetched(connection: Connection, statement: Select[Any]) -> Sequence[Any]:
    try:
        return connection.execute(statement).all()
    except OperationalError as error:
        if "user-defined function raised" in str(error.orig):
            raise UsageError(TOO_SLOW, hint="leave out repeats inside of repeats") from error
        raise


# -- order and cursors ----------------------------------------------------------------------------

_Columns = Sequence[tuple[ColumnElement[Any], bool]]
"""Expressions that are never null, and whether they descend. The last one is the ordinal."""


def _sorting(order: Sequence[Sort], dialect: str) -> _Columns:
    columns: list[tuple[ColumnElement[Any], bool]] = []
    for sort in order:
        number, text = _pair(sort.field)
        first, second = (1, 0) if sort.descending else (0, 1)
        rank = case((number.is_not(None), first), (text.is_not(None), second), else_=2)
        shown = case((number.is_not(None), literal("")), else_=func.coalesce(text, literal("")))
        columns += [
            (rank, False),
            (func.coalesce(number, literal(0.0)), sort.descending),
            (_by_code_point(shown, dialect), sort.descending),
        ]
    return [*columns, (_RUNS.ordinal, False)]


def _by_code_point(text: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """As SQLite does by itself; PostgreSQL would sort as its locale does."""
    return text if dialect == "sqlite" else text.collate("C")


def _beyond(columns: _Columns, values: Sequence[Any]) -> ColumnElement[bool]:
    ways: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for (column, down), value in zip(columns, values, strict=True):
        ways.append(and_(*same, column < value if down else column > value))
        same.append(column == value)
    return or_(*ways)


def _cursor(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode()


def _values(cursor: str, count: int) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor))
    except ValueError:
        values = None
    plain = isinstance(values, list) and all(isinstance(one, int | float | str) for one in values)
    if not plain or len(values) != count:
        raise UsageError("the cursor is of another list", hint="ask for its first page")
    return list(values)


# -- fields ---------------------------------------------------------------------------------------


def _pair(field: Field) -> _Pair:
    """The field's number and its text."""
    if isinstance(field, Constant):
        return _NO_NUMBER, literal(field.value)
    if isinstance(field, Value):
        return _value(field, schema.flat_values.c.number), _value(field, schema.flat_values.c.text)
    return _PROPERTIES[field.name](field)


def _value(field: Value, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """`column` of the first of the field's keys that the run has one for. Mostly that is the first key: one look-up."""
    table = schema.flat_values.c
    looks = [
        select(column).where(_owned(field), table.key == key).correlate(schema.runs)
        for key in field.keys
    ]
    return func.coalesce(*(look.scalar_subquery() for look in looks), null())


def _owned(field: Value) -> ColumnElement[bool]:
    table = schema.flat_values.c
    return and_(table.run == _RUNS.id, table.source == field.source)


def _heartbeat() -> ColumnElement[Any]:
    """When the run ended or last showed life."""
    leases = schema.leases.c
    renewed = (
        select(func.max(leases.expires - leases.seconds))
        .where(leases.run == _RUNS.id)
        .correlate(schema.runs)
        .scalar_subquery()
    )
    return func.coalesce(_RUNS.ended, renewed, _RUNS.started, _RUNS.created)


def _agent() -> ColumnElement[Any]:
    """Who runs the last attempt."""
    attempts = schema.attempts.c
    last = and_(attempts.run == _RUNS.id, attempts.number == _RUNS.attempts)
    return select(attempts.agent).where(last).correlate(schema.runs).scalar_subquery()


def _labelled(column: ColumnElement[Any], labels: Mapping[str, str]) -> ColumnElement[Any]:
    return case(dict(labels), value=column, else_=column) if labels else column


_PROPERTIES: Mapping[str, Callable[[Property], _Pair]] = {
    "id": lambda field: (_NO_NUMBER, _RUNS.id),
    "name": lambda field: (_NO_NUMBER, func.coalesce(func.nullif(_RUNS.name, ""), _RUNS.id)),
    "sweep": lambda field: (_NO_NUMBER, _RUNS.sweep),
    "agent": lambda field: (_NO_NUMBER, _agent()),
    "state": lambda field: (_NO_NUMBER, _labelled(_RUNS.state, field.labels)),
    "created": lambda field: (_RUNS.created, _NO_TEXT),
    "heartbeat": lambda field: (_heartbeat(), _NO_TEXT),
    "duration": lambda field: (_heartbeat() - _RUNS.started, _NO_TEXT),
}
"""Property → its pair."""


# -- conditions -----------------------------------------------------------------------------------


def _condition(condition: Condition, dialect: str) -> ColumnElement[bool]:
    """Never null: what is not there meets no test, and `Not` of it holds."""
    match condition:
        case All(parts):
            return and_(true(), *(_condition(part, dialect) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(_condition(part, dialect) for part in parts))
        case Not(part):
            return ~_condition(part, dialect)
        case Among(field, values):
            return _among(field, values)
        case Exists(field):
            return _exists(field)
        case Compares():
            return _compares(condition, dialect)
        case Matches(field, pattern):
            return _known(_pair(field)[1].regexp_match(pattern))


def _known(test: ColumnElement[Any]) -> ColumnElement[bool]:
    holds: ColumnElement[bool] = case((test, 1), else_=0) == 1
    return holds


def _apart(values: Sequence[Scalar]) -> tuple[list[float], list[str]]:
    """The numbers and the texts among `values`."""
    texts = [value for value in values if isinstance(value, str)]
    return [float(value) for value in values if not isinstance(value, str)], texts


def _among(field: Field, values: Sequence[Scalar]) -> ColumnElement[bool]:
    numbers, texts = _apart(values)
    number, text = _pair(field)
    # Only what is asked for: each side is a look-up for every run, and SQLite's time grows with the square of those.
    ways: list[ColumnElement[bool]] = [number.in_(numbers)] if numbers else []
    ways += [text.in_(texts)] if texts else []
    if isinstance(field, Value):
        ways.append(_has_element(field, numbers, texts))
    return _known(or_(false(), *ways))


def _has_element(
    field: Value, numbers: Sequence[float], texts: Sequence[str]
) -> ColumnElement[bool]:
    table = schema.flat_values.c
    same = or_(table.number.in_(numbers), table.text.in_(texts))
    inside = or_(*(_begins(f"{key}[") for key in field.keys))
    return exists().where(_owned(field), inside, same).correlate(schema.runs)


def _begins(prefix: str) -> ColumnElement[bool]:
    return func.substr(schema.flat_values.c.key, 1, len(prefix)) == prefix


def _exists(field: Field) -> ColumnElement[bool]:
    if not isinstance(field, Value):
        return or_(*(one.is_not(None) for one in _pair(field)))
    table = schema.flat_values.c
    inside = or_(table.key.in_(field.keys), *(_begins(f"{key}.") for key in field.keys))
    return exists().where(_owned(field), inside).correlate(schema.runs)


def _compares(condition: Compares, dialect: str) -> ColumnElement[bool]:
    number, text = _pair(condition.field)
    value = condition.value
    if isinstance(value, str):
        return _known(_by_code_point(text, dialect).op(condition.sign, is_comparison=True)(value))
    return _known(number.op(condition.sign, is_comparison=True)(float(value)))
