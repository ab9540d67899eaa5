"""Which nodes are reached from each site within a limit, and at what cost?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.walking.compiled import bare
from spatial.walking.network import WalkNetwork
from spatial.walking.pairs import bind_kernel, fill_blocks, run_in_chunks
from spatial.walking.search import Gates, Mode, build_graph
from spatial.walking.snapping import Snaps, snap
from spatial.walking.spread import forget, search
from spatial.walking.travel import check_limit

_BLOCK = (np.int32, np.float64, np.float64)


@dataclass(frozen=True, slots=True)
class Labels:
    """Reached nodes, site by site in the order of the input: those of site i are ``start[i]:start[i + 1]``.

    ``walk_s`` and ``walk_m`` are the seconds and metres of the walk from the node to the site. The nodes of a site
    stand in no order that means anything, but always in the same.
    """

    start: NDArray[np.int64]
    node: NDArray[np.int32]
    walk_s: NDArray[np.float64]
    walk_m: NDArray[np.float64]


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
    limit = check_limit(network, limit, mode, gates)
    return label_nodes(network, snap(network, sites), len(sites), limit, (mode, gates))


def label_nodes(network: WalkNetwork, snaps: Snaps, count: int, limit: float, rules: tuple[Mode, Gates]) -> Labels:
    """Return the nodes from which each of ``count`` snapped sites is reached."""
    mode, gates = rules
    graph = build_graph(network, mode)
    first = np.searchsorted(snaps.point, np.arange(count + 1)).astype(np.int64)
    run = bind_kernel(_label, graph, snaps, limit, gates)
    size = np.zeros(count, np.int64)

    def label(rows: slice) -> Any:
        given = graph.node, first[rows.start : rows.stop + 1], size[rows]
        return fill_blocks(lambda at, block: run(*given, at, block), rows.stop - rows.start, _BLOCK)

    parts = [found for _, found in run_in_chunks(label, count)]
    if not parts:
        return Labels(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0), np.zeros(0))
    start = np.concatenate([[0], np.cumsum(size)])
    node, cost, other = (np.concatenate([block for part in parts for block in part[k]]) for k in range(3))
    walk_s, walk_m = (cost, other) if mode == "time" else (other, cost)
    return Labels(start, node, walk_s, walk_m)


@bare
def _label(arrays, places, how, work, name, first, size, at, block):  # type: ignore[no-untyped-def]
    """Write the labels of the sources from ``at`` on, and their number; return where it stopped, and how many."""
    node, cost, other = block
    public, private, on_public, on_private = work[:4]
    put = np.int64(0)
    for k in range(at, len(first) - 1):
        opened, inside = search(arrays, places, (first[k], first[k + 1]), how, work)
        if put + opened + inside > len(node):
            forget(work, opened, inside)
            return k, put
        begin = put
        for i in range(opened):
            s = on_public[i]
            if inside == 0 or private[s].cost == np.inf:
                node[put], cost[put], other[put] = name[s], public[s].cost, public[s].other
                put += 1
            public[s].cost = np.inf
        for i in range(inside):
            s = on_private[i]
            node[put], cost[put], other[put] = name[s], private[s].cost, private[s].other
            put += 1
            private[s].cost = np.inf
        size[k] = put - begin
    return len(first) - 1, put
