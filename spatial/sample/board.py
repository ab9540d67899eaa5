"""What is drawn on the board before it becomes ground: superblocks, parcels, estates, streets?"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spatial.sample.communities import Numbers, group_cells
from spatial.sample.drawing import Segment, Sketch, join_sketches
from spatial.sample.estates import lay_estate
from spatial.sample.lattice import Cell, Lattice, list_cells, make_lattice
from spatial.sample.names import name_streets
from spatial.sample.parcels import NOMINAL, Parcel, choose_programmes, slice_cell
from spatial.sample.places import PLACES, lay_place
from spatial.sample.sidewalks import draw_sidewalks
from spatial.sample.streets import draw_streets
from spatial.sample.village import lay_village

_TRIALS, _FEWEST_TRIALS = 360, 4
"""Arrangements of superblocks that are compared for communities of even size: so many by the number of communities."""


_HOUSEHOLDS_PER_CELL = 1100
_TOWER_LEVELS, _TOWER_FACTORS = (15, 33), (0.7, 1.35)


@dataclass(frozen=True, slots=True)
class Board:
    """Superblocks with the number of their community, parcels with a sketch each, and everything in one sketch."""

    lattice: Lattice
    cells: list[Cell]
    community: Numbers
    parcels: list[Parcel]
    sketches: list[Sketch]
    whole: Sketch

    def homes(self) -> list[int]:
        """Return the numbers of the parcels that are estates or villages."""
        return [k for k, p in enumerate(self.parcels) if p.kind not in PLACES and p.kind != "loose"]

    def places(self) -> list[int]:
        """Return the numbers of the parcels that are public places."""
        return [k for k, p in enumerate(self.parcels) if p.kind in PLACES]


def draw_board(*, rng: np.random.Generator, communities: int) -> Board:
    """Return a drawn board for a number of communities.

    Raises
    ------
    InputError
        If there are too few or too many communities (``make_lattice``).
    """
    lattice = make_lattice(rng=rng, communities=communities)
    cells = list_cells(lattice)
    programmes = _choose_even(cells, lattice, communities, rng)
    sliced = [slice_cell(k, cell, programmes[k], lattice=lattice, rng=rng) for k, cell in enumerate(cells)]
    parcels = [parcel for pieces, _ in sliced for parcel in pieces]
    drafts = [_lay(parcel, rng) for parcel in parcels]
    community = group_cells(cells, _count_cells(parcels, drafts, len(cells)), communities)
    sketches = _settle_towers(parcels, drafts, community)
    names = name_streets(len(lattice.columns), "路", rng), name_streets(len(lattice.rows), "街", rng)
    inner = _name_inner([street for _, streets in sliced for street in streets], rng)
    main = [draw_streets(lattice, names, rng), draw_sidewalks(lattice), Sketch(segments=inner)]
    return Board(lattice, cells, community, parcels, sketches, join_sketches([*main, *sketches]))


def _choose_even(cells: list[Cell], lattice: Lattice, communities: int, rng: np.random.Generator) -> list[str]:
    """Return the arrangement of programmes, of several, whose communities come out most even."""
    best: tuple[float, list[str]] = (np.inf, [])
    for _ in range(max(_FEWEST_TRIALS, _TRIALS // communities)):
        programmes = choose_programmes(cells, lattice, rng)
        nominal = np.array([NOMINAL[p] for p in programmes])
        size = np.bincount(group_cells(cells, nominal, communities), nominal)
        spread = float(np.abs(size / size.mean() - 1).max())
        best = min(best, (spread, programmes), key=lambda pair: pair[0])
    return best[1]


def _lay(parcel: Parcel, rng: np.random.Generator) -> Sketch:
    if parcel.kind in PLACES:
        return lay_place(parcel, rng)
    return lay_village(parcel, rng) if parcel.kind == "village" else lay_estate(parcel, rng)


def _count_cells(parcels: list[Parcel], sketches: list[Sketch], cells: int) -> Numbers:
    """Return the households of each superblock."""
    households = [int(sketch.houses["households"].sum()) for sketch in sketches]
    return np.bincount([p.cell for p in parcels], households, minlength=cells).astype(np.int64)


def _settle_towers(parcels: list[Parcel], sketches: list[Sketch], community: Numbers) -> list[Sketch]:
    """Return the sketches with towers made lower or higher, so that communities come nearer to an even size."""
    towers = np.array([p.kind == "gated_towers" for p in parcels])
    of = community[[p.cell for p in parcels]]
    households = np.array([int(sketch.houses["households"].sum()) for sketch in sketches])
    target = _HOUSEHOLDS_PER_CELL * len(community) / (community.max() + 1)
    others, high = (np.bincount(of, households * chosen, minlength=len(community)) for chosen in (~towers, towers))
    factor = np.clip((target - others) / np.maximum(1, high), *_TOWER_FACTORS)
    return [
        replace(sketch, houses=_raise(sketch.houses, float(factor[k]))) if tower else sketch
        for sketch, tower, k in zip(sketches, towers.tolist(), of.tolist(), strict=True)
    ]


def _raise(houses: Any, factor: float) -> Any:
    """Return towers with more or fewer levels, and the households that go with them."""
    low, high = _TOWER_LEVELS
    home = houses["households"] > 0
    levels = np.clip(np.rint(houses["levels"] * factor), low, high).where(home, houses["levels"]).astype("int64")
    flats = houses["households"] // houses["levels"]
    return houses.assign(levels=levels, households=(levels * flats).where(home, 0))


def _name_inner(streets: list[Segment], rng: np.random.Generator) -> tuple[Segment, ...]:
    names = name_streets(len(streets), "巷", rng)
    return tuple(replace(s, tags={**s.tags, "name": name}) for s, name in zip(streets, names, strict=True))
