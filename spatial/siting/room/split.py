"""How little do some open sites with room cost if rows may be shared, and how little after one gives way to another?

The transport problem between rows and open sites, kept solved while sites are exchanged: load goes from site to site
along cheapest chains (shortest paths among the open sites alone; Ahuja, Magnanti and Orlin, "Network Flows", 1993,
chapter 9), part of a row by part of a row. An exchange touches few rows, and is taken back step by step.

``told`` lists entries by row: (ptr, site, cost, row, load of each row, ptr by site, entries by site, room of each
site); the last site is nobody. ``flow`` is (load by entry, entries that serve, by site, where each stands there, how
many, column of each site or -1, site of each column, room left by column, entries at open sites, by row, how many,
their columns, their costs). ``ways`` is (cost for each unit from
column to column, entry that it leaves, entry that it comes to, columns it reaches, how many, price of room, next
column, flags of columns to be listed anew). ``past`` is (entries left, entries come to, loads, (how many of these,
the total)).
"""

import numpy as np

from spatial.walking.columns import hold, narrow
from spatial.walking.compiled import inner, kernel

_HAIR, _LITTLE = 1e-9, 1e-6
_SWEEPS, _ROUNDS, _NEAR = 60, 2000, 0.02
"""``_NEAR``: share by which a chain may have become dearer where it is used again without looking for another."""
COUNT, TOTAL = 0, 1


@inner
def join_entry(told, flow, k):  # type: ignore[no-untyped-def]
    """Count an entry among those that serve."""
    members, place, count, s = flow[1], flow[2], flow[3], told[1][k]
    place[k], members[told[5][s] + count[s]] = count[s], k
    count[s] += 1


@inner
def leave_entry(told, flow, k):  # type: ignore[no-untyped-def]
    """Count an entry no longer among those that serve."""
    members, place, count, s = flow[1], flow[2], flow[3], told[1][k]
    count[s] -= 1
    last = members[told[5][s] + count[s]]
    members[told[5][s] + place[k]] = last
    place[last], place[k] = place[k], -1


@inner
def seat_site(told, flow, c, new):  # type: ignore[no-untyped-def]
    """Give a column to another site: rows list their entries at open sites anew."""
    ptr, cost, row, sptr, listed = told[0], told[2], told[3], told[5], told[6]
    col, of, seat, seats, at_col, at_cost = flow[4], flow[5], flow[7], flow[8], flow[9], flow[10]
    out = of[c]
    for q in range(sptr[out], sptr[out + 1]):
        i = row[listed[q]]
        seats[i] -= 1
        at, last = ptr[i], ptr[i] + seats[i]
        while at_col[at] != c:
            at += 1
        seat[at], at_col[at], at_cost[at] = seat[last], at_col[last], at_cost[last]
    for q in range(sptr[new], sptr[new + 1]):
        h = listed[q]
        i = row[h]
        at = ptr[i] + seats[i]
        seat[at], at_col[at], at_cost[at] = h, c, cost[h]
        seats[i] += 1
    col[out], col[new], of[c] = -1, c, new


@inner
def _offer(ways, a, b, cost, k, h):  # type: ignore[no-untyped-def]
    """Remember the way of a row from a column to another one, by its entries there, if none is cheaper."""
    arc, near, size = ways[0], ways[3], ways[4]
    if cost < arc[a, b]:
        if arc[a, b] == np.inf:
            near[a, size[a]] = b
            size[a] += 1
        arc[a, b], ways[1][a, b], ways[2][a, b] = cost, k, h


@inner
def _offer_from(told, flow, ways, k):  # type: ignore[no-untyped-def]
    """Tell to which columns an entry that serves could send its row."""
    ptr, i, now = told[0], told[3][k], told[2][k]
    seat, at_col, at_cost = flow[7], flow[9], flow[10]
    a, each, arc = flow[4][told[1][k]], 1.0 / told[4][i], ways[0]
    for g in range(ptr[i], ptr[i] + flow[8][i]):
        b = at_col[g]
        more = (at_cost[g] - now) * each
        if more < arc[a, b] and b != a:
            _offer(ways, a, b, more, k, seat[g])


