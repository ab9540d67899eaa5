"""Which streets near a circle does it not reach? Whoever is nearer to one of them starts the walk there."""

from typing import Any, NamedTuple

import numpy as np

from spatial.walking.compiled import inner
from spatial.walking.network import WalkNetwork
from spatial.walking.search import Mode
from spatial.walking.strip import stamp_distance


class Streets(NamedTuple):
    """What the kernel reads of a network: the grid of its pieces, its edges, and whether costs are metres."""

    pieces: tuple[Any, ...]
    """(ends, edge, along)"""
    grid: tuple[Any, ...]
    """(x, y, cell, columns, rows, start, member)"""
    edges: tuple[Any, ...]
    """(u, v, seconds_uv, seconds_vu, length_m, synthetic, estate, component)"""
    in_metres: bool


def read_streets(network: WalkNetwork, mode: Mode) -> Streets:
    """Return the streets of a network as kernels read them."""
    n, g = network, network.grid
    return Streets(
        (g.ends, g.edge, g.along),
        (float(g.low[0]), float(g.low[1]), float(g.cell_m), g.columns, g.rows, g.start, g.member),
        (n.u, n.v, n.seconds_uv, n.seconds_vu, n.length_m, n.synthetic, n.estate, n.component),
        mode == "distance",
    )


@inner
def stamp_rivals(square, streets, reached, limit, reach, land, window, seen):  # type: ignore[no-untyped-def]
    """Lower the squared distances of the corners of a window to the streets that are not reached.

    These are parts of streets of the main network, outside closed estates, on which people live: those inside one walk
    by its own paths and gates, and islands of the map are used only where nothing else is near. ``reached`` are labels
    (slot of a node, from 1; costs) and the sites' own edges, which count as reached whole.
    """
    (ends, edge_of, along), (gx, gy, grid_m, grid_columns, grid_rows, start, member), edges, in_metres = streets
    cell = land[2]
    x0, y0 = land[0] * cell, land[1] * cell
    seen[-1] += 1  # the last place counts the windows: a piece that bears its number was looked at
    turn = seen[-1]
    c0 = max(0, int((x0 + (window[2] - reach) * cell - gx) / grid_m))
    c1 = min(grid_columns - 1, int((x0 + (window[3] + reach) * cell - gx) / grid_m))
    r0 = max(0, int((y0 + (window[0] - reach) * cell - gy) / grid_m))
    r1 = min(grid_rows - 1, int((y0 + (window[1] + reach) * cell - gy) / grid_m))
    for r in range(r0, r1 + 1):
        for k in range(start[r * grid_columns + c0], start[r * grid_columns + max(c0, c1 + 1)]):
            piece = np.int64(member[k])
            if seen[piece] == turn:
                continue
            seen[piece] = turn
            e = edge_of[piece]
            low, high = _unreached(e, edges, in_metres, reached, limit)
            a, b = along[piece, 0], along[piece, 1]
            low, high = max(low, a), min(high, b)
            if low >= high:
                continue
            p, q = (low - a) / (b - a), (high - a) / (b - a)
            x, y = (ends[piece, 0] - x0) / cell, (ends[piece, 1] - y0) / cell
            dx, dy = (ends[piece, 2] - ends[piece, 0]) / cell, (ends[piece, 3] - ends[piece, 1]) / cell
            stamp_distance(square, (x + p * dx, y + p * dy, x + q * dx, y + q * dy), reach, window, land[3])


@inner
def _unreached(e, edges, in_metres, reached, limit):  # type: ignore[no-untyped-def]
    """Return from where to where (metres from u) an edge is not reached; nowhere if it is no rival."""
    u, v, seconds_uv, seconds_vu, length, synthetic, estate, component = edges
    slot, cost, own = reached
    if synthetic[e] or estate[e] >= 0 or component[u[e]] != 0:
        return 1.0, 0.0
    for k in range(len(own)):
        if own[k] == e:
            return 1.0, 0.0
    low = _walked(slot[u[e]], cost, seconds_vu[e], length[e], in_metres, limit)
    return low, length[e] - _walked(slot[v[e]], cost, seconds_uv[e], length[e], in_metres, limit)


@inner
def _walked(slot, cost, seconds, length, in_metres, limit):  # type: ignore[no-untyped-def]
    """Return how many metres of an edge are reached from one of its ends."""
    if slot == 0 or seconds == np.inf:
        return 0.0
    whole, rest = length if in_metres else seconds, limit - cost[slot - 1]
    return length if rest >= whole else max(0.0, rest / whole) * length
