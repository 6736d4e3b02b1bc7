"""A whole project, or one sweep: sweeps first, then the runs in the order in which they were made, several at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import httpx

from swept.client import Client
from swept.errors import ServerUnreachable, StoreError, SweptError, Unauthorized, UsageError
from swept.moving.bring import SMALL, Bringer, Interrupted, Sweep
from swept.moving.came import Came
from swept.moving.config import readable, text_of
from swept.moving.found import FoundRun, FoundSweep
from swept.moving.source import Source, in_parts

AT_ONCE = 4
"""Runs that are read at the same time: enough to hide the source's answers, few enough to be a polite guest."""
BATCH = 100
_FATAL = (ServerUnreachable, StoreError, Unauthorized)


def refuse_same(source: str, target: Client) -> None:
    """Raises UsageError where source and target are one server."""
    try:
        answer = httpx.get(f"{source}/api/handshake", timeout=10).json()
    except (httpx.HTTPError, ValueError):
        return
    if isinstance(answer, dict) and answer.get("boot") == target.handshake()["boot"]:
        raise UsageError(
            f"{source} is the server that it would be imported into",
            hint="--from URL, or WANDB_BASE_URL, names the server that the runs are to come from",
        )


@dataclass(slots=True)
class Moving:
    """One import. `path`: the sweep file that `swept launch` shall find the (one) sweep by."""

    source: Source
    target: Client
    project: str
    files: str = "small"
    path: str = ""
    came: Came = field(default_factory=Came)
    tell: Callable[[int, int], None] = lambda done, total: None  # after each run
    interrupted: threading.Event = field(default_factory=threading.Event)
    _sweeps: dict[str, Sweep] = field(default_factory=dict)
    _found: dict[str, FoundSweep] = field(default_factory=dict)

    def run(self) -> None:
        """Raises NotFound where there is nothing; ServerUnreachable and the like where it cannot go on,
        KeyboardInterrupt: then what came is kept."""
        sweeps, total, runs = self.source.contents()
        for found in sweeps:
            self._found[found.id] = found
            self._sweeps[found.id] = self._bring_sweep(found)
        bringer = Bringer(
            self.source, self.target, self.project, self.came, self.files, self.interrupted
        )
        done = 0
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="swept-import") as pool:
            for batch in in_parts(runs, BATCH):
                try:
                    self._bring_runs(bringer, batch, pool, done, max(total, done + len(batch)))
                except BaseException:
                    self.interrupted.set()
                    pool.shutdown(wait=True, cancel_futures=True)
                    raise
                done += len(batch)
        for sweep in self._sweeps:
            self._end_sweep(sweep)

    # -- sweeps -----------------------------------------------------------------------------------

    def _bring_sweep(self, found: FoundSweep) -> Sweep:
        config = found.config
        form = readable(config) if config is not None else None
        account: dict[str, Any] = {"source": found.id, "id": None, "name": found.name, "words": []}
        self.came.sweeps.append(account)
        if form is None or form.text is None:
            words = form.words if form else ("its config is no YAML mapping",)
            account["words"] = list(words)
            self.came.leave_out(
                f"sweep {found.id}", f"{words[0]}; its runs come without it, with its text"
            )
            return Sweep(None, False, found.name, text_of(config or {}))
        brought = self.target.import_sweep(
            {
                "origin": self.source.origin("sweeps", found.id),
                "id": found.id,
                "text": form.text,
                "path": self.path,
                "project": self.project,
                "name": found.name,
                "created": found.created or 0.0,
            }
        )
        account |= {"id": brought["id"], "words": list(form.words)}
        return Sweep(brought["id"], form.stops_early)

    def _end_sweep(self, name: str) -> None:
        here, found = self._sweeps[name].id, self._found[name]
        if here is not None:
            reason = f"{found.state.lower() or 'running'} at {self.source.url}"
            self.target.end_import_sweep(here, found.state_here.value, reason)

    def _sweep_of(self, found: FoundRun) -> Sweep | None:
        """Of a sweep that was deleted there, only the name is left."""
        if not found.sweep:
            return None
        return self._sweeps.get(found.sweep) or Sweep(None, False, f"sweep {found.sweep}", "{}\n")

    # -- runs -------------------------------------------------------------------------------------

    def _bring_runs(
        self,
        bringer: Bringer,
        batch: Sequence[Any],
        pool: ThreadPoolExecutor,
        done: int,
        total: int,
    ) -> None:
        founds = [self.source.found(run) for run in batch]
        known = self.target.imported([self.source.origin("runs", found.id) for found in founds])
        waiting: list[Future[None]] = []
        for run, found in zip(batch, founds, strict=True):
            here = known.get(self.source.origin("runs", found.id))
            if here and here["whole"] and found.stamp and here["stamp"] == found.stamp:
                self.came.add(unchanged=1)
                continue
            job = self._begun(bringer, run, found, new=not (here and here["whole"]))
            if job is not None:
                waiting.append(pool.submit(job))
        self.tell(done + len(batch) - len(waiting), total)
        self._wait(waiting, done + len(batch), total)

    def _wait(self, waiting: Sequence[Future[None]], done: int, total: int) -> None:
        left = set(waiting)
        while left:
            # With a time limit: an interrupt reaches a thread that waits only between two waits.
            ended, left = wait(left, timeout=0.5, return_when=FIRST_EXCEPTION)
            for future in ended:
                future.result()
            self.tell(done - len(left), total)

    def _begun(
        self, bringer: Bringer, run: Any, found: FoundRun, *, new: bool
    ) -> Callable[[], None] | None:
        """The run, made here in its order; what is left to do can wait for a thread. One that is whole here becomes half
        only when its turn comes: an interrupt leaves few of them so."""
        if not found.over and not found.summary and found.state == "pending":
            self._leave_out(found, "it never started there")
            return None
        sweep = self._sweep_of(found)
        try:
            begun = bringer.begin(found, sweep) if new else None
        except _FATAL:
            raise
        except SweptError as error:
            self._leave_out(found, error.message)
            return None

        def job() -> None:
            try:
                bringer.fill(run, found, sweep, begun or bringer.begin(found, sweep))
            except (*_FATAL, Interrupted):
                raise
            except SweptError as error:
                self._leave_out(found, error.message)
            else:
                self.came.add(**{"new" if new else "updated": 1})

        return job

    def _leave_out(self, found: FoundRun, why: str) -> None:
        self.came.add(left_out=1)
        self.came.leave_out(f"run {found.id}", why)


def survey(source: Source) -> Mapping[str, Any]:
    """What would come: nothing is written. Rows are an upper bound where the source does not count them. Raises
    NotFound."""
    sweeps, total, runs = source.contents()

    def one(run: Any) -> tuple[int, int, int, int]:
        found = source.found(run)
        rows = found.rows if found.rows is not None else source.last_step(run) + 1
        sizes = [file.size for file in source.files(run)]
        return rows, len(sizes), sum(sizes), sum(size for size in sizes if size <= SMALL)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        sums = [sum(column) for column in zip(*pool.map(one, runs), strict=True)] or [0] * 4
    names = ("rows", "files", "bytes", "small_bytes")
    return {
        "sweeps": [found.id for found in sweeps],
        "runs": total,
        **dict(zip(names, sums, strict=True)),
    }
