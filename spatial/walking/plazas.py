"""How is a square crossed: which straight lines lead from entry to entry?

Squares are closed outlines that people walk on (``area=yes``). Their ring is walkable, and so is each straight line
between two entries, or corners that stand into the square, that stays on it; holes are honoured.
"""

from collections import Counter
from typing import Any

import numpy as np
import shapely

from spatial.profile import WalkRules
from spatial.walking.access import NONE, PRIVATE, classify_ways, read_tag
from spatial.walking.segments import Floats, Ints, Segments, add_pieces, add_vertices

_ON_SQUARE = frozenset("pedestrian footway path living_street corridor platform".split())
_GRID_M = 0.001
"""Vertices of outlines and ways nearer than this are the same place."""
_EDGE_M = 0.01
"""A line may leave the outline by this much: coordinates are rounded."""


def find_squares(streets: Any) -> tuple[Any, Any]:
    """Return the outlines of the squares, each once in the order of their place, and whether each is private."""
    areas, ways = streets.areas, streets.ways
    found: list[tuple[Any, bool]] = []
    if len(areas):
        kind = read_tag(areas, "highway")
        klass, _ = classify_ways(areas)
        rows = np.flatnonzero(np.isin(kind, list(_ON_SQUARE)) & (klass != NONE))
        found += zip(areas.geometry.array[rows], klass[rows] == PRIVATE, strict=True)
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
    places = _known_places(segments, squares)
    used = segments.degree() > 0
    shared = Counter(key for polygon in squares for key in set(_keys(shapely.get_coordinates(polygon))))
    corners: list[Floats] = []
    pieces: list[tuple[Ints, Ints]] = []
    yards = shapely.buffer(squares, _EDGE_M)
    shapely.prepare(yards)
    # few squares, each with a handful of entries: a loop over them is the clear way
    for polygon, yard in zip(squares, yards, strict=True):
        rings = [shapely.get_coordinates(ring)[:-1] for ring in (polygon.exterior, *polygon.interiors)]
        xy = np.concatenate(rings)
        keys = _keys(xy)
        vertex = _place(places, xy, keys, corners, len(segments.xy))
        meets = [shared[key] > 1 for key in keys]
        entry = np.array([(v < len(used) and used[v]) or m for v, m in zip(vertex.tolist(), meets, strict=True)])
        ring_a, ring_b = _ring_pairs(vertex, [len(ring) for ring in rings])
        chosen = np.flatnonzero(entry | stands_in(rings, polygon))
        if 2 <= len(chosen) <= rules.plaza_entries:
            i, j = np.triu_indices(len(chosen), 1)
            a, b = chosen[i], chosen[j]
            clear = shapely.covers(yard, shapely.linestrings(np.stack([xy[a], xy[b]], axis=1)))
            ring_a, ring_b = np.concatenate([ring_a, vertex[a[clear]]]), np.concatenate([ring_b, vertex[b[clear]]])
        report["squares with sight lines" if len(chosen) <= rules.plaza_entries else "squares walked around"] += 1
        apart = ring_a != ring_b
        pieces.append((ring_a[apart], ring_b[apart]))
    segments, _ = add_vertices(segments, np.array(corners).reshape(-1, 2))
    a, b = (np.concatenate([pair[end] for pair in pieces]) for end in (0, 1))
    closed = np.repeat(private, [len(start) for start, _ in pieces])
    return add_pieces(segments, a, b, {"private": closed}), report


def _keys(xy: Floats) -> list[tuple[int, int]]:
    return [tuple(row) for row in np.round(xy / _GRID_M).astype(np.int64).tolist()]


def _known_places(segments: Segments, squares: list[Any]) -> dict[tuple[int, int], int]:
    """Return place -> vertex of the vertices that a corner of a square may stand on; of several the last."""
    columns = np.unique(np.round(shapely.get_coordinates(squares)[:, 0] / _GRID_M))
    x = np.round(segments.xy[:, 0] / _GRID_M)
    at = np.minimum(np.searchsorted(columns, x), len(columns) - 1)
    rows = np.flatnonzero(columns[at] == x)
    return dict(zip(_keys(segments.xy[rows]), rows.tolist(), strict=True))


def _place(
    places: dict[tuple[int, int], int], xy: Floats, keys: list[tuple[int, int]], corners: list[Floats], known: int
) -> Ints:
    """Return the vertices at these places; ``places`` learns those to be made, ``corners`` where they stand."""
    for key, spot in zip(keys, xy, strict=True):
        if key not in places:
            places[key] = known + len(corners)
            corners.append(spot)
    return np.array([places[key] for key in keys], dtype=np.int64)


def _ring_pairs(vertex: Ints, sizes: list[int]) -> tuple[Ints, Ints]:
    rings = np.split(vertex, np.cumsum(sizes)[:-1])
    return np.concatenate(rings), np.concatenate([np.append(ring[1:], ring[:1]) for ring in rings])


def stands_in(rings: list[Floats], polygon: Any) -> Any:
    """Tell which corners stand into the square: a shortest walk turns only there."""
    out = []
    for number, ring in enumerate(rings):
        out_of = np.concatenate([ring[1:], ring[:1]]) - ring
        before, after = -np.concatenate([out_of[-1:], out_of[:-1]]), out_of
        cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
        turns_left = shapely.is_ccw(polygon.exterior if number == 0 else polygon.interiors[number - 1])
        outward = cross > 0 if turns_left else cross < 0
        inward = cross < 0 if turns_left else cross > 0
        out.append(outward if number == 0 else inward)
    return np.concatenate(out)
