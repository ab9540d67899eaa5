"""Which coordinate system is a file in, can it be used, and what may an undeclared one be?"""

from dataclasses import dataclass
from typing import Any, NoReturn

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from spatial.crs import LONLAT, CoordType, is_lonlat, metric_crs, transform_geometry, transform_xy, unshift
from spatial.errors import CrsError
from spatial.io.edges import cut_edges, step_of


@dataclass(frozen=True, slots=True)
class Undeclared:
    """What a file is in that declares no system: a projected system, and the kind of its longitudes and latitudes.

    ``near`` is the zone of the place that is worked on, where it is known: it tells which zone a hint should name.
    """

    crs: Any = None
    coords: CoordType = "wgs84"
    near: Any = None


COORDS: tuple[CoordType, ...] = ("wgs84", "cgcs2000", "gcj02", "bd09")
_SHIFTED = ("gcj02", "bd09")
_SECRET_DATUMS = ("beijing 1954", "beijing_1954", "new beijing", "xian 1980", "xian_1980")
_MILLION = 1e6
_FALSE_EASTING = 500_000.0
_HALF_ZONE_M = 180_000.0  # a degree and a half at 18 N, and some overlap
_ZONE_OF_75_E = 4534
_NOWHERE = shapely.Point(np.inf, np.inf)


def read_system(text: Any) -> Any:
    """Return a coordinate system by name, such as ``EPSG:4547``.

    Raises
    ------
    CrsError
        If there is no such system.
    """
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise CrsError(f"found the system {text!r}, needed one that is known, such as EPSG:4547") from error


def check_coords(text: str) -> CoordType:
    """Return a kind of coordinates by name.

    Raises
    ------
    CrsError
        If it is none of ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09``.
    """
    folded = text.strip().lower().replace("-", "").replace("_", "").replace(" ", "")
    for kind in COORDS:
        if folded == kind:
            return kind
    raise CrsError(f"found coordinates {text!r}, needed one of {', '.join(COORDS)}")


def check_system(crs: Any, geometries: Any, where: str) -> None:
    """Refuse a system that cannot be brought to CGCS2000, or that the coordinates belie.

    Raises
    ------
    CrsError
        If it is a local one, hangs on Beijing 1954 or Xi'an 1980, or says degrees where most coordinates are not, or
        another unit where all are degrees.
    """
    datum = crs.geodetic_crs
    if datum is None:
        raise CrsError(f"{where} is in {crs.name!r}, a local system; needed one tied to the earth, such as EPSG:4547")
    named = f"{datum.name} {datum.datum.name if datum.datum else ''}".lower()
    if any(secret in named for secret in _SECRET_DATUMS):
        raise CrsError(
            f"{where} is in {crs.name!r}; its shift to CGCS2000 is not public, so convert it to CGCS2000 first"
        )
    check_units(crs, geometries, where)


def check_units(crs: Any, geometries: Any, where: str) -> None:
    """Refuse coordinates that are degrees and said to be metres, or the other way round.

    Raises
    ------
    CrsError
        If a projected system holds nothing but what may be degrees, or a geographic one mostly what cannot be.
    """
    bounds = shapely.bounds(geometries)
    known = bounds[np.isfinite(bounds).all(axis=1)]
    if crs.is_projected and len(known) and (np.abs(known).max(axis=0) <= (180.0, 90.0, 180.0, 90.0)).all():
        raise CrsError(
            f"{where} says it is in {crs.name!r} but holds coordinates such as {known[0, 0]:.6g}, {known[0, 1]:.6g}: "
            "these are degrees"
        )
    if crs.is_geographic:
        lon, lat = np.abs(bounds[:, [0, 2]]).max(axis=1), np.abs(bounds[:, [1, 3]]).max(axis=1)
        wrong = (lon > 180) | (lat > 90)
        if wrong.sum() * 2 > np.isfinite(lon).sum():
            x, y = np.nanmedian(bounds[:, 0]), np.nanmedian(bounds[:, 1])
            swapped = abs(y) <= 180 and abs(x) <= 90
            hint = "latitude and longitude are swapped" if swapped else guess_system(x, y)
            raise CrsError(f"{where} says it is in {crs.name!r} but holds coordinates such as {x:.6g}, {y:.6g}: {hint}")


def looks_lonlat(bounds: Any) -> bool:
    """Tell whether all of west, south, east, north may be degrees; those of nothing at all may."""
    west, south, east, north = (float(value) for value in bounds)
    if np.isnan([west, south, east, north]).any():
        return True
    return west >= -180 and east <= 180 and south >= -90 and north <= 90


def refuse_undeclared(bounds: Any, where: str, near: Any = None) -> NoReturn:
    """Refuse projected coordinates without a declared system.

    Raises
    ------
    CrsError
        Always, with a hint which system it may be.
    """
    west, south, east, north = (float(value) for value in bounds)
    x, y = (west + east) / 2, (south + north) / 2
    hint = guess_system(x, y, near)
    raise CrsError(f"{where} declares no coordinate system and holds coordinates such as {x:.1f}, {y:.1f}: {hint}")


