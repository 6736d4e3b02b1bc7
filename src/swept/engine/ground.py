"""What all parts of the engine stand on: store, clock, thinker, the sweeps' specs, and their locks."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

from swept.analysis.best import Advice
from swept.clock import Clock
from swept.model import Run, Sweep
from swept.spec import Spec, from_canonical
from swept.store.base import LEASE_SECONDS, WANDB_LEASE_SECONDS, Store
from swept.think import Thinker


def _nobody() -> None:
    """Nobody waits for orders."""


class Locks:
    """One lock a purpose and sweep."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self._locks: dict[tuple[str, str], threading.Lock] = {}

    def of(self, purpose: str, sweep: str) -> threading.Lock:
        with self.guard:
            return self._locks.setdefault((purpose, sweep), threading.Lock())


class Ground:
    """What the parts share, by sweep: `dry`, a run has ended there, so look soon; `hungry`, the claims that wait, and
    until when they are remembered; `asked`, how many reports were to be decided on, and `decided`, how many were;
    `failing`, what early stopping last failed with; `advice`, which run the model last named, and at which stage;
    `leaving`, the agents that said that they claim no more."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        think: Thinker,
        *,
        lease_seconds: float = LEASE_SECONDS,
        wandb_lease_seconds: float = WANDB_LEASE_SECONDS,
    ) -> None:
        self.store = store
        self.clock = clock
        self.lease_seconds = lease_seconds
        self.wandb_lease_seconds = wandb_lease_seconds
        self.on_order: Callable[[], None] = _nobody  # something else is wanted of a run
        self._think = think
        self._locks = Locks()
        self._specs: dict[tuple[str, int], Spec] = {}
        self._dry: set[str] = set()
        self._hungry: dict[str, dict[str, float]] = defaultdict(dict)
        self._asked: dict[str, int] = defaultdict(int)
        self._decided: dict[str, int] = defaultdict(int)
        self._failing: dict[str, str] = {}
        self._advice: dict[str, tuple[object, Advice | None]] = {}
        self._leaving: set[str] = set()
        self._last_tick: float | None = None

    def spec(self, sweep: Sweep) -> Spec:
        """The newest version: what the search and the early stopping go by."""
        key = (sweep.id, sweep.spec_version)
        if key not in self._specs:
            self._specs[key] = from_canonical(sweep.spec)
        return self._specs[key]

    def spec_of(self, run: Run) -> Spec | None:
        """The version that the run was started under, by which it goes on; None outside of sweeps."""
        if run.sweep is None:
            return None
        key = (run.sweep, run.spec_version)
        if key not in self._specs:
            self._specs[key] = from_canonical(self.store.spec_of(*key))
        return self._specs[key]

    def _tell(self, type: str, sweep: str | None, reason: str, run: str | None = None) -> None:
        data = {"reason": reason}
        self.store.add_event(type, sweep=sweep, run=run, data=data, now=self.clock.now())
