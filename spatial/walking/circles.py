"""Which areas do sites serve, given the reached pieces of street: drawn, one inside the next larger?

A lattice is laid about all that a site reaches; for each limit, from the largest down, the field of ``strip`` is
stamped on it, the rings of ``contour`` are traced and drawn by ``outline``. All lattices have one origin, so a site's
areas do not depend on the sites beside it. An area is drawn inside the next larger one, and of up to three
areas each depends on the larger ones alone.
"""

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.walking.compiled import grown, inner, kernel
from spatial.walking.contour import cross_sides, drop_holes, link_sides, own_holes, trace_rings
from spatial.walking.outline import OUTWARD, draw_ring, open_windows, pick_vertices, ring_gap
from spatial.walking.rivals import Streets, stamp_rivals
from spatial.walking.strip import CORE_CELLS, clear_fields, settle, stamp_reached

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CELLS_PER_TOLERANCE = 1.25
_LEAST_CELL_M = 1.0
_MOST_CELLS = 2_000_000
_FIRST_VERTICES = 4096
LEVELS = 3
"""Rings leave room as if so many areas were drawn (5, 10 and 15 minutes), so that of up to so many none depends on the
smaller ones beside it. Each one more narrows the windows, which costs three in a hundred vertices."""


class Drawing(NamedTuple):
    """How areas are drawn: half the width of the strip, how far outlines may move, and the least hole that is kept.

    The lattice is as fine as the tolerance asks: what is drawn is true to two and a half tolerances (``true_to_m``).
    """

    width_m: float
    tolerance_m: float
    least_hole_m2: float


class Reached(NamedTuple):
    """What sites reach, site after site.

    ``pieces`` are rows (x0, y0, left0, x1, y1, left1): straight pieces with the metres left at both ends under the
    largest limit, falling from the first end to the second; those of site i are ``first[i]:first[i + 1]``. ``node`` and
    ``cost`` are its labels from ``label_first[i]`` on; it starts on the edges ``own``, ``own_m`` metres from their u
    and at the cost ``own_cost``, from ``own_first[i]`` on.
    """

    pieces: Floats
    first: Ints
    node: Any
    cost: Floats
    label_first: Ints
    own: Ints
    own_m: Floats
    own_cost: Floats
    own_first: Ints


def cell_size(tolerance_m: float) -> float:
    """Return the side of a lattice cell in metres."""
    return max(_LEAST_CELL_M, _CELLS_PER_TOLERANCE * tolerance_m)


def true_to_m(tolerance_m: float) -> float:
    """Return how far beyond the rest of the walk an outline may lie: a core about what is reached, and the tolerance.

    A lattice has at most two million cells: the areas of walks over more than about seven kilometres are coarser.
    """
    cell = cell_size(tolerance_m)
    return cell * (CORE_CELLS + OUTWARD / _CELLS_PER_TOLERANCE)


def draw_circles(reached: Reached, streets: Streets, limits: Floats, costs: Floats, drawing: Drawing) -> Any:
    """Return a row of areas per site, one for each of the rising limits (metres; ``costs`` are the same in cost)."""
    how = (drawing.width_m, drawing.least_hole_m2, cell_size(drawing.tolerance_m), ring_gap(len(limits)))
    xy, ring, polygon = _draw(tuple(reached), tuple(streets), (limits, costs), how)
    rings = shapely.linearrings(xy, indices=np.repeat(np.arange(len(ring)), np.diff(np.append(ring[:, 0], len(xy)))))
    parts = shapely.polygons(rings, indices=ring[:, 1])
    first, several = np.unique(polygon, return_index=True, return_counts=True)[1:]
    areas = parts[first]
    for k in np.flatnonzero(several > 1):  # few: what a site reaches mostly hangs together
        areas[k] = shapely.multipolygons(parts[first[k] : first[k] + several[k]])
    return areas.reshape(-1, len(limits))[:, ::-1]


