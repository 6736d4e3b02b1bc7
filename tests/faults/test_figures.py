"""What the machine does, measured by a real agent around real programs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from swept.testing.site import CLOCK, Site

PACE = 0.1
CARDS = """\
#!/bin/sh
case "$1" in
*power.draw*) echo '0, GPU-a, 50, 20, 1024, 4096, 61, 200.0, 400.0'
              echo '1, GPU-b, 70, 30, 2048, 4096, 65, 300.0, 400.0';;
*) echo '0, GPU-a, Card A'; echo '1, GPU-b, Card B';;
esac
"""
BARE = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "x = bytearray(64 << 20); print(1, flush=True); input()"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
while not os.path.exists("enough"):
    time.sleep(0.05)
child.communicate(b"\\n")
"""


def cards(site: Site) -> None:
    program = site.folder / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(CARDS)
    program.chmod(0o755)
    site.environment["PATH"] = f"{program.parent}:{os.environ['PATH']}"


def system(site: Site, run: str) -> Sequence[Mapping[str, Any]]:
    record = site.home.server()
    if record is None:
        return []
    try:
        answer = httpx.get(
            f"{record.url}/api/runs/{run}/history",
            params={"stream": "system"},
            trust_env=False,
            timeout=60,
        )
    except httpx.HTTPError:
        return []
    found: Sequence[Mapping[str, Any]] = answer.raise_for_status().json()
    return found


def test_a_program_without_any_sdk_is_measured_with_its_children_and_its_gpu(site: Site) -> None:
    cards(site)
    (site.folder / "bare.py").write_text(BARE)
    site.environment["SWEPT_FIGURES_SECONDS"] = "0.2"
    sweep = site.create(program="bare.py")
    agent = site.start_agent(sweep, "--gpus", "1", "--count", "1")
    site.wait(lambda: site.runs(sweep), "there is a run")
    (run,) = site.runs(sweep)

    def with_its_child() -> bool:
        return any(
            row["metrics"]["system.proc.memory.rssMB"] > 64 for row in system(site, run["id"])
        )

    site.wait(with_its_child, "it is measured while it runs, and its child too")
    site.wait(lambda: len(system(site, run["id"])) > 2, "it is measured again")
    (site.folder / "enough").touch()
    assert site.ended(agent) == 0, site.said(agent)
    rows = system(site, run["id"])
    last = rows[-1]["metrics"]
    assert last["system.proc.cpu.percent"] >= 0
    assert last["system.gpu.1.powerWatts"] == 300.0
    assert last["system.gpu.1.memoryAllocated"] == 50.0
    assert not [name for name in last if name.startswith("system.gpu.0.")]
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)


def test_figures_outlast_a_lost_connection_and_a_driver_that_fails(site: Site) -> None:
    cards(site)
    (site.folder / "bin" / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")
    site.environment["SWEPT_FIGURES_SECONDS"] = "0.2"
    sweep = site.create(epochs=6, **site.held(at=3))
    agent = site.start_agent(sweep, "--gpus", "none")
    run = site.when_step(sweep, 2)
    site.kill_server()
    away = CLOCK.now()

    def meanwhile() -> Sequence[Mapping[str, Any]]:
        back = site.ask(lambda client: client.status()["started"]) or away
        return [row for row in system(site, run["id"]) if away < row["time"] < back]

    site.wait(meanwhile, "what was measured without a server is there")
    site.let_go()
    assert site.ended(agent) == 0, site.said(agent)
    (run,) = site.runs(sweep)
    assert run["state"] == "finished"
    rows = system(site, run["id"])
    assert not [name for row in rows for name in row["metrics"] if ".gpu." in name]
