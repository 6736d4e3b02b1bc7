"""Every view, light and dark, narrow and wide, without a serious finding of axe-core."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Cones
from tests.browser.looks import findings, is_dark, is_light, sideways
from tests.browser.stage import Stage
from tests.browser.test_views import square
from tests.browser.watched import Watched

NARROW = 390
WIDE = 2560


@pytest.fixture(scope="package")
def gallery(stage: Stage) -> str:
    """A run with a bit of everything on its tabs."""
    run = stage.by_hand("gallery", "of everything", {"lr": 0.1, "a" * 60: "b" * 300})
    run.keep("media/images/a.png", square())
    run.keep("a folder/with a rather long name of a file in it, for narrow screens.txt", b"text")
    picture = {"_type": "image-file", "path": "media/images/a.png", "width": 2, "height": 2}
    for step in (1, 2):
        run.log(
            step,
            {
                "loss": 1.0 / step,
                "val/a metric with a long name, longer than a narrow screen is wide": 0.5,
                "picture": picture,
                "weights": {"_type": "histogram", "bins": [0, 1, 2], "values": [3, step]},
            },
        )
    colours = "".join(f"\x1b[{code}m colour {code} \x1b[0m" for code in (*range(30, 38), 90, 97))
    run.print(colours, "a" * 300, "\x1b[41mon red\x1b[0m")
    run.measure({"system.cpu": 12.5})
    run.end()
    return run.run


Settled = Callable[[Page], None]


def shows(role: str, name: str) -> Settled:
    def settled(page: Page) -> None:
        # The role is one of those that Playwright names.
        expect(page.locator(f"internal:role={role}[name=/{name}/]").first).to_be_visible()

    return settled


def whole_sweep(page: Page) -> None:
    expect(page.get_by_role("status").filter(has_text=re.compile("24 of 24 runs"))).to_be_visible()
    expect(page.get_by_role("region", name="Health")).to_be_visible()
    importance = page.get_by_role("region", name="Importance")
    importance.scroll_into_view_if_needed()
    expect(importance.get_by_role("group", name=re.compile("mportance"))).to_contain_text("lr")


def tab_has(text: str) -> Settled:
    def settled(page: Page) -> None:
        expect(page.get_by_role("tabpanel")).to_contain_text(text)

    return settled


VIEWS: dict[str, tuple[str, Settled]] = {
    "sweeps": ("/", shows("heading", "^Sweeps$")),
    "sweep": ("/sweeps/{sweep}", whole_sweep),
    "project": ("/projects/gallery", shows("heading", "Runs in gallery")),
    "metrics": ("/runs/{run}", tab_has("loss")),
    "media": ("/runs/{run}?tab=media", tab_has("weights")),
    "configuration": ("/runs/{run}?tab=configuration", tab_has("lr")),
    "console": ("/runs/{run}?tab=console", tab_has("colour 30")),
    "system": ("/runs/{run}?tab=system", tab_has("CPU")),
    "files": ("/runs/{run}?tab=files", tab_has("long name of a file")),
    "story": ("/runs/{searched}?tab=story", tab_has("Why it was chosen")),
    "compare": ("/compare?runs={searched},{failed}", shows("heading", "Comparing 2 runs")),
    "artifact": ("/local/gallery/artifacts/model/net/v3", shows("heading", "Artifact")),
    "login": ("/login?token=used", shows("heading", "does not log in")),
    "none": ("/sweeps/nothing", shows("alert", "")),
}
EXPECTED = [r"404 \(Not Found\)", r"401 \(Unauthorized\)"]


@pytest.fixture
def visit(watched: Watched, cones: Cones, gallery: str) -> Callable[[Page, str], None]:
    watched.allowed += EXPECTED

    def visit(page: Page, view: str) -> None:
        path, settled = VIEWS[view]
        page.goto(
            watched.url
            + path.format(
                sweep=cones.sweep, run=gallery, searched=cones.runs[1], failed=cones.failed[0]
            )
        )
        settled(page)

    return visit


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_in_nobodys_way(
    watched: Watched, visit: Callable[[Page, str], None], view: str
) -> None:
    page = watched.context().new_page()
    visit(page, view)
    assert is_light(page)
    assert findings(page) == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("matchMedia('(prefers-color-scheme: dark)').matches")
    assert is_dark(page)
    assert findings(page) == []
    for width in (NARROW, WIDE):
        page.set_viewport_size({"width": width, "height": 900})
        assert sideways(page) == [], width


def show_figures(page: Page) -> None:
    """Behind each chart that has some; the button is then called otherwise."""
    buttons = page.get_by_role("button", name="Figures", exact=True)
    while buttons.count():
        buttons.first.click()


def test_what_lies_over_the_page(watched: Watched, visit: Callable[[Page, str], None]) -> None:
    """Help, the login dialog, menus, figures, a brush, a wrong filter."""
    page = watched.context().new_page()
    visit(page, "sweep")
    page.get_by_role("button", name="Help").click()
    expect(page.get_by_role("dialog", name="Keyboard and filter")).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("dialog", name="Not logged in")).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("Escape")
    for menu in ("Axes", "Save", "Scales", "Columns"):
        page.locator("summary").filter(has_text=re.compile(f"^{menu}")).click()
        assert findings(page) == []
    show_figures(page)
    page.get_by_role("searchbox", name="Filter of runs").fill("valeu > 1")
    page.get_by_label("Only so many of the best").fill("3")
    page.get_by_role("checkbox", name=re.compile("^Choose")).first.check()
    expect(page.get_by_role("alert")).to_be_visible()
    assert findings(page) == []
    page.emulate_media(color_scheme="dark")
    assert findings(page) == []


def test_a_page_opened_in_the_dark_is_dark(
    watched: Watched, visit: Callable[[Page, str], None]
) -> None:
    page = watched.context(scheme="dark").new_page()
    visit(page, "sweep")
    assert is_dark(page)
    ticks = page.locator('g[aria-roledescription="axis"] text').first
    fill = ticks.evaluate("node => getComputedStyle(node).fill")
    assert min(map(int, re.findall(r"\d+", fill)[:3])) > 150, "charts know it too"
    page.emulate_media(color_scheme="light")
    page.wait_for_function(
        "([node, dark]) => getComputedStyle(node).fill !== dark",
        arg=[ticks.element_handle(), fill],
    )


def test_a_brush_by_touch(watched: Watched, visit: Callable[[Page, str], None]) -> None:
    """Raw input: Playwright's own touch knows taps alone."""
    page = watched.context(width=NARROW, height=844, touch=True).new_page()
    visit(page, "sweep")
    assert sideways(page) == []
    line = page.locator('g[aria-roledescription="axis"] line').first
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    assert box is not None
    raw = page.context.new_cdp_session(page)
    x = box["x"] + box["width"] / 2
    places = [box["y"] + part * box["height"] for part in (0.2, 0.3, 0.45, 0.6)]
    for kind, y in zip(("touchStart", "touchMove", "touchMove", "touchMove"), places, strict=True):
        raw.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    raw.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page).to_have_url(re.compile(r"b\.lr="))
    raw.detach()
