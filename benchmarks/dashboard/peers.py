"""The same runs, in the stores of the pages beside which swept's is measured."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import optuna
from benchmarks.dashboard.study import Recorded
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

PATIENCE_SECONDS = 60.0
SPACE: dict[str, BaseDistribution] = {
    "lr": FloatDistribution(1e-4, 0.1, log=True),
    "final_lr": FloatDistribution(1e-3, 0.51, log=True),
    "weight_decay": FloatDistribution(1e-5, 0.01, log=True),
    "momentum": FloatDistribution(0.6, 0.98),
    "mixup": FloatDistribution(0.0, 0.3),
    "hue": FloatDistribution(0.0, 0.03),
    "dropout": FloatDistribution(0.0, 0.2),
    "batch": IntDistribution(8, 256, log=True),
    "width": IntDistribution(16, 512, log=True),
    "warmup": IntDistribution(0, 5),
    "optimizer": CategoricalDistribution(["SGD", "Adam", "AdamW"]),
    "schedule": CategoricalDistribution(["cosine", "linear"]),
    "augment": CategoricalDistribution(["none", "light", "strong"]),
}
"""As the sweep's file in `benchmarks/board.py` has it."""


def optuna_study(url: str, runs: Sequence[Recorded]) -> None:
    """Trials through Optuna's own API, an epoch an intermediate value."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(storage=url, study_name="sweep", direction="maximize")
    study.add_trials(
        [
            optuna.trial.create_trial(
                params=dict(run.config),
                distributions=SPACE,
                value=run.curve[-1],
                intermediate_values=dict(enumerate(run.curve, start=1)),
            )
            for run in runs
        ]
    )


@contextmanager
def optuna_dashboard(url: str) -> Iterator[str]:
    """Its URL."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).parent / "optuna-dashboard"
    process = subprocess.Popen(
        [str(program), url, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/dashboard/", process)
        yield address
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5.0):
                return
        except (urllib.error.URLError, ConnectionError):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{address} does not answer") from None
            time.sleep(0.1)


_HIPLOT = """
import json, sys
import hiplot
runs = json.load(sys.stdin)
experiment = hiplot.Experiment.from_iterable(runs)
for name in ("lr", "final_lr", "weight_decay", "batch", "width"):
    experiment.parameters_definition[name].type = hiplot.ValueType.NUMERIC_LOG
experiment.to_html(sys.argv[1])
print(hiplot.__version__ if hasattr(hiplot, "__version__") else "")
"""


def hiplot_file(python: Path, runs: Sequence[Recorded], file: Path) -> None:
    """A page of its own, without the curves: HiPlot has them only as a row an epoch."""
    rows = [{**run.config, "mAP": run.curve[-1]} for run in runs]
    subprocess.run(
        [str(python), "-c", _HIPLOT, str(file)],
        input=json.dumps(rows).encode(),
        check=True,
        stdout=subprocess.DEVNULL,
    )


# -- their pages: JavaScript functions that tell what is to be seen ---------------------------------

OPTUNA_PAGE = "/dashboard/studies/1"


def optuna_history(runs: int) -> str:
    """The history has a point for each trial."""
    return f'() => document.querySelectorAll("#plot-history .point").length >= {runs}'


def optuna_curves(runs: int) -> str:
    """And the intermediate values have a line for each trial; they lie below the first screen."""
    return (
        f"() => ({optuna_history(runs)})()"
        f' && document.querySelectorAll("#graph-intermediate-values .js-line").length >= {runs}'
    )


def hiplot_lines(runs: int) -> str:
    """The first lines between two axes, the count of all runs, and rows in the table. Whether all lines are drawn, nothing
    tells: they come in slices."""
    return f"""() => document.body.innerText.includes("Selected: {runs}/{runs}")
        && document.querySelectorAll("tbody tr").length >= 10
        && [...document.querySelectorAll("canvas")].some((canvas) => canvas.width > 100
            && canvas.getContext("2d").getImageData(canvas.width / 2, 0, 20, canvas.height).data.some((part) => part > 0))"""


HIPLOT_AXIS = ".pplot-brush"
"""The last axis first: the objective's."""
