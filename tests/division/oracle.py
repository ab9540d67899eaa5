"""What does the best division of a few units cost? Every lawful grid is listed, every choice of grids looked at.

Written from the model alone: nothing of the engine is used but the shape of its arrays. A grid is a bit set of units;
grids that are connected, within the ceiling and of one lock get a cost, and the cheapest exact cover is found by
dynamic programming over what is covered, the names of today's grids in use among it.
"""

from typing import Any, NamedTuple

import numpy as np

from spatial.division.piece import Piece
from spatial.division.sizes import Sizes

_STRENGTH = 30.0


class Best(NamedTuple):
    """The least cost of all divisions, and labels that cost it; those below the number of grids of today inherit."""

    total: float
    labels: Any


class Sets(NamedTuple):
    """By set of units (the position is the bit set): may it be a grid, its cost without change, change by name."""

    lawful: Any
    cost: Any
    change: Any


def best_division(piece: Piece, sizes: Sizes) -> Best:
    """Return the optimum of a piece of at most 16 units (the fewer, the more grids of today there are)."""
    sets = list_sets(piece, sizes)
    count, olds = len(piece.households), piece.change.shape[1] - 1
    grids = np.flatnonzero(sets.lawful)
    options = [(grids | (1 << (count + o)), sets.cost[grids] + sets.change[grids, o]) for o in range(olds)]
    options.append((grids, sets.cost[grids] + sets.change[grids, olds]))
    bits, cost = (np.concatenate(parts) for parts in zip(*options, strict=True))
    least = np.full(1 << (count + olds), np.inf)
    last = np.zeros(len(least), dtype=np.int64)
    least[0] = 0.0
    units = np.arange(len(least)) & ((1 << count) - 1)
    for unit in range(count):
        below = (1 << unit) - 1
        states = np.flatnonzero((units & below == below) & (units >> unit & 1 == 0) & np.isfinite(least))
        for grid in np.flatnonzero((bits & below == 0) & (bits >> unit & 1 == 1)):
            free = states[states & bits[grid] == 0]
            onto, price = free | bits[grid], least[free] + cost[grid]
            better = price < least[onto]
            least[onto[better]], last[onto[better]] = price[better], bits[grid]
    full = np.flatnonzero(units == (1 << count) - 1)
    at = int(full[np.argmin(least[full])])
    return Best(float(least[at]), _trace_back(last, at, count, olds))


def _trace_back(last: Any, at: int, count: int, olds: int) -> Any:
    grids: list[int] = []
    while at:
        grids.insert(0, int(last[at]))
        at ^= grids[0]
    labels, fresh = np.zeros(count, dtype=np.int64), olds
    for grid in grids:
        name = (grid >> count).bit_length() - 1
        labels[[unit for unit in range(count) if grid >> unit & 1]] = name if name >= 0 else fresh
        fresh += int(name < 0)
    return labels


def list_sets(piece: Piece, sizes: Sizes) -> Sets:
    """Return for every set of units whether it may be a grid and what it costs."""
    count = len(piece.households)
    every = np.arange(1 << count)
    holds = (every[:, None] >> np.arange(count) & 1).astype(bool)
    households = holds @ piece.households
    anchor = np.where(holds, piece.anchor, 0).max(axis=1)
    balance = _look_up(sizes.balance, np.abs(households - np.maximum(sizes.target, anchor)))
    penalty = np.where((anchor > 0) & (households <= anchor), 0.0, _look_up(sizes.penalty, households))
    cost = balance + _STRENGTH * penalty + sizes.span_weight * _span(piece, holds)
    for e in range(len(piece.first)):
        cost += 0.5 * piece.border[e] * (holds[:, piece.first[e]] != holds[:, piece.second[e]])
    lawful = (households <= np.maximum(sizes.ceiling, anchor)) & _one_lock(piece, holds) & _connected(piece, holds)
    return Sets(lawful, cost, holds @ piece.change)


def price_division(piece: Piece, sizes: Sizes, labels: Any) -> float:
    """Return what a division costs, worked out grid by grid; infinity where it breaks a rule."""
    olds, total = piece.change.shape[1] - 1, 0.0
    sets = list_sets(piece, sizes)
    for label in np.unique(labels):
        grid = int((1 << np.flatnonzero(labels == label)).sum())
        if not sets.lawful[grid]:
            return float("inf")
        total += float(sets.cost[grid] + sets.change[grid, min(int(label), olds)])
    return total


def _look_up(table: Any, at: Any) -> Any:
    return table[np.minimum(at, len(table) - 1)]


def _span(piece: Piece, holds: Any) -> Any:
    span = np.zeros(len(holds))
    for a in range(holds.shape[1]):
        for b in range(a):
            away = np.hypot(piece.x[a] - piece.x[b], piece.y[a] - piece.y[b])
            span = np.maximum(span, away * (holds[:, a] & holds[:, b]))
    return span


def _one_lock(piece: Piece, holds: Any) -> Any:
    locks = [holds[:, piece.lock == lock].any(axis=1) for lock in np.unique(piece.lock[piece.lock >= 0])]
    return np.sum(locks, axis=0) <= 1 if locks else np.ones(len(holds), dtype=bool)


def _connected(piece: Piece, holds: Any) -> Any:
    """Tell by set whether it is connected over borders in contact: a connected set is a smaller one and a neighbour."""
    count = holds.shape[1]
    near = np.zeros(count, dtype=np.int64)
    for unit in range(count):
        for p in range(piece.row[unit], piece.touch[unit]):
            near[unit] |= 1 << int(piece.neighbor[p])
    connected, size = np.zeros(len(holds), dtype=bool), holds.sum(axis=1)
    connected[1 << np.arange(count)] = True
    for step in range(2, count + 1):
        sets = np.flatnonzero(size == step)
        for unit in range(count):
            rest = sets ^ (1 << unit)
            connected[sets] |= holds[sets, unit] & (rest & near[unit] != 0) & connected[rest]
    return connected
