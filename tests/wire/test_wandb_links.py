"""The addresses that the client prints open the page that they name, also below a proxy's prefix."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.wire.harness import KEY, Client, Server

pytestmark = pytest.mark.slow

SCRIPT = """
import wandb
run = wandb.init(project="links", name="by hand", config={"lr": 0.5})
run.log({"loss": 1.0})
run.finish()
"""


def plays(scenario: Callable[[Client], Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


def opened(server: Server, path: str, prefix: str = "") -> str:
    """The page at `path`. Which view its script shows there is tested in dashboard/src/router.test.ts."""
    headers = {"Authorization": f"Bearer {KEY}", "X-Forwarded-Prefix": prefix}
    page = httpx.get(server.url + path, headers=headers)
    assert page.status_code == 200, (path, page.text)
    assert f'data-root="{prefix}"' in page.text
    scripts = re.findall(r'(?:src|href)="([^"]*/static/[^"]*)"', page.text)
    assert scripts
    for script in scripts:
        assert script.startswith(f"{prefix}/static/app/")
        found = httpx.get(server.url + script.removeprefix(prefix), headers=headers)
        assert found.status_code == 200, script
    return page.text


def asked(server: Server, path: str) -> dict[str, Any]:
    """What the API says of the run or sweep that an address of W&B's names."""
    kind, identity = path.split("/")[3:5]
    answer = httpx.get(
        f"{server.url}/api/{kind}/{identity}", headers={"Authorization": f"Bearer {KEY}"}
    )
    found: dict[str, Any] = answer.json()
    return found


def links(client: Client) -> dict[str, Any]:
    printed = client.run("-c", SCRIPT)
    text = "program: x.py\nmethod: random\nproject: links\nparameters: {lr: {min: 0.0, max: 1.0}}\n"
    (client.folder / "sweep.yaml").write_text(text)
    printed += client.run("-m", "wandb", "sweep", "--name", "linked", "sweep.yaml")
    found = re.findall(
        rf"{client.server.url}(/local/links\S*)", re.sub(r"\x1b\[[\d;]*m", "", printed)
    )
    paths = sorted({urlsplit(path).path for path in found})
    return {"server": client.server, "folder": client.folder, "paths": paths}


def _one(told: dict[str, Any], kind: str) -> str:
    found: str = next(path for path in told["paths"] if f"/{kind}/" in path)
    return found


@plays(links)
@pytest.mark.feature("Public API", "the links that the client prints open the matching page")
def test_printed_links_open_their_page(told: dict[str, Any]) -> None:
    server = told["server"]
    assert "/local/links" in told["paths"]
    for path in told["paths"]:
        opened(server, path)
    assert asked(server, _one(told, "runs"))["name"] == "by hand"
    assert asked(server, _one(told, "sweeps"))["name"] == "linked"


@plays(links)
def test_each_view_of_a_run_opens_its_run(told: dict[str, Any]) -> None:
    run, sweep = _one(told, "runs"), _one(told, "sweeps")
    for view in ("overview", "logs", "files", "files/media/table", "artifacts", "workspace"):
        opened(told["server"], f"{run}/{view}")
    opened(told["server"], f"{sweep}/workspace")
    for view in ("workspace", "table", "sweeps", "runs", "artifacts"):
        opened(told["server"], f"/local/links/{view}")
    opened(told["server"], "/local/links/artifacts/model/net/v3/files")


@plays(links)
def test_links_work_below_a_prefix(told: dict[str, Any]) -> None:
    opened(told["server"], _one(told, "runs"), "/below/it")


@plays(links)
def test_an_unknown_id_is_said_to_be_unknown(told: dict[str, Any]) -> None:
    for kind in ("runs", "sweeps"):
        opened(told["server"], f"/local/links/{kind}/nobody00")
        said = asked(told["server"], f"/local/links/{kind}/nobody00")
        assert said["message"] == f"there is no {kind.removesuffix('s')} `nobody00`"
