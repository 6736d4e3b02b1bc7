"""Names that the store gives: ids of sweeps, runs and agents, and lease tokens."""

from __future__ import annotations

import random
import secrets
import string
from typing import Protocol

_LETTERS = string.ascii_lowercase + string.digits


class Identities(Protocol):
    """Where fresh names come from; tests pass `SeededIdentities`."""

    def short(self) -> str:
        """Eight letters and digits, as W&B's ids are."""

    def token(self) -> str:
        """A secret: "local-" and 40 hex digits, the form of key that W&B's client takes."""


class SystemIdentities:
    """From the operating system's randomness."""

    def short(self) -> str:
        return "".join(secrets.choice(_LETTERS) for _ in range(8))

    def token(self) -> str:
        return f"local-{secrets.token_hex(20)}"


class SeededIdentities:
    """The same names in the same order for the same seed; for tests and simulations, never for a server."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def short(self) -> str:
        return "".join(self._random.choices(_LETTERS, k=8))

    def token(self) -> str:
        return f"local-{self._random.getrandbits(160):040x}"
