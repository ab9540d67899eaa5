"""On what do edits of a plan stand? Its blocks and their contacts as arrays, prepared once and never changed."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import shapely

from spatial.errors import EditError, InputError
from spatial.plan.grids import unite_blocks
from spatial.plan.model import Plan
from spatial.plan.topology import check_topology, is_tiling
from spatial.profile import Profile
from spatial.tables import ADJACENCY, BLOCKS, require

_ON_BORDER_M = 1e-3
_TILING = frozenset({"T1", "T3", "T4", "T6", "T12"})


@dataclass(frozen=True, slots=True)
class Ground:
    """What no edit changes.

    Attributes
    ----------
    plan:
        The plan whose grids are edited, its blocks in the order of their ids.
    index:
        Block ids, sorted: the order of all arrays by block.
    households, area_m2, community, oversize, geometry, bounds:
        By block; ``bounds`` are west, south, east, north in metres.
    first, second, shared_m, clear_m:
        By border between two blocks; the first two are places in ``index``.
    joined, contact:
        By border: long enough to hold a grid together; and crossed on foot as well.
    outside_m2:
        By block: the land that lies outside its community.
    astray:
        Rows (demand point, block that it touches) of the demand points that do not lie in their own block.
    sound:
        Whether the blocks tile the area, before and after rounding to the served decimals: then so do all grids made
        of them, and no edit can break T1, T3, T4, T6 or T12.
    tree:
        STRtree of the blocks.
    measured:
        What a grid of a set of blocks measures, by their places as bytes: filled as it is asked for.
    """

    plan: Plan
    index: Any
    households: Any
    area_m2: Any
    community: Any
    oversize: Any
    geometry: Any
    bounds: Any
    first: Any
    second: Any
    shared_m: Any
    clear_m: Any
    joined: Any
    contact: Any
    outside_m2: Any
    astray: Any
    sound: bool
    tree: Any
    measured: dict[bytes, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def blocks(self) -> Any:
        """BLOCKS, by id."""
        return self.plan.blocks

    @property
    def adjacency(self) -> Any:
        """ADJACENCY, in the order of ``first`` and ``second``."""
        return self.plan.adjacency

    @property
    def communities(self) -> Any:
        """COMMUNITIES."""
        return self.plan.communities

    @property
    def profile(self) -> Profile:
        """The policy numbers."""
        return self.plan.profile

    @property
    def crs(self) -> Any:
        """The projected system of all frames."""
        return self.plan.crs


def build_ground(plan: Plan) -> Ground:
    """Return the ground of a plan; the grids that the plan has do not matter.

    Raises
    ------
    TableError
        If blocks or adjacency break their contract.
    InputError
        If a border names a block that does not exist.
    """
    require(plan.blocks, BLOCKS)
    require(plan.adjacency, ADJACENCY)
    blocks = plan.blocks.sort_values("block_id", ignore_index=True)
    adjacency = plan.adjacency.sort_values(["focal", "neighbor"], kind="stable", ignore_index=True)
    plan = replace(plan, blocks=blocks, adjacency=adjacency)
    index = pd.Index(blocks["block_id"].to_numpy(dtype=object), name="block_id")
    first, second = _ends(index, adjacency)
    shared = adjacency["shared_m"].to_numpy(dtype=np.float64)
    joined = shared >= plan.profile.land.min_shared_m
    if "attached" in adjacency:
        joined |= adjacency["attached"].to_numpy(dtype=bool)
    geometry = blocks.geometry.to_numpy()
    tree = shapely.STRtree(geometry)
    return Ground(
        plan=plan,
        index=index,
        households=blocks["households"].to_numpy(dtype=np.int64),
        area_m2=shapely.area(geometry),
        community=blocks["community_id"].to_numpy(dtype=object),
        oversize=blocks["oversize"].to_numpy(dtype=bool),
        geometry=geometry,
        bounds=shapely.bounds(geometry),
        first=first,
        second=second,
        shared_m=shared,
        clear_m=adjacency["clear_m"].to_numpy(dtype=np.float64),
        joined=joined,
        contact=joined & adjacency["crossable"].to_numpy(dtype=bool),
        outside_m2=_measure_outside(plan, geometry),
        astray=_find_astray(plan, index, geometry, tree),
        sound=_is_sound(plan),
        tree=tree,
    )


def locate_blocks(ground: Ground, block_ids: Any, what: str) -> Any:
    """Return the places of blocks in the ground, ascending, each once, whatever the order in which they are named.

    Raises
    ------
    EditError
        If none is named, or one does not exist.
    """
    wanted = sorted({str(name) for name in block_ids})
    if not wanted:
        raise EditError(f"{what}: found no block, needed at least one")
    at = ground.index.get_indexer(pd.Index(wanted, dtype=object))
    if (at < 0).any():
        strange = wanted[int(np.flatnonzero(at < 0)[0])]
        raise EditError(f"{what}: found block {strange!r}, needed one of the plan's {len(ground.index)} blocks")
    return np.sort(at)


def name_blocks(ground: Ground, rows: Any) -> tuple[str, ...]:
    """Return the ids of blocks by their places, sorted."""
    return tuple(str(name) for name in ground.index[np.sort(rows)])


def dissolve_rows(ground: Ground, rows: Any) -> Any:
    """Return the union of some blocks, as a grid of them would have it."""
    return unite_blocks(ground.geometry[rows])


def _ends(index: Any, adjacency: Any) -> tuple[Any, Any]:
    first = index.get_indexer(adjacency["focal"].to_numpy(dtype=object))
    second = index.get_indexer(adjacency["neighbor"].to_numpy(dtype=object))
    unknown = np.flatnonzero((first < 0) | (second < 0))
    if len(unknown):
        row = adjacency.iloc[int(unknown[0])]
        raise InputError(
            f"adjacency: found the pair {row['focal']!r} and {row['neighbor']!r}, needed two of the {len(index)} blocks"
        )
    return first.astype(np.int64), second.astype(np.int64)


def _measure_outside(plan: Plan, geometry: Any) -> Any:
    outline = dict(zip(plan.communities["community_id"], plan.communities.geometry, strict=True))
    shapely.prepare([*outline.values()])
    own = np.array([outline.get(name) for name in plan.blocks["community_id"]], dtype=object)
    outside = np.zeros(len(geometry))
    doubtful = np.flatnonzero(~shapely.covers(own, geometry))  # telling that is less than cutting, and mostly enough
    inside = shapely.area(shapely.intersection(geometry[doubtful], own[doubtful]))
    outside[doubtful] = shapely.area(geometry[doubtful]) - np.nan_to_num(inside)
    return outside


def _find_astray(plan: Plan, index: Any, geometry: Any, tree: Any) -> Any:
    """Return (row of the demand point, place of a block that it touches) for points outside their own block.

    The own block stands among them, so that each such point has at least one row where its block exists.
    """
    points = plan.demand.geometry.to_numpy()
    own = index.get_indexer(plan.demand["block_id"].to_numpy(dtype=object))
    near = np.zeros(len(points), dtype=bool)
    known = np.flatnonzero(own >= 0)
    near[known] = shapely.dwithin(points[known], geometry[own[known]], _ON_BORDER_M)
    away = np.flatnonzero(~near)
    at, block = tree.query(points[away], predicate="dwithin", distance=_ON_BORDER_M)
    pairs = np.column_stack([away[at], block]).astype(np.int64)
    mine = np.column_stack([away, own[away]]).astype(np.int64)
    return np.unique(np.concatenate([pairs, mine[mine[:, 1] >= 0]]), axis=0)


def _is_sound(plan: Plan) -> bool:
    """Tell whether the blocks, each taken for a grid, keep all rules of a tiling; mostly that is told at once."""
    if is_tiling(plan.blocks.geometry.to_numpy(), plan.area, plan.crs):
        return True
    single = plan.blocks[["block_id", "geometry"]].rename(columns={"block_id": "grid_id"}).assign(kind="base")
    return not any(defect.rule in _TILING for defect in check_topology(replace(plan, grids=single)))
