"""Which sweeps are valid, what goes unsaid, what is drawn and in which order: against W&B's own `sweeps` 0.3.0."""

from __future__ import annotations

import json
import math
import subprocess
from typing import Any

import numpy as np
import pytest
import yaml
from tests.oracle import sweeps_python

from swept.errors import SpecError
from swept.spec import Spec, from_canonical, parse_mapping

US = (0.0137, 0.1234, 0.31, 0.4999, 0.618, 0.777, 0.9321, 0.9931)
ORACLE = r"""
import json, sys
from sweeps.config import SweepConfig
from sweeps.config.cfg import schema_violations_from_proposed_config
from sweeps.params import HyperParameter, HyperParameterSet
from sweeps.grid_search import grid_search_next_runs

def plain(value):
    return value.tolist() if hasattr(value, "tolist") else value

def parameters(config, us):
    found = {}
    for p in HyperParameterSet.from_config(config["parameters"]):
        draws = [plain(p.ppf(u)) for u in us]
        found[p.name.replace(HyperParameterSet.NESTING_DELIMITER, ".")] = [p.type, draws]
    return found

def violations(config):
    # older log distributions are only deprecated: the service takes them
    try:
        return [v for v in schema_violations_from_proposed_config(config) if "base-e" not in v]
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]

for line in sys.stdin:
    case = json.loads(line)
    config = case["config"]
    answer = {"violations": violations(config)}
    if not answer["violations"]:
        try:
            if case.get("grid"):
                runs = grid_search_next_runs([], config, n=case["grid"])
                points = [{k: v["value"] for k, v in run.config.items()} for run in runs if run]
                answer["grid"] = points
            else:
                answer["parameters"] = parameters(config, case["us"])
        except Exception as error:
            answer["violations"] = [f"{type(error).__name__}: {error}"]
    print(json.dumps(answer))
"""
NAMES = {
    "param_single_value": "constant",
    "param_categorical": "categorical",
    "param_categorical_w_probabilities": "categorical_w_probabilities",
    "param_int_uniform": "int_uniform",
    "param_uniform": "uniform",
    "param_quniform": "q_uniform",
    "param_loguniform": "log_uniform_values",
    "param_loguniform_v2": "log_uniform_values",
    "param_inv_loguniform": "inv_log_uniform_values",
    "param_inv_loguniform_v2": "inv_log_uniform_values",
    "param_qloguniform": "q_log_uniform_values",
    "param_qloguniform_v2": "q_log_uniform_values",
    "param_normal": "normal",
    "param_qnormal": "q_normal",
    "param_lognormal": "log_normal",
    "param_qlognormal": "q_log_normal",
    "param_beta": "beta",
    "param_qbeta": "q_beta",
}


