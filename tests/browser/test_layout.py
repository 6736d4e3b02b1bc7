"""What comes late moves nothing that is being read, and texts of any length take a few lines."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect
from tests.browser.conftest import Cones
from tests.browser.watched import Watched

from swept.testing.site import until

WATCH_SHIFTS = """() => {
  window.shifts = [];
  const told = (entries) => window.shifts.push(...entries.filter((one) => !one.hadRecentInput).map((one) => ({
    value: one.value,
    moved: one.sources.map(({node, previousRect: from, currentRect: to}) =>
      `${node?.outerHTML?.slice(0, 120) ?? node?.nodeName} ${from.x},${from.y} ${from.height} -> ${to.x},${to.y} ${to.height}`),
  })));
  window.shiftObserver = new PerformanceObserver((list) => told(list.getEntries()));
  window.shiftObserver.observe({type: "layout-shift", buffered: true});
}"""
SHIFTS = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
  window.shifts.push(...window.shiftObserver.takeRecords().filter((one) => !one.hadRecentInput)
    .map((one) => ({value: one.value, moved: []})));
  done(window.shifts);
}))))"""

LATE = ("progress", "health", "forecasts", "importance", "slice")


class Held:
    """Answers of the server that wait until the test lets them go."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._waiting: dict[str, list[Route]] = {name: [] for name in LATE}
        self._free: set[str] = set()
        page.route(re.compile(rf"/api/sweeps/[^/]+/({'|'.join(LATE)})\b"), self._hold)

    def _hold(self, route: Route) -> None:
        name = route.request.url.partition("?")[0].rpartition("/")[2]
        if name in self._free:
            route.continue_()
        else:
            self._waiting[name].append(route)

    def release(self, name: str) -> None:
        self._free.add(name)
        for route in self._waiting.pop(name, []):
            route.continue_()


@pytest.mark.parametrize(
    ("width", "height"), [(390, 844), (848, 800), (1440, 900), (1440, 3200), (2560, 1440)]
)
def test_what_the_server_works_out_later_moves_nothing(
    watched: Watched, cones: Cones, width: int, height: int
) -> None:
    page = watched.context(width=width, height=height).new_page()
    held = Held(page)
    page.goto(f"{watched.url}/sweeps/{cones.sweep}")
    expect(page.get_by_role("status").filter(has_text=re.compile("24 of 24 runs"))).to_be_visible()
    expect(page.get_by_role("region", name="Agents and slots")).to_be_attached()
    health = page.get_by_role("region", name="Health")
    expect(health).to_contain_text("looking at failures")
    page.evaluate(WATCH_SHIFTS)
    held.release("progress")
    expect(page.get_by_role("region", name="Overview")).not_to_contain_text("…")
    held.release("health")
    expect(health.get_by_role("listitem").first).to_be_visible()
    held.release("forecasts")
    held.release("importance")
    expect(page.get_by_role("group", name=re.compile("mportance"))).to_be_attached()
    held.release("slice")
    expect(page.get_by_role("region", name="One parameter")).not_to_contain_text("is fitted")
    assert page.evaluate(SHIFTS) == []


@pytest.mark.parametrize("width", [390, 1440])
def test_every_column_of_the_table_can_be_scrolled_to(
    watched: Watched, cones: Cones, width: int
) -> None:
    page = watched.context(width=width).new_page()
    page.goto(f"{watched.url}/sweeps/{cones.sweep}")
    row = page.get_by_role("grid", name="Runs").get_by_role("row").nth(1)
    cell = row.get_by_role("gridcell").last
    there = """(cell) => {
      const {left, top, width, height} = cell.getBoundingClientRect();
      return cell.contains(document.elementFromPoint(left + width / 2, top + height / 2));
    }"""

    def comes_into_sight() -> bool:
        cell.scroll_into_view_if_needed()
        return bool(cell.evaluate(there))

    until(comes_into_sight, "the last column can be scrolled to")
