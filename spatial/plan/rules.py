"""Does the plan keep the rules of its tables? All rules but those of geometry alone: ids, sums, T5, T9, T10 and T11."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spatial.land.totals import compare_totals, is_far
from spatial.plan.defect import Defect
from spatial.plan.grids import cut_pairs
from spatial.plan.model import Plan
from spatial.plan.shapes import areas_of

# Numerical tolerances: what rounding alone may leave behind.
_AREA_TOLERANCE_M2 = 0.01
_ON_BORDER_M = 1e-3


def check_assignment(plan: Plan) -> Iterator[Defect]:
    """Yield blocks without a grid, assignments of unknown blocks, and grids that stand on one side only."""
    where = dict(zip(plan.blocks["block_id"], plan.blocks.geometry, strict=True))
    middle = plan.area.representative_point()
    assigned = plan.assignment
    for block_id in sorted(set(where) - set(assigned.index[assigned.notna()])):
        yield Defect("assignment", "error", block_id, "block lies in no grid", where[block_id])
    for block_id in sorted(set(assigned.index) - set(where)):
        yield Defect("assignment", "error", block_id, "assignment names a block that does not exist", middle)
    for block_id in sorted(set(assigned.index[assigned.index.duplicated()])):
        yield Defect("assignment", "error", block_id, "block is assigned more than once", where.get(block_id, middle))
    listed, used = plan.grids["grid_id"], set(assigned.dropna())
    shapes = dict(zip(listed, plan.grids.geometry, strict=True))
    for grid_id in sorted(set(listed) - used):
        yield Defect("assignment", "error", grid_id, "grid has no block", shapes[grid_id])
    for grid_id in sorted(used - set(listed)):
        parts = [where[name] for name in assigned.index[assigned == grid_id] if name in where]
        found = shapely.union_all(parts) if parts else middle
        yield Defect("assignment", "error", grid_id, "grid has blocks but is not listed", found)


def _once(assignment: Any) -> Any:
    """Return the first grid of each block; a second one is told by ``check_assignment``."""
    return assignment[~assignment.index.duplicated()]


def check_connection(plan: Plan) -> Iterator[Defect]:
    """Yield grids whose blocks hang together by too little border (contiguity), or only over what nobody crosses (T10).

    Grids of several parts are told by T2 alone.
    """
    whole = set(plan.grids.loc[(shapely.get_num_geometries(plan.grids.geometry) == 1).to_numpy(), "grid_id"])
    label = _once(plan.assignment)
    blocks = plan.blocks.assign(grid_id=plan.blocks["block_id"].map(label))
    pairs = plan.adjacency.drop(index=cut_pairs(plan.adjacency, label).index)
    joined = pairs["shared_m"] >= plan.profile.land.min_shared_m
    if "attached" in pairs:
        joined |= pairs["attached"]
    by_border = _components(blocks, pairs[joined])
    by_foot = _components(blocks, pairs[joined & pairs["crossable"]])
    for grid_id, rows in blocks.groupby("grid_id", sort=True).indices.items():
        if grid_id not in whole:
            continue
        limit = f"{plan.profile.land.min_shared_m:g} m"
        if len(apart := _apart(by_border[rows])):
            message = f"{_tell(blocks, rows[apart])} joins the rest by less than {limit} of border"
            yield Defect("contiguity", "error", grid_id, message, _union(blocks, rows[apart]))
        elif len(apart := _apart(by_foot[rows])):
            message = f"{_tell(blocks, rows[apart])} is cut off by a line that nobody crosses"
            yield Defect("T10", "error", grid_id, message, _union(blocks, rows[apart]))


def _components(blocks: Any, pairs: Any) -> Any:
    place = pd.Index(blocks["block_id"].to_numpy(dtype=object))
    i, j = (place.get_indexer(pairs[name].to_numpy(dtype=object)) for name in ("focal", "neighbor"))
    known = (i >= 0) & (j >= 0)
    i, j = i[known], j[known]
    graph = coo_array((np.ones(len(i)), (i, j)), shape=(len(blocks), len(blocks)))
    return connected_components(graph, directed=False)[1]


def _apart(component: Any) -> Any:
    """Return the places outside the largest component; of equal ones the first counts as largest."""
    names, first, size = np.unique(component, return_index=True, return_counts=True)
    if len(names) == 1:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(component != names[np.lexsort((first, -size))[0]])


def _tell(blocks: Any, rows: Any) -> str:
    part = blocks.iloc[rows]
    return f"a part of {len(part)} blocks ({part['block_id'].iloc[0]} ...) with {part['households'].sum()} households"


def _union(blocks: Any, rows: Any) -> Any:
    return shapely.union_all(blocks.geometry.to_numpy()[rows])


def check_households(plan: Plan) -> Iterator[Defect]:
    """Yield blocks and grids whose households are not the sum of what lies in them.

    Grids are looked at only where the assignment is total: else that is the cause.
    """
    blocks, grids = plan.blocks, plan.grids
    found = plan.demand.groupby("block_id")["households"].sum().reindex(blocks["block_id"], fill_value=0).to_numpy()
    for k in np.flatnonzero(found != blocks["households"].to_numpy()):
        row = blocks.iloc[k]
        message = f"block counts {row['households']} households, its demand points {found[k]}"
        yield Defect("households", "error", row["block_id"], message, row.geometry)
    label = blocks["block_id"].map(_once(plan.assignment))
    if label.isna().any() or set(label) != set(grids["grid_id"]):
        return
    summed = blocks.groupby(label.to_numpy())["households"].sum().reindex(grids["grid_id"]).to_numpy()
    for k in np.flatnonzero(summed != grids["households"].to_numpy()):
        row = grids.iloc[k]
        message = f"grid counts {row['households']} households, its blocks {summed[k]}"
        yield Defect("households", "error", row["grid_id"], message, row.geometry)


def check_totals(plan: Plan) -> Iterator[Defect]:
    """Yield, as warnings, communities whose grids hold far more or fewer households than their known total."""
    placed = plan.grids.groupby("community_id")["households"].sum()
    totals = compare_totals(plan.communities, placed)
    far = totals[is_far(totals["known"], totals["placed"], plan.profile.checks.total_tolerance)]
    where = dict(zip(plan.communities["community_id"], plan.communities.geometry, strict=True))
    for name, known, held in far.itertuples(index=False):
        message = f"its grids hold {held} households, its known total is {known:g}"
        yield Defect("totals", "warning", name, message, where[name])


def check_band(plan: Plan) -> Iterator[Defect]:
    """Yield, as warnings, grids outside the band, and those that hold a block nobody can cut."""
    rules = plan.profile.grid
    band = f"band {rules.floor_households}-{rules.ceiling_households}"
    oversize = set(plan.blocks.loc[plan.blocks["oversize"], "block_id"].map(_once(plan.assignment)))
    for row in plan.grids.itertuples():  # one sentence per grid that misses the band
        if row.grid_id in oversize:
            message = f"{row.households} households with a block that cannot be cut, {band}; it needs sub-grids"
        elif not rules.floor_households <= row.households <= rules.ceiling_households:
            message = f"{row.households} households, {band}"
        else:
            continue
        because = f": {row.explanation}" if row.explanation else ""
        yield Defect("band", "warning", row.grid_id, message + because, row.geometry)


def check_codes(plan: Plan) -> Iterator[Defect]:
    """Yield grids without a code, or with that of another."""
    codes = plan.grids["code"]
    for k in np.flatnonzero((codes == "") | codes.duplicated(keep=False)):
        row = plan.grids.iloc[k]
        message = f"code {row['code']!r} stands for several grids" if row["code"] else "has no code"
        yield Defect("code", "error", row["grid_id"], message, row.geometry.representative_point())


def check_communities(plan: Plan) -> Iterator[Defect]:
    """Yield grids that take blocks of two communities, or hold land outside their own (T5)."""
    outline = dict(zip(plan.communities["community_id"], plan.communities.geometry, strict=True))
    of_block = plan.blocks.assign(grid_id=plan.blocks["block_id"].map(_once(plan.assignment)))
    names = of_block.groupby("grid_id")["community_id"].unique()
    for row in plan.grids.itertuples():  # each grid is held against its own community
        taken = sorted(set(names.get(row.grid_id, ())))
        if row.community_id not in outline:
            yield Defect("T5", "error", row.grid_id, f"community {row.community_id!r} is not given", row.geometry)
            continue
        land = row.geometry if row.geometry.is_valid else shapely.make_valid(row.geometry)
        outside = shapely.difference(land, outline[row.community_id])
        if len(taken) > 1:
            yield Defect("T5", "error", row.grid_id, f"takes blocks of communities {', '.join(taken)}", land)
        elif outside.area > _AREA_TOLERANCE_M2:
            message = f"{outside.area:.2f} m2 lie outside community {row.community_id}"
            yield Defect("T5", "error", row.grid_id, message, areas_of(outside))


def check_demand(plan: Plan) -> Iterator[Defect]:
    """Yield demand points that lie in no grid, or not in that of their block (T9).

    A point on a border belongs to the grid of its block.
    """
    points = plan.demand.geometry.to_numpy()
    shapes = plan.grids.geometry.to_numpy()
    ids = plan.grids["grid_id"].to_numpy(dtype=object)
    own = plan.demand["block_id"].map(_once(plan.assignment)).to_numpy(dtype=object)
    place = {name: k for k, name in enumerate(ids)}
    mine = np.array([place.get(name, -1) for name in own], dtype=np.int64)
    near = np.zeros(len(points), dtype=bool)
    near[mine >= 0] = shapely.dwithin(points[mine >= 0], shapes[mine[mine >= 0]], _ON_BORDER_M)
    names = plan.demand["demand_id"].to_numpy(dtype=object)
    households = plan.demand["households"].to_numpy()
    tree = shapely.STRtree(shapes)
    for k in np.flatnonzero(~near):
        found = sorted(str(ids[j]) for j in tree.query(points[k], predicate="intersects"))
        lies = f"lies in grid {', '.join(found)}" if found else "lies in no grid"
        belongs = f"its block belongs to {own[k]}" if mine[k] >= 0 else "its block has no grid"
        yield Defect("T9", "error", names[k], f"{households[k]} households: {lies}, {belongs}", points[k])


def check_buildings(plan: Plan, buildings: Any) -> Iterator[Defect]:
    """Yield, as warnings, buildings that a grid border cuts: the profile says how much in each of two grids (T11)."""
    shapes = plan.grids.geometry.to_numpy()
    valid = np.flatnonzero(shapely.is_valid(shapes))
    homes = buildings.geometry.to_numpy()
    home, grid = shapely.STRtree(shapes[valid]).query(homes, predicate="intersects")
    shared = shapely.area(shapely.intersection(homes[home], shapes[valid[grid]]))
    cut = pd.DataFrame({"home": home, "grid": grid, "m2": shared})
    cut = cut[cut["m2"] > plan.profile.checks.cut_building_m2].sort_values(["home", "grid"])
    ids = plan.grids["grid_id"].to_numpy(dtype=object)
    for k, rows in cut.groupby("home", sort=True):
        if len(rows) > 1:
            names = ", ".join(sorted(str(ids[valid[g]]) for g in rows["grid"]))
            message = f"building is cut between grids {names}; the smaller part has {rows['m2'].min():.1f} m2"
            yield Defect("T11", "warning", str(buildings["building_id"].iloc[k]), message, homes[k])
