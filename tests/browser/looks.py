"""What a page looks like to those who see little, to narrow screens, and in the dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from playwright.sync_api import Page
from tests.browser.watched import AXE, PATIENCE_MS

from swept.clock import SystemClock

T = TypeVar("T")
CLOCK = SystemClock()

LOUD = ("serious", "critical")
FINDINGS = (
    """() => axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => violations)"""
)

DARKNESS = """() => {
  const light = (colour) => {
    const [r, g, b] = /rgba?\\(([^)]*)\\)/.exec(colour)[1].split(/[ ,]+/).map(Number);
    return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
  };
  const canvas = document.createElement("div");
  canvas.style.backgroundColor = "Canvas";
  document.body.append(canvas);
  const grounds = [document.body, document.documentElement, canvas]
    .map((node) => getComputedStyle(node).backgroundColor).filter((colour) => !colour.endsWith(", 0)"));
  canvas.remove();
  return {ground: light(grounds[0]), ink: light(getComputedStyle(document.body).color)};
}"""

SIDEWAYS = """() => {
  const {clientWidth} = document.documentElement;
  if (document.scrollingElement.scrollWidth <= clientWidth) return [];
  const scrolled = (node) => {
    for (let at = node.parentElement; at && at !== document.body; at = at.parentElement) {
      if (getComputedStyle(at).overflowX !== "visible") return true;
    }
    return false;
  };
  return [...document.body.querySelectorAll("*")]
    .filter((node) => node.getBoundingClientRect().right > clientWidth + 0.5 && !scrolled(node))
    .map((node) => `${Math.round(node.getBoundingClientRect().right)}: ${node.cloneNode().outerHTML.slice(0, 150)}`);
}"""


def settled(look: Callable[[], T], well: Callable[[T], bool]) -> T:
    """What is seen once it is well, or at last: charts and columns follow a change of the screen frames later."""
    deadline = CLOCK.monotonic() + PATIENCE_MS / 1000
    while not well(seen := look()) and CLOCK.monotonic() < deadline:
        CLOCK.sleep(0.1)
    return seen


def findings(page: Page) -> list[str]:
    """What axe-core finds serious or critical, a line each."""
    # Not as an element: the page's policy lets no script in but its own.
    page.evaluate(AXE.read_text())

    def look() -> list[str]:
        found: list[dict[str, Any]] = page.evaluate(FINDINGS)
        return [
            f"{violation['id']}: {node['target']} {node['html'][:200]} {node['failureSummary']}"
            for violation in found
            if violation["impact"] in LOUD
            for node in violation["nodes"]
        ]

    return settled(look, lambda found: not found)


def is_dark(page: Page) -> bool:
    def look() -> bool:
        shades = page.evaluate(DARKNESS)
        return bool(shades["ground"] < 0.3 and shades["ink"] > 0.7)

    return settled(look, bool)


def is_light(page: Page) -> bool:
    def look() -> bool:
        shades = page.evaluate(DARKNESS)
        return bool(shades["ground"] > 0.7 and shades["ink"] < 0.3)

    return settled(look, bool)


def sideways(page: Page) -> list[str]:
    """The elements that make the page wider than the screen."""

    def look() -> list[str]:
        found: list[str] = page.evaluate(SIDEWAYS)
        return found

    return settled(look, lambda found: not found)
