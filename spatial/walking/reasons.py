"""Why does nobody walk from here to a site within the limit: too far, no gate, no street, another part of the map?"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.errors import InputError
from spatial.walking.access_walks import list_access
from spatial.walking.neighbours import estate_pairs, merge_pairs
from spatial.walking.network import WalkNetwork
from spatial.walking.pairs import pair_costs
from spatial.walking.search import TIE, Gates, Mode, build_graph
from spatial.walking.snapping import ACROSS_WALL, SHUT_IN, snap
from spatial.walking.travel import check_limit, sorted_ids

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TOO_FAR, NO_GATE, NO_STREET = "too far", "no gate", "no street near"
OTHER_PART, PRIVATE_ONLY, ONE_WAY = "other component", "private ways only", "one-way only"
REASONS = (TOO_FAR, NO_GATE, NO_STREET, OTHER_PART, PRIVATE_ONLY, ONE_WAY)


def nearest_walks(
    network: WalkNetwork, sites: Any, demand: Any, *, mode: Mode = "time", gates: Gates = "open"
) -> tuple[Floats, Floats]:
    """Return, per demand point, seconds and metres of the walk to its nearest site, however far; infinite where none.

    One search from all sites at once: its cost does not grow with their number. The nearest is the fastest or, in
    distance mode, the shortest.
    """
    check_limit(network, None, mode, gates)
    count = len(demand)
    walk_s, walk_m = np.full(count, np.inf), np.full(count, np.inf)
    if not len(sites) or not count:
        return walk_s, walk_m
    graph, snaps, homes = build_graph(network, mode), snap(network, sites), snap(network, demand)
    together = replace(snaps, point=np.zeros_like(snaps.point))
    found = pair_costs(graph, together, homes, np.inf, gates) if len(snaps.point) else None
    inside = estate_pairs(network, graph, (sites, snaps), (demand, homes), np.inf)
    inside = (np.zeros_like(inside[0]), *inside[1:])
    none = np.zeros(0, np.int64)
    _, home, cost, other = merge_pairs((none, none, np.zeros(0), np.zeros(0)) if found is None else found, inside)
    seconds, metres = (cost, other) if mode == "time" else (other, cost)
    walk_s[home], walk_m[home] = seconds, metres
    return walk_s, walk_m


def explain_unreached(
    network: WalkNetwork, sites: Any, demand: Any, *, limit: float, mode: Mode = "time", gates: Gates = "open"
) -> Any:
    """Return the demand that no site serves within the limit, sorted by ``demand_id``, and why.

    Columns: ``demand_id``, ``reason``, ``walk_s`` and ``walk_m`` to the nearest site however far (NaN where no walk
    leads to any), ``straight_m`` (to the nearest as the crow flies), ``access_m``, ``data_limited`` (the access walk is
    beyond the profile's longest), ``how`` (the walk starts: see ``Snaps``). Reasons, the first that holds:

    - no gate: it lies behind gates that are all closed, or in a closed estate that no way leads into;
    - no street near: the access walk alone is over the limit, or the site would be reached were it no longer than the
      profile's longest;
    - too far: a walk leads to a site and takes longer than the limit;
    - other component: its streets are not connected with those of any site;
    - private ways only: every way to a site leads across the private ways of others;
    - one-way only: every way there is walked in the other direction alone.

    Raises
    ------
    InputError
        If the limit is not a number above 0, or mode or gates is unknown.
    TableError, CrsError
        If an id is missing or stands twice, or a frame is not points in the network's system.
    """
    limit = check_limit(network, limit, mode, gates)
    if not np.isfinite(limit):
        raise InputError(f"found the limit {limit}, needed a number below infinity")
    _, order = sorted_ids(demand, "demand_id")
    homes = demand.iloc[order]
    walk_s, walk_m = nearest_walks(network, sites, homes, mode=mode, gates=gates)
    cost = walk_s if mode == "time" else walk_m
    missed = cost > limit + TIE
    homes, walk_s, walk_m, cost = homes[missed], walk_s[missed], walk_m[missed], cost[missed]
    access = list_access(network, homes)
    reason = _judge(network, sites, homes, access, (cost, limit, mode))
    return pd.DataFrame(
        {
            "demand_id": pd.array(homes["demand_id"].to_numpy(dtype=object), dtype="str"),
            "reason": pd.array(reason, dtype="str"),
            "walk_s": np.where(np.isfinite(walk_s), walk_s, np.nan),
            "walk_m": np.where(np.isfinite(walk_m), walk_m, np.nan),
            "straight_m": _straight(sites, homes),
            "access_m": access["access_m"].to_numpy(),
            "data_limited": access["data_limited"].to_numpy(),
            "how": pd.array(access["how"].to_numpy(dtype=object), dtype="str"),
        }
    )


def _judge(
    network: WalkNetwork, sites: Any, homes: Any, access: Any, asked: tuple[Floats, float, Mode]
) -> NDArray[Any]:
    cost, limit, mode = asked
    per_m = 1.0 / network.m_per_s if mode == "time" else 1.0
    door = access["access_m"].to_numpy() * per_m
    spared = np.maximum(door - network.rules.max_access_m * per_m, 0.0)
    led = np.isfinite(cost)
    shut = _without_gate(network, homes, access, led, door > limit + TIE)
    apart = _other_part(network, sites, access["edge"].to_numpy())
    opened = np.full(len(homes), False)
    rest = np.flatnonzero(~led & ~apart)
    if len(rest):
        across, _ = nearest_walks(_all_public(network), sites, homes.iloc[rest], mode=mode, gates="open")
        opened[rest] = np.isfinite(across)
    lacking = (door > limit + TIE) | (led & (cost - np.where(led, spared, 0.0) <= limit + TIE))
    tests = [(shut, NO_GATE), (lacking, NO_STREET), (led, TOO_FAR), (apart, OTHER_PART), (opened, PRIVATE_ONLY)]
    return np.select([test for test, _ in tests], [word for _, word in tests], ONE_WAY)


def _without_gate(network: WalkNetwork, homes: Any, access: Any, led: Flags, far: Flags) -> Flags:
    """Flag homes behind closed gates, and those in a closed estate that no way leads into or is too far across."""
    how, edge = access["how"].to_numpy(), access["edge"].to_numpy()
    inside = network.walls.find(shapely.get_coordinates(homes.geometry.array)) >= 0
    island = np.full(len(homes), True)
    island[edge >= 0] = network.component[network.u[edge[edge >= 0]]] != 0
    shut: Flags = (how == SHUT_IN) | (inside & ~led & island) | ((how == ACROSS_WALL) & far)
    return shut


def _other_part(network: WalkNetwork, sites: Any, edge: NDArray[np.int64]) -> Flags:
    """Flag the edges (-1: none) whose part of the network holds no site."""
    at = snap(network, sites).edge if len(sites) else np.zeros(0, dtype=np.int64)
    served = np.unique(network.component[network.u[at]])
    apart: Flags = np.full(len(edge), True)
    apart[edge >= 0] = ~np.isin(network.component[network.u[edge[edge >= 0]]], served)
    return apart


def _all_public(network: WalkNetwork) -> WalkNetwork:
    """Return the network as if everybody passed every private way; what nobody passes stays shut."""
    return replace(network, private=np.zeros_like(network.private), private_start=network.indptr[1:].copy())


def _straight(sites: Any, homes: Any) -> Floats:
    """Return metres as the crow flies to the nearest site (NaN without sites)."""
    out = np.full(len(homes), np.nan)
    if len(sites) and len(homes):
        tree = shapely.STRtree(sites.geometry.array)
        (row, _), metres = tree.query_nearest(homes.geometry.array, return_distance=True, all_matches=False)
        out[row] = metres
    return out
