"""Libraries with a wandb integration of their own, unmodified: a small real training by hand and one under `wandb agent`.

Their environment is `make .venvs/integrations/.done`: it lies above .venv and has no wandb of its own. Another version of the
client than .venv's is put before it on the path. Each library and version has a server, so that its counts are its own.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.wire.conftest import client_bug, need
from tests.wire.harness import NEWEST, ROOT, VERSIONS, Client, Server, missing

ENVIRONMENT = ROOT / ".venvs" / "integrations"
TENSORFLOW = ENVIRONMENT / "tensorflow"
CONES = ROOT / "examples" / "yolo-cones"
AT_ONCE = 2
"""Trainings side by side: the machines that run this have two cores."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@dataclass(frozen=True)
class Library:
    """What is run, and what the server must have of it afterwards."""

    label: str
    program: str
    objective: str
    parameter: tuple[str, float]
    rows: Mapping[str, int]
    """Metric → how many rows of a run have it."""
    axes: Mapping[str, str | None] = field(default_factory=dict)
    """Metric → the metric that it is charted against."""
    best: Mapping[str, str] = field(default_factory=dict)
    """Metric → which of its values the summary keeps."""
    media: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    artifacts: tuple[tuple[str, str, int], ...] = ()
    """Type, an alias of one of them, how many there are."""
    arguments: tuple[str, ...] = ()
    extra: str = ""
    """More lines of the sweep file."""
    path: Path | None = None

    def sweep(self) -> str:
        name, value = self.parameter
        return (
            f"program: {self.program}\nproject: swept-{self.program[10:-3]}\nmethod: grid\n"
            f'metric: {{name: "{self.objective}", goal: minimize}}\n'
            f"parameters:\n  {name}: {{values: [{value}]}}\n{self.extra}"
        )


YOLO = ("train", "model=yolo11n.yaml", "data=cones/data.yaml", "epochs=2", "imgsz=64", "batch=8", "workers=0")  # fmt: skip
YOLO_COMMAND = ", ".join(f"'{word}'" for word in YOLO)
CURVES = {
    f"curves/{name}(B)_table": 1
    for name in ("Precision-Recall", "F1-Confidence", "Precision-Confidence", "Recall-Confidence")
}
YOLO_ROWS = {
    "train/box_loss": 2, "val/box_loss": 2, "metrics/mAP50(B)": 3, "lr/pg0": 2, "epoch": 4,
    "model/parameters": 1, "train_batch0": 1, "results": 1, "confusion_matrix": 1, **CURVES,
}  # fmt: skip
YOLO_MEDIA = ("images/results", "images/BoxPR_curve", "images/val_batch0_pred", "table/curves/F1-")

LIBRARIES = {
    "ultralytics": Library(
        "Ultralytics: the yolo command with its own callback",
        "integrate_yolo.py",
        "val/box_loss",
        ("lr0", 0.02),
        YOLO_ROWS,
        {"train/box_loss": "epoch", "metrics/mAP50(B)": "epoch", "val/box_loss": "epoch", "lr/pg0": "epoch"},
        media=YOLO_MEDIA,
        config=("imgsz", "optimizer", "mosaic"),
        artifacts=(("model", "best", 1), ("run_table", "latest", 4)),
        arguments=YOLO,
        extra=f"command: ['${{env}}', python, '${{program}}', {YOLO_COMMAND}, '${{args_no_hyphens}}']\n",
    ),
    "lightning": Library(
        "PyTorch Lightning: WandbLogger",
        "integrate_lightning.py",
        "val/loss",
        ("lr", 0.02),
        {"train/loss": 6, "val/loss": 3, "trainer/global_step": 9, "pictures": 1, "table": 1,
         "gradients/layer.weight": 6, "parameters/layer.weight": 6},
        {"train/loss": "trainer/global_step", "val/loss": "trainer/global_step"},
        media=("images/pictures", "table/table", "graph/"),
        artifacts=(("model", "best", 3), ("run_table", "latest", 1)),
    ),
    "transformers": Library(
        'Transformers: Trainer with report_to="wandb"',
        "integrate_transformers.py",
        "eval/loss",
        ("learning_rate", 0.02),
        {"train/loss": 8, "eval/loss": 2, "train/learning_rate": 8, "train/global_step": 11},
        {"train/loss": "train/global_step", "eval/loss": "train/global_step"},
        config=("n_layer", "num_train_epochs", "model/num_parameters"),
        artifacts=(("model", "final_model", 4),),
    ),
    "keras": Library(
        "Keras 3: WandbMetricsLogger, WandbModelCheckpoint, WandbEvalCallback",
        "integrate_keras.py",
        "epoch/val_loss",
        ("lr", 0.02),
        {"epoch/loss": 3, "epoch/val_mae": 3, "epoch/learning_rate": 3},
        {"epoch/loss": "epoch/epoch", "epoch/learning_rate": "epoch/epoch"},
        artifacts=(("model", "epoch_2", 3),),
        path=TENSORFLOW,
    ),
    "xgboost": Library(
        "XGBoost: WandbCallback",
        "integrate_xgboost.py",
        "validation_0-rmse",
        ("lr", 0.2),
        {"validation_0-rmse": 5, "epoch": 5, "best_score": 1, "Feature Importance_table": 1},
        best={"validation_0-rmse": "min"},
        media=("table/Feature Importance_table",),
        config=("learner", "version"),
        artifacts=(("model", "latest", 1), ("run_table", "latest", 1)),
    ),
    "lightgbm": Library(
        "LightGBM: wandb_callback and log_summary",
        "integrate_lightgbm.py",
        "validation_rmse",
        ("lr", 0.2),
        {"validation_rmse": 5, "validation_l1": 5, "iteration": 5, "Feature Importance_table": 1},
        best={"validation_rmse": "min", "validation_l1": "min"},
        media=("table/Feature Importance_table",),
        config=("objective", "num_leaves"),
        artifacts=(("model", "best", 1), ("run_table", "latest", 1)),
    ),
    "sklearn": Library(
        "scikit-learn: wandb.sklearn plots",
        "integrate_sklearn.py",
        "accuracy",
        ("lr", 0.5),
        {"accuracy": 1, "roc_table": 1, "confusion_matrix_table": 1},
        media=("table/roc_table", "table/confusion_matrix_table", "table/precision_recall_table"),
    ),
    "torch": Library(
        "PyTorch: wandb.watch, tables of pictures, TensorBoard's writer",
        "integrate_torch.py",
        "loss",
        ("lr", 0.2),
        {"loss": 4, "global_step": 4, "weights": 4, "noise": 1, "examples": 1,
         "gradients/weight": 4, "parameters/weight": 4},
        media=("table/examples", "images/noise"),
        artifacts=(("run_table", "latest", 1),),
    ),
}  # fmt: skip


