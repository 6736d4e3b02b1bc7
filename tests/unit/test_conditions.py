"""The language of constraints and conditions: what holds, what is refused, and that nothing else can run."""

from __future__ import annotations

import contextlib
import json
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swept.conditions import Meaningless, read_condition
from swept.errors import Problem
from swept.spec import examine

VALUES = {"a": 2, "b": 0.5, "opt": "SGD", "flag": True, "n.k": 3, "lr-max": 1, "none": None}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("b < a", True),
        ("a * b <= 1 < n.k", True),
        ("0 < b < 0.4", False),
        ("opt == 'SGD' and not flag", False),
        ("opt in ('SGD', 'Adam') or a > 9", True),
        ("opt not in ['SGD']", False),
        ("`lr-max` == 1", True),
        ("flag", True),
        ("flag == 1", False),  # true is no number
        ("a == 2.0", True),
        ("none == None", True),
        ("n.k % a == 1 and n.k // a == 1 and a ** 2 == 4", True),
        ("max(a, n.k) - min(a, b) > abs(-2)", True),
        ("a / (b - 0.5) > 0", False),  # divided by zero
        ("10 ** 1000 > a", False),
    ],
)
def test_what_holds(text: str, holds: bool) -> None:
    assert read_condition(text).holds(VALUES) is holds


@pytest.mark.parametrize(
    "text",
    ["a", "a < 'x'", "opt * 2 == 'SGDSGD'", "a and b > 0", "none < 1", "not a", "opt in 'SGD'"],
)
def test_what_has_no_meaning(text: str) -> None:
    with pytest.raises(Meaningless):
        read_condition(text).holds(VALUES)


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "a +", "a := 1", "a = 1", "lambda: 1", "(lambda: 1)() == 1", "[a for a in b] == 1"),
        *("__import__('os') == 1", "a[0] == 1", "f'{a}' == 'x'", "a if b else a", "(yield) == 1"),
        *("min(*a) < 1", "min(a, key=abs) < 1", "min() < 1", "abs(a, b) < 1", "a.real() < 1", "a is b"),
        *("a @ b < 1", "a << 9 < 1", "~a < 1", "1j < a", "b'x' == a", "1e999 > a", "a < 1;b < 1"),
        *("a" * 2000 + " < 1", "(" * 300 + "a" + ")" * 300 + " < 1 <"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str) -> None:
    with pytest.raises(Meaningless):
        read_condition(text)


@settings(deadline=None, max_examples=300)
@given(st.text("ab.()<>=!+-*/%'`, 0159notandorinflgmx[]{}_~@:", max_size=24))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Meaningless, KeyError):
        assert read_condition(text).holds(VALUES) in (True, False)


SPACE: dict[str, Any] = {
    "a": {"min": 0.0, "max": 1.0},
    "b": {"min": 0.0, "max": 1.0},
    "n": {"min": 1, "max": 4},
    "opt": {"values": ["SGD", "Adam"]},
}


def errors(method: str = "random", **swept: Any) -> list[Problem]:
    metric = {"name": "loss", "goal": "minimize"}
    sweep = {"method": method, "metric": metric, "parameters": SPACE, "swept": swept}
    return [p for p in examine(json.dumps(sweep))[1] if p.severity == "error"]


@pytest.mark.parametrize(
    ("swept", "key", "words"),
    [
        ({"constraints": ["a + b == 1"]}, "swept.constraints[0]", "leaves no configuration"),
        ({"constraints": ["n > 1", "a * b * a * b < 1e-12"]}, "swept.constraints[1]", "leaves"),
        ({"constraints": ["a < b", "b < a"]}, "swept.constraints", "together leave no"),
        ({"constraints": ["a < opt"]}, "swept.constraints[0]", "against the text"),
        ({"constraints": ["a < c"]}, "swept.constraints[0]", "names `c`, which is no parameter"),
        ({"conditions": {"c": "a < b"}}, "swept.conditions.c", "names `c`, which is not searched"),
        ({"conditions": {"a": "opt = 1"}}, "swept.conditions.a", "is no condition"),
        ({"conditions": {"a": "b > 0", "b": "a > 0"}}, "swept.conditions.a", "depends on itself"),
    ],
)
def test_check_says_what_is_wrong_with_the_rules(
    swept: dict[str, Any], key: str, words: str
) -> None:
    (problem,) = errors(**swept)
    assert problem.key == key
    assert words in problem.message


def test_a_few_of_many_points_are_enough_for_a_whole_number() -> None:
    assert errors(constraints=["n == 3", "a < 0.01"]) == []


def test_a_condition_crosses_to_another_process() -> None:
    made = pickle.loads(pickle.dumps(read_condition("`a b` < 2 * c")))
    assert made == read_condition("`a b` < 2 * c")
    assert made.holds({"a b": 1, "c": 1})
