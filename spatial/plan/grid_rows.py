"""What stands in some grids of a draft? Rows of GRIDS for them alone, dissolved where their shape is not known yet."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.land.groups import GROUPS
from spatial.plan.grids import grade_size
from spatial.plan.ground import Ground, dissolve_rows
from spatial.plan.state import Draft, State, open_draft, rows_by_grid
from spatial.tables import GRIDS, require

Known = dict[bytes, tuple[Any, ...]]
SETS_PER_BLOCK = 2
"""So many sets of blocks are kept for each block: those of many versions, as grids are of several blocks."""
_TEXTS = frozenset({"grid_id", "code", "community_id", "level", "kind", "status", "explanation", "name", "content"})
_SIZES = ("households", "blocks", "area_m2", "status", "oversize")


def build_plan_grids(ground: Ground, state: State | Draft) -> Any:
    """Return GRIDS of a state, as ``build_grids`` makes them, with ``name``, ``locked`` and ``content`` beside.

    ``content`` is the digest of a grid's blocks.
    """
    draft = open_draft(ground.index, state)
    return require(build_rows(ground, draft, draft.grids), GRIDS)


def build_rows(ground: Ground, draft: Draft, grid_ids: Iterable[str], known: Known | None = None) -> Any:
    """Return the rows of ``build_plan_grids`` for some grids, sorted by id; ``known`` as for ``measure_rows``."""
    told = measure_rows(ground, draft, grid_ids, {} if known is None else known)
    columns = {name: pd.Series(values, dtype="str") if name in _TEXTS else values for name, values in told.items()}
    shapes = columns.pop("geometry")
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes, crs=ground.crs), crs=ground.crs)


def measure_rows(ground: Ground, draft: Draft, grid_ids: Iterable[str], known: Known) -> dict[str, Any]:
    """Return the same column by column, texts and shapes as arrays of objects: a frame is slow to make.

    ``known`` holds what was measured of sets of blocks before, by their places as bytes: only sets that it misses are
    measured, and put in.
    """
    rows = rows_by_grid(draft, grid_ids)
    grids = [draft.grids[name] for name in rows]
    measured = _recall(ground, [*rows.values()], known)
    return {
        "grid_id": _text(rows),
        "code": _text(grid.code for grid in grids),
        "community_id": _text(grid.community_id for grid in grids),
        "level": _text(grid.level for grid in grids),
        "kind": _text(grid.kind for grid in grids),
        **{name: measured[name] for name in _SIZES},
        "explanation": _text(grid.explanation for grid in grids),
        **{name: values for name, values in measured.items() if name not in (*_SIZES, "content", "geometry")},
        "name": _text(grid.name for grid in grids),
        "locked": np.array([grid.locked for grid in grids], dtype=bool),
        "content": measured["content"],
        "geometry": measured["geometry"],
    }


def _recall(ground: Ground, sets: list[Any], known: Known) -> dict[str, Any]:
    """Return what is measured of sets of blocks (their places; no block is in two), column by column."""
    keys = [rows.tobytes() for rows in sets]
    held = {key: found for key in keys if (found := known.get(key)) is not None}
    new = [k for k, key in enumerate(keys) if key not in held]
    columns = _measure(ground, [sets[k] for k in new])
    fresh = dict(zip((keys[k] for k in new), zip(*columns.values(), strict=True), strict=True))
    if len(known) + len(fresh) > SETS_PER_BLOCK * len(ground.index):
        known.clear()
    known |= fresh
    if not held:
        return columns
    told = zip(*((held | fresh)[key] for key in keys), strict=True)
    return {name: np.array(some, dtype=columns[name].dtype) for name, some in zip(columns, told, strict=True)}


def _measure(ground: Ground, sets: list[Any]) -> dict[str, Any]:
    """Return by column what a grid of each set of blocks would measure."""
    shapes = np.array([dissolve_rows(ground, rows) for rows in sets], dtype=object)
    households = _sum(ground.households, sets)
    oversize = np.array([ground.oversize[rows].any() for rows in sets], dtype=bool)
    area, perimeter = shapely.area(shapes), shapely.length(shapes)
    border, clear = _borders(ground, sets)
    estimated = ground.blocks["estimated"].to_numpy(dtype=bool)
    ceiling = ground.profile.grid.ceiling_households
    return {
        "households": households,
        "blocks": np.array([len(rows) for rows in sets], dtype=np.int64),
        "area_m2": area,
        "status": np.asarray(grade_size(households, oversize, ground.profile.grid), dtype=object),
        "oversize": oversize,
        **{name: _sum(ground.blocks[name].to_numpy(), sets) for name in GROUPS if name in ground.blocks},
        "border_m": border,
        "clear_share": np.divide(clear, border, out=np.full(len(border), np.nan), where=border > 0),
        "perimeter_m": perimeter,
        "compactness": 4 * np.pi * area / perimeter**2,
        "sub_grids_needed": np.where(oversize, np.ceil(households / ceiling), 0).astype(np.int64),
        "estimated": np.array([estimated[rows].any() for rows in sets], dtype=bool),
        "content": np.array([hash_blocks(ground, rows) for rows in sets], dtype=object),
        "geometry": shapes,
    }


def hash_blocks(ground: Ground, rows: Any) -> str:
    """Return the digest of a set of blocks."""
    text = "\0".join(str(name) for name in ground.index[np.sort(rows)])
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def pick_shape(ground: Ground, rows: Any, known: Mapping[str, Any]) -> Any:
    """Return the union of some blocks, from the shapes known by content where it is there."""
    shape = known.get(hash_blocks(ground, rows)) if known else None
    return dissolve_rows(ground, rows) if shape is None else shape


def count_households(ground: Ground, draft: Draft, grid_ids: Iterable[str]) -> dict[str, int]:
    """Return the households of each grid, by id."""
    names = sorted({str(name) for name in grid_ids})
    at = pd.Index(names, dtype=object).get_indexer(draft.label)
    sums = np.bincount(at[at >= 0], ground.households[at >= 0], len(names))
    return dict(zip(names, sums.astype(np.int64).tolist(), strict=True))


def _text(values: Iterable[Any]) -> Any:
    return np.array([str(value) for value in values], dtype=object)


def _sum(values: Any, sets: list[Any]) -> Any:
    return np.array([values[rows].sum() for rows in sets], dtype=np.int64)


def _borders(ground: Ground, sets: list[Any]) -> tuple[Any, Any]:
    """Return by set of blocks the metres of border shared with blocks outside it, and those on clear lines."""
    number = np.full(len(ground.index), -1, dtype=np.int64)
    for k, rows in enumerate(sets):
        number[rows] = k
    ends = np.concatenate([number[ground.first], number[ground.second]])
    apart = np.tile(number[ground.first] != number[ground.second], 2) & (ends >= 0)
    shared, clear = (  # where nothing is counted, numpy counts in whole numbers
        np.bincount(ends[apart], np.tile(metres, 2)[apart], len(sets)).astype(np.float64)
        for metres in (ground.shared_m, ground.clear_m)
    )
    return shared, clear