def ask(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The oracle's answers."""
    python = sweeps_python()
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run(
        [python, "-W", "ignore", "-c", ORACLE],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def ours(config: dict[str, Any]) -> Spec | None:
    try:
        return parse_mapping(config)
    except SpecError:
        return None


def sweep(parameter: dict[str, Any]) -> dict[str, Any]:
    return {"method": "random", "parameters": {"x": parameter}}


# -- one parameter --------------------------------------------------------------------------------

_DISTRIBUTIONS = (
    *("categorical", "constant", "categorical_w_probabilities", "int_uniform", "uniform"),
    *("q_uniform", "log_uniform", "log_uniform_values", "q_log_uniform", "q_log_uniform_values"),
    *("inv_log_uniform", "inv_log_uniform_values", "normal", "q_normal", "log_normal"),
    *("q_log_normal", "beta", "q_beta", "loguniform"),
)


def draw(rng: np.random.Generator) -> dict[str, Any]:
    """Keys and values that mostly go together."""

    def number(low: float, high: float) -> float:
        value = float(np.round(rng.uniform(low, high), 3))
        return int(value) if rng.random() < 0.4 else value

    distribution = str(rng.choice(_DISTRIBUTIONS))
    entry: dict[str, Any] = {}
    if distribution in ("categorical", "categorical_w_probabilities"):
        values: list[Any] = [1, 2.5, "a", None, True, [1, 2], {"k": 1}, -3]
        picked = rng.permutation(len(values))[: rng.integers(0, 6)]
        entry["values"] = [values[i] for i in picked]
        if distribution != "categorical":
            weights = rng.random(max(len(picked) + int(rng.random() < 0.1), 1))
            total = weights.sum() * (1.0 if rng.random() < 0.9 else 1.3)
            entry["probabilities"] = [float(weight) for weight in weights / total]
    elif distribution == "constant":
        entry["value"] = number(-3, 3)
    elif "normal" in distribution:
        entry |= {"mu": number(-2, 2), "sigma": number(0.001, 2) or 0.5}
    elif "beta" in distribution:
        entry |= {"a": number(0.3, 4) or 1, "b": number(0.3, 4) or 1}
    else:
        entry |= {"min": number(-1, 4), "max": number(1, 9)}
        if "values" in distribution and rng.random() < 0.8:
            entry["min"] = abs(entry["min"]) or 0.5
    if distribution.startswith("q_") and rng.random() < 0.8:
        entry["q"] = number(0.05, 3)
    if rng.random() < 0.8:
        entry["distribution"] = distribution
    if rng.random() < 0.1 and entry:
        del entry[str(rng.choice(list(entry)))]
    if rng.random() < 0.1:
        entry[str(rng.choice(["q", "min", "value", "values", "mu", "a", "step"]))] = 1
    return entry


def test_single_parameters_are_accepted_inferred_and_drawn_as_by_wandb() -> None:
    rng = np.random.default_rng(20240611)
    entries = [draw(rng) for _ in range(2500)]
    answers = ask([{"config": sweep(entry), "us": US} for entry in entries])
    accepted = 0
    for entry, answer in zip(entries, answers, strict=True):
        spec = ours(sweep(entry))
        assert (spec is not None) == (not answer["violations"]), (entry, answer["violations"])
        if spec is None:
            continue
        accepted += 1
        kind, draws = answer["parameters"]["x"]
        if "x" in spec.space.fixed:
            assert all(spec.space.fixed["x"] == drawn for drawn in draws), entry
            continue
        parameter = spec.space.parameters[0]
        assert parameter.distribution == NAMES[kind], entry
        if parameter.kind == "categorical":
            assert all(parameter.contains(drawn) for drawn in draws), entry
            continue
        for u, drawn in zip(US, draws, strict=True):
            value = parameter.from_unit(u)
            assert math.isclose(value, drawn, rel_tol=1e-7, abs_tol=1e-9), (entry, u)
            assert isinstance(value, int) == isinstance(drawn, int), (entry, value, drawn)
            assert parameter.contains(drawn), (entry, drawn)
    assert accepted > 1000


# -- the grid -------------------------------------------------------------------------------------


def draw_grid(rng: np.random.Generator, depth: int = 0) -> dict[str, Any]:
    names = rng.permutation(["b", "a", "B", "a_b", "a-b", "z1", "z10", "c.d"])
    group: dict[str, Any] = {}
    for name in names[: rng.integers(1, 4)]:
        choice = rng.integers(0, 6 if depth < 2 else 5)
        if choice == 0:
            group[str(name)] = {"value": 7}
        elif choice == 1:
            low = int(rng.integers(-2, 3))
            group[str(name)] = {"min": low, "max": low + int(rng.integers(1, 4))}
        elif choice == 2:
            entry = {"distribution": "q_uniform", "min": 0.1, "max": 1.0, "q": 0.3}
            if rng.random() < 0.5:
                entry |= {"min": 0, "max": int(rng.integers(2, 6)), "q": 2}
            group[str(name)] = entry
        elif choice <= 4:
            values = ["u", 3, 0.5, True, None, 3.0, 1]
            picked = rng.integers(0, len(values), rng.integers(1, 4))
            group[str(name)] = {"values": [values[i] for i in picked]}
        else:
            group[str(name)] = {"parameters": draw_grid(rng, depth + 1)}
    return group


def test_the_grid_has_wandbs_points_in_wandbs_order() -> None:
    rng = np.random.default_rng(7)
    configs = [{"method": "grid", "parameters": draw_grid(rng)} for _ in range(150)]
    answers = ask([{"config": config, "grid": 400} for config in configs])
    compared = 0
    for config, answer in zip(configs, answers, strict=True):
        spec = ours(config)
        assert (spec is not None) == (not answer["violations"]), (config, answer["violations"])
        if spec is None:
            continue
        size = spec.space.grid_size()
        assert size is not None
        points = [spec.space.grid(index) for index in range(min(size, 400))]
        assert points == answer["grid"], config
        compared += len(points) > 1
    assert compared > 60


# -- the top level --------------------------------------------------------------------------------

BASE: dict[str, Any] = {
    "method": "random",
    "metric": {"name": "loss"},
    "parameters": {"x": {"values": [1, 2]}},
}
STOP: dict[str, Any] = {"type": "hyperband", "min_iter": 3}
VARIANTS: list[dict[str, Any]] = [
    {},
    *({"method": method} for method in ("grid", "bayes", "custom", "tpe", None, 3)),
    *({"metric": metric} for metric in ("loss", {}, {"name": 3}, {"name": "a", "goal": "max"})),
    {"metric": {"name": "a", "goal": "maximize", "target": 0.9}},
    {"metric": {"name": "a", "target": "0.9"}},
    {"metric": {"name": "a", "impute": "best", "impute_while_running": "latest"}},
    {"metric": {"name": "a", "impute": "mean"}},
    {"metric": {"name": "a", "direction": "up"}},
    {"metrics": [{"name": "a"}, {"name": "b"}]},
    *({"run_cap": cap} for cap in (1, 20, 0, -1, 2.5, "20")),
    *({"program": program} for program in ("train.py", 3, None)),
    *({"command": command} for command in (["python", "x.py", 3], "python train.py", None)),
    *({key: "text"} for key in ("name", "description", "project", "entity", "apiVersion")),
    *({key: 3} for key in ("name", "description", "project", "entity")),
    {"kind": "sweep"},
    {"kind": "job"},
    {"controller": {"type": "cloud"}},
    {"controller": {"type": "moon"}},
    {"controller": {}},
    {"early_stop": {}},
    {"early_terminate": STOP},
    {"early_terminate": {**STOP, "eta": 2, "strict": True, "s": 3}},
    {"early_terminate": {"type": "hyperband", "max_iter": 27, "s": 2}},
    {"early_terminate": {"type": "hyperband", "max_iter": 27}},
    {"early_terminate": {"type": "hyperband"}},
    {"early_terminate": {"min_iter": 3}},
    {"early_terminate": {"type": "asha", "min_iter": 3}},
    *({"early_terminate": {**STOP, "eta": eta}} for eta in (1, 1.5, 0, "2")),
    *({"early_terminate": {**STOP, "min_iter": least}} for least in (0, 1, 2.5, "3")),
    {"early_terminate": {**STOP, "strict": "yes"}},
    {"early_terminate": {**STOP, "brackets": 3}},
    {"early_terminate": []},
    {"parameters": {}},
    {"parameters": {"1x": {"value": 1}}},
    {"parameters": {"x": {"parameters": {}}}},
    {"parameters": {"x": {"parameters": {"y": {"min": 1, "max": 2}}, "value": 1}}},
    {"parameters": {"x": 3}},
    {"parameters": {"x": [1, 2]}},
    {"parameters": [1]},
    {"parameters": {"x": {"parameters": {"y": {"parameters": {"z": {"values": [1, 2]}}}}}}},
]
STRICTER: list[dict[str, Any]] = [
    {"method": "custom"},  # hosted only
    {"metrics": [{"name": "a"}, {"name": "b"}]},  # refused by both, by W&B only with a metric
    {"program": ""},
    {"name": ""},
    {"command": []},
    {"command": ["python", "${program}"]},  # and no program
    {"command": ["python", "${prog}"]},
    {"run_cap": 2**60},
    {"image_uri": "image:1"},
    {"job": "job"},
    {"scheduler": {"engine": "wandb"}},
    {"controller": {"type": "local"}},
    {"early_terminate": {"type": "hyperband", "max_iter": 27, "min_iter": 3}},  # needs s: KeyError
    {"early_terminate": {"type": "hyperband", "max_iter": 27, "s": 2.5}},  # range(2.5)
    {"early_terminate": {"type": "hyperband", "max_iter": 1, "s": 1}},  # no rungs
    {"parameters": {"x": {"distribution": "normal", "sigma": 0}}},  # NaN
    {"parameters": {"x": {"distribution": "beta", "a": 0}}},
    {"parameters": {"x": {"distribution": "log_uniform", "min": 0, "max": 1000}}},  # infinite
    {"parameters": {"a.b": {"value": 1}, "a": {"parameters": {"b": {"value": 2}}}}},
]
"""What W&B's schema lets pass, and a sweep would fail by: refused here. The reference says so."""


def test_the_top_level_is_accepted_as_by_wandb() -> None:
    configs = [{**BASE, **variant} for variant in VARIANTS]
    configs += [{k: v for k, v in BASE.items() if k != missing} for missing in BASE]
    answers = ask([{"config": config, "us": [0.5]} for config in configs])
    stricter = [{**BASE, **variant} for variant in STRICTER]
    for config, answer in zip(configs, answers, strict=True):
        if config not in stricter:
            accepted = ours(config) is not None
            assert accepted == (not answer["violations"]), (config, answer["violations"])


@pytest.mark.parametrize("variant", STRICTER, ids=str)
def test_what_is_refused_although_wandbs_schema_lets_it_pass(variant: dict[str, Any]) -> None:
    assert ours({**BASE, **variant}) is None


def test_bayes_and_hyperband_need_a_metric() -> None:
    assert ours({"method": "bayes", "parameters": BASE["parameters"]}) is None
    assert (
        ours({"method": "grid", "parameters": BASE["parameters"], "early_terminate": STOP}) is None
    )


def test_the_file_without_swept_is_valid_for_wandb() -> None:
    rng = np.random.default_rng(3)
    sweeps = []
    for _ in range(300):
        config = {**BASE, "method": "bayes", "parameters": {"x": draw(rng), "y": {"value": 1}}}
        spec = ours({**config, "early_terminate": STOP, "swept": {"budget": {"runs": 3}}})
        if spec is not None:
            sweeps.append(spec)
    texts = [spec.wandb_yaml() for spec in sweeps]
    texts += [from_canonical(spec.canonical()).wandb_yaml() for spec in sweeps]
    answers = ask([{"config": yaml.safe_load(text), "us": [0.5]} for text in texts])
    assert len(answers) > 200
    for text, answer in zip(texts, answers, strict=True):
        assert not answer["violations"], (text, answer)
