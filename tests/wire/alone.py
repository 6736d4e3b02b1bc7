"""Server, client and both agents, with nothing but a loopback interface: `python -m tests.wire.alone VERSION FOLDER`.

Run by test_wandb_isolation.py in a network namespace of its own. Prints what came of it as JSON.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sys
from pathlib import Path
from typing import Any

from tests.wire.harness import PATIENCE, Client, Server, environment

PROJECT = "alone"
SCRIPT = (
    f"program: train.py\nproject: {PROJECT}\nmethod: grid\n"
    "metric: {name: loss, goal: minimize}\nparameters: {lr: {values: [0.1]}}\n"
)
NATIVE = (
    f"program: native.py\nproject: {PROJECT}\nmethod: grid\n"
    "metric: {name: loss, goal: minimize}\n"
    "parameters: {lr: {values: [0.1]}, steps: {value: 3}, pause: {value: 0}}\n"
    f"command: [{sys.executable}, '${{program}}']\n"
)


def lost() -> int:
    """How often anything in this namespace wanted to send something to where no route leads, by the kernel's count."""
    names, counts = (
        line.split()
        for line in Path("/proc/net/snmp").read_text().splitlines()
        if line.startswith("Ip:")
    )
    found = re.search(r"Ip6OutNoRoutes\s+(\d+)", Path("/proc/net/snmp6").read_text())
    return int(counts[names.index("OutNoRoutes")]) + (int(found[1]) if found else 0)


def try_elsewhere() -> None:
    with socket.socket() as one, contextlib.suppress(OSError):
        one.connect(("192.0.2.1", 443))  # an address for documentation


def played(client: Client) -> dict[str, Any]:
    """What people do: a script, a sweep under the real agent, one under swept's."""
    client.run("everything.py", PROJECT)
    sweep = client.sweep(SCRIPT)
    with client.agent(sweep, PROJECT) as agent:
        code = agent.wait(timeout=PATIENCE)
    own = client.create(NATIVE)
    client.swept("agent", own)
    by_hand = client.server.get(f"/api/runs?project={PROJECT}")
    before = lost()
    try_elsewhere()
    return {
        "interfaces": [name for _, name in socket.if_nameindex()],
        "lost": before,
        "lost after a try": lost(),
        "agent": code,
        "by hand": [run["state"] for run in by_hand if run["sweep"] is None],
        "swept": [run["state"] for one in (sweep, own) for run in client.server.runs(one)],
    }


def main(version: str, folder: Path) -> None:
    server = Server(folder / "server")
    try:
        server.start()
        client = Client(version, environment(version), server, folder / "client")
        sys.stdout.write("TOLD " + json.dumps(played(client)) + "\n")
    finally:
        server.end()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
