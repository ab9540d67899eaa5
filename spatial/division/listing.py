"""Which sets of blocks may be a grid of a plan that is nowhere worse than a given one?

Such a grid is no farther from the target than the farthest of the given plan, and no less compact than its least. Sets
are grown block by block, each block taken or barred; a branch ends where the border that is certain is too long for the
land that may still come, or where what is left outside falls into parts that no number of grids can fill.
"""

from typing import Any, NamedTuple

import numpy as np

from spatial.division.merits import Terrain
from spatial.division.standing import (
    ABOVE,
    CAP,
    COLUMNS,
    COMPACT,
    DEVIATION,
    LEAST,
    OUTLINE,
    SUMS,
    WORST,
    Goal,
    add,
    breach,
    cut_border,
    put,
    settle,
)
from spatial.walking.compiled import grown, inner, kernel

MOST_BLOCKS = 62
"""Blocks are bits of a signed number of 64."""
SURE = 1e-9
BESIDE, WIDTH = SUMS, SUMS + 1


class Range(NamedTuple):
    """What a grid may hold, and what it may not exceed: households, compactness, blocks beside a lone one."""

    low: float
    high: float
    compact: float
    beside: float


def range_of(terrain: Terrain, goal: Goal, beside: float) -> Range:
    """Return the range that the goals leave to each grid."""
    farthest = -float(goal.start[1])
    low, high = terrain.target * (1.0 - farthest), terrain.target * (1.0 + farthest)
    return Range(low - 1e-6, high + 1e-6, float(goal.start[6]) - SURE, beside)


@inner
def bit(node: int) -> Any:
    """Return the number with one bit set."""
    return np.int64(1) << np.int64(node)


@inner
def lowest(bits: Any) -> int:
    """Return the position of the lowest bit set."""
    node = 0
    for step in (32, 16, 8, 4, 2, 1):
        if bits & ((np.int64(1) << np.int64(step)) - 1) == 0:
            bits >>= np.int64(step)
            node += step
    return node


@kernel
def bits_in_contact(terrain: Terrain) -> Any:
    """Return by block the blocks it is in contact with, as bits."""
    near = np.zeros(len(terrain.households), np.int64)
    for node in range(len(near)):
        for p in range(terrain.row[node], terrain.touch[node]):
            near[node] |= bit(terrain.neighbor[p])
    return near


@inner
def _sum_up(terrain: Terrain, bits: Any, grid: Any, out: Any) -> None:
    """Fill what a grid of these blocks adds to the sums of a plan; borders count half on either side."""
    for i in range(COLUMNS):
        grid[i] = 0.0
    for i in range(WIDTH):
        out[i] = 0.0
    grid[CAP] = terrain.ceiling
    for node in range(len(terrain.households)):
        if not (bits >> np.int64(node)) & 1:
            continue
        put(terrain, grid, node)
        for p in range(terrain.row[node], terrain.row[node + 1]):
            if (bits >> np.int64(terrain.neighbor[p])) & 1:
                grid[OUTLINE] -= terrain.shared_m[terrain.edge[p]]
            else:
                cut_border(terrain, out, terrain.edge[p], 0.5)
    settle(terrain, grid)
    add(terrain, out, grid, 1.0)
    out[WORST], out[LEAST], out[BESIDE] = grid[DEVIATION], grid[COMPACT], breach(grid)


@inner
def keeps_rules(goal: Goal, beside: float, sums: Any) -> bool:
    """Tell whether sums over some grids break no hard rule further than the given plan does."""
    for i in range(4):
        if -sums[ABOVE + i] < goal.start[7 + i] - SURE:
            return False
    return bool(sums[BESIDE] <= beside + SURE)


@inner
def _rest_can_be_grids(terrain: Terrain, near: Any, limits: Range, mine: Any, barred: Any, held: float) -> bool:
    """Tell whether each part of the land outside a growing set may still be filled by whole grids or taken up."""
    rest = ~mine & (bit(len(near) - 1) | (bit(len(near) - 1) - 1))
    while rest:
        part = rest & -rest
        front, households = part, 0.0
        while front:
            node = lowest(front)
            front &= front - 1
            households += terrain.households[node]
            new = near[node] & rest & ~part
            part |= new
            front |= new
        rest &= ~part
        taken = limits.high - held if part & ~barred else 0.0
        if part & barred == 0 and households <= taken:
            continue
        grids = max(1.0, np.ceil((households - taken) / limits.high - SURE))
        if grids * limits.low > households:
            return False
    return True


