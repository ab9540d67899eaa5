"""Which ways lie between the superblocks: streets, bridges, rail crossings, roundabout, slip road, river, railway?"""

from collections.abc import Iterator

import numpy as np

from spatial.sample.drawing import (
    ACROSS,
    ALONG,
    Line,
    Mark,
    Outline,
    Segment,
    Sketch,
    Tags,
    draw_between,
    thicken,
)
from spatial.sample.lattice import MEDIAN_M, ROUNDABOUT_M, Lattice
from spatial.sample.names import RAILWAY, RIVER

RIVER_HALF_M = 29.0
_BEYOND_M = 90.0
"""How far the map shows river, railway and arterials beyond the district."""
_FENCE_M, _CROSSING_GAP_M = 14.0, 16.0
_PATH_M = 42.0
_ARTERIALS = ("dual", "primary", "secondary")


def draw_streets(lattice: Lattice, names: tuple[list[str], list[str]], rng: np.random.Generator) -> Sketch:
    """Return all main ways; ``names`` are those of the column and of the row streets."""
    segments = [
        *_draw_lines(lattice, ACROSS, names[0]),
        *_draw_lines(lattice, ALONG, names[1]),
        *_draw_beyond(lattice, names),
        *_draw_riverside(lattice),
    ]
    return Sketch(
        segments=(*segments, _draw_river(lattice), *_draw_rail(lattice)),
        lines=(_draw_roundabout(lattice), _draw_slip(lattice), *_draw_fences(lattice)),
        marks=(_mark_level_crossing(lattice), *_mark_signals(lattice)),
        outlines=(_outline_river(lattice, rng),),
    )


# -- streets on the lattice -----------------------------------------------------------------------------------------


def _draw_lines(lattice: Lattice, axis: int, names: list[str]) -> Iterator[Segment]:
    """Yield every edge of the lattice that is a street, and an empty segment for every other, which borders need."""
    lines, others = (lattice.columns, lattice.rows) if axis == ACROSS else (lattice.rows, lattice.columns)
    classes = lattice.column_class if axis == ACROSS else lattice.row_class
    for i, at in enumerate(lines):
        for k in range(len(others) - 1):
            ends = _trim(lattice, axis, i, k, (others[k], others[k + 1]))
            over = _cross_strip(lattice, axis, i, k)
            if over is None:
                yield Segment(axis, at, *ends, {})
                continue
            tags = {"highway": "primary" if classes[i] == "dual" else classes[i], "name": names[i], **over}
            level = int(over.get("layer", "0"))
            middle = (lattice.river_v if axis == ACROSS else lattice.rail_u,) if level else ()
            if classes[i] == "dual":
                yield Segment(axis, at, others[k], others[k + 1], {})
                yield from _draw_carriageways(lattice, at, (others[k], others[k + 1]), tags, level)
            else:
                sidewalks = {} if over else _tag_sidewalk(lattice, axis, i, classes[i])
                yield Segment(axis, at, *ends, {**tags, **sidewalks}, level, middle)


def _cross_strip(lattice: Lattice, axis: int, line: int, k: int) -> Tags | None:
    """Return the tags of an edge that crosses river or railway, {} for any other, None where there is no way across."""
    if axis == ACROSS and k == lattice.river:
        return {"bridge": "yes", "layer": "1"} if line in lattice.bridges else None
    if axis == ALONG and k == lattice.rail:
        if line == lattice.underpass:
            return {"tunnel": "yes", "layer": "-1"}
        return {} if line == lattice.level_crossing else None
    return {}


def _trim(lattice: Lattice, axis: int, line: int, k: int, ends: tuple[float, float]) -> tuple[float, float]:
    """Shorten an edge that ends at the roundabout."""
    column, row = lattice.roundabout
    here, other = (column, row) if axis == ACROSS else (row, column)
    if line != here:
        return ends
    start, end = ends
    return start + ROUNDABOUT_M * (k == other), end - ROUNDABOUT_M * (k + 1 == other)


