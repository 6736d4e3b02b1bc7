"""What is suggested where the search itself failed: random draws, so that no slot stands idle.

Light on purpose: it runs in the server's own process, and neither fits a model nor imports one.
"""

from __future__ import annotations

from swept.model import History, Suggestions, Wait
from swept.search import random
from swept.search.baseline import baseline
from swept.search.budget import budget_used, close, room, target_reached
from swept.search.numbering import next_number
from swept.spec import Spec


def fallback(
    spec: Spec, history: History, n: int, *, seed: int, because: str, now: float | None = None
) -> Suggestions:
    """At most n draws, each with the reason `because`, a clause: "the search took longer than 30 s".

    The baseline comes first, budget and target hold, as in `suggest`. A grid has no draws: it waits.
    """
    if ended := target_reached(spec, history) or budget_used(spec, history, now):
        return close(history, ended)
    starts = baseline(spec, history, seed)[:n]
    if not starts and spec.method == "grid":
        return Wait(because)
    draws = 0 if spec.method == "grid" else room(spec, history, n) - len(starts)
    first = next_number(history) + len(starts)
    reason = f"drawn at random: {because}"
    starts += random.draws(spec, first, draws, seed=seed, reason=reason, strategy="fallback")
    return tuple(starts) or Wait("no run was asked for")
