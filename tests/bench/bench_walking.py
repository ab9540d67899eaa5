"""How fast and how exact is walking? ``python -m tests.bench.bench_walking [MOSAIC.osm.pbf]`` prints Markdown tables.

All figures are from one run: processor time of all threads, the least of several repeats, beside peers in the same
process. The mosaic is made by ``tests.bench.mosaic``; without it only Porto Alegre is measured. Peers are the extra
``bench``; ``valhalla_tiles.py`` says where Valhalla's tiles come from.
"""

import dataclasses
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np

from spatial.io.osm import read_osm
from spatial.io.profiles import read_profile
from spatial.walking import chunks
from spatial.walking.counts import count_reached, count_snapped
from spatial.walking.labels import label_nodes
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.search import build_graph
from spatial.walking.snapping import snap
from spatial.walking.travel import travel_times
from tests.bench.bench_walking_floor import replay
from tests.bench.bench_walking_peers import networkx_search, pandana_network, scipy_search
from tests.bench.bench_walking_tools import Rows, beside_streets, least, micro, on_nodes, tell
from tests.bench.bench_walking_valhalla import valhalla_table
from tests.real_data import real

LIMIT_M = 1000.0
SITES, HOMES = 1500, 50_000
_SMALL = 100_000
"""Nodes up to which networkx (gigabytes beyond) and pandana (minutes for a search from every node) are asked too."""
_OFTEN = 30
"""Repeats of what takes a hundredth of a second: on a busy machine most of them are interrupted."""
_COLD = """
import pickle, sys, time; start = time.perf_counter(); spent = time.process_time()
import geopandas as gpd, shapely
from spatial.walking.{module} import {function}
network = pickle.load(open(sys.argv[1], "rb"))
site = gpd.GeoDataFrame(dict(site_id=["s"]), geometry=shapely.points(network.xy[[500]]), crs=network.crs)
home = gpd.GeoDataFrame(dict(demand_id=["h"]), geometry=shapely.points(network.xy[[510]]), crs=network.crs)
{function}(network, site{more})
print(time.perf_counter() - start, time.process_time() - spent)
"""


def make_public(network: WalkNetwork) -> WalkNetwork:
    """Return the network with all ways public, so that peers without classes of use answer the same question."""
    return dataclasses.replace(network, private=np.zeros_like(network.private), private_start=network.indptr[1:].copy())


def pick_nodes(network: WalkNetwork, count: int, rng: np.random.Generator) -> Any:
    """Return nodes of the main part at which a place is snapped with no walk."""
    touched = np.concatenate([network.u[network.private], network.v[network.private]])
    free = np.setdiff1d(np.flatnonzero(network.component == 0), touched)
    return np.sort(rng.choice(free, min(count, len(free)), replace=False))


def _alone(call: Callable[[], Any]) -> Any:
    """Return what a call returns that has one thread to itself: several wait for the same memory."""
    with patch.object(chunks, "_MOST_WORKERS", 1):
        return call()


