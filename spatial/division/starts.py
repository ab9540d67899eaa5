"""Where does a search begin? Connected grids of about equal households that keep the ceiling and the locks."""

from typing import Any

import numpy as np

from spatial.division.piece import FREE, Piece
from spatial.division.sizes import Sizes
from spatial.division.tally import may_hold
from spatial.division.trees import Desk, cut_tree, grow_tree, lay_desk, part_subtree
from spatial.walking.columns import narrow
from spatial.walking.compiled import bare, pasted

_TRIES = 4
_MIXED = -1


def start_labels(piece: Piece, sizes: Sizes, grids: int, state: Any) -> Any:
    """Return labels 0..k-1 of connected parts, at first about ``grids`` of them with about equal households.

    They are at most ``grids`` where the piece is connected. A part above the ceiling, or with different locks, is cut
    until none is.
    """
    labels = np.full(len(piece.households), -1, np.int64)
    _start(piece, sizes, labels, grids, lay_desk(piece, sizes, state))
    return labels


def mend_labels(piece: Piece, sizes: Sizes, labels: Any, room: int, state: Any) -> Any:
    """Return labels of which each is connected, keeps the ceiling and holds one lock: parts that do not are cut.

    One part of each keeps the label, the others get labels from ``room`` on.
    """
    out = np.full(len(labels), -1, np.int64)
    given = np.array(labels, dtype=np.int64)
    _mend(piece, sizes, given, out, room, lay_desk(piece, sizes, state))
    return out


@bare
def _start(piece: Piece, sizes: Sizes, labels: Any, grids: int, desk: Desk) -> None:
    """Fill ``labels``, all -1 at first; ``desk.at`` holds the shares of parts, ``desk.toll`` the sides of a cut."""
    piece, sizes, labels, desk = narrow(piece), narrow(sizes), narrow(labels), narrow(desk)
    units, shares, load = len(piece.households), desk.at, np.int64(0)
    for node in range(units):
        load += desk.load[node]
    total: Any = max(load, np.int64(1))
    used, label = np.int64(0), np.int64(0)
    for node in range(units):
        if labels[node] < 0:
            count = grow_tree(piece, labels, np.int64(-1), np.int64(-1), node, 1.0, desk)
            shares[used] = min(max(1, round(grids * desk.weight[node] / total)), count)
            for i in range(count):
                labels[desk.order[i]] = used
            used += 1
    while label < used:
        cut_off = _halve(piece, labels, label, shares[label], desk) if shares[label] > 1 else 0
        if cut_off == 0:
            label += 1
            continue
        for node in range(units):
            if labels[node] == label and desk.toll[node] == 1.0:
                labels[node] = used
        shares[used] = cut_off
        shares[label] -= cut_off
        used += 1
    _cut_unlawful(piece, sizes, labels, used, desk)


@pasted
def _halve(piece: Piece, labels: Any, label: int, shares: int, desk: Desk) -> int:
    """Cut a part in two; mark one side by unit and return its shares, 0 where the part is one unit."""
    root = np.int64(0)
    while labels[root] != label:
        root += 1
    best, cut_off = 1e18, 0
    for _ in range(_TRIES):
        count = grow_tree(piece, labels, label, label, root, 1.0, desk)
        chosen, wanted, mismatch = cut_tree(desk, count, np.int64(0), shares, 0.0)
        if chosen >= 0 and mismatch < best:
            best, cut_off = mismatch, wanted
            part_subtree(desk, count, chosen, np.int64(1))
            for i in range(count):
                desk.toll[desk.order[i]] = desk.part[desk.order[i]]
    return cut_off


@bare
def _mend(piece: Piece, sizes: Sizes, labels: Any, out: Any, room: int, desk: Desk) -> None:
    """Fill ``out``, all -1 at first."""
    piece, sizes, labels, out, desk = narrow(piece), narrow(sizes), narrow(labels), narrow(out), narrow(desk)
    used = np.int64(room)
    for node in range(len(labels)):
        if out[node] >= 0:
            continue
        count = grow_tree(piece, labels, labels[node], labels[node], node, 1.0, desk)
        label = labels[node]
        for other in range(len(labels)):
            if out[other] == label:
                label = used
                used += 1
                break
        for i in range(count):
            out[desk.order[i]] = label
    _cut_unlawful(piece, sizes, out, used, desk)


@pasted
def _cut_unlawful(piece: Piece, sizes: Sizes, labels: Any, used: int, desk: Desk) -> None:
    """Cut connected grids 0..used-1 above the ceiling, or with different locks, in two until there are none."""
    label = np.int64(0)
    while label < used:
        root, mixed, whole = _look_at(piece, sizes, labels, label)
        if whole and not mixed:
            label += 1
            continue
        count = grow_tree(piece, labels, label, label, root, 1.0, desk)
        chosen = _cut_locks(piece, desk, count) if mixed else cut_tree(desk, count, np.int64(0), np.int64(2), 0.0)[0]
        part_subtree(desk, count, chosen, np.int64(1))
        for i in range(count):
            if desk.part[desk.order[i]] == 1:
                labels[desk.order[i]] = used
        used += 1


@pasted
def _look_at(piece: Piece, sizes: Sizes, labels: Any, label: int) -> Any:
    """Return (a unit of the grid, whether it holds different locks, whether it is one unit or keeps the ceiling)."""
    units, households, anchor, lock, mixed = 0, 0, 0, FREE, False
    root: Any = np.int64(0)
    for node in range(len(labels)):
        if labels[node] != label:
            continue
        root = node
        units += 1
        households += piece.households[node]
        anchor = max(anchor, piece.anchor[node])
        if piece.lock[node] != FREE:
            mixed = mixed or lock not in (FREE, piece.lock[node])
            lock = piece.lock[node]
    return root, mixed, units <= 1 or may_hold(sizes, households, anchor)


@pasted
def _cut_locks(piece: Piece, desk: Desk, count: int) -> int:
    """Return the cut of a grown tree that takes off a part with one lock, as near half of the load as possible."""
    for i in range(count):
        desk.mark[desk.order[i]] = piece.lock[desk.order[i]] - FREE
    for i in range(count - 1, 0, -1):
        here, above = desk.mark[desk.order[i]], desk.parent[desk.order[i]]
        if here != 0 and desk.mark[above] != here:
            desk.mark[above] = here if desk.mark[above] == 0 else _MIXED
    half = desk.weight[desk.order[0]] / 2
    least, chosen = 1e18, 1
    for i in range(1, count):
        node = desk.order[i]
        if desk.mark[node] > 0 and abs(desk.weight[node] - half) < least:
            least, chosen = abs(desk.weight[node] - half), i
    for i in range(count):
        desk.mark[desk.order[i]] = 0
    return chosen
