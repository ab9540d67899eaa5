"""How does an outline stay straight where it was drawn straight? Long edges get vertices before they are projected.

A straight edge of 5 km in longitude and latitude bends by decimetres in metres: two outlines whose vertices differ
would part along it, and the land adopted would not be the land given.
"""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

STEP_M = 100.0
"""An edge of this length bends by less than a millimetre."""
_EARTH_M = 6.4e6
_MOST = 1_000
_LINES = (1, 2)
_POLYGON, _MULTIPOLYGON = 3, 6


def step_of(crs: Any) -> float:
    """Return, in the units of a system, a step that is nowhere longer than ``STEP_M``, scale errors aside."""
    unit = float(crs.axis_info[0].unit_conversion_factor) or 1.0
    return (STEP_M / _EARTH_M if crs.is_geographic else STEP_M) / unit


def cut_edges(geometry: NDArray[Any], step: float) -> NDArray[Any]:
    """Return geometries whose lines and outlines have no edge longer than a step.

    An edge gets the same vertices in both directions, to the last bit: borders that are shared stay shared. None is cut
    into more than a thousand pieces. Points and collections are not changed.
    """
    out = geometry.copy()
    kind = shapely.get_type_id(geometry)
    for kinds, cut in ((_LINES, _cut_lines), ((_POLYGON, _MULTIPOLYGON), _cut_areas)):
        rows = np.flatnonzero(np.isin(kind, kinds) & ~shapely.is_empty(geometry))
        rows = rows[_has_long(geometry[rows], step)] if len(rows) else rows
        if len(rows):
            out[rows] = cut(geometry[rows], step)
    return out


def _has_long(geometry: NDArray[Any], step: float) -> NDArray[np.bool_]:
    """Tell which geometries may have a long edge: steps between rings count too, which does no harm."""
    xy, owner = shapely.get_coordinates(geometry, return_index=True)
    far = (np.hypot(*np.diff(xy, axis=0).T) > step) & (np.diff(owner) == 0)
    found = np.zeros(len(geometry), dtype=bool)
    found[owner[:-1][far]] = True
    return found


def _cut_lines(geometry: NDArray[Any], step: float) -> Any:
    xy, owner = _cut(geometry, step)
    return shapely.linestrings(xy, indices=owner)


def _cut_areas(geometry: NDArray[Any], step: float) -> Any:
    parts, of = shapely.get_parts(geometry, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = _cut(rings, step)
    whole = shapely.polygons(shapely.linearrings(xy, indices=ring), indices=part)
    out = shapely.multipolygons(whole, indices=of)
    single = np.flatnonzero(shapely.get_type_id(geometry) == _POLYGON)
    out[single] = shapely.get_geometry(out[single], 0)
    return out


def _cut(lines: NDArray[Any], step: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the vertices of lines with those between them, and the line of each."""
    xy, owner = shapely.get_coordinates(shapely.force_2d(lines), return_index=True)
    begin, end = xy, np.roll(xy, -1, axis=0)
    last = owner != np.roll(owner, -1)
    last[-1] = True
    with np.errstate(invalid="ignore"):
        pieces = np.ceil(np.hypot(*(end - begin).T) / step)
    pieces = np.where(last | ~np.isfinite(pieces), 1, np.clip(pieces, 1, _MOST)).astype(np.int64)
    edge = np.repeat(np.arange(len(xy)), pieces)
    place = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    turned = (begin[:, 0] > end[:, 0]) | ((begin[:, 0] == end[:, 0]) & (begin[:, 1] > end[:, 1]))
    low, high = np.where(turned[:, None], end, begin)[edge], np.where(turned[:, None], begin, end)[edge]
    share = np.where(turned[edge], pieces[edge] - place, place) / pieces[edge]
    cut = low + (high - low) * share[:, None]
    cut[place == 0] = xy
    return cut, owner[edge]
