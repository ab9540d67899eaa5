"""What do some rows and the sites they open together cost at least, when each site asks a price?

Each row lacks its weight unless as many of its sites as it needs, one or two, are open. Branching on sites, depth
first; a branch is bounded by prices that its rows pay their sites, mixed a few times as in ``rows.py`` from those of
the branch above, so that a branch costs some passes over the rows and no linear programme.
"""

import numpy as np

from spatial.walking.compiled import inner, kernel

_PASSES, _FIRST_PASSES = 1, 16
"""Passes over the rows in a branch, and before the first: one makes half as many branches again, in half the time."""
_WHOLE = 1e-9


@kernel
def decide(ptr, site, weight, need, price, level, ask, low, high, best, most, near, slack):  # type: ignore[no-untyped-def]
    """Return the least cost within ``slack``, or what is proved of it in ``most`` branches, and the least met.

    ``need`` is by row. ``best``, flags of sites, is the best set known and becomes the best met. ``price`` by entry and
    ``level`` by row are where prices begin, and end as those of the first branch.
    """
    sites, rows, entries = len(ask), len(weight), len(site)
    deep = sites + 2
    prices, levels = np.empty((deep, entries)), np.empty((deep, rows))
    lows, highs, centres = np.empty((deep, sites)), np.empty((deep, sites)), np.empty((deep, sites))
    proved, paid, share, now = np.empty(deep), np.empty(sites), np.empty(sites), np.empty(sites, np.bool_)
    met = cost_of(ptr, site, weight, need, ask, best)
    prices[0], levels[0], lows[0], highs[0], proved[0] = price, level, low, high, -np.inf
    for j in range(sites):
        centres[0, j] = min(max(0.5 * best[j], low[j]), high[j])
    least, depth, count = np.inf, 0, 0
    while depth >= 0:
        if proved[depth] >= met - slack or count >= most:
            least = min(least, proved[depth])
            depth -= 1
            continue
        reached = proved[depth]
        for turn in range(_PASSES if count else _FIRST_PASSES):
            bound = _prove(ptr, site, weight, need, prices[depth], levels[depth], ask, lows[depth], highs[depth], paid)
            reached = max(reached, bound)
            if reached >= met - slack:
                break
            _mix(
                ptr, site, weight, need, prices[depth], levels[depth], ask, lows[depth], highs[depth], centres[depth],
                paid, share, near, turn % 2,
            )  # fmt: skip
        bound = _prove(ptr, site, weight, need, prices[depth], levels[depth], ask, lows[depth], highs[depth], paid)
        proved[depth] = max(reached, bound)
        if count == 0:
            price[:], level[:] = prices[0], levels[0]
        count += 1
        if proved[depth] >= met - slack:
            continue
        pick, most_open = -1, -1.0
        for j in range(sites):
            now[j] = share[j] > 0.5
            if highs[depth, j] > lows[depth, j]:
                open_by = (min(share[j], 1.0 - share[j]) + 1e-6) * (ask[j] + 1e-9)
                if open_by > most_open:
                    pick, most_open = j, open_by
        cost = cost_of(ptr, site, weight, need, ask, now)
        if cost < met:
            met = cost
            best[:] = now
        if pick < 0:  # all sites are settled, and what they cost was looked at
            least = min(least, cost)
            depth -= 1
            continue
        below = depth + 1
        prices[below], levels[below], centres[below] = prices[depth], levels[depth], centres[depth]
        lows[below], highs[below], proved[below] = lows[depth], highs[depth], proved[depth]
        if share[pick] > 0.5:
            lows[below, pick], highs[depth, pick] = 1.0, 0.0
        else:
            highs[below, pick], lows[depth, pick] = 0.0, 1.0
        depth = below
    return min(least, met), met


@kernel
def cost_of(ptr, site, weight, need, ask, opened):  # type: ignore[no-untyped-def]
    """Return what open sites ask and the rows lack."""
    cost = 0.0
    for j in range(len(ask)):
        if opened[j]:
            cost += ask[j]
    for i in range(len(weight)):
        met = 0
        for k in range(ptr[i], ptr[i + 1]):
            met += opened[site[k]]
        if met < need[i]:
            cost += weight[i]
    return cost


@inner
def _prove(ptr, site, weight, need, price, level, ask, low, high, paid):  # type: ignore[no-untyped-def]
    """Set the levels that prices are good for, and what sites are paid; return what these prove."""
    bound = 0.0
    for j in range(len(ask)):
        paid[j] = 0.0
    for i in range(len(weight)):
        first = second = np.inf
        for k in range(ptr[i], ptr[i + 1]):
            one = price[k]
            paid[site[k]] += weight[i] * one
            if one < first:
                first, second = one, first
            elif one < second:
                second = one
        level[i] = min(1.0, first if need[i] == 1 else first + second)
        bound += weight[i] * level[i]
    for j in range(len(ask)):
        rest = ask[j] - paid[j]
        bound += rest * (low[j] if rest > 0.0 else high[j])
    return bound


@inner
def _mix(ptr, site, weight, need, price, level, ask, low, high, centre, paid, share, near, back):  # type: ignore[no-untyped-def]
    """Visit all rows once, in place: each mixes its prices with those that the shares of its sites break most."""
    for j in range(len(ask)):
        share[j] = min(max(centre[j] + (paid[j] - ask[j]) / near, low[j]), high[j])
    rows = len(weight)
    for turn in range(rows):
        i = rows - 1 - turn if back else turn
        summed, widest, at = 0.0, -1.0, -1
        for k in range(ptr[i], ptr[i + 1]):
            summed += share[site[k]]
            if share[site[k]] > widest:
                widest, at = share[site[k]], k
        unit = 1.0 / need[i]
        if need[i] == 1 or 0.5 * summed <= summed - widest:
            at = -1
        else:
            unit = 1.0
        aim = 1.0
        if min(summed / need[i], summed - widest if need[i] == 2 else np.inf) >= 1.0 - _WHOLE:
            aim, unit = 0.0, 0.0
        gain, size = aim - level[i], 0.0
        for k in range(ptr[i], ptr[i + 1]):
            step = (0.0 if k == at else unit) - price[k]
            gain -= step * share[site[k]]
            size += step * step
        if gain <= 1e-12 or size <= 0.0:
            continue
        part = min(1.0, gain * near / (weight[i] * size))
        level[i] += part * (aim - level[i])
        for k in range(ptr[i], ptr[i + 1]):
            j = site[k]
            step = part * ((0.0 if k == at else unit) - price[k])
            price[k] += step
            paid[j] += weight[i] * step
            share[j] = min(max(centre[j] + (paid[j] - ask[j]) / near, low[j]), high[j])
    for j in range(len(ask)):
        centre[j] = share[j]
