"""Pages of a browser, watched for what none may do: an error on its console, a request to somewhere else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"
AXE = DASHBOARD / "node_modules/axe-core/axe.min.js"
PATIENCE_MS = 60_000
OWN = re.compile(r"(data|blob|about):")


LISTEN = """(toast) => {
  window.toasts = [];
  const heard = () => toast.textContent && window.toasts.push(toast.textContent);
  new MutationObserver(heard).observe(toast, {childList: true, characterData: true, subtree: true});
}"""


class Toasts:
    """The words that pass, from now on until the page is left: they may be gone before a test looks."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.locator(".toast").evaluate(LISTEN)

    def expect(self, text: str) -> None:
        heard = "(text) => window.toasts.some((one) => one.includes(text))"
        self._page.wait_for_function(heard, arg=text)


class Watched:
    """Opens pages, each with cookies of its own; `allowed`: what a test provokes on the console."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.url = url
        self.allowed: list[str] = []
        self.requests: list[str] = []
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._said: list[str] = []

    def context(
        self,
        *,
        scheme: Literal["light", "dark"] = "light",
        width: int = 1440,
        height: int = 900,
        touch: bool = False,
        scripts: bool = True,
    ) -> BrowserContext:
        context = self._browser.new_context(
            color_scheme=scheme,
            viewport={"width": width, "height": height},
            has_touch=touch,
            is_mobile=touch,
            java_script_enabled=scripts,
            service_workers="block",
        )
        context.set_default_timeout(PATIENCE_MS)
        context.on("request", self._requested)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self._said.append(str(error.error)))
        context.on("dialog", lambda dialog: dialog.accept())
        self._contexts.append(context)
        return context

    def page(
        self,
        path: str = "/",
        *,
        scheme: Literal["light", "dark"] = "light",
        width: int = 1440,
        touch: bool = False,
    ) -> Page:
        page = self.context(scheme=scheme, width=width, touch=touch).new_page()
        page.goto(self.url + path)
        return page

    def problems(self) -> list[str]:
        elsewhere = [
            f"asks for {url}"
            for url in self.requests
            if not url.startswith(f"{self.url}/") and not OWN.match(url)
        ]
        said = [
            text for text in self._said if not any(re.search(one, text) for one in self.allowed)
        ]
        return said + elsewhere

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _requested(self, request: Request) -> None:
        self.requests.append(request.url)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._said.append(f"{message.type}: {message.text} ({message.location['url']})")
