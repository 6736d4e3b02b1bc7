"""What travels between client, agent, SDK and server: the native JSON API's shapes.

TypedDicts, so that the training process needs neither pydantic nor the store; the server hands the same
types to FastAPI, which validates requests by them and writes them into the OpenAPI schema.

They stand in the modules of this package: `server` (errors, handshake, logins), `agents` (claims and what they get),
`reports`, `runs`, `sweeps`, `imports`, `insights`, `board` (many runs at once). Here is how their values are written.

Paths (all below the server's base URL; writing needs `Authorization: Bearer KEY`, where KEY is the server's
API key or, for a run's own reports, the attempt's lease token):

    GET  /api/handshake                       Handshake; no key
    POST /api/agents                          AgentStart → AgentAnswer
    POST /api/agents/{id}/heartbeat           Beat → BeatAnswer
    POST /api/agents/{id}/end                 → {}
    POST /api/sweeps                          NewSweep → SweepAnswer        (mode create | launch)
    GET  /api/sweeps · /api/sweeps/{id}       list[SweepView] · SweepView with runs
    PUT  /api/sweeps/{id}/spec                SpecUpdate → SweepAnswer
    POST /api/sweeps/{id}/state               StateChange → SweepView      (running paused finished cancelled)
    POST /api/sweeps/{id}/claim               ClaimRequest → ClaimAnswer   (long poll: `wait` seconds)
    POST /api/sweeps/{id}/runs                NewRun → RunView             (find-or-create by (kind, parent, config))
    POST /api/runs                            ManualRun → Claimed          (a run outside any sweep, with its lease)
    POST /api/runs/{id}/join                  Join → Claimed               (a run that a real `wandb agent` started)
    GET  /api/runs/{id}                       RunView
    GET  /api/runs/{id}/history               list[HistoryRow]             (?keys=a,b  &since=STEP  &stream=system)
    GET  /api/runs/{id}/console?after=N       ConsolePage                  (&limit=N)
    GET  /api/runs/{id}/related               list[RelatedRun]
    GET  /api/runs/{id}/reproduce             list[Way]
    POST /api/runs/{id}/reports               Reports → ReportsAnswer
    POST /api/runs/{id}/console               ConsoleLines → {}
    POST /api/runs/{id}/system                SystemRows → SystemAnswer
    POST /api/runs/{id}/complete              Completion → CompletionAnswer
    POST /api/runs/{id}/desired               DesiredChange → RunView      (people: stop pause go)
    POST /api/runs/{id}/retry                 → RunView                    (a new run with retry_of)
    PUT  /api/runs/{id}/files/{name}          bytes → FileView
    GET  /api/runs/{id}/files · …/files/{name}
    POST /api/imports/look                    ImportLook → dict origin → Brought
    POST /api/imports/sweeps · …/{id}/end     ImportSweep → Brought · ImportSweepEnd → {}
    POST /api/imports/runs                    ImportRun → Brought          (half from here on)
    POST /api/imports/runs/{id}/rows          ImportRows → {}
    POST /api/imports/runs/{id}/end           ImportEnd → RunView          (whole)
    POST /api/imports/notes                   ImportNote → RunView         (what `wandb sync` brought)
    GET  /api/sweeps/{id}/board               BoardView                    (?runs=a,b: these alone)
    GET  /api/sweeps/{id}/curves              the buffer of `server.curves` (?metric=NAME &runs=a,b &times=true)
    GET  /api/sweeps/{id}/metrics             list[str]                    (the objective first)
    GET  /api/projects/{project}/board · …/curves · …/metrics   the same of its runs outside of sweeps
    GET  /api/overview                        list[OverviewEntry]
    GET  /api/events?sweep=ID|run=ID          server-sent events; `Last-Event-ID` goes on without a gap
    GET  /api/status                          ServerStatus
    POST /api/login-links                     NewLoginLink → LoginLink     (the key itself)
    GET  /api/session                         SessionView; no key
    POST /api/stop                            → {}

Numbers: NaN and infinities are the strings "NaN", "Infinity", "-Infinity" (see `encode` and `decode`).
Errors: status 4xx/5xx with ErrorBody; 401 key, 404 unknown, 409 state, 410 lease lost, 422 usage or spec.
"""

from __future__ import annotations

import json
import math
from typing import Any

_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def encode(value: Any) -> Any:
    """`value` with every non-finite float replaced by its name; containers are copied.

    numpy scalars (anything with `.item()`) become Python numbers; other unknown objects become `str(object)`.
    """
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [encode(item) for item in value]
    if hasattr(value, "items"):
        return {str(key): encode(item) for key, item in value.items()}
    item = getattr(value, "item", None)
    if callable(item):
        try:
            return encode(item())
        except (TypeError, ValueError, RuntimeError):
            return str(value)
    return str(value)


def decode(value: Any) -> Any:
    """The inverse of `encode` for metric values: the three names become floats again, at any depth."""
    if isinstance(value, str):
        return _SPECIAL.get(value, value)
    if isinstance(value, dict):
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    return value


def dumps(value: Any) -> str:
    """Strict JSON of `encode(value)`, compact."""
    try:
        return _strict(value)
    except (
        ValueError,
        TypeError,
    ):  # NaN, a number of numpy's: rare, and slow to look for beforehand
        return _strict(encode(value))


def _strict(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
