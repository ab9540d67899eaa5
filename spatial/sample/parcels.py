"""What stands on each superblock, and how is it sliced into parcels?

A programme is a slicing tree: ``(cut, share, gap, first, second)``, where cut "u" parts west from east and "v" south
from north, and the gap is an inner street or only a wall; a leaf is the kind of a parcel.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.sample.drawing import ACROSS, ALONG, Floats, Segment
from spatial.sample.lattice import HALF_WIDTH_M, MEDIAN_M, Cell, Lattice

Bools = NDArray[np.bool_]
SOUTH, EAST, NORTH, WEST = range(4)
_STREET_HALF_M, _WALL_HALF_M = 7.5, 1.5
_CORNER_M, _SLIP_CORNER_M, _ROUNDABOUT_CORNER_M = 6.0, 42.0, 13.0
_INNER_SIDEWALK_M = 5.5

PROGRAMMES: dict[str, Any] = {
    "towers": "gated_towers",
    "pair": ("u", 0.44, "street", "gated_slabs", "gated_towers"),
    "trio": (
        "v",
        0.52,
        "street",
        ("u", 0.6, "wall", "gated_towers", "compound"),
        ("u", 0.5, "wall", "loose", "gated_mid"),
    ),
    "old": (
        "v",
        0.5,
        "street",
        ("u", 0.5, "street", "open_slabs", "open_slabs"),
        ("u", 0.6, "street", "open_slabs", "market"),
    ),
    "older": (
        "u",
        0.5,
        "street",
        ("v", 0.55, "street", "open_slabs", "compound"),
        ("v", 0.5, "wall", "open_slabs", "gated_mid"),
    ),
    "village": ("u", 0.62, "street", "village", "school"),
    "park": ("u", 0.5, "street", "park", "gated_mid"),
    "hospital": ("v", 0.5, "street", ("u", 0.5, "wall", "hospital", "compound"), "gated_slabs"),
    "site": ("u", 0.45, "street", "construction", ("v", 0.55, "street", "open_slabs", "loose")),
    "compounds": (
        "v",
        0.5,
        "street",
        ("u", 0.33, "wall", "compound", ("u", 0.5, "wall", "compound", "offices")),
        ("u", 0.5, "wall", "compound", "gated_slabs"),
    ),
    "learning": (
        "v",
        0.6,
        "street",
        ("u", 0.55, "street", "gated_towers", "open_slabs"),
        ("u", 0.5, "wall", "school", "loose"),
    ),
}
NOMINAL = {"towers": 2450, "pair": 1550, "trio": 1300, "old": 700, "older": 950, "village": 1200, "park": 650,
           "hospital": 750, "site": 360, "compounds": 700, "learning": 900}  # fmt: skip
"""About how many households each programme gives: communities are balanced by these before anything is drawn."""
_ROUND = (
    "towers",
    "pair",
    "pair",
    "trio",
    "old",
    "older",
    "village",
    "park",
    "hospital",
    "site",
    "compounds",
    "learning",
)


@dataclass(frozen=True, slots=True)
class Front:
    """A street along a side of a parcel: where ways from the parcel end, and where its sidewalk is (0: not mapped)."""

    at: float
    rank: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """An upright rectangle with one use; fronts and corners go south, east, north, west (corners from south-west)."""

    kind: str
    low: tuple[float, float]
    high: tuple[float, float]
    fronts: tuple[Front | None, ...]
    corners: tuple[float, ...]
    cell: int

    @property
    def area_ha(self) -> float:
        """Area in hectares."""
        return self.size[0] * self.size[1] / 1e4

    def clear_of_corners(self, u: Floats, v: Floats, reach: Floats, *, margin_m: float) -> Bools:
        """Tell which places keep a margin, and a reach (half width plus half depth) of their own, from cut corners."""
        (west, south), (east, north) = self.low, self.high
        places = ((west, south), (east, south), (east, north), (west, north))
        away = [np.abs(u - a) + np.abs(v - b) - reach - cut for (a, b), cut in zip(places, self.corners, strict=True)]
        clear: Bools = np.min(away, axis=0) > margin_m
        return clear

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in metres."""
        return self.high[0] - self.low[0], self.high[1] - self.low[1]


