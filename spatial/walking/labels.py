"""Which nodes are reached from each site within a limit, and at what cost?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.walking.compiled import grown, kernel
from spatial.walking.network import WalkNetwork
from spatial.walking.pairs import read_snaps, run_in_chunks, spread
from spatial.walking.search import NEVER, TIE, Gates, Mode, build_graph, clear_work, make_work, ring_size, search, seed
from spatial.walking.snapping import snap
from spatial.walking.travel import check_limit

_FIRST_LABELS = 4096


@dataclass(frozen=True, slots=True)
class Labels:
    """Reached nodes, site by site in the order of the input: those of site i are ``start[i]:start[i + 1]``.

    ``cost`` is the walk from the node to the site in seconds or, in distance mode, metres.
    """

    start: NDArray[np.int64]
    node: NDArray[np.int64]
    cost: NDArray[np.float64]


def reach_nodes(
    network: WalkNetwork, sites: Any, *, limit: float | None = None, mode: Mode = "time", gates: Gates = "open"
) -> Labels:
    """Return the nodes from which each site is reached within the limit, each once.

    Limits, modes and gates are those of ``travel_times``.

    Raises
    ------
    InputError, TableError, CrsError
        As ``travel_times``.
    """
    bound = min(check_limit(network, limit, mode, gates), NEVER) + TIE
    graph, snaps = build_graph(network, mode), snap(network, sites)
    first = np.searchsorted(snaps.point, np.arange(len(sites) + 1)).astype(np.int64)
    how = (bound, graph.width, ring_size(graph, bound, spread(snaps, graph)), gates == "open")
    read = read_snaps(graph, snaps)

    def run(rows: slice) -> Any:
        return _label(graph.arcs, graph.edges, read, first[rows.start : rows.stop + 1], how)

    parts = [found for _, found in run_in_chunks(run, len(sites))]
    if not parts:
        return Labels(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0))
    counts = np.concatenate([np.diff(start) for start, _, _ in parts])
    start = np.concatenate([[0], np.cumsum(counts)])
    return Labels(start, np.concatenate([part[1] for part in parts]), np.concatenate([part[2] for part in parts]))


@kernel
def _label(arcs, edges, snaps, first, how):  # type: ignore[no-untyped-def]
    limit, width, ring, leaves = how
    nodes = len(arcs[0]) - 1
    work = make_work(nodes, ring)
    best = np.full(nodes, np.inf)
    start = np.zeros(len(first), np.int64)
    node, cost = np.empty(_FIRST_LABELS, np.int64), np.empty(_FIRST_LABELS, np.float64)
    put = 0
    for k in range(len(first) - 1):
        seeds = seed(edges, snaps, first[k], first[k + 1], nodes)
        states = search(arcs, seeds, limit, width, leaves, work)
        if put + states > len(node):
            node, cost = grown(node, 2 * (put + states)), grown(cost, 2 * (put + states))
        begin = put
        for i in range(states):
            s = work[5][i]
            at = s if s < nodes else s - nodes if s < 2 * nodes else s - 2 * nodes
            if best[at] == np.inf:
                node[put] = at
                put += 1
            best[at] = min(best[at], work[0][s])
        for i in range(begin, put):
            cost[i] = best[node[i]]
            best[node[i]] = np.inf
        clear_work(work, states)
        start[k + 1] = put
    return start, node[:put].copy(), cost[:put].copy()
