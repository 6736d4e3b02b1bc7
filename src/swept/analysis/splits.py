"""Where in the space the bad runs are: the one range or value of one parameter that tells them best from the good ones.

Every category, and every range from a bound up to some run's value, is a region. How clearly it holds the bad runs is
Fisher's exact test, one-sided. Of so many regions some split well by chance: so the clearest of all is compared with the
clearest of all after the runs' fates were shuffled among them (Westfall & Young 1993, "Resampling-based multiple testing").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from swept.analysis.configuration import value_in
from swept.analysis.figures import figure
from swept.model import Run
from swept.models.features import Axis, Features
from swept.spec import Spec

Array: TypeAlias = NDArray[np.float64]
Index: TypeAlias = NDArray[np.intp]

FEWEST = 3
"""Fewer bad ones, or fewer good ones, tell nothing."""
MOST = 1000
SHUFFLES = 499
SURE = 0.01


@dataclass(frozen=True, slots=True)
class Split:
    """`inside` of the `size` runs in the region of the parameter are bad, and `outside` of the `rest` others. `region`:
    in words. `chance`: how often shuffled fates split as clearly anywhere. `runs`: the bad ones inside."""

    parameter: str
    region: str
    inside: int
    size: int
    outside: int
    rest: int
    chance: float
    runs: tuple[Run, ...]


def clearest(spec: Spec, bad: Sequence[Run], good: Sequence[Run]) -> Split | None:
    """None where no region tells them apart more clearly than chance does in SURE of the cases."""
    features = Features.of(spec)
    placed = [
        (run, place, fate)
        for runs, fate in ((bad[-MOST:], True), (good[-MOST:], False))
        for run in runs
        if (place := features.locate(run.config, run.effective_config or {})) is not None
    ]
    runs = [run for run, *_ in placed]
    fates = np.array([fate for *_, fate in placed], dtype=np.bool_)
    total = int(fates.sum())
    if total < FEWEST or len(fates) - total < FEWEST or not features.dimension:
        return None
    U = np.array([place for _, place, _ in placed])
    rng = np.random.default_rng(0)
    shuffled = np.array([rng.permutation(fates) for _ in range(SHUFFLES)])
    table = _log_chances(len(fates), total)
    best, found = 0.0, None
    by_chance = np.zeros(SHUFFLES)
    for i, axis in enumerate(features.axes):
        for members in _regions(axis, U[:, i]):
            sizes, counts, others = members.sizes, members.counts(fates), members.counts(shuffled)
            clear = table[sizes, counts[0]]
            if len(clear) and float(clear.min()) < best:
                best, found = float(clear.min()), (i, members.of(int(clear.argmin())))
            if len(clear):
                by_chance = np.minimum(by_chance, table[sizes, others].min(1))
    if found is None:
        return None
    chance = (1 + int((by_chance <= best + 1e-9).sum())) / (1 + SHUFFLES)
    if chance > SURE:
        return None
    i, inside = found
    return _split(features.axes[i], runs, fates, inside, chance)


@dataclass(frozen=True, slots=True)
class _Regions:
    """Regions that are the first `sizes` (r,) of `order` (n,)."""

    order: Index
    sizes: Index

    def counts(self, fates: NDArray[np.bool_]) -> Index:
        """The bad ones in each region: (m, r) for fates (m, n) or (n,)."""
        rising = np.cumsum(np.atleast_2d(fates)[:, self.order], axis=1, dtype=np.intp)
        return rising[:, self.sizes - 1]

    def of(self, region: int) -> NDArray[np.bool_]:
        inside = np.zeros(len(self.order), dtype=np.bool_)
        inside[self.order[: self.sizes[region]]] = True
        return inside


def _regions(axis: Axis, u: Array) -> Iterator[_Regions]:
    if axis.category:
        for level in np.unique(u):
            order = np.argsort(u != level, kind="stable")
            size = int((u == level).sum())
            if size < len(u):
                yield _Regions(order, np.array([size]))
        return
    for order in (np.argsort(u, kind="stable"), np.argsort(-u, kind="stable")):
        yield _Regions(order, np.flatnonzero(np.diff(u[order]) != 0.0) + 1)


def _log_chances(n: int, bad: int) -> Array:
    """(n+1, bad+1): the logarithm of the chance that at least k bad ones are among m of n."""
    m, k = np.arange(n + 1)[:, None], np.arange(bad + 1)[None, :]
    possible = (k <= m) & (m - k <= n - bad)
    with np.errstate(invalid="ignore"):
        log = _log_comb(bad, k) + _log_comb(n - bad, m - k) - _log_comb(n, m)
    chances = np.where(possible, np.exp(np.where(possible, log, -np.inf)), 0.0)
    tails = np.cumsum(chances[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(np.log(np.maximum(tails, 1e-300)))


def _log_comb(n: int, k: Any) -> Any:
    return gammaln(n + 1) - gammaln(np.maximum(k, 0) + 1) - gammaln(np.maximum(n - k, 0) + 1)


def _split(
    axis: Axis,
    runs: Sequence[Run],
    fates: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    chance: float,
) -> Split:
    name = axis.parameter.name
    within = [_value(run, name) for run, here in zip(runs, inside, strict=True) if here]
    without = [_value(run, name) for run, here in zip(runs, inside, strict=True) if not here]
    hit = fates & inside
    return Split(
        parameter=name,
        region=_words(axis, name, within, without),
        inside=int(hit.sum()),
        size=int(inside.sum()),
        outside=int((fates & ~inside).sum()),
        rest=int((~inside).sum()),
        chance=chance,
        runs=tuple(run for run, one in zip(runs, hit, strict=True) if one),
    )


def _value(run: Run, name: str) -> Any:
    really = value_in(run.effective_config or {}, name)
    return value_in(run.config, name) if really is None else really


def _words(axis: Axis, name: str, within: Sequence[Any], without: Sequence[Any]) -> str:
    if axis.category:
        return f"`{name}` is {figure(within[0])}"
    if min(within) > max(without):
        return f"`{name}` is {figure(min(within))} or more"
    return f"`{name}` is {figure(max(within))} or less"
