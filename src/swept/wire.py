"""What travels between client, agent, SDK and server: the native JSON API's shapes.

TypedDicts, so that the training process needs neither pydantic nor the store; the server hands the same
types to FastAPI, which validates requests by them and writes them into the OpenAPI schema.

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
from typing import Any, NotRequired

from typing_extensions import TypedDict  # pydantic wants this one on Python 3.11

PROTOCOL = 1

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


class ErrorBody(TypedDict):
    error: str  # the class name in swept.errors
    message: str
    hint: str
    problems: NotRequired[list[dict[str, Any]]]  # SpecError: errors.Problem as dict


class Handshake(TypedDict):
    app: str  # "swept"
    version: str
    protocol: int
    boot: str  # changes with each start of the server
    home: str  # id of the `.swept/` folder
    pid: int


class AgentStart(TypedDict):
    host: str
    pid: int
    slots: int
    sweep: NotRequired[str | None]


class AgentAnswer(TypedDict):
    id: str


class Beat(TypedDict):
    leases: dict[str, str]  # run id → lease token
    draining: bool  # it claims no more
    wait: NotRequired[float]  # hold the answer for so long, while nothing but `heard` is wanted
    heard: NotRequired[
        dict[str, str]
    ]  # run id → what the agent knows is wanted; go where it is left out


class RunOrder(TypedDict):
    """What the server wants of one run; the same shape rides on ReportsAnswer."""

    lease: str  # "ok" | "lost"
    desired: str  # go | pause | stop
    reason: str
    step: NotRequired[int]
    wandb: NotRequired[bool]  # the attempt's program reports through W&B's client


class BeatAnswer(TypedDict):
    runs: dict[str, RunOrder]
    sweep_state: str


class NewSweep(TypedDict):
    text: str  # the YAML or JSON as written
    path: str  # absolute, "" where there is none
    mode: str  # "create": always a new one; "launch": find by path or create
    project: NotRequired[str | None]
    name: NotRequired[str | None]
    strict: NotRequired[bool]


class SweepAnswer(TypedDict):
    id: str
    created: bool
    state: str
    spec_version: int
    difference: list[str]  # launch: how the file differs from the sweep's spec, in lines
    warnings: list[dict[str, Any]]  # errors.Problem as dict


class SpecUpdate(TypedDict):
    text: str
    path: NotRequired[str]


class StateChange(TypedDict):
    state: str
    reason: NotRequired[str]


class ClaimRequest(TypedDict):
    agent: str
    host: str
    request: str  # idempotency: the same id again gets the same run
    wait: float  # seconds to hold the request open while there is nothing
    kinds: NotRequired[list[str]]  # default: SWEEP_KINDS
    run: NotRequired[str | None]  # this very run (train, compare)
    reachable: NotRequired[list[str]]  # checkpoint host ids that this agent can read


class Claimed(TypedDict):
    """All that an agent needs to start the program."""

    run: str
    number: int
    name: str
    kind: str
    sweep: str | None
    project: str
    attempt: int
    lease: str  # also the attempt's API key: "local-" + 40 hex digits
    config: dict[str, Any]
    seed: int | None
    checkpoint: dict[str, Any] | None  # model.Checkpoint as dict
    program: str | None
    command: list[str]  # macros not yet replaced
    folder: str
    epochs: int | None  # steps of a full run, where known
    metric: str | None
    why: str
    adapter: str | None


class ClaimAnswer(TypedDict):
    status: str  # "run" | "wait" | "done"
    claimed: Claimed | None
    why: str


class NewRun(TypedDict):
    kind: str
    config: dict[str, Any]  # overrides over the parent's, or a whole config
    parent: NotRequired[str | None]
    name: NotRequired[str | None]
    why: NotRequired[str]
    reuse: NotRequired[bool]  # find that (kind, parent, config), not failed; default true


class ManualRun(TypedDict):
    project: str
    name: NotRequired[str | None]
    config: dict[str, Any]
    host: str
    pid: int
    command: NotRequired[str]


class Join(TypedDict):
    host: str
    pid: int
    reports: bool  # False: another process of the run, which only wants to know what it is


class Report(TypedDict):
    """One item of an attempt's ordered queue. `seq` counts from 1 without gaps.

    type "log":        step (None: after the last), metrics
    type "checkpoint": step, place, host
    type "resumed":    step of the checkpoint that the program took up: first_step = step + 1
    type "summary":    values
    type "effective":  config
    type "config":     config: what the program set beside the given one
    """

    seq: int
    type: str
    time: float
    step: NotRequired[int | None]
    metrics: NotRequired[dict[str, Any]]
    place: NotRequired[str]
    host: NotRequired[str]
    values: NotRequired[dict[str, Any]]
    config: NotRequired[dict[str, Any]]


class Reports(TypedDict):
    lease: str
    reports: list[Report]


class ReportsAnswer(TypedDict):
    acknowledged: int  # the highest seq that is durable
    lease: str  # "ok" | "lost"
    desired: str
    reason: str


class ConsoleLine(TypedDict):
    number: int  # from 0 within the attempt; a later line of the same number replaces it
    text: str
    stream: str  # stdout | stderr
    time: float


class ConsoleLines(TypedDict):
    lease: str
    lines: list[ConsoleLine]


class ConsolePage(TypedDict):
    lines: list[dict[str, Any]]  # ConsoleLine + attempt + cursor
    next: int  # pass as `after`


class SystemRow(TypedDict):
    """What a run's processes, their host and its GPUs did at a moment, as its agent measured it."""

    time: float
    metrics: dict[str, float]  # named as W&B's client names them where they mean the same


