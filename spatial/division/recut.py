"""How are one or two neighbouring grids cut anew? Along a random tree, where it costs least."""

from typing import Any

import numpy as np

from spatial.division.board import Board, accepts, free_label, note_cuts
from spatial.division.piece import FREE
from spatial.division.tally import add_unit, balance_at, clear_label, column, distance, may_hold, penalty_at
from spatial.division.trees import cut_tree, draw, grow_tree, part_subtree, price_cuts
from spatial.walking.compiled import pasted

_SHY, _HOPELESS = 0.3, 30.0


@pasted
def recut(board: Board, root: int, b: int, counts_share: float) -> Any:
    """Try to cut the grid of a unit, with its neighbouring grid b, anew; return the change of (cost, penalty).

    With b the unit's own grid it is cut in two. ``counts_share`` is how often two grids become one or three.
    """
    a, tally, desk = board.labels[root], board.tally, board.desk
    ceiling = board.sizes.ceiling
    if tally.anchor[a] > ceiling or tally.anchor[b] > ceiling:
        return 0.0, 0.0
    parts = _choose_parts(board, a, b, counts_share)
    if parts == 1 and not may_hold(
        board.sizes, tally.households[a] + tally.households[b], max(tally.anchor[a], tally.anchor[b])
    ):
        return 0.0, 0.0
    count = grow_tree(board.piece, board.labels, a, b, root, 2.0 * draw(desk.state), desk)
    if count < parts or not _part_tree(board, count, parts):
        return 0.0, 0.0
    return _put_down(board, a, b, count, parts)


@pasted
def _choose_parts(board: Board, a: int, b: int, counts_share: float) -> int:
    """Return into how many parts one or two grids are cut anew."""
    if a == b or draw(board.desk.state) >= counts_share:
        return 2
    total = board.tally.households[a] + board.tally.households[b]
    return 1 if total <= 2 * board.sizes.target else 3


@pasted
def _part_tree(board: Board, count: int, parts: int) -> bool:
    """Number the parts of the grown tree; False where it has too few units."""
    desk = board.desk
    if parts == 2:
        price_cuts(board.piece, desk, count)
        part_subtree(desk, count, _draw_cut(board, count), np.int64(1))
    elif parts == 3:
        cut, shares, _ = cut_tree(desk, count, np.int64(0), np.int64(3), _SHY)
        part_subtree(desk, count, cut, np.int64(1))
        wider = np.int64(1) if shares == 2 else np.int64(0)
        cut, shares, _ = cut_tree(desk, count, wider, np.int64(2), _SHY)
        if cut < 0:
            return False
        part_subtree(desk, count, cut, np.int64(2))
    return True


@pasted
def _draw_cut(board: Board, count: int) -> Any:
    """Return a cut of the grown tree by chance, the cheaper the likelier at the temperature (a heat bath)."""
    desk, sizes, heat = board.desk, board.sizes, board.heat
    total = desk.weight[desk.order[0]]
    least = np.inf
    for i in range(1, count):
        node = desk.order[i]
        below, rest = desk.weight[node], total - desk.weight[node]
        desk.toll[node] += balance_at(sizes, below, 0) + balance_at(sizes, rest, 0)
        desk.toll[node] += heat[1] * (penalty_at(sizes, below, 0) + penalty_at(sizes, rest, 0))
        least = min(least, desk.toll[node])
    mass = 0.0
    for i in range(1, count):
        worse = (desk.toll[desk.order[i]] - least) / heat[0]
        desk.toll[desk.order[i]] = np.exp(-worse) if worse < _HOPELESS else 0.0
        mass += desk.toll[desk.order[i]]
    left, chosen = mass * draw(desk.state), 0
    while left >= 0.0 and chosen < count - 1:
        chosen += 1
        left -= desk.toll[desk.order[chosen]]
    return chosen


@pasted
def _put_down(board: Board, a: int, b: int, count: int, parts: int) -> Any:
    """Make the parts of the grown tree grids where that is lawful and accepted; return change of (cost, penalty)."""
    sizes, tally, fresh = board.sizes, board.tally, board.parts
    if not _tally_parts(board, count, parts):
        return 0.0, 0.0
    cost, penalty = _change_borders(board, a, b, count), 0.0
    for part in range(parts):
        cost += balance_at(sizes, fresh.households[part], fresh.anchor[part]) + sizes.span_weight * fresh.span[part]
        penalty += penalty_at(sizes, fresh.households[part], fresh.anchor[part])
    for label in (a, b):
        if label == b and a == b:
            break
        cost -= balance_at(sizes, tally.households[label], tally.anchor[label]) + sizes.span_weight * tally.span[label]
        penalty -= penalty_at(sizes, tally.households[label], tally.anchor[label])
    cost += _name_parts(board, a, b, count, parts)
    if board.names[parts - 1] < 0 or not accepts(board, cost, penalty):
        return 0.0, 0.0
    _relabel(board, a, b, count, parts)
    return cost, penalty


