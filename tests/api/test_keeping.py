"""What was read is kept up to a limit; readers of one plan wait for each other, of others they do not."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from api.keeping import Keeper

SOON_S = 30.0


def reader(read: Counter[str], key: str, value: int) -> Callable[[], int]:
    def work() -> int:
        read[key] += 1
        return value

    return work


def test_beyond_the_limit_the_value_asked_for_longest_ago_is_let_go() -> None:
    keeper, read = Keeper[int](10, sum), Counter[str]()
    sizes = {"a": 4, "b": 4, "c": 4}

    def ask(key: str) -> None:
        assert keeper.recall(key, reader(read, key, sizes[key]), turn=key) == sizes[key]

    for key in "abab":
        ask(key)
    assert read == {"a": 1, "b": 1}
    ask("a")
    ask("c")  # 12 are too many: b was asked for longest ago
    ask("a")
    assert read == {"a": 1, "b": 1, "c": 1}
    ask("b")
    assert read == {"a": 1, "b": 2, "c": 1}


def test_a_value_above_the_limit_is_kept_alone() -> None:
    keeper, read = Keeper[int](10, sum), Counter[str]()
    for key, value in (("small", 3), ("large", 99), ("large", 99), ("small", 3)):
        keeper.recall(key, reader(read, key, value), turn=key)
    assert read == {"small": 2, "large": 1}


def test_what_many_ask_for_at_once_is_read_once() -> None:
    keeper, read, begun, go = Keeper[int](10, sum), Counter[str](), Event(), Event()

    def slow() -> int:
        begun.set()
        assert go.wait(SOON_S)
        return reader(read, "a", 1)()

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(keeper.recall, "a", slow, turn="a") for _ in range(4)]
        assert begun.wait(SOON_S)
        go.set()
        assert [one.result(SOON_S) for one in asked] == [1] * 4
    assert read == {"a": 1}


def test_who_reads_holds_up_neither_other_plans_nor_what_is_held() -> None:
    keeper, read, begun, go = Keeper[int](10, sum), Counter[str](), Event(), Event()

    def slow() -> int:
        begun.set()
        assert go.wait(SOON_S)
        return 2

    keeper.recall("a1", reader(read, "a1", 1), turn="a")
    with ThreadPoolExecutor(4) as pool:
        reading = pool.submit(keeper.recall, "a2", slow, turn="a")
        assert begun.wait(SOON_S)
        assert pool.submit(keeper.recall, "b1", reader(read, "b1", 3), turn="b").result(SOON_S) == 3
        assert pool.submit(keeper.recall, "a1", reader(read, "a1", 1), turn="a").result(SOON_S) == 1
        third = pool.submit(keeper.recall, "a3", reader(read, "a3", 4), turn="a")  # of the same plan: waits
        assert (reading.done(), third.done(), read["a3"]) == (False, False, 0)
        go.set()
        assert (reading.result(SOON_S), third.result(SOON_S)) == (2, 4)
    assert read == {"a1": 1, "b1": 1, "a3": 1}


def test_a_reading_that_fails_is_told_and_leaves_the_way_free() -> None:
    keeper = Keeper[int](10, sum)

    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        keeper.recall("a", fail, turn="a")
    assert keeper.recall("a", lambda: 1, turn="a") == 1
    assert not keeper._turns
