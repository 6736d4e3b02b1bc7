"""Libraries with a wandb integration of their own, unmodified: a small real training by hand and one under `wandb agent`.

Their environment is `make .venvs/integrations/.done`: it lies above .venv and has no wandb of its own. Another version of the
client than .venv's is put before it on the path. Each library and version has a server, so that its counts are its own.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.wire.conftest import need
from tests.wire.harness import NEWEST, PATIENCE, ROOT, VERSIONS, Client, Server, missing
from tests.wire.libraries import ENVIRONMENT, LIBRARIES, TENSORFLOW, Library
from tests.wire.results import client_bug

CONES = ROOT / "examples" / "yolo-cones"
AT_ONCE = 2
"""Trainings side by side: the machines that run this have two cores."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


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


@contextlib.contextmanager
def learner(version: str, folder: Path, more: Path | None = None) -> Iterator[Learner]:
    """With a server that is its own."""
    made = Learner(version, ENVIRONMENT, Server(folder / "server"), folder)
    own = [] if version == NEWEST else [*VERSIONS[version].glob("lib/python*/site-packages")]
    made.libraries = (*own, *([more] if more else []))
    shutil.copy(CONES / "torchvision_shim.py", folder)
    made.server.start()
    try:
        yield made
    finally:
        made.server.kill()


@dataclass
class Played:
    """What the server has: of the run by hand, of the run under the agent."""

    runs: tuple[Any, Any]
    rows: tuple[list[Any], list[Any]]
    files: tuple[list[str], list[str]]
    artifacts: tuple[list[Any], list[Any]]
    unknown: Mapping[str, int]
    agent: int
    text: str


def play(library: Library, version: str, folder: Path) -> Played:
    with learner(version, folder, library.path) as client:
        if library.label.startswith("Ultralytics"):
            cones(client)
        text = client.run(library.program, *library.arguments)
        sweep = client.create(library.sweep())
        with client.agent(sweep, library.project) as agent:
            code = agent.wait(timeout=PATIENCE)
        (swept,) = client.server.runs(sweep)
        return told(client, (begun(text), swept["id"]), code, text)


def begun(text: str) -> str:
    """The run that the client says it has begun."""
    return named(r"wandb: .*View run at \S*/runs/", text)


def told(client: Client, runs: tuple[str, str], code: int, text: str) -> Played:
    """All that the tests look at, before the server ends."""
    get = client.server.get
    one, other = (get(f"/api/runs/{run}") for run in runs)
    listed = [[file["name"] for file in get(f"/api/runs/{run}/files")] for run in runs]
    made = [artifacts(client.server, run) for run in runs]
    return Played(
        (one, other),
        (client.server.rows(runs[0]), client.server.rows(runs[1])),
        (listed[0], listed[1]),
        (made[0], made[1]),
        get("/api/status")["unknown"],
        code,
        text,
    )


def artifacts(server: Server, run: str) -> list[Any]:
    """What the run logged."""
    listed: list[Any] = server.get(f"/api/runs/{run}/artifacts")
    return [one for one in listed if one["role"] == "output"]


def named(before: str, text: str, value: str = r"(\S+)") -> str:
    found = re.search(rf"^{before}{value}$", text, re.MULTILINE)
    assert found is not None, text
    return found[1]


def cones(client: Client) -> None:
    program = [str(CONES / "render_cones.py"), str(client.folder / "cones")]
    client.run(*program, "--train", "8", "--val", "4", "--test", "0", "--size", "64")


# -- scenes of one library -------------------------------------------------------------------------


def yolo_in_sweeps(version: str, folder: Path) -> Any:
    """A program that calls `wandb.init` and trains with the sweep's config, under the real agent and under swept's."""
    text = (
        "program: integrate_ultralytics.py\nproject: cones\nmethod: grid\n"
        "metric: {name: metrics/mAP50(B), goal: maximize}\n"
        "parameters: {lr0: {values: [0.02, 0.01]}, optimizer: {value: SGD}}\n"
    )
    with learner(version, folder) as client:
        cones(client)
        sweep = client.create(text)
        with client.agent(sweep, "cones") as agent:
            code = agent.wait(timeout=PATIENCE)
        command = f"command: [{client.command()[0]}, '${{program}}', '${{args}}']\n"
        other = client.create(text.replace("grid", "random\nrun_cap: 1") + command)
        client.swept("agent", other)
        runs = [*client.server.runs(sweep), *client.server.runs(other)]
        return code, runs, [client.server.rows(run["id"]) for run in runs]


