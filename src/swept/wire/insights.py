"""What the analysis says of a sweep: `/api/sweeps/ID/importance` and its neighbours."""

from __future__ import annotations

from typing_extensions import TypedDict  # pydantic wants this one on Python 3.11


class ImportanceRow(TypedDict):
    parameter: str
    share: float  # of the metric's variation over the space, 0 to 1
    low: float
    high: float
    sign: float  # larger values are better (+) or worse (-)
    between: bool  # the best lies between the ends of the range
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
