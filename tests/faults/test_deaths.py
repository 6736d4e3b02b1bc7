"""What dies, dies: nothing that was acknowledged is lost, nothing runs on, everything is taken up again."""

from __future__ import annotations

import random
import signal

import pytest

from swept.testing.site import Site

EPOCHS = 8


def finish(site: Site, sweep: str, *flags: str) -> None:
    """A fresh agent brings the sweep to its end."""
    agent = site.start_agent(sweep, *flags)
    assert site.ended(agent) == 0, site.said(agent)


def test_a_sweep_runs_to_its_end_two_runs_at_a_time(site: Site) -> None:
    sweep = site.create(runs=4, epochs=3)
    finish(site, sweep, "--slots", "2")
    runs = site.runs(sweep)
    assert [run["state"] for run in runs] == ["finished"] * 4
    for run in runs:
        site.assert_whole(run["id"], 3)
    assert site.sweep(sweep)["state"] == "finished"


def test_a_killed_training_goes_on_from_its_checkpoint(site: Site) -> None:
    once = str(site.folder / "struck")
    sweep = site.create(epochs=EPOCHS, fate="kill", at=4, once=once)
    finish(site, sweep)
    (run,) = site.runs(sweep)
    assert run["state"] == "finished"
    assert [attempt["outcome"] for attempt in run["attempts"]] == ["lost", "finished"]
    assert run["attempts"][1]["first_step"] == 4
    site.assert_whole(run["id"], EPOCHS)


def test_a_killed_agent_leaves_nothing_running_and_the_next_one_goes_on(site: Site) -> None:
    sweep = site.create(runs=2, epochs=EPOCHS, **site.held(at=3))
    agent = site.start_agent(sweep, "--slots", "2")
    site.when_step(sweep, 2)
    agent.kill()
    site.let_go()
    finish(site, sweep, "--slots", "2")
    for run in site.runs(sweep):
        assert run["state"] == "finished"
        site.assert_whole(run["id"], EPOCHS)
    assert site.runs(sweep)[0]["attempts"][0]["outcome"] == "released"
    assert not list(site.home.agents.iterdir())


def test_a_killed_supervisor_takes_its_training_with_it(site: Site) -> None:
    sweep = site.create(epochs=EPOCHS, **site.held(at=3))
    agent = site.start_agent(sweep)
    site.when_step(sweep, 2)
    (training,) = site.trainings()
    assert site.kill("supervisor.py")
    site.wait(lambda: training not in site.trainings(), "it is gone with its supervisor")
    site.let_go()
    assert site.ended(agent) == 0
    (run,) = site.runs(sweep)
    assert [attempt["outcome"] for attempt in run["attempts"]] == ["lost", "finished"]
    site.assert_whole(run["id"], EPOCHS)


def test_agent_and_supervisor_killed_together(site: Site) -> None:
    sweep = site.create(epochs=EPOCHS, **site.held(at=3))
    agent = site.start_agent(sweep)
    site.when_step(sweep, 2)
    agent.kill()
    site.kill("supervisor.py")
    site.let_go()
    finish(site, sweep)
    (run,) = site.runs(sweep)
    assert run["state"] == "finished"
    site.assert_whole(run["id"], EPOCHS)


def test_a_killed_server_is_started_again_by_the_agent(site: Site) -> None:
    sweep = site.create(runs=2, epochs=EPOCHS, **site.held(at=3))
    agent = site.start_agent(sweep, "--slots", "2")
    site.when_step(sweep, 2)
    site.kill_server()
    site.let_go()
    assert site.ended(agent) == 0, site.said(agent)
    for run in site.runs(sweep):
        assert run["state"] == "finished"
        assert len(run["attempts"]) == 1
        site.assert_whole(run["id"], EPOCHS)


