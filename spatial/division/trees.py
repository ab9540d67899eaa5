"""How is a stretch of connected blocks cut into connected parts? By random spanning trees, as ReCom does.

A tree whose clear borders come late is cut where the households balance: both sides stay connected, and the border
falls on clear lines more often than chance would have it (DeFord, Duchin, Solomon: Recombination, 2021).
"""

from typing import Any, NamedTuple

import numpy as np

from spatial.division.piece import Piece
from spatial.walking.compiled import inner, kernel

_MIX = np.uint64(2685821657736338717)
_TRIES = 4


class Desk(NamedTuple):
    """Working arrays of the kernels: marks, the tree in order of growth, and the heap it grows from."""

    mark: Any
    order: Any
    parent: Any
    weight: Any
    part: Any
    heap_key: Any
    heap_node: Any
    heap_parent: Any


@inner
def draw(state: Any) -> Any:
    """Return a number in [0, 1) and move the generator (xorshift64*) on; the same on every machine."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return ((x * _MIX) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@inner
def lay_desk(piece: Piece) -> Desk:
    """Return empty working arrays for a piece."""
    count, room = len(piece.households), len(piece.neighbor) + 1
    return Desk(
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(room),
        np.zeros(room, np.int64),
        np.zeros(room, np.int64),
    )


@inner
def _push(desk: Desk, size: int, key: float, node: int, parent: int) -> None:
    at = size
    while at > 0:
        up = (at - 1) >> 1
        if desk.heap_key[up] <= key:
            break
        desk.heap_key[at] = desk.heap_key[up]
        desk.heap_node[at] = desk.heap_node[up]
        desk.heap_parent[at] = desk.heap_parent[up]
        at = up
    desk.heap_key[at] = key
    desk.heap_node[at] = node
    desk.heap_parent[at] = parent


@inner
def _drop_least(desk: Desk, size: int) -> None:
    last = size - 1
    key, node, parent = desk.heap_key[last], desk.heap_node[last], desk.heap_parent[last]
    at = 0
    while True:
        down = 2 * at + 1
        if down >= last:
            break
        if down + 1 < last and desk.heap_key[down + 1] < desk.heap_key[down]:
            down += 1
        if desk.heap_key[down] >= key:
            break
        desk.heap_key[at] = desk.heap_key[down]
        desk.heap_node[at] = desk.heap_node[down]
        desk.heap_parent[at] = desk.heap_parent[down]
        at = down
    desk.heap_key[at], desk.heap_node[at], desk.heap_parent[at] = key, node, parent


@inner
def grow_tree(piece: Piece, labels: Any, a: int, b: int, root: int, bias: float, desk: Desk, state: Any) -> int:
    """Grow a random spanning tree over the connected blocks labelled a or b; return how many it reached.

    ``desk.order`` holds them from the root outwards, ``desk.parent`` and ``desk.weight`` (households of the subtree)
    are by block. ``bias`` says how late clear borders enter.
    """
    desk.mark[root] = 1
    desk.parent[root] = -1
    count, size, node = np.int64(0), np.int64(0), root
    while True:
        desk.order[count] = node
        desk.weight[node] = piece.households[node]
        desk.part[node] = 0
        count += 1
        for p in range(piece.row[node], piece.row[node + 1]):
            other = piece.neighbor[p]
            if desk.mark[other] == 0 and (labels[other] == a or labels[other] == b):
                _push(desk, size, draw(state) + bias * piece.clarity[piece.edge[p]], other, node)
                size += 1
        while size > 0 and desk.mark[desk.heap_node[0]] == 1:
            _drop_least(desk, size)
            size -= 1
        if size == 0:
            break
        node = desk.heap_node[0]
        desk.mark[node] = 1
        desk.parent[node] = desk.heap_parent[0]
    for i in range(count - 1, 0, -1):
        node = desk.order[i]
        desk.weight[desk.parent[node]] += desk.weight[node]
    for i in range(count):
        desk.mark[desk.order[i]] = 0
    return int(count)


@inner
def cut_tree(desk: Desk, count: int, part: int, shares: int, noise: float, state: Any) -> Any:
    """Cut one part of the grown tree in two; return (position of the cut, shares of the new part, mismatch).

    The part is meant for ``shares`` grids; the cut gives each side a whole number of shares and the least mismatch
    between households and shares (in shares), give or take ``noise``. Position -1 where the part has one block only.
    """
    top = 0
    while desk.part[desk.order[top]] != part:
        top += 1
    total = desk.weight[desk.order[top]]
    each = max(1.0, total / shares)
    best, chosen, new_shares, found = 1e18, -1, 0, 0.0
    for i in range(top + 1, count):
        node = desk.order[i]
        if desk.part[node] != part:
            continue
        wanted = min(max(round(desk.weight[node] / each), 1), shares - 1)
        rest = shares - wanted
        mismatch = (
            abs(desk.weight[node] / each - wanted) / wanted + abs((total - desk.weight[node]) / each - rest) / rest
        )
        score = mismatch + noise * draw(state) + 0.2 * abs(wanted / shares - 0.5)
        if score < best:
            best, chosen, new_shares, found = score, i, wanted, mismatch
    return chosen, new_shares, found


@inner
def part_subtree(desk: Desk, count: int, chosen: int, part: int) -> None:
    """Give the subtree below position ``chosen`` a new part number and take its households off what is above."""
    top = desk.order[chosen]
    old = desk.part[top]
    desk.part[top] = part
    for i in range(chosen + 1, count):
        node = desk.order[i]
        if desk.part[node] == old and desk.part[desk.parent[node]] == part:
            desk.part[node] = part
    up = desk.parent[top]
    while up >= 0 and desk.part[up] == old:
        desk.weight[up] -= desk.weight[top]
        up = desk.parent[up]


@kernel
def start_labels(piece: Piece, grids: int, state: Any) -> Any:
    """Return labels 0..k-1 (k at most ``grids``) of connected parts with about equal households."""
    desk = lay_desk(piece)
    blocks = len(piece.households)
    labels, side = np.zeros(blocks, np.int64), np.zeros(blocks, np.int64)
    shares = np.zeros(grids, np.int64)
    shares[0] = grids
    used, label = np.int64(1), np.int64(0)
    while label < used:
        if shares[label] == 1:
            label += 1
            continue
        cut_off = _halve(piece, labels, label, shares[label], side, desk, state)
        if cut_off == 0:
            shares[label] = 1
            continue
        for node in range(blocks):
            if labels[node] == label and side[node] == 1:
                labels[node] = used
        shares[used] = cut_off
        shares[label] -= cut_off
        used += 1
    return labels


@inner
def _halve(piece: Piece, labels: Any, label: int, shares: int, side: Any, desk: Desk, state: Any) -> int:
    """Cut a part in two; mark one side by block and return its shares, 0 where the part is one block."""
    root = np.int64(0)
    while labels[root] != label:
        root += 1
    best, cut_off = 1e18, 0
    for _ in range(_TRIES):
        count = grow_tree(piece, labels, label, label, root, 1.0, desk, state)
        chosen, wanted, mismatch = cut_tree(desk, count, np.int64(0), shares, 0.0, state)
        if chosen >= 0 and mismatch < best:
            best, cut_off = mismatch, wanted
            part_subtree(desk, count, chosen, np.int64(1))
            for i in range(count):
                side[desk.order[i]] = desk.part[desk.order[i]]
    return cut_off
