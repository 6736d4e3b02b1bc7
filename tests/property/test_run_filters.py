"""Filters and orders of runs as SQL against the same in plain Python (`server.wandb.filters`), on both databases."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from swept.errors import UsageError
from swept.model import Kind, Run
from swept.server.wandb import filters, selecting
from swept.server.wandb.service import ENTITY, STATES
from swept.store.base import Store
from swept.store.sql import open_store
from swept.testing.scenes import NOW, log

KINDS = frozenset({Kind.MANUAL})
NAMES = ("lr", "depth", "loss")
TEXTS = ("adam", "Adam", "sgd", "ü", "", "1", "a.b")

numbers = st.sampled_from([0, 1, -1, 0.5, 2.5, 1e300, math.inf, -math.inf])
scalars = st.one_of(numbers, st.sampled_from(TEXTS), st.booleans())
values = st.one_of(
    scalars,
    st.none(),
    st.just(math.nan),
    st.lists(scalars, max_size=3),
    st.dictionaries(st.sampled_from(["x", "y"]), scalars, max_size=2),
)
mappings = st.dictionaries(st.sampled_from(NAMES), values, max_size=3)
details = st.fixed_dictionaries(
    {},
    optional={
        "group": st.sampled_from(["a", "b"]),
        "job_type": st.sampled_from(["train", "eval"]),
        "tags": st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=2, unique=True),
    },
)
described = st.lists(st.tuples(mappings, mappings, details), min_size=1, max_size=6)

paths = st.sampled_from(
    [f"config.{name}.value" for name in NAMES]
    + [f"config.{name}" for name in NAMES]
    + [f"summary_metrics.{name}" for name in NAMES]
    + ["config.lr.x", "config.lr.x.value", "summary_metrics.loss.y"]
    + ["tags", "group", "job_type", "state", "display_name", "created_at", "username"]
)
operands = st.one_of(scalars, st.sampled_from(["a", "train", "pending", "run-1", NOW + 2]))
tests = st.one_of(
    operands,
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "$eq": st.one_of(operands, st.none()),
            "$ne": st.one_of(operands, st.none()),
            "$gt": operands,
            "$gte": operands,
            "$lt": operands,
            "$lte": operands,
            "$in": st.lists(st.one_of(operands, st.none()), max_size=3),
            "$nin": st.lists(operands, max_size=3),
            "$exists": st.booleans(),
            "$regex": st.sampled_from(["^a", "d", "^$", "(?i)ADAM"]),
        },
    ).filter(bool),
)
leaves = st.dictionaries(paths, tests | tests.map(lambda test: {"$not": test}), max_size=2)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.sampled_from(["$and", "$or", "$nor"]).flatmap(
            lambda word: st.lists(inner, max_size=3).map(lambda parts: {word: parts})
        ),
        inner.map(lambda part: {"$not": part}),
    ),
    max_leaves=4,
)
orders = st.lists(st.tuples(st.sampled_from("+-"), paths), max_size=2).map(
    lambda parts: ",".join(sign + path for sign, path in parts)
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/swept.db"
    else:
        url = request.getfixturevalue("postgres_url")
    one = open_store(url)
    yield one
    one.close()


def document(run: Run) -> dict[str, Any]:
    """A run as the oracle sees it; a mapping has no value of its own."""
    return {
        "display_name": run.name,
        "state": STATES[run.state],
        "created_at": run.created,
        "username": ENTITY,
        "config": run.config,
        "summary_metrics": run.summary,
        "tags": list(run.details.get("tags", ())) or None,
        "group": run.details.get("group"),
        "job_type": run.details.get("job_type"),
        "run": run.id,
    }


def fill(store: Store, project: str, given_runs: list[Any]) -> None:
    for index, (config, summary, more) in enumerate(given_runs):
        run = store.add_run(
            project=project,
            sweep=None,
            kind=Kind.MANUAL,
            config={},
            name=f"run-{index % 4}",
            details={**more, "wandb_config": config},
            now=NOW + index,
        )
        store.update_run(run.id, summary=summary, now=NOW)


def documents_of(store: Store, project: str, given_runs: list[Any]) -> list[dict[str, Any]]:
    page = store.select_runs(project, selecting.condition({}), kinds=KINDS, limit=100)
    return [
        {**document(run), "config": given_runs[index][0], "summary_metrics": given_runs[index][1]}
        for index, run in enumerate(page.runs)
    ]


def paged(store: Store, project: str, condition: Any, order: str) -> list[str]:
    """All pages, of two runs each."""
    found: list[str] = []
    after = ""
    while True:
        page = store.select_runs(
            project,
            selecting.condition(condition),
            selecting.order(order),
            kinds=KINDS,
            limit=2,
            after=after,
        )
        found += [run.id for run in page.runs]
        if not page.more:
            return found
        after = page.cursors[-1]


def times_refused(condition: Any) -> bool:
    """Texts that are no times: refused for `created_at`, and never equal for the oracle."""
    try:
        selecting.condition(condition)
    except UsageError as error:
        return "is no time" in str(error)
    return False


projects = iter(range(10**9))


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(described, conditions, orders)
@example([({"lr": math.nan}, {}, {})], {"config.lr": {"$ne": 1}}, "-config.lr")
@example([({"lr": [1, "a"]}, {}, {})], {"config.lr": "a"}, "")
@example([({"lr": {"x": 1}}, {}, {}), ({}, {}, {})], {"config.lr": {"$exists": True}}, "")
def test_sql_answers_as_plain_python_does(
    store: Store, given_runs: list[Any], condition: Any, order: str
) -> None:
    if times_refused(condition):
        return
    project = f"p{next(projects)}"
    fill(store, project, given_runs)
    documents = documents_of(store, project, given_runs)
    wanted = [one for one in documents if filters.matches(one, condition)]
    ordered = [one["run"] for one in filters.ordered(wanted, order)]
    assert paged(store, project, condition, order) == ordered
    where = selecting.condition(condition)
    assert store.count_runs(project, where, kinds=KINDS) == len(ordered)


def test_a_run_made_between_two_pages_moves_nothing(store: Store) -> None:
    project = f"p{next(projects)}"
    fill(store, project, [({"lr": value}, {}, {}) for value in (3, 1, 2)])
    order = selecting.order("-config.lr.value")
    everything = selecting.condition({})
    first = store.select_runs(project, everything, order, kinds=KINDS, limit=2)
    fill(store, project, [({"lr": 9}, {}, {})])
    second = store.select_runs(
        project, everything, order, kinds=KINDS, limit=2, after=first.cursors[-1]
    )
    assert [run.details["wandb_config"]["lr"] for run in (*first.runs, *second.runs)] == [3, 2, 1]
    assert not second.more


def test_what_is_logged_counts_as_summary_also_without_one(store: Store) -> None:
    project = f"p{next(projects)}"
    run = store.add_run(project=project, sweep=None, kind=Kind.MANUAL, config={}, now=NOW)
    lease = store.open_attempt(run.id, agent="a", host="h", now=NOW, lease_seconds=60)
    for loss in (3.0, 0.5):
        where = selecting.condition({"summary_metrics.loss": loss})
        assert store.count_runs(project, where, kinds=KINDS) == 0
        step = int(loss == 0.5)
        store.report(run.id, lease.token, [log(step + 1, step, loss=loss)], now=NOW)
        assert store.count_runs(project, where, kinds=KINDS) == 1
    assert store.outlines([run.id])[run.id].names == ("loss",)


def test_a_mapping_of_define_metric_is_its_value(store: Store) -> None:
    project = f"p{next(projects)}"
    fill(store, project, [({}, {"acc": {"max": value}}, {}) for value in (0.1, 0.9)])
    best = store.select_runs(
        project,
        selecting.condition({"summary_metrics.acc": {"$gt": 0.05}}),
        selecting.order("-summary_metrics.acc"),
        kinds=KINDS,
        limit=1,
    )
    assert best.runs[0].summary == {"acc": {"max": 0.9}}
    assert best.more


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({"loss": 1}, "nothing called `loss`"),
        ({"$xor": []}, "`$xor` is not known"),
        ({"state": {"$like": "x"}}, "`$like` is not known"),
        ({"state": {"$in": "finished"}}, "needs a list"),
        ({"$and": {}}, "needs a list"),
        ({"name": {"$regex": "("}}, "cannot be read"),
        ({"tags": ["a"]}, "compares with numbers and texts"),
        ({"created_at": {"$gt": "yesterday"}}, "is no time"),
        (json.loads('{"$not":' * 30 + "{}" + "}" * 30), "nested"),
        ({"$or": [{"state": "x"}] * 600}, "up to 100 tests"),
        ({"$or": [{"name": {"$in": ["x"] * 3000}}] * 2}, "up to 5000 values"),
        ([{"state": "x"}], "is no filter"),
    ],
)
def test_what_is_not_known_is_refused(condition: Any, says: str) -> None:
    with pytest.raises(UsageError) as told:
        selecting.condition(condition)
    assert says in str(told.value)


def test_a_pattern_cannot_hold_up_the_server(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/swept.db")
    fill(store, "p", [({"lr": "x" * 5000}, {}, {})])
    where = selecting.condition({"config.lr": {"$regex": "(x+x+)+y"}})
    with pytest.raises(UsageError, match="takes too long"):
        store.count_runs("p", where, kinds=KINDS)
    store.close()
