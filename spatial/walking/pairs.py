"""What does each pair of snapped places cost, for many sources at once?"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.walking.chunks import run_in_chunks
from spatial.walking.compiled import bare, inner, row, sort_first
from spatial.walking.search import NEVER, TIE, Gates, Graph, borrow_work
from spatial.walking.snapping import Snaps
from spatial.walking.spread import forget, part, search

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK_ROWS = 1 << 16
_DENSE = 64
"""Found homes are put in order by looking through all homes where at least one in so many words of 64 is found."""

_PAIR = (np.int64, np.int64, np.float64, np.float64)
_STEP = np.dtype([("cost", "f8"), ("other", "f8"), ("home", "i8")], align=True)
_TURN = 0x03F79D71B4CB0A89  # a de Bruijn sequence: each six bits in a row are another number
_BIT_AT = np.zeros(64, np.int64)
_BIT_AT[[((_TURN << bit) & (2**64 - 1)) >> 58 for bit in range(64)]] = np.arange(64)


def pair_costs(
    graph: Graph, sources: Snaps, targets: Snaps, limit: float, gates: Gates
) -> tuple[Ints, Ints, Floats, Floats]:
    """Return (source, target, cost, other) of every pair within the limit, sorted by source, then target.

    Sources and targets are the points of the snaps. The answer does not depend on the number of workers.
    """
    source, first = np.unique(sources.point, return_index=True)
    first = np.concatenate([first, [len(sources.point)]])
    homes = place_homes(graph, targets)
    count = int(targets.point.max(initial=-1)) + 1
    run = bind_kernel(_pairs, graph, sources, limit, gates)

    def find(rows: slice) -> Any:
        found = note_nothing(count)
        starts = first[rows.start : rows.stop + 1]
        return fill_blocks(lambda at, block: run(starts, homes, found, at, block), rows.stop - rows.start, _PAIR)

    parts = run_in_chunks(find, len(source))
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    i = np.concatenate([rows.start + block for rows, found in parts for block in found[0]])
    columns = [np.concatenate([block for _, found in parts for block in found[k]]) for k in (1, 2, 3)]
    return source[i], columns[0], columns[1], columns[2]


def bind_kernel(search_all: Any, graph: Graph, sources: Snaps, limit: float, gates: Gates) -> Callable[..., Any]:
    """Return a function that runs a kernel for sources: (arrays, places, how, work) and whatever it is called with."""
    bound = min(limit, NEVER) + TIE
    read, how = read_snaps(graph, sources), (bound, graph.step, gates == "open", graph.any_private)

    def run(*given: Any) -> Any:
        scratch = borrow_work(graph)
        found = search_all(graph.arrays, read, how, scratch, *given)
        graph.spare.append(scratch)
        return found

    return run


def fill_blocks(run: Callable[[int, Any], Any], count: int, dtypes: tuple[Any, ...]) -> list[list[Any]]:
    """Return, per column, blocks that a kernel filled for so many sources.

    It is called with the source to begin with and a block, and returns the first source that the block has no room for,
    and how many rows are filled.
    """
    columns: list[list[Any]] = [[] for _ in dtypes]
    at, size = 0, _BLOCK_ROWS
    while at < count:
        block = tuple(np.empty(size, dtype) for dtype in dtypes)
        after, filled = run(at, block)
        for column, values in zip(columns, block, strict=True):
            column.append(values[:filled])
        if after == at:
            size *= 4
        at = after
    return columns


def note_nothing(homes: int) -> tuple[Any, ...]:
    """Return what kernels note of homes: best trip so far, its other measure, those touched, and a bit for each."""
    bits = np.zeros((homes >> 6) + 1, np.uint64)
    return np.full(homes, np.inf), np.full(homes, np.inf), np.empty(homes, np.int64), bits


def order_by_place(graph: Graph, snaps: Snaps, first: Ints) -> Ints:
    """Return points in the order in which their nodes lie in memory, so that each finds warm what it reads."""
    placed = first[:-1] < first[1:]
    at = np.zeros(len(placed), np.int64)
    at[placed] = graph.ends["u"][snaps.edge[first[:-1][placed]]]
    return np.argsort(at, kind="stable")


def read_snaps(graph: Graph, snaps: Snaps) -> tuple[Any, ...]:
    """Return (edge, share of it, access cost, access in the other measure) of places, as the kernels read them."""
    length = graph.length_m[snaps.edge]
    share = np.divide(snaps.offset_m, length, out=np.zeros(len(length)), where=length > 0)
    access = snaps.access_m
    return snaps.edge, np.clip(share, 0.0, 1.0), access * graph.cost_per_m, access * graph.other_per_m


def place_homes(graph: Graph, targets: Snaps) -> tuple[Any, ...]:
    """Return homes as kernels look for them: (first step per node and side, steps, first place per edge, places).

    A step is the walk from a node to a home on one of its edges: its costs and the home, the cheapest first; the steps
    of node i by public edges stand at ``first[2 * i]``, by private ones at ``first[2 * i + 1]``. A home at a node is
    found from there only: who comes by the other end of its edge comes by its node.
    """
    edge, share, access, access_other = read_snaps(graph, targets)
    end = graph.ends[edge]
    group = np.concatenate([2 * end["u"] + end["private"], 2 * end["v"] + end["private"]])
    steps = np.zeros(2 * len(edge), _STEP)
    steps["cost"] = np.concatenate([_part(share, end["vu"]) + access, _part(1.0 - share, end["uv"]) + access])
    steps["other"] = np.concatenate([share * end["other"], (1.0 - share) * end["other"]]) + np.tile(access_other, 2)
    steps["home"] = np.tile(targets.point, 2)
    order = np.argsort(steps["cost"], kind="stable")
    order = order[np.concatenate([share < 1.0, share > 0.0])[order]]
    order = order[np.argsort(group[order], kind="stable")]
    by_edge = np.argsort(edge, kind="stable")
    places = (targets.point[by_edge], share[by_edge], access[by_edge], access_other[by_edge])
    return _starts(group[order], len(graph.ptr) - 1), steps[order], _starts(edge, len(graph.length_m)), places


def _part(share: Floats, whole: Floats) -> Floats:
    return np.multiply(share, whole, out=np.zeros(len(share)), where=share > 0.0)


def _starts(group: Any, count: int) -> Ints:
    return np.concatenate([[0], np.cumsum(np.bincount(group, minlength=count))]).astype(np.int64)


@inner
def _note(home, c, o, limit, found, count):  # type: ignore[no-untyped-def]
    """Keep the better of two trips to a home; return the number of homes touched."""
    best, best_other, touched, bits = found
    if c > limit or c > best[home] or (c == best[home] and o >= best_other[home]):
        return count
    if best[home] == np.inf:
        touched[row(count)] = home
        bits[home >> row(6)] |= np.uint64(1) << (home & row(63))
        count += 1
    best[home], best_other[home] = c, o
    return count


@inner
def _touch_homes(homes, labels, reached, states, private, limit, found, count):  # type: ignore[no-untyped-def]
    """Note every home near the reached nodes, by private edges only or by all; return the number of homes touched."""
    first, steps = homes[0], homes[1]
    for k in range(states):
        s = np.int64(reached[row(k)])
        label = labels[row(s)]
        for side in range(private, 2):
            for q in range(first[row(2 * s + side)], first[row(2 * s + side + 1)]):
                step = steps[row(q)]
                c = label.cost + step.cost
                if not c <= limit:
                    break  # the steps that follow cost more
                count = _note(row(step.home), c, label.other + step.other, limit, found, count)
    return count


@inner
def _touch_same_edge(ends, snaps, rows, homes, limit, found, count):  # type: ignore[no-untyped-def]
    """Note the homes on the sources' own edges, reached along them; return the number of homes touched."""
    at_edge, at, access, access_other = snaps
    start, (point, share, home_access, home_other) = homes[2], homes[3]
    for k in range(rows[0], rows[1]):
        e = at_edge[k]
        for q in range(start[e], start[e + 1]):
            gap = share[q] - at[k]
            c = access[k] + part(abs(gap), ends[e].vu if gap > 0 else ends[e].uv) + home_access[q]
            o = access_other[k] + part(abs(gap), ends[e].other) + home_other[q]
            count = _note(row(point[q]), c, o, limit, found, count)
    return count


