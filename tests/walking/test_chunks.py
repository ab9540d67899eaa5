"""Chunks of rows: worked on at once by threads that are kept, told in order."""

import os
import subprocess
import sys
from threading import Barrier, Event, get_ident

import pytest

from spatial.walking.chunks import run_in_chunks

_FORK = """
import os
from threading import Barrier
from spatial.walking.chunks import run_in_chunks

os.cpu_count = lambda: 2
def meet(both):  # two threads wait for each other, so it takes two
    return lambda rows: both.wait(10.0) if rows.start < 2 else None
run_in_chunks(meet(Barrier(2)), 8)
child = os.fork()
if child == 0:
    run_in_chunks(meet(Barrier(2)), 8)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_chunks_are_told_in_order_though_a_later_one_is_done_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    later = Event()

    def run(rows: slice) -> int:
        if rows.start == 0:
            assert later.wait(10.0)
        elif rows.start >= 2:
            later.set()
        return int(rows.start)

    assert run_in_chunks(run, 8) == [(slice(k, k + 1), k) for k in range(8)]


@pytest.mark.parametrize(("count", "workers"), [(1, 2), (7, 1), (8, 2), (9, 2), (100, 3), (1000, 12)])
def test_each_row_is_in_one_chunk(count: int, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: workers)
    told = run_in_chunks(lambda rows: list(range(rows.start, rows.stop)), count)
    assert [k for _, rows in told for k in rows] == list(range(count))
    assert all(list(range(rows.start, rows.stop)) == given for rows, given in told)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_what_goes_wrong_in_a_chunk_is_raised_and_the_next_call_is_well(
    workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: workers)

    def run(rows: slice) -> int:
        if rows.start <= 3 < rows.stop:
            raise ValueError("row 3")
        return int(rows.start)

    with pytest.raises(ValueError, match="row 3"):
        run_in_chunks(run, 40)
    assert sum(given for _, given in run_in_chunks(lambda rows: rows.stop - rows.start, 40)) == 40


def test_nobody_is_at_work_any_more_once_an_error_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller fails while another thread is in the midst of a chunk, which is waited for."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    caller, both, ended = get_ident(), Barrier(2), []

    def run(rows: slice) -> None:
        both.wait(10.0)
        if get_ident() == caller:
            raise ValueError("the caller's chunk")
        Event().wait(0.1)
        ended.append(rows)

    with pytest.raises(ValueError, match="the caller's chunk"):
        run_in_chunks(run, 8)
    assert len(ended) == 1


def test_threads_are_kept_from_call_to_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    met = []
    for _ in range(3):
        both = Barrier(2)

        def run(rows: slice, both: Barrier = both) -> int:
            if rows.start < 2:
                both.wait(10.0)
            return get_ident()

        met.append({given for _, given in run_in_chunks(run, 8)})
    assert met[0] == met[1] == met[2]
    assert len(met[0]) == 2


def test_calls_within_calls_do_not_wait_for_threads_that_they_hold_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 3)

    def outer(rows: slice) -> int:
        return sum(given for _, given in run_in_chunks(lambda some: some.stop - some.start, 10 + rows.start))

    assert [given for _, given in run_in_chunks(outer, 12)] == [10 + k for k in range(12)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_starts_threads_of_its_own() -> None:
    told = subprocess.run([sys.executable, "-W", "ignore", "-c", _FORK], capture_output=True, text=True, timeout=60)
    assert (told.stdout.strip(), told.returncode) == ("7", 0), told.stderr


def test_of_no_rows_nothing_is_run() -> None:
    assert run_in_chunks(lambda rows: pytest.fail("ran"), 0) == []
