"""How is one layer packed as a file that other programs open, with where it comes from inside?"""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import orjson
import pandas as pd
import pyogrio
import shapely

MEDIA_TYPES = {
    "gpkg": "application/geopackage+sqlite3",
    "fgb": "application/flatgeobuf",
    "csv": "text/csv; charset=utf-8",
    "zip": "application/zip",
}
"""Media type by the ending of the file; zip is a Shapefile."""

_DRIVERS = {"gpkg": "GPKG", "fgb": "FlatGeobuf"}
_ENCODING = "GBK"
_NAME_BYTES, _TEXT_BYTES = 10, 254  # what a dBASE table holds of a name and of a text
_SHAPES = (("point", 0), ("line", 1), ("area", 2))
_WRITTEN_AT = "2000-01-01T00:00:00.000Z"  # equal layers shall be equal files
_ZIP_DATE = (2000, 1, 1, 0, 0, 0)
_GDAL = Lock()  # the date of writing is set for the whole process


def pack_layer(frame: Any, name: str, ending: str, provenance: Mapping[str, Any]) -> bytes:
    """Return a layer as the bytes of a file; ``ending`` is one of ``MEDIA_TYPES``.

    The frame holds one column per property, all of one type, and declares its system. ``provenance`` is told in the
    metadata of a GeoPackage or FlatGeobuf, in ``provenance.json`` of a Shapefile and in columns of a table.
    """
    match ending:
        case "csv":
            return _pack_table(frame, provenance)
        case "zip":
            return _pack_shapefile(frame, name, provenance)
    with TemporaryDirectory() as folder, _fixed_date():
        path = Path(folder) / f"{name}.{ending}"
        told = {key: _plain(value) for key, value in provenance.items()}
        more = {"dataset_options": {"VERSION": "1.3"}, "dataset_metadata": told} if ending == "gpkg" else {}
        pyogrio.write_dataframe(
            frame,
            path,
            layer=name,
            driver=_DRIVERS[ending],
            geometry_type=_shape_of(frame),
            layer_metadata=told,
            **more,
        )
        return path.read_bytes()


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _shape_of(frame: Any) -> str:
    kinds = sorted(set(frame.geometry.geom_type.dropna()))
    return kinds[0] if len(kinds) == 1 else "Unknown"


def _pack_table(frame: Any, provenance: Mapping[str, Any]) -> bytes:
    """Return a table that Excel opens with its Chinese text whole; points have columns x and y, the others WKT."""
    geometry = frame.geometry
    table = pd.DataFrame(frame.drop(columns=geometry.name))
    if set(geometry.geom_type.dropna()) == {"Point"}:
        table["x"], table["y"] = geometry.x, geometry.y
    else:
        table["wkt"] = shapely.to_wkt(geometry.to_numpy(), rounding_precision=7, trim=True)
    for key in ("plan_id", "plan_version", "system"):
        table[key] = _plain(provenance[key])
    out = io.StringIO()
    table.to_csv(out, index=False, lineterminator="\r\n", float_format="%.10g", quoting=csv.QUOTE_MINIMAL)
    return out.getvalue().encode("utf-8-sig")


def _pack_shapefile(frame: Any, name: str, provenance: Mapping[str, Any]) -> bytes:
    """Return a zip with one Shapefile per kind of geometry, in GBK, with the full names of its fields.

    A text that is longer than a field holds is cut at a whole character, and a character that GBK has not becomes a
    question mark; how often stands in ``provenance.json``.
    """
    properties = frame.drop(columns=frame.geometry.name)
    short = shorten_names([str(column) for column in properties.columns])
    changed = {"texts_cut": 0, "texts_with_characters_replaced": 0}
    out = frame.rename(columns=short)
    for column in short.values():
        if not pd.api.types.is_numeric_dtype(out[column]):
            out[column] = [_fit(value, changed) for value in out[column]]
    files: dict[str, bytes] = {}
    with TemporaryDirectory() as folder, _fixed_date():
        dimension = shapely.get_dimensions(frame.geometry.to_numpy())
        for kind, number in _SHAPES:
            part = out[dimension == number]
            if len(part) or (number == 2 and not len(frame)):
                _write_shapefile(part, Path(folder) / f"{name}_{kind}.shp", number)
        files |= {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
    lines = ["short,full", *(f"{one},{full}" for full, one in short.items())]
    files["fields.csv"] = ("\r\n".join(lines) + "\r\n").encode("utf-8-sig")
    files["provenance.json"] = orjson.dumps({**provenance, **changed}, option=orjson.OPT_INDENT_2)
    return _zip(files)


def _write_shapefile(part: Any, path: Path, dimension: int) -> None:
    kind = ("Point", "MultiLineString", "MultiPolygon")[dimension]
    multi = bool(shapely.get_num_geometries(part.geometry.to_numpy()).max(initial=0) > 1)
    kind = "MultiPoint" if dimension == 0 and multi else kind
    pyogrio.write_dataframe(
        part, path, driver="ESRI Shapefile", encoding=_ENCODING, geometry_type=kind, promote_to_multi=kind != "Point"
    )


def shorten_names(names: list[str]) -> dict[str, str]:
    """Return a name of at most ten bytes of GBK for each name, none twice."""
    short: dict[str, str] = {}
    for name in names:
        one, number = _cut(name, _NAME_BYTES), 1
        while one in short.values():
            number += 1
            one = _cut(name, _NAME_BYTES - len(f"_{number}")) + f"_{number}"
        short[name] = one
    return short


def _cut(text: str, most: int) -> str:
    return text.encode(_ENCODING, "replace")[:most].decode(_ENCODING, "ignore")


def _fit(value: Any, changed: dict[str, int]) -> Any:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    text = _plain(value)
    held = text.encode(_ENCODING, "replace").decode(_ENCODING)
    cut = _cut(held, _TEXT_BYTES)
    changed["texts_with_characters_replaced"] += held != text
    changed["texts_cut"] += cut != held
    return cut


def _zip(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in sorted(files.items()):
            packed.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


@contextmanager
def _fixed_date() -> Iterator[None]:
    with _GDAL:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _WRITTEN_AT})
        try:
            yield
        finally:
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
