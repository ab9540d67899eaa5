"""What is the best division of a handful of units? All of them are looked at.

Dynamic programming over the subsets of at most ``MOST_BLOCKS`` units: the cheapest way to divide a set among new grids
is its best grid that holds the set's first unit, plus the cheapest way to divide what remains. Today's grids come one
after the other before that: each is inherited by some subset, or by none.
"""

from typing import Any

import numpy as np

from spatial.division.piece import FREE, Piece, renumber_new
from spatial.division.sizes import STRENGTH, Sizes
from spatial.division.tally import balance_at, distance, may_hold, penalty_at
from spatial.walking.columns import narrow
from spatial.walking.compiled import inner, kernel

MOST_BLOCKS, MOST_NAMES = 12, 24


def is_small(piece: Piece) -> bool:
    """Tell whether all divisions of a piece can be looked at."""
    return len(piece.households) <= MOST_BLOCKS and piece.change.shape[1] - 1 <= MOST_NAMES


@inner
def _is_connected(units: int, near: Any) -> bool:
    reached, fresh = units & -units, units & -units
    while fresh:
        grown = 0
        for node in range(len(near)):
            if fresh >> node & 1:
                grown |= near[node]
        fresh = grown & units & ~reached
        reached |= fresh
    return reached == units


@inner
def _price_grid(piece: Piece, sizes: Sizes, units: int) -> Any:
    """Return the cost of a set of units as a grid, with half of its border and without its name; inf if unlawful."""
    households, anchor, lock, border, span = 0, 0, FREE, 0.0, 0.0
    for node in range(len(piece.households)):
        if not units >> node & 1:
            continue
        households += piece.households[node]
        anchor = max(anchor, piece.anchor[node])
        if piece.lock[node] != FREE:
            if lock not in (FREE, piece.lock[node]):
                return np.inf
            lock = piece.lock[node]
        for p in range(piece.row[node], piece.row[node + 1]):
            if not units >> piece.neighbor[p] & 1:
                border += piece.border[piece.edge[p]]
        if sizes.span_weight > 0.0:
            for other in range(node):
                if units >> other & 1:
                    span = max(span, distance(piece, node, other))
    if units & (units - 1) and not may_hold(sizes, households, anchor):
        return np.inf
    cost = balance_at(sizes, households, anchor) + STRENGTH * penalty_at(sizes, households, anchor)
    return cost + 0.5 * border + sizes.span_weight * span


@inner
def _price_grids(piece: Piece, sizes: Sizes) -> Any:
    """Return for every set of units its cost as a grid without its name, infinite where it is no lawful grid."""
    count = len(piece.households)
    near = np.zeros(count, np.int64)
    for node in range(count):
        for p in range(piece.row[node], piece.touch[node]):
            near[node] |= 1 << piece.neighbor[p]
    price = np.full(1 << count, np.inf)
    for units in range(1, 1 << count):
        if _is_connected(units, near):
            price[units] = _price_grid(piece, sizes, units)
    return price


@inner
def _price_name(piece: Piece, name: int, price: Any, named: Any) -> None:
    """Fill by set of units its cost as a grid of this name."""
    count = len(piece.households)
    named[0] = 0.0
    for node in range(count):
        for units in range(1 << node, 2 << node):
            named[units] = named[units ^ (1 << node)] + piece.change[node, name]
    for units in range(1, 1 << count):
        named[units] += price[units]


@kernel
def _solve(piece: Piece, sizes: Sizes) -> Any:
    """Return labels of a cheapest division; grids that inherit none of today's are numbered after those that do."""
    piece, sizes = narrow(piece), narrow(sizes)
    count, olds = len(piece.households), piece.change.shape[1] - 1
    price, named = _price_grids(piece, sizes), np.zeros(1 << count)
    least, choice = np.full((olds + 1, 1 << count), np.inf), np.zeros((olds + 1, 1 << count), np.int64)
    for name in range(olds, -1, -1):
        _price_name(piece, name, price, named)
        least[name, 0] = 0.0
        for units in range(1, 1 << count):
            first = units & -units if name == olds else 0
            others, below = units ^ first, min(name + 1, olds)
            some = others
            while True:
                grid = some | first
                cost = named[grid] + least[below, others ^ some] if grid else least[below, units]
                if cost < least[name, units] - 1e-12:
                    least[name, units], choice[name, units] = cost, grid
                if some == 0:
                    break
                some = (some - 1) & others
    labels, left, name, label = np.zeros(count, np.int64), (1 << count) - 1, 0, olds
    while left:
        grid = choice[name, left]
        for node in range(count):
            if grid >> node & 1:
                labels[node] = name if name < olds else label
        left ^= grid
        label += 1 if name == olds else 0
        name = min(name + 1, olds)
    return labels


def solve_exactly(piece: Piece, sizes: Sizes) -> Any:
    """Return the labels of a cheapest lawful division of a small piece: those below its names of today inherit them."""
    return renumber_new(_solve(piece, sizes), piece.change.shape[1] - 1)
