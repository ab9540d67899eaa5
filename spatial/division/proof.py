"""How far is a division from the best possible? A bound that holds, and better divisions on the way to it.

Grids are columns of a set partitioning program; its linear relaxation is solved by column generation with exact
pricing, tightened by subset-row cuts, and closed by enumerating every grid that a better division could contain
(Baldacci, Christofides & Mingozzi 2008). Effort is counted in nodes of the pricing search, so that every machine that
is given the time reaches the same bound and the same division.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.division.bounding import (
    FEW,
    NARROW,
    Case,
    Left,
    Part,
    bound_part,
    count_mixed,
    improve,
    is_met,
)
from spatial.division.choosing import close, list_promising, mix_known
from spatial.division.many import MANY, blend, bound_at_once
from spatial.division.master import Master
from spatial.division.piece import Piece, count_olds
from spatial.division.roots import prepare_roots
from spatial.division.seeking import search_again, seek, to_grids
from spatial.division.separation import find_cuts
from spatial.division.sizes import Sizes

_EXACT = 1e-7
_WIDE = 0.02
_QUICK = (20, 150), (200, 200)
_CUT_ROUNDS, _CUTS = 30, 20
_WHOLE, _SHARES = (1.0,), (0.3, 0.6, 1.0)
_TORN, _SPLIT_FROM, _MOST_SPLIT = 0.02, 0.035, 20
_LISTS_FROM = 0.06
"""Of few units all grids that matter can be listed though the gap is as wide as that."""
_EXPLORING = 300_000
_MIXING, _BLENDING = 0.25, (0.02, 0.1)
"""Shares of the time in which the grids known are mixed; those of many units: after each batch of searches."""
_PRICE, _DEARER = 1.5, 2.0
_PROMISING, _LATE = 0.7, 0.2


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
    (_begin_many if case.units > MANY else _begin)(case)
    case.late = _LATE * case.left()
    going = True
    while going:
        _turn(case)
        going = not case.over and _go_on(case)
    bound = min(case.bound, case.total)
    return Proof(case.labels, case.total, bound, is_met(case.total, bound), list_promising(case))


def _begin(case: Case) -> None:
    """Price until hardly any grid pays, from other seeds too where prices leave a wide gap, and mix what is known."""
    for units in _near(case.units):
        improve(case, _WIDE, units)
    worth, _ = case.master.solve(case.part.centre, _WIDE)
    searched = _look_elsewhere(case, case.total - worth.total, _WIDE)
    bound_part(case, _WIDE / 5)
    mix_known(case, _MIXING)
    if not searched and _look_elsewhere(case, case.gap, NARROW):
        bound_part(case, NARROW)
        mix_known(case, _MIXING)


def _begin_many(case: Case) -> None:
    """Mix the grids of many searches, and bound what they come to at the prices held."""
    for batch, share in enumerate(_BLENDING):
        blend(case, batch)
        mix_known(case, share)
    for units in _near(case.units):
        improve(case, _WIDE, units)
    bound_at_once(case, _WIDE)
    bound_part(case, _WIDE / 5)
    mix_known(case, _BLENDING[-1])


def _look_elsewhere(case: Case, gap: float, slack: float) -> bool:
    """Search from other seeds where prices leave a wide gap; tell whether they do."""
    if gap <= _SPLIT_FROM * case.total or case.over:
        return False
    search_again(case)
    improve(case, slack, _near(case.units)[-1])
    return True


def _go_on(case: Case) -> bool:
    """Take one step towards the proof of the current part; tell whether there was one."""
    part = case.part
    if case.units > MANY and case.gap > _WIDE * case.total:
        return _lift(case)
    torn = case.gap > _SPLIT_FROM * case.total and count_mixed(case) <= _MOST_SPLIT
    lists_first = case.units <= FEW and case.gap <= _LISTS_FROM * case.total
    if torn and not lists_first and _split(case):
        return True
    if (case.gap < _PROMISING * part.given_up and close(case, _WHOLE)) or case.over:
        return True
    if case.left() < case.late:
        case.late = 0.0
        close(case, _SHARES)
        return True
    if torn and lists_first and _split(case):
        return True
    part.round += 1
    if not _cut(case) and not _split(case):
        if part.dry:
            return False
        part.dry = True
        close(case, _SHARES)
        return True
    if case.part is part:
        bound_part(case, NARROW)
        mix_known(case, _mixing(case))
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
    mix_known(case, _mixing(case))
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


def _mixing(case: Case) -> float:
    return _BLENDING[-1] if case.units > MANY else _MIXING


def _near(count: int) -> tuple[tuple[int, int], ...]:
    return _QUICK if count > _QUICK[0][1] else _QUICK[1:]


def _cut(case: Case) -> bool:
    """Add the cuts that the mix of grids breaks; tell whether there are any."""
    _, mix = case.master.solve(case.part.centre, NARROW)
    fresh = find_cuts(case.master.columns, mix, case.roots.prices.rank, max(_CUTS, case.units // 10))
    if len(fresh):
        case.master.cut(fresh)
    return len(fresh) > 0
