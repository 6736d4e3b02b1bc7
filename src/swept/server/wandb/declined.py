"""What of W&B is knowingly not served, and why. A new thing that a client asks for is either served or stands here.

`MUTATIONS` get one clear line instead of a null, which the client would take for success. `FIELDS` are null, and are
not counted among the unknown ones. `python -m tests.wire.documents` holds every document of a client against both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LAUNCH = "W&B Launch is not served"
REGISTRY = "the registry is not served"

MUTATIONS: Mapping[str, str] = {
    "createArtifact": "artifacts are not kept yet; tables and media are kept as the run's files",
    "createLaunchAgent": LAUNCH,
    "pushToRunQueue": LAUNCH,
    "pushToRunQueueByName": LAUNCH,
    "upsertRunQueue": LAUNCH,
    "createRunQueue": LAUNCH,
    "rewindRun": "rewinding runs is not served",
    "linkArtifact": REGISTRY,
}

_BY_REASON: Mapping[str, Sequence[str]] = {}

FIELDS: Mapping[str, str] = {name: why for why, names in _BY_REASON.items() for name in names}
"""`Type.field` or `Type.field(argument)`; `*.field` on any type → why it is null, or what the argument would do."""


def declined(name: str) -> bool:
    """Whether `Type.field` or `Type.field(argument)` is known and left out on purpose."""
    return name in FIELDS or "*." + name.partition(".")[2] in FIELDS
