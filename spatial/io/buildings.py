"""Which buildings (楼栋) are there, how high, for what use, with how many households?"""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.crs import CoordType
from spatial.io.counts import is_approximate, parse_levels
from spatial.io.features import Features, Locator, read_features, text_of
from spatial.io.headers import find_columns
from spatial.io.identity import drop_repeated, name_rows
from spatial.io.listing import join_listed, list_note, list_rows
from spatial.io.numbers import read_counts, read_numbers
from spatial.io.rows import label_listed, number_rows
from spatial.io.shapes import to_places
from spatial.io.systems import Undeclared
from spatial.io.uses import RESIDENTIAL, UNKNOWN, read_use
from spatial.tables import BUILDINGS, require

MAX_HOUSEHOLDS = 5_000
"""More households than this do not live in one building."""
_SOURCE = "buildings"
_UNDECLARED = Undeclared()
_STAND_IN_M = 6.0
"""Half the side of the square that stands for a building known only by a point."""


def read_buildings(
    path: str | Path | Locator, crs: Any, coords: CoordType | None = None, *, undeclared: Undeclared = _UNDECLARED
) -> tuple[Any, Any]:
    """Return BUILDINGS in metres of ``crs``, sorted by id, and LISTED.

    Levels are 0 where nothing is known. Households are 0 where nothing is known, to be estimated later. A building of
    several parts becomes one row per part, its households shared by area. A building known only by a point gets a small
    square. Without any residential use and any count, all buildings of unknown use are taken as homes, and that is
    listed. ``attrs["origin"]`` tells what the file said of itself.

    Raises
    ------
    InputError, CrsError, PersonalDataError
        As ``read_estates``.
    """
    return build_buildings(read_features(path, crs, coords, source=_SOURCE, undeclared=undeclared))


def build_buildings(features: Features) -> tuple[Any, Any]:
    """Return BUILDINGS of rows of text with a geometry, and LISTED."""
    wanted = ("estate", "use", "levels", "households", "elderly", "children")
    columns = find_columns(features.frame.columns, wanted, _SOURCE)
    frame, unusable = to_places(features.frame, _SOURCE)
    frame, repeated = drop_repeated(frame, _SOURCE)
    frame, squares = _square_points(frame)
    numbers, odd = read_numbers(
        frame, {"levels": columns["levels"]} if "levels" in columns else {}, _SOURCE, parse=parse_levels
    )
    groups, odd_groups = read_numbers(frame, {k: columns[k] for k in wanted[4:] if k in columns}, _SOURCE)
    text = text_of(frame, columns.get("households"))
    count, implausible = _plausible(text)
    frame = frame.assign(
        _use=text_of(frame, columns.get("use")).map(read_use).astype("str"),
        _estate=text_of(frame, columns.get("estate")),
        _levels=numbers.get("levels", 0.0),
        _households=count,
        _estimated=text.map(is_approximate).astype(bool),
        **{f"_{name}": values for name, values in groups.items()},
    )
    frame, ids = name_rows(frame, "building_id", "b", _SOURCE)
    frame, guessed = guess_homes(frame)
    frame, parts = split_parts(frame)
    rows, named = number_rows(frame, frame["building_id"])
    number = dict(zip(frame["building_id"], rows, strict=True))
    buildings = to_buildings(frame)
    buildings.attrs = {"origin": dict(features.origin), "rows": [number[one] for one in buildings["building_id"]]}
    notes = [features.listed, unusable, repeated, squares, odd, odd_groups, implausible, ids, guessed, parts]
    return buildings, label_listed(join_listed(notes), features.frame, "building_id", named)


def to_buildings(frame: Any) -> Any:
    """Return BUILDINGS of a frame that holds their columns under names that begin with an underscore."""
    groups = [name for name in ("elderly", "children") if f"_{name}" in frame.columns]
    buildings = gpd.GeoDataFrame(
        {
            "building_id": frame["building_id"].astype("str"),
            "estate_id": frame["_estate"].astype("str"),
            "use": frame["_use"].astype("str"),
            "levels": frame["_levels"].fillna(0).astype("float64"),
            "households": frame["_households"].astype("int64"),
            "estimated": frame["_estimated"].astype(bool),
            **{name: frame[f"_{name}"] for name in groups},
        },
        geometry=frame.geometry,
        crs=frame.crs,
    )
    return require(buildings.sort_values("building_id", kind="stable").reset_index(drop=True), BUILDINGS)


