"""What do longitudes and latitudes from a wire mean on the walk network: points with ids, and lines to be added?"""

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.crs import LONLAT, transform_xy
from spatial.errors import InputError

Floats = NDArray[np.float64]
_IDS = ("id", "site_id", "source_id", "demand_id")


def points_of(given: Any, crs: Any, *, key: str, what: str) -> Any:
    """Return points in metres with their ids in a column ``key``, in the order given.

    ``given`` is a GeoJSON FeatureCollection of points, or a sequence of [lon, lat]. A feature is named by its ``id``,
    else by a property ``id``, ``site_id``, ``source_id`` or ``demand_id``, else by its place in the list, from 1.

    Raises
    ------
    InputError
        If a place is no longitude and latitude, or an id stands twice; the sentence names the point.
    """
    pairs, ids = _read_collection(given, what) if isinstance(given, Mapping) else _read_pairs(given, what)
    twice = pd.Series(ids, dtype="str").duplicated()
    if twice.any():
        raise InputError(f"{what}: id {ids[int(twice.idxmax())]!r} stands twice; needed one point each")
    xy = _to_metres(np.array(pairs, dtype=np.float64).reshape(-1, 2), crs, [f"{what} {one!r}" for one in ids])
    return gpd.GeoDataFrame({key: pd.Series(ids, dtype="str")}, geometry=shapely.points(xy), crs=crs)


def lines_of(given: Sequence[Sequence[Sequence[float]]], crs: Any, *, what: str) -> list[Any]:
    """Return lines in metres of lists of [lon, lat].

    Raises
    ------
    InputError
        If a line has fewer than two places, or one is no longitude and latitude.
    """
    lines = []
    for number, line in enumerate(given, 1):
        if len(line) < 2:
            raise InputError(f"{what} {number} has {len(line)} places, needed two or more")
        pairs = np.array([_pair(one, f"{what} {number}") for one in line], dtype=np.float64)
        lines.append(shapely.LineString(_to_metres(pairs, crs, [f"{what} {number}"] * len(pairs))))
    return lines


def _read_pairs(given: Sequence[Any], what: str) -> tuple[list[tuple[float, float]], list[str]]:
    ids = [str(number) for number in range(1, len(given) + 1)]
    return [_pair(one, f"{what} {name!r}") for one, name in zip(given, ids, strict=True)], ids


def _read_collection(given: Mapping[str, Any], what: str) -> tuple[list[tuple[float, float]], list[str]]:
    features = given.get("features")
    if given.get("type") != "FeatureCollection" or not isinstance(features, list):
        kind = given.get("type")
        raise InputError(f"{what}: found {kind!r}, needed a FeatureCollection of points, or a list of [lon, lat]")
    pairs, ids = [], []
    for number, feature in enumerate(features, 1):
        geometry = feature.get("geometry") if isinstance(feature, Mapping) else None
        if not isinstance(geometry, Mapping) or geometry.get("type") != "Point":
            kind = geometry.get("type") if isinstance(geometry, Mapping) else None
            raise InputError(f"{what} {number}: found the geometry {kind!r}, needed a Point")
        ids.append(_name(feature, number, what))
        pairs.append(_pair(geometry.get("coordinates"), f"{what} {ids[-1]!r}"))
    return pairs, ids


def _name(feature: Mapping[str, Any], number: int, what: str) -> str:
    properties = feature.get("properties")
    named = [properties.get(name) for name in _IDS] if isinstance(properties, Mapping) else []
    found = next((one for one in [feature.get("id"), *named] if one is not None), number)
    if not isinstance(found, str | int) or isinstance(found, bool) or str(found) == "":
        raise InputError(f"{what} {number}: found the id {found!r}, needed a text or a whole number")
    return str(found)


def _pair(given: Any, what: str) -> tuple[float, float]:
    numbers = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else []
    if len(numbers) not in (2, 3) or not all(_is_number(one) for one in numbers):
        raise InputError(f"{what}: found {given!r}, needed [longitude, latitude] in degrees")
    lon, lat = float(numbers[0]), float(numbers[1])
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        hint = "; are the two in the other order?" if abs(lat) <= 180 and abs(lon) <= 90 else "; are these metres?"
        raise InputError(f"{what}: found [{lon:g}, {lat:g}], needed a longitude and a latitude in degrees{hint}")
    return lon, lat


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _to_metres(lonlat: Floats, crs: Any, names: Sequence[str]) -> Floats:
    xy = transform_xy(lonlat, LONLAT, crs)
    wrong = ~np.isfinite(xy).all(axis=1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{names[row]}: found {lonlat[row].tolist()}, which lies too far from the map to be placed on it"
        )
    return xy
