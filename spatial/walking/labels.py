"""Which nodes are reached from each site within a limit, and at what cost?"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.walking.chunks import run_in_chunks
from spatial.walking.compiled import bare, row, stream
from spatial.walking.network import WalkNetwork
from spatial.walking.pairs import bind_kernel, order_by_place
from spatial.walking.search import Gates, Mode, build_graph
from spatial.walking.snapping import Snaps, snap
from spatial.walking.spread import forget, search
from spatial.walking.travel import check_limit

_BLOCK_ROWS = 1 << 17
_ROUND_ROWS = 1 << 20
"""Labels, about, that are found before any is put in place: so many are still in the caches of a processor."""
_FEWEST_SITES, _MOST_FIRST = 16, 2048
"""Sites at least that are searched before their labels are put in place, and at most while nobody knows how much sites
reach here."""
_SPARE_ROOM = 1.25
"""Room for the labels of sites that are not looked at yet, as if they reached so many times what others do."""


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
    """Return the nodes from which each of ``count`` snapped sites is reached.

    Sites are searched in the order in which they lie, in blocks that are used again and again, and then put where they
    belong: memory is slow where it is new, so nothing is written to new memory but the answer.
    """
    mode, gates = rules
    graph = build_graph(network, mode)
    first = np.searchsorted(snaps.point, np.arange(count + 1)).astype(np.int64)
    run = bind_kernel(_label, graph, snaps, limit, gates)
    size, start = np.zeros(count, np.int64), np.zeros(count + 1, np.int64)
    found = _make_room(0)
    for rows in _take_rounds(start, _expect_nodes(network, limit / graph.cost_per_m)):
        lie = rows.start + order_by_place(graph, snaps, first[rows.start : rows.stop + 1])
        labelled = _label_round(run, (first[lie], first[lie + 1], lie, size), graph.blocks)
        start[rows.start + 1 : rows.stop + 1] = start[rows.start] + np.cumsum(size[rows])
        found = _have_room(found, start, rows)
        for block, at, filled in labelled:
            _put_in_place(lie, at, size, start, block, filled, found)
            if len(block[0]) == _BLOCK_ROWS:
                graph.blocks.append(block)
    node, cost, other = (column[: start[-1]] for column in found)
    walk_s, walk_m = (cost, other) if mode == "time" else (other, cost)
    return Labels(start, node, walk_s, walk_m)


def _expect_nodes(network: WalkNetwork, limit_m: float) -> float:
    """Return how many nodes lie within the limit of a place, as the crow flies, if they are spread evenly.

    So far a walk does not lead, but nodes stand close where sites are: mostly the two are about the same.
    """
    grid = network.grid
    within = math.pi * limit_m**2 / (grid.columns * grid.rows * grid.cell_m**2)
    return network.node_count * min(1.0, within)


def _take_rounds(start: Any, expected: float) -> Iterator[slice]:
    """Yield rows of sites, as many at a time as have ``_ROUND_ROWS`` labels, if they reach what those before did.

    The more rounds, the more a search costs: sites that lie together are in different ones.
    """
    at, count = 0, len(start) - 1
    while at < count:
        each = start[at] / at if at else expected
        most = max(_FEWEST_SITES, int(_ROUND_ROWS / max(each, 1.0)))
        rows = slice(at, min(count, at + (most if at else min(most, _MOST_FIRST))))
        yield rows
        at = rows.stop


def _label_round(run: Any, sites: tuple[Any, ...], spare: deque[Any]) -> list[tuple[Any, int, int]]:
    """Return (block, the first site in it, rows that are filled) until all sites are labelled, in their order."""

    def label(rows: slice) -> list[tuple[Any, int, int]]:
        filled, at, size = [], rows.start, _BLOCK_ROWS
        while at < rows.stop:
            try:
                block = spare.pop() if size == _BLOCK_ROWS else _make_room(size)
            except IndexError:
                block = _make_room(size)
            after, many = run(*sites, at, rows.stop, block)
            if after == at:  # there is no room for a single site
                size *= 4
            else:
                filled.append((block, at, many))
            at = after
        return filled

    return [one for _, blocks in run_in_chunks(label, len(sites[0])) for one in blocks]


def _have_room(found: tuple[Any, ...], start: Any, rows: slice) -> tuple[Any, ...]:
    """Return the columns, or larger ones, with room for the labels of these sites and, likely, of all that follow."""
    needed = int(start[rows.stop])
    if needed <= len(found[0]):
        return found
    count = len(start) - 1
    larger = _make_room(needed if rows.stop == count else math.ceil(_SPARE_ROOM * needed * count / rows.stop))
    for old, new in zip(found, larger, strict=True):
        new[: start[rows.start]] = old[: start[rows.start]]
    return larger


def _make_room(rows: int) -> tuple[Any, ...]:
    """Return columns (node, cost, other) of so many rows, in one piece: of large ones numpy asks for large pages."""
    piece = np.empty(20 * rows, np.uint8)
    return (
        piece[16 * rows :].view(np.int32),
        piece[: 8 * rows].view(np.float64),
        piece[8 * rows : 16 * rows].view(np.float64),
    )


@bare
def _label(arrays, places, how, work, begin, end, site, size, at, stop, block):  # type: ignore[no-untyped-def]
    """Write the labels of the sources ``at:stop``, and their numbers; return where it stopped, and how many."""
    public, private, on_public, on_private = work[:4]
    node, cost, other = block
    put = np.int64(0)
    for k in range(at, stop):
        opened, inside = search(arrays, places, (begin[k], end[k]), how, work)
        if put + opened + inside > len(node):
            forget(work, opened, inside)
            return k, put
        before = put
        for i in range(opened if inside == 0 else 0):
            label = public[row(on_public[row(i)])]
            node[row(put + i)], cost[row(put + i)], other[row(put + i)] = label.name, label.cost, label.other
            label.cost = np.inf
        put += opened if inside == 0 else 0
        for i in range(opened if inside else 0):  # written over by the next one where the private label counts
            label = public[row(on_public[row(i)])]
            node[row(put)], cost[row(put)], other[row(put)] = label.name, label.cost, label.other
            put += private[row(on_public[row(i)])].cost == np.inf
            label.cost = np.inf
        for i in range(inside):
            label = private[row(on_private[row(i)])]
            node[row(put)], cost[row(put)], other[row(put)] = label.name, label.cost, label.other
            put += 1
            label.cost = np.inf
        size[site[k]] = put - before
    return stop, put


@bare
def _put_in_place(site, at, size, start, block, filled, found):  # type: ignore[no-untyped-def]
    """Copy labels of the sites ``site[at:]``, as many as a block holds, to where they belong."""
    taken = np.int64(0)
    while taken < filled:
        put, many = start[site[at]], size[site[at]]
        for i in range(many):
            stream(found[0], row(put + i), block[0][row(taken + i)])
        for i in range(many):
            stream(found[1], row(put + i), block[1][row(taken + i)])
        for i in range(many):
            stream(found[2], row(put + i), block[2][row(taken + i)])
        taken += many
        at += 1