@kernel
def _draw(reached, streets, limits, how):  # type: ignore[no-untyped-def]
    """Return (vertices, per ring its first vertex and polygon, per polygon its area), largest areas first."""
    pieces, first, node, cost, label_first, own, own_m, own_cost, own_first = reached
    slot, seen = np.zeros(len(streets[2][7]), np.int32), np.zeros(len(streets[0][1]) + 1, np.int32)
    levels = len(limits[0])
    sheet = _make_sheet(pieces, first, how)
    made = (np.empty(2 * _FIRST_VERTICES), np.empty(512, np.int64), np.empty(256, np.int64), np.zeros(3, np.int64))
    for s in range(len(first) - 1):
        land = _lay_lattice(pieces, first[s], first[s + 1], how)
        scaled = _scale(pieces, first[s], first[s + 1], land)
        begin, end = label_first[s], label_first[s + 1]
        for k in range(begin, end):
            slot[node[k]] = k - begin + 1
        here = slice(own_first[s], own_first[s + 1])
        labels = (slot, cost[begin:end], (own[here], own_m[here], own_cost[here]))
        sheet[0][3][: land[3] * land[4]] = np.inf
        outer = (np.empty(0, np.int32), np.empty(0), np.empty(0), np.empty(0, np.bool_))
        for level in range(levels - 1, -1, -1):
            shift = (limits[0][level] - limits[0][levels - 1]) / land[2]
            window = _stamp_reached(sheet[0], scaled, shift, how[0] / land[2], land)
            stamp_rivals(sheet[0][2], streets, labels, limits[1][level], how[0] / land[2] + 2.0, land, window, seen)
            settle(sheet[0], how[0] / land[2], window, land[3])
            rings, outer = _draw_level(sheet, outer, window, land, level, levels, how)
            made = _write_area(rings, land, s * levels + levels - 1 - level, made)
        for side in outer[0]:
            sheet[2][side] = 0
        for k in range(begin, end):
            slot[node[k]] = 0
    xy, ring, polygon, count = made
    return xy[: 2 * count[0]].reshape(-1, 2), ring[: 2 * count[1]].reshape(-1, 2), polygon[: count[2]]


@inner
def _lay_lattice(pieces, first, last, how):  # type: ignore[no-untyped-def]
    """Return (x, y, cell, columns, rows, width): the first corner in cells from the origin of all lattices."""
    west = south = np.inf
    east = north = -np.inf
    for p in range(first, last):
        west, east = min(west, pieces[p, 0], pieces[p, 3]), max(east, pieces[p, 0], pieces[p, 3])
        south, north = min(south, pieces[p, 1], pieces[p, 4]), max(north, pieces[p, 1], pieces[p, 4])
    cell = max(how[2], np.sqrt((east - west + 2.0 * how[0]) * (north - south + 2.0 * how[0]) / _MOST_CELLS))
    margin = max(how[0] / cell, CORE_CELLS) + 2.0
    x, y = np.floor(west / cell - margin), np.floor(south / cell - margin)
    columns, rows = int(np.ceil(east / cell + margin - x)) + 1, int(np.ceil(north / cell + margin - y)) + 1
    return x, y, cell, columns, rows


@inner
def _scale(pieces, first, last, land):  # type: ignore[no-untyped-def]
    """Return pieces in cells from the first corner of a lattice."""
    x, y, cell = land[:3]
    out = np.empty((last - first, 6))
    for p in range(first, last):
        for end in range(0, 6, 3):
            out[p - first, end] = pieces[p, end] / cell - x
            out[p - first, end + 1] = pieces[p, end + 1] / cell - y
            out[p - first, end + 2] = pieces[p, end + 2] / cell
    return out


@inner
def _make_sheet(pieces, first, how):  # type: ignore[no-untyped-def]
    """Return what all sites are drawn on: fields, the sides that follow sides, the places of the outer area's sides."""
    size = 0
    for s in range(len(first) - 1):
        land = _lay_lattice(pieces, first[s], first[s + 1], how)
        size = max(size, land[3] * land[4])
    near, left = np.empty(size, np.float32), np.empty(size, np.float32)
    rival, inside = np.empty(size, np.float32), np.empty(size, np.float32)
    return (near, left, rival, inside), np.zeros(2 * size, np.int32), np.zeros(2 * size, np.int32)


