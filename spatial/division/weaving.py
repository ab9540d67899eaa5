"""Which plans can be put together from some grids so that none is both dearer and moves more households than another?

Every plan that a list of columns allows is looked at, unit by unit, unless its reduced costs show that whatever it
grows into is beaten already.
"""

from typing import Any, NamedTuple

import numpy as np

from spatial.walking.compiled import bare, kernel


class Threads(NamedTuple):
    """Columns to put together, by the first of their units and then by reduced cost.

    ``row[u]:row[u + 1]`` are those whose first unit is u; ``unit[start[c]:start[c + 1]]`` are the units of column c;
    ``name`` is the today's grid that it inherits (the number of them: none); ``cost``, ``moved`` and ``reduced`` are
    what it costs, the households that it moves, and its reduced cost.
    """

    row: Any
    start: Any
    unit: Any
    name: Any
    cost: Any
    moved: Any
    reduced: Any


class Cloth(NamedTuple):
    """Plans that are not beaten, by households moved ascending: moved, cost, and the columns of each.

    ``count`` plans are known; ``column`` has -1 after the last column of a plan, and only -1 for plans brought in.
    """

    moved: Any
    cost: Any
    column: Any
    count: Any


class Scope(NamedTuple):
    """Which plans are looked for, in how many steps.

    A plan's cost plus ``rate`` per household moved is at least ``base`` plus its columns' reduced costs; plans for
    which that is above ``weight`` are let go, and so is what does not save ``margin``.
    """

    rate: float
    base: float
    weight: float
    margin: float
    steps: int


def lay_threads(columns: list[Any], names: Any, cost: Any, moved: Any, reduced: Any, units: int) -> tuple[Threads, Any]:
    """Return columns (sorted units) in the order in which they are tried, and that order."""
    first = np.array([column[0] for column in columns], dtype=np.int64)
    order = np.lexsort((np.arange(len(columns)), reduced, first))
    kept = [columns[i] for i in order]
    threads = Threads(
        np.searchsorted(first[order], np.arange(units + 1)).astype(np.int64),
        np.cumsum([0, *map(len, kept)]).astype(np.int64),
        np.concatenate(kept).astype(np.int64),
        np.asarray(names, dtype=np.int64)[order],
        np.asarray(cost, dtype=np.float64)[order],
        np.asarray(moved, dtype=np.int64)[order],
        np.asarray(reduced, dtype=np.float64)[order],
    )
    return threads, order


def lay_cloth(moved: Any, cost: Any, units: int, most: int) -> Cloth:
    """Return the plans known, with room for ``most`` of them."""
    count = len(moved)
    cloth = Cloth(np.zeros(most, np.int64), np.zeros(most), np.full((most, units + 1), -1), np.zeros(1, np.int64))
    cloth.moved[:count], cloth.cost[:count], cloth.count[0] = moved, cost, count
    return cloth


@kernel
def weave(threads: Threads, cloth: Cloth, olds: int, scope: Scope) -> bool:
    """Take every plan into the cloth that beats what is there; tell whether all were looked at within the steps.

    Of interest are plans that move fewer households than the last known and cost less than all that move no more than
    they.
    """
    units, steps = len(threads.row) - 1, np.int64(0)
    covered, named = np.zeros(units, np.bool_), np.zeros(olds + 1, np.bool_)
    at, chosen, place = np.zeros(units + 1, np.int64), np.zeros(units + 1, np.int64), np.zeros(units + 1, np.int64)
    cost, moved, reduced = np.zeros(units + 2), np.zeros(units + 2, np.int64), np.zeros(units + 2)
    depth = 0
    at[0] = threads.row[0]
    while depth >= 0:
        c = at[depth]
        fits = c < threads.row[place[depth] + 1]
        if fits:
            steps += 1
            if steps > scope.steps:
                return False
            fits = _may_win(cloth, scope, 0.0, moved[depth], reduced[depth] + threads.reduced[c])
        if not fits:
            depth -= 1
            if depth >= 0:
                _lift(threads, chosen[depth], covered, named)
            continue
        at[depth] += 1
        less, more = cost[depth] + threads.cost[c], moved[depth] + threads.moved[c]
        value = reduced[depth] + threads.reduced[c]
        if not _fits(threads, c, covered, named, olds) or not _may_win(cloth, scope, less, more, value):
            continue
        chosen[depth] = c
        following = place[depth]
        _lay(threads, c, covered, named)
        while following < units and covered[following]:
            following += 1
        if following == units:
            if not _take(cloth, chosen, depth + 1, more, less, scope.margin):
                return False
            _lift(threads, c, covered, named)
            continue
        depth += 1
        cost[depth], moved[depth], reduced[depth] = less, more, value
        place[depth], at[depth] = following, threads.row[following]
    return True


@bare
def _fits(threads: Threads, c: int, covered: Any, named: Any, olds: int) -> bool:
    fits = threads.name[c] >= olds or not named[threads.name[c]]
    for i in range(threads.start[c], threads.start[c + 1]):
        fits = fits and not covered[threads.unit[i]]
    return fits


@bare
def _lay(threads: Threads, c: int, covered: Any, named: Any) -> None:
    named[threads.name[c]] = True
    for i in range(threads.start[c], threads.start[c + 1]):
        covered[threads.unit[i]] = True


@bare
def _lift(threads: Threads, c: int, covered: Any, named: Any) -> None:
    named[threads.name[c]] = False
    for i in range(threads.start[c], threads.start[c + 1]):
        covered[threads.unit[i]] = False


@bare
def _may_win(cloth: Cloth, scope: Scope, cost: float, moved: int, reduced: float) -> bool:
    """Tell whether a plan of at least this cost, moves and reduced costs may beat a plan of the cloth."""
    weight = scope.base + reduced
    if weight > scope.weight:
        return False
    for i in range(cloth.count[0] - 1):
        below = cloth.cost[i] - scope.margin
        if cost < below and moved < cloth.moved[i + 1] and weight <= below + scope.rate * (cloth.moved[i + 1] - 1):
            return True
    return False


@bare
def _take(cloth: Cloth, chosen: Any, size: int, moved: int, cost: float, margin: float) -> bool:
    """Take a plan in, if it beats some, and those out that it beats; False where there is no room."""
    count = cloth.count[0]
    if moved >= cloth.moved[count - 1]:
        return True
    at = 0
    while cloth.moved[at] < moved:
        at += 1
    if (at > 0 and cloth.cost[at - 1] <= cost + margin) or (
        cloth.moved[at] == moved and cloth.cost[at] <= cost + margin
    ):
        return True
    beaten = at
    while beaten < count and cloth.cost[beaten] >= cost - margin:
        beaten += 1
    shift = at + 1 - beaten
    if count + shift > len(cloth.moved):
        return False
    if shift > 0:
        for i in range(count - 1, beaten - 1, -1):
            _copy(cloth, i, i + shift)
    elif shift < 0:
        for i in range(beaten, count):
            _copy(cloth, i, i + shift)
    cloth.moved[at], cloth.cost[at], cloth.count[0] = moved, cost, count + shift
    for i in range(cloth.column.shape[1]):
        cloth.column[at, i] = chosen[i] if i < size else -1
    return True


@bare
def _copy(cloth: Cloth, source: int, target: int) -> None:
    cloth.moved[target], cloth.cost[target] = cloth.moved[source], cloth.cost[source]
    for i in range(cloth.column.shape[1]):
        cloth.column[target, i] = cloth.column[source, i]
