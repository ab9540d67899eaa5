"""Can a plan be made better at all? Every plan that is nowhere worse is looked at, where that is within reach.

The sets of blocks that may be grids of such a plan are listed, and every way to cover the land with them is followed.
Five of the measures are means or shares: a plan is not behind on one where the surpluses of its grids over the start
sum to at least 0. Prices of blocks rule out most sets before, and bound what the rest of a cover can add.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from spatial.division.listing import (
    MOST_BLOCKS,
    SURE,
    WIDTH,
    Range,
    bits_in_contact,
    keeps_rules,
    list_sets,
    lowest,
    range_of,
)
from spatial.division.merits import Terrain
from spatial.division.ruling import rule_out
from spatial.division.standing import (
    BRIGHT,
    CLEAR,
    COMPACTS,
    CUT,
    DEVIATIONS,
    GOALS,
    GRIDS,
    LEAST,
    NEAR,
    WORST,
    Goal,
    judge,
)
from spatial.walking.compiled import inner, kernel

_STEPS, _STEPS_OF_ONE, _MOST_SETS, _COVERING = 100_000_000, 15_000_000, 1_000_000, 5_000_000_000
_STRETCH = 200_000_000
_ROOM = 3


class Shelf(NamedTuple):
    """Sets of blocks that may be grids, by first block: bits, what each adds to the sums, scores (sums of surpluses).

    ``most`` is by block what it can add to each score at most: a set's score is at most the sum over its blocks.
    ``slack`` is how far below 0 a plan's score may be, so that rounding rules nothing out.
    """

    bits: Any
    sums: Any
    score: Any
    most: Any
    slack: Any


class Cover(NamedTuple):
    """A depth-first search for covers, handed on from call to call: by depth the land left, the sums, the pool.

    ``pool`` holds the numbers of the sets that fit into the land left, depth after depth; ``begin`` where each starts,
    ``at`` which is being tried; ``state`` is (depth, sum of gains of the best or -1, plans weighed).
    """

    left: Any
    total: Any
    score: Any
    pool: Any
    begin: Any
    at: Any
    best: Any
    state: Any


def weigh_plans(
    terrain: Terrain, goal: Goal, beside: float, start: Any, tick: Callable[[int], bool]
) -> tuple[bool, Any]:
    """Return (whether every plan was weighed or ruled out; labels of the plan of most gain, None where none gains).

    At most ``MOST_BLOCKS`` blocks; ``start`` are the labels of the given plan, whose grids are connected; ``beside`` is
    how many of its blocks share the grid of a lone one.
    """
    if len(terrain.households) > MOST_BLOCKS:
        return False, None
    listed = _list_all(terrain, goal, range_of(terrain, goal, beside), tick)
    shelf = None if listed is None else _shelve(terrain, goal, *listed, start)
    if shelf is None:
        return False, None
    cover = _begin_cover(shelf)
    done, steps = False, _COVERING
    while not done and steps > 0 and cover.state[0] >= 0.0 and tick(0):
        done = follow_covers(shelf, goal, beside, cover, _STRETCH)
        steps -= _STRETCH
    return done, (cover.best if cover.state[1] >= 0.0 else None)


def _list_all(terrain: Terrain, goal: Goal, limits: Range, tick: Callable[[int], bool]) -> tuple[Any, Any] | None:
    """Return (bits, sums) of all sets that may be grids; None where there are too many, or time is up."""
    near, steps, kept = bits_in_contact(terrain), _STEPS, 0
    bits, sums = [], []
    for root in range(len(near)):
        given = min(steps, _STEPS_OF_ONE)
        unused, some, rows = list_sets(terrain, near, goal, limits, root, given)
        steps -= given - unused
        bits.append(some)
        sums.append(rows)
        kept += len(some)
        if unused < 0 or steps <= 0 or kept > _MOST_SETS or not tick(0):
            return None
    return np.concatenate(bits), np.concatenate(sums)


def _shelve(terrain: Terrain, goal: Goal, bits: Any, sums: Any, start: Any) -> Shelf | None:
    """Return the sets that can be part of a plan that is nowhere worse; None where those of the start are missing."""
    given = np.zeros(int(start.max()) + 1, np.int64)
    np.bitwise_or.at(given, start, np.int64(1) << np.arange(len(start)))
    place = np.flatnonzero(np.isin(bits, given))
    if len(place) != len(given):
        return None
    blocks, metres = float(len(start)), float(terrain.shared_m.sum())
    slack = SURE * np.array([blocks, blocks, metres, metres, blocks])
    scores = rule_out(bits, _surpluses(goal, sums), slack, place)
    return Shelf(bits[scores.kept], sums[scores.kept], scores.score, scores.most, scores.slack)


def _surpluses(goal: Goal, sums: Any) -> Any:
    """Return by set and measure what it adds to the surplus over the start; a plan's must sum to 0 or more."""
    return np.column_stack(
        [
            -sums[:, DEVIATIONS] - goal.start[0] * sums[:, GRIDS],
            sums[:, NEAR] - goal.start[2] * sums[:, GRIDS],
            sums[:, CLEAR] - goal.start[3] * sums[:, CUT],
            sums[:, BRIGHT] - goal.start[4] * sums[:, CUT],
            sums[:, COMPACTS] - goal.start[5] * sums[:, GRIDS],
        ]
    )


