"""What is measured of swept's page."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
from benchmarks.dashboard.browser import Load, opened
from benchmarks.dashboard.hidden import HiddenTab
from benchmarks.dashboard.study import Study
from playwright.sync_api import FloatRect, Page, Playwright

from swept.client import Client
from swept.clock import SystemClock
from swept.wire.agents import ClaimRequest
from swept.wire.reports import Report

AXE = Path(__file__).parents[2] / "dashboard/node_modules/axe-core/axe.min.js"
TALL = 2400
"""A screen on which all panels are to be seen, the table too."""
BRUSHES = 15
HOVERS = 30
SETTLED_MS = 3000
MODELLED = 'watch.answered("/importance")'
CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Paint:
    """Milliseconds since the navigation: lines in both charts and rows in the table; all lines drawn."""

    useful: float
    whole: float


@dataclass(frozen=True, slots=True)
class Answered:
    """Milliseconds from an event of the mouse to the end of the next frame, and of the first in which all was drawn."""

    frame: float
    done: float


def page_of(url: str, study: Study) -> str:
    return f"{url}/sweeps/{study.sweep}"


def paint(load: Load, address: str) -> Paint:
    load.page.goto(address, wait_until="commit")
    useful = load.page.evaluate("watch.when(watch.swept.useful)")
    return Paint(useful, load.page.evaluate("watch.when(watch.swept.whole)"))


def settled(load: Load, address: str) -> Page:
    """Loaded, drawn, and left alone for a while."""
    paint(load, address)
    load.page.wait_for_timeout(SETTLED_MS)
    load.page.evaluate("watch.when(watch.swept.quiet)")
    return load.page


# -- brush and hover ------------------------------------------------------------------------------


def brush(page: Page) -> list[Answered]:
    """A mouse draws a range on the axis of momentum, larger from move to move, up to about half of its height."""
    axis = 'g[aria-roledescription="axis"][aria-label^="momentum"] line'
    return drag(page, axis, "watch.swept.quiet")


def drag(page: Page, axis: str, holds: str) -> list[Answered]:
    """The mouse goes down along what `axis` selects, and on when `holds`, a JavaScript function, says so.

    Pointer events are listened to: of mouse events a page that drags by them lets nobody else hear (d3, for one).
    """
    box = _box(page, axis)
    x, top, height = box["x"] + box["width"] / 2, box["y"], box["height"]
    page.mouse.move(x, top + 0.03 * height)
    page.mouse.down()
    page.mouse.move(x, top + 0.06 * height)
    page.evaluate(f"watch.when({holds})")
    parts = [0.1 + 0.45 * place / BRUSHES for place in range(BRUSHES)]
    found = _answers(page, holds, [(x, top + part * height) for part in parts])
    page.mouse.up()
    return found


def hover_parallel(page: Page) -> list[Answered]:
    return _hover(page, "Parallel coordinates", _NAMED)


def hover_curves(page: Page) -> list[Answered]:
    return _hover(page, "Learning curves", _TOOLTIP)


def _hover(page: Page, panel: str, shown: str) -> list[Answered]:
    """The mouse crosses a chart; `shown` is a JavaScript function that tells that a run is highlighted."""
    box = _box(page, f'section[aria-label="{panel}"] .chart')
    places = [
        (
            box["x"] + box["width"] * (0.3 + 0.4 * place / HOVERS),
            box["y"] + box["height"] * (0.5 + 0.15 * place / HOVERS),
        )
        for place in range(HOVERS)
    ]
    x, y = places[0]
    page.mouse.move(x - 3, y - 3)
    page.evaluate(f"watch.when({shown})")
    return _answers(page, shown, places)


_TOOLTIP = """() => [...document.querySelectorAll('section[aria-label="Learning curves"] .chart-tooltip')]
    .some((box) => box.style.display !== "none")"""
_NAMED = """() => [...document.querySelectorAll('section[aria-label="Parallel coordinates"] svg text')]
    .some((text) => /^#\\d/.test(text.textContent))"""


def _box(page: Page, selector: str) -> FloatRect:
    found = page.locator(selector).first
    found.scroll_into_view_if_needed()
    box = found.bounding_box()
    if box is None:
        raise SystemExit(f"{selector} is not on the page")
    return box


def _answers(page: Page, holds: str, places: Sequence[tuple[float, float]]) -> list[Answered]:
    page.evaluate(f"globalThis.heard = watch.answers('pointermove', {holds}), undefined")
    for number, (x, y) in enumerate(places, start=1):
        page.mouse.move(x, y)
        page.evaluate(f"heard.until({number})")
    taken = page.evaluate("(heard.stop(), heard.taken)")
    return [Answered(one["frame"] - one["event"], one["done"] - one["event"]) for one in taken]


# -- size -----------------------------------------------------------------------------------------


def scripts(load: Load, address: str) -> int:
    """Bytes of all JavaScript that the page asks for while nobody touches it, gzip level 9."""
    return script_bytes(settled(load, address))


def script_bytes(page: Page) -> int:
    """Of all that it has asked for so far."""
    names: list[str] = page.evaluate(
        "performance.getEntriesByType('resource').map(({ name }) => name)"
    )
    found = [name for name in names if urlsplit(name).path.endswith(".js")]
    return sum(len(gzip.compress(httpx.get(name, trust_env=False).content, 9)) for name in found)


# -- live -----------------------------------------------------------------------------------------


class Training:
    """A run under way that reports what it is told to; each value is better than all before, so it leads the table."""

    def __init__(self, client: Client, study: Study) -> None:
        asked: ClaimRequest = {"agent": "bench", "host": "", "request": "live", "wait": 20.0}
        claimed = client.claim(study.sweep, asked)["claimed"]
        if claimed is None:
            raise SystemExit("the sweep gives no run")
        self._client, self._claimed = client, claimed
        self._step = 0

    @property
    def next(self) -> float:
        """What it will report next."""
        return 2 + (self._step + 1) / 1000

    def report(self) -> None:
        value = self.next
        self._step += 1
        step = self._step
        made: Report = {
            "seq": step,
            "type": "log",
            "time": CLOCK.now(),
            "step": step,
            "metrics": {"mAP": value},
        }
        lease = self._claimed["lease"]
        self._client.reports(self._claimed["run"], {"lease": lease, "reports": [made]})


def _said(value: float) -> str:
    return (
        """() => [...document.querySelectorAll('section[aria-label="Runs"] [role="gridcell"]')]"""
        f""".some((cell) => Math.abs(Number(cell.textContent) - {value}) < 1e-6)"""
    )


def arrival(page: Page, training: Training) -> float:
    """Milliseconds from before the request that reports a value to the end of the frame that shows it in the table."""
    page.evaluate(
        f"globalThis.arrived = watch.when({_said(training.next)})"
        ".then((now) => performance.timeOrigin + now), undefined"
    )
    before = time.time() * 1000
    training.report()
    return float(page.evaluate("arrived")) - before


def arrival_hidden(tab: HiddenTab, training: Training) -> float:
    """The same until the value is in the table of a hidden tab, where nothing is drawn."""
    tab.expect(_said(training.next))
    before = time.time() * 1000
    training.report()
    return tab.when() - before


# -- report ---------------------------------------------------------------------------------------


def write_report(study: Study, file: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "swept", "report", study.sweep, "-o", str(file)],
        cwd=study.home.path.parent,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


# -- accessibility --------------------------------------------------------------------------------


def grave(
    playwright: Playwright, addresses: Sequence[str], scheme: Literal["light", "dark"]
) -> list[str]:
    """What axe calls serious or critical, a line for each element."""
    found: list[str] = []
    for address in addresses:
        with opened(playwright, scheme=scheme, height=TALL) as load:
            load.page.goto(address)
            load.page.wait_for_timeout(SETTLED_MS)
            load.page.evaluate(AXE.read_text(encoding="utf-8"))
            result = load.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
            found += [
                f"{address}: {violation['id']} {node['target']}"
                for violation in result["violations"]
                if violation["impact"] in ("serious", "critical")
                for node in violation["nodes"]
            ]
    return found
