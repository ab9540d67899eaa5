"""How far is it between two places of a closed estate whose paths the map does not show?

As the crow flies where the wall leaves that way, else round the corners of the outline: the shortest way that stays
inside turns only at corners that stand into it.
"""

from typing import Any

import numpy as np
import scipy
import shapely
from numpy.typing import NDArray

from spatial.walking.plazas import standing_corners

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_EDGE_M = 0.05
"""A way may leave the outline by this much: coordinates are rounded, and gates stand in the wall."""
_ROUGH_M = 0.5
"""Dents of the outline below this are drawn by chance."""
_MOST_CORNERS = 256
"""An outline with more corners that stand in is taken roughly, until it has no more or is too rough."""
_ROUGHEST_M = 20.0


def measure_inside(outlines: Any, estate: Ints, start: Floats, end: Floats) -> Floats:
    """Return the metres between pairs of places of one estate each, within its outline.

    A place outside, such as a gate before the wall, first goes straight to the outline. Between parts of an estate that
    do not touch, the way is straight.
    """
    metres: Floats = np.hypot(*(end - start).T)
    # few estates have no paths, and fewer are bent: each is looked at once
    for row in np.unique(estate).tolist():
        outline = shapely.simplify(outlines[row], _ROUGH_M)
        pairs = np.flatnonzero((estate == row) & (metres > 0))
        if not len(pairs) or outline.is_empty or shapely.area(shapely.convex_hull(outline)) <= 1.001 * outline.area:
            continue
        metres[pairs] = np.maximum(metres[pairs], _measure(outline, start[pairs], end[pairs]))
    return metres


def _measure(outline: Any, start: Floats, end: Floats) -> Floats:
    room = shapely.buffer(outline, _EDGE_M)
    ends, back = np.unique(np.concatenate([start, end]), axis=0, return_inverse=True)
    foot = shapely.get_coordinates(shapely.get_point(shapely.shortest_line(shapely.points(ends), outline), 1))
    before = np.hypot(*(foot - ends).T)
    a, b = back.reshape(2, -1)
    direct = _sees(room, foot[a], foot[b])
    metres = np.hypot(*(foot[b] - foot[a]).T)
    if not direct.all():
        corners = _corners(outline)
        round_it = _round_corners(room, corners, foot, (a[~direct], b[~direct]))
        metres[~direct] = np.where(np.isfinite(round_it), round_it, metres[~direct])
    out: Floats = before[a] + metres + before[b]
    return out


def _corners(outline: Any) -> Floats:
    """Return the corners that stand into the outline, of a rougher one where they are too many."""
    rough = _ROUGH_M
    while True:
        corners = np.concatenate([standing_corners(polygon) for polygon in shapely.get_parts(outline)])
        if len(corners) <= _MOST_CORNERS or rough > _ROUGHEST_M:
            return corners
        rough *= 2.0
        outline = shapely.simplify(outline, rough)


def _round_corners(room: Any, corners: Floats, places: Floats, pairs: tuple[Ints, Ints]) -> Floats:
    """Return the metres of the shortest way between pairs of places by way of corners, infinite where there is none."""
    if not len(corners):
        return np.full(len(pairs[0]), np.inf)
    i, j = (index.ravel() for index in np.indices((len(corners), len(corners))))
    between = np.where(_sees(room, corners[i], corners[j]), np.hypot(*(corners[j] - corners[i]).T), np.inf)
    between = scipy.sparse.csgraph.shortest_path(between.reshape(len(corners), -1), directed=False)
    i, j = (index.ravel() for index in np.indices((len(places), len(corners))))
    to_corner = np.where(_sees(room, places[i], corners[j]), np.hypot(*(corners[j] - places[i]).T), np.inf)
    to_corner = to_corner.reshape(len(places), -1)
    used = np.unique(pairs[1])
    onward = {k: (between + to_corner[k]).min(axis=1) for k in used.tolist()}
    return np.array([(to_corner[a] + onward[b]).min() for a, b in zip(*(side.tolist() for side in pairs), strict=True)])


def _sees(room: Any, a: Floats, b: Floats) -> NDArray[np.bool_]:
    """Tell whether the straight line between each two places stays in the room."""
    shapely.prepare(room)
    seen: NDArray[np.bool_] = shapely.covers(room, shapely.linestrings(np.stack([a, b], axis=1)))
    return seen
