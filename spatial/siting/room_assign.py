"""Which open site has room for whom? Rows with most to lose first, then moves, exchanges and better sites.

Costs are a dense table of rows and sites, infinite where a site does not serve; its last column stands for nobody,
with room for all.
"""

import numpy as np

from spatial.walking.compiled import inner, kernel


@kernel
def improve_rooms(cost, load, room, opened, movable, served, rounds, state):  # type: ignore[no-untyped-def]
    """Improve open sites and who they serve, in place, by moving sites at random; return the total.

    ``served`` is filled anew; ``movable`` sites may close and open in each other's stead; ``state`` is the state of the
    random numbers.
    """
    sites = cost.shape[1]
    best = _serve(cost, load, room, opened, movable, served)
    now, who = opened.copy(), served.copy()
    for _ in range(rounds):
        for s in range(sites):
            now[s] = opened[s]
        out, new = _pick(now, movable, cost, served, state)
        if out < 0:
            break
        now[out], now[new] = False, True
        value = _serve(cost, load, room, now, movable, who)
        if value < best - 1e-9 * max(best, 1.0):
            best = value
            for s in range(sites):
                opened[s] = now[s]
            for i in range(len(load)):
                served[i] = who[i]
    return best


@inner
def _random(state, size):  # type: ignore[no-untyped-def]
    state[0] = (state[0] * np.int64(1103515245) + np.int64(12345)) & np.int64(0x7FFFFFFF)
    return (state[0] >> 8) % size


@inner
def _pick(opened, movable, cost, served, state):  # type: ignore[no-untyped-def]
    """Pick an open site to shut, and one to open that is near to a row of some other open site."""
    n, sites = cost.shape
    for _ in range(200):
        i = _random(state, n)
        out, seen = -1, 0
        new = _random(state, sites - 1)
        for _ in range(8):  # of some sites at random, the one that is cheapest for the row
            other = _random(state, sites - 1)
            if cost[i, other] < cost[i, new]:
                new = other
        for s in range(sites - 1):
            if opened[s] and movable[s]:
                seen += 1
                if _random(state, seen) == 0:
                    out = s
        if out >= 0 and movable[new] and not opened[new]:
            return out, new
    return -1, -1


@inner
def _serve(cost, load, room, opened, movable, served):  # type: ignore[no-untyped-def]
    """Assign all rows, improve the assignment and the place of each site, and return the total."""
    left = room.copy()
    _assign(cost, load, left, opened, served)
    total = np.inf
    for _ in range(50):
        total = _exchange(cost, load, left, opened, served)
        if not _recentre(cost, load, room, left, opened, movable, served):
            break
    return total


@inner
def _assign(cost, load, left, opened, served):  # type: ignore[no-untyped-def]
    """Give each row a site: always the row that would lose most if its best site were full."""
    n, sites = cost.shape
    best, regret = np.empty(n, np.int64), np.empty(n)
    for i in range(n):
        served[i] = -1
        best[i] = -2
    for _ in range(n):
        pick = -1
        for i in range(n):
            if served[i] >= 0:
                continue
            if best[i] == -2 or load[i] > left[best[i]]:
                one, two, best[i] = np.inf, np.inf, sites - 1
                for s in range(sites):
                    if opened[s] and load[i] <= left[s] and cost[i, s] < two:
                        if cost[i, s] < one:
                            two, one, best[i] = one, cost[i, s], s
                        else:
                            two = cost[i, s]
                regret[i] = (two - one) if one < np.inf else 0.0
            if pick < 0 or regret[i] > regret[pick]:
                pick = i
        served[pick] = best[pick]
        left[best[pick]] -= load[pick]


@inner
def _exchange(cost, load, left, opened, served):  # type: ignore[no-untyped-def]
    """Move rows to other sites, and exchange pairs of rows, while that lowers the total; return it."""
    n, sites = cost.shape
    moved = True
    while moved:
        moved = False
        for i in range(n):
            for s in range(sites):
                if opened[s] and s != served[i] and load[i] <= left[s] and cost[i, s] < cost[i, served[i]]:
                    left[served[i]] += load[i]
                    left[s] -= load[i]
                    served[i] = s
                    moved = True
        for i in range(n):
            for k in range(i):
                a, b = served[i], served[k]
                if a == b or cost[i, b] + cost[k, a] >= cost[i, a] + cost[k, b]:
                    continue
                if cost[i, a] == np.inf or cost[k, b] == np.inf:
                    continue
                gap = load[i] - load[k]
                if (
                    cost[i, b] + cost[k, a] < (cost[i, a] + cost[k, b]) * (1 - 1e-12)
                    and gap <= left[b]
                    and -gap <= left[a]
                ):
                    left[a] += gap
                    left[b] -= gap
                    served[i], served[k] = b, a
                    moved = True
    total = 0.0
    for i in range(n):
        total += cost[i, served[i]]
    return total


@inner
def _recentre(cost, load, room, left, opened, movable, served):  # type: ignore[no-untyped-def]
    """Move each open site to where those it serves are served best; tell whether one moved."""
    n, sites = cost.shape
    moved = False
    rows = np.empty(n, np.int64)
    for s in range(sites - 1):
        if not opened[s] or not movable[s]:
            continue
        count, now, full = 0, 0.0, room[s] - left[s]
        for i in range(n):
            if served[i] == s:
                rows[count] = i
                count += 1
                now += cost[i, s]
        if count == 0:
            continue
        to = s
        for t in range(sites - 1):
            if opened[t] or not movable[t] or room[t] < full:
                continue
            other = 0.0
            for h in range(count):
                other += cost[rows[h], t]
                if other >= now:
                    break
            if other < now * (1 - 1e-12):
                to, now = t, other
        if to != s:
            opened[s], opened[to] = False, True
            for h in range(count):
                served[rows[h]] = to
            left[s], left[to] = room[s], room[to] - full
            moved = True
    return moved
