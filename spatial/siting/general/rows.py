"""How low can a total be under conditions of every kind? Prices that rows pay their sites, row by row.

Each row has prices of its sites and a level that they are good for: it pays the level at least, less what it pays to
open sites. Rows are visited in random order; each mixes its prices with those of the inequality that the shares of the
sites break most, as far as that gains, and the shares follow at once: they stay near a centre, which moves to them
after every pass. That is the block-coordinate Frank-Wolfe method (Lacoste-Julien, Jaggi, Schmidt and Pletscher, 2013)
on the Benders cuts of all rows, within the proximal point method. Fines of conditions are set such that shares keep
them. Whatever prices and fines are worth, the bound is computed from them anew.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from spatial.siting.cuts import Cuts, break_most
from spatial.siting.general.seconds import make_room, pair_cut
from spatial.siting.price import Priced, Sides, least_of_sites
from spatial.siting.ways import Deadline, Floats, Ints, Ways
from spatial.walking.compiled import inner, kernel

_NEAR = 0.3
"""A share moves by one where its price exceeds the others by this part of what an open site is paid on average."""
_LOOK, _ROUGH_LOOKS, _MOST_LOOKS = 5, 2, 40
"""Passes between two looks at the bound; looks before pairs are told apart; and looks at most."""
_LITTLE = 0.01
"""Passes end where the bound rises by less than this share of the gap from look to look."""
_VISITS = 100
"""How often in a pass the fines are set anew."""
_FAINT = 1e-7
_HUGE = 1e6

LOW, HIGH, CENTRE, PAID, FINED, SHARE = range(6)
"""Rows of ``sites``: least and most that a site may be open, where it is drawn to, what rows pay and fines add, and
how far it is open."""
REACH, LEAST, WEIGHT, LEVEL = range(4)
"""Rows of ``rows``: what a row may pay beyond its least, that least, its weight, and the level of its prices."""


@dataclass(frozen=True, slots=True)
class RowPrices:
    """Where prices stand: by entry, number of entries with a price and figures by row, figures by site, and fines.

    ``near`` is how far prices have to differ for a share to move by one; 0 before there are any.
    """

    price: Floats
    length: Ints
    rows: Floats
    sites: Floats
    fine: Floats
    near: float


def begin_prices(ways: Ways, reach: Floats, least: Floats, weight: Floats, sides: Sides, share: Floats) -> RowPrices:
    """Return no prices, with the sites open by these shares."""
    rows, sites = np.stack([reach, least, weight, np.zeros(ways.rows)]), np.zeros((6, ways.sites))
    sites[CENTRE] = share
    fine = np.zeros(len(sides.least) + 1)
    return RowPrices(np.zeros(len(ways.site)), np.zeros(ways.rows, np.int64), rows, sites, fine, 0.0)


def raise_prices(
    ways: Ways, need: int, sides: Sides, ends: tuple[Floats, Floats], prices: RowPrices, goal: float, *,
    deadline: Deadline, seed: int,
) -> tuple[RowPrices, Priced]:  # fmt: skip
    """Return better prices, and what they prove of the weighted sum of all that rows pay beyond their least.

    Passes end where they gain little, or prove more than ``goal``. ``ends`` are the bounds of the sites.
    """
    rng, before = np.random.default_rng(seed), -np.inf
    prices = replace(prices, price=prices.price.copy(), length=prices.length.copy(), rows=prices.rows.copy(),
                     sites=prices.sites.copy(), fine=prices.fine.copy())  # fmt: skip
    prices.sites[LOW], prices.sites[HIGH] = ends
    prices.sites[CENTRE] = np.clip(prices.sites[CENTRE], *ends)
    table = side_table(sides)
    for look in range(_MOST_LOOKS):
        for _ in range(_LOOK):
            prices = _passed(
                ways, need, table, prices, rng.permutation(ways.rows), pairs=need == 2 and look >= _ROUGH_LOOKS
            )
            if deadline.left() <= 0.0:
                break
        _tighten(ways.ptr, ways.cost, np.int64(need), prices.price, prices.length, prices.rows)
        found = _prove(ways, sides, ends, prices)
        gains = found.bound - before
        if found.bound > goal or deadline.left() <= 0.0 or (look > _ROUGH_LOOKS and gains < _LITTLE * (goal - before)):
            break
        before = max(before, found.bound)
    return prices, found


def cuts_of(ways: Ways, prices: RowPrices) -> Cuts:
    """Return the inequalities of all rows at their prices."""
    inside = np.arange(len(ways.site)) - np.repeat(ways.ptr[:-1], np.diff(ways.ptr))
    used = inside < np.repeat(prices.length, np.diff(ways.ptr))
    ptr = np.concatenate((np.zeros(1, np.int64), np.cumsum(prices.length)))
    sites = sparse.csr_array((prices.price[used], ways.site[used], ptr), shape=(ways.rows, ways.sites))
    return Cuts(sites, sparse.eye_array(ways.rows, format="csr"), prices.rows[LEVEL].copy())


def side_table(sides: Sides) -> tuple[Ints, Ints, Floats, Floats]:
    """Return by condition the sites, their factors and the least sum; the number of sites is the last."""
    count = sparse.csr_array(-sides.counted.astype(np.float64)[None, :])
    every = sparse.vstack([sides.matrix, count]).tocsr()
    every.eliminate_zeros()
    least = np.append(sides.least, -float(sides.most))
    return every.indptr.astype(np.int64), every.indices.astype(np.int64), every.data, least


def _passed(
    ways: Ways, need: int, table: tuple[Ints, Ints, Floats, Floats], prices: RowPrices, order: Ints, *, pairs: bool
) -> RowPrices:
    """Return the prices after one pass over all rows, the centre where the shares ended."""
    first = prices.near == 0.0
    near = np.inf if first else prices.near
    every = max(1, ways.rows // _VISITS)
    _pass(
        ways.ptr, ways.site, ways.cost, np.int64(need), *table, prices.price, prices.length, prices.rows, prices.sites,
        prices.fine, order, near, np.int64(every), pairs,
    )  # fmt: skip
    if not first:
        prices.sites[CENTRE] = prices.sites[SHARE]
        return prices
    paid, many = np.sort(prices.sites[PAID])[::-1], int(np.ceil(prices.sites[CENTRE].sum()))
    return replace(prices, near=max(_NEAR * float(paid[: max(many, 1)].mean()), 1e-300))


def _prove(ways: Ways, sides: Sides, ends: tuple[Floats, Floats], prices: RowPrices) -> Priced:
    """Return what prices and fines prove, computed from them alone."""
    rows, fine = prices.rows, prices.fine[:-1]
    counted = np.arange(len(ways.site)) - np.repeat(ways.ptr[:-1], np.diff(ways.ptr))
    used = counted < np.repeat(prices.length, np.diff(ways.ptr))
    weighed = np.repeat(rows[WEIGHT], prices.length) * prices.price[used]
    paid = np.bincount(ways.site[used], weighed, ways.sites)
    adds = -paid - sides.matrix.T @ fine
    bound, shut, opened = least_of_sites(float(rows[LEVEL] @ rows[WEIGHT] + sides.least @ fine), adds, sides, ends)
    share = prices.sites[SHARE].copy()
    spent = np.bincount(
        np.repeat(np.arange(ways.rows), prices.length), prices.price[used] * share[ways.site[used]], ways.rows
    )
    lack = np.maximum(rows[LEVEL] - spent, 0.0)
    binds = bool((fine > _FAINT * max(float(np.abs(adds).max(initial=0.0)), 1e-300)).any())
    return Priced(bound, share, lack, shut, opened, np.ones(ways.rows, dtype=bool), rows[WEIGHT].copy(), binds)


@kernel
def _pass(  # type: ignore[no-untyped-def]
    ptr, site, cost, need, side_ptr, side_site, side_value, side_least, price, length, rows, sites, fine, order, near,
    every, pairs,
):  # fmt: skip
    """Visit all rows once, in place."""
    widest = np.int64(1)
    for i in range(len(length)):
        widest = max(widest, ptr[i + 1] - ptr[i])
    terms, tried, room = np.empty(widest), np.empty(widest), make_room()
    for j in range(sites.shape[1]):
        _follow(j, sites, near)
    for turn in range(len(order)):
        if turn % every == 0:
            for s in range(len(side_least)):
                _set_fine(s, side_ptr, side_site, side_value, side_least, fine, sites, near)
        i = order[turn]
        begin, weight = ptr[i], rows[WEIGHT, i]
        gone = rows[LEAST, i] + rows[REACH, i]
        level, reached = break_most(begin, ptr[i + 1], site, cost, gone, need, sites[SHARE], terms)
        if pairs:
            level, reached = pair_cut(
                begin, ptr[i + 1], site, cost, gone, rows[LEAST, i], sites[SHARE], level, reached, terms, tried, room
            )
        many = max(reached, length[i])
        gain, size = level - rows[LEVEL, i], 0.0
        for t in range(many):
            if t >= reached:
                terms[t] = 0.0
            if t >= length[i]:
                price[begin + t] = 0.0
            step = terms[t] - price[begin + t]
            gain -= step * sites[SHARE, site[begin + t]]
            size += step * step
        if gain <= 1e-12 * gone or size <= 0.0:
            continue
        part = min(1.0, gain * near / (weight * size))
        rows[LEVEL, i] += part * (level - rows[LEVEL, i])
        length[i] = many
        for t in range(many):
            step = part * (terms[t] - price[begin + t])
            price[begin + t] += step
            sites[PAID, site[begin + t]] += weight * step
            _follow(site[begin + t], sites, near)


@inner
def _follow(j, sites, near):  # type: ignore[no-untyped-def]
    """Open a site as far as what it is paid draws it away from its centre."""
    aim = sites[CENTRE, j] + (sites[PAID, j] + sites[FINED, j]) / near
    sites[SHARE, j] = min(max(aim, sites[LOW, j]), sites[HIGH, j])


@inner
def _set_fine(s, side_ptr, side_site, side_value, side_least, fine, sites, near):  # type: ignore[no-untyped-def]
    """Set the fine of a condition such that the shares just keep it: Newton's method within what is known."""
    if near == np.inf:
        return
    low, high, most = 0.0, np.inf, _HUGE * near
    for _ in range(30):
        short, slope = side_least[s], 0.0
        for k in range(side_ptr[s], side_ptr[s + 1]):
            j = side_site[k]
            short -= side_value[k] * sites[SHARE, j]
            aim = sites[CENTRE, j] + (sites[PAID, j] + sites[FINED, j]) / near
            if sites[LOW, j] < aim < sites[HIGH, j]:
                slope += side_value[k] * side_value[k] / near
        if abs(short) < 1e-9 * (1.0 + abs(side_least[s])) or (short < 0.0 and fine[s] <= 0.0):
            return
        if short > 0.0:
            low = fine[s]
        else:
            high = fine[s]
        aim = fine[s] + short / slope if slope > 0.0 else -1.0
        if aim <= low or aim >= high:
            aim = 0.5 * (low + high) if high < np.inf else 2.0 * low + 0.01 * near
        aim = min(max(aim, 0.0), most)
        if aim == fine[s]:
            return
        step = aim - fine[s]
        fine[s] = aim
        for k in range(side_ptr[s], side_ptr[s + 1]):
            sites[FINED, side_site[k]] += side_value[k] * step
            _follow(side_site[k], sites, near)


