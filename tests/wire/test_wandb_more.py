"""What the other files leave: charts that need libraries, console modes, very many files, objectives that are no plain
value, reports that come late or with an old key, and what is left of a run that was stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.wire.harness import KEY, NEWEST, PATIENCE, ROOT, VERSIONS, Client, Server, until
from tests.wire.libraries import ENVIRONMENT
from tests.wire.test_wandb_integrations import Learner, absent
from tests.wire.test_wandb_sdk import console, digests, run_of, told_by

pytestmark = [pytest.mark.slow]

PROJECT = "more"
IMAGES = 500
LEASE = {"SWEPT_LEASE_SECONDS": "20", "SWEPT_WANDB_LEASE_SECONDS": "20"}
QUICK = {"WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": "0.5"}
EARLY = "early_terminate: {type: hyperband, min_iter: 2, eta: 3}\n"


def plays(scenario: Callable[[Client], Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


# -- charts that need libraries -------------------------------------------------------------------


def charts(client: Client) -> Any:
    """In the environment of the integrations, as scikit-learn, pandas and PyTorch are there."""
    if absent("sklearn"):
        return None
    learner = Learner(client.version, ENVIRONMENT, client.server, client.folder)
    own = VERSIONS[client.version].glob("lib/python*/site-packages")
    learner.libraries = () if client.version == NEWEST else tuple(own)
    told = told_by(learner, "more_charts.py")
    return {**told, "run": run_of(client, told["id"]), "rows": client.server.rows(told["id"])}


@pytest.fixture
def drawn(told: Any) -> Any:
    """What `charts` came to; skipped where its libraries are not installed, unless `make matrix` wants all."""
    why = absent("sklearn")
    if why and os.environ.get("SWEPT_TEST_INTEGRATIONS") == "1":
        pytest.fail(why)
    if why:
        pytest.skip(why)
    return told


@pytest.mark.feature("Media", "wandb.plot: pr_curve, roc_curve, confusion_matrix, line_series")
@plays(charts)
def test_curves_are_charts_with_their_tables(drawn: Any) -> None:
    assert set(drawn["run"]["details"]["charts"]) == {"precision", "receiver", "confusion", "lines"}
    tables = drawn["tables"]
    assert {name: table["columns"] for name, table in tables.items()} == {
        "precision": ["class", "precision", "recall"],
        "receiver": ["class", "fpr", "tpr"],
        "confusion": ["Actual", "Predicted", "nPredictions"],
        "lines": ["step", "lineKey", "lineVal"],
    }
    assert tables["confusion"]["data"] == [
        ["no", "no", 3], ["no", "yes", 0], ["yes", "no", 1], ["yes", "yes", 2],
    ]  # fmt: skip
    assert len(tables["lines"]["data"]) == 5


@pytest.mark.feature("SDK", "watch: gradients, parameters, graph")
@plays(charts)
def test_a_watched_model_is_there(drawn: Any) -> None:
    rows = [row["metrics"] for row in drawn["rows"] if "loss" in row["metrics"]]
    assert len(rows) == 3
    for name in ("gradients/0.weight", "parameters/1.bias"):
        assert [row[name]["_type"] for row in rows if name in row].count("histogram") >= 2
        assert name in drawn["keys"]
    assert any(name.startswith("media/graph/") for name in drawn["files"])


@pytest.mark.feature("Media", "matplotlib and plotly figures")
@plays(charts)
def test_figures_are_media(drawn: Any) -> None:
    kinds = {"figure_as_image": "image-file", "plot_of_pyplot": "image-file"}
    if drawn["plotly"]:
        kinds |= {"figure": "plotly-file", "plotly": "plotly-file"}
    summary = drawn["summary"]
    assert {name: summary[name]["_type"] for name in kinds} == kinds
    assert {summary[name]["path"] for name in kinds} <= set(drawn["files"])


# -- console --------------------------------------------------------------------------------------

PRINTED = [
    ("stdout", "first"),
    ("stdout", "progress 100 %"),
    ("stdout", "\x1b[31mred\x1b[0m and ünïcode ☃ 日本"),
    ("stderr", "to stderr"),
    ("stdout", "half a line"),
    *(("stdout", f"line {number}") for number in range(300)),
    ("stdout", "last"),
    ("stdout", "resumed"),
]


def redirected(client: Client) -> Any:
    return printed(client, "redirect")


def emulated(client: Client) -> Any:
    return printed(client, "wrap_emu")


def raw(client: Client) -> Any:
    return printed(client, "wrap_raw")


def printed(client: Client, mode: str) -> Any:
    told = told_by(client, "sdk_console.py", mode, "300")
    return {
        "lines": console(client, told["id"]),
        "run": run_of(client, told["id"]),
    }


@pytest.mark.feature("SDK", "console: wrap_raw")
@plays(raw)
def test_a_wrapped_console_comes_line_by_line(told: Any) -> None:
    assert told["lines"] == PRINTED


@pytest.mark.feature("SDK", "console: redirect, wrap_emu (harmless: the client sends no lines)")
@pytest.mark.parametrize("scenario", [redirected, emulated], ids=["redirect", "wrap_emu"])
def test_a_console_that_the_client_keeps_to_itself_does_no_harm(told: Any) -> None:
    assert told["lines"] == [] or ("stdout", "last") in told["lines"]
    assert told["run"]["state"] == "finished"


# -- very many files ------------------------------------------------------------------------------


def images(client: Client) -> Any:
    told = told_by(client, "more_images.py", str(IMAGES))
    return {**told, "stored": digests(client, told["id"]), "run": run_of(client, told["id"])}


@pytest.mark.feature("Media", "hundreds of small pictures in one run")
@plays(images)
def test_every_one_of_many_pictures_is_there(told: Any) -> None:
    assert len(told["digests"]) >= IMAGES
    assert told["digests"].items() <= told["stored"].items()
    assert set(told["digests"]) <= set(told["listed"])
    assert len(told["listed"]) == len(set(told["listed"])) == len(told["stored"])
    assert told["got"] == told["digests"][told["last"]]


# -- objectives that are no plain value -------------------------------------------------------------


def objectives(client: Client) -> Any:
    """The same training in three sweeps: what its objective is called, and where it stands."""
    with ThreadPoolExecutor(3) as pool:
        names = ("loss", "loss.min", "score")
        return dict(zip(names, pool.map(lambda name: searched(client, name), names), strict=True))


def searched(client: Client, objective: str) -> Any:
    text = (
        f"program: more_objective.py\nproject: {PROJECT}\nmethod: grid\n"
        f"metric: {{name: {objective}, goal: minimize}}\nparameters: {{lr: {{values: [0.5, 0.1]}}}}\n"
    )
    sweep = client.create(text)
    with client.agent(sweep, PROJECT) as agent:
        assert agent.wait(timeout=PATIENCE) == 0
    return {
        "sweep": client.server.get(f"/api/sweeps/{sweep}"),
        "read": told_by(client, "more_sweep.py", PROJECT, sweep),
    }


@pytest.mark.feature("SDK", "a sweep's objective reduced by define_metric, or in the summary alone")
@plays(objectives)
@pytest.mark.parametrize(
    ("objective", "values"),
    [("loss", [1.5, 1.1]), ("loss.min", [0.5, 0.1]), ("score", [5.5, 5.1])],
)
def test_a_sweep_reads_its_objective_wherever_it_stands(
    told: Any, objective: str, values: list[float]
) -> None:
    sweep, read = told[objective]["sweep"], told[objective]["read"]
    assert [run["value"] for run in sweep["runs"]] == pytest.approx(values)
    assert all(run["summary"]["loss"]["min"] == run["config"]["lr"] for run in sweep["runs"])
    assert sweep["best"]["id"] == sweep["runs"][1]["id"] == read["best"]


# -- late, and with an old key ----------------------------------------------------------------------


class Hurried(Server):
    """Its leases are short."""

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "key").write_text(KEY)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SWEPT_")}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "swept", "server", "--port", str(self.port)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={
                    **kept,
                    **LEASE,
                    "PYTHONPATH": str(ROOT / "src"),
                    "SWEPT_HOME": str(self.folder),
                },
            )
        until(self._answers, "answer of a server with short leases")


@contextlib.contextmanager
def hurried(client: Client) -> Iterator[Client]:
    """The same client, with a server that soon takes a silent run for dead."""
    server = Hurried(client.folder / "server")
    server.start()
    try:
        yield replace(client, server=server)
    finally:
        server.kill()


@contextlib.contextmanager
def going(
    command: list[str], folder: Path, environment: dict[str, str]
) -> Iterator[psutil.Process]:
    """A process; it and what it started are gone afterwards, also where they stand still."""
    folder.mkdir(exist_ok=True)
    with (folder / "printed").open("ab") as log:
        process = psutil.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        signal_all(family(process), signal.SIGKILL)
        process.wait()


def family(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def signal_all(some: list[psutil.Process], number: signal.Signals) -> None:
    for process in some:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def in_state(client: Client, run: str, state: str) -> Any:
    def look() -> Any:
        found = run_of(client, run)
        return found if found["state"] == state else None

    return until(look, f"run {run} that is {state}")


def reported(client: Client, run: str, rows: int) -> None:
    until(lambda: len(client.server.rows(run)) >= rows, f"{rows} rows of {run}")


def frozen(client: Client, process: psutil.Process, run: str) -> Any:
    """Everything stands still until the server takes the run for dead, then goes on to its end."""
    reported(client, run, 3)
    still = family(process)
    signal_all(still, signal.SIGSTOP)
    crashed = in_state(client, run, "crashed")
    signal_all(still, signal.SIGCONT)
    before = len(client.server.rows(run))
    in_state(client, run, "running")
    reported(client, run, before + 3)
    (client.folder / "done").touch()
    code = process.wait(timeout=PATIENCE)
    return {
        "code": code,
        "crashed": crashed,
        "run": in_state(client, run, "finished"),
        "rows": client.server.rows(run),
        "logged": int((client.folder / "logged").read_text()),
    }


def late(client: Client) -> Any:
    """A script by hand."""
    with (
        hurried(client) as own,
        going(own.command("more_late.py"), own.folder, own.environment | QUICK) as process,
    ):
        name = own.folder / "run-id"
        until(name.exists, "run")
        return frozen(own, process, until(name.read_text, "id"))


def late_agent(client: Client) -> Any:
    """The real agent stands still with its program, as when a laptop sleeps."""
    with hurried(client) as own:
        sweep = own.create(late_text())
        arguments = ("-m", "wandb", "agent", f"local/{PROJECT}/{sweep}")
        with going(own.command(*arguments), own.folder, own.environment) as process:
            first = until(lambda: tried(own, sweep), "run")
            told = frozen(own, process, first["id"])
        return {**told, "sweep": own.server.get(f"/api/sweeps/{sweep}")}


def late_text(rest: str = "") -> str:
    return (
        f"program: more_late.py\nproject: {PROJECT}\nmethod: grid\n"
        f"metric: {{name: loss, goal: minimize}}\nparameters: {{lr: {{values: [0.5]}}}}\n{rest}"
    )


def tried(client: Client, sweep: str, attempts: int = 1) -> Any:
    """The sweep's first run, once it has been tried so often."""
    runs = client.server.runs(sweep)
    return next((run for run in runs if len(run["attempts"]) >= attempts), None)


