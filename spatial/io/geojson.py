"""How is a frame written as GeoJSON that every reader agrees on (RFC 7946)?

CRS84 longitude and latitude with at most seven decimals, outer rings counter-clockwise, a stable ``id`` per feature,
features sorted by it, a ``bbox`` on the collection, null where a value is missing, UTF-8 as it stands. The same frame
gives the same bytes whatever the order of its rows.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely

from spatial.crs import LONLAT, LONLAT_DECIMALS, is_lonlat, to_lonlat
from spatial.errors import CrsError, TableError

MEDIA_TYPE = "application/geo+json"
PROPERTY_DECIMALS = 3
"""Decimals of numbers in properties: millimetres, milliseconds and shares in tenths of a percent."""

_NOISE = re.compile(r"\d+\.\d{8,}")  # the writer in GEOS prints 17 digits where fewer name the same number
_NUMPY = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def to_served(frame: Any, *, ids: Sequence[str]) -> Any:
    """Return the frame as it is served: lon/lat, rounded, oriented, sorted by id, indexed by ``id``.

    ``ids`` stand in the order of the rows. Rounding is per vertex, so borders that are shared stay shared; an area that
    rounding makes invalid is returned as it is (``shapely.is_valid`` tells).

    Raises
    ------
    TableError
        If an id stands twice.
    CrsError
        If the frame declares no coordinate reference system.
    """
    if frame.crs is None:
        raise CrsError("found a layer without a coordinate reference system; needed one to get longitude and latitude")
    index = pd.Index(list(ids), name="id", dtype="str")
    if index.has_duplicates:
        raise TableError(f"id {index[index.duplicated()][0]!r} stands in more than one row; needed one row each")
    geometry = frame.geometry.to_numpy()
    lonlat = round_lonlat(geometry) if is_lonlat(frame.crs) else to_lonlat(geometry, frame.crs)
    properties = {name: _plain_column(frame[name]) for name in frame.columns if name != frame.geometry.name}
    out = gpd.GeoDataFrame(properties, geometry=orient(lonlat), crs=LONLAT)
    return out.set_index(index).sort_index(kind="stable")


def orient(geometry: Any) -> Any:
    """Return areas with outer rings counter-clockwise and holes clockwise; other geometries as they are."""
    return shapely.orient_polygons(geometry, exterior_cw=False)


def round_lonlat(geometry: Any) -> Any:
    """Return lon/lat geometries rounded to the served decimals, vertex by vertex; Z values are dropped."""
    return shapely.transform(shapely.force_2d(geometry), lambda xy: np.round(xy, LONLAT_DECIMALS))


def _plain_column(column: Any) -> Any:
    """Return the column as a Series without an index, of plain values: floats rounded, missing as None."""
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_integer_dtype(column):
        return _without_index(column)
    if pd.api.types.is_float_dtype(column):
        rounded = column.astype("float64").round(PROPERTY_DECIMALS)
        return _without_index(rounded + 0.0)  # minus zero becomes zero
    return pd.Series([_plain_value(value) for value in column], dtype=object)


def _without_index(column: Any) -> Any:
    return pd.Series(column.array)


def _plain_value(value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float | np.floating):
        return None if not math.isfinite(value) else round(float(value), PROPERTY_DECIMALS) + 0.0
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray | tuple | list):
        return [_plain_value(item) for item in value]
    return value


def to_feature_collection(served: Any) -> bytes:
    """Return the bytes of a FeatureCollection, one feature a line, of a frame that ``to_served`` made."""
    names = [name for name in served.columns if name != served.geometry.name]
    properties = {name: _json_values(served[name]) for name in names}
    return write_features(served.index, served.geometry.to_numpy(), properties)


def write_features(ids: Iterable[str], geometry: Any, properties: Mapping[str, Sequence[Any]]) -> bytes:
    """Return the bytes of a FeatureCollection, one feature a line, as its parts stand.

    Geometries are an array in longitude and latitude, oriented and rounded; properties hold a plain value per feature.
    """
    rows = zip(*properties.values(), strict=True) if properties else ((),) * len(geometry)
    texts = [_geometry_text(text) for text in shapely.to_geojson(geometry)]
    lines = [
        orjson.dumps(
            {
                "type": "Feature",
                "id": key,
                "geometry": text,
                "properties": dict(zip(properties, row, strict=True)),
            },
            option=_NUMPY,
        )
        for key, text, row in zip(ids, texts, rows, strict=True)
    ]
    head = orjson.dumps({"type": "FeatureCollection", **_bbox_member(geometry)})[:-1]
    body = b"\n" + b",\n".join(lines) + b"\n" if lines else b""
    return head + b',"features":[' + body + b"]}\n"


def geometry_texts(geometry: Any) -> list[bytes]:
    """Return each geometry as GeoJSON text, ``null`` where it is missing; numbers in their shortest form."""
    kinds = shapely.get_type_id(geometry)
    out = np.empty(len(geometry), dtype=object)
    areas = kinds == shapely.GeometryType.POLYGON
    out[areas] = _polygon_texts(geometry[areas])
    out[~areas] = [orjson.dumps(_geometry_text(text)) for text in shapely.to_geojson(geometry[~areas])]
    texts: list[bytes] = out.tolist()
    return texts


def _polygon_texts(polygons: Any) -> list[bytes]:
    """Return polygons as text, ring by ring: orjson writes an array of numbers several times as fast as GEOS."""
    rings, of = shapely.get_rings(polygons, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    ends = np.searchsorted(ring, np.arange(len(rings)), side="right").tolist()
    texts = [orjson.dumps(xy[start:end], option=_NUMPY) for start, end in pairwise([0, *ends])]
    last = np.searchsorted(of, np.arange(len(polygons)), side="right").tolist()
    bodies = (b",".join(texts[start:end]) for start, end in pairwise([0, *last]))
    return [b'{"type":"Polygon","coordinates":[' + body + b"]}" for body in bodies]


def _geometry_text(text: str | None) -> orjson.Fragment | None:
    return None if text is None else orjson.Fragment(_NOISE.sub(lambda number: repr(float(number[0])), text))


def _json_values(column: Any) -> list[Any]:
    values = column.tolist()
    if pd.api.types.is_float_dtype(column):
        return [value if math.isfinite(value) else None for value in values]
    return [None if value is pd.NA else value for value in values]


def _bbox_member(geometry: Any) -> dict[str, list[float]]:
    return {} if shapely.is_missing(geometry).all() else {"bbox": shapely.total_bounds(geometry).tolist()}
