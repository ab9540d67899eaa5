"""Which areas do barriers enclose, before anybody's households are looked at?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.errors import InputError
from spatial.land.barriers import ENCLOSING, grade_segments, index_barriers
from spatial.land.rim import reach_rim
from spatial.land.slivers import merge_scraps
from spatial.land.tiling import Ints, build_faces, dissolve, find_segments, locate
from spatial.land.verges import Ground, share_verges
from spatial.profile import Profile

_GRID_M = 1e-3
_THROUGH_STRENGTH = 0.8
"""A street of at least this strength is not a closed estate's own, whatever the outline of the estate says."""
_INSET_M = 1.0
_BRUSH_M = 10.0
"""Outlines drawn by hand reach over the middle of the street by no more than this."""
_ON_LINE_M = 1.0


@dataclass(frozen=True, slots=True)
class Faces:
    """Areas between barriers, in metres.

    ``community`` indexes ``community_ids``; ``estate`` is the row of the estate whose outline a face is, or -1;
    ``inner_lines`` are the barriers too weak, or too much an estate's own, to bound a face; ``streets`` those that do
    wherever they enclose land.
    """

    polygons: Any
    community: Ints
    community_ids: NDArray[np.object_]
    estate: Ints
    inner_lines: Any
    streets: Any
    report: Mapping[str, Any]


def draw_faces(communities: Any, barriers: Any, estates: Any, profile: Profile) -> Faces:
    """Return the faces that barriers, community lines and estate outlines enclose, however small.

    Streets (unless they are tertiary or stronger) and walls inside the outline of a closed estate do not cut it.

    Raises
    ------
    InputError
        If the area encloses nothing.
    """
    if communities.empty:
        raise InputError("the area: found no outline that encloses land, needed at least one polygon")
    rows = communities.sort_values("community_id")
    ids, shapes = rows["community_id"].to_numpy(dtype=object), rows.geometry.to_numpy()
    lines, inner = _split_barriers(barriers, _closed_outlines(estates, profile), shapes, profile)
    hard = barriers.loc[~barriers["kind"].isin(ENCLOSING) & (barriers["strength"] >= profile.land.face_strength)]
    streets = lines
    lines = np.append(lines, reach_rim(hard.geometry.to_numpy(), shapely.union_all(shapes), profile.land.verge_m))
    polygons = _outlines(estates)
    fences = shapely.boundary(polygons[np.unique(shapely.STRtree(shapes).query(polygons, predicate="intersects")[0])])
    cells = build_faces(np.concatenate([lines, shapely.boundary(shapes), fences]), grid=_GRID_M)
    community = _inside(cells, shapes)
    cells, community = cells[community >= 0], community[community >= 0]
    if len(cells) == 0:
        raise InputError("the area: found no outline that encloses land, needed at least one polygon")
    return Faces(cells, community, ids, _smallest_estate(cells, estates), inner, streets, {"barriers": len(barriers)})


def settle_faces(faces: Faces, barriers: Any, places: Any, buildings: Any, profile: Profile) -> Faces:
    """Return the faces after verges have gone to what they lie along, and slivers and artifacts to a neighbour.

    ``places`` are the points where households live, ``buildings`` all footprints, ``barriers`` those with outlines.
    """
    drawn = len(faces.polygons)
    taken = _count(places, faces.polygons) | (faces.estate >= 0)
    segments = find_segments(faces.polygons, scale=1 / _GRID_M)
    hard = barriers.loc[~barriers["kind"].isin(ENCLOSING)]
    soft = grade_segments(segments, index_barriers(hard), tolerance_m=_ON_LINE_M)["strength"] == 0
    ground = Ground(faces.polygons, taken, buildings)
    polygons, old = share_verges(ground, segments, soft, rules=profile.land, grid=_GRID_M)
    community, estate = faces.community[old], faces.estate[old]
    segments = find_segments(polygons, scale=1 / _GRID_M)
    strength = grade_segments(segments, index_barriers(barriers), tolerance_m=_ON_LINE_M)["strength"]
    lived = _count(places, polygons)
    group = merge_scraps(polygons, segments, strength, lived=lived, realm=community, rules=profile.land)
    largest = find_largest(polygons, group)
    merged = dissolve(polygons, group)
    return Faces(
        polygons=merged,
        community=community[largest],
        community_ids=faces.community_ids,
        estate=estate[largest],
        inner_lines=faces.inner_lines,
        streets=faces.streets,
        report={**faces.report, "faces_drawn": drawn, "faces": len(merged)},
    )


