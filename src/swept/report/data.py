"""What a report holds, asked from the server; the format is in docs/design/dashboard.md."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, TypeVar, cast

from swept import __version__, wire
from swept.client import Client
from swept.clock import Clock
from swept.errors import NotFound, ServerUnreachable, SweptError
from swept.model import Goal, Kind, RunState
from swept.report.images import ReportImage, collect
from swept.report.packing import packed
from swept.wire.board import BoardView
from swept.wire.insights import ImportanceView, PairView
from swept.wire.sweeps import SweepView

SCHEMA = 2
DIGITS = 6
OTHER_CURVES_BYTES = 150_000
"""Room for the curves of other metrics than the objective."""
LARGE_CURVES_BYTES = 125_000
COARSE = 8
"""Larger ones use each eighth level: their last bits are noise, a third of a large file, and on no screen."""
MOST_FULL_RUNS = 12
MOST_PAIRED = 4
"""Parameters of which each pair is told: six pictures of about a kilobyte each."""
T = TypeVar("T")
M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class ReportData:
    """`packed` is JSON-able; `curves` holds packed buffers by metric. `hint`: said in no file, only to who makes it."""

    packed: Mapping[str, Any]
    curves: Mapping[str, str]
    images: Sequence[ReportImage]
    hint: str = ""

    @property
    def notes(self) -> list[str]:
        return list(self.packed["notes"])

    def text(self) -> str:
        """The content of the `#swept-data` element: no `<` in it, whatever the names are."""
        document = {
            "schema": SCHEMA,
            "packed": packed(wire.dumps(self.packed).encode("utf-8", "replace")),
            "curves": self.curves,
            "images": self.images,
        }
        text = json.dumps(document, separators=(",", ":"), allow_nan=False)
        return text.replace("<", "\\u003c")


def gather(client: Client, view: SweepView, *, images: int, clock: Clock) -> ReportData:
    """Everything the page shows of the sweep, with up to `images` images of each of the few runs that matter."""
    notes: list[str] = []
    sweep = view["id"]
    board = _advised(client.board(sweep), view)
    metrics = client.curve_metrics(sweep)
    curves = _curves(client, sweep, board, metrics, notes)
    chosen = chosen_runs(board)
    found = collect(client, chosen if images else (), images)
    insights = _insights(client, sweep, [one["name"] for one in board["parameters"]], notes)
    content = {
        "made": clock.now(),
        "version": __version__,
        "board": _rounded(board),
        "metrics": metrics,
        **insights,
        "runs": {run: client.run(run) for run in chosen},
        "notes": [*notes, *found.notes],
    }
    return ReportData(content, curves, found.images, found.hint)


def _insights(
    client: Client, sweep: str, parameters: Sequence[str], notes: list[str]
) -> dict[str, Any]:
    """What models say. One that fails, or takes too long, leaves a gap in the report and no more."""

    def asked(what: str, ask: Callable[[], T], missing: M) -> T | M:
        try:
            return ask()
        except ServerUnreachable:
            raise
        except SweptError as error:
            notes.append(f"{what}: left out, since {error.message}")
            return missing

    importance = asked("importance", partial(client.importance, sweep), None)
    slices: dict[str, Any] = {}
    # All of them are of the model that the importance is of: where there is none, nobody waits for it again.
    for name in parameters if importance is not None else ():
        one = asked("the model along single parameters", partial(client.slice, sweep, name), None)
        if one is None:
            break
        slices[name] = one
    pairs: list[PairView] = []
    for x, y in combinations(_important(importance), 2):
        pair = asked("the model over two parameters", partial(client.pair, sweep, x, y), None)
        if pair is None:
            break
        if pair["mean"]:
            pairs.append(_coarse(pair))
    return {
        "importance": importance,
        "slices": _rounded(slices),
        "pairs": pairs,
        "health": asked("health", partial(client.health, sweep), []),
        "progress": asked("progress", partial(client.progress, sweep), None),
        "forecasts": asked("forecasts", partial(client.forecasts, sweep), []),
    }


def _important(importance: ImportanceView | None) -> list[str]:
    """Those of which pairs are told, the most important first."""
    rows = importance["rows"] if importance else []
    acting = sorted((row for row in rows if not row["inert"]), key=lambda row: -row["share"])
    return [row["parameter"] for row in acting[:MOST_PAIRED]]


def _coarse(pair: PairView) -> PairView:
    """Rounded to what its colours can show."""
    values = [value for row in pair["mean"] for value in row]
    spread = max(values) - min(values)
    digits = 3 - math.floor(math.log10(spread)) if spread > 0 else 12
    mean = [[round(value, digits) for value in row] for row in pair["mean"]]
    return {"x": _rounded(pair["x"]), "y": _rounded(pair["y"]), "mean": mean}


def _advised(board: BoardView, view: SweepView) -> BoardView:
    """The model's advice may be worked out behind the board; the sweep's view waited for it."""
    best, advice = view["best"], view.get("advice")
    head = {
        **board["head"],
        "best": best["id"] if best else None,
        "advice": advice,
        "advising": False,
    }
    return cast(BoardView, {**board, "head": head})


def chosen_runs(board: BoardView) -> list[str]:
    """The best, the baseline, those trained after the search, newest last, then the next best: a few are told in full."""
    runs, head = board["runs"], board["head"]
    after = [
        run
        for run, kind in zip(runs["id"], runs["kind"], strict=True)
        if kind in (Kind.FINAL, Kind.COMPARE, Kind.CONFIRM)
    ]
    named = [run for run in (head["best"], head["baseline"]) if run is not None]
    return list(dict.fromkeys([*named, *after, *_by_value(board)]))[:MOST_FULL_RUNS]


def _by_value(board: BoardView) -> list[str]:
    """The finished runs of the search, the best value first."""
    runs, metric = board["runs"], board["head"]["metric"]
    if metric is None:
        return []
    sign = -1.0 if metric["goal"] == Goal.MAXIMIZE else 1.0
    told = zip(runs["id"], runs["kind"], runs["state"], runs["value"], strict=True)
    apart = frozenset(board["incomparable"])
    found = [
        (sign * value, run)
        for row, (run, kind, state, value) in enumerate(told)
        if kind == Kind.SEARCH and state == RunState.FINISHED and isinstance(value, float)
        if row not in apart
    ]
    return [run for _, run in sorted(found)]


def _curves(
    client: Client, sweep: str, board: BoardView, metrics: Sequence[str], notes: list[str]
) -> dict[str, str]:
    """Of the objective always, of other metrics as long as there is room."""
    metric = board["head"]["metric"]
    objective = metric["name"] if metric else None
    curves, room, left_out = {}, OTHER_CURVES_BYTES, []
    for name in metrics:
        try:
            buffer = packed(client.curves(sweep, name))
            large = len(buffer) > LARGE_CURVES_BYTES
            if large:
                buffer = packed(client.curves(sweep, name, COARSE))
        except NotFound:
            continue
        if name != objective:
            if len(buffer) > room:
                left_out.append(name)
                continue
            room -= len(buffer)
        curves[name] = buffer
        if large:
            notes.append(f"rounded to 1/{65534 // COARSE} of their range: the curves of {name}")
    if left_out:
        more = f" and of {len(left_out) - 5} more metrics" if left_out[5:] else ""
        notes.append(f"left out for their size: the curves of {', '.join(left_out[:5])}{more}")
    return curves


def _rounded(value: Any) -> Any:
    """Floats with DIGITS significant digits: random draws have seventeen, which no gzip makes smaller. Times as they are."""
    if isinstance(value, float):
        if not math.isfinite(value) or abs(value) > 1e8:  # seconds since 1970
            return round(value, 2) if math.isfinite(value) else value
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
