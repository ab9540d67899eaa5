"""How are the sets that an area knows mixed such that they are cheap and near to the shares of sites and pairs?"""

from typing import Any

import numpy as np

from spatial.siting.general.area_branch import cost_of
from spatial.walking.compiled import inner

_STEPS, _FAINT = 300, 1e-5
"""Steps by which sets are mixed at most; they end where the best and the worst differ by less than this share."""


@inner
def blend(a, first, size, own, free, near, pair_near, known, cost, part, count, new):  # type: ignore[no-untyped-def]
    """Mix the sets of an area, write the prices where they are, and tell whether there are any.

    Frank-Wolfe steps go from the worst set that is mixed in to the best of all. A site whose sets are open by less
    than its share has no price; one of a pair is a fee for too much, or a reward for too little.
    """
    mixed, asked, total = np.zeros(size), np.empty(count[a]), 0.0
    for k in range(count[a]):
        if cost[k, a] == np.inf:
            part[k, a] = 0.0
        total += part[k, a]
    if total <= 0.0:
        for k in range(count[a]):
            if cost[k, a] < np.inf:
                part[k, a], total = 1.0, 1.0
                break
    if total <= 0.0:
        return False
    for k in range(count[a]):
        part[k, a] /= total
        if part[k, a] > 0.0:
            for t in range(size):
                mixed[t] += part[k, a] * known[k, first + t]
    for t in range(size):
        new[t] = max(near * (mixed[t] - free[t]), 0.0) if t < own else pair_near * (mixed[t] - free[t])
    for k in range(count[a]):
        asked[k] = cost[k, a]
        for t in range(size):
            if known[k, first + t]:
                asked[k] += new[t]
    for _ in range(_STEPS):
        best, worst = np.inf, -np.inf
        into: Any = np.int64(-1)
        out: Any = np.int64(-1)
        for k in range(count[a]):
            if asked[k] < best:
                best, into = asked[k], k
            if part[k, a] > 0.0 and asked[k] > worst:
                worst, out = asked[k], k
        if worst - best <= _FAINT * max(abs(best), 1.0) or into == out:
            return True
        length = 0.0
        for t in range(size):
            if known[into, first + t] != known[out, first + t]:
                length += near if t < own else pair_near
        by = min(part[out, a], (worst - best) / length)
        part[into, a] += by
        part[out, a] -= by
        if part[out, a] < 1e-12:
            part[out, a] = 0.0
        for t in range(first, first + size):
            if known[into, t] == known[out, t]:
                continue
            mixed[t - first] += by if known[into, t] else -by
            price = (near if t - first < own else pair_near) * (mixed[t - first] - free[t - first])
            if t - first < own:
                price = max(price, 0.0)
            step = price - new[t - first]
            if step != 0.0:
                new[t - first] = price
                for k in range(count[a]):
                    if known[k, t]:
                        asked[k] += step
    return True


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
