"""How do the parts of faces become one tiling that stays gap-free when it is served as lon/lat?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.crs import LONLAT_DECIMALS, to_lonlat, to_metres
from spatial.errors import InputError
from spatial.land.barriers import grade_segments, index_barriers
from spatial.land.cuts import Parts
from spatial.land.faces import Faces, find_largest
from spatial.land.slivers import absorb, merge_scraps
from spatial.land.tiling import Floats, Ints, Segments, build_faces, connected_groups, dissolve, find_segments, locate
from spatial.profile import LandRules

_SCALE = 10.0**LONLAT_DECIMALS
_STRAIGHT_M = 100.0
"""Lines get a vertex at least this often before they go to lon/lat: so straight ones bend by less than 1 mm."""
_ON_LINE_M = 1.0
_NEAR_M = 0.05


@dataclass(frozen=True, slots=True)
class Tiles:
    """Polygons whose vertices are 7-decimal lon/lat, in metres, and the border pieces between them.

    ``face`` is the face each comes from, ``is_part`` whether that face was cut; ``strength`` goes with ``segments``.
    """

    metric: Any
    face: Ints
    is_part: NDArray[np.bool_]
    segments: Segments
    strength: Floats
    report: Mapping[str, Any]


def build_tiles(parts: Parts, faces: Faces, places: Any, barriers: Any, rules: LandRules, crs: Any) -> Tiles:
    """Return the tiles: all borders noded and snapped once, then gathered into blocks-to-be.

    Leftovers of a cut on which nobody lives (``places`` are where people do) join a neighbour of their face; slivers
    and artifacts join one of their community.

    Raises
    ------
    InputError
        If no line encloses any land.
    """
    metric, part, segments = _node(parts, crs)
    strength = grade_segments(segments, index_barriers(barriers), tolerance_m=_ON_LINE_M)["strength"]
    tiles = Tiles(metric, parts.face[part], parts.is_cut[part], segments, strength, {})
    same = (segments.second >= 0) & (parts.unit[part][segments.first] == parts.unit[part][segments.second])
    tiles = _gather(tiles, connected_groups(len(part), segments.first[same], segments.second[same]))
    lived = _lived(places, tiles.metric)
    scrap = tiles.is_part & ~lived
    leftovers = int(scrap.sum())
    step = absorb(tiles.metric, tiles.segments, tiles.strength, scrap=scrap, realm=tiles.face, rules=rules)
    tiles = _gather(tiles, step)
    lived, community, before = _lived(places, tiles.metric), faces.community[tiles.face], len(tiles.metric)
    step = merge_scraps(tiles.metric, tiles.segments, tiles.strength, lived=lived, realm=community, rules=rules)
    tiles = _gather(tiles, step)
    count = np.bincount(tiles.face, minlength=len(faces.polygons))
    report = {
        "cut_leftovers_merged": leftovers,
        "cut_slivers_merged": before - len(tiles.metric),
        "faces_cut": int((count > 1).sum()),
    }
    return Tiles(tiles.metric, tiles.face, count[tiles.face] > 1, tiles.segments, tiles.strength, report)


def _node(parts: Parts, crs: Any) -> tuple[Any, Ints, Segments]:
    """Return the cells between all borders (metres), the part each lies in, and the border pieces between them."""
    lines = shapely.segmentize(shapely.boundary(parts.polygons), _STRAIGHT_M)
    cells = build_faces(to_lonlat(lines, crs), grid=1 / _SCALE)
    cells = shapely.transform(cells, lambda xy: np.round(xy, LONLAT_DECIMALS))
    metric = to_metres(cells, crs)
    places = shapely.point_on_surface(metric)
    part = locate(places, parts.polygons)
    inside = shapely.distance(places, parts.polygons[part]) <= _NEAR_M  # not in a hole of the area
    if not inside.any():
        raise InputError("the area: no line encloses any land; needed at least one outline that is a polygon")
    found = find_segments(cells[inside], scale=_SCALE)
    ends = shapely.get_coordinates(to_metres(shapely.points(np.concatenate([found.start, found.end])), crs))
    count = len(found.first)
    return metric[inside], part[inside], Segments(found.first, found.second, ends[:count], ends[count:])


def _gather(tiles: Tiles, group: Ints) -> Tiles:
    """Dissolve groups of tiles; a group takes the face of its largest tile."""
    largest = find_largest(tiles.metric, group)
    segments, kept = tiles.segments.regroup(group)
    return Tiles(
        metric=dissolve(tiles.metric, group),
        face=tiles.face[largest],
        is_part=tiles.is_part[largest],
        segments=segments,
        strength=tiles.strength[kept],
        report=tiles.report,
    )


def _lived(places: Any, polygons: Any) -> NDArray[np.bool_]:
    held: NDArray[np.bool_] = np.bincount(locate(places, polygons), minlength=len(polygons)) > 0
    return held
