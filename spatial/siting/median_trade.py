"""What should each part of a city pay for a site that other parts want as well?

At any fees the parts bound the whole from below, and best where they agree which sites are open. A set met in a part
tells what that part costs at most at any other fees: the next fees are those at which the cheapest sets met would cost
most, less a charge for fees that move far (a proximal bundle method with a model by part: Kiwiel, "Proximity control in
bundle methods for convex nondifferentiable minimization", 1990). They follow from a mix of sets in each part, and these
move by turns towards the set that is cheapest at the fees so far (Lacoste-Julien, Jaggi, Schmidt and Pletscher,
"Block-coordinate Frank-Wolfe optimization for structural SVMs", 2013).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from spatial.siting.ways import Floats, Ints

Met: TypeAlias = dict[tuple[int, ...], float]
"""Sets of sites met in a part, and what its rows pay with them, without fees."""

_MOST = 100
"""So many of the sets met in a part are looked at, those that are cheapest at the fees so far."""
_ALONE = 0.9
"""How much less easily fees move where one part pays nearly all of a site."""
_CURVE = 1.5
"""By how many shares of itself the rate falls when there are twice as many sites; it moves that easily."""
_FARTHEST = 0.5
"""The rate moves by this share of itself at most."""
_PASSES, _ENOUGH = 60, 1e-3
"""Passes over all parts, which end when the mixes cost but this share more than the cheapest sets than at first."""


@dataclass(frozen=True, slots=True)
class Fees:
    """What each part pays for each site, parts by sites; ``rate`` is the most that all parts pay for any."""

    fee: Floats
    rate: float


@dataclass(frozen=True, slots=True)
class _Market:
    """Fees of the sites that some set met has, how easily each moves, how much of its site each part pays, how far
    fees may go, and how far the rate goes with the number of sites. All tables are parts by sites."""

    fee: Floats
    ease: Floats
    paid: Floats
    reach: float
    slope: float


def trade_fees(fees: Fees, p: int, met: Sequence[Met], reach: float) -> Fees:
    """Return fees at which the cheapest sets met in all parts would cost more together, less ``p`` times the rate.

    ``reach`` is by how much a fee moves whose part surely wants the site while half of what else is paid for it comes
    from parts that do not.
    """
    if fees.rate <= 0.0 or not all(met):
        return fees
    names = np.unique(np.concatenate([np.array(one, np.int64) for sets in met for one in sets]))
    if not len(names):
        return fees
    paid = fees.fee / fees.rate
    ease = paid * (1.0 - _ALONE * paid)
    market = _Market(fees.fee[:, names], ease[:, names], paid[:, names], reach, _CURVE * fees.rate / max(p, 1))
    pools = [_cheapest(fee, sets, names) for fee, sets in zip(fees.fee, met, strict=True)]
    moved, raised = _move(market, pools, p, fees.rate)
    fee = fees.fee * (1.0 + raised / fees.rate)
    fee[:, names] = moved
    return _balanced(np.maximum(fee, 0.0), ease, fees.rate + raised)


def _balanced(fee: Floats, ease: Floats, rate: float) -> Fees:
    """Return the fees of each site made to sum to the rate: less in proportion, more as they move."""
    fee = fee * (rate / np.maximum(fee.sum(axis=0), rate))
    spread = ease.sum(axis=0)
    lacking = np.maximum(rate - fee.sum(axis=0), 0.0)
    fee = fee + ease * np.divide(lacking, spread, out=np.zeros(len(spread)), where=spread > 0.0)
    return Fees(fee, float(fee.sum(axis=0).max()))


def _cheapest(fee: Floats, sets: Met, names: Ints) -> tuple[Floats, Floats]:
    """Return the sets of a part that are cheapest at its fees: one row of ones and zeros each, and their costs."""
    every = sorted(sets, key=lambda one: (sets[one] + float(fee[list(one)].sum()), one))[:_MOST]
    flags = np.zeros((len(every), len(names)))
    for k, one in enumerate(every):
        flags[k, np.searchsorted(names, np.array(one, np.int64))] = 1.0
    return flags, np.array([sets[one] for one in every])


def _move(market: _Market, pools: Sequence[tuple[Floats, Floats]], p: int, rate: float) -> tuple[Floats, float]:
    """Return the fees that the best mixes lead to, and by how much the rate rises."""
    ease, spread = market.ease, np.maximum(market.ease.sum(axis=0), np.finfo(float).tiny)
    mixes = [np.r_[1.0, np.zeros(len(cost) - 1)] for _, cost in pools]
    opened = np.array([flags[0] for flags, _ in pools])
    mean = (ease * opened).sum(axis=0) / spread
    count, first = float((market.paid * opened).sum()) - p, 0.0
    for turn in range(_PASSES):
        dearer = 0.0
        for k, (flags, cost) in enumerate(pools):
            fee = market.fee[k] + market.reach * ease[k] * (opened[k] - mean) + market.paid[k] * market.slope * count
            total = cost + flags @ fee
            at = int(np.argmin(total))
            gap = float(mixes[k] @ total - total[at])
            dearer += gap
            way = flags[at] - opened[k]
            pull, more = ease[k] * way, float(market.paid[k] @ way)
            bend = market.reach * float((pull * way - pull * pull / spread).sum()) + market.slope * more * more
            step = 1.0 if gap >= bend else gap / bend
            mixes[k] *= 1.0 - step
            mixes[k][at] += step
            opened[k] += step * way
            mean, count = mean + step * pull / spread, count + step * more
        first = first if turn else dearer
        if dearer <= _ENOUGH * first:
            break
    raised = float(np.clip(market.slope * count, -_FARTHEST * rate, _FARTHEST * rate))
    return market.fee + market.reach * ease * (opened - mean) + market.paid * raised, raised
