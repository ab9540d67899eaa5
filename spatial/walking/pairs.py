"""What does each pair of snapped places cost, for many sources at once?"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.walking.compiled import grown, inner, kernel, sort_first
from spatial.walking.search import NEVER, TIE, Gates, Graph, clear_work, make_work, part, ring_size, search, seed
from spatial.walking.snapping import Snaps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CHUNKS_PER_WORKER = 4
_FIRST_PAIRS = 4096


def pair_costs(
    graph: Graph, sources: Snaps, targets: Snaps, limit: float, gates: Gates
) -> tuple[Ints, Ints, Floats, Floats]:
    """Return (source, target, cost, other) of every pair within the limit, sorted by source, then target.

    Sources and targets are the points of the snaps. The answer does not depend on the number of workers.
    """
    bound = min(limit, NEVER) + TIE
    source, first = np.unique(sources.point, return_index=True)
    first = np.concatenate([first, [len(sources.point)]])
    read = read_snaps(graph, sources)
    homes = _by_edge(graph, targets)
    ring = ring_size(graph, bound, spread(sources, graph))
    count = int(targets.point.max(initial=-1)) + 1

    def run(rows: slice) -> Any:
        starts = first[rows.start : rows.stop + 1]
        return _pairs(graph.arcs, graph.edges, read, starts, homes, count, (bound, graph.width, ring, gates == "open"))

    parts = run_in_chunks(run, len(source))
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    i = np.concatenate([rows.start + found[0] for rows, found in parts])
    columns = [np.concatenate([found[k] for _, found in parts]) for k in (1, 2, 3)]
    return source[i], columns[0], columns[1], columns[2]


def run_in_chunks(run: Any, count: int) -> list[tuple[slice, Any]]:
    """Return (rows, what ``run`` gives for them) for chunks of ``count`` rows, in order, run in parallel."""
    workers = max(1, min(os.cpu_count() or 1, 8))
    size = max(1, math.ceil(count / (workers * _CHUNKS_PER_WORKER)))
    chunks = [slice(start, min(start + size, count)) for start in range(0, count, size)]
    if len(chunks) < 2 or workers == 1:
        return [(rows, run(rows)) for rows in chunks]
    with ThreadPoolExecutor(workers) as pool:
        return list(zip(chunks, pool.map(run, chunks), strict=True))


def read_snaps(graph: Graph, snaps: Snaps) -> tuple[Any, ...]:
    """Return (edge, share of it, access cost, access in the other measure) of places, as the kernels read them."""
    length = graph.length_m[snaps.edge]
    share = np.divide(snaps.offset_m, length, out=np.zeros(len(length)), where=length > 0)
    access = snaps.access_m
    return snaps.edge, np.clip(share, 0.0, 1.0), access * graph.cost_per_m, access * graph.other_per_m


def spread(sources: Snaps, graph: Graph) -> float:
    """Return a bound on how far the costs of the seeds of one source lie apart."""
    return graph.longest + float(sources.access_m.max(initial=0.0)) * graph.cost_per_m


def _by_edge(graph: Graph, targets: Snaps) -> tuple[Any, ...]:
    """Return (start per edge, point, share, access cost, access other) of the targets sorted by edge."""
    edge, share, access, other = read_snaps(graph, targets)
    order = np.argsort(edge, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(edge, minlength=len(graph.length_m)))]).astype(np.int64)
    return start, targets.point[order], share[order], access[order], other[order]


@inner
def _note(home, c, o, limit, best, best_other, touched, count):  # type: ignore[no-untyped-def]
    """Keep the better of two trips to a home; return the number of homes touched."""
    if c > limit or c > best[home] or (c == best[home] and o >= best_other[home]):
        return count
    if best[home] == np.inf:
        touched[count] = home
        count += 1
    best[home], best_other[home] = c, o
    return count


@inner
def _touch_homes(arcs, homes, labels, reached, states, limit, leaves, found):  # type: ignore[no-untyped-def]
    """Note every home on an edge that a reached state may use; return the number of homes touched."""
    indptr, private_start, _, arc_edge, arc_forward, arc_cost, arc_other = arcs
    start, point, share, access, access_other = homes
    cost, other = labels
    best, best_other, touched = found
    n = len(indptr) - 1
    count = 0
    for k in range(states):
        s = reached[k]
        layer = 0 if s < n else 1 if s < 2 * n else 2
        node = s - layer * n
        public = layer == 1 or (layer == 0 and leaves)
        for j in range(indptr[node] if public else private_start[node], indptr[node + 1]):
            e = arc_edge[j]
            for q in range(start[e], start[e + 1]):
                f = share[q] if arc_forward[j] else 1.0 - share[q]
                c = cost[s] + (f * arc_cost[j] if f > 0.0 else 0.0) + access[q]
                o = other[s] + f * arc_other[j] + access_other[q]
                home = point[q]
                if c > limit or c > best[home] or (c == best[home] and o >= best_other[home]):
                    continue
                if best[home] == np.inf:
                    touched[count] = home
                    count += 1
                best[home], best_other[home] = c, o
    return count


@inner
def _touch_same_edge(edges, snaps, first, last, homes, limit, found, count):  # type: ignore[no-untyped-def]
    """Note the homes on the sources' own edges, reached along them; return the number of homes touched."""
    _, _, _, cost_uv, cost_vu, edge_other = edges
    at_edge, at, access, access_other = snaps
    start, point, share, home_access, home_other = homes
    best, best_other, touched = found
    for k in range(first, last):
        e = at_edge[k]
        for q in range(start[e], start[e + 1]):
            gap = share[q] - at[k]
            c = access[k] + part(abs(gap), cost_vu[e] if gap > 0 else cost_uv[e]) + home_access[q]
            o = access_other[k] + part(abs(gap), edge_other[e]) + home_other[q]
            count = _note(point[q], c, o, limit, best, best_other, touched, count)
    return count


@kernel
def _pairs(arcs, edges, snaps, starts, homes, home_count, how):  # type: ignore[no-untyped-def]
    limit, width, ring, leaves = how
    nodes = len(arcs[0]) - 1
    work = make_work(nodes, ring)
    best, best_other = np.full(home_count, np.inf), np.full(home_count, np.inf)
    touched = np.empty(home_count, np.int64)
    found = (best, best_other, touched)
    size, p = _FIRST_PAIRS, 0
    i, j = np.empty(size, np.int64), np.empty(size, np.int64)
    cost, other = np.empty(size, np.float64), np.empty(size, np.float64)
    for k in range(len(starts) - 1):
        seeds = seed(edges, snaps, starts[k], starts[k + 1], nodes)
        states = search(arcs, seeds, limit, width, leaves, work)
        count = _touch_homes(arcs, homes, (work[0], work[1]), work[5], states, limit, leaves, found)
        count = _touch_same_edge(edges, snaps, starts[k], starts[k + 1], homes, limit, found, count)
        clear_work(work, states)
        if p + count > size:
            size = 2 * (p + count)
            i, j, cost, other = grown(i, size), grown(j, size), grown(cost, size), grown(other, size)
        sort_first(touched, count)
        for home in touched[:count]:
            i[p], j[p], cost[p], other[p] = k, home, best[home], best_other[home]
            best[home] = best_other[home] = np.inf
            p += 1
    return i[:p].copy(), j[:p].copy(), cost[:p].copy(), other[:p].copy()
