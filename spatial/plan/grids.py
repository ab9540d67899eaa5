"""Which grids does an assignment make? Blocks dissolved, with what stands in each."""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.errors import InputError
from spatial.land.groups import GROUPS
from spatial.plan.codes import number_grids
from spatial.profile import GridRules, Profile
from spatial.tables import ADJACENCY, BLOCKS, GRIDS, require

STATUSES = ("in_band", "low", "high", "oversize")


def build_grids(
    blocks: Any,
    assignment: Any,
    profile: Profile,
    *,
    adjacency: Any = None,
    explanations: Mapping[str, str] | None = None,
) -> Any:
    """Return GRIDS, one row per grid of the assignment, sorted by id.

    A grid is the union of its blocks and keeps all their vertices, so that neighbours still match edge by edge. The
    status is ``oversize`` where a grid holds an oversize block, else ``low``, ``in_band`` or ``high``. A grid that
    takes blocks of two communities stands under the smaller id; ``check_plan`` tells.

    Beside the contract: ``perimeter_m``; ``compactness`` (4 pi area / perimeter squared, Polsby and Popper 1991);
    ``sub_grids_needed`` (households over the ceiling, rounded up, where oversize; else 0); and from ``adjacency``
    ``border_m`` (metres shared with other grids) and ``clear_share`` (the share of them on clear lines; missing without
    such a border), both missing when no adjacency is given; ``elderly`` and ``children`` where the blocks count them.

    Parameters
    ----------
    blocks, adjacency:
        BLOCKS and ADJACENCY.
    assignment:
        Series ``block_id -> grid_id``, total on the blocks.
    explanations:
        Grid id -> why it misses the band, for the grids that do.

    Raises
    ------
    InputError
        If the assignment is not total on the blocks.
    """
    require(blocks, BLOCKS)
    label = _labels(blocks, assignment)
    grouped = blocks.groupby(label.to_numpy(), sort=True)
    table = pd.DataFrame(
        {
            "community_id": grouped["community_id"].min(),
            "households": grouped["households"].sum().astype("int64"),
            "blocks": grouped.size().astype("int64"),
            "oversize": grouped["oversize"].any().astype(bool),
            "estimated": grouped["estimated"].any().astype(bool),
        }
    ).rename_axis("grid_id")
    grids = gpd.GeoDataFrame(table.reset_index(), geometry=_dissolve(grouped), crs=blocks.crs)
    groups = [name for name in GROUPS if name in blocks]
    for group in groups:
        grids[group] = grouped[group].sum().to_numpy(dtype="int64")
    grids["level"], grids["kind"] = profile.grid.level, "base"
    grids["status"] = grade_size(grids["households"], grids["oversize"], profile.grid)
    given = {} if explanations is None else dict(explanations)
    grids["explanation"] = [str(given.get(name, "")) for name in grids["grid_id"]]
    grids = _with_shape(grids, profile.grid)
    grids = grids.assign(**_borders(grids["grid_id"], label, blocks["block_id"], adjacency))
    grids["code"] = number_grids(grids)
    rest = ["border_m", "clear_share", "perimeter_m", "compactness", "sub_grids_needed", "estimated", "geometry"]
    return require(grids[[*GRIDS.columns, *groups, *rest]], GRIDS)


def _labels(blocks: Any, assignment: Any) -> Any:
    if assignment.index.duplicated().any():
        twice = assignment.index[assignment.index.duplicated()][0]
        raise InputError(f"assignment: block {twice!r} stands in it more than once; needed once")
    label = blocks["block_id"].map(assignment)
    if label.isna().any():
        raise InputError(f"assignment: block {blocks.loc[label.isna(), 'block_id'].iloc[0]!r} has no grid")
    return label.astype("str")


def _dissolve(grouped: Any) -> Any:
    # One union per grid: shapely unites one group at a time.
    return [unite_blocks(part.geometry.to_numpy()) for _, part in grouped]


def unite_blocks(shapes: Any) -> Any:
    """Return the union of a grid's blocks: a polygon where there is one part only, with its rings in normal order."""
    shape = shapely.coverage_union_all(shapes)
    parts = shapely.get_parts(shape)
    return shapely.normalize(parts[0] if len(parts) == 1 else shape)


def grade_size(households: Any, oversize: Any, rules: GridRules) -> Any:
    """Return the status of each grid from its households and whether it holds an oversize block."""
    low, high = households < rules.floor_households, households > rules.ceiling_households
    return np.select([np.asarray(oversize), low, high], ["oversize", "low", "high"], "in_band")


def _with_shape(grids: Any, rules: GridRules) -> Any:
    area, perimeter = grids.geometry.area, grids.geometry.length
    needed = np.ceil(grids["households"] / rules.ceiling_households).astype("int64")
    return grids.assign(
        area_m2=area,
        perimeter_m=perimeter,
        compactness=4 * np.pi * area / perimeter**2,
        sub_grids_needed=needed.where(grids["oversize"], 0),
    )


def _borders(grid_id: Any, label: Any, block_id: Any, adjacency: Any) -> dict[str, Any]:
    if adjacency is None:
        return {"border_m": np.nan, "clear_share": np.nan}
    require(adjacency, ADJACENCY)
    of = pd.Series(label.to_numpy(), index=block_id.to_numpy())
    cut = cut_pairs(adjacency, of)
    ends = pd.concat([cut.assign(grid_id=cut[name]) for name in ("focal_grid", "neighbor_grid")])
    sums = ends.groupby("grid_id")[["shared_m", "clear_m"]].sum().reindex(grid_id, fill_value=0.0)
    shared, clear = sums["shared_m"].to_numpy(), sums["clear_m"].to_numpy()
    share = np.divide(clear, shared, out=np.full(len(shared), np.nan), where=shared > 0)
    return {"border_m": shared, "clear_share": share}


def cut_pairs(adjacency: Any, assignment: Any) -> Any:
    """Return the rows of ADJACENCY whose blocks lie in two grids, with ``focal_grid`` and ``neighbor_grid``."""
    focal, neighbor = adjacency["focal"].map(assignment), adjacency["neighbor"].map(assignment)
    known = focal.notna() & neighbor.notna()
    pairs = adjacency.assign(focal_grid=focal, neighbor_grid=neighbor)[known]
    return pairs[(pairs["focal_grid"] != pairs["neighbor_grid"]).to_numpy()]