@inner
def list_from(told, flow, ways, a):  # type: ignore[no-untyped-def]
    """Find at what cost a unit of load goes from a column to each other one."""
    members, count, of = flow[1], flow[3], flow[5]
    arc, near, size = ways[0], ways[3], ways[4]
    for q in range(size[a]):
        arc[a, near[a, q]] = np.inf
    size[a] = 0
    for q in range(count[of[a]]):
        _offer_from(told, flow, ways, members[told[5][of[a]] + q])
    ways[7][a] = False


@inner
def list_to(told, flow, ways, c):  # type: ignore[no-untyped-def]
    """Find at what cost a unit of load goes to a column, whose site is another one now, from each other one."""
    ptr, cost, row, load, sptr, listed = told[0], told[2], told[3], told[4], told[5], told[6]
    share, of, seat, at_col, arc, near, size = flow[0], flow[5], flow[7], flow[9], ways[0], ways[3], ways[4]
    for a in range(len(size)):
        q = 0
        while arc[a, c] < np.inf:
            if near[a, q] == c:
                size[a] -= 1
                near[a, q], arc[a, c] = near[a, size[a]], np.inf
            q += 1
    for q in range(sptr[of[c]], sptr[of[c] + 1]):
        h = listed[q]
        i = row[h]
        for g in range(ptr[i], ptr[i] + flow[8][i]):
            if share[seat[g]] > 0.0 and at_col[g] != c:
                _offer(ways, at_col[g], c, (cost[h] - flow[10][g]) / load[i], seat[g], h)


@inner
def list_anew(told, flow, ways):  # type: ignore[no-untyped-def]
    """Find these costs again from the columns for which they are out of date."""
    for a in range(len(ways[7])):
        if ways[7][a]:
            list_from(told, flow, ways, a)


@inner
def shift_load(told, flow, ways, past, k, h, amount):  # type: ignore[no-untyped-def]
    """Move load of a row from one of its entries to another, remember it, and tell what is out of date."""
    site, cost, load = told[1], told[2], told[4]
    share, col, left = flow[0], flow[4], flow[6]
    a, b, i = col[site[k]], col[site[h]], told[3][k]
    share[k] -= amount
    left[a] += amount
    if share[k] <= 0.0:
        share[k] = 0.0
        leave_entry(told, flow, k)
        ways[7][a] = True
    if share[h] == 0.0:
        join_entry(told, flow, h)
        if not ways[7][b]:
            _offer_from(told, flow, ways, h)
    share[h] += amount
    left[b] -= amount
    past[3][TOTAL] += amount * (cost[h] - cost[k]) / load[i]
    at = np.int64(past[3][COUNT])
    if at < len(past[0]):
        past[0][at], past[1][at], past[2][at] = k, h, amount
    past[3][COUNT] += 1.0


@inner
def _reach_room(flow, ways):  # type: ignore[no-untyped-def]
    """Find the cheapest chain from each column to one with room: its cost for each unit, and its next column."""
    left = flow[6]
    arc, _, _, near, size, price, to, _ = ways
    for a in range(len(left)):
        price[a], to[a] = (0.0 if left[a] > _HAIR else np.inf), -1
    for _ in range(_SWEEPS):
        changed = False
        for a in range(len(left)):
            for q in range(size[a]):
                b = near[a, q]
                cost = arc[a, b] + price[b]
                if cost < price[a] - _HAIR * (1.0 + abs(cost)):
                    price[a], to[a], changed = cost, b, True
        if not changed:
            break


@inner
def _least_total(left, price, total):  # type: ignore[no-untyped-def]
    """Return what is paid, and what all that is too much adds at least; nothing is known while a chain saves some."""
    for a in range(len(left)):
        if price[a] < -_LITTLE:
            return -np.inf
        if left[a] < 0.0:
            total -= left[a] * price[a]
    return total


