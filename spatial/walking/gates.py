"""Where do people enter closed estates, and which ways lie inside?

Gates of the table are put on the ways that lead through the wall. A gate that stands on no way gets a synthetic piece
to the street outside and one to the nearest path inside; where there is no such path, people start from the gate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.profile import WalkRules
from spatial.walking.access import (
    BLOCKED,
    GATE_POINTS,
    KEPT,
    PASS,
    RESIDENTS,
    SHUT,
    classify_points,
    open_at,
    read_tag,
    tell_hours,
)
from spatial.walking.obstacles import Arms, build_arms, find_arms
from spatial.walking.segments import Flags, Floats, Ints, Segments, add_pieces, add_vertices, split_pieces
from spatial.walking.walker import Walker

_INSIDE_M = 2.0
"""Ways nearer to the outline than this are taken to run along it, not inside."""
_SAME_M = 0.5
"""A gate this near to a vertex stands on it."""
_OPEN = frozenset(["open", "yes", "public", "permissive"])
_CLOSED = frozenset(["closed", "no", "locked", "blocked"])
_RESIDENTS = frozenset(["private", "residents", "resident", "permit", "gated", "key"])


@dataclass(frozen=True, slots=True)
class Walls:
    """Closed estates in the order of their ids: outlines and the same a little inside."""

    ids: tuple[str, ...]
    outlines: Any
    inner: Any

    def find(self, xy: Floats) -> Ints:
        """Return the first estate that holds each point, or -1."""
        found = np.full(len(xy), -1, dtype=np.int64)
        if not self.ids:
            return found
        point, estate = shapely.STRtree(self.outlines).query(shapely.points(xy), predicate="covered_by")
        order = np.lexsort((estate, point))[::-1]
        found[point[order]] = estate[order]
        return found


def build_walls(estates: Any) -> Walls:
    """Return the outlines of the estates that are gated; open and unknown ones, and points, have no wall."""
    if estates is None or not len(estates):
        return Walls((), np.zeros(0, dtype=object), np.zeros(0, dtype=object))
    area = estates.geometry.geom_type.isin(["Polygon", "MultiPolygon"])
    gated = estates[(estates["access"] == "gated") & area].sort_values("estate_id", kind="stable")
    outlines = np.asarray(gated.geometry.array, dtype=object)
    return Walls(tuple(gated["estate_id"]), outlines, shapely.buffer(outlines, -_INSIDE_M))


def mark_estates(segments: Segments, walls: Walls) -> Segments:
    """Return the pieces with those inside a closed estate named and private; streets for through traffic stay open."""
    if not walls.ids or not segments.count:
        return segments
    start, end = segments.xy[segments.a], segments.xy[segments.b]
    estate = walls.find((start + end) / 2)
    estate[~segments.inner] = -1
    rows = np.flatnonzero(estate >= 0)
    inner = walls.inner[estate[rows]]
    deep = np.zeros(len(rows), dtype=bool)
    for xy in (start, end, (start + end) / 2):
        deep |= shapely.covers(inner, shapely.points(xy[rows]))
    estate[rows[~deep]] = -1
    return replace(segments, estate=estate, private=segments.private | (estate >= 0))


@dataclass(frozen=True, slots=True)
class Doors:
    """Gates put on the network: their vertex, the estate they belong to (-1: none), what they are, and whether their
    hours close them now."""

    gate_id: tuple[str, ...]
    vertex: Ints
    estate: Ints
    mark: NDArray[np.int8]
    late: Flags


def gather_gates(gates: Any, points: Any, walls: Walls, rules: WalkRules, walker: Walker) -> tuple[Any, int]:
    """Return the gates by id, with those of the map at closed estates that the table has none of, and their number.

    A gate of the map belongs to the nearest outline within ``gate_snap_m``.
    """
    rows = np.flatnonzero(np.isin(read_tag(points, "barrier"), list(GATE_POINTS)))
    bare = np.flatnonzero(~np.isin(walls.ids, gates["estate_id"]))
    columns = ["gate_id", "estate_id", "access", "hours", "geometry"]
    gates = gates[columns].sort_values("gate_id", kind="stable")
    if not len(rows) or not len(bare):
        return gates, 0
    some = points.iloc[rows].sort_values("node_id", kind="stable")
    tree = shapely.STRtree(shapely.boundary(walls.outlines[bare]))
    row, near = tree.query_nearest(some.geometry.array, max_distance=rules.gate_snap_m)
    order = np.lexsort((near, row))
    row, first = np.unique(row[order], return_index=True)
    some, estate = some.iloc[row], bare[near[order][first]]
    klass = classify_points(some, walker)
    access = np.select([np.isin(klass, [SHUT, BLOCKED]), klass == RESIDENTS], ["closed", "private"], "open")
    found = {
        "gate_id": [f"node {node}" for node in some["node_id"]],
        "estate_id": [walls.ids[at] for at in estate],
        "access": access,
        "hours": read_tag(some, "opening_hours").to_numpy(),
    }
    added = gpd.GeoDataFrame(found, geometry=some.geometry.array, crs=gates.crs)
    return pd.concat([gates, added], ignore_index=True) if len(gates) else added, len(added)


def gate_marks(gates: Any) -> NDArray[np.int8]:
    """Return what each gate of the table does: closed stops everybody, private lets residents pass, else all pass."""
    return np.array(
        [SHUT if access in _CLOSED else RESIDENTS if access in _RESIDENTS else KEPT for access in gates["access"]],
        dtype=np.int8,
    )


def _tell_gates(gates: Any, walker: Walker) -> dict[str, int]:
    marks = gate_marks(gates)
    return {
        "gates open": int((marks == KEPT).sum()),
        "gates private": int((marks == RESIDENTS).sum()),
        "gates closed": int((marks == SHUT).sum()),
        **tell_hours(gates["hours"][marks != SHUT], walker, "gates"),
        "gates of unknown access, taken as open": int((~gates["access"].isin(_OPEN | _CLOSED | _RESIDENTS)).sum()),
    }


def place_gates(
    segments: Segments, gates: Any, walls: Walls, marks: NDArray[np.int8], given: tuple[WalkRules, Walker]
) -> tuple[Segments, Doors, dict[str, int]]:
    """Return the pieces with a vertex under each gate that stands on a way, the doors, and reason -> count.

    A gate of a closed estate stands only on a way that leads inside, another one only on a minor way; so a gate beside
    a street never closes the street. Gates on no way have vertex -1.
    """
    rules, walker = given
    xy = shapely.get_coordinates(gates.geometry.array)
    rank = {name: row for row, name in enumerate(walls.ids)}
    estate = np.array([rank.get(name, -1) for name in gates["estate_id"]], dtype=np.int64)
    point, piece = _near_pieces(segments, xy, estate, walls, rules.gate_snap_m)
    vertex = np.full(len(xy), -1, dtype=np.int64)
    share, at = _project(segments, piece, xy[point])
    gap = np.hypot(*(at - xy[point]).T)
    order = np.lexsort((piece, np.round(gap, 3), point))
    first = order[np.unique(point[order], return_index=True)[1]]
    piece, share, at, point = piece[first], share[first], at[first], point[first]
    length = np.hypot(*(segments.xy[segments.b[piece]] - segments.xy[segments.a[piece]]).T)
    near_a, near_b = share * length <= _SAME_M, (1 - share) * length <= _SAME_M
    degree = np.concatenate([segments.degree(), [0]])
    vertex[point[near_a]], vertex[point[near_b]] = segments.a[piece[near_a]], segments.b[piece[near_b]]
    junction = (vertex >= 0) & (degree[vertex] > 2) & (estate < 0)
    tagged = _tagged_nearby(segments, marks, xy, rules.gate_snap_m)
    vertex = np.where(junction, -1, vertex)
    known = (tagged >= 0) & (vertex < 0)
    vertex[known] = tagged[known]
    new = ~near_a & ~near_b & ~known[point]
    segments, made = split_pieces(segments, piece[new], share[new], at[new])
    vertex[point[new]] = made
    report = {
        **_tell_gates(gates, walker),
        "gates on a way": int((vertex >= 0).sum()),
        "gates at a junction, not used": int(junction.sum()),
    }
    late = ~open_at(gates["hours"], walker.minute())
    return segments, Doors(tuple(gates["gate_id"]), vertex, estate, gate_marks(gates), late), report


def _near_pieces(segments: Segments, xy: Floats, estate: Ints, walls: Walls, reach_m: float) -> tuple[Ints, Ints]:
    """Return pairs of gate and piece: ways inside for a gate with an outline, minor ways for the others."""
    if not len(xy):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    lines = segments.lines()
    point, piece = shapely.STRtree(lines).query(shapely.points(xy), predicate="dwithin", distance=reach_m)
    fits = segments.minor[piece].copy()
    own = estate[point] >= 0
    if own.any():
        inner = walls.inner[estate[point[own]]]
        fits[own] = segments.inner[piece[own]] & shapely.intersects(inner, lines[piece[own]])
    return point[fits], piece[fits]


def _project(segments: Segments, piece: Ints, xy: Floats) -> tuple[Floats, Floats]:
    """Return the share of each piece, 0 to 1, at its place nearest to the point, and that place."""
    start = segments.xy[segments.a[piece]]
    along = segments.xy[segments.b[piece]] - start
    square = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip(((xy - start) * along).sum(axis=1) / square, 0.0, 1.0)
    return share, start + share[:, None] * along


def _tagged_nearby(segments: Segments, marks: NDArray[np.int8], xy: Floats, reach_m: float) -> Ints:
    """Return the nearest vertex that the map itself tags as a gate or barrier, or -1."""
    tagged = np.flatnonzero(marks != PASS)
    found = np.full(len(xy), -1, dtype=np.int64)
    if len(tagged) and len(xy):
        tree = shapely.STRtree(shapely.points(segments.xy[tagged]))
        point, row = tree.query_nearest(shapely.points(xy), max_distance=reach_m)
        found[point[::-1]] = tagged[row[::-1]]
    return found


def door_arms(segments: Segments, doors: Doors) -> Arms:
    """Return the arms at the gates of closed estates: side 1 inside, 2 outside."""
    rows = np.flatnonzero((doors.vertex >= 0) & (doors.estate >= 0))
    arms = find_arms(segments, doors.vertex[rows])
    out = {
        (vertex, piece, 1 if segments.estate[piece] == estate else 2)
        for vertex, estate in zip(doors.vertex[rows].tolist(), doors.estate[rows].tolist(), strict=True)
        for piece in arms[vertex]
    }
    return build_arms(sorted(out))


def join_gates(segments: Segments, gates: Any, doors: Doors, rules: WalkRules) -> tuple[Segments, Doors, int]:
    """Return the pieces with synthetic ones at gates that stand on no way, the doors, and how many gates those are.

    Gates of closed estates are joined to the nearest public piece and to the nearest path of their estate, each within
    the longest access walk. Nobody passes the piece of a closed gate; it is not counted.
    """
    alone = np.flatnonzero((doors.vertex < 0) & (doors.estate >= 0))
    # the gates before their feet: a piece runs from its gate, which tells its ends apart where it has no length
    segments, top = add_vertices(segments, shapely.get_coordinates(gates.geometry.array)[alone])
    mark, estate = doors.mark[alone], doors.estate[alone]
    passed = (mark != SHUT) & ~doors.late[alone]
    outside = {"private": mark == RESIDENTS, "forward": passed, "backward": passed, "estate": -1}
    segments, joined = _tie(segments, top, np.full(len(top), -1), rules.max_access_m, outside)
    inside = {"private": True, "estate": estate[joined]}
    segments, _ = _tie(segments, top[joined], estate[joined], rules.max_access_m, inside)
    vertex = doors.vertex.copy()
    vertex[alone[joined]] = top[joined]
    return segments, replace(doors, vertex=vertex), int(passed[joined].sum())


def _tie(
    segments: Segments, top: Ints, estate: Ints, reach_m: float, like: Mapping[str, Any]
) -> tuple[Segments, Flags]:
    """Return the pieces with one from each vertex to the nearest of its estate (-1: public), and which got one."""
    done = np.zeros(len(top), dtype=bool)
    if not len(top):
        return segments, done
    pieces = np.flatnonzero(~segments.synthetic & (~segments.private | (segments.estate >= 0)))
    xy = segments.xy[top]
    tree = shapely.STRtree(segments.lines()[pieces])
    row, near = tree.query(shapely.points(xy), predicate="dwithin", distance=reach_m)
    own = segments.estate[pieces[near]] == estate[row]
    row, piece = row[own], pieces[near[own]]
    share, at = _project(segments, piece, xy[row])
    order = np.lexsort((piece, np.hypot(*(at - xy[row]).T), row))
    first = order[np.unique(row[order], return_index=True)[1]]
    done[row[first]] = True
    segments, foot = split_pieces(segments, piece[first], share[first], at[first])
    rows = {name: value if np.isscalar(value) else value[done] for name, value in like.items()}
    return add_pieces(segments, top[done], foot, {**rows, "synthetic": True}), done
