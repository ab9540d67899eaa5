"""Do rows miss the area because their longitudes and latitudes are of another kind than was said?

Each other kind is tried and the rows inside are counted. A register that ends at the area fits it in its own kind
alone; one that goes far beyond it fits in every kind alike, so nothing is said of that.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.crs import LONLAT, CoordType, Floats, is_lonlat, shift, transform_geometry, transform_xy, unshift
from spatial.io.systems import read_system

NEAR_M = 2000.0
"""No offset of GCJ-02 or BD-09 reaches farther; rows beyond this lie outside the area in each of them."""
_LEAST_ROWS = 3
_SIMPLE_M = 25.0
_SWAPPED = "swapped"
_KINDS: tuple[CoordType, ...] = ("wgs84", "gcj02", "bd09")


@dataclass(frozen=True, slots=True)
class _Fit:
    """How many rows lie on the land in another kind of coordinates, or with longitude and latitude swapped."""

    kind: str
    inside: int


def tell_misplaced(frame: Any, land: Any, source: str, origin: Any, *, margin_m: float = 0.0) -> str:
    """Return which coordinates would fit rows (in metres) better than those they were read in; "" where none would.

    Another kind fits better if it leaves outside at most half of the rows that lie outside now, and, where some lie
    inside now, brings in three rows or more.
    """
    said = _said(origin)
    if said is None:
        return ""
    near = shapely.buffer(land, margin_m) if margin_m else land
    places = shapely.centroid(frame.geometry.to_numpy())
    inside = _contains(near, shapely.get_coordinates(places))
    away_m = measure_away(places, near)
    close = away_m <= NEAR_M if inside.any() else np.ones(len(places), dtype=bool)
    given = shift(transform_xy(shapely.get_coordinates(places[close]), frame.crs, LONLAT), said)
    best = _best(given, transform_geometry(near, frame.crs, LONLAT), said, swap=not inside.any())
    rows, count = int(close.sum()), int(inside.sum())
    if 2 * (rows - best.inside) > rows - count or best.inside - count < (_LEAST_ROWS if count else 1):
        return ""
    off = f"{rows - count:,} of {rows:,} rows lie {say_far(away_m[close & ~inside])} off the area"
    if best.kind == _SWAPPED:
        return f"{off}; with longitude and latitude swapped {best.inside:,} would lie inside: is the file so?"
    fits = f"read as {best.kind}, not {said}, {best.inside:,} would lie inside"
    return f"{off}; {fits}: is --coords {source}={best.kind} right?"


def measure_away(places: Any, land: Any) -> Floats:
    """Return how far each place lies from the land, to some metres."""
    return np.asarray(shapely.distance(shapely.simplify(land, _SIMPLE_M), places), dtype=np.float64)


def say_far(away_m: Floats) -> str:
    """Return the middle one of distances, as a planner says it."""
    typical = float(np.median(away_m))
    return f"{typical:,.0f} m" if typical < 1000 else f"{typical / 1000:,.1f} km"


def _said(origin: Any) -> CoordType | None:
    """Return the kind in which all files of an input were read; None where they differ or hold no degrees."""
    origins = origin if isinstance(origin, list) else [origin]
    kinds = {one.get("coords") if _is_degrees(one) else None for one in origins}
    return kinds.pop() if len(kinds) == 1 else None


def _is_degrees(origin: Any) -> bool:
    return "crs" in origin and is_lonlat(read_system(origin["crs"]))


def _best(given: Floats, outline: Any, said: CoordType, *, swap: bool) -> _Fit:
    """Return the kind in which most of the coordinates, as the file gives them, lie in the outline."""
    tries: list[tuple[str, Floats]] = [(kind, unshift(given, kind)) for kind in _KINDS if kind != _plain(said)]
    if swap:
        tries.append((_SWAPPED, given[:, ::-1]))
    fits = [_Fit(kind, int(_contains(outline, lonlat).sum())) for kind, lonlat in tries]
    return max(fits, key=lambda fit: fit.inside)


def _plain(kind: CoordType) -> CoordType:
    return "wgs84" if kind == "cgcs2000" else kind


def _contains(area: Any, xy: Floats) -> NDArray[np.bool_]:
    shapely.prepare(area)
    return np.asarray(shapely.intersects_xy(area, xy[:, 0], xy[:, 1]))
