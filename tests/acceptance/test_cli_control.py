"""`swept sweep`, and what people do to sweeps and runs, through a real server without any agent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swept.cli.main import run
from swept.connect import connect_home, home_of, running

SWEEP = "program: t.py\nmethod: random\nmetric: {name: map, goal: maximize}\nrun_cap: 9\nparameters: {lr0: {min: 0.001, max: 0.1}}\n"

Swept = Callable[..., tuple[int, str, str]]


@pytest.fixture
def swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Swept]:
    """`swept(*arguments)` → (exit code, stdout, stderr), in a folder with a sweep file."""
    for name in ("SWEPT_URL", "SWEPT_API_KEY", "SWEPT_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("sweep.yaml").write_text(SWEEP)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    yield call
    if Path(".swept").is_dir():
        client = running(home_of(tmp_path, make=False))
        if client is not None:
            with client:
                client.stop()


def state(swept: Swept, *arguments: str) -> str:
    found = json.loads(swept("show", *arguments, "--json")[1])
    return str(found["state"])


def test_sweep_prints_its_id_alone_and_is_always_a_new_one(swept: Swept) -> None:
    code, out, err = swept("sweep", "sweep.yaml")
    assert code == 0
    first = out.strip()
    assert out == f"{first}\n"
    assert first.isalnum()
    assert f"swept agent {first}" in err
    second = swept("sweep", "sweep.yaml", "--name", "another")[1].strip()
    assert second != first
    assert json.loads(swept("show", "--json")[1])["name"] == "another"
    assert state(swept, first) == "pending"


def test_update_keeps_the_id_and_counts_the_version(swept: Swept) -> None:
    sweep = swept("sweep", "sweep.yaml")[1].strip()
    Path("sweep.yaml").write_text(SWEEP.replace("run_cap: 9", "run_cap: 12"))
    code, out, err = swept("sweep", "--update", "sweep.yaml", sweep)
    assert (code, out.strip()) == (0, sweep)
    assert "version 2" in err
    code, _, err = swept("sweep", "sweep.yaml", sweep)
    assert code == 2
    assert "--update" in err


def test_a_sweep_is_paused_resumed_stopped_and_cancelled(swept: Swept) -> None:
    swept("sweep", "sweep.yaml")
    for word, after in (("pause", "paused"), ("resume", "running"), ("stop", "finished")):
        code, out, err = swept(word)
        assert (code, out) == (0, "")
        assert after in err
        assert state(swept) == after
    swept("sweep", "sweep.yaml")
    assert swept("cancel", "sweep.yaml")[0] == 0
    assert state(swept) == "cancelled"


def test_a_waiting_run_is_stopped_and_an_ended_one_cannot_be(swept: Swept) -> None:
    swept("sweep", "sweep.yaml")
    entered = swept("enqueue", "lr0=0.05")[1].strip()
    assert state(swept, entered) == "pending"
    assert swept("stop", entered)[0] == 0
    assert state(swept, entered) == "killed"
    code, _, err = swept("stop", entered)
    assert code == 1
    assert err.startswith("error: ")
    code, _, err = swept("retry", "nosuchrun")
    assert code == 1


def test_analyze_train_and_compare_before_any_value_say_what_is_missing(swept: Swept) -> None:
    swept("sweep", "sweep.yaml")
    code, out, _ = swept("analyze")
    assert code == 0
    assert "No run has reported `map` yet" in out
    for arguments in (["train", "--epochs", "9"], ["compare", "--models", "a,b"]):
        code, out, err = swept(*arguments)
        assert (code, out) == (1, "")
        assert "no search run" in err
        assert "hint: swept launch" in err


def test_other_executors_are_refused_with_the_way_to_go(swept: Swept) -> None:
    code, _, err = swept("launch", "sweep.yaml", "--executor", "slurm")
    assert code == 2
    assert "only `local`" in err


def test_the_server_may_have_gone_in_between(swept: Swept, tmp_path: Path) -> None:
    """It ends when nobody needs it; the next command wakes it and finds everything."""
    sweep = swept("sweep", "sweep.yaml")[1].strip()
    with connect_home(home_of(tmp_path)) as client:
        client.stop()
    assert swept("show", sweep)[0] == 0


def test_a_key_that_is_wrong(swept: Swept, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    swept("sweep", "sweep.yaml")
    with connect_home(home_of(tmp_path)) as client:
        monkeypatch.setenv("SWEPT_URL", client.url)
    monkeypatch.setenv("SWEPT_API_KEY", "local-wrong")
    code, _, err = swept("pause")
    assert code == 1
    assert "key" in err
    monkeypatch.setenv("SWEPT_URL", "http://127.0.0.1:9")
    code, _, err = swept("ls")
    assert code == 1
    assert "no answer" in err


def test_a_run_of_another_length_is_no_run_of_the_sweep(swept: Swept) -> None:
    text = SWEEP.replace("{lr0:", "{epochs: {value: 5}, lr0:") + "swept: {epochs: epochs}\n"
    Path("sweep.yaml").write_text(text)
    swept("sweep", "sweep.yaml")
    code, out, err = swept("enqueue", "lr0=0.01", "epochs=50")
    assert (code, out) == (2, "")
    assert "epochs=5" in err
    assert "swept train" in err
    assert swept("enqueue", "lr0=0.01", "epochs=5")[0] == 0


def test_a_sweep_where_a_run_is_meant_is_told(swept: Swept) -> None:
    sweep = swept("sweep", "sweep.yaml")[1].strip()
    for command in ("retry", "history", "logs"):
        code, _, err = swept(command, sweep)
        assert code == 2
        assert "is a sweep" in err
        assert "did you mean" not in err


def test_every_mistake_of_a_file_is_told_with_its_place(swept: Swept) -> None:
    Path("sweep.yaml").write_text(
        SWEEP.replace("random", "randm").replace("run_cap: 9", "run_cap: 0")
    )
    for command in ("sweep", "launch"):
        code, out, err = swept(command, "sweep.yaml")
        assert (code, out) == (2, "")
        assert "error: sweep.yaml:2: `method` is `randm`\n  hint: did you mean `random`?" in err
        assert "error: sweep.yaml:4: `run_cap` is 0" in err
    Path("sweep.yaml").write_bytes(SWEEP.encode("utf-16"))
    assert swept("sweep", "sweep.yaml")[0] == 0
    for content, words in ((b"\xff\xff", "not a text file"), (b"", "empty")):
        Path("sweep.yaml").write_bytes(content)
        code, _, err = swept("launch", "sweep.yaml")
        assert (code, words in err) == (2, True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nowhere"])
def test_a_wrong_url_is_told_as_such(
    swept: Swept, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("SWEPT_URL", url)
    code, out, err = swept("ls")
    assert (code, out) == (1, "")
    assert url in err
    assert "SWEPT_URL" in err
