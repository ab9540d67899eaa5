"""What does a service circle cost, and whom does its polygon count wrongly? ``python -m tests.bench.bench_circles``.

Times are processor time of all threads, the least of several repeats in one run. Households are counted along the
network with the walk to the street; those falsely inside a polygon and those missed are told apart, never net, as
shares of the households truly within reach. Sites, and homes of one household each, are synthetic points beside the
streets of Porto Alegre, Helsinki and Beijing; in Futian homes are real estates. Valhalla's tiles are made of the same
maps where ``valhalla_build_tiles`` is at hand (``tests/bench/valhalla_tiles.py``).
"""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.crs import LONLAT, to_lonlat, to_metres, transform_xy
from spatial.io.profiles import read_profile
from spatial.io.streets import read_streets
from spatial.walking.isochrones import build_isochrones
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.reach import reach_pieces
from spatial.walking.search import build_graph
from spatial.walking.snapping import snap
from spatial.walking.travel import travel_times
from tests.bench.bench_walking_tools import Rows, beside_streets, least, tell
from tests.bench.valhalla_tiles import start_valhalla
from tests.real_data import real

LIMIT_M = 1000.0
LIMITS_M = [300.0, 500.0, 1000.0]
SITES = 40
CITIES = (
    ("Porto Alegre", "porto-alegre/poa.osm.pbf", 50_000),
    ("Helsinki", "helsinki/helsinki.osm.pbf", 3_000),
    ("Beijing", "beijing-wudaokou/map.osm.gz", 3_000),
    ("Futian", "futian/walk.graphml", 0),
)
"""City, map, and how many homes are made up; in Futian estates are the homes."""
_COLD = """
import time
start = time.perf_counter()
from spatial.io.profiles import read_profile
from spatial.walking.network import build_walk_network
from tests.walking.streets import grid_town, sites
network = build_walk_network(grid_town(), read_profile())
from spatial.walking.isochrones import build_isochrones
build_isochrones(network, sites(s=(10, 10)))
print(time.process_time(), time.perf_counter() - start)
"""


def time_circles(network: WalkNetwork, sites: Any, actor: Any) -> Rows:
    """Time circles with the search, ours and others'."""
    count = len(sites)

    def ours(some: Any, limits: list[float], **options: Any) -> Any:
        return build_isochrones(network, some, mode="distance", limits=limits, **options)

    size = f"{count} sites, {LIMIT_M:,.0f} m"
    spent, circles = least(lambda: ours(sites, [LIMIT_M]))
    one = spent / count
    yield "our circle", size, _milli(one), _vertices(circles)
    spent, circles = least(lambda: ours(sites, LIMITS_M))
    yield "our circles of three limits", f"{count} sites, 300, 500, 1,000 m", f"{_milli(spent / count)} a site", ""
    spent, circles = least(lambda: [ours(sites.iloc[[k]], [LIMIT_M]) for k in range(count)])
    yield "our circle, one site a call", size, _milli(spent / count), ""
    for zoom in (15, 13):
        spent, circles = least(lambda zoom=zoom: ours(sites, [LIMIT_M], zoom=zoom))  # type: ignore[misc]
        yield f"our circle at zoom {zoom}", size, _milli(spent / count), _vertices(circles)
    spent, _ = least(lambda: union_of_buffers(network, sites), 1)
    yield (
        "union of 30 m buffers (GEOS), with our search",
        size,
        _milli(spent / count),
        f"ours {spent / count / one:.1f}x",
    )
    if actor is None:
        yield "Valhalla's isochrone", "", "", "not here"
        return
    ask_valhalla(actor, network, sites.iloc[:2])
    spent, areas = least(lambda: ask_valhalla(actor, network, sites), 2)
    note = f"ours {spent / count / one:.1f}x; {shapely.get_num_coordinates(areas).mean():,.0f} vertices"
    yield "Valhalla's isochrone", size, _milli(spent / count), note


