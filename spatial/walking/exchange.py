"""What does the walk network look like to others: as a networkx graph, as street corners?"""

from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely

from spatial.walking.network import WalkNetwork


def to_networkx(network: WalkNetwork) -> nx.MultiDiGraph:
    """Return the network as a directed multigraph: nodes with x, y; edges keyed by edge number, one per direction.

    Edges carry ``seconds`` and ``metres`` of the walk in their direction, and the flags; a direction that nobody walks
    is no edge. A loop is walked both ways by two edges, (e, 0) and (e, 1).
    """
    graph = nx.MultiDiGraph(crs=network.crs)
    for i, (x, y) in enumerate(network.xy.tolist()):
        graph.add_node(i, x=x, y=y, node_id=int(network.node_id[i]))
    for e in range(network.edge_count):
        u, v = int(network.u[e]), int(network.v[e])
        flags = {name: bool(getattr(network, name)[e]) for name in ("private", "steps", "synthetic", "separate")}
        for side, (a, b, seconds) in enumerate(((u, v, network.seconds_uv[e]), (v, u, network.seconds_vu[e]))):
            if np.isfinite(seconds):
                graph.add_edge(a, b, key=(e, side), seconds=float(seconds), metres=float(network.length_m[e]), **flags)
    return graph


def edge_lines(network: WalkNetwork) -> Any:
    """Return the edges as a frame of lines with length, seconds and flags, for a map."""
    owner = np.repeat(np.arange(network.edge_count), np.diff(network.shape_ptr))
    names = ("u", "v", "length_m", "seconds_uv", "seconds_vu", "private", "steps", "synthetic", "separate")
    columns = {name: getattr(network, name) for name in names}
    lines = shapely.linestrings(network.shape_xy, indices=owner)
    return gpd.GeoDataFrame(columns, geometry=lines, crs=network.crs)


def street_corners(network: WalkNetwork, *, min_degree: int = 3) -> Any:
    """Return the corners where at least so many public streets of the main part meet: ``corner_id``, Point, by id.

    A dead end has degree 1, a loop adds 2. Corners are named after their node of the map.
    """
    public = np.flatnonzero(~network.private)
    ends = np.concatenate([network.u[public], network.v[public]])
    degree = np.bincount(ends, minlength=network.node_count)
    rows = np.flatnonzero((degree >= min_degree) & (network.component == 0) & ~network.cut_off)
    ids = pd.array([f"corner-{node}" for node in network.node_id[rows].tolist()], dtype="str")
    frame = gpd.GeoDataFrame({"corner_id": ids}, geometry=shapely.points(network.xy[rows]), crs=network.crs)
    return frame.sort_values("corner_id", kind="stable", ignore_index=True)
