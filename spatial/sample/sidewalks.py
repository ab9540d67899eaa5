"""Where are sidewalks ways of their own, and where are the zebra crossings that join them?"""

from collections.abc import Iterator

from spatial.sample.drawing import ACROSS, ALONG, Mark, Segment, Sketch
from spatial.sample.lattice import MEDIAN_M, SIDEWALK_M, Lattice

_SIDEWALK = {"highway": "footway", "footway": "sidewalk"}
_ZEBRA = {"highway": "footway", "footway": "crossing"}
_PAST_ROUNDABOUT_M = 46.0
_Corner = tuple[int, int, int, int]
"""Column line, row line, and the side (-1 or 1) of each on which a corner of a crossing of streets lies."""


def draw_sidewalks(lattice: Lattice) -> Sketch:
    """Return sidewalks on both sides of the streets that have them mapped, and crossings at junctions they reach."""
    walks = [*_walks(lattice, ACROSS), *_walks(lattice, ALONG)]
    corners = {corner for _, ends in walks for corner in ends}
    nodes = sorted({corner[:2] for corner in corners})
    crossings = [x for node in nodes for x in _cross_node(lattice, node, corners)]
    return Sketch(
        segments=(*(segment for segment, _ in walks), *(segment for segment, _ in crossings)),
        marks=tuple(mark for _, marks in crossings for mark in marks),
    )


def _offsets(lattice: Lattice, column: int, row: int) -> tuple[float, float]:
    """Return how far the corners of a junction lie from the middle of its column street and of its row street."""
    u = SIDEWALK_M[lattice.column_class[column]]
    if (column, row) == lattice.roundabout:
        return u, _PAST_ROUNDABOUT_M
    return u, SIDEWALK_M[lattice.row_class[row]]


def _walks(lattice: Lattice, axis: int) -> Iterator[tuple[Segment, tuple[_Corner, _Corner]]]:
    """Yield each mapped sidewalk with the corners it joins: none outside the district, none over river and railway."""
    lines, others = (lattice.columns, lattice.rows) if axis == ACROSS else (lattice.rows, lattice.columns)
    mapped = lattice.sidewalk_columns if axis == ACROSS else lattice.sidewalk_rows
    strip = lattice.river if axis == ACROSS else lattice.rail
    for i in mapped:
        for side in (-1, 1):
            if (i, side) in ((0, -1), (len(lines) - 1, 1)):
                continue
            for k in range(len(others) - 1):
                if k == strip:
                    continue
                if axis == ACROSS:
                    low, high = (i, k, side, 1), (i, k + 1, side, -1)
                else:
                    low, high = (k, i, 1, side), (k + 1, i, -1, side)
                start, end = _place(lattice, low), _place(lattice, high)
                yield Segment(axis, start[axis], start[1 - axis], end[1 - axis], _SIDEWALK), (low, high)


def _place(lattice: Lattice, corner: _Corner) -> tuple[float, float]:
    column, row, side_u, side_v = corner
    off_u, off_v = _offsets(lattice, column, row)
    return lattice.columns[column] + side_u * off_u, lattice.rows[row] + side_v * off_v


def _cross_node(
    lattice: Lattice, node: tuple[int, int], corners: set[_Corner]
) -> Iterator[tuple[Segment, tuple[Mark, ...]]]:
    """Yield, for each arm of a junction, a zebra between its two corners, or a link from its only one to the street."""
    column, row = node
    for axis, side in ((ALONG, -1), (ALONG, 1), (ACROSS, -1), (ACROSS, 1)):
        if axis == ALONG and node == lattice.roundabout:
            continue
        pair = [(column, row, side, s) if axis == ALONG else (column, row, s, side) for s in (-1, 1)]
        there = [corner for corner in pair if corner in corners]
        if not there:
            continue
        middle = lattice.rows[row] if axis == ALONG else lattice.columns[column]
        at = _place(lattice, pair[0])[1 - axis]
        if not _has_arm(lattice, axis, side, node):
            if len(there) == 2:
                yield Segment(1 - axis, at, *_span(lattice, pair, axis), _SIDEWALK), ()
            continue
        dual = axis == ACROSS and column == lattice.dual
        if len(there) == 2:
            lanes = (middle - MEDIAN_M, middle + MEDIAN_M) if dual else (middle,)
            marks = tuple(
                Mark(*((lane, at) if axis == ACROSS else (at, lane)), {"highway": "crossing"}) for lane in lanes
            )
            yield Segment(1 - axis, at, *_span(lattice, pair, axis), _ZEBRA), marks
        else:
            own = _place(lattice, there[0])[axis]
            yield Segment(1 - axis, at, min(own, middle), max(own, middle), _SIDEWALK), ()


def _span(lattice: Lattice, pair: list[_Corner], axis: int) -> tuple[float, float]:
    return _place(lattice, pair[0])[axis], _place(lattice, pair[1])[axis]


def _has_arm(lattice: Lattice, axis: int, side: int, node: tuple[int, int]) -> bool:
    """Tell whether a street leaves a junction to a side, within the district."""
    column, row = node
    here, line = (row, column) if axis == ACROSS else (column, row)
    last = len(lattice.rows if axis == ACROSS else lattice.columns) - 1
    k = here if side > 0 else here - 1
    if not 0 <= k < last:
        return False
    if axis == ACROSS and k == lattice.river:
        return line in lattice.bridges
    if axis == ALONG and k == lattice.rail:
        return line in (lattice.underpass, lattice.level_crossing)
    return True
