"""In which grid does a place lie, and on which floor in which vertical grid?

A place on a border belongs to the grid with the first id of those that meet there, so every run and every server says
the same. Whether a place lies on a border is decided exactly: neighbours share their vertices, so between them no place
is lost or counted twice. Vertical grids stand on the same ground above each other: there the floor decides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

NOWHERE = -1
_AT_ONCE = 200_000


@dataclass(frozen=True, slots=True)
class Locator:
    """Areas ready to be asked: sorted by id, indexed and prepared; their system is that of the places."""

    ids: tuple[str, ...]
    rows: NDArray[np.int64]
    areas: Any
    tree: Any


@dataclass(frozen=True, slots=True)
class FloorLocator:
    """Areas of which each has some floors, from its lowest to its highest, in the order of the locator."""

    ground: Locator
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]


def build_locator(areas: Any, ids: Sequence[str]) -> Locator:
    """Return a locator of an array of areas with their ids."""
    rows = np.array(sorted(range(len(ids)), key=lambda row: ids[row]), dtype=np.int64)
    held = np.asarray(areas, dtype=object)[rows]
    shapely.prepare(held)
    return Locator(tuple(ids[row] for row in rows.tolist()), rows, held, shapely.STRtree(held))


def build_floor_locator(areas: Any, ids: Sequence[str], lowest: Any, highest: Any) -> FloorLocator:
    """Return a locator of areas with their ids, and the lowest and the highest floor of each."""
    ground = build_locator(areas, ids)
    low, high = (np.asarray(floors, dtype=np.float64)[ground.rows] for floors in (lowest, highest))
    return FloorLocator(ground, low, high)


def locate_rows(locator: Locator, xy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each place of an (n, 2) array the row of its area as the areas were given; ``NOWHERE`` outside all.

    Places that are not finite are nowhere.
    """
    out = np.full(len(xy), NOWHERE, dtype=np.int64)
    for part in _parts(len(xy)):
        place, area = _meet(locator, xy[part])
        out[part] = _first(locator, len(xy[part]), place, area)
    return out


def locate_on_floors(locator: FloorLocator, xy: NDArray[np.float64], floors: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each place, on its floor (NaN: not known), the row of its area; ``NOWHERE`` where none has both."""
    out = np.full(len(xy), NOWHERE, dtype=np.int64)
    for part in _parts(len(xy)):
        place, area = _meet(locator.ground, xy[part])
        asked = floors[part][place]
        has = (locator.lowest[area] <= asked) & (asked <= locator.highest[area])
        out[part] = _first(locator.ground, len(xy[part]), place[has], area[has])
    return out


def list_floors(locator: FloorLocator, xy: Sequence[float]) -> list[int]:
    """Return the rows of all areas about one place, from the lowest floor up, those that begin on one by id."""
    _, area = _meet(locator.ground, np.asarray(xy, dtype=np.float64).reshape(1, 2))
    found = sorted(area.tolist(), key=lambda at: (locator.lowest[at], at))
    return [int(locator.ground.rows[at]) for at in found]


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, start + _AT_ONCE) for start in range(0, count, _AT_ONCE))


def _meet(locator: Locator, xy: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each pair of a place and an area about it: the numbers of both."""
    known = np.flatnonzero(np.isfinite(xy).all(axis=1))
    place, area = locator.tree.query(shapely.points(xy[known]))
    at = xy[known[place]]
    meets = shapely.intersects_xy(locator.areas[area], at[:, 0], at[:, 1])
    return known[place[meets]], area[meets]


def _first(locator: Locator, count: int, place: NDArray[np.int64], area: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each of so many places the row of the first of its areas."""
    first = np.full(count, len(locator.ids), dtype=np.int64)
    np.minimum.at(first, place, area)
    found = first < len(locator.ids)
    rows = np.full(count, NOWHERE, dtype=np.int64)
    rows[found] = locator.rows[first[found]]
    return rows
