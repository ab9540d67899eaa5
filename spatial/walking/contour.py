"""Which area lies within reach of these pieces of street, each with the walk that is left on it?

The field F(x) is the largest ``width(p) - |x - p|`` over reached places p, where the width is the walk left at p, at
most the half width of a circle's strip and at least a cell and a half; its zero line, by marching squares with linear
interpolation, bounds the area. A larger limit never lowers F anywhere, so on one grid areas nest by construction.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spatial.walking.compiled import inner, kernel
from spatial.walking.outline import Rings, draw_areas

Floats = NDArray[np.float64]

CELLS_PER_WIDTH = 6
LEAST_WIDTH_CELLS = 1.5
"""Then every cell about a reached place is inside: the area contains every reached piece."""
_MOST_MOVED = 0.9
"""Outlines move by at most this share of a cell."""
_MOST_CELLS = 4_000_000
_NEAREST_CORNER = 0.02
"""A crossing keeps this share of a cell's side away from its corners, so that no two fall together when rounded."""


class Drawing(NamedTuple):
    """How areas are drawn: half the width of the strip, how far outlines may move, and the least hole that is kept."""

    width_m: float
    tolerance_m: float
    least_hole_m2: float


def build_areas(pieces: Floats, limits: Floats, drawing: Drawing) -> list[Any]:
    """Return one polygon or multipolygon per limit, each inside the next larger one's.

    ``pieces`` has rows (x0, y0, left0, x1, y1, left1): straight pieces with the metres left at both ends under the
    largest limit, falling from the first end to the second; ``limits`` are metres, rising. Outlines move by less than
    a cell, so that every reached piece stays inside.
    """
    width_m = drawing.width_m
    low, high = pieces[:, [0, 1]].min(axis=0), pieces[:, [0, 1]].max(axis=0)
    low, high = np.minimum(low, pieces[:, [3, 4]].min(axis=0)), np.maximum(high, pieces[:, [3, 4]].max(axis=0))
    cell = max(width_m / CELLS_PER_WIDTH, float(np.sqrt(np.prod(high - low + 2 * width_m) / _MOST_CELLS)))
    width_m = max(width_m, LEAST_WIDTH_CELLS * cell)
    origin = np.floor((low - width_m) / cell - 2) * cell  # on one lattice for all sites
    columns, rows = (int(n) for n in np.ceil((high + width_m - origin) / cell) + 3)
    levels = [Rings(*_trace(pieces, limit - limits[-1], width_m, origin, cell, columns, rows)) for limit in limits]
    return draw_areas(levels, min(drawing.tolerance_m, _MOST_MOVED * cell), drawing.least_hole_m2)


@inner
def _stamp(field, piece, shift, width, origin, cell):  # type: ignore[no-untyped-def]
    """Raise the field about one piece; ``shift`` is added to the metres left."""
    x0, y0, x1, y1 = piece[0], piece[1], piece[3], piece[4]
    left, fall = piece[2] + shift, piece[2] - piece[5]
    if left < 0.0:
        return
    end = 1.0 if fall <= left or fall <= 0.0 else left / fall
    dx, dy = x1 - x0, y1 - y0
    square = dx * dx + dy * dy
    least = LEAST_WIDTH_CELLS * cell
    margin = min(width, max(least, left)) + cell
    rows, columns = field.shape
    xe, ye = x0 + end * dx, y0 + end * dy
    c0 = max(0, int((min(x0, xe) - margin - origin[0]) / cell))
    c1 = min(columns - 1, int((max(x0, xe) + margin - origin[0]) / cell) + 1)
    r0 = max(0, int((min(y0, ye) - margin - origin[1]) / cell))
    r1 = min(rows - 1, int((max(y0, ye) + margin - origin[1]) / cell) + 1)
    for r in range(r0, r1 + 1):
        y = origin[1] + r * cell - y0
        for c in range(c0, c1 + 1):
            x = origin[0] + c * cell - x0
            t = 0.0 if square == 0.0 else min(end, max(0.0, (x * dx + y * dy) / square))
            away = np.sqrt((x - t * dx) ** 2 + (y - t * dy) ** 2)
            value = min(width, max(least, left - t * fall)) - away
            if value > field[r, c]:
                field[r, c] = value


@kernel
def _trace(pieces, shift, width, origin, cell, columns, rows):  # type: ignore[no-untyped-def]
    """Return the rings of the field's zero line, inside on the left: (xy, side of a cell, where each starts)."""
    field = np.full((rows, columns), -4.0 * cell)
    for p in range(len(pieces)):
        _stamp(field, pieces[p], shift, width, origin, cell)
    follow = _link(field)
    size = 0
    for k in range(len(follow)):
        size += follow[k] >= 0
    xy, side, start = np.empty((size, 2), np.float64), np.empty(size, np.int64), np.zeros(size // 3 + 2, np.int64)
    put, rings, flat = 0, 0, rows * columns
    for k in range(len(follow)):
        if follow[k] < 0:
            continue
        at = k
        while follow[at] >= 0:
            upright = at >= flat
            r, c = (at % flat) // columns, (at % flat) % columns
            a, b = field[r, c], field[r + 1, c] if upright else field[r, c + 1]
            t = min(1.0 - _NEAREST_CORNER, max(_NEAREST_CORNER, a / (a - b)))
            xy[put, 0] = origin[0] + (c + (0.0 if upright else t)) * cell
            xy[put, 1] = origin[1] + (r + (t if upright else 0.0)) * cell
            side[put] = at
            put += 1
            after = follow[at]
            follow[at] = -1
            at = after
        rings += 1
        start[rings] = put
    return xy[:put], side[:put], start[: rings + 1]


@inner
def _link(field):  # type: ignore[no-untyped-def]
    """Return, for each side of a cell that the line crosses, the side that it crosses next, else -1.

    Sides are numbered by their lower or left corner, level ones first. Opposite corners are kept apart.
    """
    rows, columns = field.shape
    flat = rows * columns
    follow = np.full(2 * flat, -1, np.int64)
    for r in range(rows - 1):
        for c in range(columns - 1):
            sw, se = field[r, c] > 0.0, field[r, c + 1] > 0.0
            ne, nw = field[r + 1, c + 1] > 0.0, field[r + 1, c] > 0.0
            inside = sw + se + ne + nw
            if inside == 0 or inside == 4:
                continue
            south = r * columns + c
            sides = (south, flat + south + 1, south + columns, flat + south)  # south, east, north, west
            corners = (sw, se, ne, nw)
            for k in range(4):  # the line enters where, going round to the left, outside turns into inside
                if corners[k] or not corners[(k + 1) % 4]:
                    continue
                m = (k + 1) % 4
                while corners[(m + 1) % 4]:
                    m = (m + 1) % 4
                follow[sides[m]] = sides[k]
    return follow