@kernel
def set_fines(side_ptr, side_site, side_value, side_least, sites, fine, near):  # type: ignore[no-untyped-def]
    """Open all sites as far as they are paid, and fine them such that the conditions are just kept, in place."""
    for j in range(sites.shape[1]):
        _follow(j, sites, near)
    for s in range(len(side_least)):
        _set_fine(s, side_ptr, side_site, side_value, side_least, fine, sites, near)


@kernel
def _tighten(ptr, cost, need, price, length, rows):  # type: ignore[no-untyped-def]
    """Raise the level of each row to the least that any set of sites pays with its prices, in place."""
    small = np.empty(need)
    for i in range(len(length)):
        begin, level = ptr[i], rows[REACH, i]
        for q in range(need):
            small[q] = np.inf
        for r in range(min(ptr[i + 1] - begin, length[i] + need)):
            paid = price[begin + r] if r < length[i] else 0.0
            if r >= need - 1:
                total = cost[begin + r] - rows[LEAST, i] + paid
                for q in range(need - 1):
                    total += small[q]
                level = min(level, total)
            # The cheapest need - 1 prices of those nearer are kept, the cheapest first.
            q = need - 2
            if q >= 0 and paid < small[q]:
                while q > 0 and small[q - 1] > paid:
                    small[q] = small[q - 1]
                    q -= 1
                small[q] = paid
        rows[LEVEL, i] = level