class SystemRows(TypedDict):
    lease: str
    rows: list[SystemRow]  # upserted by their whole second: the same again changes nothing


class SystemAnswer(TypedDict):
    wanted: bool  # False: W&B's client in the program measures the run itself


class Completion(TypedDict):
    lease: str
    outcome: str  # model.Outcome
    exit_code: int | None
    signal: int | None
    reason: str  # a sentence
    tail: list[str]  # the last lines of the console
    overrides: NotRequired[dict[str, Any]]  # the server works `swept.oom` out


class CompletionAnswer(TypedDict):
    state: str  # the run's state now
    retried: bool


class DesiredChange(TypedDict):
    desired: str
    reason: NotRequired[str]


class AttemptView(TypedDict):
    number: int
    agent: str
    host: str
    started: float
    ended: float | None
    outcome: str | None
    reason: str
    exit_code: int | None
    signal: int | None
    first_step: int


class DefinedMetric(TypedDict):
    """What `define_metric` said of a metric."""

    step_metric: str | None  # draw it against this one
    step_sync: bool
    hidden: bool
    summary: list[str]  # min max mean best last none copy first
    goal: str  # minimize | maximize | ""


class OrderView(TypedDict):
    """What was wanted of a run, and why."""

    time: float
    order: str  # go | pause | stop | continue
    by: str  # search | person
    step: int | None  # that a decision saw
    reason: str


class AlertView(TypedDict):
    """What the program told people by `run.alert`."""

    time: float
    title: str
    text: str
    level: str  # INFO | WARN | ERROR


class RunView(TypedDict):
    id: str
    number: int
    name: str
    project: str
    sweep: str | None
    kind: str
    state: str
    config: dict[str, Any]
    effective_config: dict[str, Any] | None
    value: float | str | None
    best_value: float | str | None
    steps: int
    curve: list[list[Any]]  # [[step, value], …], visible
    attempts: list[AttemptView]
    why: str
    ended_because: str
    desired: str
    parent: str | None
    retry_of: str | None
    seed: int | None
    summary: dict[str, Any]
    created: float
    started: float | None
    ended: float | None
    resumable: bool
    defined: dict[str, DefinedMetric]  # metric, or glob → how to draw it
    details: dict[str, Any]  # group, job_type, tags …; of one run also charts, metadata
    alerts: NotRequired[list[AlertView]]  # of one run: its last ones
    orders: NotRequired[list[OrderView]]  # of one run: the last ones
    chosen: NotRequired[dict[str, Any]]  # of one run: `why` with strategy and predicted figures
    program: NotRequired[dict[str, Any]]  # of one run: what its program set beside the given config


class MetricView(TypedDict):
    name: str
    goal: str


class AdviceView(TypedDict):
    """The run that the model of learning curves names as best, and what another training of it is expected to end at
    after `full` steps: `value`, within one standard deviation `low` to `high`."""

    run: str
    value: float
    low: float
    high: float
    full: int


