"""How far is a division from the best possible? A bound that holds, and better divisions on the way to it.

Grids are columns of a set partitioning program; its linear relaxation is solved by column generation with exact
pricing, tightened by subset-row cuts, and closed by enumerating every grid that a better division could contain
(Baldacci, Christofides & Mingozzi 2008). Effort is counted in nodes of the pricing search, so that every machine that
is given the time reaches the same bound and the same division.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spatial.division.bounding import (
    FEW,
    NARROW,
    NODES_PER_ROOT,
    Case,
    Left,
    Part,
    bound_part,
    count_mixed,
    count_most,
    improve,
    is_met,
    price,
    rise,
    set_bound,
    to_columns,
    want,
)
from spatial.division.closing import Grids, Limits, close_plan
from spatial.division.master import Master, Worth
from spatial.division.piece import Piece, count_olds
from spatial.division.roots import Ask, Found, prepare_roots
from spatial.division.seeking import offer, search_again, seek, to_grids
from spatial.division.separation import find_cuts
from spatial.division.sizes import Sizes

_EXACT = 1e-7
_WIDE = 0.02
_LARGE, _ROUGH = 400, 0.01
_QUICK = (20, 150), (200, 200)
_CUT_ROUNDS, _CUTS = 30, 20
_WHOLE, _SHARES = (1.0,), (0.3, 0.6, 1.0)
_LISTED, _LISTED_A_SECOND, _LISTING_NODES = 250_000, 20_000, 2_000_000
_SAMPLE, _SURPLUS = 6, 1.5
"""Of so many roots one tells how many grids there are; how many times too many that may be."""
_TORN, _SPLIT_FROM, _MOST_SPLIT = 0.02, 0.035, 20
_LISTS_FROM = 0.06
"""Of few units all grids that matter can be listed though the gap is as wide as that."""
_EXPLORING = 300_000
_PRICE, _DEARER = 1.5, 2.0
_PROMISING, _PROMISED, _LATE = 0.7, 3, 0.2
_MIX_NODES, _MIX_COLUMNS, _CLOSING_NODES = 100, 6_000, 20_000


@dataclass(frozen=True, slots=True)
class Proof:
    """The best division known, its cost and a bound: no lawful division of the piece costs less.

    Attributes
    ----------
    labels:
        By unit; those below the number of today's grids inherit.
    proved:
        Whether total and bound are equal, give or take the arithmetic.
    grids:
        Promising grids met on the way: units and the today's grid that each inherits.
    """

    labels: Any
    total: float
    bound: float
    proved: bool
    grids: list[tuple[Any, int]]


def prove(
    piece: Piece,
    sizes: Sizes,
    labels: Any,
    others: Any,
    *,
    nodes: int,
    left: Left,
    grids: list[tuple[Any, int]] | None = None,
    pool: Executor | None = None,
    tell: Callable[[Any, float, float], None] = lambda labels, total, bound: None,
) -> Proof:
    """Return a division at least as good as ``labels`` with a bound on the best possible.

    ``others`` (a division a row) are more divisions to draw grids from, ``grids`` more grids. The proof ends when it is
    complete, after about ``nodes`` nodes of the search, or when ``left()`` has fallen to 0; ``tell`` hears of every
    better division and bound.
    """
    case = _open(piece, sizes, labels, others, nodes, left, pool, tell)
    case.master.add(grids or [])
    for units in _near(case.units):
        improve(case, _WIDE, units)
    searched = _look_elsewhere(case, case.total - case.master.solve(case.part.centre, _WIDE)[0].total, _WIDE)
    if case.units > _LARGE:
        bound_part(case, _WIDE / 5, _ROUGH)
    bound_part(case, _WIDE / 5)
    _mix(case)
    if not searched and _look_elsewhere(case, case.gap, NARROW):
        bound_part(case, NARROW)
        _mix(case)
    case.late = _LATE * case.left()
    going = True
    while going:
        _turn(case)
        going = not case.over and _go_on(case)
    bound = min(case.bound, case.total)
    return Proof(case.labels, case.total, bound, is_met(case.total, bound), _list_promising(case))


def _look_elsewhere(case: Case, gap: float, slack: float) -> bool:
    """Search from other seeds where prices leave a wide gap; tell whether they do."""
    if case.units > _LARGE or gap <= _SPLIT_FROM * case.total or case.over:
        return False
    search_again(case)
    improve(case, slack, _near(case.units)[-1])
    return True


def _go_on(case: Case) -> bool:
    """Take one step towards the proof of the current part; tell whether there was one."""
    part = case.part
    if case.units > _LARGE and case.gap > _WIDE * case.total:
        return _lift(case)
    torn = case.gap > _SPLIT_FROM * case.total and count_mixed(case) <= _MOST_SPLIT
    lists_first = case.units <= FEW and case.gap <= _LISTS_FROM * case.total
    if torn and not lists_first and _split(case):
        return True
    if (case.gap < _PROMISING * part.given_up and _close(case, _WHOLE)) or case.over:
        return True
    if case.left() < case.late:
        case.late = 0.0
        _close(case, _SHARES)
        return True
    if torn and lists_first and _split(case):
        return True
    part.round += 1
    if not _cut(case) and not _split(case):
        if part.dry:
            return False
        part.dry = True
        _close(case, _SHARES)
        return True
    if case.part is part:
        bound_part(case, NARROW)
        _mix(case)
    return part.round < _CUT_ROUNDS


def _lift(case: Case) -> bool:
    """Cut where the gap is too wide for lists, and prices of so many units are not made exact; tell success."""
    case.part.round += 1
    if not _cut(case):
        return False
    improve(case, _WIDE / 5, _near(case.units)[-1])
    bound_part(case, _WIDE / 5)
    return case.part.round < _CUT_ROUNDS


def _turn(case: Case) -> None:
    """Make the part with the lowest bound the current one."""
    lowest = min(case.others, key=lambda part: part.least, default=case.part)
    if lowest.least < case.part.least:
        case.others.remove(lowest)
        case.others.append(case.part)
        _enter(case, lowest)


def _enter(case: Case, part: Part) -> None:
    case.part = part
    case.master.count_grids(*part.counts, part.price)


def _split(case: Case) -> bool:
    """Split the current part where its mix of grids is torn between two numbers of grids; tell success."""
    torn, whole = count_mixed(case), case.part
    least, most = whole.counts
    if abs(torn - round(torn)) < _TORN or not least < torn < most:
        return False
    counts = [(least, int(torn)), (int(torn) + 1, most)]
    if len(np.unique(case.labels)) > int(torn):
        counts.reverse()
    near, far = (Part(ends, whole.bound, whole.centre, _PRICE * case.total, listed=whole.listed) for ends in counts)
    case.others.append(near)
    _enter(case, far)
    _explore(case, min(_EXPLORING, case.nodes_left // 3))
    case.others[-1] = far
    _enter(case, near)
    improve(case, _WIDE, _near(case.units)[-1])
    bound_part(case, NARROW)
    _mix(case)
    return True


def _explore(case: Case, nodes: int) -> None:
    """Bound a part of which little is known, from divisions found for it."""
    spare, case.nodes_left = case.nodes_left, min(case.nodes_left, nodes)
    spare -= case.nodes_left
    seek(case)
    while True:
        for slack in (_WIDE, NARROW):
            improve(case, slack, _near(case.units)[-1])
            bound_part(case, slack)
        least, most = case.part.counts
        if case.over or least - _TORN < count_mixed(case) < most + _TORN:
            break
        case.part.price *= _DEARER
        _enter(case, case.part)
    case.nodes_left += spare


def _list_promising(case: Case) -> list[tuple[Any, int]]:
    worth, _ = case.master.solve(case.part.centre, NARROW)
    best = np.argsort(case.master.reduce(worth), kind="stable")[: _PROMISED * case.units]
    return [(case.master.columns[i], case.master.names[i]) for i in np.sort(best)]


def _open(piece: Piece, sizes: Sizes, labels: Any, others: Any, nodes: int, left: Left, pool: Any, tell: Any) -> Case:
    count = len(piece.households)
    roots, master = prepare_roots(piece, sizes), Master(piece, sizes)
    olds = count_olds(piece)
    master.add([(np.array([unit]), olds) for unit in range(count)])
    for row in (labels, *others):
        master.add(list(to_grids(row, olds)))
    total = master.cost_of(list(to_grids(labels, olds)))
    share = 0.8 * piece.households / max(1, piece.households.sum()) + 0.2 / count
    whole = Part(master.counts, 0.0, total * share, total)
    case = Case(
        roots, master, np.asarray(labels), total, whole, nodes, left, pool, tell,
        np.zeros((count, olds + 1), dtype=np.int64), np.zeros(count),
    )  # fmt: skip
    tell(case.labels, case.total, case.bound)
    return case


def _near(count: int) -> tuple[tuple[int, int], ...]:
    return _QUICK if count > _QUICK[0][1] else _QUICK[1:]


def _mix(case: Case) -> None:
    """Look for a better division among the most promising grids known."""
    if case.over:
        return
    worth, _ = case.master.solve(case.part.centre, NARROW)
    reduced = case.master.reduce(worth)
    gap = case.gap
    kept = np.flatnonzero(reduced <= gap)
    kept = np.sort(kept[np.argsort(reduced[kept], kind="stable")[:_MIX_COLUMNS]])
    until = (0.9 if case.units > _LARGE else 0.75) * case.left()
    limits = Limits(_MIX_NODES, lambda: case.left() - until)
    _take(case, case.master, kept, reduced[kept], limits, case.total)


def _take(case: Case, master: Master, kept: Any, dear: Any, limits: Limits, below: float) -> bool:
    """Choose among some columns of a master what costs less; take it; tell whether the choice was proved."""
    columns, names = [master.columns[i] for i in kept], np.array([master.names[i] for i in kept])
    shape = case.units, master.olds
    if not len(columns):
        return True
    grids = Grids(columns, names, master.cost[kept], dear)
    choice = close_plan(grids, shape, case.master.counts, case.roots.prices.rank, below, limits)
    if choice.chosen is not None:
        labels, fresh = np.zeros(case.units, dtype=np.int64), master.olds
        for i in choice.chosen:
            name = names[i]
            labels[columns[i]] = name if name < master.olds else fresh
            fresh += int(name >= master.olds)
        offer(case, labels, float(master.cost[kept][choice.chosen].sum()))
    return choice.proved


def _close(case: Case, shares: tuple[float, ...]) -> bool:
    """List every grid that a better division could contain, and choose among them; tell success.

    Where those are too many, grids that a division of a share of the gap could contain prove that there is none: of the
    ``shares`` (ascending) the largest is taken whose grids can be listed.
    """
    worth, _ = case.master.solve(case.part.centre, NARROW)
    found = price(case, Ask(want(case, worth), NODES_PER_ROOT, 10), None, worth)
    bounds = np.minimum(found.bounds.min(axis=1), 0.0)
    rise(case, worth, bounds)
    case.master.add(to_columns(found))
    bound = worth.total + float(np.sort(bounds)[: count_most(case)].sum())
    if case.over or bound <= 0.0:
        return case.done
    gap = case.total - bound
    case.part.given_up = gap
    share, listed = _list(case, worth, gap, shares)
    if listed is None:
        return False
    every = Master(case.roots.piece, case.master.sizes)
    every.add(to_columns(listed))
    below = min(case.total, bound + share * gap + _EXACT)
    dear = every.reduce(worth._replace(fines=np.zeros(0)))
    if _take(case, every, np.arange(len(every.columns)), dear, Limits(_CLOSING_NODES, case.left), below):
        set_bound(case, case.part.bound, min(case.total, below))
    return case.done


def _list(case: Case, worth: Worth, gap: float, shares: tuple[float, ...]) -> tuple[float, Found | None]:
    """Return the largest of the shares of a gap whose grids are few enough to be listed, and those grids."""
    for share in sorted(shares, reverse=True):
        most = int(min(_LISTED, _LISTED_A_SECOND * case.left()))
        ask = Ask(share * gap + _EXACT, _LISTING_NODES, most, every=True, total=most)
        found = _list_below(case, worth, ask)
        if found is not None:
            return share, found
    return 0.0, None


def _list_below(case: Case, worth: Worth, ask: Ask) -> Found | None:
    """Return all grids that are asked for, None where those are too many, or some roots tell that they will be."""
    order, before = case.roots.order, case.left()
    chosen = np.arange(len(order)) % _SAMPLE == _SAMPLE // 2
    some = price(case, ask, order[chosen], worth, 1.0 / _SAMPLE)
    rest_s = (before - case.left()) * (_SAMPLE - 1)
    if not some.complete or len(some.grids) * _SAMPLE > _SURPLUS * ask.total or rest_s > case.left():
        return None
    others = price(case, replace(ask, total=ask.total - len(some.grids)), order[~chosen], worth)
    if not others.complete:
        return None
    return Found(some.grids + others.grids, some.bounds + others.bounds, some.nodes + others.nodes, True)


def _cut(case: Case) -> bool:
    """Add the cuts that the mix of grids breaks; tell whether there are any."""
    _, mix = case.master.solve(case.part.centre, NARROW)
    fresh = find_cuts(case.master.columns, mix, case.roots.prices.rank, max(_CUTS, case.units // 10))
    if len(fresh):
        case.master.cut(fresh)
    return len(fresh) > 0
