"""How does SQLite hold geometry so that QGIS opens the file (OGC GeoPackage 1.3)?

A geometry is a blob: a header with its envelope, then WKB. The triggers that keep the R-tree call five functions that
a plain SQLite does not have; they read the header alone.
"""

import sqlite3
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import shapely

from spatial.crs import LONLAT

APPLICATION_ID = 0x47504B47  # "GPKG"
USER_VERSION = 10300
SRS_ID = 4326

_HEADER = struct.Struct("<2sBBi4d")  # magic, version, flags, srs, west, east, south, north
_FLAGS_ENVELOPE = 0b00000011  # little endian, envelope of x and y
_FLAGS_EMPTY = 0b00010001  # little endian, empty, no envelope
_BARE = struct.Struct("<2sBBi")
_ENVELOPE_DOUBLES = (0, 4, 6, 6, 8)
_EMPTY_FLAG = 0b00010000

_MULTI = {
    "Polygon": ("MultiPolygon", shapely.multipolygons),
    "LineString": ("MultiLineString", shapely.multilinestrings),
}


def encode(geometries: Any) -> list[bytes | None]:
    """Return GeoPackage blobs of an array of geometries in lon/lat; None where one is missing."""
    bounds = shapely.bounds(geometries)
    wkb = shapely.to_wkb(geometries, byte_order=1)
    return [
        None if content is None else _head(*box) + content for box, content in zip(bounds.tolist(), wkb, strict=True)
    ]


def _head(west: float, south: float, east: float, north: float) -> bytes:
    if west != west:  # the bounds of an empty geometry are not numbers
        return _BARE.pack(b"GP", 0, _FLAGS_EMPTY, SRS_ID)
    return _HEADER.pack(b"GP", 0, _FLAGS_ENVELOPE, SRS_ID, west, east, south, north)


def decode(blobs: list[Any]) -> Any:
    """Return an array of geometries from GeoPackage blobs."""
    return shapely.from_wkb(np.array([None if b is None else b[_wkb_start(b) :] for b in blobs], dtype=object))


def _wkb_start(blob: bytes) -> int:
    return 8 + 8 * _ENVELOPE_DOUBLES[(blob[3] >> 1) & 7]


def promote(geometries: Any, shape: str) -> Any:
    """Return the geometries as the multipart kind where a layer declares one: readers refuse a mixture."""
    out = np.array(geometries, dtype=object)
    for single, (multi, build) in _MULTI.items():
        if shape == multi:
            alone = np.flatnonzero(shapely.get_type_id(out) == getattr(shapely.GeometryType, single.upper()))
            out[alone] = [build([out[i]]) for i in alone]
    return out


def register_functions(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that the R-tree triggers call."""
    for name, side in (("ST_MinX", 0), ("ST_MaxX", 1), ("ST_MinY", 2), ("ST_MaxY", 3)):
        connection.create_function(name, 1, _side_of(side), deterministic=True)
    connection.create_function("ST_IsEmpty", 1, _is_empty, deterministic=True)


def _side_of(side: int) -> Callable[[bytes | None], float | None]:
    def read(blob: bytes | None) -> float | None:
        """Return one side of the envelope; None of an empty geometry."""
        if blob is None or blob[3] & _EMPTY_FLAG:
            return None
        if (blob[3] >> 1) & 7 == 0:  # written by another program without an envelope
            bounds: list[float] = shapely.from_wkb(blob[_wkb_start(blob) :]).bounds
            return bounds[(0, 2, 1, 3)[side]]
        value: float = struct.unpack_from("<d" if blob[3] & 1 else ">d", blob, 8 + 8 * side)[0]
        return value

    return read


def _is_empty(blob: bytes | None) -> int | None:
    return None if blob is None else int(bool(blob[3] & _EMPTY_FLAG))


def metadata_statements() -> Iterator[str]:
    """Give the statements that make the tables every GeoPackage has, and the systems they name."""
    yield """CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY,
        organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL,
        description TEXT)"""
    yield """CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL,
        identifier TEXT UNIQUE, description TEXT DEFAULT '',
        last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
        min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
        CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id))"""
    yield """CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
        geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
        CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
        CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
        CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id))"""
    yield """CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,
        definition TEXT NOT NULL, scope TEXT NOT NULL,
        CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))"""
    wkt = LONLAT.to_wkt("WKT1_GDAL").replace("'", "''")
    yield f"""INSERT INTO gpkg_spatial_ref_sys VALUES
        ('Undefined cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined cartesian coordinate reference system'),
        ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system'),
        ('WGS 84 geodetic', {SRS_ID}, 'EPSG', {SRS_ID}, '{wkt}', 'longitude and latitude in degrees')"""


def layer_statements(table: str, title: str, shape: str) -> Iterator[str]:
    """Give the statements that make a table with ``fid`` and ``geom`` a layer with an R-tree."""
    kind = "GEOMETRY" if shape == "Unknown" else shape.upper()
    yield f"""INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
        VALUES ('{table}', 'features', '{title}', {SRS_ID})"""
    yield f"INSERT INTO gpkg_geometry_columns VALUES ('{table}', 'geom', '{kind}', {SRS_ID}, 0, 0)"
    yield f"""INSERT INTO gpkg_extensions VALUES ('{table}', 'geom', 'gpkg_rtree_index',
        'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')"""
    tree = f"rtree_{table}_geom"
    yield f"CREATE VIRTUAL TABLE {tree} USING rtree(id, minx, maxx, miny, maxy)"
    box = "NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)"
    full, empty = "(NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom))", "(NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))"
    put = f"INSERT OR REPLACE INTO {tree} VALUES ({box});"
    same, moved = "OLD.fid = NEW.fid", "OLD.fid != NEW.fid"
    yield f"CREATE TRIGGER {tree}_insert AFTER INSERT ON {table} WHEN {full} BEGIN {put} END"
    yield f"CREATE TRIGGER {tree}_update1 AFTER UPDATE OF geom ON {table} WHEN {same} AND {full} BEGIN {put} END"
    yield f"""CREATE TRIGGER {tree}_update2 AFTER UPDATE OF geom ON {table} WHEN {same} AND {empty}
        BEGIN DELETE FROM {tree} WHERE id = OLD.fid; END"""
    yield f"""CREATE TRIGGER {tree}_update3 AFTER UPDATE ON {table} WHEN {moved} AND {full}
        BEGIN DELETE FROM {tree} WHERE id = OLD.fid; {put} END"""
    yield f"""CREATE TRIGGER {tree}_update4 AFTER UPDATE ON {table} WHEN {moved} AND {empty}
        BEGIN DELETE FROM {tree} WHERE id IN (OLD.fid, NEW.fid); END"""
    yield f"""CREATE TRIGGER {tree}_delete AFTER DELETE ON {table} WHEN OLD.geom NOT NULL
        BEGIN DELETE FROM {tree} WHERE id = OLD.fid; END"""


def guard_statements(table: str) -> Iterator[str]:
    """Give the triggers that refuse changes by other programs: a layer drawn by hand would belong to no version."""
    for verb in ("INSERT", "UPDATE", "DELETE"):
        yield f"""CREATE TRIGGER guard_{table}_{verb.lower()} BEFORE {verb} ON {table}
            WHEN (SELECT writing FROM guard) = 0
            BEGIN SELECT RAISE(ABORT, 'plans are edited through wangge; copy the layer to draw on it'); END"""
