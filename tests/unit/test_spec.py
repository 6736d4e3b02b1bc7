"""A sweep file's mistakes: each is told, with its line, its key and what mends it; and what a good file means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from swept.errors import Problem, SpecError
from swept.model import Goal
from swept.spec import Spec, examine, from_canonical, parse, parse_mapping
from swept.sweepfile import options, parameters, schema
from swept.sweepfile.document import read

GOOD = """\
program: train.py
method: bayes
metric: {name: loss, goal: minimize}
run_cap: 5
early_terminate: {type: hyperband, min_iter: 3}
parameters:
  lr:
    min: 0.001
    max: 0.1
  depth: {values: [1, 2, 3]}
  epochs: {value: 9}
swept:
  epochs: epochs
"""
GUIDE = Path(__file__).parents[2] / "examples/yolo-cones/sweep_config.yaml"


def problems(text: str, severity: str = "error") -> list[Problem]:
    return [problem for problem in examine(text)[1] if problem.severity == severity]


def only(text: str, severity: str = "error") -> Problem:
    found = problems(text, severity)
    assert len(found) == 1, [problem.render() for problem in found]
    return found[0]


def spec(**options: Any) -> Spec:
    return parse(GOOD + "".join(f"  {key}: {value}\n" for key, value in options.items()))


def test_a_good_file_has_nothing_to_say() -> None:
    found, said = examine(GOOD)
    assert found is not None
    assert said == []


# (what is replaced, by what) → (line, key, words of the message, words of the hint)
MISTAKES = [
    ("early_terminate:", "early_termination:", 5, "early_termination", "unknown key", "`early_terminate`"),
    ("method: bayes", "method: baysian", 2, "method", "baysian", "`bayes`"),
    ("method: bayes", "method: custom", 2, "method", "custom", "method: bayes"),
    ("method: bayes", "", 0, "", "`method` is missing", "method: bayes"),
    ("metric: {name: loss, goal: minimize}", "", 2, "method", "needs a `metric`", "metric: {name"),
    ("goal: minimize", "goal: minimise", 3, "metric.goal", "minimise", "`minimize`"),
    ("name: loss", "nmae: loss", 3, "metric.nmae", "unknown key", "`name`"),
    ("run_cap: 5", "run_cap: 0", 4, "run_cap", "at least 1", "1 or more"),
    ("run_cap: 5", "run_cap: five", 4, "run_cap", "takes a whole number", ""),
    ("run_cap: 5", 'run_cap: "5"', 4, "run_cap", "is text", "without quotes"),
    ("run_cap: 5", "scheduler: {engine: optuna}", 4, "scheduler", "hosted", "method: bayes"),
    ("run_cap: 5", "image_uri: x", 4, "image_uri", "hosted", "program:"),
    ("run_cap: 5", "metrics: [{name: a}, {name: b}]", 4, "metrics", "hosted", "metric: {name"),
    ("run_cap: 5", "baseline: {lr: 1}", 4, "baseline", "unknown key", "under the key `swept:`"),
    ("run_cap: 5", "command: python train.py", 4, "command", "a list", '["python", "train.py"]'),
    ("run_cap: 5", "command: ['${args_jsn}']", 4, "command[0]", "no macro", "`${args_json}`"),
    ("run_cap: 5", "command: ['${envvar:home}']", 4, "command[0]", "environment", "capital"),
    ("run_cap: 5", "run_cap: 5\nrun_cap: 6", 5, "run_cap", "is there twice", "line 4"),
    ("min_iter: 3", "min_itr: 3", 5, "early_terminate.min_itr", "unknown key", "`min_iter`"),
    ("min_iter: 3", "min_iter: 3, eta: 1", 5, "early_terminate.eta", "above 1", "2 or 3"),
    ("min_iter: 3", "max_iter: 27", 5, "early_terminate.max_iter", "needs `s`", "s: 3"),
    ("hyperband", "median", 5, "early_terminate.type", "median", "hyperband"),
    ("    min: 0.001\n    max: 0.1", "    min: 0.1\n    max: 0.001", 8, "parameters.lr.min", "not below `max`", "exchange"),
    ("min: 0.001", "min: .nan", 8, "parameters.lr.min", "finite", ""),
    ("max: 0.1", "max: .inf", 9, "parameters.lr.max", "finite", ""),
    ("max: 0.1", "max: one", 9, "parameters.lr.max", "takes a number", ""),
    ("max: 0.1", "mxa: 0.1", 7, "parameters.lr", "which values", "`max`"),
    ("max: 0.1", "max: 0.1\n    distribution: loguniform_values", 10, "parameters.lr.distribution", "no distribution", "`log_uniform_values`"),
    ("min: 0.001", "min: 0\n    distribution: log_uniform_values", 8, "parameters.lr.min", "above 0", "log scale"),
    ("max: 0.1", "max: 0.1\n    q: 0.01", 10, "parameters.lr.q", "does not go with", "q_uniform"),
    ("{values: [1, 2, 3]}", "{values: []}", 10, "parameters.depth.values", "empty", ""),
    ("{values: [1, 2, 3]}", "{values: 3}", 10, "parameters.depth.values", "a list", "[3]"),
    ("{values: [1, 2, 3]}", "[1, 2, 3]", 10, "parameters.depth", "a list", "values: [1, 2, 3]"),
    ("{values: [1, 2, 3]}", "{mu: 1, sigma: 2}", 10, "parameters.depth", "which values", "distribution: normal"),
    ("{values: [1, 2, 3]}", "{values: [1, .nan]}", 10, "parameters.depth.values", "NaN", ""),
    ("{values: [1, 2, 3]}", "{values: [1, 2], probabilities: [0.5, 0.4]}", 10, "parameters.depth.probabilities", "sum to 0.9", "0.9"),
    ("{values: [1, 2, 3]}", "{values: [1, 2], probabilities: [1]}", 10, "parameters.depth.probabilities", "2 values but 1", ""),
    ("depth: {", "1depth: {", 10, "parameters.1depth", "no name", "letters"),
    ("depth: {", "on: {", 10, "parameters.on", "not text", '"on"'),
    ("depth: {", "lr: {", 10, "parameters.lr", "there twice", "line 7"),
    ("  epochs: epochs", "  epochs: epoch", 13, "swept.epochs", "no parameter", "`epochs`"),
    ("  epochs: epochs", "  budget: {runs: 0}", 13, "swept.budget.runs", "at least 1", ""),
    ("  epochs: epochs", "  budget: {hours: 0}", 13, "swept.budget.hours", "above 0", ""),
    ("  epochs: epochs", "  budgte: {runs: 5}", 13, "swept.budgte", "unknown key", "`budget`"),
    ("  epochs: epochs", "  early_stopping: auto", 13, "swept.early_stopping", "both", "one of them"),
    ("  epochs: epochs", "  early_stopping: asa", 13, "swept.early_stopping", "asa", "`asha`"),
    ("  epochs: epochs", "  baseline: {lr: 0.01}", 13, "swept.baseline", "`depth`", "adapter"),
    ("  epochs: epochs", "  baseline: {lr: 0.01, dpeth: 1, depth: 1}", 13, "swept.baseline.dpeth", "no parameter", "`depth`"),
    ("  epochs: epochs", "  baseline: {lr: high, depth: 1}", 13, "swept.baseline.lr", "text for the number", ""),
    ("  epochs: epochs", "  prior: {mosaic: 1}", 13, "swept.prior.mosaic", "not searched", ""),
    ("  epochs: epochs", "  oom: {reduce: batch}", 13, "swept.oom.reduce", "no parameter", ""),
    ("  epochs: epochs", "  oom: {reduce: depth, factor: 1.5}", 13, "swept.oom.factor", "between 0 and 1", ""),
    ("  epochs: epochs", "  constraints: [depth < epoch]", 13, "swept.constraints[0]", "`epoch`", "`epochs`"),
    ("  epochs: epochs", "  constraints: ['import os']", 13, "swept.constraints[0]", "no condition", ""),
    ("  epochs: epochs", "  constraints: ['exit() < 1']", 13, "swept.constraints[0]", "no condition", ""),
    ("  epochs: epochs", "  targets: {minimum: 0.7, good: 0.8}", 13, "swept.targets.good", "easier", "goal: maximize"),
    ("  epochs: epochs", "  seed: lr", 13, "swept.seed", "searched", ""),
    ("  epochs: epochs", "  retries: -1", 13, "swept.retries", "at least 0", ""),
    ("  epochs: epochs", "  until: sunset", 13, "swept.until", "sunset", "converged"),
    ("  epochs: epochs", "  adapter: ultralitics", 13, "swept.adapter", "no adapter", "`ultralytics`"),
    ("  epochs: epochs", "  keep: {checkpoints: best}", 13, "swept.keep.checkpoints", "best", "best 3"),
    ("  epochs: epochs", "  noise: {}", 13, "swept.noise", "needs `repeats`", "repeats: 2"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "message", "hint"), MISTAKES, ids=lambda v: str(v)[:40]
)
def test_one_mistake_is_one_problem_with_line_key_and_mend(
    old: str, new: str, line: int, key: str, message: str, hint: str
) -> None:
    assert old in GOOD
    problem = only(GOOD.replace(old, new, 1))
    assert (problem.line, problem.key) == (line, key)
    assert message in problem.message
    assert hint in problem.hint


def test_all_mistakes_come_at_once_in_the_order_of_the_file() -> None:
    text = (
        GOOD.replace("bayes", "byes")
        .replace("run_cap: 5", "run_cap: -1")
        .replace("max: 0.1", "max: 0")
    )
    with pytest.raises(SpecError) as caught:
        parse(text, "sweep.yaml")
    assert [problem.line for problem in caught.value.problems] == [2, 4, 8]
    assert "sweep.yaml:4: `run_cap` is -1" in str(caught.value)
    assert caught.value.exit_code == 2


# -- warnings and notes -----------------------------------------------------------------------------

NOTABLE = [
    ("values: [1, 2, 3]", "values: [1, 2, 2]", "warning", "more than once"),
    ("values: [1, 2, 3]", 'values: [1, 2, "3"]', "warning", "the text `3`"),
    ("program: train.py\n", "", "warning", "`program` is missing"),
    ("min_iter: 3", "min_iter: 3, s: 2", "warning", "rungs are 3 of 9 epochs"),
    ("min_iter: 3", "min_iter: 9", "warning", "stops no run"),
    ("max: 0.1", "max: 0.1\n    distribution: log_uniform", "warning", "exponents of e"),
    ("max: 0.1", "max: 1e-1", "note", "W&B's client reads it as text"),
    ("goal: minimize", "impute: best, goal: minimize", "note", "is ignored"),
    (", goal: minimize", "", "note", "it is minimized"),
    ("run_cap: 5\n", "", "note", "nothing limits"),
    ("early_terminate: {type: hyperband, min_iter: 3}\n", "", "note", "no early stopping"),
    ("swept:\n  epochs: epochs\n", "", "note", "not known"),
    ("run_cap: 5", "command: ['x=${program}']", "warning", "stays as it is"),
]


@pytest.mark.parametrize(("old", "new", "severity", "message"), NOTABLE)
def test_what_is_notable_is_told_and_the_file_is_good(
    old: str, new: str, severity: str, message: str
) -> None:
    found, said = examine(GOOD.replace(old, new, 1))
    assert found is not None, said
    assert any(p.severity == severity and message in p.message for p in said), said


def test_a_baseline_outside_of_the_range_is_a_warning() -> None:
    found = spec(baseline="{lr: 0.5, depth: 9}")
    assert found.with_baseline() == {"lr": 0.5, "depth": 9, "epochs": 9}
    assert sum("outside of what is searched" in p.message for p in found.warnings) == 2


def test_a_baseline_at_another_fixed_value_is_told() -> None:
    found = parse(GOOD.replace("{value: 9}", "{value: 9}\n  batch: {value: 64}")
                  + "  baseline: {lr: 0.01, depth: 1, batch: 48}\n")  # fmt: skip
    assert any("could not be compared" in problem.message for problem in found.warnings)
    assert (
        only(GOOD + "  baseline: {lr: 0.01, depth: 1, epochs: 3}\n").key == "swept.baseline.epochs"
    )


@pytest.mark.parametrize(
    ("option", "value", "key"),
    [
        ("confirm", "{top: 2, seeds: 3}", "swept.confirm"),
        ("until", "converged", "swept.until"),
        ("resources", "{gpu: 0.5}", "swept.resources.gpu"),
        ("resources", "{memory: 8G}", "swept.resources.memory"),
    ],
)
def test_keys_of_later_are_valid_and_said_to_be_inactive(option: str, value: str, key: str) -> None:
    found = spec(**{option: value})
    assert found.inactive == (key,)
    assert [p.message for p in found.warnings] == [f"`{key}` is right, and not active yet"]


def test_the_active_keys_are_silent() -> None:
    found = spec(
        targets="{good: 0.1}",
        budget="{runs: 4, hours: 2}",
        oom="{reduce: depth, factor: 0.5, min: 1}",
        retries="0",
        seed="seed",
        metric="{at: best}",
        keep="{checkpoints: best 3}",
        resources="{gpu: 1}",
    )
    assert found.warnings == ()
    assert found.options.retries == 0
    assert found.options.at == "best"
    assert found.options.keep == 3
    assert found.max_runs == 4


@pytest.mark.parametrize("word", ["off", "no", '"off"', "false"])
def test_off_is_off_although_yaml_reads_it_as_false(word: str) -> None:
    text = GOOD.replace("early_terminate: {type: hyperband, min_iter: 3}\n", "")
    found, said = examine(text + f"  early_stopping: {word}\n")
    assert found is not None
    assert found.options.early_stopping == "off"
    assert said == []


# -- files ------------------------------------------------------------------------------------------

BROKEN = [
    ("", 0, "empty"),
    ("   \n\n", 0, "empty"),
    ("# only a comment\n", 0, "only comments"),
    ("- method: bayes\n", 0, "a list"),
    ("just words\n", 0, "text"),
    ("method: bayes\n\tprogram: x\n", 2, "no valid YAML"),
    ("method: [bayes\n", 2, "no valid YAML"),
    ("method: 'bayes\n", 2, "no valid YAML"),
    ("a: b: c\n", 1, "no valid YAML"),
    ("method: *nowhere\n", 1, "no valid YAML"),
    ("method: bayes\n---\nmethod: grid\n", 2, "no valid YAML"),
    ("method: bayes\nname: a\x01b\n", 2, "character"),
    ("method: !!python/object:os.system x\n", 1, "tag"),
    ("[" * 3000, 0, "nested"),
    ("a: " + "x" * 1_000_001, 0, "1,000,000 characters"),
    ("run_cap: " + "9" * 5000 + "\n", 1, "no number"),
    ("a: &a [*a]\n", 1, "nested"),
    ("? [a, b]\n: c\n", 1, "a key must be text"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: str(mistake[1])[:30])
def test_every_mistake_has_a_mend(mistake: tuple[Any, ...]) -> None:
    text = GOOD.replace(mistake[0], mistake[1], 1)
    assert [problem.render() for problem in problems(text) if not problem.hint] == []


# One slip → its one error: what follows from it is not told again.
SLIPS = [
    ("    min: 0.001\n", "    min: 1\n", "`min` (1) of `lr` is not below"),
    ("    max: 0.1\n", "", "`lr` does not say which values it takes"),
    ("    max: 0.1\n", f"    max: {'9' * 400}\n", "is no number that can be used"),
    ("{value: 9}", "9", "`epochs` is a whole number; it takes a mapping"),
    ("parameters:", "paramters:", "unknown key `paramters`"),
    ("parameters:", "parameters: []\nx:", "`parameters` is a list"),
    ("metric: {", "metrics: {", "`metrics` is for W&B's hosted service"),
    ("run_cap:", "runcap:", "unknown key `runcap`"),
    ("early_terminate:", "early_termination:", "unknown key `early_termination`"),
    ("program:", "programm:", "unknown key `programm`"),
    ("swept:", "swpet:", "unknown key `swpet`"),
    ("{values: [1, 2, 3]}", "{values:}", "`values` of `depth` is empty"),
]


@pytest.mark.parametrize(("old", "new", "message"), SLIPS, ids=[slip[2] for slip in SLIPS])
def test_one_slip_is_told_once(old: str, new: str, message: str) -> None:
    text = GOOD + "  baseline: {lr: 0.01, depth: 2}\n  oom: {reduce: depth}\n  prior: {lr: 0.01}\n"
    assert old in text
    _, said = examine(text.replace(old, new, 1))
    said = [problem for problem in said if "not active yet" not in problem.message]
    # A key that is unknown takes `x:` with it in one of the cases.
    said = [problem for problem in said if problem.key != "x"]
    assert len(said) == 1, [problem.render() for problem in said]
    assert message in said[0].message


def test_what_is_not_closed_is_told_by_the_line_where_it_begins() -> None:
    for broken in ("[1, 2, 3", '["1, 2, 3]'):
        problem = only(GOOD.replace("{values: [1, 2, 3]}", f"\n    values: {broken}"))
        assert "begins in line 11" in problem.message
        assert problem.hint == "check brackets, commas and quotes"


def test_numbers_that_nobody_means_are_told() -> None:
    assert "`010` as the number 8" in only(GOOD.replace("9}", "010}"), "note").message
    assert "`1:30` as the number 90" in only(GOOD.replace("9}", "1:30}"), "note").message


def test_nan_in_json_is_no_text() -> None:
    text = '{"method": "random", "run_cap": 1, "parameters": {"a": {"value": NaN}}}'
    assert "NaN or infinite" in only(text).message


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("opt", "optimizer"),
        ("lr", "lr0"),
        ("batch_size", "batch"),
        ("Mosaic", "mosaic"),
        ("foo", ""),
    ],
)
def test_names_that_others_use_for_ultralytics_arguments(name: str, meant: str) -> None:
    text = f"method: random\nrun_cap: 1\nparameters: {{{name}: {{value: 1}}}}\nswept: {{adapter: ultralytics}}\n"
    problem = next(p for p in problems(text) if "training argument" in p.message)
    assert problem.hint == (
        f"did you mean `{meant}`?" if meant else "remove it or check its spelling"
    )


@pytest.mark.parametrize(("text", "line", "message"), BROKEN, ids=lambda v: repr(v)[:30])
def test_a_broken_file_is_one_clear_message(text: str, line: int, message: str) -> None:
    found, said = examine(text)
    assert found is None
    assert any(message in problem.message and problem.line == line for problem in said), said


def test_aliases_that_explode_are_refused_quickly() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    assert examine(bomb)[0] is None


def test_anchors_and_merges_work_as_in_wandbs_client() -> None:
    text = GOOD.replace(
        "  depth: {",
        "  wide: &wide {min: 1, max: 9}\n  same: *wide\n  more: {<<: *wide, max: 5}\n  depth: {",
    )
    found = parse(text)
    more = found.space.parameter("more")
    assert more is not None
    assert (more.low, more.high) == (1, 5)


def test_json_is_read_too_with_tabs_and_lines() -> None:
    text = '{\n\t"method": "random",\n\t"parameters": {"\\ud83d\\ude00x": {"min": 1e-3, "max": 1E-1}},\n\t"name": "\\ud83d\\ude00"\n}'
    problem = only(text)
    assert problem.line == 3
    assert "no name" in problem.message
    good = parse(text.replace("\\ud83d\\ude00x", "x"))
    assert good.name == "\U0001f600"
    assert not [note for note in good.warnings if "W&B's client" in note.message]


def test_unreadable_files(tmp_path: Path) -> None:
    binary = tmp_path / "weights.pt"
    binary.write_bytes(b"PK\x03\x04\x00\x00\xff\xfe\x00")
    missing, folder = tmp_path / "none.yaml", tmp_path / "folder"
    folder.mkdir()
    for path, words in ((binary, "not a text"), (missing, "no such file"), (folder, "a folder")):
        with pytest.raises(SpecError, match=words):
            read(path)
    windows = tmp_path / "windows.yaml"
    windows.write_bytes(GOOD.replace("\n", "\r\n").encode("utf-16"))
    assert parse(read(windows)).method == "bayes"
    windows.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert parse(read(windows)).method == "bayes"


# -- what a good file means -------------------------------------------------------------------------


def test_a_python_mapping_is_a_sweep_too() -> None:
    found = parse_mapping(
        {"method": "grid", "parameters": {"x": {"values": (1, 2)}, "y": {"min": 1, "max": 2}}}
    )
    assert found.space.grid_size() == 4
    with pytest.raises(SpecError, match=r"`parameters\.x`|`x`"):
        parse_mapping({"method": "grid", "parameters": {"x": object()}})


def test_defaults_are_wandbs() -> None:
    found = parse(GOOD)
    assert found.early_terminate is not None
    assert (found.early_terminate.eta, found.early_terminate.strict) == (3.0, True)
    assert found.metric is not None
    assert found.metric.goal is Goal.MINIMIZE
    assert found.options.retries == 3


def test_the_steps_of_a_full_run() -> None:
    found = parse(GOOD)
    assert found.epochs_of({"epochs": 4}) == 4
    assert found.epochs_of({}) is None
    assert parse(GOOD.replace("epochs: epochs", "epochs: 7")).epochs_of({"epochs": 4}) == 7


def test_grid_refuses_what_cannot_be_enumerated() -> None:
    problem = only(GOOD.replace("bayes", "grid"))
    assert problem.key == "parameters.lr"
    assert "cannot enumerate" in problem.message


def test_name_and_ranges_change_the_hash_and_inference_does_not() -> None:
    base = parse(GOOD)
    assert parse(GOOD.replace("max: 0.1", "max: 0.1\n    distribution: uniform")).hash == base.hash
    assert parse("# a comment\n" + GOOD).hash == base.hash
    assert parse(GOOD.replace("max: 0.1", "max: 0.2")).hash != base.hash
    assert parse(GOOD + "  retries: 2\n").hash != base.hash


# -- with the Ultralytics adapter -------------------------------------------------------------------

YOLO = """\
program: train.py
method: bayes
metric: {name: metrics/mAP50(B), goal: maximize}
run_cap: 5
early_terminate: {type: hyperband, min_iter: 3}
parameters:
  momentum: {min: 0.8, max: 0.98}
  close_mosaic: {values: [0, 10]}
  optimizer: {value: SGD}
  epochs: {value: 9}
