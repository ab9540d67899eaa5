"""Which of the grids known, or of all that matter, make a better division?

Every grid that a better division could contain can be listed once prices leave little open: the cheapest choice among
those is the best there is (Baldacci, Christofides & Mingozzi 2008).
"""

from dataclasses import replace
from typing import Any

import numpy as np

from spatial.division.bounding import (
    NARROW,
    NODES_PER_ROOT,
    Case,
    count_most,
    price,
    rise,
    set_bound,
    to_columns,
    want,
)
from spatial.division.closing import Grids, Limits, close_plan
from spatial.division.master import Master, Worth
from spatial.division.roots import Ask, Found
from spatial.division.seeking import offer

_EXACT = 1e-7
_LISTED, _LISTED_A_SECOND, _LISTING_NODES = 250_000, 20_000, 2_000_000
_SAMPLE, _SURPLUS = 6, 1.5
"""Of so many roots one tells how many grids there are; how many times too many that may be."""
_PROMISED = 3
_MIX_NODES, _MIX_COLUMNS, _CLOSING_NODES = 100, 6_000, 20_000


def mix_known(case: Case, share: float) -> None:
    """Look for a better division among the most promising grids known, within a share of the time left."""
    if case.over:
        return
    worth, _ = case.master.solve(case.part.centre, NARROW)
    reduced = case.master.reduce(worth)
    gap = case.gap
    kept = np.flatnonzero(reduced <= gap)
    kept = np.sort(kept[np.argsort(reduced[kept], kind="stable")[:_MIX_COLUMNS]])
    until = (1.0 - share) * case.left()
    limits = Limits(_MIX_NODES, lambda: case.left() - until)
    _take(case, case.master, kept, reduced[kept], limits, case.total)


def close(case: Case, shares: tuple[float, ...]) -> bool:
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


def list_promising(case: Case) -> list[tuple[Any, int]]:
    """Return the grids known that cost least beyond what they are worth: their units, and the today's grid of each."""
    worth, _ = case.master.solve(case.part.centre, NARROW)
    best = np.argsort(case.master.reduce(worth), kind="stable")[: _PROMISED * case.units]
    return [(case.master.columns[i], case.master.names[i]) for i in np.sort(best)]
