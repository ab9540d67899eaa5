"""What do open sites cost, rows shared, after one gives way to another, and which exchanges are likely to pay?

An exchange moves on from the solved transport problem (its arrays are those of ``split.py``): rows of the site that
shuts go where they are asked least, the newcomer takes what gains most, and chains do the rest.
"""

import numpy as np

from spatial.siting.room.split import (
    COUNT,
    TOTAL,
    cheapest_entry,
    join_entry,
    leave_entry,
    list_anew,
    list_from,
    list_to,
    price_of,
    seat_site,
    shift_load,
    solve_split,
)
from spatial.walking.columns import hold, narrow
from spatial.walking.compiled import inner, kernel

_HAIR, _LITTLE = 1e-9, 1e-6


@inner
def _exchange(told, flow, ways, past, c, new):  # type: ignore[no-untyped-def]
    """Give a column to another site: its rows go where they are asked least, and the newcomer takes what gains most."""
    ptr, _, cost, row, load, sptr, listed, room = told
    share, members, _, count, _, of, left, seat, seats, at_col, at_cost = flow
    out = of[c]
    for q in range(count[out] - 1, -1, -1):
        k = members[sptr[out] + q]
        shift_load(told, flow, ways, past, k, cheapest_entry(told, flow, ways, row[k], c), share[k])
    seat_site(told, flow, c, new)
    left[c], ways[5][c] = room[new], np.inf
    list_from(told, flow, ways, c)
    list_to(told, flow, ways, c)
    first, size = sptr[new], sptr[new + 1] - sptr[new]
    rate = np.full(size, -np.inf)
    for q in range(size):
        h = listed[first + q]
        i = row[h]
        for g in range(ptr[i], ptr[i] + seats[i]):
            if share[seat[g]] > 0.0:
                rate[q] = max(rate[q], (at_cost[g] - cost[h]) / load[i] + price_of(ways[5], at_col[g]))
    order = np.argsort(-rate)
    for g in range(size):
        h = listed[first + order[g]]
        if rate[order[g]] <= 0.0 or left[c] <= _HAIR:
            break
        for e in range(ptr[row[h]], ptr[row[h]] + seats[row[h]]):
            k = seat[e]
            if k != h and share[k] > 0.0 and left[c] > 0.0:
                shift_load(told, flow, ways, past, k, h, min(share[k], left[c]))


@inner
def _undo(told, flow, ways, past, c, out):  # type: ignore[no-untyped-def]
    """Take back all moves since an exchange, the last one first, and the exchange itself."""
    share, col = flow[0], flow[4]
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
    seat_site(told, flow, c, out)
    ways[7][c] = True
    list_anew(told, flow, ways)
    list_to(told, flow, ways, c)


@kernel
def best_exchange(told, flow, ways, past, pairs, least, enough):  # type: ignore[no-untyped-def]
    """Carry out the exchange of column and site with the least total below ``enough``; return which, -1 for none.

    ``least`` is how low each can lead, ascending.
    """
    entries, stream, chains, moves = narrow((told, flow, ways, past))
    pick, best, total = np.int64(-1), enough, past[3][TOTAL]
    left, price = flow[6].copy(), ways[5].copy()
    for h in range(len(pairs) + 1):
        last = h == len(pairs) or least[h] >= best
        if last and pick < 0:
            break
        at = pick if last else np.int64(h)
        c, out = pairs[at, 0], flow[5][pairs[at, 0]]
        past[3][COUNT], past[3][TOTAL] = 0.0, total
        _exchange(entries, stream, chains, moves, c, pairs[at, 1])
        value = solve_split(entries, stream, chains, moves, np.inf if last else best)
        if last:
            break
        if value < best:
            pick, best = at, value
        _undo(entries, stream, chains, moves, c, out)
        for a in range(len(left)):
            flow[6][a], ways[5][a] = left[a], price[a]
        past[3][TOTAL] = total
    hold(told, flow, ways, past)
    return pick


@kernel
def weigh_columns(told, flow, ways, closing, extra, own):  # type: ignore[no-untyped-def]
    """Write what shutting each column adds at these prices, what new sites gain of it by its rows, what rows are asked.

    ``extra`` has a row for each site.
    """
    entries, stream, chains = narrow((told, flow, ways))
    ptr, site, cost, _, load, _, _, room = entries
    col, of, seats, at_col, at_cost, price = stream[4], stream[5], stream[8], stream[9], stream[10], chains[5]
    for a in range(len(of)):
        closing[a] = price_of(price, a) * room[of[a]]
    for i in range(len(load)):
        one, two, at = np.inf, np.inf, np.int64(-1)
        for g in range(ptr[i], ptr[i] + seats[i]):
            if at_cost[g] >= two:
                continue
            asked = at_cost[g] + price_of(price, at_col[g]) * load[i]
            if asked < one:
                one, two, at = asked, one, at_col[g]
            else:
                two = min(two, asked)
        own[i] = one
        if two < np.inf:
            closing[at] += two - one
        for h in range(ptr[i], ptr[i + 1]):
            if col[site[h]] < 0 and cost[h] < two:
                extra[site[h], at] += two - max(one, cost[h])
    hold(told, flow, ways)
