"""What do a few rows and the sites they open together cost at least, when each site asks a price?

Each row pays its second nearest open site, or what it pays without one. The price of a site is shared out among the
rows; at its shares each row alone has a cheapest pair of sites, and what these cost together is a bound. Branching is
on sites that those pairs are made of, depth first: a site that is open asks no row any more. A branch costs one look at
the lists of the rows.
"""

import numpy as np

from spatial.walking.compiled import inner, kernel

_OFTEN = 4
"""Branches between two looks at what the sites of cheapest pairs cost together."""
_EASE, _FIRST_STEP = 0.7, 0.5
"""How much of a share moves between rows at first, and the factor where that gained nothing."""
_HAIR = 1e-9
FREE, OPEN, SHUT = 0, 1, 2


@kernel
def share_out(ptr, site, cost, gone, weight, ask, state, share, passes):  # type: ignore[no-untyped-def]
    """Share the prices of sites out among rows, in place, such that the rows alone prove most; return that.

    ``share`` is by entry and unit of weight. Rows that a site does not serve hand on to those that it serves.
    """
    sites, rows = len(ask), len(weight)
    total, heavy, used = np.zeros(sites), np.zeros(sites), np.zeros(len(share), np.bool_)
    for i in range(rows):
        for k in range(ptr[i], ptr[i + 1]):
            total[site[k]] += weight[i] * share[k]
            heavy[site[k]] += weight[i]
    for i in range(rows):
        for k in range(ptr[i], ptr[i + 1]):
            t = site[k]
            share[k] = ask[t] * (share[k] / total[t] if total[t] > 0.0 else 1.0 / heavy[t])
    best, proved, step = share.copy(), -np.inf, _FIRST_STEP
    for _ in range(passes):
        now = 0.0
        used[:] = False
        heavy[:] = 0.0
        for i in range(rows):
            paid, a, b = _cheapest(ptr[i], ptr[i + 1], site, cost, gone[i], state, share)
            now += weight[i] * paid
            if b >= 0:
                used[a] = used[b] = True
                heavy[site[a]] += weight[i]
                heavy[site[b]] += weight[i]
        if now > proved:
            proved = now
            best[:] = share
        else:
            step *= _EASE
        total[:] = 0.0
        for i in range(rows):
            for k in range(ptr[i], ptr[i + 1]):
                if heavy[site[k]] > 0.0 and not used[k]:
                    total[site[k]] += weight[i] * step * share[k]
                    share[k] -= step * share[k]
        for k in range(len(share)):
            if used[k]:
                share[k] += total[site[k]] / heavy[site[k]]
    share[:] = best
    return proved


@kernel
def decide(ptr, site, cost, gone, weight, share, ask, state, best, most):  # type: ignore[no-untyped-def]
    """Return what is proved of the least cost in ``most`` branches, and the least met.

    ``best``, flags of sites that keep to ``state``, becomes the best set met; ``state`` is lost. ``share`` is that of
    ``share_out``.
    """
    sites = len(ask)
    used, trail, last = np.empty(sites), np.empty(sites + 1, np.int64), np.zeros(sites + 1, np.bool_)
    now, depth, count = np.empty(sites, np.bool_), 0, 0
    met, least = cost_of(ptr, site, cost, gone, weight, ask, best), np.inf
    while True:
        bound = _relax(ptr, site, cost, gone, weight, share, ask, state, used)
        count += 1
        pick = -1
        if bound < met and count <= most:
            for t in range(sites):
                if state[t] == FREE and used[t] > 0.0 and (pick < 0 or used[t] > used[pick]):
                    pick = t
            if count % _OFTEN == 1 or pick < 0:
                for t in range(sites):
                    now[t] = state[t] == OPEN or (state[t] == FREE and used[t] > 0.5 * ask[t])
                worth = cost_of(ptr, site, cost, gone, weight, ask, now)
                if worth < met:
                    met = worth
                    best[:] = now
        if pick >= 0:
            trail[depth], last[depth], state[pick] = pick, False, OPEN
            depth += 1
            continue
        least = min(least, bound)
        while depth > 0 and last[depth - 1]:
            depth -= 1
            state[trail[depth]] = FREE
        if depth == 0:
            return min(least, met), met
        last[depth - 1], state[trail[depth - 1]] = True, SHUT


@kernel
def cost_of(ptr, site, cost, gone, weight, ask, opened):  # type: ignore[no-untyped-def]
    """Return what open sites ask and the rows pay."""
    total = 0.0
    for t in range(len(ask)):
        if opened[t]:
            total += ask[t]
    for i in range(len(weight)):
        paid, met = gone[i], 0
        for k in range(ptr[i], ptr[i + 1]):
            met += opened[site[k]]
            if met == 2:
                paid = min(paid, cost[k])
                break
        total += weight[i] * paid
    return total


@inner
def _cheapest(begin, end, site, cost, gone, state, share):  # type: ignore[no-untyped-def]
    """Return what a row pays at least with shares of prices, and the entries of its pair, -1 without one."""
    paid, small = gone, np.inf
    one = a = b = -1
    for k in range(begin, end):
        if cost[k] >= paid:
            break
        if state[site[k]] == SHUT:
            continue
        asked = 0.0 if state[site[k]] == OPEN else share[k]
        if cost[k] + asked + small < paid:
            paid, a, b = cost[k] + asked + small, one, k
        if asked < small:
            small, one = asked, k
    return paid, a, b


@inner
def _relax(ptr, site, cost, gone, weight, share, ask, state, used):  # type: ignore[no-untyped-def]
    """Return what open sites ask and rows alone pay; write what they pay free sites of their pairs."""
    bound = 0.0
    for t in range(len(ask)):
        used[t] = 0.0
        if state[t] == OPEN:
            bound += ask[t]
    for i in range(len(weight)):
        paid, a, b = _cheapest(ptr[i], ptr[i + 1], site, cost, gone[i], state, share)
        bound += weight[i] * paid
        if b >= 0:
            used[site[a]] += weight[i] * share[a] + _HAIR
            used[site[b]] += weight[i] * share[b] + _HAIR
    return bound
