"""How far is a division from the best possible? A bound that holds, and better divisions on the way to it.

Grids are columns of a set partitioning program; its linear relaxation is solved by column generation with exact
pricing, tightened by subset-row cuts, and closed by enumerating every grid that a better division could contain
(Baldacci, Christofides & Mingozzi 2008). Effort is counted in nodes of the pricing search, so that every machine that
is given the time reaches the same bound and the same division.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spatial.division.closing import Grids, Limits, close_plan
from spatial.division.master import Master, Worth
from spatial.division.piece import Piece, count_olds
from spatial.division.roots import Ask, Found, Roots, cost_size, prepare_roots, price_roots
from spatial.division.separation import find_cuts
from spatial.division.sizes import Sizes

_EXACT = 1e-7
_TOLERANCE = 2e-4
_WIDE, _NARROW = 0.02, 0.002
_QUICK = (20, 150), (200, 200)
_FEW_NODES, _FEW_IN_ALL, _NODES_PER_ROOT = 1_000, 600_000, 20_000
_MOST_ROUNDS, _CUT_ROUNDS, _CUTS = 60, 30, 20
_LISTED = 4_000, 12_000, 40_000, 120_000
_LISTING_NODES, _COUNTING_NODES, _GIVEN_UP = 60_000, 1_000, 100
_PROMISING, _PROMISED, _DRY = 0.7, 3, 60
_MIX_NODES, _MIX_COLUMNS, _CLOSING_NODES = 300, 6_000, 20_000
_HOT, _COOLING, _ALL_EVERY = 0.3, 0.6, 5
_NODE_S = 4e-5

Left = Callable[[], float]
"""Seconds left."""


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


@dataclass(slots=True)
class _Case:
    """Where a proof stands."""

    roots: Roots
    master: Master
    labels: Any
    total: float
    bound: float
    nodes_left: int
    left: Left
    pool: Executor | None
    tell: Callable[[Any, float, float], None]
    rates: Any
    centre: Any
    hits: Any
    aside: bool = False
    given_up: float = np.inf

    @property
    def units(self) -> int:
        return len(self.rates)

    @property
    def done(self) -> bool:
        return self.total - self.bound <= _EXACT * max(1.0, abs(self.total))

    @property
    def over(self) -> bool:
        return self.done or self.nodes_left <= 0 or self.left() <= 0.0


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
        _improve(case, _WIDE, units)
    _bound(case, _WIDE / 5)
    _mix(case)
    for round in range(_CUT_ROUNDS):
        most = _LISTED[min(round, len(_LISTED) - 1)]
        if case.over or (case.total - case.bound < _PROMISING * case.given_up and _close(case, most)):
            break
        if not _cut(case) and not _count(case):
            if round >= len(_LISTED):
                break
            case.given_up = np.inf
        _bound(case, _NARROW)
        _mix(case)
    return Proof(case.labels, case.total, min(case.bound, case.total), case.done, _list_promising(case))


def _list_promising(case: _Case) -> list[tuple[Any, int]]:
    worth, _ = case.master.solve(case.centre, _NARROW)
    best = np.argsort(case.master.reduce(worth), kind="stable")[: _PROMISED * case.units]
    return [(case.master.columns[i], case.master.names[i]) for i in np.sort(best)]


def _open(piece: Piece, sizes: Sizes, labels: Any, others: Any, nodes: int, left: Left, pool: Any, tell: Any) -> _Case:
    count = len(piece.households)
    roots, master = prepare_roots(piece, sizes), Master(piece, sizes)
    olds = count_olds(piece)
    master.add([(np.array([unit]), olds) for unit in range(count)])
    for row in (labels, *others):
        master.add(list(_grids(row, olds)))
    total = master.cost_of(list(_grids(labels, olds)))
    share = 0.8 * piece.households / max(1, piece.households.sum()) + 0.2 / count
    case = _Case(
        roots, master, np.asarray(labels), total, 0.0, nodes, left, pool, tell,
        np.zeros((count, olds + 1), dtype=np.int64), total * share, np.zeros(count),
    )  # fmt: skip
    tell(case.labels, case.total, case.bound)
    return case


def _grids(labels: Any, olds: int) -> Iterator[tuple[Any, int]]:
    """Yield the grids of a division: units in order, and the today's grid that each inherits (``olds``: none)."""
    order = np.argsort(labels, kind="stable")
    for units in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        yield np.sort(units), min(int(labels[units[0]]), olds)


def _near(count: int) -> Iterator[tuple[int, int]]:
    yield from _QUICK if count > _QUICK[0][1] else _QUICK[1:]


