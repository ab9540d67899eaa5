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
    """Fees of the sites that some set met has, how easily each moves, how much of its site each part pays, and what the
    first moves sum to by site; then how far fees may go, and how far the rate goes with the number of sites.

    All tables are parts by sites.
    """

    fee: Floats
    ease: Floats
    paid: Floats
    spread: Floats
    reach: float
    slope: float


@dataclass(frozen=True, slots=True)
class _Pool:
    """Sets of a part: where among the traded sites those are that any of them has, ones and zeros by set and such site,
    and what the part pays with each besides fees."""

    at: Ints
    flags: Floats
    cost: Floats


@dataclass(frozen=True, slots=True)
class _Mix:
    """How the sets of each part are mixed, how far each part opens each site with that, the mean of that by site, and
    (one number) how many sites are open beyond those that are to be. Every step writes to them."""

    shares: list[Floats]
    opened: Floats
    mean: Floats
    beyond: Floats


def trade_fees(fees: Fees, p: int, met: Sequence[Met], reach: float) -> Fees:
    """Return fees at which the cheapest sets met in all parts would cost more together, less ``p`` times the rate.

    A fee moves by ``reach`` times how easily it moves times how much more its part opens the site than parts do on
    average.
    """
    if fees.rate <= 0.0 or not all(met):
        return fees
    names = np.unique(np.concatenate([np.array(one, np.int64) for sets in met for one in sets]))
    if not len(names):
        return fees
    paid = fees.fee / fees.rate
    ease = paid * (1.0 - _ALONE * paid)
    light, slope = ease[:, names], _CURVE * fees.rate / max(p, 1)
    spread = np.maximum(light.sum(axis=0), np.finfo(float).tiny)
    market = _Market(fees.fee[:, names], light, paid[:, names], spread, reach, slope)
    pools = [_cheapest(fee, sets, names) for fee, sets in zip(fees.fee, met, strict=True)]
    mix = _mixed(market, pools, p)
    raised = float(np.clip(slope * mix.beyond[0], -_FARTHEST * fees.rate, _FARTHEST * fees.rate))
    fee = fees.fee * (1.0 + raised / fees.rate)
    fee[:, names] = market.fee + reach * light * (mix.opened - mix.mean) + market.paid * raised
    return _balanced(np.maximum(fee, 0.0), ease, fees.rate + raised)


def _balanced(fee: Floats, ease: Floats, rate: float) -> Fees:
    """Return the fees of each site made to sum to the rate: less in proportion, more as they move."""
    fee = fee * (rate / np.maximum(fee.sum(axis=0), rate))
    spread = ease.sum(axis=0)
    lacking = np.maximum(rate - fee.sum(axis=0), 0.0)
    fee = fee + ease * np.divide(lacking, spread, out=np.zeros(len(spread)), where=spread > 0.0)
    return Fees(fee, float(fee.sum(axis=0).max()))


def _cheapest(fee: Floats, sets: Met, names: Ints) -> _Pool:
    """Return the sets of a part that are cheapest at its fees, the cheapest first."""
    every = sorted(sets, key=lambda one: (sets[one] + float(fee[list(one)].sum()), one))[:_MOST]
    own = np.unique(np.concatenate([np.array(one, np.int64) for one in every]))
    flags = np.array([np.isin(own, one) for one in every], np.float64)
    return _Pool(np.searchsorted(names, own), flags, np.array([sets[one] for one in every]))


def _mixed(market: _Market, pools: Sequence[_Pool], p: int) -> _Mix:
    """Return mixes of the sets in the pools that cost, at the fees they lead to, hardly more than the cheapest sets."""
    opened = np.zeros(market.ease.shape)
    for k, pool in enumerate(pools):
        opened[k, pool.at] = pool.flags[0]
    mean = (market.ease * opened).sum(axis=0) / market.spread
    shares = [np.r_[1.0, np.zeros(len(pool.cost) - 1)] for pool in pools]
    mix, first = _Mix(shares, opened, mean, np.array([float((market.paid * opened).sum()) - p])), 0.0
    for turn in range(_PASSES):
        dearer = sum(_step(market, pool, mix, k) for k, pool in enumerate(pools))
        first = first if turn else dearer
        if dearer <= _ENOUGH * first:
            break
    return mix


def _step(market: _Market, pool: _Pool, mix: _Mix, k: int) -> float:
    """Move the mix of part ``k`` towards its cheapest set, as far as that pays; return how much dearer the mix was."""
    at = pool.at
    ease, paid, opened = market.ease[k, at], market.paid[k, at], mix.opened[k, at]
    raised = market.slope * float(mix.beyond[0])
    fee = market.fee[k, at] + market.reach * ease * (opened - mix.mean[at]) + paid * raised
    total = pool.cost + pool.flags @ fee
    best = int(np.argmin(total))
    dearer = float(mix.shares[k] @ total - total[best])
    way = pool.flags[best] - opened
    pull, more = ease * way, float(paid @ way)
    # The fees move against the mix: so much faster does the set get dearer than the mix on the way.
    bend = market.reach * float((pull * way - pull * pull / market.spread[at]).sum()) + market.slope * more * more
    step = 1.0 if dearer >= bend else dearer / bend
    mix.shares[k] *= 1.0 - step
    mix.shares[k][best] += step
    mix.opened[k, at] += step * way
    mix.mean[at] += step * pull / market.spread[at]
    mix.beyond[0] += step * more
    return dearer
