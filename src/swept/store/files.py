"""Files that the server keeps for a run: their records, not their bytes."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from swept.model import File
from swept.store import runs, schema
from swept.store.work import Work


def add(work: Work, file: File) -> None:
    """Upsert by (run, name). Raises NotFound."""
    runs.find(work.connection, file.run)
    row = {
        "run": file.run,
        "name": file.name,
        "size": file.size,
        "digest": file.digest,
        "time": file.time,
    }
    work.upsert(schema.files, [row])


def of_run(connection: Connection, run: str) -> list[File]:
    """By name. Raises NotFound."""
    runs.find(connection, run)
    table = schema.files
    statement = select(table).where(table.c.run == run).order_by(table.c.name)
    return [
        File(row.run, row.name, row.size, row.digest, row.time)
        for row in connection.execute(statement)
    ]


def remove(work: Work, run: str, name: str) -> bool:
    """Forget the file; False: there is none. Raises NotFound for the run."""
    row = runs.find(work.connection, run)
    table = schema.files
    mine = delete(table).where(table.c.run == run, table.c.name == name)
    found: int = work.connection.execute(mine).rowcount
    if found:
        work.event("file.deleted", sweep=row.sweep, run=run, name=name)
    return bool(found)
