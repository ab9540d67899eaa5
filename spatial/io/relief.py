"""What heights does a raster file hold: an ESRI ASCII grid, an SRTM tile or a GeoTIFF?"""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from pyproj import CRS
from pyproj.exceptions import CRSError

from spatial.crs import LONLAT
from spatial.errors import CrsError, InputError
from spatial.walking.elevation import Relief

Floats = NDArray[np.float64]

_M_PER_DEGREE = 111_320.0
_SRTM_VOID = -32768
_LOWEST_M, _HIGHEST_M = -500.0, 9000.0
"""Below the shore of the Dead Sea, above Mount Everest: nobody walks there, and files write such for "unknown"."""
_SCALE_TAG, _TIE_TAG, _TRANSFORM_TAG, _KEYS_TAG, _NODATA_TAG = 33550, 33922, 34264, 34735, 42113
_POINT_KEY, _GEOGRAPHIC_KEY, _PROJECTED_KEY = 1025, 2048, 3072


def read_relief(path: str | Path, *, crs: Any = None) -> Relief:
    """Return the heights of a raster file, in metres.

    Cells that the file says are void, and those of a height that no place on land has, are not known.

    Parameters
    ----------
    path:
        ``.asc`` or ``.txt`` (ESRI ASCII grid, with its ``.prj`` beside it or a ``crs``), ``.hgt`` (SRTM tile, named
        after its corner as in ``N30E114.hgt``) or ``.tif`` (GeoTIFF of one band, north up).
    crs:
        The system of the coordinates; what the file says where none is given.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another kind, turned, or of fewer than 2 x 2 cells.
    CrsError
        If neither the file nor ``crs`` says the system.
    """
    path = Path(path)
    readers = {".asc": _read_ascii, ".txt": _read_ascii, ".hgt": _read_srtm, ".tif": _read_tiff, ".tiff": _read_tiff}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path.name}: found a file of kind {path.suffix!r}, needed {', '.join(readers)}")
    try:
        heights, corner, step, said = readers[path.suffix.lower()](path)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InputError(f"{path.name}: cannot be read ({error}); needed heights on a raster") from error
    if min(heights.shape) < 2 or min(step) <= 0:
        raise InputError(f"{path.name}: found {heights.shape} cells of {step}; needed 2 x 2 or more, north up")
    heights = np.where(on_land(heights), heights, np.nan)
    system = _system(path, said if crs is None else crs)
    unit = _M_PER_DEGREE if system.is_geographic else 1.0
    return Relief(heights, *corner, *step, step_m=step[1] * unit, crs=system)


def on_land(heights: Floats) -> NDArray[np.bool_]:
    """Tell which are heights that a place on land may have."""
    found: NDArray[np.bool_] = (heights >= _LOWEST_M) & (heights <= _HIGHEST_M)
    return found


def _system(path: Path, said: Any) -> CRS:
    if said is None:
        raise CrsError(f"{path.name} declares no coordinate reference system; needed a .prj beside it, or crs")
    try:
        return CRS.from_user_input(said)
    except CRSError as error:
        raise CrsError(f"{path.name}: found the coordinate reference system {said!r}, needed a known one") from error


_Read = tuple[Floats, tuple[float, float], tuple[float, float], Any]
"""Heights, the middle of the north-west cell, the steps, the system that the file says."""


def _read_ascii(path: Path) -> _Read:
    text = path.read_text(encoding="ascii", errors="replace")
    head = {key.lower(): value for key, value in re.findall(r"^\s*([A-Za-z_]+)\s+(\S+)\s*$", text, re.MULTILINE)}
    try:
        columns, rows = int(head["ncols"]), int(head["nrows"])
        step = float(head.get("cellsize", head.get("dx", "nan"))), float(head.get("cellsize", head.get("dy", "nan")))
        west, south = (
            float(head[f"{axis}llcenter"]) if f"{axis}llcenter" in head else float(head[f"{axis}llcorner"]) + size / 2
            for axis, size in zip("xy", step, strict=True)
        )
        body = re.sub(r"^\s*[A-Za-z_]+\s+\S+\s*$", "", text, flags=re.MULTILINE)
        values = np.array(body.split(), dtype=np.float64)
        void = float(head.get("nodata_value", "-9999"))
    except (KeyError, ValueError) as error:
        raise InputError(f"{path.name}: no ESRI ASCII grid ({error}); needed ncols, nrows, corner, cellsize") from error
    if len(values) != rows * columns:
        raise InputError(f"{path.name}: found {len(values)} heights, needed {rows} x {columns}")
    heights = np.where(values == void, np.nan, values).reshape(rows, columns)
    beside = path.with_suffix(".prj")
    said = beside.read_text(encoding="utf-8") if beside.exists() else None
    return heights, (west, south + (rows - 1) * step[1]), step, said


def _read_srtm(path: Path) -> _Read:
    corner = re.fullmatch(r"([NS])(\d{2})([EW])(\d{3}).*", path.stem, re.IGNORECASE)
    values = np.fromfile(path, dtype=">i2")
    side = round(len(values) ** 0.5)
    if corner is None or side * side != len(values) or 2 * len(values) != path.stat().st_size:
        raise InputError(f"{path.name}: found {len(values)} heights, needed a square tile named as in N30E114.hgt")
    south = int(corner[2]) * (1 if corner[1].upper() == "N" else -1)
    west = int(corner[4]) * (1 if corner[3].upper() == "E" else -1)
    heights = np.where(values == _SRTM_VOID, np.nan, values.astype(np.float64)).reshape(side, side)
    step = 1.0 / (side - 1)
    return heights, (float(west), south + 1.0), (step, step), LONLAT


def _read_tiff(path: Path) -> _Read:
    with Image.open(path) as image:
        tags: dict[int, Any] = dict(getattr(image, "tag_v2", {}))
        values = np.asarray(image, dtype=np.float64)
    if values.ndim != 2:
        raise InputError(f"{path.name}: found {values.shape[-1]} bands, needed one")
    if _SCALE_TAG not in tags or _TIE_TAG not in tags or _TRANSFORM_TAG in tags:
        raise InputError(f"{path.name}: found no place on the ground, needed a GeoTIFF that is north up")
    keys = np.array(tags.get(_KEYS_TAG, ()), dtype=np.int64).reshape(-1, 4)[1:]
    said = {int(key): int(value) for key, place, _, value in keys if place == 0}
    step = float(tags[_SCALE_TAG][0]), float(tags[_SCALE_TAG][1])
    column, row, _, x, y = (float(value) for value in tags[_TIE_TAG][:5])
    middle = 0.0 if said.get(_POINT_KEY) == 2 else 0.5
    corner = x + (middle - column) * step[0], y - (middle - row) * step[1]
    void = str(tags.get(_NODATA_TAG, "")).strip("\x00 ")
    if void and void.lower() != "nan":
        values = np.where(values == float(void), np.nan, values)
    code = said.get(_PROJECTED_KEY, said.get(_GEOGRAPHIC_KEY))
    return values, corner, step, code
