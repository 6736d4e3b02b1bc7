"""`swept export`: the runs of a sweep as a table for other tools."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from swept.analysis.configuration import flat
from swept.cli.locate import SWEEP_ID, client_for, sweep_of
from swept.cli.output import say
from swept.errors import UsageError
from swept.wire import dumps, encode
from swept.wire.runs import RunView

COLUMNS = (
    "id",
    "number",
    "name",
    "kind",
    "state",
    "value",
    "best_value",
    "steps",
    "parent",
    "retry_of",
    "seed",
    "created",
    "started",
    "ended",
    "why",
    "ended_because",
)


@click.command("export")
@SWEEP_ID
@click.option(
    "--csv", "form", flag_value="csv", default="csv", help="Comma-separated (the default)."
)
@click.option("--json", "form", flag_value="json", help="A JSON array of objects.")
@click.option("--parquet", "form", flag_value="parquet", help="Parquet; needs pyarrow and -o.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.")
def command(sweep: str | None, form: str, output: Path | None) -> None:
    """Write a sweep's runs as a table: one row a run, `config.` and `summary.` columns.

    Example: swept export 8k2fq1zd --csv -o runs.csv
    """
    if form == "parquet" and output is None:
        raise UsageError("Parquet is a binary format", hint="name a file: -o runs.parquet")
    with client_for(sweep) as client:
        rows = [row(run) for run in sweep_of(client, sweep)["runs"]]
    if form == "parquet" and output is not None:
        _write_parquet(rows, output)
    else:
        _write_text(_csv(rows) if form == "csv" else _json(rows), output)
    if output is not None:
        say(f"wrote {len(rows)} runs to {output}")


def row(run: RunView) -> dict[str, Any]:
    """One flat row; `effective.` columns hold what the program said it really ran with."""
    plain: dict[str, Any] = dict(run)
    parts = {
        "config": run["config"],
        "effective": run["effective_config"] or {},
        "summary": run["summary"],
    }
    nested = {
        f"{part}.{name}": value
        for part, values in parts.items()
        for name, value in flat(values).items()
    }
    return {name: plain[name] for name in COLUMNS} | nested


def _names(rows: Sequence[dict[str, Any]]) -> list[str]:
    found = dict.fromkeys(name for item in rows for name in item)
    return [*COLUMNS, *sorted(set(found) - set(COLUMNS))]


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = _names(rows)
    writer.writerow(names)
    writer.writerows([[_cell(item.get(name)) for name in names] for item in rows])
    return text.getvalue()


def _cell(value: Any) -> Any:
    plain = encode(value)
    return dumps(plain) if isinstance(plain, list | dict) else plain


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return "[" + ",\n ".join(dumps(item) for item in rows) + "]\n"


def _write_text(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text)


def _write_parquet(rows: Sequence[dict[str, Any]], output: Path) -> None:
    try:
        import pyarrow  # type: ignore[import-not-found, unused-ignore]
        import pyarrow.parquet  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise UsageError(
            "`--parquet` needs the package `pyarrow`", hint="pip install pyarrow, or use --csv"
        ) from error
    names = _names(rows)
    columns = {name: _column([item.get(name) for item in rows]) for name in names}
    pyarrow.parquet.write_table(pyarrow.table(columns), output)


def _column(values: list[Any]) -> list[Any]:
    """One type a column: numbers stay numbers, a mixture becomes text."""
    known = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in known) or all(
        isinstance(value, str) for value in known
    ):
        return values
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return [None if value is None else float(value) for value in values]
    return [None if value is None else str(_cell(value)) for value in values]
