"""How high is the ground between places whose heights are known one by one?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from spatial.crs import transform_xy
from spatial.errors import InputError

Floats = NDArray[np.float64]

_SAME_M = 0.01
"""Spots nearer than this are one place."""
_SPARSE = 4.0
"""Farther from every spot than this many times their usual distance, nothing is known."""


@dataclass(frozen=True, slots=True)
class Spots:
    """Heights in metres (``heights``) at places ``xy`` in metres of the system ``crs``."""

    xy: Floats
    heights: Floats
    crs: Any


def sample_spots(spots: Spots, crs: Any) -> tuple[Callable[[Floats], Floats], float]:
    """Return what tells the height at places of a system, and the usual distance between the spots in metres.

    Between three spots about a place the height is that of the plane through them (triangles of Delaunay 1934). It is
    NaN outside of all triangles, and farther from every spot than four times their usual distance.

    Raises
    ------
    InputError
        If fewer than three places are given or all in one line, a number is not finite, or one place has two heights.
    """
    xy, heights = _once(spots)
    try:
        between = scipy.interpolate.LinearNDInterpolator(scipy.spatial.Delaunay(xy), heights)
    except (scipy.spatial.QhullError, ValueError) as error:
        raise InputError(
            f"heights: found {len(xy)} places, too few or all in one line; needed three that span an area"
        ) from error
    tree = scipy.spatial.KDTree(xy)
    usual = float(np.median(tree.query(xy, k=2)[0][:, 1]))

    def sample(at: Floats) -> Floats:
        there = transform_xy(at, crs, spots.crs)
        away, _ = tree.query(there)
        return np.where(away <= _SPARSE * usual, between(there), np.nan)

    return sample, usual


def _once(spots: Spots) -> tuple[Floats, Floats]:
    """Return each place once, sorted, so that the order of the rows decides nothing."""
    xy, heights = np.asarray(spots.xy, dtype=np.float64).reshape(-1, 2), np.asarray(spots.heights, dtype=np.float64)
    if not (np.isfinite(xy).all() and np.isfinite(heights).all()):
        raise InputError("heights: found a place or a height that is no number; needed metres in every row")
    key = np.round(xy / _SAME_M).astype(np.int64)
    order = np.lexsort((heights, key[:, 1], key[:, 0]))
    key, xy, heights = key[order], xy[order], heights[order]
    again = np.zeros(len(xy), dtype=bool)
    again[1:] = (key[1:] == key[:-1]).all(axis=1)
    differ = np.flatnonzero(again[1:] & (heights[1:] != heights[:-1]))
    if len(differ):
        at = int(differ[0])
        raise InputError(
            f"heights: found {heights[at]:g} m and {heights[at + 1]:g} m at one place "
            f"({xy[at, 0]:.2f}, {xy[at, 1]:.2f}); needed one height"
        )
    return xy[~again], heights[~again]
