"""Reading very many rows: as the driver gives them, for so many runs at a time as a statement takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Select

T = TypeVar("T")
_AT_ONCE = 500  # a statement takes only so many parameters
_ROWS_AT_ONCE = 1_000


def portions(values: Iterable[T]) -> Iterator[list[T]]:
    left = iter(values)
    while some := list(islice(left, _AT_ONCE)):
        yield some


def plain_rows(connection: Connection, asked: Select[Any]) -> Sequence[tuple[Any, ...]]:
    """As the driver gives them. There may be a million, and SQLAlchemy's own rows take as long as all the rest."""
    with connection.execute(asked) as result:
        rows: Sequence[tuple[Any, ...]] = result.cursor.fetchall() if result.cursor else ()
    return rows


def plain_values(connection: Connection, asked: Select[Any]) -> list[Any]:
    """As `plain_rows`, all columns of all rows in one list, and never a million rows at once."""
    with connection.execute(asked) as result:
        parts = iter(lambda: result.cursor.fetchmany(_ROWS_AT_ONCE), [])
        return list(chain.from_iterable(chain.from_iterable(parts)))