def labels_table(network: WalkNetwork, rng: np.random.Generator, few: int) -> Rows:
    """Labels of nodes: what no search can avoid, ours, and peers."""
    nodes = pick_nodes(network, SITES, rng)
    public = make_public(network)
    graph, snaps = build_graph(public, "distance"), snap(public, on_nodes(public, nodes))

    def call() -> Any:
        return label_nodes(public, snaps, len(nodes), LIMIT_M, ("distance", "open"))

    labels = call()
    floor, lowered = least(replay(graph, labels, "distance", LIMIT_M), _OFTEN)
    assert lowered == 0.0, "a label is not the shortest"
    arcs = int(np.diff(public.indptr)[labels.node].sum())
    size = f"{len(nodes):,} sites, {len(labels.node) / len(nodes):,.0f} nodes, {arcs / len(nodes):,.0f} arcs each"
    yield "floor: labels set, every arc looked at once", size, micro(floor, len(nodes)), "1.0"
    ours, _ = least(call, _OFTEN)
    note = f"{ours / floor:.2f} times the floor, {ours / arcs * 1e9:.1f} ns an arc; seconds and metres of each node"
    yield "labels", size, micro(ours, len(nodes)), note
    alone, _ = least(partial(_alone, call), _OFTEN)
    note = f"{alone / floor:.2f} times the floor, which has one thread too"
    yield "labels, one thread", size, micro(alone, len(nodes)), note
    peers = [("scipy, limit", scipy_search, few), ("networkx, cutoff", networkx_search, few // 4)]
    for name, make, count in peers if public.node_count < _SMALL else peers[:1]:
        search = make(public, LIMIT_M)
        theirs, reached = least(partial(search, nodes[:count].tolist()), 1)
        ratio = theirs / count / (ours / len(nodes))
        same = f"{reached:,} nodes, ours {labels.start[count]:,}"
        yield name, f"{count} sites", micro(theirs, count), f"ours {ratio:.0f} times faster; {same}"
    if public.node_count >= _SMALL:
        return
    try:
        yield from _pandana_rows(public, nodes, (ours, labels))
    except ImportError as error:
        yield "pandana", "", "", f"not here: {error}"


def _pandana_rows(public: WalkNetwork, nodes: Any, ours: Any) -> Rows:
    spent, labels = ours
    peer = pandana_network(public)
    theirs, found = least(lambda: peer.nodes_in_range(nodes.tolist(), LIMIT_M), 1)
    ratio = f"ours {theirs / spent:.0f} times faster; {len(found):,} nodes, ours {len(labels.node):,}"
    yield "pandana nodes_in_range", f"{len(nodes):,} sites", micro(theirs, len(nodes)), ratio
    every = np.arange(public.node_count)
    snaps, graph = snap(public, on_nodes(public, every)), build_graph(public, "distance")
    on = (snaps.access_m < 1e-6) & (public.component == 0)  # islands of the map are not walked to
    peer.set(every, variable=on.astype(float), name="ones")
    theirs, summed = least(lambda: peer.aggregate(LIMIT_M, type="sum", decay="flat", name="ones"), 2)
    given = graph, snaps, len(every), (snaps, on.astype(np.int64)), (LIMIT_M, "open")
    mine, counts = least(lambda: count_snapped(*given), 2)  # type: ignore[arg-type]
    agree = float(np.mean(np.abs(summed.to_numpy() - counts)[on] <= 1))
    yield "pandana aggregate, every node a source", f"{len(every):,}", micro(theirs, len(every)), "count only"
    note = f"{theirs / mine:.1f} times faster than pandana; counts within one of each other: {agree:.1%}"
    yield "counts, every node a source", f"{len(every):,}", micro(mine, len(every)), note


def pairs_table(network: WalkNetwork, rng: np.random.Generator) -> Rows:
    """All pairs of homes and sites within the limit, and households counted."""
    homes, sites = beside_streets(network, "demand_id", HOMES, rng), beside_streets(network, "site_id", SITES, rng)
    size = f"{SITES:,} sites, {HOMES:,} homes"
    travel_times(network, sites.iloc[:9], homes)
    spent, _ = least(lambda: snap(network, homes))
    yield "places on the network", f"{HOMES:,} homes", micro(spent, HOMES), ""
    spent, times = least(lambda: travel_times(network, sites, homes, limit=LIMIT_M, mode="distance"))
    yield "travel times, snapping included", size, f"{spent:.3f} s", f"{len(times):,} pairs within 1,000 m"
    plain = homes.assign(kind="building", estate_id="", households=3, estimated=False)
    spent, _ = least(lambda: count_reached(network, sites, plain, limit=LIMIT_M, mode="distance"))
    yield "households counted, snapping included", size, f"{spent:.3f} s", ""


def cold_table(network: WalkNetwork) -> Rows:
    """The first answer of a fresh process, imports and loading the kept network included."""
    import pickle

    with tempfile.NamedTemporaryFile(suffix=".pickle") as kept, tempfile.TemporaryDirectory() as empty:
        pickle.dump(network, kept)
        kept.flush()
        asked = {
            "travel_times": _COLD.format(module="travel", function="travel_times", more=", home"),
            "isochrones": _COLD.format(module="isochrones", function="build_isochrones", more=""),
        }
        for name, code in asked.items():
            for state, folder in (("nothing compiled", empty), ("compiled before", "")):
                env = {**os.environ, **({"NUMBA_CACHE_DIR": f"{folder}/{name}"} if folder else {})}
                runs = []
                for _ in range(1 if folder else 3):
                    command = [sys.executable, "-c", code, kept.name]
                    out = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
                    runs.append([float(word) for word in out.split()])
                wall, spent = min(runs)
                yield f"first {name}, {state}", "1 site", f"{spent:.2f} s", f"{wall:.2f} s by the clock"


def _machine() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            model = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor()
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}"


def main(mosaic: str | None) -> None:
    """Print all tables."""
    rng, profile = np.random.default_rng(1), read_profile()
    streets = read_osm(real("porto-alegre/poa.osm.pbf"))
    network = build_walk_network(streets, profile)
    print(f"{_machine()}. Porto Alegre: {network.node_count:,} nodes, {network.edge_count:,} edges.")
    tell("Labels within 1,000 m, Porto Alegre", labels_table(network, rng, 200))
    tell("Pairs, Porto Alegre", pairs_table(network, rng))
    tell("Beside routing engines, Porto Alegre", valhalla_table(streets, network, rng))
    tell("Cold starts, Porto Alegre", cold_table(network))
    if mosaic:
        network = build_walk_network(read_osm(mosaic), profile)
        print(f"\nMosaic: {network.node_count:,} nodes, {network.edge_count:,} edges.")
        tell("Labels within 1,000 m, mosaic", labels_table(network, rng, 40))
        tell("Pairs, mosaic", pairs_table(network, rng))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