@inner
def _stamp_reached(fields, pieces, shift, width, land):  # type: ignore[no-untyped-def]
    """Stamp what is reached, and return the window about it: first and last row, first and last column."""
    columns, rows = land[3], land[4]
    west = south = np.inf
    east = north = -np.inf
    for p in range(len(pieces)):
        if pieces[p, 2] + shift >= 0.0:
            west, east = min(west, pieces[p, 0], pieces[p, 3]), max(east, pieces[p, 0], pieces[p, 3])
            south, north = min(south, pieces[p, 1], pieces[p, 4]), max(north, pieces[p, 1], pieces[p, 4])
    margin = max(width, CORE_CELLS) + 1.0
    window = (
        max(0, int(np.floor(south - margin))),
        min(rows - 1, int(np.ceil(north + margin))),
        max(0, int(np.floor(west - margin))),
        min(columns - 1, int(np.ceil(east + margin))),
    )
    clear_fields(fields, window, columns)
    for p in range(len(pieces)):
        stamp_reached(fields, pieces[p], shift, width, window, columns)
    return window


@inner
def _draw_level(sheet, outer, window, land, level, levels, how):  # type: ignore[no-untyped-def]
    """Return the vertices of a level's rings (x, y, first), and what the next smaller area must know of them."""
    fields, follow, held = sheet
    columns, flat, field = land[3], land[3] * land[4], fields[3]
    sides, start = trace_rings(follow, *link_sides(field, window, columns, flat, follow))
    sides, start = drop_holes(field, sides, start, columns, flat, how[1] / land[2] ** 2)
    crossing = cross_sides(field, sides, columns, flat)
    depth = levels - 1 - level
    bounds = (how[3] * (max(levels, LEVELS) - depth), 1.0 - how[3] * (depth + 1), how[3])
    windows = open_windows(sides, crossing, (held, *outer[1:]), bounds, 1.0 / _CELLS_PER_TOLERANCE)
    at, vertex = np.empty(len(sides)), np.zeros(len(sides), np.bool_)
    for i in range(len(start) - 1):
        draw_ring(start[i], start[i + 1], crossing, windows, columns, at, vertex)
    for k in range(len(outer[0])):
        held[outer[0][k]] = 0
    for k in range(len(sides)):
        held[sides[k]] = k + 1
    return pick_vertices(crossing, at, vertex, start, columns), (sides, windows[2], at, vertex)


@inner
def _write_area(rings, land, area, made):  # type: ignore[no-untyped-def]
    """Add an area's polygons, each with its outer ring first."""
    x, y, start = rings
    xy, ring, polygon, count = made
    owner = own_holes(x, y, start)
    if 2 * (count[0] + len(x)) > len(xy):
        xy = grown(xy, 4 * (count[0] + len(x)))
    if 2 * (count[1] + len(owner)) > len(ring):
        ring = grown(ring, 4 * (count[1] + len(owner)))
    if count[2] + len(owner) > len(polygon):
        polygon = grown(polygon, 2 * (count[2] + len(owner)))
    for shell in range(len(owner)):
        if owner[shell] != shell:
            continue
        for r in range(-1, len(owner)):
            i = shell if r < 0 else r
            if (r == shell) or owner[i] != shell:
                continue
            ring[2 * count[1]], ring[2 * count[1] + 1] = count[0], count[2]
            count[1] += 1
            for k in range(start[i], start[i + 1]):
                xy[2 * count[0]], xy[2 * count[0] + 1] = (land[0] + x[k]) * land[2], (land[1] + y[k]) * land[2]
                count[0] += 1
        polygon[count[2]] = area
        count[2] += 1
    return xy, ring, polygon, count
