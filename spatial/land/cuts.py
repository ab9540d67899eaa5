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

from spatial.land.tiling import Floats, Ints, build_faces, connected_groups
from spatial.profile import Profile

_NOBODY = -1
_SEED_SPACING_M = 2.0
_SEED_INSET_M = 0.3
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


@dataclass(frozen=True, slots=True)
class Parts:
    """Faces after cutting: polygons that tile them, the face of each, and whether anyone lives there by label."""

    polygons: Any
    face: Ints
    is_cut: NDArray[np.bool_]


def cut_faces(faces: Any, seeds: Seeds, inner_lines: Any, profile: Profile) -> Parts:
    """Return the parts of all faces.

    A face is cut between its estates, and inside an estate (or among the buildings of no estate) where that holds more
    households than the ceiling and ``cut_oversize`` allows it. Points of estates nearer than ``share_block_m`` share a
    part.
    """
    order = np.argsort(seeds.face, kind="stable")
    starts = np.searchsorted(seeds.face[order], np.arange(len(faces) + 1))
    lines_of = _lines_by_face(faces, inner_lines)
    polygons, owner, is_cut = [], [], []
    for i, face in enumerate(faces):  # faces differ in what stands on them
        members = order[starts[i] : starts[i + 1]]
        labels, cells = _label(face, members, seeds, lines_of[i], profile)
        if len(set(labels[labels >= 0])) < 2:
            polygons.append(face)
            owner.append(i)
            is_cut.append(False)
            continue
        pieces = _cut(cells, labels, seeds.footprints[members])
        polygons += pieces
        owner += [i] * len(pieces)
        is_cut += [True] * len(pieces)
    out = np.empty(len(polygons), dtype=object)
    out[:] = polygons
    return Parts(out, np.array(owner, dtype=np.int64), np.array(is_cut, dtype=bool))


def _lines_by_face(faces: Any, lines: Any) -> list[Any]:
    """Lines that touch each face."""
    if len(lines) == 0 or len(faces) == 0:
        return [lines] * len(faces)
    face, line = shapely.STRtree(lines).query(faces, predicate="intersects")
    order = np.lexsort([line, face])
    starts = np.searchsorted(face[order], np.arange(len(faces) + 1))
    return [lines[line[order[low:high]]] for low, high in pairwise(starts)]


def _label(face: Any, members: Ints, seeds: Seeds, lines: Any, profile: Profile) -> tuple[Ints, Any]:
    """Return a label per member, -1 for buildings nobody lives in, and the cells between the inner lines."""
    households = seeds.households[members]
    lived = households > 0
    groups = _group(members, seeds, lived, profile.land.share_block_m)
    totals = np.bincount(groups[lived], weights=households[lived]) if lived.any() else np.zeros(0)
    ceiling = profile.grid.ceiling_households
    crowded = profile.land.cut_oversize and households.sum() > ceiling
    if len(totals) < 2 and not crowded:
        return groups, np.array([face], dtype=object)
    cells = _inner_cells(face, lines)
    if not crowded:
        return groups, cells
    places = shapely.point_on_surface(seeds.footprints[members])
    cell = _nearest(places, cells)
    labels = np.full(len(members), _NOBODY, dtype=np.int64)
    fresh = 0
    for group in range(len(totals)):
        mine = np.flatnonzero(groups == group)
        if totals[group] <= ceiling:
            labels[mine] = fresh
            fresh += 1
            continue
        for number in np.unique(cell[mine]):
            inside = mine[cell[mine] == number]
            xy = shapely.get_coordinates(places[inside])
            heap = _bisect(xy, households[inside], profile.grid.target_households)
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


def _bisect(xy: Floats, households: Ints, target: int) -> Ints:
    """Return heap numbers: buildings halved along their long axis until no heap exceeds the target.

    Heaps above the target are halved down to half of it, so that a grid can be put together from two or three.
    """
    heap = np.zeros(len(xy), dtype=np.int64)
    if households.sum() <= target:
        return heap
    waiting, fresh = [np.arange(len(xy))], 1
    while waiting:
        items = waiting.pop()
        if len(items) < 2 or households[items].sum() <= target / 2:
            continue
        centred = xy[items] - np.average(xy[items], axis=0, weights=households[items])
        axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
        axis = axis * (1.0 if (axis[0], axis[1]) > (0.0, 0.0) else -1.0)
        along = items[np.lexsort([xy[items, 1], xy[items, 0], np.round(centred @ axis, 3)])]
        share = np.cumsum(households[along]) - households[along] / 2
        at = int(np.clip(np.searchsorted(share, households[items].sum() / 2), 1, len(along) - 1))
        heap[along[at:]] = fresh
        fresh += 1
        waiting += [along[:at], along[at:]]
    return np.unique(heap, return_inverse=True)[1].astype(np.int64)


def _inner_cells(face: Any, lines: Any) -> Any:
    """Return the face cut along its inner lines."""
    if len(lines) == 0:
        return np.array([face], dtype=object)
    inner = shapely.intersection(lines, face)
    cells = build_faces(np.append(inner, shapely.boundary(face)), grid=_MILLIMETRE)
    kept = cells[shapely.intersects(face, shapely.point_on_surface(cells))]
    return kept if len(kept) else np.array([face], dtype=object)


def _nearest(places: Any, polygons: Any) -> Ints:
    nearest: Ints = shapely.STRtree(polygons).nearest(places).astype(np.int64)
    return nearest


def _cut(cells: Any, labels: Ints, footprints: Any) -> list[Any]:
    """Return pieces of the cells such that no piece holds two labels."""
    lived = labels >= 0
    labels = labels.copy()
    if (~lived).any():  # a cut must not run through a building nobody lives in, so it goes with its nearest neighbour
        labels[~lived] = labels[lived][shapely.STRtree(footprints[lived]).nearest(footprints[~lived])]
    cell = _nearest(shapely.point_on_surface(footprints), cells)
    pieces: list[Any] = []
    for number, polygon in enumerate(cells):
        mine = cell == number
        if len(set(labels[mine])) < 2:
            pieces.append(polygon)
        else:
            pieces += _split_between(polygon, footprints[mine], labels[mine])
    return pieces


def _split_between(cell: Any, footprints: Any, labels: Ints) -> list[Any]:
    """Return the parts of a cell that are nearest to each label's footprints (Voronoi of their outlines)."""
    shrunk = shapely.buffer(footprints, -_SEED_INSET_M)
    solid = np.where(shapely.is_empty(shrunk), footprints, shrunk)
    xy, owner = shapely.get_coordinates(shapely.segmentize(solid, _SEED_SPACING_M), return_index=True)
    _, once = np.unique(np.round(xy, 3), axis=0, return_index=True)
    once.sort()
    xy, owner = np.round(xy[once], 3), owner[once]
    if len(xy) < 2:
        return [cell]
    regions = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(xy), extend_to=cell, ordered=True))
    pieces = []
    for label in np.unique(labels):
        near = shapely.coverage_union_all(regions[np.isin(owner, np.flatnonzero(labels == label))])
        piece = shapely.intersection(cell, near)
        pieces += [p for p in shapely.get_parts(piece) if p.geom_type == "Polygon" and p.area > 0]
    return pieces
