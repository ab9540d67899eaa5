"""In which grid of a plan does each row of a table lie? Read a table of places, write it again with their grids.

Where floors of the plan are grids of their own and the table tells floors, it tells the vertical grid of each too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import shapely

from spatial.crs import CoordType, unshift
from spatial.errors import InputError, MissingError
from spatial.io.atomic import replace_file
from spatial.io.counts import parse_floor
from spatial.io.headers import find_columns
from spatial.io.numbers import read_numbers
from spatial.io.plan_folder import PlanFolder, read_plan_folder
from spatial.personal import check_personal
from spatial.plan.locate import NOWHERE, Locator, build_floor_locator, build_locator, locate_on_floors, locate_rows

ADDED = ("grid_id", "grid_code", "vertical_id")
_VERTICAL = "vertical_grids"


@dataclass(frozen=True, slots=True)
class Located:
    """How many rows lie in a grid, in none, and have no place that can be read.

    ``floorless`` have no floor that can be read; None where floors were not looked at.
    """

    inside: int
    outside: int
    unreadable: int
    floorless: int | None = None


def locate_table(plan: Path | str, table: Path | str, out: Path | str, *, coords: CoordType = "wgs84") -> Located:
    """Write a CSV of places again, with the id and the code of the grid of each row ("" outside all grids).

    Where the plan has vertical grids and a column names floors, the id of that of each row stands beside them.

    The places stand in columns of longitude and latitude, in coordinates of the kind named. Other columns stay as they
    are, as text.

    Raises
    ------
    MissingError
        If there is no such plan or table.
    InputError
        If the table cannot be read, has no columns of coordinates, or the output cannot be written.
    PersonalDataError
        If a column holds personal data.
    """
    folder = read_plan_folder(plan)
    locator, codes = _read_grids(folder)
    rows = _read_table(Path(table))
    strange = [name for name in ADDED if name in rows]
    if strange:
        raise InputError(f"{table} has a column {strange[0]!r} already; rename it, so that nothing is lost")
    found = find_columns(rows.columns, ("lon", "lat", "floor"), str(table))
    if not {"lon", "lat"} <= set(found):
        raise InputError(f"{table}: found columns {list(rows.columns)}, needed 经度 and 纬度, or lon and lat")
    check_personal(rows.drop(columns=[found["lon"], found["lat"]]), str(table))
    numbers = [pd.to_numeric(rows[found[name]], errors="coerce").to_numpy(dtype=np.float64) for name in ("lon", "lat")]
    lonlat = np.column_stack(numbers)
    xy = unshift(lonlat, coords)
    at = locate_rows(locator, xy)
    grid_ids = np.array([*locator.ids, ""], dtype=object)
    rows["grid_id"], rows["grid_code"] = grid_ids[at], np.array([*codes, ""], dtype=object)[at]
    floorless = None
    if _VERTICAL in folder.layers and "floor" in found:
        floors = read_numbers(rows, {"floor": found["floor"]}, str(table), parse=parse_floor)[0]["floor"].to_numpy()
        floorless = int(np.isnan(floors).sum())
        rows["vertical_id"] = _find_vertical(folder, xy, floors)
    try:
        replace_file(Path(out), lambda beside: rows.to_csv(beside, index=False, encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror or error}") from error
    inside, readable = int((at != NOWHERE).sum()), int(np.isfinite(lonlat).all(axis=1).sum())
    return Located(inside, readable - inside, len(rows) - readable, floorless)


def _find_vertical(plan: PlanFolder, xy: Any, floors: Any) -> Any:
    """Return the id of the vertical grid of each place on its floor, "" where there is none."""
    features = plan.read_layer(_VERTICAL)["features"]
    ids = [one["id"] for one in features]
    ends = ([one["properties"][name] for one in features] for name in ("lowest_floor", "highest_floor"))
    locator = build_floor_locator(_areas(features), ids, *ends)
    return np.array([*ids, ""], dtype=object)[locate_on_floors(locator, xy, floors)]


def _areas(features: Sequence[Mapping[str, Any]]) -> Any:
    return shapely.from_geojson(np.array([orjson.dumps(one["geometry"]).decode() for one in features], dtype=object))


def _read_grids(plan: PlanFolder) -> tuple[Locator, list[str]]:
    """Return the grids as they are served, which stand sorted by id, and their codes."""
    features = sorted(plan.read_layer("grids")["features"], key=lambda one: one["id"])
    codes = [str(one["properties"].get("code") or "") for one in features]
    return build_locator(_areas(features), [one["id"] for one in features]), codes


def _read_table(path: Path) -> pd.DataFrame:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MissingError(f"cannot read {path}: {error.strerror or error}") from error
    for encoding in ("utf-8-sig", "gb18030"):  # Excel in China saves the latter
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return _parse(text, path)
    raise InputError(f"{path} is no text in UTF-8 or GB18030; save it as CSV")


def _parse(text: str, path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(StringIO(text), dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path} is no table: {error}") from error