def time_cold() -> Rows:
    """Time the first circle of fresh processes: nothing compiled yet, and the compiled code on disk."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("nothing compiled", "compiled before"):
            env = {**os.environ, "NUMBA_CACHE_DIR": folder}
            out = subprocess.run([sys.executable, "-c", _COLD], env=env, capture_output=True, text=True, check=True)
            spent, wall = map(float, out.stdout.split())
            note = f"{wall:.2f} s on the clock; all imports, and the network of a drawn town"
            yield f"first circle of a fresh process, {name}", "1 site", f"{spent:.2f} s", note


def judge_circles(network: WalkNetwork, sites: Any, homes: Any, actor: Any) -> Rows:
    """Count the households falsely inside each kind of polygon, and those that it misses."""
    times = travel_times(network, sites, homes, limit=LIMIT_M, mode="distance")
    weight = homes.set_index("demand_id")["households"]
    truth = pd.MultiIndex.from_frame(times[["origin_id", "destination_id"]])
    size = f"{weight.reindex(truth.get_level_values(1)).sum():,} households in {len(sites)} circles"
    for name, areas in _polygons(network, sites, actor):
        home, site = shapely.STRtree(areas).query(homes.geometry.array, predicate="within")
        ids = [sites["site_id"].to_numpy()[site], homes["demand_id"].to_numpy()[home]]
        inside = pd.MultiIndex.from_arrays(ids)
        shares = []
        for wrong in (inside.difference(truth), truth.difference(inside)):
            households = weight.reindex(wrong.get_level_values(1)).sum()
            shares.append(f"{100 * households / weight.reindex(truth.get_level_values(1)).sum():.2f} %")
        yield name, size, f"falsely inside {shares[0]}", f"missed {shares[1]}"


def _polygons(network: WalkNetwork, sites: Any, actor: Any) -> Any:
    def ours(**options: Any) -> Any:
        circles = build_isochrones(network, sites, mode="distance", limits=[LIMIT_M], **options)
        return circles.geometry.to_numpy()

    yield "our circle", ours()
    for zoom in (15, 13):
        yield f"our circle at zoom {zoom}", ours(zoom=zoom)
    for width in (60.0, 100.0, 150.0):
        rules = dataclasses.replace(network.rules, circle_buffer_m=width)
        circles = build_isochrones(dataclasses.replace(network, rules=rules), sites, mode="distance", limits=[LIMIT_M])
        yield f"our circle, {width:.0f} m to each side", circles.geometry.to_numpy()
    yield "straight circle", shapely.buffer(sites.geometry.to_numpy(), LIMIT_M)
    if actor is not None:
        yield "Valhalla's isochrone", ask_valhalla(actor, network, sites)
    yield "union of 30 m buffers", union_of_buffers(network, sites)  # minutes, where squares are full of sight lines


def union_of_buffers(network: WalkNetwork, sites: Any) -> Any:
    """Return the union of discs of 30 m about all that is reached, by GEOS."""
    graph = build_graph(network, "distance")
    pieces = reach_pieces(network, graph, sites, snap(network, sites), LIMIT_M, "open")
    lines = [shapely.linestrings(np.stack([p[:, [0, 1]], p[:, [3, 4]]], axis=1)) for p in pieces]
    return np.array([shapely.union_all(shapely.buffer(some, 30.0, quad_segs=4)) for some in lines], dtype=object)


def ask_valhalla(actor: Any, network: WalkNetwork, sites: Any) -> Any:
    """Return Valhalla's polygons of the sites, in metres."""
    areas = []
    for lon, lat in transform_xy(shapely.get_coordinates(sites.geometry.array), network.crs, LONLAT).tolist():
        asked = {
            "locations": [{"lon": lon, "lat": lat}],
            "costing": "pedestrian",
            "costing_options": {"pedestrian": {"shortest": True}},
            "contours": [{"distance": LIMIT_M / 1000.0}],
            "polygons": True,
        }
        answer = json.loads(actor.isochrone(json.dumps(asked)))
        areas.append(shapely.from_geojson(json.dumps(answer["features"][0]["geometry"])))
    return shapely.make_valid(to_metres(np.array(areas, dtype=object), network.crs))


def _milli(seconds: float) -> str:
    return f"{seconds * 1e3:,.2f} ms"


def _vertices(circles: Any) -> str:
    lonlat = to_lonlat(circles.geometry.to_numpy(), circles.crs)
    valid = shapely.is_valid(lonlat).mean()
    return f"{shapely.get_num_coordinates(lonlat).mean():,.0f} vertices; {valid:.0%} valid at 7 decimals"


def estates_of_futian(network: WalkNetwork) -> Any:
    """Return the estates of Futian as homes."""
    table = pd.read_csv(real("futian/estates.csv"))
    table = table[table["suspect"] == 0]
    points = to_metres(shapely.points(table["lon"], table["lat"]), network.crs)
    homes = gpd.GeoDataFrame({"demand_id": table.index.astype(str)}, geometry=points, crs=network.crs)
    homes = homes.assign(households=table["households"].to_numpy())
    return homes[shapely.intersects(shapely.box(*network.xy.min(axis=0), *network.xy.max(axis=0)), points)]


def tell_of(city: str, path: str, made_up: int) -> None:
    """Print the tables of a city: time in Porto Alegre alone, households everywhere."""
    streets = read_streets(real(path))
    network = build_walk_network(streets, read_profile())
    try:
        actor = start_valhalla(real(path), streets)
    except ImportError as error:
        print(f"{city}: without Valhalla: {error}")
        actor = None
    rng = np.random.default_rng(1)
    homes = beside_streets(network, "demand_id", made_up, rng).assign(households=1)
    sites = beside_streets(network, "site_id", SITES, rng)
    print(f"\n{city}: {network.node_count:,} nodes, {network.edge_count:,} edges; {os.cpu_count()} cores")
    if city == "Porto Alegre":
        tell("Circles of Porto Alegre", time_circles(network, sites, actor))
    if not made_up:
        homes = estates_of_futian(network)
    tell(f"Households, {city}", judge_circles(network, sites, homes, actor))


def main() -> None:
    """Print the tables."""
    for city in CITIES:
        tell_of(*city)
    tell("Cold start", time_cold())


if __name__ == "__main__":
    main()
