"""Are longitudes and latitudes of another kind than was said? The area and the streets bear witness.

Each other kind is tried. A register that ends at the area fits it in its own kind alone, which the number of rows
inside tells; homes keep clear of the streets in their own kind alone, which also tells where a register goes far beyond
the area, or where every row lies inside as it was read.
"""

from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.crs import LONLAT, CoordType, Floats, is_lonlat, shift, transform_geometry, transform_xy, unshift
from spatial.errors import CrsError
from spatial.io.clearance import Clearance, measure_clearance, take_some
from spatial.io.systems import read_system

NEAR_M = 2000.0
"""No offset of GCJ-02 or BD-09 reaches farther; rows beyond this lie outside the area in each of them."""
_HOMES = ("estates", "buildings", "demand")
"""Inputs whose places keep clear of streets; gates, shops and centres stand at them."""
_LEAST_ROWS = 3
_SURE_SHARE = 0.1
_SURE_ERRORS = 4.0  # of three districts of Wuhan and Futian read rightly none passes 0.5, read wrongly most pass 4
_DOUBT_ERRORS = 2.5
_BESIDE_AREA_ERRORS = 2.0
_SIMPLE_M = 25.0
_SWAPPED = "swapped"
_KINDS: tuple[CoordType, ...] = ("wgs84", "gcj02", "bd09")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Which kind of coordinates fits better, why, and whether that is beyond doubt."""

    kind: str
    text: str
    sure: bool


@dataclass(frozen=True, slots=True)
class _Fit:
    """How many rows lie on the land in another kind of coordinates, or with longitude and latitude swapped."""

    kind: str
    inside: int


def judge_coordinates(
    frame: Any, land: Any, source: str, origin: Any, *, margin_m: float = 0.0, streets: Any = None
) -> Doubt | None:
    """Return the kind of coordinates that would fit rows (in metres) better than the one they were read in, if any.

    Another kind fits the area better if it leaves outside at most half of the rows that lie outside now, and, where
    some lie inside now, brings in three rows or more; beyond doubt if a tenth of the rows is lost now and a tenth of
    these then. Another kind fits the streets better if homes keep clearer of them by two and a half standard errors;
    beyond doubt by four, or by two where the area says the same.
    """
    said = _said(origin)
    if said is None or not len(frame):
        return None
    places = shapely.centroid(frame.geometry.to_numpy())
    by_area = _ask_area(places, land, frame.crs, said, margin_m) if land is not None else None
    by_streets = None
    if streets is not None and source in _HOMES and len(streets.ways):
        by_streets = _ask_streets(places, streets, frame.crs, said)
    return _weigh(by_area, by_streets, said)


def _weigh(area: Doubt | None, streets: Clearance | None, said: CoordType) -> Doubt | None:
    """Return what area and streets tell together."""
    if streets is None:
        return area
    if streets.kind == said:  # the area may simply be drawn too small
        return None if area is None else replace(area, sure=False)
    text = _say_streets(streets, said)
    if area is None:
        sure = streets.errors >= _SURE_ERRORS
        return Doubt(streets.kind, text, sure) if streets.errors >= _DOUBT_ERRORS else None
    if streets.kind == area.kind:
        agreed = streets.errors >= _BESIDE_AREA_ERRORS
        return Doubt(area.kind, f"{area.text}, and {text}", True) if agreed else area
    if streets.errors >= _DOUBT_ERRORS:
        return Doubt(streets.kind, f"{area.text}, but {text}", streets.errors >= _SURE_ERRORS)
    return replace(area, sure=False)


def tell_doubt(doubt: Doubt, source: str) -> str:
    """Return a doubt as a question to the planner."""
    if doubt.kind == _SWAPPED:
        return f"{doubt.text}: is the file so?"
    return f"{doubt.text}: is --coords {source}={doubt.kind} right?"


def refuse_misread(doubt: Doubt, source: str, where: str, said: str) -> NoReturn:
    """Refuse rows that are in other coordinates than was said, and tell how to say it.

    Raises
    ------
    CrsError
        Always.
    """
    if doubt.kind == _SWAPPED:
        raise CrsError(f"{where}: {doubt.text}; needed longitude and latitude under their own headers")
    raise CrsError(
        f"{where}: {doubt.text}; say --coords {source}={doubt.kind}, or --coords {source}={said} if they are {said}"
    )


def _ask_area(places: Any, land: Any, crs: Any, said: CoordType, margin_m: float) -> Doubt | None:
    """Return which kind the area speaks for, if it speaks for another than was said."""
    near = shapely.buffer(land, margin_m) if margin_m else land
    inside = _contains(near, shapely.get_coordinates(places))
    if inside.all():
        return None
    away_m = measure_away(places, near)
    close = away_m <= NEAR_M if inside.any() else np.ones(len(places), dtype=bool)
    given = shift(transform_xy(shapely.get_coordinates(places[close]), crs, LONLAT), said)
    best = _best(given, transform_geometry(near, crs, LONLAT), said, swap=not inside.any())
    rows, count = int(close.sum()), int(inside.sum())
    lost, lost_then = rows - count, rows - best.inside
    if 2 * lost_then > lost or best.inside - count < (_LEAST_ROWS if count else 1):
        return None
    off = f"{lost:,} of {rows:,} rows lie {say_far(away_m[close & ~inside])} off the area"
    sure = lost >= _SURE_SHARE * rows and lost_then <= _SURE_SHARE * lost
    if best.kind == _SWAPPED:
        return Doubt(best.kind, f"{off}; with longitude and latitude swapped {best.inside:,} would lie inside", sure)
    return Doubt(best.kind, f"{off}; read as {best.kind}, not {said}, {best.inside:,} would lie inside", sure)


def _ask_streets(places: Any, streets: Any, crs: Any, said: CoordType) -> Clearance | None:
    """Return the kind in which the places keep clearest of the streets, and by how much."""
    xy = take_some(shapely.get_coordinates(places))
    given = shift(transform_xy(xy, crs, LONLAT), said)
    others = [kind for kind in _KINDS if kind != _plain(said)]
    tries: dict[str, Floats] = {kind: transform_xy(unshift(given, kind), LONLAT, crs) for kind in others}
    return measure_clearance({**tries, said: xy}, said, streets)


def _say_streets(found: Clearance, said: str) -> str:
    return (
        f"read as {said} its places lie on streets as often as any places do; as {found.kind} they keep clear of them "
        f"(by {found.errors:.1f} standard errors)"
    )


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
