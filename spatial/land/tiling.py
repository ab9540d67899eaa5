"""How do lines become a tiling: polygons that share every vertex of their common borders?

A tiling here is an array of polygons whose vertices lie on one grid (``scale`` steps per unit), so that a border
between two of them is the same run of segments on both sides. That makes adjacency exact integer arithmetic.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Segments:
    """Straight pieces of border: ``first`` < ``second`` index the polygons on both sides (-1: nothing outside).

    ``start`` and ``end`` are (n, 2) coordinates in the units of the tiling.
    """

    first: Ints
    second: Ints
    start: Floats
    end: Floats

    @property
    def length(self) -> Floats:
        """Length of each piece, in the units of the tiling."""
        length: Floats = np.hypot(*(self.end - self.start).T)
        return length

    def pick(self, keep: NDArray[np.bool_]) -> "Segments":
        """Return the pieces where ``keep`` is true."""
        return Segments(self.first[keep], self.second[keep], self.start[keep], self.end[keep])

    def regroup(self, groups: Ints) -> tuple["Segments", NDArray[np.bool_]]:
        """Return the pieces that remain once polygons have joined into groups, and which of these they are."""
        first, outer = groups[self.first], self.second < 0
        second = np.where(outer, -1, groups[self.second])
        keep = first != second
        swap = ~outer & (second < first)
        first, second = np.where(swap, second, first), np.where(swap, first, second)
        return Segments(first, second, self.start, self.end).pick(keep), keep


def build_faces(lines: Any, *, grid: float) -> Any:
    """Return the polygons enclosed by lines, noded together and snapped to a grid once.

    Snap rounding (Hobby 1999, as in GEOS OverlayNG) nodes every crossing on the grid, so the faces share all vertices.
    Lines that end inside a face do not cut it. Faces come sorted west to east, then north to south.
    """
    noded = shapely.union_all(lines, grid_size=grid)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    return sort_polygons(shapely.normalize(faces))


def sort_polygons(polygons: Any) -> Any:
    """Return polygons sorted by their bounds: west to east, then north to south, then by the far corner."""
    if len(polygons) == 0:
        return polygons
    west, south, east, north = shapely.bounds(polygons).T
    return polygons[np.lexsort([south, east, -north, west])]


def find_segments(polygons: Any, *, scale: float) -> Segments:
    """Return every border segment of a tiling, with the polygons on both sides.

    Vertices are compared after ``rint(coordinate * scale)``.
    """
    rings, of_polygon = shapely.get_rings(polygons, return_index=True)
    xy, of_ring = shapely.get_coordinates(rings, return_index=True)
    grid = np.rint(xy * scale).astype(np.int64)
    inside = (of_ring[1:] == of_ring[:-1]) & (grid[1:] != grid[:-1]).any(axis=1)
    start, end = np.flatnonzero(inside), np.flatnonzero(inside) + 1
    flip = (grid[start, 0] > grid[end, 0]) | ((grid[start, 0] == grid[end, 0]) & (grid[start, 1] > grid[end, 1]))
    start, end = np.where(flip, end, start), np.where(flip, start, end)
    owner = of_polygon[of_ring[start]].astype(np.int64)
    key = np.column_stack([grid[start], grid[end]])
    order = np.lexsort([owner, key[:, 3], key[:, 2], key[:, 1], key[:, 0]])
    start, end, owner, key = start[order], end[order], owner[order], key[order]
    fresh = np.ones(len(key), dtype=bool)
    fresh[1:] = (key[1:] != key[:-1]).any(axis=1)
    heads = np.flatnonzero(fresh)
    paired = np.append(heads[1:], len(key)) - heads == 2
    second = np.full(len(heads), -1, dtype=np.int64)
    second[paired] = owner[heads[paired] + 1]
    first = owner[heads]
    swap = paired & (second < first)
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    return Segments(first, second, xy[start[heads]], xy[end[heads]])


def dissolve(polygons: Any, groups: Ints) -> Any:
    """Return one geometry per group number 0..n-1: the union of its polygons, with all shared vertices kept.

    A group whose polygons do not touch comes back in several parts.
    """
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(groups.max() + 2 if len(groups) else 1))
    out = np.empty(len(starts) - 1, dtype=object)
    for number, (low, high) in enumerate(pairwise(starts)):
        members = polygons[order[low:high]]  # one union per group: groups differ in size, so no array call fits
        out[number] = members[0] if len(members) == 1 else shapely.coverage_union_all(members)
    return out


def connected_groups(count: int, first: Ints, second: Ints) -> Ints:
    """Return a group number per item: items linked by a pair share one; groups are numbered by their lowest item."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(count, count))
    _, label = connected_components(links, directed=False)
    _, lowest = np.unique(label, return_index=True)
    rank = np.empty(len(lowest), dtype=np.int64)
    rank[label[np.sort(lowest)]] = np.arange(len(lowest))
    group: Ints = rank[label]
    return group


def find_root(parent: list[int], item: int) -> int:
    """Return the item that stands for the group of this one, given each item's parent; shortens the way to it."""
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


def locate(points: Any, polygons: Any) -> Ints:
    """Return for each point the index of the polygon that holds it, the lowest on a border, the nearest outside all."""
    tree = shapely.STRtree(polygons)
    which, where = tree.query(points, predicate="intersects")
    found = np.full(len(points), -1, dtype=np.int64)
    order = np.lexsort([-where, which])  # the lowest index is written last
    found[which[order]] = where[order]
    lost = np.flatnonzero(found < 0)
    if len(lost) and len(polygons):
        found[lost] = tree.nearest(np.asarray(points)[lost])
    return found
