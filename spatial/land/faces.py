"""Which areas do barriers enclose, before anybody's households are looked at?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.errors import InputError
from spatial.land.barriers import grade_segments, index_barriers, to_barriers
from spatial.land.slivers import absorb, is_sliver
from spatial.land.tiling import Ints, build_faces, dissolve, find_segments
from spatial.profile import Profile

_GRID_M = 1e-3
_INNER_STRENGTH = 0.8
"""A street of at least this strength is not an estate's own, whatever the outline of the estate says."""
_INSET_M = 1.0


@dataclass(frozen=True, slots=True)
class Faces:
    """Areas between barriers, in metres.

    ``community`` indexes ``community_ids``; ``estate`` is the row of the estate whose outline a face is, or -1;
    ``inner_lines`` are the barriers too weak, or too much an estate's own, to bound a face.
    """

    polygons: Any
    community: Ints
    community_ids: NDArray[np.object_]
    estate: Ints
    inner_lines: Any
    report: Mapping[str, Any]


def build_street_faces(communities: Any, barriers: Any, estates: Any, profile: Profile) -> Faces:
    """Return the faces of the area: enclosed by barriers, community lines and estate outlines, slivers merged away.

    Streets inside an estate's outline, unless they are tertiary or stronger, do not cut it.

    Raises
    ------
    InputError
        If the area encloses nothing.
    """
    rows = communities.sort_values("community_id")
    ids, shapes = rows["community_id"].to_numpy(dtype=object), rows.geometry.to_numpy()
    outlines = estates.geometry.to_numpy()[(estates.geometry.geom_type != "Point").to_numpy()]
    lines, inner = _split_barriers(
        barriers, outlines, shapely.union_all(shapely.box(*shapely.bounds(shapes).T)), profile
    )
    fences = _clean_outlines(outlines, shapes)
    cells = build_faces(np.concatenate([lines, shapely.boundary(shapes), fences]), grid=_GRID_M)
    community = _inside(cells, shapes)
    cells, community = cells[community >= 0], community[community >= 0]
    if len(cells) == 0:
        raise InputError("the area: its outline encloses no land; needed at least one polygon")
    estate = _smallest_estate(cells, estates)
    scrap = is_sliver(cells, profile.land)
    segments = find_segments(cells, scale=1 / _GRID_M)
    strength = _strength(segments, barriers, fences, profile)
    group = absorb(cells, segments, strength, scrap=scrap, realm=community, rules=profile.land)
    largest = _largest(cells, group)
    return Faces(
        polygons=dissolve(cells, group),
        community=community[largest],
        community_ids=ids,
        estate=estate[largest],
        inner_lines=inner,
        report={"faces": int(group.max()) + 1, "slivers_merged": int(scrap.sum()), "barriers": len(barriers)},
    )


def _split_barriers(barriers: Any, outlines: Any, frame: Any, profile: Profile) -> tuple[Any, Any]:
    """Return the lines that bound faces, and those that may only guide a cut inside one."""
    lines, strength = barriers.geometry.to_numpy(), barriers["strength"].to_numpy()
    near = shapely.intersects(lines, frame)
    lines, strength = lines[near], strength[near]
    outer = strength >= profile.land.face_strength
    own = np.flatnonzero(outer & (strength < _INNER_STRENGTH))
    inner = [lines[~outer]]
    lines = lines.copy()
    if len(outlines) and len(own):
        shrunk = shapely.buffer(outlines, -_INSET_M)
        which, where = shapely.STRtree(shrunk).query(lines[own], predicate="intersects")
        for i in np.unique(which):  # few: only streets that enter an estate
            core = shapely.union_all(shrunk[where[which == i]])
            inner.append(shapely.get_parts(shapely.intersection(lines[own[i]], core)))
            lines[own[i]] = shapely.difference(lines[own[i]], core)
    lines = shapely.get_parts(lines[outer])
    return lines[~shapely.is_empty(lines)], np.concatenate(inner)


def _clean_outlines(outlines: Any, communities: Any) -> Any:
    """Boundaries of the estates that reach into the area."""
    if len(outlines) == 0:
        return outlines
    hit = shapely.STRtree(communities).query(outlines, predicate="intersects")[0]
    return shapely.boundary(outlines[np.unique(hit)])


def _inside(cells: Any, shapes: Any) -> Ints:
    """Index of the community that holds each cell, -1 outside all."""
    which, where = shapely.STRtree(shapes).query(shapely.point_on_surface(cells), predicate="intersects")
    found = np.full(len(cells), -1, dtype=np.int64)
    found[which[::-1]] = where[::-1]
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


def _strength(segments: Any, barriers: Any, fences: Any, profile: Profile) -> Any:
    """Strength of each border segment, estate outlines included."""
    fence_strength = profile.land.barrier_strength.get("estate", 0.0)
    parts = shapely.get_parts(fences)
    every = to_barriers(
        np.concatenate([barriers.geometry.to_numpy(), parts]),
        np.concatenate([barriers["kind"].to_numpy(dtype=object), np.full(len(parts), "estate", dtype=object)]),
        np.concatenate([barriers["strength"].to_numpy(), np.full(len(parts), fence_strength)]),
        barriers.crs,
    )
    return grade_segments(segments, index_barriers(every), tolerance_m=1.0)["strength"]


def _largest(cells: Any, group: Ints) -> Ints:
    """Index of the largest cell of each group."""
    order = np.lexsort([np.arange(len(cells)), -shapely.area(cells), group])
    return order[np.searchsorted(group[order], np.arange(group.max() + 1))]
