"""Where is a face cut that holds several estates, or more households than a grid may have?

A cut follows the inner roads, paths and fences of the face where these separate what is to be separated, and runs
midway between buildings (or estate points) elsewhere. It never runs through a building. Households are
never spread by area: a face whose households all stand on one point is never cut.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.land.rim import prolong
from spatial.land.splits import bisect, split_between
from spatial.land.tiling import Ints, build_faces, connected_groups
from spatial.profile import Profile

_NOBODY = -1
_SPACING_M = 2.0
_NARROW_M = 40.0
_PROLONG_M = 200.0
_MILLIMETRE = 1e-3


@dataclass(frozen=True, slots=True)
class Seeds:
    """What stands in the faces: demand first, then buildings without households (their ``households`` are 0)."""

    footprints: Any
    face: Ints
    households: Ints
    estate: NDArray[np.object_]
    is_point: NDArray[np.bool_]
    """Known only by a point (an estate without outline or buildings)."""
    is_closed: NDArray[np.bool_]
    """Of a gated estate."""
    is_one: NDArray[np.bool_]
    """Per face: the outline of a gated estate, where whoever lives there belongs together."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Faces after cutting: polygons that tile them, the face of each, and whether that was cut.

    Parts of one ``unit`` that touch are one block-to-be.
    """

    polygons: Any
    face: Ints
    unit: Ints
    is_cut: NDArray[np.bool_]


def cut_faces(faces: Any, seeds: Seeds, inner_lines: Any, streets: Any, profile: Profile) -> Parts:
    """Return the parts of all faces.

    Cuts follow ``inner_lines`` and those of the ``streets`` that end inside a face, prolonged to its edge.

    A face is cut between its estates, and inside an estate (or among the buildings of no estate) where that holds more
    households than the ceiling and ``cut_oversize`` allows it; where closed estates are units of their own
    (``two_phase_estates``) they stay whole. Points of estates nearer than ``share_block_m`` share a part.
    """
    order = np.argsort(seeds.face, kind="stable")
    starts = np.searchsorted(seeds.face[order], np.arange(len(faces) + 1))
    lines_of, streets_of = _lines_by_face(faces, inner_lines), _lines_by_face(faces, streets)
    rows: list[tuple[int, int, Any]] = []
    for i, face in enumerate(faces):  # faces differ in what stands on them
        members = order[starts[i] : starts[i + 1]]
        labels, cells = _label(i, face, members, seeds, (lines_of[i], streets_of[i]), profile)
        cut = len(set(labels[labels >= 0])) > 1
        rows += [(i, *row) for row in (_cut(cells, labels, seeds.footprints[members]) if cut else [(_NOBODY, face)])]
    owner = np.array([row[0] for row in rows], dtype=np.int64)
    label = np.array([row[1] for row in rows], dtype=np.int64)
    polygons = np.empty(len(rows), dtype=object)
    polygons[:] = [row[2] for row in rows]
    key = np.column_stack([owner, label, np.where(label == _NOBODY, np.arange(len(rows)), 0)])
    unit = np.unique(key, axis=0, return_inverse=True)[1].ravel().astype(np.int64)
    return Parts(polygons, owner, unit, (np.bincount(owner, minlength=len(faces)) > 1)[owner])


def _lines_by_face(faces: Any, lines: Any) -> list[Any]:
    """Lines that touch each face."""
    if len(lines) == 0 or len(faces) == 0:
        return [lines] * len(faces)
    face, line = shapely.STRtree(lines).query(faces, predicate="intersects")
    order = np.lexsort([line, face])
    starts = np.searchsorted(face[order], np.arange(len(faces) + 1))
    return [lines[line[order[low:high]]] for low, high in pairwise(starts)]


def _label(
    number: int, face: Any, members: Ints, seeds: Seeds, lines: tuple[Any, Any], profile: Profile
) -> tuple[Ints, Any]:
    """Return a label per member, -1 for buildings nobody lives in, and the cells between the inner lines."""
    households = seeds.households[members]
    lived = households > 0
    if seeds.is_one[number]:
        groups = np.where(lived, 0, _NOBODY)
    else:
        groups = _group(members, seeds, lived, profile.land.share_block_m)
    totals = np.bincount(groups[lived], weights=households[lived]) if lived.any() else np.zeros(0)
    ceiling = profile.grid.ceiling_households
    whole = np.bincount(groups[lived], weights=seeds.is_closed[members][lived]) > 0
    crowded = (totals > ceiling) & profile.land.cut_oversize & ~(whole & profile.grid.two_phase_estates)
    if len(totals) < 2 and not crowded.any():
        return groups, np.array([face], dtype=object)
    cells = _inner_cells(face, lines, seeds.footprints[members])
    if not crowded.any():
        return groups, cells
    places = shapely.point_on_surface(seeds.footprints[members])
    cell = _nearest(places, cells)
    labels = np.full(len(members), _NOBODY, dtype=np.int64)
    fresh = 0
    for group in range(len(totals)):
        mine = np.flatnonzero(groups == group)
        if not crowded[group]:
            labels[mine] = fresh
            fresh += 1
            continue
        for here in np.unique(cell[mine]):
            inside = mine[cell[mine] == here]
            xy = shapely.get_coordinates(places[inside])
            heap = bisect(xy, households[inside], profile.grid.target_households)
            labels[inside] = fresh + heap
            fresh += int(heap.max()) + 1
    return labels, cells


def _group(members: Ints, seeds: Seeds, lived: NDArray[np.bool_], share_m: float) -> Ints:
    """Return a number per member by estate; buildings of no estate are one group; -1 where nobody lives."""
    names = seeds.estate[members].astype(str)
    _, number = np.unique(names, return_inverse=True)
    number = number.astype(np.int64)
    points = np.flatnonzero(seeds.is_point[members] & lived)
    if len(points) > 1:
        near = shapely.STRtree(seeds.footprints[members][points])
        a, b = near.query(seeds.footprints[members][points], predicate="dwithin", distance=share_m)
        number = connected_groups(number.max() + 1, number[points[a]], number[points[b]])[number]
    used = np.unique(number[lived])
    out = np.full(len(members), _NOBODY, dtype=np.int64)
    out[lived] = np.searchsorted(used, number[lived])
    return out


def _inner_cells(face: Any, lines: tuple[Any, Any], footprints: Any) -> Any:
    """Return the face cut along its inner lines; one that runs through a building ends there, so it does not cut."""
    weak, strong = (_clip(each, face) for each in lines)
    inner = np.concatenate([weak, strong, prolong(strong, face, _PROLONG_M)])
    if len(inner) == 0:
        return np.array([face], dtype=object)
    solid = footprints[shapely.get_dimensions(footprints) == 2]
    if len(solid):
        inner = shapely.difference(inner, shapely.union_all(solid))
    cells = build_faces(np.append(inner, shapely.boundary(face)), grid=_MILLIMETRE)
    kept = cells[shapely.intersects(face, shapely.point_on_surface(cells))]
    return kept if len(kept) else np.array([face], dtype=object)


def _clip(lines: Any, face: Any) -> Any:
    """Return the lines, as far as they run inside a face."""
    inside = shapely.get_parts(shapely.intersection(lines, face))
    return inside[shapely.get_dimensions(inside) == 1]


def _nearest(places: Any, polygons: Any) -> Ints:
    nearest: Ints = shapely.STRtree(polygons).nearest(places).astype(np.int64)
    return nearest


def _cut(cells: Any, labels: Ints, footprints: Any) -> list[tuple[int, Any]]:
    """Return (label, piece) pairs that tile the cells; -1 for open land between the inner lines.

    A narrow cell on which nothing stands, such as the strip between a wall and the road along it, is shared among the
    buildings beside it: whole, it would wrap one block around the others.
    """
    lived = labels >= 0
    labels = labels.copy()
    if (~lived).any():  # a cut must not run through a building nobody lives in, so it goes with its nearest neighbour
        labels[~lived] = labels[lived][shapely.STRtree(footprints[lived]).nearest(footprints[~lived])]
    cell = _nearest(shapely.point_on_surface(footprints), cells)
    narrow = 2 * shapely.length(shapely.maximum_inscribed_circle(cells, tolerance=1.0)) <= _NARROW_M
    tree, pieces = shapely.STRtree(footprints), list[tuple[int, Any]]()
    for number, polygon in enumerate(cells):
        mine = cell == number
        if mine.any():
            pieces += split_between(polygon, footprints[mine], labels[mine], spacing_m=_SPACING_M)
        elif narrow[number]:
            beside = _find_beside(polygon, tree)
            pieces += split_between(polygon, footprints[beside], labels[beside], spacing_m=2 * _SPACING_M)
        else:
            pieces.append((_NOBODY, polygon))
    return pieces


def _find_beside(cell: Any, tree: Any) -> Ints:
    """Return the footprints that are nearest to some place on the outline of a cell."""
    outline = shapely.segmentize(shapely.boundary(cell), _NARROW_M / 4)
    beside: Ints = np.unique(tree.query_nearest(shapely.points(shapely.get_coordinates(outline)))[1])
    return beside
