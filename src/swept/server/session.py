"""A browser's session, as Jupyter has it: a link with a token that works once, then a cookie.

The cookie says until when it holds, signed under a key that is derived from the API key. So the server keeps no list, a
restart logs nobody out, a new API key logs everybody out, and the API key itself never reaches a page. A session cannot be
ended one by one: logging out makes the browser forget its cookie.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading

SESSION_SECONDS = 30 * 24 * 3600
LINK_SECONDS = 600
MOST_LINKS = 1000


def cookie_name(home: str) -> str:
    """Browsers keep cookies by host, not by port: two folders' servers on one machine need two names."""
    return f"swept-{home or 'session'}"


def seal(key: str, until: float) -> str:
    """The cookie's value of a session that ends at `until`."""
    said = f"{int(until)}.{secrets.token_hex(8)}"
    return f"{said}.{_signature(key, said)}"


def holds(key: str, value: str, now: float) -> bool:
    """Whether this server gave `value` under the key that it has now, and it has not ended."""
    said, _, signature = value.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(key, said).encode()):
        return False
    return now < int(said.partition(".")[0])


class Links:
    """Tokens that log a browser in once; forgotten when the server ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def issue(self, now: float) -> str:
        """A new token, good for LINK_SECONDS."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            alive = [(known, until) for known, until in self._until.items() if now < until]
            self._until = dict(alive[1 - MOST_LINKS :])
            self._until[token] = now + LINK_SECONDS
        return token

    def redeem(self, token: str, now: float) -> bool:
        """Whether the token was good. It never is again."""
        with self._lock:
            return now < self._until.pop(token, 0.0)


def _signature(key: str, said: str) -> str:
    own = hmac.digest(key.encode(), b"swept: a browser's session", hashlib.sha256)
    return hmac.new(own, said.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
