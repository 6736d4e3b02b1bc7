"""`swept gc`: checkpoints and leftovers that nothing needs any more."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

import click

from swept.analysis.best import ranked, same_training
from swept.cli.output import as_json, data, print_json, say
from swept.cli.render import size, table
from swept.cli.views import question_of, runs_of, spec_of
from swept.client import Client
from swept.clock import SystemClock
from swept.connect import connect_home, home_of
from swept.errors import NotFound
from swept.home import Home
from swept.model import RunState
from swept.server.blobs import INCOMING

KEPT = 1
"""Finished runs of a sweep whose checkpoints stay where `swept.keep` says nothing: the best."""
ABANDONED_SECONDS = 3600.0
_NOT_RESUMABLE = (RunState.FINISHED, RunState.STOPPED, RunState.FAILED, RunState.KILLED)


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can go: `bytes` on disk, and why nothing needs it."""

    path: Path
    bytes: int
    why: str


@click.command("gc")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@as_json
def command(dry_run: bool, as_json: bool) -> None:
    """Remove checkpoints and leftovers of the nearest `.swept/` that nothing needs.

    Kept: what a waiting, running, paused or crashed run can resume from, and the checkpoints of the best finished
    runs (`swept.keep`). Metrics, files, console output and the files of artifacts that were not deleted are never
    touched.

    Example: swept gc --dry-run
    """
    home = home_of(make=False)
    with connect_home(home) as client:
        items = (
            list(collectable(home, client, SystemClock().now()))
            if dry_run
            else collect(home, client)
        )
        items += _of_artifacts(home, client, remove=not dry_run)
    total = size(sum(item.bytes for item in items))
    if as_json:
        shown = [{"path": str(i.path), "bytes": i.bytes, "why": i.why} for i in items]
        print_json({"schema": 1, "removed": not dry_run, "items": shown})
        return
    for line in table(
        ("SIZE", "WHAT", "WHY"), [(size(i.bytes), _short(home, i), i.why) for i in items]
    )[1:]:
        data(line)
    say(f"{'would remove' if dry_run else 'removed'} {len(items)} items, {total}")


def collect(home: Home, client: Client, runs: Set[str] | None = None) -> list[Item]:
    """Removes all that can go (`runs`: only checkpoints of these), and gives what went."""
    found = collectable(home, client, SystemClock().now())
    items = [item for item in found if runs is None or item.path.name in runs]
    for item in items:
        _remove(item.path)
    return items


def collectable(home: Home, client: Client, now: float) -> Iterator[Item]:
    """All that can go, by the server's word. A run's folder is asked for after it was seen, so it is never too new."""
    kept = _kept(client)
    for folder in sorted(path for path in home.checkpoints.glob("*") if path.is_dir()):
        why = _needless(client, folder.name, kept)
        if why:
            yield Item(folder, _bytes(folder), why)
    for part in sorted((home.files / INCOMING).glob("*")):
        if now - part.stat().st_mtime > ABANDONED_SECONDS:
            yield Item(part, _bytes(part), "an upload that was never completed")


def _of_artifacts(home: Home, client: Client, *, remove: bool) -> list[Item]:
    """The server removes these itself: it alone knows what is being sent just now."""
    why = "a file of artifacts that were deleted, or never became whole"
    found = client.garbage(remove=remove)
    return [Item(home.files / one["path"], one["size"], why) for one in found]


def _kept(client: Client) -> set[str]:
    """The best finished runs of every sweep."""
    found: set[str] = set()
    for listed in client.sweeps():
        view = client.sweep(listed["id"])
        spec = spec_of(view)
        question = question_of(spec)
        count = KEPT if spec.options.keep is None else spec.options.keep
        best = ranked(same_training(runs_of(view), question.fixed), question.goal, question.at)[
            :count
        ]
        found |= {run.id for run in best}
    return found


def _needless(client: Client, run: str, kept: Set[str]) -> str:
    """Why nothing needs the checkpoints of this run; "" where something may."""
    try:
        state = RunState(client.run(run)["state"])
    except NotFound:
        return ""  # another server's, perhaps: a folder can have been used with two stores
    if state not in _NOT_RESUMABLE or run in kept:
        return ""
    return f"checkpoints of a {state} run that is not among the best"


def _bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _short(home: Home, item: Item) -> str:
    return str(item.path.relative_to(home.path.parent))


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # somebody else was faster
        shutil.rmtree(path) if path.is_dir() else path.unlink()
