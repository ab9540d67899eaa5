"""Do the grids tile the adopted area, edge to edge and without slivers? Rules T1 to T8 and T12."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely

from spatial.crs import LONLAT_DECIMALS, to_lonlat, to_metres
from spatial.plan.defect import Defect
from spatial.plan.model import Plan
from spatial.plan.shapes import areas_of, lines_of
from spatial.profile import CheckRules

# Numerical tolerances: what rounding alone may leave behind, well below what anyone can measure on the ground.
_AREA_TOLERANCE_M2 = 0.01
_LENGTH_TOLERANCE_M = 0.01  # one step of the served decimals
_ROUND_TRIP_M = 1e-6  # metres to lon/lat and back again
_M_PER_DEGREE = 111_320.0  # along a meridian, to turn square degrees into square metres for that comparison


def check_topology(plan: Plan) -> Iterator[Defect]:
    """Yield what is wrong with the geometry of the grids.

    A defect is told once: an edge that does not match is told as the overlap or gap that it touches, a hole that
    nothing fills as the gap. Grids of invalid geometry (T1) are looked at no further, but for the land they hold.
    """
    grids = plan.grids.sort_values("grid_id")
    ids, shapes = grids["grid_id"].to_numpy(dtype=object), grids.geometry.to_numpy()
    valid = shapely.is_valid(shapes)
    yield from _invalid(ids[~valid], shapes[~valid])
    land = np.where(valid, shapes, shapely.make_valid(shapes))
    overlaps = _overlap_shapes(land)
    yield from _overlapping(ids, overlaps)
    gaps = _gap_shapes(land, plan.area)
    yield from _missing(gaps)
    yield from tell_parts(ids[valid], shapes[valid])
    yield from _unmatched(ids[valid], shapes[valid], [*gaps, *(shape for _, _, shape in overlaps)])
    yield from tell_slivers(ids[valid], shapes[valid], plan.profile.checks)
    yield from tell_holes(plan, ids[valid], shapes[valid])
    yield from _unrounded(plan, ids[valid], shapes[valid])


def is_tiling(shapes: Any, area: Any, crs: Any) -> bool:
    """Tell whether areas, and all unions of them, surely keep T1, T3, T4, T6 and T12; False where that is not told.

    Areas of a valid coverage share no land and match edge by edge, so their union is that of their outer edges: it is
    made in a small part of the time in which ``check_topology`` looks at every pair.
    """
    if not (len(shapes) and shapely.is_valid(shapes).all() and shapely.coverage_is_valid(shapes)):
        return False
    lonlat = to_lonlat(shapes, crs)
    off = shapely.get_coordinates(shapes) - shapely.get_coordinates(to_metres(lonlat, crs))
    if np.hypot(*off.T).max() > _ROUND_TRIP_M or not shapely.coverage_is_valid(lonlat):
        return False
    apart = shapely.symmetric_difference(shapely.coverage_union_all(shapes), area)
    missing = shapely.symmetric_difference(shapely.coverage_union_all(lonlat), to_lonlat(area, crs))
    lost_m2 = _square_metres(missing, lonlat[0])
    return bool(apart.area <= _AREA_TOLERANCE_M2 and lost_m2 <= _AREA_TOLERANCE_M2)


def _square_metres(degrees: Any, near: Any) -> float:
    """Return about how many square metres an area in degrees has that lies near another one."""
    return float(degrees.area * _M_PER_DEGREE**2 * np.cos(np.radians(near.centroid.y)))


def _invalid(ids: Any, shapes: Any) -> Iterator[Defect]:
    for grid_id, shape in zip(ids, shapes, strict=True):  # GEOS explains one geometry at a time
        reason = shapely.is_valid_reason(shape)
        found = re.search(r"\[(\S+) (\S+)\]", reason)
        where = shapely.Point(float(found[1]), float(found[2])) if found else shapely.Point(shape.bounds[:2])
        yield Defect("T1", "error", grid_id, f"geometry is not valid: {reason.split('[')[0].lower()}", where)


def _overlap_shapes(shapes: Any) -> list[tuple[int, int, Any]]:
    """Return the pairs of grids that share land, with that land."""
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    shared = shapely.intersection(shapes[first], shapes[second])
    hit = np.flatnonzero(shapely.area(shared) > _AREA_TOLERANCE_M2)
    return [(int(first[k]), int(second[k]), areas_of(shared[k])) for k in hit]


def _overlapping(ids: Any, overlaps: list[tuple[int, int, Any]]) -> Iterator[Defect]:
    for i, j, shared in overlaps:
        message = f"shares {shared.area:.2f} m2 with grid {ids[j]}"
        yield Defect("T3", "error", str(ids[i]), message, shared)


def _gap_shapes(shapes: Any, area: Any) -> list[Any]:
    gaps = shapely.get_parts(areas_of(shapely.difference(area, shapely.union_all(shapes))))
    return [gap for gap in gaps if gap.area > _AREA_TOLERANCE_M2]


def _missing(gaps: list[Any]) -> Iterator[Defect]:
    for gap in gaps:
        x, y = gap.representative_point().coords[0]
        message = f"{gap.area:.2f} m2 of the adopted area lie in no grid, at {x:.1f}, {y:.1f}"
        yield Defect("T4", "error", "area", message, gap)


def tell_parts(ids: Any, shapes: Any) -> Iterator[Defect]:
    """Yield the grids of several parts (T2)."""
    several = np.flatnonzero(shapely.get_num_geometries(shapes) > 1)
    for k in several:
        parts = sorted(shapely.get_parts(shapes[k]), key=lambda part: -part.area)
        away = shapely.multipolygons(parts[1:]) if len(parts) > 2 else parts[1]
        message = f"has {len(parts)} parts; {away.area:.0f} m2 lie apart from the largest"
        yield Defect("T2", "error", ids[k], message, away)


def _unmatched(ids: Any, shapes: Any, told: list[Any]) -> Iterator[Defect]:
    if shapely.coverage_is_valid(shapes):
        return
    edges = shapely.coverage_invalid_edges(shapes)
    near = shapely.union_all(shapely.buffer(np.array(told, dtype=object), _LENGTH_TOLERANCE_M)) if told else None
    for k in np.flatnonzero(shapely.length(edges) > 0):
        left = _segments_apart(edges[k], near)
        if left.length > 0:
            message = f"{left.length:.2f} m of its border do not match the neighbour vertex by vertex"
            yield Defect("T6", "error", ids[k], message, left)


def _segments_apart(edges: Any, near: Any) -> Any:
    """Return the single segments of lines that do not touch what was told already."""
    lines = [shapely.get_coordinates(line) for line in shapely.get_parts(edges)]
    ends = np.concatenate([np.stack([xy[:-1], xy[1:]], axis=1) for xy in lines])
    segments = shapely.linestrings(ends)
    kept = segments if near is None else segments[~shapely.intersects(segments, near)]
    return lines_of(shapely.MultiLineString(list(kept)))


def tell_slivers(ids: Any, shapes: Any, rules: CheckRules) -> Iterator[Defect]:
    """Yield the grids that are too small or too thin (T7)."""
    area = shapely.area(shapes)
    thinness = 4 * np.pi * area / shapely.length(shapes) ** 2
    least_m2, least = rules.sliver_area_m2, rules.sliver_thinness
    for k in np.flatnonzero((area < least_m2) | (thinness < least)):
        message = f"area {area[k]:.0f} m2 (at least {least_m2:g}), thinness {thinness[k]:.3f} (at least {least:g})"
        yield Defect("T7", "error" if area[k] < least_m2 else "warning", ids[k], message, shapes[k])


def tell_holes(plan: Plan, ids: Any, shapes: Any) -> Iterator[Defect]:
    """Yield the grids in whose holes other than dedicated grids lie (T8)."""
    kinds = dict(zip(plan.grids["grid_id"], plan.grids["kind"], strict=True))
    tree = shapely.STRtree(shapes)
    for k, shape in enumerate(shapes):  # holes are rare, and each has its own neighbours
        for hole in list_holes(shape):
            inside = [int(j) for j in tree.query(hole, predicate="intersects") if j != k]
            inside = [j for j in inside if shapely.intersection(shapes[j], hole).area > _AREA_TOLERANCE_M2]
            others = sorted(str(ids[j]) for j in inside if kinds[ids[j]] != "dedicated")
            if others:
                message = f"a hole of {hole.area:.0f} m2 holds grid {', '.join(others)}"
                yield Defect("T8", "warning", ids[k], message, hole)


def list_holes(shape: Any) -> list[Any]:
    """Return the holes of an area as polygons."""
    rings = [ring for part in shapely.get_parts(shape) for ring in part.interiors]
    return [shapely.Polygon(ring) for ring in rings]


def _unrounded(plan: Plan, ids: Any, shapes: Any) -> Iterator[Defect]:
    """Yield grids off the served decimals, and then, only if all are on them, what rounding does to the tiling."""
    lonlat = to_lonlat(shapes, plan.crs)
    back = to_metres(lonlat, plan.crs)
    off = False
    for k, (shape, again) in enumerate(zip(shapes, back, strict=True)):  # rings differ in length from grid to grid
        apart = np.hypot(*(shapely.get_coordinates(shape) - shapely.get_coordinates(again)).T)
        if apart.max() > _ROUND_TRIP_M:
            off = True
            where = shapely.Point(shapely.get_coordinates(shape)[int(apart.argmax())])
            message = (
                f"{int((apart > _ROUND_TRIP_M).sum())} vertices are up to {1000 * apart.max():.3f} mm off the grid"
            )
            yield Defect("T12", "error", ids[k], f"{message} of {LONLAT_DECIMALS} decimals", where)
    if not off and len(shapes) == len(plan.grids):
        yield from _rounded_tiling(plan, shapes, lonlat)


def _rounded_tiling(plan: Plan, shapes: Any, lonlat: Any) -> Iterator[Defect]:
    if shapely.coverage_is_valid(shapes) and not shapely.coverage_is_valid(lonlat):
        edges = shapely.coverage_invalid_edges(lonlat)
        where = to_metres(shapely.multilinestrings(shapely.get_parts(edges[shapely.length(edges) > 0])), plan.crs)
        yield Defect("T12", "error", "area", "grids no longer match edge by edge after rounding", lines_of(where))
        return
    missing = shapely.symmetric_difference(shapely.union_all(lonlat), to_lonlat(plan.area, plan.crs))
    lost_m2 = _square_metres(missing, lonlat[0])
    before_m2 = shapely.symmetric_difference(shapely.union_all(shapes), plan.area).area
    if lost_m2 > _AREA_TOLERANCE_M2 >= before_m2:
        message = f"grids and adopted area differ by {lost_m2:.2f} m2 after rounding"
        yield Defect("T12", "error", "area", message, to_metres(missing.representative_point(), plan.crs))
