"""What do other engines take for the same graph, the same sources (on nodes) and the same limit?

Each peer that is not installed is told so in the table. Figures are processor seconds, and what came out.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import scipy.sparse as sp
import scipy.sparse.csgraph

from spatial.walking.exchange import to_networkx
from spatial.walking.network import WalkNetwork


def scipy_search(network: WalkNetwork, limit_m: float) -> Callable[[Any], int]:
    """Return a function that counts the nodes within reach of nodes, one by one."""
    tail = np.repeat(np.arange(network.node_count), np.diff(network.indptr))
    arcs = np.flatnonzero(np.isfinite(network.arc_back_s))
    order = arcs[np.lexsort((network.arc_m[arcs], network.heads[arcs], tail[arcs]))]
    first = np.ones(len(order), dtype=bool)  # of parallel arcs the shortest
    first[1:] = (np.diff(tail[order]) != 0) | (np.diff(network.heads[order]) != 0)
    keep = order[first]
    weights = np.maximum(network.arc_m[keep], 1e-9)  # a zero is no edge to scipy
    shape = (network.node_count, network.node_count)
    matrix = sp.csr_matrix((weights, (tail[keep], network.heads[keep])), shape=shape)
    find = scipy.sparse.csgraph.dijkstra
    return lambda nodes: sum(int(np.isfinite(find(matrix, indices=n, limit=limit_m)).sum()) for n in nodes)


def networkx_search(network: WalkNetwork, limit_m: float) -> Callable[[Any], int]:
    """Return a function that counts the nodes within reach of nodes, one by one."""
    graph, find = nx.DiGraph(), nx.single_source_dijkstra_path_length
    edges = sorted(
        to_networkx(network).edges(data="metres"), key=lambda edge: -edge[2]
    )  # of parallel ones the shortest
    graph.add_nodes_from(range(network.node_count))
    graph.add_weighted_edges_from([(b, a, metres) for a, b, metres in edges], weight="metres")
    return lambda nodes: sum(len(find(graph, int(n), cutoff=limit_m, weight="metres")) for n in nodes)


def pandana_network(network: WalkNetwork) -> Any:
    """Return pandana's network; nothing is searched ahead, which would be the work that is measured.

    Raises
    ------
    ImportError
        If pandana is not installed.
    """
    pandana = import_module("pandana")
    walked = np.isfinite(network.seconds_uv) & np.isfinite(network.seconds_vu)
    weights = pd.DataFrame({"metres": network.length_m[walked]})
    x, y = (pd.Series(network.xy[:, axis]) for axis in (0, 1))
    return pandana.Network(x, y, pd.Series(network.u[walked]), pd.Series(network.v[walked]), weights, twoway=True)
