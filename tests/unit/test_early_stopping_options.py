"""`swept.early_stopping` in a file: one word or a mapping; what is wrong with it, in words."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.test_asha import sweep

from swept.errors import SpecError
from swept.spec import Spec, from_canonical, parse_mapping
from swept.stopping.decide import eta_of, rule, rungs_of
from swept.stopping.hyperband import rules_of
from swept.sweepfile.schema import Hyperband


def again(spec: Spec) -> Spec:
    """As the store gives it back."""
    return from_canonical(spec.canonical())


@pytest.mark.parametrize("word", ["asha", "median", "auto", "hyperband", "off"])
def test_a_word_and_a_mapping_say_the_same(word: str) -> None:
    spec = parse_mapping(sweep(word))
    assert rule(again(spec)) == word
    assert spec.hash == parse_mapping(sweep({"type": word})).hash
    assert "swept.early_stopping" not in spec.inactive


def test_figures_are_kept() -> None:
    spec = again(parse_mapping(sweep({"type": "asha", "eta": 2, "min_epochs": 3})))
    assert (rungs_of(spec), eta_of(spec)) == ((3, 6, 12), 2)
    spec = again(parse_mapping(sweep("hyperband")))
    assert rules_of(spec) == Hyperband(min_iter=1, eta=3.0)


def test_a_plain_file_is_never_stopped() -> None:
    plain = {key: value for key, value in sweep().items() if key != "swept"}
    assert rule(parse_mapping(plain)) == "off"
    hyperband = parse_mapping(plain | {"early_terminate": {"type": "hyperband", "min_iter": 3}})
    assert rule(hyperband) == "hyperband"


@pytest.mark.parametrize(
    ("stopping", "key", "words"),
    [
        ("ahsa", "swept.early_stopping", "`asha`"),
        (3, "swept.early_stopping", "auto, asha, median, hyperband or off"),
        ({"eta": 3}, "swept.early_stopping", "needs `type`"),
        ({"typ": "asha"}, "swept.early_stopping.typ", "`type`"),
        ({"type": "asha", "eta": 1}, "swept.early_stopping.eta", "above 1"),
        ({"type": "asha", "min_epochs": 0}, "swept.early_stopping.min_epochs", "at least 1"),
        ({"type": "asha", "min_runs": 2}, "swept.early_stopping.min_runs", "unknown key"),
        ({"type": "median", "eta": 2}, "swept.early_stopping.eta", "unknown key"),
        ({"type": "auto", "eta": 2}, "swept.early_stopping.eta", "unknown key"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(stopping: Any, key: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_mapping(sweep(stopping))
    (problem,) = (each for each in caught.value.problems if each.severity == "error")
    assert problem.key == key
    assert words in f"{problem.message} {problem.hint}"


def test_both_keys_are_one_too_many() -> None:
    both = sweep(early_terminate={"type": "hyperband", "min_iter": 3})
    with pytest.raises(SpecError, match="are both there"):
        parse_mapping(both)