def _draw_carriageways(
    lattice: Lattice, at: float, ends: tuple[float, float], tags: Tags, level: int
) -> Iterator[Segment]:
    """Yield the two one-way halves of an edge of the dual arterial, northbound in the east, cut at the roundabout."""
    cut = round(float(np.sqrt(ROUNDABOUT_M**2 - MEDIAN_M**2)), 2)
    row = lattice.rows[lattice.roundabout[1]]
    start, end = ends[0] + cut * (ends[0] == row), ends[1] - cut * (ends[1] == row)
    tags = {**tags, "oneway": "yes"} | ({} if level else {"sidewalk": "separate"})
    for side in (-1, 1):
        stops = (lattice.river_v,) if level else ()
        yield Segment(ACROSS, at + side * MEDIAN_M, start, end, tags, level, stops, reverse=side < 0)


def _tag_sidewalk(lattice: Lattice, axis: int, line: int, street_class: str) -> Tags:
    mapped = lattice.sidewalk_columns if axis == ACROSS else lattice.sidewalk_rows
    if line in mapped:
        return {"sidewalk": "separate"}
    return {"sidewalk": "both"} if street_class in _ARTERIALS else {}


def _draw_beyond(lattice: Lattice, names: tuple[list[str], list[str]]) -> Iterator[Segment]:
    """Yield the first metres of the arterials outside the district, where its neighbours begin."""
    both = (ACROSS, lattice.columns, lattice.column_class), (ALONG, lattice.rows, lattice.row_class)
    for axis, lines, classes in both:
        last = lattice.size[1 - axis]
        for i, at in enumerate(lines):
            if classes[i] not in ("primary", "secondary") or i in (0, len(lines) - 1):
                continue
            tags = {"highway": classes[i], "name": names[axis][i]}
            yield Segment(axis, at, -_BEYOND_M, 0.0, tags)
            yield Segment(axis, at, last, last + _BEYOND_M, tags)


# -- river and railway ----------------------------------------------------------------------------------------------


