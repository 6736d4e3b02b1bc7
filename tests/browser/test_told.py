"""What is to be known of a run before it is compared with others: its file's version, what it ran with, why it ended."""

from __future__ import annotations

import csv
import json
import re
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.looks import settled, sideways
from tests.browser.stage import SWEEP, Stage
from tests.browser.test_views import expect_painted
from tests.browser.watched import Watched

REASON = "Traceback: " + "something broke in a module of a very long name, " * 200
SCREEN = 900


@pytest.fixture(scope="module")
def changed(stage: Stage) -> dict[str, Any]:
    """Two runs, a change of the file, and two more: one ran with a smaller batch, one failed with 10 kB of words."""
    spec: dict[str, Any] = {**SWEEP, "name": "changed", "swept": {"epochs": "epochs"}}
    sweep = stage.sweep(spec)
    early = [stage.begin(sweep) for _ in range(2)]
    for part in early:
        part.train()
        part.end()
    wider = {**spec["parameters"], "momentum": {"min": 0.5, "max": 0.98}}
    text = json.dumps({**spec, "parameters": wider})
    stage.client.update_spec(sweep, {"text": text, "path": ""})
    late = [stage.begin(sweep) for _ in range(4)]
    late[0].really({**late[0].config, "batch": 7})
    for part in late:
        part.train()
        part.end(*(("failed", REASON) if part is not late[0] else ()))
    return {"sweep": sweep, "early": early, "ran": late[0], "failed": late[1]}


def tall(watched: Watched, changed: dict[str, Any]) -> Page:
    """All panels in sight: what is out of sight is not drawn."""
    page = watched.context(height=2600).new_page()
    page.goto(f"{watched.url}/sweeps/{changed['sweep']}")
    return page


def rows(page: Page) -> Locator:
    return page.get_by_role("grid", name="Runs").get_by_role("row")


def test_runs_of_an_earlier_file_are_marked_and_can_be_filtered(
    watched: Watched, changed: dict[str, Any]
) -> None:
    page = watched.page(f"/sweeps/{changed['sweep']}")
    expect(rows(page).filter(has_text="v1 of the sweep's file")).to_have_count(2)
    for part in changed["early"]:
        expect(rows(page).filter(has_text=part.name)).to_contain_text("v1")
    page.get_by_role("searchbox", name="Filter of runs").fill("spec_version < 2")
    expect(page.get_by_role("search").get_by_role("status")).to_have_text("2 of 6 runs")
    page.get_by_role("searchbox", name="Filter of runs").fill('"file version" = 2')
    expect(page.get_by_role("search").get_by_role("status")).to_have_text("4 of 6 runs")


def test_the_table_and_the_hover_say_what_really_ran(
    watched: Watched, changed: dict[str, Any]
) -> None:
    page = tall(watched, changed)
    ran = changed["ran"]
    row = rows(page).filter(has_text=ran.name)
    expect(row).to_contain_text(f"{ran.config['batch']} →, ran with 7")
    expect(row.get_by_title(f"{ran.config['batch']}, ran with 7")).to_have_count(1)
    parallel = page.get_by_role("region", name="Parallel coordinates")
    expect(parallel).to_contain_text("axes show what was suggested: 1 run ran with other values")
    row.hover()
    expect(parallel.get_by_text(f"{ran.config['batch']} → 7")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV").click()
    table = list(csv.DictReader(waiting.value.path().read_text().splitlines()))
    (line,) = (line for line in table if line["id"] == ran.run)
    assert (line["batch"], line["effective.batch"]) == (str(ran.config["batch"]), "7")
    assert all(one["effective.batch"] == one["batch"] for one in table if one is not line)


def test_ten_kilobytes_of_reason_are_a_few_lines_until_somebody_asks(
    watched: Watched, changed: dict[str, Any]
) -> None:
    for width in (1440, 390):
        page = watched.page(f"/sweeps/{changed['sweep']}", width=width)
        health = page.get_by_role("region", name="Health")
        expect(health.get_by_role("listitem").first).to_be_visible()
        # No element of text fills the screen.
        assert settled(partial(tallest, page), not_tall) < SCREEN / 2
        assert sideways(page) == []
        evidence = health.get_by_text("evidence").first
        evidence.click()
        line = health.get_by_text("Traceback").first
        assert settled(partial(height, line), lambda tall: tall < 100) < 100
        health.get_by_role("button", name="show all", exact=True).first.click()
        assert settled(partial(height, line), lambda tall: tall > 100) > 100
        health.get_by_role("button", name="show less").click()
        expect(health.get_by_role("button", name="show less")).to_have_count(0)


def test_a_tooltip_of_a_long_reason_is_short(watched: Watched, changed: dict[str, Any]) -> None:
    page = tall(watched, changed)
    for name in ("History", "Agents and slots"):
        panel = page.get_by_role("region", name=name)
        expect_painted(panel)
        chart = panel.locator('[aria-roledescription="chart"]')
        chart.focus()
        tip = panel.locator(".chart-tooltip")
        for _ in range(8):
            page.keyboard.press("ArrowRight")
            expect(tip).to_be_visible()
            if "Traceback" in tip.inner_text():
                break
        expect(tip).to_contain_text("all of it on the run's page")
        assert height(tip) < 200
    page.get_by_role("region", name="Agents and slots").get_by_role(
        "button", name="Figures"
    ).click()
    assert settled(partial(tallest, page), not_tall) < SCREEN / 2


def test_the_pair_of_parameters_is_walked_by_keyboard(
    watched: Watched, changed: dict[str, Any]
) -> None:
    page = tall(watched, changed)
    page.get_by_label("Second parameter").select_option(index=1)
    panel = page.get_by_role("region", name="Two parameters")
    expect_painted(panel)
    chart = panel.locator('[aria-roledescription="chart"]')
    expect(chart).to_have_attribute("aria-label", re.compile(" and "))
    chart.focus()
    tip = panel.locator(".chart-tooltip")
    seen = set()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
        expect(tip).to_be_visible()
        seen.add(tip.inner_text())
    assert len(seen) > 2
    expect(panel.locator('[aria-live="polite"]')).to_contain_text("#")
    page.keyboard.press("Enter")
    expect(rows(page).and_(page.locator(".current"))).to_have_count(1)


def height(element: Locator) -> float:
    box = element.bounding_box()
    assert box is not None
    return box["height"]


def not_tall(found: float) -> bool:
    return found < SCREEN / 2


def tallest(page: Page) -> float:
    """Of the elements that hold text of their own."""
    found: float = page.evaluate(
        """() => Math.max(...[...document.querySelectorAll("main *")]
          .filter((node) => node.offsetHeight && [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim()))
          .filter((node) => !node.closest("pre, details:not([open])"))
          .map((node) => node.getBoundingClientRect().height))"""
    )
    return found
