"""Which area lies within so many minutes of a site, on foot?"""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from spatial.errors import InputError
from spatial.tables import CIRCLES
from spatial.walking.circles import Drawing, Reached, draw_circles
from spatial.walking.labels import label_nodes
from spatial.walking.network import WalkNetwork
from spatial.walking.pairs import run_in_chunks
from spatial.walking.reach import reach_pieces
from spatial.walking.rivals import read_streets
from spatial.walking.search import Gates, Graph, Mode, build_graph
from spatial.walking.snapping import snap
from spatial.walking.travel import check_limit, sorted_ids

Floats = NDArray[np.float64]


def build_isochrones(
    network: WalkNetwork,
    sites: Any,
    *,
    mode: Mode = "time",
    limits: Sequence[float] | None = None,
    gates: Gates = "open",
) -> Any:
    """Return CIRCLES: one area per site and limit, sorted by ``site_id``, then limit; ``households`` is 0.

    ``limits`` are seconds or, in distance mode, metres; None means the profile's circles. Walks lead to the site. The
    area is a strip about the reached pieces of street, cut exactly at the limit: as wide as the walk that is left, at
    most ``circle_buffer_m`` to each side. To save vertices its outline is moved by at most ``circle_tolerance_m`` (and
    less than a sixth of the buffer), and holes below ``circle_hole_m2`` are filled. Circles of one site nest.
    Households are counted along the network by ``count_circles``, never by the area.

    Raises
    ------
    InputError
        If a limit is not above 0 or infinite, or mode or gates is unknown.
    TableError, CrsError
        If ``site_id`` is missing or stands twice, or the sites are not points in the network's system.
    """
    if limits is None:
        limits = [m * 60.0 for m in network.rules.circle_min] if mode == "time" else list(network.rules.circle_m)
    steps = np.unique([check_limit(network, limit, mode, gates) for limit in limits])
    if not len(steps) or not np.isfinite(steps).all():
        raise InputError(f"found the limits {list(limits)}, needed at least one, each below infinity")
    ids, order = sorted_ids(sites, "site_id")
    if not len(ids):
        return CIRCLES.empty(network.crs)
    points = sites.iloc[order]
    areas = _draw(network, points, steps, mode, gates).ravel()
    metres = steps if mode == "distance" else steps * network.m_per_s
    count = len(ids)
    columns = {
        "site_id": ids.repeat(len(steps)),
        "mode": mode,
        "minutes": np.tile(metres / network.m_per_s / 60.0, count),
        "limit_m": np.tile(metres, count),
        "households": np.zeros(count * len(steps), dtype=np.int64),
    }
    return gpd.GeoDataFrame(columns, geometry=areas, crs=network.crs)


def _draw(network: WalkNetwork, points: Any, steps: Floats, mode: Mode, gates: Gates) -> Any:
    """Return a row of areas per point."""
    rules = network.rules
    drawing = Drawing(rules.circle_buffer_m, rules.circle_tolerance_m, rules.circle_hole_m2)
    left = steps if mode == "distance" else steps * rules.adult_m_per_s
    graph, streets = build_graph(network, mode), read_streets(network, mode)

    def run(rows: slice) -> Any:
        reached = _reach(network, graph, points.iloc[rows], float(steps[-1]), (mode, gates))
        return draw_circles(reached, streets, left, steps, drawing)

    return np.concatenate([areas for _, areas in run_in_chunks(run, len(points))])


def _reach(network: WalkNetwork, graph: Graph, points: Any, limit: float, rules: tuple[Mode, Gates]) -> Reached:
    mode, gates = rules
    snaps = snap(network, points)
    pieces = reach_pieces(network, graph, points, snaps, limit, gates)
    labels = label_nodes(network, snaps, len(points), limit, rules)
    return Reached(
        pieces=np.concatenate(pieces),
        first=np.cumsum([0, *map(len, pieces)]),
        node=labels.node,
        cost=labels.walk_s if mode == "time" else labels.walk_m,
        label_first=labels.start,
        own=snaps.edge,
        own_first=np.searchsorted(snaps.point, np.arange(len(points) + 1)),
    )
