"""Which units cannot be otherwise at a node of the exact search? Those too far to pay, or too dear to leave out."""

from typing import Any

import numpy as np

from spatial.division.nodes import FREE, IN, Search, decide, list_live
from spatial.division.surroundings import FAR, OUT, Around
from spatial.walking.compiled import shared


@shared
def _ways(around: Around, side: Any, toll: Any, limit: int, best: Any, heap: Any, place: Any) -> None:
    """Fill ``best`` with the least toll of a way from the root over units that are not out, below the limit.

    Dijkstra's algorithm; ``heap`` and ``place`` (of a unit in it, -1 before it comes in) are working arrays.
    """
    for i in range(len(side)):
        best[i] = FAR
        place[i] = -1
    best[0] = 0
    heap[0] = 0
    size = 1
    while size > 0:
        node = heap[0]
        size -= 1
        if size > 0:
            _sink(heap, place, best, heap[size], size)
        for p in range(around.row[node], around.touch[node]):
            other = around.head[p]
            if side[other] == OUT:
                continue
            way = best[node] + toll[other]
            if way < best[other] and way < limit:
                best[other] = way
                if place[other] < 0:
                    place[other] = size
                    size += 1
                _rise(heap, place, best, other)


@shared
def _sink(heap: Any, place: Any, key: Any, node: int, size: int) -> None:
    """Put a node at the top of a heap of ``size`` nodes and let it sink."""
    at = 0
    while True:
        down = 2 * at + 1
        if down >= size:
            break
        if down + 1 < size and key[heap[down + 1]] < key[heap[down]]:
            down += 1
        if key[heap[down]] >= key[node]:
            break
        heap[at] = heap[down]
        place[heap[at]] = at
        at = down
    heap[at] = node
    place[node] = at


@shared
def _rise(heap: Any, place: Any, key: Any, node: int) -> None:
    """Let a node rise from its place in the heap."""
    at = place[node]
    while at > 0:
        up = (at - 1) >> 1
        if key[heap[up]] <= key[node]:
            break
        heap[at] = heap[up]
        place[heap[at]] = at
        at = up
    heap[at] = node
    place[node] = at


@shared
def tighten(around: Around, search: Search, slack: int, most: int) -> int:
    """Fix what cannot be otherwise; return -1 at a dead end, else how many units of the cut had to leave it.

    ``slack`` is what the bound of this node may still rise. A unit that is in brings a way to the root with it: the
    flow that its units can still send away is added to the bound, their households to the grid.
    """
    side, pull, toll = search.side, search.flow.pull, search.toll
    count, held, lock = len(side), np.int64(0), np.int64(-1)
    for i in range(count):
        toll[i] = -pull[i] if side[i] == FREE and pull[i] < 0 else 0
        if side[i] == IN:
            held += around.households[i]
            if around.lock[i] >= 0:
                lock = around.lock[i]
    if held > most:
        return -1
    _ways(around, side, toll, slack, search.near, search.ring, search.place)
    left = 0
    for i in range(count):
        toll[i] = 0 if side[i] == IN else around.households[i]
        if search.near[i] < FAR and not (lock >= 0 and around.lock[i] >= 0 and around.lock[i] != lock):
            continue
        if side[i] == IN:
            return -1
        if side[i] == FREE and decide(search, i, OUT):
            left += 1
    _ways(around, side, toll, most - held + 1, search.walk, search.ring, search.place)
    for i in range(count):
        if side[i] == IN and search.walk[i] >= FAR:
            return -1
        if side[i] != FREE:
            continue
        if search.walk[i] >= FAR:
            if decide(search, i, OUT):
                left += 1
        elif pull[i] >= slack:
            decide(search, i, IN)
    list_live(search)
    return left
