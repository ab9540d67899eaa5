"""How is a square crossed: which straight lines lead from entry to entry?

Squares are closed outlines that people walk on (``area=yes``). Their ring is walkable, and so is each straight line
between two entries, or corners that stand into the square, that stays on it; holes are honoured.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from spatial.profile import WalkRules
from spatial.walking.access import NONE, PRIVATE, classify_ways, read_tag
from spatial.walking.segments import Flags, Floats, Ints, Segments, add_pieces, add_vertices

_ON_SQUARE = frozenset("pedestrian footway path living_street corridor platform".split())
_GRID_M = 0.001
"""Vertices of outlines and ways nearer than this are the same place."""
_EDGE_M = 0.01
"""A line may leave the outline by this much: coordinates are rounded."""
_SIEVE_BITS = 20


def find_squares(streets: Any) -> tuple[Any, Any]:
    """Return the outlines of the squares, each once in the order of their place, and whether each is private."""
    areas, ways = streets.areas, streets.ways
    found: list[tuple[Any, bool]] = []
    if len(areas):
        areas = areas[read_tag(areas, "highway").isin(_ON_SQUARE).to_numpy(dtype=bool)]
        klass, _ = classify_ways(areas)
        found += zip(areas.geometry.array[klass != NONE], klass[klass != NONE] == PRIVATE, strict=True)
    klass, _ = classify_ways(ways)
    drawn = (read_tag(ways, "area") == "yes").to_numpy() & (klass != NONE)
    drawn &= shapely.is_closed(ways.geometry.array) & (shapely.get_num_points(ways.geometry.array) > 3)
    rings = [shapely.Polygon(line) for line in ways.geometry.array[drawn]]
    found += [(ring, private) for ring, private in zip(rings, klass[drawn] == PRIVATE, strict=True) if ring.is_valid]
    parts, owner = shapely.get_parts([polygon for polygon, _ in found], return_index=True)
    shells = shapely.set_precision(shapely.polygons(shapely.get_exterior_ring(parts)), _GRID_M)
    keys = shapely.to_wkb(shapely.normalize(shells)).tolist()
    once: dict[bytes, tuple[Any, bool]] = {}
    for key, part, of in zip(keys, parts, owner.tolist(), strict=True):
        once.setdefault(key, (part, bool(found[of][1])))
    rising = sorted(once)
    return [once[key][0] for key in rising], [once[key][1] for key in rising]


def add_squares(segments: Segments, streets: Any, rules: WalkRules) -> tuple[Segments, dict[str, int]]:
    """Return the pieces with the rings and sight lines of the squares, and what was done -> count."""
    squares, private = find_squares(streets)
    report = {"squares": len(squares), "squares with sight lines": 0, "squares walked around": 0}
    if not squares:
        return segments, report
    corners = _list_corners(squares)
    vertex, met = _find_places(segments, corners)
    used = np.zeros(len(segments.xy) + 1, dtype=bool)  # the last stands for all that are new
    used[segments.a] = used[segments.b] = True
    entry = used[np.minimum(vertex, len(segments.xy))] | met
    chosen = np.flatnonzero(entry | _stand_in(corners))
    many = np.bincount(corners.square[chosen], minlength=len(squares)) > rules.plaza_entries
    report["squares walked around"] = int(many.sum())
    report["squares with sight lines"] = len(squares) - int(many.sum())
    a, b = _sight_lines(squares, corners, chosen[~many[corners.square[chosen]]])
    a, b = np.concatenate([np.arange(len(vertex)), a]), np.concatenate([corners.after, b])
    order = np.argsort(corners.square[a], kind="stable")
    order = order[vertex[a[order]] != vertex[b[order]]]
    a, b = a[order], b[order]
    made, first = np.unique(vertex[vertex >= len(segments.xy)], return_index=True)
    segments, _ = add_vertices(segments, corners.xy[vertex >= len(segments.xy)][first][: len(made)])
    closed = np.array(private, dtype=bool)[corners.square[a]]
    return add_pieces(segments, vertex[a], vertex[b], {"private": closed}), report


@dataclass(frozen=True, slots=True)
class _Corners:
    """Corners of squares, ring by ring: the square of each, the next one round the ring and the one before, whether
    the ring is a hole, and whether it runs against the clock."""

    xy: Floats
    square: Ints
    after: Ints
    before: Ints
    hole: Flags
    left: Flags


def _list_corners(squares: list[Any]) -> _Corners:
    rings, square = shapely.get_rings(squares, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    kept = np.flatnonzero(np.append(ring[1:] == ring[:-1], False))  # a ring ends where it begins
    xy, ring = xy[kept], ring[kept]
    first = np.flatnonzero(np.concatenate([[True], ring[1:] != ring[:-1]]))
    last = np.append(first[1:], len(ring)) - 1
    after, before = np.arange(1, len(ring) + 1), np.arange(-1, len(ring) - 1)
    after[last], before[first] = first, last
    hole = np.concatenate([[False], square[1:] == square[:-1]])
    return _Corners(xy, square[ring], after, before, hole[ring], shapely.is_ccw(rings)[ring])


def _find_places(segments: Segments, corners: _Corners) -> tuple[Ints, Flags]:
    """Return the vertex on which each corner stands, of several the last, and whether squares meet there.

    Corners on no vertex get numbers behind all vertices, in the order in which they come.
    """
    keys = np.round(corners.xy / _GRID_M).astype(np.int64)
    known = _candidates(segments.xy[:, 0], keys[:, 0])
    both = np.concatenate([keys, np.round(segments.xy[known] / _GRID_M).astype(np.int64)])
    _, first, place = np.unique(both, axis=0, return_index=True, return_inverse=True)
    place, n = place.reshape(-1), len(keys)
    vertex = np.full(len(first), -1, dtype=np.int64)
    np.maximum.at(vertex, place[n:], known)
    new = np.flatnonzero((vertex < 0) & (first < n))
    vertex[new[np.argsort(first[new])]] = len(segments.xy) + np.arange(len(new))
    pairs = np.unique(np.stack([place[:n], corners.square], axis=1), axis=0)
    met = np.bincount(pairs[:, 0], minlength=len(first)) > 1
    return vertex[place[:n]], met[place[:n]]


def _candidates(x: Floats, wanted: Ints) -> Ints:
    """Return the rows whose x may be one of the wanted: all that are, and a few that are not."""
    last = (1 << _SIEVE_BITS) - 1
    sieve = np.zeros(last + 1, dtype=bool)
    sieve[wanted & last] = True
    return np.flatnonzero(sieve[np.round(x / _GRID_M).astype(np.int64) & last])


def _sight_lines(squares: list[Any], corners: _Corners, chosen: Ints) -> tuple[Ints, Ints]:
    """Return the pairs of the chosen corners of a square between which a straight line stays on it."""
    groups = np.split(chosen, np.flatnonzero(np.diff(corners.square[chosen])) + 1)
    pairs = {size: np.array(np.triu_indices(size, 1)) for size in {len(group) for group in groups}}
    a, b = np.concatenate([group[pairs[len(group)]] for group in groups], axis=1)
    yards = shapely.buffer(squares, _EDGE_M)
    shapely.prepare(yards)
    lines = shapely.linestrings(np.stack([corners.xy[a], corners.xy[b]], axis=1))
    clear = shapely.covers(yards[corners.square[a]], lines)
    return a[clear], b[clear]


def _stand_in(corners: _Corners) -> Flags:
    """Tell which corners stand into the square: a shortest walk turns only there."""
    before, after = corners.xy[corners.before] - corners.xy, corners.xy[corners.after] - corners.xy
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    stands: Flags = np.where(corners.left == corners.hole, cross < 0, cross > 0)
    return stands


def standing_corners(polygon: Any) -> Floats:
    """Return the corners that stand into a polygon."""
    corners = _list_corners([polygon])
    return corners.xy[_stand_in(corners)]