@pytest.mark.feature("Faults", "a run taken for dead is revived by its next report")
@pytest.mark.parametrize("scenario", [late, late_agent], ids=["by hand", "wandb agent"])
def test_a_late_report_revives_a_crashed_run(told: dict[str, Any]) -> None:
    assert "silent" in told["crashed"]["ended_because"]
    assert (told["code"], told["run"]["state"]) == (0, "finished")
    assert len(told["run"]["attempts"]) == 1
    assert [row["metrics"]["loss"] for row in told["rows"]] == list(range(told["logged"]))
    if sweep := told.get("sweep"):
        assert (sweep["state"], len(sweep["runs"])) == ("finished", 1)


def overtaken(client: Client) -> Any:
    """An agent of swept's stands still until its run is given to another one. Then its program alone goes on."""
    with hurried(client) as own:
        command = json.dumps([own.command()[0], str(own.folder / "more_late.py")])
        sweep = own.create(late_text(f"command: {command}\n"))
        with swept_agent(own, sweep, "old") as old:
            run = until(lambda: tried(own, sweep), "run")["id"]
            reported(own, run, 3)
            still = family(old)
            signal_all(still, signal.SIGSTOP)
            with swept_agent(own, sweep, "new") as new:
                until(lambda: tried(own, sweep, 2), "second attempt")
                until(lambda: own.server.rows(run)[0]["attempt"] == 2, "row of the new program")
                signal_all([one for one in still if is_program(one)], signal.SIGCONT)
                unknown = until(lambda: stale_posts(own), "post with the old key")
                until((own.folder / "old" / "logged").exists, "end of the old program")
                (own.folder / "new" / "done").touch()
                code = new.wait(timeout=PATIENCE)
        return {
            "unknown": unknown,
            "code": code,
            "run": run_of(own, run),
            "rows": own.server.rows(run),
            "logged": int((own.folder / "new" / "logged").read_text()),
            "text": "\n".join(
                path.read_text(errors="replace")
                for path in (own.folder / "old").rglob("*log*")
                if path.is_file()
            ),
        }


