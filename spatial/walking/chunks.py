"""How are chunks of rows worked on at once, by threads that are kept?"""

import math
import os
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import Any

_CHUNKS_PER_WORKER = 4
_MOST_WORKERS = 8


@cache
def _keep_threads(count: int) -> ThreadPoolExecutor:
    """Return so many threads: to start one takes as long as many a search."""
    return ThreadPoolExecutor(count, thread_name_prefix="walking")


if hasattr(os, "register_at_fork"):  # a child of a process has none of its threads
    os.register_at_fork(after_in_child=_keep_threads.cache_clear)


def run_in_chunks(run: Any, count: int) -> list[tuple[slice, Any]]:
    """Return (rows, what ``run`` gives for them) for chunks of ``count`` rows, in order, run in parallel.

    Whoever calls works too, and waits for nobody who has not begun: calls within calls, and many at a time, share the
    threads. What goes wrong in a chunk is raised once nobody is at work any more.
    """
    workers = max(1, min(os.cpu_count() or 1, _MOST_WORKERS))
    size = max(1, math.ceil(count / (workers * _CHUNKS_PER_WORKER)))
    chunks = [slice(start, min(start + size, count)) for start in range(0, count, size)]
    given: list[Any] = [None] * len(chunks)
    waiting = enumerate(chunks)

    def work() -> None:
        try:
            for number, rows in waiting:
                given[number] = run(rows)
        except BaseException:
            for _ in waiting:  # nobody begins with another one
                pass
            raise

    others = min(workers, len(chunks)) - 1
    started = [_keep_threads(workers - 1).submit(work) for _ in range(others)]
    try:
        work()
    finally:
        begun = [one for one in started if not one.cancel()]
        wait(begun)
    for one in begun:
        one.result()
    return list(zip(chunks, given, strict=True))
