"""A tab that is really hidden. Playwright lets every page believe that it has the focus, so this speaks the browser's own
protocol: two tabs in one window, and the second one lies in front.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.dashboard.browser import HEIGHT, WIDTH, arguments, program
from websockets.sync.client import ClientConnection, connect

PATIENCE_SECONDS = 60.0


class HiddenTab:
    def __init__(self, socket: ClientConnection, address: str) -> None:
        self._socket = socket
        self._last = 0
        self._early: dict[int, dict[str, Any]] = {}
        self._session = ""
        self._target = self._send("Target.createTarget", url="about:blank")["targetId"]
        attached = self._send("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session = attached["sessionId"]
        self._waiting = 0
        self._send("Page.navigate", url=address)
        # Loaded in front, as people do it, then left for another tab.
        self.evaluate(
            "new Promise((done) => { const look = () => document.querySelectorAll('[role=gridcell]').length > 50"
            " ? done(0) : setTimeout(look, 50); look(); })"
        )
        time.sleep(2.0)
        other = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._send("Target.activateTarget", targetId=other)
        time.sleep(1.0)
        state = self.evaluate("document.visibilityState")
        if state != "hidden":
            raise SystemExit(f"the tab is {state}, and should be hidden")

    def expect(self, holds: str) -> None:
        """Watches the document: nothing is drawn in a hidden tab, so no frame tells."""
        self._waiting = self._post(
            "Runtime.evaluate",
            expression=f"""new Promise((done) => {{
                const look = () => ({holds})() && done(Date.now());
                new MutationObserver(look).observe(document.body, {{ subtree: true, childList: true, characterData: true }});
                look();
            }})""",
            awaitPromise=True,
            returnByValue=True,
        )
        self.evaluate("0")  # it has begun

    def when(self) -> float:
        """Milliseconds since 1970."""
        return float(self._answer(self._waiting)["result"]["value"])

    def show(self) -> float:
        """Milliseconds until the tab, in front again, has made a frame."""
        self.evaluate(
            "globalThis.seen = new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(Date.now()))));"
            "0"
        )
        before = time.time() * 1000
        self._send("Target.activateTarget", targetId=self._target)
        return float(self.evaluate("seen")) - before

    def evaluate(self, expression: str) -> Any:
        answer = self._answer(
            self._post(
                "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
            )
        )
        return answer["result"].get("value")

    def _post(self, method: str, **parameters: Any) -> int:
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if not method.startswith("Target."):
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        return self._last

    def _answer(self, number: int) -> dict[str, Any]:
        while number not in self._early:
            message = json.loads(self._socket.recv(PATIENCE_SECONDS))
            if "id" in message:
                self._early[message["id"]] = message
        answer = self._early.pop(number)
        if "error" in answer:
            raise SystemExit(f"Chromium: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._answer(self._post(method, **parameters))


@contextmanager
def hidden_tab(address: str) -> Iterator[HiddenTab]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                program(),
                "--headless",
                *arguments(),
                "--remote-debugging-port=0",
                "--no-first-run",
                f"--user-data-dir={profile}",
                f"--window-size={WIDTH},{HEIGHT}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with connect(_socket_of(Path(profile), process), max_size=None) as socket:
                yield HiddenTab(socket, address)
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _socket_of(profile: Path, process: subprocess.Popen[bytes]) -> str:
    file = profile / "DevToolsActivePort"
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        lines = file.read_text().split() if file.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit("Chromium did not start")
        time.sleep(0.05)