@contextlib.contextmanager
def swept_agent(client: Client, sweep: str, name: str) -> Iterator[psutil.Process]:
    """In a folder of its own, as on another machine."""
    folder = client.folder / name
    environment = {
        **client.environment,
        "PYTHONPATH": str(ROOT / "src"),
        "SWEPT_URL": client.server.url,
        "SWEPT_API_KEY": KEY,
        "SWEPT_LOCKS": str(folder / "locks"),
        "SWEPT_HEARTBEAT_SECONDS": "1",
    }
    with going([sys.executable, "-m", "swept", "agent", sweep], folder, environment) as process:
        yield process


def is_program(process: psutil.Process) -> bool:
    """The training, or the client's own process beside it; not swept's."""
    line = " ".join(process.cmdline())
    return "supervisor" not in line and " swept " not in line


def stale_posts(client: Client) -> int:
    unknown: dict[str, int] = client.server.get("/api/status")["unknown"]
    return unknown.get("file_stream(stale key)", 0)


@pytest.mark.feature(
    "Faults", "under `swept agent`, an overtaken program's reports are dropped quietly"
)
@plays(overtaken)
def test_what_comes_with_an_old_key_is_dropped_and_ends_its_program(told: dict[str, Any]) -> None:
    run = told["run"]
    assert (told["code"], run["state"], len(run["attempts"])) == (0, "finished", 2)
    assert [row["metrics"]["where"] for row in told["rows"]] == ["new"] * told["logged"]
    assert [row["step"] for row in told["rows"]] == list(range(told["logged"]))
    assert run["summary"]["end"] == "new"
    assert told["unknown"] >= 1


