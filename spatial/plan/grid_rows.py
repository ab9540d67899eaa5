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


def build_plan_grids(ground: Ground, state: State, known_shapes: Mapping[str, Any] | None = None) -> Any:
    """Return GRIDS of a state, as ``build_grids`` makes them, with ``name``, ``locked`` and ``content`` beside.

    ``content`` is the digest of a grid's blocks; ``known_shapes`` maps such digests to shapes in metres, and only the
    grids that it misses are dissolved.
    """
    draft = open_draft(ground.index, state)
    return require(build_rows(ground, draft, draft.grids, known_shapes), GRIDS)


def build_rows(ground: Ground, draft: Draft, grid_ids: Iterable[str], known: Mapping[str, Any] | None = None) -> Any:
    """Return the rows of ``build_plan_grids`` for some grids, sorted by id."""
    rows = rows_by_grid(draft, grid_ids)
    names = list(rows)
    content = [hash_blocks(ground, at) for at in rows.values()]
    shapes = [pick_shape(ground, at, known or {}) for at in rows.values()]
    grids = [draft.grids[name] for name in names]
    households = _sum(ground.households, rows)
    oversize = np.array([ground.oversize[at].any() for at in rows.values()], dtype=bool)
    area, perimeter = shapely.area(shapes), shapely.length(shapes)
    ceiling = ground.profile.grid.ceiling_households
    border, clear = _borders(ground, draft, names)
    estimated = ground.blocks["estimated"].to_numpy(dtype=bool)
    columns = {
        "grid_id": _text(names),
        "code": _text([grid.code for grid in grids]),
        "community_id": _text([grid.community_id for grid in grids]),
        "level": _text([grid.level for grid in grids]),
        "kind": _text([grid.kind for grid in grids]),
        "households": households,
        "blocks": np.array([len(at) for at in rows.values()], dtype=np.int64),
        "area_m2": area,
        "status": _text(grade_size(households, oversize, ground.profile.grid)),
        "oversize": oversize,
        "explanation": _text([grid.explanation for grid in grids]),
        **{name: _sum(ground.blocks[name].to_numpy(), rows) for name in GROUPS if name in ground.blocks},
        "border_m": border,
        "clear_share": np.divide(clear, border, out=np.full(len(border), np.nan), where=border > 0),
        "perimeter_m": perimeter,
        "compactness": 4 * np.pi * area / perimeter**2,
        "sub_grids_needed": np.where(oversize, np.ceil(households / ceiling), 0).astype(np.int64),
        "estimated": np.array([estimated[at].any() for at in rows.values()], dtype=bool),
        "name": _text([grid.name for grid in grids]),
        "locked": np.array([grid.locked for grid in grids], dtype=bool),
        "content": _text(content),
    }
    geometry = gpd.GeoSeries(shapes, crs=ground.crs)
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=ground.crs)


def hash_blocks(ground: Ground, rows: Any) -> str:
    """Return the digest of a set of blocks."""
    text = "\0".join(str(name) for name in ground.index[np.sort(rows)])
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def pick_shape(ground: Ground, rows: Any, known: Mapping[str, Any]) -> Any:
    """Return the union of some blocks, from the shapes known by content where it is there."""
    shape = known.get(hash_blocks(ground, rows)) if known else None
    return dissolve_rows(ground, rows) if shape is None else shape


def count_households(ground: Ground, draft: Draft, grid_ids: Iterable[str]) -> dict[str, int]:
    """Return the households of each grid."""
    return {name: int(ground.households[at].sum()) for name, at in rows_by_grid(draft, grid_ids).items()}


def _text(values: Any) -> Any:
    return pd.Series([str(value) for value in values], dtype="str")


def _sum(values: Any, rows: Mapping[str, Any]) -> Any:
    return np.array([values[at].sum() for at in rows.values()], dtype=np.int64)


def _borders(ground: Ground, draft: Draft, names: list[str]) -> tuple[Any, Any]:
    """Return by grid the metres of border shared with other grids, and those on clear lines."""
    number = pd.Index(names, dtype=object).get_indexer(draft.label)
    ends = np.concatenate([number[ground.first], number[ground.second]])
    apart = np.tile(draft.label[ground.first] != draft.label[ground.second], 2) & (ends >= 0)
    sums = [
        np.bincount(ends[apart], np.tile(metres, 2)[apart], len(names)) for metres in (ground.shared_m, ground.clear_m)
    ]
    return sums[0], sums[1]
