"""The server's locks: who may meet, and who may not."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from swept.server.locks import STRIPES, SharedLock, Stripes

PATIENCE = 200.0


def test_many_share_and_one_is_alone() -> None:
    lock, together = SharedLock(), threading.Barrier(2)
    asked, alone, left = threading.Event(), threading.Event(), threading.Event()

    def share() -> None:
        with lock.shared():
            together.wait(PATIENCE)  # both are in
            asked.wait(PATIENCE)
            assert not alone.is_set()

    def be_alone() -> None:
        asked.set()
        with lock.alone():
            alone.set()
            left.wait(PATIENCE)

    def come_late() -> bool:
        alone.wait(PATIENCE)
        left.set()
        with lock.shared():
            return True

    with ThreadPoolExecutor(4) as pool:
        sharing = [pool.submit(share) for _ in range(2)]
        rest: list[Future[Any]] = [pool.submit(be_alone), pool.submit(come_late)]
        for one in (*sharing, *rest):
            one.result(PATIENCE)


def test_an_error_inside_lets_go() -> None:
    lock = SharedLock()
    for held in (lock.shared, lock.alone):
        try:
            with held():
                raise KeyError
        except KeyError:
            pass
    with lock.alone():
        pass


def test_a_name_has_one_lock_and_others_are_free() -> None:
    locks = Stripes()
    assert locks.of("run") is locks.of("run")
    assert len({id(locks.of(number)) for number in range(1000)}) == STRIPES
