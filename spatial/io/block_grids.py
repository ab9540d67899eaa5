"""In which grid is each block today, and which blocks must share a grid, or must not?"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from spatial.errors import InputError
from spatial.io.attributes import read_attributes
from spatial.io.blocks import ID, GivenBlocks
from spatial.io.features import Locator, locate, read_features, text_of
from spatial.io.listing import join_listed, list_note, list_rows
from spatial.io.needed import Sheet
from spatial.io.shapes import to_areas
from spatial.io.systems import Undeclared
from spatial.io.vectors import VECTOR_SUFFIXES

CURRENT, LOCKS = "current", "locks"
GRID = "grid_id"
_UNDECLARED = Undeclared()
_LOCK = "grid_id grid fixed lock label".split()
_TOGETHER = "together group".split()
_MAX_BYTES = 50 * 2**20
_MOSTLY = 0.9

Locked = tuple[dict[str, str], tuple[tuple[str, ...], ...]]
"""Block -> label (blocks of one label share a grid, those of different labels never do), and groups kept together."""


def read_current_grids(
    path: str | Path | Locator, given: GivenBlocks, *, column: str = GRID, undeclared: Undeclared = _UNDECLARED
) -> tuple[Any, Any]:
    """Return a Series ``block_id -> today's grid`` of the blocks that are in one, sorted by block, and LISTED.

    A file with a column of block ids says it block by block; a layer of areas without one holds today's grids, and each
    block is in the one that holds most of its land.

    Raises
    ------
    InputError
        If the file cannot be read, has no such column, or names a block twice.
    """
    where = locate(path)
    sheet = read_attributes(where, CURRENT)
    key = sheet.find([ID, *([given.id_column] if given.id_column else [])])
    name = sheet.need(column, " (--current-column)")
    if key is None:
        if where.path.suffix.lower() not in VECTOR_SUFFIXES:
            sheet.need(given.id_column or ID)
        return _by_land(where, given, name, undeclared)
    ids, grid = sheet.keys(key), text_of(sheet.frame, name).str.strip()
    known = ids.isin(given.blocks[ID])
    used = known & (grid != "")
    strange = list_rows(CURRENT, ids[~known], "names no block that is known", "dropped", grid[~known])
    found = pd.Series(grid[used].to_numpy(), index=pd.Index(ids[used], name=ID), name=GRID, dtype="str").sort_index()
    if not len(found):
        raise InputError(f"{sheet.where}: no row names a block that is known and its grid; needed at least one")
    return found, join_listed([strange, _list_new(given, found)])


def _by_land(where: Locator, given: GivenBlocks, column: str, undeclared: Undeclared) -> tuple[Any, Any]:
    """Return for each block the grid that holds most of its land, and LISTED of the blocks that several share."""
    features = read_features(where, given.blocks.crs, source=CURRENT, undeclared=undeclared)
    areas, listed = to_areas(features.frame, CURRENT)
    code = Sheet(areas, f"{CURRENT} ({where.path.name})").texts(column)
    block, grid = shapely.STRtree(areas.geometry.to_numpy()).query(given.outlines, predicate="intersects")
    shared = shapely.area(shapely.intersection(given.outlines[block], areas.geometry.to_numpy()[grid]))
    held = pd.DataFrame({"block": block, "grid": code.to_numpy()[grid], "m2": np.round(shared, 3)})
    held = held[held["m2"] > 0].groupby(["block", "grid"], as_index=False)["m2"].sum()
    best = held.sort_values(["block", "m2", "grid"], ascending=[True, False, True]).drop_duplicates("block")
    if not len(best):
        raise InputError(f"{CURRENT} ({where.path.name}): its areas hold none of the blocks; needed today's grids")
    names = given.blocks[ID].to_numpy()[best["block"]]
    share = best["m2"].to_numpy() / shapely.area(given.outlines)[best["block"]]
    cut = share < _MOSTLY
    detail = [f"{part:.0%} of it in {grid}" for part, grid in zip(share[cut], best["grid"][cut], strict=True)]
    split = list_rows(CURRENT, names[cut], "block not wholly in one grid of today", "guessed", detail)
    found = pd.Series(best["grid"].to_numpy(), index=pd.Index(names, name=ID), name=GRID, dtype="str").sort_index()
    return found, join_listed([features.listed, listed, split, _list_new(given, found)])


def _list_new(given: GivenBlocks, found: Any) -> Any:
    new = len(given.blocks) - len(found)
    return list_note(CURRENT, "blocks in no grid of today", "kept", f"{new:,}") if new else join_listed([])


def read_locks(path: str | Path | Locator, given: GivenBlocks) -> Locked:
    """Return which blocks are tied to each other, from a table or from JSON.

    A table has ``block_id`` and a column ``grid_id`` (blocks with the same text share a grid, those with different ones
    never do) or ``together`` (blocks with the same text stay in one grid), or both. JSON reads
    ``{"fixed": {block: label}, "together": [[block, block], ...]}``.

    Raises
    ------
    InputError
        If the file cannot be read, has neither column, or names an unknown block.
    """
    where = locate(path)
    known = set(given.blocks[ID])
    fixed, together = (
        _from_json(where.path) if where.path.suffix.lower() == ".json" else _from_table(where, given.id_column)
    )
    for block in sorted({*fixed, *(one for group in together for one in group)}):
        if block not in known:
            raise InputError(
                f"{LOCKS} ({where.path.name}): found block {block!r}, needed one of the {len(known)} blocks"
            )
    return dict(sorted(fixed.items())), tuple(sorted(together))


def _from_table(where: Locator, id_column: str) -> Locked:
    sheet = read_attributes(where, LOCKS)
    ids = sheet.texts(sheet.find([ID, *([id_column] if id_column else [])]) or sheet.need(ID))
    lock, group = sheet.find(_LOCK), sheet.find(_TOGETHER)
    if lock is None and group is None:
        sheet.need(_LOCK[0], f" or {_TOGETHER[0]!r}")
    fixed: dict[str, str] = {}
    if lock is not None:
        label = text_of(sheet.frame, lock).str.strip()
        for row, (block, name) in zip(ids.index, zip(ids, label, strict=True), strict=True):
            if name and fixed.setdefault(block, name) != name:
                raise InputError(
                    f"{sheet.where}: row {row} ties block {block!r} to {name!r} as well as {fixed[block]!r}"
                )
    if group is None:
        return fixed, ()
    bonds = text_of(sheet.frame, group).str.strip()
    members = ids[bonds != ""].groupby(bonds[bonds != ""], sort=True)
    return fixed, tuple(tuple(sorted(set(blocks))) for _, blocks in members)


def _from_json(path: Path) -> Locked:
    where = f"{LOCKS} ({path.name})"
    if not path.is_file():
        raise InputError(f"{where} is not there")
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(f"{where} has {path.stat().st_size:,} bytes; needed at most {_MAX_BYTES:,}")
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise InputError(f"{where} is not readable as JSON: {error}") from error
    known = isinstance(document, dict) and not set(document) - {"fixed", "together"}
    whole: dict[str, Any] = document if known else {"fixed": None}
    fixed, together = whole.get("fixed", {}), whole.get("together", [])
    tied = isinstance(fixed, dict) and not any(isinstance(label, list | dict) for label in fixed.values())
    if not tied or not isinstance(together, list) or not all(isinstance(group, list) for group in together):
        raise InputError(f'{where}: needed {{"fixed": {{block: label}}, "together": [[block, block]]}}')
    groups = tuple(tuple(sorted({str(one) for one in group})) for group in together)
    return {str(block): str(label) for block, label in fixed.items()}, groups
