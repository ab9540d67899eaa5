"""What does a vector file hold, in the system it is in? GeoPackage, Shapefile, GeoJSON, GeoParquet, FlatGeobuf, KML."""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pyogrio
import shapely

from spatial.crs import LONLAT, is_lonlat
from spatial.errors import InputError
from spatial.io.containers import unpack_layer
from spatial.io.dbf import find_encoding, mend_cut_texts
from spatial.io.systems import check_system, looks_lonlat, refuse_undeclared

VECTOR_SUFFIXES = (".gpkg", ".shp", ".zip", ".geojson", ".json", ".parquet", ".geoparquet", ".fgb", ".kml")
_LAYERED = (".gpkg", ".kml")
_PARQUET = (".parquet", ".geoparquet")
# What a file of each kind begins with. The library that reads them looks at the content alone, and some contents name
# other files or addresses to fetch.
_MAGIC = {
    ".gpkg": (b"SQLite format 3\0",),
    ".shp": (b"\x00\x00\x27\x0a",),
    ".fgb": (b"fgb",),
    ".parquet": (b"PAR1",),
    ".geoparquet": (b"PAR1",),
    ".geojson": (b"{",),
    ".json": (b"{",),
    ".kml": (b"<?xml", b"<kml"),
}
_WGS84_BY_FORMAT = (".geojson", ".json", ".kml")
_DAMAGES = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.GeometryError,
    shapely.errors.ShapelyError,
    pyarrow.ArrowException,
    KeyError,
    TypeError,
    ValueError,
    OSError,
    RuntimeError,
)
_MAX_ROWS = 5_000_000
_MAX_VERTICES = 50_000_000
_MAX_VERTICES_OF_ONE = 2_000_000


def read_vector(
    path: str | Path, *, layer: str | None = None, encoding: str | None = None, crs: Any = None, near: Any = None
) -> Any:
    """Return a layer in its own system; the index is the row's number in the layer, from 1.

    ``crs`` is the system of a file that declares none; without it, coordinates that look like longitudes and latitudes
    are taken as WGS 84; ``near`` is a zone of the place, for a hint where they do not. ``attrs`` holds ``encoding``,
    ``layer``, ``crs_from`` (file, format, user or guess) and ``remarks`` (what the reading library said). Rows without
    a geometry are kept, without it.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another kind, or holds several layers and none is named.
    CrsError
        If its system is missing and cannot be told from the coordinates, or cannot be used.
    """
    path = Path(path)
    _check_file(path)
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        inside = unpack_layer(path, Path(folder)) if path.suffix.lower() == ".zip" else path
        _check_magic(inside, path.name)
        if inside.suffix.lower() == ".shp":
            inside, encoding = _prepare_shapefile(inside, Path(folder), encoding)
        frame, attrs = _read(inside, path.name, layer, encoding)
    _check_size(frame, path.name)
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    frame, attrs["crs_from"] = _settle(frame, inside.suffix.lower(), crs, path.name, near)
    check_system(frame.crs, frame.geometry.array, path.name)
    frame.attrs = attrs
    return frame


def read_rows(path: str | Path, *, layer: str | None = None) -> Any:
    """Return the attributes of a layer or a Parquet table, which need not hold geometry; the index counts from 1.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another kind, or holds several layers and none is named.
    """
    path = Path(path)
    _check_file(path)
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        inside = unpack_layer(path, Path(folder)) if path.suffix.lower() == ".zip" else path
        _check_magic(inside, path.name)
        encoding = None
        if inside.suffix.lower() == ".shp":
            inside, encoding = _prepare_shapefile(inside, Path(folder), None)
        try:
            frame = _read_plain(inside, path.name, layer, encoding)
        except _DAMAGES as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path.name} cannot be read: {_one_line(error)}") from error
    if len(frame) > _MAX_ROWS:
        raise InputError(f"{path.name} has more than {_MAX_ROWS:,} rows; needed at most as many")
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return frame


def _read_plain(path: Path, name: str, layer: str | None, encoding: str | None) -> Any:
    if path.suffix.lower() in _PARQUET:
        table = pyarrow.parquet.read_table(path)
        frame = table.select([field.name for field in table.schema if not _is_nested(field.type)]).to_pandas()
        return frame.reset_index(drop=all(name is None for name in frame.index.names))
    chosen = _choose(name, [str(one) for one, _ in pyogrio.list_layers(path)], layer)
    return pyogrio.read_dataframe(
        path, layer=chosen, encoding=encoding, read_geometry=False, max_features=_MAX_ROWS + 1
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _is_nested(kind: Any) -> bool:
    """Tell whether a column of a Parquet file holds no plain values: geometry is kept as bytes or as structures."""
    return bool(pyarrow.types.is_nested(kind) or pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind))


