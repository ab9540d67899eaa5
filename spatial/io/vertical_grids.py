"""Which floors of towers and podiums are grids of their own (竖向网格)?"""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from spatial.crs import CoordType
from spatial.io.counts import parse_floor
from spatial.io.features import Features, Locator, read_features, text_of
from spatial.io.headers import find_columns
from spatial.io.identity import drop_repeated, name_rows
from spatial.io.listing import join_listed, list_rows
from spatial.io.numbers import read_numbers
from spatial.io.rows import label_listed, number_rows
from spatial.io.shapes import to_areas
from spatial.io.systems import Undeclared
from spatial.tables import VERTICAL_GRIDS, require

_UNDECLARED = Undeclared()
_SOURCE = "vertical_grids"
_FLOORS = ("lowest_floor", "highest_floor")
_SHARED_M2 = 1.0
"""Outlines of neighbours are drawn over each other by so much; floors above each other stand on the same ground."""


def read_vertical_grids(
    path: str | Path | Locator, crs: Any, coords: CoordType | None = None, *, undeclared: Undeclared = _UNDECLARED
) -> tuple[Any, Any]:
    """Return VERTICAL_GRIDS in metres of ``crs`` and LISTED.

    A row without floors that can be read is dropped; one with a single floor has this one alone; one whose lowest lies
    above its highest is turned. Rows that share floors on the same ground are kept and listed: what lies there is told
    to be in the first by id.
    """
    features = read_features(path, crs, coords, source=_SOURCE, undeclared=undeclared)
    frame, unusable = to_areas(features.frame, _SOURCE)
    frame, repeated = drop_repeated(frame, _SOURCE)
    frame, unnamed = name_rows(frame, str(VERTICAL_GRIDS.key), "v", _SOURCE)
    frame, floors = _read_floors(frame, features)
    columns = find_columns(frame.columns, ("name",), _SOURCE)
    vertical = gpd.GeoDataFrame(
        {
            "vertical_id": frame["vertical_id"].astype("str"),
            "name": text_of(frame, columns.get("name")),
            **{name: frame[f"_{name}"].astype("int64") for name in _FLOORS},
        },
        geometry=frame.geometry,
        crs=frame.crs,
    )
    numbers, named = number_rows(vertical, vertical["vertical_id"])
    listed = join_listed([features.listed, unusable, repeated, unnamed, floors, _list_shared(vertical)])
    made = require(vertical.reset_index(drop=True), VERTICAL_GRIDS)
    made.attrs = {"origin": dict(features.origin), "rows": numbers}
    return made, label_listed(listed, features.frame, "vertical_id", named)


def _read_floors(frame: Any, features: Features) -> tuple[Any, Any]:
    """Return the rows with floors, in ``_lowest_floor`` and ``_highest_floor``, and LISTED of what was amiss."""
    columns = find_columns(features.frame.columns, _FLOORS, _SOURCE)
    numbers, odd = read_numbers(frame, columns, _SOURCE, parse=parse_floor)
    known = [numbers.get(name, frame.geometry.area * np.nan) for name in _FLOORS]
    low, high = known[0].fillna(known[1]), known[1].fillna(known[0])
    none, turned = low.isna(), low > high
    said = [f"{a:g} to {b:g}" for a, b in zip(low[turned], high[turned], strict=True)]
    listed = [
        odd,
        list_rows(_SOURCE, frame.index[none], "no floors that can be read", "dropped"),
        list_rows(_SOURCE, frame.index[turned], "lowest floor above the highest", "repaired", said),
    ]
    ordered = frame.assign(_lowest_floor=np.minimum(low, high), _highest_floor=np.maximum(low, high))
    return ordered.loc[~none], join_listed(listed)


def _list_shared(vertical: Any) -> Any:
    """Return LISTED of the vertical grids, sorted by id, that share floors and ground with one before them."""
    areas = vertical.geometry.to_numpy()
    low, high = (vertical[name].to_numpy() for name in _FLOORS)
    first, second = shapely.STRtree(areas).query(areas, predicate="intersects")
    stacked = (first < second) & (low[first] <= high[second]) & (low[second] <= high[first])
    first, second = first[stacked], second[stacked]
    real = shapely.area(shapely.intersection(areas[first], areas[second])) > _SHARED_M2
    pairs = sorted(zip(second[real].tolist(), first[real].tolist(), strict=True))
    ids = vertical["vertical_id"].tolist()
    rows = [vertical.index[later] for later, _ in pairs]
    told = [f"floors {max(low[a], low[b])} to {min(high[a], high[b])} of {ids[b]}" for a, b in pairs]
    return list_rows(_SOURCE, rows, "shares floors and ground with another", "kept", told)