def find_largest(polygons: Any, group: Ints) -> Ints:
    """Return the index of the largest polygon of each group."""
    order = np.lexsort([np.arange(len(polygons)), -shapely.area(polygons), group])
    largest: Ints = order[np.searchsorted(group[order], np.arange(group.max() + 1))]
    return largest


def _count(places: Any, polygons: Any) -> NDArray[np.bool_]:
    """Tell which polygons hold a place."""
    held: NDArray[np.bool_] = np.bincount(locate(places, polygons), minlength=len(polygons)) > 0
    return held


def _outlines(estates: Any) -> Any:
    return estates.geometry.to_numpy()[(estates.geometry.geom_type != "Point").to_numpy()]


def _closed_outlines(estates: Any, profile: Profile) -> Any:
    """Outlines of the estates that keep their streets to themselves."""
    access = estates["access"].replace("unknown", profile.land.unknown_access)
    return _outlines(estates.loc[access == "gated"])


def _split_barriers(barriers: Any, closed: Any, shapes: Any, profile: Profile) -> tuple[Any, Any]:
    """Return the lines that bound faces, and those that may only guide a cut inside one."""
    near = shapely.intersects(barriers.geometry.to_numpy(), shapely.box(*shapely.total_bounds(shapes)))
    lines, strength = barriers.geometry.to_numpy()[near].copy(), barriers["strength"].to_numpy()[near]
    enclosing = barriers["kind"].isin(ENCLOSING).to_numpy()[near]
    outer = strength >= profile.land.face_strength
    weak = lines[~outer]
    own = np.flatnonzero(outer & ((strength < _THROUGH_STRENGTH) | enclosing))
    core = shapely.buffer(closed, -_INSET_M)
    which, where = shapely.STRtree(core).query(lines[own], predicate="intersects")
    chains, along = _chain_own(lines[own], which, core, where)
    for i in np.unique(which):  # few: only lines that enter an estate
        lines[own[i]] = shapely.difference(lines[own[i]], shapely.union_all(core[where[which == i]]))
    kept = np.concatenate([shapely.get_parts(lines[outer]), chains[along]])
    return kept[~shapely.is_empty(kept)], np.concatenate([weak, chains[~along]])


def _chain_own(lines: Any, which: Ints, core: Any, where: Ints) -> tuple[Any, NDArray[np.bool_]]:
    """Return the chains of lines inside estates, and whether each only brushes the estate's rim.

    One that comes in and goes out again, never deeper than ``_BRUSH_M``, is a street that the outline overlaps; any
    other is the estate's own.
    """
    inside = shapely.intersection(lines[which], core[where])
    chains: list[Any] = []
    along: list[bool] = []
    for estate in np.unique(where):  # few: only estates that lines enter
        merged = shapely.get_parts(shapely.line_merge(shapely.union_all(inside[where == estate])))
        merged = merged[shapely.get_dimensions(merged) == 1]
        rim = shapely.boundary(core[estate])
        xy, chain = shapely.get_coordinates(shapely.segmentize(merged, _BRUSH_M), return_index=True)
        depth = np.zeros(len(merged))
        np.maximum.at(depth, chain, shapely.distance(rim, shapely.points(xy)))
        ends = np.stack([shapely.get_point(merged, 0), shapely.get_point(merged, -1)])
        touches = (shapely.distance(rim, ends) < _GRID_M).all(axis=0)
        chains += merged.tolist()
        along += (touches & (depth <= _BRUSH_M)).tolist()
    out = np.empty(len(chains), dtype=object)
    out[:] = chains
    return out, np.array(along, dtype=bool)


def _inside(cells: Any, shapes: Any) -> Ints:
    """Index of the community that holds each cell (the first, where two overlap), -1 outside all."""
    which, where = shapely.STRtree(shapes).query(shapely.point_on_surface(cells), predicate="intersects")
    found = np.full(len(cells), -1, dtype=np.int64)
    order = np.lexsort([-where, which])
    found[which[order]] = where[order]
    return found


def _smallest_estate(cells: Any, estates: Any) -> Ints:
    """Row of the smallest estate outline that holds each cell, -1 for none."""
    rows = np.flatnonzero((estates.geometry.geom_type != "Point").to_numpy())
    found = np.full(len(cells), -1, dtype=np.int64)
    if len(rows):
        shapes = estates.geometry.to_numpy()[rows]
        which, where = shapely.STRtree(shapes).query(shapely.point_on_surface(cells), predicate="intersects")
        order = np.lexsort([estates["estate_id"].to_numpy(dtype=str)[rows[where]], -shapely.area(shapes)[where]])
        found[which[order]] = rows[where[order]]
    return found
