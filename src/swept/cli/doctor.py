"""`swept doctor`: one line a check, each with what mends it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import psutil

from swept import __version__
from swept.cli.output import as_json, data, print_json
from swept.cli.render import size
from swept.connect import connect
from swept.errors import NotFound, SweptError
from swept.home import Home, find

LITTLE_DISK = 5e9  # bytes: a few checkpoints of a small detector
NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "lustre"})
NVIDIA_SECONDS = 10.0
SHOWN = 10
UNSERVED = (
    "the clients went on; what a script misses may be among these. A client newer than this swept asks for more: "
    "docs/reference/wandb-compatibility.md lists what was tried; `swept server status` has all of it"
)
_MARKS = {"good": "ok", "note": "--", "bad": "!!"}


@dataclass(frozen=True, slots=True)
class Check:
    """`verdict`: good | note | bad. `hint` says what mends it."""

    name: str
    verdict: str
    finding: str
    hint: str = ""


@click.command("doctor")
@as_json
def command(as_json: bool) -> int:
    """Check the installation, the server and the disk; exit 1 if something is wrong.

    Example: swept doctor
    """
    checks = [check for examine in CHECKS for check in examine()]
    if as_json:
        print_json({"schema": 1, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            data(f"{_MARKS[check.verdict]}  {check.name:<8} {check.finding}")
            if check.hint:
                data(f"    hint: {check.hint}")
    return 1 if any(check.verdict == "bad" for check in checks) else 0


def _python() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", "good", f"{version} at {sys.executable}, swept {__version__}")
    if sys.platform == "win32":
        yield Check(
            "system",
            "bad",
            "agents need a POSIX system",
            "run `swept agent` under WSL2; the rest works here",
        )


def _home() -> Iterator[Check]:
    try:
        home = find(Path.cwd())
    except SweptError as error:
        yield Check("folder", "bad", error.message, error.hint)
        return
    if home is None:
        yield Check("folder", "note", "no `.swept/` here or above", "`swept launch FILE` makes one")
        return
    yield Check("folder", "good", str(home.path))
    yield from _disk(home)
    yield from _file_system(home)


def _disk(home: Home) -> Iterator[Check]:
    free = shutil.disk_usage(home.path).free
    used = sum(f.stat().st_size for f in home.path.rglob("*") if f.is_file())
    enough = free > LITTLE_DISK
    hint = "" if enough else "`swept gc` removes checkpoints that nothing needs"
    yield Check(
        "disk", "good" if enough else "bad", f"{size(free)} free, `.swept/` has {size(used)}", hint
    )


def _file_system(home: Home) -> Iterator[Check]:
    """SQLite's locks do not hold on network file systems."""
    parents = {str(path) for path in (home.path.resolve(), *home.path.resolve().parents)}
    mounts = [part for part in psutil.disk_partitions(all=True) if part.mountpoint in parents]
    kind = max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else ""
    if kind in NETWORK:
        yield Check(
            "store",
            "bad",
            f"`.swept/` is on a network file system ({kind})",
            "set SWEPT_HOME to a local folder, or use PostgreSQL: swept server --store URL",
        )


def _server() -> Iterator[Check]:
    try:
        client = connect(None, make=False)
    except NotFound:
        return
    except SweptError as error:
        yield Check("server", "bad", error.message, error.hint)
        return
    with client:
        try:
            status = client.status()
        except SweptError as error:
            yield Check("server", "bad", error.message, error.hint)
            return
    same = status["version"] == __version__
    finding = f"{status['url']}, swept {status['version']}, pid {status['pid']}, {status['agents']} agents"
    hint = "" if same else "`swept server stop`; the next command starts this version"
    yield Check("server", "good" if same else "bad", finding, hint)
    yield Check("store", "good", status["store"])
    yield from _unserved(status["unknown"])


def _unserved(counts: Mapping[str, int]) -> Iterator[Check]:
    """What W&B clients asked for in vain, one line for each kind; the last one says what that means."""
    kinds: dict[str, list[str]] = {}
    for name, count in sorted(counts.items()):
        kinds.setdefault(_kind(name), []).append(f"{name} ({count})" if count > 1 else name)
    for index, (kind, names) in enumerate(sorted(kinds.items())):
        more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        last = index == len(kinds) - 1
        yield Check(
            "wandb", "note", f"{kind}: {', '.join(names[:SHOWN])}{more}", UNSERVED if last else ""
        )


def _kind(name: str) -> str:
    """What the server made of it."""
    if " /" in name:
        return "paths that W&B clients asked for, answered 404"
    if name.endswith(")"):
        return "arguments that W&B clients gave, ignored"
    if name.startswith("Mutation."):
        return "changes that W&B clients asked for, not made"
    return "fields that W&B clients asked for, answered with null"


def _gpus() -> Iterator[Check]:
    if shutil.which("nvidia-smi") is None:
        yield Check(
            "gpu", "note", "no nvidia-smi: agents train on the CPU, or on what the program finds"
        )
        return
    query = [
        "nvidia-smi",
        "--query-gpu=index,name,memory.used,memory.total",
        "--format=csv,noheader",
    ]
    try:
        done = subprocess.run(
            query, capture_output=True, text=True, check=True, timeout=NVIDIA_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        yield Check("gpu", "bad", f"nvidia-smi does not answer: {error}", "check the driver")
        return
    for line in done.stdout.splitlines():
        yield Check("gpu", "good", line)


CHECKS: tuple[Callable[[], Iterator[Check]], ...] = (_python, _home, _server, _gpus)
