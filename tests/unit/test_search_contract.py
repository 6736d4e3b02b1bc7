"""Every method keeps the search contract."""

from __future__ import annotations

from swept.spec import Spec, parse_mapping
from swept.testing.search_contract import SearchContract

METRIC = {"name": "loss", "goal": "minimize"}


class TestGrid(SearchContract):
    def spec(self) -> Spec:
        parameters = {
            "a": {"values": [1, 2, 3, 4, 5, 6, 7]},
            "b": {"values": ["x", "y", "z"]},
            "c": {"value": 9},
            "d": {"min": 1, "max": 3},
        }
        return parse_mapping({"method": "grid", "metric": METRIC, "parameters": parameters})


class TestRandom(SearchContract):
    def spec(self) -> Spec:
        return mixed("random")


class TestBayes(SearchContract):
    def spec(self) -> Spec:
        return mixed("bayes")


class TestBayesOverOneReal(SearchContract):
    def spec(self) -> Spec:
        parameters = {"x": {"min": 0.0, "max": 1.0}}
        return parse_mapping({"method": "bayes", "metric": METRIC, "parameters": parameters})


class TestBayesOverThirtyReals(SearchContract):
    def spec(self) -> Spec:
        parameters = {f"x{i}": {"min": 0.0, "max": 1.0} for i in range(30)}
        return parse_mapping({"method": "bayes", "metric": METRIC, "parameters": parameters})


class TestBayesOverCategories(SearchContract):
    def spec(self) -> Spec:
        parameters = {f"c{i}": {"values": ["u", "v", "w", None]} for i in range(4)}
        return parse_mapping({"method": "bayes", "metric": METRIC, "parameters": parameters})


def mixed(method: str) -> Spec:
    """One parameter of each kind, some nested, and a constant."""
    parameters = {
        "lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-1},
        "momentum": {"min": 0.5, "max": 0.99},
        "layers": {"min": 1, "max": 8},
        "optimizer": {"values": ["sgd", "adam", "lamb"]},
        "batch": {"values": [8, 16, 64]},
        "noise": {"distribution": "normal", "mu": 0.0, "sigma": 2.0},
        "drop": {"distribution": "q_uniform", "min": 0.0, "max": 0.5, "q": 0.1},
        "skew": {"distribution": "beta", "a": 2, "b": 5},
        "width": {"distribution": "q_log_uniform_values", "min": 8, "max": 512, "q": 8},
        "gain": {"distribution": "inv_log_uniform_values", "min": 0.1, "max": 10.0},
        "flip": {"values": [True, False], "probabilities": [0.9, 0.1]},
        "head": {"parameters": {"size": {"min": 10, "max": 1000}, "kind": {"values": ["a", "b"]}}},
        "epochs": {"value": 100},
    }
    return parse_mapping({"method": method, "metric": METRIC, "parameters": parameters})
