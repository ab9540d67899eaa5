"""How fast and how exact is walking? ``python -m tests.bench.bench_walking`` prints a table, all from one run.

Times are processor time of all threads, the least of several repeats; sites and homes are synthetic points beside the
streets of Porto Alegre. Peers get the same graph, the same sources (on nodes) and the same limit.
"""

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import scipy.sparse as sp
import scipy.sparse.csgraph
import shapely

from spatial.io.osm import read_osm
from spatial.io.profiles import read_profile
from spatial.walking.exchange import to_networkx
from spatial.walking.isochrones import build_isochrones
from spatial.walking.labels import reach_nodes
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.reach import reach_pieces
from spatial.walking.search import build_graph
from spatial.walking.snapping import snap
from spatial.walking.travel import travel_times
from tests.real_data import real

LIMIT_M = 1000.0
_COLD = """
import time; start = time.perf_counter()
from shapely.geometry import Point
from spatial.io.profiles import read_profile
from spatial.walking.isochrones import build_isochrones
from spatial.walking.network import build_walk_network
from tests.walking.streets import grid_town, sites
network = build_walk_network(grid_town(), read_profile())
build_isochrones(network, sites(s=(10, 10)))
print(time.perf_counter() - start)
"""


def least(work: Callable[[], Any], repeats: int = 3) -> tuple[float, Any]:
    """Return the least processor time of some runs, and the last answer."""
    best, answer = float("inf"), None
    for _ in range(repeats):
        start = time.process_time()
        answer = work()
        best = min(best, time.process_time() - start)
    return best, answer


def row(what: str, value: float, unit: str, note: str = "") -> None:
    print(f"{what:<58}{value:>12.3f} {unit:<8}{note}")


def beside_streets(network: WalkNetwork, column: str, count: int, rng: np.random.Generator) -> Any:
    edge = rng.integers(0, network.edge_count, count)
    xy = network.shape_xy[network.shape_ptr[edge]] + rng.normal(0.0, 15.0, (count, 2))
    return gpd.GeoDataFrame({column: [f"{i:06d}" for i in range(count)]}, geometry=shapely.points(xy), crs=network.crs)


