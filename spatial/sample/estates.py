"""How is a residential estate laid out: slabs or towers in rows, a loop road, lanes, a wall and its gates?"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.sample.drawing import ACROSS, ALONG, Floats, Line, Outline, Segment, Sketch, draw_houses
from spatial.sample.gates import (
    Entry,
    choose_gate_places,
    draw_entries,
    hang_gates,
    mark_gates,
    street_sides,
    third_places,
    trace_edge,
)
from spatial.sample.parcels import EAST, WEST, Parcel

_LOOP_M, _MARGIN_M, _SPINE_HALF_M = 8.0, 15.0, 6.0
_PRIVATE = {"access": "private"}
_LARGE_HA = 5.0
_SET_BACK_M = 1.5  # buildings stand this much before or behind the line of their row
_TWO_STAIRS_M = 18.0
"""Frontage of one stairwell with two flats a level."""


@dataclass(frozen=True, slots=True)
class Style:
    """How the buildings of a kind of estate stand; rows run east so that the flats face south."""

    walled: bool
    deep_m: float
    along_m: tuple[float, float]
    gap_m: float
    row_m: float
    levels: tuple[int, int]
    flats: int
    """Flats a level: of a stairwell in a slab, of the whole building in a tower."""
    tower: bool = False


STYLES = {
    "gated_slabs": Style(True, 12, (42, 60), 10, 35, (6, 7), 2),
    "compound": Style(True, 11, (34, 50), 9, 31, (4, 6), 2),
    "open_slabs": Style(False, 11, (36, 54), 9, 31, (5, 6), 2),
    "loose": Style(False, 12, (28, 46), 12, 38, (3, 6), 2),
    "gated_mid": Style(True, 14, (36, 50), 13, 46, (11, 14), 2),
    "gated_towers": Style(True, 17, (27, 34), 21, 59, (18, 33), 4, tower=True),
}


def lay_estate(parcel: Parcel, rng: np.random.Generator) -> Sketch:
    """Return the buildings, inner ways, and the wall with its gates, of one estate."""
    style = STYLES[parcel.kind]
    bays, spines = _split_bays(parcel)
    rows = _space_rows(parcel, style)
    lanes = (rows[:-1] + rows[1:]) / 2
    entries = _choose_entries(parcel, style, spines, lanes, rng)
    gates = hang_gates(parcel, entries, rng) if style.walled else ()
    inner = _PRIVATE if style.walled else {}
    low, high = parcel.low[1] + _LOOP_M, parcel.high[1] - _LOOP_M
    segments = (
        *_draw_loop(parcel, inner),
        *(Segment(ACROSS, spine, low, high, {"highway": "service", **inner}) for spine in spines),
        *_draw_lanes(parcel, lanes, inner),
        *draw_entries(parcel, entries, _LOOP_M, inner),
    )
    edge = trace_edge(parcel, gates)
    return Sketch(
        segments=segments,
        lines=(Line(edge, {"barrier": "wall"}),) if style.walled else (),
        marks=mark_gates(gates),
        outlines=() if parcel.kind == "loose" else (Outline(edge, {"landuse": "residential"}),),
        gates=gates,
        houses=_place_houses(parcel, style, bays, rows, rng),
    )


# -- buildings ------------------------------------------------------------------------------------------------------


def _split_bays(parcel: Parcel) -> tuple[list[tuple[float, float]], list[float]]:
    """Return the stretches that buildings may fill, and the service roads between them, from west to east."""
    west, east = parcel.low[0] + _MARGIN_M, parcel.high[0] - _MARGIN_M
    count = int(np.clip((east - west) // 130, 0, 2))
    spines = [round(x, 2) for x in np.linspace(west, east, count + 2)[1:-1]]
    edges = [west, *(x for s in spines for x in (s - _SPINE_HALF_M, s + _SPINE_HALF_M)), east]
    return list(zip(edges[::2], edges[1::2], strict=True)), spines


def _space_rows(parcel: Parcel, style: Style) -> Floats:
    """Return the middle lines of the rows, from south to north."""
    low, high = parcel.low[1] + _MARGIN_M + style.deep_m / 2, parcel.high[1] - _MARGIN_M - style.deep_m / 2
    count = max(1, int((high - low) // style.row_m) + 1)
    return np.round(np.linspace(low, high, count) if count > 1 else np.array([(low + high) / 2]), 2)


def _place_houses(
    parcel: Parcel, style: Style, bays: list[tuple[float, float]], rows: Floats, rng: np.random.Generator
) -> Any:
    """Return the buildings: a garden in the middle of large tower estates, one low house where neighbours meet."""
    u, along = (np.concatenate(x) for x in zip(*(_fill_bay(b, style, rng) for b in bays), strict=True))
    u, v, along = np.tile(u, len(rows)), np.repeat(rows, len(u)), np.tile(along, len(rows))
    u, v = u + rng.uniform(-_SET_BACK_M, _SET_BACK_M, len(u)), v + rng.uniform(-_SET_BACK_M, _SET_BACK_M, len(v))
    keep = parcel.clear_of_corners(u, v, (along + style.deep_m) / 2, margin_m=9.0)
    u, v, along = u[keep], v[keep], along[keep]
    middle = np.abs(np.column_stack([u, v]) - np.add(parcel.low, parcel.high) / 2)
    levels = rng.integers(style.levels[0], style.levels[1] + 1, len(u))
    households = (levels * _count_flats(parcel, style, along)).astype(int)
    use = np.full(len(u), "residential", dtype=object)
    if len(u) >= 12:
        hall = int(np.argmin(middle.sum(axis=1)))
        use[hall], levels[hall], households[hall] = "service", 2, 0
        garden = (middle[:, 0] < 60) & (middle[:, 1] < 40) & (np.arange(len(u)) != hall) & style.tower
        u, v, along, levels, households, use = (x[~garden] for x in (u, v, along, levels, households, use))
    return draw_houses(
        {
            "u": np.round(u, 2),
            "v": np.round(v, 2),
            "along_m": along,
            "deep_m": style.deep_m,
            "levels": levels,
            "households": households,
            "use": use,
            "rigid": True,
        }
    )


def _fill_bay(bay: tuple[float, float], style: Style, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return middles and lengths of the buildings of a row within a bay."""
    room = bay[1] - bay[0]
    shortest, longest = style.along_m
    wanted = rng.uniform(shortest, longest)
    count = max(1, int((room + style.gap_m) // (wanted + style.gap_m)))
    fitting = (room - (count - 1) * style.gap_m) / count
    along = min(fitting, wanted if style.tower else 1.25 * longest)
    step = (room - along) / max(1, count - 1)
    first = bay[0] + along / 2 if count > 1 else (bay[0] + bay[1]) / 2
    return np.round(first + step * np.arange(count), 2), np.full(count, np.round(along, 1))


def _count_flats(parcel: Parcel, style: Style, along: Floats) -> Any:
    """Return flats a level; few towers on much land are thick ones, so that a large estate is a populous one."""
    if not style.tower:
        return style.flats * np.maximum(1, np.round(along / _TWO_STAIRS_M).astype(int))
    return style.flats if parcel.area_ha < _LARGE_HA else np.clip(round(80 / len(along)), style.flats, 6)


# -- ways -----------------------------------------------------------------------------------------------------------


def _draw_loop(parcel: Parcel, inner: dict[str, str]) -> list[Segment]:
    (a, b), (c, d) = (x + _LOOP_M for x in parcel.low), (x - _LOOP_M for x in parcel.high)
    tags = {"highway": "service", **inner}
    flat = (Segment(ALONG, v, a, c, tags) for v in (b, d))
    return [*flat, *(Segment(ACROSS, u, b, d, tags) for u in (a, c))]


def _draw_lanes(parcel: Parcel, lanes: Floats, inner: dict[str, str]) -> list[Segment]:
    """Return the lanes between rows: every second for cars, the others for feet."""
    kinds = ("service", "footway")
    return [
        Segment(ALONG, float(v), parcel.low[0] + _LOOP_M, parcel.high[0] - _LOOP_M, {"highway": kinds[k % 2], **inner})
        for k, v in enumerate(lanes)
    ]


def _choose_entries(
    parcel: Parcel, style: Style, spines: list[float], lanes: Floats, rng: np.random.Generator
) -> list[Entry]:
    """Return where ways from the street enter: a walled estate at its gates, an open one at every lane."""
    if style.walled:
        return choose_gate_places(parcel, spines, rng)
    entries = []
    for side in street_sides(parcel):
        places = list(lanes) if side in (EAST, WEST) else spines
        entries += [Entry(side, float(at)) for at in places or third_places(parcel, side, rng)[:1]]
    return entries
