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
    (slot of a node, from 1; costs) and the site's own places (edge, metres from u, cost of the access walk).
    """
    (ends, _, _), (gx, gy, grid_m, grid_columns, grid_rows, start, member), _, _ = streets
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
            for gap in range(2):
                part = _cut_piece(piece, streets, reached, limit, gap)
                if part[0] < part[1]:
                    _stamp_part(square, ends[piece], part, reach, land, window)


@inner
def _stamp_part(square, end, part, reach, land, window):  # type: ignore[no-untyped-def]
    """Stamp a part of a straight piece, given by shares of it."""
    low, high = part
    x, y = end[0] / land[2] - land[0], end[1] / land[2] - land[1]
    dx, dy = (end[2] - end[0]) / land[2], (end[3] - end[1]) / land[2]
    stamp_distance(square, (x + low * dx, y + low * dy, x + high * dx, y + high * dy), reach, window, land[3])


@inner
def _cut_piece(piece, streets, reached, limit, gap):  # type: ignore[no-untyped-def]
    """Return the shares of a piece between which it is not reached; the second gap is only on a site's own edge."""
    (_, edge_of, along), _, edges, in_metres = streets
    _, _, _, _, _, synthetic, estate, component = edges
    e = edge_of[piece]
    if synthetic[e] or estate[e] >= 0 or component[edges[0][e]] != 0:
        return 1.0, 0.0
    low, high = _find_gap(e, edges, in_metres, reached, limit, gap)
    a, b = along[piece, 0], along[piece, 1]
    return (max(low, a) - a) / (b - a), (min(high, b) - a) / (b - a)


@inner
def _find_gap(e, edges, in_metres, reached, limit, gap):  # type: ignore[no-untyped-def]
    """Return from where to where, in metres from u, an edge is not reached."""
    u, v, seconds_uv, seconds_vu, length, _, _, _ = edges
    slot, cost, (own, own_m, own_cost) = reached
    low, high, here = 0.0, length[e], -1
    if slot[u[e]] > 0:
        low = _walked(limit - cost[slot[u[e]] - 1], seconds_vu[e], length[e], in_metres)
    if slot[v[e]] > 0:
        high -= _walked(limit - cost[slot[v[e]] - 1], seconds_uv[e], length[e], in_metres)
    for k in range(len(own)):
        if own[k] == e:
            if here >= 0:
                return 1.0, 0.0  # several places of a site on one edge: it counts as reached whole
            here = k
    if here < 0:
        return (low, high) if gap == 0 else (1.0, 0.0)
    if gap == 0:
        return low, min(high, own_m[here] - _walked(limit - own_cost[here], seconds_uv[e], length[e], in_metres))
    return max(low, own_m[here] + _walked(limit - own_cost[here], seconds_vu[e], length[e], in_metres)), high


@inner
def _walked(rest, seconds, length, in_metres):  # type: ignore[no-untyped-def]
    """Return how many metres of an edge are walked for the rest of a limit."""
    if seconds == np.inf or rest <= 0.0:
        return 0.0
    whole = length if in_metres else seconds
    return length if rest >= whole else rest / whole * length
