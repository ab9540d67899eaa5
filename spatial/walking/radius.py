"""How long is the walk from the farthest home of a grid to its most central home?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.errors import InputError
from spatial.tables import DEMAND, require
from spatial.walking.coverage import require_groups
from spatial.walking.neighbours import estate_pairs, merge_pairs
from spatial.walking.network import WalkNetwork
from spatial.walking.pairs import pair_costs
from spatial.walking.search import Graph, build_graph
from spatial.walking.snapping import Snaps, snap, take_snaps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BATCH_HOMES = 1000
"""Grids are searched together up to so many homes: few calls, and few pairs across grids that nobody asked for."""


@dataclass(frozen=True, slots=True)
class _Homes:
    """Homes on the network in the order of their ids, with the number of their grid."""

    network: WalkNetwork
    graph: Graph
    points: Any
    snaps: Snaps
    grid: Ints


def measure_grid_walks(network: WalkNetwork, demand: Any, group: Any, *, limit_s: float = 3600.0) -> Any:
    """Return the walking radius of each grid in seconds: a Series by grid id, sorted.

    That is the longest walk from any home of the grid to its most central one, the home for which this is shortest (the
    1-centre among homes; Hakimi 1964). Walks may leave the grid, and residents pass their own gates. ``group`` is a
    Series demand_id -> grid_id. A grid of one home has 0; NaN where the home nearest to the middle is not reached from
    every other within ``limit_s``. Grids without homes have no row.

    Raises
    ------
    InputError
        If the limit is not above 0 or infinite.
    TableError, CrsError
        If the demand breaks its contract, is not in the network's system, or the group misses a demand point.
    """
    if not 0 < limit_s < np.inf:
        raise InputError(f"found the limit {limit_s}, needed seconds above 0 and below infinity")
    demand = require(demand, DEMAND).sort_values("demand_id", ignore_index=True)
    named = require_groups(demand.set_index("demand_id")["households"], group)
    names, grid = np.unique(named.to_numpy(dtype=object).astype(str), return_inverse=True)
    homes = _Homes(network, build_graph(network, "time"), demand, snap(network, demand), grid.astype(np.int64))
    centre, spread_m = _find_middles(homes, len(names))
    access_m = float(homes.snaps.access_m.max(initial=0.0))
    likely_s = np.minimum(2.0 * (spread_m + access_m) * homes.graph.cost_per_m + 1.0, limit_s)
    first = _measure(homes, centre, likely_s)
    lost = ~np.isfinite(first)
    first = np.minimum(first, _measure(homes, centre, np.where(lost, limit_s, np.nan)))
    # no grid's radius is above the walk to its middle, so that bounds every other search
    radius = _measure(homes, np.arange(len(demand)), np.where(np.isfinite(first), first, np.nan))
    radius[~np.isfinite(radius)] = np.nan
    return pd.Series(radius, index=pd.Index(pd.array(names, dtype="str"), name="grid_id"), name="farthest_walk_s")


def _find_middles(homes: _Homes, grids: int) -> tuple[Ints, Floats]:
    """Return the home of each grid that is nearest to the mean of its homes, and how far away the farthest one lies."""
    xy = shapely.get_coordinates(homes.points.geometry.array)
    size = np.bincount(homes.grid, minlength=grids)
    mean = np.stack([np.bincount(homes.grid, weights=xy[:, k], minlength=grids) / size for k in (0, 1)], axis=1)
    away = np.hypot(*(xy - mean[homes.grid]).T)
    order = np.lexsort((np.round(away, 3), homes.grid))
    centre = order[np.searchsorted(homes.grid[order], np.arange(grids))]
    spread = np.zeros(grids)
    np.maximum.at(spread, homes.grid, np.hypot(*(xy - xy[centre[homes.grid]]).T))
    return centre, spread


def _measure(homes: _Homes, sources: Ints, limit_s: Floats) -> Floats:
    """Return, per grid, the least of the longest walks to its sources; infinite beyond its limit, or where it has none.

    A limit that is no number leaves its grid out.
    """
    best = np.full(len(limit_s), np.inf)
    wanted = np.flatnonzero(np.isfinite(limit_s))
    order = wanted[np.argsort(limit_s[wanted], kind="stable")]
    size = np.bincount(homes.grid, minlength=len(limit_s))[order]
    batch = np.cumsum(size) // _BATCH_HOMES
    for number in np.unique(batch):
        grids = order[batch == number]
        some = np.zeros(len(limit_s), dtype=bool)
        some[grids] = True
        rows = np.flatnonzero(some[homes.grid])
        starts = np.sort(sources[some[homes.grid[sources]]])
        np.minimum.at(best, homes.grid[starts], _longest(homes, starts, rows, float(limit_s[grids].max())))
    return best


def _longest(homes: _Homes, sources: Ints, targets: Ints, limit_s: float) -> Floats:
    """Return the longest walk to each source from the other homes of its grid; infinite where one is not reached."""
    starts, ends = take_snaps(homes.snaps, sources), take_snaps(homes.snaps, targets)
    found = pair_costs(homes.graph, starts, ends, limit_s, "open")
    places = (homes.points.iloc[sources], starts), (homes.points.iloc[targets], ends)
    i, j, walk_s, _ = merge_pairs(found, estate_pairs(homes.network, homes.graph, *places, limit_s))
    own = (homes.grid[sources[i]] == homes.grid[targets[j]]) & (sources[i] != targets[j])
    longest = np.zeros(len(sources))
    np.maximum.at(longest, i[own], walk_s[own])
    others = np.bincount(homes.grid[targets], minlength=int(homes.grid.max()) + 1)[homes.grid[sources]] - 1
    longest[np.bincount(i[own], minlength=len(sources)) < others] = np.inf
    return longest
