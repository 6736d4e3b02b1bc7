"""Asynchronous successive halving with real processes: runs pause at rungs and go on from their checkpoints."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from swept.testing.site import Site

EPOCHS = 9  # rungs at 1 and 3
ASHA = {"early_stopping": "asha", "epochs": "epochs"}
PACE = 0.1
RATES = [0.01 * place for place in range(1, 13)]
"""The better the earlier: the first runs wait at a rung, and are called back when later ones turn out worse."""


def outcomes(run: Any) -> list[str | None]:
    return [attempt["outcome"] for attempt in run["attempts"]]


def continued(runs: list[Any]) -> list[Any]:
    return [run for run in runs if "paused" in outcomes(run)[:-1]]


def finish(site: Site, sweep: str, *flags: str) -> list[Any]:
    """An agent brings the sweep to its end: every run is whole as far as it came, and nothing is left paused."""
    agent = site.start_agent(sweep, *flags)
    assert site.ended(agent, 400) == 0, site.said(agent)
    assert site.sweep(sweep)["state"] == "finished"
    runs = site.runs(sweep)
    assert {run["state"] for run in runs} <= {"finished", "stopped"}
    for run in runs:
        site.assert_whole(run["id"], run["steps"] + 1)
    assert any(run["steps"] == EPOCHS - 1 for run in runs)
    return runs


def shown(site: Site, run: Any) -> str:
    words = [sys.executable, "-m", "swept", "show", run["id"]]
    return subprocess.run(
        words, env=site.environment, cwd=site.folder, capture_output=True, text=True, check=True
    ).stdout


def when_paused(site: Site, sweep: str) -> Any:
    def paused() -> Any:
        view = site.ask(lambda client: client.sweep(sweep))
        runs = view["runs"] if view else []
        return next((run for run in runs if run["state"] == "paused"), None)

    site.wait(paused, "a run is paused")
    return paused()


def test_the_best_of_a_rung_go_on_from_their_checkpoint(site: Site) -> None:
    sweep = site.create(runs=6, rates=RATES, swept=ASHA, epochs=EPOCHS)
    runs = finish(site, sweep, "--slots", "2")
    assert len(runs) == 6, "a continuation is no new run"
    again = continued(runs)
    assert again
    for run in again:
        later = [attempt["first_step"] for attempt in run["attempts"][1:]]
        assert all(later), "from a checkpoint, not from the start"
    halted = [run for run in runs if run["state"] == "stopped"]
    assert halted
    assert all("the sweep ended before it was continued" in run["ended_because"] for run in halted)
    said = shown(site, again[0])
    assert "pause   " in said
    assert "continue" in said
    assert "rung 1: loss" in said


def test_a_program_without_checkpoints_is_stopped_and_never_paused(site: Site) -> None:
    sweep = site.create(runs=6, rates=RATES, swept=ASHA, epochs=EPOCHS, checkpoints=False)
    runs = finish(site, sweep)
    assert all(len(run["attempts"]) == 1 for run in runs)
    assert any(run["ended_because"].startswith("rung ") for run in runs)


def test_paused_runs_outlive_their_agent_and_the_server(site: Site) -> None:
    sweep = site.create(runs=9, rates=RATES, swept=ASHA, epochs=EPOCHS, seconds=PACE)
    agent = site.start_agent(sweep)
    when_paused(site, sweep)
    agent.kill()
    agent.wait()
    site.kill_server()
    runs = finish(site, sweep)
    assert len(runs) == 9
    assert continued(runs)


def test_several_agents_share_the_paused_runs(site: Site) -> None:
    # so many that whatever agent comes to a rung first, a run of it has waited there
    sweep = site.create(runs=12, rates=RATES, swept=ASHA, epochs=EPOCHS, seconds=PACE)
    other = site.start_agent(sweep)
    runs = finish(site, sweep)
    assert site.ended(other) == 0, site.said(other)
    assert len(runs) == 12
    assert continued(runs)
