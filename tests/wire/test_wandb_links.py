"""The addresses that the client prints open the page that they name, also below a proxy's prefix."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.wire.harness import KEY, Client, Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("node") is None, reason="needs node, to run the page's script"),
]

BROWSER = r"""
const [, , file, script, address, server, prefix] = process.argv;
const texts = [], asked = [];
class Node {
  append(...all) { texts.push(...all.filter((one) => typeof one === "string")); }
  setAttribute(name, value) { if (name === "href") texts.push(`-> ${value}`); }
  replaceChildren() {}
  querySelectorAll() { return []; }
}
globalThis.Node = Node;
globalThis.document = { currentScript: { src: script }, getElementById: () => new Node(),
  createElement: () => new Node(), createElementNS: () => new Node() };
globalThis.location = new URL(address);
globalThis.EventSource = class { constructor(url) { asked.push(url); } addEventListener() {} };
const really = globalThis.fetch;
globalThis.fetch = (path) => { asked.push(path); return really(server + path.slice(prefix.length)); };
require(file);
process.on("exit", () => console.log(JSON.stringify({ texts, asked })));
"""

SCRIPT = """
import wandb
run = wandb.init(project="links", name="by hand", config={"lr": 0.5})
run.log({"loss": 1.0})
run.finish()
"""


def plays(scenario: Callable[[Client], Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


@dataclass
class Page:
    texts: list[str]
    asked: list[str]


def opened(server: Server, folder: Path, path: str, prefix: str = "") -> Page:
    """What the page at `path` asks its server for, and shows."""
    headers = {"Authorization": f"Bearer {KEY}", "X-Forwarded-Prefix": prefix}
    page = httpx.get(server.url + path, headers=headers)
    assert page.status_code == 200, (path, page.text)
    assert f'src="{prefix}/static/page.js"' in page.text
    assert f'href="{prefix}/static/page.css"' in page.text
    script, browser = folder / "page.js", folder / "browser.js"
    script.write_text(httpx.get(server.url + "/static/page.js").text)
    browser.write_text(BROWSER)
    origin = f"http://proxy.example{prefix}"
    addresses = [f"{origin}/static/page.js", f"{origin}{path}", server.url, prefix]
    done = subprocess.run(
        ["node", str(browser), str(script), *addresses],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return Page(**json.loads(done.stdout.splitlines()[-1]))


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
    assert "/local/links" in told["paths"]
    for path in told["paths"]:
        page = opened(told["server"], told["folder"], path)
        kind, _, identity = path.removeprefix("/local/links").lstrip("/").partition("/")
        assert page.asked[0] == (f"/api/{kind}/{identity}" if kind else "/api/sweeps")
        assert {"": "by hand", "runs": "by hand", "sweeps": "linked"}[kind] in page.texts


@plays(links)
def test_each_view_of_a_run_opens_its_run(told: dict[str, Any]) -> None:
    run, sweep = _one(told, "runs"), _one(told, "sweeps")
    for view in ("overview", "logs", "files", "files/media/table", "artifacts", "workspace"):
        assert "by hand" in opened(told["server"], told["folder"], f"{run}/{view}").texts
    assert "linked" in opened(told["server"], told["folder"], f"{sweep}/workspace").texts
    for view in ("workspace", "table", "sweeps", "runs", "artifacts"):
        assert "by hand" in opened(told["server"], told["folder"], f"/local/links/{view}").texts
    artifact = opened(told["server"], told["folder"], "/local/links/artifacts/model/net/v3/files")
    assert "Artifact links/net:v3" in artifact.texts


@plays(links)
def test_links_work_below_a_prefix(told: dict[str, Any]) -> None:
    run = _one(told, "runs")
    page = opened(told["server"], told["folder"], run, "/below/it")
    assert page.asked[0].startswith("/below/it/api/runs/")
    assert "by hand" in page.texts
    assert "-> /below/it/runs/" in " ".join(
        opened(told["server"], told["folder"], "/local/links", "/below/it").texts
    )


@plays(links)
def test_an_unknown_id_is_said_to_be_unknown(told: dict[str, Any]) -> None:
    for kind in ("runs", "sweeps"):
        page = opened(told["server"], told["folder"], f"/local/links/{kind}/nobody00")
        assert f"there is no {kind.removesuffix('s')} `nobody00`" in page.texts
    assert "No sweeps in nowhere" in opened(told["server"], told["folder"], "/local/nowhere").texts
