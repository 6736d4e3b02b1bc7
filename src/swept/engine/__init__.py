"""The only package that knows search and store: fill, decide, reap.

Each follows load → think → apply: a snapshot is loaded, thought about outside any transaction, and applied by a
store verb that refuses what has become stale. All methods are safe from several threads; locks are held while
thinking, and waiting for something to happen is the server's part.
"""

from __future__ import annotations

from swept.engine.advising import Advising
from swept.engine.deciding import Deciding
from swept.engine.ending import Ending
from swept.engine.filling import Answer
from swept.engine.people import People

__all__ = ["Answer", "Engine"]


class Engine(People, Deciding, Ending, Advising):
    """Moves the sweeps of a store."""
