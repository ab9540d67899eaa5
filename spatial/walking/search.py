"""How far is every node from a source, within a limit, with residents' ways used only at the ends of a trip?

A bounded search over three layers of nodes. Layer 0: still on the private ways of the start; layer 1: on public ways;
layer 2: on the private ways of the end, which the trip leaves no more. Labels are pairs (cost, other measure), compared
in that order, so equal costs have one answer whatever the numbering. The queue is a ring of buckets of equal width
(Dial 1969; Denardo and Fox 1979), each a linked list, so that a label that falls moves instead of being queued twice;
inside a bucket labels may fall again, which keeps the result exact for any width.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spatial.walking.compiled import inner
from spatial.walking.network import WalkNetwork

Floats = NDArray[np.float64]
Mode = Literal["time", "distance"]
Gates = Literal["open", "closed"]

_BUCKETS_PER_EDGE = 0.5
"""Width of a bucket in mean arcs; from a quarter to one there is no difference in speed."""
NEVER = 1e18
"""No limit, as a number that is below infinity."""
TIE = 1e-6
"""A trip this little (seconds or metres) over the limit is within it: sums of floats are not exact."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The arrays of a network as one mode sees them; arcs cost what it takes to walk them against their direction."""

    arcs: tuple[Any, ...]
    """(indptr, private_start, heads, arc_edge, arc_forward, cost, other)"""
    edges: tuple[Any, ...]
    """(u, v, private, cost u to v, cost v to u, other)"""
    length_m: Floats
    cost_per_m: float
    other_per_m: float
    longest: float
    width: float


def build_graph(network: WalkNetwork, mode: Mode) -> Graph:
    """Return what the kernels read: cost is seconds and other metres in time mode, in distance mode the reverse.

    The search runs from a site against the direction of walking, since people walk to it.
    """
    pace = 1.0 / network.m_per_s
    n = network
    plain_s = np.where(np.isfinite(n.seconds_uv), n.seconds_uv, n.seconds_vu)
    arc_other_s = np.where(np.isfinite(n.arc_back_s), n.arc_back_s, 0.0)
    passable = [np.where(np.isfinite(s), n.length_m, np.inf) for s in (n.seconds_uv, n.seconds_vu)]
    if mode == "time":
        cost, other, edge_costs, edge_other = n.arc_back_s, n.arc_m, (n.seconds_uv, n.seconds_vu), n.length_m
    else:
        cost, other = np.where(np.isfinite(n.arc_back_s), n.arc_m, np.inf), arc_other_s
        edge_costs, edge_other = (passable[0], passable[1]), plain_s
    finite = cost[np.isfinite(cost)]
    mean = float(finite.mean()) if len(finite) else 1.0
    return Graph(
        arcs=(n.indptr, n.private_start, n.heads, n.arc_edge, n.arc_forward, cost, other),
        edges=(n.u, n.v, n.private, *edge_costs, edge_other),
        length_m=n.length_m,
        cost_per_m=pace if mode == "time" else 1.0,
        other_per_m=1.0 if mode == "time" else pace,
        longest=float(finite.max(initial=0.0)),
        width=max(mean * _BUCKETS_PER_EDGE, 1e-3),
    )


def ring_size(graph: Graph, limit: float, spread: float) -> int:
    """Return how many buckets hold all labels that are queued at once: a power of two."""
    window = min(max(graph.longest, spread), limit)
    return 1 << int(np.ceil(np.log2(window / graph.width + 3.0)))


@inner
def make_work(nodes, ring):  # type: ignore[no-untyped-def]
    """Return scratch for ``search``: cost, other, bucket, next, previous and reached per state, first per bucket."""
    states = 3 * nodes
    return (
        np.full(states, np.inf),
        np.full(states, np.inf),
        np.full(states, -1, np.int32),
        np.empty(states, np.int32),
        np.empty(states, np.int32),
        np.empty(states, np.int32),
        np.full(ring, -1, np.int32),
    )


@inner
def clear_work(work, count):  # type: ignore[no-untyped-def]
    """Forget the labels of the first ``count`` reached states."""
    cost, other, _, _, _, reached, _ = work
    for k in range(count):
        cost[reached[k]] = np.inf
        other[reached[k]] = np.inf


