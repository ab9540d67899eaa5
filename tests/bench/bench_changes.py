"""How long is the wait for a what-if? ``python -m tests.bench.bench_changes`` prints a Markdown table.

On the streets of central Porto Alegre, with 1,500 sites: a footbridge is added or a junction closed, the sites that it
affects are found, and their circles are drawn anew. Seconds are processor time of all threads, the least of three runs.
"""

import time
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from spatial.io.osm import read_osm
from spatial.io.profiles import read_profile
from spatial.walking.changes import affected_sites, change_network
from spatial.walking.isochrones import build_isochrones
from spatial.walking.network import build_walk_network
from tests.real_data import real

SITES, RUNS = 1500, 3


def least(run: Callable[[], Any]) -> tuple[float, Any]:
    """Return the least processor seconds of several runs, and what the last returned."""
    spent = []
    for _ in range(RUNS):
        start = time.process_time()
        found = run()
        spent.append(time.process_time() - start)
    return min(spent), found


def main() -> None:
    """Print the table."""
    streets, profile = read_osm(real("porto-alegre/poa.osm.pbf")), read_profile()
    built, network = least(lambda: build_walk_network(streets, profile))
    rows = np.random.default_rng(1).choice(network.edge_count, SITES, replace=False)
    points = shapely.points(network.shape_xy[network.shape_ptr[rows]])
    sites = gpd.GeoDataFrame({"site_id": [f"s{i:04d}" for i in range(SITES)]}, geometry=points, crs=network.crs)
    middle = network.xy[network.component == 0].mean(axis=0)
    near = network.xy[np.argsort(np.hypot(*(network.xy - middle).T))]
    bridge = shapely.LineString([near[0], near[np.hypot(*(near - near[0]).T) > 200.0][0]])
    junction = network.node_id[np.argmin(np.hypot(*(network.xy - middle).T))]
    build_isochrones(network, sites.iloc[:2])  # kernels are compiled or loaded
    everything, _ = least(lambda: build_isochrones(network, sites))
    print(f"{network.node_count:,} nodes, {network.edge_count:,} edges, {SITES:,} sites; built anew in {built:.2f} s")
    print(f"and all circles {everything:.2f} s\n")
    print("| change | network s | affected s | sites | circles s | in all s |\n|---|---|---|---|---|---|")
    cases: dict[str, dict[str, Any]] = {
        "footbridge": {"add": [bridge]},
        "closed junction": {"close": [f"node {junction}"]},
    }
    for name, options in cases.items():
        change_s, changed = least(lambda options=options: change_network(network, **options))  # type: ignore[misc]
        find_s, flags = least(lambda changed=changed: affected_sites(network, changed, sites))  # type: ignore[misc]
        some = sites[flags.to_numpy()]
        draw_s, _ = least(lambda changed=changed, some=some: build_isochrones(changed, some))  # type: ignore[misc]
        figures = (change_s, find_s, len(some), draw_s, change_s + find_s + draw_s)
        print(f"| {name} | {figures[0]:.3f} | {figures[1]:.3f} | {figures[2]} | {figures[3]:.3f} | {figures[4]:.3f} |")


if __name__ == "__main__":
    main()
