"""Chunks of rows: run at once, settled one after the other."""

import os
from threading import Event

import pytest

from spatial.walking.pairs import run_in_turn


def test_chunks_are_settled_in_order_though_a_later_one_is_done_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    later, settled = Event(), []

    def run(rows: slice) -> int:
        if rows.start == 0:
            assert later.wait(10.0)
        elif rows.start >= 2:
            later.set()
        return int(rows.start)

    run_in_turn(run, lambda rows, given: settled.append((rows.start, rows.stop, given)), 7, 1)
    assert settled == [(k, k + 1, k) for k in range(7)]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_what_goes_wrong_in_a_chunk_is_raised_and_nothing_after_it_is_settled(
    workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: workers)
    settled: list[int] = []

    def run(rows: slice) -> int:
        if rows.start == 3:
            raise ValueError("chunk 3")
        return int(rows.start)

    with pytest.raises(ValueError, match="chunk 3"):
        run_in_turn(run, lambda rows, given: settled.append(given), 9, 1)
    assert settled == list(range(len(settled)))
    assert len(settled) <= 3


def test_of_no_rows_nothing_is_run() -> None:
    run_in_turn(lambda rows: pytest.fail("ran"), lambda rows, given: pytest.fail("settled"), 0, 5)
