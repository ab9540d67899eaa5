"""Which pieces of which streets are reached from a site, cut exactly at the limit?"""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.walking.compiled import grown, inner, kernel
from spatial.walking.network import WalkNetwork
from spatial.walking.pairs import bind_kernel
from spatial.walking.search import Gates, Graph
from spatial.walking.snapping import Snaps
from spatial.walking.spread import forget, part, search

Floats = NDArray[np.float64]

_FIRST_PIECES = 4096


def reach_pieces(
    network: WalkNetwork, graph: Graph, points: Any, snaps: Snaps, limit: float, gates: Gates
) -> list[Floats]:
    """Return, per point, straight pieces (x0, y0, left0, x1, y1, left1) of all that is reached within the limit.

    ``left`` are metres that are left to walk at each end, falling from the first end to the second. The straight walk
    between the point and its place on the network is the first piece.
    """
    source, first = np.unique(snaps.point, return_index=True)
    first = np.concatenate([first, [len(snaps.point)]])
    shape = (network.shape_ptr, network.shape_xy, network.shape_m)
    flat, start = bind_kernel(_reach, graph, snaps, limit, gates)(first, shape)
    rows = flat.reshape(-1, 6)
    rows[:, [2, 5]] = (limit - rows[:, [2, 5]]) / graph.cost_per_m
    access = _access_rows(network, points, snaps, limit / graph.cost_per_m)
    cut = np.split(rows, start[1:-1])
    return [np.concatenate([access[snaps.point == i], pieces]) for i, pieces in zip(source, cut, strict=True)]


def _access_rows(network: WalkNetwork, points: Any, snaps: Snaps, limit_m: float) -> Floats:
    door = shapely.get_coordinates(points.geometry.array)[snaps.point]
    foot = place_on_edge(network, snaps.edge, snaps.offset_m)
    full = np.full(len(door), limit_m)
    return np.column_stack([door, full, foot, full - snaps.access_m])


def place_on_edge(network: WalkNetwork, edge: Any, offset_m: Floats) -> Floats:
    """Return the coordinates of places given by edge and metres from its u."""
    out = np.empty((len(edge), 2))
    # one short look-up per site; the shapes are ragged
    for i, (e, m) in enumerate(zip(edge.tolist(), offset_m.tolist(), strict=True)):
        rows = slice(network.shape_ptr[e], network.shape_ptr[e + 1])
        for axis in (0, 1):
            out[i, axis] = np.interp(m, network.shape_m[rows], network.shape_xy[rows, axis])
    return out


@kernel
def _reach(arrays, places, how, work, first, shape):  # type: ignore[no-untyped-def]
    """Return straight pieces (x0, y0, cost0, x1, y1, cost1) of all sources, and where each source starts."""
    public, private, on_public, on_private = work[:4]
    rows = np.empty(6 * _FIRST_PIECES, np.float64)
    start = np.zeros(len(first), np.int64)
    put, limit = np.int64(0), how[0]
    for k in range(len(first) - 1):
        opened, inside = search(arrays, places, (first[k], first[k + 1]), how, work)
        for q in range(first[k], first[k + 1]):
            put, rows = _own_pieces(arrays[2], places, q, shape, limit, rows, put)
        for i in range(opened):
            put, rows = _node_pieces(arrays, np.int64(on_public[i]), (public, private), shape, limit, rows, put)
        for i in range(inside):
            if public[on_private[i]].cost == np.inf:
                put, rows = _node_pieces(arrays, np.int64(on_private[i]), (public, private), shape, limit, rows, put)
        forget(work, opened, inside)
        start[k + 1] = put
    return rows[: 6 * put], start


@inner
def _own_pieces(ends, places, q, shape, limit, rows, put):  # type: ignore[no-untyped-def]
    """Add the pieces of a source's own edge, both ways from the source."""
    e, at, access = np.int64(places[0][q]), places[1][q], places[2][q]
    to_u, to_v = access + part(at, ends[e].uv), access + part(1.0 - at, ends[e].vu)
    if to_u < np.inf:
        put, rows = _cut(shape, e, (at, 0.0, access, to_u), limit, rows, put)
    if to_v < np.inf:
        put, rows = _cut(shape, e, (at, 1.0, access, to_v), limit, rows, put)
    return put, rows


@inner
def _node_pieces(arrays, node, labels, shape, limit, rows, put):  # type: ignore[no-untyped-def]
    """Add the pieces of the edges at a node, each up to where the walk by its other end is as short."""
    ptr, arcs, ends = arrays
    public, private = labels
    for j in range(ptr[2 * node], ptr[2 * node + 2]):
        arc = arcs[j]
        here, there, whole = public[node].cost, public[arc.head].cost, arc.cost
        if j >= ptr[2 * node + 1]:
            here, there = min(here, private[node].cost), min(there, private[arc.head].cost)
        if here > limit or whole == np.inf:
            continue
        forward, share = arc.turn & 1, 1.0
        other_way = ends[arc.turn >> 1].uv if forward else ends[arc.turn >> 1].vu
        if there < np.inf and other_way < np.inf and whole > 0.0:
            share = min(1.0, max(0.0, (there + other_way - here) / (whole + other_way)))
        if share <= 0.0:
            continue
        far = share if forward else 1.0 - share
        near = 0.0 if forward else 1.0
        put, rows = _cut(shape, np.int64(arc.turn >> 1), (near, far, here, here + share * whole), limit, rows, put)
    return put, rows


@inner
def _cut(shape, e, piece, limit, rows, put):  # type: ignore[no-untyped-def]
    """Add the straight pieces of edge e between two shares of it, as far as the limit."""
    ptr, xy, along = shape
    share0, share1, cost0, cost1 = piece
    if cost0 > limit or share0 == share1:
        return put, rows
    if cost1 > limit:
        share1 = share0 + (share1 - share0) * (limit - cost0) / (cost1 - cost0)
        cost1 = limit
    length = along[ptr[e + 1] - 1]
    m0, m1 = share0 * length, share1 * length
    if m0 == m1:
        return put, rows
    step = 1 if m1 > m0 else -1
    i = ptr[e] if step > 0 else ptr[e + 1] - 1
    if 6 * (put + ptr[e + 1] - ptr[e]) > len(rows):
        rows = grown(rows, 12 * (put + ptr[e + 1] - ptr[e]))
    rate = (cost1 - cost0) / abs(m1 - m0)
    while True:
        a, b = along[i], along[i + step]
        low, high = max(min(a, b), min(m0, m1)), min(max(a, b), max(m0, m1))
        if high > low and b != a:
            for end in range(2):
                m = low if (end == 0) == (step > 0) else high
                f, at = (m - a) / (b - a), 6 * put + 3 * end
                rows[at] = xy[i, 0] + f * (xy[i + step, 0] - xy[i, 0])
                rows[at + 1] = xy[i, 1] + f * (xy[i + step, 1] - xy[i, 1])
                rows[at + 2] = cost0 + rate * abs(m - m0)
            put += 1
        i += step
        if (step > 0 and (along[i] >= m1 or i >= ptr[e + 1] - 1)) or (step < 0 and (along[i] <= m1 or i <= ptr[e])):
            return put, rows
