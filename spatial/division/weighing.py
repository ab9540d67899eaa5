"""What does a plan cost at least, if every household that changes grid has a price? Which grids may it contain?

Where prices want a grid and a half more, plans of fewer grids and plans of more are weighed apart.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spatial.division.master import Master, Worth
from spatial.division.piece import Piece, count_olds
from spatial.division.roots import Ask, Found, Roots, prepare_roots, price_roots
from spatial.division.separation import find_cuts
from spatial.division.sizes import Sizes

_QUICK, _EXACT = ((150, 20), (200, 200)), (20_000, 1 << 40)
_WANTED, _NEAR, _SLACK = 2e-5, 3e-4, 2e-3
_ROUNDS = 40
_LISTING_NODES, _GIVEN_UP = 200_000, 200
_TORN, _PRICE, _DEARER, _MOST_RISES = 0.02, 1.5, 2.0, 4
_NODE_S = 4e-5


@dataclass(slots=True)
class Work:
    """What is left of the work: nodes of the pricing search, and seconds."""

    nodes: int
    left: Callable[[], float]
    pool: Executor | None

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        return self.nodes <= 0 or self.left() <= 0.0


@dataclass(slots=True)
class Scales:
    """The linear program of one price of a household; no plan weighs less than the bound, its moves included.

    Plans have as many grids as the master asks for; prices need not rise once the bound is ``enough``.
    """

    roots: Roots
    master: Master
    rates: Any
    centre: Any
    work: Work
    bound: float = 0.0
    enough: float = np.inf

    @property
    def units(self) -> int:
        """Return how many units the piece has."""
        return len(self.centre)


def lay_scales(piece: Piece, sizes: Sizes, plans: list[Any], weight: float, work: Work) -> Scales:
    """Return the program of a piece whose change is priced, with the grids of some plans (labels by unit).

    ``weight`` is about what the best plan weighs.
    """
    units, olds = len(piece.households), count_olds(piece)
    master = Master(piece, sizes)
    master.add([(np.array([unit]), olds) for unit in range(units)])
    for labels in plans:
        master.add(list(_grids(labels, olds)))
    share = 0.8 * piece.households / max(1, piece.households.sum()) + 0.2 / units
    rates = np.zeros((units, olds + 1), dtype=np.int64)
    scales = Scales(prepare_roots(piece, sizes), master, rates, weight * share, work)
    for nodes, near in (*_QUICK, _EXACT):
        _improve(scales, nodes, near)
    return scales


def _grids(labels: Any, olds: int) -> Iterator[tuple[Any, int]]:
    """Yield the grids of a plan: sorted units, and the today's grid that each inherits (``olds``: none)."""
    for label in np.unique(labels):
        yield np.flatnonzero(labels == label), min(int(label), olds)


def split_scales(scales: Scales, enough: float) -> list[Scales]:
    """Return the programs of the plans with fewer grids than the mix and with more; the same alone if it is not torn.

    What no plan of a part weighs needs not be known better than that it is ``enough``.
    """
    _, mix = scales.master.solve(scales.centre, _SLACK)
    torn, (least, most) = float(mix.sum()), scales.master.counts
    if abs(torn - round(torn)) < _TORN or not least < torn < most or scales.work.over:
        return [scales]
    return [_narrow(scales, ends, enough) for ends in ((least, int(torn)), (int(torn) + 1, most))]


def _narrow(scales: Scales, counts: tuple[int, int], enough: float) -> Scales:
    """Return the program of the plans with from-to so many grids."""
    known, price = scales.master, _PRICE * float(scales.centre.sum())
    master = Master(known.piece, known.sizes)
    master.add(list(zip(known.columns, known.names, strict=True)))
    if len(known.triples):
        master.cut(known.triples)
    part = replace(scales, master=master, rates=scales.rates.copy(), enough=enough)
    for _ in range(_MOST_RISES):
        master.count_grids(*counts, price)
        for nodes, near in (*_QUICK, _EXACT):
            _improve(part, nodes, near)
        _, mix = master.solve(part.centre, _SLACK)
        if part.bound >= enough or counts[0] - _TORN < float(mix.sum()) < counts[1] + _TORN:
            break
        price *= _DEARER
    return part


def tighten(scales: Scales) -> bool:
    """Add the cuts that the mix of grids breaks, and the grids that pay then; False where no cut is broken."""
    _, mix = scales.master.solve(scales.centre, _SLACK)
    fresh = find_cuts(scales.master.columns, mix, scales.roots.prices.rank, max(10, scales.units // 6))
    if not len(fresh):
        return False
    scales.master.cut(fresh)
    _improve(scales, *_EXACT)
    return True


def list_grids(scales: Scales, weight: float, most: int) -> tuple[Found | None, float]:
    """Return every grid of the plans that weigh no more than ``weight``, and what a plan weighs besides its grids.

    A plan weighs at least the second value plus the reduced costs of its grids. There is no list where it is longer
    than ``most``, or the work is over; it is empty where no plan weighs so little.
    """
    if scales.bound > weight:
        return Found([], np.zeros(0), 0, True), scales.bound
    worth, _ = scales.master.solve(scales.centre, _SLACK)
    found = _price(scales, Ask(-_wanted(scales), _EXACT[0], 10), worth)
    _add(scales, found)
    base = worth.total + _lost(found)
    if not np.isfinite(base) or scales.work.over:
        return None, 0.0
    scales.bound = max(scales.bound, base)
    listed = _price(scales, Ask(weight - base, _LISTING_NODES, most, every=True, total=most), worth)
    return (listed if listed.complete else None), base


def _wanted(scales: Scales) -> float:
    return _WANTED * float(scales.centre.sum())


def _add(scales: Scales, found: Found) -> int:
    return scales.master.add([(units, name) for units, name, _ in found.grids])


def _price(scales: Scales, ask: Ask, worth: Worth) -> Found:
    work = scales.work
    nodes = max(20, min(ask.nodes, int(min(1e9, 0.1 * work.left() / _NODE_S))))
    roots = replace(scales.roots, prices=scales.roots.prices._replace(triple=scales.master.triples, fine=worth.fines))
    found = price_roots(
        roots, worth.units, worth.names, scales.rates, replace(ask, nodes=nodes), pool=work.pool, left=work.left
    )
    # how far a listing that is given up came depends on the threads: a flat charge does not
    work.nodes -= found.nodes if found.complete or not ask.every else _GIVEN_UP * scales.units
    return found


def _improve(scales: Scales, nodes: int, near: int) -> None:
    """Add grids that pay until none, or hardly any, is found; exact pricing bounds what every plan weighs."""
    ask, exact = Ask(-_wanted(scales), nodes, 10, units=near), near > scales.units
    for _ in range(_ROUNDS):
        if scales.work.over:
            return
        worth, _ = scales.master.solve(scales.centre, _SLACK)
        found = _price(scales, ask, worth)
        fresh = _add(scales, found)
        if exact:
            bound = worth.total + _lost(found)
            scales.bound = max(scales.bound, bound)
            if worth.total - bound < _NEAR * float(scales.centre.sum()) or scales.bound >= scales.enough:
                return
        if fresh <= (0 if exact else scales.units // 60):
            return


def _lost(found: Found) -> float:
    """Return what all grids of a plan together may cost less than they are paid: at most one of them has each root."""
    return float(np.minimum(found.bounds.min(axis=1), 0.0).sum())