def search(version: str, folder: Path) -> Any:
    """Transformers' own search: `wandb.sweep` and `wandb.agent(function=…)`."""
    with learner(version, folder) as client:
        text = client.run("integrate_transformers.py", "search", WANDB_LOG_MODEL="end")
        best, sweep = named("BEST ", text, r"(\w+ SWEEP \w+)").split(" SWEEP ")
        return best, client.server.get(f"/api/sweeps/{sweep}")


def resumed(version: str, folder: Path) -> Any:
    """Lightning's logger with the id of an earlier run: it goes on in it."""
    with learner(version, folder) as client:
        once = begun(client.run("integrate_lightning.py"))
        rows = client.server.rows(once)
        client.run("integrate_lightning.py", WANDB_RUN_ID=once)
        return rows, client.server.rows(once), client.server.get(f"/api/runs/{once}")


Scene = Callable[[str, Path], Any]
SCENES: dict[str, Scene] = {
    **{name: partial(play, library) for name, library in LIBRARIES.items()},
    **{scene.__name__: scene for scene in (yolo_in_sweeps, search, resumed)},
}

# -- the scenes of the chosen tests, two at a time --------------------------------------------------


def absent(name: str) -> str:
    needed = [ENVIRONMENT / ".done", *([TENSORFLOW] if name == "keras" else [])]
    if all(path.exists() for path in needed):
        return ""
    return "the integrations' environment is not there. hint: make .venvs/integrations/.done"


@pytest.fixture(scope="module")
def under_way(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], Future[Any]]]:
    folder = tmp_path_factory.mktemp("integrations")
    begun: dict[tuple[str, str], Future[Any]] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for item in request.session.items:
            wanted: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
            name, version = key = (wanted.get("scene", ""), wanted.get("version", ""))
            if name not in SCENES or key in begun or missing(version):
                continue
            if not absent(name) and not client_bug(item, version):
                begun[key] = pool.submit(SCENES[name], version, folder / "-".join(key))
        yield begun
        for waiting in begun.values():
            waiting.cancel()


@pytest.fixture
def played(
    request: pytest.FixtureRequest,
    scene: str,
    version: str,
    under_way: dict[tuple[str, str], Future[Any]],
) -> Any:
    """What the scene came to; skipped where it is not installed, unless `make matrix` wants all."""
    need(version)
    why = absent(scene)
    if why and os.environ.get("SWEPT_TEST_INTEGRATIONS") == "1":
        pytest.fail(why)
    if why := why or client_bug(request.node, version):
        pytest.skip(why)
    return under_way[scene, version].result(timeout=PATIENCE)


def of(scene: Scene, feature: str) -> Callable[[Any], Any]:
    """The test is about this scene."""
    row = pytest.mark.feature("Integrations", feature)
    return pytest.mark.parametrize("scene", [pytest.param(scene.__name__, marks=row)])


def each(what: str = "", having: str = "label") -> pytest.MarkDecorator:
    """All libraries that have it, each a row of the compatibility page."""
    return pytest.mark.parametrize(
        "scene",
        [
            pytest.param(name, marks=pytest.mark.feature("Integrations", library.label + what))
            for name, library in LIBRARIES.items()
            if getattr(library, having)
        ],
    )


# -- what must be true ----------------------------------------------------------------------------


@each()
def test_a_training_by_hand_and_one_of_a_sweep_finish(played: Played, scene: str) -> None:
    by_hand, swept = played.runs
    assert (by_hand["state"], swept["state"], played.agent) == ("finished", "finished", 0)
    assert by_hand["sweep"] is None
    assert len(by_hand["attempts"]) == len(swept["attempts"]) == 1


@each()
def test_each_metric_is_there_as_often_as_it_was_logged(played: Played, scene: str) -> None:
    wanted = dict(LIBRARIES[scene].rows)
    for rows in played.rows:
        assert {name: sum(name in row["metrics"] for row in rows) for name in wanted} == wanted


