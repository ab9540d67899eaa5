"""Who goes where if open sites may be full, and what is a place at each of them worth then?

Rows are small against the room of a site here. They are moved whole along the cheapest chain of open sites that ends
where there is room (shortest paths of a transport problem whose nodes are the sites alone); what a chain costs per unit
of load is the price of room where it begins. ``paid`` has a column for each open site, and a last one for nobody, whose
room has no end.
"""

import numpy as np

from spatial.walking.compiled import inner, kernel

_HAIR = 1e-9
_SWEEPS = 40
_NEAR = 0.03
"""A chain is used again without looking for another where it has not become dearer than this share."""


@kernel
def fill_sites(paid, load, room, who, price, most, enough):  # type: ignore[no-untyped-def]
    """Move rows between the columns until none is too full and no chain saves anything; fill the prices of room.

    ``who`` is the column of each row, changed in place. After ``most`` chains looked for, rows of columns still
    too full go one by one to where there is room. Returns the total; infinite where a column stays too full, or as soon
    as what is paid and what the chains still ask for come to more than ``enough``.
    """
    n, width = paid.shape
    left, arc, via = room.copy(), np.empty((width, width)), np.empty((width, width), np.int64)
    near, size = np.empty((width, width), np.int64), np.empty(width, np.int64)
    head, after, before = np.full(width, -1, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    for i in range(n):
        left[who[i]] -= load[i]
        _join(head, after, before, who[i], i)
    for a in range(width):
        _list_arcs(paid, load, head, after, arc, via, near, size, a)
    to, shut, light = np.empty(width, np.int64), np.zeros(width, np.bool_), _light(load)
    chain = np.empty(width + 1, np.int64)
    for turn in range(2 * most):
        _reach_room(arc, near, size, left, shut, 0.0, price, to)
        start = _start_of(left, price)
        if start < 0:
            break
        if _least_total(paid, who, left, price) > enough:
            return np.inf
        length = _chain_from(start, to, chain)
        bad, limit = _misfit(paid, load, left, via, chain, length), price[start]
        late = turn >= most or (bad == width - 1 and left[start] < -_HAIR)
        if bad >= 0 and not shut[bad] and not late:
            shut[bad] = True
            continue
        if bad >= 0 or late:
            if left[start] >= -_HAIR:
                break
            length, bad = _one_away(paid, load, left, head, after, via, start, chain), np.int64(-1)
        while bad < 0:
            _move_along(load, left, who, head, after, before, via, chain, length)
            for h in range(length):
                _list_arcs(paid, load, head, after, arc, via, near, size, chain[h])
            again = _cost_of_chain(arc, chain, length)
            if left[start] >= -_HAIR or again == np.inf or again > limit + _NEAR * abs(limit):
                break
            bad = _misfit(paid, load, left, via, chain, length)
        for a in range(width):
            shut[a] = False
    for a in range(width):
        shut[a] = False
    _reach_room(arc, near, size, left, shut, light, price, to)
    total = 0.0
    for i in range(n):
        total += paid[i, who[i]]
    for a in range(width):
        if left[a] < -_HAIR * max(room[a], 1.0):
            return np.inf
    return total


@inner
def _least_total(paid, who, left, price):  # type: ignore[no-untyped-def]
    """Return what is paid, and what moving all that is too much along the cheapest chains adds at least."""
    total = 0.0
    for i in range(len(who)):
        total += paid[i, who[i]]
    for a in range(len(left)):
        if left[a] < 0.0 and price[a] < np.inf:
            total -= left[a] * max(price[a], 0.0)
    return total


@inner
def _move_along(load, left, who, head, after, before, via, chain, length):  # type: ignore[no-untyped-def]
    """Move a row from each column of a chain to the next one."""
    for h in range(length - 1):
        a, b = chain[h], chain[h + 1]
        i = via[a, b]
        _leave(head, after, before, a, i)
        _join(head, after, before, b, i)
        left[a], left[b], who[i] = left[a] + load[i], left[b] - load[i], b


@inner
def _light(load):  # type: ignore[no-untyped-def]
    """Return the mean load: a site with less room than that counts as full when room is priced."""
    total = 0.0
    for i in range(len(load)):
        total += load[i]
    return total / max(len(load), 1)


@inner
def _join(head, after, before, a, i):  # type: ignore[no-untyped-def]
    after[i], before[i] = head[a], -1
    if head[a] >= 0:
        before[head[a]] = i
    head[a] = i


@inner
def _leave(head, after, before, a, i):  # type: ignore[no-untyped-def]
    if before[i] >= 0:
        after[before[i]] = after[i]
    else:
        head[a] = after[i]
    if after[i] >= 0:
        before[after[i]] = before[i]


@inner
def _list_arcs(paid, load, head, after, arc, via, near, size, a):  # type: ignore[no-untyped-def]
    """Find the row that moves from one column to each other one at least cost for its load; list those reached."""
    width = arc.shape[0]
    for b in range(width):
        arc[a, b], via[a, b] = np.inf, -1
    i = head[a]
    while i >= 0:
        if load[i] > 0.0:
            now, each = paid[i, a], 1.0 / load[i]
            for b in range(width):
                more = (paid[i, b] - now) * each
                if more < arc[a, b] or (more == arc[a, b] and i < via[a, b] and more < np.inf):
                    arc[a, b], via[a, b] = more, i
        i = after[i]
    arc[a, a], size[a] = np.inf, 0
    for b in range(width):
        if arc[a, b] < np.inf:
            near[a, size[a]] = b
            size[a] += 1


@inner
def _reach_room(arc, near, size, left, shut, least, price, to):  # type: ignore[no-untyped-def]
    """Find the cheapest chain from each column to one with more than so much room: its cost and its next column."""
    width = len(left)
    for a in range(width):
        price[a], to[a] = (0.0 if left[a] > least and not shut[a] else np.inf), -1
    for _ in range(_SWEEPS):
        changed = False
        for a in range(width):
            for q in range(size[a]):
                b = near[a, q]
                cost = arc[a, b] + price[b]
                if cost < price[a] - _HAIR * (1.0 + abs(cost)):
                    price[a], to[a], changed = cost, b, True
        if not changed:
            break


@inner
def _start_of(left, price):  # type: ignore[no-untyped-def]
    """Return the column that is fullest beyond its room, else the one where a chain saves most; -1 for none."""
    start, worst = np.int64(-1), -_HAIR
    for a in range(len(left)):
        if left[a] < worst and price[a] < np.inf:
            start, worst = np.int64(a), left[a]
    if start >= 0:
        return start
    worst = -_HAIR
    for a in range(len(left)):
        if price[a] < worst:
            start, worst = np.int64(a), price[a]
    return start


@inner
def _chain_from(start, to, chain):  # type: ignore[no-untyped-def]
    """Write the columns of a chain; return how many, at most one more than there are."""
    length, a = np.int64(0), start
    while length < len(chain):
        chain[length] = a
        length += 1
        if to[a] < 0:
            break
        a = to[a]
    return length


@inner
def _cost_of_chain(arc, chain, length):  # type: ignore[no-untyped-def]
    total = 0.0
    for h in range(length - 1):
        total += arc[chain[h], chain[h + 1]]
    return total


@inner
def _one_away(paid, load, left, head, after, via, start, chain):  # type: ignore[no-untyped-def]
    """Write the chain of one step that takes a row to a column with room for it at least cost for its load."""
    best, to, who = np.inf, len(left) - 1, head[start]
    i = head[start]
    while i >= 0:
        if load[i] > 0.0:
            for b in range(len(left)):
                more = (paid[i, b] - paid[i, start]) / load[i]
                if b != start and left[b] >= load[i] and more < best:
                    best, to, who = more, b, i
        i = after[i]
    chain[0], chain[1], via[start, to] = start, to, who
    return np.int64(2)


@inner
def _misfit(paid, load, left, via, chain, length):  # type: ignore[no-untyped-def]
    """Return the column that this chain ends at if that has too little room or nothing is won, else -1.

    What is won is room where sites are too full (so this comes to an end), and else less to pay.
    """
    end = chain[length - 1]
    if length == len(chain) or left[end] < load[via[chain[length - 2], end]]:
        return end
    total, excess, others = 0.0, 0.0, 0.0
    for h in range(length - 1):
        a, b = chain[h], chain[h + 1]
        i = via[a, b]
        total += paid[i, b] - paid[i, a]
        then = left[a] + load[i] - (load[via[chain[h - 1], a]] if h else 0.0)
        excess += max(-then, 0.0) - max(-left[a], 0.0)
        others += max(-then, 0.0) if h else 0.0
    if left[chain[0]] < -_HAIR:
        return end if excess >= -_HAIR else np.int64(-1)
    if others > _HAIR:
        return end
    return end if total >= -_HAIR * (1.0 + abs(paid[via[chain[0], chain[1]], chain[0]])) else np.int64(-1)
