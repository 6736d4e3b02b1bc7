"""Early warning: every GraphQL document of a client is served, or knowingly declined; `make matrix` tries all versions.

The same for a release that is not installed: `python -m tests.wire.documents VERSION`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql.language import ast as gql
from tests.wire.conftest import need
from tests.wire.documents import Package, installed, read
from tests.wire.harness import NEWEST, OLDEST, environment
from tests.wire.walking import World, populated, report, walked

from swept.server.wandb.declined import FIELDS, MUTATIONS

pytestmark = [pytest.mark.slow]


def package(version: str) -> Package:
    need(version)
    folder = installed(environment(version))
    assert folder is not None
    return read(folder)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with populated(tmp_path_factory.mktemp("documents")) as one:
        yield one


@pytest.mark.feature("SDK", "all that the package asks for is served or knowingly declined")
def test_every_document_is_served_or_knowingly_declined(version: str, world: World) -> None:
    text, good = report(version, walked(package(version), world))
    assert good, text


def test_the_documents_of_both_languages_are_found(version: str) -> None:
    found = package(version)
    assert found.unread == []
    places = {one.source.partition("/")[0] for one in found.operations}
    assert {"apis", "sdk", "bin"} <= places
    names = {one.name for one in found.operations}
    assert {"UpsertBucket", "RunResumeStatus", "CreateArtifact", "Viewer"} <= names


NEWS = '''
from wandb_gql import gql
NEW = """query New($name: String!) { project(name: $name, entityName: "e") {
  name mood run(name: "x") { id } horoscope { sign } } }"""
OTHER = f"""mutation Levitate($height: Int!) {{ levitate(input: {{height: $height}}) {{ success }} }}"""
'''


def test_a_release_that_asks_for_something_new_is_reported(tmp_path: Path, world: World) -> None:
    (tmp_path / "news.py").write_text(NEWS)
    text, good = report("99", walked(read(tmp_path), world))
    assert not good
    for line in (
        "nobody answers Project.mood",
        "nobody answers Project.horoscope",
        "Project.run is null: 1 fields not reached",
        "nobody answers Mutation.levitate",
    ):
        assert line in text


def test_what_is_declined_has_one_reason_each() -> None:
    for name, why in {
        **FIELDS,
        **{f"Mutation.{one}": why for one, why in MUTATIONS.items()},
    }.items():
        assert "." in name
        assert why
        assert "\n" not in why


def test_nothing_is_declined_that_no_client_asks_for() -> None:
    """What no version asks for is a slip of the pen, or history."""
    asked = {name for version in (OLDEST, NEWEST) for name in changes(package(version))}
    assert [name for name in MUTATIONS if name not in asked] == []


def changes(found: Package) -> Iterator[str]:
    """The fields of Mutation that a package names."""
    for operation in found.operations:
        for item in operation.definition.selection_set.selections:
            if isinstance(item, gql.FieldNode):
                yield item.name.value