@inner
def search(arcs, seeds, limit, width, leaves, work):  # type: ignore[no-untyped-def]
    """Fill the labels from the seeds (state, cost, other); return how many states were reached.

    ``leaves`` says whether a trip may leave the private ways that it starts on.
    """
    indptr, private_start, heads, _, _, arc_cost, arc_other = arcs
    cost, other, bucket, after, before, reached, first = work
    n, mask, per_bucket = len(indptr) - 1, len(first) - 1, 1.0 / width
    count, queued, at = _plant(seeds, limit, per_bucket, work)
    while queued:
        while first[at & mask] < 0:
            at += 1
        s = first[at & mask]
        first[at & mask] = after[s]
        if after[s] >= 0:
            before[after[s]] = -1
        bucket[s] = -1
        queued -= 1
        layer = 0 if s < n else 1 if s < 2 * n else 2
        node = s - layer * n
        here, here_other = cost[s], other[s]
        public_end = private_start[node] if layer == 1 or (layer == 0 and leaves) else indptr[node]
        for j in range(indptr[node] if public_end > indptr[node] else private_start[node], indptr[node + 1]):
            c, o = here + arc_cost[j], here_other + arc_other[j]
            into = n if j < public_end else 0 if layer == 0 else 2 * n
            w = into + heads[j]
            if c > limit or c > cost[w] or (c == cost[w] and o >= other[w]):
                continue
            if into == 2 * n and (cost[w - n] < c or (cost[w - n] == c and other[w - n] <= o)):
                continue  # whoever is there on public ways can do all that this trip can
            if cost[w] == np.inf:
                reached[count] = w
                count += 1
            cost[w], other[w] = c, o
            to, was = np.int64(c * per_bucket) & mask, bucket[w]
            if to == was:
                continue
            if was < 0:
                queued += 1
            else:
                if before[w] >= 0:
                    after[before[w]] = after[w]
                else:
                    first[was] = after[w]
                if after[w] >= 0:
                    before[after[w]] = before[w]
            top = first[to]
            bucket[w], before[w], after[w], first[to] = to, -1, top, w
            if top >= 0:
                before[top] = w
    return count


@inner
def _plant(seeds, limit, per_bucket, work):  # type: ignore[no-untyped-def]
    """Queue the seeds; return how many states they reach, how many are queued, and the first bucket."""
    cost, other, bucket, after, before, reached, first = work
    state, seed_cost, seed_other = seeds
    count, lowest = 0, np.inf
    for k in range(len(state)):
        s, c, o = state[k], seed_cost[k], seed_other[k]
        if c > limit or c > cost[s] or (c == cost[s] and o >= other[s]):
            continue
        if cost[s] == np.inf:
            reached[count] = s
            count += 1
        cost[s], other[s] = c, o
        lowest = min(lowest, c)
    for k in range(count):
        s = reached[k]
        to = np.int64(cost[s] * per_bucket) & (len(first) - 1)
        top = first[to]
        bucket[s], before[s], after[s], first[to] = to, -1, top, s
        if top >= 0:
            before[top] = s
    return count, count, np.int64(lowest * per_bucket) if count else 0


@inner
def seed(edges, snaps, first, last, nodes):  # type: ignore[no-untyped-def]
    """Return the seeds (state, cost, other) of the snapped places ``first`` to ``last``: both ends of their edges."""
    u, v, private, cost_uv, cost_vu, edge_other = edges
    at_edge, share, access, access_other = snaps
    state = np.empty(2 * (last - first), np.int32)
    cost = np.empty(2 * (last - first), np.float64)
    other = np.empty(2 * (last - first), np.float64)
    for k in range(first, last):
        e, f, i = at_edge[k], share[k], 2 * (k - first)
        layer = 0 if private[e] else nodes
        state[i], state[i + 1] = layer + u[e], layer + v[e]
        cost[i] = access[k] + part(f, cost_uv[e])
        cost[i + 1] = access[k] + part(1.0 - f, cost_vu[e])
        other[i] = access_other[k] + part(f, edge_other[e])
        other[i + 1] = access_other[k] + part(1.0 - f, edge_other[e])
    return state, cost, other


@inner
def part(share, whole):  # type: ignore[no-untyped-def]
    """Return a share of a cost; nothing of an impassable edge costs nothing."""
    return 0.0 if share == 0.0 else share * whole
