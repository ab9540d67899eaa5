"""On which side of a drawn line does each block lie? Blocks are never cut: most of its area decides."""

from typing import Any

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

from spatial.errors import EditError

_LENGTH_TOLERANCE_M = 1e-6


def choose_sides(blocks: Any, outline: Any, line: Any, what: str) -> Any:
    """Return by block whether most of it lies on the far side of a line; half and half counts as near.

    The line is cut to the outline; ends that stop inside it cut nothing. Crossing the line changes sides, so that a
    line that leaves and comes back puts every second piece on the same side. The near side holds the westmost piece.

    Parameters
    ----------
    blocks, outline, line:
        Polygons; their union; a LineString or MultiLineString. All in metres.

    Raises
    ------
    EditError
        If the line does not part the outline, or leaves every block on one side.
    """
    pieces = _cut(outline, line)
    if len(pieces) < 2:
        raise EditError(f"{what}: the line does not part it; needed a line that crosses it from edge to edge")
    far = _color(pieces, what)
    inside = shapely.area(shapely.intersection(blocks[:, None], pieces[None, :]))
    beyond = inside[:, far].sum(axis=1) > inside[:, ~far].sum(axis=1)
    if beyond.all() or not beyond.any():
        raise EditError(
            f"{what}: the line leaves all {len(blocks)} blocks on one side, by most of their area; "
            "needed a block on each side, and no block is ever cut"
        )
    return beyond


def _cut(outline: Any, line: Any) -> Any:
    """Return the pieces of an outline between the parts of a line, from west to east, then south to north."""
    lines = shapely.union_all([shapely.boundary(outline), line])
    pieces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    pieces = pieces[shapely.contains_properly(outline, shapely.point_on_surface(pieces))]
    west, south, east, north = shapely.bounds(pieces).T
    return pieces[np.lexsort((north, east, south, west))]


def _color(pieces: Any, what: str) -> Any:
    """Return by piece whether an odd number of crossings of the line leads there from the first."""
    a, b = shapely.STRtree(pieces).query(pieces, predicate="touches")
    beside = shapely.length(shapely.intersection(shapely.boundary(pieces[a]), shapely.boundary(pieces[b])))
    a, b = a[beside > _LENGTH_TOLERANCE_M], b[beside > _LENGTH_TOLERANCE_M]
    far = np.zeros(len(pieces), dtype=bool)
    seen = np.zeros(len(pieces), dtype=bool)
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(len(pieces), len(pieces))).tocsr()
    for start in range(len(pieces)):  # one part of the outline each: its pieces alone are beside each other
        if seen[start]:
            continue
        order, before = breadth_first_order(graph, start, directed=False)
        seen[order] = True
        for piece in order[1:]:
            far[piece] = not far[before[piece]]
    if (far[a] == far[b]).any():
        raise EditError(
            f"{what}: the line has no two sides there; needed one that crosses it once, or leaves as it came"
        )
    return far
