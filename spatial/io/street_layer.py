"""How is a layer of lines read, when its text may be GBK and its coordinates undeclared?"""

import struct
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from spatial.crs import LONLAT
from spatial.errors import CrsError, InputError

PARQUET = (".parquet", ".geoparquet", ".pq")
_WEB_MERCATOR_LIMIT = 20_037_509.0


def read_layer(path: Path, encoding: str | None) -> tuple[Any, str]:
    """Return the first layer of a file as it stands, and what to call it in a report.

    Raises
    ------
    InputError
        If the file is missing or is no layer with geometries.
    """
    if not path.exists():
        raise InputError(f"street lines {path} are not there")
    source = path.name
    if encoding is None and path.suffix.lower() == ".shp" and (guessed := guess_encoding(path)):
        encoding, source = guessed, f"{path.name} (text read as {guessed})"
    try:
        with np.errstate(invalid="ignore"):  # a vertex that is no number
            if path.suffix.lower() in PARQUET:
                layer = gpd.read_parquet(path)
            else:
                layer = gpd.read_file(path, encoding=encoding) if encoding else gpd.read_file(path)
    except (DataSourceError, DataLayerError, OSError, ValueError, LookupError) as error:
        raise InputError(f"street lines {path.name} cannot be read as a vector layer: {error}") from error
    if not isinstance(layer, gpd.GeoDataFrame):
        raise InputError(f"street lines {path.name} hold a table without geometry; needed lines")
    return layer, source


def guess_encoding(path: Path) -> str | None:
    """Return GB18030 where a shapefile declares no encoding and its text is no UTF-8; None where nothing need be said.

    Text cut off inside a character at the end of a field still counts as UTF-8.
    """
    table = path.with_suffix(".dbf")
    if path.with_suffix(".cpg").exists() or not table.exists():
        return None
    raw = table.read_bytes()
    if len(raw) < 32 or raw[29] != 0:  # byte 29 declares a code page
        return None
    start, width = struct.unpack("<HH", raw[8:12])
    fields = [raw[at + 16] for at in range(32, start - 32, 32) if raw[at] != 0x0D]
    begin = start
    while begin + width <= len(raw):
        at = begin + 1
        for size in fields:
            if not _is_utf8(raw[at : at + size]):
                return "GB18030"
            at += size
        begin += width
    return "UTF-8" if any(byte > 127 for byte in raw[start:]) else None


def _is_utf8(text: bytes) -> bool:
    try:
        text.rstrip(b" \0").decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def guess_crs(layer: Any, name: str) -> Any:
    """Return WGS 84 where undeclared coordinates can be nothing else.

    Raises
    ------
    CrsError
        If they are projected; the text says by the size of the eastings which system it may be.
    """
    west, south, east, north = shapely.total_bounds(layer.geometry.to_numpy())
    if west >= -180 and east <= 180 and south >= -90 and north <= 90:
        return LONLAT
    raise CrsError(
        f"{name} declares no coordinate reference system and lies between ({west:.0f}, {south:.0f}) and "
        f"({east:.0f}, {north:.0f}); {_likely_system(west, south, east, north)}; needed a declared system"
    )


def _likely_system(west: float, south: float, east: float, north: float) -> str:
    x, y = (west + east) / 2, (south + north) / 2
    if 13e6 <= y < 46e6 and x < 10e6:
        x, y = y, x
        swapped = " with x and y exchanged"
    else:
        swapped = ""
    zone = int(x // 1_000_000)
    if 25 <= zone <= 45 and 1e6 < y < 6.5e6:
        return f"it may be CGCS2000 3-degree zone {zone} (EPSG:{4513 + zone - 25}){swapped}"
    if 13 <= zone <= 23 and 1e6 < y < 6.5e6 and not _looks_web_mercator(x, y):
        return f"it may be CGCS2000 6-degree zone {zone} (EPSG:{4491 + zone - 13}){swapped}"
    if _looks_web_mercator(x, y):
        return "it may be Web Mercator (EPSG:3857), or CGCS2000 6-degree zones with the zone in the easting"
    if 100_000 <= x <= 900_000 and 1e6 < y < 6.5e6:
        return (
            "it may be CGCS2000 3-degree by central meridian (EPSG:4534 to 4554) or UTM (EPSG:32643 to 32653), "
            "the meridian of the city decides"
        )
    if abs(x) < 400_000 and abs(y) < 400_000:
        return "it may be the city's own independent system"
    return "the size of its eastings fits no usual system"


def _looks_web_mercator(x: float, y: float) -> bool:
    return 8.1e6 <= x <= 15.1e6 and 1.9e6 <= y <= 7.2e6 and abs(x) <= _WEB_MERCATOR_LIMIT
