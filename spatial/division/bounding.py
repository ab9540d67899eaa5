"""How little can the grids of a plan cost? Grids are added until the price of the plan and a bound on it meet."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from spatial.division.master import Master, Worth
from spatial.division.roots import Ask, Found, Roots, cost_size, price_roots
from spatial.division.sizes import Sizes

_EXACT = 1e-7
LET_GO = 2e-4
"""Share of the cost that is let go where grids are priced."""
_SURPLUS = 0.3
"""Share of what prices say beyond the best division that is let go: more, and prices are too wild to be exact."""
_FEW_NODES, _FEW_IN_ALL, NODES_PER_ROOT = 1_000, 600_000, 20_000
_MOST_ROUNDS, _DRY, _GIVEN_UP, _LISTS = 60, 60, 100, 8
_HOT, _COOLING, _ALL_EVERY = 0.3, 0.6, 5
_NODE_S = 1.5e-7
"""Seconds that a node of the search takes, by unit of the piece."""
_LISTING_PACE = 4.0
"""How many times faster the nodes of a listing are."""
_LONGEST = 0.3
"""Share of the time left that one root may take."""
FEW = 100
"""So many units are few."""
NARROW = 0.002
"""How far covering may miss where prices are to be exact."""

Left = Callable[[], float]
"""Seconds left."""


@dataclass(slots=True)
class Part:
    """Divisions with a number of grids from-to: what prices prove of their cost, and how far the proof has come.

    Prices stay near the ``centre``; a grid too many or too few costs the ``price``. Grids that were ``listed`` prove
    that nothing costs less than that. A gap ``given_up`` was too wide for lists; a part is ``dry`` when all else was
    tried.
    """

    counts: tuple[int, int]
    bound: float
    centre: Any
    price: float
    round: int = 0
    given_up: float = np.inf
    listed: float = 0.0
    dry: bool = False

    @property
    def least(self) -> float:
        """What every division of the part costs at least."""
        return max(self.bound, self.listed)


@dataclass(slots=True)
class Case:
    """Where a proof stands: the best division, the part of all divisions that is looked at, and the ``others``.

    ``most`` holds a total, and how many grids a division of no more than that may have; ``late`` is when little time
    is left.
    """

    roots: Roots
    master: Master
    labels: Any
    total: float
    part: Part
    nodes_left: int
    left: Left
    pool: Executor | None
    tell: Callable[[Any, float, float], None]
    rates: Any
    hits: Any
    others: list[Part] = field(default_factory=list)
    most: tuple[float, int] = (np.nan, 0)
    late: float = 0.0

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.rates)

    @property
    def bound(self) -> float:
        """What every division costs at least."""
        return min(part.least for part in (self.part, *self.others))

    @property
    def gap(self) -> float:
        """How far prices leave open what the best of the part costs."""
        return float(self.total - self.part.bound)

    @property
    def done(self) -> bool:
        """Whether the part holds nothing better."""
        return is_met(self.total, self.part.least)

    @property
    def over(self) -> bool:
        """Whether the part is done, or time or nodes are."""
        return self.done or self.nodes_left <= 0 or self.left() <= 0.0


def is_met(total: float, bound: float) -> bool:
    """Tell whether total and bound are equal, give or take the arithmetic."""
    return total - bound <= _EXACT * max(1.0, abs(total))


def count_mixed(case: Case) -> float:
    """Return how many grids the best mix holds."""
    _, mix = case.master.solve(case.part.centre, NARROW)
    return float(mix.sum())


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


def price(case: Case, ask: Ask, which: Any, worth: Worth, longest: float = _LONGEST) -> Found:
    """Price some roots and take in what is found; of the time left each may take a share, the ``longest``."""
    roots, ease = case.units if which is None else len(which), _LISTS if ask.every else 1
    timely = (_LISTING_PACE if ask.every else 1.0) * longest * case.left() / (_NODE_S * case.units)
    nodes = max(20, min(ask.nodes, int(min(1e9, timely)), ease * 2 * case.nodes_left // max(1, roots)))
    priced = replace(case.roots, prices=case.roots.prices._replace(triple=case.master.triples, fine=worth.fines))
    found = price_roots(
        priced,
        worth.units,
        worth.names,
        case.rates,
        replace(ask, nodes=nodes),
        which=which,
        pool=case.pool,
        left=case.left,
    )
    # how far a listing that is given up came depends on the threads: a flat charge does not
    case.nodes_left -= (found.nodes if found.complete or not ask.every else _GIVEN_UP * roots) // ease
    if ask.every:
        return found
    for units, _, _ in found.grids:
        case.hits[units[np.argmin(case.roots.prices.rank[units])]] += 1
    return found


def improve(case: Case, slack: float, limits: tuple[int, int]) -> None:
    """Add grids until a quick look about every root finds hardly any that pays."""
    nodes, units = limits
    batch = max(60, case.units // 6)
    for _ in range(_MOST_ROUNDS):
        order = case.roots.order[np.argsort(-case.hits[case.roots.order], kind="stable")]
        case.hits *= 0.9
        worth, _ = case.master.solve(case.part.centre, slack)
        fresh, since = 0, 0
        for at in range(0, case.units, batch):
            if case.over:
                return
            ask = Ask(want(case, worth), nodes, 10, units=units)
            found = price(case, ask, order[at : at + batch], worth)
            if min(batch, units) >= case.units:
                rise(case, worth, np.minimum(found.bounds.min(axis=1), 0.0))
            new = case.master.add(to_columns(found))
            fresh, since = fresh + new, since + new
            if since >= max(8, case.units // 40):
                worth, _ = case.master.solve(case.part.centre, slack)
                since = 0
        if fresh <= case.units // _DRY:
            return


def want(case: Case, worth: Worth, share: float = LET_GO) -> float:
    """Return the reduced cost below which a grid is wanted.

    What all grids together can lose is a share of the cost, or of what prices say beyond the best division known: the
    part need only be shown to hold nothing better.
    """
    most = max(1, min(count_most(case), case.part.counts[1]))
    return -max(share * abs(case.total), _SURPLUS * (worth.total - case.total)) / most


def count_most(case: Case) -> int:
    """Return how many grids a better division may have at most."""
    if case.most[0] != case.total:
        piece = case.roots.piece
        case.most = case.total, most_grids(case.master.sizes, piece.anchor, int(piece.households.sum()), case.total)
    return case.most[1]


def to_columns(found: Found) -> list[tuple[Any, int]]:
    """Return the grids that pricing found, as the master takes them."""
    return [(units, name) for units, name, _ in found.grids]


def bound_part(case: Case, slack: float) -> None:
    """Add grids with exact pricing until the bound meets the linear program's value.

    Roots that paid before go first; while they still pay, the others wait, but every few rounds all are priced, since
    only that gives a bound.
    """
    few, deep = max(_FEW_NODES // 5, min(_FEW_NODES, _FEW_IN_ALL // case.units)), False
    for turn in range(_MOST_ROUNDS):
        deep = deep or turn >= _ALL_EVERY
        worth, _ = case.master.solve(case.part.centre, slack)
        ask = Ask(want(case, worth), NODES_PER_ROOT if deep else few, 10)
        bounds, fresh = np.zeros(case.units), 0
        for which in (case.hits > _HOT, case.hits <= _HOT):
            if case.over:
                return
            order = case.roots.order[which[case.roots.order]]
            found = price(case, ask, order, worth)
            bounds += np.minimum(found.bounds.min(axis=1), 0.0)
            case.hits[order] *= _COOLING
            fresh += case.master.add(to_columns(found))
            if fresh and turn % _ALL_EVERY:
                break
        else:
            rise(case, worth, bounds)
        if worth.total - case.part.bound < 5.0 * LET_GO * abs(case.total) or (deep and not fresh):
            return
        deep = deep or not fresh


def rise(case: Case, worth: Worth, bounds: Any) -> None:
    """Raise the bound to what the prices prove, at most one grid from a root; prices that prove more become the centre.

    ``bounds`` is by root: no grid of it costs less than it is paid by more than that.
    """
    most = min(count_most(case), case.part.counts[1])
    bound = worth.total + float(np.sort(bounds)[:most].sum())
    if bound > case.part.bound:
        if case.others:
            case.part.centre = worth.units
        set_bound(case, bound)


def set_bound(case: Case, bound: float, listed: float = 0.0) -> None:
    """Take what prices or listed grids prove of the part, and tell where that bounds all divisions better."""
    before = case.bound
    case.part.bound, case.part.listed = min(bound, case.total), max(case.part.listed, listed)
    if case.bound > before:
        case.tell(None, case.total, case.bound)
