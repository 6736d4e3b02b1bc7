"""The shapes of the server's API for the page: `python dashboard/schema.py > dashboard/openapi.json`, then `npm run types`.

Only what the page's types follow from is kept: titles and descriptions are other with every release of FastAPI.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import in_memory

_KEPT = ("$ref", "type", "required", "enum", "const")


def schema() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/swept.db")
        try:
            whole = in_memory(store, FakeClock(), Path(folder)).app.openapi()
        finally:
            store.close()
    schemas = whole["components"]["schemas"]
    return {
        "openapi": "3.1.0",
        "info": {"title": "swept", "version": "0"},
        "paths": {},
        "components": {"schemas": {name: _shape(schemas[name]) for name in sorted(schemas)}},
    }


def _shape(told: dict[str, Any]) -> dict[str, Any]:
    shape = {key: told[key] for key in _KEPT if key in told}
    if "properties" in told:
        shape["properties"] = {name: _shape(one) for name, one in told["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(told.get(key), dict):
            shape[key] = _shape(told[key])
        elif key in told:
            shape[key] = told[key]
    if "anyOf" in told:
        shape["anyOf"] = [_shape(one) for one in told["anyOf"]]
    return shape


if __name__ == "__main__":
    json.dump(schema(), sys.stdout, indent=1)
    sys.stdout.write("\n")