def guess_system(x: float, y: float, near: Any = None) -> str:
    """Return a hint, for the user to confirm, which system a projected point may be in.

    An easting without the number of its zone is the same in every zone; then ``near``, the zone of the place that is
    worked on, tells which it is.
    """
    if 1.8e6 < x < 6e6 and not 1.8e6 < y < 6e6:
        return f"x looks like a northing, so the axes are swapped; then {guess_system(y, x, near)}"
    if 8e6 < x < 13e6 and 1.8e6 < y < 7.2e6:  # east of it, zones of the far west have the same numbers
        return "it looks like Web Mercator, the system of maps on the web; if so, say --crs EPSG:3857"
    zone = int(x // _MILLION)
    if 1.8e6 < y < 6e6 and 25 <= zone <= 45:
        return f"it looks like CGCS2000 3-degree zone {zone}; if so, say --crs EPSG:{4513 + zone - 25}"
    if 1.8e6 < y < 6e6 and 13 <= zone <= 23:
        return f"it looks like CGCS2000 6-degree zone {zone}; if so, say --crs EPSG:{4491 + zone - 13}"
    if 1.8e6 < y < 6e6 and 1e5 < x < 9e5:
        return f"it looks like a Gauss-Kruger zone without a number; {_guess_zone(x, near)}"
    return "say which system it is with --crs, by its EPSG code"


def _guess_zone(x: float, near: Any) -> str:
    """Return which zone an easting without a number may be in, by the zone of the place that is worked on."""
    code = None if near is None else near.to_epsg()
    if code is None or not _ZONE_OF_75_E <= code <= _ZONE_OF_75_E + 20 or abs(x - _FALSE_EASTING) > _HALF_ZONE_M:
        return (
            "say which by its central meridian: --crs EPSG:4534 is CGCS2000 3-degree at 75 E, each 3 degrees are one "
            "more (102 E is 4543, 108 E 4545, 114 E 4547, 120 E 4549)"
        )
    meridian = 75 + 3 * (code - _ZONE_OF_75_E)
    return f"about here that is CGCS2000 3-degree with the central meridian {meridian} E; if so, say --crs EPSG:{code}"


def metric_system(frame: Any) -> Any:
    """Return the system in which a file is worked on: its own where that is a transverse Mercator zone in metres.

    Else it is the zone about the middle of its coordinates. Other projections in metres stretch lengths: the Mercator
    of web maps doubles them at 60 degrees.
    """
    own = frame.crs
    if own.is_projected and own.axis_info[0].unit_conversion_factor == 1.0:
        method = own.coordinate_operation.method_name if own.coordinate_operation else ""
        if "transverse mercator" in method.lower():
            return own
    west, south, east, north = (float(value) for value in frame.total_bounds)
    middle = np.array([[(west + east) / 2, (south + north) / 2]])
    lon, lat = (0.0, 0.0) if np.isnan(middle).any() else transform_xy(middle, own, LONLAT)[0]
    return metric_crs(float(lon), float(lat))


def to_metric(frame: Any, crs: Any, coords: CoordType = "wgs84") -> Any:
    """Return a frame in metres of a system; coordinates of GCJ-02 or BD-09 are brought back to WGS 84 first.

    Z values are dropped. Points that are no longitude and latitude get infinite coordinates, whatever the arithmetic of
    the projection would make of them. Vertices that are shared stay shared. Where the system changes, long edges get
    vertices first, so that lines which are straight in the file's own system are followed to a millimetre.

    Raises
    ------
    CrsError
        If the frame is projected and yet said to be in GCJ-02 or BD-09.
    """
    own = frame.crs
    geometry = frame.geometry.to_numpy()
    if own != crs and not crs.is_geographic:
        geometry = cut_edges(geometry, step_of(own))
    if coords in _SHIFTED:
        if not is_lonlat(own):
            raise CrsError(f"the data is in {own.name!r} and cannot be {coords} too; needed longitudes and latitudes")
        geometry = shapely.transform(shapely.force_2d(geometry), lambda xy: unshift(xy, coords))
    moved = np.where(_is_wild(geometry, own), _NOWHERE, transform_geometry(geometry, own, crs))
    return gpd.GeoDataFrame(frame.drop(columns=frame.geometry.name), geometry=moved, crs=crs)


def _is_wild(geometry: Any, crs: Any) -> Any:
    """Tell which geometries are points beyond 180 degrees of longitude or 90 of latitude, in degrees."""
    if not crs.is_geographic:
        return np.zeros(len(geometry), dtype=bool)
    west, south, _, _ = shapely.bounds(geometry).T  # those of a point are its coordinates
    return (shapely.get_type_id(geometry) == 0) & ((np.abs(west) > 180.0) | (np.abs(south) > 90.0))
