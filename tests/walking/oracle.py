"""The slow way to the same answer: split the graph at every place, then plain networkx, three copies for three classes.

A trip is private, then public, then private: copy 0 holds private streets of the start, copy 1 public streets, copy 2
private streets of the end; one steps from a copy to the next at any place. With closed gates there is no copy 2.
"""

import math
from collections import defaultdict
from itertools import pairwise
from typing import Any

import networkx as nx

from spatial.walking.network import WalkNetwork
from spatial.walking.snapping import Snaps


def split_graph(network: WalkNetwork, sites: Snaps, homes: Snaps, mode: str, gates: str) -> nx.DiGraph:
    """Return a graph in the direction opposite to walking, with the access walks as edges of their own."""
    graph = nx.DiGraph()
    copies = (0, 1, 2) if gates == "open" else (0, 1)

    def walk(a: Any, b: Any, seconds: float, metres: float, private: bool) -> None:
        cost = seconds if mode == "time" else metres
        if math.isfinite(seconds):
            for copy in [c for c in copies if (c != 1) == private]:
                tail, head = (copy, b), (copy, a)
                if not graph.has_edge(tail, head) or graph[tail][head]["w"] > cost:
                    graph.add_edge(tail, head, w=cost)

    on_edge: dict[int, list[tuple[float, Any]]] = defaultdict(list)
    for kind, snaps in (("site", sites), ("home", homes)):
        for k in range(len(snaps.point)):
            on_edge[int(snaps.edge[k])].append((float(snaps.offset_m[k]), (kind, k)))
    for e in range(network.edge_count):
        length = float(network.length_m[e])
        places = [(0.0, ("node", int(network.u[e])))]
        places += [(offset, ("split", e, name)) for offset, name in sorted(on_edge.get(e, []))]
        places.append((length, ("node", int(network.v[e]))))
        for (m0, a), (m1, b) in pairwise(places):
            share = (m1 - m0) / length if length else 1.0
            forth, back = network.seconds_uv[e], network.seconds_vu[e]
            walk(a, b, forth * share if share else 0.0, m1 - m0, bool(network.private[e]))
            walk(b, a, back * share if share else 0.0, m1 - m0, bool(network.private[e]))
    for place in {node for _, node in graph.nodes}:
        for copy in copies[:-1]:
            graph.add_edge((copy + 1, place), (copy, place), w=0.0)
    return graph


def oracle_pairs(
    network: WalkNetwork, sites: Snaps, homes: Snaps, limit: float, mode: str = "time", gates: str = "open"
) -> dict[tuple[int, int], float]:
    """Return (site row, home row) -> cost of all pairs within the limit."""
    graph = split_graph(network, sites, homes, mode, gates)
    pace = 1.0 / network.m_per_s if mode == "time" else 1.0
    homes_at = [("split", int(homes.edge[k]), ("home", k)) for k in range(len(homes.point))]
    out: dict[tuple[int, int], float] = {}
    for s in range(len(sites.point)):
        e = int(sites.edge[s])
        end = (2 if gates == "open" else 0 if network.private[e] else 1, ("split", e, ("site", s)))
        reach = limit - sites.access_m[s] * pace
        found = nx.single_source_dijkstra_path_length(graph, end, cutoff=reach, weight="w") if reach >= 0 else {}
        for h, place in enumerate(homes_at):
            walked = min((found[copy, place] for copy in (0, 1, 2) if (copy, place) in found), default=math.inf)
            total = walked + (sites.access_m[s] + homes.access_m[h]) * pace
            if total <= limit and math.isfinite(total):
                pair = (int(sites.point[s]), int(homes.point[h]))
                out[pair] = min(out.get(pair, math.inf), total)
    return out