class SweepView(TypedDict):
    """`swept show ID --json` is this with `schema: 1` (the contract of docs/reference/json.md)."""

    schema: int
    id: str
    name: str
    project: str
    state: str
    method: str
    metric: MetricView | None
    best: RunView | None  # the one advised; in the list of sweeps: the best value seen
    advice: NotRequired[AdviceView | None]
    runs: list[RunView]
    spec: dict[str, Any]
    text: str
    path: str
    spec_version: int
    created: float
    updated: float
    ended_because: str
    agents: list[dict[str, Any]]  # model.Agent as dict, and "live": heard of within a lease
    counts: NotRequired[dict[str, int]]  # runs by state; the list of sweeps leaves `runs` empty


class HistoryRow(TypedDict):
    step: int
    attempt: int
    metrics: dict[str, Any]
    time: NotRequired[float | None]


class FileView(TypedDict):
    name: str
    size: int
    digest: str
    time: float


class ArtifactView(TypedDict):
    """A version of an artifact, as one run has to do with it."""

    name: str
    type: str
    version: int
    aliases: list[str]
    description: str
    role: str  # output: the run logged it; input: it used it
    size: int
    files: int
    created: float


class Garbage(TypedDict):
    remove: bool


class GarbageView(TypedDict):
    path: str  # in the folder of files
    size: int


class ImportLook(TypedDict):
    origins: list[str]


class Brought(TypedDict):
    """What is here of something imported."""

    id: str
    whole: bool
    stamp: str  # what its source said then; the same again: nothing is new
    last_step: int | None
    kind: NotRequired[str]  # of a run: "manual" where its configuration is none of its sweep's


class ImportSweep(TypedDict):
    origin: str  # its address at the source
    id: str  # taken where it is free
    text: str
    path: str  # the file that `swept launch` finds it by, "" without
    project: str
    name: str
    created: float


class ImportSweepEnd(TypedDict):
    state: str
    reason: str


class ImportRun(TypedDict):
    origin: str
    source: str  # for people
    project: str
    sweep: str | None  # the id of the imported sweep here
    id: str
    name: str
    config: dict[str, Any]  # all that the program has, as W&B shows it
    created: float
    started: float
    details: dict[str, Any]
    afresh: NotRequired[bool]  # forget the rows that came before


class ImportRow(TypedDict):
    step: int
    time: float | None
    metrics: dict[str, Any]


class ImportRows(TypedDict):
    """Upserted by step and number: the same part again changes nothing."""

    rows: list[ImportRow]
    events: list[ImportRow]  # system metrics
    lines: list[ConsoleLine]


class ImportEnd(TypedDict):
    state: str
    ended: float
    reason: str
    summary: dict[str, Any]
    stamp: str
    exit_code: int | None
    host: str
    details: dict[str, Any]
    drawn: dict[str, Any]  # the client's own entry in a config: define_metric, custom charts


class ImportNote(TypedDict):
    origin: str
    run: str
    stamp: str


class ServerStatus(TypedDict):
    version: str
    url: str
    pid: int
    started: float
    store: str
    leases: int
    agents: int
    unknown: dict[str, int]  # W&B fields and operations asked for that we do not serve: counts


class NewLoginLink(TypedDict):
    next: NotRequired[str]  # the page that it leads to: a path, default /


class LoginLink(TypedDict):
    path: str  # below the server's address; logs one browser in, once
    seconds: int  # how long it works


class SessionView(TypedDict):
    """What whoever asks may do without the API key."""

    may_read: bool
    may_change: bool


class RelatedRun(TypedDict):
    """A run that another one came from, or that came from it."""

    relation: str  # parent | retry_of | child | retry
    id: str
    number: int
    name: str
    kind: str
    state: str
    value: float | str | None
    steps: int


class Way(TypedDict):
    """How a run's configuration is trained again: a line for a shell."""

    title: str
    shell: str
    note: str


# -- insights: `/api/sweeps/ID/importance` and its neighbours ----------------------------------------


class ImportanceRow(TypedDict):
    parameter: str
    share: float  # of the metric's variation over the space, 0 to 1
    low: float
    high: float
    sign: float  # larger values are better (+) or worse (-)
    inert: str  # why it cannot act, or ""


class ImportanceView(TypedDict):
    runs: int
    explained: float | str  # R² on runs that the model has not seen, "NaN" without a model
    caution: str
    rows: list[ImportanceRow]


class SliceView(TypedDict):
    parameter: str
    at: list[float | str]
    mean: list[float]
    low: list[float]
    high: list[float]


