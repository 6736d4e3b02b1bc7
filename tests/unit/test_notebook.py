"""A sweep in a notebook: what is displayed, and that it can do nothing but be looked at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

import swept
from swept.notebook import Shown
from swept.report.document import Bundle, document
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import KEY, Served, in_memory, over_http

BUILT = Path(swept.__file__).parent / "server/static/app/report.css"
SWEEP = """
method: random
name: cones
program: train.py
metric: {name: map, goal: maximize}
parameters: {lr0: {min: 0.001, max: 0.1}}
"""
needs_page = pytest.mark.skipif(not BUILT.exists(), reason="the dashboard is not built here")


class Frame(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    @property
    def frame(self) -> dict[str, str | None]:
        (only,) = (attributes for tag, attributes in self.found if tag == "iframe")
        return only


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    store = open_store(f"sqlite:///{tmp_path}/swept.db", identities=SeededIdentities(1))
    with over_http(in_memory(store, FakeClock(), tmp_path / "files")) as over:
        yield over
    store.close()


def test_the_frame_holds_the_report_and_has_no_origin() -> None:
    html = document('a "b" <c> & d', "<h1>&lt;x&gt;</h1>", '{"a": 1}', Bundle("run()", "b{}"))
    shown = Shown("abc", "http://127.0.0.1:1/sweeps/abc", html, 600)
    frame = Frame(shown._repr_html_()).frame
    assert frame["srcdoc"] == html
    assert frame["sandbox"] is not None
    allowed = frame["sandbox"].split()
    assert "allow-scripts" in allowed
    assert {"allow-same-origin", "allow-top-navigation", "allow-forms"}.isdisjoint(allowed)
    assert "height:600px" in (frame["style"] or "")
    assert "src" not in frame
    assert repr(shown) == "sweep abc, live at http://127.0.0.1:1/sweeps/abc"


@needs_page
def test_show_finds_the_sweep_and_no_key_is_in_what_it_shows(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEPT_URL", served.url)
    monkeypatch.setenv("SWEPT_API_KEY", KEY)
    with served.client() as client:
        sweep = client.create_sweep({"text": SWEEP, "path": "", "mode": "create"})["id"]
    shown = swept.show(height=500)
    assert shown.sweep == sweep
    text = shown._repr_html_()
    assert "cones" in text
    assert f'href="{served.url}/sweeps/{sweep}"' in text
    assert KEY not in text
    assert "token=" not in text


def test_importing_swept_imports_no_notebook() -> None:
    script = (
        "import swept, sys; sys.exit('swept.notebook' in sys.modules or 'IPython' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@needs_page
@pytest.mark.slow
def test_in_a_real_notebook_the_sweep_is_the_cells_output(served: Served, tmp_path: Path) -> None:
    """Run by nbclient in an IPython kernel, as Jupyter does."""
    pytest.importorskip("ipykernel")
    pytest.importorskip("nbclient")
    with served.client() as client:
        sweep = client.create_sweep({"text": SWEEP, "path": "", "mode": "create"})["id"]
    cell: dict[str, object] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "one",
        "metadata": {},
        "outputs": [],
        "source": f"import swept\nswept.show('{sweep}')",
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": [cell]}
    (tmp_path / "book.ipynb").write_text(json.dumps(book))
    data = tmp_path / "jupyter"
    for command in (
        [sys.executable, "-m", "ipykernel", "install", "--prefix", str(data)],
        [sys.executable, "-c", "from nbclient.cli import main; main()", "--inplace", "book.ipynb"],
    ):
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={
                **os.environ,
                "SWEPT_URL": served.url,
                "SWEPT_API_KEY": KEY,
                "JUPYTER_PATH": str(data / "share/jupyter"),
                "JUPYTER_RUNTIME_DIR": str(data / "runtime"),
                "JUPYTER_CONFIG_DIR": str(data / "config"),
                "IPYTHONDIR": str(tmp_path / "ipython"),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        assert done.returncode == 0, done.stderr[-3000:]
    saved = json.loads((tmp_path / "book.ipynb").read_text())
    (output,) = saved["cells"][0]["outputs"]
    assert output["output_type"] == "execute_result"
    assert "sweep " in "".join(output["data"]["text/plain"])
    html = "".join(output["data"]["text/html"])
    assert "cones" in (Frame(html).frame["srcdoc"] or "")
