"""An agent for a sweep, with its folder and its way back to a server of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from swept.agent.agent import Agent, Options
from swept.client import Client
from swept.connect import connect_home, home_of
from swept.errors import UsageError


def agent_for(
    client: Client,
    sweep: str,
    options: Options,
    *,
    start: Path,
    say: Callable[[str], None],
) -> Agent:
    """`start` is where the search for `.swept/` begins; with SWEPT_URL a missing one is made there, for what the
    agent keeps on disk. Times may be set for tests and odd sites: SWEPT_HEARTBEAT_SECONDS, SWEPT_GRACE_SECONDS,
    SWEPT_FIGURES_SECONDS.
    """
    home = home_of(start)
    reconnect = None if os.environ.get("SWEPT_URL") else lambda: connect_home(home)
    options = replace(
        options,
        heartbeat=_seconds("SWEPT_HEARTBEAT_SECONDS", options.heartbeat),
        grace=_seconds("SWEPT_GRACE_SECONDS", options.grace),
        leftover=_seconds("SWEPT_GRACE_SECONDS", options.leftover),
        figures=_seconds("SWEPT_FIGURES_SECONDS", options.figures),
    )
    return Agent(client, sweep, options, home=home, say=say, reconnect=reconnect)


def _seconds(variable: str, default: float) -> float:
    """Raises UsageError."""
    text = os.environ.get(variable)
    try:
        return float(text) if text else default
    except ValueError:
        raise UsageError(f"{variable}={text} is no number of seconds") from None
