"""The dashboard's pictures in README and guide, from the sweep of `make demo`: `python docs/images/dashboard.py [FOLDER]`.

Needs Debian's chromium, and playwright and Pillow in the environment. FOLDER is where the demo ran, by default
`examples/yolo-cones`; its server is started if it sleeps. The pictures have 256 colours, which is enough for them and
makes them small.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
SWEEP_FILE = "demo_config.yaml"
SCALE = 1.5
AXIS_FROM_EDGE = 28
TO_THE_PANELS = """() => {
  const box = (name) => document.querySelector(name).getBoundingClientRect();
  scrollBy(0, box('.panels').top - box('search.filter').height - 10);
}"""
SETTLED = "() => document.querySelectorAll('.panel canvas').length >= 4"


def main() -> None:
    """Makes all of them anew."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parents[1] / "examples/yolo-cones")
    asked = subprocess.run(
        ["swept", "dashboard", SWEEP_FILE], cwd=folder, check=True, capture_output=True, text=True
    )
    link = asked.stdout.split()[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        # The link logs one browser in; looking from the same machine needs none.
        page = browser.new_page()
        page.goto(link)
        page.wait_for_url("**/sweeps/*")
        sweep = page.url
        page.close()
        take(browser, sweep, "dashboard-light", whole)
        take(browser, sweep, "dashboard-dark", whole, dark=True)
        take(browser, sweep, "dashboard-brush", brushed, height=960)
        take(browser, sweep, "dashboard-compare", compared, height=1000)
        browser.close()


def take(
    browser: Browser,
    sweep: str,
    name: str,
    act: Callable[[Page], None],
    *,
    dark: bool = False,
    height: int = 1212,
) -> None:
    """One picture of 1440 pixels' width, of what is on the screen after `act`."""
    context = browser.new_context(
        viewport={"width": 1440, "height": height},
        device_scale_factor=SCALE,
        color_scheme="dark" if dark else "light",
    )
    page = context.new_page()
    page.goto(sweep)
    page.wait_for_function(SETTLED)
    page.locator(".cards").wait_for()  # health, which comes last
    act(page)
    page.wait_for_timeout(800)  # what follows from it is drawn within some frames
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    image.quantize(256, kmeans=3, dither=Image.Dither.NONE).save(
        HERE / f"{name}.png", optimize=True
    )
    context.close()


def whole(page: Page) -> None:
    """The sweep as it opens."""
    page.mouse.move(0, 0)


def brushed(page: Page) -> None:
    """The better runs, by a brush on the objective's axis, the last one; the best of them is pointed at."""
    page.evaluate(TO_THE_PANELS)
    box = page.locator("[aria-label='Parallel coordinates'] .chart").bounding_box()
    assert box is not None, "the chart is there"
    x = box["x"] + box["width"] - AXIS_FROM_EDGE
    page.mouse.move(x, box["y"] + 0.22 * box["height"])
    page.mouse.down()
    page.mouse.move(x, box["y"] + 0.58 * box["height"], steps=8)
    page.mouse.up()
    page.locator(".chip").wait_for()  # it takes a row of the bar above the panels
    page.evaluate(TO_THE_PANELS)
    page.locator("[aria-label='History'] .chart").hover(position={"x": 5, "y": 5})


def compared(page: Page) -> None:
    """The best, the final training and the two architectures."""
    page.get_by_role("link", name="Compare with the best").click()
    page.get_by_role("heading", name="Accuracy over cost").wait_for()
    page.locator(".plot canvas").first.wait_for()


if __name__ == "__main__":
    main()
