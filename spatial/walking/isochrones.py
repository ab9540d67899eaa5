"""Which area lies within so many minutes of a site, on foot?"""

from collections.abc import Iterable, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from spatial.crs import LONLAT, transform_xy
from spatial.errors import InputError
from spatial.tables import CIRCLES
from spatial.walking.chunks import run_in_chunks
from spatial.walking.circles import LEVELS, Drawing, Reached, draw_circles
from spatial.walking.labels import label_nodes
from spatial.walking.network import WalkNetwork
from spatial.walking.reach import reach_pieces
from spatial.walking.rivals import read_streets
from spatial.walking.search import Gates, Graph, Mode, build_graph
from spatial.walking.snapping import snap
from spatial.walking.travel import check_limit, sorted_ids

Floats = NDArray[np.float64]

_PIXEL_M = 2.0 * np.pi * 6378137.0 / 256.0
"""Side of a pixel at the equator at zoom 0 of a web map with tiles of 256 pixels."""
_LARGEST_ZOOM = 24


def build_isochrones(
    network: WalkNetwork,
    sites: Any,
    *,
    mode: Mode = "time",
    limits: Sequence[float] | None = None,
    gates: Gates = "open",
    tolerance_m: float | None = None,
    zoom: int | None = None,
) -> Any:
    """Return CIRCLES: one area per site and limit, sorted by ``site_id``, then limit; ``households`` is 0.

    ``limits`` are seconds or, in distance mode, metres; None means the profile's circles. Walks lead to the site. The
    area holds every reached piece of street, cut exactly at the limit, and about it whoever walks there from no other
    first, as wide as the walk that is left, at most ``circle_buffer_m`` to each side, and no farther than halfway to a
    street that is not reached. Holes below ``circle_hole_m2`` are filled. Circles of one site nest, and outlines stay
    valid when they are rounded to centimetres or to 7 decimals of a degree. Households are counted along the network by
    ``count_circles``, never by the area.

    ``tolerance_m`` says how closely outlines are drawn (None: ``circle_tolerance_m``): no place of an area lies beyond
    the rest of the walk by more than two and a half tolerances, filled holes apart, and at any tolerance all that is
    reached lies inside. The profile's circles look the same to the byte whichever of them are asked for: each is drawn
    inside the larger ones of the profile, asked for or not. Other limits nest in the larger ones asked for beside them,
    so these outlines may differ by one and a half tolerances from the same circle asked for alone; the smaller ones
    change nothing where up to three are asked for. ``zoom`` asks instead for the tolerance of a pixel of a web map, if
    that is coarser than the profile's; circles nest at one tolerance, not across several.

    Raises
    ------
    InputError
        If a limit is no number above 0 or infinite, mode or gates is unknown, or tolerance and zoom are not usable.
    TableError, CrsError
        If ``site_id`` is missing or stands twice, or the sites are not points in the network's system.
    """
    if limits is None:
        limits = _usual_limits(network, mode)
    if not _are_several(limits):
        raise InputError(f"found the limits {limits!r}, needed a list of numbers")
    steps = np.unique([check_limit(network, limit, mode, gates) for limit in limits])
    if not len(steps) or not np.isfinite(steps).all():
        raise InputError(f"found the limits {list(limits)}, needed at least one, each below infinity")
    ids, order = sorted_ids(sites, "site_id")
    if not len(ids):
        return CIRCLES.empty(network.crs)
    points = sites.iloc[order]
    drawing = Drawing(
        network.rules.circle_buffer_m, _tolerance(network, tolerance_m, zoom), network.rules.circle_hole_m2
    )
    drawn = _beside(steps, _usual_limits(network, mode))
    areas = _draw(network, points, drawn, (mode, gates), drawing)[:, np.isin(drawn, steps)].ravel()
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


def _usual_limits(network: WalkNetwork, mode: Mode) -> list[float]:
    """Return the profile's limits."""
    return [m * 60.0 for m in network.rules.circle_min] if mode == "time" else list(network.rules.circle_m)


def _beside(steps: Floats, usual: Sequence[float]) -> Floats:
    """Return the limits to draw: with limits of the profile alone also those they depend on, else those asked for."""
    known = np.unique(np.asarray(usual, dtype=np.float64))
    if not np.isin(steps, known).all():
        return steps
    return known[known >= steps[0]] if len(known) <= LEVELS else known


def _are_several(given: object) -> bool:
    return isinstance(given, Iterable) and not isinstance(given, str)


def _tolerance(network: WalkNetwork, tolerance_m: float | None, zoom: int | None) -> float:
    usual = network.rules.circle_tolerance_m
    if tolerance_m is not None and zoom is not None:
        raise InputError(f"found the tolerance {tolerance_m} m and the zoom {zoom}, needed one of them")
    if tolerance_m is not None:
        if not 0.0 < tolerance_m < np.inf:
            raise InputError(f"found the tolerance {tolerance_m} m, needed metres above 0, below infinity")
        return float(tolerance_m)
    if zoom is None:
        return usual
    if not 0 <= zoom <= _LARGEST_ZOOM:
        raise InputError(f"found the zoom {zoom}, needed 0 to {_LARGEST_ZOOM}")
    middle = (network.xy.min(axis=0) + network.xy.max(axis=0)) / 2.0
    lat = transform_xy(middle[None, :], network.crs, LONLAT)[0, 1]
    return max(usual, _PIXEL_M * float(np.cos(np.radians(lat))) / 2.0**zoom)


def _draw(
    network: WalkNetwork, points: Any, steps: Floats, rules: tuple[Mode, Gates], drawing: Drawing
) -> NDArray[np.object_]:
    """Return a row of areas per point."""
    mode, _ = rules
    left = steps if mode == "distance" else steps * network.m_per_s
    graph, streets = build_graph(network, mode), read_streets(network, mode)

    def run(rows: slice) -> Any:
        reached = _reach(network, graph, points.iloc[rows], float(steps[-1]), rules)
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
        own_m=snaps.offset_m,
        own_cost=snaps.access_m * graph.cost_per_m,
        own_first=np.searchsorted(snaps.point, np.arange(len(points) + 1)),
    )
