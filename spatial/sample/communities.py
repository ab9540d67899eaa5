"""Which superblocks form a community, and where do the borders between communities run?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.errors import InfeasibleError
from spatial.sample.drawing import ACROSS, ALONG, Segment
from spatial.sample.ground import Ground, to_ground
from spatial.sample.lattice import Cell, Lattice
from spatial.sample.noding import Ints, to_board, to_cm

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sides:
    """The lines on which communities border: streets, the middle of the river, the railway, each with its vertices."""

    us: tuple[float, ...]
    vs: tuple[float, ...]
    vertices: dict[tuple[int, float], Ints]


def group_cells(cells: Sequence[Cell], households: Numbers, communities: int) -> Numbers:
    """Return a community number for each superblock: none crosses river or railway, each is in one piece.

    Communities are shared out to the four quarters by households, then each quarter is halved again and again where
    the two parts are best in balance.

    Raises
    ------
    InfeasibleError
        If a part has no halves in one piece each; of lattices no such case is known.
    """
    quarter = np.array([c.quarter for c in cells])
    totals = np.bincount(quarter, households, minlength=4).astype(np.float64)
    sizes = np.bincount(quarter, minlength=4)
    shares = _share_out(totals, sizes, communities)
    number, first = np.zeros(len(cells), dtype=np.int64), 0
    for q in range(4):
        rows = np.flatnonzero(quarter == q)
        number[rows] = first + _halve(rows, cells, households, int(shares[q]))
        first += int(shares[q])
    return number


def _share_out(totals: NDArray[np.float64], sizes: Numbers, communities: int) -> Numbers:
    """Return how many communities each quarter gets: at least one, at most its superblocks, by largest average."""
    shares = np.ones(len(totals), dtype=np.int64)
    while shares.sum() < communities:
        shares[int(np.argmax(np.where(shares < sizes, totals / (shares + 0.5), -1.0)))] += 1
    return shares


def _halve(rows: Numbers, cells: Sequence[Cell], households: Numbers, parts: int) -> Numbers:
    """Return part numbers 0.. for the rows of superblocks."""
    number = np.zeros(len(rows), dtype=np.int64)
    if parts == 1:
        return number
    left = parts // 2
    best: tuple[float, NDArray[np.bool_]] | None = None
    for order in _orders(rows, cells):
        reached = np.cumsum(households[order])
        for cut in range(left, len(order) - (parts - left) + 1):
            miss = abs(reached[cut - 1] / left - (reached[-1] - reached[cut - 1]) / (parts - left))
            if (
                (best is None or miss < best[0])
                and _in_one_piece(order[:cut], cells)
                and _in_one_piece(order[cut:], cells)
            ):
                best = float(miss), np.isin(rows, order[:cut])
    if best is None:
        raise InfeasibleError(f"{len(rows)} superblocks cannot be parted into {parts} communities in one piece each")
    first = best[1]
    number[first] = _halve(rows[first], cells, households, left)
    number[~first] = left + _halve(rows[~first], cells, households, parts - left)
    return number


def _orders(rows: Numbers, cells: Sequence[Cell]) -> list[Numbers]:
    column = np.array([cells[i].column for i in rows])
    row = np.array([cells[i].row for i in rows])
    return [rows[np.lexsort(keys)] for keys in ((row, column), (column, row), (-row, column), (-column, row))]


def _in_one_piece(rows: Numbers, cells: Sequence[Cell]) -> bool:
    places = {(cells[i].column, cells[i].row) for i in rows}
    seen, unplaced = set(), [min(places)]
    while unplaced:
        a, b = unplaced.pop()
        if (a, b) in seen or (a, b) not in places:
            continue
        seen.add((a, b))
        unplaced += [(a + 1, b), (a - 1, b), (a, b + 1), (a, b - 1)]
    return len(seen) == len(places)


# -- borders --------------------------------------------------------------------------------------------------------


def find_sides(lattice: Lattice, segments: Sequence[Segment], stations: Sequence[Ints]) -> Sides:
    """Return the lines of possible borders with the vertices of the streets, river and railway that lie on them."""
    us = tuple(sorted({*lattice.columns, lattice.rail_u} - set(lattice.columns[lattice.rail : lattice.rail + 2])))
    vs = tuple(sorted({*lattice.rows, lattice.river_v} - set(lattice.rows[lattice.river : lattice.river + 2])))
    wanted = {(ACROSS, u) for u in us} | {(ALONG, v) for v in vs}
    gathered: dict[tuple[int, float], list[Ints]] = {
        key: [to_cm(np.array(vs if key[0] == ACROSS else us))] for key in wanted
    }
    for segment, t in zip(segments, stations, strict=True):
        if (segment.axis, segment.at) in gathered:
            gathered[segment.axis, segment.at].append(t)
    return Sides(us, vs, {key: np.unique(np.concatenate(found)) for key, found in gathered.items()})


def outline_cells(cells: Sequence[Cell], lattice: Lattice, sides: Sides, ground: Ground) -> Any:
    """Return an array with the land of each superblock, out to the middle of the streets, river or railway around it.

    Neighbours have every vertex of their common border in common, so that they tile the district.
    """
    rings = [_ring(cell, lattice, sides) for cell in cells]
    xy = to_ground(to_board(np.vstack(rings)), ground)
    index = np.repeat(np.arange(len(rings)), [len(r) for r in rings])
    return shapely.polygons(shapely.linearrings(xy, indices=index))


def _ring(cell: Cell, lattice: Lattice, sides: Sides) -> Ints:
    i, j = cell.column - (cell.column > lattice.rail), cell.row - (cell.row > lattice.river)
    west, east, south, north = sides.us[i], sides.us[i + 1], sides.vs[j], sides.vs[j + 1]
    return np.vstack(
        [
            _side(sides, ALONG, south, (west, east)),
            _side(sides, ACROSS, east, (south, north)),
            _side(sides, ALONG, north, (west, east))[::-1],
            _side(sides, ACROSS, west, (south, north))[::-1],
        ]
    )


def _side(sides: Sides, axis: int, at: float, ends: tuple[float, float]) -> Ints:
    low, high = to_cm(np.array(ends))
    t = sides.vertices[axis, at]
    t = t[(t >= low) & (t <= high)]
    line = np.full(len(t), to_cm(np.array([at]))[0])
    return np.column_stack([line, t] if axis == ACROSS else [t, line])
