"""The file of an attempt's reports."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swept.tracking.reporting import BATCH_ITEMS, Journal, JournalBusy, batches, read_journal
from swept.wire.reports import Report

values = st.dictionaries(st.text(max_size=5), st.floats() | st.text(max_size=20) | st.none())


def log(seq: int, kind: str = "log") -> Report:
    return {"seq": seq, "type": kind, "time": 0.0, "step": seq}


@given(st.lists(values, max_size=5), st.integers(0, 400))
def test_whatever_is_cut_off_the_rest_is_whole_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]], cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "reports.jsonl"
    journal = Journal(path)
    written = [journal.append("log", 1.0, durable=False, step=1, metrics=row) for row in rows]
    journal.close()
    path.write_bytes(path.read_bytes()[: max(0, path.stat().st_size - cut)])
    again = Journal(path)
    kept = again.reports
    assert kept == written[: len(kept)]
    again.append("summary", 2.0, durable=True, values={})
    again.close()
    assert [report["seq"] for report in read_journal(path)] == list(range(1, len(kept) + 2))


def test_one_process_writes(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "reports.jsonl")
    with pytest.raises(JournalBusy):
        Journal(tmp_path / "reports.jsonl")
    journal.close()
    Journal(tmp_path / "reports.jsonl").close()


@contextmanager
def small_disk() -> Iterator[None]:
    """Files may not grow beyond 1,000 bytes: the nearest thing to a full disk without being root."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def fill(journal: Journal) -> None:
    while True:
        journal.append("log", 1.0, durable=True, step=1, metrics={"text": "x" * 90})


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl"
    journal = Journal(path)
    with small_disk():
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            fill(journal)
        kept = journal.last
        journal.append("log", 1.0, durable=False, step=1)  # a short one still fits
    journal.close()
    assert [report["seq"] for report in read_journal(path)] == list(range(1, kept + 2))


@given(st.lists(st.sampled_from(["log", "checkpoint"]), max_size=30))
def test_batches_keep_the_order_and_a_checkpoint_begins_one(kinds: list[str]) -> None:
    reports = [log(seq, kind) for seq, kind in enumerate(kinds, 1)]
    cut = list(batches(reports))
    assert [report for batch in cut for report in batch] == reports
    assert all(report["type"] == "log" for batch in cut for report in batch[1:])


def test_batches_have_a_size() -> None:
    cut = list(batches([log(seq) for seq in range(1, 2 * BATCH_ITEMS)]))
    assert [len(batch) for batch in cut] == [BATCH_ITEMS, BATCH_ITEMS - 1]
