"""How is a stretch of connected units cut into connected parts? By random spanning trees, as ReCom does.

A tree whose clear borders come late is cut where the households balance: both sides stay connected, and the border
falls on clear lines more often than chance would have it (DeFord, Duchin, Solomon: Recombination, 2021).
"""

from typing import Any, NamedTuple

import numpy as np

from spatial.division.piece import Piece
from spatial.division.sizes import Sizes
from spatial.walking.compiled import bare, pasted

_SLOTS = 64
_MIX = np.uint64(2685821657736338717)


class Desk(NamedTuple):
    """Working arrays of the kernels.

    ``state`` is the random generator. ``load`` is by unit: its households, a unit with an anchor counting as the
    target. By unit of a grown tree: its ``parent``, the ``weight`` (load) of its subtree, what the borders about the
    subtree cost (``toll``), and the ``part`` it was put in; ``order`` lists the tree from the root outwards, ``slot``,
    ``waiting``, ``above`` and ``next`` what it may grow to. ``cut``
    lists the borders in contact between grids, ``at`` where each stands in the list (-1: nowhere), ``size`` is its
    length.
    """

    state: Any
    load: Any
    mark: Any
    order: Any
    parent: Any
    weight: Any
    toll: Any
    part: Any
    slot: Any
    waiting: Any
    above: Any
    next: Any
    cut: Any
    at: Any
    size: Any


@pasted
def draw(state: Any) -> Any:
    """Return a number in [0, 1) and move the generator (xorshift64*) on; the same on every machine."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return ((x * _MIX) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


def lay_desk(piece: Piece, sizes: Sizes, state: Any) -> Desk:
    """Return empty working arrays for a piece."""
    count = len(piece.households)
    room = max(len(piece.neighbor), count) + 1
    return Desk(
        state,
        piece.households - np.maximum(0, piece.anchor - sizes.target),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count),
        np.zeros(count, np.int64),
        np.zeros(_SLOTS, np.int64),
        np.zeros(room, np.int64),
        np.zeros(room, np.int64),
        np.zeros(room, np.int64),
        np.zeros(room, np.int64),
        np.zeros(room, np.int64),
        np.zeros(1, np.int64),
    )


@bare
def roll(state: Any) -> Any:
    """Return the next number in [0, 1), as ``draw`` does, to Python."""
    return draw(state)


@pasted
def grow_tree(piece: Piece, labels: Any, a: int, b: int, root: int, bias: float, desk: Desk) -> int:
    """Grow a random spanning tree over the units labelled a or b that hang together; return how many it reached.

    ``desk.order`` holds them from the root outwards, ``desk.parent`` and ``desk.weight`` (load of the subtree) are by
    unit. ``bias`` (at most ``_SLOTS`` / 16 - 1) says how late clear borders enter. Borders wait in slots by their key,
    the last come first in a slot.
    """
    for key in range(_SLOTS):
        desk.slot[key] = -1
    desk.mark[root] = 1
    desk.parent[root] = -1
    count, size, node = np.int64(0), np.int64(0), root
    slot: Any = np.int64(_SLOTS)
    while True:
        desk.order[count] = node
        desk.weight[node] = desk.load[node]
        desk.part[node] = 0
        count += 1
        for p in range(piece.row[node], piece.touch[node]):
            other = piece.neighbor[p]
            if desk.mark[other] == 0 and (labels[other] == a or labels[other] == b):
                key = int(16.0 * (draw(desk.state) + bias * piece.clarity[piece.edge[p]]))
                desk.waiting[size], desk.above[size], desk.next[size] = other, node, desk.slot[key]
                desk.slot[key] = size
                size += 1
                slot = min(slot, key)
        while slot < _SLOTS and (desk.slot[slot] < 0 or desk.mark[desk.waiting[desk.slot[slot]]] == 1):
            if desk.slot[slot] < 0:
                slot += 1
            else:
                desk.slot[slot] = desk.next[desk.slot[slot]]
        if slot == _SLOTS:
            break
        node = desk.waiting[desk.slot[slot]]
        desk.mark[node] = 1
        desk.parent[node] = desk.above[desk.slot[slot]]
    for i in range(count - 1, 0, -1):
        node = desk.order[i]
        desk.weight[desk.parent[node]] += desk.weight[node]
    for i in range(count):
        desk.mark[desk.order[i]] = 0
    return int(count)


@pasted
def price_cuts(piece: Piece, desk: Desk, count: int) -> None:
    """Fill ``desk.toll`` for the grown tree: a border counts below every unit that has just one of its ends below."""
    for i in range(count):
        desk.mark[desk.order[i]] = i + 1
        desk.toll[desk.order[i]] = 0.0
    for i in range(count):
        node = desk.order[i]
        for p in range(piece.row[node], piece.row[node + 1]):
            other = piece.neighbor[p]
            if desk.mark[other] <= i + 1:
                continue
            cost = piece.border[piece.edge[p]]
            desk.toll[node] += cost
            desk.toll[other] += cost
            above = node
            while above != other:
                if desk.mark[above] > desk.mark[other]:
                    above = desk.parent[above]
                else:
                    other = desk.parent[other]
            desk.toll[above] -= 2.0 * cost
    for i in range(count - 1, 0, -1):
        node = desk.order[i]
        desk.toll[desk.parent[node]] += desk.toll[node]
    for i in range(count):
        desk.mark[desk.order[i]] = 0


@pasted
def cut_tree(desk: Desk, count: int, part: int, shares: int, noise: float) -> Any:
    """Cut one part of the grown tree in two; return (position of the cut, shares of the new part, mismatch).

    The part is meant for ``shares`` grids; the cut gives each side a whole number of shares and the least mismatch
    between load and shares (in shares), give or take ``noise``. Position -1 where the part has one unit only.
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
        score = mismatch + noise * draw(desk.state) + 0.2 * abs(wanted / shares - 0.5)
        if score < best:
            best, chosen, new_shares, found = score, i, wanted, mismatch
    return chosen, new_shares, found


@pasted
def part_subtree(desk: Desk, count: int, chosen: int, part: int) -> None:
    """Give the subtree below position ``chosen`` a new part number and take its load off what is above."""
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
