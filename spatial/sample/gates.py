"""Where does one enter a parcel: its wall, the gates in it, and the ways that pass through them?"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from spatial.sample.drawing import ACROSS, ALONG, Floats, Gate, Mark, Segment, draw_between, thicken
from spatial.sample.parcels import EAST, NORTH, SOUTH, WEST, Parcel

WALL_STEP_M = 40.0
_MAIN_HOURS, _SIDE_HOURS, _OPEN_HOURS = "24/7", "06:00-22:00", "07:00-20:00"
_OSM_ACCESS = {"open": "yes", "private": "private", "closed": "no"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A place on a side of a parcel where a way from the street enters; ``at`` runs along that side."""

    side: int
    at: float


def place_on_side(parcel: Parcel, entry: Entry) -> tuple[float, float]:
    """Return where an entry lies on the edge of its parcel."""
    return {
        SOUTH: (entry.at, parcel.low[1]),
        NORTH: (entry.at, parcel.high[1]),
        WEST: (parcel.low[0], entry.at),
        EAST: (parcel.high[0], entry.at),
    }[entry.side]


def street_sides(parcel: Parcel) -> list[int]:
    """Return the sides that face a street, the widest street first."""
    ranked = [(front.rank, side) for side, front in enumerate(parcel.fronts) if front]
    return [side for _, side in sorted(ranked)]


def third_places(parcel: Parcel, side: int, rng: np.random.Generator) -> list[float]:
    """Return two places along a side, off its middle."""
    axis = 0 if side in (SOUTH, NORTH) else 1
    shares = np.array([0.4, 0.74]) + rng.uniform(-0.08, 0.08, 2)
    return [round(parcel.low[axis] + parcel.size[axis] * float(share), 2) for share in shares]


def choose_gate_places(parcel: Parcel, spines: list[float], rng: np.random.Generator) -> list[Entry]:
    """Return two to four entries of a walled parcel by its size: one on each street first, the main one in front."""
    count = 2 + sum(parcel.area_ha > limit for limit in (3, 6))
    by_side = []
    for side in street_sides(parcel):
        places = spines if spines and side in (SOUTH, NORTH) else third_places(parcel, side, rng)
        by_side.append([Entry(side, at) for at in places])
    turns = [entry for turn in range(2) for places in by_side for entry in places[turn : turn + 1]]
    return turns[:count]


def hang_gates(parcel: Parcel, entries: list[Entry], rng: np.random.Generator) -> tuple[Gate, ...]:
    """Return a gate for each entry: the main one for residents, of the others some shut for good or open to all."""
    gates = []
    for turn, entry in enumerate(entries):
        access, hours = _choose_access(turn, float(rng.random()))
        gates.append(Gate(*place_on_side(parcel, entry), access, hours))
    return tuple(gates)


def _choose_access(turn: int, chance: float) -> tuple[str, str]:
    if turn == 0:
        return "private", _MAIN_HOURS
    if turn >= 2 and chance < 0.45:
        return "closed", ""
    return ("open", _OPEN_HOURS) if chance > 0.8 else ("private", _SIDE_HOURS)


def mark_gates(gates: Iterable[Gate]) -> tuple[Mark, ...]:
    """Return the gates as tagged places of the street map; the first has a boom for cars."""
    marks = []
    for turn, gate in enumerate(gates):
        tags = {"barrier": "gate" if turn else "lift_gate", "access": _OSM_ACCESS[gate.access]}
        if gate.hours:
            tags["opening_hours"] = gate.hours
        marks.append(Mark(gate.u, gate.v, tags | ({"locked": "yes"} if gate.access == "closed" else {})))
    return tuple(marks)


def draw_entries(parcel: Parcel, entries: list[Entry], depth_m: float, inner: dict[str, str]) -> list[Segment]:
    """Return the ways from the streets to the edge, and on to a depth inside; from the third on, footways."""
    segments = []
    for turn, entry in enumerate(entries):
        front = parcel.fronts[entry.side]
        if front is None:
            continue
        axis = ACROSS if entry.side in (SOUTH, NORTH) else ALONG
        edge = place_on_side(parcel, entry)[1 - axis]
        inward = depth_m if entry.side in (SOUTH, WEST) else -depth_m
        kind = {"highway": "service" if turn < 2 else "footway"}
        segments.append(draw_between(axis, entry.at, (front.at, edge), kind))
        segments.append(draw_between(axis, entry.at, (edge, edge + inward), kind | inner))
    return segments


def trace_edge(parcel: Parcel, gates: Iterable[Gate] = (), *, inset_m: float = 0.0) -> Floats:
    """Return the closed ring of a parcel, counter-clockwise, its corners cut, a vertex at every gate and 40 m."""
    (a, b), (c, d) = (x + inset_m for x in parcel.low), (x - inset_m for x in parcel.high)
    p, q, r, s = parcel.corners
    corners = np.array([[a, b + p], [a + p, b], [c - q, b], [c, b + q], [c, d - r], [c - r, d], [a + s, d], [a, d - s]])
    at_gates = np.array([[g.u, g.v] for g in gates]).reshape(-1, 2)
    on_side = [at_gates[:, 1] == b, at_gates[:, 0] == c, at_gates[:, 1] == d, at_gates[:, 0] == a]
    ring = [corners[:1]]
    for side, there in enumerate(on_side):
        given = at_gates[there]
        axis, sign = (0, 1) if side == SOUTH else (1, 1) if side == EAST else (0, -1) if side == NORTH else (1, -1)
        first, last = corners[2 * side + 1], corners[(2 * side + 2) % 8]
        ring += [first[None], given[np.argsort(sign * given[:, axis])], last[None]]
    uv = np.vstack(ring)
    moves = np.append(True, np.any(np.diff(uv, axis=0) != 0, axis=1))
    return np.round(thicken(uv[moves], step_m=WALL_STEP_M), 2)
