"""Plays jobs in one environment: a JSON line in, a JSON line out.

    {"job": {…}, "key": "…"}  →  {"result": {…}} or {"error": "…", "key": "…"}

What libraries print goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any, TextIO

from job import Job, play


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": play(Job(**asked["job"]), asked["key"]).line()}
    except Exception as error:  # noqa: BLE001 - whatever a library raises is its result
        last = traceback.format_exc().splitlines()[-6:]
        text = f"{type(error).__name__}: {error}"
        return {"error": text, "where": "\n".join(last), "key": asked["key"]}


def main() -> None:
    out = _own_output()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=out, flush=True)


def _own_output() -> TextIO:
    """Standard output for the answers alone."""
    kept = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return kept


if __name__ == "__main__":
    main()
