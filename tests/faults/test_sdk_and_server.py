"""The SDK with a real server: runs outside of agents, files, checkpoints, a lost lease."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from swept.client import Client
from swept.testing.site import DEADLINE, Site, until
from swept.wire.agents import Claimed, ClaimRequest
from swept.wire.runs import RunView

LOOP = """
import swept, time
run = swept.init(project="mine", config={{"lr": 0.5}})
for step in range({steps}):
    run.log({{"total": step + 1.0, "loss": 1.0}})
    time.sleep({pace})
"""


def start(site: Site, code: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=site.folder,
        env={**site.environment, **more},
        stderr=subprocess.PIPE,
        text=True,
    )


def run_of(site: Site, program: subprocess.Popen[str]) -> RunView:
    """The run that the program says it is."""
    assert program.stderr is not None
    line = program.stderr.readline()
    run = line.split("(")[1].split(")")[0]
    with site.client() as client:
        return client.run(run)


def again(site: Site, run: RunView) -> RunView:
    with site.client() as client:
        return client.run(run["id"])


def close(program: subprocess.Popen[str]) -> int:
    with program:
        return program.wait(DEADLINE)


def test_a_run_of_its_own(site: Site) -> None:
    program = start(
        site,
        LOOP.format(steps=3, pace=0)
        + "run.summary['size'] = 7\nrun.save(__import__('sys').executable, 'a/b')",
    )
    run = run_of(site, program)
    assert close(program) == 0
    run = again(site, run)
    assert (run["kind"], run["state"], run["project"]) == ("manual", "finished", "mine")
    assert run["config"] == {"lr": 0.5}
    assert run["summary"]["size"] == 7
    site.assert_whole(run["id"], 3)
    with site.client() as client:
        assert [file["name"] for file in client.files(run["id"])] == ["a/b"]


def test_an_exception_fails_it(site: Site) -> None:
    program = start(site, LOOP.format(steps=1, pace=0) + "raise KeyError('x')")
    run = run_of(site, program)
    assert close(program) == 1
    assert again(site, run)["state"] == "failed"


def test_its_server_is_started_again_and_nothing_is_lost(site: Site) -> None:
    program = start(site, LOOP.format(steps=20, pace=0.1))
    run = run_of(site, program)
    site.wait(lambda: len(site.steps(run["id"])) > 2, "some steps are there")
    site.kill_server()
    assert close(program) == 0
    site.start_server()
    assert again(site, run)["state"] == "finished"
    site.assert_whole(run["id"], 20)


def test_killed_while_the_server_is_away_its_reports_are_sent_by_the_next_agent(site: Site) -> None:
    server = site.home.server()
    assert server is not None
    remote = {"SWEPT_URL": server.url, "SWEPT_API_KEY": site.home.key()}
    program = start(site, LOOP.format(steps=10_000, pace=0.05), **remote)
    run = run_of(site, program)
    site.wait(lambda: len(site.steps(run["id"])) > 2, "some steps are there")
    site.kill_server()
    journal = site.home.runs / run["id"] / "attempt-1" / "reports.jsonl"
    size = journal.stat().st_size
    site.wait(lambda: journal.stat().st_size > size + 500, "it goes on without the server")
    program.kill()
    close(program)
    site.start_server()
    assert site.ended(site.start_agent(site.create(epochs=1))) == 0
    site.assert_whole(run["id"], journal.read_text().count('"log"'))


PRINTING = """
import os, sys, swept
run = swept.init()
print("first")
print("10 %", end="\\r")
print("100 %")
print("to stderr", file=sys.stderr)
{ending}
"""
PRINTED = ["first", "100 %", "to stderr"]


def lines(site: Site, run: RunView) -> list[str]:
    with site.client() as client:
        return [line["text"] for line in client.console(run["id"])["lines"]]


def test_what_a_program_of_its_own_prints_is_there(site: Site) -> None:
    program = start(site, PRINTING.format(ending="raise KeyError('the end')"))
    run = run_of(site, program)
    assert close(program) == 1
    assert lines(site, run)[:3] == PRINTED
    assert lines(site, run)[-1] == "KeyError: 'the end'"


def test_what_a_killed_program_printed_is_sent_by_the_next_agent(site: Site) -> None:
    program = start(site, PRINTING.format(ending="sys.stdout.flush(); os.kill(os.getpid(), 9)"))
    run = run_of(site, program)
    assert close(program) == -9
    assert site.ended(site.start_agent(site.create(epochs=1))) == 0
    assert lines(site, run) == PRINTED


def test_a_console_can_be_kept_out(site: Site) -> None:
    program = start(site, PRINTING.format(ending=""), SWEPT_CONSOLE="off")
    run = run_of(site, program)
    assert close(program) == 0
    assert lines(site, run) == []


def test_only_the_last_checkpoint_is_kept(site: Site) -> None:
    sweep = site.create(epochs=4)
    assert site.ended(site.start_agent(sweep)) == 0
    (run,) = site.runs(sweep)
    names = [path.name for path in (site.home.checkpoints / run["id"]).iterdir()]
    assert [name[:13] for name in names] == ["step-00000003"]


def given(client: Client, sweep: str, request: ClaimRequest) -> Claimed:
    """The same request again gets the same run."""
    return until(lambda: client.claim(sweep, request)["claimed"], "a run is given out")


def test_a_lost_lease_ends_the_program_with_its_own_code(site: Site, tmp_path: Path) -> None:
    sweep = site.create(epochs=1)
    with site.client() as client:
        agent = client.start_agent({"host": "h", "pid": 1, "slots": 1})["id"]
        request: ClaimRequest = {"agent": agent, "host": "h", "request": "one", "wait": 5.0}
        claimed = given(client, sweep, request)
        variables = {
            "SWEPT_URL": client.url,
            "SWEPT_RUN_ID": claimed["run"],
            "SWEPT_LEASE": claimed["lease"],
            "SWEPT_METRIC": "loss",
            "SWEPT_RUN_DIR": str(tmp_path),
        }
        program = start(site, LOOP.format(steps=10_000, pace=0.05), **variables)
        site.wait(lambda: len(site.steps(claimed["run"])) > 2, "some steps are there")
        client.complete(
            claimed["run"],
            {
                "lease": claimed["lease"],
                "outcome": "released",
                "exit_code": None,
                "signal": None,
                "reason": "",
                "tail": [],
            },
        )
        again = given(client, sweep, {**request, "request": "two"})
        assert again["run"] == claimed["run"]
        with program:
            assert program.wait(DEADLINE) == 75
        client.set_state(sweep, "cancelled")
