"""The pure parts of the store: what is visible, and what a column holds."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from swept.store import codec, visible

ATTEMPTS = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(0, 8)), st.lists(st.integers(0, 10), max_size=5)),
    max_size=5,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(ATTEMPTS)
def test_the_visible_curve_is_what_playing_the_attempts_one_by_one_leaves(
    attempts: list[tuple[int | None, list[int]]],
) -> None:
    shown: dict[int, float] = {}
    for number, (first_step, steps) in enumerate(attempts, 1):
        if first_step is not None:
            shown = {step: value for step, value in shown.items() if step < first_step}
        shown.update({step: float(number) for step in steps})
    below = visible.ceilings([(number, first) for number, (first, _) in enumerate(attempts, 1)])
    points = [
        (number, step, float(number))
        for number, (_, steps) in enumerate(attempts, 1)
        for step in sorted(set(steps))
    ]
    curve = visible.curve(points, below)
    assert [(point.step, point.value) for point in curve] == sorted(shown.items())


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_stored_json_is_plain_ascii_without_bare_specials(value: dict[str, Any]) -> None:
    text = codec.dumps(value)
    assert text.isascii()
    assert "\x00" not in text
    json.loads(text, parse_constant=lambda name: (_ for _ in ()).throw(AssertionError(name)))


@given(st.text(st.characters(exclude_categories=())))
def test_plain_text_is_text_that_every_database_takes(text: str) -> None:
    clean = codec.plain(text)
    assert "\x00" not in clean
    assert len(clean.encode("utf-8")) >= len(clean)


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_any_config_can_be_flattened(config: dict[str, Any]) -> None:
    for value in visible.flatten(config).values():
        assert value is None or isinstance(value, float | str)


def test_the_objective_is_found_plain_or_nested() -> None:
    assert visible.lookup({"val/acc": 3}, "val/acc") == 3.0
    assert visible.lookup({"val.acc": 1, "val": {"acc": 2}}, "val.acc") == 1.0
    assert visible.lookup({"val": {"acc": "NaN"}}, "val.acc") is not None
    assert visible.lookup({"val": 3, "flag": True}, "val.acc") is None
    assert visible.lookup({"flag": True}, "flag") is None
    assert visible.lookup({"huge": 10**400}, "huge") == math.inf