class SliceAxis(TypedDict):
    parameter: str
    at: list[float | str]


class PairView(TypedDict):
    x: SliceAxis
    y: SliceAxis
    mean: list[list[float]]  # mean[j][i] at x.at[i], y.at[j]


class HealthCard(TypedDict):
    id: str
    level: str  # bad | warn | info | good
    title: str
    text: str
    evidence: list[str]
    runs: list[str]
    parameter: str | None


class TargetView(TypedDict):
    name: str
    value: float
    reached: bool


class ProgressView(TypedDict):
    ended: int
    cap: int | None
    eta: float | None  # seconds
    eta_why: str  # what is missing, where it is not known
    hours_used: float  # of all slots together
    hours_saved: float | None
    energy: float | None  # kWh
    cost: float | None
    currency: str
    noise: float | None
    noise_why: str  # why it is not known
    targets: list[TargetView]


class ForecastView(TypedDict):
    row: str  # the run's id
    mean: float
    low: float
    high: float


# -- many runs at once: the dashboard ---------------------------------------------------------------


class BoardHead(TypedDict):
    """What is said of a sweep as a whole; of a project's runs outside of sweeps, `method` is "" and `id` too."""

    id: str
    name: str
    project: str
    state: str
    method: str
    early_stopping: str  # hyperband | asha | median | auto | off
    metric: MetricView | None
    full: int | None  # steps of a whole training, where known
    rungs: list[int]  # steps at which early stopping judges
    targets: dict[str, float]
    run_cap: int | None
    hours: float | None
    created: float
    updated: float
    ended_because: str
    best: str | None  # a run's id: the one advised, else the best value
    baseline: str | None
    advice: AdviceView | None
    advising: bool  # a newer advice is being worked out: ask again in a moment
    agents: list[BoardAgent]
    text: str
    path: str
    spec_version: int  # how often the file was changed, from 1; 0 of a project


class BoardAgent(TypedDict):
    id: str
    host: str
    kind: str
    slots: int
    started: float
    last_seen: float
    ended: float | None
    live: bool


class BoardParameter(TypedDict):
    """A searched parameter, by its dotted name. `low` and `high`: its bounds, or the range of what is there.

    Categories are as they stand in `config`; what is no scalar is its JSON text, and so is null.
    """

    name: str
    kind: str  # number | category
    whole: bool
    log: bool
    low: float
    high: float
    categories: list[Any]
    inert: str  # why it cannot act, or ""


class BoardAttempt(TypedDict):
    number: int
    agent: str
    host: str
    started: float
    ended: float | None
    outcome: str | None
    reason: str
    first_step: int


class BoardRuns(TypedDict):
    """Columns over all runs, in order of creation."""

    id: list[str]
    number: list[int]
    name: list[str]
    kind: list[str]
    state: list[str]
    desired: list[str]
    why: list[str]
    ended_because: list[str]
    parent: list[str | None]
    seed: list[int | None]
    value: list[float | str | None]  # as it counts: at the last step, finite or not, or the best
    best_value: list[float | None]
    steps: list[int]
    created: list[float]
    started: list[float | None]
    ended: list[float | None]
    attempts: list[list[BoardAttempt]]
    spec_version: list[int]  # of the sweep's file, when the run was made


class BoardView(TypedDict):
    """`position`: the event stream goes on from here, and misses nothing of what may not be in here yet."""

    head: BoardHead
    position: str  # EVENT.POINT
    version: int  # counts what has changed in the runs
    parameters: list[BoardParameter]
    runs: BoardRuns
    config: dict[str, list[Any]]  # parameter → a scalar or null of each run
    effective: dict[str, dict[str, Any]]  # parameter → row → what the run really had, where other
    summary: dict[str, list[float | str | None]]  # metric → last value of each run


class OverviewEntry(TypedDict):
    """A sweep in a list of many."""

    id: str
    name: str
    project: str
    state: str
    method: str
    metric: MetricView | None
    created: float
    updated: float
    ended_because: str
    counts: dict[str, int]  # runs by state
    ended: int  # of those that the cap counts
    cap: int | None
    eta: float | None  # seconds
    best: float | None
    best_run: str | None
    baseline: float | None
    line: list[float]  # best so far, run by run as they ended; at most 60 of it
    last_activity: float
    agents: int  # at work
