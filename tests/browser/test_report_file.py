"""The report, opened from the disk as somebody does who got it by mail."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import RUNS, Cones
from tests.browser.looks import findings, is_dark, is_light, settled, sideways
from tests.browser.test_hostile import INJECTED
from tests.browser.test_hostile import hostile as hostile  # a fixture of that module, and of this
from tests.browser.test_selection import axis, count_of, expect_everywhere
from tests.browser.test_views import expect_painted
from tests.browser.watched import Watched

from swept.testing.site import Site


def written(site: Site, sweep: str, path: Path) -> str:
    subprocess.run(
        [sys.executable, "-m", "swept", "report", sweep, "-o", str(path)],
        env=site.environment,
        cwd=site.folder,
        check=True,
        capture_output=True,
    )
    return path.as_uri()


@pytest.fixture(scope="module")
def file(site: Site, cones: Cones, tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(site, cones.sweep, tmp_path_factory.mktemp("report") / "a report, für alle.html")


@pytest.fixture
def reader(browser: Browser) -> Iterator[Watched]:
    made = Watched(browser, "file://")
    yield made
    made.close()
    assert made.problems() == []


def opened(reader: Watched, file: str, *, scripts: bool = True) -> Page:
    page = reader.context(height=2600, scripts=scripts).new_page()
    page.goto(file)
    return page


def test_it_is_the_dashboard_and_asks_for_nothing(reader: Watched, file: str) -> None:
    page = opened(reader, file)
    expect(page.get_by_role("heading", name="cones", level=1)).to_be_visible()
    expect(count_of(page)).to_have_text(f"{RUNS} of {RUNS} runs")
    expect(page.get_by_role("banner")).to_contain_text("as of")
    expect(page.locator("#summary")).to_be_hidden()
    for panel in ("Parallel coordinates", "Learning curves", "History", "One parameter"):
        expect_painted(page.get_by_role("region", name=panel, exact=True))
    importance = page.get_by_role("region", name="Importance")
    expect(importance.get_by_role("group", name=re.compile("mportance"))).to_contain_text("lr")
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    axis(page, "lr").focus()
    page.keyboard.press("b")
    expect(page).to_have_url(re.compile(r"#.*b\.lr="))
    told = count_of(page)
    expect(told).not_to_have_text(f"{RUNS} of {RUNS} runs")
    kept = int(told.inner_text().split()[0])
    expect_everywhere(page, kept)
    page.reload()
    expect_everywhere(page, kept)
    page.go_back()
    expect_everywhere(page, RUNS)
    assert {url.partition("#")[0] for url in reader.requests if url.startswith("file:")} == {file}


def test_the_model_over_two_parameters_is_in_it(reader: Watched, file: str) -> None:
    page = opened(reader, file)
    page.get_by_label("Second parameter").select_option(index=1)
    panel = page.get_by_role("region", name="Two parameters")
    expect_painted(panel)
    expect(panel).not_to_contain_text("The model is asked")
    expect(panel).not_to_contain_text("Without the model")


def test_runs_and_comparisons_are_in_it(reader: Watched, file: str) -> None:
    page = opened(reader, file)
    page.get_by_role("region", name="Overview").get_by_role("link").first.click()
    expect(page.get_by_role("tab", name="Metrics")).to_be_visible()
    expect_painted(page.get_by_role("group", name=re.compile("map")).first)
    page.get_by_role("tab", name="Configuration").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("optimizer")
    page.go_back()
    expect(page.get_by_role("heading", name="cones", level=1)).to_be_visible()
    for place in range(2):
        page.get_by_role("checkbox", name=re.compile("^Choose")).nth(place).check()
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", name="Comparing 2 runs")).to_be_visible()


def test_without_scripts_and_in_print_there_is_the_summary(reader: Watched, file: str) -> None:
    page = opened(reader, file, scripts=False)
    summary = page.locator("#summary")
    expect(summary).to_be_visible()
    expect(summary).to_contain_text("cones")
    expect(summary.locator("svg").first).to_be_visible()
    expect(summary.get_by_role("table").first).to_be_visible()
    printed = opened(reader, file)
    expect(count_of(printed)).to_have_text(f"{RUNS} of {RUNS} runs")
    printed.emulate_media(media="print", color_scheme="dark")
    expect(printed.locator("#summary")).to_be_visible()
    assert printed.evaluate(
        "['color', 'background-color'].map((name) => getComputedStyle(document.body)[name])"
    ) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]


def test_it_is_light_and_dark_and_narrow_and_in_nobodys_way(reader: Watched, file: str) -> None:
    page = opened(reader, file)
    expect(count_of(page)).to_have_text(f"{RUNS} of {RUNS} runs")
    assert is_light(page)
    assert findings(page) == []
    page.emulate_media(color_scheme="dark")
    assert is_dark(page)
    assert findings(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert sideways(page) == []
    plain = opened(reader, file, scripts=False)
    plain.set_viewport_size({"width": 390, "height": 844})
    screen = 390
    wide = settled(
        plain.locator("html").bounding_box, lambda box: box is not None and box["width"] <= screen
    )
    assert wide is not None
    assert wide["width"] <= screen


def test_hostile_names_are_text_in_it_too(
    reader: Watched, site: Site, hostile: dict[str, str], tmp_path: Path
) -> None:
    page = opened(reader, written(site, hostile["sweep"], tmp_path / "hostile.html"))
    expect(count_of(page)).to_have_text("4 of 4 runs")
    expect(page.get_by_role("heading", level=1)).to_contain_text("<img src=x onerror=")
    assert page.evaluate(INJECTED) == []
    assert page.evaluate("window.hacked") is None
