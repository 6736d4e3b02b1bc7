"""The part of the store's contract that is about artifacts; see `store_contract`."""

from __future__ import annotations

from typing import Any

import pytest

from swept.errors import Conflict, NotFound, UsageError
from swept.model import Artifact, Kind
from swept.store.artifact_base import INPUT, OUTPUT, ArtifactFile, NewArtifact
from swept.store.base import Store
from swept.testing.scenes import NOW, types


def _run(store: Store) -> str:
    return store.add_run(project="project", sweep=None, kind=Kind.MANUAL, config={}, now=NOW).id


def _new(store: Store, digest: str = "d0", **more: Any) -> Artifact:
    given: dict[str, Any] = {"name": "model", "type": "model", **more}
    return store.create_artifact(NewArtifact("project", digest=digest, **given), now=NOW)


def _committed(store: Store, digest: str = "d0", **more: Any) -> Artifact:
    pending = _new(store, digest, **more)
    file = ArtifactFile("weights.pt", f"file of {digest}", 3)
    return store.commit_artifact(pending.number, f"manifest of {digest}", [file], now=NOW + 1)


class ArtifactVerbs:
    """What every store must do with artifacts. `StoreContract` has the fixtures."""

    def test_an_artifact_is_found_once_it_is_committed(self, store: Store) -> None:
        run = _run(store)
        pending = _new(store, run=run, metadata={"acc": float("inf")}, aliases=("best",), step=3)
        assert (pending.version, pending.aliases) == (None, ())
        assert store.find_artifact("project", "model", "best") is None
        assert store.collections("project") == []
        assert store.run_artifacts(run, OUTPUT) == []
        files = [ArtifactFile("far.pt", "", 2, "s3://far"), ArtifactFile("weights.pt", "abc", 3)]
        done = store.commit_artifact(pending.number, "123", files, now=NOW + 1)
        assert (done.version, done.size, done.files, done.manifest) == (0, 5, 2, "123")
        assert (done.aliases, done.metadata, done.step) == (
            ("best", "latest"),
            {"acc": float("inf")},
            3,
        )
        for alias in ("best", "latest", "v0"):
            assert store.find_artifact("project", "model", alias) == done
        assert store.artifact_files(done.number) == files
        assert store.run_artifacts(run, OUTPUT) == [done]
        assert types(store, run)[-2:] == ["artifact.logged", "artifact.committed"]
        assert [one.name for one in store.collections("project", "model")] == ["model"]
        assert store.collections("project", "dataset") == []

    def test_a_repeated_commit_is_answered_as_the_first(self, store: Store) -> None:
        first = _committed(store)
        assert store.commit_artifact(first.number, "x", [], now=NOW + 9) == first

    def test_versions_count_on_and_aliases_move(self, store: Store) -> None:
        first = _committed(store, "d0", aliases=("best",))
        second = _committed(store, "d1", aliases=("best", "good"))
        assert (second.version, second.aliases) == (1, ("best", "good", "latest"))
        assert store.artifact(first.number).aliases == ()
        assert store.artifacts(first.collection.number) == [second, store.artifact(first.number)]
        assert store.collection_aliases(first.collection.number) == ["best", "good", "latest"]

    def test_pending_versions_get_their_numbers_as_they_are_committed(self, store: Store) -> None:
        slow, quick = _new(store, "d0"), _new(store, "d1")
        versions = [
            store.commit_artifact(one.number, "m", [], now=NOW).version for one in (quick, slow)
        ]
        assert versions == [0, 1]

    def test_the_same_content_makes_no_new_version(self, store: Store) -> None:
        first, run = _committed(store, "d0"), _run(store)
        _committed(store, "d1", aliases=("best",))
        again = _new(store, "d0", run=run, aliases=("best",), client="client-2")
        assert (again.number, again.version) == (first.number, 0)
        assert again.aliases == ("best", "latest")
        assert store.artifact_of_client("client-2") == first.number
        assert store.run_artifacts(run, OUTPUT) == [again]

    def test_equal_ones_that_arrive_at_once_are_one_version(self, store: Store) -> None:
        runs = [_run(store), _run(store)]
        one, two = (
            _new(store, f"d{at}", run=run, client=f"c{at}", aliases=(f"of {at}",))
            for at, run in enumerate(runs)
        )
        store.announce_files(two.number, {"weights.pt": "abc"}, now=NOW)
        files = [ArtifactFile("weights.pt", "abc", 3)]
        first = store.commit_artifact(one.number, "m", files, digest="real", now=NOW)
        second = store.commit_artifact(two.number, "m", files, digest="real", now=NOW + 1)
        assert (second.number, second.version) == (first.number, 0)
        assert second.aliases == ("latest", "of 0", "of 1")
        assert store.commit_artifact(two.number, "m", files, digest="real", now=NOW + 2) == second
        assert store.artifact(two.number) == store.artifact(one.number) == second
        assert store.artifacts(first.collection.number) == [second]
        assert [store.run_artifacts(run, OUTPUT) for run in runs] == [[second], [second]]
        assert types(store, runs[1])[-1] == "artifact.logged"
        assert store.forget_pending(before=NOW + 99, now=NOW) == 0
        store.delete_artifact(two.number, with_aliases=True, now=NOW)
        for gone in (one, two):
            with pytest.raises(NotFound):
                store.artifact(gone.number)

    def test_a_repeated_request_gets_its_artifact_again(self, store: Store) -> None:
        assert _new(store, client="c").number == _new(store, client="c").number
        assert _new(store, shared="s").number == _new(store, "d9", shared="s").number
        assert _new(store).number != _new(store).number

    def test_another_content_under_a_clients_old_name_is_another_version(
        self, store: Store
    ) -> None:
        first = _committed(store, "d0", client="c")
        second = _committed(store, "d1", client="c", aliases=("final",))
        assert (second.version, second.aliases) == (1, ("final", "latest"))
        assert store.artifact(first.number).aliases == ()
        assert store.artifact_of_client("c") == second.number

    def test_a_collection_has_one_type(self, store: Store) -> None:
        _committed(store)
        with pytest.raises(Conflict, match="is of type “model”"):
            _new(store, "d1", type="dataset")

    def test_versions_and_odd_texts_are_no_aliases(self, store: Store) -> None:
        done = _committed(store)
        for alias in ("v3", "", "a:b", "a/b"):
            with pytest.raises(UsageError, match="is no alias"):
                _new(store, "d1", aliases=(alias,))
            with pytest.raises(UsageError, match="is no alias"):
                store.change_artifact(done.number, add_aliases=[alias], now=NOW)

    def test_manifests_are_kept_until_the_artifact_is_whole(self, store: Store) -> None:
        base, one = _committed(store, "d0"), _new(store, "d1")
        first = store.add_manifest(one.number, "incremental", "", base=base.number, now=NOW)
        second = store.add_manifest(one.number, "patch", "m2", base=None, now=NOW)
        assert store.set_manifest(first.number, "m1", now=NOW).digest == "m1"
        kept = [(m.kind, m.digest, m.base) for m in store.manifests(one.number)]
        assert kept == [("incremental", "m1", base.number), ("patch", "m2", None)]
        store.commit_artifact(one.number, "m", [], now=NOW)
        assert store.manifests(one.number) == []
        with pytest.raises(NotFound):
            store.set_manifest(second.number, "m3", now=NOW)

    def test_an_artifact_is_changed(self, store: Store) -> None:
        first, second = _committed(store, "d0", tags=("a", "b")), _committed(store, "d1")
        changed = store.change_artifact(
            first.number,
            description="why",
            metadata={"x": 1},
            add_tags=["c"],
            drop_tags=["a"],
            add_aliases=["latest", "best"],
            now=NOW,
        )
        assert (changed.description, changed.metadata) == ("why", {"x": 1})
        assert (changed.tags, changed.aliases) == (("b", "c"), ("best", "latest"))
        assert store.artifact(second.number).aliases == ()
        dropped = store.change_artifact(first.number, drop_aliases=["best"], now=NOW)
        assert (dropped.aliases, dropped.description) == (("latest",), "why")

    def test_latest_goes_to_the_newest_version_left(self, store: Store) -> None:
        first, second = _committed(store, "d0"), _committed(store, "d1", aliases=("best",))
        with pytest.raises(Conflict, match="has aliases: best, latest"):
            store.delete_artifact(second.number, with_aliases=False, now=NOW)
        store.delete_artifact(second.number, with_aliases=True, now=NOW)
        assert store.artifact(first.number).aliases == ("latest",)
        with pytest.raises(NotFound):
            store.artifact(second.number)
        assert _committed(store, "d2").version == 2

    def test_bytes_are_needed_from_the_moment_they_are_announced(self, store: Store) -> None:
        one = _new(store)
        store.announce_files(one.number, {"a": "aaa", "b": "bbb"}, now=NOW)
        store.add_manifest(one.number, "full", "mmm", base=None, now=NOW)
        assert store.needless({"aaa", "bbb", "mmm", "zzz"}) == {"zzz"}
        store.commit_artifact(one.number, "nnn", [ArtifactFile("a", "aaa", 1)], now=NOW)
        assert store.needless({"aaa", "bbb", "mmm", "nnn"}) == {"bbb", "mmm"}
        store.announce_files(one.number, {"c": "ccc"}, now=NOW)
        assert store.needless({"ccc"}) == {"ccc"}

    def test_what_was_never_committed_is_forgotten(self, store: Store) -> None:
        pending, done = _new(store, "d1"), _committed(store, "d0")
        assert store.forget_pending(before=NOW, now=NOW) == 0
        assert store.forget_pending(before=NOW + 5, now=NOW + 5) == 1
        with pytest.raises(NotFound):
            store.artifact(pending.number)
        assert store.artifact(done.number) == done

    def test_runs_use_artifacts(self, store: Store) -> None:
        done, reader = _committed(store), _run(store)
        for _ in range(2):
            assert store.use_artifact(done.number, reader, now=NOW) == done
        assert store.artifact_users(done.number) == [reader]
        assert store.run_artifacts(reader, INPUT) == [done]
        assert types(store, reader).count("artifact.used") == 1
        with pytest.raises(NotFound):
            store.use_artifact(done.number, "nobody", now=NOW)

    def test_a_deleted_run_leaves_its_artifacts(self, store: Store) -> None:
        run = _run(store)
        done = _committed(store, run=run)
        store.delete_run(run, now=NOW)
        assert store.artifact(done.number).run is None

    def test_artifacts_of_a_run_are_deleted_where_no_other_needs_them(self, store: Store) -> None:
        run, reader = _run(store), _run(store)
        mine, used = _committed(store, "d0", run=run), _committed(store, "d1", run=run)
        store.use_artifact(used.number, reader, now=NOW)
        store.delete_run(run, now=NOW, with_artifacts=True)
        with pytest.raises(NotFound):
            store.artifact(mine.number)
        assert store.artifact(used.number).run is None

    def test_collections_are_changed_and_deleted(self, store: Store) -> None:
        one, other = _committed(store), _committed(store, name="other")
        number = one.collection.number
        changed = store.change_collection(
            number, name="renamed", description="why", add_tags=["a", "b"], drop_tags=["a"], now=NOW
        )
        assert (changed.name, changed.description, changed.tags) == ("renamed", "why", ("b",))
        assert store.find_artifact("project", "renamed", "v0") is not None
        with pytest.raises(Conflict):
            store.change_collection(number, name="other", now=NOW)
        store.delete_collection(number, now=NOW)
        with pytest.raises(NotFound):
            store.artifact(one.number)
        assert [one.name for one in store.collections("project")] == [other.collection.name]
