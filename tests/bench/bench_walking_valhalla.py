"""Does Valhalla measure the same walks, and how long does it take?

``WANGGE_VALHALLA`` names its configuration, whose tiles are made from the same file of Porto Alegre.
"""

import dataclasses
import json
import os
from importlib import import_module
from typing import Any

import numpy as np

from spatial.crs import LONLAT, transform_xy
from spatial.io.profiles import read_profile
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.reach import place_on_edge
from spatial.walking.travel import travel_times
from tests.bench.bench_walking_tools import Rows, least, name_points

LIMIT_M = 1000.0
SITES, HOMES, MANY_SITES = 24, 50_000, 1500


def valhalla_table(streets: Any, network: WalkNetwork, rng: np.random.Generator) -> Rows:
    """Walks between places on public streets of the main network: times of both, and how far they agree."""
    yield "OSRM", "", "", "not here: no binding with binaries is published for pip"
    try:
        actor = _start()
    except ImportError as error:
        yield "Valhalla", "", "", f"not here: {error}"
        return
    site_xy, home_xy = _place(network, MANY_SITES, rng), _place(network, HOMES, rng)
    sites, homes = name_points(network, "site_id", site_xy), name_points(network, "demand_id", home_xy)
    near = [np.flatnonzero(np.hypot(*(home_xy - site).T) <= LIMIT_M) for site in site_xy[:SITES]]
    theirs, metres = least(lambda: [_ask(actor, network, site_xy[k], home_xy[rows]) for k, rows in enumerate(near)], 1)
    theirs /= SITES
    size = f"{SITES} sites, {np.mean([len(rows) for rows in near]):,.0f} homes within 1,000 m"
    yield "Valhalla matrix, one call a site", size, f"{theirs * 1e3:,.2f} ms a site", "homes chosen as the crow flies"
    asked = [(sites.iloc[[k]], homes.iloc[rows]) for k, rows in enumerate(near)]
    ours, _ = least(lambda: [travel_times(network, *pair, limit=LIMIT_M, mode="distance") for pair in asked])
    ratio = f"{theirs / ours * SITES:,.0f} times faster than Valhalla"
    yield "travel times, one call a site", size, f"{ours / SITES * 1e3:,.2f} ms a site", ratio
    ours, _ = least(lambda: travel_times(network, sites, homes, limit=LIMIT_M, mode="distance"))
    size, ratio = (
        f"{MANY_SITES:,} sites, {HOMES:,} homes",
        f"{theirs / ours * MANY_SITES:,.0f} times faster than Valhalla",
    )
    yield "travel times, one call for all", size, f"{ours / MANY_SITES * 1e3:,.2f} ms a site", ratio
    for name, ground in (("ours", network), ("without squares, platforms and barriers", _bare_ground(streets))):
        walks = _pair_up(ground, sites.iloc[:SITES], homes, near, metres)
        yield from _agreement(walks, name)


def _start() -> Any:
    path = os.environ.get("WANGGE_VALHALLA", "")
    if not path:
        raise ImportError("WANGGE_VALHALLA names no configuration")
    return import_module("valhalla").Actor(path)


def _place(network: WalkNetwork, count: int, rng: np.random.Generator) -> Any:
    fit = np.flatnonzero(~network.private & ~network.synthetic & (network.component[network.u] == 0))
    edge = rng.choice(fit, count)
    return place_on_edge(network, edge, rng.random(count) * network.length_m[edge])


def _ask(actor: Any, network: WalkNetwork, site: Any, homes: Any) -> Any:
    """Return metres to each home (NaN where there is no way)."""
    sides = [transform_xy(np.atleast_2d(xy), network.crs, LONLAT).tolist() for xy in (site, homes)]
    places = [[{"lon": lon, "lat": lat} for lon, lat in side] for side in sides]
    asked = {"sources": places[0], "targets": places[1], "costing": "pedestrian"}
    asked["costing_options"] = {"pedestrian": {"shortest": True}}  # type: ignore[assignment]
    rows = json.loads(actor.matrix(json.dumps(asked)))["sources_to_targets"][0]
    return np.array([np.nan if row["distance"] is None else 1000.0 * row["distance"] for row in rows])


def _bare_ground(streets: Any) -> WalkNetwork:
    """Return the network as Valhalla sees it: it crosses no square straight and walks on no platform."""
    ways = streets.ways[streets.ways["highway"] != "platform"]
    bare = dataclasses.replace(streets, ways=ways, areas=streets.areas.iloc[:0], points=streets.points.iloc[:0])
    return build_walk_network(bare, read_profile())


def _pair_up(network: WalkNetwork, sites: Any, homes: Any, near: Any, metres: Any) -> Any:
    """Return rows (metres of ours, metres of theirs), not a number where there is no walk."""
    times = travel_times(network, sites, homes, limit=2 * LIMIT_M, mode="distance")
    walk = times.set_index(["origin_id", "destination_id"])["walk_m"]
    pairs = []
    for k, rows in enumerate(near):
        ours = walk.loc[sites["site_id"].iloc[k]].reindex(homes["demand_id"].iloc[rows]).to_numpy()
        pairs.append(np.stack([ours, metres[k]], axis=1))
    return np.concatenate(pairs)


def _agreement(walks: Any, ground: str) -> Rows:
    ours, theirs = walks[:, 0], walks[:, 1]
    mine, other = ours <= LIMIT_M, theirs <= LIMIT_M
    common = mine & other
    size = f"{int(mine.sum()):,} pairs of ours, {int(other.sum()):,} of theirs"
    yield f"pairs in common, ground: {ground}", size, f"{common.sum() / (mine | other).sum():.2%}", ""
    gap = (theirs - ours)[common]
    points = "; ".join(f"p{p} {np.percentile(gap, p):+.1f} m" for p in (1, 5, 50, 95, 99))
    share = f"{np.mean(np.abs(gap) <= 10):.2%}"
    yield f"within 10 m, ground: {ground}", f"{int(common.sum()):,} pairs", share, f"theirs less ours: {points}"
