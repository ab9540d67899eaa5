"""Can a plan be made better at all? Every plan that is nowhere worse is looked at, where that is within reach.

Each grid of such a plan is itself no farther from the target than the worst grid of the start, and no less compact than
its least: connected sets of blocks that pass are listed, and every way to cover the land with them is weighed. Blocks
are bits of a number, so at most ``MOST_BLOCKS`` take part; how far it gets depends on how good the start is.
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
    DEVIATIONS,
    GOALS,
    LEAST,
    OUTLINE,
    SUMS,
    WORST,
    Goal,
    add,
    breach,
    cut_border,
    judge,
    put,
    settle,
)
from spatial.walking.compiled import grown, inner, kernel

MOST_BLOCKS = 62
_SURE = 1e-9
_BESIDE, _WIDTH = SUMS, SUMS + 1


class Reach(NamedTuple):
    """How much may be looked at: steps of listing sets of blocks, sets kept, steps of covering the land with them."""

    listing: int
    sets: int
    covering: int


class Shelf(NamedTuple):
    """Sets of blocks that may be grids, by their first block: as bits, and what each adds to the sums."""

    bits: Any
    sums: Any
    start: Any


@inner
def _bit(node: int) -> Any:
    return np.int64(1) << np.int64(node)


@inner
def _lowest(bits: Any) -> int:
    node = 0
    while not (bits >> np.int64(node)) & 1:
        node += 1
    return node


@inner
def _sum_up(terrain: Terrain, bits: Any, grid: Any, out: Any) -> None:
    """Fill what a grid of these blocks adds to the sums of a plan; borders count half on either side."""
    for i in range(COLUMNS):
        grid[i] = 0.0
    for i in range(_WIDTH):
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
    out[WORST], out[LEAST], out[_BESIDE] = grid[DEVIATION], grid[COMPACT], breach(grid)


@inner
def _may_be_grid(goal: Goal, beside: float, sums: Any) -> bool:
    if -sums[WORST] < goal.start[1] - _SURE or sums[LEAST] < goal.start[6] - _SURE:
        return False
    return _keeps_rules(goal, beside, sums)


@inner
def _keeps_rules(goal: Goal, beside: float, sums: Any) -> bool:
    for i in range(4):
        if -sums[ABOVE + i] < goal.start[7 + i] - _SURE:
            return False
    return bool(sums[_BESIDE] <= beside + _SURE)


@kernel
def list_sets(terrain: Terrain, goal: Goal, beside: float, reach: Reach) -> Any:
    """Return (whether all were listed, connected sets of blocks that may be grids of a plan that is nowhere worse)."""
    count = len(terrain.households)
    near = np.zeros(count, np.int64)
    for node in range(count):
        for p in range(terrain.row[node], terrain.touch[node]):
            near[node] |= _bit(terrain.neighbor[p])
    most = terrain.target * (1.0 - goal.start[1]) + 1e-6
    least = terrain.target * (1.0 + goal.start[1]) - 1e-6
    bits, sums, start = np.zeros(64, np.int64), np.zeros((64, _WIDTH)), np.zeros(count + 1, np.int64)
    stack = np.zeros((2 * count + 4, 4), np.int64)
    grid, row = np.zeros(COLUMNS), np.zeros(_WIDTH)
    found, steps = 0, 0
    for root in range(count):
        start[root] = found
        stack[0, 0], stack[0, 1], stack[0, 2] = _bit(root), near[root], (_bit(root) << np.int64(1)) - 1
        stack[0, 3] = terrain.households[root]
        size = 1
        while size > 0:
            size -= 1
            steps += 1
            if steps > reach.listing or found >= reach.sets:
                return False, Shelf(bits, sums, start)
            mine, beyond, barred = stack[size, 0], stack[size, 1], stack[size, 2]
            free = beyond & ~barred
            if free:
                node = _lowest(free)
                stack[size, 2] = barred | _bit(node)
                size += 1
                total = stack[size - 1, 3] + terrain.households[node]
                if total <= most:
                    stack[size, 0], stack[size, 1] = mine | _bit(node), beyond | near[node]
                    stack[size, 2], stack[size, 3] = barred | _bit(node), total
                    size += 1
                continue
            if stack[size, 3] < least:
                continue
            _sum_up(terrain, mine, grid, row)
            if _may_be_grid(goal, beside, row):
                if found == len(bits):
                    bits = grown(bits, 2 * found)
                    wider = np.zeros((2 * found, _WIDTH))
                    wider[:found] = sums
                    sums = wider
                bits[found], sums[found] = mine, row
                found += 1
    start[count] = found
    return True, Shelf(bits[:found].copy(), sums[:found].copy(), start)


@inner
def _gain(goal: Goal, total: Any, value: Any) -> float:
    """Return the sum of gains of a whole plan; -1 where it is behind somewhere or ahead nowhere."""
    _, gain, fair = judge(goal, total, value)
    ahead = False
    for i in range(7):
        ahead = ahead or bool(value[i] - goal.start[i] > _SURE)
    return gain if fair and ahead else -1.0


@kernel
def weigh_all(shelf: Shelf, goal: Goal, beside: float, most_grids: float, best: Any, covering: int) -> Any:
    """Fill ``best`` with the labels of the plan of most gain; return (whether all were weighed, gain or -1, plans)."""
    count = len(best)
    total, chosen = np.zeros((count + 1, _WIDTH)), np.zeros(count + 1, np.int64)
    left, value = np.zeros(count + 1, np.int64), np.zeros(GOALS)
    total[0, LEAST], left[0] = 2.0, (_bit(count - 1) - 1) | _bit(count - 1)
    first = 0
    chosen[0] = shelf.start[first]
    depth, least, plans = 0, -1.0, 0
    for _ in range(covering):
        node = _lowest(left[depth])
        at = chosen[depth]
        if at == shelf.start[node + 1]:
            if depth == 0:
                return True, least, plans
            depth -= 1
            chosen[depth] += 1
            continue
        if shelf.bits[at] & ~left[depth]:
            chosen[depth] += 1
            continue
        below = total[depth + 1]
        for i in range(_WIDTH):
            below[i] = total[depth, i] + shelf.sums[at, i]
        below[WORST] = max(total[depth, WORST], shelf.sums[at, WORST])
        below[LEAST] = min(total[depth, LEAST], shelf.sums[at, LEAST])
        if not _keeps_rules(goal, beside, below) or -below[DEVIATIONS] < goal.start[0] * most_grids - 1e-6:
            chosen[depth] += 1
            continue
        left[depth + 1] = left[depth] & ~shelf.bits[at]
        if left[depth + 1]:
            depth += 1
            chosen[depth] = shelf.start[_lowest(left[depth])]
            continue
        plans += 1
        gain = _gain(goal, below, value)
        if gain >= 0.0 and gain > least:
            least = gain
            for label in range(depth + 1):
                for n in range(count):
                    if (shelf.bits[chosen[label]] >> np.int64(n)) & 1:
                        best[n] = label
        chosen[depth] += 1
    return False, least, plans