@each()
def test_the_sweeps_value_wins_and_the_rest_of_the_config_is_kept(
    played: Played, scene: str
) -> None:
    name, value = LIBRARIES[scene].parameter
    by_hand, swept = played.runs
    assert by_hand["config"][name] != value
    assert (swept["config"][name], swept["effective_config"]) == (value, None)
    assert set(LIBRARIES[scene].config) <= set(by_hand["config"])


@each(having="objective")
def test_the_sweep_sees_its_objective(played: Played, scene: str) -> None:
    assert isinstance(played.runs[1]["best_value"], float | int)


@each(having="axes")
def test_charts_have_the_step_metric_that_the_library_named(played: Played, scene: str) -> None:
    for run in played.runs:
        for metric, axis in LIBRARIES[scene].axes.items():
            assert (definition(run, metric) or {}).get("step_metric") == axis, run["defined"]


@each(having="best")
def test_the_summary_keeps_what_the_library_asked_for(played: Played, scene: str) -> None:
    for run in played.runs:
        for metric, kept in LIBRARIES[scene].best.items():
            assert set(run["summary"][metric]) == {kept}


def definition(run: Any, metric: str) -> Any:
    """The record of `define_metric` for a metric: its own, else that of a pattern."""
    known = run["defined"]
    patterns = [name for name in known if fnmatch.fnmatchcase(metric, name)]
    return known.get(metric) or next((known[name] for name in patterns), None)


@each(having="media")
def test_pictures_and_tables_are_kept_as_files(played: Played, scene: str) -> None:
    for files in played.files:
        for start in LIBRARIES[scene].media:
            assert any(name.startswith(f"media/{start}") for name in files), (start, files)


@each(": artifacts", having="artifacts")
def test_models_and_tables_are_artifacts_with_their_aliases(played: Played, scene: str) -> None:
    for made in played.artifacts:
        for kind, alias, count in LIBRARIES[scene].artifacts:
            those = [one for one in made if one["type"] == kind]
            assert len(those) == count, made
            assert any(alias in one["aliases"] for one in those), those
            assert all(one["files"] > 0 for one in those)


@each()
def test_nothing_was_asked_for_in_vain(played: Played, scene: str) -> None:
    assert played.unknown == {}


@of(yolo_in_sweeps, "Ultralytics: a program with wandb.init, under wandb agent and swept agent")
def test_yolo_trains_with_the_sweeps_config(played: Any) -> None:
    code, runs, rows = played
    assert code == 0
    assert [run["state"] for run in runs] == ["finished"] * 3
    assert [run["config"]["lr0"] for run in runs[:2]] == [0.02, 0.01]
    assert [run["effective_config"] for run in runs] == [None] * 3
    for run, some in zip(runs, rows, strict=True):
        assert [row["metrics"]["epoch"] for row in some] == [1, 2, 3, 2]
        assert run["best_value"] is not None


@of(search, 'Transformers: hyperparameter_search(backend="wandb")')
def test_transformers_searches_through_wandb(played: Any) -> None:
    best, sweep = played
    runs = [run for run in sweep["runs"] if run["attempts"]]
    assert [run["state"] for run in runs] == ["finished", "finished"]
    assert {run["config"]["learning_rate"] for run in runs} == {0.1, 0.001}
    assert best == min(runs, key=lambda run: run["best_value"])["id"]


@of(resumed, "PyTorch Lightning: WandbLogger resumes a run by its id")
def test_lightning_goes_on_in_a_run(played: Any) -> None:
    once, twice, run = played
    assert twice[: len(once)] == once
    assert [row["step"] for row in twice] == list(range(2 * len(once)))
    assert (run["state"], len(run["attempts"])) == ("finished", 2)


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(
            "lightning",
            marks=pytest.mark.feature(
                "Integrations", "PyTorch Lightning: a checkpoint restored by use_artifact"
            ),
        )
    ],
)
def test_lightning_restores_its_best_checkpoint(played: Played, scene: str) -> None:
    assert "RESTORED True v2" in played.text