def guess_homes(frame: Any) -> tuple[Any, Any]:
    """Return buildings with those of unknown use taken as homes where none is said to be one, and LISTED."""
    unknown = frame["_use"] == UNKNOWN
    known = (frame["_use"] == RESIDENTIAL).any() or (frame["_households"] > 0).any()
    if known or not unknown.any():
        return frame, join_listed([])
    detail = f"{int(unknown.sum())} buildings of unknown use are taken as homes: no building is marked as residential"
    return frame.assign(_use=frame["_use"].mask(unknown, RESIDENTIAL)), list_note(
        _SOURCE, "use unknown", "guessed", detail
    )


def split_parts(frame: Any) -> tuple[Any, Any]:
    """Return one row per polygon: households shared by area to the last one, ids numbered, and LISTED."""
    several = shapely.get_num_geometries(frame.geometry.to_numpy()) > 1
    listed = list_rows(_SOURCE, frame.index[several], "several parts", "repaired", "one building per part")
    if not len(frame):
        return frame, listed
    parts = frame.explode(index_parts=False)
    place = parts.groupby("building_id", sort=False).cumcount().to_numpy()
    split = parts["building_id"].duplicated(keep=False).to_numpy()
    area = parts.geometry.area.to_numpy()
    for name in [name for name in ("_households", "_elderly", "_children") if name in parts.columns]:
        parts[name] = _share(parts, name, area, split)
    ids = [f"{one}-{n + 1}" if n else one for one, n in zip(parts["building_id"], place, strict=True)]
    return parts.assign(building_id=pd.Series(ids, index=parts.index, dtype="str")), listed


def _share(parts: Any, name: str, area: NDArray[np.float64], split: NDArray[np.bool_]) -> Any:
    """Share a number that stands on every part among the parts of each building, by largest remainder."""
    values = parts[name].to_numpy(dtype=np.float64).copy()
    owner = parts["building_id"].to_numpy()
    for one in np.unique(owner[split]):  # few: buildings of several parts are rare
        mine = np.flatnonzero(owner == one)
        exact = values[mine[0]] * area[mine] / area[mine].sum()
        if np.isfinite(exact).all():
            whole = np.floor(exact)
            spare = round(float(values[mine[0]] - whole.sum()))
            whole[np.argsort(-(exact - whole), kind="stable")[:spare]] += 1
            values[mine] = whole
    return values


def _plausible(text: Any) -> tuple[Any, Any]:
    """Return households (0 where unknown) and LISTED of counts that were not used."""
    count, problem = read_counts(text)
    problem = problem.mask(count > MAX_HOUSEHOLDS, f"more than {MAX_HOUSEHOLDS:,} households in one building")
    bad = problem != ""
    listed = [
        list_rows(_SOURCE, text.index[problem == reason], reason, "repaired", [f"{t}: taken as unknown" for t in
                  text[problem == reason]], count[problem == reason].to_numpy(dtype=float))
        for reason in sorted(set(problem[bad]))
    ]  # fmt: skip
    return count.mask(bad).fillna(0), join_listed(listed)


def _square_points(frame: Any) -> tuple[Any, Any]:
    """Return points as small squares, and LISTED."""
    point = frame.geom_type.to_numpy() == "Point"
    if not point.any():
        return frame, join_listed([])
    geometry = frame.geometry.to_numpy().copy()
    geometry[point] = shapely.buffer(geometry[point], _STAND_IN_M, cap_style="square")
    detail = (
        f"{int(point.sum())} buildings are known only by a point: a square of {2 * _STAND_IN_M:g} m stands for each"
    )
    return frame.set_geometry(gpd.GeoSeries(geometry, index=frame.index, crs=frame.crs)), list_note(
        _SOURCE, "no footprint", "guessed", detail
    )
