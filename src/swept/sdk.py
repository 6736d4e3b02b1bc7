"""The SDK for training scripts.

    import swept

    run = swept.init()
    for epoch in range(run.config.epochs):
        ...
        run.log({"loss": loss, "accuracy": accuracy})
        if run.should_stop:
            break

Under an agent, swept's own or the real `wandb agent`, the run is the one that the agent got. Outside of one it is
a run of its own where a `.swept/` folder is found upwards (or SWEPT_URL is set), and a local file with printed
metrics everywhere else.
Nothing in here ends a training because reporting fails: problems are said on stderr. The exception is a lost
lease: the run is somebody else's then, and the program ends with `LEASE_LOST_EXIT`.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from swept.clock import Clock, SystemClock
from swept.errors import UsageError
from swept.tracking import joining
from swept.tracking.joining import INTERRUPTED_EXIT
from swept.tracking.recording import Backend, Identity, ResumePoint, Silent
from swept.tracking.reporting import complain, has_metric
from swept.tracking.values import Config, clean

LEASE_LOST_EXIT = 75
"""EX_TEMPFAIL: the exit code of a training whose run was given to somebody else."""

_RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID", "LOCAL_RANK")


class Summary(dict[str, Any]):
    """The run's final values. What is written here is reported; logged metrics show up with their last value."""

    def __init__(self, report: Callable[[Mapping[str, Any]], None]) -> None:
        super().__init__()
        self._report = report

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        values = clean(dict(*args, **kwargs))
        super().update(values)
        if values:
            self._report(values)

    def seen(self, values: Mapping[str, Any]) -> None:
        """Logged values: they are in the history already, so nothing is reported."""
        super().update(values)