def list_layers(path: Path) -> list[str]:
    """Return the names of the layers with geometry of a vector file."""
    if path.suffix.lower() in (*_PARQUET, ".zip"):
        return [path.stem]
    _check_file(path)
    _check_magic(path, path.name)
    try:
        return [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    except pyogrio.errors.DataSourceError as error:
        raise InputError(f"{path.name} cannot be read: {_one_line(error)}") from error


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"vector file {path.name} is not there")
    if path.suffix.lower() not in VECTOR_SUFFIXES:
        raise InputError(f"{path.name} ends with none of {', '.join(VECTOR_SUFFIXES)}")


def _check_magic(path: Path, name: str) -> None:
    with path.open("rb") as file:
        begin = file.read(256).removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if not begin.startswith(_MAGIC[path.suffix.lower()]):
        raise InputError(f"{name} does not begin like a {path.suffix.lower()} file; its content is something else")
    if path.suffix.lower() == ".kml" and b"<kml" not in path.read_bytes()[:4096]:
        raise InputError(f"{name} is XML but no KML")


def _read(path: Path, name: str, layer: str | None, encoding: str | None) -> tuple[Any, dict[str, Any]]:
    suffix = path.suffix.lower()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            if suffix in _PARQUET:
                frame, chosen = gpd.read_parquet(path), path.stem
            else:
                chosen = _choose_layer(path, name, layer)
                frame = pyogrio.read_dataframe(
                    path,
                    layer=chosen,
                    encoding=encoding if suffix == ".shp" else None,
                    on_invalid="ignore",
                    max_features=_MAX_ROWS + 1,
                )
        except _DAMAGES as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{name} cannot be read: {_one_line(error)}") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(f"{name}: layer {chosen!r} holds no geometry; needed points, lines or polygons")
    frame = frame.rename_geometry("geometry") if frame.geometry.name != "geometry" else frame
    return frame, {
        "encoding": encoding or "utf-8",
        "layer": chosen if suffix in _LAYERED else "",
        "remarks": sorted({str(one.message) for one in said}),
    }


def _prepare_shapefile(path: Path, folder: Path, encoding: str | None) -> tuple[Path, str]:
    """Return a shapefile that can be read, linked into a folder where its .dbf had to be mended, and its encoding."""
    beside = {one.suffix.lower(): one for one in path.parent.iterdir() if one.stem.lower() == path.stem.lower()}
    for suffix in (".shx", ".dbf"):
        if suffix not in beside:
            raise InputError(f"{path.name}: no {suffix} beside it; a shapefile is .shp, .shx and .dbf together")
    found = encoding or find_encoding(beside[".dbf"])
    try:
        mended = mend_cut_texts(beside[".dbf"].read_bytes(), found)
    except (UnicodeDecodeError, LookupError) as error:
        raise InputError(f"{path.name}: its .dbf is not in {found}: {error}") from error
    if mended is None:
        return path, found
    (folder / "mended.dbf").write_bytes(mended)
    for suffix in (".shp", ".shx", ".prj"):
        if suffix in beside:
            (folder / f"mended{suffix}").symlink_to(beside[suffix].resolve())
    return folder / "mended.shp", found


def _choose_layer(path: Path, name: str, layer: str | None) -> str:
    return _choose(name, list_layers(path), layer, "layers with geometry")


def _choose(name: str, layers: list[str], layer: str | None, kind: str = "layers") -> str:
    if layer is not None and layer in layers:
        return layer
    if layer is not None or len(layers) != 1:
        wanted = f"no layer {layer!r}" if layer is not None else f"{len(layers)} {kind}"
        raise InputError(f"{name}: {wanted}; found {layers}, name one as {name}|layer=...")
    return layers[0]


def _check_size(frame: Any, name: str) -> None:
    vertices = shapely.get_num_coordinates(frame.geometry.to_numpy())
    if len(frame) > _MAX_ROWS or vertices.sum() > _MAX_VERTICES:
        raise InputError(
            f"{name} has {len(frame):,} rows and {vertices.sum():,} vertices; needed at most {_MAX_ROWS:,} "
            f"and {_MAX_VERTICES:,}"
        )
    if len(frame) and vertices.max() > _MAX_VERTICES_OF_ONE:
        row = int(np.argmax(vertices)) + 1
        raise InputError(f"{name}: row {row} has {vertices.max():,} vertices; needed at most {_MAX_VERTICES_OF_ONE:,}")


def _settle(frame: Any, suffix: str, crs: Any, name: str, near: Any = None) -> tuple[Any, str]:
    """Give a frame that declares no system the one that the user named, or WGS 84 where it looks like lon/lat."""
    by_format = suffix in _WGS84_BY_FORMAT and (frame.crs is None or is_lonlat(frame.crs))
    if frame.crs is not None and not by_format:
        return frame, "file"
    lonlat = looks_lonlat(frame.total_bounds)
    if by_format and lonlat:
        return frame.set_crs(LONLAT, allow_override=True), "format"
    if crs is not None and not (lonlat and crs.is_projected):
        return frame.set_crs(crs, allow_override=True), "user"
    if not lonlat:
        refuse_undeclared(frame.total_bounds, name, near)
    return frame.set_crs(LONLAT, allow_override=True), "guess"