def choose_programmes(cells: list[Cell], lattice: Lattice, rng: np.random.Generator) -> list[str]:
    """Return a programme for each superblock; the one at the slip road is a park, whose corner can be cut off."""
    rounds = -(-len(cells) // len(_ROUND))
    wanted = np.array((_ROUND * rounds)[: len(cells)])
    slip = cells.index(slip_cell(cells, lattice))
    order = rng.permutation(len(wanted))
    shuffled = wanted[order]
    if shuffled[slip] != "park":
        other = int(np.flatnonzero(shuffled == "park")[0])
        shuffled[[slip, other]] = shuffled[[other, slip]]
    return [str(x) for x in shuffled]


def slip_cell(cells: list[Cell], lattice: Lattice) -> Cell:
    """Return the superblock north-east of the crossing that has the slip road."""
    return next(c for c in cells if (c.column, c.row) == lattice.slip)


def slice_cell(
    index: int, cell: Cell, programme: str, *, lattice: Lattice, rng: np.random.Generator
) -> tuple[list[Parcel], list[Segment]]:
    """Return the parcels of a superblock and the streets between them."""
    i, j = cell.column, cell.row
    columns, rows = lattice.column_class[i : i + 2], lattice.row_class[j : j + 2]
    low = (lattice.columns[i] + HALF_WIDTH_M[columns[0]], lattice.rows[j] + HALF_WIDTH_M[rows[0]])
    high = (lattice.columns[i + 1] - HALF_WIDTH_M[columns[1]], lattice.rows[j + 1] - HALF_WIDTH_M[rows[1]])
    fronts = (
        _front(lattice.rows[j], rows[0], 1),
        _front(lattice.columns[i + 1], columns[1], -1),
        _front(lattice.rows[j + 1], rows[1], -1),
        _front(lattice.columns[i], columns[0], 1),
    )
    junctions = ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))
    corners = tuple(_ROUNDABOUT_CORNER_M if junction == lattice.roundabout else _CORNER_M for junction in junctions)
    if (i, j) == lattice.slip:
        corners = (_SLIP_CORNER_M, *corners[1:])
    whole = Parcel("", low, high, fronts, corners, index)
    # The park lies west in its programme, at the slip road; elsewhere a programme may stand mirrored.
    mirrored = (i, j) != lattice.slip and bool(rng.random() < 0.5)
    return _slice(whole, PROGRAMMES[programme], mirrored, rng)


def _front(middle: float, street_class: str, inward: int) -> Front:
    rank = list(HALF_WIDTH_M).index(street_class)
    return Front(middle + (inward * MEDIAN_M if street_class == "dual" else 0.0), rank)


def _slice(parcel: Parcel, tree: Any, mirrored: bool, rng: np.random.Generator) -> tuple[list[Parcel], list[Segment]]:
    if isinstance(tree, str):
        return [Parcel(tree, parcel.low, parcel.high, parcel.fronts, parcel.corners, parcel.cell)], []
    cut, share, gap, first, second = tree
    if mirrored:
        share, first, second = 1 - share, second, first
    axis = ACROSS if cut == "u" else ALONG
    half = _STREET_HALF_M if gap == "street" else _WALL_HALF_M
    at = round(parcel.low[axis] + parcel.size[axis] * (share + rng.uniform(-0.04, 0.04)), 2)
    front = Front(at, len(HALF_WIDTH_M)) if gap == "street" else None
    below, above = _halve(parcel, axis, at, half, front)
    pieces = [_slice(below, first, mirrored, rng), _slice(above, second, mirrored, rng)]
    street = [_draw_street(parcel, axis, at)] if gap == "street" else []
    return [p for parcels, _ in pieces for p in parcels], [*street, *(s for _, streets in pieces for s in streets)]


def _halve(parcel: Parcel, axis: int, at: float, half: float, front: Front | None) -> tuple[Parcel, Parcel]:
    """Return the parts on the low and on the high side of a cut."""
    high, low = list(parcel.high), list(parcel.low)
    high[axis], low[axis] = at - half, at + half
    new_high, new_low = (EAST, WEST) if axis == ACROSS else (NORTH, SOUTH)
    below_fronts, above_fronts = list(parcel.fronts), list(parcel.fronts)
    below_fronts[new_high], above_fronts[new_low] = front, front
    a, b, c, d = parcel.corners
    small = _CORNER_M if front else 0.0
    below_corners = (a, small, small, d) if axis == ACROSS else (a, b, small, small)
    above_corners = (small, b, c, small) if axis == ACROSS else (small, small, c, d)
    below = Parcel("", parcel.low, (high[0], high[1]), tuple(below_fronts), below_corners, parcel.cell)
    above = Parcel("", (low[0], low[1]), parcel.high, tuple(above_fronts), above_corners, parcel.cell)
    return below, above


def _draw_street(parcel: Parcel, axis: int, at: float) -> Segment:
    """Return the inner street along a cut, up to the streets on both sides, or to the wall where there is none."""
    first, last = (
        (parcel.fronts[SOUTH], parcel.fronts[NORTH]) if axis == ACROSS else (parcel.fronts[WEST], parcel.fronts[EAST])
    )
    start = first.at if first else parcel.low[1 - axis]
    end = last.at if last else parcel.high[1 - axis]
    return Segment(axis, at, start, end, {"highway": "residential"})
