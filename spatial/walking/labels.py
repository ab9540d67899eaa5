"""Which nodes are reached from each site within a limit, and at what cost?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.walking.compiled import bare, row
from spatial.walking.network import WalkNetwork
from spatial.walking.pairs import bind_kernel, fill_blocks, order_by_place, run_in_chunks
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
    order = order_by_place(graph, snaps, first)
    size = np.zeros(count, np.int64)

    def label(rows: slice) -> Any:
        some = order[rows]
        given = first[some], first[some + 1], some, size
        return fill_blocks(lambda at, block: run(*given, at, block), len(some), _BLOCK)

    parts = run_in_chunks(label, count)
    start = np.concatenate([[0], np.cumsum(size)])
    node, cost, other = found = tuple(np.empty(start[-1], dtype) for dtype in _BLOCK)
    for rows, columns in parts:
        at = np.int64(rows.start)
        for block in zip(*columns, strict=True):
            at = _put_in_place(order, at, size, start, block, found)
    walk_s, walk_m = (cost, other) if mode == "time" else (other, cost)
    return Labels(start, node, walk_s, walk_m)


@bare
def _label(arrays, places, how, work, begin, end, site, size, at, block):  # type: ignore[no-untyped-def]
    """Write the labels of the sources from ``at`` on, and their number; return where it stopped, and how many."""
    node, cost, other = block
    public, private, on_public, on_private = work[:4]
    put = np.int64(0)
    for k in range(at, len(begin)):
        opened, inside = search(arrays, places, (begin[k], end[k]), how, work)
        if put + opened + inside > len(node):
            forget(work, opened, inside)
            return k, put
        before = put
        for i in range(opened):
            label = public[row(on_public[row(i)])]
            if inside == 0 or private[row(on_public[row(i)])].cost == np.inf:
                node[row(put)], cost[row(put)], other[row(put)] = label.name, label.cost, label.other
                put += 1
            label.cost = np.inf
        for i in range(inside):
            label = private[row(on_private[row(i)])]
            node[row(put)], cost[row(put)], other[row(put)] = label.name, label.cost, label.other
            put += 1
            label.cost = np.inf
        size[site[k]] = put - before
    return len(begin), put


@bare
def _put_in_place(order, at, size, start, block, found):  # type: ignore[no-untyped-def]
    """Copy labels of the sites ``order[at:]``, as many as a block holds, to where they belong; return what is left."""
    taken = np.int64(0)
    while taken < len(block[0]):
        site = order[at]
        put, many = start[site], size[site]
        for i in range(many):
            found[0][row(put + i)] = block[0][row(taken + i)]
        for i in range(many):
            found[1][row(put + i)] = block[1][row(taken + i)]
        for i in range(many):
            found[2][row(put + i)] = block[2][row(taken + i)]
        taken += many
        at += 1
    return at