def _begin_cover(shelf: Shelf) -> Cover:
    count, scores = shelf.most.shape
    cover = Cover(
        left=np.zeros(count + 2, np.int64),
        total=np.zeros((count + 2, WIDTH)),
        score=np.zeros((count + 2, scores)),
        pool=np.zeros(_ROOM * len(shelf.bits) + 64, np.int64),
        begin=np.zeros(count + 3, np.int64),
        at=np.zeros(count + 2, np.int64),
        best=np.zeros(count, np.int64),
        state=np.array([0.0, -1.0, 0.0]),
    )
    cover.left[0] = (1 << count) - 1
    cover.total[0, LEAST] = 2.0
    cover.pool[: len(shelf.bits)] = np.arange(len(shelf.bits))
    cover.begin[1] = len(shelf.bits)
    return cover


@kernel
def follow_covers(shelf: Shelf, goal: Goal, beside: float, cover: Cover, steps: int) -> bool:
    """Follow covers for so many steps; tell whether all were weighed or ruled out. A depth of -1: no room for pools."""
    depth, value, node = int(cover.state[0]), np.zeros(GOALS), 0
    while steps > 0:
        steps -= 1
        here, end = cover.at[depth], cover.begin[depth + 1]
        node = lowest(cover.left[depth])
        if here >= end or not (shelf.bits[cover.pool[here]] >> np.int64(node)) & 1:
            if depth == 0:
                return True
            depth -= 1
            cover.at[depth] += 1
            continue
        left = cover.left[depth] & ~shelf.bits[cover.pool[here]]
        if _adds_up(shelf, goal, beside, cover, depth, left):
            if left == 0:
                _weigh_cover(shelf, goal, cover, depth, value)
            else:
                steps -= end - here
                room = _fit(shelf, cover, depth, left)
                if room < 0:
                    cover.state[0] = -1.0
                    return False
                if room > 0:
                    depth += 1
                    continue
        cover.at[depth] += 1
    cover.state[0] = depth
    return False


@inner
def _adds_up(shelf: Shelf, goal: Goal, beside: float, cover: Cover, depth: int, left: Any) -> bool:
    """Fill the sums of the next depth; tell whether the land left may make up for what the grids are behind."""
    taken = cover.pool[cover.at[depth]]
    here, below = cover.total[depth], cover.total[depth + 1]
    for i in range(WIDTH):
        below[i] = here[i] + shelf.sums[taken, i]
    below[WORST], below[LEAST] = max(here[WORST], shelf.sums[taken, WORST]), min(here[LEAST], shelf.sums[taken, LEAST])
    for i in range(len(shelf.slack)):
        cover.score[depth + 1, i] = cover.score[depth, i] + shelf.score[taken, i]
        reach, rest = cover.score[depth + 1, i], left
        while rest:
            reach += shelf.most[lowest(rest), i]
            rest &= rest - 1
        if reach < -shelf.slack[i]:
            return False
    return bool(keeps_rules(goal, beside, below))


@inner
def _fit(shelf: Shelf, cover: Cover, depth: int, left: Any) -> int:
    """Fill the pool of the next depth; return how many sets it has, 0 where they do not cover the land, -1: no room."""
    begin, covered = cover.begin[depth + 1], np.int64(0)
    size = begin
    for p in range(cover.at[depth] + 1, begin):
        bits = shelf.bits[cover.pool[p]]
        if bits & ~left == 0:
            if size == len(cover.pool):
                return -1
            cover.pool[size] = cover.pool[p]
            covered |= bits
            size += 1
    if covered != left:
        return 0
    cover.left[depth + 1], cover.at[depth + 1], cover.begin[depth + 2] = left, begin, size
    return int(size - begin)


@inner
def _weigh_cover(shelf: Shelf, goal: Goal, cover: Cover, depth: int, value: Any) -> None:
    """Keep a whole plan if it is behind nowhere, ahead somewhere, and gains most."""
    cover.state[2] += 1.0
    _, gain, fair = judge(goal, cover.total[depth + 1], value)
    ahead = False
    for i in range(7):
        ahead = ahead or value[i] - goal.start[i] > SURE
    if fair and ahead and gain > cover.state[1]:
        cover.state[1] = gain
        for label in range(depth + 1):
            for node in range(len(cover.best)):
                if (shelf.bits[cover.pool[cover.at[label]]] >> np.int64(node)) & 1:
                    cover.best[node] = label
