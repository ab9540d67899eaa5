"""In which grid, community or other area does each demand point lie?"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from spatial.crs import CoordType
from spatial.errors import InputError
from spatial.io.features import locate, read_features, text_of
from spatial.io.listing import join_listed, list_note
from spatial.io.needed import Sheet
from spatial.io.shapes import to_areas
from spatial.io.systems import Undeclared

_IDS = ("grid_id", "community_id", "estate_id", "block_id", "code", "name", "网格编码", "社区编码", "小区编码", "名称")
"""Columns that name an area, the first that is there."""


def read_areas(path: str | Path, demand: Any, coords: CoordType | None, undeclared: Undeclared) -> tuple[str, Any, Any]:
    """Return what the areas are called (their layer, else their file), a Series demand_id -> area, and LISTED.

    A point in no area has the area "", one in several the first of them; both are counted in LISTED. An area is named
    by its id or code, else by its name, else by the number of its row.

    Raises
    ------
    InputError, CrsError, PersonalDataError
        If the file cannot be read, or holds no area.
    """
    where = locate(path)
    given = read_features(where, demand.crs, coords, source="areas", undeclared=undeclared)
    sheet = Sheet(given.frame, f"areas ({where.path.name})")
    areas, notes = to_areas(given.frame, "areas")
    if not len(areas):
        raise InputError(f"{sheet.where}: found no area, needed polygons")
    column = sheet.find(_IDS)
    rows = pd.Series([str(row) for row in areas.index], index=areas.index)
    names = rows if column is None else text_of(areas, column).str.strip().mask(lambda text: text == "", rows)
    order = np.argsort(names.to_numpy(dtype=object), kind="stable")
    tree = shapely.STRtree(areas.geometry.to_numpy()[order])
    point, area = tree.query(demand.geometry.to_numpy(), predicate="covered_by")
    name = names.to_numpy(dtype=object)[order]
    group = np.full(len(demand), "", dtype=object)
    best = np.lexsort((area, point))[::-1]
    group[point[best]] = name[area[best]]
    told = [given.listed, notes, *_tell(where.path.name, group, point, name[area])]
    by = pd.Series(group, index=demand["demand_id"].to_numpy(), dtype="str")
    return where.layer or where.path.stem, by, join_listed(told)


def _tell(file: str, group: Any, point: Any, name: Any) -> list[Any]:
    """Return LISTED of how many points lie in no area, and in several."""
    outside = int((group == "").sum())
    several = int(pd.DataFrame({"point": point, "name": name}).drop_duplicates()["point"].duplicated().sum())
    told = []
    if outside:
        told.append(list_note("areas", "demand in no area", "kept", f"{outside:,} points lie in none of {file}"))
    if several:
        told.append(
            list_note("areas", "demand in several areas", "guessed", f"{file}: the first of {several:,} is taken")
        )
    return told
