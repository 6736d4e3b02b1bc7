"""What is printed: all panels, light, as wide as a sheet; the browser makes no frame between its word and the picture."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect
from tests.browser.conftest import Cones
from tests.browser.test_views import expect_painted
from tests.browser.watched import Watched

SHEET = 700
"""A4 or letter between its margins, in CSS pixels."""

PANELS = """() => [...document.querySelectorAll("section.panel, .plotcard")].map((panel) => [
  panel.getAttribute("aria-label"),
  Math.round(panel.getBoundingClientRect().width),
  [...panel.querySelectorAll("canvas")].reduce((sum, {width, height}) => sum + width * height, 0),
  [...panel.querySelectorAll("canvas")].some((canvas) => {
    const empty = Object.assign(document.createElement("canvas"), {width: canvas.width, height: canvas.height});
    return canvas.toDataURL() !== empty.toDataURL();
  }),
])"""
TABLE = """() => {
  const runs = document.querySelector('[role="grid"]');
  return [runs.scrollWidth, runs.clientWidth, Number(getComputedStyle(runs).zoom)];
}"""
GROUND = "() => getComputedStyle(document.documentElement).backgroundColor"
WORD = "word => { dispatchEvent(new Event(word)); }"


def printed(page: Page) -> tuple[list[Any], str]:
    """What stands there when the browser's word has been heard, in the same turn."""
    found = page.evaluate(
        f"async () => {{ ({WORD})('beforeprint'); await null; for (let i = 0; i < 20; i += 1) await null;"
        f" return [({PANELS})(), ({GROUND})()]; }}"
    )
    return found[0], found[1]


def test_a_sweep_is_printed_whole(watched: Watched, cones: Cones) -> None:
    page = watched.page(f"/sweeps/{cones.sweep}", scheme="dark")
    expect_painted(page.get_by_role("region", name="Parallel coordinates"))
    # The panels below the first screen are a file of their own.
    expect(page.get_by_role("region", name="Agents and slots").locator("canvas")).to_have_count(1)
    dark = page.evaluate(GROUND)
    panels, ground = printed(page)
    assert ground == "rgb(255, 255, 255)"
    assert max(width for _, width, *_ in panels) <= SHEET
    drawn = {name: painted for name, _, area, painted in panels if area}
    assert {"Learning curves", "History", "Agents and slots"} <= drawn.keys()
    assert all(drawn.values()), drawn
    heads = page.get_by_role("grid", name="Runs").get_by_role("columnheader")
    assert heads.all_inner_texts()[:3] == ["run", "state", "map"]
    assert heads.count() > 4, "parameters have room"
    width, room, zoom = page.evaluate(TABLE)
    assert width <= room + 1
    assert zoom > 0.75, "it can be read"
    page.evaluate(WORD, "afterprint")
    assert page.evaluate(GROUND) == dark
    # For real, which is heard by nobody else: no error, and the screen is as it was.
    assert page.pdf().startswith(b"%PDF")
    assert page.evaluate(GROUND) == dark
    expect(page.locator("html.paper")).to_have_count(0)


def test_a_run_is_printed_with_all_its_charts(watched: Watched, cones: Cones) -> None:
    page = watched.page(f"/runs/{cones.runs[0]}", scheme="dark", width=390)
    expect_painted(page.get_by_role("group", name="val/map", exact=True).first)
    panels, ground = printed(page)
    assert ground == "rgb(255, 255, 255)"
    assert len(panels) > 1
    assert all(painted for *_, painted in panels), panels
