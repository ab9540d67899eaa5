"""Which moves make a division better? Blocks change sides; two grids are joined and cut anew, into one, two or three.

Simulated annealing over connected divisions of one piece. The number of grids is free. Every move keeps every grid
connected; the penalty for leaving the band grows while the temperature falls, so that the search can pass through sizes
outside the band early and ends inside.
"""

from typing import Any

import numpy as np

from spatial.division.piece import Piece
from spatial.division.sizes import STRENGTH, Sizes
from spatial.division.trees import Desk, cut_tree, draw, grow_tree, lay_desk, part_subtree
from spatial.walking.compiled import inner, kernel

_ALONE = 0.1


@inner
def _at(table: Any, households: int) -> Any:
    return table[min(households, len(table) - 1)]


@kernel
def sum_costs(piece: Piece, sizes: Sizes, labels: Any, sums: Any, counts: Any) -> Any:
    """Fill households and blocks by label; return (balance and border cost, penalty)."""
    sums[:] = 0
    counts[:] = 0
    for node in range(len(labels)):
        sums[labels[node]] += piece.households[node]
        counts[labels[node]] += 1
    cost, penalty = 0.0, 0.0
    for label in range(len(sums)):
        if counts[label] > 0:
            cost += _at(sizes.balance, abs(sums[label] - sizes.target))
            penalty += _at(sizes.penalty, sums[label])
    for e in range(len(piece.border)):
        if labels[piece.first[e]] != labels[piece.second[e]]:
            cost += piece.border[e]
    return cost, penalty


@inner
def _stays_connected(piece: Piece, labels: Any, node: int, desk: Desk) -> bool:
    """Tell whether the grid of a block, having other blocks, is connected without it."""
    label, needed, start = labels[node], 0, -1
    for p in range(piece.row[node], piece.row[node + 1]):
        other = piece.neighbor[p]
        if labels[other] == label:
            needed += 1
            start = other
            desk.mark[other] = 2
    if needed <= 1:
        for p in range(piece.row[node], piece.row[node + 1]):
            desk.mark[piece.neighbor[p]] = 0
        return needed == 1
    desk.mark[start] = 1
    desk.mark[node] = 1
    desk.order[0] = start
    met, done, size = 1, 0, 1
    while done < size and met < needed:
        at = desk.order[done]
        done += 1
        for p in range(piece.row[at], piece.row[at + 1]):
            other = piece.neighbor[p]
            if labels[other] == label and desk.mark[other] != 1:
                if desk.mark[other] == 2:
                    met += 1
                desk.mark[other] = 1
                desk.order[size] = other
                size += 1
    for i in range(size):
        desk.mark[desk.order[i]] = 0
    for p in range(piece.row[node], piece.row[node + 1]):
        desk.mark[piece.neighbor[p]] = 0
    desk.mark[node] = 0
    return met == needed


@inner
def _accepts(cost: float, penalty: float, temperature: float, strength: float, state: Any) -> bool:
    worse = cost + strength * penalty
    return worse <= 0.0 or draw(state) < np.exp(-worse / temperature)


@inner
def _flip(
    piece: Piece,
    sizes: Sizes,
    labels: Any,
    sums: Any,
    counts: Any,
    node: int,
    b: int,
    heat: Any,
    desk: Desk,
    state: Any,
) -> Any:
    """Try to move a block to the neighbouring grid b; return the change of (cost, penalty)."""
    a, h = labels[node], piece.households[node]
    cost, penalty = 0.0, 0.0
    for p in range(piece.row[node], piece.row[node + 1]):
        label = labels[piece.neighbor[p]]
        if label == a:
            cost += piece.border[piece.edge[p]]
        elif label == b:
            cost -= piece.border[piece.edge[p]]
    if h > 0 or counts[a] == 1:
        cost += (
            _at(sizes.balance, abs(sums[b] + h - sizes.target))
            - _at(sizes.balance, abs(sums[a] - sizes.target))
            - _at(sizes.balance, abs(sums[b] - sizes.target))
        )
        penalty += _at(sizes.penalty, sums[b] + h) - _at(sizes.penalty, sums[a]) - _at(sizes.penalty, sums[b])
        if counts[a] > 1:
            cost += _at(sizes.balance, abs(sums[a] - h - sizes.target))
            penalty += _at(sizes.penalty, sums[a] - h)
    if not _accepts(cost, penalty, heat[0], heat[1], state):
        return 0.0, 0.0
    if counts[a] > 1 and not _stays_connected(piece, labels, node, desk):
        return 0.0, 0.0
    labels[node] = b
    sums[a] -= h
    sums[b] += h
    counts[a] -= 1
    counts[b] += 1
    return cost, penalty


@inner
def _choose_parts(sizes: Sizes, total: int, grids: int, share: float, state: Any) -> int:
    """Return into how many parts one or two grids are cut anew."""
    if grids == 1 or draw(state) >= share:
        return 2
    return 1 if total <= 2 * sizes.target else 3


@inner
def _free_label(counts: Any, taken: int) -> int:
    for label in range(len(counts)):
        if counts[label] == 0 and label != taken:
            return label
    return -1


