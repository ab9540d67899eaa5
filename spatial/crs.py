"""From lon/lat to metres and back, and between the coordinate offsets used on Chinese maps.

Inside Wangge every geometry is in metres of one projected system; nothing outside this module names an EPSG code.
WGS 84 and CGCS2000 longitudes and latitudes are treated as equal: their frames differ by centimetres, and PROJ
itself knows no better step between them than none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from spatial.errors import CrsError

Floats = NDArray[np.float64]
CoordType = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]

LONLAT = CRS.from_epsg(4326)
LONLAT_DECIMALS = 7
"""Decimals of longitude and latitude that are kept: one unit is about a centimetre."""

_CGCS2000 = 4490
_CGCS2000_BY_MERIDIAN = range(4534, 4555)  # 3-degree zones by central meridian 75, 78 ... 135 E, no zone in the easting
_CGCS2000_PROJECTED = range(4491, 4555)
_CHINA_BOX = (73.0, 17.5, 135.5, 54.0)

# Constants of the public descriptions of the GCJ-02 offset: Krasovsky 1940 semi-major axis (m), squared eccentricity.
_GCJ_A = 6378245.0
_GCJ_EE = 0.00669342162296594323
_BD_TURN = np.pi * 3000.0 / 180.0
_INVERSE_STEPS = 6  # fixed-point steps: after six the round trip error is below 1e-8 m everywhere in China


def metric_crs(lon: float, lat: float) -> CRS:
    """Return the projected system, in metres, in which work around a point is done.

    In China this is the CGCS2000 3-degree Gauss-Kruger zone by central meridian (EPSG:4534-4554), elsewhere the UTM
    zone of WGS 84.

    Raises
    ------
    CrsError
        If the numbers are not a longitude and a latitude in degrees.
    """
    if not (np.isfinite(lon) and np.isfinite(lat) and -180 <= lon <= 180 and -84 <= lat <= 84):
        raise CrsError(f"found the point ({lon}, {lat}), needed a longitude in [-180, 180] and a latitude in [-84, 84]")
    west, south, east, north = _CHINA_BOX
    if west <= lon <= east and south <= lat <= north:
        zone = min(max(round(lon / 3), 25), 45)
        return _crs(_CGCS2000_BY_MERIDIAN[zone - 25])
    zone = min(int((lon + 180) // 6) + 1, 60)
    return _crs((32600 if lat >= 0 else 32700) + zone)


@lru_cache(maxsize=64)
def _crs(code: int) -> CRS:
    return CRS.from_epsg(code)


@lru_cache(maxsize=256)
def _epsg(crs: CRS) -> int | None:
    code: int | None = crs.to_epsg(min_confidence=70)
    return code


def is_lonlat(crs: CRS) -> bool:
    """Tell whether a system is longitude and latitude that may be read as WGS 84 (WGS 84, CRS84 or CGCS2000)."""
    return bool(crs.is_geographic) and (_epsg(crs) in (4326, _CGCS2000) or "CRS84" in crs.name or "WGS 84" in crs.name)


@lru_cache(maxsize=64)
def _transformer(source: CRS, target: CRS) -> Transformer:
    # Building one costs up to 0.65 s where a datum step is searched, so lon/lat takes the datum of the other side.
    def side(crs: CRS, other: CRS) -> CRS:
        if is_lonlat(crs) and _epsg(other) in _CGCS2000_PROJECTED:
            return _crs(_CGCS2000)
        return LONLAT if is_lonlat(crs) else crs

    return Transformer.from_crs(side(source, target), side(target, source), always_xy=True)


def transform_xy(xy: Floats, source: CRS, target: CRS) -> Floats:
    """Return an (n, 2) array of x, y (or lon, lat) in the target system; the input is not changed."""
    if source == target or (is_lonlat(source) and is_lonlat(target)):
        return xy.copy()
    x, y = _transformer(source, target).transform(xy[:, 0], xy[:, 1])
    return np.column_stack([x, y])


def transform_geometry(geometry: Any, source: CRS, target: CRS) -> Any:
    """Return a geometry, or an array of them, in the target system; Z values are dropped.

    Equal vertices stay equal, so borders that are shared before are shared after.
    """
    return shapely.transform(shapely.force_2d(geometry), lambda xy: transform_xy(xy, source, target))


def to_lonlat(geometry: Any, source: CRS) -> Any:
    """Return a geometry, or an array of them, in lon/lat rounded to ``LONLAT_DECIMALS``.

    Rounding is per vertex: shared vertices stay shared. Parts that collapse are kept as they are.
    """
    return shapely.transform(
        shapely.force_2d(geometry), lambda xy: np.round(transform_xy(xy, source, LONLAT), LONLAT_DECIMALS)
    )


def to_metres(geometry: Any, target: CRS) -> Any:
    """Return a lon/lat geometry, or an array of them, in metres of the target system."""
    return transform_geometry(geometry, LONLAT, target)


def require_metric(crs: CRS | None, what: str) -> CRS:
    """Return the system if it is projected in metres.

    Raises
    ------
    CrsError
        If it is missing, geographic or in other units.
    """
    if crs is None:
        raise CrsError(f"{what} declares no coordinate reference system; needed one projected in metres")
    if not crs.is_projected or crs.axis_info[0].unit_conversion_factor != 1.0:
        raise CrsError(f"{what} is in {crs.name}; needed a system projected in metres")
    return crs


# -- systems as clients name them: URIs, in the axis order of their authority ---------------------------------------

CRS84_URI = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG_URI = "http://www.opengis.net/def/crs/EPSG/0/"
_WEB_MERCATOR = 3857
_METRE_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class NamedSystem:
    """A system as clients name it; ``swapped`` where its authority writes the north before the east."""

    uri: str
    crs: CRS
    swapped: bool
    decimals: int


CRS84 = NamedSystem(CRS84_URI, LONLAT, swapped=False, decimals=LONLAT_DECIMALS)


def name_systems(lon: float, lat: float) -> dict[str, NamedSystem]:
    """Return by URI the systems in which a place is served: CRS84 first, then WGS 84, CGCS2000, Mercator and its zone.

    In China the zone stands twice: by central meridian, and with the number of the zone before the easting.
    """
    zone = _epsg(metric_crs(lon, lat)) or 0
    twin = [zone - len(_CGCS2000_BY_MERIDIAN)] if zone in _CGCS2000_BY_MERIDIAN else []
    systems = [CRS84, *(_name(code) for code in (4326, _CGCS2000, _WEB_MERCATOR, zone, *twin))]
    return {system.uri: system for system in systems}


def find_system(text: str, systems: dict[str, NamedSystem], what: str) -> NamedSystem:
    """Return the system that a URI names, or a short name such as ``EPSG:4547`` or ``[EPSG:4547]``.

    Raises
    ------
    CrsError
        If it is none of these systems.
    """
    short = text.removeprefix("[").removesuffix("]").upper()
    uri = {"OGC:CRS84": CRS84_URI}.get(short, short.replace("EPSG:", _EPSG_URI) if short.startswith("EPSG:") else text)
    if uri not in systems:
        raise CrsError(f"{what} is {text!r}; needed one of {', '.join(systems)}")
    return systems[uri]


@lru_cache(maxsize=64)
def _name(code: int) -> NamedSystem:
    crs = _crs(code)
    swapped = crs.axis_info[0].direction.lower() == "north"
    return NamedSystem(f"{_EPSG_URI}{code}", crs, swapped, LONLAT_DECIMALS if crs.is_geographic else _METRE_DECIMALS)


def to_named(geometry: Any, system: NamedSystem) -> Any:
    """Return lon/lat geometries in a system and its axis order, rounded to its decimals vertex by vertex."""

    def move(xy: Floats) -> Floats:
        moved = np.round(transform_xy(xy, LONLAT, system.crs), system.decimals) + 0.0
        return moved[:, ::-1] if system.swapped else moved

    return shapely.transform(geometry, move)


def from_named(geometry: Any, system: NamedSystem) -> Any:
    """Return in lon/lat the geometries that a client gave in a system and its axis order.

    Raises
    ------
    CrsError
        If a place lies where the system is not defined.
    """

    def move(xy: Floats) -> Floats:
        given = np.ascontiguousarray(xy[:, ::-1]) if system.swapped else xy
        moved = transform_xy(given, system.crs, LONLAT)
        if not np.isfinite(moved).all():
            raise CrsError(f"found a place where {system.uri} is not defined; needed one near the plan")
        return moved

    return shapely.transform(shapely.force_2d(geometry), move)


# -- GCJ-02 and BD-09: offsets that maps published in China apply to WGS 84 -----------------------------------------


def _gcj_offset(lonlat: Floats) -> Floats:
    """Offset in degrees that GCJ-02 adds to WGS 84 at each point."""
    x, y = lonlat[:, 0] - 105.0, lonlat[:, 1] - 35.0
    root = np.sqrt(np.abs(x))
    ripple = (20 * np.sin(6 * x * np.pi) + 20 * np.sin(2 * x * np.pi)) * 2 / 3
    d_lat = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + ripple
    d_lat += (20 * np.sin(y * np.pi) + 40 * np.sin(y / 3 * np.pi)) * 2 / 3
    d_lat += (160 * np.sin(y / 12 * np.pi) + 320 * np.sin(y * np.pi / 30)) * 2 / 3
    d_lon = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + ripple
    d_lon += (20 * np.sin(x * np.pi) + 40 * np.sin(x / 3 * np.pi)) * 2 / 3
    d_lon += (150 * np.sin(x / 12 * np.pi) + 300 * np.sin(x / 30 * np.pi)) * 2 / 3
    phi = np.radians(lonlat[:, 1])
    magic = 1 - _GCJ_EE * np.sin(phi) ** 2
    d_lat = np.degrees(d_lat / (_GCJ_A * (1 - _GCJ_EE) / (magic * np.sqrt(magic))))
    d_lon = np.degrees(d_lon / (_GCJ_A / np.sqrt(magic) * np.cos(phi)))
    return np.column_stack([d_lon, d_lat])


def _outside_china(lonlat: Floats) -> NDArray[np.bool_]:
    west, south, east, north = _CHINA_BOX
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    return (lon < west) | (lon > east) | (lat < south) | (lat > north)


def wgs84_to_gcj02(lonlat: Floats) -> Floats:
    """Return (n, 2) GCJ-02 lon/lat of WGS 84 points; points outside China are not shifted."""
    shift = _gcj_offset(lonlat)
    shift[_outside_china(lonlat)] = 0.0
    return lonlat + shift


def gcj02_to_wgs84(lonlat: Floats) -> Floats:
    """Return (n, 2) WGS 84 lon/lat of GCJ-02 points, exact to better than 1e-6 m."""
    return _invert(wgs84_to_gcj02, lonlat)


def gcj02_to_bd09(lonlat: Floats) -> Floats:
    """Return (n, 2) BD-09 lon/lat of GCJ-02 points."""
    x, y = lonlat[:, 0], lonlat[:, 1]
    z = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_TURN)
    theta = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_TURN)
    return np.column_stack([z * np.cos(theta) + 0.0065, z * np.sin(theta) + 0.006])


def bd09_to_wgs84(lonlat: Floats) -> Floats:
    """Return (n, 2) WGS 84 lon/lat of BD-09 points, exact to better than 1e-6 m."""
    return gcj02_to_wgs84(_invert(gcj02_to_bd09, lonlat))


def wgs84_to_bd09(lonlat: Floats) -> Floats:
    """Return (n, 2) BD-09 lon/lat of WGS 84 points."""
    return gcj02_to_bd09(wgs84_to_gcj02(lonlat))


def shift(lonlat: Floats, coords: CoordType) -> Floats:
    """Return points of WGS 84 in the named kind of coordinates: the inverse of ``unshift``."""
    match coords:
        case "gcj02":
            return wgs84_to_gcj02(lonlat)
        case "bd09":
            return wgs84_to_bd09(lonlat)
    return lonlat.copy()


def _invert(forward: Callable[[Floats], Floats], goal: Floats) -> Floats:
    """Invert an offset close to the identity by fixed-point steps."""
    guess = goal.copy()
    for _ in range(_INVERSE_STEPS):
        guess = guess + (goal - forward(guess))
    return guess


def unshift(lonlat: Floats, coords: CoordType) -> Floats:
    """Return WGS 84 lon/lat of points given in the named kind of coordinates.

    Raises
    ------
    CrsError
        If the kind is none of ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09``.
    """
    match coords:
        case "wgs84" | "cgcs2000":
            return lonlat.copy()
        case "gcj02":
            return gcj02_to_wgs84(lonlat)
        case "bd09":
            return bd09_to_wgs84(lonlat)
    raise CrsError(f"found coordinates {coords!r}, needed one of wgs84, cgcs2000, gcj02, bd09")