class Learner(Client):
    """The client of a version, in the environment with the libraries."""

    libraries: tuple[Path, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "PYTHONPATH": os.pathsep.join(map(str, self.libraries)),
            "YOLO_OFFLINE": "true",
            "HF_HUB_OFFLINE": "1",
            "KERAS_BACKEND": "torch",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "WANDB_LOG_MODEL": "checkpoint",  # Transformers'
        }


def learner(version: str, folder: Path, server: Server, more: Path | None = None) -> Learner:
    made = Learner(version, ENVIRONMENT, server, folder)
    own = [] if version == NEWEST else [*VERSIONS[version].glob("lib/python*/site-packages")]
    made.libraries = (*own, *([more] if more else []))
    shutil.copy(CONES / "torchvision_shim.py", folder)
    return made


@dataclass
class Played:
    """What the server has: of the run by hand, of the run under the agent."""

    runs: tuple[Any, Any]
    rows: tuple[list[Any], list[Any]]
    files: tuple[list[str], list[str]]
    artifacts: tuple[list[Any], list[Any]]
    unknown: Mapping[str, int]
    agent: int


def play(library: Library, version: str, folder: Path) -> Played:
    server = Server(folder / "server")
    client = learner(version, folder, server, library.path)
    if library.label.startswith("Ultralytics"):
        cones(client)
    server.start()
    try:
        by_hand = named("RUN", client.run(library.program, *library.arguments, seconds=280))
        sweep = client.create(library.sweep())
        with client.agent(sweep, f"swept-{library.program[10:-3]}") as agent:
            code = agent.wait(timeout=280)
        (swept,) = server.runs(sweep)
        return told(client, (by_hand, swept["id"]), code)
    finally:
        server.kill()


def told(client: Client, runs: tuple[str, str], code: int) -> Played:
    """All that the tests look at, before the server ends."""
    get = client.server.get
    one, other = (get(f"/api/runs/{run}") for run in runs)
    listed = [[file["name"] for file in get(f"/api/runs/{run}/files")] for run in runs]
    made = [artifacts(client, run) for run in (one, other)]
    return Played(
        (one, other),
        (client.server.rows(runs[0]), client.server.rows(runs[1])),
        (listed[0], listed[1]),
        (made[0], made[1]),
        get("/api/status")["unknown"],
        code,
    )


def artifacts(client: Client, run: Any) -> list[Any]:
    text = client.run("integrate_look.py", run["project"], run["id"])
    found: dict[str, list[Any]] = json.loads(named("TOLD", text, "(.*)"))
    return found[run["id"]]


def named(word: str, text: str, value: str = r"(\S+)") -> str:
    found = re.search(rf"^{word} {value}$", text, re.MULTILINE)
    assert found is not None, text
    return found[1]


def cones(client: Client) -> None:
    client.run("-c", "", seconds=30)
    program = [str(CONES / "render_cones.py"), str(client.folder / "cones")]
    client.run(*program, "--train", "8", "--val", "4", "--test", "0", "--size", "64")


# -- the scenarios of the chosen tests, two at a time ----------------------------------------------


