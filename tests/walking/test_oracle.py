"""The kernels against plain networkx on a graph split at every place."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from spatial.io.graphml import read_graphml
from spatial.io.osm import read_osm
from spatial.io.profiles import read_profile
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.snapping import snap
from spatial.walking.travel import travel_times
from tests.real_data import real
from tests.walking.oracle import oracle_pairs
from tests.walking.streets import draw, homes, sites

ROAD = {"highway": "residential"}


def _scatter(network: WalkNetwork, column: str, count: int, rng: np.random.Generator) -> Any:
    edge = rng.integers(0, network.edge_count, count)
    xy = network.shape_xy[network.shape_ptr[edge]] + rng.normal(0.0, 20.0, (count, 2))
    ids = [f"{column[0]}{i:05d}" for i in range(count)]
    return gpd.GeoDataFrame({column: ids}, geometry=shapely.points(xy), crs=network.crs)


def _plant_neighbours(network: WalkNetwork, homes: Any, sites: Any, rng: np.random.Generator) -> Any:
    """Move the first homes onto the edges of the sites, so that same-edge pairs are many."""
    at = snap(network, sites)
    xy = shapely.get_coordinates(homes.geometry.array)
    for row in range(min(len(homes) // 4, 20 * len(sites))):
        e = at.edge[row % len(at.edge)]
        shape = slice(network.shape_ptr[e], network.shape_ptr[e + 1])
        metres = rng.uniform(0.0, network.length_m[e])
        xy[row] = [np.interp(metres, network.shape_m[shape], network.shape_xy[shape, axis]) for axis in (0, 1)]
    return homes.set_geometry(gpd.GeoSeries(shapely.points(xy), crs=network.crs, index=homes.index))


def _compare(network: WalkNetwork, sites: Any, homes: Any, limit: float, mode: str, gates: str) -> int:
    times = travel_times(network, sites, homes, limit=limit, mode=mode, gates=gates)  # type: ignore[arg-type]
    cost = times["walk_s" if mode == "time" else "walk_m"]
    got = dict(zip(zip(times["origin_id"], times["destination_id"], strict=True), cost, strict=True))
    found = oracle_pairs(network, snap(network, sites), snap(network, homes), limit + 1e-6, mode, gates)
    want = {(sites["site_id"].iloc[i], homes["demand_id"].iloc[j]): cost for (i, j), cost in found.items()}
    assert set(got) == set(want)
    pace = network.m_per_s if mode == "time" else 1.0
    assert max((abs(got[pair] - want[pair]) * pace for pair in want), default=0.0) < 0.005
    return len(want)


@pytest.fixture(scope="module")
def porto_alegre() -> WalkNetwork:
    path = real("porto-alegre/poa.osm.pbf")
    return build_walk_network(read_osm(path), read_profile())


@pytest.mark.real
@pytest.mark.parametrize(("mode", "gates", "limit"), [("distance", "open", 1000.0), ("time", "closed", 900.0)])
def test_no_pair_is_wrong_in_porto_alegre(porto_alegre: WalkNetwork, mode: str, gates: str, limit: float) -> None:
    rng = np.random.default_rng(5)
    sites = _scatter(porto_alegre, "site_id", 12, rng)
    homes = _plant_neighbours(porto_alegre, _scatter(porto_alegre, "demand_id", 6000, rng), sites, rng)
    assert _compare(porto_alegre, sites, homes, limit, mode, gates) > 1000


@pytest.mark.real
def test_no_pair_is_wrong_in_futian() -> None:
    path: Path = real("futian/walk.graphml")
    network = build_walk_network(read_graphml(path), read_profile())
    rng = np.random.default_rng(7)
    sites = _scatter(network, "site_id", 8, rng)
    homes = _plant_neighbours(network, _scatter(network, "demand_id", 3000, rng), sites, rng)
    assert _compare(network, sites, homes, 1200.0, "time", "open") > 1000


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "mode", "gates", "limit"),
    [
        ("helsinki/helsinki.osm.pbf", "time", "open", 700.0),
        ("helsinki/helsinki.osm.pbf", "distance", "closed", 700.0),
        ("beijing-wudaokou/map.osm.gz", "time", "open", 1500.0),
    ],
)
def test_no_pair_is_wrong_in_helsinki_and_beijing(file: str, mode: str, gates: str, limit: float) -> None:
    """Steps, lifts, squares, parts that nothing joins, and closed gates, as the map has them."""
    network = _read(file)
    rng = np.random.default_rng(11)
    start = _scatter(network, "site_id", 8, rng)
    lived = _plant_neighbours(network, _scatter(network, "demand_id", 1500, rng), start, rng)
    assert _compare(network, start, lived, limit, mode, gates) > 500


@lru_cache(maxsize=2)
def _read(file: str) -> WalkNetwork:
    return build_walk_network(read_osm(real(file)), read_profile())


@pytest.mark.parametrize("gates", ["open", "closed"])
def test_no_pair_is_wrong_among_planted_traps(gates: str) -> None:
    """Loops, parallel edges, no length at all, far doors, islands, an estate that only residents cross, ties."""
    nodes = {"a": (0, 0), "b": (330, 0), "c": (660, 0), "d": (660, 330), "twin": (330, 0), "m": (165, 40)}
    nodes |= {"l1": (360, 60), "l2": (300, 60), "p": (330, -330), "q": (660, -330), "i1": (0, 900), "i2": (99, 900)}
    private = {"highway": "service", "access": "private"}
    ways = [("a b", ROAD), ("a m b", ROAD), ("a m b", ROAD), ("b twin", ROAD), ("twin c", ROAD), ("c d", ROAD)]
    ways += [("b l1 l2 b", ROAD), ("c d", {"highway": "steps"}), ("b p q c", private), ("p p", ROAD), ("i1 i2", ROAD)]
    ways += [("d q", {"highway": "footway", "oneway:foot": "yes"})]
    network = build_walk_network(draw(nodes, ways, {"p": {"barrier": "gate", "access": "private"}}), read_profile())
    places = [(x, y) for x in range(0, 700, 66) for y in (-330, -5, 0, 60, 330, 900)] + [(5000, 5000), (330, 1200)]
    named = {f"h{i:03d}": place for i, place in enumerate(places)}
    start = sites(a=(0, 0), on_loop=(330, 60), inside=(495, -330), island=(50, 900), far=(0, -400), away=(9000, 0))
    for mode, limit in (("distance", 330.0), ("distance", 660.0), ("time", 300.0), ("time", 600.0), ("time", np.inf)):
        assert _compare(network, start, homes(**named), limit, mode, gates) > 10


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("gates", ["open", "closed"])
def test_no_pair_is_wrong_in_tangled_towns(seed: int, gates: str) -> None:
    """Random towns with loops, parallel and one-way ways, steps, private ways, gates and several parts."""
    rng = np.random.default_rng(seed)
    names = [f"n{i}" for i in range(40)]
    nodes = {name: tuple(rng.uniform(0, 600, 2)) for name in names}
    kinds = [
        {"highway": "residential"},
        {"highway": "service", "access": "private"},
        {"highway": "steps"},
        {"highway": "footway", "oneway:foot": "yes"},
        {"highway": "steps", "conveying": "backward"},
    ]
    ways = []
    for _ in range(70):
        picked = [names[i] for i in rng.choice(36, rng.integers(2, 5), replace=False)]
        if rng.random() < 0.15:
            picked.append(picked[0])
        ways.append((" ".join(picked), kinds[rng.choice(5, p=[0.5, 0.2, 0.1, 0.1, 0.1])]))
    ways += [(ways[0][0], kinds[0]), ("n36 n37 n38", kinds[0]), ("n0 n39 n0", kinds[0])]
    points: dict[str, dict[str, str]] = {names[i]: {"barrier": "gate", "access": "private"} for i in (3, 4, 5)}
    points |= {"n6": {"barrier": "gate", "access": "no"}, "n7": {"highway": "elevator"}}
    network = build_walk_network(draw(nodes, ways, points), read_profile())
    start = _scatter(network, "site_id", 6, rng)
    lived = _plant_neighbours(network, _scatter(network, "demand_id", 200, rng), start, rng)
    for mode, limit in (("time", 600.0), ("distance", 700.0), ("time", float("inf"))):
        assert _compare(network, start, lived, limit, mode, gates) > 30
