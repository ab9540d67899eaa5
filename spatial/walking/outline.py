"""How are the outlines of nested areas drawn with few vertices, so that the areas stay nested?

Outlines that two areas share are found vertex by vertex and drawn once: rings are cut into arcs where an outline leaves
another, and each arc is simplified alone (Douglas and Peucker 1973), as in a topological map.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Rings(NamedTuple):
    """Rings of one area with the inside on their left: vertices, a number that names each, and where rings start."""

    xy: Floats
    name: Ints
    start: Ints


class Arcs(NamedTuple):
    """Lines between nodes of one area's rings, ring after ring, and the ring of each."""

    lines: Any
    ring: Ints


def draw_areas(levels: list[Rings], tolerance_m: float, least_hole_m2: float) -> list[Any]:
    """Return the area of each level with outlines moved by at most the tolerance, holes below an area filled.

    Each level lies inside the next and is drawn inside it. Arcs that would cross after all are drawn again with a half
    and a quarter of the tolerance, then as they are.
    """
    levels = [_fill_holes(rings, least_hole_m2) for rings in levels]
    arcs = [_cut(rings, node) for rings, node in zip(levels, _find_nodes(levels), strict=True)]
    lines = np.concatenate([some.lines for some in arcs])
    parts = np.cumsum([len(some.lines) for some in arcs])[:-1]
    tolerance = np.full(len(lines), tolerance_m)
    while True:
        thin = np.where(tolerance > 0.0, shapely.simplify(lines, tolerance, preserve_topology=False), lines)
        areas = [_join(some, cut) for some, cut in zip(np.split(thin, parts), arcs, strict=True)]
        if not tolerance.any() or _are_sound(areas):
            return areas
        crossing = _find_crossing(np.split(thin, parts), areas) & (tolerance > 0.0)
        again = np.where(tolerance > tolerance_m / 3.0, tolerance / 2.0, 0.0)
        tolerance = np.where(crossing, again, tolerance) if crossing.any() else np.zeros(len(lines))


def _are_sound(areas: Any) -> bool:
    """Tell whether all areas are valid, and each lies inside the next."""
    areas = np.array(areas, dtype=object)
    return bool(shapely.is_valid(areas).all()) and bool(shapely.covers(areas[1:], areas[:-1]).all())


def _find_crossing(lines: list[Any], areas: list[Any]) -> NDArray[np.bool_]:
    """Tell which arcs leave the next larger area, enter the next smaller one, or cross another of their own area."""
    found = [np.zeros(len(some), dtype=bool) for some in lines]
    shapely.prepare(areas)
    for k, area in enumerate(areas):
        if k + 1 < len(areas):
            found[k] |= ~shapely.covers(areas[k + 1], lines[k])
            found[k + 1] |= shapely.intersects(area, lines[k + 1]) & ~shapely.touches(area, lines[k + 1])
        if not shapely.is_valid(area):
            found[k] |= ~shapely.is_simple(lines[k])
            found[k][shapely.STRtree(lines[k]).query(lines[k], predicate="crosses").ravel()] = True
    return np.concatenate(found)


def _fill_holes(rings: Rings, least_m2: float) -> Rings:
    """Return the rings without holes below an area and what stands in them."""
    area = _areas(rings)
    drop = (area < 0.0) & (area > -least_m2)
    if not drop.any():
        return rings
    small = np.flatnonzero((area > 0.0) & (area < least_m2))
    if len(small):
        holes = [shapely.polygons(rings.xy[rings.start[i] : rings.start[i + 1]]) for i in np.flatnonzero(drop)]
        island = shapely.STRtree(holes).query(shapely.points(rings.xy[rings.start[small]]), predicate="within")[0]
        drop[small[island]] = True
    size = np.diff(rings.start)
    keep = np.repeat(~drop, size)
    return Rings(rings.xy[keep], rings.name[keep], np.concatenate([[0], np.cumsum(size[~drop])]))


def _areas(rings: Rings) -> Floats:
    """Return the area of each ring, below 0 where it runs clockwise."""
    x, y = (rings.xy - rings.xy[0]).T
    after = _following(rings.start)
    return np.add.reduceat(x * y[after] - x[after] * y, rings.start[:-1]) / 2.0