def most_grids(sizes: Sizes, anchors: Any, households: int, total: float) -> int:
    """Return how many grids a division may have at most that costs no more than ``total``.

    The cost of size is at least its lower convex hull: equal sizes are the cheapest way to many grids.
    """
    most = int(max(sizes.ceiling, anchors.max(initial=0)))
    h = np.arange(most + 1)
    cost = np.min([cost_size(sizes, h, anchor) for anchor in {0, *(int(a) for a in anchors)}], axis=0)
    hull = [0]
    for i in range(1, most + 1):
        while len(hull) > 1 and (cost[hull[-1]] - cost[hull[-2]]) * (i - hull[-2]) >= (cost[i] - cost[hull[-2]]) * (
            hull[-1] - hull[-2]
        ):
            hull.pop()
        hull.append(i)
    count = np.arange(1, len(anchors) + 1)
    least = count * np.interp(households / count, hull, cost[hull])
    fits = count[(least <= total + _EXACT) & (households / count <= most)]
    return int(fits[-1]) if len(fits) else len(anchors)


def _price(case: _Case, ask: Ask, which: Any, worth: Worth) -> Found:
    """Price some roots and take in what is found; time left shortens the search of each."""
    nodes = max(20, min(ask.nodes, int(min(1e9, (0.3 if ask.every else 0.1) * case.left() / _NODE_S)), case.nodes_left))
    roots = replace(case.roots, prices=case.roots.prices._replace(triple=case.master.triples, fine=worth.fines))
    found = price_roots(
        roots,
        worth.units,
        worth.names,
        case.rates,
        replace(ask, nodes=nodes),
        which=which,
        pool=case.pool,
        left=case.left,
    )
    # how far a listing that is given up came depends on the threads: a flat charge does not
    case.nodes_left -= found.nodes if found.complete or not ask.every else _GIVEN_UP * case.units
    if ask.every:
        return found
    for units, _, _ in found.grids:
        case.hits[units[np.argmin(case.roots.prices.rank[units])]] += 1
    return found


