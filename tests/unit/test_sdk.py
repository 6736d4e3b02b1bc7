"""The SDK: in a subprocess where the process matters, with a server that a thread plays where only reports do."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import swept
from swept import sdk
from swept.errors import UsageError
from swept.tracking.reporting import read_journal
from swept.tracking.values import Config, clean
from swept.tracking.workspace import Brief, Workspace

SOURCE = str(Path(swept.__file__).parents[1])


def environment(**more: str) -> dict[str, str]:
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("SWEPT_", "WANDB_"))
    }
    return {**kept, "PYTHONPATH": SOURCE, **more}


def python(folder: Path, code: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def claimed(folder: Path, config: dict[str, Any] | None = None, **more: Any) -> dict[str, str]:
    """The environment of a run whose server is away (port 9 is nobody's)."""
    place = Workspace(folder / "run")
    place.keep_brief(Brief(run="r1", attempt=1, seed=7, metric="loss", config=config or {}, **more))
    return {
        "SWEPT_URL": "http://127.0.0.1:9",
        "SWEPT_RUN_ID": "r1",
        "SWEPT_LEASE": "local-x",
        "SWEPT_RUN_DIR": str(place.path),
        "SWEPT_CHECKPOINT_DIR": str(folder / "checkpoints" / "r1"),
    }


def journal(folder: Path) -> list[dict[str, Any]]:
    return [dict(report) for report in read_journal(folder / "run" / "reports.jsonl")]


# -- without a server -----------------------------------------------------------------------------


def test_without_a_server_metrics_are_printed_and_written(tmp_path: Path) -> None:
    code = "import swept; run = swept.init(config={'lr': .1}); run.log({'loss': .5}); run.log({'loss': .25})"
    done = python(tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["step 0: loss 0.5", "step 1: loss 0.25"]
    (file,) = (tmp_path / "swept-runs").iterdir()
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert rows[0]["config"] == {"lr": 0.1}
    assert [row["metrics"] for row in rows[1:]] == [{"loss": 0.5}, {"loss": 0.25}]


def test_a_folder_that_cannot_be_written_costs_the_file_only(tmp_path: Path) -> None:
    (tmp_path / "swept-runs").write_text("not a folder")
    done = python(tmp_path, "import swept; swept.init().log({'loss': 1})")
    assert done.returncode == 0
    assert done.stdout == "step 0: loss 1\n"
    assert "printed only" in done.stderr


def test_import_and_init_load_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, swept\n"
        "assert 'swept.sdk' not in sys.modules\n"
        "swept.init()\n"
        "heavy = {'numpy', 'pydantic', 'fastapi', 'sqlalchemy', 'httpx', 'scipy', 'torch', 'asyncio', 'psutil', 'yaml'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    done = python(tmp_path, code)
    assert "heavy: []" in done.stdout, done.stderr


def test_under_an_agent_nothing_heavy_is_loaded_before_the_first_report(tmp_path: Path) -> None:
    code = (
        "import sys, swept\n"
        "swept.init()\n"
        "heavy = {'numpy', 'pydantic', 'fastapi', 'sqlalchemy', 'scipy', 'torch', 'psutil', 'yaml'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    done = python(tmp_path, code, **claimed(tmp_path))
    assert "heavy: []" in done.stdout, done.stderr


# -- under an agent, the server away: everything is on disk ---------------------------------------


def test_what_the_program_adds_to_the_given_configuration_is_reported(tmp_path: Path) -> None:
    code = """
import swept
run = swept.init(config={"lr": 0.9, "depth": 3})
print(run.config.lr, run.config.depth)
run.log({"loss": 1.0})
"""
    done = python(tmp_path, code, **claimed(tmp_path, config={"lr": 0.5}))
    assert done.stdout.split() == ["0.5", "3"]
    own, _ = journal(tmp_path)
    assert (own["type"], own["config"]) == ("config", {"depth": 3})


def test_reports_are_on_disk_in_order_whatever_happens(tmp_path: Path) -> None:
    code = """
import os, signal, swept
run = swept.init()
run.log({"loss": 1.0, "acc": 0.1})
run.log({"lr": 0.5}, step=0)
run.summary["size"] = 3
run.report_effective({"batch": 48})
run.log({"loss": float("nan")})
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = python(tmp_path, code, **claimed(tmp_path))
    assert done.returncode == -9
    reports = journal(tmp_path)
    assert [report["seq"] for report in reports] == [1, 2, 3, 4, 5]
    assert [report["type"] for report in reports] == ["log", "log", "summary", "effective", "log"]
    assert [report.get("step") for report in reports] == [0, 0, None, None, 1]
    assert reports[4]["metrics"] == {"loss": "NaN"}


def test_a_second_process_of_the_run_goes_on_in_the_same_queue(tmp_path: Path) -> None:
    code = "import swept; swept.init().log({'loss': 1.0})"
    variables = claimed(tmp_path)
    python(tmp_path, code, **variables)
    with (tmp_path / "run" / "reports.jsonl").open("a") as file:
        file.write('{"seq": 2, "type": "log", "st')  # a kill in the middle of a line
    done = python(tmp_path, code, **variables)
    assert done.returncode == 0, done.stderr
    assert [report["seq"] for report in journal(tmp_path)] == [1, 2]


def test_workers_that_import_the_script_report_nothing(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import subprocess, sys, swept\n"
        "run = swept.init()\n"
        "run.log({'loss': 1.0 if len(sys.argv) == 1 else 2.0})\n"
        "if len(sys.argv) == 1: subprocess.run([sys.executable, __file__, 'worker'], check=True)\n"
        "assert run.config.lr == 0.1\n"
    )
    code = "import runpy, sys; sys.argv = ['train.py']; runpy.run_path('train.py', run_name='__main__')"
    done = python(tmp_path, code, **claimed(tmp_path, {"lr": 0.1}))
    assert done.returncode == 0, done.stderr
    assert [report["metrics"]["loss"] for report in journal(tmp_path)] == [1.0]
    assert "reports already" in done.stderr


@pytest.mark.parametrize("rank", ["RANK", "LOCAL_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK"])
def test_only_rank_0_reports(tmp_path: Path, rank: str) -> None:
    code = (
        "import swept; run = swept.init(); run.log({'loss': 1.0}); run.checkpoint('x', 0); run.save('y')\n"
        "assert run.config.lr == 0.1 and not run.should_stop and not run.should_pause and run.seed == 7"
    )
    done = python(tmp_path, code, **claimed(tmp_path, {"lr": 0.1}), **{rank: "1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert not journal(tmp_path)


def test_a_forked_child_has_the_configuration_and_no_run(tmp_path: Path) -> None:
    code = """
import os, swept
run = swept.init()
run.log({"loss": 1.0})
pid = os.fork()
if pid == 0:
    run.log({"loss": 2.0})
    assert run.config.lr == 0.1
    raise SystemExit(0)
assert os.waitpid(pid, 0)[1] == 0
run.log({"loss": 3.0})
"""
    done = python(tmp_path, code, **claimed(tmp_path, {"lr": 0.1}))
    assert done.returncode == 0, done.stderr
    assert [report["metrics"]["loss"] for report in journal(tmp_path)] == [1.0, 3.0]


def test_a_checkpoint_is_copied_at_once_and_hidden_until_its_step_is_durable(
    tmp_path: Path,
) -> None:
    code = """
import swept
from pathlib import Path
run = swept.init()
path = Path("last.pt")
path.write_text("one")
run.log({"loss": 1.0})
run.checkpoint(path, 0)
path.write_text("overwritten")
"""
    done = python(tmp_path, code, **claimed(tmp_path))
    assert done.returncode == 0, done.stderr
    report = journal(tmp_path)[-1]
    assert (report["type"], report["step"]) == ("checkpoint", 0)
    place = Path(report["place"])
    assert not place.exists()
    assert place.with_name(f".{place.name}").read_text() == "one"
    assert report["host"] == (tmp_path / "checkpoints" / "host-id").read_text()


def test_a_missing_checkpoint_or_file_is_said_and_ends_nothing(tmp_path: Path) -> None:
    code = "import swept; run = swept.init(); run.checkpoint('no', 1); run.save('no'); run.save(__file__ if 0 else 'x', '../y')"
    done = python(tmp_path, code, **claimed(tmp_path))
    assert done.returncode == 0
    assert "run.checkpoint did nothing: there is no checkpoint at no" in done.stderr
    assert "run.save did nothing" in done.stderr


def test_a_resumed_run_counts_on_from_its_checkpoint(tmp_path: Path) -> None:
    code = """
import swept
run = swept.init()
point = run.resumed_from
assert (str(point.path), point.step) == ("/some/where.pt", 4), point
run.resumed_from
run.log({"loss": 1.0})
"""
    variables = claimed(tmp_path, checkpoint={"place": "/some/where.pt", "step": 4})
    done = python(tmp_path, code, **variables, SWEPT_RESUME_FROM="/some/where.pt")
    assert done.returncode == 0, done.stderr
    reports = journal(tmp_path)
    assert [(report["type"], report["step"]) for report in reports] == [("resumed", 4), ("log", 5)]


def test_a_program_that_does_not_ask_starts_from_scratch(tmp_path: Path) -> None:
    variables = claimed(tmp_path, checkpoint={"place": "/some/where.pt", "step": 4})
    python(
        tmp_path, "import swept; swept.init().log({'a': 1})", **variables, SWEPT_RESUME_FROM="/x"
    )
    assert [report["step"] for report in journal(tmp_path)] == [0]


def test_bad_values_never_end_the_training(tmp_path: Path) -> None:
    code = """
import swept
run = swept.init()
run.log("loss")
run.log({"loss": object(), "acc": 1.0, 3: 4, "deep": {"a": {"b": 2}}, "text": "x" * 100_000})
run.log({"loss": 1.0}, step=3.0)
run.finish()
run.log({"late": 1})
"""
    done = python(tmp_path, code, **claimed(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "'loss' is not reported: a object" in done.stderr
    assert "finished" in done.stderr
    reports = journal(tmp_path)
    assert reports[1]["metrics"]["deep"] == {"a": {"b": 2}}
    assert [report["step"] for report in reports] == [0, 1, 3]


def test_the_context_manager_passes_exceptions_on(tmp_path: Path) -> None:
    done = python(
        tmp_path,
        "import swept\nwith swept.init() as run: raise KeyError('mine')",
        **claimed(tmp_path),
    )
    assert done.returncode == 1
    assert "KeyError: 'mine'" in done.stderr


# -- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "ValueError('mine')"])
def test_without_an_order_a_programs_own_end_keeps_its_traceback(
    tmp_path: Path, error: str
) -> None:
    code = f"import swept; run = swept.init(); run.log({{'loss': 1}}); raise {error}"
    done = python(tmp_path, code, **claimed(tmp_path))
    assert done.returncode != 0
    assert "Traceback" in done.stderr
    assert done.stderr.rstrip().splitlines()[-1].startswith(error.split("(")[0])


def test_numbers_of_all_kinds_become_json() -> None:
    values = clean(
        {
            "a": np.float32(0.5),
            "b": np.int64(3),
            "c": np.array([[2.0]]),
            "d": True,
            "e": [np.int8(1)],
        }
    )
    assert values == {"a": 0.5, "b": 3, "c": 2.0, "d": True, "e": [1]}
    assert [type(value) for value in values.values()] == [float, int, float, bool, list]


def test_a_tensor_becomes_a_number() -> None:
    torch = pytest.importorskip("torch")
    assert clean({"loss": torch.tensor(0.5, requires_grad=True)}) == {"loss": 0.5}


def test_an_array_is_refused_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert clean({"a": np.zeros(3), "b": 1}) == {"b": 1}
    assert "report one number" in capsys.readouterr().err


@pytest.fixture
def config() -> Config:
    return Config({"lr": 0.1, "optimizer": {"name": "sgd"}, "layers": [1, {"size": 2}]})


def test_the_configuration_by_attribute_item_and_as_a_dict(config: Config) -> None:
    assert config.lr == config["lr"] == 0.1
    assert config.optimizer.name == "sgd"
    assert config.layers[1].size == 2
    assert dict(**config) == config == json.loads(json.dumps(config))
    assert pickle.loads(pickle.dumps(config)) == copy.deepcopy(config) == config


def test_a_missing_key_says_what_there_is(config: Config) -> None:
    with pytest.raises(AttributeError, match="it has: layers, lr, optimizer"):
        _ = config.lr0


def test_the_configuration_cannot_be_changed(config: Config) -> None:
    with pytest.raises(TypeError, match="report_effective"):
        config["lr"] = 1
    with pytest.raises(TypeError):
        config.update(lr=1)


def test_init_wants_a_mapping() -> None:
    with pytest.raises(UsageError, match="takes a mapping"):
        sdk.init(config=3)  # type: ignore[arg-type]