def _following(start: Ints) -> Ints:
    """Return the next vertex of each, round its ring."""
    after = np.arange(1, start[-1] + 1)
    after[start[1:] - 1] = start[:-1]
    return after


def _find_nodes(levels: list[Rings]) -> list[NDArray[np.bool_]]:
    """Tell which vertices are the last that the outline of one level shares with another.

    The levels that share a vertex follow each other; where the next vertex is shared by fewer, all of them part.
    """
    low = [np.full(len(rings.name), k) for k, rings in enumerate(levels)]
    high = [k.copy() for k in low]
    pairs = [_shared(a, b) for a, b in pairwise(levels)]
    for k, (i, j) in enumerate(pairs):
        low[k + 1][j] = low[k][i]
    for k, (i, j) in reversed(list(enumerate(pairs))):
        high[k][i] = high[k + 1][j]
    nodes = []
    for rings, lo, hi in zip(levels, low, high, strict=True):
        after = _following(rings.start)
        node = (lo < lo[after]) | (hi > hi[after])
        node[after] |= (lo[after] < lo) | (hi[after] > hi)
        nodes.append(node)
    return nodes


def _shared(a: Rings, b: Rings) -> tuple[Ints, Ints]:
    """Return where the vertices stand that two levels share."""
    _, i, j = np.intersect1d(a.name, b.name, assume_unique=True, return_indices=True)
    same = (a.xy[i] == b.xy[j]).all(axis=1)
    return i[same], j[same]


def _cut(rings: Rings, node: NDArray[np.bool_]) -> Arcs:
    """Return the arcs between nodes; a ring without nodes is one arc from its first vertex."""
    start, size = rings.start, np.diff(rings.start)
    ring = np.repeat(np.arange(len(size)), size)
    at = np.flatnonzero(node)
    some, where = np.unique(ring[at], return_index=True)
    turn = np.zeros(len(size), np.int64)
    turn[some] = at[where] - start[some]
    order = start[ring] + (np.arange(start[-1]) - start[ring] + turn[ring]) % size[ring]
    xy, begins = rings.xy[order], node[order]
    begins[start[:-1]] = True
    first = np.flatnonzero(begins)
    end = np.append(first[1:], len(xy))  # where an arc ends, the next begins, or its ring
    close = np.where(np.isin(end, start), start[ring[first]], end % len(xy))
    arc = np.insert(np.cumsum(begins) - 1, end, np.arange(len(first)))
    return Arcs(shapely.linestrings(np.insert(xy, end, xy[close], axis=0), indices=arc), ring[first])


def _join(lines: Any, arcs: Arcs) -> Any:
    """Return the area that thinned arcs bound; a hole thinner than the tolerance is filled."""
    xy, arc = shapely.get_coordinates(lines, return_index=True)
    keep = np.append(arc[1:] == arc[:-1], False)  # the end of an arc is the beginning of the next
    xy, ring = xy[keep], arcs.ring[arc[keep]]
    wide = np.bincount(ring)[ring] > 2
    return _assemble(xy[wide], ring[wide])


def _assemble(xy: Floats, ring: Ints) -> Any:
    """Return the area of rings that run with the inside on their left."""
    rings = shapely.linearrings(xy, indices=np.unique(ring, return_inverse=True)[1])
    filled = shapely.polygons(rings)
    shell = shapely.is_ccw(rings)
    shells, holes = filled[shell], rings[~shell]
    if len(shells) == 1:
        return shapely.polygons(rings[shell][0], holes=list(holes)) if len(holes) else shells[0]
    owner = _owners(shells, holes)
    parts = [
        shapely.polygons(ring, holes=list(holes[owner == i])) if (owner == i).any() else shells[i]
        for i, ring in enumerate(rings[shell])
    ]
    return shapely.multipolygons(parts)


def _owners(shells: Any, holes: Any) -> Ints:
    """Return the smallest shell about each hole."""
    hole, shell = shapely.STRtree(shells).query(shapely.get_point(holes, 0), predicate="within")
    order = np.lexsort((shapely.area(shells)[shell], hole))
    owner = np.zeros(len(holes), dtype=np.int64)
    first = np.unique(hole[order], return_index=True)[1]
    owner[hole[order][first]] = shell[order][first]
    return owner