# -- what is left of a run that was stopped ---------------------------------------------------------


def stopped(client: Client) -> Any:
    """The bad run of two is stopped by the stopper, under the real agent."""
    sweep = client.create(stopping())
    with client.agent(sweep, PROJECT) as agent:
        assert agent.wait(timeout=PATIENCE) == 0
    return left_of(client, sweep)


def stopped_by_swept(client: Client) -> Any:
    """The same under swept's agent."""
    command = json.dumps([client.command()[0], "${program}", "${args}"])
    sweep = client.create(stopping(f"command: {command}\n"))
    client.swept("agent", sweep)
    return left_of(client, sweep)


def stopping(rest: str = "") -> str:
    return (
        f"program: train.py\nproject: {PROJECT}\nmethod: grid\nmetric: {{name: loss, goal: minimize}}\n"
        "parameters: {lr: {values: [0.1, 9]}, pause: {value: 0.25}, quick_below: {value: 1}, "
        f"steps: {{value: 2400}}}}\n{EARLY}{rest}"
    )


def left_of(client: Client, sweep: str) -> Any:
    _, bad = client.server.runs(sweep)
    return {
        "run": run_of(client, bad["id"]),
        "rows": client.server.rows(bad["id"]),
        "read": told_by(client, "more_read.py", f"local/{PROJECT}/{bad['id']}"),
        "shown": client.swept("show", bad["id"]),
    }


@pytest.mark.feature("Early stop", "the summary of a stopped run has its last values")
@pytest.mark.client_bug("0.23.1", "it loads no run of a sweep: the Api in it is not JSON")
@pytest.mark.parametrize("scenario", [stopped, stopped_by_swept], ids=["wandb", "swept"])
def test_a_stopped_runs_summary_has_its_last_values(told: dict[str, Any]) -> None:
    last, read = told["rows"][-1], told["read"]
    assert told["run"]["state"] == "stopped"
    assert told["run"]["summary"]["loss"] == last["metrics"]["loss"]
    assert told["run"]["value"] == last["metrics"]["loss"]
    assert (read["state"], read["value"]) == ("finished", last["metrics"]["loss"])
    assert read["summary"]["_step"] == read["last"]["_step"] == read["last_step"] == last["step"]
    assert read["summary"]["loss"] == read["last"]["loss"]