def _draw_riverside(lattice: Lattice) -> Iterator[Segment]:
    """Yield the footpaths on both banks, reached from the streets along the river at every second column."""
    for side in (-1, 1):
        v = lattice.river_v + side * _PATH_M
        street = lattice.rows[lattice.river + (side > 0)]
        west, east = lattice.columns[0] + 12, lattice.columns[-1] - 12
        for start, end in ((west, lattice.rail_u - _FENCE_M - 4), (lattice.rail_u + _FENCE_M + 4, east)):
            yield Segment(ALONG, v, start, end, {"highway": "footway", "name": "滨河步道"})
            for u in np.round(np.linspace(start + 25, end - 25, max(2, int((end - start) // 220))), 2):
                yield draw_between(ACROSS, float(u), (v, street), {"highway": "footway"})


def _outline_river(lattice: Lattice, rng: np.random.Generator) -> Outline:
    """Return the water between its banks, wider here and narrower there."""
    u = np.arange(-_BEYOND_M, lattice.size[0] + _BEYOND_M + 1, 30.0)
    bank = [
        RIVER_HALF_M + 4 * np.sin(u / rng.uniform(90, 140) + rng.uniform(0, 6)) + rng.normal(0, 0.6, len(u))
        for _ in range(2)
    ]
    south = np.column_stack([u, lattice.river_v - bank[0]])
    north = np.column_stack([u, lattice.river_v + bank[1]])[::-1]
    ring = np.round(np.vstack([south, north, south[:1]]), 2)
    return Outline(ring, {"natural": "water", "water": "river", "name": RIVER})


def _draw_river(lattice: Lattice) -> Segment:
    """Return the middle of the river, with a vertex wherever a border may meet it."""
    ends = -_BEYOND_M, lattice.size[0] + _BEYOND_M
    tags = {"waterway": "river", "name": RIVER}
    return Segment(ALONG, lattice.river_v, *ends, tags, stops=(*lattice.columns, lattice.rail_u))


def _draw_rail(lattice: Lattice) -> Iterator[Segment]:
    """Yield the railway in three pieces: to the river, over it on its own bridge, and on."""
    u, (south, north) = lattice.rail_u, lattice.rows[lattice.river : lattice.river + 2]
    tags = {"railway": "rail", "name": RAILWAY}
    corners = lattice.rows
    yield Segment(ACROSS, u, -_BEYOND_M, south, tags, stops=tuple(v for v in corners if v < south))
    yield Segment(ACROSS, u, south, north, tags | {"bridge": "yes", "layer": "1"}, 1, (lattice.river_v,))
    yield Segment(ACROSS, u, north, lattice.size[1] + _BEYOND_M, tags, stops=tuple(v for v in corners if v > north))


def _draw_fences(lattice: Lattice) -> Iterator[Line]:
    """Yield the fences along the railway, open at the river and at the level crossing."""
    crossing = lattice.rows[lattice.level_crossing]
    south, north = lattice.rows[lattice.river], lattice.rows[lattice.river + 1]
    for side in (-1, 1):
        u = lattice.rail_u + side * _FENCE_M
        stretches = (0.0, south), (north, crossing - _CROSSING_GAP_M), (crossing + _CROSSING_GAP_M, lattice.size[1])
        for start, end in stretches:
            yield Line(np.round(thicken(np.array([[u, start], [u, end]]), step_m=40), 2), {"barrier": "fence"})


# -- junctions ------------------------------------------------------------------------------------------------------


def _draw_roundabout(lattice: Lattice) -> Line:
    """Return the ring of the roundabout, counter-clockwise, with a vertex wherever a street meets it."""
    column, row = lattice.roundabout
    meets = np.arctan2(np.sqrt(ROUNDABOUT_M**2 - MEDIAN_M**2), MEDIAN_M)
    turns = [meets, np.pi - meets, np.pi + meets, 2 * np.pi - meets]
    angle = np.unique(np.round(np.concatenate([np.linspace(0, 2 * np.pi, 17)[:-1], turns]), 9))
    middle = lattice.columns[column], lattice.rows[row]
    ring = middle + ROUNDABOUT_M * np.column_stack([np.cos(angle), np.sin(angle)])
    tags = {"highway": "primary", "junction": "roundabout", "oneway": "yes"}
    return Line(np.round(np.vstack([ring, ring[:1]]), 2).astype(np.float64), tags, joins=True)


def _draw_slip(lattice: Lattice) -> Line:
    """Return the slip road: from the crossing street, coming from the east, to the northbound carriageway."""
    u, v = lattice.columns[lattice.slip[0]], lattice.rows[lattice.slip[1]]
    t = np.linspace(0, 1, 9)[:, None]
    start, bend, end = np.array([72.0, 0.0]), np.array([20.0, 14.0]), np.array([MEDIAN_M, 72.0])
    curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
    uv = np.round(curve + np.array([u, v]), 2).astype(np.float64)
    return Line(uv, {"highway": "primary_link", "oneway": "yes"}, joins=True)


def _mark_level_crossing(lattice: Lattice) -> Mark:
    return Mark(lattice.rail_u, lattice.rows[lattice.level_crossing], {"railway": "level_crossing"})


def _mark_signals(lattice: Lattice) -> Iterator[Mark]:
    """Yield traffic lights where two arterials cross away from strips and the roundabout."""
    for i, column in enumerate(lattice.column_class):
        for j, row in enumerate(lattice.row_class):
            inner = 0 < i < len(lattice.columns) - 1 and 0 < j < len(lattice.rows) - 1
            if inner and column == "secondary" and row in _ARTERIALS:
                yield Mark(lattice.columns[i], lattice.rows[j], {"highway": "traffic_signals"})
