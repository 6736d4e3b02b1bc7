"""One selection for all panels: brushes, the filter, the keyboard, and the address that holds it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import RUNS, Cones
from tests.browser.stage import Stage
from tests.browser.watched import Toasts, Watched

from swept.testing.site import until

TALL = 2600


@pytest.fixture
def configs(stage: Stage, cones: Cones) -> list[Mapping[str, Any]]:
    return [run["config"] for run in stage.client.sweep(cones.sweep)["runs"]]


@pytest.fixture
def page(watched: Watched, cones: Cones) -> Page:
    """All panels in sight: what is out of sight is not drawn."""
    page = watched.context(height=TALL).new_page()
    page.goto(f"{watched.url}/sweeps/{cones.sweep}")
    expect(count_of(page)).to_have_text(f"{RUNS} of {RUNS} runs")
    expect(page.get_by_role("group", name="Slice along")).to_be_visible()
    expect(axis(page, "lr")).to_be_visible()
    return page


def count_of(page: Page) -> Locator:
    return page.get_by_role("search").get_by_role("status")


def axis(page: Page, label: str) -> Locator:
    return page.get_by_role("group", name=re.compile(rf"^{label}, .*axis \d+ of"))


def axes(page: Page) -> list[str]:
    found = page.locator('g[aria-roledescription="axis"]').evaluate_all(
        "nodes => nodes.map(node => node.getAttribute('aria-label'))"
    )
    return [label.split(",")[0] for label in found]


def drag_along(page: Page, where: Locator, upper: float, lower: float) -> None:
    """From one part of its height to another, in the middle."""
    box = where.bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 2
    page.mouse.move(x, box["y"] + upper * box["height"])
    page.mouse.down()
    page.mouse.move(x, box["y"] + (upper + lower) / 2 * box["height"], steps=3)
    page.mouse.move(x, box["y"] + lower * box["height"], steps=3)
    page.mouse.up()


def brush_in_address(page: Page, column: str) -> tuple[float, float]:
    expect(page).to_have_url(re.compile(rf"[?&]b\.{re.escape(column)}="))
    (text,) = parse_qs(urlsplit(page.url).query)[f"b.{column}"]
    low, high = text.split("~")
    return float(low), float(high)


def expect_everywhere(page: Page, kept: int) -> None:
    """Every panel speaks of so many runs."""
    expect(count_of(page)).to_have_text(f"{kept} of {RUNS} runs")
    told = f"{RUNS} runs" if kept == RUNS else f"{kept} of {RUNS} runs"
    svg = page.get_by_role("group", name=re.compile(r"^cones: "))
    expect(svg).to_have_attribute("aria-label", re.compile(rf"^cones: {kept} of {RUNS} runs"))
    for chart in ("Learning curves of", "History", "Slice along"):
        expect(page.get_by_role("group", name=re.compile(f"^{chart}"))).to_contain_text(told)
    grid = page.get_by_role("grid", name="Runs")
    expect(grid).to_have_attribute("aria-rowcount", str(kept + 1))
    if kept <= 12:  # those out of sight are no elements
        expect(grid.get_by_role("row")).to_have_count(kept + 1)


def test_a_brush_on_an_axis_narrows_all_panels(
    page: Page, configs: list[Mapping[str, Any]]
) -> None:
    drag_along(page, axis(page, "lr").locator("line"), 0.25, 0.6)
    low, high = brush_in_address(page, "lr")
    kept = sum(low <= config["lr"] <= high for config in configs)
    assert 0 < kept < RUNS
    expect_everywhere(page, kept)


def test_a_table_below_the_screen_follows_a_brush(
    watched: Watched, cones: Cones, configs: list[Mapping[str, Any]]
) -> None:
    page = watched.context().new_page()
    page.goto(f"{watched.url}/sweeps/{cones.sweep}")
    grid = page.get_by_role("grid", name="Runs")
    expect(grid).to_have_attribute("aria-rowcount", str(RUNS + 1))
    expect(grid).not_to_be_in_viewport()
    drag_along(page, axis(page, "lr").locator("line"), 0.25, 0.6)
    low, high = brush_in_address(page, "lr")
    kept = sum(low <= config["lr"] <= high for config in configs)
    expect(grid).to_have_attribute("aria-rowcount", str(kept + 1))


def test_a_second_range_and_another_axis(page: Page, configs: list[Mapping[str, Any]]) -> None:
    line = axis(page, "momentum").locator("line")
    drag_along(page, line, 0.0, 0.3)
    page.keyboard.down("Shift")
    drag_along(page, line, 0.7, 1.0)
    page.keyboard.up("Shift")
    expect(page).to_have_url(re.compile(r"b\.momentum=[\d.]+%7E[\d.]+%2C[\d.]+%7E[\d.]+"))
    (text,) = parse_qs(urlsplit(page.url).query)["b.momentum"]
    ranges = [tuple(map(float, part.split("~"))) for part in text.split(",")]

    def inside(config: Mapping[str, Any]) -> bool:
        return any(low <= config["momentum"] <= high for low, high in ranges)

    expect_everywhere(page, sum(map(inside, configs)))
    page.get_by_label("Only so many of the best").fill("3")
    expect_everywhere(page, 3)


def test_a_brush_in_the_history_narrows_the_axes(page: Page, stage: Stage, cones: Cones) -> None:
    panel = page.get_by_role("group", name="History")
    drag_along(page, panel, 0.2, 0.5)
    low, high = brush_in_address(page, "value")
    runs = stage.client.sweep(cones.sweep)["runs"]
    kept = sum(isinstance(run["value"], float) and low <= run["value"] <= high for run in runs)
    assert 0 < kept < RUNS
    expect_everywhere(page, kept)
    expect(axis(page, "(val.)?map")).to_have_attribute("aria-label", re.compile("brush"))


def test_the_filter_is_a_language(page: Page, stage: Stage, cones: Cones) -> None:
    page.keyboard.press("/")
    page.keyboard.type("optimizer = SGD and lr <= 0.01 and not state:failed")
    kept = sum(
        run["config"]["optimizer"] == "SGD"
        and run["config"]["lr"] <= 0.01
        and run["state"] != "failed"
        for run in stage.client.sweep(cones.sweep)["runs"]
    )
    assert 0 < kept < RUNS, "the baseline is among them"
    expect_everywhere(page, kept)
    page.get_by_role("searchbox", name="Filter of runs").fill("valeu > 1")
    expect(page.get_by_role("alert")).to_contain_text("did you mean “value”")


def test_the_address_holds_the_view(page: Page, configs: list[Mapping[str, Any]]) -> None:
    drag_along(page, axis(page, "lr").locator("line"), 0.25, 0.6)
    low, high = brush_in_address(page, "lr")
    first = sum(low <= config["lr"] <= high for config in configs)
    expect_everywhere(page, first)
    page.reload()
    expect_everywhere(page, first)
    page.get_by_label("Only so many of the best").fill("2")
    expect(page).to_have_url(re.compile("top=2"))
    expect_everywhere(page, 2)
    page.go_back()
    expect_everywhere(page, first)
    page.go_forward()
    expect_everywhere(page, 2)
    page.go_back()
    expect_everywhere(page, first)
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page).not_to_have_url(re.compile(r"\?"))
    expect(count_of(page)).to_have_text(f"{RUNS} of {RUNS} runs")
    page.go_back()
    expect_everywhere(page, first)


def test_back_and_forward_between_views(page: Page, watched: Watched, cones: Cones) -> None:
    page.goto(f"{watched.url}/")
    page.locator(f'a[href="/sweeps/{cones.sweep}"]').click()
    page.get_by_role("grid", name="Runs").get_by_role("link").first.click()
    expect(page.get_by_role("tab", name="Metrics")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("grid", name="Runs")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Sweeps", exact=True)).to_be_visible()
    page.go_forward()
    page.go_forward()
    expect(page.get_by_role("tab", name="Metrics")).to_be_visible()


def tab_until(page: Page, there: Callable[[], bool]) -> None:
    for _ in range(80):
        if there():
            return
        page.keyboard.press("Tab")
    raise AssertionError("the Tab key does not come there")


def test_brush_and_reorder_with_the_keyboard_alone(
    page: Page, configs: list[Mapping[str, Any]]
) -> None:
    here = "() => document.activeElement?.getAttribute('aria-label') ?? ''"
    tab_until(page, lambda: page.evaluate(here).startswith("lr, "))
    page.keyboard.press("b")
    low, high = brush_in_address(page, "lr")
    expect_everywhere(page, sum(low <= config["lr"] <= high for config in configs))
    for key in (*["ArrowDown"] * 4, "Shift+ArrowUp"):
        # One after the other: the address is written when the brush rests, and there it says where that came to.
        before = page.url
        page.keyboard.press(key)
        expect(page).not_to_have_url(before)
    low, high = brush_in_address(page, "lr")
    kept = sum(low <= config["lr"] <= high for config in configs)
    expect_everywhere(page, kept)
    page.keyboard.press("ArrowRight")
    expect(axis(page, "lr")).to_have_attribute("aria-label", re.compile("axis 2 of"))
    assert axes(page)[:2] == ["momentum", "lr"]
    assert page.evaluate(here).startswith("lr, "), "the focus stays with the axis"
    page.keyboard.press("f")
    expect(axis(page, "lr")).to_have_attribute("aria-label", re.compile("flipped"))
    expect_everywhere(page, kept)
    page.keyboard.press("Delete")
    expect(count_of(page)).to_have_text(f"{RUNS} of {RUNS} runs")
    page.keyboard.press("h")
    expect(axis(page, "lr")).to_have_count(0)


def test_an_axis_is_dragged_to_another_place(page: Page) -> None:
    before = axes(page)
    box = axis(page, "lr").locator("text").last.bounding_box()
    goal = axis(page, "batch").locator("line").bounding_box()
    assert box is not None
    assert goal is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(goal["x"] + 20, box["y"] + 4, steps=8)
    page.mouse.up()
    expect(page).to_have_url(re.compile("axes="))
    expect(axis(page, "lr")).to_have_attribute("aria-label", re.compile("axis 3 of"))
    assert sorted(axes(page)) == sorted(before)


def test_through_the_runs_with_the_keyboard(page: Page, cones: Cones) -> None:
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("region", name="Chosen runs")).to_contain_text("2 runs chosen")
    expect(page).to_have_url(re.compile("pick="))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard and filter")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("k")
    best = page.get_by_role("grid", name="Runs").get_by_role("row").nth(1)
    expect(best).to_have_class(re.compile("current"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/runs/"))
    page.go_back()
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", name="Comparing 2 runs")).to_be_visible()


def test_a_dialog_asked_for_again_in_the_turn_that_closes_it_is_shown(page: Page) -> None:
    help_ = page.get_by_role("dialog", name="Keyboard and filter")
    page.keyboard.press("?")
    again = """(button) => {
        button.click();
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true, cancelable: true }));
        return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    }"""
    help_.get_by_role("button", name="Close").evaluate(again)
    expect(help_).to_be_visible()
    page.keyboard.press("Escape")
    expect(help_).to_have_count(0)
    page.keyboard.press("?")
    expect(help_).to_be_visible()


def test_a_menu_closes_by_escape_by_a_press_elsewhere_and_by_another_menu(page: Page) -> None:
    columns = page.locator("details.menu", has=page.get_by_text("Columns", exact=True))
    copy = page.locator("details.menu", has=page.get_by_text("Copy #"))
    row = page.get_by_role("grid", name="Runs").get_by_role("row").nth(1)
    page.keyboard.press("j")
    columns.locator("summary").click()
    columns.get_by_role("checkbox", name="momentum").click()
    expect(columns).to_have_attribute("open", "")
    copy.locator("summary").click()
    expect(columns).not_to_have_attribute("open", "")
    expect(copy).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(copy).not_to_have_attribute("open", "")
    expect(copy.locator("summary")).to_be_focused()
    expect(row).to_have_class(re.compile("current"))  # Escape was the menu's
    columns.locator("summary").click()
    page.get_by_role("heading", level=1).click()
    expect(columns).not_to_have_attribute("open", "")
    # Escape in the very turn that opens it, before anything is drawn: no key is lost.
    columns.locator("summary").evaluate(
        """(summary) => {
            summary.click();
            const key = { key: "Escape", bubbles: true, cancelable: true };
            summary.dispatchEvent(new KeyboardEvent("keydown", key));
        }"""
    )
    expect(columns).not_to_have_attribute("open", "")


def test_values_as_they_were_at_a_step(page: Page, stage: Stage, cones: Cones) -> None:
    curves = {run["number"]: run["curve"] for run in stage.client.sweep(cones.sweep)["runs"]}
    page.get_by_role("slider", name="Values as they were at a step").fill("2")
    expect(page).to_have_url(re.compile("step=2"))
    history = page.get_by_role("group", name="History")
    (baseline,) = (value for step, value in curves[1] if step == 2)
    expect(history).to_contain_text(f"the baseline has {baseline:.4g}")
    told = re.search(r"the best is #(\d+) with ([\d.]+)", history.inner_text())
    assert told is not None
    (value,) = (value for step, value in curves[int(told[1])] if step == 2)
    assert told[2] == f"{value:.4g}"


def test_a_copied_configuration_and_csv(page: Page, watched: Watched, cones: Cones) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=watched.url)
    page.get_by_text("Copy #").click()
    toasts = Toasts(page)
    page.get_by_role("button", name="as JSON").click()
    toasts.expect("JSON copied")
    assert '"optimizer"' in page.evaluate("navigator.clipboard.readText()")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV").click()
    text = waiting.value.path().read_text()
    assert waiting.value.suggested_filename == "cones.csv"
    assert len(text.strip().splitlines()) == 1 + RUNS


def test_the_order_of_the_table_is_in_the_address(page: Page, cones: Cones, stage: Stage) -> None:
    grid = page.get_by_role("grid", name="Runs")
    head = grid.get_by_role("columnheader", name="momentum")
    first = grid.get_by_role("row").nth(1)
    runs = stage.client.sweep(cones.sweep)["runs"]
    largest = max(runs, key=lambda run: run["config"]["momentum"])
    before = first.inner_text()
    head.get_by_role("button").click()
    expect(page).to_have_url(re.compile(r"[?&]sort=down\.momentum"))
    expect(first).to_contain_text(f"#{largest['number']} ")
    page.reload()
    expect(first).to_contain_text(f"#{largest['number']} ")
    expect(head).to_have_attribute("aria-sort", "descending")
    page.go_back()
    expect(first).to_have_text(before.replace("\n", ""), use_inner_text=False)


def test_the_first_column_stays_where_the_table_is_scrolled_aside(
    watched: Watched, cones: Cones
) -> None:
    page = watched.page(f"/sweeps/{cones.sweep}", width=700)
    grid = page.get_by_role("grid", name="Runs")
    first = grid.get_by_role("row").nth(1).get_by_role("gridcell").first
    expect(first).to_be_visible()
    beside = (
        "([grid, cell]) => cell.getBoundingClientRect().left - grid.getBoundingClientRect().left"
    )

    def left() -> float:
        return float(page.evaluate(beside, [grid.element_handle(), first.element_handle()]))

    def sticky() -> bool:
        return bool(first.evaluate("(cell) => getComputedStyle(cell).position") == "sticky")

    assert left() == 0
    # Sticky cells are layers, each a cost of every frame of the page: only where there is something to stay beside.
    assert not sticky()
    grid.evaluate("(grid) => (grid.scrollLeft = 300)")
    until(lambda: sticky() and left() == 0, "the first column stays")
    grid.evaluate("(grid) => (grid.scrollLeft = 0)")
    until(lambda: not sticky() and left() == 0, "it is a column as the others")


def test_where_trainings_ended_early_a_step_that_all_have_is_a_click_away(
    watched: Watched, stage: Stage
) -> None:
    sweep = stage.sweep(name="early")
    whole, short = stage.begin(sweep), stage.begin(sweep)
    whole.train()
    whole.end()
    short.train(2)
    short.end("stopped", "it was behind at a rung")
    page = watched.page(f"/sweeps/{sweep}")
    panel = page.get_by_role("region", name="Parallel coordinates")
    expect(panel).to_contain_text("1 run ended early")
    expect(page.get_by_role("region", name="One parameter")).to_contain_text("hollow: ended early")
    panel.get_by_role("button", name="step 2 compares all").click()
    expect(page).to_have_url(re.compile("step=2"))
    expect(panel).not_to_contain_text("ended early")