@inner
def _may_be_compact(terrain: Terrain, limits: Range, barred: Any, held: Any) -> bool:
    """Tell whether enough land may still come to make up for the border that is certain."""
    if held[2] <= 0.0:
        return True
    need, area = limits.compact * held[2] * held[2] / (4.0 * np.pi), held[1]
    for node in range(len(terrain.households)):
        if area >= need:
            return True
        if not (barred >> np.int64(node)) & 1 and terrain.households[node] <= limits.high - held[0]:
            area += terrain.area_m2[node]
    return bool(area >= need)


@inner
def _certain_border(terrain: Terrain, node: int, mine: Any, barred: Any) -> Any:
    """Return (border between a block and a set, outline of the block that is certain if it joins the set)."""
    shared, certain = 0.0, terrain.outline_m[node]
    for p in range(terrain.row[node], terrain.row[node + 1]):
        other, metres = np.int64(terrain.neighbor[p]), terrain.shared_m[terrain.edge[p]]
        if (mine >> other) & 1:
            shared += metres
            certain -= metres
        elif not (barred >> other) & 1:
            certain -= metres
    return shared, certain


@kernel
def list_sets(terrain: Terrain, near: Any, goal: Goal, limits: Range, root: int, steps: int) -> Any:
    """Return (steps left, -1 where they did not suffice; bits; sums) of the sets whose first block is ``root``."""
    bits, sums = np.zeros(64, np.int64), np.zeros((64, WIDTH))
    stack, held = np.zeros((len(near) + 2, 3), np.int64), np.zeros((len(near) + 2, 3))
    grid, row = np.zeros(COLUMNS), np.zeros(WIDTH)
    barred = bit(root) | (bit(root) - 1)
    stack[0, 0], stack[0, 1], stack[0, 2] = bit(root), near[root], barred
    held[0, 0], held[0, 1] = terrain.households[root], terrain.area_m2[root]
    held[0, 2] = _certain_border(terrain, root, np.int64(0), barred)[1]
    size, found = 1, 0
    while size > 0 and steps > 0:
        size -= 1
        steps -= 1
        mine, beyond, barred = stack[size, 0], stack[size, 1], stack[size, 2]
        if not _may_be_compact(terrain, limits, barred, held[size]):
            continue
        if not _rest_can_be_grids(terrain, near, limits, mine, barred, held[size, 0]):
            continue
        if beyond & ~barred:
            node = lowest(beyond & ~barred)
            shared, certain = _certain_border(terrain, node, mine, barred)
            households, area, border = held[size, 0], held[size, 1], held[size, 2]
            stack[size, 2] = barred | bit(node)
            held[size, 2] = border + shared
            size += 1
            if households + terrain.households[node] <= limits.high:
                stack[size, 0], stack[size, 1] = mine | bit(node), beyond | near[node]
                stack[size, 2] = barred | bit(node)
                held[size, 0], held[size, 1] = households + terrain.households[node], area + terrain.area_m2[node]
                held[size, 2] = border + certain
                size += 1
            continue
        _sum_up(terrain, mine, grid, row)
        inside = limits.low <= grid[1] <= limits.high and row[LEAST] >= limits.compact
        if inside and keeps_rules(goal, limits.beside, row):
            if found == len(bits):
                bits, sums = grown(bits, 2 * found), _taller(sums, 2 * found)
            bits[found] = mine
            for i in range(WIDTH):
                sums[found, i] = row[i]
            found += 1
    return (steps if size == 0 else -1), bits[:found], sums[:found]


@inner
def _taller(table: Any, rows: int) -> Any:
    out = np.zeros((rows, table.shape[1]))
    for r in range(len(table)):
        for c in range(table.shape[1]):
            out[r, c] = table[r, c]
    return out
