"""Debian's Chromium, headless: a new process for each load, so that nothing is in any of its caches."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, Playwright

WATCH = (Path(__file__).parent / "watch.js").read_text(encoding="utf-8")
WIDTH, HEIGHT = 1440, 900
PATIENCE_MS = 120_000


def program() -> str:
    found = shutil.which("chromium")
    if found is None:
        raise SystemExit("Chromium is missing. hint: apt install chromium")
    return found


def arguments() -> list[str]:
    # In containers the shared memory is often too small, and root may not have the sandbox.
    return ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]


@dataclass
class Load:
    """A page in a browser of its own, and what it asked for."""

    page: Page
    version: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def elsewhere(self) -> list[str]:
        """Requests that left this machine."""
        near = ("http://127.0.0.1:", "http://localhost:", "file:", "data:", "blob:", "about:")
        return [url for url in self.requests if not url.startswith(near)]


@contextmanager
def opened(
    playwright: Playwright,
    *,
    height: int = HEIGHT,
    scheme: Literal["light", "dark"] = "light",
) -> Iterator[Load]:
    browser = playwright.chromium.launch(executable_path=program(), args=arguments())
    try:
        context = browser.new_context(
            viewport={"width": WIDTH, "height": height}, color_scheme=scheme
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(WATCH)
        page = context.new_page()
        load = Load(page, browser.version)
        context.on("request", lambda request: load.requests.append(request.url))
        context.on("weberror", lambda error: load.errors.append(str(error.error)))
        yield load
        context.close()
    finally:
        browser.close()
