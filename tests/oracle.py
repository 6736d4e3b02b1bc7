"""Where the tests find W&B's own search, `sweeps` 0.3.0: in an environment of its own, because it needs numpy < 2."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def sweeps_python() -> str:
    """The interpreter of that environment. Without one the test is skipped; it fails where all tests were asked for."""
    default = Path(__file__).parents[1] / ".venvs" / "sweeps-0.3.0" / "bin" / "python"
    python = os.environ.get("SWEPT_SWEEPS_PYTHON", str(default))
    if not Path(python).exists():
        reason = f"no sweeps 0.3.0 at {python} (SWEPT_SWEEPS_PYTHON names another): `make test` installs it"
        if os.environ.get("SWEPT_TEST_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return python