class Run:
    """One training, as its program sees it; made by `swept.init`. Safe for several threads."""

    def __init__(self, identity: Identity, backend: Backend) -> None:
        self._identity = identity
        self._backend = backend
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._step = 0
        self._resumed = self._over = False
        self.summary = Summary(lambda values: self._report("summary", values=values))

    @property
    def id(self) -> str:
        return self._identity.id

    @property
    def name(self) -> str:
        return self._identity.name

    @property
    def kind(self) -> str:
        """search, baseline, repeat, confirm, final, compare, or manual."""
        return self._identity.kind

    @property
    def project(self) -> str:
        return self._identity.project

    @property
    def seed(self) -> int | None:
        return self._identity.seed

    @property
    def config(self) -> Config:
        """The configuration: `run.config.lr0`, `run.config["optimizer"]["lr"]`, `**run.config`. Read only."""
        return self._identity.config

    @property
    def should_stop(self) -> bool:
        """Whether to end now: the stopper or a person says so. Leave with exit code 0."""
        return self._ordered("stop")

    @property
    def should_pause(self) -> bool:
        """Whether to call `checkpoint` and leave with exit code 0; a later process goes on from there."""
        return self._ordered("pause")

    @property
    def resumed_from(self) -> ResumePoint | None:
        """Where an earlier attempt got to, or None. Reading it says that the program goes on from there."""
        point = self._identity.checkpoint
        with self._lock:
            if point is not None and not self._resumed:
                self._resumed = True
                self._step = max(self._step, point.step + 1)
                self._report("resumed", step=point.step)
        return point

    def log(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Report metrics: names to numbers, 0-d tensors or arrays, texts; nested names are fine.

        `step` counts from 0 (after a resume: from the last one on) unless given. Several calls for one step are
        merged. A report of the sweep's objective waits up to 2 s for the decision on it, others never wait.
        """
        if self._foreign():
            return
        values = clean(metrics)
        with self._lock:
            step = self._next_step(step)
            self.summary.seen(values)
            objective = self._identity.metric is not None and has_metric(
                values, self._identity.metric
            )
        self._report("log", step=step, metrics=values, objective=objective)
        self._leave_if_lost()

    def checkpoint(self, path: str | os.PathLike[str], step: int) -> None:
        """Keep a copy of the file or folder at `path`, which holds the training after `step`.

        Log that step first: the copy counts only once everything reported before it is durable.
        """
        if self._foreign():
            return
        self._leave_if_lost()
        self._quietly("checkpoint", self._backend.checkpoint, Path(path), int(step))

    def save(self, path: str | os.PathLike[str], name: str | None = None) -> None:
        """Keep a file for the run at the server, as `name` (default: the file's own name)."""
        if self._foreign():
            return
        source = Path(path)
        self._quietly("save", self._backend.save, source, name or source.name)

    def report_effective(self, config: Mapping[str, Any]) -> None:
        """Say what the program really runs with, where that differs from `run.config`."""
        self._report("effective", config=clean(config))

    def finish(self, exit_code: int = 0) -> None:
        """Send what is left. Under an agent the exit code of the process decides how the run ended."""
        global _current
        with self._lock:
            if self._over or self._foreign():
                return
            self._over = True
            if _current is self:
                _current = None
        atexit.unregister(self._at_exit)
        self._backend.finish(exit_code)

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.finish(_exit_code(error))

    # -- inside -----------------------------------------------------------------------------------
    def _report(self, kind: str, *, objective: bool = False, **fields: Any) -> None:
        if self._foreign():
            return
        self._leave_if_lost()
        if self._over:
            complain(f"the run is finished: this report ({kind}) is not kept")
            return
        try:
            self._backend.report(kind, objective=objective, **fields)
        except OSError as error:
            complain(f"a report could not be written ({error}): free some disk space")

    def _quietly(self, what: str, action: Callable[..., None], *args: Any) -> None:
        try:
            action(*args)
        except (OSError, UsageError) as error:
            complain(f"run.{what} did nothing: {error}")

    def _ordered(self, order: str) -> bool:
        if self._foreign() or self._backend.wanted != order:
            return False
        self._backend.read_order()
        return True

    def _next_step(self, step: int | None) -> int:
        if step is not None:
            step = int(step)
            self._step = max(self._step, step + 1)
            return step
        self._step += 1
        return self._step - 1

    def _foreign(self) -> bool:
        """A forked child (a data loader's worker) has the object, but not the run."""
        return os.getpid() != self._process

    def _leave_if_lost(self) -> None:
        if self._backend.lost and not self._over:
            complain(f"ending: {self._backend.lost}")
            self._over = True
            _leave(LEASE_LOST_EXIT)

    def _at_exit(self) -> None:
        # Python keeps an exception that ended the program, but not a SystemExit, in sys.last_value.
        self.finish(_exit_code(getattr(sys, "last_value", None)))

    def _sent_away(self) -> str:
        """Why its agent has interrupted the program, which went on after an order; "" where it has not."""
        wanted, why = self._backend.wanted, self._backend.why
        if self._foreign() or wanted == "go":
            return ""
        because = f": {why}" if why else ""
        if wanted == "pause":
            return f"paused after step {self._step - 1}{because}; it goes on from its checkpoint"
        return f"stopped after step {self._step - 1}{because}"

    def _after_fork(self) -> None:
        self._lock = threading.RLock()


def _exit_code(error: BaseException | None) -> int:
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return INTERRUPTED_EXIT if isinstance(error, KeyboardInterrupt) else int(error is not None)


def _leave(code: int) -> NoReturn:
    if threading.current_thread() is threading.main_thread():
        raise SystemExit(code)
    os._exit(code)  # an exception would end this thread only


# -- init -----------------------------------------------------------------------------------------

_current: Run | None = None


def init(
    project: str | None = None,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    *,
    clock: Clock | None = None,
) -> Run:
    """The run of this process. A second call gives the same one until it is finished.

    Under an agent, `project` and `name` are the agent's and `config` fills in what the sweep leaves open;
    elsewhere they describe a run of its own. Raises UsageError for arguments that are no mapping or text.
    """
    global _current
    if _current is not None and not _current._foreign():
        return _current
    if config is not None and not isinstance(config, Mapping):
        raise UsageError(
            f"swept.init(config=…) takes a mapping, not {type(config).__name__}",
            hint="for argparse: config=vars(args)",
        )
    identity, backend = _join(project, name, config or {}, clock or SystemClock())
    run = _current = Run(identity, backend)
    atexit.register(run._at_exit)
    if os.environ.get("SWEPT_RUN_ID"):
        _say_why_interrupted(run)
    return run


def _say_why_interrupted(run: Run) -> None:
    """A program that does not look at its orders is ended by its agent as by Ctrl+C. That is no crash: one line, and not
    a traceback through whatever it was at. Ctrl+C of a person never gets to an agent's programs."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        said = run._sent_away() if issubclass(kind, KeyboardInterrupt) else ""
        if said:
            complain(said)
        else:
            before(kind, error, trace)

    sys.excepthook = hook


def _join(
    project: str | None, name: str | None, config: Mapping[str, Any], clock: Clock
) -> tuple[Identity, Backend]:
    own = Identity("", name or "", "manual", project or "", None, Config(clean(config)))
    secondary = _rank() > 0
    if os.environ.get("SWEPT_RUN_ID"):
        return joining.claimed(own, secondary, clock)
    joined = joining.under_wandb_agent(own, secondary, clock)
    if joined is not None:
        return joined
    if secondary:
        return own, Silent()
    return joining.manual(own, clock) or joining.offline(own, clock)


def _rank() -> int:
    """This process's rank in a distributed training, 0 outside of one."""
    for variable in _RANKS:
        value = os.environ.get(variable, "")
        if value.lstrip("-").isdigit():
            return int(value)
    return 0


def _after_fork() -> None:
    if _current is not None:
        _current._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