def on_public_nodes(network: WalkNetwork, count: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return nodes of the main part that only public edges meet, and sites on them."""
    touched = np.concatenate([network.u[network.private], network.v[network.private]])
    free = np.setdiff1d(np.flatnonzero(network.component == 0), touched)
    nodes = np.sort(rng.choice(free, count, replace=False))
    points = shapely.points(network.xy[nodes])
    return nodes, gpd.GeoDataFrame({"site_id": nodes.astype(str)}, geometry=points, crs=network.crs)


def compare_labels(network: WalkNetwork, rng: np.random.Generator) -> None:
    """All streets public, so that peers without classes of use answer the same question."""
    public = dataclasses.replace(
        network, private=np.zeros_like(network.private), private_start=network.indptr[1:].copy()
    )
    nodes, sites = on_public_nodes(public, 1500, rng)
    ours, labels = least(lambda: reach_nodes(public, sites, limit=LIMIT_M, mode="distance"))
    snapping, _ = least(lambda: snap(public, sites))
    per_site = (ours - snapping) / len(nodes) * 1e6
    row("labels, 1,500 sites, 1,000 m", per_site, "us", f"{len(labels.node)} labels, snapping apart")
    tail = np.repeat(np.arange(public.node_count), np.diff(public.indptr))
    arcs = np.flatnonzero(np.isfinite(public.arc_back_s))
    order = arcs[np.lexsort((public.arc_m[arcs], public.heads[arcs], tail[arcs]))]
    keep = order[np.unique(np.stack([tail[order], public.heads[order]]), axis=1, return_index=True)[1]]
    weights = np.maximum(public.arc_m[keep], 1e-9)  # a zero is no edge to scipy
    matrix = sp.csr_matrix((weights, (tail[keep], public.heads[keep])), shape=(public.node_count, public.node_count))
    some = nodes[:200]
    theirs, found = least(lambda: [scipy.sparse.csgraph.dijkstra(matrix, indices=n, limit=LIMIT_M) for n in some], 1)
    reached = sum(int(np.isfinite(distance).sum()) for distance in found)
    row("  scipy dijkstra", theirs / 200 * 1e6, "us", f"ours {theirs / 200 * 1e6 / per_site:.1f}x")
    graph = nx.DiGraph(to_networkx(public)).reverse()
    few = nodes[:60]
    theirs, _ = least(
        lambda: [nx.single_source_dijkstra_path_length(graph, int(n), cutoff=LIMIT_M, weight="metres") for n in few], 1
    )
    row("  networkx dijkstra", theirs / 60 * 1e6, "us", f"ours {theirs / 60 * 1e6 / per_site:.1f}x")
    print(f"  labels of the first 200 sites: ours {labels.start[200]}, scipy {reached}")


def compare_polygons(network: WalkNetwork, homes: Any, rng: np.random.Generator) -> None:
    sites = beside_streets(network, "site_id", 40, rng)
    spent, circles = least(lambda: build_isochrones(network, sites, mode="distance", limits=[LIMIT_M]))
    row(
        "circle with its polygon, 1,000 m",
        spent / 40 * 1e3,
        "ms",
        f"{shapely.get_num_coordinates(circles.geometry).mean():.0f} vertices",
    )
    graph = build_graph(network, "distance")
    pieces = reach_pieces(network, graph, sites, snap(network, sites), LIMIT_M, "open")
    lines = [shapely.linestrings(np.stack([p[:, [0, 1]], p[:, [3, 4]]], axis=1)) for p in pieces]
    theirs, unions = least(lambda: [shapely.union_all(shapely.buffer(some, 30.0, quad_segs=4)) for some in lines], 1)
    row("  union of 30 m buffers (GEOS)", theirs / 40 * 1e3, "ms", f"ours {theirs / spent:.0f}x with the search")
    times = travel_times(network, sites, homes, limit=LIMIT_M, mode="distance")
    truth = set(zip(times["origin_id"], times["destination_id"], strict=True))
    radius = [point.buffer(LIMIT_M) for point in sites.geometry]
    for name, areas in (("our circle", list(circles.geometry)), ("30 m buffers", unions), ("straight circle", radius)):
        home, site = shapely.STRtree(areas).query(homes.geometry.array, predicate="within")
        inside = set(zip(sites["site_id"].to_numpy()[site], homes["demand_id"].to_numpy()[home], strict=True))
        row(f"  homes falsely inside, {name}", 100 * len(inside - truth) / len(truth), "%")
        row(f"  homes missed, {name}", 100 * len(truth - inside) / len(truth), "%")


def cold_start() -> None:
    for name, folder in (("nothing compiled", tempfile.mkdtemp()), ("compiled before", "")):
        env = {**os.environ, **({"NUMBA_CACHE_DIR": folder} if folder else {})}
        out = subprocess.run([sys.executable, "-c", _COLD], env=env, capture_output=True, text=True, check=True)
        row(f"first circle of a fresh process, {name}", float(out.stdout), "s", "wall, imports included")


def main() -> None:
    rng = np.random.default_rng(1)
    streets, profile = read_osm(real("porto-alegre/poa.osm.pbf")), read_profile()
    build_walk_network(streets, profile)
    spent, network = least(lambda: build_walk_network(streets, profile))
    print(f"Porto Alegre: {network.node_count} nodes, {network.edge_count} edges; {os.cpu_count()} cores")
    row("network from streets", spent, "s")
    homes, sites = beside_streets(network, "demand_id", 50_000, rng), beside_streets(network, "site_id", 1500, rng)
    travel_times(network, sites.iloc[:20], homes)
    build_isochrones(network, sites.iloc[:20])
    reach_nodes(network, sites.iloc[:20])
    spent, _ = least(lambda: snap(network, homes))
    row("snapping 50,000 homes", spent / 50_000 * 1e6, "us each")
    spent, times = least(lambda: travel_times(network, sites, homes, limit=LIMIT_M, mode="distance"))
    row("travel times, 1,500 sites x 50,000 homes, 1,000 m", spent, "s", f"{len(times)} pairs, snapping included")
    compare_labels(network, rng)
    compare_polygons(network, homes, rng)
    cold_start()


if __name__ == "__main__":
    main()
