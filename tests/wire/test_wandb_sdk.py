"""The SDK of the real client, feature by feature: what the server has, and what `Api()` reads back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.wire.harness import KEY, Client

pytestmark = [pytest.mark.slow]


def told_by(client: Client, program: str, *arguments: str, **environment: str) -> Any:
    """What the program printed at its end."""
    text = client.run(program, *arguments, **environment)
    found = re.search(r"TOLD (\{.*\})", text)
    assert found is not None, text
    return json.loads(found[1])


def run_of(client: Client, run: str) -> Any:
    return client.server.get(f"/api/runs/{run}")


def curve(client: Client, run: str, key: str) -> list[tuple[int, Any]]:
    return [(row["step"], row["metrics"][key]) for row in rows_with(client, run, key)]


def rows_with(client: Client, run: str, key: str) -> list[Any]:
    return [row for row in client.server.rows(run) if key in row["metrics"]]


def digests(client: Client, run: str) -> dict[str, str]:
    return {file["name"]: file["digest"] for file in client.server.get(f"/api/runs/{run}/files")}


def console(client: Client, run: str) -> list[tuple[str, str]]:
    """Stream and text of every line, the last one of each number."""
    after, lines = 0, {}
    while page := client.server.get(f"/api/runs/{run}/console?after={after}"):
        for line in page["lines"]:
            lines[line["attempt"], line["number"]] = (line["stream"], line["text"])
        if not page["lines"]:
            break
        after = page["next"]
    return [lines[place] for place in sorted(lines)]


# -- scenarios ------------------------------------------------------------------------------------


def init(client: Client) -> Any:
    told = told_by(client, "sdk_init.py")
    told["runs"] = {name: run_of(client, run) for name, run in told["ids"].items()}
    told["curve"] = curve(client, told["ids"]["whole"], "loss")
    return told


def environment(client: Client) -> Any:
    said = {
        "WANDB_NAME": "from env",
        "WANDB_TAGS": "x,y",
        "WANDB_NOTES": "env notes",
        "WANDB_RUN_GROUP": "env group",
        "WANDB_JOB_TYPE": "env job",
        "WANDB_PROJECT": "sdk-env",
        "WANDB_RUN_ID": f"env-{client.version.replace('.', '-')}",
    }
    told = told_by(client, "sdk_environment.py", **said)
    return {**told, "wanted": said["WANDB_RUN_ID"], "run": run_of(client, told["id"])}


def log(client: Client) -> Any:
    told = told_by(client, "sdk_log.py")
    told["runs"] = {name: run_of(client, run) for name, run in told["ids"].items()}
    told["rows"] = {name: client.server.rows(run) for name, run in told["ids"].items()}
    return told


def defined(client: Client) -> Any:
    told = told_by(client, "sdk_defined.py")
    return {**told, "run": run_of(client, told["id"])}


def media(client: Client) -> Any:
    told = told_by(client, "sdk_media.py")
    run = told["id"]
    page = next(name for name in told["digests"] if name.endswith(".html"))
    served = [
        httpx.get(client.server.url + place, auth=("api", KEY), timeout=60)
        for place in (
            f"/api/runs/{run}/files/{page}",
            f"/files/local/sdk/{run}/{page}",
            f"/files/local/sdk/{run}/picture.svg",
        )
    ]
    (row,) = (row["metrics"] for row in client.server.rows(run) if "heights" in row["metrics"])
    (first,) = (row["metrics"] for row in client.server.rows(run) if "marked" in row["metrics"])
    return {
        **told,
        "run": run_of(client, run),
        "stored": digests(client, run),
        "served": served,
        "row": row,
        "first": first,
    }


def output(client: Client) -> Any:
    told = told_by(client, "sdk_console.py", "wrap", "20000")
    logs = client.swept("logs", told["id"]).splitlines()
    return {"lines": console(client, told["id"]), "logs": logs}


def silent(client: Client) -> Any:
    told = told_by(client, "sdk_console.py", "off", "5")
    return {"lines": console(client, told["id"]), "run": run_of(client, told["id"])}


def files(client: Client) -> Any:
    told = told_by(client, "sdk_files.py")
    run = told["id"]
    return {
        **told,
        "run": run_of(client, run),
        "stored": digests(client, run),
        "contents": {
            name: httpx.get(f"{client.server.url}/api/runs/{run}/files/{name}", timeout=60).text
            for name in ("live.txt", "end.txt", "diff.patch", "code/sdk_files.py")
        },
        "measured": client.server.get(f"/api/runs/{run}/history?stream=system"),
        "shown": client.swept("show", run),
        "rows": client.server.rows(run),
    }


def several(client: Client) -> Any:
    told = told_by(client, "sdk_runs.py")
    listed = client.server.get("/api/runs?project=sdk")
    ranks = [run for run in listed if run["details"].get("group") == f"ranks {told['shared']}"]
    return {
        **told,
        "curves": [curve(client, run, "loss") for run in told["together"]],
        "fork": curve(client, told["forked"], "loss"),
        "rows": client.server.rows(told["shared"]),
        "run": run_of(client, told["shared"]),
        "ranks": ranks,
        "lines": console(client, told["shared"]),
    }


def plays(scenario: Callable[[Client], Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", [scenario], ids=[scenario.__name__])


# -- init, config, resume -------------------------------------------------------------------------


@pytest.mark.feature("SDK", "init: config, name, group, job type, tags, notes, id")
@plays(init)
def test_what_init_is_given_is_kept(told: Any) -> None:
    run = told["runs"]["whole"]
    details = run["details"]
    assert (run["name"], run["state"]) == ("another name", "finished")
    assert (details["group"], details["job_type"], details["notes"]) == (
        "g",
        "train",
        "other notes",
    )
    assert details["tags"] == ["one", "two", "three"]
    assert told["runs"]["parsed"]["config"] == {
        "from_file": 9,
        "lr": 7,
        "batch": 4,
        "names": ["a"],
    }


@pytest.mark.feature("SDK", "nested config, and changes of it during the run")
@plays(init)
def test_a_config_is_nested_and_changes(told: Any) -> None:
    config = told["runs"]["whole"]["config"]
    assert (config["lr"], config["late"], config["default"]) == (0.2, True, 1)
    assert config["deep"] == {"er": {"est": [1, {"a": None}]}}
    assert (config["text"], config["a.b"], config["added"]) == ("ü", 1, [1, 2])
    assert (config["from_file"], config["second"]) == (9, 2)


@pytest.mark.feature("SDK", "resume: allow, must, never")
@plays(init)
def test_resume_goes_on_or_is_refused_by_the_client(told: Any) -> None:
    assert told["curve"] == [(0, 1), (1, 2)]
    assert "resume" in told["errors"]["must"]
    assert "resume" in told["errors"]["never"]


@pytest.mark.feature("SDK", "WANDB_* variables")
@plays(environment)
def test_the_environment_says_what_init_does_not(told: Any) -> None:
    run = told["run"]
    details = run["details"]
    assert run["id"] == told["id"] == told["wanted"]
    assert (run["project"], run["name"]) == ("sdk-env", "from env")
    assert (details["group"], details["job_type"]) == ("env group", "env job")
    assert (details["tags"], details["notes"]) == (["x", "y"], "env notes")


# -- log, summary, define_metric ------------------------------------------------------------------


@pytest.mark.feature("SDK", "log: values of every kind, names of every kind")
@plays(log)
def test_what_is_logged_arrives_as_it_is(told: Any) -> None:
    flat, odd, numbers, large, names, many = (row["metrics"] for row in told["rows"]["values"])
    assert (flat["val"], flat["text"], flat["yes"]) == (
        {"acc": 0.5, "deep": {"er": 2}},
        "a word",
        True,
    )
    assert (odd["none"], odd["nan"], odd["up"], odd["down"]) == (
        None,
        "NaN",
        "Infinity",
        "-Infinity",
    )
    assert (numbers["np32"], numbers["np64"], numbers["small"]) == (0.5, 7, [1, 2])
    assert large["long"] == "w" * 20_000
    assert (large["many"]["_type"], sum(large["many"]["values"])) == ("histogram", 1000)
    assert {name: value for name, value in names.items() if name != "_runtime"} == {
        "a.dot": 1,
        "a/slash": 2,
        "ünï ☃": 3,
        "<b>html</b>&amp;": 4,
        "x" * 10_000: 5,
        **({"": 6} if "" in names else {}),
    }
    assert all(many[f"key{number}"] == number for number in range(500))


@pytest.mark.feature("SDK", "log: step=, commit=False, steps out of order")
@plays(log)
def test_rows_stand_at_their_steps(told: Any) -> None:
    rows = [
        (row["step"], row["metrics"].get("a"), row["metrics"].get("b"))
        for row in told["rows"]["steps"]
    ]
    assert rows == [(0, 1, 2), (5, 3, 4), (9, 6, 7), (10, 8, None), (11, None, None)]
    assert told["rows"]["steps"][-1]["metrics"]["left"] == 9


@pytest.mark.feature("SDK", "log after finish is the client's own error")
@plays(log)
def test_a_log_after_finish_is_refused_by_the_client(told: Any) -> None:
    assert "finished" in told["after"]


@pytest.mark.feature("SDK", "summary: written, nested, updated, a key deleted")
@plays(log)
def test_the_summary_is_what_the_program_made_of_it(told: Any) -> None:
    summary = told["runs"]["summary"]["summary"]
    assert (summary["loss"], summary["mine"], summary["more"]) == (77, "a", [1, 2])
    assert summary["nested"] == {"one": {"two": 4}}
    assert "gone" not in summary
    assert {**told["read"]["summary"]["summary"]} == summary


@pytest.mark.feature("SDK", "define_metric: summary min, max, mean, last, none")
@plays(defined)
def test_a_metric_is_summarized_as_it_was_defined(told: Any) -> None:
    summary = told["run"]["summary"]
    assert (summary["low"], summary["mid"]) == ({"min": 1}, {"mean": 3})
    assert (summary["end"], summary["val"]) == ({"last": 4}, {"acc": {"max": 5}})
    assert summary["all"] == {"min": 1, "max": 5, "mean": 3, "last": 4}
    assert summary["a.dot"] == {"max": 5}
    assert "nothing" not in summary
    assert told["summary"] == summary


@pytest.mark.feature("SDK", "define_metric: step metric, globs, hidden, goal")
@plays(defined)
def test_what_charts_are_drawn_against_is_known(told: Any) -> None:
    known = told["run"]["defined"]
    drawn = known.get("train/loss") or known["train/*"]
    assert drawn["step_metric"] == known["val.acc"]["step_metric"] == "epoch"
    assert (known["synced"]["step_metric"], known["synced"]["step_sync"]) == ("position", True)
    assert (known["epoch"]["hidden"], known["low"]["hidden"]) == (True, False)
    assert (known["val.acc"]["summary"], known["nothing"]["summary"]) == (["max"], ["none"])
    assert known["val.acc"]["goal"] == ("maximize" if told["goal"] else "")


# -- media, charts, files -------------------------------------------------------------------------


@pytest.mark.feature("Media", "images with boxes and masks, captions, lists")
@plays(media)
def test_images_arrive_with_what_is_drawn_on_them(told: Any) -> None:
    marked, several, deep = (told["first"][name] for name in ("marked", "several", "deep"))
    assert (marked["_type"], marked["caption"]) == ("image-file", "marked")
    assert told["stored"][marked["path"]] == marked["sha256"]
    assert told["stored"][marked["boxes"]["found"]["path"]] == marked["boxes"]["found"]["sha256"]
    assert told["stored"][marked["masks"]["ground"]["path"]] == marked["masks"]["ground"]["sha256"]
    assert several["captions"] == ["number 1", "number 2"]
    assert set(several["filenames"]) <= told["stored"].keys()
    assert deep["er"]["path"] in told["stored"]


@pytest.mark.feature("Media", "video, audio, HTML, molecules, 3D objects, histograms, tables")
@plays(media)
def test_media_of_every_kind_are_files_of_the_run(told: Any) -> None:
    kinds = {name: told["row"][name]["_type"] for name in told["row"] if name != "_runtime"}
    assert kinds == {
        "clip": "video-file",
        "sound": "audio-file",
        "page": "html-file",
        "atoms": "molecule-file",
        "shape": "object3D-file",
        "cloud": "object3D-file",
        "heights": "histogram",
        "table": "table-file",
        "a/b c ü": "image-file",
    }
    assert told["digests"].items() <= told["stored"].items()
    assert told["files"][told["row"]["clip"]["path"]] == "video/mp4"


@pytest.mark.feature("Media", "charts of wandb.plot")
@plays(media)
def test_custom_charts_come_with_their_tables(told: Any) -> None:
    charts = told["run"]["details"]["charts"]
    assert set(charts) == {"line", "scatter", "bar", "hist", "lines", "confusion", "own"}
    assert charts["own"]["panel_config"]["panelDefId"] == "swept/own"
    assert charts["own"]["panel_config"]["stringSettings"]["title"] == "own"


@pytest.mark.feature("Media", "hostile HTML and SVG run nothing in the server's origin")
@plays(media)
def test_a_hostile_file_is_no_page_of_the_server(told: Any) -> None:
    for answer in told["served"]:
        assert answer.status_code == 200
        assert answer.headers["Content-Security-Policy"] == "sandbox"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    native, page, picture = told["served"]
    assert native.headers["Content-Type"] == "application/octet-stream"
    assert page.headers["Content-Disposition"].startswith("attachment")
    assert picture.headers["Content-Disposition"].startswith("attachment")
    assert told["got"] == picture.text


@pytest.mark.feature("SDK", "save with its policies, restore, log_code")
@plays(files)
def test_saved_files_come_back(told: Any) -> None:
    assert told["restored"] == "1"
    assert {"models/weights-0.txt", "models/weights-1.txt"} <= told["stored"].keys()
    assert told["contents"]["live.txt"] == "second"
    assert told["contents"]["end.txt"] == "late"
    assert "# changed" in told["contents"]["code/sdk_files.py"]
    assert [row["metrics"]["loss"] for row in told["rows"]] == [0, 1, 2]


@pytest.mark.feature("SDK", "alerts")
@plays(files)
def test_alerts_are_kept_and_shown(told: Any) -> None:
    alerts = [(one["title"], one["text"], one["level"]) for one in told["run"]["alerts"]]
    assert alerts == [("lost", "the loss is NaN", "ERROR"), ("other", "text", "INFO")]
    assert "the loss is NaN" in told["shown"]


@pytest.mark.feature("SDK", "system metrics")
@plays(files)
def test_system_metrics_stand_apart(told: Any) -> None:
    assert any("system.proc.memory.rssMB" in row["metrics"] for row in told["measured"])
    assert any("system.proc.memory.rssMB" in row for row in told["system"])
    assert not any(key.startswith("system") for row in told["rows"] for key in row["metrics"])


@pytest.mark.feature("SDK", "git and environment")
@plays(files)
def test_git_and_environment_are_known(told: Any) -> None:
    details = told["run"]["details"]
    assert details["repository"] == "https://host.invalid/own/code.git"
    assert details["commit"] == details["metadata"]["git"]["commit"] == told["commit"]
    assert details["metadata"]["python"] == told["metadata"]["python"]
    assert "+# changed" in told["contents"]["diff.patch"]
    assert {"requirements.txt", "wandb-metadata.json", "config.yaml"} <= told["stored"].keys()


# -- console --------------------------------------------------------------------------------------


@pytest.mark.feature("SDK", "console: overwritten lines, 20,000 lines, stderr, resumed")
@plays(output)
def test_the_console_reads_as_it_did_in_the_terminal(told: Any) -> None:
    head = [
        ("stdout", "first"),
        ("stdout", "progress 100 %"),
        ("stdout", "\x1b[31mred\x1b[0m and ünïcode ☃ 日本"),
        ("stderr", "to stderr"),
        ("stdout", "half a line"),
    ]
    body = [("stdout", f"line {number}") for number in range(20_000)]
    assert told["lines"][:5] == head
    assert told["lines"][5:20_005] == body
    assert told["lines"][20_005:] == [("stdout", "last"), ("stdout", "resumed")]
    assert [text for text in told["logs"] if "progress" in text] == ["progress 100 %"]
    assert (told["logs"][5], told["logs"][-1]) == ("line 0", "resumed")


@pytest.mark.feature("SDK", "console=off")
@plays(silent)
def test_a_console_that_is_off_sends_nothing(told: Any) -> None:
    assert told["lines"] == []
    assert told["run"]["state"] == "finished"


# -- several runs, several processes --------------------------------------------------------------


@pytest.mark.feature("SDK", "several runs at once in one process (reinit=create_new)")
@plays(several)
def test_two_runs_at_once_stay_apart(told: Any) -> None:
    assert told["curves"] == [[(0, 0), (1, 1), (2, 2)], [(0, 10), (1, 11), (2, 12)]]


@pytest.mark.feature("SDK", "a forked child that ends without a word")
@plays(several)
def test_a_forked_child_does_not_end_the_run(told: Any) -> None:
    assert told["fork"] == [(0, 0), (1, 1)]


@pytest.mark.feature("SDK", "a run for each process of a group")
@plays(several)
def test_a_run_a_rank(told: Any) -> None:
    assert sorted(run["details"]["job_type"] for run in told["ranks"]) == ["rank 0", "rank 1"]
    assert {run["state"] for run in told["ranks"]} == {"finished"}


@pytest.mark.feature("SDK", "shared mode: several processes write one run")
@plays(several)
def test_processes_that_share_a_run_overwrite_nothing(told: Any) -> None:
    losses = [row["metrics"]["loss"] for row in told["rows"]]
    assert sorted(losses) == [0, 1, 2, 3, 4, 5, 100, 101, 102, 103, 104]
    assert [row["step"] for row in told["rows"]] == list(range(11))
    assert [loss for loss in losses if loss < 100] == [0, 1, 2, 3, 4, 5]
    summary = told["run"]["summary"]
    assert (summary["first"], summary["helper"]) == ("done", "done")
    assert (told["run"]["state"], len(told["run"]["attempts"])) == ("finished", 1)
    assert {text for _, text in told["lines"]} >= {"[first] here", "[helper] there"}
