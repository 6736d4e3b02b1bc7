"""What programs and people write is shown as they wrote it, and does nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.looks import sideways
from tests.browser.stage import Stage
from tests.browser.test_looks import show_figures
from tests.browser.watched import Watched

IMAGE = "<img src=x onerror=window.hacked=1>"
SCRIPT = "</script><script>window.hacked=1</script>"
ODD = "a\u2028b\u2029c\u202ed\u0007e\u0000f\u001b[31mg\u200bh"
LONG = "long " * 2000
UNBROKEN = "x" * 10_000
JS = "javascript:window.hacked=1"


@pytest.fixture(scope="module")
def hostile(stage: Stage) -> dict[str, str]:
    spec: dict[str, Any] = {
        "name": f"{IMAGE}{SCRIPT}",
        "program": "train.py",
        "method": "grid",
        "metric": {"name": f"loss{IMAGE}", "goal": "minimize"},
        "parameters": {
            "lr": {"values": [f"{IMAGE} 1", SCRIPT, UNBROKEN]},
            "constructor": {"values": ["__proto__", "toString"]},
        },
    }
    sweep = stage.sweep(spec, project=f"<i>project</i> {JS}")
    runs = []
    for place in range(4):
        part = stage.begin(sweep)
        for step in (1, 2):
            part.log(
                step,
                {
                    f"loss{IMAGE}": 1.0 / step + place,
                    SCRIPT: 0.5,
                    ODD.replace("\x00", ""): 1.0,
                    UNBROKEN: 2.0,
                    "__proto__": 3.0,
                    "said": f"{IMAGE}{SCRIPT}",
                },
            )
        part.print(IMAGE, SCRIPT, ODD, LONG, UNBROKEN, f"\x1b]8;;{JS}\x07link\x1b]8;;\x07")
        reason = f"{IMAGE}{SCRIPT} {UNBROKEN}"
        part.end("failed" if place % 2 else "finished", reason)
        runs.append(part.run)
    hand = stage.by_hand(
        f"<i>project</i> {JS}",
        f"{IMAGE} {UNBROKEN}"[:10_000],
        {IMAGE: SCRIPT, "list": [IMAGE, {"a": UNBROKEN}]},
    )
    hand.keep(f"media/html/{'x' * 100}.html", f"{SCRIPT}<h1>page</h1>".encode())
    hand.keep("<img src=x onerror=alert(1)>.svg", b"<svg onload='window.hacked=1'/>")
    hand.log(
        1,
        {
            IMAGE: {"_type": "html-file", "path": f"media/html/{'x' * 100}.html"},
            "lie": {
                "_type": "image-file",
                "path": JS,
                "caption": IMAGE,
                "width": 1e9,
                "height": -1,
            },
            "odd": {"_type": "histogram", "bins": "none", "values": IMAGE},
            "loss": 1.0,
        },
    )
    hand.print(IMAGE)
    hand.end("finished", IMAGE)
    return {"sweep": sweep, "run": runs[0], "other": runs[1], "hand": hand.run}


VIEWS = {
    "sweeps": ("/", IMAGE),
    "sweep": ("/sweeps/{sweep}", f"{IMAGE}{SCRIPT}"),
    "figures": ("/sweeps/{sweep}", f"{IMAGE} 1"),
    "metrics": ("/runs/{run}", SCRIPT),
    "configuration": ("/runs/{run}?tab=configuration", "constructor"),
    "console": ("/runs/{run}?tab=console", SCRIPT),
    "story": ("/runs/{run}?tab=story", "train it"),
    "by hand": ("/runs/{hand}", IMAGE),
    "media": ("/runs/{hand}?tab=media", IMAGE),
    "files": ("/runs/{hand}?tab=files", "<img src=x onerror=alert(1)>.svg"),
    "configured": ("/runs/{hand}?tab=configuration", SCRIPT),
    "compare": ("/compare?runs={run},{other},{hand}", IMAGE),
    "project": (
        "/projects/%3Ci%3Eproject%3C%2Fi%3E%20javascript:window.hacked=1",
        "<i>project</i>",
    ),
}
INJECTED = """() => [...document.querySelectorAll('img, script, a, i')].filter((node) =>
  node.getAttribute('src') === 'x' || (node.getAttribute('href') ?? '').startsWith('javascript:')
  || (node.textContent.includes('hacked') && ['SCRIPT', 'I'].includes(node.tagName)
    && !node.src && !node.id)
  || node.getAttribute('onerror') !== null).map((node) => node.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("view", VIEWS)
def test_it_is_text(watched: Watched, hostile: dict[str, str], view: str) -> None:
    path, text = VIEWS[view]
    watched.allowed.append(r"404 \(Not Found\)")  # of files that a hostile run only names
    page = watched.page(path.format(**hostile))
    if view == "figures":
        show_figures(page)
    expect_text(page, text)
    assert page.evaluate(INJECTED) == []
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("({}).hacked") is None
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert sideways(page) == []


def expect_text(page: Page, text: str) -> None:
    expect(page.get_by_role("main").get_by_text(text).first).to_be_attached()


def test_they_can_be_brushed_filtered_and_held_by_the_address(
    watched: Watched, hostile: dict[str, str]
) -> None:
    page = watched.page(f"/sweeps/{hostile['sweep']}")
    count = page.get_by_role("search").get_by_role("status")
    expect(count).to_have_text("4 of 4 runs")
    page.get_by_label("Second parameter").select_option("constructor")
    axis = page.locator('g[aria-roledescription="axis"]').first
    axis.focus()
    page.keyboard.press("b")
    expect(page).to_have_url(re.compile(r"b\.lr="))
    # the address is written once the brush rests: what is kept by then stands
    before = count.inner_text()
    page.reload()
    expect(count).to_have_text(before)
    page.get_by_role("button", name="Exclude").click()
    expect(page.get_by_role("searchbox", name="Filter of runs")).to_have_value(re.compile("not"))
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("searchbox", name="Filter of runs").fill(f'"{IMAGE}"')
    assert page.evaluate("window.hacked") is None
