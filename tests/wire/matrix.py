"""`make matrix`: the wire tests with each version of the client, one after the other; then the compatibility page.

    python -m tests.wire.matrix                    all versions, and the newest on PyPI
    python -m tests.wire.matrix 0.23.1 0.26.1      only these, added to what the others came to before
    python -m tests.wire.matrix --page             only the page, from what is there

What each feature came to is kept in build/wandb-results.json.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.wire.compatibility import PAGE, page
from tests.wire.documents import main as documents
from tests.wire.harness import MATRIX, NEWEST, ROOT
from tests.wire.results import read

RESULTS = ROOT / "build" / "wandb-results.json"
WIRE = Path("tests") / "wire"
INTEGRATIONS = WIRE / "test_wandb_integrations.py"
ABOUT_THE_PAGE = WIRE / "test_wandb_compatibility.py"
REST = (str(WIRE), f"--ignore={INTEGRATIONS}", f"--ignore={ABOUT_THE_PAGE}")


def newest_released() -> str:
    """The newest version that pip's index has; ours, if it cannot be asked."""
    command = [sys.executable, "-m", "pip", "index", "versions", "wandb"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.match(r"wandb \(([\d.]+)\)", done.stdout)
    if found is None:
        sys.stderr.write(f"pip's index did not say which wandb is the newest: {done.stderr}\n")
    return found[1] if found else NEWEST


def tried(version: str, *arguments: str, versioned: bool) -> bool:
    """One run of pytest, whose results are added to the file."""
    asked = {"SWEPT_WANDB": version, "SWEPT_WIRE_RESULTS": str(RESULTS), "SWEPT_TEST_ALL": "1"}
    asked |= {"SWEPT_TEST_INTEGRATIONS": "1", "OMP_NUM_THREADS": "1", "YOLO_OFFLINE": "true"}
    if versioned:
        asked["SWEPT_VERSIONED"] = "1"
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    sys.stdout.write(f"\n== wandb {version}: {' '.join(arguments)}\n")
    sys.stdout.flush()
    return (
        subprocess.run(command, cwd=ROOT, env={**os.environ, **asked}, check=False).returncode == 0
    )


def all_tried(versions: Sequence[str], first: str) -> bool:
    """Every version; what no client takes part in once, with the first one."""
    subprocess.run(["make", *(f".venvs/wandb-{one}/.done" for one in versions if one != NEWEST)], cwd=ROOT, check=True)  # fmt: skip
    good = [documents([*versions]) == 0]
    for version in versions:
        good.append(tried(version, *REST, versioned=version != first))
    for version in versions:
        good.append(tried(version, str(INTEGRATIONS), versioned=version != first))
    return all(good)


def main(arguments: Sequence[str]) -> int:
    asked = [one for one in arguments if one != "--page"]
    versions = list(dict.fromkeys([*MATRIX, newest_released()]))
    if not arguments:
        RESULTS.unlink(missing_ok=True)
    good = "--page" in arguments or all_tried(asked or versions, first=versions[0])
    shown = sorted({*versions, *asked}, key=lambda one: [int(part) for part in one.split(".")])
    PAGE.write_text(page(read(RESULTS), shown, datetime.now(UTC).date()))
    complete = subprocess.run([sys.executable, "-m", "pytest", "-q", ABOUT_THE_PAGE], cwd=ROOT, check=False)  # fmt: skip
    return 0 if good and complete.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
