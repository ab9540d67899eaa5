"""Which heights does a table or layer of places tell (``lon, lat, z_m``), and which rows tell none?"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from spatial.errors import InputError
from spatial.io.features import read_features, text_of
from spatial.io.headers import find_columns
from spatial.io.listing import join_listed, list_rows
from spatial.io.registers import TABLE_SUFFIXES
from spatial.io.relief import on_land, read_relief
from spatial.io.shapes import to_points
from spatial.io.systems import Undeclared
from spatial.io.vectors import VECTOR_SUFFIXES
from spatial.walking.elevation import Heights
from spatial.walking.spots import Spots

_UNDECLARED = Undeclared()
_GRID_HEAD = b"ncols"


def read_heights(path: str | Path, crs: Any, *, undeclared: Undeclared = _UNDECLARED) -> tuple[Heights, Any]:
    """Return heights from a raster (see ``read_relief``) or from places with a height each, and LISTED.

    Places come as a table with ``lon, lat`` and a column of metres (``z_m``, ``height``, ``高程`` ...) or as a layer of
    points; they are returned in ``crs``. Rows without a place or a height are dropped and listed, and so are heights
    that no place on land has: they are what some files write for a height that is not known.

    Raises
    ------
    InputError, CrsError
        If the file cannot be read or has no column of heights, or no row has one.
    """
    if not _is_table(Path(path)):
        return read_relief(path), join_listed([])
    features = read_features(path, crs, source="heights", undeclared=undeclared)
    columns = find_columns(features.frame.columns, ["height"], "heights")
    if "height" not in columns:
        names = ", ".join(str(name) for name in features.frame.columns if name != "geometry")
        raise InputError(f"heights: {Path(path).name} has the columns {names}; needed one of heights, such as z_m")
    frame, notes = to_points(features.frame, "heights")
    text = text_of(frame, columns["height"]).str.strip()
    height = pd.to_numeric(text.str.replace(r"\s*(m|米)$", "", regex=True), errors="coerce").astype("float64")
    read = np.isfinite(height.to_numpy())
    known = on_land(height.to_numpy())
    dropped = [
        list_rows("heights", frame.index[~read], "height not understood", "dropped", text[~read]),
        list_rows("heights", frame.index[read & ~known], "height of no place on land", "dropped", text[read & ~known]),
    ]
    if not known.any():
        raise InputError(f"heights: {Path(path).name} has no height in any of its {len(frame)} rows; needed metres")
    spots = Spots(shapely.get_coordinates(frame.geometry.array)[known], height.to_numpy()[known], frame.crs)
    return spots, join_listed([features.listed, notes, *dropped])


def _is_table(path: Path) -> bool:
    """Tell whether a file holds rows; a text that begins as a grid does is one."""
    suffix = path.suffix.lower()
    if suffix != ".txt":
        return suffix in (*TABLE_SUFFIXES, *VECTOR_SUFFIXES)
    try:
        with path.open("rb") as file:
            return not file.read(64).lstrip().lower().startswith(_GRID_HEAD)
    except OSError:
        return False
