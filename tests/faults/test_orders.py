"""Orders that are obeyed or not, failures in a row, memory; and a training killed at every line."""

from __future__ import annotations

import pytest

from swept.testing.site import Site

PACE = 0.1


def test_a_training_killed_at_every_few_lines_has_a_continuous_history(site: Site) -> None:
    """Each attempt is killed some lines of swept's own code later than the one before, in any of its threads."""
    epochs, stride = 5, 97
    count = site.folder / "lines"
    sweep = site.create(retries=200, epochs=epochs, lines=[str(count), stride])
    while site.sweep(sweep)["state"] != "finished":
        # 1: three ended before the first report, and the agent holds
        assert site.ended(site.start_agent(sweep), 600) in (0, 1)
    (run,) = site.runs(sweep)
    assert run["state"] == "finished"
    assert len(run["attempts"]) > 5
    site.assert_whole(run["id"], epochs)


def test_a_person_stops_a_run(site: Site) -> None:
    sweep = site.create(epochs=300, seconds=PACE, **site.held(at=3))
    agent = site.start_agent(sweep)
    run = site.when_step(sweep, 1)
    with site.client() as client:
        client.desired(run["id"], "stop", "seen enough")
    site.let_go()
    assert site.ended(agent) == 0
    (run,) = site.runs(sweep)
    assert run["state"] == "stopped"
    assert run["ended_because"] == "seen enough"
    assert run["steps"] < 100
    assert run["attempts"][0]["exit_code"] == 0
    assert not (site.home.checkpoints / run["id"]).exists(), "nothing can take it up again"


def test_an_order_that_is_not_obeyed_is_enforced(site: Site) -> None:
    epochs = 3000
    sweep = site.create(epochs=epochs, seconds=PACE, deaf=True)
    agent = site.start_agent(sweep)
    run = site.when_step(sweep, 1)
    with site.client() as client:
        client.desired(run["id"], "stop", "seen enough")
    assert site.ended(agent) == 0
    (run,) = site.runs(sweep)
    assert run["state"] == "stopped"
    assert run["steps"] < epochs - 1, "not by coming to its end"


@pytest.mark.parametrize(
    ("order", "said"),
    [("stop", "stopped after step "), ("pause", "paused after step ")],
)
def test_a_program_that_its_agent_ends_does_not_look_like_a_crash(
    site: Site, order: str, said: str
) -> None:
    sweep = site.create(epochs=3000, seconds=PACE, deaf=True)
    agent = site.start_agent(sweep, "--count", "1")
    run = site.when_step(sweep, 1)
    with site.client() as client:
        client.desired(run["id"], order, "seen enough")
    assert site.ended(agent) == 0
    console = (site.home.path / "runs" / run["id"] / "attempt-1" / "console.log").read_text()
    assert "Traceback" not in console
    assert f"swept: {said}" in console.splitlines()[-1]
    assert "seen enough" in console.splitlines()[-1]


def test_a_paused_run_goes_on_where_it_was(site: Site) -> None:
    sweep = site.create(epochs=40, seconds=PACE, **site.held(at=3))
    agent = site.start_agent(sweep, "--count", "1")
    run = site.when_step(sweep, 1)
    with site.client() as client:
        client.desired(run["id"], "pause")
    site.let_go()
    assert site.ended(agent) == 0
    (run,) = site.runs(sweep)
    assert run["state"] == "paused"
    with site.client() as client:
        client.desired(run["id"], "go")
    assert site.ended(site.start_agent(sweep, "--count", "1")) == 0
    (run,) = site.runs(sweep)
    assert [attempt["outcome"] for attempt in run["attempts"]] == ["paused", "finished"]
    site.assert_whole(run["id"], 40)


def test_a_cancelled_sweep_ends_its_runs_now(site: Site) -> None:
    sweep = site.create(epochs=3, fate="hang", at=1)
    agent = site.start_agent(sweep)
    site.when_step(sweep, 0)
    with site.client() as client:
        client.set_state(sweep, "cancelled")
    assert site.ended(agent) == 0
    (run,) = site.runs(sweep)
    assert run["state"] == "killed"


def test_an_agent_whose_runs_fail_at_the_start_holds_and_says_what_they_share(site: Site) -> None:
    sweep = site.create(runs=10, epochs=3, fate="error", at=0)
    agent = site.start_agent(sweep)
    assert site.ended(agent) == 1
    runs = site.runs(sweep)
    assert [run["state"] for run in runs].count("failed") == 3
    said = site.said(agent)
    assert "3 runs in a row" in said
    assert "RuntimeError: this training was told to fail" in said
    assert "in common" in said


def test_a_missing_program_uses_up_nothing(site: Site) -> None:
    sweep = site.create(program="no such.py")
    agent = site.start_agent(sweep)
    assert site.ended(agent) == 1
    assert "no such.py" in site.said(agent)
    (run,) = site.runs(sweep)
    assert run["state"] == "pending"


def test_out_of_memory_is_told_from_failure_and_retried(site: Site) -> None:
    once = str(site.folder / "struck")
    sweep = site.create(epochs=5, fate="oom", at=2, once=once)
    agent = site.start_agent(sweep)
    assert site.ended(agent) == 0, site.said(agent)
    (run,) = site.runs(sweep)
    assert [attempt["outcome"] for attempt in run["attempts"]] == ["oom", "finished"]
    site.assert_whole(run["id"], 5)


def test_a_program_may_open_its_run_twice(site: Site) -> None:
    sweep = site.create(epochs=3, fate="again", checkpoints=False)
    agent = site.start_agent(sweep)
    assert site.ended(agent) == 0, site.said(agent)
    (run,) = site.runs(sweep)
    assert run["state"] == "finished"
    assert site.steps(run["id"]) == [0, 1, 2, 3]


def test_a_diverging_training_reports_nan(site: Site) -> None:
    sweep = site.create(epochs=4, fate="nan")
    assert site.ended(site.start_agent(sweep)) == 0
    (run,) = site.runs(sweep)
    assert [str(value) for _, value in run["curve"]][2:] == ["nan", "nan"]
    assert run["value"] is None