def test_a_server_down_for_longer_than_a_lease_loses_nothing(site: Site) -> None:
    site.kill_server()
    site.environment["SWEPT_LEASE_SECONDS"] = "4"
    site.start_server()
    sweep = site.create(epochs=EPOCHS, **site.held(at=3))
    agent = site.start_agent(sweep, remote=True)
    run = site.when_step(sweep, 2)
    site.kill_server()
    site.pause(5.0)  # more than a lease, and nobody starts a server that is elsewhere
    site.start_server()
    site.let_go()
    assert site.ended(agent) == 0, site.said(agent)
    (run,) = site.runs(sweep)
    assert run["state"] == "finished"
    assert len(run["attempts"]) == 1
    site.assert_whole(run["id"], EPOCHS)
    site.kill_server()  # the next test's has the usual lease


def test_a_server_that_is_down_when_the_training_ends(site: Site) -> None:
    sweep = site.create(epochs=5, **site.held(at=2))
    agent = site.start_agent(sweep, remote=True)
    site.when_step(sweep, 1)
    site.kill_server()
    site.let_go()
    site.wait(lambda: not site.trainings(), "the training has ended without a server")
    site.start_server()
    assert site.ended(agent) == 0, site.said(agent)
    (run,) = site.runs(sweep)
    assert run["state"] == "finished"
    site.assert_whole(run["id"], 5)


@pytest.mark.parametrize("seed", range(2))
def test_kills_at_random_moments(site: Site, seed: int) -> None:
    """Agent, supervisor, training and server are killed at moments drawn from a seed, again and again."""
    chance = random.Random(seed)
    epochs = 14
    sweep = site.create(runs=2, epochs=epochs, seconds=0.05)
    seen: dict[str, int] = {}
    for _ in range(3):
        agent = site.start_agent(sweep, "--slots", "2")
        target = chance.choice(["agent", "supervisor.py", "train it.py", "server"])
        best = max(seen.values(), default=-1)
        site.when_step(sweep, min(epochs - 1, best + chance.randint(1, 3)))
        site.pause(chance.uniform(0.0, 0.1))
        for run in site.runs(sweep):
            seen[run["id"]] = max(seen.get(run["id"], -1), run["steps"] if run["curve"] else -1)
        if target == "server":
            site.kill_server()
            site.pause(chance.uniform(0.0, 0.3))
        elif target != "agent":
            site.kill(target)
        agent.kill()
        agent.wait()
    site.start_server()
    finish(site, sweep, "--slots", "2")
    runs = site.runs(sweep)
    assert [run["state"] for run in runs] == ["finished", "finished"]
    for run in runs:
        site.assert_whole(run["id"], epochs)
        assert run["steps"] >= seen[run["id"]]


def test_ctrl_c_once_releases_a_run_with_a_checkpoint(site: Site) -> None:
    sweep = site.create(epochs=EPOCHS, **site.held(at=3))
    agent = site.start_agent(sweep)
    site.when_step(sweep, 2)
    agent.send_signal(signal.SIGINT)
    assert site.ended(agent) == 130
    site.let_go()
    (run,) = site.runs(sweep)
    assert run["state"] == "pending"
    assert run["attempts"][0]["outcome"] == "released"
    finish(site, sweep)
    site.assert_whole(run["id"], EPOCHS)


def test_ctrl_c_twice_ends_a_training_that_ignores_signals(site: Site) -> None:
    sweep = site.create(epochs=EPOCHS, fate="ignore-signals", at=1, checkpoints=False)
    agent = site.start_agent(sweep)
    site.when_step(sweep, 0)
    agent.send_signal(signal.SIGINT)
    site.wait(lambda: "Ctrl+C again" in site.said(agent), "it says what Ctrl+C does")
    agent.send_signal(signal.SIGINT)
    assert site.ended(agent) == 130
    (run,) = site.runs(sweep)
    assert run["state"] == "pending"


def test_what_a_training_leaves_behind_is_ended(site: Site) -> None:
    sweep = site.create(epochs=3, fate="daemon", at=1)
    finish(site, sweep)
    site.wait(lambda: not site.processes("time.sleep(600)"), "nothing is left")
