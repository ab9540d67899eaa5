"""There are no more connections than may be, and who waits for one gets it or is told."""

from contextlib import ExitStack
from itertools import count
from threading import Event, Thread

import pytest

from api.store.errors import StoreError
from api.store.pool import Pool


class Connection:
    """A connection that knows its number, and whether it was closed."""

    def __init__(self, number: int) -> None:
        self.number, self.closed = number, False

    def close(self) -> None:
        self.closed = True


def _pool(most: int, wait_s: float) -> Pool:
    numbers = count(1)
    return Pool(lambda: Connection(next(numbers)), lambda one: not one.closed, most=most, wait_s=wait_s)


def test_a_connection_is_used_again_and_one_that_broke_is_not() -> None:
    pool = _pool(1, 1.0)
    for wanted in (1, 1):
        with pool.lend() as one:
            assert one.number == wanted
    with pool.lend() as one:
        one.closed = True
    with pool.lend() as one:
        assert one.number == 2


def test_who_finds_all_in_use_is_told_and_changes_nothing() -> None:
    pool = _pool(2, 0.0)
    with ExitStack() as held:
        held.enter_context(pool.lend())
        held.enter_context(pool.lend())
        with pytest.raises(StoreError, match="all 2 connections to the store were in use for 0 s"), pool.lend():
            pytest.fail("there were three")
    with pool.lend() as one:
        assert one.number in (1, 2)


def test_who_waits_gets_the_connection_that_is_given_back() -> None:
    pool, got, waiting = _pool(1, 30.0), list[int](), Event()

    def wait() -> None:
        waiting.set()
        with pool.lend() as one:
            got.append(one.number)

    with pool.lend():
        other = Thread(target=wait)
        other.start()
        waiting.wait()
        assert got == []
    other.join()
    assert got == [1]


def test_a_connection_that_cannot_be_made_takes_no_place() -> None:
    def refuse() -> Connection:
        raise OSError("no server")

    pool = Pool(refuse, lambda one: True, most=1, wait_s=0.0)
    for _ in range(3):
        with pytest.raises(OSError, match="no server"), pool.lend():
            pytest.fail("there was none")
