"""What is the best division of a handful of blocks? All of them are looked at.

Dynamic programming over the subsets of at most ``MOST_BLOCKS`` blocks: the cheapest way to divide a set is its best
grid that holds the set's first block, plus the cheapest way to divide what remains.
"""

from typing import Any

import numpy as np

from spatial.division.piece import Piece
from spatial.division.sizes import STRENGTH, Sizes
from spatial.walking.compiled import inner, kernel

MOST_BLOCKS = 12


@inner
def _is_connected(blocks: int, near: Any) -> bool:
    reached, fresh = blocks & -blocks, blocks & -blocks
    while fresh:
        grown = 0
        for node in range(len(near)):
            if fresh >> node & 1:
                grown |= near[node]
        fresh = grown & blocks & ~reached
        reached |= fresh
    return reached == blocks


@inner
def _price_grids(piece: Piece, sizes: Sizes, near: Any) -> Any:
    """Return for every set of blocks its cost as a grid (half of its border), infinite where it is not connected."""
    price = np.full(1 << len(near), np.inf)
    for blocks in range(1, len(price)):
        if not _is_connected(blocks, near):
            continue
        households, border = 0, 0.0
        for node in range(len(near)):
            if blocks >> node & 1:
                households += piece.households[node]
                for p in range(piece.row[node], piece.row[node + 1]):
                    if not blocks >> piece.neighbor[p] & 1:
                        border += piece.border[piece.edge[p]]
        off = min(abs(households - sizes.target), len(sizes.balance) - 1)
        size = min(households, len(sizes.penalty) - 1)
        price[blocks] = sizes.balance[off] + STRENGTH * sizes.penalty[size] + 0.5 * border
    return price


@kernel
def solve_exactly(piece: Piece, sizes: Sizes) -> Any:
    """Return the labels of a cheapest connected division of a piece of at most ``MOST_BLOCKS`` blocks."""
    count = len(piece.households)
    near = np.zeros(count, np.int64)
    for node in range(count):
        for p in range(piece.row[node], piece.row[node + 1]):
            near[node] |= 1 << piece.neighbor[p]
    price = _price_grids(piece, sizes, near)
    least, choice = np.full(1 << count, np.inf), np.zeros(1 << count, np.int64)
    least[0] = 0.0
    for blocks in range(1, 1 << count):
        first = blocks & -blocks
        others = blocks ^ first
        some = others
        while True:
            cost = price[some | first] + least[others ^ some]
            if cost < least[blocks] - 1e-12:
                least[blocks], choice[blocks] = cost, some | first
            if some == 0:
                break
            some = (some - 1) & others
    labels = np.zeros(count, np.int64)
    left, label = (1 << count) - 1, 0
    while left:
        for node in range(count):
            if choice[left] >> node & 1:
                labels[node] = label
        left ^= choice[left]
        label += 1
    return labels