swept: {adapter: ultralytics, baseline: {}}
"""


def test_the_adapter_knows_epochs_seed_batch_and_the_baselines_missing_values() -> None:
    found, said = examine(YOLO)
    assert said == []
    assert found is not None
    assert (found.epochs_of({}), found.epochs_of({"epochs": 9})) == (100, 9)
    assert found.options.seed == "seed"
    assert found.options.oom is not None
    assert found.options.oom.reduce == "batch"
    defaults = {"momentum": 0.937, "close_mosaic": 10}
    assert found.with_baseline() == {**defaults, "optimizer": "SGD", "epochs": 9}


def test_a_default_outside_of_what_is_searched_is_told() -> None:
    text = YOLO.replace("max: 0.98", "max: 0.9")
    assert "by default, has `momentum: 0.937`" in only(text, "warning").message


ULTRALYTICS = [
    ("momentum: {min: 0.8, max: 0.98}", "momentun: {min: 0.8, max: 0.98}", "error", "not a training argument", "`momentum`"),
    ("max: 0.98", "max: 1.5", "error", "out of range", ""),
    ("{values: [0, 10]}", "{min: 0.0, max: 5.0}", "error", "whole numbers", ""),
    ("{values: [0, 10]}", "{values: [0, five]}", "error", "is text", ""),
    ("{value: SGD}", "{value: SGDX}", "error", "is unknown", ""),
    ("{min: 0.8, max: 0.98}", "{min: 0, max: 1}", "warning", "whole numbers only", "0.0"),
    ("mAP50(B)", "mAP_50", "warning", "not among the metrics", "mAP50(B)"),
    ("goal: maximize", "goal: minimize", "warning", "better when it is larger", "maximize"),
    ("baseline: {}", "targets: {good: 78}", "error", "cannot be reached", "0.78"),
    ("baseline: {}", "seed: sed", "error", "does not take", "seed"),
    ("{value: SGD}", "{value: auto}", "warning", "may not act", ""),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "severity", "message", "hint"), ULTRALYTICS)
def test_ultralytics_arguments_are_checked(
    old: str, new: str, severity: str, message: str, hint: str
) -> None:
    assert old in YOLO
    found = [p for p in problems(YOLO.replace(old, new, 1), severity) if message in p.message]
    assert found
    assert hint in found[0].hint


def test_the_guides_file_says_what_cannot_act() -> None:
    found, said = examine(GUIDE.read_text(encoding="utf-8"))
    assert found is not None
    told = {p.key: p.message for p in said if p.severity == "warning"}
    assert "only `classify` models" in told["parameters.dropout"]
    assert "box labels" in told["parameters.copy_paste"]
    assert "optimizer: auto" in told["parameters.lr0"]
    assert "no effect beside `min_iter`: the rungs are 30, 60 of 100" in told["early_terminate.s"]
    assert set(found.inert) == {"dropout", "lr0"}
    assert {p.name for p in found.space} - {p.name for p in found.active} == {"dropout", "lr0"}
    assert from_canonical(found.canonical()).inert == found.inert


def test_strict_refuses_what_cannot_act() -> None:
    with pytest.raises(SpecError) as caught:
        parse(GUIDE.read_text(encoding="utf-8"), strict=True)
    assert {p.key.removeprefix("parameters.") for p in caught.value.problems} == {
        "dropout",
        "copy_paste",
        "lr0",
    }


# -- the reference ----------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs/reference/sweep-file.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "word", sorted({*schema.KEYS, *options.KEYS, *parameters.DISTRIBUTIONS, *parameters.KEYS})
)
def test_the_reference_page_has_every_key(word: str) -> None:
    assert f"`{word}" in PAGE


def test_the_reference_pages_example_is_a_good_file() -> None:
    example = PAGE.split("```yaml\n")[1].split("```")[0]
    found, said = examine(example)
    assert found is not None
    assert said == []
