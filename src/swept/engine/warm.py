"""The runs that `swept.warm_start` names: those of earlier sweeps that ended with something to show, and single ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from swept.errors import NotFound, Problem, SpecError
from swept.model import SWEEP_KINDS, RunState, Sweep, SweepState
from swept.spec import Spec
from swept.store.base import RunFilter, Store
from swept.sweepfile.document import load

_WITH_A_VALUE = frozenset({RunState.FINISHED, RunState.STOPPED})


def earlier_runs(
    store: Store, spec: Spec, text: str, path: str, sweep: Sweep | None = None
) -> list[str]:
    """Their ids, looked up before anything is made. Raises SpecError for names that mean none, unless `sweep`, the
    one that goes on, has copied them long since."""
    known = sweep.spec.get("swept", {}).get("warm_start", ()) if sweep else ()
    found: list[str] = []
    problems: list[tuple[int, str, str]] = []
    for i, name in enumerate(spec.options.warm_start):
        try:
            found += _runs_of(store, name.rpartition("/")[2])
        except NotFound:
            if name in known:
                continue
            message = f"`swept.warm_start` names {name}, which is neither a sweep nor a run"
            problems.append(
                (i, message, "`swept ls` lists the sweeps, `swept ls SWEEP` their runs")
            )
        except _NotOver as run:
            message = f"`swept.warm_start` names {run}: a search learns from runs that are over"
            problems.append((i, message, "leave it out, or wait for its end"))
    if problems:
        raise SpecError(list(_placed(problems, text, path)), path)
    return list(dict.fromkeys(found))


def going_on(store: Store, spec: Spec, path: str) -> Sweep | None:
    """The sweep of that file that a launch will find; looked for only where it matters."""
    if not spec.options.warm_start:
        return None
    found = (s for s in store.sweeps() if s.path == path and s.state is not SweepState.CANCELLED)
    return next(found, None)


class _NotOver(Exception):
    pass


def _runs_of(store: Store, name: str) -> list[str]:
    """The ids of a sweep's runs, or of the one run. Raises NotFound and _NotOver."""
    try:
        sweep = store.sweep(name)
    except NotFound:
        run = store.run(name)
        if not run.state.ended:
            raise _NotOver(f"run {run.id}, which is {run.state.value}") from None
        return [run.id]
    wanted = RunFilter(sweep=sweep.id, kinds=SWEEP_KINDS, states=_WITH_A_VALUE)
    return [run.id for run in store.runs(wanted)]


def _placed(problems: Sequence[tuple[int, str, str]], text: str, path: str) -> Iterator[Problem]:
    findings = load(text, path).findings
    for i, message, hint in problems:
        line = findings.line(("swept", "warm_start", i))
        yield Problem(message, f"swept.warm_start[{i}]", line, hint)


def told(sentences: Sequence[str]) -> tuple[Problem, ...]:
    """What nothing can be learnt from, as warnings of the file."""
    return tuple(Problem(each, "swept.warm_start", severity="warning") for each in sentences)
