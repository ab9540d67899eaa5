"""Which point and prices does a large linear programme come near to, from where the one before it ended?

    least  cost @ point   where   matrix @ point >= least,   low <= point <= high,   counted sites sum to p at most

The primal-dual hybrid gradient method with reflected steps that are drawn to an anchor, which moves when enough is
gained (Lu and Yang, "Restarted Halpern PDHG for linear programming", 2024), and a step of its own for each row and
column (Pock and Chambolle, "Diagonal preconditioning for first order primal-dual algorithms in convex optimization",
2011). No equations are solved: a step reads the matrix twice. A programme that got some rows more goes on from the
point and the prices that it had without them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from spatial.siting.ways import Deadline, Flags, Floats
from spatial.walking.compiled import inner, kernel, row

CHUNK = 100
"""Steps between two looks at the bound and at the clock."""
_FEWEST_CHUNKS, _MOST_CHUNKS = 3, 60
SAFE = 0.99
"""Part of the longest step under which the method is known to converge."""
_LEAST_SIZE = 1e-6
BALANCE, LESS, LEAST_BALANCE = 2.0, 0.5, 0.1
"""Steps of the prices to steps of the point, in natural units: to begin with, from look to look, and at the least. The
first bring new prices up, the last settle all."""
ENOUGH, SOME, PART = 0.2, 0.8, 0.36
"""The anchor moves when what a step changes has fallen to these shares (the second if it rises again), or once this
part of all steps was made from it."""

STEP, EACH, COST, AT, ANCHOR, NEXT, BEYOND, PULL, ANCHOR_PULL, BEYOND_PULL, LOW, HIGH, ROWS = range(13)
"""Rows of ``point``: length of a step, one by that, cost; where the method is, is drawn to, would go, and goes when
reflected; what the prices pay there, at the anchor and beyond; the least and the most it may be. The same rows of
``price``, with the side in place of the cost."""
THRESHOLD, WEIGHT, FIRST, LAST, SINCE, STEPS, SCALARS = range(7)
"""Places of ``scalar``: price of one more site, balance of the steps; what the first and the last step from the anchor
changed, steps since the anchor moved, and all steps."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Looks at the bound after which steps may end, at which they end, a bound that is low enough, and the steps of the
    prices to those of the point to begin with: fewer where the prices were near before."""

    fewest: int = _FEWEST_CHUNKS
    most: int = _MOST_CHUNKS
    goal: float = -np.inf
    balance: float = BALANCE


@dataclass(frozen=True, slots=True)
class Programme:
    """A linear programme as above; ``size`` is the natural unit of the price of a row, ``top`` its largest price.

    The first columns are sites. Where nothing else is said, the point is between 0 and 1, and every site is counted.
    """

    matrix: sparse.csr_array
    cost: Floats
    least: Floats
    size: Floats
    top: Floats
    sites: int
    p: int
    low: Floats | None = None
    high: Floats | None = None
    counted: Flags | None = None


def near_prices(
    programme: Programme,
    start: tuple[Floats, Floats],
    bound: Callable[[Floats], float],
    *,
    enough: float,
    deadline: Deadline,
    pace: Pace = Pace(),
) -> tuple[Floats, Floats, float]:
    """Return point, prices and price of one more site where ``bound`` of the prices, made small, gains little more.

    From a point and prices on, until as many steps as one looks at together gain less than ``enough``, or take longer
    than there is time for.
    """
    matrix = programme.matrix
    by_column = matrix.T.tocsr()
    forward, back = _counted(matrix), _counted(by_column)
    point, price, scalar = np.zeros((ROWS, matrix.shape[1])), np.zeros((ROWS, matrix.shape[0])), np.zeros(SCALARS)
    counted = np.ones(programme.sites, np.bool_) if programme.counted is None else programme.counted
    point[LOW] = 0.0 if programme.low is None else programme.low
    point[HIGH] = 1.0 if programme.high is None else programme.high
    point[STEP], price[STEP] = step_lengths(programme)
    point[EACH], price[EACH] = 1.0 / point[STEP], 1.0 / price[STEP]
    point[COST], price[COST], price[HIGH] = programme.cost, programme.least, programme.top
    point[AT], price[AT] = start
    point[PULL], price[PULL] = matrix.T @ price[AT], matrix @ point[AT]
    point[ANCHOR], price[ANCHOR] = point[AT], price[AT]
    point[ANCHOR_PULL], price[ANCHOR_PULL] = point[PULL], price[PULL]
    best = (point[AT].copy(), price[AT].copy(), 0.0)
    least = bound(price[AT])
    for chunk in range(pace.most):
        left = deadline.left()
        scalar[WEIGHT] = max(pace.balance * LESS**chunk, LEAST_BALANCE)
        _walk(*forward, *back, counted, float(programme.p), CHUNK, point, price, scalar)
        now, before = bound(price[NEXT]), least
        if now < least:
            least, best = now, (point[NEXT].copy(), price[NEXT].copy(), float(scalar[THRESHOLD]))
        short = deadline.left() <= left - deadline.left()
        if short or least <= pace.goal or (chunk >= pace.fewest and before - least < enough):
            break
    return best


def step_lengths(programme: Programme) -> tuple[Floats, Floats]:
    """Return how long steps of the point and of the prices are, place by place."""
    matrix, least = programme.matrix, _LEAST_SIZE * max(float(programme.size.max()), _LEAST_SIZE)
    size = np.maximum(programme.size, least)
    reach = sparse.csr_array((np.abs(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)
    return SAFE / np.maximum(reach.T @ size, size.min()), size / np.maximum(reach.sum(axis=1), 1.0)


def _counted(matrix: sparse.csr_array) -> tuple[NDArray[np.uint64], NDArray[np.uint32], Floats]:
    """Return starts of rows, columns and values, places in arrays as numbers without a sign."""
    return matrix.indptr.astype(np.uint64), matrix.indices.astype(np.uint32), matrix.data


@kernel
def _walk(ptr, index, value, col_ptr, col_index, col_value, counted, p, count, point, price, scalar):  # type: ignore[no-untyped-def]
    """Make so many steps."""
    moved = np.empty(point.shape[1])
    for _ in range(count):
        weight = scalar[WEIGHT]
        slow = 1.0 / weight
        for j in range(len(moved)):
            moved[j] = point[AT, j] - point[STEP, j] * slow * (point[COST, j] - point[PULL, j])
        _project(counted, p, moved, point, scalar)
        there, here, met = 0.0, 0.0, 0.0
        for j in range(len(moved)):
            step = point[NEXT, j] - point[AT, j]
            there += step * step * point[EACH, j]
            point[BEYOND, j] = point[NEXT, j] + step
        _times(ptr, index, value, point[BEYOND], price[BEYOND_PULL])
        for i in range(price.shape[1]):
            aim = price[AT, i] + weight * price[STEP, i] * (price[COST, i] - price[BEYOND_PULL, i])
            price[NEXT, i] = min(max(aim, 0.0), price[HIGH, i])
            step = price[NEXT, i] - price[AT, i]
            here += step * step * price[EACH, i]
            met += step * (price[BEYOND_PULL, i] - price[PULL, i])
            price[BEYOND, i] = price[NEXT, i] + step
        _times(col_ptr, col_index, col_value, price[BEYOND], point[BEYOND_PULL])
        _advance(np.sqrt(max(weight * there + slow * here - met, 0.0)), point, price, scalar)


@inner
def _times(ptr, index, value, of, out):  # type: ignore[no-untyped-def]
    """Write the matrix times ``of``; sums of a row by turns, as one addition would wait for the one before it."""
    one, two, three, four = row(1), row(2), row(3), row(4)
    s = ptr[row(0)]
    for i in range(len(out)):
        end = ptr[row(i) + one]
        first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
        while s + four <= end:
            first += value[s] * of[index[s]]
            second += value[s + one] * of[index[s + one]]
            third += value[s + two] * of[index[s + two]]
            fourth += value[s + three] * of[index[s + three]]
            s += four
        while s < end:
            first += value[s] * of[index[s]]
            s += one
        out[i] = (first + second) + (third + fourth)


@inner
def _project(counted, p, moved, point, scalar):  # type: ignore[no-untyped-def]
    """Write the point next to where it was moved, in the measure of the steps, that keeps its ends and sums to p.

    All counted sites pay the same price for opening, which Newton's method finds from the last one, within what is
    known.
    """
    slow, threshold, low, high = 1.0 / scalar[WEIGHT], scalar[THRESHOLD], -1.0, np.inf
    for _ in range(60):
        over, slope = -p, 0.0
        for j in range(len(counted)):
            if counted[j]:
                aim = moved[j] - point[STEP, j] * slow * threshold
                over += min(max(aim, point[LOW, j]), point[HIGH, j])
                if point[LOW, j] < aim < point[HIGH, j]:
                    slope += point[STEP, j] * slow
        if abs(over) < 1e-9 * p or (threshold == 0.0 and over <= 0.0):
            break
        if over > 0.0:
            low = threshold
        else:
            high = threshold
        aim = threshold + over / slope if slope > 0.0 else -1.0
        if aim <= low or aim >= high:
            aim = 0.5 * (low + high) if high < np.inf else 2.0 * threshold + 1.0
        aim = max(aim, 0.0)
        threshold = aim
    scalar[THRESHOLD] = threshold
    for j in range(len(moved)):
        paid = point[STEP, j] * slow * threshold if j < len(counted) and counted[j] else 0.0
        point[NEXT, j] = min(max(moved[j] - paid, point[LOW, j]), point[HIGH, j])


@inner
def _advance(changed, point, price, scalar):  # type: ignore[no-untyped-def]
    """Go beyond, drawn to the anchor; or move the anchor to what is next."""
    if scalar[SINCE] == 0.0:
        scalar[FIRST] = changed
    scalar[SINCE] += 1.0
    scalar[STEPS] += 1.0
    rises = changed > scalar[LAST] and scalar[SINCE] > 1.0
    fallen = changed <= ENOUGH * scalar[FIRST] or (rises and changed <= SOME * scalar[FIRST])
    if fallen or scalar[SINCE] > PART * scalar[STEPS]:
        _settle(point)
        _settle(price)
        scalar[SINCE] = 0.0
    else:
        part = scalar[SINCE] / (scalar[SINCE] + 1.0)
        _draw(part, point)
        _draw(part, price)
    scalar[LAST] = changed


@inner
def _settle(half):  # type: ignore[no-untyped-def]
    """Move the anchor to what is next, and go on from there."""
    for j in range(half.shape[1]):
        half[AT, j] = half[ANCHOR, j] = half[NEXT, j]
        half[PULL, j] = half[ANCHOR_PULL, j] = 0.5 * (half[PULL, j] + half[BEYOND_PULL, j])


@inner
def _draw(part, half):  # type: ignore[no-untyped-def]
    for j in range(half.shape[1]):
        half[AT, j] = part * half[BEYOND, j] + (1.0 - part) * half[ANCHOR, j]
        half[PULL, j] = part * half[BEYOND_PULL, j] + (1.0 - part) * half[ANCHOR_PULL, j]
