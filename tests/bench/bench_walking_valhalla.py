"""Does Valhalla measure the same walks, and how long does it take?

``tests/bench/valhalla_tiles.py`` says where its tiles come from, of the same map.
"""

from typing import Any

import numpy as np

from spatial.walking.network import WalkNetwork
from spatial.walking.travel import travel_times
from tests.bench.bench_valhalla_pairs import agreement_table, ask_matrix, draw_places
from tests.bench.bench_walking_tools import Rows, least, name_points
from tests.bench.valhalla_tiles import start_valhalla
from tests.real_data import real

LIMIT_M = 1000.0
SITES, HOMES, MANY_SITES = 24, 50_000, 1500


def valhalla_table(streets: Any, network: WalkNetwork, rng: np.random.Generator) -> Rows:
    """Walks between places on public streets of the main network: times of both, and how far they agree."""
    yield "OSRM", "", "", "not here: no binding with binaries is published for pip"
    try:
        actor = start_valhalla(real("porto-alegre/poa.osm.pbf"), streets)
    except ImportError as error:
        yield "Valhalla", "", "", f"not here: {error}"
        return
    site_xy, home_xy = draw_places(network, MANY_SITES, rng), draw_places(network, HOMES, rng)
    sites, homes = name_points(network, "site_id", site_xy), name_points(network, "demand_id", home_xy)
    near = [np.flatnonzero(np.hypot(*(home_xy - site).T) <= LIMIT_M) for site in site_xy[:SITES]]
    theirs, _ = least(
        lambda: [ask_matrix(actor, network.crs, site_xy[k], home_xy[rows]) for k, rows in enumerate(near)], 1
    )
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
    yield from agreement_table(streets, actor, rng)
