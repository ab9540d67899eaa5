"""Where do the ways of a sketch meet, so that they share nodes, and what street map is that?

Places on the board are counted in whole centimetres, so "the same place" is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.sample.drawing import Floats, Mark, Segment, Sketch
from spatial.sample.ground import Ground, to_ground
from spatial.tables import AREA_TAGS, POINT_TAGS, WAY_TAGS

Ints = NDArray[np.int64]

_SHIFT_CM = 10_000_00
"""Added to every coordinate so that none is negative."""
_SPAN = 1 << 26
"""Above every coordinate (670 km): a pair of them, and a level, fit into one integer."""
_STEP_CM = 4000
"""Longest straight piece of a way: longer ones get a vertex, so that they follow the bends of the ground."""
_CHUNK = 512
_LOWEST = 1  # tunnels lie on level -1


@dataclass(frozen=True, slots=True)
class Bars:
    """Segments as columns, in shifted centimetres."""

    axis: Ints
    at: Ints
    start: Ints
    end: Ints
    level: Ints


@dataclass(frozen=True, slots=True)
class Threads:
    """Ways as runs of places: all vertices one after the other, with the level on which each lies."""

    uv_cm: Ints
    level: Ints
    owner: Ints
    tags: tuple[Any, ...]


def to_cm(metres: Floats) -> Ints:
    """Return shifted whole centimetres."""
    return np.rint(np.asarray(metres) * 100).astype(np.int64) + _SHIFT_CM


def to_board(cm: Ints) -> Floats:
    """Return metres on the board."""
    board: Floats = (cm - _SHIFT_CM) / 100.0
    return board


def _to_bars(segments: Sequence[Segment]) -> Bars:
    numbers = np.array([(s.at, s.start, s.end) for s in segments], dtype=np.float64).reshape(-1, 3)
    at, start, end = to_cm(numbers).T
    axis, level = np.array([(s.axis, s.level) for s in segments], dtype=np.int64).reshape(-1, 2).T
    return Bars(axis, at, start, end, level)


def _cross(bars: Bars) -> tuple[Ints, Ints]:
    """Return (places, level) where a segment of constant u passes through one of constant v on its level."""
    ups, flats = np.flatnonzero(bars.axis == 0), np.flatnonzero(bars.axis == 1)
    places, levels = [np.empty((0, 2), dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for first in range(0, len(ups), _CHUNK):  # a few rows of the pair matrix at a time keep it small
        a = ups[first : first + _CHUNK, None]
        meets = (bars.at[a] > bars.start[flats]) & (bars.at[a] < bars.end[flats])
        meets &= (
            (bars.at[flats] > bars.start[a]) & (bars.at[flats] < bars.end[a]) & (bars.level[a] == bars.level[flats])
        )
        i, j = np.nonzero(meets)
        places.append(np.column_stack([bars.at[a[i, 0]], bars.at[flats[j]]]))
        levels.append(bars.level[flats[j]])
    return np.vstack(places), np.concatenate(levels)


def _ends(bars: Bars) -> Ints:
    low = np.where(
        bars.axis[:, None] == 0, np.column_stack([bars.at, bars.start]), np.column_stack([bars.start, bars.at])
    )
    high = np.where(bars.axis[:, None] == 0, np.column_stack([bars.at, bars.end]), np.column_stack([bars.end, bars.at]))
    return np.vstack([low, high])


def node_segments(segments: Sequence[Segment], touches: Floats) -> list[Ints]:
    """Return, for each segment, the sorted places of its vertices along it, in shifted centimetres.

    Segments end on each other, and cross, where they share a level; ``touches`` are more places at ground level.
    """
    bars = _to_bars(segments)
    crossings, levels = _cross(bars)
    ground = np.vstack([_ends(bars), crossings[levels == 0], to_cm(touches.reshape(-1, 2))])
    found: list[Ints] = [np.empty(0, dtype=np.int64)] * len(segments)
    for level in np.unique(bars.level).tolist():
        places = ground if level == 0 else crossings[levels == level]
        for axis in (0, 1):
            keys = np.unique(places[:, axis] * _SPAN + places[:, 1 - axis])
            rows = np.flatnonzero((bars.axis == axis) & (bars.level == level))
            low = np.searchsorted(keys, bars.at[rows] * _SPAN + bars.start[rows], "left")
            high = np.searchsorted(keys, bars.at[rows] * _SPAN + bars.end[rows], "right")
            for row, a, b in zip(rows.tolist(), low.tolist(), high.tolist(), strict=True):
                found[row] = keys[a:b] % _SPAN
    return [_densify(t, s, i, bars) for i, (t, s) in enumerate(zip(found, segments, strict=True))]


def _densify(t: Ints, segment: Segment, row: int, bars: Bars) -> Ints:
    stops = to_cm(np.array([x for x in segment.stops if segment.start < x < segment.end]))
    t = np.unique(np.concatenate([t, stops, [bars.start[row], bars.end[row]]]))
    gaps = np.diff(t)
    if not len(gaps) or gaps.max() <= _STEP_CM:
        return t
    pieces = -(-gaps // _STEP_CM)
    share = np.concatenate([np.arange(n) / n for n in pieces])
    start = np.repeat(np.arange(len(gaps)), pieces)
    return np.append(np.rint(t[start] + gaps[start] * share).astype(np.int64), t[-1])


def thread_ways(sketch: Sketch, stations: Sequence[Ints]) -> Threads:
    """Return the drawn ways of a sketch: segments with tags by their stations, then the free lines."""
    runs, levels, tags = [], [], []
    for segment, t in zip(sketch.segments, stations, strict=True):
        if not segment.tags:
            continue
        at = np.full(len(t), to_cm(np.array([segment.at]))[0])
        uv = np.column_stack([at, t] if segment.axis == 0 else [t, at])
        level = np.full(len(t), segment.level)
        level[[0, -1]] = 0
        runs.append(uv[::-1] if segment.reverse else uv)
        levels.append(level)
        tags.append(segment.tags)
    for line in sketch.lines:
        runs.append(to_cm(line.uv))
        levels.append(np.zeros(len(line.uv), dtype=np.int64))
        tags.append(line.tags)
    owner = np.repeat(np.arange(len(runs)), [len(r) for r in runs])
    return Threads(np.vstack(runs), np.concatenate(levels), owner, tuple(tags))


def touch_places(sketch: Sketch) -> Floats:
    """Return the vertices of the lines that join streets."""
    joining = [line.uv for line in sketch.lines if line.joins]
    return np.vstack(joining) if joining else np.empty((0, 2))


@dataclass(frozen=True, slots=True)
class StreetMap:
    """Ways and points as in ``spatial.tables.Streets``, and the node of each mark; ids count nodes first, then ways."""

    ways: Any
    points: Any
    mark_node: Ints


def build_streets(threads: Threads, marks: Sequence[Mark], ground: Ground, crs: Any) -> StreetMap:
    """Return the street map of threaded ways and tagged places."""
    at_marks = to_cm(np.array([[m.u, m.v] for m in marks]).reshape(-1, 2))
    places = np.vstack([threads.uv_cm, at_marks])
    levels = np.append(threads.level, np.zeros(len(marks), dtype=np.int64)) + _LOWEST
    keys, inverse = np.unique(levels * _SPAN**2 + places[:, 0] * _SPAN + places[:, 1], return_inverse=True)
    xy = to_ground(to_board(np.column_stack([keys // _SPAN % _SPAN, keys % _SPAN])), ground)
    node, mark_node = inverse[: len(threads.uv_cm)], inverse[len(threads.uv_cm) :]
    starts = np.searchsorted(threads.owner, np.arange(len(threads.tags) + 1))
    nodes = np.empty(len(threads.tags), dtype=object)
    nodes[:] = [node[a:b] + 1 for a, b in pairwise(starts.tolist())]
    columns = {key: [tags.get(key, "") for tags in threads.tags] for key in WAY_TAGS}
    way_id = len(keys) + 1 + np.arange(len(threads.tags))
    lines = shapely.linestrings(xy[node], indices=threads.owner)
    ways = gpd.GeoDataFrame({"way_id": way_id, **columns, "nodes": nodes}, geometry=lines, crs=crs)
    return StreetMap(ways, _build_points(marks, mark_node, xy, crs), mark_node + 1)


def _build_points(marks: Sequence[Mark], node: Ints, xy: Floats, crs: Any) -> Any:
    order = np.argsort(node, kind="stable")
    columns = {key: [marks[i].tags.get(key, "") for i in order] for key in POINT_TAGS}
    geometry = shapely.points(xy[node[order]])
    return gpd.GeoDataFrame({"node_id": node[order] + 1, **columns}, geometry=geometry, crs=crs)


def build_areas(rings: Sequence[Any], tags: Sequence[Any], first_id: int, crs: Any) -> Any:
    """Return the frame of areas of ``spatial.tables.Streets``."""
    columns = {key: [t.get(key, "") for t in tags] for key in AREA_TAGS}
    area_id = [f"way/{first_id + k}" for k in range(len(rings))]
    return gpd.GeoDataFrame({"area_id": area_id, **columns}, geometry=list(rings), crs=crs)
