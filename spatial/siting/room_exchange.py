"""What do open sites cost, rows shared, after one gives way to another, and which exchanges are likely to pay?

An exchange moves on from the solved transport problem (its arrays are those of ``room_split``): rows of the site that
shuts go where they are asked least, the newcomer takes what gains most, and chains do the rest.
"""

import numpy as np

from spatial.siting.room_split import (
    COUNT,
    TOTAL,
    cheapest_entry,
    join_entry,
    leave_entry,
    list_anew,
    list_from,
    list_to,
    price_of,
    shift_load,
    solve_split,
)
from spatial.walking.compiled import inner, kernel

_HAIR, _LITTLE = 1e-9, 1e-6


@inner
def _exchange(told, flow, ways, past, c, new):  # type: ignore[no-untyped-def]
    """Give a column to another site: its rows go where they are asked least, and the newcomer takes what gains most."""
    ptr, site, cost, row, load, sptr, listed, room = told
    share, members, _, count, col, of, left = flow
    out = of[c]
    for q in range(count[out] - 1, -1, -1):
        k = members[sptr[out] + q]
        shift_load(told, flow, ways, past, k, cheapest_entry(told, flow, ways, row[k], c), share[k])
    col[out], col[new], of[c], left[c], ways[5][c] = -1, c, new, room[new], np.inf
    list_from(told, flow, ways, c)
    list_to(told, flow, ways, c)
    first, size = sptr[new], sptr[new + 1] - sptr[new]
    rate = np.full(size, -np.inf)
    for q in range(size):
        h = listed[first + q]
        i = row[h]
        for k in range(ptr[i], ptr[i + 1]):
            if share[k] > 0.0:
                rate[q] = max(rate[q], (cost[k] - cost[h]) / load[i] + price_of(ways[5], col[site[k]]))
    order = np.argsort(-rate)
    for g in range(size):
        h = listed[first + order[g]]
        if rate[order[g]] <= 0.0 or left[c] <= _HAIR:
            break
        for k in range(ptr[row[h]], ptr[row[h] + 1]):
            if k != h and share[k] > 0.0 and left[c] > 0.0:
                shift_load(told, flow, ways, past, k, h, min(share[k], left[c]))


@inner
def _undo(told, flow, ways, past, c, out):  # type: ignore[no-untyped-def]
    """Take back all moves since an exchange, the last one first, and the exchange itself."""
    share, _, _, _, col, of, _ = flow
    for g in range(np.int64(past[3][COUNT]) - 1, -1, -1):
        k, h = past[0][g], past[1][g]
        share[h] -= past[2][g]
        if share[h] <= _LITTLE:
            share[h] = 0.0
            leave_entry(told, flow, h)
        if share[k] == 0.0:
            join_entry(told, flow, k)
        share[k] += past[2][g]
        for e in (k, h):
            if col[told[1][e]] >= 0:
                ways[7][col[told[1][e]]] = True
    col[of[c]], col[out], of[c] = -1, c, out
    ways[7][c] = True
    list_anew(told, flow, ways)
    list_to(told, flow, ways, c)


@kernel
def best_exchange(told, flow, ways, past, pairs, least, enough):  # type: ignore[no-untyped-def]
    """Carry out the exchange of column and site with the least total below ``enough``; return which, -1 for none.

    ``least`` is how low each can lead, ascending.
    """
    pick, best, total = np.int64(-1), enough, past[3][TOTAL]
    left, price = flow[6].copy(), ways[5].copy()
    for h in range(len(pairs) + 1):
        last = h == len(pairs) or least[h] >= best
        if last and pick < 0:
            break
        at = pick if last else np.int64(h)
        c, out = pairs[at, 0], flow[5][pairs[at, 0]]
        past[3][COUNT], past[3][TOTAL] = 0.0, total
        _exchange(told, flow, ways, past, c, pairs[at, 1])
        value = solve_split(told, flow, ways, past, np.inf if last else best)
        if last:
            break
        if value < best:
            pick, best = at, value
        _undo(told, flow, ways, past, c, out)
        for a in range(len(left)):
            flow[6][a], ways[5][a] = left[a], price[a]
        past[3][TOTAL] = total
    return pick


@kernel
def weigh_columns(told, flow, ways, closing, extra, own):  # type: ignore[no-untyped-def]
    """Write what shutting each column adds at these prices, what new sites gain of it by its rows, what rows are asked.

    ``extra`` has a row for each site.
    """
    ptr, site, cost, _, load, _, _, room = told
    col, of, price = flow[4], flow[5], ways[5]
    for a in range(len(of)):
        closing[a] = price_of(price, a) * room[of[a]]
    for i in range(len(load)):
        one, two, at = np.inf, np.inf, np.int64(-1)
        for h in range(ptr[i], ptr[i + 1]):
            b = col[site[h]]
            if b < 0 or cost[h] >= two:
                continue
            asked = cost[h] + price_of(price, b) * load[i]
            if asked < one:
                one, two, at = asked, one, b
            else:
                two = min(two, asked)
        own[i] = one
        if two < np.inf:
            closing[at] += two - one
        for h in range(ptr[i], ptr[i + 1]):
            if col[site[h]] < 0 and cost[h] < two:
                extra[site[h], at] += two - max(one, cost[h])