def _improve(case: _Case, slack: float, limits: tuple[int, int]) -> None:
    """Add grids until a quick look about every root finds hardly any that pays."""
    nodes, units = limits
    ask = Ask(_want(case), nodes, 10, units=units)
    batch = max(60, case.units // 6)
    for _ in range(_MOST_ROUNDS):
        order = case.roots.order[np.argsort(-case.hits[case.roots.order], kind="stable")]
        case.hits *= 0.9
        worth, _ = case.master.solve(case.centre, slack)
        fresh, since = 0, 0
        for at in range(0, case.units, batch):
            if case.over:
                return
            new = case.master.add(_columns(_price(case, ask, order[at : at + batch], worth)))
            fresh, since = fresh + new, since + new
            if since >= max(8, case.units // 40):
                worth, _ = case.master.solve(case.centre, slack)
                since = 0
        if fresh <= case.units // _DRY:
            return


def _want(case: _Case) -> float:
    """Return the reduced cost below which a grid is wanted: what all grids together can lose is a small share."""
    return -_TOLERANCE * abs(case.total) / max(1, _most(case))


def _most(case: _Case) -> int:
    piece = case.roots.piece
    return most_grids(case.master.sizes, piece.anchor, int(piece.households.sum()), case.total)


def _columns(found: Found) -> list[tuple[Any, int]]:
    return [(units, name) for units, name, _ in found.grids]


def _bound(case: _Case, slack: float) -> None:
    """Add grids with exact pricing until the bound meets the linear program's value.

    Roots that paid before go first; while they still pay, the others wait, but every few rounds all are priced, since
    only that gives a bound.
    """
    for turn in range(_MOST_ROUNDS):
        few = max(_FEW_NODES // 5, min(_FEW_NODES, _FEW_IN_ALL // case.units))
        ask = Ask(_want(case), few if turn < _ALL_EVERY else _NODES_PER_ROOT, 10)
        worth, _ = case.master.solve(case.centre, slack)
        bounds, fresh = np.zeros(case.units), 0
        for which in (case.hits > _HOT, case.hits <= _HOT):
            if case.over:
                return
            order = case.roots.order[which[case.roots.order]]
            found = _price(case, ask, order, worth)
            bounds[order] = np.minimum(found.bounds.min(axis=1), 0.0)[order]
            case.hits[order] *= _COOLING
            fresh += case.master.add(_columns(found))
            if fresh and turn % _ALL_EVERY:
                break
        else:
            _rise(case, worth.total + float(np.sort(bounds)[: _most(case)].sum()))
        if not fresh or worth.total - case.bound < 5.0 * _TOLERANCE * abs(case.total):
            return


def _rise(case: _Case, bound: float) -> None:
    if bound > case.bound:
        case.bound = min(bound, case.total)
        if not case.aside:
            case.tell(None, case.total, case.bound)


def _mix(case: _Case) -> None:
    """Look for a better division among the most promising grids known."""
    if case.over:
        return
    worth, _ = case.master.solve(case.centre, _NARROW)
    reduced = case.master.reduce(worth)
    gap = case.total - case.bound
    kept = np.flatnonzero(reduced <= gap)
    kept = np.sort(kept[np.argsort(reduced[kept], kind="stable")[:_MIX_COLUMNS]])
    until = 0.75 * case.left()
    limits = Limits(_MIX_NODES, lambda: case.left() - until)
    _take(case, case.master, kept, limits)


def _take(case: _Case, master: Master, kept: Any, limits: Limits) -> bool:
    """Choose among some columns of a master; take what is better; tell whether the choice was proved."""
    columns, names = [master.columns[i] for i in kept], np.array([master.names[i] for i in kept])
    shape = case.units, master.olds
    if not len(columns):
        return True
    grids = Grids(columns, names, master.cost[kept])
    choice = close_plan(grids, shape, case.master.counts, case.roots.prices.rank, case.total, limits)
    if choice.chosen is not None:
        labels, fresh = np.zeros(case.units, dtype=np.int64), master.olds
        for i in choice.chosen:
            name = names[i]
            labels[columns[i]] = name if name < master.olds else fresh
            fresh += int(name >= master.olds)
        case.labels, case.total = labels, float(master.cost[kept][choice.chosen].sum())
        case.tell(labels, case.total, case.bound)
    return choice.proved


def _close(case: _Case, most: int) -> bool:
    """List every grid that a better division could contain, ``most`` at most, and choose among them; tell success."""
    worth, _ = case.master.solve(case.centre, _NARROW)
    found = _price(case, Ask(_want(case), _NODES_PER_ROOT, 10), None, worth)
    least = np.minimum(found.bounds.min(axis=1), 0.0)
    bound = worth.total + float(np.sort(least)[: _most(case)].sum())
    _rise(case, bound)
    case.master.add(_columns(found))
    if case.over or bound <= 0.0:
        return case.done
    gap = case.total - bound + _EXACT
    listed = _price(case, Ask(gap, _LISTING_NODES, most, every=True, total=most), None, worth)
    if not listed.complete:
        case.given_up = gap
        return False
    every = Master(case.roots.piece, case.master.sizes)
    every.add(_columns(listed))
    if _take(case, every, np.arange(len(every.columns)), Limits(_CLOSING_NODES, case.left)):
        _rise(case, case.total)
    return case.done


def _count(case: _Case) -> bool:
    """Rule out the numbers of grids beyond the best division's, where the mix of grids is torn between two."""
    _, mix = case.master.solve(case.centre, _NARROW)
    torn = float(mix.sum())
    if abs(torn - round(torn)) < 0.02:
        return False
    least, most = case.master.counts
    low, high = (least, int(torn)), (int(torn) + 1, most)
    near, far = (low, high) if len(np.unique(case.labels)) <= int(torn) else (high, low)
    ruled_out = _rule_out(case, far)
    case.master.count_grids(*(near if ruled_out else (least, most)), case.total)
    return ruled_out


def _rule_out(case: _Case, counts: tuple[int, int]) -> bool:
    """Tell whether it is proved that no division with so many grids costs less than the best known."""
    kept, nodes = case.bound, min(case.nodes_left, _COUNTING_NODES * case.units)
    spare = case.nodes_left - nodes
    case.master.count_grids(*counts, case.total)
    case.bound, case.aside, case.nodes_left = 0.0, True, nodes
    _bound(case, _NARROW)
    ruled_out = case.bound >= case.total - _EXACT
    case.bound, case.aside, case.nodes_left = kept, False, spare + case.nodes_left
    return ruled_out


def _cut(case: _Case) -> bool:
    """Add the cuts that the mix of grids breaks; tell whether there are any."""
    _, mix = case.master.solve(case.centre, _NARROW)
    fresh = find_cuts(case.master.columns, mix, case.roots.prices.rank, max(_CUTS, case.units // 10))
    if len(fresh):
        case.master.cut(fresh)
    return len(fresh) > 0
