"""How far apart are a site and a home of one closed estate whose paths the map does not show?"""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.walking.inside import measure_inside
from spatial.walking.network import WalkNetwork
from spatial.walking.search import TIE, Graph
from spatial.walking.snapping import Snaps

Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


def estate_pairs(
    network: WalkNetwork, graph: Graph, sites: tuple[Any, Snaps], homes: tuple[Any, Snaps], limit: float
) -> Pairs:
    """Return (site, home, cost, other) of the pairs inside one closed estate that has no paths, within its wall."""
    site_xy, site_estate = _lost(network, *sites)
    home_xy, home_estate = _lost(network, *homes)
    order = np.argsort(home_estate, kind="stable")
    first = np.searchsorted(home_estate[order], site_estate, side="left")
    count = np.searchsorted(home_estate[order], site_estate, side="right") - first
    count[site_estate < 0] = 0
    i = np.repeat(np.arange(len(site_estate)), count)
    within = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    j = order[np.repeat(first, count) + within]
    metres = measure_inside(network.walls.outlines, site_estate[i], site_xy[i], home_xy[j])
    near = metres * graph.cost_per_m <= limit + TIE
    return i[near], j[near], metres[near] * graph.cost_per_m, metres[near] * graph.other_per_m


def _lost(network: WalkNetwork, points: Any, snaps: Snaps) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return where each point is, and its closed estate where that has no paths (else -1)."""
    xy = shapely.get_coordinates(points.geometry.array)
    estate = network.walls.find(xy)
    paths = network.estate[snaps.edge] == estate[snaps.point]
    estate[snaps.point[paths]] = -1
    return xy, estate


def merge_pairs(first: Pairs, second: Pairs) -> Pairs:
    """Return the pairs of both, of equal ones the cheaper, sorted by site, then home; the first must be sorted."""
    if not len(second[0]):
        return first
    i, j, cost, other = (np.concatenate(columns) for columns in zip(first, second, strict=True))
    order = np.lexsort((other, cost, j, i))
    i, j, cost, other = i[order], j[order], cost[order], other[order]
    once = np.concatenate([[True], (i[1:] != i[:-1]) | (j[1:] != j[:-1])])
    return i[once], j[once], cost[once], other[once]
