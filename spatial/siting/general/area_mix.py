"""How are the sets that an area knows mixed such that they are cheap and near to the shares of sites and pairs?"""

from typing import Any

import numpy as np

from spatial.siting.general.area_branch import cost_of
from spatial.walking.compiled import inner

_FAINT = 1e-5
"""Sets are mixed as long as the best and the worst differ by more than this share."""


@inner
def blend(a, first, size, own, free, near, pair_near, known, cost, part, count, new, steps):  # type: ignore[no-untyped-def]
    """Mix the sets of an area in so many steps at most, write the prices there, and tell whether there are any.

    Frank-Wolfe steps go from the worst set that is mixed in to the best of all. A site whose sets are open by less
    than its share has no price; one of a pair is a fee for too much, or a reward for too little.
    """
    columns, total = count[a], 0.0
    share, inside = np.empty(columns), np.empty((size, columns))  # near to each other in memory: steps look at all
    mixed, asked = np.zeros(size), np.empty(columns)
    for k in range(columns):
        asked[k], share[k] = cost[k, a], part[k, a] if cost[k, a] < np.inf else 0.0
        total += share[k]
        for t in range(size):
            inside[t, k] = known[k, first + t]
    if total <= 0.0:
        for k in range(columns):
            if asked[k] < np.inf:
                share[k], total = 1.0, 1.0
                break
    if total > 0.0:
        share /= total
        new[:] = 0.0
        for t in range(size):
            for k in range(columns):
                mixed[t] += share[k] * inside[t, k]
            _price(t, mixed, own, free, near, pair_near, inside, asked, new)
        _step(own, free, near, pair_near, inside, asked, share, mixed, new, steps)
    for k in range(columns):
        part[k, a] = share[k]
    return total > 0.0


@inner
def _step(own, free, near, pair_near, inside, asked, share, mixed, new, steps):  # type: ignore[no-untyped-def]
    """Shift shares from the worst set that is mixed in to the best of all, as long as they differ."""
    for _ in range(steps):
        best, worst = np.inf, -np.inf
        into: Any = np.int64(-1)
        out: Any = np.int64(-1)
        for k in range(len(asked)):
            if asked[k] < best:
                best, into = asked[k], k
            if share[k] > 0.0 and asked[k] > worst:
                worst, out = asked[k], k
        if worst - best <= _FAINT * max(abs(best), 1.0) or into == out:
            return
        length = 0.0
        for t in range(len(mixed)):
            if inside[t, into] != inside[t, out]:
                length += near if t < own else pair_near
        by = min(share[out], (worst - best) / length)
        share[into] += by
        share[out] -= by
        if share[out] < 1e-12:
            share[out] = 0.0
        for t in range(len(mixed)):
            if inside[t, into] != inside[t, out]:
                mixed[t] += by * (inside[t, into] - inside[t, out])
                _price(t, mixed, own, free, near, pair_near, inside, asked, new)


@inner
def _price(t, mixed, own, free, near, pair_near, inside, asked, new):  # type: ignore[no-untyped-def]
    """Give a site or a pair the price of its share, and let sets ask it."""
    price = (near if t < own else pair_near) * (mixed[t] - free[t])
    if t < own:
        price = max(price, 0.0)
    step = price - new[t]
    if step != 0.0:
        new[t] = price
        for k in range(len(asked)):
            asked[k] += step * inside[t, k]


@inner
def keep_set(a, opened, need, row_ptr, site_ptr, own, ptr, site, weight, ask, known, cost, part, count):  # type: ignore[no-untyped-def]
    """Keep a set of sites of an area, in the place of the dearest that is not mixed in; tell whether it is new."""
    first, last, size = site_ptr[a], site_ptr[a + 1], own[a]
    at = count[a]
    for k in range(count[a]):
        same = True
        for t in range(size):
            if known[k, first + t] != opened[t]:
                same = False
                break
        if same:
            return False
    if at == len(known):
        at, dear = 0, -np.inf
        for k in range(count[a]):
            asked = cost[k, a]
            for t in range(first, last):
                if known[k, t]:
                    asked += ask[t]
            if part[k, a] <= 0.0 and asked > dear:
                at, dear = k, asked
    else:
        count[a] += 1
    pairs = last - first - size
    begin, end = row_ptr[a], row_ptr[a + 1] - pairs
    entry = ptr[begin]
    local, needs = ptr[begin : end + 1] - entry, np.empty(end - begin, np.int64)
    needs[:] = need
    known[at, first : first + size], part[at, a] = opened, 0.0
    for q in range(pairs):
        ends = ptr[end + q]
        known[at, first + size + q] = opened[site[ends]] and opened[site[ends + 1]]
    cost[at, a] = cost_of(local, site[entry : ptr[end]], weight[begin:end], needs, np.zeros(size), opened)
    return True
