"""Where are the rows of a table? Points from columns of longitude and latitude, of x and y, or of both in one text."""

import re
import unicodedata
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.crs import LONLAT, Floats
from spatial.errors import InputError
from spatial.io.headers import find_columns
from spatial.io.listing import join_listed, list_note
from spatial.io.systems import Undeclared, refuse_undeclared

_PAIR = re.compile(r"[(\[]?([-+]?\d+(?:\.\d+)?)°?[EN]?[,;\s/|]+([-+]?\d+(?:\.\d+)?)°?[EN]?[)\]]?")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_CHINA_LON = (73.0, 136.0)
_CHINA_LAT = (3.0, 54.0)
_NORTHING = (1.8e6, 6e6)


def place_rows(table: Any, source: str, undeclared: Undeclared) -> tuple[Any, Any]:
    """Return a table with points in its own system (no point where a row names none), and LISTED of what was guessed.

    Raises
    ------
    InputError
        If it has no columns of coordinates.
    CrsError
        If the coordinates are no degrees and the user named no system.
    """
    xy, names, paired = _read_xy(table, source)
    known = np.isfinite(xy).all(axis=1)
    x, y = _typical(xy[known])
    notes = []
    if _is_swapped(x, y, paired=paired):
        xy = xy[:, ::-1]
        notes.append(list_note(source, "coordinates stand in the other order", "guessed", f"{names}: y before x"))
        x, y = y, x
    crs = LONLAT
    if abs(x) > 180 or abs(y) > 90:
        if undeclared.crs is None:
            refuse_undeclared((x, y, x, y), source, undeclared.near)
        crs = undeclared.crs
    points = np.full(len(table), None, dtype=object)
    points[known] = shapely.points(xy[known])
    return gpd.GeoDataFrame(table.copy(), geometry=points, crs=crs), join_listed(notes)


def _read_xy(table: Any, source: str) -> tuple[Floats, str, bool]:
    """Return (n, 2) numbers, NaN where there are none, the columns' names, and whether one column held both."""
    found = find_columns(table.columns, ("lon", "lat", "lonlat"), source)
    if "lon" in found and "lat" in found:
        columns = [found["lon"], found["lat"]]
        return np.column_stack([_numbers(table[column]) for column in columns]), " and ".join(columns), False
    if "lonlat" in found:
        return _pairs(table[found["lonlat"]]), found["lonlat"], True
    raise InputError(f"{source}: found columns {list(table.columns)}, needed 经度 and 纬度, lon and lat, or 经纬度")


def _typical(xy: Floats) -> tuple[float, float]:
    """Return the middle of the points: of those that may be degrees where these are half of them or more."""
    if not len(xy):
        return 0.0, 0.0
    degrees = (np.abs(xy) <= 180).all(axis=1)
    x, y = np.median(xy[degrees if degrees.sum() * 2 >= len(xy) else ~degrees], axis=0)
    return float(x), float(y)


def _half_width(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().replace("、", ",")


def _numbers(column: Any) -> NDArray[np.float64]:
    texts = [_half_width(text).rstrip("°EN").strip() for text in column]
    return np.array([float(text) if _NUMBER.fullmatch(text) else np.nan for text in texts], dtype=np.float64)


def _pairs(column: Any) -> Floats:
    matches = [_PAIR.fullmatch(_half_width(text)) for text in column]
    pairs = [(float(m[1]), float(m[2])) if m else (np.nan, np.nan) for m in matches]
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def _is_swapped(x: float, y: float, *, paired: bool) -> bool:
    """Tell whether the second number is the longitude or the easting, by the middle of all rows.

    Two columns that say which is which are turned only where a latitude is impossible; one column with both, and
    surveyors' X (north) and Y (east), also where the numbers fit China only the other way round.
    """
    if abs(x) <= 180 and abs(y) <= 180:
        impossible = abs(y) > 90 >= abs(x)
        fits = _CHINA_LAT[0] <= x <= _CHINA_LAT[1] and _CHINA_LON[0] <= y <= _CHINA_LON[1]
        return impossible or (paired and fits)
    return _NORTHING[0] < x < _NORTHING[1] and not _NORTHING[0] < y < _NORTHING[1]
