"""What do the public places of a district look like: school, hospital, market, park, offices, construction site?"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.sample.drawing import ACROSS, ALONG, Floats, Gate, Line, Mark, Outline, Segment, Sketch, Tags, draw_houses
from spatial.sample.gates import Entry, draw_entries, place_on_side, street_sides, third_places, trace_edge
from spatial.sample.parcels import Parcel

_INSIDE_M = 12.0


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of public place: tags of its ground, its buildings as shares of the parcel, and what stands around it."""

    ground: Tags
    use: str
    levels: int
    buildings: tuple[tuple[float, float, float, float], ...]
    """Middle (as shares of width and height), then length east and depth (as shares, cut to 90 m by 40 m)."""
    fence: str


PLACES = {
    "school": Place(
        {"amenity": "school"},
        "school",
        4,
        ((0.3, 0.8, 0.4, 0.09), (0.3, 0.62, 0.4, 0.09), (0.78, 0.78, 0.2, 0.14)),
        "fence",
    ),
    "hospital": Place(
        {"amenity": "hospital"},
        "hospital",
        9,
        ((0.5, 0.3, 0.5, 0.16), (0.35, 0.62, 0.36, 0.14), (0.74, 0.68, 0.16, 0.24)),
        "fence",
    ),
    "market": Place(
        {"landuse": "retail", "amenity": "marketplace"},
        "retail",
        2,
        ((0.5, 0.68, 0.66, 0.26), (0.5, 0.28, 0.6, 0.16)),
        "",
    ),
    "offices": Place({"landuse": "commercial"}, "office", 12, ((0.35, 0.6, 0.36, 0.2), (0.72, 0.4, 0.22, 0.2)), ""),
    "construction": Place({"landuse": "construction"}, "construction", 0, (), "wall"),
    "park": Place({"leisure": "park"}, "service", 1, ((0.8, 0.88, 0.12, 0.05),), ""),
}


def lay_place(parcel: Parcel, rng: np.random.Generator) -> Sketch:
    """Return one public place with its buildings, paths and fence."""
    place = PLACES[parcel.kind]
    entries = [Entry(side, third_places(parcel, side, rng)[0]) for side in street_sides(parcel)]
    entries = entries if parcel.kind == "park" else entries[:2]
    gates = tuple(Gate(*place_on_side(parcel, entry), "open", "") for entry in entries) if place.fence else ()
    edge = trace_edge(parcel, gates)
    kind = {"highway": "footway"} if parcel.kind == "park" else {}
    segments = (
        [*_draw_paths(parcel, entries)] if parcel.kind == "park" else draw_entries(parcel, entries, _INSIDE_M, kind)
    )
    return Sketch(
        segments=tuple(segments),
        lines=(Line(edge, {"barrier": place.fence}),) if place.fence else (),
        marks=tuple(_mark(parcel.kind, gate) for gate in gates),
        outlines=(Outline(edge, place.ground), *_draw_inside(parcel, rng)),
        houses=_place_houses(parcel, place),
    )


def _mark(kind: str, gate: Gate) -> Mark:
    return Mark(gate.u, gate.v, {"barrier": "gate", "access": "no" if kind == "construction" else "yes"})


def _draw_paths(parcel: Parcel, entries: list[Entry]) -> list[Segment]:
    """Return the paths of a park: a ring, and ways straight across from street to street where both sides have one."""
    inset = 0.2
    (a, b), (c, d) = (
        np.round(np.add(parcel.low, np.multiply(parcel.size, share)), 2).tolist() for share in (inset, 1 - inset)
    )
    tags = {"highway": "footway"}
    ring = [*(Segment(ALONG, v, a, c, tags) for v in (b, d)), *(Segment(ACROSS, u, b, d, tags) for u in (a, c))]
    depth = inset * min(parcel.size)
    reach = inset * max(parcel.size)
    return [*ring, *draw_entries(parcel, entries, max(depth, reach), {"highway": "footway"})]


def _draw_inside(parcel: Parcel, rng: np.random.Generator) -> list[Outline]:
    """Return the pond of a park and the sports ground of a school."""
    middle, half = np.add(parcel.low, parcel.high) / 2, np.array(parcel.size) / 2
    if parcel.kind == "park":
        angle = np.linspace(0, 2 * np.pi, 25)
        wobble = 0.3 + 0.04 * np.sin(3 * angle + rng.uniform(0, 6))
        ring = middle + half * wobble[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
        return [Outline(np.round(ring, 2), {"natural": "water", "water": "pond"})]
    if parcel.kind == "school":
        low, high = middle + half * (-0.75, -0.8), middle + half * (0.75, 0.05)
        ring = np.array([low, (high[0], low[1]), high, (low[0], high[1]), low])
        return [Outline(np.round(ring, 2), {"leisure": "pitch"})]
    return []


def _place_houses(parcel: Parcel, place: Place) -> Any:
    if not place.buildings:
        return draw_houses({})
    shares: Floats = np.array(place.buildings)
    uv = np.add(parcel.low, shares[:, :2] * parcel.size)
    return draw_houses(
        {
            "u": np.round(uv[:, 0], 2),
            "v": np.round(uv[:, 1], 2),
            "along_m": np.round(np.minimum(90.0, shares[:, 2] * parcel.size[0]), 1),
            "deep_m": np.round(np.minimum(40.0, shares[:, 3] * parcel.size[1]), 1),
            "levels": place.levels,
            "households": 0,
            "use": place.use,
            "rigid": True,
        }
    )
