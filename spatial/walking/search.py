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

from spatial.walking.compiled import kernel
from spatial.walking.network import WalkNetwork

Floats = NDArray[np.float64]
Mode = Literal["time", "distance"]
Gates = Literal["open", "closed"]

_BUCKETS_PER_EDGE = 0.5
"""Width of a bucket in mean arcs; between a quarter and two there is no difference in speed."""
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
    pace = 1.0 / network.rules.adult_m_per_s
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


@kernel
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


@kernel
def clear_work(work, count):  # type: ignore[no-untyped-def]
    """Forget the labels of the first ``count`` reached states."""
    cost, other, _, _, _, reached, _ = work
    for k in range(count):
        cost[reached[k]] = np.inf
        other[reached[k]] = np.inf


@kernel
def _lower(state, c, o, width, count, work):  # type: ignore[no-untyped-def]
    """Lower a label and put its state into the bucket that fits; return how many states are reached and queued."""
    cost, other, bucket, after, before, reached, first = work
    fresh = 0
    if cost[state] == np.inf:
        reached[count] = state
        fresh = 1
    cost[state], other[state] = c, o
    to = np.int32(np.int64(c / width) & (len(first) - 1))
    was = bucket[state]
    if was >= 0:
        if was == to:
            return fresh, 0
        if before[state] >= 0:
            after[before[state]] = after[state]
        else:
            first[was] = after[state]
        if after[state] >= 0:
            before[after[state]] = before[state]
    bucket[state] = to
    before[state] = -1
    after[state] = first[to]
    if first[to] >= 0:
        before[first[to]] = state
    first[to] = state
    return fresh, 0 if was >= 0 else 1


@kernel
def search(arcs, seeds, limit, width, leaves, work):  # type: ignore[no-untyped-def]
    """Fill the labels from the seeds (state, cost, other); return how many states were reached.

    ``leaves`` says whether a trip may leave the private ways that it starts on.
    """
    indptr, private_start, heads, _, _, arc_cost, arc_other = arcs
    cost, other, bucket, after, before, _, first = work
    n = len(indptr) - 1
    count, queued, now = 0, 0, np.inf
    seed_state, seed_cost, seed_other = seeds
    for k in range(len(seed_state)):
        s, c, o = np.int64(seed_state[k]), seed_cost[k], seed_other[k]
        if c <= limit and (c < cost[s] or (c == cost[s] and o < other[s])):
            fresh, more = _lower(s, c, o, width, count, work)
            count, queued = count + fresh, queued + more
            now = min(now, c)
    at = np.int64(now / width) if queued else 0
    mask = len(first) - 1
    while queued:
        while first[at & mask] < 0:
            at += 1
        s = np.int64(first[at & mask])
        first[at & mask] = after[s]
        if after[s] >= 0:
            before[after[s]] = -1
        bucket[s] = -1
        queued -= 1
        layer = s // n
        node = s - layer * n
        for private in range(2):
            if private == 0 and (layer == 2 or (layer == 0 and not leaves)):
                continue
            j0 = private_start[node] if private else indptr[node]
            j1 = indptr[node + 1] if private else private_start[node]
            into = n if private == 0 else (0 if layer == 0 else 2 * n)
            for j in range(j0, j1):
                c = cost[s] + arc_cost[j]
                w = into + heads[j]
                if c > limit or c > cost[w]:
                    continue
                o = other[s] + arc_other[j]
                if c == cost[w] and o >= other[w]:
                    continue
                if into == 2 * n and (cost[w - n], other[w - n]) <= (c, o):
                    continue  # whoever is there on public ways can do all that this trip can
                fresh, more = _lower(w, c, o, width, count, work)
                count, queued = count + fresh, queued + more
    return count


@kernel
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


@kernel
def part(share, whole):  # type: ignore[no-untyped-def]
    """Return a share of a cost; nothing of an impassable edge costs nothing."""
    return 0.0 if share == 0.0 else share * whole
