"""Where do the main streets, the river and the railway of a district run?

A lattice of street lines; between two of its rows flows the river, between two of its columns runs the railway. The
spaces between lines, without the two strips, are superblocks (``Cell``).
"""

from dataclasses import dataclass

import numpy as np

from spatial.errors import InputError

RIVER_STRIP_M, RAIL_STRIP_M = 112.0, 60.0
MEDIAN_M = 9.0
"""Carriageways of the dual arterial lie this far left and right of its middle."""
FEWEST_COMMUNITIES, MOST_COMMUNITIES = 4, 400
HALF_WIDTH_M = {"dual": 24.0, "primary": 18.0, "secondary": 16.0, "tertiary": 13.0, "residential": 10.0}
"""From the middle of a street to the first wall beside it."""
SIDEWALK_M = {"dual": 19.0, "primary": 14.0, "secondary": 12.0, "tertiary": 9.5, "residential": 7.0}
ROUNDABOUT_M = 30.0


@dataclass(frozen=True, slots=True)
class Lattice:
    """Street lines and what crosses them; indices count lines from the west and from the south."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]
    column_class: tuple[str, ...]
    row_class: tuple[str, ...]
    rail: int
    """The railway runs between column lines ``rail`` and ``rail + 1``."""
    river: int
    """The river flows between row lines ``river`` and ``river + 1``."""
    dual: int
    bridges: tuple[int, ...]
    level_crossing: int
    underpass: int
    sidewalk_columns: tuple[int, ...]
    sidewalk_rows: tuple[int, ...]

    @property
    def rail_u(self) -> float:
        """Where the railway runs."""
        return (self.columns[self.rail] + self.columns[self.rail + 1]) / 2

    @property
    def river_v(self) -> float:
        """Where the river flows."""
        return (self.rows[self.river] + self.rows[self.river + 1]) / 2

    @property
    def roundabout(self) -> tuple[int, int]:
        """The column and row line that meet in a roundabout."""
        return self.dual, self.level_crossing

    @property
    def slip(self) -> tuple[int, int]:
        """The column and row line whose crossing has a slip road."""
        return self.dual, self.underpass

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the board."""
        return self.columns[-1], self.rows[-1]


@dataclass(frozen=True, slots=True)
class Cell:
    """A superblock: the space north-east of a crossing of street lines, and its quarter between river and rail."""

    column: int
    row: int
    quarter: int


def make_lattice(*, rng: np.random.Generator, communities: int) -> Lattice:
    """Return a lattice with two superblocks per community, up to three in a large city.

    Raises
    ------
    InputError
        If there are fewer than 4 communities (river and railway make four quarters) or more than 400.
    """
    if not FEWEST_COMMUNITIES <= communities <= MOST_COMMUNITIES:
        raise InputError(
            f"a sample district of {communities} communities was asked for; "
            f"needed {FEWEST_COMMUNITIES} to {MOST_COMMUNITIES}"
        )
    wide, high = _choose_counts(communities)
    rail, river = max(1, round(wide * 0.3)), high // 2
    columns = _space_lines(wide, rail, RAIL_STRIP_M, (315.0, 430.0), rng)
    rows = _space_lines(high, river, RIVER_STRIP_M, (280.0, 375.0), rng)
    dual = rail + 1 + max(1, (wide - rail) // 2)
    underpass, level_crossing = max(1, river // 2), river + 1 + max(1, (high - river) // 2)
    column_class = _class_lines(len(columns), {dual: "dual", rail: "tertiary", rail + 1: "residential"})
    row_class = _class_lines(len(rows), {underpass: "primary", river: "tertiary", river + 1: "tertiary"})
    return Lattice(
        columns=columns,
        rows=rows,
        column_class=column_class,
        row_class=row_class,
        rail=rail,
        river=river,
        dual=dual,
        bridges=_choose_bridges(len(columns), rail, dual),
        level_crossing=level_crossing,
        underpass=underpass,
        sidewalk_columns=(dual,),
        sidewalk_rows=_choose_sidewalks(row_class, level_crossing),
    )


def _choose_counts(communities: int) -> tuple[int, int]:
    """Superblocks from west to east and from south to north: Qindu's communities hold half as many households again."""
    cells = communities * (2.0 + min(0.87, max(0.0, (communities - 6) / 111)))
    high = max(4, round(np.sqrt(cells * 1.25)))
    return max(3, int(np.ceil(cells / high))), high


def _space_lines(
    cells: int, strip: int, strip_m: float, widths: tuple[float, float], rng: np.random.Generator
) -> tuple[float, ...]:
    steps = np.insert(rng.uniform(*widths, cells), strip, strip_m)
    return tuple(float(x) for x in np.round(np.concatenate([[0.0], np.cumsum(steps)])))


def _class_lines(count: int, given: dict[int, str]) -> tuple[str, ...]:
    by_turn = ("secondary", "tertiary")
    last = count - 1
    return tuple(given.get(i, "secondary" if i in (0, last) else by_turn[i % 2]) for i in range(count))


def _choose_bridges(lines: int, rail: int, dual: int) -> tuple[int, ...]:
    """One west of the railway, the dual arterial, the eastern border; in a large city every fourth street as well."""
    every = {i for i in range(1, lines - 1) if i % 4 == 0 and i not in (rail, rail + 1)}
    return tuple(sorted({max(0, rail - 1) if rail > 1 else rail, dual, lines - 1} | every))


def _choose_sidewalks(row_class: tuple[str, ...], roundabout: int) -> tuple[int, ...]:
    """The rows whose sidewalks are mapped as ways of their own: the primary, and every fourth if secondary."""
    mapped = (i for i, c in enumerate(row_class) if c == "primary" or (c == "secondary" and i % 4 == 0))
    return tuple(i for i in mapped if i != roundabout)


def list_cells(lattice: Lattice) -> list[Cell]:
    """Return the superblocks from south to north, then from west to east; quarters count SW 0, SE 1, NW 2, NE 3."""
    return [
        Cell(i, j, int(i > lattice.rail) + 2 * int(j > lattice.river))
        for i in range(len(lattice.columns) - 1)
        for j in range(len(lattice.rows) - 1)
        if i != lattice.rail and j != lattice.river
    ]
