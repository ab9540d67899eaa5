"""In which grid does a place lie?

A place on a border belongs to the grid with the first id of those that meet there, so every run and every server says
the same. Whether a place lies on a border is decided exactly: neighbours share their vertices, so between them no place
is lost or counted twice.
"""

from collections.abc import Sequence
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


def build_locator(areas: Any, ids: Sequence[str]) -> Locator:
    """Return a locator of an array of areas with their ids."""
    rows = np.array(sorted(range(len(ids)), key=lambda row: ids[row]), dtype=np.int64)
    held = np.asarray(areas, dtype=object)[rows]
    shapely.prepare(held)
    return Locator(tuple(ids[row] for row in rows.tolist()), rows, held, shapely.STRtree(held))


def locate_rows(locator: Locator, xy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each place of an (n, 2) array the row of its area as the areas were given; ``NOWHERE`` outside all.

    Places that are not finite are nowhere.
    """
    out = np.full(len(xy), NOWHERE, dtype=np.int64)
    for start in range(0, len(xy), _AT_ONCE):
        part = xy[start : start + _AT_ONCE]
        out[start : start + len(part)] = _locate(locator, part)
    return out


def _locate(locator: Locator, xy: NDArray[np.float64]) -> NDArray[np.int64]:
    known = np.flatnonzero(np.isfinite(xy).all(axis=1))
    place, area = locator.tree.query(shapely.points(xy[known]))
    at = xy[known[place]]
    meets = shapely.intersects_xy(locator.areas[area], at[:, 0], at[:, 1])
    first = np.full(len(xy), len(locator.ids), dtype=np.int64)
    np.minimum.at(first, known[place[meets]], area[meets])
    found = first < len(locator.ids)
    rows = np.full(len(xy), NOWHERE, dtype=np.int64)
    rows[found] = locator.rows[first[found]]
    return rows
