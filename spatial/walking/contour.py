"""Which rings part the corners of a lattice that lie inside an area from those outside?

Marching squares: a ring is the sequence of the sides of cells that it crosses, with the inside on its left. A side is
numbered by its lower or left corner, level sides first. Opposite inside corners of a cell are kept apart.
"""

import numpy as np

from spatial.walking.compiled import grown, inner

_FIRST_SIDES = 8192


@inner
def link_sides(field, window, columns, flat, follow):  # type: ignore[no-untyped-def]
    """Set, for each crossed side, the side that the ring crosses next; return (which are crossed, how many)."""
    r0, r1, c0, c1 = window
    crossed, count = np.empty(_FIRST_SIDES, np.int32), np.int64(0)
    for r in range(r0, r1):
        if count + 4 * (c1 - c0) > len(crossed):
            crossed = grown(crossed, 2 * len(crossed) + 4 * (c1 - c0))
        at = r * columns
        sw, nw = False, False  # the rim of a window lies outside
        for c in range(c0, c1):
            k = np.uint64(at + c + 1)
            se, ne = field[k] > 0.0, field[k + np.uint64(columns)] > 0.0
            if sw != se or sw != ne or sw != nw:
                count = _link_cell((sw, se, ne, nw), at + c, columns, flat, follow, crossed, count)
            sw, nw = se, ne
    return crossed, count


@inner
def _link_cell(corners, south, columns, flat, follow, crossed, count):  # type: ignore[no-untyped-def]
    sides = (south, flat + south + 1, south + columns, flat + south)  # south, east, north, west
    for k in range(4):  # the ring enters where, going round to the left, outside turns into inside
        if corners[k] or not corners[(k + 1) % 4]:
            continue
        m = (k + 1) % 4
        while corners[(m + 1) % 4]:
            m = (m + 1) % 4
        follow[sides[m]] = sides[k] + 1
        crossed[count] = sides[m]
        count += 1
    return count


@inner
def trace_rings(follow, crossed, count):  # type: ignore[no-untyped-def]
    """Return the sides of all rings, ring after ring, and where each starts; ``follow`` is left all 0."""
    sides, start = np.empty(count, np.int32), np.zeros(count // 3 + 2, np.int64)
    put, rings = np.int64(0), np.int64(0)
    for k in range(count):
        at = np.int64(crossed[k])
        if follow[at] == 0:
            continue
        while follow[at] != 0:
            sides[put] = at
            put += 1
            after = np.int64(follow[at]) - 1
            follow[at] = 0
            at = after
        rings += 1
        start[rings] = put
    return sides, start[: rings + 1]


@inner
def cross_sides(field, sides, columns, flat):  # type: ignore[no-untyped-def]
    """Return, per crossed side, its inside corner, the step to the outside one, and the field at both."""
    corner, step = np.empty(len(sides), np.int32), np.empty(len(sides), np.int32)
    inside, outside = np.empty(len(sides), np.float64), np.empty(len(sides), np.float64)
    for k in range(len(sides)):
        upright = sides[k] >= flat
        low = np.int64(sides[k]) - (flat if upright else 0)
        high = low + (columns if upright else 1)
        turn = field[low] <= 0.0
        corner[k] = high if turn else low
        step[k] = (low - high) if turn else (high - low)
        inside[k] = field[high] if turn else field[low]
        outside[k] = field[low] if turn else field[high]
    return corner, step, inside, outside


@inner
def place_on_side(corner, step, share, columns):  # type: ignore[no-untyped-def]
    """Return the place (x, y) a share of the way from an inside corner to the outside one."""
    x, y = np.float64(corner % columns), np.float64(corner // columns)
    if step == 1 or step == -1:
        return x + share * step, y
    return x, y + (share if step > 0 else -share)


@inner
def drop_holes(field, sides, start, columns, flat, least):  # type: ignore[no-untyped-def]
    """Return rings (sides, first) without the holes below an area, and without what stands in them."""
    corner, step, inside, outside = cross_sides(field, sides, columns, flat)
    x, y = np.empty(len(sides)), np.empty(len(sides))
    for k in range(len(sides)):
        x[k], y[k] = place_on_side(corner[k], step[k], inside[k] / (inside[k] - outside[k]), columns)
    keep = _keep_rings(x, y, start, least)
    kept, first, put = np.empty(len(sides), np.int32), np.zeros(len(start), np.int64), np.int64(0)
    rings = np.int64(0)
    for i in range(len(start) - 1):
        if keep[i]:
            for k in range(start[i], start[i + 1]):
                kept[put] = sides[k]
                put += 1
            rings += 1
            first[rings] = put
    return kept[:put], first[: rings + 1]


@inner
def _keep_rings(x, y, start, least):  # type: ignore[no-untyped-def]
    rings = len(start) - 1
    area, keep = np.empty(rings), np.ones(rings, np.bool_)
    for i in range(rings):
        area[i] = ring_area(x, y, start[i], start[i + 1])
        keep[i] = not -least < area[i] < 0.0
    for i in range(rings):
        for hole in range(rings):
            if 0.0 < area[i] < -area[hole] < least and is_inside(
                x, y, start[hole], start[hole + 1], x[start[i]], y[start[i]]
            ):
                keep[i] = False
    return keep


@inner
def own_holes(x, y, start):  # type: ignore[no-untyped-def]
    """Return, per ring, the ring that is its polygon's outer one: of a hole the smallest about it."""
    rings = len(start) - 1
    owner, area = np.arange(rings), np.empty(rings)
    for i in range(rings):
        area[i] = ring_area(x, y, start[i], start[i + 1])
    for i in range(rings):
        if area[i] > 0.0:
            continue
        least = np.inf
        for k in range(rings):
            if 0.0 < area[k] < least and is_inside(x, y, start[k], start[k + 1], x[start[i]], y[start[i]]):
                owner[i], least = k, area[k]
    return owner


@inner
def ring_area(x, y, first, last):  # type: ignore[no-untyped-def]
    """Return the area of a ring, below 0 where it runs clockwise."""
    total, k = 0.0, last - 1
    for j in range(first, last):
        total += (x[k] - x[first]) * (y[j] - y[first]) - (x[j] - x[first]) * (y[k] - y[first])
        k = j
    return total / 2.0


@inner
def is_inside(x, y, first, last, px, py):  # type: ignore[no-untyped-def]
    """Tell whether a place lies inside a ring that does not pass through it."""
    found, k = False, last - 1
    for j in range(first, last):
        if (y[j] > py) != (y[k] > py) and px < x[j] + (py - y[j]) / (y[k] - y[j]) * (x[k] - x[j]):
            found = not found
        k = j
    return found