@pasted
def _tally_parts(board: Board, count: int, parts: int) -> bool:
    """Fill ``board.parts``; tell whether each part keeps the ceiling and holds one lock."""
    piece, desk, fresh = board.piece, board.desk, board.parts
    for part in range(parts):
        clear_label(fresh, part)
    for i in range(count):
        node = desk.order[i]
        part = desk.part[node]
        if piece.lock[node] != FREE and fresh.locked[part] > 0 and fresh.lock[part] != piece.lock[node]:
            return False
        add_unit(piece, fresh, node, part)
        if board.sizes.span_weight > 0.0:
            for j in range(i):
                if desk.part[desk.order[j]] == part:
                    fresh.span[part] = max(fresh.span[part], distance(piece, node, desk.order[j]))
    for part in range(parts):
        if fresh.units[part] > 1 and not may_hold(board.sizes, fresh.households[part], fresh.anchor[part]):
            return False
    return True


@pasted
def _change_borders(board: Board, a: int, b: int, count: int) -> Any:
    """Return the change of what borders inside the tree cost."""
    piece, labels, part, cost = board.piece, board.labels, board.desk.part, 0.0
    for i in range(count):
        node = board.desk.order[i]
        for p in range(piece.row[node], piece.row[node + 1]):
            other = piece.neighbor[p]
            if other > node and (labels[other] == a or labels[other] == b):
                now, then = labels[other] != labels[node], part[other] != part[node]
                if now != then:
                    cost += piece.border[piece.edge[p]] if then else -piece.border[piece.edge[p]]
    return cost


@pasted
def _name_parts(board: Board, a: int, b: int, count: int, parts: int) -> Any:
    """Fill ``board.names`` with the cheapest labels of the parts (-1: none free); return the change of their cost."""
    piece, claim, names, now = board.piece, board.claim, board.names, 0.0
    none = piece.change.shape[1] - 1
    names[0], names[1], names[2] = a, b if a != b else -1, -1
    if none > 0:
        for part in range(3):
            claim[part, 0], claim[part, 1], claim[part, 2] = 0.0, 0.0, 0.0
        for i in range(count):
            node = board.desk.order[i]
            part = board.desk.part[node]
            claim[part, 0] += piece.change[node, column(piece, a)]
            claim[part, 1] += piece.change[node, column(piece, b)]
            claim[part, 2] += piece.change[node, none]
            now += piece.change[node, column(piece, board.labels[node])]
    cost = _match_names(board, a, b, parts) if none > 0 else 0.0
    for part in range(parts):
        if names[part] < 0:
            names[part] = free_label(board, none)
            if names[part] < 0:
                names[parts - 1] = -1
                break
    return cost - now


@pasted
def _match_names(board: Board, a: int, b: int, parts: int) -> Any:
    """Choose which part keeps the name a, which b, and which none (-1); return what the names cost."""
    claim, names, least = board.claim, board.names, np.inf
    for x in range(3):
        for y in range(3 if parts > 1 else 1):
            for z in range(3 if parts > 2 else 1):
                twice = (parts > 1 and x == y != 2) or (parts > 2 and (x == z != 2 or y == z != 2))
                missing = a == b and (x == 1 or (parts > 1 and y == 1) or (parts > 2 and z == 1))
                cost = claim[0, x] + (claim[1, y] if parts > 1 else 0.0) + (claim[2, z] if parts > 2 else 0.0)
                if not twice and not missing and cost < least:
                    least = cost
                    names[0] = a if x == 0 else b if x == 1 else -1
                    names[1] = a if y == 0 else b if y == 1 else -1
                    names[2] = a if z == 0 else b if z == 1 else -1
    return least


@pasted
def _relabel(board: Board, a: int, b: int, count: int, parts: int) -> None:
    """Make the parts grids with their names."""
    tally, fresh, names, desk = board.tally, board.parts, board.names, board.desk
    clear_label(tally, a)
    clear_label(tally, b)
    for part in range(parts):
        label = names[part]
        tally.households[label], tally.units[label] = fresh.households[part], fresh.units[part]
        tally.anchor[label], tally.span[label] = fresh.anchor[part], fresh.span[part]
        tally.locked[label], tally.lock[label] = fresh.locked[part], fresh.lock[part]
    for i in range(count):
        board.labels[desk.order[i]] = names[desk.part[desk.order[i]]]
    for i in range(count):
        note_cuts(board, desk.order[i])