def absent(library: Library) -> str:
    if not (ENVIRONMENT / ".done").exists():
        return "the integrations' environment is missing. hint: make .venvs/integrations/.done"
    if library.path is not None and not library.path.exists():
        return f"{library.path.name} is missing. hint: make .venvs/integrations/.done"
    return ""


@pytest.fixture(scope="module")
def under_way(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], Future[Played]]]:
    folder = tmp_path_factory.mktemp("integrations")
    begun: dict[tuple[str, str], Future[Played]] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for item in request.session.items:
            wanted: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
            key = (wanted.get("library", ""), wanted.get("version", ""))
            if key[0] not in LIBRARIES or key in begun or missing(key[1]):
                continue
            if absent(LIBRARIES[key[0]]) or client_bug(item, key[1]):
                continue
            begun[key] = pool.submit(play, LIBRARIES[key[0]], key[1], folder / "-".join(key))
        yield begun
        for waiting in begun.values():
            waiting.cancel()


@pytest.fixture
def needed(library: str) -> None:
    """Skip what is not installed, or fail where `make matrix` wants all."""
    why = absent(LIBRARIES[library])
    if why and os.environ.get("SWEPT_TEST_INTEGRATIONS") == "1":
        pytest.fail(why)
    if why:
        pytest.skip(why)


@pytest.fixture
def played(
    request: pytest.FixtureRequest,
    needed: None,
    library: str,
    version: str,
    under_way: dict[tuple[str, str], Future[Played]],
) -> Played:
    need(version)
    if why := client_bug(request.node, version):
        pytest.skip(f"a bug of the client: {why}")
    return under_way[library, version].result(timeout=1400)


def each(what: str = "", having: str = "label") -> pytest.MarkDecorator:
    """All libraries that have it, each a row of the compatibility page."""
    return pytest.mark.parametrize(
        "library",
        [
            pytest.param(name, marks=pytest.mark.feature("Integrations", library.label + what))
            for name, library in LIBRARIES.items()
            if getattr(library, having)
        ],
    )


# -- what must be true ----------------------------------------------------------------------------


@each()
def test_a_training_by_hand_and_one_of_a_sweep_finish(played: Played, library: str) -> None:
    by_hand, swept = played.runs
    assert (by_hand["state"], swept["state"], played.agent) == ("finished", "finished", 0)
    assert by_hand["sweep"] is None
    assert len(by_hand["attempts"]) == len(swept["attempts"]) == 1


@each()
def test_each_metric_is_there_as_often_as_it_was_logged(played: Played, library: str) -> None:
    wanted = dict(LIBRARIES[library].rows)
    for rows in played.rows:
        assert {name: sum(name in row["metrics"] for row in rows) for name in wanted} == wanted


@each()
def test_the_sweeps_value_wins_and_the_rest_of_the_config_is_kept(
    played: Played, library: str
) -> None:
    name, value = LIBRARIES[library].parameter
    by_hand, swept = played.runs
    assert by_hand["config"][name] != value
    assert (swept["config"][name], swept["effective_config"]) == (value, None)
    assert set(LIBRARIES[library].config) <= set(by_hand["config"])


@each(having="objective")
def test_the_sweep_sees_its_objective(played: Played, library: str) -> None:
    assert isinstance(played.runs[1]["best_value"], float | int)


@each(having="axes")
def test_charts_have_the_step_metric_that_the_library_named(played: Played, library: str) -> None:
    for run in played.runs:
        for metric, axis in LIBRARIES[library].axes.items():
            assert (definition(run, metric) or {}).get("step_metric") == axis, run["defined"]


@each(having="best")
def test_the_summary_keeps_what_the_library_asked_for(played: Played, library: str) -> None:
    for run in played.runs:
        for metric, kept in LIBRARIES[library].best.items():
            assert set(run["summary"][metric]) == {kept}


def definition(run: Any, metric: str) -> Any:
    """The record of `define_metric` for a metric: its own, else that of a pattern."""
    known = run["defined"]
    patterns = [name for name in known if fnmatch.fnmatchcase(metric, name)]
    return known.get(metric) or next((known[name] for name in patterns), None)


@each(having="media")
def test_pictures_and_tables_are_kept_as_files(played: Played, library: str) -> None:
    for files in played.files:
        for start in LIBRARIES[library].media:
            assert any(name.startswith(f"media/{start}") for name in files), (start, files)


@each(": artifacts", having="artifacts")
def test_models_and_tables_are_artifacts_with_their_aliases(played: Played, library: str) -> None:
    for made in played.artifacts:
        for kind, alias, count in LIBRARIES[library].artifacts:
            those = [one for one in made if one["type"] == kind]
            assert len(those) == count, made
            assert any(alias in one["aliases"] for one in those), those
            assert all(one["files"] for one in those)


@each()
def test_nothing_was_asked_for_in_vain(played: Played, library: str) -> None:
    assert played.unknown == {}