@inner
def _weigh_parts(piece: Piece, labels: Any, a: int, b: int, desk: Desk, count: int, fresh: Any, blocks: Any) -> Any:
    """Fill households and blocks of the parts; return (change of border cost, blocks that keep their side)."""
    cost, stay = 0.0, 0
    for i in range(count):
        node = desk.order[i]
        fresh[desk.part[node]] += piece.households[node]
        blocks[desk.part[node]] += 1
        stay += 1 if (labels[node] == a) == (desk.part[node] == 0) else 0
        for p in range(piece.row[node], piece.row[node + 1]):
            other = piece.neighbor[p]
            if other > node and (labels[other] == a or labels[other] == b):
                now, then = labels[other] != labels[node], desk.part[other] != desk.part[node]
                if now != then:
                    cost += piece.border[piece.edge[p]] if then else -piece.border[piece.edge[p]]
    return cost, stay


@inner
def _recut(
    piece: Piece,
    sizes: Sizes,
    labels: Any,
    sums: Any,
    counts: Any,
    root: int,
    b: int,
    heat: Any,
    desk: Desk,
    state: Any,
) -> Any:
    """Try to cut the grid of a block, with its neighbouring grid b, anew; return the change of (cost, penalty)."""
    a = labels[root]
    grids = 1 if a == b else 2
    total = sums[a] + (sums[b] if grids == 2 else 0)
    parts = _choose_parts(sizes, total, grids, heat[2], state)
    count = grow_tree(piece, labels, a, b, root, 2.0 * draw(state), desk, state)
    names = (a, b if grids == 2 else _free_label(counts, -1), _free_label(counts, -1))
    if names[parts - 1] < 0:
        return 0.0, 0.0
    cut, shares, _ = (-1, 0, 0.0) if parts == 1 else cut_tree(desk, count, np.int64(0), parts, 0.3, state)
    if parts > 1:
        if cut < 0:
            return 0.0, 0.0
        part_subtree(desk, count, cut, np.int64(1))
    if parts == 3:
        wider = 1 if shares == 2 else 0
        cut, shares, _ = cut_tree(desk, count, wider, np.int64(2), 0.3, state)
        if cut < 0:
            return 0.0, 0.0
        part_subtree(desk, count, cut, np.int64(2))
    fresh, blocks = np.zeros(3, np.int64), np.zeros(3, np.int64)
    cost, stay = _weigh_parts(piece, labels, a, b, desk, count, fresh, blocks)
    cost -= _at(sizes.balance, abs(sums[a] - sizes.target)) + (
        _at(sizes.balance, abs(sums[b] - sizes.target)) if grids == 2 else 0.0
    )
    penalty = -_at(sizes.penalty, sums[a]) - (_at(sizes.penalty, sums[b]) if grids == 2 else 0.0)
    for part in range(parts):
        cost += _at(sizes.balance, abs(fresh[part] - sizes.target))
        penalty += _at(sizes.penalty, fresh[part])
    if not _accepts(cost, penalty, heat[0], heat[1], state):
        return 0.0, 0.0
    if grids == 2 and parts == 2 and 2 * stay < count:
        names = (names[1], names[0], names[2])
    sums[a], counts[a] = 0, 0
    sums[b], counts[b] = 0, 0
    for part in range(parts):
        sums[names[part]], counts[names[part]] = fresh[part], blocks[part]
    for i in range(count):
        labels[desk.order[i]] = names[desk.part[desk.order[i]]]
    return cost, penalty


@kernel
def anneal(piece: Piece, sizes: Sizes, labels: Any, best: Any, room: int, schedule: Any, moves: int, state: Any) -> Any:
    """Change ``labels`` (0..room-1) by ``moves`` moves; keep the best division met in ``best``; return its cost.

    ``schedule`` is (temperature at the start, at the end, strength of the penalty at the start, at the end, share of
    moves that cut grids anew). Long runs are made of several calls that hand labels, best and state on.
    """
    sums, counts = np.zeros(room, np.int64), np.zeros(room, np.int64)
    cost, penalty = sum_costs(piece, sizes, best, sums, counts)
    least = cost + STRENGTH * penalty
    cost, penalty = sum_costs(piece, sizes, labels, sums, counts)
    desk = lay_desk(piece)
    edges = len(piece.border)
    heat = np.zeros(3)
    heat[2] = schedule[5]
    for move in range(moves):
        if move % 64 == 0:
            done = move / moves
            heat[0] = schedule[0] * (schedule[1] / schedule[0]) ** done
            heat[1] = schedule[2] * (schedule[3] / schedule[2]) ** done
        e = int(draw(state) * edges)
        for _ in range(40):
            if labels[piece.first[e]] != labels[piece.second[e]]:
                break
            e = int(draw(state) * edges)
        node, other = piece.first[e], piece.second[e]
        if draw(state) < 0.5:
            node, other = other, node
        change, extra = 0.0, 0.0
        if draw(state) < schedule[4]:
            b = labels[node] if draw(state) < _ALONE * schedule[5] else labels[other]
            change, extra = _recut(piece, sizes, labels, sums, counts, node, b, heat, desk, state)
        elif labels[node] != labels[other]:
            change, extra = _flip(piece, sizes, labels, sums, counts, node, labels[other], heat, desk, state)
        cost += change
        penalty += extra
        if cost + STRENGTH * penalty < least - 1e-9:
            least = cost + STRENGTH * penalty
            for n in range(len(labels)):
                best[n] = labels[n]
    return least
