"""What `swept.show` gives, in a notebook's page: as light or dark as the notebook, and of use where it is not trusted."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import RUNS, Cones
from tests.browser.watched import PATIENCE_MS

from swept.testing.site import Site

DARK = "() => matchMedia('(prefers-color-scheme: dark)').matches"


@pytest.fixture(scope="module")
def output(site: Site, cones: Cones) -> str:
    script = f"import swept; print(swept.show({cones.sweep!r})._repr_html_())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=site.environment,
        cwd=site.folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.parametrize("light", ["true", "false"])
def test_the_board_is_as_light_as_the_notebook(browser: Browser, output: str, light: str) -> None:
    """JupyterLab says on its body which it is. The browser itself prefers light here, and is not told otherwise."""
    context = browser.new_context(color_scheme="null")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.set_content(f'<body data-jp-theme-light="{light}">{output}</body>')
    board = page.frame_locator("iframe")
    expect(board.get_by_role("heading", name="cones", level=1)).to_be_visible()
    expect(board.get_by_role("search").get_by_role("status")).to_have_text(f"{RUNS} of {RUNS} runs")
    (frame,) = page.frames[1:]
    assert frame.evaluate(DARK) is (light == "false")
    expect(page.get_by_text("once you trust this notebook")).to_be_hidden()
    context.close()


def test_without_trust_it_says_what_to_do(browser: Browser, output: str) -> None:
    """Notebooks take styles and frames out of what they do not trust."""
    context = browser.new_context()
    page = context.new_page()
    page.set_content(re.sub(r"<style>.*?</style>|<iframe.*?</iframe>", "", output, flags=re.DOTALL))
    expect(page.get_by_text("once you trust this notebook")).to_be_visible()
    expect(page.get_by_role("link")).to_have_attribute("href", re.compile("/sweeps/"))
    context.close()
