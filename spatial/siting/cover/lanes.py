"""Where do steps come to in several parts of one programme, all of them taken at once?

Parts of a branching differ in the ends of their sites alone. The numbers of a place in all parts lie side by side, in
lanes: what is read of the matrix, which takes most of the time of a step, serves them all. The steps are those of
``steps.py`` where no site is counted, with one anchor for all lanes. Numbers are rounded to 24 bits: where prices came
from does not matter to what they prove.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray
from scipy import sparse

from spatial.siting.cover.programme import Ends, Posed
from spatial.siting.cover.steps import CHUNK, ENOUGH, LEAST_BALANCE, LESS, PART, SAFE, SOME, Programme, step_lengths
from spatial.siting.ways import Deadline, Floats, Ints
from spatial.walking.compiled import inner, kernel

LANES = 8
"""Parts at once, as many numbers as a register has room for."""
_EVERY = 10
"""Steps from one look at what they change to the next."""
_AT, _ANCHOR, _NEXT, _BEYOND, _PULL, _ANCHOR_PULL, _BEYOND_PULL, _STEP, _COST, _LOW, _HIGH, _ROWS = range(12)
"""Rows of ``point`` and ``price``, as in ``steps.py``."""
_FIRST, _LAST, _SINCE, _STEPS, _SCALARS = range(5)

Half = tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.float32]]
"""A matrix: where rows start, columns, values."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """What all parts of a programme share: its matrix by row and by column, lengths of steps of point and prices."""

    posed: Posed
    forward: Half
    back: Half
    steps: tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class Lane:
    """A part: ends of its sites, and the point and prices where steps begin."""

    ends: Ends
    point: Floats
    price: Floats


def make_lanes(posed: Posed) -> Lanes | None:
    """Return what parts of a programme share, None where sites are counted: then one price depends on all of them."""
    if posed.sides.counted.any():
        return None
    return Lanes(posed, _half(posed.programme.matrix), _half(posed.back), step_lengths(posed.programme))


def near_lanes(
    shared: Lanes, parts: list[Lane], goal: float, looks: int, balance: float, deadline: Deadline
) -> list[tuple[Floats, Floats]]:
    """Return point and prices of each part where its bound was best at so many looks, fewer if all reach the goal."""
    posed = shared.posed
    filled = [parts[min(k, len(parts) - 1)] for k in range(LANES)]
    balls = np.unique(np.concatenate([posed.held(lane.ends) for lane in filled]))
    programme, lengths = posed.with_balls(balls), _lengths(shared, balls)
    back = programme.matrix.T.tocsr() if len(balls) else posed.back
    asked = posed.prices_of(balls)
    lacks = np.zeros((len(posed.touched), LANES))
    low = np.vstack((np.stack([lane.ends[0][: posed.sites] for lane in filled], 1), lacks))
    high = np.vstack((np.stack([lane.ends[1][: posed.sites] for lane in filled], 1), lacks + 1.0))
    held = np.stack([lane.ends[0][posed.sites + balls] > 0.5 for lane in filled], 1)
    top = np.repeat(programme.top[:, None], LANES, 1)
    top[len(top) - len(balls) :][~held] = 0.0
    x, y = np.stack([lane.point for lane in filled], 1), np.stack([lane.price[asked] for lane in filled], 1)
    x = np.clip(x, low, high)
    point = _rows(x, back @ y, (lengths[0], programme.cost), low, high)
    price = _rows(y, programme.matrix @ x, (lengths[1], programme.least), np.zeros_like(y), top)
    forward, across = (_half(programme.matrix), _half(back)) if len(balls) else (shared.forward, shared.back)
    scalar, bound = np.zeros(_SCALARS), _bounds(programme, back, low, high, top)
    best = bound(y)
    for look in range(looks):
        left = deadline.left()
        weight = max(balance * LESS**look, LEAST_BALANCE)
        _walk(*forward, *across, CHUNK, np.float32(weight), point, price, scalar)
        now, reached = price[_NEXT].reshape(-1, LANES).astype(np.float64), point[_NEXT].reshape(-1, LANES)
        value = bound(now)
        better = value > best
        x[:, better], y[:, better], best = reached[:, better], now[:, better], np.maximum(best, value)
        if (best > goal).all() or deadline.left() <= left - deadline.left():
            break
    paid = np.zeros((len(parts), len(parts[0].price)))
    paid[:, asked] = y[:, : len(parts)].T
    return [(x[:, k].copy(), paid[k]) for k in range(len(parts))]


def _lengths(shared: Lanes, balls: Ints) -> tuple[Floats, Floats]:
    """Return the lengths of steps with rows for some balls."""
    point, price = shared.steps
    more, size = shared.posed.balls[balls], shared.posed.ball_size
    slow = 1.0 / point
    slow[: more.shape[1]] += size / SAFE * more.sum(axis=0)
    return 1.0 / slow, np.concatenate((price, size / np.diff(more.indptr)))


def _half(matrix: sparse.csr_array) -> Half:
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.uint32), matrix.data.astype(np.float32)


def _rows(at: Floats, pull: Floats, same: tuple[Floats, Floats], low: Floats, high: Floats) -> NDArray[np.float32]:
    """Return the numbers of a point or of prices to begin with; ``same`` are those that all lanes have in common."""
    out = np.zeros((_ROWS, at.size), np.float32)
    for row, value in ((_AT, at), (_ANCHOR, at), (_PULL, pull), (_ANCHOR_PULL, pull), (_LOW, low), (_HIGH, high)):
        out[row] = value.ravel()
    for row, one in ((_STEP, same[0]), (_COST, same[1])):
        out[row] = np.repeat(one, LANES)
    return out


def _bounds(
    programme: Programme, back: sparse.csr_array, low: Floats, high: Floats, top: Floats
) -> Callable[[Floats], Floats]:
    """Return the function of prices by lane that tells what they prove, as ``Posed.proves`` without sides."""
    cost = programme.cost[:, None]

    def bound(price: Floats) -> Floats:
        allowed = np.clip(price, 0.0, top)
        left = cost - back @ allowed
        total: Floats = programme.least @ allowed + np.minimum(left * low, left * high).sum(axis=0)
        return total

    return bound


@kernel
def _walk(ptr, index, value, col_ptr, col_index, col_value, count, weight, point, price, scalar):  # type: ignore[no-untyped-def]
    """Make so many steps."""
    slow = np.float32(1.0) / weight
    for step in range(count):
        _move(point, slow)
        _times(ptr, index, value, point[_BEYOND], price[_BEYOND_PULL])
        _raise(price, weight)
        _times(col_ptr, col_index, col_value, price[_BEYOND], point[_BEYOND_PULL])
        settles = False
        if (step + 1) % _EVERY == 0:
            settles = _settles(_changed(point, price, weight), scalar)
        scalar[_SINCE] += 1.0
        scalar[_STEPS] += 1.0
        if settles:
            _settle(point)
            _settle(price)
            scalar[_SINCE] = 0.0
        else:
            part = np.float32(scalar[_SINCE] / (scalar[_SINCE] + 1.0))
            _draw(part, point[_AT], point[_BEYOND], point[_ANCHOR])
            _draw(part, point[_PULL], point[_BEYOND_PULL], point[_ANCHOR_PULL])
            _draw(part, price[_AT], price[_BEYOND], price[_ANCHOR])
            _draw(part, price[_PULL], price[_BEYOND_PULL], price[_ANCHOR_PULL])


@inner
def _move(half, slow):  # type: ignore[no-untyped-def]
    """Move the point against what it costs, within its ends, and reflect it."""
    at, following, beyond, pull = half[_AT], half[_NEXT], half[_BEYOND], half[_PULL]
    length, cost, low, high = half[_STEP], half[_COST], half[_LOW], half[_HIGH]
    for t in range(len(at)):
        aim = min(max(at[t] - length[t] * slow * (cost[t] - pull[t]), low[t]), high[t])
        following[t] = aim
        beyond[t] = aim + aim - at[t]


@inner
def _raise(half, weight):  # type: ignore[no-untyped-def]
    """Move the prices towards what is lacking, within what is allowed, and reflect them."""
    at, following, beyond, pull = half[_AT], half[_NEXT], half[_BEYOND], half[_BEYOND_PULL]
    length, least, low, high = half[_STEP], half[_COST], half[_LOW], half[_HIGH]
    for t in range(len(at)):
        aim = min(max(at[t] + length[t] * weight * (least[t] - pull[t]), low[t]), high[t])
        following[t] = aim
        beyond[t] = aim + aim - at[t]


@inner
def _changed(point, price, weight):  # type: ignore[no-untyped-def]
    """Return how much the last step changed in all lanes, in the measure of the steps."""
    there, here, met = 0.0, 0.0, 0.0
    for t in range(point.shape[1]):
        step = point[_NEXT, t] - point[_AT, t]
        there += step * step / point[_STEP, t]
    for t in range(price.shape[1]):
        step = price[_NEXT, t] - price[_AT, t]
        here += step * step / price[_STEP, t]
        met += step * (price[_BEYOND_PULL, t] - price[_PULL, t])
    return np.sqrt(max(weight * there + here / weight - met, 0.0))


@inner
def _settles(changed, scalar):  # type: ignore[no-untyped-def]
    """Tell whether the anchor moves."""
    if scalar[_SINCE] < _EVERY:
        scalar[_FIRST] = changed
    rises = changed > scalar[_LAST] and scalar[_SINCE] >= _EVERY
    fallen = changed <= ENOUGH * scalar[_FIRST] or (rises and changed <= SOME * scalar[_FIRST])
    scalar[_LAST] = changed
    return fallen or scalar[_SINCE] + 1.0 > PART * (scalar[_STEPS] + 1.0)


@inner
def _settle(half):  # type: ignore[no-untyped-def]
    """Move the anchor to what is next, and go on from there."""
    for t in range(half.shape[1]):
        half[_AT, t] = half[_ANCHOR, t] = half[_NEXT, t]
        middle = np.float32(0.5) * (half[_PULL, t] + half[_BEYOND_PULL, t])
        half[_PULL, t] = half[_ANCHOR_PULL, t] = middle


@inner
def _draw(part, at, beyond, anchor):  # type: ignore[no-untyped-def]
    rest = np.float32(1.0) - part
    for t in range(len(at)):
        at[t] = part * beyond[t] + rest * anchor[t]


@inner
def _times(ptr, index, value, of, out):  # type: ignore[no-untyped-def]
    """Write the matrix times all lanes of ``of``."""
    for i in range(len(ptr) - 1):
        _add_row(index, value, ptr[i], ptr[i + 1], of, out, i * LANES)


@intrinsic
def _add_row(typing, index, value, first, end, of, out, at):  # type: ignore[no-untyped-def]
    """Write to ``out``, from a place on, the sum of values times what ``of`` holds in all lanes."""

    def generate(context, builder, signature, given):  # type: ignore[no-untyped-def]
        index, value, of, out = (
            context.make_array(signature.args[k])(context, builder, given[k]).data for k in (0, 1, 4, 5)
        )
        number, lanes = given[2].type, ir.VectorType(ir.FloatType(), LANES)
        nothing, same = ir.Constant(lanes, None), ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
        total = cgutils.alloca_once_value(builder, nothing)
        with cgutils.for_range_slice(builder, given[2], given[3], number(1), number) as (s, _):
            place = builder.mul(builder.zext(builder.load(builder.gep(index, [s])), number), number(LANES))
            met = builder.load(builder.bitcast(builder.gep(of, [place]), lanes.as_pointer()), align=4)
            one = builder.insert_element(nothing, builder.load(builder.gep(value, [s])), ir.IntType(32)(0))
            paid = builder.fmul(builder.shuffle_vector(one, nothing, same), met)
            builder.store(builder.fadd(builder.load(total), paid), total)
        where = builder.bitcast(builder.gep(out, [given[6]]), lanes.as_pointer())
        builder.store(builder.load(total), where, align=4)
        return context.get_dummy_value()

    return types.void(index, value, first, end, of, out, at), generate