@inner
def _push(told, flow, ways, past, start):  # type: ignore[no-untyped-def]
    """Move as much as goes along the chain from a column, if that costs no more than was told; tell whether it did."""
    left, most = flow[6], len(flow[6])
    arc, left_by, _, _, _, price, to, _ = ways
    full = left[start] < -_LITTLE
    amount, a, length, cost = (-left[start] if full else np.inf), start, 0, 0.0
    while to[a] >= 0 and length <= most:
        cost += arc[a, to[a]]
        if cost == np.inf:
            return False
        amount = min(amount, flow[0][left_by[a, to[a]]])
        a = to[a]
        length += 1
    if length > most:
        return _turn_round(told, flow, ways, past, a)
    if length == 0 or left[a] <= _HAIR or cost > price[start] + _NEAR * abs(price[start]) + _HAIR:
        return False
    if not full and cost > -_LITTLE:
        return False
    _move_along(told, flow, ways, past, start, length, min(amount, left[a]))
    return True


@inner
def _turn_round(told, flow, ways, past, start):  # type: ignore[no-untyped-def]
    """Move load round a ring of columns, if that costs less than nothing; tell whether it does."""
    arc, left_by, _, _, _, _, to, _ = ways
    amount, cost, a, length = np.inf, 0.0, start, 0
    while length == 0 or a != start:
        amount = min(amount, flow[0][left_by[a, to[a]]])
        cost += arc[a, to[a]]
        a = to[a]
        length += 1
    if not cost < -_LITTLE:
        return False
    _move_along(told, flow, ways, past, start, length, amount)
    return True


@inner
def _move_along(told, flow, ways, past, start, length, amount):  # type: ignore[no-untyped-def]
    a = start
    for _ in range(length):
        b = ways[6][a]
        shift_load(told, flow, ways, past, ways[1][a, b], ways[2][a, b], amount)
        a = b


@inner
def solve_split(told, flow, ways, past, enough):  # type: ignore[no-untyped-def]
    """Move load along cheapest chains until no site is too full and nothing is saved; return the total.

    It is infinite where more than ``enough`` is certain, or where there are more moves than can be taken back.
    """
    left, price, most = flow[6], ways[5], len(past[0]) - 2 * len(flow[6])
    for _ in range(_ROUNDS):
        list_anew(told, flow, ways)
        _reach_room(flow, ways)
        if _least_total(left, price, past[3][TOTAL]) > enough:
            return np.inf
        moved = False
        for a in range(len(left)):
            if price[a] < np.inf and (left[a] < -_LITTLE or price[a] < -_LITTLE):
                while past[3][COUNT] < most and _push(told, flow, ways, past, a):
                    moved = True
                    list_anew(told, flow, ways)
        if not moved:
            break
        if enough == np.inf:
            past[3][COUNT] = 0.0
    for a in range(len(left)):
        if left[a] < -_LITTLE:
            return np.inf
    return past[3][TOTAL]


@inner
def cheapest_entry(told, flow, ways, i, but):  # type: ignore[no-untyped-def]
    """Return the entry of a row whose open site asks least of it with the price of its room; one column is out."""
    ptr, load, at_col, at_cost = told[0], told[4], flow[9], flow[10]
    best, pick = np.inf, np.int64(-1)
    for g in range(ptr[i], ptr[i] + flow[8][i]):
        if at_cost[g] < best and at_col[g] != but:
            asked = at_cost[g] + price_of(ways[5], at_col[g]) * load[i]
            if asked < best:
                best, pick = asked, np.int64(flow[7][g])
    return pick


@inner
def price_of(price, a):  # type: ignore[no-untyped-def]
    """Return the price of room at a column: nothing where none is known."""
    return price[a] if 0.0 < price[a] < np.inf else 0.0


@kernel
def begin_split(told, flow, ways, past):  # type: ignore[no-untyped-def]
    """Fill the open sites from nothing; return the total."""
    entries, stream, chains, moves = narrow((told, flow, ways, past))
    cost, load = told[2], told[4]
    share, col, left = flow[0], flow[4], flow[6]
    for i in range(len(load)):
        h = cheapest_entry(entries, stream, chains, i, np.int64(-1))
        share[h] = load[i]
        join_entry(entries, stream, h)
        left[col[told[1][h]]] -= load[i]
        past[3][TOTAL] += cost[h]
    for a in range(len(left)):
        list_from(entries, stream, chains, a)
    total = solve_split(entries, stream, chains, moves, np.inf)
    hold(told, flow, ways, past)
    return total
