"""Where on the network does a place start its walk, and how far is it to there?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.crs import require_metric
from spatial.errors import CrsError, InputError, TableError
from spatial.tables import DEMAND, require
from spatial.walking.edge_grid import find_nearest
from spatial.walking.inside import measure_inside
from spatial.walking.network import WalkNetwork

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STREET, INSIDE, OWN_GATE, ACROSS_WALL, ISLAND = "street", "inside", "own gate", "across a wall", "island"
SHUT_IN, NOWHERE = "behind closed gates", "nowhere"
_KEYS = ("site_id", "demand_id")
_WORLD_M = 1e8
"""No system of metres has numbers as large, those with the zone before the easting neither."""
_DEGREES = (180.0, 90.0)


@dataclass(frozen=True, slots=True)
class Snaps:
    """Places on the network: ``point`` (row of the points, rising), ``edge``, ``offset_m`` from its u, ``access_m``.

    A point has one place, or one per gate where it lies in a closed estate that has no paths on the map. ``how`` says
    which of street, inside (of its closed estate), own gate, across a wall, island or behind closed gates it is;
    ``far`` flags access walks beyond the profile's longest.
    """

    point: Ints
    edge: Ints
    offset_m: Floats
    access_m: Floats
    how: NDArray[Any]
    far: NDArray[np.bool_]


def snap(network: WalkNetwork, points: Any) -> Snaps:
    """Return the nearest place on the shape of an edge for each point, by the rules below.

    A point outside every closed estate takes no edge inside one, and a point inside takes only its own estate's: paths
    inside, else its gates. Only where the estate has no gate that is known, the street outside is taken across the
    wall. The main part of the network is preferred to islands of it (``component_reach_m``, ``component_detour``).
    Equally near edges: the first. Whether gates are closed changes no place, so closing one shortens no walk: a point
    that closed gates cut off stays where it is, and no walk leads there.

    Raises
    ------
    CrsError, TableError, InputError
        If the points are not in the network's metric system (or all of them may be degrees), not points, or not
        numbers.
    """
    xy = _coordinates(network, points)
    estate = network.walls.find(xy)
    edge, along, away, how = _nearest_outside(network, xy, np.where(estate < 0, -1, estate))
    lost = np.flatnonzero((edge < 0) & (estate >= 0))
    rows, extra = _own_gates(network, xy, lost, estate)
    across = np.setdiff1d(lost, rows)
    if len(across):
        outside = _nearest_outside(network, xy[across], np.full(len(across), -1))
        edge[across], along[across], away[across] = outside[:3]
        how[across] = ACROSS_WALL
    how[(edge >= 0) & network.cut_off[network.u[edge]]] = SHUT_IN
    single = np.flatnonzero(edge >= 0)
    point = np.concatenate([single, rows])
    order = np.argsort(point, kind="stable")
    found = zip((edge, along, away, how), extra, strict=True)
    edge, along, away, how = (np.concatenate([own[single], gate])[order] for own, gate in found)
    return Snaps(point[order], edge, along, away, how, away > network.rules.max_access_m)


def take_snaps(snaps: Snaps, rows: Ints) -> Snaps:
    """Return the places of these points (rising), numbered anew."""
    kept = np.isin(snaps.point, rows)
    point = np.searchsorted(rows, snaps.point[kept])
    places = snaps.edge[kept], snaps.offset_m[kept], snaps.access_m[kept]
    return Snaps(point, *places, snaps.how[kept], snaps.far[kept])


def describe_snaps(network: WalkNetwork, demand: Any) -> Mapping[str, int]:
    """Return how many demand points ("homes") and households start their walks in which way: each kind, also where 0.

    A point with several places counts once, as behind closed gates only where all of them are, and as farther than the
    longest access walk by its nearest place. "nowhere" are points for which the network has no edge at all.

    Raises
    ------
    TableError, CrsError, InputError
        If the demand breaks its contract, or as ``snap``.
    """
    households = require(demand, DEMAND)["households"].to_numpy()
    found = snap(network, demand)
    how = np.full(len(demand), NOWHERE, dtype=object)
    for last in (True, False):  # what is not shut in overwrites what is
        rows = (found.how == SHUT_IN) == last
        how[found.point[rows]] = found.how[rows]
    far = np.ones(len(demand), dtype=bool)
    far[found.point[~found.far]] = False
    kinds = {kind: how == kind for kind in (STREET, INSIDE, OWN_GATE, ACROSS_WALL, ISLAND, SHUT_IN, NOWHERE)}
    kinds["farther than the longest access walk"] = far & (how != NOWHERE)
    counts = [
        (f"{kind}: {what}", rows, of)
        for kind, rows in kinds.items()
        for what, of in (("homes", 1), ("households", households))
    ]
    return {name: int((rows * of).sum()) for name, rows, of in counts}


def _coordinates(network: WalkNetwork, points: Any) -> Floats:
    if not isinstance(points, gpd.GeoDataFrame):
        raise TableError(f"points: found {type(points).__name__}, needed a frame with points")
    if require_metric(points.crs, "points") != network.crs:
        raise TableError(f"points are in {points.crs.name}, the walk network in {network.crs.name}; needed the same")
    other = (points.geometry.geom_type != "Point").to_numpy()
    if other.any():
        row = int(np.flatnonzero(other)[0])
        found = points.geometry.iloc[row]
        kind = "no geometry" if found is None else found.geom_type
        raise TableError(f"points: found {kind} in {_name(points, row)}, needed a Point in every row")
    geometry = points.geometry.array
    xy: Floats = shapely.bounds(geometry)[:, :2]  # NaN where a point is empty
    wild = ~(np.abs(xy) < _WORLD_M).all(axis=1)
    if wild.any():
        row = int(np.flatnonzero(wild)[0])
        raise InputError(f"points: found {geometry[row]} in {_name(points, row)}; needed metres on the earth")
    if len(xy) and (np.abs(xy).max(axis=0) <= _DEGREES).all():
        raise CrsError(
            f"points: found {geometry[0]} in {_name(points, 0)}, and nothing but what may be degrees; needed metres"
        )
    return xy


def _name(points: Any, row: int) -> str:
    """Return what names a row to its reader: its id, else its number."""
    key = next((name for name in _KEYS if name in points.columns), None)
    return f"row {points.index[row]}" if key is None else f"{key} {points[key].iloc[row]!r}"


def _nearest_outside(network: WalkNetwork, xy: Floats, estate: Ints) -> tuple[Ints, Floats, Floats, NDArray[Any]]:
    """Return (edge, along, away, how) among the edges of each point's estate (-1: outside all); edge -1 for none."""
    main = network.component[network.u] == 0
    classes = np.where(network.synthetic, -1, 2 * (network.estate + 1) + main)  # nobody lives on a synthetic piece
    here = np.isin(2 * (estate + 1) + 1, classes)
    edge, along, away = np.full(len(xy), -1), np.zeros(len(xy)), np.full(len(xy), np.inf)
    edge[here], along[here], away[here] = find_nearest(network.grid, xy[here], classes, 2 * (estate[here] + 1) + 1)
    how = np.where(estate < 0, STREET, INSIDE).astype(object)
    doubtful = np.flatnonzero((away > network.rules.component_reach_m) & (estate < 0))
    if len(doubtful):
        island = find_nearest(network.grid, xy[doubtful], classes, 2 * (estate[doubtful] + 1))
        nearer = away[doubtful] > network.rules.component_detour * island[2]
        rows = doubtful[nearer]
        edge[rows], along[rows], away[rows] = (values[nearer] for values in island)
        how[rows] = ISLAND
    return edge, along, away, how


def _own_gates(network: WalkNetwork, xy: Floats, lost: Ints, estate: Ints) -> tuple[Ints, tuple[Any, ...]]:
    """Return the places at the gates of their estates for points with no path inside: (point, (edge, ...))."""
    rows: list[int] = []
    nodes: list[int] = []
    for row in lost.tolist():
        doors = [node for node in network.doors.get(int(estate[row]), ()) if network.component[node] == 0]
        rows += [row] * len(doors)
        nodes += doors
    point, node = np.array(rows, dtype=np.int64), np.array(nodes, dtype=np.int64)
    last = network.indptr[node + 1] - 1  # private arcs stand last: a residents' gate is left through its own lock
    edge = network.arc_edge[last].astype(np.int64)
    along = np.where(network.arc_forward[last], 0.0, network.length_m[edge])
    away = measure_inside(network.walls.outlines, estate[point], xy[point], network.xy[node])
    return point, (edge, along, away, np.where(network.cut_off[node], SHUT_IN, OWN_GATE).astype(object))
