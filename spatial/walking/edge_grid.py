"""Which edge is nearest to a point, exactly, on its shape?

A uniform grid over the straight pieces of all edges; the search goes out ring by ring until no ring can hold anything
nearer.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.walking.compiled import inner, kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CELL_M = 50.0
_MOST_CELLS = 4_000_000


def box_of(xy: Floats) -> tuple[Floats, Floats]:
    """Return the lowest and the highest corner of the box about one or more places."""
    columns = xy[:, 0], xy[:, 1]  # reducing rows of two takes ten times as long
    return np.array([column.min() for column in columns]), np.array([column.max() for column in columns])


@dataclass(frozen=True, slots=True)
class EdgeGrid:
    """Straight pieces ``ends`` (x, y, x, y) of ``edge`` with metres ``along`` at both ends; cells of pieces (CSR)."""

    ends: Floats
    edge: Ints
    along: Floats
    low: Floats
    cell_m: float
    columns: int
    rows: int
    start: Ints
    member: NDArray[np.int32]


def build_edge_grid(shape_ptr: Ints, shape_xy: Floats, shape_m: Floats) -> EdgeGrid:
    """Return the grid over all pieces of the shapes that have a length."""
    low, high = box_of(shape_xy)
    low, high = low - 1.0, high + 1.0
    cell = max(_CELL_M, float(np.sqrt(np.prod(high - low) / _MOST_CELLS)))
    columns, rows = (int(n) for n in np.floor((high - low) / cell) + 1)
    start = np.zeros(columns * rows + 1, dtype=np.int64)
    most = max(len(shape_xy) - len(shape_ptr) + 1, 0)
    ends, along, edge = np.empty((most, 4)), np.empty((most, 2)), np.empty(most, dtype=np.int64)
    count = _pieces((shape_ptr, shape_xy, shape_m), low, cell, columns, (ends, along, edge, start))
    ends, along, edge = ends[:count], along[:count], edge[:count]
    member = np.empty(start[-1], dtype=np.int32)
    _fill(ends, low, cell, columns, start, member)
    return EdgeGrid(ends, edge, along, low, cell, columns, rows, start, member)


def find_nearest(grid: EdgeGrid, xy: Floats, class_of_edge: Ints, wanted: Ints) -> tuple[Ints, Floats, Floats]:
    """Return (edge, metres along it, metres away) of the nearest place of an edge of the wanted class; edge -1: none.

    Of equally near edges the first counts.
    """
    args: Any = (grid.ends, grid.edge, grid.along, grid.low, grid.cell_m, grid.columns, grid.rows)
    edge, along, away = _nearest(*args, grid.start, grid.member, np.ascontiguousarray(xy), class_of_edge, wanted)
    return edge, along, away


@kernel
def _pieces(shapes, low, cell, columns, out):  # type: ignore[no-untyped-def]
    """Write the pieces, and where the members of each cell start; return how many pieces these are."""
    shape_ptr, shape_xy, shape_m = shapes
    ends, along, of_edge, start = out
    k = np.int64(0)
    for edge in range(len(shape_ptr) - 1):
        for i in range(shape_ptr[edge], shape_ptr[edge + 1] - 1):
            if shape_m[i + 1] > shape_m[i]:
                ends[k, 0], ends[k, 1] = shape_xy[i, 0], shape_xy[i, 1]
                ends[k, 2], ends[k, 3] = shape_xy[i + 1, 0], shape_xy[i + 1, 1]
                along[k, 0], along[k, 1] = shape_m[i], shape_m[i + 1]
                of_edge[k] = edge
                x0, x1, y0, y1 = _box(ends[k], low, cell)
                for y in range(y0, y1 + 1):
                    for x in range(x0, x1 + 1):
                        start[y * columns + x + 1] += 1
                k += 1
    for c in range(len(start) - 1):
        start[c + 1] += start[c]
    return k


@kernel
def _fill(ends: Floats, low: Floats, cell: float, columns: int, start: Ints, member: NDArray[np.int32]) -> None:
    for s in range(len(ends)):
        x0, x1, y0, y1 = _box(ends[s], low, cell)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                member[start[y * columns + x]] = s
                start[y * columns + x] += 1
    for c in range(len(start) - 1, 0, -1):  # each has come to where the next one starts
        start[c] = start[c - 1]
    start[0] = 0


@inner
def _box(end, low, cell):  # type: ignore[no-untyped-def]
    x0, x1 = min(end[0], end[2]), max(end[0], end[2])
    y0, y1 = min(end[1], end[3]), max(end[1], end[3])
    return (
        int((x0 - low[0]) / cell),
        int((x1 - low[0]) / cell),
        int((y0 - low[1]) / cell),
        int((y1 - low[1]) / cell),
    )


@kernel
def _nearest(  # type: ignore[no-untyped-def]
    ends, edge_of, along, low, cell, columns, rows, start, member, xy, class_of_edge, wanted
):
    n = len(xy)
    out_edge = np.full(n, -1, np.int64)
    out_along = np.zeros(n, np.float64)
    out_away = np.full(n, np.inf, np.float64)
    for i in range(n):
        px, py = xy[i, 0], xy[i, 1]
        gx, gy = int(np.floor((px - low[0]) / cell)), int(np.floor((py - low[1]) / cell))
        ring = max(0, -gx, gx - columns + 1, -gy, gy - rows + 1)
        last = max(gx, columns - 1 - gx, gy, rows - 1 - gy)
        while ring <= last and (ring - 1) * cell <= out_away[i]:
            for y in range(max(0, gy - ring), min(rows - 1, gy + ring) + 1):
                whole = y == gy - ring or y == gy + ring
                step = 1 if whole or ring == 0 else 2 * ring
                for x in range(gx - ring, gx + ring + 1, step):
                    if x < 0 or x >= columns:
                        continue
                    c = y * columns + x
                    for t in range(start[c], start[c + 1]):
                        s = member[t]
                        e = edge_of[s]
                        if class_of_edge[e] != wanted[i]:
                            continue
                        dx, dy = ends[s, 2] - ends[s, 0], ends[s, 3] - ends[s, 1]
                        f = ((px - ends[s, 0]) * dx + (py - ends[s, 1]) * dy) / (dx * dx + dy * dy)
                        f = min(1.0, max(0.0, f))
                        away = np.hypot(ends[s, 0] + f * dx - px, ends[s, 1] + f * dy - py)
                        if away < out_away[i] or (away == out_away[i] and e < out_edge[i]):
                            out_away[i] = away
                            out_edge[i] = e
                            out_along[i] = along[s, 0] + f * (along[s, 1] - along[s, 0])
            ring += 1
    return out_edge, out_along, out_away
