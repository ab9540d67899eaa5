"""How is a ring of lattice sides drawn with few vertices, inside the ring of the next larger area?

On each side that a ring crosses it has a window: the places where the area's edge is moved by no more than the
tolerance. A line through the windows, each in turn, is drawn greedily with as long straight pieces as fit (after
Imai and Iri 1988). It crosses the same sides as the ring and no others, in the same order; so it keeps corners inside
that were inside, rings that did not cross do not cross, and an area lies inside the next larger one because its line
does so on every side. Where two areas have the same edge, the inner one takes the vertices of the outer one.
"""

import numpy as np

from spatial.walking.compiled import inner
from spatial.walking.contour import place_on_side

OUTWARD = 0.5
"""Edges move outward by this part of the tolerance at most: what is added weighs more than what is left out."""
_LARGEST_GAP = 0.02
_GAPS = 0.4


def ring_gap(levels: int) -> float:
    """Return the share of a side that rings keep away from its corners and from the next larger area's ring."""
    return min(_LARGEST_GAP, _GAPS / (levels + 1))


@inner
def open_windows(sides, crossing, outer, bounds, tolerance):  # type: ignore[no-untyped-def]
    """Return (low, high, aim, pinned, same) per side: the window, the best place, and what is shared with the outer
    ring.

    ``outer`` are the slots of the next larger area's sides with its own shares, places and vertices; ``bounds`` the
    least and largest share that this area may use, and the gap to the outer ring. A pinned side takes the outer ring's
    vertex; ``same`` tells where both edges are one.
    """
    _, _, inside, outside = crossing
    slot, outer_aim, outer_at, outer_vertex = outer
    count = len(sides)
    low, high, aim = np.empty(count, np.float64), np.empty(count, np.float64), np.empty(count, np.float64)
    pinned, same = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    least, most, gap = bounds
    for k in range(count):
        share, move = inside[k] / (inside[k] - outside[k]), tolerance / (inside[k] - outside[k])
        aim[k] = share
        low[k], high[k] = max(least, share - move), min(most, share + OUTWARD * move)
        at = slot[sides[k]] - 1
        if at >= 0:
            same[k] = outer_aim[at] == share
            pinned[k] = same[k] and outer_vertex[at]
            high[k] = min(high[k], outer_at[at] - gap)
        high[k] = max(high[k], least)
        low[k] = min(low[k], high[k])
        if pinned[k]:
            low[k] = high[k] = outer_at[at]
    return low, high, aim, pinned, same


@inner
def draw_ring(first, last, places, windows, columns, at, vertex):  # type: ignore[no-untyped-def]
    """Choose where the ring crosses its sides ``first`` to ``last``, and at which of them it has a vertex."""
    low, high, aim, pinned, same = windows
    order = _turn_ring(first, last, pinned)
    count, begin = len(order) - 1, order[0]
    for j in order:
        if pinned[j]:
            at[j] = low[j]
    at[begin] = min(high[begin], max(low[begin], aim[begin]))
    vertex[begin] = True
    apex, goal = np.int64(0), np.int64(0)
    while apex < count:
        shared = False
        if apex == goal:
            goal, shared = _find_goal(order, apex, pinned, same)
        far = goal if shared else _see(order, apex, goal, places, windows, columns, at)
        _lay(order, apex, far, places, columns, at)
        vertex[order[far]] = True
        apex = far


@inner
def _turn_ring(first, last, pinned):  # type: ignore[no-untyped-def]
    """Return the sides of a ring from its first pinned one round to the same."""
    begin = first
    for k in range(last - 1, first - 1, -1):
        if pinned[k]:
            begin = k
    order = np.empty(last - first + 1, np.int64)
    for k in range(len(order)):
        order[k] = begin + k if begin + k < last else begin + k - (last - first)
    order[last - first] = begin
    return order


@inner
def _find_goal(order, apex, pinned, same):  # type: ignore[no-untyped-def]
    """Return the next pinned side, or the ring's end, and whether the line to it is the outer ring's."""
    shared = pinned[order[apex]]
    k = apex + 1
    while k < len(order) - 1 and not pinned[order[k]]:
        shared = shared and same[order[k]]
        k += 1
    return k, shared and pinned[order[k]]


@inner
def _see(order, apex, goal, places, windows, columns, at):  # type: ignore[no-untyped-def]
    """Return the last side that a straight line from the apex can reach through all windows, and set its place."""
    corner, step, _, _ = places
    low, high, aim, _, _ = windows
    px, py = place_on_side(corner[order[apex]], step[order[apex]], at[order[apex]], columns)
    far, lx, ly, rx, ry = apex, 0.0, 0.0, 0.0, 0.0
    for k in range(apex + 1, goal + 1):
        j = order[k]
        closes = k == len(order) - 1
        ax, ay = place_on_side(corner[j], step[j], at[j] if closes else low[j], columns)
        bx, by = place_on_side(corner[j], step[j], at[j] if closes else high[j], columns)
        ax, ay, bx, by = ax - px, ay - py, bx - px, by - py
        if far > apex and (rx * ay < ry * ax or lx * by > ly * bx):
            break  # the window lies to the right or to the left of all that is seen
        if far == apex or lx * ay < ly * ax:
            lx, ly = ax, ay
        if far == apex or rx * by > ry * bx:
            rx, ry = bx, by
        far = k
    j = order[far]
    if far < len(order) - 1:
        least = _meet(corner[j], step[j], px, py, lx, ly, columns)
        most = _meet(corner[j], step[j], px, py, rx, ry, columns)
        at[j] = min(high[j], max(low[j], max(least, min(most, aim[j]))))
    return far


@inner
def _meet(corner, step, px, py, dx, dy, columns):  # type: ignore[no-untyped-def]
    """Return where a line through a place meets a side, as a share of the side."""
    x, y = place_on_side(corner, step, 0.0, columns)
    ex, ey = place_on_side(corner, step, 1.0, columns)
    ex, ey = ex - x, ey - y
    turn = dx * ey - dy * ex
    return (dx * (py - y) - dy * (px - x)) / turn if turn != 0.0 else 0.5


@inner
def _lay(order, apex, far, places, columns, at):  # type: ignore[no-untyped-def]
    """Note where the straight line between two vertices crosses the sides between them."""
    corner, step, _, _ = places
    i, j = order[apex], order[far]
    px, py = place_on_side(corner[i], step[i], at[i], columns)
    qx, qy = place_on_side(corner[j], step[j], at[j], columns)
    for k in range(apex + 1, far):
        m = order[k]
        at[m] = min(1.0, max(0.0, _meet(corner[m], step[m], px, py, qx - px, qy - py, columns)))


@inner
def pick_vertices(places, at, vertex, start, columns):  # type: ignore[no-untyped-def]
    """Return the vertices of the rings (x, y), and where each ring starts."""
    corner, step, _, _ = places
    x, y, first = np.empty(len(at)), np.empty(len(at)), np.zeros(len(start), np.int64)
    put = np.int64(0)
    for i in range(len(start) - 1):
        for k in range(start[i], start[i + 1]):
            if vertex[k]:
                x[put], y[put] = place_on_side(corner[k], step[k], at[k], columns)
                put += 1
        first[i + 1] = put
    return x[:put], y[:put], first
