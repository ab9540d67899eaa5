"""Which blocks did the planner bring, ready to be divided, and how many households does each hold?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.errors import InputError
from spatial.io.access import read_access
from spatial.io.features import Features, Locator, read_features
from spatial.io.listing import join_listed, list_note, list_rows
from spatial.io.needed import Sheet
from spatial.io.shapes import to_areas
from spatial.io.systems import Undeclared
from spatial.profile import Profile
from spatial.tables import BLOCKS, require

SOURCE = "blocks"
ID = "block_id"
_ONE, _REST = "c01", "none"
_UNDECLARED = Undeclared()
_COMMUNITY = "community_id 社区编码 社区代码 社区编号 所属社区 所在社区 社区名称 社区".split()
_ESTATE = "estate_id 小区编码 小区编号 小区代码 所属小区 所在小区 小区名称 小区".split()
_COMPANY = "company 物业公司 物业服务企业 物业企业 物业管理公司 物业".split()
_ACCESS = "access 封闭情况 是否封闭 是否开放 通行方式 gated".split()


@dataclass(frozen=True, slots=True)
class GivenBlocks:
    """Blocks as they were brought.

    Attributes
    ----------
    blocks:
        BLOCKS sorted by id; ``company`` beside them. A block of several parts is drawn by its largest one.
    outlines:
        By block: its land with all parts, an array of polygons and multipolygons in metres.
    id_column:
        The column that the ids are from, "" where they are row numbers.
    listed:
        LISTED: what was repaired, guessed or told of the rows.
    origin:
        What the file said of itself: name, layer, rows, system.
    """

    blocks: Any
    outlines: Any
    id_column: str
    listed: Any
    origin: Any


def read_blocks(
    path: str | Path | Locator,
    profile: Profile,
    *,
    households: str,
    block_id: str | None = None,
    undeclared: Undeclared = _UNDECLARED,
) -> GivenBlocks:
    """Return the blocks of a vector file, in metres, with the households that a column of that name holds.

    Ids are those of the column ``block_id`` (or of the one named), else the number of each row. Columns
    ``community_id`` (else all blocks are one community), ``estate_id``, ``company``, ``access`` (gated or open) and
    ``oversize`` are used where they are there. Outlines that cross themselves are repaired and listed.

    Raises
    ------
    InputError
        If the file cannot be read, holds personal data, a row is no area, or a cell is not what its column needs; the
        sentence names the file, the column and the row.
    CrsError
        If its system is unknown or unusable.
    """
    features = read_features(path, None, source=SOURCE, undeclared=undeclared)
    where = f"{SOURCE} ({features.origin['path']})"
    if not len(features.frame):
        raise InputError(f"{where}: found no rows, needed at least one block to divide")
    sheet = Sheet(features.frame, where)
    id_column = sheet.need(block_id) if block_id is not None else sheet.find([ID]) or ""
    ids = sheet.keys(id_column) if id_column else _row_numbers(features.frame)
    count = sheet.counts(sheet.need(households, " (--households)"))
    frame, shaped = _shape(features, where)
    columns, told = _describe(sheet, count, profile)
    blocks = gpd.GeoDataFrame({ID: ids, **columns}, geometry=frame.geometry, crs=frame.crs)
    named = {str(row): f"{row} ({name})" for row, name in ids.items()} if id_column else {}
    parts = shapely.get_num_geometries(blocks.geometry.to_numpy())
    detail = [f"{n} parts; the largest stands for its shape" for n in parts[parts > 1]]
    several = list_rows(SOURCE, ids.index[parts > 1], "block of several parts", "kept", detail)
    listed = join_listed([features.listed, shaped, several, told])
    listed = listed.assign(row=listed["row"].map(lambda row: named.get(row, row)).astype("str"))
    blocks = blocks.sort_values(ID, ignore_index=True)
    outlines = blocks.geometry.to_numpy().copy()
    blocks = blocks.set_geometry(gpd.GeoSeries(_largest(outlines), index=blocks.index, crs=blocks.crs))
    blocks["area_m2"] = shapely.area(outlines)
    return GivenBlocks(require(blocks, BLOCKS), outlines, id_column, listed, dict(features.origin))


def _row_numbers(frame: Any) -> Any:
    return pd.Series([str(row) for row in frame.index], index=frame.index, dtype="str")


def _shape(features: Features, where: str) -> tuple[Any, Any]:
    """Return the rows as areas, each of them, and LISTED of those that were repaired or guessed."""
    frame, listed = to_areas(features.frame, SOURCE)
    lost = listed[listed["action"] == "dropped"]
    if len(lost):
        first, more = lost.iloc[0], len(lost) - 1
        kind = f" ({first['detail']})" if first["detail"] else ""
        beside = f", and {more} rows more" if more else ""
        raise InputError(f"{where}: row {first['row']}: {first['reason']}{kind}{beside}; needed the outline of a block")
    return frame, listed


def _describe(sheet: Sheet, households: Any, profile: Profile) -> tuple[dict[str, Any], Any]:
    """Return the columns of BLOCKS beside id and land, and LISTED of what was guessed or missing."""
    empty = pd.Series("", index=sheet.frame.index, dtype="str")
    found = {"community_id": _COMMUNITY, "estate_id": _ESTATE, "company": _COMPANY}
    texts = {name: empty if (one := sheet.find(names)) is None else sheet.frame[one] for name, names in found.items()}
    access, unclear = _read_access(sheet, texts["estate_id"], profile)
    ceiling = profile.grid.ceiling_households
    flagged = sheet.find(["oversize"])
    oversize = (households > ceiling) | (sheet.flags(flagged) if flagged is not None else False)
    texts["community_id"], told = _name_communities(texts["community_id"], households)
    columns = {
        **texts,
        "kind": pd.Series(np.where(access == "gated", "estate", "face"), index=empty.index, dtype="str"),
        "access": access,
        "households": households,
        "area_m2": 0.0,
        "oversize": oversize,
        "sub_grids_needed": (-(-households // ceiling)).where(oversize, 0),
        "estimated": False,
    }
    counted = profile.division.size_column
    if counted not in columns:
        columns[counted] = sheet.counts(sheet.need(counted, f" (division.size_column of profile {profile.name})"))
    return columns, join_listed([unclear, told])


def _name_communities(given: Any, households: Any) -> tuple[Any, Any]:
    """Return the community of each block, one for all where none is named, and LISTED of those without a name."""
    blank = given.str.strip() == ""
    if blank.all():
        detail = f"no community is named: all blocks are one, {_ONE}"
        return blank.map({True: _ONE}).astype("str"), list_note(SOURCE, "no communities", "guessed", detail)
    detail = f"taken as one community of their own, {_REST}"
    told = list_rows(SOURCE, given.index[blank], "no community", "guessed", detail, households[blank])
    return given.str.strip().mask(blank, _REST).astype("str"), told


def _read_access(sheet: Sheet, estate: Any, profile: Profile) -> tuple[Any, Any]:
    """Return gated, open or "" for each block: what its row says, else what the profile takes for an estate."""
    column = sheet.find(_ACCESS)
    if column is None:
        return pd.Series("", index=estate.index, dtype="str"), join_listed([])
    access, unclear = read_access(sheet.frame[column], column, SOURCE)
    assumed = pd.Series(np.where(estate != "", profile.land.unknown_access, ""), index=estate.index, dtype="str")
    return access.where(access != "unknown", assumed).astype("str"), unclear


def _largest(outlines: Any) -> Any:
    """Return the largest polygon of each outline."""
    parts, owner = shapely.get_parts(outlines, return_index=True)
    order = np.lexsort([-shapely.area(parts), owner])
    first = np.unique(owner[order], return_index=True)[1]
    return parts[order[first]]