@inner
def find_homes(arrays, places, rows, how, work, homes, found):  # type: ignore[no-untyped-def]
    """Note the best trip of one source to every home within the limit; return the number of homes touched."""
    opened, inside = search(arrays, places, rows, how, work)
    count = _touch_homes(homes, work[0], work[2], opened, 0, how[0], found, np.int64(0))
    count = _touch_homes(homes, work[1], work[3], inside, 1, how[0], found, count)
    count = _touch_same_edge(arrays[2], places, rows, homes, how[0], found, count)
    forget(work, opened, inside)
    return count


@inner
def _order(touched, bits, count):  # type: ignore[no-untyped-def]
    """Put the touched homes in order, and clear their bits."""
    if len(bits) > _DENSE * count:
        for k in range(count):
            bits[touched[k] >> 6] = 0
        sort_first(touched, count)
        return
    put = 0
    for word in range(len(bits)):
        left = bits[word]
        bits[word] = 0
        while left:
            lowest = left & (~left + np.uint64(1))
            touched[put] = 64 * word + _BIT_AT[(lowest * np.uint64(_TURN)) >> np.uint64(58)]
            put += 1
            left ^= lowest


@bare
def _pairs(arrays, places, how, work, starts, homes, found, at, block):  # type: ignore[no-untyped-def]
    """Write (source, home, cost, other) of the sources from ``at`` on; return where it stopped, and how many."""
    i, j, cost, other = block
    best, best_other, touched, bits = found
    put = np.int64(0)
    for k in range(at, len(starts) - 1):
        count = find_homes(arrays, places, (starts[k], starts[k + 1]), how, work, homes, found)
        _order(touched, bits, count)
        full = put + count > len(i)
        for q in range(count):
            home = row(touched[q])
            if not full:
                i[put], j[put], cost[put], other[put] = k, home, best[home], best_other[home]
                put += 1
            best[home] = best_other[home] = np.inf
        if full:
            return k, put
    return len(starts) - 1, put
